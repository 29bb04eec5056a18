"""Where a value stands in a JSON text, and how values, keys and paths are written in messages."""

from __future__ import annotations

import json
import math
import re
import sys
from array import array
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biobench.readers.json_text import JsonText

__all__ = ["LineIndex", "Locator", "Part", "after_space", "json_path", "printable", "shown"]

Part = str | int
"""A step of a JSON path: the key of an object's member, or the place of a list's item, from 0."""

_BLOCK = 1 << 16
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LONGEST_KEY = 100
_QUOTED = '"\\'
_SPACE = re.compile(r"[ \t\n\r]*+")
_SHOWN_ITEMS = 8


class Locator:
    """Positions of values in a text that ``parse`` or ``parse_lines`` accepted.

    The text is read only as far as an answer needs, and what was seen is kept: a thousand look-ups together
    cost about as much as parsing the file once.
    """

    def __init__(self, source: JsonText) -> None:
        self._text = source.text
        self._lines = LineIndex(source.text)
        self._containers: dict[int, _Container] = {}
        self._decoder = json.JSONDecoder()

    def position(self, path: Sequence[Part], line: int | None = None) -> tuple[int, int]:
        r"""Line and column, from 1, in characters, of the first character of the value at ``path``.

        Where the path leads nowhere (a missing key, an index past the end) it is the position of the last
        value on the way that exists. ``line`` is the number of the line that holds the value, for JSON Lines.

        >>> from biobench.readers.json_text import JsonText
        >>> locator = Locator(JsonText("p.json", '[{"time": 3},\n {"time": 4}]', ""))
        >>> locator.position([1, "time"]), locator.position([1, "text"])
        ((2, 11), (2, 2))
        """
        offset = after_space(self._text, 0 if line is None else self._lines.start(line))
        for part in path:
            child = self._child(offset, part)
            if child is None:
                break
            offset = child
        return self._lines.place(offset)

    def _child(self, offset: int, part: Part) -> int | None:
        opening = self._text[offset : offset + 1]
        if opening != ("{" if isinstance(part, str) else "["):
            return None
        container = self._containers.setdefault(offset, _Container())
        if isinstance(part, str):
            while part not in container.by_key and self._read_child(offset, container):
                pass
            return container.by_key.get(part)
        while len(container.offsets) <= part and self._read_child(offset, container):
            pass
        return container.offsets[part] if 0 <= part < len(container.offsets) else None

    def _read_child(self, offset: int, container: _Container) -> bool:
        """Note where the next child of the container begins; False when there is none."""
        text = self._text
        if container.complete:
            return False
        if container.last is None:
            at = after_space(self._text, offset + 1)
            container.complete = text[at] in "]}"
        else:
            _, end = self._decoder.raw_decode(text, container.last)
            at = after_space(self._text, end)
            container.complete = text[at] != ","
            at = after_space(self._text, at + 1)
        if container.complete:
            return False
        if text[offset] == "{":
            key, end = self._decoder.raw_decode(text, at)
            at = after_space(self._text, after_space(self._text, end) + 1)
            container.by_key[key] = at
        else:
            container.offsets.append(at)
        container.last = at
        return True


class _Container:
    """What is known of one list or object: where its children begin, as far as it was read."""

    __slots__ = ("by_key", "complete", "last", "offsets")

    def __init__(self) -> None:
        self.offsets = array("Q")
        self.by_key: dict[str, int] = {}
        self.last: int | None = None
        self.complete = False


class LineIndex:
    """Lines and columns of a text; a line ends with a line feed, as ``json`` and ``grep -n`` count."""

    def __init__(self, text: str) -> None:
        self._text = text

    def place(self, offset: int) -> tuple[int, int]:
        r"""Line and column, from 1, of the character at ``offset``.

        >>> LineIndex("ab\ncd").place(4)
        (2, 2)
        """
        block = offset // _BLOCK
        lines, line_start = self._counts[block], self._starts[block]
        line_start = max(line_start, self._text.rfind("\n", block * _BLOCK, offset) + 1)
        return lines + self._text.count("\n", block * _BLOCK, offset) + 1, offset - line_start + 1

    def start(self, line: int) -> int:
        """Offset of the first character of a line, which must exist."""
        wanted = line - 1
        block = max(bisect_left(self._counts, wanted) - 1, 0)
        offset = block * _BLOCK
        for _ in range(wanted - self._counts[block]):
            offset = self._text.index("\n", offset) + 1
        return offset

    @cached_property
    def _counts(self) -> array[int]:
        """Line feeds before each block: a look-up counts in one block, not in the whole text."""
        counts = array("Q", [0])
        for begin in range(0, len(self._text), _BLOCK):
            counts.append(counts[-1] + self._text.count("\n", begin, begin + _BLOCK))
        return counts

    @cached_property
    def _starts(self) -> array[int]:
        """Where the line begins that each block's first character is in."""
        starts = array("Q", [0])
        for begin in range(0, len(self._text), _BLOCK):
            starts.append(self._text.rfind("\n", begin, begin + _BLOCK) + 1 or starts[-1])
        return starts


