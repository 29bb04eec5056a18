"""How sure one score is: intervals over people (or videos), never over remarks.

Remarks of one person are alike, so the unit that varies is the cluster: the person where known, else the
video. A score is any smooth function of pooled sums that stays the same when all sums are multiplied by one
number (every ratio does). Where no cluster dominates, the interval is the delete-one-cluster jackknife with t
(Efron and Stein 1981; CV3J in MacKinnon, Nielsen and Webb 2023). Where one does, that interval is too short,
and ``wild.py`` inverts a test instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from biobench.statistics.student import t_quantile
from biobench.statistics.sums import (
    ClusterSums,
    Floats,
    ScoreFunction,
    cluster_sums,
    contributions,
    effective_clusters,
    leave_one_out,
)
from biobench.statistics.sums import shares as shares_of
from biobench.statistics.wild import WildTest

__all__ = [
    "AssumedCorrelation",
    "ClusterSums",
    "Interval",
    "NoInterval",
    "cluster_sums",
    "effective_clusters",
    "interval",
    "interval_from_values",
    "jackknife_standard_error",
    "subject_correlation_table",
]

_LARGEST_SHARE = 0.25
_FEWEST_EFFECTIVE = 6.0
_FEWEST_FOR_WILD = 5
_NEARLY_EQUAL = 0.9


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true score lies with ``confidence``, and what that rests on.

    ``standard_error`` is the jackknife's. ``clusters`` are those that the score counts at all;
    ``effective_clusters`` is 1 / sum(w^2) of their shares w, ``largest_share`` the largest w. Bounds are not
    clipped: those of a score in [0, 1] may lie outside it, which says that the normal shape no longer fits; a
    clipped bound would hide that.
    """

    low: float
    high: float
    confidence: float
    method: Literal["jackknife-t", "wild-webb"]
    standard_error: float
    clusters: int
    effective_clusters: float
    largest_share: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"[{self.low}, {self.high}] is no interval")
        if not 0 < self.confidence < 1 or self.clusters < 2 or not self.standard_error > 0:
            raise ValueError(f"an interval can't have {self.confidence}, {self.clusters}, {self.standard_error}")


