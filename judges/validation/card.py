"""Judge cards and the report over all scorers of a study: what is known of a number, as records and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_text import parse, read_text
from judges.validation.findings import STUDIES, Finding, Number, Table, Verdict
from judges.validation.plan import Gate, Plan

__all__ = [
    "CARD_SCHEMA",
    "REPORT_SCHEMA",
    "Basis",
    "Card",
    "CardWord",
    "People",
    "Report",
    "card_word",
    "read_card_words",
]

CARD_SCHEMA = "biobench/judge-card/1"
REPORT_SCHEMA = "biobench/study-report/1"
_CHANGED = " (the plan was changed after the first scores)"
_LAXER = " (under gates laxer than the packaged ones)"
_WARNINGS = {
    "changed": "The plan was changed after the first scores. Its gates may have been set with the numbers in view: a PASS here "
    "shows less than it says.",
    "laxer": "Gates of this plan are laxer than those of the packaged one, and a PASS shows as much less",
    "left out": "Scorers that were asked other questions or about other events are left out; ask them again with study run",
}
SYNTHETIC = ("S0", "S4", "S5", "S6", "S7")
"""Studies that need no people; S1 too where the same question can have another answer."""
WITH_PEOPLE = ("S2", "S3")


@dataclass(frozen=True, slots=True)
class People:
    """Whose ratings a study rests on."""

    events: int
    answers: int
    raters: int
    ratings: int
    events_sha256: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What was asked: questions made from QEVD-synth, and the answers that people rated, if any did."""

    base_items: int
    questions: int
    questions_sha256: str
    people: People | None = None


@dataclass(frozen=True)
class Card:
    """One scorer: who it is, what each study found, and the word that may stand beside its numbers."""

    name: str
    kind: str
    signature: Mapping[str, str]
    asked: int
    unscored: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def word(self) -> str:
        return card_word({finding.study: finding.verdict for finding in self.findings})

    def finding(self, study: str) -> Finding:
        """The finding of a study. Raises ``KeyError`` for one that is not there."""
        for one in self.findings:
            if one.study == study:
                return one
        raise KeyError(study)


