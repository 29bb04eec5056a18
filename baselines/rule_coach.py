"""A coach of plain rules: what the poses show while it happens, a sentence for every fault, and no learning."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baselines.looking import SEEN_S, answers, poses_of
from biobench.body.skel import Side
from biobench.exercises import faults, find_exercise, knowledge
from biobench.models import Model, Option, Options, number, options_by_name
from biobench.records import Benchmark, Entry, Feedback, Segment
from biocoach_model.context import HOLD_S, Judged
from biocoach_model.inputs import Inputs, SegmentInputs
from biocoach_model.stream import ContextStream

__all__ = ["Coach", "Manner", "RuleCoach", "wordings"]

Floats = NDArray[np.float64]

_LOOK_S = 1.0
"""Between two looks at somebody who holds a position."""
_FRESH_S = 3.0
"""What was seen so long ago is not spoken of any more."""
_GONE = 2
"""Repetitions without a fault after which it is corrected."""
_LEAST_DEG = 5.0
"""Off by less nobody would see it, whatever the fit says."""
_WORSE = 1 / 3
"""From mild to clear, from clear to severe."""
_TEMPO_OF = 3
"""Tempo is the median of so many repetitions, compared with as many at the beginning."""
_RUSHED, _DRAGGING = 0.8, 1.25
"""By a fifth: a smaller change of one's own tempo is hard to feel."""
_TEMPO_WEIGHT = 0.2
"""Behind whatever the joints show."""


class Manner(NamedTuple):
    """How a coach behaves: ``gap_s`` between two remarks at least; 0 repetitions or seconds: never."""

    gap_s: float
    count_every: int
    praise_s: float
    again_s: float
    confirm: int


class RuleCoach(Model):
    """Speaks of what is new: a fault, a fault that has become worse or is corrected, a round count, a clean series.

    The times are those at which the poses showed it: nothing later is looked at. One remark at a time, the weightiest; what
    had to wait for the gap is said if it is still to be seen.
    """

    name = "rule-coach"
    summary = "says what the poses show, by rules"
    options = options_by_name(
        Option("gap_s", 4.0, "from one remark to the next, at least", "s", 0.0, 3600.0),
        Option("count_every", 10, "repetitions (seconds of a hold) between counts; 0: no counts", "", 0, 1000),
        Option("praise_s", 10.0, "without a fault or praise before praise; 0: no praise", "s", 0.0, 3600.0),
        Option("again_s", 15.0, "before a fault that stays is told again; 0: once", "s", 0.0, 3600.0),
        Option("confirm", 1, "repetitions in a row that must show a fault", "", 1, 100),
    )

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        manner = Manner(
            number(options, "gap_s"),
            int(number(options, "count_every")),
            number(options, "praise_s"),
            number(options, "again_s"),
            int(number(options, "confirm")),
        )

        def say(segment: Segment, seen: SegmentInputs) -> list[Feedback]:
            motion = poses_of(segment, seen)
            coach = Coach(segment.exercise, manner)
            poses = zip(motion.angles_rad, motion.times_s.tolist(), strict=True)
            remarks = ((time_s, coach.see(pose, time_s)) for pose, time_s in poses)
            return [Feedback(time_s, text) for time_s, text in remarks if text is not None]

        return answers(benchmark, Inputs.open(benchmark, poses=True), say)

    def provenance(self, options: Options) -> Mapping[str, object]:  # noqa: ARG002 - Model's signature
        return {"wordings": str(wordings()["version"])}


@dataclass(slots=True)
class _Fault:
    """What is known of a fault, of one side where it has sides; in a row: repetitions with it, and without it."""

    id: str
    side: Side | None
    seen: int = 0
    missed: int = 0
    seen_s: float = -np.inf
    weight: float = 0.0
    severity: float = 0.0
    measured: float = 0.0
    wanted: float = 0.0
    told: float | None = None
    told_s: float = -np.inf


