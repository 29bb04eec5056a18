"""What a score is worth without seeing the video: blind timetables, constant talkers, and a system's remarks elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from biobench.exercises import find_exercise
from biobench.matching import SegmentMatch
from biobench.records import Segment

__all__ = [
    "FAMILY",
    "PUBLISHED_FAMILY",
    "Timetable",
    "TimetableCounts",
    "best_published_timetable",
    "best_timetables",
    "donors",
    "frequent_remarks",
    "frequent_remarks_of_others",
    "timetable",
    "timetable_counts",
]

_STEP_S = 0.25
FAMILY = "start0-10xperiod1-10xstop0-10/0.25s"
"""The family of blind timetables, as signatures name it."""
PUBLISHED_FAMILY = "start0-10/1sxperiod1-10/0.25sxstop0-10/2.5s"
"""The smaller one that is searched under the published matcher."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """A remark every ``period_s`` from ``start_s`` on, none in the last ``stop_s`` seconds of a segment."""

    start_s: float
    period_s: float
    stop_s: float

    def times(self, duration_s: float) -> tuple[float, ...]:
        """Seconds from the segment's start; none is after the segment's end.

        >>> Timetable(2.0, 5.0, 3.0).times(20.0)
        (2.0, 7.0, 12.0, 17.0)
        """
        count = int(np.floor((duration_s - self.stop_s - self.start_s) / self.period_s)) + 1
        return tuple(self.start_s + k * self.period_s for k in range(max(0, count)))

    def __str__(self) -> str:
        return f"from {self.start_s:g} s every {self.period_s:g} s until {self.stop_s:g} s before the end"


@dataclass(frozen=True, slots=True, eq=False)
class TimetableCounts:
    """Matches and remarks of every timetable of the family, by cluster: shape (clusters, timetables), integers."""

    matches: NDArray[np.int32]
    remarks: NDArray[np.int32]

    def best_f(self, references: NDArray[np.int64]) -> tuple[float, int]:
        """The best pooled F, ``2 matches / (references + remarks)``, and its timetable's index; ``references`` (clusters,)."""
        f_scores = _f_scores(self.matches.sum(axis=0), int(references.sum()), self.remarks.sum(axis=0))
        best = int(f_scores.argmax())
        return float(f_scores[best]), best

    def best_f_without_each(self, references: NDArray[np.int64]) -> NDArray[np.float64]:
        """The best pooled F of the others when one cluster is left out, shape (clusters,)."""
        matches, remarks, total = self.matches.sum(axis=0), self.remarks.sum(axis=0), int(references.sum())
        return np.array(
            [
                _f_scores(matches - self.matches[g], total - int(references[g]), remarks - self.remarks[g]).max()
                for g in range(len(self.matches))
            ]
        )


def timetable(index: int) -> Timetable:
    """The timetable at an index of ``TimetableCounts``."""
    starts, periods, stops = _grid()
    combination, stop = divmod(index, len(stops))
    start, period = divmod(combination, len(periods))
    return Timetable(float(starts[start]), float(periods[period]), float(stops[stop]))


def best_timetables(
    segments: tuple[Segment, ...], clusters: tuple[int, ...], references: NDArray[np.int64], count: int
) -> list[Timetable]:
    """The timetables with the best pooled F, best first; ties in the family's order. ``references`` is (clusters,)."""
    counts = timetable_counts(segments, clusters)
    f_scores = _f_scores(counts.matches.sum(axis=0), int(references.sum()), counts.remarks.sum(axis=0))
    return [timetable(int(index)) for index in np.argsort(-f_scores, kind="stable")[:count]]


@lru_cache(maxsize=2)
def timetable_counts(
    segments: tuple[Segment, ...], clusters: tuple[int, ...], tolerance_s: float = 1.5
) -> TimetableCounts:
    """Matches (as ``match_optimal`` counts them) and remarks of all 62,197 timetables of the family.

    ``clusters`` gives each segment's cluster, 0 to G-1. Exact: a timetable cut short is a prefix, and taking the earliest
    free reference within the tolerance is optimal for every prefix.
    """
    starts, periods, stops = _grid()
    combinations = np.stack(np.meshgrid(_ticks(starts), _ticks(periods), indexing="ij"), axis=-1).reshape(-1, 2)
    shape = (max(clusters, default=-1) + 1, len(combinations), len(stops))
    matches, remarks = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for segment, cluster in zip(segments, clusters, strict=True):
        _count_segment(segment, combinations, tolerance_s, matches[cluster], remarks[cluster])
    flat = (shape[0], shape[1] * shape[2])
    # So far each remark is counted at the last stop that keeps it; every earlier stop keeps it too.
    return TimetableCounts(
        matches[:, :, ::-1].cumsum(axis=2, dtype=np.int32)[:, :, ::-1].reshape(flat),
        remarks[:, :, ::-1].cumsum(axis=2, dtype=np.int32)[:, :, ::-1].reshape(flat),
    )