@dataclass(frozen=True, slots=True)
class NoInterval:
    """There is no interval, and why."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError("no interval without a reason")


@dataclass(frozen=True, slots=True)
class AssumedCorrelation:
    """The half-width that an interval would have if the videos of a person correlated by ``correlation``."""

    correlation: float
    half_width: float


def interval(
    score: ScoreFunction,
    table: ClusterSums,
    weights: Sequence[float] | Floats | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval | NoInterval:
    """The interval of a pooled score.

    Deterministic; ``seed`` matters only for the fallback with 8 clusters or more.

    ``weights``, shape (G,), is each cluster's part of the score's denominator, for pooled F references +
    predictions: ``metric.denominator(table.sums)``. Without them, the number of segments. They choose the
    method and shape the fallback; the jackknife itself does not use them. A cluster of weight 0 is not
    counted, unless it moves the score. Raises ``ValueError`` for negative weights, or where all are 0.

    >>> people = cluster_sums(np.array([[1.0, 2], [2, 2], [1, 2], [2, 2], [1, 2], [0, 2]]), list("abcdef"))
    >>> found = interval(lambda sums: sums[..., 0] / sums[..., 1], people)
    >>> isinstance(found, Interval) and (round(found.low, 3), round(found.high, 3), found.method)
    (0.188, 0.978, 'jackknife-t')
    """
    shares = shares_of(table.segments if weights is None else weights, len(table.names))
    value = float(score(table.sums.sum(axis=0)))
    if math.isnan(value):
        return NoInterval("there is no score")
    without = leave_one_out(score, table.sums)
    if len(table.names) >= 2 and np.any(np.isnan(without)):
        missing = table.names[int(np.argmax(np.isnan(without)))]
        return NoInterval(f"without {missing} there is no score")
    influence = contributions(score, table.sums, shares) - shares * value
    return _interval(value, without, influence, shares, confidence=confidence, seed=seed)


def interval_from_values(
    value: float,
    without: Sequence[float] | Floats,
    weights: Sequence[float] | Floats,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval | NoInterval:
    """The interval of a score known only as its value and its values without each cluster, shape (G,).

    For scores that are maximised anew in every deleted cluster. ``weights`` as for ``interval``.
    """
    shares = shares_of(weights, len(without))
    values = np.asarray(without, dtype=np.float64)
    if math.isnan(value) or (len(values) >= 2 and np.any(np.isnan(values))):
        return NoInterval("there is no score" if math.isnan(value) else "without one of the clusters there is no score")
    # For a ratio this is the influence exactly: num_g/den - value * den_g/den.
    influence = (1 - shares) * (value - values)
    return _interval(value, values, influence - shares * influence.sum(), shares, confidence=confidence, seed=seed)


def jackknife_standard_error(without: Floats) -> Floats:
    """The delete-one-cluster jackknife standard error of leave-one-out values, (..., G) -> (...).

    ``sqrt((G-1)/G * sum((v_g - mean v)^2))``. For the mean of G equal clusters it is s/sqrt(G) exactly.
    """
    spread = without - without.mean(axis=-1, keepdims=True)
    count = without.shape[-1]
    error: Floats = np.sqrt((count - 1) / count * (spread * spread).sum(axis=-1))
    return error


def subject_correlation_table(
    standard_error: float,
    videos: int,
    people: int = 7,
    correlations: Sequence[float] = (0.0, 0.02, 0.05, 0.10),
    confidence: float = 0.95,
) -> tuple[AssumedCorrelation, ...]:
    """What the interval would be if the people behind the videos were known.

    ``standard_error`` is the one with the video as the cluster. With m videos a person whose scores correlate
    by rho, its square grows by the design effect ``1 + (m - 1) rho`` (Kish, Survey Sampling, 1965), and t has
    people - 1 degrees of freedom. Raises ``ValueError`` for fewer than two people or fewer videos than
    people.

    >>> [round(row.half_width, 3) for row in subject_correlation_table(0.01, videos=74)]
    [0.024, 0.027, 0.03, 0.034]
    """
    if not 2 <= people <= videos or not standard_error > 0:
        raise ValueError(f"expected 2 or more people and as many videos, got {people} and {videos}, {standard_error}")
    t = t_quantile((1 + confidence) / 2, people - 1)
    each = videos / people
    return tuple(AssumedCorrelation(rho, t * standard_error * math.sqrt(1 + (each - 1) * rho)) for rho in correlations)


def _interval(
    value: float, without: Floats, influence: Floats, shares: Floats, *, confidence: float, seed: int
) -> Interval | NoInterval:
    if not 0 < confidence < 1:
        raise ValueError(f"expected a confidence between 0 and 1, got {confidence}")
    scale = float(np.nanmax(np.abs([value, *without])))
    counted = (shares > 0) | (np.abs(without - value) > 1e-9 * scale)
    without, influence, shares = without[counted], influence[counted], shares[counted]
    clusters = len(shares)
    if clusters < 2:
        return NoInterval("there is one cluster only")
    if float(np.ptp(without)) <= 1e-12 * scale:
        return NoInterval(f"no spread: all {clusters} clusters score the same")
    error = float(jackknife_standard_error(without))
    half_width = t_quantile((1 + confidence) / 2, clusters - 1) * error
    effective, largest = effective_clusters(shares), float(shares.max())
    method: Literal["jackknife-t", "wild-webb"] = "jackknife-t"
    low, high = value - half_width, value + half_width
    if _dominated(effective, largest, clusters):
        bounds = WildTest(influence, shares, seed).bounds(1 - confidence, half_width)
        # Without any influence at the estimate (a mean over strata, of which a cluster is one) every distance is rejected.
        if bounds is None or not bounds[0] < bounds[1]:
            share = f"the largest with {largest:.0%} of what is counted"
            return NoInterval(f"{clusters} clusters, {share}, can't bound the score")
        method = "wild-webb"
        low, high = value + bounds[0], value + bounds[1]
    return Interval(low, high, confidence, method, error, clusters, effective, largest)


def _dominated(effective: float, largest: float, clusters: int) -> bool:
    # The margin keeps six equal clusters on the near side, whichever way their shares are rounded.
    if largest <= _LARGEST_SHARE + 1e-9 and effective >= _FEWEST_EFFECTIVE - 1e-9:
        return False
    # Under five clusters the test has so few weights that its interval is many times too wide or has no end,
    # while t holds its level as long as the clusters are nearly equal.
    return clusters >= _FEWEST_FOR_WILD or effective < _NEARLY_EQUAL * clusters
