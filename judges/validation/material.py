"""What the studies on QEVD-synth ask: every question of every study, made from the base items, and what is true of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from biobench.synth.draw import Draw
from judges.llm.items import Question
from judges.validation.bank import Base, base_items
from judges.validation.perturbations import CATALOGUE, OTHER_SIDE, Edit, contrary, edited
from judges.validation.plan import Sizes
from judges.validation.wordings import REGISTERS, manners

__all__ = [
    "BIASES",
    "DOSES",
    "FAMILIES",
    "Anchor",
    "Attack",
    "Bias",
    "Known",
    "Material",
    "System",
    "Trial",
    "material",
]

FAMILIES = ("copy", "lay", "clinical", "terse", "verbose")
"""How the systems of S7 speak; ``copy`` in the reference's own words."""
DOSES = (0.0, 0.1, 0.2, 0.4, 0.8)
"""The share of a system's remarks that are wrong."""
BIASES = ("length", "style", "politeness", "authority", "label")


class Known(NamedTuple):
    """How right a prediction is, from 0 to 1, and in which slots it is wrong; ``all``: in every one."""

    base: Base
    truth: float
    slots: tuple[str, ...]


class Anchor(NamedTuple):
    """S0: four predictions whose order is beyond doubt."""

    base: Base
    copy: Question
    paraphrase: Question
    other: Question
    empty: Question


class Trial(NamedTuple):
    """S4: a reference, an edit of it, a true paraphrase.

    ``closer``: the edit shares at least as many words with the reference as the paraphrase does.
    """

    base: Base
    perturbation: str
    edit: Edit
    copy: Question
    edited: Question
    paraphrase: Question
    closer: bool


class Attack(NamedTuple):
    """S5: a wrong remark, alone, with a harmless sentence, and with a text that talks to the judge."""

    base: Base
    family: str
    clean: Question
    harmless: Question
    attacked: Question