def best_published_timetable(segments: Sequence[Segment], tolerance_s: float = 3.0) -> Timetable:
    """The timetable with the best T-F under the published matcher, which ``tolerance_s`` (the full width) belongs to.

    Of ``PUBLISHED_FAMILY``; the first of equals in its order.
    """
    starts, periods, stops = np.arange(0, 11.0), np.arange(1, 10.25, _STEP_S), np.arange(0, 10.5, 2.5)
    grid = np.stack(np.meshgrid(starts, periods, stops, indexing="ij"), axis=-1).reshape(-1, 3)
    matched_references, matched_remarks, remarks = (np.zeros(len(grid)) for _ in range(3))
    for segment in segments:
        times = [feedback.time_s for feedback in segment.feedbacks]
        said = np.maximum(np.floor((segment.duration_s - grid[:, 2] - grid[:, 0]) / grid[:, 1]) + 1, 0)
        remarks += said
        matched_references += _references_matched(times, grid, said, tolerance_s / 2)
        matched_remarks += _remarks_matched(times, grid, said, tolerance_s / 2)
    references = sum(len(segment.feedbacks) for segment in segments)
    precision, recall = matched_remarks / (remarks + 1e-12), matched_references / (references + 1e-12)
    best = int((2 * precision * recall / (precision + recall + 1e-12)).argmax())
    return Timetable(*map(float, grid[best]))


def donors(matches: Sequence[SegmentMatch], count: int = 5) -> list[list[SegmentMatch]]:
    """For each segment the system's answers elsewhere: the ``count`` segments nearest in duration.

    They come from other people where everybody is known, else from other videos, and from the same exercise; where that
    has too few segments, from other exercises. Ties go to the earlier segment.
    """
    chosen = _donor_places(tuple(match.segment for match in matches), count)
    return [[matches[k] for k in places] for places in chosen]


def frequent_remarks(segments: Sequence[Segment], count: int = 20) -> list[str]:
    """The most frequent remarks, most frequent first; ties in alphabetical order."""
    return _most_frequent(_remark_counts(segments), count)


def frequent_remarks_of_others(
    segments: Sequence[Segment], clusters: Sequence[int], count: int = 20
) -> list[list[str]]:
    """For each cluster the most frequent remarks of all the others (of all, where there is one cluster only)."""
    everywhere = _remark_counts(segments)
    own = [
        _remark_counts([s for s, c in zip(segments, clusters, strict=True) if c == number])
        for number in range(max(clusters) + 1)
    ]
    return [_most_frequent(everywhere - counts if len(own) > 1 else everywhere, count) for counts in own]


def _remark_counts(segments: Sequence[Segment]) -> Counter[str]:
    return Counter(feedback.text for segment in segments for feedback in segment.feedbacks)


def _most_frequent(counts: Counter[str], count: int) -> list[str]:
    return [text for text, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:count]]


@lru_cache(maxsize=4)
def _donor_places(segments: tuple[Segment, ...], count: int) -> list[list[int]]:
    known = all(segment.subject is not None for segment in segments)
    owners = np.unique([s.subject if known else s.video for s in segments], return_inverse=True)[1]
    exercises = np.unique([_exercise(segment.exercise) for segment in segments], return_inverse=True)[1]
    durations = np.array([segment.duration_s for segment in segments])
    places = []
    for owner, exercise, duration in zip(owners, exercises, durations, strict=True):
        others = np.flatnonzero(owners != owner)
        order = np.lexsort((others, np.abs(durations[others] - duration), exercises[others] != exercise))
        places.append(others[order[:count]].tolist())
    return places


