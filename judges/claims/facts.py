"""Whether a claim is true of the body that was filmed: BioFact's verdict on one claim."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from biobench.body.motion import Motion
from biobench.body.skel import Side
from biobench.exercises import ExerciseFault, ExerciseKnowledge, Extreme, Target
from judges.claims.fact_windows import How, Outcome, Shown, Verdict, Window, has_sides, side_named, window_at
from judges.claims.lexicon import lexicon
from judges.claims.records import Claim, Quantity

__all__ = ["ERROR_DEG", "Outcome", "Verdict", "check", "judge"]

ERROR_DEG = 10.0
"""What poses from video are off by, unless their source says better."""


def check(claim: Claim, motion: Motion, at_s: float, exercise: str, error_deg: float = ERROR_DEG) -> Verdict:
    """Whether a claim made at ``at_s`` is true of what had been seen then.

    ``motion`` holds poses of one exercise, on the clock of ``at_s``; what comes after ``at_s`` is not looked at. An angle is
    supported up to ``error_deg`` from the measured one and refuted from twice as far. A correction is supported where the
    angle misses the exercise's target by more than half of ``error_deg`` in the sense that it asks for, and refuted where
    the angle passes it by as much; praise is the other way round. Anything else is undetermined, with the reason.
    """
    window = window_at(motion, at_s, exercise)
    return window if isinstance(window, Verdict) else judge(claim, window, error_deg)


def judge(claim: Claim, window: Window, error_deg: float = ERROR_DEG) -> Verdict:
    """The same for frames that are chosen already.

    Where a script tells which faults show in them (``window.shown``), corrections and praise are checked against these.
    Of a part with two sides, a claim that names none is supported if it is true of either, praise if it is true of both.
    """
    if claim.family != "technique" or claim.joint is None:
        return Verdict("undetermined", "it says nothing about the body")
    angle = claim.quantity
    if angle is not None and angle.unit == "deg" and angle.role == "measured":
        measure = _angle(claim)
        if measure is None:
            return Verdict("undetermined", f"poses show no angle of this kind at the {claim.joint}")
        sides = _sides(claim, measure.name, window)
        return _together([_of_angle(claim, angle, measure, side, window, error_deg) for side in sides], claim)
    direction = claim.direction or _praised(claim, window.exercise)
    if direction is None:
        return Verdict("undetermined", "it names no direction")
    if window.shown is not None and (told := _of_script(claim, direction, window, error_deg)) is not None:
        return told
    wanted = _wanted(claim.joint, direction, window.exercise)
    targets = [t for t in window.exercise.targets if wanted is not None and t.measure == wanted.name]
    if wanted is None or not targets:
        return Verdict("undetermined", f"the exercise has no target for the {claim.joint} in this direction")
    if claim.phase not in {None, "throughout", targets[0].phase} and targets[0].phase != "throughout":
        return Verdict("undetermined", f"the target is for another phase: {targets[0].phase}")
    sides = _sides(claim, wanted.name, window)
    found = [_of_target(claim, direction, wanted, targets[0], side, window, error_deg) for side in sides]
    return _together(found, claim)


class _Measure(NamedTuple):
    """An angle that poses show (a name that ``Window.degrees`` knows), and which way the claim's direction moves it."""

    name: str
    sense: Literal[-1, 1]


_MEASURES = {
    ("knee", "flex"): _Measure("knee_angle", 1),
    ("knee", "extend"): _Measure("knee_angle", -1),
    ("hip", "flex"): _Measure("hip_flexion", 1),
    ("hip", "extend"): _Measure("hip_flexion", -1),
    ("hip", "in"): _Measure("hip_adduction", 1),
    ("hip", "out"): _Measure("hip_adduction", -1),
    ("elbow", "flex"): _Measure("elbow_flexion", 1),
    ("elbow", "extend"): _Measure("elbow_flexion", -1),
    ("shoulder", "up"): _Measure("arm_elevation", 1),
    ("shoulder", "down"): _Measure("arm_elevation", -1),
    ("spine", "flex"): _Measure("trunk_flexion", 1),
    ("spine", "extend"): _Measure("trunk_flexion", -1),
    ("neck", "flex"): _Measure("head_extension", -1),
    ("neck", "extend"): _Measure("head_extension", 1),
    ("ankle", "flex"): _Measure("ankle_angle", 1),
    ("ankle", "extend"): _Measure("ankle_angle", -1),
    ("wrist", "flex"): _Measure("wrist_flexion", 1),
    ("wrist", "extend"): _Measure("wrist_flexion", -1),
}
"""What is left out can't be told from these poses: what turns about the camera's axes, shoulder blades, a knee's valgus."""
_BENDING = {"knee": "flex", "hip": "flex", "elbow": "flex", "shoulder": "up", "ankle": "flex", "spine": "flex"}
"""The direction in which an angle without one, or praise of a range, is counted."""
_HINGES = frozenset({"knee", "elbow", "hip"})
"""Joints whose angle may be said from the straight limb (flexion) or between the bones (180 degrees less flexion)."""
_FROM_STRAIGHT = frozenset({"knee_angle", "hip_flexion", "elbow_flexion", "arm_elevation"})
_KEY_PHASES = ("bottom", "top", "reach", "flight", "step")
_OPPOSITE: dict[Extreme, Extreme] = {"max": "min", "min": "max"}


