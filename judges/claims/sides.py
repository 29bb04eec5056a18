"""Left, right, both: where a remark names a side, and of which part."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from judges.claims.clauses import Clause, Event
from judges.claims.grammar import grammar
from judges.claims.lexicon import Lexicon
from judges.claims.numbers import Number
from judges.claims.reading import Reading
from judges.claims.records import ClaimSide
from judges.claims.tokens import Word, text_at

__all__ = ["Sides"]

_BOTH = frozenset(("both", "bilateral", "bilaterally"))
_OTHER_SIDE: dict[ClaimSide, ClaimSide] = {"left": "right", "right": "left"}
_SIDE_WORDS: dict[str, ClaimSide] = {
    "left": "left", "left-sided": "left", "left-side": "left", "right": "right", "right-sided": "right", "right-side": "right",
}  # fmt: skip


class _Named(NamedTuple):
    place: int
    side: ClaimSide


class Sides:
    """The sides that a remark names."""

    def __init__(self, words: Sequence[Word], known: Lexicon, numbers: Sequence[Number]) -> None:
        self._words = words
        self._known = known
        self._named = self._find({number.end for number in numbers})

    def of(self, anchor: int, clause: Clause, others: Sequence[int] = ()) -> ClaimSide | None:
        """The side of the part at ``anchor``: the one before it without another part between, else one after it.

        ``others``: places of the clause's other parts.
        """
        inside = [named for named in self._named if clause.start <= named.place < clause.end]
        before = [named for named in inside if named.place <= anchor]
        if before and not any(before[-1].place < p < anchor and not self._listed(p, anchor) for p in others):
            return before[-1].side
        after = [named for named in inside if named.place > anchor]
        if after and not any(max(anchor, after[0].place) < p <= after[0].place + 2 for p in others):
            return after[0].side
        return inside[0].side if len(inside) == 1 and len(set(others)) <= 1 else None

    def of_event(self, event: Event, k: int, reading: Reading) -> ClaimSide | None:
        """The side of what moves in clause ``k``: of its part, here or where it was named, or of a clause of sides only."""
        clause = reading.clauses[k]
        others = [part.start for part in clause.parts if part.start != event.part_place]
        anchor = event.place if event.part_place is None else event.part_place
        found = self.of(anchor, clause, others)
        if found is not None:
            return found
        home = next((c for c in reading.clauses if c.start <= anchor < c.end), clause)
        if home is not clause:
            return self.of(anchor, home)
        if self.first_in(clause) is not None:
            return None
        for earlier in reversed(reading.clauses[:k]):
            if earlier.sentence != clause.sentence:
                break
            side = self.first_in(earlier)
            if side is not None and not earlier.parts and not earlier.events:
                return side
        return None

    def first_in(self, clause: Clause) -> ClaimSide | None:
        """The first side that a clause names."""
        return next((named.side for named in self._named if clause.start <= named.place < clause.end), None)

    def _find(self, number_ends: set[int]) -> list[_Named]:
        found: list[_Named] = []
        for place, word in enumerate(self._words):
            after = self._text(place + 1)
            each = word.text in {"each", "either"} and self._part_ahead(place) and after not in grammar("each-of-time")
            if word.text in _BOTH or each:
                found.append(_Named(place, "both"))
            elif word.text in _SIDE_WORDS and self._is_side(place, number_ends):
                found.append(_Named(place, _SIDE_WORDS[word.text]))
            elif word.text == "other" and (self._part_ahead(place) or after in {"one", "side", "leg"}):
                earlier = [named.side for named in found if named.side in _OTHER_SIDE]
                found += [_Named(place, _OTHER_SIDE[earlier[-1]])] if earlier else []
        for one, other in pairwise(list(found)):
            between = [word.text for word in self._words[one.place + 1 : other.place]]
            if {one.side, other.side} == {"left", "right"} and between in (["and"], ["and", "the"], ["and", "your"]):
                found = [named for named in found if named not in {one, other}] + [_Named(one.place, "both")]
        return sorted(found)

    def _is_side(self, place: int, number_ends: set[int]) -> bool:
        """Whether it is one: "right now", "three left" and "turn left" name no side of the body."""
        text, before, after = self._text(place), self._text(place - 1), self._text(place + 1)
        if text == "right" and (
            after in grammar("after-right-the-adverb") or before in grammar("before-right-the-adverb")
        ):
            return before in {"the", "your"} and after not in grammar("after-the-right")
        rest = after in {"to", "in", "until"} and before not in {"the", "your"}
        if text == "left" and (place in number_ends or rest or before in grammar("before-left-the-rest")):
            return False
        if self._part_ahead(place):
            return True
        to_the = before == "the" and self._text(place - 2) in {"to", "towards", "toward"}
        if before in grammar("before-a-way") or to_the:
            return False
        beside = after in {"one", "side", "and", "or"} or self._text(place + 2) in {"one", "side"}
        return beside or before in grammar("before-a-side") or self._known.single(before, "part") is not None

    def _part_ahead(self, place: int) -> bool:
        texts = (self._text(place + 1), self._text(place + 2))
        return any(text in {"side", "sides"} or self._known.single(text, "part") is not None for text in texts)

    def _listed(self, one: int, other: int) -> bool:
        """Two parts of one list, as in "left hip and knee"."""
        between = {word.text for word in self._words[one + 1 : other]}
        return bool(between) and between <= {"and", ",", "&"}

    def _text(self, place: int) -> str:
        return text_at(self._words, place)
