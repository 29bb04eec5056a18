"""Finds everything that is wrong with a JSON text, and where: slow and thorough, without recursion."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from typing import TYPE_CHECKING

from biobench.problems import Problem
from biobench.readers.json_locate import LineIndex, Part, after_space, json_path, printable, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["MAX_DEPTH", "MAX_PROBLEMS", "Findings", "scan"]

MAX_DEPTH = 100
"""Lists and objects inside each other."""

MAX_PROBLEMS = 1000
"""Problems kept of one file; the rest is counted."""


# Containers are skipped at these depths only, and no more after so many refusals: each costs a reading of the
# container, and the parser's message costs a count of all lines before it.
_SKIP_DEPTH = 3
_SKIPS_TO_LOSE = 100


class Findings:
    """The problems of one text; the first 1,000 are kept, the rest are counted."""

    def __init__(self, file: str, text: str) -> None:
        self.lines = LineIndex(text)
        self._file = file
        self._kept: list[Problem] = []
        self._more = 0

    def add(self, offset: int, path: Sequence[Part], found: str, expected: str, hint: str = "") -> None:
        """Note a problem at ``offset``, in the value at ``path``."""
        if len(self._kept) < MAX_PROBLEMS:
            line, column = self.lines.place(offset)
            self._kept.append(Problem(self._file, found, expected, hint, line, column, json_path(path)))
        else:
            self._more += 1

    def problems(self) -> tuple[Problem, ...]:
        """What was found, in the order of the text."""
        if not self._more:
            return tuple(self._kept)
        count = f"{self._more:,} more problem{'s' if self._more > 1 else ''}"
        hint = f"only the first {MAX_PROBLEMS:,} are listed; mend them and check again"
        return *self._kept, Problem(self._file, count, "none", hint)


def scan(
    findings: Findings,
    text: str,
    start: int = 0,
    end: int | None = None,
    skip: Callable[[str, int], int] | None = None,
) -> bool:
    """Read ``text[start:end]`` as one strict JSON value and note its defects; true where its syntax is whole.

    Reading goes on after a value that is wrong in itself, and stops at the first place where the syntax is.
    ``end`` is given where the value must end on its line (JSON Lines). ``skip`` makes it fast where little is
    wrong: given the offset of a list or object, it finds the offset behind it, or raises ``ValueError`` where
    there is something to find.
    """
    return _Scan(findings, text, start, end, skip).run()


# What may come next, in the words of the messages.
_VALUE = "a value"
_FIRST_VALUE = 'a value or "]"'
_KEY = "a key in double quotes"
_FIRST_KEY = 'a key in double quotes or "}"'
_COLON = '":" after the key'
_NEXT_MEMBER = '"," or "}"'
_NEXT_VALUE = '"," or "]"'
_END_OF_FILE = "the end of the file"
_END_OF_LINE = "the end of the line"

_CLOSING = frozenset("]}")
_MARK_OF = {"plain": '"', "string": '"', "number": "0", "word": "w"}
_VALUE_STARTS = frozenset('"[{0w')
_ALLOWED = {
    _VALUE: _VALUE_STARTS,
    _FIRST_VALUE: _VALUE_STARTS | {"]"},
    _KEY: frozenset('"'),
    _FIRST_KEY: frozenset('"}'),
    _COLON: frozenset(":"),
    _NEXT_MEMBER: frozenset(",}"),
    _NEXT_VALUE: frozenset(",]"),
    _END_OF_FILE: frozenset[str](),
    _END_OF_LINE: frozenset[str](),
}

# Possessive repeats keep matching linear in time and constant in memory, whatever the text.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN = re.compile(
    rf"""[ \t\n\r]*+(?:
        (?P<plain>"[^"\\\x00-\x1f\ud800-\udfff]*+")
      | (?P<string>{_STRING})
      | (?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+(?![\w.+-]))
      | (?P<word>(?:true|false|null|NaN|-?Infinity)(?![\w.+-]))
      | (?P<mark>[\[\]{{}},:])
    )""",
    re.VERBOSE | re.DOTALL,
)
_NESTING = re.compile(rf"{_STRING}|(?P<open>[\[{{]++)|(?P<close>[\]}}]++)", re.DOTALL)
_IN_STRING = re.compile(
    r"""\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}
      | (?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff])
      | \\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})
      | (?P<escape>\\(?:u[0-9a-fA-F]{0,3}|.))
      | (?P<control>[\x00-\x1f])""",
    re.VERBOSE | re.DOTALL,
)
_EXCERPT = re.compile(r'[^\s,:\[\]{}"]++|.', re.DOTALL)

_NUMBERS = "numbers are written like 7, -0.5 or 1e-3"
_PYTHON = "this looks like printed Python data: write the file with json.dump"
_MISTAKES = [
    (re.compile(pattern, re.DOTALL), hint)
    for pattern, hint in (
        (r"'|(?:True|False|None)\b|[A-Za-z_][\w.]*\(|\(|\.\.\.", _PYTHON),
        (r"-?(?:nan|inf)\b", "JSON knows no NaN and no infinity: leave the value out"),
        (r"//|/\*|#", "JSON has no comments"),
        (r"<", "this looks like a web page or XML"),
        (r"version https://git-lfs", "this is a Git LFS pointer: fetch the file itself with git lfs pull"),
        ("[\u2018-\u201f]", 'typographic quotes: JSON wants the plain "'),
        ("\ufeff", "a byte order mark inside the text: were two files joined?"),
        (r"[-+.]?[0-9]", _NUMBERS),
        (r"[^\W\d]\w*+\s*+:", 'keys are written in double quotes: "key": value'),
    )
]


class _Scan:
    """One walk over a text: the open lists and objects, and what may come next."""

    def __init__(
        self,
        findings: Findings,
        text: str,
        start: int,
        end: int | None,
        end_of_good: Callable[[str, int], int] | None,
    ) -> None:
        self.findings = findings
        self.text = text
        self.at = start
        self.end = len(text) if end is None else end
        self.whole = "file" if end is None else "line"
        self.after_all = _END_OF_FILE if end is None else _END_OF_LINE
        self.end_of_good = end_of_good
        self.skips_to_lose = _SKIPS_TO_LOSE
        self.state = _VALUE
        self.last_mark = ""
        # For each open list or object: the item that is read ("" before the first key), where it begins, and
        # where the keys of an object stand.
        self.path: list[Part] = []
        self.opened: list[int] = []
        self.keys: list[dict[str, int] | None] = []
        # Behind a string with a line break in it: most likely its closing quote is missing.
        self.broken_string_end = -1

    def run(self) -> bool:
        while (token := _TOKEN.match(self.text, self.at, self.end)) is not None:
            kind = str(token.lastgroup)
            start = token.start(kind)
            mark = _MARK_OF.get(kind) or self.text[start]
            if mark not in _ALLOWED[self.state]:
                break
            self.at, self.last_mark = token.end(), mark
            self.take(mark, start, kind)
        start = after_space(self.text, self.at, self.end)
        if start == self.end and self.state == self.after_all:
            return True
        self.syntax_error(start)
        return False

    def take(self, mark: str, start: int, kind: str) -> None:
        if mark in "[{":
            self.open(mark, start)
        elif mark in "]}":
            self.close()
        elif mark == ",":
            self.next_item()
        elif mark == ":":
            self.state = _VALUE
        elif mark == '"' and self.state in {_KEY, _FIRST_KEY}:
            self.key(start, kind)
        else:
            self.scalar(start, kind)
            self.after_value()

    def open(self, mark: str, start: int) -> None:
        if len(self.path) == MAX_DEPTH:
            found = "a list or object inside 100 others"
            self.findings.add(start, self.path, found, "a depth of at most 100")
            self.at = self.end_of_nested(start)
            self.after_value()
            return
        if self.skip(start):
            self.after_value()
            return
        self.opened.append(start)
        if mark == "[":
            self.path.append(0)
            self.keys.append(None)
            self.state = _FIRST_VALUE
        else:
            self.path.append("")
            self.keys.append({})
            self.state = _FIRST_KEY

    def skip(self, start: int) -> bool:
        """Go behind the list or object that begins at ``start`` if there is nothing wrong in it."""
        if self.end_of_good is None or not self.skips_to_lose or not 0 < len(self.path) <= _SKIP_DEPTH:
            return False
        try:
            self.at = self.end_of_good(self.text, start)
        except ValueError:
            self.skips_to_lose -= 1
            return False
        return True

    def close(self) -> None:
        self.path.pop()
        self.keys.pop()
        self.opened.pop()
        self.after_value()

    def after_value(self) -> None:
        if not self.path:
            self.state = self.after_all
        else:
            self.state = _NEXT_VALUE if self.keys[-1] is None else _NEXT_MEMBER

    def next_item(self) -> None:
        last = self.path[-1]
        if isinstance(last, int):
            self.path[-1] = last + 1
            self.state = _VALUE
        else:
            self.state = _KEY

    def key(self, start: int, kind: str) -> None:
        key = self.text[start + 1 : self.at - 1]
        self.path[-1] = key
        if kind == "string":
            self.path[-1] = key = _unescaped(key)
        stood = self.keys[-1]
        if stood is not None and (first := stood.setdefault(key, start)) != start:
            line, column = self.findings.lines.place(first)
            hint = f"the first one stands at line {line}, column {column}"
            self.findings.add(start, self.path, f"the key {shown(key)} a second time", "each key once", hint)
        if kind == "string":
            self.check_string(start)
        self.state = _COLON

    def scalar(self, start: int, kind: str) -> None:
        if kind == "string":
            self.check_string(start)
        elif kind == "number":
            raw = self.text[start : self.at]
            if math.isinf(float(raw)):
                whole = f", {len(raw.lstrip('-')):,} digits" if raw.lstrip("-").isdigit() else ""
                self.findings.add(start, self.path, printable(raw, 24) + whole, "a number up to 1.79e308")
        elif kind == "word" and (word := self.text[start : self.at]) not in {"true", "false", "null"}:
            self.findings.add(start, self.path, word, "a finite number", "JSON knows no NaN and no infinity")

    def check_string(self, start: int) -> None:
        for found in _IN_STRING.finditer(self.text, start + 1, self.at - 1):
            if found.lastgroup is None:
                continue
            at, raw, shape = found.start(), found.group(), printable(found.group())
            if found.lastgroup == "half":
                self.findings.add(at, self.path, f"{shape}, half of a surrogate pair", "whole characters")
            elif found.lastgroup == "escape":
                expected = r"an escape such as \n, \" or \u00e9"
                self.findings.add(at, self.path, f"the escape {shape}", expected, r"a backslash is written \\")
            elif raw not in "\r\n":
                name = f"the control character U+{ord(raw):04X} in a string"
                self.findings.add(at, self.path, name, f"it written as {shape}")
            elif self.broken_string_end != self.at:
                hint = r"a closing quote is missing, or the break must be written \n"
                self.findings.add(at, self.path, "a line break in a string", "a closing quote", hint)
                self.broken_string_end = self.at

    def end_of_nested(self, start: int) -> int:
        """The offset behind the list or object that begins at ``start``; the text's end if it stays open."""
        depth = 0
        for found in _NESTING.finditer(self.text, start, self.end):
            size = found.end() - found.start()
            if found.lastgroup == "open":
                depth += size
            elif found.lastgroup == "close" and depth > size:
                depth -= size
            elif found.lastgroup == "close":
                return found.start() + depth
        return self.end

    def syntax_error(self, start: int) -> None:
        if self.at == self.broken_string_end:
            return  # the missing quote was reported; what follows is read inside out
        rest = _TOKEN.match(self.text, start, self.end) or _EXCERPT.match(self.text, start, self.end)
        raw = "" if rest is None else rest.group()
        found, expected = printable(raw, 40), self.state
        if not raw:
            found, hint = f"the end of the {self.whole}", self.cut_off_hint()
        elif raw == '"':
            beginning = self.text[start : min(start + 40, self.end)]
            found, expected = f"the string {printable(beginning, 30)}", "its closing quote"
            hint = f"a quote is missing, or the {self.whole} is cut off"
        elif raw in _CLOSING:
            found, hint = f'"{raw}"', self.closing_hint()
        else:
            if len(raw) == 1 and not raw.isalnum():
                found = f'"{raw}"' if raw.isprintable() else _named(raw)
            hint = self.mistake_hint(start, raw)
        # What stands between two items belongs to their list or object.
        own = self.state in {_VALUE, _COLON} or (self.state == _FIRST_VALUE and raw and raw not in _CLOSING)
        self.findings.add(start, self.path if own else self.path[:-1], found, expected, hint)

    def mistake_hint(self, start: int, raw: str) -> str:
        """What to do about the commonest mistakes, by what stands where something else was expected."""
        several = self.state == _END_OF_FILE and raw[0] in "[{"
        if several and "\n" in self.text[self.at : start]:
            return "one value a line is JSON Lines: give the file a name that ends in .jsonl"
        if self.state in {_NEXT_MEMBER, _NEXT_VALUE} and raw not in {":", ","} and _TOKEN.fullmatch(raw):
            return "a comma is missing before it"
        for pattern, hint in _MISTAKES:
            if pattern.match(self.text, start, self.end) and not (hint is _NUMBERS and _TOKEN.fullmatch(raw)):
                return hint
        return ""

    def closing_hint(self) -> str:
        if self.state == self.after_all:
            return "one closing bracket too many"
        if self.state in {_NEXT_MEMBER, _NEXT_VALUE}:
            return f"{self.innermost()} is still open"
        return "a comma too many before it" if self.last_mark == "," else ""

    def cut_off_hint(self) -> str:
        if self.whole == "line":
            return "in JSON Lines each line holds one whole value"
        if not self.opened:
            return "there is nothing but white space"
        return f"the file seems to be cut off: {self.innermost()} is never closed"

    def innermost(self) -> str:
        line, column = self.findings.lines.place(self.opened[-1])
        return f'the "{self.text[self.opened[-1]]}" of line {line}, column {column}'


def _named(char: str) -> str:
    """A character that can't be seen, with its name."""
    return f"{printable(char)} ({unicodedata.name(char, 'a control character').lower()})"


def _unescaped(raw: str) -> str:
    """The text of a string; as it stands where its escapes are wrong (which is reported on its own)."""
    try:
        text = json.loads(f'"{raw}"', strict=False)
    except ValueError:
        return raw
    return str(text)