def _angle(claim: Claim) -> _Measure | None:
    """The measure of a claimed angle: where the claim has no direction, that of bending."""
    joint = claim.joint or ""
    return _MEASURES.get((joint, claim.direction or _BENDING.get(joint, "")))


def _wanted(joint: str, direction: str, exercise: ExerciseKnowledge) -> _Measure | None:
    """The measure that a correction wants changed."""
    if joint == "pelvis":
        # In a plank and a push-up the hips are high because they bend.
        straight = any(constraint.dof == "hip_flexion" for constraint in exercise.static)
        joint, direction = ("hip", {"up": "flex", "down": "extend"}.get(direction, "")) if straight else ("", "")
    return _MEASURES.get((joint, direction))


def _praised(claim: Claim, exercise: ExerciseKnowledge) -> str | None:
    """The direction that praise of a full range is about: "great depth"."""
    if claim.polarity != "fine" or claim.rom != "full":
        return None
    bending = _BENDING.get(claim.joint or "")
    measure = _MEASURES.get((claim.joint or "", bending or ""))
    if bending == "flex" and measure is not None and _key_extreme(measure.name, exercise) == "min":
        return "extend"
    return bending


def _sides(claim: Claim, measure: str, window: Window) -> tuple[Side | None, ...]:
    if not has_sides(measure):
        return (None,)
    if claim.side == "left" or claim.side == "right":  # noqa: PLR1714 - mypy narrows no set
        return (claim.side,)
    if claim.side is None and window.side is not None:
        return (window.side,)
    return ("left", "right")


def _together(verdicts: Sequence[Verdict], claim: Claim) -> Verdict:
    """Of both sides: a claim about both, and praise, is as good as its worse side; any other as its better one."""
    order: list[Outcome] = ["supported", "undetermined", "refuted"]
    ranked = sorted(verdicts, key=lambda verdict: order.index(verdict.outcome))
    return ranked[-1] if claim.side == "both" or claim.polarity == "fine" else ranked[0]


# Angles --------------------------------------------------------------------------------------------------------------


def _of_angle(
    claim: Claim, angle: Quantity, measure: _Measure, side: Side | None, window: Window, error_deg: float
) -> Verdict:
    how = _moment(claim, measure, window.exercise)
    if how is None:
        return Verdict("undetermined", f"an angle on the {claim.phase} is no single value")
    readings = [window.degrees(measure.name, side, how)]
    if not window.exercise.alternating:
        each = [window.degrees(measure.name, side, how, part) for part in window.repetitions]
        readings += [value for value in each if not math.isnan(value)]
    if measure.name not in _FROM_STRAIGHT:
        readings = [abs(value) for value in readings]  # whichever way a back goes, its angle is said without a sign
    if claim.direction is None and claim.joint in _HINGES:
        readings += [180.0 - value for value in readings]
    if window.shown is not None:
        readings += [
            _worst_deg(shown.fault) * shown.severity
            for shown in window.shown
            if shown.severity > 0 and _is_about(shown.fault, claim, claim.direction) and _on_side(shown, side)
        ]
    nearest = min(readings, key=lambda reading: _off(reading, angle))
    off = _off(nearest, angle)
    outcome: Outcome = "supported" if off <= error_deg else "refuted" if off > 2 * error_deg else "undetermined"
    return Verdict(outcome, f"{off:.0f} degrees off {nearest:.0f}", nearest)


def _off(value: float, angle: Quantity) -> float:
    """How far a value lies from what is claimed, degrees."""
    below = angle.low - value if angle.comparison != "le" else 0.0
    above = value - angle.high if angle.comparison != "ge" else 0.0
    return max(below, above, 0.0)


def _moment(claim: Claim, measure: _Measure, exercise: ExerciseKnowledge) -> How | None:
    """Which value in the window a claimed angle is: at the key moment, or at the other end of the movement."""
    if exercise.hold:
        return "middle"
    key = _key_extreme(measure.name, exercise)
    if key is None:
        # A fault shows where the angle is furthest from what is asked.
        key = "max" if claim.direction is None or measure.sense < 0 else "min"
    at_key = next((phase for phase in _KEY_PHASES if phase in exercise.phases), None)
    if claim.phase in {None, at_key, "throughout", "hold"}:
        return key
    if claim.phase == "landing":
        return "max"
    return _OPPOSITE[key] if claim.phase in {"start", "top", "bottom"} else None


