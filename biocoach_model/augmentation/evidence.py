"""What was measured when a remark was said, and which of it the remark speaks of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from biobench.body.kinematics import arm_elevation_deg, trunk_lean_deg
from biobench.body.motion import Motion
from biobench.body.phases import series
from biobench.body.repetitions import Repetition
from biobench.body.skel import Side, find, index, sided
from biobench.exercises import ExerciseFault, FaultMove, faults, find_exercise, knowledge
from biobench.synth.bodies import golden_repetition
from biocoach_model.augmentation.records import Fact, Kept
from biocoach_model.augmentation.wordings import Wording, wordings
from biocoach_model.context import Judged, MotionContext, analyse, state_of
from biocoach_model.context import judge as judge_repetition
from biocoach_model.violations import Violation
from judges.claims.extract import understand
from judges.claims.fact_windows import Verdict, Window, side_named, window_at
from judges.claims.facts import judge
from judges.claims.lexicon import lexicon
from judges.claims.records import OPPOSITE, Claim, Quantity

__all__ = ["Evidence", "look"]

_LEAST_DEG = 5.0
"""A difference that nobody can see is none to speak of."""
_TEMPO_APART = 0.2
"""The last repetitions may be as much slower or faster than the exercise's tempo for that to be told."""
_NEAR_COUNT = 1
"""Somebody may count a repetition before it is over."""
_JOINTS = {
    "knee_angle": ("knee", "flex", "extend"),
    "hip_flexion": ("hip", "flex", "extend"),
    "elbow_flexion": ("elbow", "flex", "extend"),
    "lumbar_extension": ("spine", "extend", "flex"),
    "thorax_extension": ("spine", "extend", "flex"),
    "head_extension": ("neck", "extend", "flex"),
    "ankle_angle": ("ankle", "flex", "extend"),
    "hip_adduction": ("hip", "in", "out"),
}
"""What is asked of a joint where a fault moves this angle down, and where it moves it up."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Poses up to a moment: the context that they give, and BioFact's window of the same moment.

    Times count from the exercise's start. ``judged`` are the last repetitions, the last one first: as many as a remark is about,
    so that each side of an exercise that changes sides is seen. Nothing after ``at_s`` is looked at.
    """

    motion: Motion
    exercise: str
    at_s: float
    context: MotionContext
    judged: tuple[Judged, ...]
    window: Window | Verdict

    def fact_for(self, remark: str) -> Fact | Kept:
        """What was measured of what a remark says, or why there is nothing to add.

        The weightiest fault that one of its claims is about; else, for a remark on tempo or one that counts what is done, the
        tempo, where the count is right.
        """
        said = understand(remark, self.exercise)
        asked = [c for c in said.claims if c.family == "technique" and c.polarity != "fine"]
        timed = [c for c in said.claims if c.family == "tempo" and c.polarity != "fine"]
        counts = [c.reps for c in said.claims if c.family == "count" and _is_done(c)]
        if not asked and not timed and not counts:
            return Kept("no-claim")
        if not counts and any(words in remark.casefold() for words in wordings().put_right):
            return Kept("put-right")
        if not self.judged:
            return Kept("not-seen")
        unsure: Kept | None = None
        for violation, repetition in self._violations():
            fault = next(one for one in faults(self.exercise) if one.id == violation.name)
            own = [c for c in asked if _is_about(c, fault) and _on_side(c, violation.side)]
            if own:
                fact = self._fault(violation, repetition, fault, own)
                if isinstance(fact, Fact):
                    return fact
                unsure = unsure or fact
        if unsure is not None:
            return unsure
        done = self.context.series.count
        if counts and counts[0] is not None and abs(counts[0] - done) > _NEAR_COUNT:
            return Kept("other-count", f"{done} measured")
        if (timed or counts) and self.context.series.seconds_each is not None:
            return self._tempo(self.context.series.seconds_each)
        return Kept("no-fit")

    def _violations(self) -> list[tuple[Violation, Repetition]]:
        """The faults of the last repetitions, each from the last one that shows it; the weightiest first."""
        found: dict[tuple[str, Side | None], tuple[Violation, Repetition]] = {}
        for one in self.judged:
            for violation in one.faults:
                found.setdefault((violation.name, violation.side), (violation, one.repetition))
        return sorted(found.values(), key=lambda pair: (-pair[0].weight, pair[0].name, str(pair[0].side)))

    def _fault(
        self, violation: Violation, repetition: Repetition, fault: ExerciseFault, said: Sequence[Claim]
    ) -> Fact | Kept:
        """With its angle where BioFact supports or refutes it; without where it can't tell and the side is news."""
        wording = wordings().faults.get(fault.id, Wording(None, None, None))
        your = f"your {violation.side}" if violation.side else "your"
        claims, verdict = _claims_about(fault), Verdict("undetermined", "no angle that poses show well")
        if wording.angle is not None and wording.number is not None:
            raised = _raised(wording.angle, fault)
            measured, wanted = self._angle(wording.angle, violation, repetition, raised=raised)
            off = measured - wanted if raised else wanted - measured
            if min(measured, wanted) < 0 or not off >= _LEAST_DEG:
                verdict = Verdict("undetermined", "the angle does not show it")
            else:
                verdict = self._checked(wording.angle, violation.side, measured, raised=raised)
            if verdict.outcome != "undetermined":
                told = wording.number.format(
                    your=your, measured=f"{measured:.0f}", wanted=f"{wanted:.0f}", off=f"{off:.0f}"
                )
                return Fact(fault.id, violation.side, wording.angle, measured, wanted, off, claims, verdict, told)
        if wording.plain is not None and violation.side is not None and all(c.side is None for c in said):
            told = wording.plain.format(your=your)
            return Fact(fault.id, violation.side, wording.angle or "", None, None, None, claims, verdict, told)
        return Kept("nothing-sure", f"{fault.id}: {verdict.reason}")

    def _angle(self, angle: str, violation: Violation, repetition: Repetition, *, raised: bool) -> tuple[float, float]:
        """Measured and wanted in whole degrees, as they are said.

        Where the fault moves this angle the most, both are those of the moment that shows it; else the furthest of the
        repetition and of good form.
        """
        known = wordings().angles[angle]
        if find(violation.dof).base == known.dof:
            return round(known.sign * violation.measured_deg) + 0.0, round(known.sign * violation.wanted_deg) + 0.0
        part = self.motion.between(repetition.start_s, repetition.end_s)
        golden = golden_repetition(self.exercise, self.context.side)
        if knowledge(self.exercise).hold:
            golden = golden[-1:]
        share = 95 if raised else 5
        measured, wanted = (
            float(np.percentile(known.sign * _series(angles, known.dof, violation.side), share))
            for angles in (part.angles_rad[part.valid], golden)
        )
        return round(measured) + 0.0, round(wanted) + 0.0

    def _checked(self, angle: str, side: Side | None, measured: float, *, raised: bool) -> Verdict:
        """BioFact's verdict on the angle, as a claim that it should go the other way."""
        if isinstance(self.window, Verdict):
            return self.window
        joint, direction = wordings().angles[angle].claim
        direction = OPPOSITE[direction] if raised else direction
        return judge(Claim("technique", joint, side, direction, quantity=_measured(measured)), self.window)

    def _tempo(self, seconds: float) -> Fact:
        window = self.window
        own = [] if isinstance(window, Verdict) else [r.end_s - r.start_s for r in window.repetitions]
        if not own:
            verdict = Verdict("undetermined", "no repetition was finished in the last seconds")
        else:
            near = abs(median(own) - seconds) <= _TEMPO_APART * seconds
            told = f"the last repetitions took {median(own):.1f} s"
            verdict = Verdict("supported" if near else "refuted", told)
        said = round(seconds, 1)
        words = wordings().tempo.format(seconds=f"{said:.1f}")
        return Fact("tempo", None, "seconds", said, None, None, frozenset(), verdict, words)


