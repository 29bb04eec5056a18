"""What a benchmark can show: the smallest true difference that it would find four times in five."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from biobench.statistics.boards import Board
from biobench.statistics.cluster import jackknife_standard_error
from biobench.statistics.joint import FEWEST_CLUSTERS, NotTestable
from biobench.statistics.seeds import generator
from biobench.statistics.student import power_of_t
from biobench.statistics.sums import leave_one_out

__all__ = [
    "Growth",
    "growth_table",
    "paired_standard_error",
    "smallest_difference",
    "smallest_difference_sign_flip",
]

_REPLICATIONS = 4_000
_MOST_SIGNS = 1_024


@dataclass(frozen=True, slots=True)
class Growth:
    """The smallest difference that a benchmark of this many people and videos could show."""

    people: int
    videos: int
    smallest_difference: float


def paired_standard_error(table: Board, first: str, second: str) -> float:
    """The jackknife standard error of the difference of two systems' scores.

    NaN where one has no score without some cluster. Raises ``KeyError`` for a system that isn't on the board.
    """
    for name in (first, second):
        if name not in table.names:
            raise KeyError(f"{name!r} is not on the board")
    a, b = table.names.index(first), table.names.index(second)
    without = leave_one_out(table.score, table.sums[[a, b]])
    return float(jackknife_standard_error(without[0] - without[1]))


def smallest_difference(standard_error: float, clusters: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """The true difference that a two-sided paired cluster t test finds with this power.

    ``standard_error`` is the measured one of a paired difference on ``clusters`` clusters. Noncentral t, not
    the usual ``(t + z) * error``, which is 2 % too small for seven clusters. Raises ``ValueError`` for fewer
    than two clusters, an error that isn't positive, or a power that isn't between alpha and 1.

    >>> round(smallest_difference(0.01, clusters=7), 4)
    0.0337
    """
    _check(standard_error, clusters, power, alpha)
    return standard_error * _first_reaching(lambda shift: power_of_t(shift, clusters - 1, alpha), power)


def smallest_difference_sign_flip(
    standard_error: float, clusters: int, *, power: float = 0.8, alpha: float = 0.05, seed: int = 0
) -> float | NotTestable:
    """The same for the sign-flip test of one pair, simulated with normal differences and equal clusters.

    4,000 replications give the power to within 0.013. Beyond 11 clusters 1,023 sign vectors stand for all.
    In a table of many systems the joint test needs more than this: see ``smallest_detectable_difference``.
    """
    _check(standard_error, clusters, power, alpha)
    if clusters < FEWEST_CLUSTERS or 2.0 ** (1 - clusters) > alpha:
        return NotTestable(f"{clusters} clusters are too few for a sign-flip test at {alpha:g}")
    rng = generator("power of sign flips", seed)
    noise = rng.standard_normal((_REPLICATIONS, clusters))
    if 2 ** (clusters - 1) <= _MOST_SIGNS:
        bits = (np.arange(1, 2 ** (clusters - 1))[:, None] >> np.arange(clusters)) & 1
    else:
        bits = rng.integers(0, 2, size=(_MOST_SIGNS - 1, clusters))
    signs = 1.0 - 2.0 * bits
    noise_flipped, noise_sum = np.einsum("rg,vg->rv", noise, signs), noise.sum(axis=1)
    lifts = signs.sum(axis=1)

    def rejected(shift: float) -> float:
        # In standard errors; a cluster's difference has standard deviation 1 here.
        mean = shift / math.sqrt(clusters)
        observed = np.abs(noise_sum + clusters * mean)[:, None]
        as_large = (np.abs(noise_flipped + mean * lifts) >= observed * (1 - 1e-9)).sum(axis=1)
        return float(np.mean((as_large + 1) / (len(signs) + 1) <= alpha))

    return standard_error * _first_reaching(rejected, power)


def growth_table(
    standard_error: float,
    people: int,
    videos: int,
    *,
    correlation: float,
    people_times: Sequence[int] = (1, 2, 4),
    videos_times: Sequence[int] = (1, 2, 4),
    power: float = 0.8,
    alpha: float = 0.05,
) -> tuple[Growth, ...]:
    """How the smallest difference shrinks with more people, and with more videos of each.

    ``standard_error``: of a paired difference, with the person as the cluster. The variance of a mean over G
    people with m videos each is proportional to ``(1 + (m - 1) rho) / (G m)`` (Kish 1965), rho being the
    ``correlation`` of the differences in two videos of one person: unless it is 0, more videos of the same
    people soon stop helping.

    >>> rows = growth_table(0.01, people=7, videos=74, correlation=0.1, people_times=[1])
    >>> [round(row.smallest_difference, 4) for row in rows]
    [0.0337, 0.0295, 0.0273]
    """
    if not 2 <= people <= videos or not 0 <= correlation <= 1:
        raise ValueError(f"expected 2 or more people, as many videos, 0 <= rho <= 1: {people}, {videos}, {correlation}")
    each = videos / people
    now = (1 + (each - 1) * correlation) / videos
    rows = []
    for more_people in people_times:
        for more_videos in videos_times:
            m, total = each * more_videos, videos * more_people * more_videos
            error = standard_error * math.sqrt((1 + (m - 1) * correlation) / total / now)
            smallest = smallest_difference(error, people * more_people, power=power, alpha=alpha)
            rows.append(Growth(people * more_people, total, smallest))
    return tuple(rows)


def _check(standard_error: float, clusters: int, power: float, alpha: float) -> None:
    if not standard_error > 0 or clusters < 2 or not 0 < alpha < power < 1:
        raise ValueError(f"no power from error {standard_error}, {clusters} clusters, power {power}, level {alpha}")


def _first_reaching(power_at: Callable[[float], float], wanted: float) -> float:
    low, high = 0.0, 1.0
    while power_at(high) < wanted:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if power_at(middle) < wanted else (low, middle)
    return high
