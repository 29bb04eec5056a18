"""The annotations as the file has them: remarks to rewrite, and the same file with other words, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from biobench.models import exercise_segments
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_text import parse, read_text
from biobench.records import Benchmark, Segment, Session, Span

__all__ = ["Annotations", "Event", "parted", "read_annotations"]


class Event(NamedTuple):
    """One remark: its place among the events of its record, its words, and the exercise that it is said in, if any.

    ``at_s`` counts from the segment's start. ``repeated``: its neighbour says the same words.
    """

    record: int
    event: int
    video: str
    time_s: float
    text: str
    segment: Segment | None
    at_s: float | None
    repeated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """An annotation file: its records as they were read, and its remarks in the order of the file."""

    path: Path
    sha256: str
    records: list[dict[str, object]]
    sessions: Mapping[int, Session]
    events: tuple[Event, ...]

    def rewritten(self, words: Mapping[tuple[int, int], str]) -> str:
        """The file with other words for some remarks, by record and event; every frame that showed the old ones shows them.

        Everything else is as it was.
        """
        records = [copy(record) for record in self.records]
        for record, session in self.sessions.items():
            dense = list(records[record]["feedbacks"])  # type: ignore[call-overload]  # the reader has checked it
            for number, event in enumerate(session.events()):
                text = words.get((record, number))
                if text is not None:
                    dense[event.first : event.end] = [text] * (event.end - event.first)
            records[record]["feedbacks"] = dense
        return json.dumps(records, ensure_ascii=False) + "\n"


def read_annotations(benchmark: Benchmark) -> Annotations:
    """The annotations of a benchmark. Raises ``ProblemsFound`` for a split that has exercises but no remarks."""
    if not benchmark.has_references:
        found = f"the split {benchmark.split}, which has no remarks"
        raise ProblemsFound([Problem(benchmark.source, found, "annotated data")])
    path = Path(benchmark.source) / benchmark.annotations
    source = read_text(path)
    records = parse(source)
    if not isinstance(records, list) or len(records) != len(benchmark.sessions):
        raise ProblemsFound([Problem(str(path), "a file that changes while it is read", "the annotations")])
    segments = {segment.id: segment for segment in exercise_segments(benchmark)}
    sessions = {session.record: session for session in benchmark.sessions}
    events = tuple(event for session in benchmark.sessions for event in _events(session, segments))
    return Annotations(path, source.sha256, records, sessions, events)


def parted(session: Session, words: Mapping[int, str]) -> set[int]:
    """The events that must keep their old words, so that spans which differ go on to differ.

    ``words`` are the new ones by event. Readers tell remarks apart by their words: a remark whose neighbour, with or without
    silence between them, said the same would be lost in one.
    """
    events = _by_span(session)
    own = {number: words.get(number, span.text) for number, span in events}
    kept: set[int] = set()
    said = [(number, span.text) for number, span in events]
    changed = True
    while changed:
        changed = False
        for (one, before), (other, after) in pairwise(said):
            if before != after and own[one] == own[other]:
                last = other if own[other] != after else one
                own[last] = after if last == other else before
                kept.add(last)
                changed = True
    return kept


def _events(session: Session, segments: Mapping[str, Segment]) -> Sequence[Event]:
    spans = session.events()
    times = _times(session, spans)
    texts = [span.text for span in session.spans]
    twice = {
        span.first
        for k, span in enumerate(session.spans)
        if span.text in {*texts[max(0, k - 1) : k], *texts[k + 1 : k + 2]}
    }
    found, exercise = [], -1
    for number, (span, transition, time_s) in enumerate(zip(spans, session.is_transition, times, strict=False)):
        exercise += transition
        if transition:
            continue
        segment = segments.get(f"{session.video}_{exercise}")
        at_s = None if segment is None else time_s - segment.start_s
        repeated = span.first in twice
        found.append(Event(session.record, number, session.video, time_s, span.text, segment, at_s, repeated))
    return found


def _times(session: Session, spans: Sequence[Span]) -> Sequence[float]:
    """When each event is said, as biobench-1 takes it."""
    if len(session.feedback_times_s) == len(spans):
        return session.feedback_times_s
    last = len(session.frame_times_s) - 1
    return [float(session.frame_times_s[min(span.first, last)]) for span in spans]


def _by_span(session: Session) -> list[tuple[int, Span]]:
    """Every span of the record with its event's number; one that is no event has a number of its own, below 0."""
    numbers = {span.first: number for number, span in enumerate(session.events())}
    return [(numbers.get(span.first, -1 - k), span) for k, span in enumerate(session.spans)]
