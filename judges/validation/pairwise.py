"""Does a metric order systems as people do? Pairwise accuracy with ties, tau-b, soft pairwise accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from judges.validation.tables import Table as Scores
from judges.validation.tables import as_table

__all__ = ["Calibrated", "GroupBy", "Scores", "accuracy", "held_out", "kendall_tau_b", "soft_pairwise_accuracy"]

GroupBy = Literal["item", "none"]
_Floats = NDArray[np.float64]
_BLOCK = 300_000  # pairs looked at together
_BAND = 2_500_000  # pairs whose differences are sorted together: 300 MB at the peak
_SAMPLE = 1_000
# Differences this small beside the largest score are what rounding leaves of equal ones, such as 5/3 - 4/3 and 4/3 - 1.
_ROUNDING = 1e-13


class Calibrated(NamedTuple):
    """The best accuracy that any tie threshold reaches, and the smallest threshold that reaches it."""

    score: float
    threshold: float


class _Pairs(NamedTuple):
    """Pairs of cells: metric difference in the order of the human scores, at least 0 where people see a tie."""

    difference: _Floats
    tied: NDArray[np.bool_]


class _Group(NamedTuple):
    """Cells compared with one another, sorted by human score and then by the metric's."""

    level: NDArray[np.int64]
    metric: _Floats

    @property
    def pairs(self) -> int:
        return len(self.level) * (len(self.level) - 1) // 2


@overload
def accuracy(human: Scores, metric: Scores, group_by: GroupBy = "item", tie_threshold: float = 0.0) -> float: ...


@overload
def accuracy(
    human: Scores, metric: Scores, group_by: GroupBy = "item", *, tie_threshold: Literal["calibrate"]
) -> Calibrated: ...


@overload
def accuracy(human: Scores, metric: Scores, group_by: GroupBy, tie_threshold: Literal["calibrate"]) -> Calibrated: ...


def accuracy(
    human: Scores, metric: Scores, group_by: GroupBy = "item", tie_threshold: float | Literal["calibrate"] = 0.0
) -> float | Calibrated:
    """The share of pairs that the metric orders as people do, a tie being an order of its own: acc_eq.

    Ties Matter (Deutsch, Foster and Freitag 2023). The metric sees a tie where its scores differ by ``tie_threshold`` or
    less. ``item``: pairs of systems on one item, the mean over items with at least two systems. ``none``: all pairs of cells.
    ``calibrate`` tries every difference that occurs and returns the best score and its threshold; on the data that it was
    chosen on that score flatters (``held_out`` does not). Raises ``ValueError`` for tables of unlike shape, infinite scores,
    a negative threshold, and where there is no pair.

    >>> accuracy([[1, 3], [2, 3], [2, 1]], [[0.1, 0.8], [0.5, 0.7], [0.6, 0.2]])
    0.6666666666666666
    >>> accuracy([[1, 3], [2, 3], [2, 1]], [[0.1, 0.8], [0.5, 0.7], [0.6, 0.2]], tie_threshold="calibrate").score
    1.0
    """
    groups, rounding = _groups(human, metric, group_by)
    if tie_threshold == "calibrate":
        return _calibrated(groups, rounding)
    if isinstance(tie_threshold, bool) or not 0 <= tie_threshold < math.inf:
        raise ValueError(f"expected a tie threshold of 0 or more, got {tie_threshold}")
    return _right(groups, _weights(groups), tie_threshold + rounding) / _total(groups)


def held_out(
    human: Scores, metric: Scores, fit: Sequence[int], apply: Sequence[int], group_by: GroupBy = "item"
) -> float:
    """The accuracy on the items ``apply`` with the tie threshold calibrated on the items ``fit`` (indices of columns).

    Raises ``ValueError`` where the two share an item, for items that do not exist, and as ``accuracy`` does.
    """
    people, scores = as_table(human, "systems", "items"), as_table(metric, "systems", "items")
    items = min(people.shape[1], scores.shape[1])
    foreign = sorted(item for item in {*fit, *apply} if not 0 <= item < items)
    if foreign:
        raise ValueError(f"expected items from 0 to {items - 1}, got {foreign[0]}")
    shared = sorted(set(fit) & set(apply))
    if shared:
        raise ValueError(f"expected other items than those of the calibration, item {shared[0]} is in both")
    threshold = accuracy(people[:, list(fit)], scores[:, list(fit)], group_by, "calibrate").threshold
    return accuracy(people[:, list(apply)], scores[:, list(apply)], group_by, threshold)


