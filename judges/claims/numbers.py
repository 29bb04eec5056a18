"""Numbers in a remark: values, ranges, units, and what they count or measure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from text_to_num import text2num

from judges.claims.grammar import grammar, units
from judges.claims.lexicon import lexicon
from judges.claims.records import Comparison, Role
from judges.claims.tokens import Word, text_at

__all__ = ["Number", "numbers_in", "role_of"]

_DIGITS = re.compile(r"\d+(?:[.,]\d+)?")
_BEFORE_A_UNIT = frozenset(
    (
        "-",
        "full",
        "good",
        "clean",
        "perfect",
        "quick",
        "fast",
        "slow",
        "deep",
        "controlled",
        "solid",
        "big",
        "small",
        "strong",
    )
)
_PARTS_TOO = frozenset(("knees", "knee", "feet"))
"""Units of repetitions or length that are rather parts of the body."""
_TURNED_BY_NOT = frozenset(("over", "above", "past", "beyond", "more than", "exceeding"))
_NOT_BEFORE = re.compile(r" (?:not|never|don't|dont|no|avoid|without|shouldn't) ")
_AT_LEAST = frozenset(("or over", "or above", "or higher", "or deeper", "or better", "or beyond", "or more"))
_AT_MOST = frozenset(("or under", "or below", "or fewer", "or lower", "or less"))
_CAPPED = re.compile(r" cap (?:it |that )?at $")


@dataclass(frozen=True, slots=True)
class Number:
    """A number or range at words ``start`` to ``end``; ``unit`` as in ``Quantity``, another unit's name, or None."""

    start: int
    end: int
    low: float
    high: float
    unit: str | None
    comparison: Comparison = "eq"


def numbers_in(words: Sequence[Word]) -> list[Number]:
    """Every number, with its unit where it has one; ranges are one number. Radians become degrees."""
    found: list[Number] = []
    place = 0
    while place < len(words):
        number = _number(words, place)
        if number is None:
            place += 1
            continue
        number = _with_unit(words, number)
        place = number.end
        if found and _is_range(words, found[-1], number):
            first = found.pop()
            number = Number(first.start, number.end, first.low, number.high, number.unit or first.unit)
        found.append(number)
    return [_compared(words, number) for number in found]


def _number(words: Sequence[Word], place: int) -> Number | None:
    text, after = words[place].text, text_at(words, place + 1)
    if text == "right" and after in {"angle", "angles"}:
        return Number(place, place + 2, 90, 90, "deg")
    if text == "pi":
        parts = text_at(words, place + 2) if after == "/" else ""
        if parts.isdecimal() and int(parts):
            return Number(place, place + 3, 180 / int(parts), 180 / int(parts), "deg")
        return Number(place, place + 1, 180, 180, "deg")
    if _DIGITS.fullmatch(text):
        value = float(text.replace(",", "."))
        return Number(place, place + 1, value, value, None)
    return _in_words(words, place)


def _in_words(words: Sequence[Word], place: int) -> Number | None:
    """A number in words; "five six seven" are three numbers, of which this is the first."""
    spoken: list[str] = []
    ends: list[int] = []
    for end in range(place, len(words)):
        parts = words[end].text.split("-")
        linking = (
            words[end].text == "and"
            and spoken[-1:] == ["hundred"]
            and text_at(words, end + 1) in grammar("number-words")
        )
        if not linking and not all(part in grammar("number-words") or (part == "a" and not spoken) for part in parts):
            break
        spoken += [] if linking else parts
        ends += [] if linking else [end + 1] * len(parts)
    while spoken and spoken != ["a"]:
        value = _spoken(" ".join(spoken))
        if value is not None:
            return Number(place, ends[-1], value, value, None)
        spoken.pop()
        ends.pop()
    return None


@cache
def _spoken(text: str) -> float | None:
    text = re.sub(r"^(?:a )?hundred", "one hundred", text.replace("fourty", "forty"))
    try:
        return float(text2num(text, "en"))
    except ValueError:
        return None


def _with_unit(words: Sequence[Word], number: Number) -> Number:
    if number.unit is not None:
        return number
    place = number.end
    if text_at(words, place) in _BEFORE_A_UNIT and text_at(words, place + 1) in units():
        place += 1
    text = text_at(words, place)
    unit = units().get(text)
    if unit is None or text in _PARTS_TOO:
        return number
    if unit == "rad":
        low, high = round(math.degrees(number.low), 1), round(math.degrees(number.high), 1)
        return Number(number.start, place + 1, low, high, "deg")
    return replace(number, end=place + 1, unit=unit)


def _is_range(words: Sequence[Word], first: Number, second: Number) -> bool:
    """Whether the words between two numbers make a range of them: 90-100, between 90 and 100, 90 to 100."""
    if first.low >= second.low or (first.unit is not None and second.unit is not None and first.unit != second.unit):
        return False
    between = [word.text for word in words[first.end : second.start]]
    before = text_at(words, first.start - 1)
    if between == ["and"]:
        return before == "between"
    return between in (["-"], ["or"]) or (between == ["to"] and before not in grammar("before-no-range"))


def _compared(words: Sequence[Word], number: Number) -> Number:
    """The number with "at least" or "at most"; "don't go over" is the latter."""
    before = " " + " ".join(word.text for word in words[max(0, number.start - 7) : number.start]) + " "
    after = " ".join(word.text for word in words[number.end : number.end + 2])
    at_least = _told(before, "ge")
    if at_least in _TURNED_BY_NOT and _NOT_BEFORE.search(before):
        return replace(number, comparison="le")
    if at_least or after in _AT_LEAST:
        return replace(number, comparison="ge")
    if _told(before, "le") or after in _AT_MOST or _CAPPED.search(before):
        return replace(number, comparison="le")
    return number