class Coach:
    """One exercise of one person, pose after pose. Raises ``KeyError`` for an unknown exercise."""

    def __init__(self, exercise: str, manner: Manner) -> None:
        self._stream, self._manner = ContextStream(exercise), manner
        found = find_exercise(exercise)
        self._exercise = found.name if found else exercise
        self._hold = knowledge(self._exercise).hold
        self._tempo_faults = {fault.id for fault in faults(self._exercise) if fault.tempo is not None}
        self._faults: dict[tuple[str, Side | None], _Fault] = {}
        self._keys_s: list[float] = []
        self._done = self._counted = self._praised = 0
        self._done_s = self._spoken_s = self._seen_s = -np.inf
        self._held_since_s: float | None = None
        self._next_look_s = 0.0
        self._clean_since_s: float | None = None

    def see(self, angles_rad: Floats, time_s: float) -> str | None:
        """What to say at the time of a pose, (46,) radians (NaN: nobody was seen); times rise."""
        judged = self._stream.push(angles_rad, time_s)
        if np.isfinite(angles_rad[0]):
            self._seen_s = time_s
        if self._hold:
            self._look(time_s)
        for one in judged:
            self._done += 1
            self._done_s = time_s
            self._keys_s.append(one.repetition.key_s)
            self._note(one, time_s)
        if judged:
            self._note_tempo(time_s)
        if time_s - self._spoken_s < self._manner.gap_s or time_s - self._seen_s > SEEN_S:
            return None
        text = self._correction(time_s) or self._approval(time_s) or self._count(time_s) or self._praise(time_s)
        if text is not None:
            self._spoken_s = time_s
        return text

    def _look(self, time_s: float) -> None:
        """A hold is judged every second."""
        if time_s < self._next_look_s:
            return
        self._next_look_s = time_s + _LOOK_S
        last = self._stream.context().last if time_s - self._seen_s <= SEEN_S else None
        if last is None:
            self._held_since_s, self._counted = None, 0
            return
        if self._held_since_s is None:
            self._held_since_s = last.repetition.start_s
        self._done, self._done_s = int(time_s - self._held_since_s), time_s
        # The way into the position is no fault of it.
        if last.repetition.start_s >= self._held_since_s + HOLD_S:
            self._note(last, time_s)

    def _note(self, judged: Judged, time_s: float) -> None:
        """Which faults a repetition shows, and which of those that were there it does not."""
        there = set()
        for v in judged.faults:
            if abs(v.measured_deg - v.wanted_deg) < _LEAST_DEG:
                continue
            fault = self._faults.setdefault((v.name, v.side), _Fault(v.name, v.side))
            _seen(fault, time_s, v.weight, v.severity, v.measured_deg, v.wanted_deg)
            there.add((v.name, v.side))
        for key, fault in self._faults.items():
            # The other side's repetition says nothing.
            if (
                key not in there
                and key[0] not in self._tempo_faults
                and (None in (key[1], judged.lead) or key[1] == judged.lead)
            ):
                fault.seen, fault.missed = 0, fault.missed + 1
        if there:
            self._clean_since_s = None
        elif self._clean_since_s is None:
            self._clean_since_s = judged.repetition.start_s

    def _note_tempo(self, time_s: float) -> None:
        """Whether somebody has become much faster or slower than at the beginning."""
        each = np.diff(self._keys_s)
        if len(each) < 2 * _TEMPO_OF:
            return
        before, now = float(np.median(each[:_TEMPO_OF])), float(np.median(each[-_TEMPO_OF:]))
        for name, off in (("rushed", now < _RUSHED * before), ("dragging", now > _DRAGGING * before)):
            if name not in self._tempo_faults:
                continue
            fault = self._faults.setdefault((name, None), _Fault(name, None))
            if off:
                _seen(fault, time_s, _TEMPO_WEIGHT, 2 / 3, now, before)
            else:
                fault.seen, fault.missed = 0, fault.missed + 1

    def _correction(self, time_s: float) -> str | None:
        """The weightiest fault that is new, worse, or still there after a while; new ones first."""
        due: list[tuple[bool, float, _Fault]] = []
        for fault in self._faults.values():
            if fault.seen < self._manner.confirm or time_s - fault.seen_s > _FRESH_S:
                continue
            new = fault.told is None
            worse = fault.told is not None and fault.severity >= fault.told + _WORSE
            again = 0 < self._manner.again_s <= time_s - fault.told_s
            if new or worse or again:
                due.append((new or worse, fault.weight, fault))
        if not due:
            return None
        fault = max(due, key=lambda item: item[:2])[2]
        told, fault.told, fault.told_s = fault.told, fault.severity, time_s
        before = "" if told is None else "worse" if fault.severity >= told + _WORSE else "again"
        prefix = str(wordings()["other"][before]) if before else ""
        return prefix + _filled(wordings()["correction"][fault.id], fault)

    def _approval(self, time_s: float) -> str | None:
        """A fault that was told and is gone."""
        for fault in self._faults.values():
            if fault.told is not None and fault.missed >= _GONE:
                fault.told, fault.told_s = None, -np.inf
                if time_s - self._done_s <= _FRESH_S:
                    return _filled(wordings()["approval"][fault.id], fault)
        return None

    def _count(self, time_s: float) -> str | None:
        """A round number, while it is true."""
        every = self._manner.count_every
        if not every or self._done // every <= self._counted // every or time_s - self._done_s > _FRESH_S:
            return None
        round_number = self._done // every * every
        self._counted = self._done
        if self._done - round_number > 1:
            return None  # too late: somebody is counting along
        return str(wordings()["other"]["held" if self._hold else "count"]).format(count=round_number)

    def _praise(self, time_s: float) -> str | None:
        """After a clean series, as long as it goes on."""
        clean, praise_s = self._clean_since_s, self._manner.praise_s
        if not praise_s or clean is None or time_s - self._done_s > _FRESH_S or time_s - clean < praise_s:
            return None
        sentences: list[str] = wordings()["other"]["praise_hold" if self._hold else "praise"]
        self._clean_since_s = time_s  # the next series begins
        self._praised += 1
        return sentences[(self._praised - 1) % len(sentences)]


@cache
def wordings() -> Mapping[str, Any]:
    """The coach's sentences, from ``data/coach.toml``."""
    return tomllib.loads(files("baselines").joinpath("data/coach.toml").read_text(encoding="utf-8"))


def _seen(fault: _Fault, time_s: float, weight: float, severity: float, measured: float, wanted: float) -> None:
    fault.seen, fault.missed, fault.seen_s = fault.seen + 1, 0, time_s
    fault.weight, fault.severity, fault.measured, fault.wanted = weight, severity, measured, wanted


def _filled(sentence: str, fault: _Fault) -> str:
    """A sentence with the fault's side and its numbers: whole degrees, tenths of a second."""
    side = fault.side or ""
    tempo = fault.id in ("rushed", "dragging")
    measured, wanted = (f"{abs(v):.1f}" if tempo else f"{abs(v):.0f}" for v in (fault.measured, fault.wanted))
    off = f"{abs(fault.measured - fault.wanted):.0f}"
    return sentence.format(side=side, Side=side.capitalize(), measured=measured, wanted=wanted, off=off)
