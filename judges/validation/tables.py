"""Tables of numbers with gaps, as people hand them over: nested sequences, arrays, data frames."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Table", "as_table"]

Table = Sequence[Sequence[float | None]] | NDArray[np.float64]
"""Rows of numbers, with None or NaN for gaps; a pandas DataFrame will do too."""


def as_table(values: Table, rows: str, columns: str) -> NDArray[np.float64]:
    """A table as an array of its own, NaN for gaps; ``rows`` and ``columns`` name them in messages.

    Raises ``ValueError`` for rows of unequal length, what is no table of numbers, and infinite numbers.

    >>> as_table([[1, None], [2, 3]], "items", "raters").tolist()
    [[1.0, nan], [2.0, 3.0]]
    """
    wanted = f"{rows} x {columns}"
    if isinstance(values, np.ndarray) and values.dtype == np.float64:
        table = values.copy()
    else:
        # A data frame's own iterator gives the names of its columns.
        given: Iterable[Iterable[object]] = values.to_numpy(dtype=object) if hasattr(values, "to_numpy") else values
        try:
            read = [[_number(cell) for cell in row] for row in given]
        except TypeError as error:
            raise ValueError(f"expected {wanted}, numbers or None: {error}") from error
        if len(set(map(len, read))) > 1:
            raise ValueError(f"expected {wanted}, got rows of unequal length")
        table = np.array(read, dtype=np.float64) if read else np.empty((0, 0))
    if table.ndim != 2:
        raise ValueError(f"expected {wanted}, got the shape {table.shape}")
    if np.any(np.isinf(table)):
        raise ValueError(f"expected finite numbers, {wanted}, got an infinite one")
    return table


def _number(cell: object) -> float:
    """NaN for None and for pandas' own missing value, which is no number."""
    if cell is None or type(cell).__name__ == "NAType":
        return math.nan
    if isinstance(cell, str):
        raise TypeError(f"{cell!r} is a text")
    return float(cell)  # type: ignore[arg-type]  # float says itself what it can't take
