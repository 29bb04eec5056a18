"""The context while it happens: poses go in one at a time, judged repetitions and the context come out."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from biobench.body.motion import Motion
from biobench.body.phases import series
from biobench.body.repetitions import Repetition
from biobench.body.skel import Side, index, mirror, sided
from biobench.body.streaming import RepetitionCounter
from biobench.exercises import find_exercise, knowledge
from biobench.synth.bodies import golden_repetition
from biocoach_model.context import Judged, MotionContext, judge, judge_hold, state_of

__all__ = ["ContextStream"]

Floats = NDArray[np.float64]

_KEPT_S = 20.0
"""Poses that are kept: two of the slowest repetitions, and what it takes to notice them."""


class ContextStream:
    """One exercise of one person, followed pose by pose.

    ``push`` gives the repetitions that have just been finished, judged; ``context`` what is known now. What is said at a
    time depends on nothing later, and memory does not grow but for the list of repetitions. Raises ``KeyError`` for an
    unknown exercise.
    """

    def __init__(self, exercise: str, side: Side | None = None, golden_rad: Floats | None = None) -> None:
        found = find_exercise(exercise)
        if found is None:
            raise KeyError(f"the catalogue has no exercise {exercise!r}")
        self._known = knowledge(found.name)
        self._side: Side | None = side or ("left" if found.side == "left" else "right" if found.side else None)
        golden_side: Side | None = self._side or ("right" if self._known.sided else None)
        self._golden = golden_repetition(found.name, golden_side) if golden_rad is None else golden_rad
        self._counter = RepetitionCounter(found.name)
        self._place, self._sign = self._signal_of()
        self._poses: deque[Floats] = deque()
        self._times: deque[float] = deque()
        self._start_s: float | None = None
        self._repetitions: list[Repetition] = []
        self._last: Judged | None = None

    def push(self, angles_rad: Floats, time_s: float) -> list[Judged]:
        """One pose, (46,) radians (NaN: missing), at a time later than all before. Raises ``ValueError`` otherwise."""
        finished = self._counter.push(self._signal(angles_rad), time_s)
        if self._start_s is None:
            self._start_s = time_s
        self._poses.append(np.array(angles_rad, dtype=np.float64))
        self._times.append(time_s)
        while self._times[0] < time_s - _KEPT_S:
            self._times.popleft()
            self._poses.popleft()
        if not finished:
            return []
        motion = self._motion().filled()
        times, angles = motion.times_s[motion.valid], motion.angles_rad[motion.valid]
        judged = [judge(self._known.name, r, angles, times, self._golden) for r in finished if r.start_s >= times[0]]
        self._repetitions += finished
        if judged:
            self._last = judged[-1]
        return judged

    def context(self) -> MotionContext:
        """What is known at the time of the last pose. Raises ``ValueError`` before the first."""
        if self._start_s is None:
            raise ValueError("no pose has been pushed")
        at_s, last, repetitions = self._times[-1], self._last, self._repetitions
        if self._known.hold:
            motion = self._motion().filled()
            held = judge_hold(
                motion.times_s[motion.valid],
                motion.angles_rad[motion.valid],
                self._known.name,
                self._side,
                self._golden,
                at_s,
            )
            last, repetitions = (held[-1] if held else None), [one.repetition for one in held]
        state, phase = state_of(self._known.name, repetitions, at_s)
        return MotionContext(self._known.name, self._side, self._start_s, at_s, state, phase, series(repetitions), last)

    def _motion(self) -> Motion:
        return Motion.of(np.array(self._poses), np.array(self._times))

    def _signal_of(self) -> tuple[tuple[int, int], float]:
        """Where the cycle's angle is on the right and on the left, and the sign of the left one."""
        dof = self._known.cycle.dof
        right = sided(dof, "right")
        unit = np.zeros(46)
        unit[index(right)] = 1.0
        mirrored = mirror(unit)
        left = int(np.flatnonzero(mirrored)[0])
        return (index(right), left), float(mirrored[left])

    def _signal(self, angles_rad: Floats) -> float:
        right, left = float(angles_rad[self._place[0]]), self._sign * float(angles_rad[self._place[1]])
        kind = self._known.cycle.signal
        if kind == "left-minus-right":
            return left - right
        if kind == "mean":
            return (left + right) / 2
        return left if kind == "lead" and self._side == "left" else right
