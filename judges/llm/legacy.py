"""The judge ``llm-acc`` as published: the user's own copy of its prompt, its sampling, its parsing, and what that drops."""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from biobench.chat.probe import Capabilities
from biobench.chat.records import Message, Reply, Request, Sampling
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_text import read_text
from judges.llm.items import Question
from judges.llm.profile import Profile
from judges.llm.replies import Fault
from judges.llm.verdicts import Answer, Verdict, main_fault

__all__ = ["LegacyProfile", "LegacyPrompt", "LegacyReading", "read_legacy_prompt", "read_score"]

_NAMES = ("PROMPT", "USER_CONTENT")
_REFERENCE, _PREDICTION = "<1>", "<2>"
_OBJECT = re.compile(r"\{.*?\}")
_WHERE = "its file of evaluation prompts lies in a checkout of the FitCoach repository, or of the VAR-2026 evaluator"
_SAMPLING = Sampling(temperature=0.6, top_p=0.9, max_tokens=64)


@dataclass(frozen=True, slots=True)
class LegacyPrompt:
    """The two texts of the published prompt; no ``repr`` shows them."""

    system: str
    user: str

    def __repr__(self) -> str:
        return f"LegacyPrompt({self.sha256[:12]})"

    @property
    def sha256(self) -> str:
        """Over both texts."""
        return sha256(json.dumps([self.system, self.user]).encode()).hexdigest()

    def filled(self, reference: str, prediction: str) -> str:
        """The user's turn.

        One placeholder after the other, as the published code does, on purpose: a "<2>" inside a reference is filled in as
        well, and the prediction goes in raw. Cleaning here would give other numbers than the published ones.
        """
        return self.user.replace(_REFERENCE, reference).replace(_PREDICTION, prediction)


@dataclass(frozen=True, slots=True)
class LegacyReading:
    """A score that the published parsing takes; ``odd`` where it is no whole number from 1 to 5."""

    score: float
    odd: bool


def read_legacy_prompt(path: Path) -> LegacyPrompt:
    """The string constants ``PROMPT`` and ``USER_CONTENT`` of a Python file, which is read and never run.

    They may be assigned in the module, in a class or in a function. Raises ``ProblemsFound``.
    """
    if not path.exists():
        raise ProblemsFound([Problem(str(path), "no such file", "the published prompt", _WHERE)])
    source = read_text(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        raise ProblemsFound(
            [Problem(source.file, "no Python that can be read", "a Python file", _WHERE, line)]
        ) from None
    found: dict[str, list[str]] = {name: [] for name in _NAMES}
    for name, value in _assignments(tree):
        if name in found and value not in found[name]:
            found[name].append(value)
    problems = [
        Problem(
            source.file,
            f"no string constant {name}" if not values else f"{len(values)} different constants {name}",
            f"one assignment of a string to {name}",
            _WHERE,
        )
        for name, values in found.items()
        if len(values) != 1
    ]
    if not problems:
        user = found["USER_CONTENT"][0]
        problems = [
            Problem(source.file, f"no {mark} in USER_CONTENT", f"the place of the {what}")
            for mark, what in ((_REFERENCE, "reference"), (_PREDICTION, "prediction"))
            if mark not in user
        ]
    if problems:
        raise ProblemsFound(problems)
    return LegacyPrompt(found["PROMPT"][0], found["USER_CONTENT"][0])


def read_score(text: str) -> LegacyReading | Fault:
    """What the published parsing makes of a reply.

    Exactly one ``{...}`` on one line, read as JSON or as Python's literals; any number is a score, so 7, 0, True and 1e999
    (infinity) pass. A mapping without the key ``score`` stopped the published run; here it is a cause of its own.

    >>> read_score("Sure! {'score': 4}"), read_score("4 of 5").said
    (LegacyReading(score=4.0, odd=False), '0 objects in braces on one line')
    """
    found = _OBJECT.findall(text)
    if len(found) != 1:
        return Fault("schema", f"{len(found)} objects in braces on one line")
    value = _mapping(found[0])
    if value is None:
        return Fault("schema", "braces that hold no mapping")
    if "score" not in value:
        return Fault("no-score-key", 'no key "score"; the published run stops here')
    score = value["score"]
    if not isinstance(score, int | float) or (isinstance(score, float) and math.isnan(score)):
        return Fault("schema", "a score that is no number")
    try:
        number = float(score)
    except OverflowError:  # a whole number of 309 digits or more
        number = math.inf if score > 0 else -math.inf
    return LegacyReading(number, isinstance(score, bool) or not (1 <= number <= 5 and number.is_integer()))


class LegacyProfile(Profile):
    """``llm-acc`` with the user's copy of the prompt. One unseeded sample; a reply that does not parse is dropped."""

    name: ClassVar[str] = "llm-acc"
    sends_schema: ClassVar[bool] = False

    def __init__(self, prompt: LegacyPrompt) -> None:
        self.prompt = prompt

    def signature(self) -> Mapping[str, str]:
        return {"judge": self.name, "prompt": self.prompt.sha256[:12], "temperature": "0.6", "top_p": "0.9"}

    def request(
        self,
        question: Question,
        sample: int,
        samples: int,  # noqa: ARG002 - the published sampling, whatever is asked
        capabilities: Capabilities | None,  # noqa: ARG002
    ) -> Request:
        content = self.prompt.filled(question.reference, question.prediction)
        messages = (Message("system", self.prompt.system), Message("user", content))
        return Request(messages, _SAMPLING, repeat=sample, prompt_version=f"llm-acc {self.prompt.sha256}")

    def read(self, reply: Reply) -> LegacyReading | Fault:
        if reply.refusal is not None:
            return Fault("refusal", "a refusal")
        return read_score(reply.text)

    def verdict(self, question: Question, answers: Sequence[Answer]) -> Verdict:  # noqa: ARG002 - the answers tell all
        """The mean of the samples that parse."""
        readings = [answer.reading for answer in answers if isinstance(answer.reading, LegacyReading)]
        if not readings:
            return Verdict(None, main_fault(answers), answers=tuple(answers))
        score = sum(reading.score for reading in readings) / len(readings)
        notes = ("out of range",) if any(reading.odd for reading in readings) else ()
        return Verdict(score, notes=notes, answers=tuple(answers))


def _assignments(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that are given a constant string, wherever; strings joined by +, and methods such as strip, are not run."""
    for node in ast.walk(tree):
        targets: Sequence[ast.expr] = ()
        value: ast.expr | None = None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign):
            targets, value = (node.target,), node.value
        text = _string(value)
        if text is not None:
            for target in targets:
                name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
                yield name, text


def _string(value: ast.expr | None) -> str | None:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        left, right = _string(value.left), _string(value.right)
        return None if left is None or right is None else left + right
    return None


def _mapping(text: str) -> Mapping[str, object] | None:
    """JSON as Python reads it (NaN and 1e999 included), else Python's own literals; no code is run."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        value = _literal(text)
    return value if isinstance(value, dict) else None


def _literal(text: str) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # it would quote the text
        try:
            value: object = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            return None
    return value
