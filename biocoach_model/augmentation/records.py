"""What happens to a remark: the facts at its time, the words that were proposed, and why it was changed or kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from biobench.body.skel import Side
from judges.claims.facts import Verdict

__all__ = ["FAILURES", "REASONS", "Code", "Fact", "Kept", "Number", "Remark"]

Code = Literal[
    "no-exercise", "unknown-exercise", "bad-poses", "not-seen", "no-claim", "put-right", "no-fit", "other-count", "nothing-sure",
    "repeated", "request-failed", "no-sentence", "meaning", "refuted", "unsupported", "same-words", "rejected",
]  # fmt: skip
REASONS: Mapping[str, str] = {
    "no-exercise": "it is said in no exercise that can be told apart",
    "unknown-exercise": "the catalogue does not know the exercise",
    "bad-poses": "the video's poses can't be used",
    "not-seen": "nobody was seen, or no repetition was finished yet",
    "no-claim": "it says nothing that can be measured",
    "put-right": "it says that something was put right",
    "no-fit": "nothing measured fits it",
    "other-count": "another number of repetitions was measured",
    "nothing-sure": "what was measured is not sure enough to be told",
    "repeated": "the same words stand twice in a row",
    "request-failed": "the model could not be asked",
    "no-sentence": "the model's reply is no sentence that could stand here",
    "meaning": "checked: its meaning would change",
    "refuted": "checked: BioFact refutes the new words",
    "unsupported": "checked: a number that nobody measured",
    "same-words": "its words would be those of its neighbour",
    "rejected": "a person rejected the new words",
}
"""Why a remark was kept as it was."""
FAILURES: frozenset[Code] = frozenset({"bad-poses", "request-failed"})
"""Reasons that are no property of the remark: something could not be done."""


class Kept(NamedTuple):
    """Why a remark stays as it was, and what exactly stood against a change."""

    code: Code
    detail: str = ""


class Number(NamedTuple):
    """A number that was added to a remark, and who vouches for it.

    ``biofact``: its own verdict on the claim that states it. ``fact``: it is part of a fact whose angle BioFact supports, or
    of a tempo that the last repetitions have.
    """

    value: float
    unit: str
    witness: Literal["biofact", "fact"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something measured that a remark speaks of.

    ``name`` is a fault of the catalogue, or ``tempo``. ``measure`` says what ``measured``, ``wanted`` and ``off`` are: an
    angle in degrees (whole), or ``seconds`` of a repetition; they are None where nothing was measured that can be told.
    ``claims`` are the joints and directions that a remark about it may name. ``verdict`` is the check of ``measured``, and
    ``told`` the fact in words.
    """

    name: str
    side: Side | None
    measure: str
    measured: float | None
    wanted: float | None
    off: float | None
    claims: frozenset[tuple[str, str]]
    verdict: Verdict
    told: str

    @property
    def numbers(self) -> Mapping[str, float]:
        """What may be said of it as a number, by what it is; nothing where the check does not support it."""
        told = {"measured": self.measured, "wanted": self.wanted, "off": self.off}
        sure = self.verdict.outcome == "supported"
        return {name: value for name, value in told.items() if value is not None and sure}


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark of the annotations before and after; transitions are none.

    ``record`` is its video's place in the file, ``event`` its place among the video's remarks and transitions. ``time_s`` is on
    the annotation clock, ``at_s`` from the segment's start (None in no exercise). ``proposed`` are the words that were
    thought of, ``kept`` says why they were not taken; ``after`` is what the new file says. ``picture`` is an SVG of the motion.
    """

    video: str
    record: int
    event: int
    segment: str | None
    exercise: str | None
    time_s: float
    at_s: float | None
    before: str
    proposed: str | None = None
    kept: Kept | None = None
    context: str = ""
    fact: Fact | None = None
    numbers: tuple[Number, ...] = ()
    accepted: bool = False
    picture: str = ""

    @property
    def after(self) -> str:
        """The words of the new file."""
        return self.before if self.kept is not None or self.proposed is None else self.proposed

    @property
    def changed(self) -> bool:
        """Whether the new file says something else."""
        return self.after != self.before
