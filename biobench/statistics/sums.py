"""Rows of segments summed over clusters, and what each cluster does to a score of the pooled sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ClusterSums",
    "Floats",
    "ScoreFunction",
    "cluster_sums",
    "contributions",
    "effective_clusters",
    "leave_one_out",
    "shares",
]

Floats = NDArray[np.float64]
ScoreFunction = Callable[[Floats], Floats]
"""Scores of summed rows, shape (..., k) -> (...), NaN where there is none: ``Metric.score`` is one."""


@dataclass(frozen=True, slots=True, eq=False)
class ClusterSums:
    """Rows summed over each cluster: ``sums`` has shape (G, k), ``segments`` (G,) counts the rows in each."""

    names: tuple[str, ...]
    sums: Floats
    segments: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError("a cluster stands in the table twice")
        if self.sums.ndim != 2 or len(self.sums) != len(self.names) or self.segments.shape != (len(self.names),):
            raise ValueError(f"{len(self.names)} clusters, sums {self.sums.shape}, segments {self.segments.shape}")
        if not np.all(np.isfinite(self.sums)) or np.any(self.segments < 1):
            raise ValueError("expected finite sums, and at least one segment in every cluster")
        for field, array in (("sums", self.sums), ("segments", self.segments)):
            frozen = array.copy()
            frozen.flags.writeable = False
            object.__setattr__(self, field, frozen)


def cluster_sums(rows: Floats, clusters: Sequence[str]) -> ClusterSums:
    """Sums rows, shape (segments, k), over clusters, in order of first appearance.

    ``clusters`` names the cluster of each row. Raises ``ValueError`` unless there is one name a row.

    >>> table = cluster_sums(np.array([[1.0], [2.0], [4.0]]), ["Ida", "Bo", "Ida"])
    >>> table.names, table.sums.tolist(), table.segments.tolist()
    (('Ida', 'Bo'), [[5.0], [2.0]], [2, 1])
    """
    if len(rows) != len(clusters):
        raise ValueError(f"{len(rows)} rows and {len(clusters)} names of clusters")
    names = tuple(dict.fromkeys(clusters))
    index = {name: k for k, name in enumerate(names)}
    of_row = np.array([index[name] for name in clusters], dtype=np.int64)
    sums = np.zeros((len(names), rows.shape[1]))
    np.add.at(sums, of_row, rows)
    return ClusterSums(names, sums, np.bincount(of_row, minlength=len(names)))


def leave_one_out(score: ScoreFunction, sums: Floats) -> Floats:
    """The score without each cluster: (..., G, k) -> (..., G)."""
    return score(sums.sum(axis=-2, keepdims=True) - sums)


def contributions(score: ScoreFunction, sums: Floats, weights: Sequence[float] | Floats) -> Floats:
    """What each cluster adds to the score, shape (G, k) -> (G,); they add up to the score.

    ``c_g = psi_g + w_g * score``: psi_g, the influence of cluster g, is the derivative of the score when g is
    counted ``1 + t`` times; for a ratio and its own denominators ``c_g = num_g / den``. Central differences
    of step 1e-4, about 1e-10 precise.
    """
    parts = shares(weights, len(sums))
    pooled = sums.sum(axis=-2, keepdims=True)
    step = 1e-4
    influence = (score(pooled + step * sums) - score(pooled - step * sums)) / (2 * step)
    # Sums to 0 by Euler's theorem but for rounding, and for the 1e-12 that published protocols add to
    # denominators.
    influence = influence - parts * influence.sum()
    added: Floats = influence + parts * score(pooled[0])
    return added


def effective_clusters(weights: Sequence[float] | Floats) -> float:
    """``1 / sum(w^2)`` of the weights as shares: how many equal clusters carry as much (Kish 1965).

    >>> effective_clusters([1, 1, 1, 1])
    4.0
    """
    parts = shares(weights, len(weights))
    return float(1 / (parts @ parts))


def shares(weights: Sequence[float] | Floats | NDArray[np.int64], clusters: int) -> Floats:
    """Weights, shape (clusters,), divided by their sum.

    Raises ``ValueError`` for another shape, for negative or infinite weights, and where all are 0.
    """
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (clusters,):
        raise ValueError(f"expected one weight for each of {clusters} clusters, got {array.shape}")
    total = float(array.sum())
    if not np.all(array >= 0) or not 0 < total < math.inf:
        raise ValueError("expected weights of 0 or more, not all 0")
    return array / total
