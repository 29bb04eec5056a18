"""What a body has shown up to a moment: the frames that a remark can be about, and the angles in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from biobench.body.cycle import cycle_signal
from biobench.body.kinematics import arm_elevation_deg, trunk_lean_deg
from biobench.body.motion import Motion
from biobench.body.skel import Side, dofs, index, mirror, sided
from biobench.exercises import ExerciseFault, ExerciseKnowledge, find_exercise, knowledge

__all__ = [
    "HOLD_S",
    "LONGEST_S",
    "MOST_MISSING",
    "How",
    "Outcome",
    "Shown",
    "Span",
    "Verdict",
    "Window",
    "finished_repetitions",
    "has_sides",
    "side_named",
    "span_at",
    "window_after",
    "window_at",
    "window_between",
]

LONGEST_S = 6.0
"""A remark is about what has just been seen: two repetitions, but no more than this."""
HOLD_S = 3.0
"""Of a position that is held."""
MOST_MISSING = 0.2
"""Where more of the frames show no pose, nothing is said about them."""

_LOOK_BACK_S = 40.0
_SETTLED_S = 0.3
"""A repetition that ended less long ago may be one that is still going on."""
_REPETITIONS = 2

_REDUCE: Mapping[str, Callable[[NDArray[np.float64]], np.float64]] = {"max": np.max, "min": np.min, "middle": np.median}

Outcome = Literal["supported", "refuted", "undetermined"]
How = Literal["max", "min", "middle"]


class Span(NamedTuple):
    """Seconds, both ends included."""

    start_s: float
    end_s: float


class Shown(NamedTuple):
    """A fault that is known to show: on which side (None: on both, or on none), and how badly, 0 to 1.

    ``severity`` is the worst in a window, ``latest`` that in its last repetition (of the fault's side).
    """

    fault: ExerciseFault
    side: Side | None
    severity: float
    latest: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim is true of the body: why, and the angle in degrees that decided, where one did."""

    outcome: Outcome
    reason: str
    measured_deg: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The frames that a remark can be about. ``side`` is the one that is stretched, where the exercise has one.

    ``repetitions`` are those finished in them. ``shown`` are the faults that are known to show, where a script tells; None
    where only poses are known.
    """

    exercise: ExerciseKnowledge
    side: Side | None
    motion: Motion
    repetitions: tuple[Span, ...] = ()
    shown: tuple[Shown, ...] | None = None
    _values: dict[tuple[str, Side | None, How, Span | None], float] = field(default_factory=dict, repr=False)

    def degrees(self, measure: str, side: Side | None, how: How, part: Span | None = None) -> float:
        """The greatest or least value of a measure in all frames or those of a part, or the middle one (the median).

        ``measure`` is a degree of freedom without its side (SKEL's sign for the right side), ``arm_elevation``, or
        ``trunk_flexion`` (lumbar and thoracic together, forwards). Single frames decide nothing: each counts as the median
        of three. NaN where a part has no pose.
        """
        key = (measure, side, how, part)
        if key not in self._values:
            motion = self.motion if part is None else self.motion.between(*part)
            values = _calm(_series(motion.angles_rad[motion.valid], measure, side))
            self._values[key] = float(_REDUCE[how](values)) if len(values) else math.nan
        return self._values[key]


def window_at(motion: Motion, at_s: float, exercise: str) -> Window | Verdict:
    """What had been seen at a time, from poses of one exercise; a verdict where that is not enough to say anything.

    It holds the last two repetitions that were finished then and what came after them, up to ``at_s`` and at most 6 s;
    of a held exercise the last 3 s. Nothing after ``at_s`` is looked at.
    """
    found = find_exercise(exercise)
    if found is None:
        return Verdict("undetermined", "an exercise that the catalogue does not know")
    side = side_named(found.side)
    return window_after(finished_repetitions(motion, at_s, found.name, side), motion, at_s, found.name, side)


def window_after(
    finished: Sequence[Span], motion: Motion, at_s: float, exercise: str, side: Side | None
) -> Window | Verdict:
    """The same where the finished repetitions are known. ``exercise``: the catalogue's name."""
    span = span_at(finished, at_s, hold=knowledge(exercise).hold)
    if span is None:
        return Verdict("undetermined", "no repetition was finished in the last seconds")
    if len(motion) and motion.times_s[0] > span.start_s:
        return Verdict("undetermined", "the position was not held for long enough yet")
    return window_between(motion, span, exercise, side, finished)


def span_at(repetitions: Sequence[Span], at_s: float, *, hold: bool) -> Span | None:
    """The seconds that a remark at ``at_s`` can be about; None where no repetition was finished in the last 6 s.

    ``repetitions`` are in order; those that end after ``at_s`` are passed over.
    """
    if hold:
        return Span(at_s - HOLD_S, at_s)
    finished = [repetition for repetition in repetitions if repetition.end_s <= at_s]
    if not finished or finished[-1].end_s < at_s - LONGEST_S:
        return None
    return Span(max(finished[-_REPETITIONS:][0].start_s, at_s - LONGEST_S), at_s)


def window_between(
    motion: Motion,
    span: Span,
    exercise: str,
    side: Side | None,
    repetitions: Sequence[Span],
    shown: tuple[Shown, ...] | None = None,
) -> Window | Verdict:
    """The frames of a span as a window; a verdict where too many of them show no pose.

    ``exercise`` is the catalogue's name; ``repetitions`` that are not wholly in the span are passed over.
    """
    part = motion.between(*span)
    if not len(part) or not np.any(part.valid):
        return Verdict("undetermined", "no pose in these seconds")
    missing = 1.0 - float(np.mean(part.valid))
    if missing > MOST_MISSING:
        return Verdict("undetermined", f"{missing:.0%} of the frames show no pose")
    inside = tuple(r for r in repetitions if span.start_s <= r.start_s and r.end_s <= span.end_s)
    return Window(knowledge(exercise), side, part, inside, shown)


def finished_repetitions(motion: Motion, at_s: float, exercise: str, side: Side | None) -> list[Span]:
    """The repetitions that are over at a time, from the 40 s before it; a held exercise has none."""
    past = motion.between(at_s - _LOOK_BACK_S, at_s)
    if knowledge(exercise).hold or len(past) < 2:
        return []
    from biobench.body.repetitions import find_repetitions  # noqa: PLC0415 - scipy, which a script's truth does not need

    signal = cycle_signal(past.angles_rad, exercise, side)
    over_s = float(past.times_s[-1]) - _SETTLED_S
    return [Span(r.start_s, r.end_s) for r in find_repetitions(signal, past.times_s, exercise) if r.end_s <= over_s]


def side_named(word: str | None) -> Side | None:
    """The side of the body that a word names, if it names one."""
    return "left" if word == "left" else "right" if word == "right" else None


@cache
def has_sides(measure: str) -> bool:
    """Whether a measure has a left and a right."""
    return measure == "arm_elevation" or any(dof.base == measure and dof.side is not None for dof in dofs())


def _series(angles_rad: NDArray[np.float64], measure: str, side: Side | None) -> NDArray[np.float64]:
    if measure == "arm_elevation":
        return arm_elevation_deg(angles_rad, side or "right")
    if measure == "trunk_flexion":
        return trunk_lean_deg(angles_rad)
    place = index(sided(measure, "right"))
    seen = mirror(angles_rad) if side == "left" and has_sides(measure) else angles_rad
    degrees: NDArray[np.float64] = np.degrees(seen[:, place])
    return degrees


def _calm(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each value as the median of itself and its neighbours; the ends stay."""
    if len(values) < 3:
        return values
    middle = np.median(np.stack([values[:-2], values[1:-1], values[2:]]), axis=0)
    return np.concatenate([middle[:1], middle, middle[-1:]])
