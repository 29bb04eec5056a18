"""A judge's numbers as metrics: rows of sums by segment, so that intervals and tests come as for any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biobench.matching import SegmentMatch
from biobench.metrics.base import MetricUnavailable, PairMetric, Rows, ratio
from judges.llm.items import Item
from judges.llm.verdicts import TOP

__all__ = ["AllDropped", "JudgedLift", "JudgedMean", "JudgedShare", "NoNumber", "OneVideo", "Sums", "sums_by_segment"]


@dataclass(frozen=True, slots=True)
class Sums:
    """Rows of a metric by segment id; a segment without a matched pair has none."""

    rows: Mapping[str, tuple[float, ...]]
    width: int

    def table(self, matches: Sequence[SegmentMatch]) -> Rows:
        """One row a segment, zeros where nothing was judged."""
        nothing = (0.0,) * self.width
        rows = [self.rows.get(match.segment.id, nothing) for match in matches]
        return np.array(rows, dtype=np.float64).reshape(len(matches), self.width)


def sums_by_segment(items: Sequence[Item], *values: Callable[[int], float]) -> Sums:
    """For each segment: the number of its items, after the sums over them of each function of an item's place."""
    rows: dict[str, list[float]] = {}
    for place, item in enumerate(items):
        row = rows.setdefault(item.segment, [0.0] * (len(values) + 1))
        for column, value in enumerate(values):
            row[column] += value(place)
        row[-1] += 1
    return Sums({segment: tuple(row) for segment, row in rows.items()}, len(values) + 1)


class _Judged(PairMetric):
    """A text metric of pairs that were judged before: its rows are made already, and saved pairs have them too."""

    no_value = "no prediction was matched in time with a reference"

    def __init__(self, name: str, signature: Mapping[str, str], sums: Sums) -> None:
        super().__init__()
        self.name = name
        self._signature, self._sums = dict(signature), sums

    def signature(self) -> Mapping[str, str]:
        return self._signature

    def pair_scores(self, references: Sequence[str], predictions: Sequence[str]) -> Sequence[float]:
        """Never called: a judge sees the exercise as well, and is asked about all pairs at once."""
        raise AssertionError(f"{len(references)} of {len(predictions)} pairs to be judged one by one")

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        return self._sums.table(matches)

    def denominator(self, sums: Rows) -> Rows:
        """The number of judged pairs."""
        return sums[..., -1]


class JudgedMean(_Judged):
    """The mean over matched pairs; rows are (sum, pairs)."""

    def score(self, sums: Rows) -> Rows:
        return ratio(sums[..., 0], sums[..., 1])


class AllDropped(JudgedMean):
    """The same where pairs were matched, but every reply about them was dropped."""

    no_value = "no reply of the judge could be parsed"


class JudgedShare(JudgedMean):
    """A share of pairs of which less is better."""

    higher_is_better = False


class JudgedLift(_Judged):
    """``(J - J0) / (5 - J0)``, J0 the same texts beside references of other videos; rows are (sum J, sum J0, pairs)."""

    def score(self, sums: Rows) -> Rows:
        pairs = sums[..., 2]
        chance = ratio(sums[..., 1], pairs)
        return ratio(ratio(sums[..., 0], pairs) - chance, TOP - chance)


class OneVideo(JudgedLift):
    """The same where there is no other video to take references from."""

    no_value = "needs references of other videos, and at most one is known"

    def score(self, sums: Rows) -> Rows:
        return np.full(sums.shape[:-1], np.nan)


class NoNumber(_Judged):
    """A number that could not be made, and why."""

    def __init__(self, name: str, signature: Mapping[str, str], reason: str) -> None:
        super().__init__(name, signature, Sums({}, 1))
        self._reason = reason

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:  # noqa: ARG002 - there are none
        raise MetricUnavailable(self._reason)
