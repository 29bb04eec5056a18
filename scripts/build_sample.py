"""Builds the sample that the package carries: a small benchmark in the QEVD layout, and predictions for it.

``python scripts/build_sample.py [FOLDER]`` writes ``biobench/data/sample``, or FOLDER. Nothing of it is real:
the sentences stand in ``sample_remarks.toml``, the times are drawn. The bytes are the same on every run.
"""

from __future__ import annotations

import json
import random
import sys
import tomllib
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SEED = 9
_HERE = Path(__file__).resolve().parent
_CARRIED = _HERE.parent / "biobench" / "data" / "sample"

_FRAME_NS = 1_000_000_000 / 22
_FIRST_VIDEO_NS = 1_646_294_400_000_000_000
_DAY_NS = 86_400_000_000_000
_CLOCK_SHIFT_S = 28800
"""What QEVD's annotation clock is ahead of its frame times."""

_GAP_DECILES_S = (1.7, 2.4, 3.0, 3.6, 4.2, 4.8, 5.6, 6.6, 8.0, 10.2, 14.5)
"""Gaps between remarks; their mean is about 5.3 s once those that fit into no exercise are gone."""
_EXERCISE_S = (25.0, 36.0)
_FIRST_REMARK_S = (3.8, 9.5)
_LAST_REMARK_S = (4.6, 9.5)
"""From the last remark to the end of the exercise."""
_OFTEN, _SPECIFIC = 0.29, 0.8
"""Shares of remarks: one of ``often``; of the others, one about this exercise."""

T = TypeVar("T")


@dataclass(frozen=True)
class Session:
    """A video: who is in it, and what they do."""

    video: str
    subject: str
    exercises: list[str]
    silent: str | None = None


class Remark(NamedTuple):
    """A sentence of the coach, the same in other words, and its place in an exercise (0 first, 1 last)."""

    kind: str
    text: str
    reworded: str
    at: float | None = None


class Event(NamedTuple):
    """A remark or (``remark`` is None) a transition, and when it is shown: seconds in the video."""

    start_s: float
    end_s: float
    text: str
    remark: Remark | None = None


class Said(NamedTuple):
    """A remark as the annotations time it: seconds on their clock."""

    time_s: float
    remark: Remark


@dataclass(frozen=True)
class Exercise:
    """What an example system is asked about; its bounds are on the annotation clock."""

    id: str
    start_s: float
    end_s: float
    said: tuple[Said, ...]


