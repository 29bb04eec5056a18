"""Sentences by Punkt (Kiss and Strunk 2006) with its English parameters, as nltk's ``sent_tokenize`` does."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from biobench.text.word_tables import CAPITAL_INSIDE, LOWER, LOWER_FIRST, UPPER, punkt_table

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sentences", "surely_ends_sentence"]


def sentences(text: str) -> list[str]:
    """The sentences of a text, equal to ``nltk.sent_tokenize(text)`` of nltk 3.9.1.

    >>> sentences("Only 3. keep going, five more reps. Keep it up! Rest.")
    ['Only 3. keep going, five more reps. Keep it up!', 'Rest.']
    """
    spans = _spans(text)
    found = []
    taken = 0
    for (start, stop), (next_start, next_stop) in pairwise([*spans, (0, 0)]):
        closing = _CLOSING.match(text, next_start, next_stop)
        if closing:
            # The closing marks at the head of the next sentence belong to this one.
            found.append(text[start + taken : next_start + len(closing[0].rstrip())])
            taken = len(closing[0])
        else:
            if start + taken < stop:
                found.append(text[start + taken : stop])
            taken = 0
    return found


def surely_ends_sentence(chunk: str) -> bool:
    """Whether a chunk that ends in ``.``, ``?`` or ``!`` ends its sentence whatever chunk comes next.

    A chunk holds no white space. False where it depends on the next one: abbreviations, initials, numbers,
    words of known collocations.

    >>> surely_ends_sentence("hips."), surely_ends_sentence("reps."), surely_ends_sentence("3.")
    (True, False, False)
    """
    token = _TOKEN.findall(chunk)[-1]
    kind = _without_period(_kind(token))
    depends = _INITIAL.fullmatch(token) or kind == _NUMBER or kind in punkt_table().collocation_starts
    return _ends_by_itself(token) and not depends


def _spans(text: str) -> list[tuple[int, int]]:
    """From where to where the sentences go, before closing marks are moved."""
    spans = []
    start = 0
    for stop, next_start, context in _candidates(text):
        if any(_ends(token, after) for token, after in pairwise(_tokens(context))):
            spans.append((start, stop))
            start = next_start
    return [*spans, (start, len(text.rstrip()))]


def _candidates(text: str) -> Iterator[tuple[int, int, str]]:
    """Where a sentence may end, where the next one would start, and the words on both sides of it.

    Of several in one word only the last counts (and the first where the word begins with it).
    """
    held: tuple[int, int, str] | None = None
    word_start = word_stop = 0
    for match in _CANDIDATE.finditer(text):
        place = match.start()
        space = place - 1
        while space > word_stop and text[space] not in _ASCII_SPACE:
            space -= 1
        start = space + 1 if space > word_stop else word_start
        if held and word_stop <= start:
            yield held
        word_start, word_stop = start, place
        if match["next"]:
            held = match.end(), match.start("next"), text[start : match.end("next")]
        else:
            held = match.end(), match.end(), text[start : match.end() + 1]
    if held:
        yield held


def _tokens(text: str) -> list[str]:
    return [token for line in text.split("\n") for token in _TOKEN.findall(line)]


def _ends(token: str, after: str) -> bool:
    """Whether a token of Punkt's ends a sentence when ``after`` is the next token."""
    ends = _ends_by_itself(token)
    if not token.endswith("."):
        return ends
    kind, next_kind = _without_period(_kind(token)), _kind(after)
    if _ends_by_itself(after):
        next_kind = _without_period(next_kind)
    table = punkt_table()
    if (kind, next_kind) in table.collocations:
        return False
    is_initial = _INITIAL.fullmatch(token) is not None
    capital = after[0].isupper()
    if (_trails_off(token) or _abbreviates(token)) and not is_initial:
        starts = _starts_sentence(after, next_kind)
        if starts or (capital and next_kind in table.sentence_starters):
            return True
    if is_initial or kind == _NUMBER:
        starts = _starts_sentence(after, next_kind)
        if starts is False:
            return False
        never_lower = not table.spellings.get(next_kind, 0) & LOWER
        if starts is None and is_initial and capital and never_lower:
            return False
    return ends


def _starts_sentence(token: str, kind: str) -> bool | None:
    """What a token's capital says about it as the first of a sentence, given how the training text has it."""
    if token in _INNER_MARKS:
        return False
    spellings = punkt_table().spellings.get(kind, 0)
    if token[0].isupper() and spellings & LOWER and not spellings & CAPITAL_INSIDE:
        return True
    if token[0].islower() and (spellings & UPPER or not spellings & LOWER_FIRST):
        return False
    return None


def _ends_by_itself(token: str) -> bool:
    """Whether a token ends a sentence as far as the token alone tells."""
    if token in _END_MARKS:
        return True
    return token.endswith(".") and not token.endswith("..") and not _abbreviates(token)


def _trails_off(token: str) -> bool:
    return len(token) > 1 and token.strip(".") == ""


def _abbreviates(token: str) -> bool:
    if len(token) == 1 or not token.endswith(".") or token.endswith(".."):
        return False
    word = token[:-1].lower()
    abbreviations = punkt_table().abbreviations
    return word in abbreviations or word.rpartition("-")[2] in abbreviations


def _kind(token: str) -> str:
    kind = token.lower()
    return _NUMBER if _NUMERIC.fullmatch(kind) else kind


def _without_period(kind: str) -> str:
    return kind.removesuffix(".") if len(kind) > 1 else kind


_END_MARKS = frozenset(".?!")
_INNER_MARKS = frozenset(";:,.!?")
_ASCII_SPACE = frozenset(" \t\n\r\v\f")
_NUMBER = "##number##"
_NUMERIC = re.compile(r"-?[.,]?\d[\d,.-]*\.?")
_INITIAL = re.compile(r"[^\W\d]\.")
_CANDIDATE = re.compile(r"""[.?!](?=[])}(\[{"';:@*?!]|\s+(?P<next>\S+))""")
_CLOSING = re.compile(r"""["')\]}]++(?:\s+|(?=--)|\Z)""")

_RUN = r"-{2,}|\.{2,}|(?:\.\s){2,}\."
_BREAK = rf"""\s|\Z|[])}}(\[{{"';:@*?!]|{_RUN}"""
_TOKEN = re.compile(rf"""{_RUN}|(?![-,(\[{{)\]}}"`:;&#*@])\S+?(?={_BREAK}|,(?:{_BREAK}))|\S""")
"""A run of dashes or periods, a word up to where one may end (a comma inside it stays), or a single mark."""
