"""Protocols: how ground truth is built, where time starts, what a missing segment means, who matches whom.

A score always names its protocol; scores of different protocols are never compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from biobench.chance import FAMILY, PUBLISHED_FAMILY, Timetable, best_published_timetable, best_timetables
from biobench.exercises import find_exercise
from biobench.matching import SegmentMatch, match_optimal, match_published
from biobench.records import Benchmark, Feedback, Segment, Session, Span, exercise_of_transition

__all__ = [
    "Biobench1",
    "Protocol",
    "Qevd2024",
    "RecordUnusable",
    "SegmentSet",
    "SkippedRecord",
    "Var2026",
]


class RecordUnusable(ValueError):  # noqa: N818 - a state of the data
    """A protocol can't build segments from a record; the message says why."""


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A record that a protocol left out, by its index in the annotation file."""

    record: int
    video: str
    reason: str


@dataclass(frozen=True, slots=True)
class SegmentSet:
    """The segments of a benchmark under one protocol.

    ``scored`` count; ``unscored`` are exercises that the protocol drops (silent ones, under the published protocols).
    """

    scored: tuple[Segment, ...]
    unscored: tuple[Segment, ...]
    skipped: tuple[SkippedRecord, ...]


class Protocol(ABC):
    """One way of scoring. A subclass sets the class variables and says how to cut a session and match a segment."""

    name: ClassVar[str]
    summary: ClassVar[str]
    tolerance_s: ClassVar[float]
    """As the protocol states it; ``signature`` says whether it is a full or a half width."""
    epsilon: ClassVar[float]
    """Added to denominators."""
    missing_is_silence: ClassVar[bool]
    """False where a segment that is absent from the predictions costs nothing."""
    metrics: ClassVar[tuple[str, ...]]
    """Names of the built-in metrics that it reports."""
    headline: ClassVar[tuple[str, ...]]
    """Those of them that a short table shows."""

    @abstractmethod
    def signature(self) -> Mapping[str, str]:
        """What can change any score of this protocol."""

    @abstractmethod
    def cut(self, session: Session) -> Sequence[Segment]:
        """Every exercise of a session, in order, silent ones included. Raises ``RecordUnusable``."""

    @abstractmethod
    def match(self, segment: Segment, predictions: tuple[Feedback, ...] | None) -> SegmentMatch:
        """Matches a segment with the remarks given for it (None: the segment is absent from the file)."""

    def scores(self, segment: Segment) -> bool:
        """Whether a segment counts."""
        return bool(segment.feedbacks)

    def best_timetable(self, segments: tuple[Segment, ...], clusters: tuple[int, ...]) -> tuple[Timetable, str]:
        """The blind timetable with the best T-F on these segments, and the family that it is the best of."""
        references = np.bincount(clusters, weights=[len(segment.feedbacks) for segment in segments])
        (best,) = best_timetables(segments, clusters, references.astype(np.int64), 1)
        return best, FAMILY

    def segments(self, benchmark: Benchmark) -> SegmentSet:
        """The segments of a benchmark, in the order of its records."""
        scored: list[Segment] = []
        unscored: list[Segment] = []
        skipped: list[SkippedRecord] = []
        for session in benchmark.sessions:
            try:
                segments = self.cut(session)
            except RecordUnusable as reason:
                skipped.append(SkippedRecord(session.record, session.video, str(reason)))
                continue
            for segment in segments:
                (scored if self.scores(segment) else unscored).append(segment)
        return SegmentSet(tuple(scored), tuple(unscored), tuple(skipped))


class _Published(Protocol):
    """What the two published protocols share: the greedy matcher, run once in each direction."""

    tolerance_s = 3.0
    epsilon = 1e-12
    metrics = ("t_precision", "t_recall", "t_f_score", "meteor", "rouge_l", "bertscore_f1")
    headline = metrics

    def signature(self) -> Mapping[str, str]:
        return {"match": "greedy-twice", "tol": f"{self.tolerance_s:g}s-full", "eps": f"{self.epsilon:g}"}

    def best_timetable(
        self,
        segments: tuple[Segment, ...],
        clusters: tuple[int, ...],  # noqa: ARG002 - pooled, whoever the people are
    ) -> tuple[Timetable, str]:
        return best_published_timetable(segments, self.tolerance_s), PUBLISHED_FAMILY

    def match(self, segment: Segment, predictions: tuple[Feedback, ...] | None) -> SegmentMatch:
        remarks = predictions or ()
        reference_times, reference_texts = _columns(segment.feedbacks)
        prediction_times, prediction_texts = _columns(remarks)
        pairs = match_published(reference_times, prediction_times, prediction_texts, self.tolerance_s)
        swapped = match_published(prediction_times, reference_times, reference_texts, self.tolerance_s)
        return SegmentMatch(
            segment=segment,
            predictions=remarks,
            pairs=tuple(pairs),
            precision_pairs=tuple((i, j) for j, i in swapped),
            predicted=predictions is not None,
        )


class Qevd2024(_Published):
    """QEVD-fit-coach as FitCoach's evaluator scores it (NeurIPS 2024 Datasets and Benchmarks)."""

    name = "qevd-2024"
    summary = "FitCoach's evaluator: the numbers of the QEVD and Stream-VLM tables"
    missing_is_silence = True

    def cut(self, session: Session) -> Sequence[Segment]:
        """A segment runs from its transition's first frame to the middle of the next transition's frames."""
        spans = session.closed_spans()
        counts = len(spans), len(session.feedback_times_s), len(session.is_transition)
        if len(set(counts)) > 1:
            raise RecordUnusable("{} remarks in feedbacks, {} feedback_timestamps, {} is_transition".format(*counts))
        _check_frames(session, spans)
        times = session.frame_times_s
        transitions = [k for k, transition in enumerate(session.is_transition) if transition]
        segments = []
        for number, (this, following) in enumerate(pairwise(transitions)):
            start_s = float(times[spans[this].first])
            end_span = spans[following]
            end_s = float(times[end_span.first + (end_span.end - 1 - end_span.first) // 2])
            feedbacks = tuple(
                Feedback(session.feedback_times_s[k] - start_s, _patched(spans[k].text))
                for k in range(this + 1, following)
            )
            exercise = exercise_of_transition(_patched(spans[this].text))
            segments.append(_segment(session, number, exercise, start_s, end_s, feedbacks))
        return segments


class Var2026(_Published):
    """The AI Coach Challenge: Fitness of the VAR workshop at CVPR 2026."""

    name = "var-2026"
    summary = "the AI Coach Challenge's evaluator (VAR workshop, CVPR 2026); a missing segment costs nothing"
    missing_is_silence = False

    def cut(self, session: Session) -> Sequence[Segment]:
        """A segment runs from transition to transition; a repeat of the last text is no new remark."""
        spans = session.collapsed_spans()
        if len(spans) != len(session.is_transition):
            raise RecordUnusable(
                f"{len(spans)} remarks once repeats are collapsed, {len(session.is_transition)} is_transition"
            )
        _check_frames(session, spans)
        times_s = [float(session.frame_times_s[span.first]) for span in spans]
        transitions = [k for k, transition in enumerate(session.is_transition) if transition]
        segments = []
        for number, (this, following) in enumerate(pairwise(transitions)):
            first = this if number else -1  # remarks before the first transition fall into exercise 0
            start_s, end_s = times_s[this], times_s[following]
            feedbacks = tuple(
                Feedback(times_s[k] - start_s, spans[k].text) for k in range(first + 1, following) if k != this
            )
            exercise = exercise_of_transition(spans[this].text)
            segments.append(_segment(session, number, exercise, start_s, end_s, feedbacks))
        return segments


class Biobench1(Protocol):
    """Ours: every remark and every exercise counts, one optimal matching, silence and chatter have a price."""

    name = "biobench-1"
    summary = "ours: optimal matching, silent exercises kept, chance levels and intervals"
    tolerance_s = 1.5
    epsilon = 0.0
    missing_is_silence = True
    metrics = (
        "t_precision",
        "t_recall",
        "t_f_score",
        "t_lift",
        "t_skill",
        "t_area",
        "t_f_score@0.5",
        "t_f_score@1",
        "t_f_score@2",
        "t_f_score@3",
        "t_f_score_shifted",
        "best_shift_s",
        "latency_q1_s",
        "latency_median_s",
        "latency_q3_s",
        "false_alarms_per_min",
        "duplicate_share",
        "talk_overlap",
        "average_precision",
        "meteor",
        "meteor_f",
        "meteor_lift",
        "meteor_skill",
        "rouge_l",
        "rouge_l_f",
        "rouge_l_lift",
        "rouge_l_skill",
        "bertscore_f1",
        "bertscore_f",
        "bertscore_lift",
        "bertscore_skill",
        "soda_t",
    )
    headline = (
        "t_f_score",
        "t_lift",
        "t_skill",
        "t_area",
        "latency_median_s",
        "false_alarms_per_min",
        "meteor_f",
        "meteor_lift",
        "meteor_skill",
        "rouge_l_f",
        "bertscore_f",
    )

    def signature(self) -> Mapping[str, str]:
        return {"match": "optimal", "tol": f"{self.tolerance_s:g}s-half"}

    def scores(self, segment: Segment) -> bool:  # noqa: ARG002 - it does not matter which
        """Every exercise counts: a remark in a silent one is a false alarm."""
        return True

    def cut(self, session: Session) -> Sequence[Segment]:
        """From transition to transition; a repeat after silence is a remark, and so is one on the last frame."""
        spans = session.events()
        if not spans:
            counts = len(session.spans), len(session.is_transition)
            raise RecordUnusable("{} remarks in feedbacks, {} is_transition".format(*counts))
        _check_frames(session, spans)
        first_frames_s = [float(session.frame_times_s[span.first]) for span in spans]
        counts_agree = len(session.feedback_times_s) == len(spans)
        times_s = session.feedback_times_s if counts_agree else first_frames_s
        transitions = [k for k, transition in enumerate(session.is_transition) if transition]
        segments = []
        for number, (this, following) in enumerate(pairwise(transitions)):
            start_s = first_frames_s[this]
            feedbacks = sorted(Feedback(times_s[k] - start_s, spans[k].text) for k in range(this + 1, following))
            exercise = exercise_of_transition(spans[this].text)
            found = find_exercise(exercise)
            name = exercise if found is None else " ".join(filter(None, found))
            segments.append(_segment(session, number, name, start_s, first_frames_s[following], tuple(feedbacks)))
        return segments

    def match(self, segment: Segment, predictions: tuple[Feedback, ...] | None) -> SegmentMatch:
        """Matches by time alone; blank remarks are dropped, those outside the segment stay as false alarms."""
        remarks = sorted((f for f in predictions or () if f.text.strip()), key=lambda f: (f.time_s, f.text))
        inside = [j for j, remark in enumerate(remarks) if 0 <= remark.time_s <= segment.duration_s]
        matched = match_optimal(
            [feedback.time_s for feedback in segment.feedbacks],
            [remarks[j].time_s for j in inside],
            self.tolerance_s,
        )
        pairs = tuple((i, inside[j]) for i, j in matched)
        return SegmentMatch(segment, tuple(remarks), pairs, pairs, predicted=predictions is not None)


def _segment(
    session: Session,
    number: int,
    exercise: str,
    start_s: float,
    end_s: float,
    feedbacks: tuple[Feedback, ...],
) -> Segment:
    return Segment(
        id=f"{session.video}_{number}",
        video=session.video,
        exercise=exercise,
        start_s=start_s,
        duration_s=end_s - start_s,
        feedbacks=feedbacks,
        subject=session.subject,
        session=session,
    )


def _check_frames(session: Session, spans: Sequence[Span]) -> None:
    frames = len(session.frame_times_s)
    if spans and spans[-1].end > frames:
        raise RecordUnusable(f"a remark on frame {spans[-1].end - 1}, but times for {frames} frames only")


def _columns(feedbacks: Sequence[Feedback]) -> tuple[list[float], list[str]]:
    return [feedback.time_s for feedback in feedbacks], [feedback.text for feedback in feedbacks]


def _patched(text: str) -> str:
    return text.replace("armcrosschest", "deltoid stretch")
