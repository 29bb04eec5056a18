"""The catalogue of perturbations: what makes a true remark wrong, and what must not matter.

Which slots a perturbation touches is known by construction: the words that it exchanges are marked in the templates. The
claim extractor has no part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from biobench.synth.draw import Draw
from biobench.synth.wording import in_words
from judges.validation.bank import Base, angle
from judges.validation.templates import FALSIFIED
from judges.validation.wordings import REGISTERS, Around, manners

__all__ = ["CATALOGUE", "OTHER_SIDE", "Edit", "Perturbation", "contrary", "edited"]

Kind = Literal["wrong", "same"]
OTHER_SIDE = {"left": "right", "right": "left"}
_LEAST_ANGLE, _MOST_ANGLE = 20, 180


class Edit(NamedTuple):
    """A perturbed remark: the slots that were touched, and how wrong it now is, from 0 (not at all) to 1.

    ``reference`` is another text of the reference, where the perturbation needs one, else None; ``paraphrase`` likewise.
    """

    text: str
    slots: tuple[str, ...]
    severity: float
    reference: str | None = None
    paraphrase: str | None = None


class Context(NamedTuple):
    """What a perturbation may look at beside the remark: others of the bank, and a stream of draws of its own."""

    others: Sequence[Base]
    draw: Draw


@dataclass(frozen=True)
class Perturbation:
    """One entry of the catalogue. ``wrong`` must be noticed; ``same`` must not move a score.

    ``make`` gives None where it does not apply.
    """

    name: str
    kind: Kind
    what: str
    make: Callable[[Base, Context], Edit | None]


def edited(perturbation: Perturbation, base: Base, others: Sequence[Base], seed: int) -> Edit | None:
    """The perturbed reference of a base item; the same for the same seed, whatever else is made. None: not applicable."""
    draw = Draw("judge studies", seed, perturbation.name, base.id)
    return perturbation.make(base, Context(others, draw))


def contrary(base: Base, register: str) -> Edit | None:
    """The remark in a register, turned into its contrary by one slot; None where none is marked there."""
    template = base.statement.texts[register]
    for slot in FALSIFIED:
        if slot in template.slots:
            return Edit(base.text(register, {slot: 1}), (slot,), 1.0)
    if "n" in template.holes and base.count is not None:
        return Edit(base.text(register, changed={"n": str(base.count + 3)}), ("reps",), 0.75)
    return None


# What makes a remark wrong -------------------------------------------------------------------------------------------


def _flip(slot: str, severity: float, choice: int = 1) -> Callable[[Base, Context], Edit | None]:
    def make(base: Base, _: Context) -> Edit | None:
        if slot not in base.statement.texts["reference"].slots:
            return None
        return Edit(base.text(chosen={slot: choice}), (slot,), severity)

    return make


def _side(base: Base, _: Context) -> Edit | None:
    if base.side is None:
        return None
    return Edit(base.text(changed={"side": OTHER_SIDE[base.side]}), ("side",), 1.0)


def _angle(step: int, severity: float) -> Callable[[Base, Context], Edit | None]:
    """The measured angle is off by a step: away from the target, and upwards where there is none or no room.

    Not below 20 degrees, where 5 is a quarter and more of the whole; never beyond 180.
    """

    def make(base: Base, _: Context) -> Edit | None:
        true, target = base.measured_deg, base.target_deg
        if true is None or true < _LEAST_ANGLE:
            return None
        away = -step if target is not None and target > true else step
        changed = next((true + off for off in (away, -away) if _LEAST_ANGLE / 4 <= true + off <= _MOST_ANGLE), None)
        if changed is None or (target is not None and min(true, changed) <= target <= max(true, changed)):
            return None
        return Edit(base.text(changed={"measured": angle(changed)}), ("angle",), severity)

    return make


def _swapped_roles(base: Base, _: Context) -> Edit | None:
    if base.measured_deg is None or base.target_deg is None or base.measured_deg == base.target_deg:
        return None
    changed = {"measured": angle(base.target_deg), "target": angle(base.measured_deg)}
    return Edit(base.text(changed=changed), ("angle",), 1.0)


def _unit(base: Base, _: Context) -> Edit | None:
    if base.measured_deg is None:
        return None
    changed = {"measured": angle(base.measured_deg, "radians")}
    if base.target_deg is not None:
        changed["target"] = angle(base.target_deg, "radians")
    return Edit(base.text(changed=changed), ("angle",), 0.5)


def _repetitions(more: int, severity: float) -> Callable[[Base, Context], Edit | None]:
    def make(base: Base, _: Context) -> Edit | None:
        if base.count is None:
            return None
        return Edit(base.text(changed={"n": str(base.count + more)}), ("reps",), severity)

    return make


def _exercise(base: Base, context: Context) -> Edit | None:
    """The remark names its exercise, or another one; the reference and the paraphrase name the right one."""
    names = sorted({other.exercise for other in context.others} - {base.exercise})
    if not names:
        return None
    wrong = context.draw.pick(names)
    before, after = context.draw.pick(manners().exercise_before), context.draw.pick(manners().exercise_after)

    def told(name: str, text: str, *, first: bool) -> str:
        return f"{before.format(exercise=name)} {text}" if first else f"{text} {after.format(exercise=name)}"

    reference = base.text()
    paraphrase = told(base.exercise, base.text(context.draw.pick(REGISTERS[1:])), first=False)
    return Edit(
        told(wrong, reference, first=True), ("exercise",), 0.5, told(base.exercise, reference, first=True), paraphrase
    )


def _praise(base: Base, _: Context) -> Edit | None:
    if base.count is not None:
        return None
    return Edit(base.statement.praise.render(base.values()), ("valence",), 1.0)


def _vague(base: Base, _: Context) -> Edit:
    return Edit(base.statement.vague.render(base.values()), ("all",), 0.8)


def _omitted(slot: str, severity: float) -> Callable[[Base, Context], Edit | None]:
    def make(base: Base, _: Context) -> Edit | None:
        template = base.statement.texts["reference"]
        if slot not in template.slots | template.holes:
            return None
        return Edit(base.text(without=slot), (slot,), severity)

    return make


def _without_angle(base: Base, context: Context) -> Edit | None:
    """The same fault in its statement without angles."""
    if base.measured_deg is None:
        return None
    same = [o for o in context.others if o.statement.about == base.statement.about and o.statement.kind == "plain"]
    has_phase = "phase" in base.statement.texts["reference"].slots
    found = next((o for o in same if ("phase" in o.statement.texts["reference"].slots) == has_phase), None)
    if found is None:
        return None
    return Edit(found.statement.texts["reference"].render(base.values()), ("angle",), 0.35)


def _contradicted(base: Base, _: Context) -> Edit | None:
    wrong = contrary(base, "terse")
    return None if wrong is None else Edit(f"{base.text()} {wrong.text}", wrong.slots, 1.0)


def _another_moment(base: Base, context: Context) -> Edit | None:
    """What is true at another moment, of the same exercise where the bank has one."""
    others = [o for o in context.others if o.cluster != base.cluster and o.video != base.video]
    same = [o for o in others if o.exercise == base.exercise]
    if not others:
        return None
    return Edit(context.draw.pick(same or others).text(), ("all",), 1.0)


# What must not matter ------------------------------------------------------------------------------------------------


def _said(register: str) -> Callable[[Base, Context], Edit | None]:
    return lambda base, _: Edit(base.text(register), (), 0.0)


def _case(base: Base, context: Context) -> Edit:
    text = base.text()
    return Edit(text.upper() if context.draw.chance(0.5) else text.lower(), (), 0.0)


def _punctuation(base: Base, context: Context) -> Edit:
    text = base.text().rstrip(".!")
    return Edit(text + context.draw.pick(("", "!", "...", "!!")), (), 0.0)


def _styled(style: str) -> Callable[[Base, Context], Edit | None]:
    def make(base: Base, _: Context) -> Edit | None:
        changed: dict[str, str] = {}
        for hole, degrees in (("measured", base.measured_deg), ("target", base.target_deg)):
            if degrees is not None:
                changed[hole] = angle(degrees, style)
        if base.count is not None and style == "spelt":
            changed["n"] = in_words(base.count)
        return Edit(base.text(changed=changed), (), 0.0) if changed else None

    return make


def _around(texts: Callable[[], Around]) -> Callable[[Base, Context], Edit | None]:
    """A sentence before the remark, or one after it."""

    def make(base: Base, context: Context) -> Edit:
        around, text = texts(), base.text()
        if context.draw.chance(0.5):
            return Edit(f"{context.draw.pick(around.before)} {text}", (), 0.0)
        return Edit(f"{text} {context.draw.pick(around.after)}", (), 0.0)

    return make


def _authority(base: Base, context: Context) -> Edit:
    return Edit(f"{context.draw.pick(manners().authority)} {base.text()}", (), 0.0)


def _label(base: Base, context: Context) -> Edit:
    return Edit(f"{context.draw.pick(manners().labels)}: {base.text()}", (), 0.0)


_WRONG = (
    ("side-swap", "left for right, right for left", _side),
    ("both-to-one", "one side for both", _flip("both", 0.4)),
    ("motion", "bend for straighten, abduct for adduct", _flip("motion", 1.0)),
    ("direction", "higher for lower, wider for narrower, faster for slower", _flip("direction", 1.0)),
    ("fault", "the contrary fault", _flip("fault", 1.0)),
    ("range", "too little range for too much", _flip("rom", 1.0)),
    ("negation", "a negation put in or taken out", _flip("negation", 1.0)),
    ("joint-near", "the neighbouring joint", _flip("joint", 0.75, 1)),
    ("joint-far", "a joint far away", _flip("joint", 1.0, 2)),
    ("phase", "another phase of the repetition", _flip("phase", 0.5)),
    ("angle-15", "an angle 15 degrees off", _angle(15, 0.25)),
    ("angle-30", "an angle 30 degrees off", _angle(30, 0.6)),
    ("angle-60", "an angle 60 degrees off", _angle(60, 1.0)),
    ("roles", "measured and target exchanged", _swapped_roles),
    ("unit", "radians for degrees, the number as it was", _unit),
    ("reps-1", "a count one too high", _repetitions(1, 0.25)),
    ("reps-3", "a count three too high", _repetitions(3, 0.75)),
    ("exercise", "another exercise named", _exercise),
    ("praise", "praise for a correction", _praise),
    ("no-side", "the side left out", _omitted("side", 0.35)),
    ("no-phase", "the phase left out", _omitted("phase", 0.35)),
    ("no-angle", "the angle left out", _without_angle),
    ("contradicted", "the contrary added to it", _contradicted),
    ("vague", "nothing that could be checked", _vague),
    ("another-moment", "true at another moment", _another_moment),
)
_SAME = (
    *((register, f"the same, {register}", _said(register)) for register in REGISTERS[1:]),
    ("case", "in capitals, or without any", _case),
    ("punctuation", "another mark at its end", _punctuation),
    ("degree-sign", "° for degrees", _styled("sign")),
    ("spelt", "numbers in words", _styled("spelt")),
    ("angle-5", "an angle 5 degrees off, less than an eye can see", _angle(5, 0.0)),
    ("padding", "a sentence around it that says nothing", _around(lambda: manners().padding)),
    ("politeness", "courtesies", _around(lambda: manners().politeness)),
    ("authority", "who says so", _authority),
    ("label", "a source's name before it", _label),
)
CATALOGUE: Mapping[str, Perturbation] = {
    **{name: Perturbation(name, "wrong", what, make) for name, what, make in _WRONG},
    **{name: Perturbation(name, "same", what, make) for name, what, make in _SAME},
}
"""Every perturbation by name, the wrong ones first."""
