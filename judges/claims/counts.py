"""Repetitions that a remark counts: how many are done, left, or to be done."""

from __future__ import annotations

import re
from collections.abc import Sequence

from judges.claims.clauses import Clause
from judges.claims.grammar import grammar
from judges.claims.numbers import Number
from judges.claims.reading import Reading
from judges.claims.records import Claim, Quantity, Role, Span
from judges.claims.tokens import Word

__all__ = ["counts_in", "without_counts"]

_OTHER_UNITS = frozenset(("deg", "s", "other", "sets"))
_COUNTING = frozenset(("rep", "number", "repetition"))
_THOSE = frozenset(("those", "these", "them", "the", "your", "ten", "twelve", "eight", "fifteen", "twenty"))
_ORDERED = re.compile(r"\b(?:do|go for|let's do|let's get|give me|aim for|let's go for|get|hit|another)$")
_MARKS = frozenset((",", ".", "!", "-", "and", "..."))
_MOST_SAID_ALONE = 100
_LEAST_ANGLE = 15
"""Beside an angle in degrees, a bare number from here on is another one."""
_TO_GO = re.compile(
    r"(?:more|left|to go|remaining|other|until|from|reps? (?:left|to go|remaining|more)"
    r"|(?:\w+ )?(?:to go|left|remaining|still to))\b"
)
_DONE_AFTER = re.compile(r"(?:\w+ )?(?:done|completed|cleared|finished|complete|down|already|in the bank)\b")
_TOLD_BEFORE = re.compile(
    r"\b(?:that's|thats|that was|that makes|makes|number|reps?|count|at|counting|now"
    r"|you've done|done|completed|already|there's|and|up to)$"
)
_WANTED_BEFORE = re.compile(
    r"\b(?:do|aim for|target|let's (?:do|get|go for)|goal|we want|we need|give me|complete|doing|perform|total"
    r"|go for|need|want|get|hit|plan|is|are we)\b"
)
_DONE_BEFORE = re.compile(r"\b(?:that's|that is|done|did|completed|you've|at|already|you're at)\b")


def counts_in(words: Sequence[Word], numbers: Sequence[Number], reading: Reading) -> tuple[list[Claim], list[Number]]:
    """The claims about repetitions, and the numbers they took; counting aloud, "six, seven, eight", says the last."""
    claims: list[Claim] = []
    used: list[Number] = []
    angles = any(number.unit == "deg" for number in numbers)
    for number in numbers:
        counting = number.start > 0 and words[number.start - 1].text in _COUNTING
        if number.unit in _OTHER_UNITS or (
            number.unit is None and angles and not counting and number.low >= _LEAST_ANGLE
        ):
            continue
        clause = next((c for c in reading.clauses if c.start <= number.start < c.end), None)
        role = _role(number, words, clause)
        if role is None:
            continue
        span = Span(words[number.start].span.start, words[number.end - 1].span.end)
        claim = Claim(
            "count", quantity=Quantity(number.low, number.high, "reps", role), reps=int(number.high), span=span
        )
        if claims and _goes_on(claims[-1], claim):
            claims.pop()
        claims.append(claim)
        used.append(number)
    return claims, used


def without_counts(reading: Reading, counted: set[int]) -> None:
    """As in "Eleven down", "24 climbs completed": the words beside a count move nothing."""
    for clause in reading.clauses:
        beside = [place for place in counted if clause.start <= place < clause.end]
        if beside and not clause.parts:
            clause.events = [e for e in clause.events if not any(0 < e.place - place <= 2 for place in beside)]


def _goes_on(before: Claim, claim: Claim) -> bool:
    one, other = before.quantity, claim.quantity
    assert one is not None  # noqa: S101 - counts have a quantity
    assert other is not None  # noqa: S101
    return other.high == one.high + 1 and one.role == other.role == "measured"


def _role(number: Number, words: Sequence[Word], clause: Clause | None) -> Role | None:
    """Done (measured), left (delta), to be done (target), or None where a number counts no repetitions."""
    before = [word.text for word in words[max(0, number.start - 4) : number.start]]
    after = [word.text for word in words[number.end : number.end + 4]]
    last, following = (before or [""])[-1], (after or [""])[0]
    if number.unit is None and number.low in {1, 2} and following in {"in", "at"} and last in {"one", "two"}:
        return None
    lone_one = number.low == 1 and words[number.start].text == "one"
    if _TO_GO.match(" ".join(after)) and not (following == "from" and number.unit is None):
        beyond = (after[1:] or [""])[0]
        sided = following == "left" and beyond in grammar("sided-part")
        return None if sided or (following == "more" and beyond in grammar("no-repetition")) else "delta"
    if last in {"another", "last", "final", "remaining"} and not lone_one:
        return "delta"
    if lone_one and (last in grammar("before-one-the-pronoun") or following in grammar("after-one-the-pronoun")):
        return None
    if number.unit == "reps":
        return _of_repetitions(" ".join(before), following)
    if number.unit is None and following == "of" and (after[1:] or [""])[0] in _THOSE:
        return "measured"
    wanted = _ORDERED.search(" ".join(before)) and following in {"", ",", ".", "!", "and", "with", ";"}
    if number.unit is None and wanted and not (clause is not None and clause.parts):
        return "target"
    return "measured" if number.unit is None and _said_alone(number, before, after, clause) else None


def _of_repetitions(before: str, following: str) -> Role:
    if _DONE_BEFORE.search(before):
        return "measured"
    planned = following in grammar("after-a-target-count") and following != "in"
    return "target" if planned or _WANTED_BEFORE.search(before) else "measured"


def _said_alone(number: Number, before: Sequence[str], after: Sequence[str], clause: Clause | None) -> bool:
    """A bare number is a count where nothing of the body is spoken of."""
    following = (after or [""])[0]
    of_body = clause is not None and bool(clause.parts or clause.events)
    small = number.low < _MOST_SAID_ALONE
    if _TOLD_BEFORE.search(" ".join(before)) and small and following in grammar("after-a-count"):
        return not of_body
    if _DONE_AFTER.match(" ".join(after)) and not (clause is not None and (clause.mood == "asked" or clause.parts)):
        return True
    alone = all(text in _MARKS | grammar("beside-a-lone-count") for text in (*before, *after))
    return alone and small and not of_body
