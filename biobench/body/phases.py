"""Phases of a repetition, and what a series of repetitions shows: tempo, differences between the sides, fatigue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biobench.body.repetitions import Repetition
from biobench.exercises import knowledge

__all__ = ["Series", "fraction", "phase_at", "series"]

_AT_KEY = 0.15
"""A third of a repetition around its key moment is the key phase: bottom, top, reach."""
_ENDS = 0.12
"""The first and last eighth of a repetition belong to its start (or landing)."""
_KEY = ("bottom", "top", "reach", "step", "flight")
_FIRST = ("start", "landing")


@dataclass(frozen=True, slots=True)
class Series:
    """What repetitions show together. Seconds and degrees; None where there are too few.

    ``seconds_each`` is from key moment to key moment; ``down_share`` the part of a repetition before its key moment;
    ``range_deg`` the median; ``side_difference_deg`` the median range of sign 1 less that of sign -1;
    ``slower`` and ``smaller`` are by how much (as a share) the last third is slower, and smaller, than the first.
    """

    count: int
    seconds_each: float | None
    down_share: float | None
    range_deg: float | None
    side_difference_deg: float | None
    slower: float | None
    smaller: float | None


def fraction(repetition: Repetition, time_s: float) -> float:
    """How far a repetition is at a time, 0 to 1; its key moment is at one half."""
    if time_s <= repetition.key_s:
        share = 0.5 * (time_s - repetition.start_s) / (repetition.key_s - repetition.start_s)
    else:
        share = 0.5 + 0.5 * (time_s - repetition.key_s) / (repetition.end_s - repetition.key_s)
    return min(1.0, max(0.0, share))


def phase_at(exercise: str, share: float) -> str:
    """The phase of an exercise at a fraction of its repetition. Raises ``KeyError`` for an unknown exercise.

    >>> [phase_at("squats", share) for share in (0.05, 0.3, 0.5, 0.7)]
    ['descent', 'descent', 'bottom', 'ascent']
    """
    phases = knowledge(exercise).phases
    if len(phases) == 1:
        return phases[0]
    key = next(
        (phase for phase in _KEY if phase in phases and not (phase == "flight" and "bottom" in phases)), phases[0]
    )
    at = phases.index(key)
    if share > 1 - _ENDS and "landing" in phases:
        return "landing"
    first = phases[0] if phases[0] in _FIRST else None
    if first is not None and (share < _ENDS or share > 1 - _ENDS):
        return first
    if abs(share - 0.5) <= _AT_KEY:
        return key
    before = [phase for phase in phases[:at] if phase not in _FIRST]
    after = [phase for phase in phases[at + 1 :] if phase not in _FIRST]
    # Several phases before or after the key moment share that time in order: a step, then the way down.
    own, place = (before, share) if share < 0.5 else (after, share - 0.5 - _AT_KEY)
    return own[min(len(own) - 1, int(place / (0.5 - _AT_KEY) * len(own)))] if own else first or key


def series(repetitions: Sequence[Repetition]) -> Series:
    """What a series of repetitions shows, oldest first."""
    count = len(repetitions)
    if not count:
        return Series(0, None, None, None, None, None, None)
    keys = np.array([r.key_s for r in repetitions])
    ranges = np.array([r.range_deg for r in repetitions])
    times = np.array([r.duration_s for r in repetitions])
    one, other = ([r.range_deg for r in repetitions if r.sign == sign] for sign in (1, -1))
    third = count // 3
    return Series(
        count=count,
        seconds_each=float(np.median(np.diff(keys))) if count > 1 else None,
        down_share=float(np.median([(r.key_s - r.start_s) / r.duration_s for r in repetitions])),
        range_deg=float(np.median(ranges)),
        side_difference_deg=float(np.median(one) - np.median(other)) if one and other else None,
        slower=float(np.median(times[-third:]) / np.median(times[:third]) - 1) if third else None,
        smaller=float(1 - np.median(ranges[-third:]) / np.median(ranges[:third])) if third else None,
    )
