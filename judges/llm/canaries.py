"""Items whose right score is known beforehand, asked in every run: a judge that gets one wrong has no number."""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from judges.claims import compare
from judges.llm.bio import said
from judges.llm.cleaning import clean
from judges.llm.items import Item, Question
from judges.llm.quantities import slots
from judges.llm.verdicts import Verdict

__all__ = ["Canary", "Check", "canaries", "canaries_version", "check"]

_KINDS = ("empty", "thought", "copy", "other-video", "grafted", "injection")
_SHOWN = 3
_SAME_ENOUGH = 0.3
"""From this F1 of claims on, a text is not surely wrong."""


class Canary(NamedTuple):
    """One of them; ``kind`` names its limit."""

    kind: str
    question: Question


@dataclass(frozen=True, slots=True)
class Check:
    """How the canaries of a kind fared. ``least`` and ``most`` bound their scores; ``broken`` are (text, score), worst first."""

    kind: str
    asked: int
    scored: int
    least: float
    most: float
    worst: float | None
    broken: tuple[tuple[Question, float], ...]

    @property
    def holds(self) -> bool:
        """Whether most were scored, and none is out of bounds."""
        return not self.broken and 2 * self.scored > self.asked

    def __str__(self) -> str:
        """One line for the user."""
        bound = f"at most {self.most:g}" if self.most < math.inf else f"at least {self.least:g}"
        worst = "none scored" if self.worst is None else f"the worst {self.worst:.2f}"
        return f"canaries {self.kind}: {self.scored} of {self.asked} scored, {worst}, {bound} allowed"


class _Remark(NamedTuple):
    exercise: str
    region: str
    text: str
    wrong: str


@dataclass(frozen=True)
class _File:
    version: str
    least_of_a_kind: int
    bounds: Mapping[str, tuple[float, float]]
    thought: str
    grafted: int
    remarks: tuple[_Remark, ...]
    injections: tuple[str, ...]


def canaries(items: Sequence[Item]) -> tuple[Canary, ...]:
    """At least 29 of each kind for a run over these items, which must not be empty.

    ``empty``, ``thought`` and ``copy`` stand beside remarks of ours, ``injection`` follows wrong ones: they are the same in
    every run, and cost nothing once they are in the cache. ``grafted`` adds the system's most frequent remarks to wrong
    ones; ``other-video`` takes references of the data whose claims differ, and remarks of ours where there are too few.
    """
    file = _load()
    found = []
    for place, remark in enumerate(file.remarks):
        exercise, text = remark.exercise, remark.text
        injected = f"{remark.wrong} {file.injections[place % len(file.injections)]}"
        found += [
            Canary("empty", Question(exercise, text, "")),
            Canary("thought", Question(exercise, text, file.thought)),
            Canary("copy", Question(exercise, text, text)),
            Canary("injection", Question(exercise, text, injected)),
        ]
    found += [Canary("other-video", question) for question in _foreign(items, file)]
    found += [Canary("grafted", question) for question in _grafted(items, file)]
    return tuple(sorted(found, key=lambda canary: _KINDS.index(canary.kind)))


def check(asked: Sequence[Canary], verdict: Callable[[Question], Verdict]) -> tuple[Check, ...]:
    """How each kind fared. What the judge left unscored breaks nothing; that most are left unscored does."""
    file = _load()
    checks = []
    for kind in _KINDS:
        questions = [canary.question for canary in asked if canary.kind == kind]
        scores = [(question, found.score) for question in questions if (found := verdict(question)).score is not None]
        tampering = sum(verdict(question).cause == "tampering" for question in questions)
        least, most = file.bounds[kind]
        broken = [(question, score) for question, score in scores if not least <= score <= most]
        worst = [score for _, score in scores]
        checks.append(
            Check(
                kind,
                len(questions),
                # Caught tampering is an answer; it is only no score.
                len(scores) + (tampering if least == -math.inf else 0),
                least,
                most,
                (max(worst) if least == -math.inf else min(worst)) if worst else None,
                tuple(
                    sorted(broken, key=lambda pair: (-pair[1] if least == -math.inf else pair[1], pair[0][:3]))[:_SHOWN]
                ),
            )
        )
    return tuple(checks)


def canaries_version() -> str:
    """The version of the texts and limits."""
    return _load().version


def _foreign(items: Sequence[Item], file: _File) -> list[Question]:
    """References as predictions beside those of other videos with other claims."""
    texts = {(item.video, item.exercise, item.reference): None for item in items if item.video}
    told = [entry for entry in sorted(texts, key=_digest) if slots(said(entry[2], entry[1]))]
    found: list[Question] = []
    used: set[str] = set()
    for place, (video, exercise, reference) in enumerate(told):
        if len(found) > file.least_of_a_kind:
            break
        if reference in used:
            continue
        used.add(reference)
        others = (other[2] for other in (*told[place + 1 :], *told[:place]) if other[0] != video)
        question = next((q for q in (Question(exercise, reference, other) for other in others) if _differ(q)), None)
        if question is not None:
            found.append(question)
    ours = _of_other_regions(file.remarks)
    while len(found) <= file.least_of_a_kind:
        found.append(next(ours))
    return found


def _of_other_regions(remarks: Sequence[_Remark]) -> Iterator[Question]:
    for place, remark in enumerate(remarks):
        turned = (*remarks[place + 1 :], *remarks[:place])
        others = (one.text for one in turned if one.region != remark.region and one.exercise != remark.exercise)
        yield next(q for q in (Question(remark.exercise, remark.text, other) for other in others) if _differ(q))


def _grafted(items: Sequence[Item], file: _File) -> list[Question]:
    """Wrong remarks, each followed by one of the system's most frequent; what those make right is left out."""
    counted = Counter(clean(item.prediction).text for item in items)
    phrases = [text for text, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])) if text][
        : file.grafted
    ]
    found: list[Question] = []
    for turn in range(len(phrases)):
        for place, remark in enumerate(file.remarks):
            phrase = phrases[(place + turn) % len(phrases)]
            question = Question(remark.exercise, remark.text, f"{remark.wrong} {phrase}")
            if len(found) <= file.least_of_a_kind and _differ(question):
                found.append(question)
    return found


def _differ(question: Question) -> bool:
    reference, prediction = clean(question.reference).text, clean(question.prediction).text
    if reference.casefold() == prediction.casefold():
        return False
    f1 = compare(reference, prediction, question.exercise or None).f1
    return f1 is not None and f1 < _SAME_ENOUGH


def _digest(entry: tuple[str, str, str]) -> str:
    return hashlib.sha256("\0".join(entry).encode(errors="surrogatepass")).hexdigest()


@cache
def _load() -> _File:
    text = files("judges.llm").joinpath("prompts/canaries-1.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    bounds = {kind: (-math.inf, most) for kind, most in content["limits"].items()}
    bounds |= {kind: (least, math.inf) for kind, least in content["floors"].items()}
    file = _File(
        version=content["version"],
        least_of_a_kind=content["least_of_a_kind"],
        bounds=bounds,
        thought=content["phrases"]["thought"],
        grafted=content["phrases"]["grafted"],
        remarks=tuple(_Remark(**remark) for remark in content["remark"]),
        injections=tuple(content["injections"]["texts"]),
    )
    if set(bounds) != set(_KINDS) or min(len(file.remarks), len(file.injections)) < file.least_of_a_kind:
        raise AssertionError("canaries-1.toml has too few of a kind")
    return file