def _key_extreme(measure: str, exercise: ExerciseKnowledge) -> Extreme | None:
    """The extreme that a measure reaches at the key moment, where the catalogue says so."""
    if measure == "arm_elevation":
        return "max"
    dof = "lumbar_extension" if measure == "trunk_flexion" else measure
    for constraint in exercise.dynamic:
        if constraint.dof == dof:
            return _OPPOSITE[constraint.extreme] if measure == "trunk_flexion" else constraint.extreme
    return exercise.cycle.key if exercise.cycle.dof == dof else None


# Targets -------------------------------------------------------------------------------------------------------------


def _of_target(
    claim: Claim,
    direction: str,
    wanted: _Measure,
    target: Target,
    side: Side | None,
    window: Window,
    error_deg: float,
) -> Verdict:
    value = window.degrees(wanted.name, side, _decisive(wanted, target, window.exercise))
    edge = target.low_deg if wanted.sense > 0 else target.high_deg
    missing = (edge - value) * wanted.sense
    told = f"{value:.0f} degrees, the target is {target.low_deg:.0f} to {target.high_deg:.0f}"
    if abs(missing) <= error_deg / 2:
        return Verdict("undetermined", told, value)
    elsewhere = [f.id for f in window.exercise.faults if _is_about(f, claim, direction) and f.phase != target.phase]
    if missing < 0 and elsewhere and target.phase != "throughout":
        # Deep at the bottom says nothing about the landing.
        return Verdict("undetermined", f"{told}; {elsewhere[0]} would show in another phase", value)
    return Verdict(_true_if(missing > 0, claim), told, value)


def _decisive(wanted: _Measure, target: Target, exercise: ExerciseKnowledge) -> How:
    """The value that must keep to the target."""
    if exercise.hold:
        return "middle"
    if target.phase == "throughout":
        return "min" if wanted.sense > 0 else "max"
    if target.phase == "landing":
        return "max"
    return _key_extreme(wanted.name, exercise) or "max"


def _true_if(needed: bool, claim: Claim) -> Outcome:
    """Whether it holds that a change is needed: a correction says so, praise the contrary."""
    return "supported" if needed != (claim.polarity == "fine") else "refuted"


# Scripts -------------------------------------------------------------------------------------------------------------


def _of_script(claim: Claim, direction: str, window: Window, error_deg: float) -> Verdict | None:
    """By the faults that are known to show; None where the exercise has no fault at this joint."""
    if not any(_is_about(fault, claim, None) for fault in window.exercise.faults):
        return None
    shown = [fault for fault in window.shown or () if _is_about(fault.fault, claim, direction)]
    sides: tuple[Side | None, ...] = ("left", "right") if claim.side == "both" else (side_named(claim.side),)
    return _together([_of_faults([s for s in shown if _on_side(s, side)], claim, error_deg) for side in sides], claim)


def _of_faults(about: Sequence[Shown], claim: Claim, error_deg: float) -> Verdict:
    """A fault that shows in any repetition of the window can be named; praise is for what is right in the last one."""

    def degrees_of(shown: Shown) -> float:
        return _worst_deg(shown.fault) * (shown.latest if claim.polarity == "fine" else shown.severity)

    worst = max(about, key=degrees_of, default=None)
    degrees = 0.0 if worst is None else degrees_of(worst)
    if worst is None or degrees == 0:
        return Verdict(_true_if(False, claim), "the script has no such fault there", 0.0)
    told = f"the script has {worst.fault.id} there, by {degrees:.0f} degrees"
    if degrees <= error_deg / 2:
        return Verdict("undetermined", told, degrees)
    return Verdict(_true_if(True, claim), told, degrees)


def _is_about(fault: ExerciseFault, claim: Claim, direction: str | None) -> bool:
    """Whether a claim in this direction (None: in any) speaks of a fault: by the lexicon, or by the angle it changes."""
    if fault.tempo is not None:
        return False
    joint = claim.joint or ""
    if any(
        fault.id in ids
        for (of, cure), ids in lexicon().faults.items()
        if of == joint and (direction is None or cure == direction)
    ):
        return True
    # In a squat that is too shallow hips and knees bend too little, whichever of them is named.
    return joint in _HINGES and any(
        move.dof == measure.name and (direction is None or move.direction != measure.sense)
        for (of, way), measure in _MEASURES.items()
        if of == joint and way in {"flex", "extend"} and (direction is None or way == direction)
        for move in fault.moves
    )


def _worst_deg(fault: ExerciseFault) -> float:
    """What a fault is in degrees at its worst: its first angle; of the trunk, lumbar and thoracic together."""
    if not fault.moves:
        return 0.0
    first = fault.moves[0].dof.split("_")
    other = next((m for m in fault.moves[1:] if first[0] == "lumbar" and m.dof == f"thorax_{first[1]}"), None)
    return fault.moves[0].severe_deg + (other.severe_deg if other is not None else 0.0)


def _on_side(shown: Shown, side: Side | None) -> bool:
    return shown.side is None or side is None or shown.side == side
