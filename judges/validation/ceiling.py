"""How well people agree with one another, and a judge with them: each against the others, by the same statistic."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

__all__ = ["Ceiling", "Combine", "RaterAgreement", "Statistic", "human_ceiling", "judge_against_mean"]

Statistic = Callable[[Sequence[float], Sequence[float]], float]
"""The agreement of two aligned sequences of labels; NaN where it is undefined."""

Combine = Literal["mean", "majority"]
_Item = TypeVar("_Item", bound=Hashable)


class RaterAgreement(NamedTuple):
    """The statistic with one rater left out, over ``items``; NaN where it is undefined."""

    rater: str
    items: int
    value: float


class Ceiling(NamedTuple):
    """The mean over raters for whom the statistic is defined, NaN where it is for none."""

    value: float
    raters: tuple[RaterAgreement, ...]


def human_ceiling(
    humans: Mapping[str, Mapping[_Item, float | None]],
    statistic: Statistic,
    combine: Combine = "mean",
    items: Collection[_Item] | None = None,
) -> Ceiling:
    """Each rater against the others' mean, or majority, of the items that they share; the mean over raters.

    ``humans`` gives each rater's labels, None or NaN where there is none. ``items`` limits it to some items: those that a
    judge rated, where the two are to be compared. Under ``majority`` an item counts where one label is more frequent among
    the others than every other label. Raters who share no item with another are left out. Raises ``ValueError`` where that
    leaves none.

    >>> raters = {"a": {1: 1, 2: 3, 3: 5}, "b": {1: 1, 2: 3, 3: 4}, "c": {1: 2, 2: 3, 3: 5}}
    >>> round(human_ceiling(raters, lambda own, other: -sum(map(abs, map(float.__sub__, own, other)))).value, 3)
    -1.333
    """
    return _mean(
        [_against(rater, labels, others, statistic) for rater, labels, others in _left_out(humans, combine, items)]
    )


def judge_against_mean(
    judge: Mapping[_Item, float | None],
    humans: Mapping[str, Mapping[_Item, float | None]],
    statistic: Statistic,
    combine: Combine = "mean",
) -> Ceiling:
    """The judge in the place of each rater in turn: against the mean, or majority, of the others, over that rater's items.

    So it meets the same references as ``human_ceiling(humans, statistic, combine, items=judged)`` does. The mean of all
    raters would be a steadier reference than any rater is held against, and flatter the judge. Raises ``ValueError`` as
    ``human_ceiling`` does.
    """
    labels = _given(judge)
    return _mean(
        [_against(rater, labels, others, statistic) for rater, _, others in _left_out(humans, combine, labels)]
    )


def _left_out(
    humans: Mapping[str, Mapping[_Item, float | None]], combine: Combine, items: Collection[_Item] | None
) -> list[tuple[str, dict[_Item, float], dict[_Item, float]]]:
    """Each rater, the rater's labels, and the others' combined, for the items of both."""
    if combine not in {"mean", "majority"}:
        raise ValueError(f"expected mean or majority, got {combine!r}")
    given = {rater: _given(labels) for rater, labels in humans.items()}
    wanted = None if items is None else set(items)
    found = []
    for rater, labels in given.items():
        others: dict[_Item, float] = {}
        for item in labels:
            if wanted is not None and item not in wanted:
                continue
            theirs = [other[item] for name, other in given.items() if name != rater and item in other]
            together = _together(theirs, combine)
            if together is not None:
                others[item] = together
        if others:
            found.append((rater, labels, others))
    if not found:
        raise ValueError("no item has labels of two raters")
    return found


def _together(labels: Sequence[float], combine: Combine) -> float | None:
    if not labels:
        return None
    if combine == "mean":
        return math.fsum(labels) / len(labels)
    first, *second = Counter(labels).most_common(2)
    return first[0] if not second or first[1] > second[0][1] else None


def _against(
    rater: str, labels: Mapping[_Item, float], others: Mapping[_Item, float], statistic: Statistic
) -> RaterAgreement:
    return RaterAgreement(rater, len(others), statistic([labels[item] for item in others], list(others.values())))


def _mean(raters: Sequence[RaterAgreement]) -> Ceiling:
    defined = [rater.value for rater in raters if not math.isnan(rater.value)]
    return Ceiling(math.fsum(defined) / len(defined) if defined else math.nan, tuple(raters))


def _given(labels: Mapping[_Item, float | None]) -> dict[_Item, float]:
    return {item: float(label) for item, label in labels.items() if label is not None and not math.isnan(label)}