def kendall_tau_b(human: Scores, metric: Scores, group_by: GroupBy = "item") -> float:
    """Kendall's tau-b, over items the mean of those where it is defined; NaN where it is defined nowhere.

    It is undefined where all human scores, or all of the metric's, are tied. Raises ``ValueError`` as ``accuracy`` does.
    """
    groups, rounding = _groups(human, metric, group_by)
    found = []
    for group in groups:
        agreed = strict_human = strict_metric = 0
        for difference, tied in _blocks(group):
            larger, smaller = difference > rounding, difference < -rounding
            strict_human += int((~tied).sum())
            strict_metric += int(larger.sum()) + int(smaller.sum())
            agreed += int((larger & ~tied).sum()) - int(smaller.sum())
        if strict_human and strict_metric:
            found.append(agreed / (math.sqrt(strict_human) * math.sqrt(strict_metric)))
    return math.fsum(found) / len(found) if found else math.nan


def soft_pairwise_accuracy(
    human_p: Sequence[Sequence[float]] | _Floats, metric_p: Sequence[Sequence[float]] | _Floats
) -> float:
    """The mean over pairs of systems of ``1 - |p_human - p_metric|``.

    Improving Statistical Significance in Human Evaluation of Automatic Metrics via Soft Pairwise Accuracy (Thompson, Mathur,
    Deutsch and Khayrallah 2024). The tables are systems x systems: the one-sided paired p-value of "row beats column", by
    people's scores and by the metric's; the diagonal is not read. Both orders of a pair count, which changes nothing where
    the two p-values add up to 1. Raises ``ValueError`` for tables of another or unlike shape, fewer than two systems, and
    numbers outside [0, 1].

    >>> round(soft_pairwise_accuracy([[0.5, 0.02], [0.98, 0.5]], [[0.5, 0.10], [0.90, 0.5]]), 12)
    0.92
    """
    people, scores = np.array(human_p, dtype=np.float64), np.array(metric_p, dtype=np.float64)
    if people.shape != scores.shape or people.ndim != 2 or people.shape[0] != people.shape[1] or len(people) < 2:
        raise ValueError(f"expected two tables, systems x systems, got the shapes {people.shape} and {scores.shape}")
    others = ~np.eye(len(people), dtype=bool)
    read = np.stack([people[others], scores[others]])
    if not np.all((read >= 0) & (read <= 1)):
        raise ValueError("expected p-values between 0 and 1")
    return float(1 - np.abs(read[0] - read[1]).mean())


def _groups(human: Scores, metric: Scores, group_by: GroupBy) -> tuple[list[_Group], float]:
    """The groups with a pair, and how small a metric difference is only rounding."""
    people, scores = as_table(human, "systems", "items"), as_table(metric, "systems", "items")
    if people.shape != scores.shape:
        raise ValueError(f"expected scores of the same systems and items, got {people.shape} and {scores.shape}")
    if group_by not in {"item", "none"}:
        raise ValueError(f"expected group_by item or none, got {group_by!r}")
    both = ~(np.isnan(people) | np.isnan(scores))
    columns = range(people.shape[1])
    cells = [(people[both], scores[both])] if group_by == "none" else [
        (people[both[:, k], k], scores[both[:, k], k]) for k in columns
    ]  # fmt: skip
    small = _ROUNDING * float(np.abs(people[both]).max(initial=0.0))
    groups = [_group(a, b, small) for a, b in cells if len(a) >= 2]
    if not groups:
        raise ValueError(
            "no two systems were scored on the same item" if group_by == "item" else "no two scores to compare"
        )
    return groups, _ROUNDING * float(np.abs(scores[both]).max())


def _group(human: _Floats, metric: _Floats, rounding: float) -> _Group:
    order = np.argsort(human, kind="stable")
    level = np.concatenate(([0], np.cumsum(np.diff(human[order]) > rounding)))
    metric = metric[order]
    inside = np.lexsort((metric, level))
    return _Group(level, metric[inside])


