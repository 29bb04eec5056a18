"""Words as they were meant: slips of one letter, haste, hesitation, hyphens, and "the back's round"."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from functools import cache

from biobench.text.synonyms import synonyms
from judges.claims.grammar import grammar, written
from judges.claims.lexicon import FILLERS, lexicon
from judges.claims.records import Span
from judges.claims.tokens import Word

__all__ = ["mended"]

_SHORTEST, _LONGEST = 4, 20
"""Shorter words are taken as they are: too many are one letter apart. Longer ones are no English."""
_BEFORE_TOO = frozenset(("are", "is", "way", "it's", "you're", "going"))
_LETTERS = {"l": "left", "r": "right"}


def mended(words: Sequence[Word]) -> list[Word]:
    """The words, misspelt ones replaced and compounds that the lexicon lacks taken apart; spans stay those of the text."""
    found = _without_pauses([part for word in words for part in _parts(word)])
    after = [word.text for word in found[1:]] + [""]
    before = ["", *(word.text for word in found)]
    return [
        word._replace(text=_meant(word.text, before[k], after[k])) if word.text[0].isalpha() else word
        for k, word in enumerate(found)
    ]


def _meant(text: str, before: str, after: str) -> str:
    if text in _LETTERS and lexicon().single(after, "part"):
        return _LETTERS[text]
    if text == "to" and written().get(before, before) in _BEFORE_TOO and after in grammar("after-to-for-too"):
        return "too"
    return _mended(text)


def _parts(word: Word) -> list[Word]:
    """As in "Rock-solid" and "back's" as two words; "over-rotating" is too much of it."""
    stem = word.text.removesuffix("'s")
    if stem != word.text and lexicon().single(stem, "part"):
        middle = word.span.start + len(stem)
        return [Word(stem, Span(word.span.start, middle)), Word("is", Span(middle, word.span.end))]
    if "-" not in word.text or word.text in lexicon().forms or not word.text[0].isalpha():
        return [word]
    found: list[Word] = []
    start = word.span.start
    for text in word.text.split("-"):
        meant = "overly" if text in {"over", "hyper"} and not found else text
        found.append(Word(meant, Span(start, start + len(text))))
        start += len(text) + 1
    return found


def _without_pauses(words: Sequence[Word]) -> list[Word]:
    """Without "um" and "you know"."""
    kept: list[Word] = []
    place = 0
    while place < len(words):
        if " ".join(word.text for word in words[place : place + 2]) in grammar("filled-pauses"):
            place += 2
            continue
        if words[place].text not in grammar("hesitations"):
            kept.append(words[place])
        place += 1
    return kept


@cache
def _mended(text: str) -> str:
    if text in written():
        return written()[text]
    if not _SHORTEST <= len(text) <= _LONGEST or text in lexicon().forms or text in FILLERS or not text.isalpha():
        return text
    candidates = _long_forms() & set(_slips(text))
    if not candidates or text in grammar("function-words") or synonyms(text):
        return text
    # Of several, the one with the same first and last letter, then the longest: what is left out is rarely an end.
    return min(candidates, key=lambda form: (form[0] != text[0], form[-1] != text[-1], -len(form), form))


@cache
def _long_forms() -> frozenset[str]:
    return frozenset(form for form in lexicon().forms if form.isalpha() and len(form) >= _SHORTEST)


def _slips(text: str) -> Iterator[str]:
    """Everything one slip away: a letter too many, too few, another one, or two in the wrong order."""
    for k in range(len(text) + 1):
        head, tail = text[:k], text[k:]
        yield from (head + letter + tail for letter in string.ascii_lowercase)
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in string.ascii_lowercase)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
