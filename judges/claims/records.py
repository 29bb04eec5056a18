"""What a remark claims: the records that extraction gives and comparison takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from biobench.exercises import Harm

__all__ = [
    "OPPOSITE",
    "Claim",
    "ClaimSide",
    "Comparison",
    "Family",
    "Harm",
    "Kind",
    "Polarity",
    "Quantity",
    "Role",
    "Rom",
    "Span",
    "Understood",
]

Family = Literal["technique", "count", "tempo"]
ClaimSide = Literal["left", "right", "both"]
Kind = Literal["correction", "praise", "count", "instruction", "other"]
Polarity = Literal["fault", "fine", "asked"]
Role = Literal["measured", "target", "limit", "delta"]
Rom = Literal["short", "full", "beyond"]
Comparison = Literal["eq", "ge", "le"]
OPPOSITE = {
    one: other
    for pair in (("flex", "extend"), ("out", "in"), ("up", "down"), ("forward", "back"), ("still", "turn"))
    for one, other in (pair, pair[::-1])
}
"""The opposite of each direction."""


class Span(NamedTuple):
    """Where in the text: from ``start`` up to, and without, ``end``, in characters."""

    start: int
    end: int


NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit (``deg`` or ``reps``); ``low`` equals ``high`` unless the text gives a range.

    ``role``: what is measured, shall be reached (target), must not be passed (limit), or how much is lacking or left (delta).
    """

    low: float
    high: float
    unit: Literal["deg", "reps"]
    role: Role
    comparison: Comparison = "eq"


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a remark says; a slot that it does not state is None.

    ``direction`` is the way it shall go once faults and negations are folded: "don't let the knees cave in" and "push the
    knees out" both have ``out``. ``dof`` is SKEL's degree of freedom without its side, where one shows the claim.
    ``polarity``: wrong now (fault), right now (fine), or only asked for.
    """

    family: Family
    joint: str | None = None
    side: ClaimSide | None = None
    direction: str | None = None
    dof: str | None = None
    quantity: Quantity | None = None
    rom: Rom | None = None
    phase: str | None = None
    reps: int | None = None
    polarity: Polarity | None = None
    harm: Harm = "technique"
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Understood:
    """What a remark says, all in all: its kind, its claims in the order of the text, and every number in it as written.

    ``numbers``: value and unit (``deg``, ``reps``, another unit's name, or None). ``unknown_exercise``: the exercise was named
    and is none of the 23; its implicit joints are then unknown.
    """

    kind: Kind
    claims: tuple[Claim, ...]
    numbers: tuple[tuple[float, str | None], ...] = ()
    unknown_exercise: bool = False
