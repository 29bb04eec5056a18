"""May a judge stand in for one of the people who rate? The alternative annotator test, over items or over clusters."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from biobench.statistics.cluster import Interval, NoInterval, interval
from biobench.statistics.sums import cluster_sums
from judges.validation.equivalence import p_less

__all__ = ["AltTest", "LeftOut", "RaterTest", "Scoring", "alternative_annotator_test", "benjamini_yekutieli"]

Scoring = Literal["accuracy", "neg_rmse"]
Label = float | str
_Item = TypeVar("_Item", bound=Hashable)
_Floats = NDArray[np.float64]


class RaterTest(NamedTuple):
    """The judge against one rater: how often each agrees with the others at least as well as the other one does.

    ``p_value`` is that of "the rater's share is larger by epsilon or more"; ``rejected`` after correction over raters.
    """

    rater: str
    items: int
    clusters: int
    judge_wins: float
    human_wins: float
    p_value: float
    rejected: bool


class LeftOut(NamedTuple):
    """A rater whom nothing was tested against, and why."""

    rater: str
    items: int
    reason: str


class AltTest(NamedTuple):
    """The share of raters that the judge may stand in for, and the chance that it does as well as a rater on an item.

    ``interval`` is that of the advantage probability.
    """

    winning_rate: float
    advantage_probability: float
    interval: Interval | NoInterval
    raters: tuple[RaterTest, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def passes(self) -> bool:
        """Whether the judge may stand in for at least half of the raters."""
        return self.winning_rate >= 0.5


class _Compared(NamedTuple):
    """The judge and one rater against the others, item by item: whether each does at least as well."""

    rater: str
    clusters: list[Hashable]
    judge_wins: _Floats
    human_wins: _Floats


def alternative_annotator_test(
    judge: Mapping[_Item, Label | None],
    humans: Mapping[str, Mapping[_Item, Label | None]],
    scoring: Scoring = "accuracy",
    epsilon: float = 0.2,
    clusters: Mapping[_Item, Hashable] | None = None,
    q: float = 0.05,
    fewest_items: int = 30,
) -> AltTest:
    """The alternative annotator test of Calderon, Reichart and Dror (2025).

    ``judge`` gives an item's label, ``humans`` each rater's; None and NaN are gaps. Each rater is compared over the items that
    the judge, the rater and someone else labelled. A label's score is the share of the other raters who gave the same one, or
    minus the root of the mean squared distance to theirs. A one-sided t test of "the rater does at least as well more often
    than the judge, by ``epsilon`` or more" follows, corrected over raters after Benjamini and Yekutieli at ``q``. With
    ``clusters`` (item -> video or person) the t test is over clusters; over items it rejects far too often where items of a
    cluster are alike.

    Raters with fewer than ``fewest_items`` items, or with nothing to test, are left out. Raises ``ValueError`` where none is
    left, for unknown scoring, labels that are no numbers under neg_rmse, and items without a cluster.
    """
    if scoring not in {"accuracy", "neg_rmse"}:
        raise ValueError(f"expected the scoring accuracy or neg_rmse, got {scoring!r}")
    if not 0 <= epsilon < 1 or not 0 < q < 1:
        raise ValueError(f"expected 0 <= epsilon < 1 and 0 < q < 1, got {epsilon}, {q}")
    given = {rater: _given(labels) for rater, labels in humans.items()}
    judged = _given(judge)
    compared: list[tuple[_Compared, float]] = []
    left_out: list[LeftOut] = []
    for rater in given:
        found = _compared(rater, judged, given, scoring, clusters)
        items = len(found.judge_wins)
        if items < max(1, fewest_items):
            left_out.append(LeftOut(rater, items, f"{items} items to compare on, fewer than {max(1, fewest_items)}"))
            continue
        p = p_less(found.human_wins - found.judge_wins, found.clusters if clusters is not None else None, epsilon)
        if p is None:
            many = len(set(found.clusters))
            reason = "all items are in one cluster" if many == 1 else f"no spread between {many} clusters"
            left_out.append(LeftOut(rater, items, reason))
        else:
            compared.append((found, p))
    if not compared:
        raise ValueError(
            "no rater to test: " + ("; ".join(f"{r}: {why}" for r, _, why in left_out) or "there are none")
        )
    rejected = benjamini_yekutieli([p for _, p in compared], q)
    raters = tuple(
        RaterTest(
            one.rater,
            len(one.judge_wins),
            len(set(one.clusters)),
            float(one.judge_wins.mean()),
            float(one.human_wins.mean()),
            p,
            beaten,
        )
        for (one, p), beaten in zip(compared, rejected, strict=True)
    )
    return AltTest(
        sum(rejected) / len(raters),
        math.fsum(rater.judge_wins for rater in raters) / len(raters),
        _interval([one for one, _ in compared]),
        raters,
        tuple(left_out),
    )


def benjamini_yekutieli(p_values: Sequence[float], q: float = 0.05) -> list[bool]:
    """Which hypotheses are rejected at a false discovery rate of ``q``, however the p-values depend on each other.

    Benjamini and Yekutieli (2001): the k smallest, for the largest k with ``p_(k) <= k q / (m (1 + 1/2 + ... + 1/m))``.

    >>> benjamini_yekutieli([0.001, 0.04, 0.2])
    [True, False, False]
    """
    many = len(p_values)
    level = q / (many * math.fsum(1 / k for k in range(1, many + 1))) if many else 0.0
    bound = max((p for k, p in enumerate(sorted(p_values), 1) if p <= k * level), default=-1.0)
    return [p <= bound for p in p_values]


def _given(labels: Mapping[_Item, Label | None]) -> dict[_Item, Label]:
    return {
        item: label
        for item, label in labels.items()
        if label is not None and not (isinstance(label, float) and math.isnan(label))
    }


def _compared(
    rater: str,
    judge: Mapping[_Item, Label],
    humans: Mapping[str, Mapping[_Item, Label]],
    scoring: Scoring,
    clusters: Mapping[_Item, Hashable] | None,
) -> _Compared:
    others = [labels for name, labels in humans.items() if name != rater]
    places: list[Hashable] = []
    wins: list[tuple[bool, bool]] = []
    for item, own in humans[rater].items():
        theirs = [labels[item] for labels in others if item in labels]
        if not theirs or item not in judge:
            continue
        if scoring == "accuracy":
            by_judge, by_rater = theirs.count(judge[item]), theirs.count(own)
            wins.append((by_judge >= by_rater, by_rater >= by_judge))
        else:
            off_judge, off_rater = _squares(judge[item], theirs, item), _squares(own, theirs, item)
            wins.append((off_judge <= off_rater, off_rater <= off_judge))
        places.append(item if clusters is None else _cluster(clusters, item))
    table = np.array(wins, dtype=np.float64).reshape(-1, 2)
    return _Compared(rater, places, table[:, 0], table[:, 1])


def _squares(label: Label, others: Sequence[Label], item: Hashable) -> float:
    """The sum of squared distances: it orders two labels of an item as the root of its mean does."""
    numbers = [one for one in (label, *others) if not isinstance(one, str)]
    if len(numbers) <= len(others):
        raise ValueError(f"item {item}: expected numbers as labels for neg_rmse, got {label!r} and {others!r}")
    return math.fsum((numbers[0] - other) ** 2 for other in numbers[1:])


def _cluster(clusters: Mapping[_Item, Hashable], item: _Item) -> Hashable:
    cluster = clusters.get(item)
    if cluster is None:
        raise ValueError(f"item {item} has no cluster")
    return cluster


def _interval(compared: Sequence[_Compared]) -> Interval | NoInterval:
    """The interval of the mean over raters of their mean wins: over clusters, which the raters share."""
    many = len(compared)
    places: list[Hashable] = []
    rows = []
    for k, one in enumerate(compared):
        row = np.zeros((len(one.clusters), 2 * many))
        row[:, k], row[:, many + k] = one.judge_wins, 1
        rows.append(row)
        places += one.clusters
    number = {place: str(k) for k, place in enumerate(dict.fromkeys(places))}
    table = cluster_sums(np.concatenate(rows), [number[place] for place in places])

    def mean_of_means(sums: _Floats) -> _Floats:
        counts = sums[..., many:]
        shares = np.divide(sums[..., :many], counts, out=np.full(counts.shape, math.nan), where=counts > 0)
        mean: _Floats = shares.mean(axis=-1)
        return mean

    return interval(mean_of_means, table)