class Draw:
    """Random numbers that are the same in every Python: ``random()`` and plain arithmetic, no logarithms."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def between(self, low: float, high: float) -> float:
        """Uniform."""
        return low + (high - low) * self._random()

    def chance(self, share: float) -> bool:
        """True in ``share`` of the cases."""
        return self._random() < share

    def quantile(self, table: Sequence[float]) -> float:
        """From a distribution that is given by evenly spaced quantiles."""
        place = self._random() * (len(table) - 1)
        k = int(place)
        return table[k] + (place - k) * (table[k + 1] - table[k])

    def pick(self, items: Sequence[T]) -> T:
        """One of them."""
        return items[int(self._random() * len(items))]


def main(arguments: Sequence[str]) -> None:
    """Writes the sample."""
    root = Path(arguments[0]) if arguments else _CARRIED
    source = tomllib.loads((_HERE / "sample_remarks.toml").read_text(encoding="utf-8"))
    sessions = [Session(**entry) for entry in source["sessions"]]
    remarks = {name: [Remark(**entry) for entry in group] for name, group in source["remarks"].items()}
    draw = Draw(_SEED)
    exercises = _write_benchmark(root / "QEVD-FIT-COACH-Benchmark", sessions, remarks, draw)
    fillers = source["fillers"]
    examples = {
        "late_paraphraser": _late_paraphraser(exercises, fillers["eager"], draw),
        "metronome5": _metronome(exercises, fillers["metronome"]),
        "eager": _eager(exercises, fillers["eager"], draw),
    }
    (root / "predictions").mkdir(parents=True, exist_ok=True)
    for name, value in examples.items():
        _write_text(root / "predictions" / f"{name}.json", json.dumps(value, indent=1))


def _write_benchmark(
    folder: Path, sessions: Sequence[Session], remarks: Mapping[str, list[Remark]], draw: Draw
) -> list[Exercise]:
    coach = _Coach(remarks, draw)
    (folder / "long_range_videos").mkdir(parents=True, exist_ok=True)
    records: list[dict[str, object]] = []
    exercises: list[Exercise] = []
    for day, session in enumerate(sessions):
        events = _events(session, coach, draw)
        frames_ns = _frame_times(day, events[-1].end_s + draw.between(2.0, 4.0), draw)
        record, times_s = _record(session.video, events, frames_ns, draw)
        records.append(record)
        exercises += _exercises(session.video, events, times_s)
        with (folder / "long_range_videos" / f"{session.video}_timestamps.npy").open("wb") as file:
            np.lib.format.write_array(file, np.array(frames_ns, dtype="<i8"), version=(1, 0))
    compact = json.dumps(records, separators=(",", ":"))
    _write_text(folder / "feedbacks_long_range.json", compact)
    subjects = {session.video: session.subject for session in sessions}
    _write_text(folder / "subjects.json", json.dumps(subjects, indent=1))
    return exercises


class _Coach:
    """Decides what is said in an exercise; knows what was said before."""

    def __init__(self, groups: Mapping[str, list[Remark]], draw: Draw) -> None:
        self._draw = draw
        self._unsaid = {name: list(group) for name, group in groups.items()}

    def remarks(self, exercise: str, number: int) -> list[Remark]:
        """That many remarks for an exercise, in an order that makes sense."""
        name, side = exercise, ""
        if exercise.endswith((" left", " right")):
            name, side = exercise.rsplit(" ", 1)
        general = "holds" if side else "repetitions"
        chosen: dict[Remark, float] = {}
        while len(chosen) < number:
            about = name if self._draw.chance(_SPECIFIC) else self._draw.pick(["any", general])
            about = "often" if self._draw.chance(_OFTEN) else about
            if not self._unsaid[about]:
                continue
            remark = self._draw.pick(self._unsaid[about])
            if remark in chosen or (remark.at == 1.0 and 1.0 in chosen.values()):
                continue
            if about != "often":
                self._unsaid[about].remove(remark)
            chosen[remark] = self._draw.between(0.1, 0.9) if remark.at is None else remark.at
        in_order = sorted(chosen, key=chosen.__getitem__)
        return [r._replace(text=_sided(r.text, side), reworded=_sided(r.reworded, side)) for r in in_order]


def _sided(text: str, side: str) -> str:
    return text.replace("{side}", side).replace("{other}", "right" if side == "left" else "left")


def _events(session: Session, coach: _Coach, draw: Draw) -> list[Event]:
    """Everything that is shown in a video, in order; the last event ends the session."""
    events: list[Event] = []
    now_s = draw.between(1.0, 2.5)
    for k, exercise in enumerate(session.exercises):
        text = f"Moving on to {exercise}!" if k else f"First up are {exercise}!"
        events.append(Event(now_s, now_s + draw.between(1.5, 1.8), text))
        remark_s, end_s = _timetable(draw)
        if exercise != session.silent:
            remarks = coach.remarks(exercise, len(remark_s))
            for at_s, next_s, remark in zip(remark_s, [*remark_s[1:], end_s], remarks, strict=True):
                shown_s = draw.between(1.05, min(2.45, next_s - at_s - 0.4))
                events.append(Event(now_s + at_s, now_s + at_s + shown_s, remark.text, remark))
        now_s += end_s
    events.append(Event(now_s, now_s + draw.between(1.5, 2.2), "That's the end of the session."))
    return events


def _timetable(draw: Draw) -> tuple[list[float], float]:
    """Times of an exercise's remarks and its length, seconds from its start."""
    while True:
        end_s, times = draw.between(*_EXERCISE_S), [draw.between(*_FIRST_REMARK_S)]
        while end_s - times[-1] > _LAST_REMARK_S[1]:
            times.append(times[-1] + draw.quantile(_GAP_DECILES_S))
        if end_s - times[-1] >= _LAST_REMARK_S[0]:
            return times, end_s


def _frame_times(day: int, duration_s: float, draw: Draw) -> list[int]:
    """Nanoseconds, about 22 frames a second; a frame is lost now and then."""
    start_ns = _FIRST_VIDEO_NS + day * _DAY_NS + int(draw.between(0.0, 0.3 * _DAY_NS))
    times = [start_ns]
    while times[-1] - start_ns < duration_s * 1e9:
        step_ns = _FRAME_NS * draw.between(0.9, 1.1)
        times.append(times[-1] + int(2 * step_ns if draw.chance(0.002) else step_ns))
    return times


