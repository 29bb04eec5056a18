"""Angles go to the joints that they are said of, measured or wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from judges.claims.clauses import Clause
from judges.claims.drafts import Draft
from judges.claims.grammar import grammar
from judges.claims.lexicon import Lexicon, Tag
from judges.claims.numbers import Number, role_of
from judges.claims.reading import Reading
from judges.claims.records import OPPOSITE, Claim, ClaimSide, Polarity, Quantity, Role, Span
from judges.claims.sides import Sides
from judges.claims.tokens import Word

__all__ = ["with_angles"]

_ANGLES = {
    "knee": "flex", "hip": "flex", "elbow": "flex", "spine": "flex", "ankle": "flex",
    "shoulder": "up", "trunk": "forward", "pelvis": "forward",
}  # fmt: skip
"""What a larger angle of a joint is, where no motion is named."""
_LACKING = frozenset(("lacks", "lacking", "missing", "short", "off"))
_LEAST_WITHOUT_UNIT, _MOST_WITHOUT_UNIT = 15, 200
"""A number without a unit between these may be an angle; a smaller one is rather a count."""


def with_angles(
    drafts: list[Draft],
    reading: Reading,
    words: Sequence[Word],
    numbers: Sequence[Number],
    sides: Sides,
    known: Lexicon,
) -> list[Draft]:
    """The drafts with the angles of a remark, each at its joint; a joint with two angles has two drafts."""
    placer = _Placer(drafts, reading, words, sides, known)
    angles = [number for number in numbers if number.unit == "deg" or placer.is_angle(number, numbers)]
    for number in angles:
        placer.place(number, several=len(angles) > 1)
    return _paired(placer.drafts)


class _Placer:
    """Finds the joint of each angle of a remark."""

    def __init__(
        self, drafts: list[Draft], reading: Reading, words: Sequence[Word], sides: Sides, known: Lexicon
    ) -> None:
        self.drafts = drafts
        self.reading = reading
        self.words = words
        self.sides = sides
        self.known = known
        self.placed = False

    def place(self, number: Number, *, several: bool) -> None:
        """Gives an angle to the draft that it belongs to, or makes one of its own."""
        k = self._clause_of(number)
        if k is None:
            return
        joint, side, base = self._joint(number, k)
        if joint is None:
            return
        clause = self.reading.clauses[k]
        asked = clause.mood == "asked" or (clause.mood == "cue" and self.placed)
        role = role_of(self.words, number, clause.start, clause.end, asked=asked)
        self.placed = True
        claim = Claim("technique", joint, side) if base is None else base.claim
        rom = "short" if role == "delta" and asked and base is not None and claim.rom is None else claim.rom
        angle = replace(
            claim,
            side=claim.side or side,
            direction=_wanted(base, role, number),
            quantity=Quantity(number.low, number.high, "deg", role, number.comparison),
            rom=rom,
            polarity=self._polarity(clause, role, base, several=several),
        )
        if base is not None and base.claim.quantity is None:
            span = Span(min(claim.span.start, number.start), max(claim.span.end, number.end))
            self.drafts[self.drafts.index(base)] = replace(base, claim=replace(angle, span=span))
            return
        own = replace(angle, span=Span(number.start, number.end))
        draft = Draft(own, k, clause.sentence, number.start, number.end, bottom=self._at_bottom(clause))
        if base is not None:
            draft = replace(draft, said=base.said, form=base.form)
        self.drafts.append(draft)

    def is_angle(self, number: Number, numbers: Sequence[Number]) -> bool:
        """A number without a unit is an angle where others are, or where a joint goes to it."""
        if number.unit is not None:
            return False
        if any(other.unit == "deg" for other in numbers):
            return True
        around = {word.text for word in self.words[max(0, number.start - 3) : number.end + 3]}
        if {"short", "of"} <= around:
            return any(clause.parts or clause.events for clause in self.reading.clauses)
        k = self._clause_of(number)
        if k is None or not _LEAST_WITHOUT_UNIT <= number.low <= _MOST_WITHOUT_UNIT:
            return False
        here = self.reading.clauses[k].parts or any(draft.clause == k for draft in self.drafts)
        if not here and not (len(numbers) > 1 and self.drafts):
            return False
        before = self.words[number.start - 1].text if number.start else ""
        after = self.words[number.end].text if number.end < len(self.words) else ""
        if after in {"of", "percent", "%"}:
            return False
        return before in grammar("before-an-angle") or after in {"now", ","} or (not before and not after)

    def _clause_of(self, number: Number) -> int | None:
        clauses = self.reading.clauses
        return next((k for k, clause in enumerate(clauses) if clause.start <= number.start < clause.end), None)

    def _joint(self, number: Number, k: int) -> tuple[str | None, ClaimSide | None, Draft | None]:
        """The joint and side that an angle is of, and the draft that it may join: of its clause, of one before, of one after."""
        clause = self.reading.clauses[k]
        here = [draft for draft in self.drafts if draft.clause == k and draft.claim.joint not in {None, "body"}]
        free = [draft for draft in here if draft.claim.quantity is None] or here
        if clause.parts:
            before = [part for part in clause.parts if part.start < number.start]
            part = before[-1] if before else clause.parts[0]
            of_part = self._drafts_of(part, free)
            if of_part:
                draft = min(of_part, key=lambda d: abs(d.place - number.start))
                return draft.claim.joint, draft.claim.side or self._side(part, clause), draft
            if all(draft.claim.quantity is not None for draft in here):
                return self.known.joints[part.meaning.value], self._side(part, clause), None
        if free and all(draft.depth for draft in free):
            return self._of_depth(free, k)
        if free:
            draft = min(free, key=lambda d: abs(d.place - number.start))
            return draft.claim.joint, draft.claim.side, draft
        for j in range(k - 1, -1, -1):
            earlier = [draft for draft in self.drafts if draft.clause == j and draft.claim.joint is not None]
            if earlier:
                draft = earlier[-1]
                side = self.sides.first_in(clause) or draft.claim.side
                return draft.claim.joint, side, draft if draft.claim.quantity is None else None
            if self.reading.clauses[j].parts:
                part = self.reading.clauses[j].parts[-1]
                return self.known.joints[part.meaning.value], self._side(part, self.reading.clauses[j]), None
        later = next((draft for draft in self.drafts if draft.clause > k), None)
        return (None, None, None) if later is None else (later.claim.joint, later.claim.side, None)

    def _of_depth(self, drafts: Sequence[Draft], k: int) -> tuple[str | None, ClaimSide | None, Draft | None]:
        """Of the joints that make depth the one named before, else the knee, alone: "right knee 85°, sink to 90°"."""
        named = [draft.claim for draft in reversed(self.drafts) if draft.clause <= k and not draft.depth]
        spoken = next((claim for claim in named if any(d.claim.joint == claim.joint for d in drafts)), None)
        joint = "knee" if spoken is None else spoken.joint
        chosen = next((draft for draft in drafts if draft.claim.joint == joint), drafts[0])
        self.drafts = [draft for draft in self.drafts if draft is chosen or draft not in drafts]
        return chosen.claim.joint, None if spoken is None else spoken.side, chosen

    def _drafts_of(self, part: Tag, drafts: Sequence[Draft]) -> list[Draft]:
        around = [draft for draft in drafts if draft.claim.span.start <= part.start < draft.claim.span.end]
        return around or [draft for draft in drafts if draft.claim.joint == self.known.joints[part.meaning.value]]

    def _side(self, part: Tag, clause: Clause) -> ClaimSide | None:
        return self.sides.of(part.start, clause)

    def _polarity(self, clause: Clause, role: Role, base: Draft | None, *, several: bool) -> Polarity | None:
        polarity = None if base is None else base.claim.polarity
        if role == "measured":
            if polarity == "fine" or clause.praise:
                return "fine"
            return "fault" if base is not None or several else None
        if any(word.text in _LACKING for word in self.words[clause.start : clause.end]):
            return "fault"
        return polarity or "asked"

    def _at_bottom(self, clause: Clause) -> bool:
        return any(tag.meaning.value == "bottom" and clause.holds(tag) for tag in self.reading.phases)


def _wanted(base: Draft | None, role: Role, number: Number) -> str | None:
    """The direction of a claim with an angle: "no further than 30 degrees" is a wish for less of what is said."""
    if base is None:
        return None
    direction = base.claim.direction
    capped = role == "limit" and number.comparison == "le" and base.form in {"noun", "base", "adjective"}
    return OPPOSITE.get(direction or "", direction) if capped and direction == base.said else direction


def _paired(drafts: list[Draft]) -> list[Draft]:
    """Measured and target of one joint: both have the direction that is asked for, the measured one is what is wrong."""
    out = list(drafts)
    for i in range(len(out)):
        for j in range(len(out)):
            one, other = out[i].claim, out[j].claim
            if i == j or one.quantity is None or other.quantity is None or one.joint != other.joint:
                continue
            if one.quantity.role == "measured" and other.quantity.role in {"target", "limit"}:
                direction = _towards(out[i], out[j]) or other.direction or one.direction
                out[i] = replace(out[i], claim=replace(one, direction=direction, polarity="fault"))
                told = replace(other, direction=direction, side=other.side or one.side, polarity="asked")
                out[j] = replace(out[j], claim=told)
    return out


def _towards(draft: Draft, other: Draft) -> str | None:
    """The way from a measured angle to its target: that of the motion whose angle it is, else flexion's, or its opposite."""
    measured, target = draft.claim.quantity, other.claim.quantity
    if measured is None or target is None or measured.low == target.low:
        return None
    if other.form == "base" and other.said is not None:
        return other.said
    if draft.said is None and other.said is None and draft.bottom:
        return "flex"
    joint = draft.claim.joint or ""
    said = draft.said or other.said or _ANGLES.get(joint)
    if said == "extend" and joint in {"knee", "elbow"} and draft.form != "noun":
        said = "flex"  # a knee of so many degrees, bent or straightened, is told as flexion
    return said if target.low > measured.low else OPPOSITE.get(said or "")
