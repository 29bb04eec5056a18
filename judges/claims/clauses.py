"""The clauses of a remark: where one ends, what it holds, and which of them only say when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from judges.claims.grammar import grammar
from judges.claims.lexicon import Tag
from judges.claims.records import Polarity, Rom
from judges.claims.tokens import Word

__all__ = ["Clause", "Event", "Mood", "has_number", "split"]

Mood = Literal["asked", "seen", "cue"]
"""How a clause speaks: a command or wish, a statement, or a fragment that may be either."""
_STRONG = frozenset(".!?;:\n")
_ENDS = frozenset(".!?\n")
_PURPOSES = frozenset(("get", "help", "see", "reach", "make", "bring"))
_AFTER_AS = frozenset(("you", "the", "your", "it", "they", "if"))
_LIST_AT_MOST = 4
_TAIL_AT_MOST = 3


@dataclass(slots=True)
class Event:
    """A motion of a joint as the words say it (``said``); folding gives ``direction``, ``rom`` and ``polarity``.

    ``place`` and ``end`` are the words that name the motion, ``part_place`` the word of the part. ``form``: base, third, ing,
    past, adjective, noun, or none. ``sign``: "bad" where the words name a fault, "good" where they name good form.
    """

    joint: str
    said: str | None
    place: int
    end: int
    form: str
    part_place: int | None = None
    sign: str = ""
    depth: bool = False
    rom: Rom | None = None
    phase: str | None = None
    direction: str | None = None
    polarity: Polarity | None = None
    phrase: bool = False


@dataclass(slots=True)
class Clause:
    """Words ``start`` to ``end``, the tags in it, and what it was found to say. ``opener``: the mark or word before it.

    ``own_praise``: it holds words of praise; ``praise``: it is praised, by itself or by a clause beside it. ``aside``: it only
    says when, or what for; what moves in it is no claim. ``counts``: it holds a number.
    """

    start: int
    end: int
    opener: str = ""
    sentence: int = 0
    aside: bool = False
    tags: list[Tag] = field(default_factory=list)
    parts: list[Tag] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    negators: list[Tag] = field(default_factory=list)
    praise: bool = False
    own_praise: bool = False
    counts: bool = False
    mood: Mood = "cue"

    def holds(self, tag: Tag) -> bool:
        """Whether a tag begins in it."""
        return self.start <= tag.start < self.end


class _Content(NamedTuple):
    """What a piece of a sentence holds."""

    event: bool
    part: bool
    mover: bool
    praise: bool


def split(words: Sequence[Word], concepts: Sequence[Tag], praise: Sequence[Tag], movers: Sequence[Tag]) -> list[Clause]:
    """Cuts at marks and conjunctions, then joins pieces that say nothing by themselves."""
    merged: list[Clause] = []
    for piece in _pieces(words, concepts, praise):
        here = _content(piece, words, concepts, praise, movers)
        last = merged[-1] if merged else None
        if last is not None and last.sentence == piece.sentence:
            before = _content(last, words, concepts, praise, movers)
            if _joined(piece, here, last, before, words):
                last.end = piece.end
                continue
        piece.aside = words[piece.start].text in grammar("aside")
        merged.append(piece)
    return merged


def has_number(words: Sequence[Word], piece: Clause) -> bool:
    """Whether a clause holds digits or a degree sign."""
    inside = words[piece.start : piece.end]
    return any(word.text[:1].isdigit() or word.text in {"°", "degrees", "degree"} for word in inside)


def _pieces(words: Sequence[Word], concepts: Sequence[Tag], praise: Sequence[Tag]) -> list[Clause]:
    eventful = [tag.start for tag in concepts if tag.meaning.layer != "part"]
    inside = {place for tag in [*concepts, *praise] for place in range(tag.start + 1, tag.end)}
    pieces: list[Clause] = []
    start, sentence, opener = 0, 0, ""
    for place, text in enumerate([*(word.text for word in words), "."]):
        if place in inside or (text not in _STRONG and not _conjunction(words, place, start, eventful)):
            continue
        if place > start:
            pieces.append(Clause(start, place, opener, sentence))
        if text in _ENDS:
            sentence += 1
        if place > start or text in _STRONG or text in grammar("weak"):
            start = place if text in grammar("opens-with-its-clause") else place + 1
            opener = text
    return pieces


def _conjunction(words: Sequence[Word], place: int, start: int, eventful: Sequence[int]) -> bool:
    """Whether a word of the list of conjunctions is one here: "so you don't", not "so deep"."""
    text = words[place].text
    after = words[place + 1].text if place + 1 < len(words) else ""
    spoken = any(start <= event < place for event in eventful)
    match text:
        case "so":
            return after in grammar("after-so-the-conjunction")
        case "as":
            return after in _AFTER_AS
        case "to":
            return after in _PURPOSES and spoken
        case "rather" | "instead":
            return spoken or not place
        case "-":
            return not (place and words[place - 1].text[:1].isdigit() and after[:1].isdigit())
        case _:
            return text in grammar("weak")


def _content(
    piece: Clause, words: Sequence[Word], concepts: Sequence[Tag], praise: Sequence[Tag], movers: Sequence[Tag]
) -> _Content:
    inside = [tag.meaning.layer for tag in concepts if piece.holds(tag)]
    return _Content(
        any(layer != "part" for layer in inside) or has_number(words, piece),
        "part" in inside,
        any(piece.holds(tag) for tag in movers),
        any(piece.holds(tag) for tag in praise),
    )


def _joined(piece: Clause, here: _Content, last: Clause, before: _Content, words: Sequence[Word]) -> bool:
    """Whether a piece goes with the one before it."""
    first = words[piece.start].text
    texts = {word.text for word in words[piece.start : piece.end]}
    if piece.opener == "but" or first in grammar("never-joined"):
        return first in grammar("aside") and not before.event and not before.praise
    if "one" in texts and {"less", "more"} & texts:
        return False
    listed = not before.event and before.part and last.end - last.start <= _LIST_AT_MOST and (here.event or here.part)
    idle = not here.event and not here.praise and not (here.part and here.mover)
    linked = piece.opener in {"and", "or", "&"}
    tail = linked and here.event and not here.part and not here.mover and piece.end - piece.start <= _TAIL_AT_MOST
    return (
        listed
        or (idle and first not in grammar("subjects") | {"your"})
        or (linked and not before.event and not before.praise)
        or tail
        or (first in {"until", "before", "after"} and not here.event)
    )