def _record(
    video: str, events: Sequence[Event], frames_ns: Sequence[int], draw: Draw
) -> tuple[dict[str, object], list[float]]:
    """The annotation record, and each event's first frame on the annotation clock."""
    dense = [""] * len(frames_ns)
    times_s: list[float] = []
    for event in events:
        first, end = (bisect_left(frames_ns, frames_ns[0] + int(s * 1e9)) for s in (event.start_s, event.end_s))
        dense[first:end] = [event.text] * (end - first)
        times_s.append(frames_ns[first] / 1e9 + _CLOCK_SHIFT_S)
    record: dict[str, object] = {
        "long_range_video_file": f"./long_range_videos/{video}.mp4",
        "video_timestamps": f"./long_range_videos/{video}_timestamps.npy",
        "feedbacks": dense,
        "feedback_timestamps": [round(time_s + draw.between(0.001, 0.008), 6) for time_s in times_s],
        "is_transition": [event.remark is None for event in events],
    }
    return record, times_s


def _exercises(video: str, events: Sequence[Event], times_s: Sequence[float]) -> list[Exercise]:
    bounds = [k for k, event in enumerate(events) if event.remark is None]
    return [
        Exercise(
            id=f"{video}_{number}",
            start_s=times_s[this],
            end_s=times_s[following],
            said=tuple(
                Said(time_s, event.remark)
                for event, time_s in zip(events[this:following], times_s[this:following], strict=True)
                if event.remark is not None
            ),
        )
        for number, (this, following) in enumerate(pairwise(bounds))
    ]


def _late_paraphraser(exercises: Sequence[Exercise], fillers: Sequence[str], draw: Draw) -> object:
    """Says most of what the reference says, in other words, 0.3-1.2 s late; native, times from each start."""
    entries = []
    for exercise in exercises:
        remarks = [
            (said.time_s - exercise.start_s + draw.between(0.3, 1.2), said.remark.reworded)
            for said in exercise.said
            if not draw.chance(0.15)
        ]
        if exercise.said and draw.chance(0.3):
            extra_s = draw.between(2.0, exercise.end_s - exercise.start_s - 2.0)
            remarks.append((extra_s, draw.pick(fillers)))
        feedbacks = [{"time": round(time_s, 3), "text": text} for time_s, text in sorted(remarks)]
        entries.append({"segment": exercise.id, "feedbacks": feedbacks})
    return _native("late_paraphraser", "segment", entries)


def _metronome(exercises: Sequence[Exercise], text: str) -> object:
    """Says the same every 5 s and sees nothing; VAR-2026's form, which has no place for silent exercises."""
    entries = []
    for exercise in exercises:
        beats = range(1, int((exercise.end_s - exercise.start_s) / 5.0) + 1)
        times = [exercise.start_s + 5.0 * k for k in beats]
        if exercise.said:
            entries.append(
                {
                    "mini_episode_id": exercise.id,
                    "pred_feedbacks": [text] * len(times),
                    "pred_feedback_timestamps": [round(time_s, 3) for time_s in times],
                }
            )
    return entries


def _eager(exercises: Sequence[Exercise], fillers: Sequence[str], draw: Draw) -> object:
    """Says something every 1.6-3.2 s, often the right thing when there is one; native, annotation clock."""
    entries = []
    for exercise in exercises:
        now_s = exercise.start_s + draw.between(1.0, 3.0)
        feedbacks = []
        while now_s < exercise.end_s - 1.0:
            near = [said.remark for said in exercise.said if abs(said.time_s - now_s) < 1.2]
            right = bool(near) and draw.chance(0.7)
            text = (near[0].text if draw.chance(0.3) else near[0].reworded) if right else draw.pick(fillers)
            sure = draw.between(0.4, 0.95) if right else draw.between(0.2, 0.75)
            feedbacks.append({"time": round(now_s, 3), "text": text, "confidence": round(sure, 2)})
            now_s += draw.between(1.6, 3.2)
        entries.append({"segment": exercise.id, "feedbacks": feedbacks})
    return _native("eager", "unix", entries)


def _native(system: str, time: str, entries: Sequence[object]) -> object:
    return {"schema": "biobench/predictions/1", "system": system, "time": time, "predictions": entries}


def _write_text(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
