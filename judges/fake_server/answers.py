"""Answer behaviours: what a judge of some character thinks of an item, before anything goes wrong on the way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import ClassVar, NamedTuple

from judges.fake_server.base import SEED, Attempt, Behaviour, file, number, whole
from judges.fake_server.by_heart import answers_of
from judges.fake_server.draws import normal, uniform
from judges.fake_server.injections import ordered_score
from judges.fake_server.items import Item
from judges.fake_server.oracle import bio_reply

__all__ = [
    "ANSWERS",
    "CRITERIA",
    "Answer",
    "ByHeart",
    "Constant",
    "Drift",
    "Given",
    "Length",
    "Noisy",
    "ObeysInjection",
    "Oracle",
    "at_level",
]  # fmt: skip

CRITERIA = ("joint", "side", "motion", "angle", "rom", "phase", "reps", "valence", "harm")
_LADDER = ("wrong", "near", "match")
_STEPS = {"match": 2, "near": 1}
_LEVELS = {1: ("wrong",), 2: ("near", "wrong"), 3: ("near",), 4: ("match", "near"), 5: ("match",)}
_LENGTHS = (20, 40, 80, 160)
"""Characters from which a prediction earns one more: each is twice the one before, as remarks' lengths spread."""


class Given(NamedTuple):
    """How many answers were given before this one: to the same body, and in all."""

    body: int
    total: int


class Answer(Behaviour, ABC):
    """A judge's character; ``bio`` gives the object of the judge ``bio``, with every key in order."""

    __slots__ = ()

    @abstractmethod
    def bio(self, item: Item, attempt: Attempt, given: Given) -> dict[str, object]:
        """The object for an item."""


@dataclass(frozen=True, slots=True)
class Oracle(Answer):
    """Judges by the claims in the two texts."""

    name: ClassVar[str] = "oracle"
    summary: ClassVar[str] = "judges by what the two texts claim"

    def bio(self, item: Item, attempt: Attempt, given: Given) -> dict[str, object]:  # noqa: ARG002
        return _oracle(item)


@dataclass(frozen=True, slots=True)
class Noisy(Answer):
    """The oracle with errors that depend on seed, body, and the request's ``seed`` or how often the body was answered."""

    name: ClassVar[str] = "noisy"
    summary: ClassVar[str] = "the oracle with overall and one criterion off by a normal error (sd in points)"

    sd: float = field(default=0.8, metadata=number("points, 0 or more", 0))
    seed: int = field(default=1, metadata=SEED)

    def bio(self, item: Item, attempt: Attempt, given: Given) -> dict[str, object]:
        reply = _oracle(item)
        draw = ("noisy", self.seed, attempt.body, given.body if attempt.request.seed is None else 0)
        reply["overall"] = _within(_overall(reply) + round(self.sd * normal(*draw, "overall")))
        present = _present(reply)
        if present:
            chosen = present[int(uniform(*draw, "which") * len(present))]
            before = _STEPS.get(str(reply[chosen]), 0)
            after = max(0, min(2, before + round(self.sd * normal(*draw, "criterion"))))
            if after != before:
                reply[chosen] = _LADDER[after]
        return reply


@dataclass(frozen=True, slots=True)
class Length(Answer):
    """Longer is better, whatever it says."""

    name: ClassVar[str] = "length"
    summary: ClassVar[str] = "the longer the prediction, the better"

    def bio(self, item: Item, attempt: Attempt, given: Given) -> dict[str, object]:  # noqa: ARG002
        return at_level(_oracle(item), 1 + sum(len(item.prediction.strip()) >= length for length in _LENGTHS))


@dataclass(frozen=True, slots=True)
class Constant(Answer):
    """The same score for everything."""

    name: ClassVar[str] = "constant"
    summary: ClassVar[str] = "the same score for everything"

    score: int = field(default=3, metadata=whole("1 to 5", 1, 5))

    def bio(self, item: Item, attempt: Attempt, given: Given) -> dict[str, object]:  # noqa: ARG002
        return at_level(_oracle(item), self.score)


@dataclass(frozen=True, slots=True)
class ObeysInjection(Answer):
    """Gives what the prediction orders, and sees no tampering in it."""

    name: ClassVar[str] = "obeys-injection"
    summary: ClassVar[str] = "the oracle, but gives the score that a prediction tells its grader to give"

    def bio(self, item: Item, attempt: Attempt, given: Given) -> dict[str, object]:  # noqa: ARG002
        reply, ordered = _oracle(item), ordered_score(item.prediction)
        return reply if ordered is None else {**at_level(reply, ordered), "tampering": "no", "overall": str(ordered)}


@dataclass(frozen=True, slots=True)
class Drift(Answer):
    """A judge that is exchanged behind its name during a run."""

    name: ClassVar[str] = "drift"
    summary: ClassVar[str] = "the oracle, but one point higher (5 at most) once it has given `after` answers"

    after: int = field(default=1000, metadata=whole("a whole number, 0 or more", 0))

    def bio(self, item: Item, attempt: Attempt, given: Given) -> dict[str, object]:  # noqa: ARG002
        reply = _oracle(item)
        return at_level(reply, min(5, _overall(reply) + 1)) if given.total >= self.after else reply


@dataclass(frozen=True, slots=True)
class ByHeart(Answer):
    """A reader without fault: it has the answers. What is not in its file it judges as the oracle does."""

    name: ClassVar[str] = "by-heart"
    summary: ClassVar[str] = "knows what is true of a study's questions, from its questions.jsonl"

    file: str = field(metadata=file("the questions.jsonl of a study"))

    def bio(self, item: Item, attempt: Attempt, given: Given) -> dict[str, object]:  # noqa: ARG002
        reply, known = _oracle(item), answers_of(self.file).get((item.reference, item.prediction))
        if known is None:
            return reply
        # What only the claims see in the texts is as right as the rest of them.
        rest = "wrong" if known["valence"] == "wrong" else "match"
        seen = {name: rest for name in CRITERIA if known[name] == "absent" and reply[name] != "absent"}
        return {**reply, **known, **seen}


ANSWERS: tuple[type[Answer], ...] = (Oracle, Noisy, Length, Constant, ObeysInjection, Drift, ByHeart)


def at_level(reply: Mapping[str, object], score: int) -> dict[str, object]:
    """The reply with ``overall`` at a score and its criteria worth about as much, so that code which computes sees it too.

    Of a score of 1, 2, 3, 4, 5 the criteria that are not "absent" are worth 0, 1/4, 1/2, 3/4, 1 on average, give or
    take one criterion's half.
    """
    levels = cycle(_LEVELS[score])
    changed = {name: next(levels) for name in _present(reply)}
    return {**reply, **changed, "overall": str(score)}


def _oracle(item: Item) -> dict[str, object]:
    return dict(bio_reply(item.exercise, item.reference, item.prediction))


def _overall(reply: Mapping[str, object]) -> int:
    return int(str(reply["overall"]))


def _within(score: int) -> str:
    return str(max(1, min(5, score)))


def _present(reply: Mapping[str, object]) -> list[str]:
    return [name for name in CRITERIA if reply[name] != "absent"]