def look(motion: Motion, exercise: str, at_s: float) -> Evidence | Kept:
    """What is known at a time of an exercise, in any spelling, from poses whose times count from its start."""
    found = find_exercise(exercise)
    if found is None:
        return Kept("unknown-exercise", exercise)
    seen = motion.between(-math.inf, at_s)
    if not np.any(seen.valid):
        return Kept("not-seen")
    context, judged = _recent(seen, found.name, side_named(found.side), at_s)
    return Evidence(seen, found.name, at_s, context, judged, window_at(seen, at_s, exercise))


def _recent(seen: Motion, exercise: str, side: Side | None, at_s: float) -> tuple[MotionContext, tuple[Judged, ...]]:
    """The context, as ``MotionContext.at`` has it, and the last repetitions judged, the last one first."""
    found = analyse(seen, exercise, side, last_only=True, until_s=at_s)
    repetitions = [one.repetition for one in found]
    judged = found[-1:]
    if len(found) > 1 and not knowledge(exercise).hold:
        filled = seen.filled()
        times, angles = filled.times_s[filled.valid], filled.angles_rad[filled.valid]
        golden = golden_repetition(exercise, side or ("right" if knowledge(exercise).sided else None))
        judged = [*judged, judge_repetition(exercise, repetitions[-2], angles, times, golden)]
    state, phase = state_of(exercise, repetitions, at_s)
    last = judged[0] if judged else None
    return MotionContext(exercise, side, 0.0, at_s, state, phase, series(repetitions), last), tuple(judged)


def _measured(degrees: float) -> Quantity:
    return Quantity(degrees, degrees, "deg", "measured")


def _is_done(claim: Claim) -> bool:
    return claim.quantity is not None and claim.quantity.role == "measured"


def _is_about(claim: Claim, fault: ExerciseFault) -> bool:
    return (claim.joint or "", claim.direction or "") in _claims_about(fault)


def _on_side(claim: Claim, side: Side | None) -> bool:
    return side is None or claim.side is None or claim.side == side


def _claims_about(fault: ExerciseFault) -> frozenset[tuple[str, str]]:
    """What may be asked for against a fault: by the lexicon, and by the angles that it moves."""
    cures = {cure for cure, ids in lexicon().faults.items() if fault.id in ids}
    return frozenset(cures | {_cure(move) for move in fault.moves if move.dof in _JOINTS})


def _cure(move: FaultMove) -> tuple[str, str]:
    joint, lowered, raised = _JOINTS[move.dof]
    return joint, lowered if move.direction < 0 else raised


def _raised(angle: str, fault: ExerciseFault) -> bool:
    """Whether a fault makes an angle greater."""
    known = wordings().angles[angle]
    if known.dof == "arm":
        return False
    if known.dof == "trunk":  # the lower back's own angle counts extension
        return -known.sign * fault.moves[0].direction > 0
    return next(known.sign * move.direction > 0 for move in fault.moves if move.dof == known.dof)


def _series(angles_rad: NDArray[np.float64], dof: str, side: Side | None) -> NDArray[np.float64]:
    if dof == "trunk":
        return trunk_lean_deg(angles_rad)
    if dof == "arm":
        return arm_elevation_deg(angles_rad, side or "right")
    degrees: NDArray[np.float64] = np.degrees(angles_rad[:, index(sided(dof, side or "right"))])
    return degrees