@dataclass(frozen=True)
class Report:
    """All scorers of a study.

    ``plan_changed``: the plan is not the one that the first scores were made under. ``left_out``: scorers whose scores are there
    and are of other questions or events.
    """

    plan: Plan
    plan_changed: bool
    basis: Basis
    cards: tuple[Card, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before any verdict."""
        laxer = self.plan.laxer_gates()
        told = [_WARNINGS["changed"]] if self.plan_changed else []
        told += [f"{_WARNINGS['laxer']}: {'; '.join(laxer)}."] if laxer else []
        told += [f"{_WARNINGS['left out']}: {', '.join(self.left_out)}."] if self.left_out else []
        return tuple(told)

    @property
    def title(self) -> str:
        people = self.basis.people
        return "verified on synthetic data" if people is None else f"with the ratings of {people.raters} people"

    def as_json(self) -> dict[str, Any]:
        """``biobench/study-report/1``."""
        return {
            "schema": REPORT_SCHEMA,
            "title": self.title,
            **self._common(),
            "cards": [_card(card) for card in self.cards],
        }

    def card_as_json(self, card: Card) -> dict[str, Any]:
        """``biobench/judge-card/1``: one card with what it rests on."""
        return {"schema": CARD_SCHEMA, **self._common(), **_card(card)}

    def _common(self) -> dict[str, Any]:
        people = self.basis.people
        return {
            "plan": {
                "version": self.plan.version,
                "seed": self.plan.seed,
                "confidence": self.plan.confidence,
                "sha256": self.plan.sha256,
                "changed": self.plan_changed,
                "laxer": list(self.plan.laxer_gates()),
            },
            "basis": {
                "base_items": self.basis.base_items,
                "questions": self.basis.questions,
                "questions_sha256": self.basis.questions_sha256,
                "people": None
                if people is None
                else {
                    "events": people.events,
                    "answers": people.answers,
                    "raters": people.raters,
                    "ratings": people.ratings,
                    "events_sha256": people.events_sha256,
                },
            },
            "environment": dict(self.environment),
        }


def card_word(verdicts: Mapping[str, Verdict]) -> str:
    """The word that may stand beside a judged number.

    A failed study is named first (but for S8, which is about the plan); without S2 and S3 it is "not validated", whatever the
    rest says.

    >>> card_word({"S0": "PASS", "S4": "FAIL"})
    'failed S4'
    >>> passed = dict.fromkeys(("S0", "S1", "S4", "S5", "S6", "S7"), "PASS")
    >>> card_word(passed)
    'not validated; verified on synthetic data'
    >>> card_word(passed | {"S2": "PASS", "S3": "PASS"})
    'validated'
    """
    failed = [study for study in STUDIES if study != "S8" and verdicts.get(study) == "FAIL"]
    if failed:
        return "failed " + ", ".join(failed)
    lacking = [s for s in (*SYNTHETIC[:1], "S1", *SYNTHETIC[1:]) if verdicts.get(s) != "PASS"]
    if lacking:
        return "not validated; not shown: " + ", ".join(lacking)
    if all(verdicts.get(study) == "PASS" for study in WITH_PEOPLE):
        return "validated"
    return "not validated; verified on synthetic data"


@dataclass(frozen=True, slots=True)
class CardWord:
    """What a board needs of a card: whose it is, and its word."""

    name: str
    kind: str
    signature: Mapping[str, str]
    word: str
    verdicts: Mapping[str, str]


def read_card_words(paths: Sequence[Path]) -> tuple[CardWord, ...]:
    """The words of judge cards, made again from their numbers and gates. Raises ``ProblemsFound``."""
    problems: list[Problem] = []
    found = []
    for path in paths:
        try:
            content = parse(read_text(path))
        except ProblemsFound as error:
            problems += error.problems
            continue
        word = _word_of(content)
        if word is None:
            hint = "biobench study report writes them"
            said = "no judge card, or one whose verdicts do not follow from its numbers"
            problems.append(Problem(str(path), said, f"a card of {CARD_SCHEMA}", hint))
        else:
            found.append(word)
    if problems:
        raise ProblemsFound(problems)
    return tuple(found)


def _word_of(content: object) -> CardWord | None:
    if not isinstance(content, dict) or content.get("schema") != CARD_SCHEMA:
        return None
    name, kind, signature, studies = (content.get(key) for key in ("scorer", "kind", "signature", "studies"))
    if not (
        isinstance(name, str) and isinstance(kind, str) and isinstance(signature, dict) and isinstance(studies, list)
    ):
        return None
    verdicts: dict[str, Verdict] = {}
    for study in studies:
        if not isinstance(study, dict) or study.get("study") not in STUDIES or study["study"] in verdicts:
            return None
        verdict = _verdict_of(study.get("numbers"))
        if verdict is None or verdict != study.get("verdict"):
            return None
        verdicts[study["study"]] = verdict
    if not all(isinstance(value, str) for value in signature.values()):
        return None
    plan = content.get("plan")
    if (
        not isinstance(plan, dict)
        or not isinstance(plan.get("changed"), bool)
        or not isinstance(plan.get("laxer"), list)
    ):
        return None
    word = card_word(verdicts) + (_CHANGED if plan["changed"] else "") + (_LAXER if plan["laxer"] else "")
    return CardWord(name, kind, signature, word, verdicts)


def _verdict_of(numbers: object) -> Verdict | None:
    """A study's verdict, made again from its numbers and their gates; None for what is no list of numbers."""
    if not isinstance(numbers, list):
        return None
    made = []
    for number in numbers:
        if not isinstance(number, dict) or not isinstance(number.get("gate"), dict | None):
            return None
        value, low, high = (number.get(key) for key in ("value", "low", "high"))
        gate = number.get("gate") or {}
        if not all(map(_is_number_or_none, (value, low, high, *gate.values()))) or set(gate) - {"least", "most"}:
            return None
        if gate:
            made.append(Number("", "", value, low, high, gate=Gate(**gate)))
    return Finding("", tuple(made)).verdict


def _is_number_or_none(value: object) -> bool:
    return value is None or type(value) in {int, float}


def _card(card: Card) -> dict[str, Any]:
    return {
        "scorer": card.name,
        "kind": card.kind,
        "signature": dict(card.signature),
        "word": card.word,
        "asked": card.asked,
        "unscored": dict(card.unscored),
        "studies": [_finding(finding) for finding in card.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    name, question = STUDIES[finding.study]
    return {
        "study": finding.study,
        "name": name,
        "question": question,
        "verdict": finding.verdict,
        "why": finding.why,
        "numbers": [_number(number) for number in finding.numbers],
        "tables": [_table(table) for table in finding.tables],
    }


def _number(number: Number) -> dict[str, Any]:
    return {
        "name": number.name,
        "label": number.label,
        "value": number.value,
        "low": number.low,
        "high": number.high,
        "n": number.n,
        "clusters": number.clusters,
        "gate": _gate(number.gate),
        "verdict": number.verdict,
        "reason": number.reason,
    }


def _gate(gate: Gate | None) -> dict[str, float] | None:
    if gate is None:
        return None
    return {name: value for name, value in (("least", gate.least), ("most", gate.most)) if value is not None}


def _table(table: Table) -> dict[str, Any]:
    return {"title": table.title, "columns": list(table.columns), "rows": [list(row) for row in table.rows]}