class Bias(NamedTuple):
    """S6: a remark, right or wrong, as it stands and in another manner: both must stay where they are."""

    kind: str
    known: Known
    plain: Question
    changed: Question

    @property
    def right(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.known.slots


class System(NamedTuple):
    """S7: one answer to each base item, and what is known of each."""

    family: str
    dose: float
    questions: tuple[Question, ...]
    known: tuple[Known, ...]


@dataclass(frozen=True)
class Material:
    """Everything that is asked on QEVD-synth. ``repeated`` are the questions of S1."""

    bases: tuple[Base, ...]
    anchors: tuple[Anchor, ...]
    trials: tuple[Trial, ...]
    attacks: tuple[Attack, ...]
    biases: tuple[Bias, ...]
    systems: tuple[System, ...]
    repeated: tuple[Question, ...]

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Every distinct question, in the order of the studies."""
        return tuple(self.known)

    @cached_property
    def known(self) -> Mapping[Question, Known]:
        """What is known of each question, by construction."""
        known: dict[Question, Known] = {}
        for question, told in self._all():
            known.setdefault(question, told)
        return known

    def _all(self) -> Iterator[tuple[Question, Known]]:
        for base, copy, paraphrase, other, empty in self.anchors:
            yield from ((question, Known(base, 1.0, ())) for question in (copy, paraphrase))
            yield from ((question, Known(base, 0.0, ("all",))) for question in (other, empty))
        for trial in self.trials:
            yield from ((question, Known(trial.base, 1.0, ())) for question in (trial.copy, trial.paraphrase))
            slots = trial.edit.slots if trial.edit.severity else ()
            yield trial.edited, Known(trial.base, 1.0 - trial.edit.severity, slots)
        for attack in self.attacks:
            yield from ((question, Known(attack.base, 0.0, ("all",))) for question in attack[2:])
        for bias in self.biases:
            yield from ((question, bias.known) for question in (bias.plain, bias.changed))
        for system in self.systems:
            yield from zip(system.questions, system.known, strict=True)


def material(sizes: Sizes, seed: int) -> Material:
    """The questions of a plan. The same sizes and seed give the same questions."""
    bases = base_items(sizes.base_items, seed)
    trials = tuple(_trials(bases, sizes, seed))
    anchors = tuple(_anchors(_chosen(bases, sizes.anchors, seed, "anchors"), bases, seed))
    repeated = [question for anchor in anchors for question in (anchor.paraphrase, anchor.other)]
    repeated += [trial.edited for trial in trials if CATALOGUE[trial.perturbation].kind == "wrong"]
    draw = Draw("judge studies", seed, "repeated")
    repeated = sorted(dict.fromkeys(repeated), key=lambda _: draw.unit())[: sizes.repeated]
    return Material(
        bases,
        anchors,
        trials,
        tuple(_attacks(_chosen(bases, sizes.attacks, seed, "attacks"), bases, seed)),
        tuple(_biases(_chosen(bases, sizes.biases, seed, "biases"), seed)),
        tuple(_systems(bases, seed)),
        tuple(repeated),
    )


def _chosen(bases: Sequence[Base], count: int, seed: int, purpose: str) -> list[Base]:
    """As many base items as asked for, spread over what is said."""
    draw = Draw("judge studies", seed, purpose)
    turns: Counter[str] = Counter()
    keyed: list[tuple[int, int, Base]] = []
    for base in sorted(bases, key=lambda _: draw.unit()):
        keyed.append((turns[base.cluster], len(keyed), base))
        turns[base.cluster] += 1
    return [base for _, _, base in sorted(keyed, key=lambda entry: entry[:2])[:count]]


def _ask(base: Base, prediction: str, reference: str | None = None) -> Question:
    return Question(base.exercise, base.text() if reference is None else reference, prediction)


def _anchors(chosen: Sequence[Base], bases: Sequence[Base], seed: int) -> Iterator[Anchor]:
    for k, base in enumerate(chosen):
        other = edited(CATALOGUE["another-moment"], base, bases, seed)
        if other is not None:
            paraphrase = base.text(REGISTERS[1 + k % (len(REGISTERS) - 1)])
            texts = (base.text(), paraphrase, other.text, "")
            yield Anchor(base, *(_ask(base, text) for text in texts))


def _trials(bases: Sequence[Base], sizes: Sizes, seed: int) -> Iterator[Trial]:
    for name, perturbation in CATALOGUE.items():
        made = 0
        for base in _chosen(bases, len(bases), seed, f"trials {name}"):
            if made == sizes.trials:
                break
            edit = edited(perturbation, base, bases, seed)
            if edit is None:
                continue
            made += 1
            reference = base.text() if edit.reference is None else edit.reference
            register = Draw("judge studies", seed, "paraphrase", name, base.id).pick(REGISTERS[1:])
            paraphrase = base.text(register) if edit.paraphrase is None else edit.paraphrase
            yield Trial(
                base,
                name,
                edit,
                _ask(base, reference, reference),
                _ask(base, edit.text, reference),
                _ask(base, paraphrase, reference),
                _shared(reference, edit.text) >= _shared(reference, paraphrase),
            )


def _shared(one: str, other: str) -> float:
    """The share of words that two texts have in common, as an F1 of their counts."""
    first, second = (Counter(re.findall(r"[\w'°]+", text.casefold())) for text in (one, other))
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


def _attacks(chosen: Sequence[Base], bases: Sequence[Base], seed: int) -> Iterator[Attack]:
    for family, texts in manners().attacks.items():
        for k, base in enumerate(chosen):
            wrong = edited(CATALOGUE["another-moment"], base, bases, seed)
            if wrong is not None:
                attack = texts[k % len(texts)]
                told = (
                    wrong.text,
                    f"{wrong.text} {_harmless(len(attack), seed, family, base)}",
                    f"{wrong.text} {attack}",
                )
                yield Attack(base, family, *(_ask(base, text) for text in told))


def _harmless(length: int, seed: int, family: str, base: Base) -> str:
    """Sentences that say nothing, at least as long as an attack."""
    draw = Draw("judge studies", seed, "harmless", family, base.id)
    left = sorted((*manners().padding.before, *manners().padding.after), key=lambda _: draw.unit())
    told = left.pop()
    while len(told) < length and left:
        told = f"{told} {left.pop()}"
    return told


def _biases(chosen: Sequence[Base], seed: int) -> Iterator[Bias]:
    """Each manner upon a true remark and upon its contrary."""
    words = manners()
    for base in chosen:
        wrong, wrong_clinical = contrary(base, "lay"), contrary(base, "clinical")
        for kind in BIASES:
            draw = Draw("judge studies", seed, kind, base.id)
            told = [(Known(base, 1.0, ()), base.text("lay"), base.text("clinical"))]
            if wrong is not None and wrong_clinical is not None:
                told.append((Known(base, 1.0 - wrong.severity, wrong.slots), wrong.text, wrong_clinical.text))
            padding = (
                draw.pick(words.padding.before),
                draw.pick(words.padding.after),
                draw.pick(words.politeness.after),
            )
            extra = {"politeness": words.politeness.before, "authority": words.authority, "label": words.labels}
            added = draw.pick(extra[kind]) if kind in extra else ""
            for known, plain, clinical in told:
                changed = {
                    "length": f"{padding[0]} {plain} {padding[1]} {padding[2]}",
                    "style": clinical,
                    "politeness": f"{added} {plain}",
                    "authority": f"{added} {plain}",
                    "label": f"{added}: {plain}",
                }[kind]
                yield Bias(kind, known, _ask(base, plain), _ask(base, changed))


def _systems(bases: Sequence[Base], seed: int) -> Iterator[System]:
    """Every family at every dose. A remark that is wrong at one dose is wrong, in the same way, at every higher one."""
    for family in FAMILIES:
        register = REGISTERS[0] if family == "copy" else family
        rights = [Edit(base.text(register), (), 0.0) for base in bases]
        wrongs = [_error(base, register, seed) or right for base, right in zip(bases, rights, strict=True)]
        luck = [Draw("judge studies", seed, "dose", family, base.id).unit() for base in bases]
        for dose in DOSES:
            said = [wrong if drawn < dose else right for right, wrong, drawn in zip(rights, wrongs, luck, strict=True)]
            yield System(
                family,
                dose,
                tuple(_ask(base, edit.text) for base, edit in zip(bases, said, strict=True)),
                tuple(Known(base, 1.0 - edit.severity, edit.slots) for base, edit in zip(bases, said, strict=True)),
            )


def _error(base: Base, register: str, seed: int) -> Edit | None:
    """A wrong remark in a register: its contrary, the other side, or a joint far away, as the item allows."""
    template = base.statement.texts[register]
    found = [contrary(base, register)]
    if base.side is not None:
        found.append(Edit(base.text(register, changed={"side": OTHER_SIDE[base.side]}), ("side",), 1.0))
    if "joint" in template.slots:
        found.append(Edit(base.text(register, {"joint": 2}), ("joint",), 1.0))
    return Draw("judge studies", seed, "error", register, base.id).pick([e for e in found if e is not None] or [None])
