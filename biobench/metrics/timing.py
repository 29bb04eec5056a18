"""More about when things were said, for biobench-1: other tolerances, latency, false alarms, duplicates."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from biobench.matching import SegmentMatch, count_matches
from biobench.metrics.base import Metric, Rows, ratio

__all__ = [
    "BestShift",
    "BestShiftF",
    "DuplicateShare",
    "FalseAlarms",
    "TArea",
    "TFScoreAt05",
    "TFScoreAt1",
    "TFScoreAt2",
    "TFScoreAt3",
    "TalkOverlap",
]

_MAX_S = 1.5
_WORDS_A_SECOND = 2.5
_SHIFTS_S = np.arange(-20, 21) / 10


class _FScore(Metric):
    """Rows: matches, references, predictions; ``2 matches / (references + predictions)``."""

    no_value: ClassVar[str] = "there are neither reference remarks nor predictions"

    def score(self, sums: Rows) -> Rows:
        return ratio(2 * sums[..., 0], self.denominator(sums))

    def denominator(self, sums: Rows) -> Rows:
        return sums[..., -2] + sums[..., -1]


class _TFScoreAt(_FScore):
    tolerance_s: ClassVar[float]

    def signature(self) -> Mapping[str, str]:
        return {"at": f"{self.tolerance_s:g}s-half"}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        rows = [(count_matches(*_times(match), self.tolerance_s), *_counts(match)) for match in matches]
        return np.array(rows, dtype=np.float64).reshape(len(matches), 3)


class TFScoreAt05(_TFScoreAt):
    """The F at a tolerance of 0.5 s."""

    name = "t_f_score@0.5"
    tolerance_s: ClassVar[float] = 0.5


class TFScoreAt1(_TFScoreAt):
    """The F at a tolerance of 1 s."""

    name = "t_f_score@1"
    tolerance_s: ClassVar[float] = 1.0


class TFScoreAt2(_TFScoreAt):
    """The F at a tolerance of 2 s."""

    name = "t_f_score@2"
    tolerance_s: ClassVar[float] = 2.0


class TFScoreAt3(_TFScoreAt):
    """The F at a tolerance of 3 s."""

    name = "t_f_score@3"
    tolerance_s: ClassVar[float] = 3.0


class TArea(_FScore):
    """The mean of F over tolerances from 0 to 1.5 s, exact: F is a step function of the tolerance."""

    name = "t_area"

    def signature(self) -> Mapping[str, str]:
        return {"to": f"{_MAX_S:g}s-half"}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """The mean number of matches over the tolerances, references, predictions."""
        rows = [(_mean_matches(*_times(match)), *_counts(match)) for match in matches]
        return np.array(rows, dtype=np.float64).reshape(len(matches), 3)


class BestShiftF(_FScore):
    """The F when every prediction is moved by the one shift within 2 s (steps of 0.1 s) that suits it best."""

    name = "t_f_score_shifted"

    def signature(self) -> Mapping[str, str]:
        return {"shifts": "-2-2s/0.1s"}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """Matches at each of the 41 shifts, references, predictions."""
        rows = []
        for match in matches:
            references, predictions = _times(match)
            shifted = [
                count_matches(references, [time + shift for time in predictions]) for shift in _SHIFTS_S.tolist()
            ]
            rows.append((*shifted, *_counts(match)))
        return np.array(rows, dtype=np.float64).reshape(len(matches), len(_SHIFTS_S) + 2)

    def score(self, sums: Rows) -> Rows:
        return ratio(2 * sums[..., :-2].max(axis=-1), self.denominator(sums))


class BestShift(BestShiftF):
    """That shift in seconds (0 where several are best): positive where the system speaks too early."""

    name = "best_shift_s"
    no_interval: ClassVar[str] = "the best of a grid has no jackknife interval"

    def score(self, sums: Rows) -> Rows:
        at_shifts = sums[..., :-2]
        best = at_shifts == at_shifts.max(axis=-1, keepdims=True)
        nearest = np.where(best, np.abs(_SHIFTS_S), np.inf).argmin(axis=-1)
        return np.where(at_shifts.max(axis=-1) > 0, _SHIFTS_S[nearest], np.nan)


class FalseAlarms(Metric):
    """Remarks a minute in exercises in which the coach says nothing."""

    name = "false_alarms_per_min"
    higher_is_better: ClassVar[bool] = False
    no_value: ClassVar[str] = "no exercise of these data is silent"

    def signature(self) -> Mapping[str, str]:
        return {}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """Remarks in silent segments, and the silent segments' minutes."""
        rows = [
            (0.0, 0.0) if match.segment.feedbacks else (len(match.predictions), match.segment.duration_s / 60)
            for match in matches
        ]
        return np.array(rows, dtype=np.float64).reshape(len(matches), 2)

    def score(self, sums: Rows) -> Rows:
        return ratio(sums[..., 0], sums[..., 1])

    def denominator(self, sums: Rows) -> Rows:
        """Minutes of silence."""
        return sums[..., 1]


class _Share(Metric):
    """Rows: how many of the predictions, predictions."""

    higher_is_better: ClassVar[bool] = False
    no_value: ClassVar[str] = "the system said nothing"

    def score(self, sums: Rows) -> Rows:
        return ratio(sums[..., 0], sums[..., 1])

    def denominator(self, sums: Rows) -> Rows:
        return sums[..., 1]


class DuplicateShare(_Share):
    """The share of remarks that repeat an earlier one of the same exercise, word for word."""

    name = "duplicate_share"

    def signature(self) -> Mapping[str, str]:
        return {}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        rows = [
            (len(match.predictions) - len({remark.text for remark in match.predictions}), len(match.predictions))
            for match in matches
        ]
        return np.array(rows, dtype=np.float64).reshape(len(matches), 2)


class TalkOverlap(_Share):
    """The share of remarks that begin before the one before them can have been spoken, at 2.5 words a second."""

    name = "talk_overlap"

    def signature(self) -> Mapping[str, str]:
        return {"words": f"{_WORDS_A_SECOND:g}/s"}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        rows = []
        for match in matches:
            overlaps, free_at = 0, -np.inf
            for remark in match.predictions:
                overlaps += remark.time_s < free_at
                free_at = max(free_at, remark.time_s + len(remark.text.split()) / _WORDS_A_SECOND)
            rows.append((overlaps, len(match.predictions)))
        return np.array(rows, dtype=np.float64).reshape(len(matches), 2)


def _times(match: SegmentMatch) -> tuple[list[float], list[float]]:
    """Times of the references, and of the predictions inside the segment; both sorted."""
    inside = [remark.time_s for remark in match.predictions if 0 <= remark.time_s <= match.segment.duration_s]
    return [feedback.time_s for feedback in match.segment.feedbacks], inside


def _counts(match: SegmentMatch) -> tuple[int, int]:
    return len(match.segment.feedbacks), len(match.predictions)


def _mean_matches(references: Sequence[float], predictions: Sequence[float]) -> float:
    """The mean over tolerances of how many pairs match: each match counts from the tolerance on that first allows it."""
    distances = sorted(
        {distance for time in predictions for other in references if (distance := abs(time - other)) <= _MAX_S}
    )
    area, first = 0.0, 0
    for wanted in range(1, count_matches(references, predictions, _MAX_S) + 1):
        first = bisect_left(
            distances, wanted, lo=first, key=lambda tolerance: count_matches(references, predictions, tolerance)
        )
        area += _MAX_S - distances[first]
    return area / _MAX_S
