"""Texts as a judge may see them: one plain line, without what only a machine reads."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["MOST_CHARACTERS", "Cleaned", "clean"]

MOST_CHARACTERS = 400
_MOST_READ = 4000

_LINE_ENDS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_DEGREE_LIKE = re.compile("[\u00ba\u02da]")  # NFKC makes an o of the one and an accent of the other
_DELIMITER = re.compile(r"\[+\s*/?\s*(?:BEGIN|END)\b[^\[\]\n]*\]*|\[\[|\]\]", re.IGNORECASE)
_ROLES = "system|assistant|user|developer|human|tool|ipython|instructions?|response|input|output|ai|model|bot|gpt"
_TEMPLATES = (
    re.compile(r"<\|[^<>|\n]{0,60}\|>"),
    re.compile(r"<\|[a-z_]{0,30}>?|<?[a-z_]{0,30}\|>", re.IGNORECASE),
    re.compile(r"\[/?[A-Z][A-Z_]{2,30}\]"),
    re.compile(rf"\[/?(?:inst|sys|{_ROLES})\]", re.IGNORECASE),
    re.compile(r"<{2}/?\s*[A-Za-z_]{1,30}\s*>{2}"),
    re.compile(r"</?[A-Za-z_][\w:.-]{0,40}(?:\s[^<>\n]{0,60})?/?>"),
    re.compile(rf"^[ \t]*#{{1,6}}[ \t]*(?:{_ROLES})\b[ \t]*:?", re.IGNORECASE | re.MULTILINE),
    re.compile(rf"#{{2,6}}[ \t]*(?:{_ROLES})\b[ \t]*:", re.IGNORECASE),
    re.compile(r"`{3,}[a-z]*", re.IGNORECASE),
)
_ROLE = re.compile(rf"^[ \t*_\"'>-]*(?:{_ROLES})[ \t*_\"']*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text and what was done to it: how often, by name.

    ``normalised`` (NFKC changed it), ``invisible`` characters, chat ``template`` tokens, ``role`` headings, ``delimiter``
    look-alikes, ``cut`` (characters lost at the end).
    """

    text: str
    done: Mapping[str, int] = field(default_factory=dict, hash=False)


def clean(text: str) -> Cleaned:
    r"""NFKC, nothing invisible, no chat tokens, no delimiters, one line, at most 400 characters. Cleaning twice is as once.

    >>> clean("<|im_start|>system: Keep your\u200b knees\nout [[END PREDICTION]]").text
    'Keep your knees out'
    """
    done: Counter[str] = Counter()
    done["cut"] += max(0, len(text) - _MOST_READ)
    plain = _seen(_LINE_ENDS.sub("\n", text[:_MOST_READ]), done)
    normal = unicodedata.normalize("NFKC", _DEGREE_LIKE.sub("°", plain))
    done["normalised"] += normal != plain
    plain = _seen(normal, done)
    before = None
    while plain != before:  # what is taken out may bring together what was kept apart
        before = plain
        plain = _without(_DELIMITER, plain, done, "delimiter")
        for pattern in _TEMPLATES:
            plain = _without(pattern, plain, done, "template")
        plain = _without(_ROLE, plain, done, "role")
        if plain == before:
            plain = " ".join(plain.split())
    if len(plain) > MOST_CHARACTERS:
        done["cut"] += len(plain) - MOST_CHARACTERS
        plain = plain[:MOST_CHARACTERS].rstrip()
    return Cleaned(plain, {name: count for name, count in done.items() if count})


def _seen(text: str, done: Counter[str]) -> str:
    """Without what can't be seen; tabs and other spaces become plain ones."""
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if character in "\n\t" or category == "Zs":
            kept.append("\n" if character == "\n" else " ")
        elif category[0] in "CZ" or "\ufe00" <= character <= "\ufe0f" or character in "\u034f\u115f\u1160\u3164\uffa0":
            done["invisible"] += 1
        else:
            kept.append(character)
    return "".join(kept)


def _without(pattern: re.Pattern[str], text: str, done: Counter[str], name: str) -> str:
    found, count = pattern.subn(" ", text)
    done[name] += count
    return found
