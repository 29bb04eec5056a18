"""What really happens in a video: exercises, repetitions, and the faults that a person makes, corrects or keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biobench.exercises import ExerciseFault
from biobench.synth.draw import Draw
from biobench.synth.movements import Movement, are_opposites, movements, tempo_factors
from biobench.synth.people import Person
from biobench.synth.script import Fault, Performance, Repetition, Side

__all__ = ["DEPTH_LOST", "EXERCISES_A_VIDEO", "TRANSITION_S", "perform"]

EXERCISES_A_VIDEO = 5.73
"""On average, as published: five or six."""
TRANSITION_S = (1.4, 1.8)
"""How long the sentence that announces an exercise is shown."""

_EXERCISE_S = (30.5, 37.5)
_SETTLING_S = (2.2, 7.0)
_RESTING_S = (0.5, 5.5)
_NUMBER_OF_FAULTS = (0, 1, 2, 3, 4)
_ITS_WEIGHTS = (0.05, 0.15, 0.40, 0.30, 0.10)
_HABIT_WEIGHT = 3.0
_SHARE_WITH_TEMPO_FAULT = 0.3
_LEAST_SEVERITY = 0.25
_SHARE_FROM_THE_START = 0.5
_SHARE_CORRECTED = 0.5
_SPELL_S = (3.0, 9.0)
_FAULT_FACTOR = (0.55, 1.45)
"""People make their faults more and less in turns: how long a turn lasts, and how much they make them in it."""
DEPTH_LOST = 0.55
"""Of a repetition, where its depth fault is at its worst."""


def perform(person: Person, draw: Draw, exercises: float = EXERCISES_A_VIDEO) -> tuple[Performance, ...]:
    """A session of ``exercises`` different exercises (on average), one after the other."""
    number = int(exercises) + int(draw.chance(exercises - int(exercises)))
    unused = list(movements().values())
    performances = []
    now_s = draw.between(1.0, 2.5)
    for _ in range(number):
        movement = draw.pick(unused)
        unused.remove(movement)
        end_s = round(now_s + draw.between(*_EXERCISE_S), 3)
        performances.append(_performance(movement, round(now_s, 3), end_s, person, draw))
        now_s = end_s
    return tuple(performances)


@dataclass(frozen=True, slots=True)
class _Intended:
    """A fault before it is known which repetitions there are."""

    fault: ExerciseFault
    side: Side | None
    severity: float
    from_s: float
    until_s: float

    def acts(self, start_s: float, side: Side | None) -> bool:
        """Whether it shows in a repetition that starts then, on that side."""
        return self.may_act(side) and self.from_s <= start_s < self.until_s

    def may_act(self, side: Side | None) -> bool:
        """Whether it can show in a repetition of that side."""
        return None in (side, self.side) or side == self.side


def _performance(movement: Movement, start_s: float, end_s: float, person: Person, draw: Draw) -> Performance:
    side: Side | None = draw.pick(("left", "right")) if movement.sided else None
    begin_s = round(start_s + draw.between(*_SETTLING_S), 3)
    finish_s = end_s - draw.between(*_RESTING_S)
    intended = _intended_faults(movement, side, begin_s, finish_s, person, draw)
    repetitions = _repetitions(movement, intended, begin_s, finish_s, person, draw)
    return Performance(
        exercise=movement.exercise,
        spelling=f"{movement.spelling} {side}" if side else movement.spelling,
        side=side,
        start_s=start_s,
        end_s=end_s,
        repetitions=repetitions,
        faults=_faults(intended, repetitions),
    )


def _intended_faults(
    movement: Movement, side: Side | None, begin_s: float, finish_s: float, person: Person, draw: Draw
) -> list[_Intended]:
    unused = list(movement.technique)
    chosen: list[ExerciseFault] = []
    for _ in range(draw.weighted(_NUMBER_OF_FAULTS, _ITS_WEIGHTS)):
        if unused:
            weights = [_HABIT_WEIGHT if fault.id in person.habits else 1.0 for fault in unused]
            fault = draw.weighted(unused, weights)
            chosen.append(fault)
            unused = [other for other in unused if other != fault and not are_opposites(other.id, fault.id)]
    if movement.tempo and draw.chance(_SHARE_WITH_TEMPO_FAULT):
        chosen.append(draw.pick(movement.tempo))
    intended = []
    for fault in chosen:
        of_person: Side = "left" if draw.chance(0.5 + 0.35 * person.asymmetry) else "right"
        span_s = finish_s - begin_s
        from_s = begin_s
        if not draw.chance(_SHARE_FROM_THE_START):
            from_s += draw.between(0.1, 0.55) * span_s
        until_s = from_s + draw.between(0.25, 0.6) * span_s
        if not draw.chance(_SHARE_CORRECTED):
            until_s = finish_s
        intended.append(
            _Intended(
                fault=fault,
                side=(side or of_person) if fault.sided else None,
                severity=_LEAST_SEVERITY + (1.0 - _LEAST_SEVERITY) * draw.bell(0.0, 1.0),
                from_s=from_s,
                until_s=until_s,
            )
        )
    return intended


def _repetitions(
    movement: Movement,
    intended: Sequence[_Intended],
    begin_s: float,
    finish_s: float,
    person: Person,
    draw: Draw,
) -> tuple[Repetition, ...]:
    fresh_s = draw.between(*movement.period_s) * person.tempo
    side: Side | None = draw.pick(("left", "right")) if movement.alternating else None
    repetitions: list[Repetition] = []
    now_s = spell_until_s = begin_s
    concentration = 1.0
    while True:
        tired = person.fatigue * (now_s - begin_s) / (finish_s - begin_s)
        period_s = fresh_s * (1.0 + 0.15 * tired) * draw.bell(0.88, 1.12)
        if now_s >= spell_until_s:
            spell_until_s = now_s + draw.between(*_SPELL_S)
            concentration = draw.between(*_FAULT_FACTOR)
        factor = concentration * draw.bell(0.85, 1.15)
        depth = person.range_of_motion * (1.0 - 0.05 * tired) * draw.bell(0.96, 1.04)
        for one in intended:
            if one.acts(now_s, side):
                if one.fault.id in tempo_factors():
                    period_s *= 1.0 + (tempo_factors()[one.fault.id] - 1.0) * one.severity
                if one.fault.id == movement.depth_fault:
                    depth *= 1.0 - DEPTH_LOST * min(1.0, one.severity * factor)
        if now_s + period_s > finish_s:
            return tuple(repetitions)
        key_s, end_s = round(now_s + period_s * draw.between(0.44, 0.56), 3), round(now_s + period_s, 3)
        repetitions.append(Repetition(now_s, key_s, end_s, round(depth, 3), round(factor, 3), side))
        now_s = end_s
        if side is not None:
            side = "right" if side == "left" else "left"


def _faults(intended: Sequence[_Intended], repetitions: Sequence[Repetition]) -> tuple[Fault, ...]:
    faults = []
    for one in intended:
        possible = [number for number, r in enumerate(repetitions, 1) if one.may_act(r.side)]
        shown_in = [number for number in possible if one.acts(repetitions[number - 1].start_s, one.side)]
        if shown_in:
            first, last = shown_in[0], shown_in[-1]
            faults.append(
                Fault(
                    id=one.fault.id,
                    side=one.side,
                    severity=round(one.severity, 3),
                    first_repetition=first,
                    last_repetition=last,
                    corrected=last < possible[-1],
                    start_s=repetitions[first - 1].start_s,
                    end_s=repetitions[last - 1].end_s,
                )
            )
    return tuple(faults)
