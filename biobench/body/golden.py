"""Golden standards: one repetition of good form for each exercise, as plain numbers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from biobench.body.skel import COUNT, Side
from biobench.exercises import find_exercise
from biobench.files import write_bytes, write_text
from biobench.problems import Problem, ProblemsFound
from biobench.readers.npy import read_numeric_npy

__all__ = ["golden_name", "read_golden", "write_golden"]

_SHARED = {"toe touchers": "floor touches"}
_FEWEST = 4


def golden_name(exercise: str, side: Side | None = None) -> str:
    """The file of an exercise, in any of its spellings; the two stretches have one for each side. Raises ``KeyError``.

    >>> golden_name("push-ups"), golden_name("armcrosschest", "left"), golden_name("toe touches")
    ('realistic_golden_standard_push_ups.npy', 'realistic_golden_standard_deltoid_stretch_left.npy',
    'realistic_golden_standard_floor_touches.npy')
    """
    found = find_exercise(exercise)
    if found is None:
        raise KeyError(f"the catalogue has no exercise {exercise!r}")
    name = _SHARED.get(found.name, found.name).replace(" ", "_")
    suffix = f"_{side or found.side}" if (side or found.side) else ""
    return f"realistic_golden_standard_{name}{suffix}.npy"


def read_golden(folder: Path, exercise: str, side: Side | None = None) -> NDArray[np.float64]:
    """One repetition, (frames, 46) radians. Raises ``ProblemsFound``, and ``KeyError`` as ``golden_name``."""
    path = folder / golden_name(exercise, side)
    expected = f"one repetition as (frames, {COUNT}) numbers in radians"
    read = read_numeric_npy(path, expected)
    if isinstance(read, Problem):
        raise ProblemsFound([read])
    array, _ = read
    if array.ndim != 2 or array.shape[1] != COUNT or len(array) < _FEWEST or array.dtype.kind != "f":
        raise ProblemsFound([Problem(str(path), f"{array.dtype} of the shape {array.shape}", expected)])
    angles = array.astype(np.float64)
    if not np.all(np.isfinite(angles)):
        raise ProblemsFound([Problem(str(path), "an angle that is no finite number", expected)])
    return np.unwrap(angles, axis=0)


def write_golden(
    folder: Path, exercise: str, angles_rad: NDArray[np.float64], made: dict[str, str], side: Side | None = None
) -> Path:
    """Writes a repetition and, beside it, how it was ``made`` (JSON); the same input gives the same bytes."""
    angles = np.asarray(angles_rad, dtype=np.float64)
    if angles.ndim != 2 or angles.shape[1] != COUNT or len(angles) < _FEWEST or not np.all(np.isfinite(angles)):
        raise ValueError(f"expected at least {_FEWEST} frames of {COUNT} finite angles, got {angles.shape}")
    path = folder / golden_name(exercise, side)
    stream = io.BytesIO()
    npy_format.write_array(stream, angles, version=(1, 0), allow_pickle=False)
    write_bytes(path, stream.getvalue())
    write_text(path.with_suffix(".json"), json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    return path