def after_space(text: str, start: int, end: int = sys.maxsize) -> int:
    """The offset of the first character from ``start`` that is no JSON white space, at most ``end``."""
    found = _SPACE.match(text, start, end)
    return start if found is None else found.end()


def json_path(parts: Sequence[Part]) -> str:
    """A JSON path for people: one line, printable, keys over 100 characters cut.

    >>> json_path([7, "pred_feedback_timestamps", 3])
    '$[7].pred_feedback_timestamps[3]'
    >>> json_path(["odd key", 0])
    '$["odd key"][0]'
    """
    return "$" + "".join(map(_path_part, parts))


def shown(value: object, limit: int = 60) -> str:
    r"""A value as messages show it: one printable line, strings cut to ``limit`` (at least 8) characters.

    It takes no longer for a huge value than for a small one, and never fails.

    >>> shown(True), shown(float("nan")), shown("a\tb"), shown(list(range(12)))
    ('true', 'NaN', '"a\\tb"', 'a list of 12 items')
    """
    limit = max(limit, 8)
    if isinstance(value, list | tuple):
        return _shown_list(value, limit)
    if isinstance(value, dict):
        return _shown_object(value, limit)
    return _shown_scalar(value, limit)


def printable(text: str, limit: int = 60) -> str:
    r"""Text without quotes, cut to ``limit`` characters; what can't be seen (controls and such) is escaped.

    >>> printable("café\u200b!")
    'café\\u200b!'
    """
    return _cut(text, limit, "")


def _shown_scalar(value: object, limit: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{_cut(value, limit - 2, _QUOTED)}"'
    if isinstance(value, float):
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        return float.__repr__(value)
    if isinstance(value, int):
        # Python refuses to write integers over 4,300 digits, and takes long over those just below.
        bits = int.bit_length(value)
        digits = f"an integer of about {int(bits * math.log10(2)) + 1:,} digits"
        return int.__repr__(value) if bits < 3 * limit else digits
    return f"a value of type {printable(type(value).__name__, limit)}"


def _shown_list(items: Sequence[object], limit: int) -> str:
    if not items:
        return "an empty list"
    if len(items) <= _SHOWN_ITEMS and not any(isinstance(item, list | tuple | dict) for item in items):
        picture = f"[{', '.join(_shown_scalar(item, limit) for item in items)}]"
        if len(picture) <= limit:
            return picture
    return f"a list of {len(items):,} item{'s' if len(items) > 1 else ''}"


def _shown_object(members: dict[object, object], limit: int) -> str:
    if not members:
        return "an empty object"
    picture = f"an object with {len(members):,} key{'s' if len(members) > 1 else ''}"
    if len(members) <= _SHOWN_ITEMS:
        named = f"{picture}: {', '.join(_shown_scalar(key, limit) for key in members)}"
        if len(named) <= limit:
            return named
    return picture


def _path_part(part: Part) -> str:
    if not isinstance(part, str):
        return f"[{part}]"
    if len(part) <= _LONGEST_KEY and _IDENTIFIER.fullmatch(part):
        return f".{part}"
    return f'["{_cut(part, _LONGEST_KEY, _QUOTED)}"]'


def _cut(text: str, limit: int, escaped: str) -> str:
    """At most ``limit`` characters, with an ellipsis where more was there; no escape is cut in the middle."""
    pieces = [_escape(char, escaped) for char in text[: limit + 1]]
    if len(text) <= limit and sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    kept = ""
    for piece in pieces:
        if len(kept) + len(piece) >= limit:
            break
        kept += piece
    return kept + "…"


def _escape(char: str, escaped: str) -> str:
    # ``isprintable`` is false for controls, formats (direction marks, zero-width), surrogates and odd spaces.
    return json.dumps(char)[1:-1] if char in escaped or not char.isprintable() else char