def _exercise(spelling: str) -> str:
    found = find_exercise(spelling)
    return found.name if found else spelling.casefold()


@lru_cache(maxsize=1)
def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    return np.arange(0, 10.25, _STEP_S), np.arange(1, 10.25, _STEP_S), np.arange(0, 10.25, _STEP_S)


def _ticks(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(seconds / _STEP_S).astype(np.int64)


def _count_segment(
    segment: Segment,
    combinations: NDArray[np.int64],
    tolerance_s: float,
    matches: NDArray[np.int32],
    remarks: NDArray[np.int32],
) -> None:
    """Adds one segment's matches and remarks, each at the last stop that keeps it; shape (combinations, stops)."""
    last_tick = int(np.floor(segment.duration_s / _STEP_S))
    if last_tick < 0:
        return
    grid = np.arange(last_tick + 1) * _STEP_S
    # A reference that is never near keeps the array from being empty.
    references = np.sort([*(feedback.time_s for feedback in segment.feedbacks), np.inf])
    near = np.abs(grid[:, None] - references[None, :]) <= tolerance_s
    first = np.where(near.any(axis=1), near.argmax(axis=1), len(references))
    beyond = np.where(near.any(axis=1), len(references) - near[:, ::-1].argmax(axis=1), 0)
    last_stop = np.minimum(np.floor((segment.duration_s - grid) / _STEP_S).astype(np.int64), matches.shape[1] - 1)
    alive = np.arange(len(combinations))
    tick, period = combinations[:, 0].copy(), combinations[:, 1]
    next_free = np.zeros(len(combinations), np.int64)
    alive = alive[tick <= last_tick]
    while len(alive):
        now = tick[alive]
        candidate = np.maximum(next_free[alive], first[now])
        matched = candidate < beyond[now]
        next_free[alive[matched]] = candidate[matched] + 1
        stop = last_stop[now]
        remarks[alive, stop] += 1  # each combination stands at one place, so no cell comes twice
        matches[alive[matched], stop[matched]] += 1
        tick[alive] = now + period[alive]
        alive = alive[tick[alive] <= last_tick]


def _f_scores(matches: NDArray[np.integer], references: int, remarks: NDArray[np.integer]) -> NDArray[np.float64]:
    both = references + remarks
    scores: NDArray[np.float64] = np.divide(2 * matches, both, out=np.zeros(matches.shape), where=both > 0)
    return scores


def _references_matched(
    times: Sequence[float], grid: NDArray[np.float64], said: NDArray[np.float64], half_width_s: float
) -> NDArray[np.float64]:
    """The published matcher's first pass: each reference takes the nearest remark of every timetable."""
    start, period = grid[:, 0], grid[:, 1]
    count, last = np.zeros(len(grid)), np.full(len(grid), -1.0)
    for time in times:
        before = np.clip(np.floor((time - start) / period), 0, np.maximum(said - 1, 0))
        after = np.minimum(before + 1, said - 1)
        distance, distance_after = np.abs(start + before * period - time), np.abs(start + after * period - time)
        nearest = np.where(distance_after < distance, after, before)
        taken = (np.minimum(distance, distance_after) < half_width_s) & (nearest > last) & (said > 0)
        last = np.where(taken, nearest, last)
        count += taken
    return count


def _remarks_matched(
    times: Sequence[float], grid: NDArray[np.float64], said: NDArray[np.float64], half_width_s: float
) -> NDArray[np.float64]:
    """Its second pass: each remark of a timetable takes the nearest reference."""
    count, last = np.zeros(len(grid)), np.full(len(grid), -1)
    if not times:
        return count
    ticks = np.arange(0, float((grid[:, 0] + said * grid[:, 1]).max()) + _STEP_S, _STEP_S)
    distances = np.abs(ticks[:, None] - np.array(times)[None, :])
    nearest, near_enough = distances.argmin(axis=1), distances.min(axis=1) < half_width_s
    alive = np.flatnonzero(said > 0)
    tick, period = _ticks(grid[:, 0]), _ticks(grid[:, 1])
    number = 0
    while len(alive):
        now = tick[alive] + number * period[alive]
        taken = near_enough[now] & (nearest[now] > last[alive])
        last[alive[taken]] = nearest[now[taken]]
        count[alive[taken]] += 1
        number += 1
        alive = alive[said[alive] > number]
    return count
