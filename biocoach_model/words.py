"""The context in words: our own, plain, with numbers, sides and phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biobench.body.morphometrics import Morphometrics
from biobench.body.skel import find
from biobench.exercises import faults
from biocoach_model.violations import Violation

if TYPE_CHECKING:
    from biocoach_model.context import MotionContext

__all__ = ["morphometric_sentence", "motion_sentence", "violation_in_words"]


def morphometric_sentence(measures: Morphometrics) -> str:
    """A person in a line, as in ``Height 1.72 m, mass 70.1 kg, chest 0.95 m, waist 0.80 m, hips 1.00 m.``."""
    m = measures
    return (
        f"Height {m.height_m:.2f} m, mass {m.mass_kg:.1f} kg, chest {m.chest_m:.2f} m, waist {m.waist_m:.2f} m, "
        f"hips {m.hips_m:.2f} m."
    )


def motion_sentence(context: MotionContext, most: int) -> str:
    """State, count and tempo, then the violations of the last repetition: the catalogue's faults, or that there are none."""
    name = f"{context.exercise} {context.side}" if context.side else context.exercise
    parts = [f"{name[:1].upper()}{name[1:]}, {context.state}" + (f" ({context.phase})" if context.phase else "")]
    known = context.series
    if known.count and context.state != "holding":
        tempo = f", one every {known.seconds_each:.1f} s" if known.seconds_each else ""
        parts.append(f"{known.count} repetition{'s' * (known.count != 1)} done{tempo}")
        if known.smaller is not None and known.smaller > 0.15:
            parts.append(f"the range has shrunk by {known.smaller:.0%}")
    text = "; ".join(parts) + "."
    if context.last is None:
        return text
    told = [violation_in_words(v, context.exercise) for v in context.last.faults[:most]]
    if told:
        return f"{text} Violations: {'; '.join(told)}."
    return f"{text} No violations."


def violation_in_words(violation: Violation, exercise: str) -> str:
    """One violation, as in ``knee falls inwards, right (hip adduction 21° instead of 0°, bottom, severe)``."""
    dof = find(violation.dof)
    angle = f"{dof.clinical} {_degrees(violation.measured_deg)} instead of {_degrees(violation.wanted_deg)}"
    if violation.kind == "fault":
        label = next(fault.lay for fault in faults(exercise) if fault.id == violation.name)
    else:
        label = "does not hold still" if violation.kind == "static" else "does not reach the reference"
    side = f", {violation.side}" if violation.side else ""
    # SKEL's shoulder angles are no clinical ones: only how far they are off is told.
    if dof.base.startswith("shoulder"):
        angle = f"arm off by {_degrees(abs(violation.measured_deg - violation.wanted_deg))}"
    if dof.base == "pelvis_tilt":
        angle = f"trunk off by {_degrees(abs(violation.measured_deg - violation.wanted_deg))}"
    return f"{label}{side} ({angle}, {violation.phase}, {violation.grade})"


def _degrees(value: float) -> str:
    return f"{value:z.0f}°".replace("-", "\u2212")
