"""The records that everything else passes along: frozen, in plain units, with no protocol in them.

Times are seconds. Two clocks occur: the annotation clock (Unix time shifted by 28,800 s, as QEVD's ``feedback_timestamps``)
and time from a segment's start.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import datasets
    import numpy as np
    from numpy.typing import NDArray

    from biobench.problems import Notice

__all__ = [
    "Benchmark",
    "Entry",
    "Feedback",
    "ListedExercise",
    "Predictions",
    "PredictionsFormat",
    "Segment",
    "Session",
    "Span",
    "TimeOrigin",
    "exercise_of_transition",
]

TimeOrigin = Literal["segment", "video", "unix"]
PredictionsFormat = Literal["native", "var-2026", "var-2025", "fitcoach-pairs"]


class Feedback(NamedTuple):
    """One remark: when, what, and (for predictions that say so) how confident."""

    time_s: float
    text: str
    confidence: float | None = None


class Span(NamedTuple):
    """A run of frames that show the same non-empty text: frames ``first`` to ``end - 1``."""

    first: int
    end: int
    text: str


class ListedExercise(NamedTuple):
    """An exercise as the files name and bound it, on the annotation clock."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """What the files say about one video.

    ``frame_times_s`` has shape (frames,), on the annotation clock; ``dense_length`` is the number of strings in the
    record's ``feedbacks``, ``record`` its index in the annotation file. ``listed_exercises`` is set only where the
    files give exercises without remarks (the competition split).
    """

    video: str
    record: int
    frame_times_s: NDArray[np.float64]
    dense_length: int
    spans: tuple[Span, ...]
    feedback_times_s: tuple[float, ...]
    is_transition: tuple[bool, ...]
    subject: str | None = None
    features_path: Path | None = None
    poses_path: Path | None = None
    video_path: Path | None = None
    listed_exercises: tuple[ListedExercise, ...] = ()

    @property
    def exercise_count(self) -> int:
        """Exercises of the video, silent ones included; the last transition ends the session."""
        return len(self.listed_exercises) or max(0, sum(self.is_transition) - 1)

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """``<video>_<k>`` for every exercise, k from 0."""
        return tuple(f"{self.video}_{k}" for k in range(self.exercise_count))

    def exercises(self) -> tuple[ListedExercise, ...]:
        """Every exercise with its start and end on the annotation clock, from transition to transition.

        Empty where the record's remarks can't be told apart (their number fits ``is_transition`` in no reading).
        """
        if self.listed_exercises:
            return self.listed_exercises
        events = self.events()
        if any(event.first >= len(self.frame_times_s) for event in events):
            return ()
        transitions = [
            (exercise_of_transition(event.text), float(self.frame_times_s[event.first]))
            for event, transition in zip(events, self.is_transition, strict=False)
            if transition
        ]
        return tuple(ListedExercise(name, start_s, end_s) for (name, start_s), (_, end_s) in pairwise(transitions))

    def events(self) -> tuple[Span, ...]:
        """The spans that ``is_transition`` speaks of, one each; empty where no reading of the record fits it."""
        readings = (self.spans, self.closed_spans(), self.collapsed_spans())
        return next((reading for reading in readings if len(reading) == len(self.is_transition)), ())

    def closed_spans(self) -> tuple[Span, ...]:
        """The spans that another value follows: all but one that lasts to the last frame."""
        return tuple(span for span in self.spans if span.end < self.dense_length)

    def collapsed_spans(self) -> tuple[Span, ...]:
        """The spans whose text differs from the span before, however much silence lies between."""
        return tuple(
            span
            for before, span in zip((None, *self.spans), self.spans, strict=False)
            if before is None or span.text != before.text
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """One exercise of one video, as a protocol cuts it.

    ``start_s`` is on the annotation clock; the times in ``feedbacks`` count from it. ``session`` is the video that it was
    cut from, with its poses where the data have them.
    """

    id: str
    video: str
    exercise: str
    start_s: float
    duration_s: float
    feedbacks: tuple[Feedback, ...]
    subject: str | None = None
    session: Session | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """One split, as read. ``source_sha256`` is over every file that the references depend on.

    ``second_annotator`` is a predictions file with another annotator's remarks, where the data hold one (QEVD-synth does).
    """

    name: str
    split: str
    annotations: str
    sessions: tuple[Session, ...]
    source_sha256: str
    source: str
    second_annotator: Path | None = None
    is_sample: bool = False
    notices: tuple[Notice, ...] = ()

    @property
    def video_starts_s(self) -> dict[str, float]:
        """The time of each video's first frame, on the annotation clock."""
        return {session.video: float(session.frame_times_s[0]) for session in self.sessions}

    @property
    def has_references(self) -> bool:
        """False for a competition split, which tells exercises but no remarks."""
        return any(session.is_transition for session in self.sessions)

    def to_dataset(self) -> datasets.Dataset:
        """The split as a Hugging Face ``datasets.Dataset``, one row a video; see ``biobench.dataset``."""
        from biobench.dataset import to_dataset  # noqa: PLC0415 - datasets is imported only when asked for

        return to_dataset(self)


