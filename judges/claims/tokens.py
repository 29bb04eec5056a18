"""A remark as words with their places: lower case, one spelling of quotes, dashes and degree signs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from judges.claims.records import Span

__all__ = ["Word", "text_at", "words_of"]

_SAME = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "–": "-", "—": " ", "−": "-", "º": "°", "˚": "°"}
)
_WORD = re.compile(
    r"""
    \d+(?:[.,]\d+)?(?=[^\d]|$)            # a number
    | [<>]=?|≤|≥|->|→|°|π|%|~
    | [a-z]+(?:'[a-z]+)*(?:-[a-z]+(?:'[a-z]+)*)*   # words, with apostrophes and hyphens
    | [.!?;:,()/-]|\.\.\.|\n
    """,
    re.VERBOSE,
)


class Word(NamedTuple):
    """A word, number or mark, as it is looked up, and where it stands in the text."""

    text: str
    span: Span


def words_of(text: str) -> list[Word]:
    """The words of a text; characters that are none of ours are left out. Spans point into ``text`` as it is."""
    folded, places = _folded(text)
    found = []
    for match in _WORD.finditer(folded):
        start, end = places[match.start()], places[match.end() - 1] + 1
        found.append(Word(match.group(), Span(start, end)))
    return found


def text_at(words: Sequence[Word], place: int) -> str:
    """The word at a place, nothing outside the remark."""
    return words[place].text if 0 <= place < len(words) else ""


def _folded(text: str) -> tuple[str, list[int]]:
    """Case, accents of compatibility and quotes folded; for each character, where it came from."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    out: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        mapped = character.translate(_SAME)
        kept = mapped if mapped != character or character in "≤≥→π°" else unicodedata.normalize("NFKC", character)
        for one in kept.lower():
            out.append(one)
            places.append(place)
    return "".join(out), places
