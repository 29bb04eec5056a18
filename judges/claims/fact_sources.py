"""What a segment's body really did: from the script that made it, else from the poses that were estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from biobench.body.hsmr import read
from biobench.body.motion import Motion
from biobench.body.person import motion_of
from biobench.body.skel import Side
from biobench.exercises import Exercise, find_exercise, knowledge
from biobench.problems import Problem, ProblemsFound
from biobench.records import Segment, Session
from biobench.synth.bodies import true_poses
from biobench.synth.script import Performance, Script
from biobench.synth.script_file import SCRIPT_FILE, read_script
from judges.claims.fact_windows import (
    HOLD_S,
    Shown,
    Span,
    Verdict,
    Window,
    finished_repetitions,
    side_named,
    span_at,
    window_after,
    window_between,
)

__all__ = ["Bodies", "Body", "Truth", "bodies", "others"]

Truth = Literal["script", "poses"]

_SCRIPT = "the script"
_OTHERS = 20
_MOMENTS = 4
"""Of one segment at most, so that the windows of others are those of many."""
_RATE_HZ = 22.0
"""Of a script's poses: a frame of common video."""
_REPORTED_S = 1.3
"""After a repetition's end, when it is known to be over: 0.3 s and until the next look."""
_AFTERWARDS_S = 2.0
"""Some protocols end an exercise within the next one's announcement."""


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """What was done from an exercise's first moment on, by the catalogue's name; times count from there.

    ``performance`` is what the script says of it; None where poses are all that is known. Windows and repetitions are kept:
    remarks of many systems, under several protocols, ask for them.
    """

    exercise: str
    side: Side | None
    motion: Motion
    performance: Performance | None
    _windows: dict[float, Window | Verdict] = field(default_factory=dict, repr=False)
    _finished: dict[int, list[Span]] = field(default_factory=dict, repr=False)

    def window(self, at_s: float) -> Window | Verdict:
        """What had been seen at a time; repetitions are looked for once a second."""
        if at_s not in self._windows:
            if self.performance is None:
                finished = self.finished(int(at_s // 1))
                self._windows[at_s] = window_after(finished, self.motion, at_s, self.exercise, self.side)
            else:
                self._windows[at_s] = _scripted(self.performance, self.motion, at_s)
        return self._windows[at_s]

    def finished(self, second: int) -> list[Span]:
        """Repetitions that are over at a full second."""
        if second not in self._finished:
            self._finished[second] = finished_repetitions(self.motion, float(second), self.exercise, self.side)
        return self._finished[second]


class Body(NamedTuple):
    """The body of one segment; ``track`` is None where the catalogue does not know the exercise.

    ``moments`` are some times at which something could be said of it: after repetitions, of a hold every 3 s; a few of them,
    evenly spread.
    """

    segment: Segment
    track: _Track | None
    moments: tuple[float, ...]

    def window(self, at_s: float) -> Window | Verdict:
        """What had been seen at a time from the segment's start. A remark after its end is about its last seconds."""
        if self.track is None:
            return Verdict("undetermined", "an exercise that the catalogue does not know")
        return self.track.window(min(at_s, self.segment.duration_s))


class Bodies(NamedTuple):
    """The bodies of a benchmark by segment id; segments without poses have none.

    ``truth`` says what is known of them (None: there are none), ``digest`` is of the files that say it.
    """

    by_segment: Mapping[str, Body]
    truth: Truth | None
    digest: str


def bodies(segments: Sequence[Segment]) -> Bodies:
    """The bodies of these segments. A ``script.json`` beside the poses is the truth; the poses are then not read.

    Raises ``ProblemsFound`` for files that can't be read, and for a script of other videos.
    """
    found: dict[str, Body] = {}
    files: dict[str, Path] = {}
    for segment in segments:
        session = segment.session
        if session is None or session.poses_path is None:
            continue
        exercise = find_exercise(segment.exercise)
        path = session.poses_path.parent.parent / SCRIPT_FILE
        if exercise is None:
            track = None
        elif path.is_file():
            track = _scripted_track(session, segment.id, segment.start_s, exercise, path)
            files[_SCRIPT] = path
        else:
            track = _posed_track(session, session.poses_path, segment.start_s, exercise)
            files[session.video] = session.poses_path
        found[segment.id] = Body(segment, track, () if track is None else _moments(track, segment.duration_s))
    truth: Truth | None = "script" if _SCRIPT in files else "poses" if files else None
    return Bodies(found, truth, _digest(files))


def others(segment: Segment, known: Mapping[str, Body]) -> tuple[Window, ...]:
    """Windows of other people doing the same exercise, 20 at most: what is true of them as well is no news.

    Other people are other subjects where the segment's is known, else other videos. The choice follows from the names of
    the segments alone.
    """
    own = known[segment.id].track
    candidates = [
        (sha256(f"{segment.id} {body.segment.id} {k}".encode()).digest(), body, at_s)
        for body in known.values()
        if own is not None and body.track is not None
        if (body.track.exercise, body.track.side) == (own.exercise, own.side) and _other(segment, body.segment)
        for k, at_s in enumerate(body.moments)
    ]
    windows: list[Window] = []
    for _, body, at_s in sorted(candidates, key=lambda candidate: candidate[0]):
        seen = body.window(at_s)
        if isinstance(seen, Window):
            windows.append(seen)
        if len(windows) == _OTHERS:
            break
    return tuple(windows)


def _other(segment: Segment, donor: Segment) -> bool:
    if segment.subject is not None and donor.subject is not None:
        return segment.subject != donor.subject
    return segment.video != donor.video


def _digest(files: Mapping[str, Path]) -> str:
    whole = sha256()
    for name, path in sorted(files.items()):
        with path.open("rb") as file:
            whole.update(f"{name} {file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()[:12]


@lru_cache(maxsize=1024)
def _posed_track(session: Session, poses: Path, start_s: float, exercise: Exercise) -> _Track:
    whole = _motion(session, poses)
    since_s = start_s - float(session.frame_times_s[0])
    first = int(np.searchsorted(whole.times_s, since_s))
    motion = Motion(whole.angles_rad[first:], whole.times_s[first:] - since_s, whole.valid[first:], source=whole.source)
    return _Track(exercise.name, side_named(exercise.side), motion, None)


@lru_cache(maxsize=160)
def _motion(session: Session, poses: Path) -> Motion:
    """A video's motion, times from its first frame; a benchmark's are kept, because they are slow to read."""
    return motion_of(read(poses), session.frame_times_s - session.frame_times_s[0], str(poses))[0]


@lru_cache(maxsize=1024)
def _scripted_track(session: Session, segment: str, start_s: float, exercise: Exercise, path: Path) -> _Track:
    script = _script(path, path.stat().st_mtime_ns)
    video = next((video for video in script.videos if video.video == session.video), None)
    number = int(segment.rpartition("_")[2])
    performance = video.performances[number] if video is not None and number < len(video.performances) else None
    if video is None or performance is None or performance.exercise != exercise.name:
        expected = f"the script of these data, with {exercise.name} as {segment}"
        hint = "move it away, and the poses are used"
        raise ProblemsFound([Problem(str(path), "the script of other data", expected, hint)])
    person = next(person for person in script.people if person.id == video.person)
    since_s = start_s - float(session.frame_times_s[0])
    times = np.arange(int((performance.end_s - since_s + _AFTERWARDS_S) * _RATE_HZ)) / _RATE_HZ
    motion = Motion.of(true_poses(video, person, times + since_s), times)
    return _Track(exercise.name, performance.side, motion, _since(performance, since_s))


@lru_cache(maxsize=4)
def _script(path: Path, changed_ns: int) -> Script:  # noqa: ARG001 - a script that was changed is read again
    return read_script(path)


def _moments(track: _Track, duration_s: float) -> tuple[float, ...]:
    if knowledge(track.exercise).hold:
        times = np.arange(2 * HOLD_S, duration_s, HOLD_S)
    elif track.performance is not None:
        times = np.array([r.end_s for r in track.performance.repetitions])
    else:
        times = np.array([r.end_s + _REPORTED_S for r in track.finished(int(duration_s))])
    if not len(times):
        return ()
    picked = np.unique(np.linspace(0, len(times) - 1, min(_MOMENTS, len(times))).round().astype(int))
    return tuple(float(times[k]) for k in picked)


def _scripted(performance: Performance, motion: Motion, at_s: float) -> Window | Verdict:
    """What had been seen, with the repetitions and faults of the script."""
    hold = knowledge(performance.exercise).hold
    repetitions = [Span(r.start_s, r.end_s) for r in performance.repetitions]
    span = span_at(repetitions, at_s, hold=hold)
    if hold and (not repetitions or span is None or span.start_s < repetitions[0].start_s):
        return Verdict("undetermined", "the position was not held for long enough yet")
    if span is None:
        return Verdict("undetermined", "no repetition was finished in the last seconds")
    seen = [n for n, r in enumerate(performance.repetitions, 1) if span.start_s <= r.key_s <= span.end_s]
    known = {fault.id: fault for fault in knowledge(performance.exercise).faults}
    shown = []
    for fault in performance.faults:
        own = [n for n in seen if fault.side is None or performance.repetitions[n - 1].side in {None, fault.side}]
        severities = [performance.severity(fault, n) for n in own] or [0.0]
        shown.append(Shown(known[fault.id], fault.side, max(severities), severities[-1]))
    # One that has passed its key moment has shown how far it goes.
    parts = [Span(r.start_s, min(r.end_s, at_s)) for r in performance.repetitions if r.key_s <= at_s]
    return window_between(motion, span, performance.exercise, performance.side, parts, tuple(shown))


def _since(performance: Performance, start_s: float) -> Performance:
    """The performance with its repetitions' times counted from ``start_s``."""
    moved = tuple(
        r._replace(start_s=r.start_s - start_s, key_s=r.key_s - start_s, end_s=r.end_s - start_s)
        for r in performance.repetitions
    )
    return replace(performance, repetitions=moved)
