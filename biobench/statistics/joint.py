"""Which systems of a table are surely better than which: all pairs tested jointly on one metric.

Two systems are compared by their differences in each cluster, never by two separate intervals. If they are
equally good, a cluster could as well have favoured the other one: every sign of every cluster's difference is
as likely. The observed differences are set against all sign vectors, applied to all pairs at once, and the
largest statistic of the table decides (step-down max-T, Westfall and Young 1993; exact by Romano and Wolf
2005). So the chance of one false claim in the whole table is at most alpha, however many systems stand in it,
and related systems cost less than Bonferroni's share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from biobench.statistics.boards import Board
from biobench.statistics.cluster import jackknife_standard_error
from biobench.statistics.flips import PairFlips
from biobench.statistics.student import two_sided_p
from biobench.statistics.sums import Floats, leave_one_out

__all__ = [
    "FEWEST_CLUSTERS",
    "Comparison",
    "JointTest",
    "NotTestable",
    "holm_cluster_t",
    "joint_test",
    "smallest_detectable_difference",
    "surely_better",
]

FEWEST_CLUSTERS = 6
"""With five, the smallest p value is 2 / 2^5, more than 0.05."""

_MOST_EXACT = 14
_DRAWS = 9_999
_MOST_HOLM = 8
# Contributions are derivatives, precise to about 1e-10: what differs by less ties, and must not be decided by
# rounding.
_TIE = 1e-7
_NO_DIFFERENCE = 1e-9


@dataclass(frozen=True, slots=True)
class NotTestable:
    """The table can't be tested, and why."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError("not testable without a reason")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems, ``difference`` = score of the first minus score of the second, and the adjusted ``p``.

    ``better`` is the one that is surely better, None where the difference may be chance.
    """

    first: str
    second: str
    difference: float
    p: float
    better: str | None

    def __post_init__(self) -> None:
        if self.first == self.second or not 0 <= self.p <= 1 or self.better not in {None, self.first, self.second}:
            raise ValueError(f"no comparison: {self.first}, {self.second}, p = {self.p}, better: {self.better}")


@dataclass(frozen=True, slots=True)
class JointTest:
    """Every pair of a board, tested together: the chance of any false ``better`` is at most ``alpha``.

    ``method`` says how; ``vectors`` counts the sign vectors, ``seed`` is None where all were used.
    """

    systems: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    alpha: float
    clusters: int
    method: str
    vectors: int
    seed: int | None

    @property
    def surely_better(self) -> frozenset[tuple[str, str]]:
        """(better, worse) for each pair that is told apart; what ``rank_systems`` takes."""
        return frozenset(
            (c.better, c.second if c.better == c.first else c.first) for c in self.comparisons if c.better is not None
        )

    def comparison(self, first: str, second: str) -> Comparison:
        """The comparison of two systems, in either order. Raises ``KeyError``."""
        for found in self.comparisons:
            if {found.first, found.second} == {first, second}:
                return found
        raise KeyError(f"{first!r} and {second!r} were not compared")


def joint_test(table: Board, alpha: float = 0.05, *, draws: int = _DRAWS, seed: int = 0) -> JointTest | NotTestable:
    """Tests all pairs of a board: studentised cluster differences, sign-flipped, step-down max-T.

    Up to 14 clusters all 2^G sign vectors are used, and nothing is random; the smallest adjusted p is then 2
    / 2^G. Beyond, ``draws`` vectors are drawn and p = (k + 1) / (draws + 1). Systems that do the same
    everywhere differ by nothing and are never told apart.
    """
    problem = _untestable(table, alpha)
    if problem is not None:
        return problem
    exact = len(table.clusters) <= _MOST_EXACT
    pairs = PairFlips(table.contributions)
    order = np.argsort(pairs.observed, kind="stable")
    observed = pairs.observed[order]
    reached = np.zeros(len(observed), dtype=np.int64)
    total = 0
    for flipped in pairs.flipped(exact, draws, seed):
        # The largest statistic among a pair and all pairs below it.
        largest = np.maximum.accumulate(flipped[order], axis=0)
        reached += (largest >= observed[:, None] * (1 - _TIE)).sum(axis=1)
        total += flipped.shape[1]
    p_in_order = reached / total if exact else (reached + 1) / (total + 1)
    p = np.empty(len(order))
    # No pair is told apart before those with a larger statistic are.
    p[order] = np.maximum.accumulate(p_in_order[::-1])[::-1]
    comparisons = []
    for (a, b), value in zip(pairs.pairs, p.tolist(), strict=True):
        comparisons.append(_comparison(table, a, b, value, alpha))
    return JointTest(
        systems=table.names,
        comparisons=tuple(comparisons),
        alpha=alpha,
        clusters=len(table.clusters),
        method="all sign vectors" if exact else "drawn sign vectors",
        vectors=2 * total if exact else total,
        seed=None if exact else seed,
    )


def surely_better(
    table: Board, alpha: float = 0.05, *, draws: int = _DRAWS, seed: int = 0
) -> frozenset[tuple[str, str]] | NotTestable:
    """(better, worse) for each pair that ``joint_test`` tells apart, without the p values: for boards of many systems.

    Step-down in rounds: all pairs beyond the critical value of the largest statistic are told apart, then the largest
    among the rest decides, until a round tells none apart. The pairs are those of ``joint_test``.
    """
    problem = _untestable(table, alpha)
    if problem is not None:
        return problem
    exact = len(table.clusters) <= _MOST_EXACT
    pairs = PairFlips(table.contributions)
    among = np.ones(len(pairs.pairs), dtype=np.bool_)
    while np.any(among):
        found = among & (
            pairs.observed * (1 - _TIE) > _critical(pairs.largest(exact, draws, seed, among), alpha, exact)
        )
        if not np.any(found):
            break
        among &= ~found
    apart = []
    for a, b in pairs.pairs[~among].tolist():
        first_better = (table.scores[a] > table.scores[b]) == table.higher_is_better
        apart.append((table.names[a], table.names[b]) if first_better else (table.names[b], table.names[a]))
    return frozenset(apart)


def _critical(largest: Floats, alpha: float, exact: bool) -> float:
    """What a statistic must exceed to be sure at ``alpha``, from the largest statistics under all sign vectors.

    As many may reach it as ``alpha`` allows: the observed one among them in the exact test, added to them in the drawn.
    """
    total = len(largest) if exact else len(largest) + 1
    may_reach = math.floor(alpha * total + _NO_DIFFERENCE) - (0 if exact else 1)
    return float(np.sort(largest)[-1 - may_reach]) if may_reach >= 0 else math.inf


def smallest_detectable_difference(
    table: Board, alpha: float = 0.05, *, draws: int = _DRAWS, seed: int = 0
) -> float | NotTestable:
    """The difference in score that the joint test would just call sure, for the median pair of the board.

    The pairs' differences are centred (as if all systems were equal) and sign-flipped; the critical value of
    the largest statistic, c, then solves ``shift = c * sqrt(sum((e_g + shift * w_g)^2))`` for each pair, and
    the median over pairs is what is returned. It is an *observed* difference; for the true one to aim at see
    ``power.py``.
    """
    problem = _untestable(table, alpha)
    if problem is not None:
        return problem
    exact = len(table.clusters) <= _MOST_EXACT
    shares = table.shares
    centred = PairFlips(table.contributions - table.scores[:, None] * shares)
    largest = np.sort(centred.largest(exact, draws, seed))
    # How many sign vectors may reach the observed statistic: itself among them in the exact test, one added
    # in the drawn.
    total = len(largest) if exact else len(largest) + 1
    critical = float(largest[-max(1, math.floor(alpha * total + _NO_DIFFERENCE))])
    residuals = centred.differences
    a = 1 - critical**2 * float(shares @ shares)
    b = critical**2 * np.abs(residuals @ shares)
    c = critical**2 * (residuals**2).sum(axis=1)
    if a <= 0:
        return NotTestable("no difference, however large: the clusters are too few or too unequal")
    if not np.any(c > 0):
        return NotTestable("no two systems differ")
    needed = (b + np.sqrt(b * b + a * c)) / a
    return float(np.median(needed[c > 0]))


def holm_cluster_t(
    table: Board, reference: str | None = None, alpha: float = 0.05
) -> tuple[Comparison, ...] | NotTestable:
    """Paired cluster t tests under Holm's correction: the secondary column.

    The difference over its jackknife standard error, t with G - 1 degrees of freedom. All pairs of at most
    eight systems, or every system against a ``reference`` that was named before the scores were seen. It
    assumes nearly normal differences and clusters of like size: where a few clusters are most of the data,
    it is wrong up to 12 % of the time. The joint test is not. Raises ``KeyError`` for an unknown reference.
    """
    if reference is not None and reference not in table.names:
        raise KeyError(f"{reference!r} is not on the board")
    if len(table.names) < 2 or len(table.clusters) < 2:
        return NotTestable("it takes two systems and two clusters")
    if reference is None and len(table.names) > _MOST_HOLM:
        return NotTestable(f"more than {_MOST_HOLM} systems and no reference named beforehand")
    without = leave_one_out(table.score, table.sums)
    if not np.all(np.isfinite(without)):
        system, cluster = (int(k) for k in np.argwhere(~np.isfinite(without))[0])
        return NotTestable(f"{table.names[system]} has no score without {table.clusters[cluster]}")
    pairs = [
        (a, b)
        for a, b in combinations(range(len(table.names)), 2)
        if reference is None or reference in {table.names[a], table.names[b]}
    ]
    raw = []
    for a, b in pairs:
        error = float(jackknife_standard_error(without[a] - without[b]))
        difference = float(table.scores[a] - table.scores[b])
        raw.append(_p_of_t(difference, error, len(table.clusters) - 1))
    adjusted = _holm(raw)
    return tuple(_comparison(table, a, b, p, alpha) for (a, b), p in zip(pairs, adjusted, strict=True))


def _untestable(table: Board, alpha: float) -> NotTestable | None:
    if not 0 < alpha < 1:
        raise ValueError(f"expected a level between 0 and 1, got {alpha}")
    if len(table.names) < 2:
        return NotTestable("there are fewer than two systems with a score")
    clusters = len(table.clusters)
    if clusters < FEWEST_CLUSTERS:
        return NotTestable(f"{clusters} clusters: it takes {FEWEST_CLUSTERS} to tell any two systems apart")
    return None


def _comparison(table: Board, a: int, b: int, p: float, alpha: float) -> Comparison:
    first, second = table.names[a], table.names[b]
    difference = float(table.scores[a] - table.scores[b])
    better = first if (difference > 0) == table.higher_is_better else second
    return Comparison(first, second, difference, p, better if p <= alpha and difference != 0 else None)


def _p_of_t(difference: float, error: float, df: int) -> float:
    if abs(difference) <= _NO_DIFFERENCE and error <= _NO_DIFFERENCE:
        return 1.0
    return two_sided_p(difference / error, df) if error > 0 else 0.0


def _holm(raw: Sequence[float]) -> list[float]:
    adjusted = [0.0] * len(raw)
    so_far = 0.0
    for rank, k in enumerate(sorted(range(len(raw)), key=raw.__getitem__)):
        so_far = max(so_far, min(1.0, (len(raw) - rank) * raw[k]))
        adjusted[k] = so_far
    return adjusted
