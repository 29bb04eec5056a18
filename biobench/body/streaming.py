"""Repetitions while they are made: nothing that comes later is looked at, and memory does not grow."""

from __future__ import annotations

from collections import deque

import numpy as np

from biobench.body.repetitions import Extreme, Repetition, find_repetitions

__all__ = ["RepetitionCounter"]

_WINDOW_S = 40.0
"""What is looked back on: an exercise of the benchmark with its pauses, and five of the slowest repetitions."""
_EVERY_S = 0.8
"""Between two looks: sooner than anybody could say anything about it, and cheap."""
_SETTLED_S = 0.3
"""A repetition is reported this long after its end: until then its end may still move."""


class RepetitionCounter:
    """Feeds on angles one at a time; ``push`` gives the repetitions that have just been finished.

    It looks at the last 40 s, every 0.8 s, in the way of ``find_repetitions``: what it says at a time follows from the
    angles up to that time alone. A repetition is reported once, in order, within about a second of its end. Thresholds
    follow what has been seen so far, so that a first half-hearted movement may count which later ones would overrule.
    """

    def __init__(
        self, exercise: str | None = None, *, key: Extreme | None = None, alternating: bool | None = None
    ) -> None:
        self._exercise, self._key, self._alternating = exercise, key, alternating
        self._angles: deque[float] = deque()
        self._times: deque[float] = deque()
        self._next_look_s: float | None = None
        self._last_key_s = -np.inf
        self._last_end_s = -np.inf

    def push(self, angle_rad: float, time_s: float) -> list[Repetition]:
        """One angle (NaN: missing) at a time that is later than all before. Raises ``ValueError`` otherwise."""
        if not np.isfinite(time_s) or (self._times and time_s <= self._times[-1]):
            raise ValueError(f"expected a time after {self._times[-1] if self._times else 'nothing'}, got {time_s}")
        self._angles.append(angle_rad)
        self._times.append(time_s)
        while self._times[0] < time_s - _WINDOW_S:
            self._times.popleft()
            self._angles.popleft()
        if self._next_look_s is None:
            self._next_look_s = time_s + _EVERY_S
        if time_s < self._next_look_s:
            return []
        self._next_look_s = time_s + _EVERY_S
        found = find_repetitions(
            np.array(self._angles),
            np.array(self._times),
            self._exercise,
            key=self._key,
            alternating=self._alternating,
            after_s=self._last_key_s,
        )
        new = [r for r in found if r.end_s <= time_s - _SETTLED_S and self._is_new(r)]
        if new:
            self._last_key_s, self._last_end_s = new[-1].key_s, new[-1].end_s
        return new

    def _is_new(self, repetition: Repetition) -> bool:
        """Not one that was reported before, whose times may have moved a little since."""
        middle = (self._last_key_s + self._last_end_s) / 2
        return repetition.key_s > self._last_end_s or (repetition.start_s > middle and repetition.key_s > middle)
