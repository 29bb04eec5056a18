"""What came back for one question: each sample as it was read, and what they come to."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from biobench.chat.records import Usage
from judges.llm.replies import ContentCause, Fault, ScoreMass

__all__ = ["FLOOR", "TOP", "Answer", "Verdict", "main_fault", "median_verdict"]

FLOOR, TOP = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One sample, the last of its turns. ``reading`` is what a judge of its kind reads, or there is a ``fault``.

    ``key`` is where the cache holds the reply; ``turns`` is 2 where a reply went back once; ``second``: from the second
    judge. ``text`` is the raw reply.
    """

    sample: int
    key: str
    model: str
    text: str = field(repr=False)
    refusal: str | None = field(default=None, repr=False)
    finish_reason: str = ""
    fingerprint: str = ""
    usage: Usage | None = None
    reading: object = field(default=None, repr=False)
    fault: Fault | None = None
    mass: ScoreMass | None = None
    turns: int = 1
    second: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score of a question, from 1 to 5; None where its ``cause`` left it unscored.

    ``overall`` is the judge's own word, kept beside it; ``criteria`` are the first reading's after the code's corrections,
    ``corrected`` those that the code changed. ``notes`` say what is odd about a score that counts all the same.
    """

    score: float | None
    cause: ContentCause | None = None
    overall: float | None = None
    valid_mass: float | None = None
    criteria: Mapping[str, str] = field(default_factory=dict, hash=False)
    corrected: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if (self.score is None) == (self.cause is None):
            raise ValueError("a verdict has either a score or a cause why there is none")

    @property
    def ranking(self) -> float:
        """The score, or the floor where there is none: what is left out by the judge must not pay."""
        return FLOOR if self.score is None else self.score

    @property
    def at_best(self) -> float:
        """The score, or the top where there is none."""
        return TOP if self.score is None else self.score


def main_fault(answers: Sequence[Answer]) -> ContentCause:
    """The commonest cause among samples without a reading; the first of equals."""
    return Counter(answer.fault.cause for answer in answers if answer.fault is not None).most_common(1)[0][0]


def median_verdict(members: Sequence[Verdict]) -> Verdict:
    """A panel's verdict: the median over its members, with the floor for those that gave none.

    Unscored where most members gave no score.
    """
    answers = tuple(answer for member in members for answer in member.answers)
    causes = [member.cause for member in members if member.cause is not None]
    overall = [member.overall for member in members if member.overall is not None]
    middle = statistics.median(overall) if overall else None
    if 2 * len(causes) > len(members):
        return Verdict(None, Counter(causes).most_common(1)[0][0], middle, answers=answers)
    notes = tuple(dict.fromkeys(note for member in members for note in member.notes))
    score = statistics.median(member.ranking for member in members)
    return Verdict(score, None, middle, notes=notes, answers=answers)