class Entry(NamedTuple):
    """One entry of a predictions file: the remarks for one segment, or (VAR-2025) for one whole video."""

    key: str
    feedbacks: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a system said, in file order, unsorted and with blanks, as the published protocols need it.

    ``pairs`` holds (reference, prediction) texts where the file is FitCoach's saved pairs; ``entries`` is empty then.
    """

    system: str
    format: PredictionsFormat
    time_origin: TimeOrigin
    entries: tuple[Entry, ...]
    source: str
    source_sha256: str
    pairs: tuple[tuple[str, str], ...] = ()
    notices: tuple[Notice, ...] = ()

    def by_segment(
        self, segments: Sequence[Segment], video_starts_s: dict[str, float]
    ) -> dict[str, tuple[Feedback, ...]]:
        """Remarks by segment id, times from each segment's start, in file order.

        ``segments`` must hold every exercise of the videos, silent ones too: a whole-video entry is split at their
        starts (start included, end excluded). ``video_starts_s`` is the time of each video's first frame.
        """
        if self.format == "var-2025":
            return self._split_videos(segments)
        by_id = {segment.id: segment for segment in segments}
        result: dict[str, tuple[Feedback, ...]] = {}
        for key, feedbacks in self.entries:
            segment = by_id.get(key)
            if segment is None:
                continue  # a segment that this protocol could not build; the protocol reports the record
            if self.time_origin == "segment":
                result[key] = feedbacks
                continue
            origin_s = segment.start_s
            if self.time_origin == "video":
                origin_s -= video_starts_s[segment.video]
            result[key] = tuple(f._replace(time_s=f.time_s - origin_s) for f in feedbacks)
        return result

    def _split_videos(self, segments: Sequence[Segment]) -> dict[str, tuple[Feedback, ...]]:
        of_video: dict[str, list[Segment]] = {}
        for segment in segments:
            of_video.setdefault(segment.video, []).append(segment)
        result: dict[str, list[Feedback]] = {}
        for video, feedbacks in self.entries:
            parts = sorted(of_video.get(video, ()), key=lambda part: part.start_s)
            starts = [part.start_s for part in parts]
            result.update({part.id: [] for part in parts})
            for feedback in feedbacks:
                k = bisect_right(starts, feedback.time_s) - 1
                if k >= 0 and feedback.time_s < starts[k] + parts[k].duration_s:
                    result[parts[k].id].append(feedback._replace(time_s=feedback.time_s - starts[k]))
        return {key: tuple(remarks) for key, remarks in result.items()}


def exercise_of_transition(text: str) -> str:
    """The exercise that a transition names.

    >>> exercise_of_transition("Moving on to squats!")
    'squats'
    """
    return text.replace("First up are ", "").replace("Moving on to ", "").replace("!", "")