def _weights(groups: Sequence[_Group]) -> list[float]:
    """What a pair counts, so that every group counts the same: 1 in the largest group, so that sums of equal groups are exact."""
    largest = max(group.pairs for group in groups)
    return [largest / group.pairs for group in groups]


def _total(groups: Sequence[_Group]) -> float:
    return len(groups) * float(max(group.pairs for group in groups))


def _blocks(group: _Group) -> Iterator[_Pairs]:
    """All pairs of a group, some rows of the upper triangle at a time."""
    count, start = len(group.level), 0
    while start < count - 1:
        stop = min(count - 1, start + max(1, _BLOCK // (count - start)))
        upper = np.arange(start + 1, count) > np.arange(start, stop)[:, None]
        difference = group.metric[start + 1 :] - group.metric[start:stop, None]
        tied = group.level[start + 1 :] == group.level[start:stop, None]
        yield _Pairs(difference[upper], tied[upper])
        start = stop


def _right(groups: Sequence[_Group], weights: Sequence[float], bound: float) -> float:
    """The weighted count of right pairs where the metric ties what differs by ``bound`` or less."""
    right = 0.0
    for group, weight in zip(groups, weights, strict=True):
        count = sum(
            int(np.count_nonzero(np.where(tied, difference <= bound, difference > bound)))
            for difference, tied in _blocks(group)
        )
        right += weight * count
    return right


def _calibrated(groups: Sequence[_Group], rounding: float) -> Calibrated:
    """Raising the threshold past a difference wins a pair that people tie, and loses one that was ordered as they do.

    Only those two kinds of pairs matter. The differences are sorted a band at a time, to bound the memory.
    """
    weights, total = _weights(groups), _total(groups)
    at_low = _right(groups, weights, rounding)
    best, threshold, low = at_low, 0.0, rounding
    for high in _bands(groups):
        values, gains = _steps(groups, weights, low, high + rounding)
        reached = at_low + np.concatenate(([0.0], np.cumsum(gains)))
        candidates = values[: np.searchsorted(values, high, side="right")]
        scores = reached[np.searchsorted(values, candidates + rounding, side="right")]
        # Sums of unequal groups are rounded: a larger threshold must be better by more than that.
        slack = 1e-12 * total
        if len(scores) and scores.max() > best + slack:
            first = int(np.argmax(scores >= scores.max() - slack))
            best, threshold = float(scores[first]), float(candidates[first])
        at_low, low = float(reached[len(candidates)]), max(low, high)
    return Calibrated(best / total, threshold)


def _steps(groups: Sequence[_Group], weights: Sequence[float], low: float, high: float) -> tuple[_Floats, _Floats]:
    """Differences in (low, high], sorted, each once, and what passing each adds to the weighted count of right pairs."""
    values, gains = [], []
    for group, weight in zip(groups, weights, strict=True):
        for difference, tied in _blocks(group):
            inside = (difference > low) & (difference <= high)
            found, gain = _merged(difference[inside], np.where(tied[inside], weight, -weight))
            values.append(found)
            gains.append(gain)
    return _merged(np.concatenate(values), np.concatenate(gains))


def _merged(values: _Floats, gains: _Floats) -> tuple[_Floats, _Floats]:
    order = np.argsort(values)
    values = values[order]
    first = np.flatnonzero(np.concatenate((np.ones(min(1, len(values)), bool), values[1:] > values[:-1])))
    return values[first], np.add.reduceat(gains[order], first) if len(first) else gains


def _bands(groups: Sequence[_Group]) -> list[float]:
    """Upper ends of bands of differences that hold about as many pairs each; the last has no end."""
    bands = math.ceil(sum(group.pairs for group in groups) / _BAND)
    if bands == 1:
        return [math.inf]
    scores = np.sort(np.concatenate([group.metric for group in groups]))
    sample = scores[:: math.ceil(len(scores) / _SAMPLE)]
    apart = np.abs(sample[:, None] - sample)[np.triu_indices(len(sample), 1)]
    ends = np.unique(np.quantile(apart, np.arange(1, bands) / bands))
    return [*ends.tolist(), math.inf]
