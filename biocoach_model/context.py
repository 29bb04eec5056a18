"""The biomechanical context of a moment: what the body has just done, and what was wrong with it, in numbers and in words.

Causal: the context at a time is made from what came before it, and from nothing else. The released BioCoach code looks for
repetitions in the whole recording; ``released=True`` does so too, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biobench.body.cycle import cycle_signal
from biobench.body.morphometrics import Morphometrics
from biobench.body.motion import Motion
from biobench.body.phases import Series, fraction, phase_at, series
from biobench.body.repetitions import Repetition, find_repetitions
from biobench.body.skel import Side
from biobench.exercises import find_exercise, knowledge
from biobench.synth.bodies import golden_repetition
from biocoach_model.alignment import aligned, deviation_deg, reference, warped
from biocoach_model.violations import Violation, broken_constraints, explaining_faults
from biocoach_model.words import morphometric_sentence, motion_sentence

__all__ = ["HOLD_S", "Judged", "MotionContext", "analyse", "judge", "judge_hold", "morphometric_context", "state_of"]

Floats = NDArray[np.float64]

HOLD_S = 3.0
"""What a stretch is judged by: its last three seconds."""
_MOVING_S = 4.0
"""After so long without a repetition somebody is standing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One repetition (or three seconds of a hold) and what is wrong with it; the weightiest first.

    ``faults`` are the catalogue's, ``constraints`` the published table's. ``lead`` is the side that leads it.
    """

    repetition: Repetition
    lead: Side | None
    faults: tuple[Violation, ...]
    constraints: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class MotionContext:
    """What is known at ``at_s`` of a motion that began at ``start_s``.

    ``state`` is ``moving``, ``holding`` or ``standing``; ``phase`` is where in a repetition somebody is, as far as that can be
    known before it is finished. ``last`` is the last finished repetition.
    """

    exercise: str
    side: Side | None
    start_s: float
    at_s: float
    state: str
    phase: str | None
    series: Series
    last: Judged | None
    released: bool = False

    @classmethod
    def at(
        cls,
        motion: Motion,
        exercise: str,
        at_s: float,
        *,
        start_s: float | None = None,
        side: Side | None = None,
        golden_rad: Floats | None = None,
        released: bool = False,
        hold_s: float = HOLD_S,
    ) -> MotionContext:
        """The context of a motion at a time, for an exercise (in any spelling) that began at ``start_s``.

        ``golden_rad`` (frames, 46) is the reference [the generator's good form]; a hold is judged by its last ``hold_s``
        seconds. Raises ``KeyError`` for an unknown
        exercise.
        """
        found = find_exercise(exercise)
        if found is None:
            raise KeyError(f"the catalogue has no exercise {exercise!r}")
        begin_s = float(motion.times_s[0]) if start_s is None and len(motion) else (start_s or 0.0)
        known = _side(side or found.side)
        seen = motion.between(begin_s, np.inf if released else at_s)
        judged = analyse(seen, found.name, known, golden_rad, last_only=True, until_s=at_s, hold_s=hold_s)
        repetitions = [one.repetition for one in judged]
        last = judged[-1] if judged else None
        state, phase = state_of(found.name, repetitions, at_s)
        return cls(found.name, known, begin_s, at_s, state, phase, series(repetitions), last, released)

    def sentence(self, most: int = 3) -> str:
        """The context in words, with at most ``most`` violations."""
        return motion_sentence(self, most)


def analyse(
    motion: Motion,
    exercise: str,
    side: Side | None = None,
    golden_rad: Floats | None = None,
    *,
    last_only: bool = False,
    until_s: float = np.inf,
    dtw: bool = False,
    hold_s: float = HOLD_S,
) -> list[Judged]:
    """Every repetition that was finished ``until_s``, judged; with ``last_only`` the earlier ones are only found.

    ``dtw`` lays them over the reference by dynamic time warping instead of linearly.

    Of a hold, its last three seconds. Raises ``KeyError`` for an unknown exercise.
    """
    known = knowledge(exercise)
    golden = (
        golden_repetition(known.name, side or ("right" if known.sided else None)) if golden_rad is None else golden_rad
    )
    filled = motion.filled()
    times, angles = filled.times_s[filled.valid], filled.angles_rad[filled.valid]
    if known.hold:
        return judge_hold(times, angles, known.name, side, golden, until_s, hold_s)
    signal = cycle_signal(filled.angles_rad, known.name, side)
    found = [r for r in find_repetitions(signal, filled.times_s, known.name) if r.end_s <= until_s]
    judged = []
    for k, repetition in enumerate(found):
        if last_only and k < len(found) - 1:
            judged.append(Judged(repetition, None, (), ()))
        else:
            judged.append(judge(known.name, repetition, angles, times, golden, dtw=dtw))
    return judged


def judge(
    exercise: str,
    repetition: Repetition,
    angles_rad: Floats,
    times_s: Floats,
    golden_rad: Floats,
    *,
    dtw: bool = False,
) -> Judged:
    """One repetition in (frames, 46) angles without gaps, beside the golden one."""
    lead = _lead(exercise, repetition, angles_rad, times_s, golden_rad)
    wanted = reference(golden_rad, exercise, lead)
    laid = aligned(angles_rad, times_s, repetition)
    deviation = deviation_deg(warped(laid, wanted) if dtw else laid, wanted)
    return Judged(
        repetition,
        lead,
        tuple(explaining_faults(exercise, deviation, np.degrees(wanted), lead)),
        tuple(broken_constraints(exercise, deviation, np.degrees(wanted))),
    )


def morphometric_context(measures: Morphometrics) -> str:
    """The person's measures in one line."""
    return morphometric_sentence(measures)


def judge_hold(
    times: Floats,
    angles: Floats,
    exercise: str,
    side: Side | None,
    golden: Floats,
    until_s: float,
    hold_s: float = HOLD_S,
) -> list[Judged]:
    """The last seconds of a hold, where the pose is nearer to the stretch than to standing."""
    end_s = min(until_s, float(times[-1])) if len(times) else 0.0
    inside = (times >= end_s - hold_s) & (times <= end_s)
    if not np.any(inside) or end_s - times[0] < hold_s:
        return []
    pose = np.median(angles[inside], axis=0)
    held, rest = golden[-1], golden[0]
    if np.linalg.norm(deviation_deg(pose, held)[3:]) > np.linalg.norm(deviation_deg(pose, rest)[3:]):
        return []
    deviation = deviation_deg(pose, held)[None, :]
    span = Repetition(end_s - hold_s, end_s - hold_s / 2, end_s, 0.0, 0.0)
    wanted = np.degrees(held)[None, :]
    faults = tuple(explaining_faults(exercise, deviation, wanted, side))
    return [Judged(span, side, faults, tuple(broken_constraints(exercise, deviation, wanted)))]


def _lead(exercise: str, repetition: Repetition, angles: Floats, times: Floats, golden: Floats) -> Side | None:
    """Which side leads a repetition of an alternating exercise.

    Left minus right rises when the left one does; where both sides make one signal, it is the side whose reference is nearer.
    """
    known = knowledge(exercise)
    if not known.alternating:
        return None
    if known.cycle.signal == "left-minus-right":
        return "left" if (repetition.sign > 0) == (known.cycle.key == "max") else "right"
    laid = aligned(angles, times, repetition)
    sides: tuple[Side, Side] = ("right", "left")
    off = [float(np.sum(deviation_deg(laid, reference(golden, exercise, side)) ** 2)) for side in sides]
    return sides[int(np.argmin(off))]


def _side(side: str | None) -> Side | None:
    return "left" if side == "left" else "right" if side == "right" else None


def state_of(exercise: str, repetitions: Sequence[Repetition], at_s: float) -> tuple[str, str | None]:
    """What somebody is doing at a time, and in which phase, from the repetitions that were finished by then."""
    if knowledge(exercise).hold:
        return ("holding", "hold") if repetitions else ("standing", None)
    if not repetitions or at_s - repetitions[-1].end_s > _MOVING_S:
        return "standing", None
    last = repetitions[-1]
    if at_s <= last.end_s:
        return "moving", phase_at(exercise, fraction(last, at_s))
    # As far into the next one as the last one would be by now.
    return "moving", phase_at(exercise, min((at_s - last.end_s) / last.duration_s, 1.0))