def _told(before: str, comparison: str) -> str:
    """The words of a comparison that end the text before a number, or nothing."""
    return next((text for text in _comparisons(comparison) if before.endswith((f" {text} ", f" {text} about "))), "")


@cache
def _comparisons(comparison: str) -> tuple[str, ...]:
    """The lexicon's words for a comparison, the longest first."""
    tables = lexicon().index[f"numbers.{comparison}"].values()
    return tuple(sorted((" ".join(entry) for table in tables for entry, _ in table), key=len, reverse=True))


def role_of(words: Sequence[Word], number: Number, start: int, end: int, *, asked: bool) -> Role:
    """What a number of degrees is in its clause, words ``start`` to ``end``: the words around it say so, else the mood."""
    before = " " + " ".join(word.text for word in words[max(start, number.start - 6) : number.start]) + " "
    after = " " + " ".join(word.text for word in words[number.end : min(end, number.end + 3)]) + " "
    if _DIFFERENCE.search(before):
        by = _BY.search(before) and not _LACKING_BY.search(before)
        return "measured" if by and not asked else "delta"
    if _MORE_OR_LESS.match(after) and (not _BESIDE.match(after) or _BESIDE_A_TARGET.match(after)):
        return "delta"
    if (_LIMIT.search(before) and (asked or _FORBIDS.search(before))) or _LIMIT_AFTER.match(after):
        return "limit"
    if _TARGET.search(before) or _TARGET_AFTER.match(after):
        return "target"
    if not asked and _MEASURED.search(before):
        return "measured"
    return "target" if asked else "measured"


_ROUGHLY = (
    r"(?:about |roughly |around |an? |some |only |just |nearly |almost |barely |approximately |at least |at |over )*"
)


def _before(*texts: str, roughly: str = _ROUGHLY) -> re.Pattern[str]:
    """One of the texts right before the number."""
    return re.compile(rf" (?:{'|'.join(texts)}) {roughly}$")


def _after(*texts: str) -> re.Pattern[str]:
    """One of the texts right after the number."""
    return re.compile(rf" (?:{'|'.join(texts)}) ")


_DIFFERENCE = _before("another", "extra", "additional", "by", "missing", "lost", "lose", "lacking", "lacks")
_BY = _before("by")
_LACKING_BY = re.compile(
    r" (?:off|short|out|miss\w*|incomplete|limited|reduced|insufficient|deficient|increase|more) by "
)
_MORE_OR_LESS = _after(
    "(?:or so )?(?:more|further|farther|deeper|less|short|shy|off|away|additional|extra)",
    "(?:or so )?too (?:far|much|high|low|many)",
    "(?:or so )?(?:higher|lower|wider|shallower|deficit|missing|to go|under target|over|below|above|beyond|past|lacking)",
    "outside|from (?:the )?target|from full",
)
_BESIDE = _after("over", "below", "above", "past", "beyond")
_BESIDE_A_TARGET = re.compile(
    r" (?:over|below|above|past|beyond) (?:(?:the |your )?target|the limit|where|what|parallel|horizontal|neutral|vertical)"
)
_LIMIT = _before(
    "no (?:more|further|deeper|greater|less|lower|higher) than", "not more than", "at most",
    "(?:don't|do not|not) exceed(?:ing)?",
    r"(?:don't|dont|never|not|do not) (?:\w+ ){0,3}(?:past|beyond|over|above|under|below)", "maximum(?: of)?", "max", "within",
    "limit(?: of| is| it to)?", "under|below|less than|beyond|past", "exceed(?:s|ing)?", "cap(?: it| that| this)?(?: at)?",
)  # fmt: skip
_FORBIDS = re.compile(r" (?:no|not|don't|dont|never|maximum|max|within|limit|should|must|shouldn't|cap) ")
_LIMIT_AFTER = _after("maximum", "max", "at most", "limit", "or less")
_TARGET = _before(
    "aim(?:ing)? for", "aim", "target(?: of| is|:)?", "goal(?: is| of)?", "should (?:be|reach|read|hit|measure)",
    "want(?: to see)?", "need(?:s|ed)?(?: to (?:be|reach|hit))?", "must (?:be|reach)", "looking for",
    "until(?: you hit| you reach)?",
    "towards?", "closer to", "shoot for", "ideal(?:ly)?(?: is)?", "required", "recommended", "expected", "instead of", "→", "->",
    "reach for", "try for", "get (?:it |that |this )?to", "versus", "vs", "of a", "against",
    roughly=r"(?:about |roughly |around |an? |at least |at |the |over |between |full |(?:a )?target (?:of )?)*",
)  # fmt: skip
_TARGET_AFTER = _after("(?:is |as )?(?:the )?(?:target|goal|ideal|needed|required|desired|aim|expected)")
_MEASURED = _before(
    "is", "are", "at", "measur(?:es|ed|ing)", "reads?", "reading", "currently", "now", "was", "sits?", "hits", "hitting",
    "reaches", "reached", "(?:flexes|bends|comes|gets|got|opens|extends|rises|lifts|drops|goes|limited) to", "stops at",
    "showing", "shows",
    "peaks at", "averages", "only", "from", "you're at", "stuck at", "(?:flexing|bending|flexed|bent|rising|coming|getting) to",
    "leans?", "leaning",
)  # fmt: skip
