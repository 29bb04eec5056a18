"""Means of values that come in clusters, and whether such a mean is as good as 0."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biobench.statistics.cluster import jackknife_standard_error
from biobench.statistics.student import t_quantile, two_sided_p

__all__ = ["ClusterMean", "Equivalence", "cluster_mean", "equivalent", "p_less"]

_Floats = NDArray[np.float64]


class ClusterMean(NamedTuple):
    """The mean of ``n`` values in ``clusters`` clusters, with its interval, or the reason why there is none."""

    value: float
    low: float | None
    high: float | None
    standard_error: float | None
    clusters: int
    n: int
    reason: str | None


class Equivalence(NamedTuple):
    """Whether a mean is within the margin, and the interval of level 1 - 2 alpha that shows it.

    ``p_value`` is None where nothing could be tested, and ``low`` and ``high`` where there is no spread; ``reason`` says why.
    """

    equivalent: bool
    p_value: float | None
    mean: float
    low: float | None
    high: float | None
    reason: str | None


def cluster_mean(
    values: Sequence[float] | _Floats, clusters: Sequence[Hashable] | None, confidence: float = 0.95
) -> ClusterMean:
    """The mean over values, and its interval over clusters; None: every value is a cluster of its own.

    The mean is a ratio of sums, its standard error the delete-one-cluster jackknife's, its interval t with one degree of
    freedom fewer than there are clusters. Raises ``ValueError`` for no values, values that are not finite, and another number
    of clusters than of values.

    >>> found = cluster_mean([1.0, 0.0, 1.0, 1.0], ["a", "a", "b", "c"])
    >>> found.value, round(found.standard_error or 0, 4), found.clusters
    (0.75, 0.2222, 3)
    """
    if not 0 < confidence < 1:
        raise ValueError(f"expected a confidence between 0 and 1, got {confidence}")
    sums, counts = _sums(values, clusters)
    n, groups = int(counts.sum()), len(counts)
    mean = float(sums.sum()) / n
    error = _standard_error(sums, counts)
    if error is None:
        reason = "there is one cluster only" if groups == 1 else f"no spread: all {groups} clusters have the same mean"
        return ClusterMean(mean, None, None, None if groups == 1 else 0.0, groups, n, reason)
    half_width = t_quantile((1 + confidence) / 2, groups - 1) * error
    return ClusterMean(mean, mean - half_width, mean + half_width, error, groups, n, None)


def equivalent(
    values: Sequence[float] | _Floats, clusters: Sequence[Hashable] | None, margin: float, alpha: float = 0.05
) -> Equivalence:
    """Two one-sided cluster t tests: is the mean below ``margin`` and above ``-margin``?

    Schuirmann (1987). Equal to asking whether the interval of level 1 - 2 alpha lies within the margin. Values that are all
    the same decide without a test. Raises ``ValueError`` as ``cluster_mean`` does, and for a margin of 0 or less.

    >>> equivalent([0.0, 0.1, -0.1, 0.0], ["a", "b", "c", "d"], margin=0.2).equivalent
    True
    """
    if not 0 < margin < math.inf or not 0 < alpha < 0.5:
        raise ValueError(f"expected a margin over 0 and an alpha between 0 and .5, got {margin}, {alpha}")
    found = cluster_mean(values, clusters, 1 - 2 * alpha)
    below = p_less(values, clusters, margin)
    above = p_less([-value for value in values], clusters, margin)
    p = None if above is None or below is None else max(above, below)
    return Equivalence(p is not None and p <= alpha, p, found.value, found.low, found.high, found.reason)


def p_less(values: Sequence[float] | _Floats, clusters: Sequence[Hashable] | None, bound: float) -> float | None:
    """The p-value of "the mean is ``bound`` or more" against "it is less": a one-sided t test over clusters.

    Without clusters it is the one-sample t test. Values that are all the same give 0 or 1. None where nothing can be tested:
    one cluster, or values that differ in clusters of the same mean. Raises ``ValueError`` as ``cluster_mean`` does.

    >>> round(p_less([0.0, 1.0, 0.0, 0.0], None, 0.5) or 0, 4)
    0.1955
    """
    sums, counts = _sums(values, clusters)
    mean = float(sums.sum()) / float(counts.sum())
    if len(counts) == 1:
        return None
    if float(np.ptp(np.asarray(values, dtype=np.float64))) == 0:
        return 0.0 if float(values[0]) < bound else 1.0
    error = _standard_error(sums, counts)
    if error is None:
        return None
    t = (mean - bound) / error
    both = two_sided_p(t, len(counts) - 1)
    return both / 2 if t < 0 else 1 - both / 2


def _sums(values: Sequence[float] | _Floats, clusters: Sequence[Hashable] | None) -> tuple[_Floats, _Floats]:
    """The sum and the number of the values of each cluster."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) == 0 or not np.all(np.isfinite(numbers)):
        raise ValueError("expected at least one value, and finite ones")
    if clusters is None:
        return numbers, np.ones(len(numbers))
    if len(clusters) != len(numbers):
        raise ValueError(f"{len(numbers)} values and {len(clusters)} names of clusters")
    index = {name: k for k, name in enumerate(dict.fromkeys(clusters))}
    of_value = np.array([index[name] for name in clusters], dtype=np.int64)
    return np.bincount(of_value, weights=numbers).astype(np.float64), np.bincount(of_value).astype(np.float64)


def _standard_error(sums: _Floats, counts: _Floats) -> float | None:
    """The jackknife's; None for one cluster, and where all clusters have the same mean but for rounding."""
    if len(counts) < 2:
        return None
    means = sums / counts
    if float(np.ptp(means)) <= 1e-12 * float(np.abs(means).max()):
        return None
    return float(jackknife_standard_error((sums.sum() - sums) / (counts.sum() - counts)))
