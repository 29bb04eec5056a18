"""What there is to remark on, and how striking it is: read off the script, the same for every annotator.

A ``Look`` is a moment at which something has just been seen; what an annotator makes of it is in ``annotators``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from biobench.synth.movements import Movement, are_related
from biobench.synth.script import Fault, Kind, Performance, Side, Theme, Unit

__all__ = ["Look", "Sight", "looks"]

_LOOK_APART_S = 1.1
"""A fast movement is judged about once a second, not at every step."""
_TWO_LOOKS_S = 1.5
"""A slower repetition is judged at its key moment and again at its end."""
_AT_THE_KEY = frozenset({"start", "descent", "bottom", "top", "flight", "reach", "hold"})
_FIRST_LOOKS_S = 8.0
"""How long after an exercise was announced it is natural to explain it."""
_SECONDS_LEFT = (20, 15, 10)
_SECONDS_OFF = 1.5
_REPETITIONS_LEFT = (10, 5, 3)


class Sight(NamedTuple):
    """One thing that can be said at one look. ``salience``, about 0 to 1.5, is how much it asks to be said."""

    kind: Kind
    theme: Theme
    cause_s: float
    repetition: int
    salience: float
    fault: str | None = None
    side: Side | None = None
    severity: float | None = None
    number: int | None = None
    unit: Unit | None = None


class Look(NamedTuple):
    """A moment, and everything that can be said of it; never empty."""

    time_s: float
    sights: tuple[Sight, ...]


def looks(performance: Performance, movement: Movement) -> tuple[Look, ...]:
    """The looks of an exercise, in order of time."""
    found = []
    last_s = performance.start_s
    first_s = performance.repetitions[0].start_s
    setting_up = _told("instruction", first_s, 0, performance, 0.60)
    found.append(Look(first_s, (setting_up,)))
    for number, repetition in enumerate(performance.repetitions, 1):
        if repetition.end_s - repetition.start_s > _TWO_LOOKS_S:
            at_key = tuple(_faults_seen(performance, movement, number, at_key=True))
            if at_key:
                found.append(Look(repetition.key_s, at_key))
        elif repetition.end_s - last_s < _LOOK_APART_S:
            continue
        since, last_s = last_s, repetition.end_s
        found.append(Look(repetition.end_s, tuple(_all_seen(performance, movement, number, since))))
    return tuple(found)


def _all_seen(performance: Performance, movement: Movement, number: int, since_s: float) -> Iterator[Sight]:
    repetition = performance.repetitions[number - 1]
    now_s = repetition.end_s
    yield from _faults_seen(performance, movement, number, at_key=False)
    yield from _good_seen(performance, movement, number, since_s)
    yield from _counts(performance, movement, number)
    if now_s - performance.start_s < _FIRST_LOOKS_S:
        yield _told("instruction", now_s, number, performance, 0.55)
    yield _told("general", now_s, number, performance, 0.22)


def _faults_seen(performance: Performance, movement: Movement, number: int, *, at_key: bool) -> Iterator[Sight]:
    """The faults that show in a repetition; at its key moment only those that can be seen by then."""
    repetition = performance.repetitions[number - 1]
    for fault in performance.faults:
        severity = performance.severity(fault, number)
        known = movement.fault(fault.id)
        early = known.phase in _AT_THE_KEY
        if severity == 0.0 or (at_key and not early):
            continue
        is_new = number - fault.first_repetition <= 2
        is_tempo = known in movement.tempo
        yield Sight(
            kind="tempo" if is_tempo else "correction",
            theme="severe" if known.harm == "safety" and severity >= 0.6 else "correction",
            cause_s=repetition.key_s if early else repetition.end_s,
            repetition=number,
            salience=0.3 + 0.65 * severity + (0.2 if is_new else 0.0),
            fault=fault.id,
            side=fault.side,
            severity=round(severity, 3),
        )


def _good_seen(performance: Performance, movement: Movement, number: int, since_s: float) -> Iterator[Sight]:
    """What went well by the end of a repetition: a fault that is gone, a fault that never was, the effort itself."""
    repetition = performance.repetitions[number - 1]
    worst = 0.0
    for fault in performance.faults:
        worst = max(worst, performance.severity(fault, number))
        if fault.corrected and _is_first_after(performance, fault, number, since_s):
            yield Sight(
                kind="praise",
                theme="fixed",
                cause_s=repetition.end_s,
                repetition=number,
                salience=0.55 + 0.4 * fault.severity,
                fault=fault.id,
                side=fault.side,
                severity=fault.severity,
            )
    made = {fault.id for fault in performance.faults}
    quality = 1.35 - repetition.fault_factor  # what makes faults show less makes the rest look better
    for k, known in enumerate((*movement.technique, *movement.tempo)):
        if repetition.depth < 0.9 or any(known.id == fault or are_related(known.id, fault) for fault in made):
            continue
        side: Side | None = None
        if known.sided:
            side = performance.side or repetition.side or ("left" if (number + k) % 2 else "right")
        yield Sight(
            kind="praise",
            theme="clean",
            cause_s=repetition.end_s,
            repetition=number,
            salience=0.25 + 0.5 * quality - 0.2 * worst,
            fault=known.id,
            side=side,
        )
    yield Sight("praise", "effort", repetition.end_s, number, 0.38 + 0.4 * quality)


def _is_first_after(performance: Performance, fault: Fault, number: int, since_s: float) -> bool:
    """Whether the first repetition without a fault that was there has ended since a time, and by this one."""
    for later in range(fault.last_repetition + 1, number + 1):
        repetition = performance.repetitions[later - 1]
        if None in (repetition.side, fault.side) or repetition.side == fault.side:
            return repetition.end_s > since_s
    return False


def _counts(performance: Performance, movement: Movement, number: int) -> Iterator[Sight]:
    """Round numbers of repetitions, done or to go, and of seconds to go."""
    repetitions = performance.repetitions
    now_s, last_s = repetitions[number - 1].end_s, repetitions[-1].end_s
    if movement.noun is not None:
        every = 5 if repetitions[0].end_s - repetitions[0].start_s > 0.9 else 10
        if number % every == 0:
            salience = 0.75 if number % (2 * every) == 0 else 0.6
            yield Sight("count", "done", now_s, number, salience, number=number, unit="repetitions done")
        elif number >= 3 and every == 5:
            yield Sight("count", "done", now_s, number, 0.3, number=number, unit="repetitions done")
        left = len(repetitions) - number
        if left in _REPETITIONS_LEFT and every == 5:
            yield Sight("count", "left", now_s, number, 0.6, number=left, unit="repetitions left")
    for seconds in _SECONDS_LEFT:
        if abs(last_s - now_s - seconds) <= _SECONDS_OFF:
            yield Sight("count", "seconds", now_s, number, 0.5, number=seconds, unit="seconds left")


def _told(theme: Theme, now_s: float, number: int, performance: Performance, salience: float) -> Sight:
    side = performance.side if theme == "instruction" else None
    return Sight("instruction", theme, now_s, number, salience, side=side)
