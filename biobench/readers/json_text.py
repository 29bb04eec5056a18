"""Strict JSON and JSON Lines: a file is read once, and everything wrong with it is reported with its place.

The good path, ``json_decode``, is the C parser of ``json`` and a few passes over the bytes; the slow walk of
``json_problems``, which knows positions, starts only when something is wrong.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import stat
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NoReturn

from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_decode import (
    CHUNK,
    RefusedError,
    decode,
    decode_line,
    end_of_value,
    is_plain,
    suspect,
)
from biobench.readers.json_locate import Locator, Part, json_path, printable, shown
from biobench.readers.json_problems import Findings, scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["JsonText", "Locator", "Part", "json_path", "parse", "parse_lines", "read_text", "shown"]


@dataclass(frozen=True, slots=True)
class JsonText:
    """The text of a file; ``file`` is its name in messages, ``sha256`` the digest of its bytes in hex."""

    file: str
    text: str = field(repr=False)
    sha256: str


def read_text(path: Path) -> JsonText:
    """Read a UTF-8 file once; a byte order mark at its start is dropped.

    Raises ``ProblemsFound`` for a path that is no readable regular file (it never waits on a pipe), and for
    an empty, compressed, UTF-16 or broken UTF-8 file, with the line and byte offset of what is wrong.
    """
    file = printable(str(path), 4096)
    data = _read_bytes(path, file)
    text = memoryview(data)[3:] if data.startswith(b"\xef\xbb\xbf") else data
    if not text:
        _refuse(file, "an empty file", "JSON")
    _refuse_foreign(file, data)
    bad: dict[int, str] = {}
    if (offset := data.find(0)) >= 0:
        bad[offset] = f"a NUL byte, the first of {data.count(0):,}"
    try:
        decoded = str(text, "utf-8")
    except UnicodeDecodeError as error:
        offset = error.start + len(data) - len(text)
        bad[offset] = f"the byte 0x{data[offset]:02X}, which is not UTF-8"
    if bad:
        raise ProblemsFound([_at_byte(file, data, offset, found) for offset, found in sorted(bad.items())])
    return JsonText(file, decoded, hashlib.sha256(data).hexdigest())


def parse(source: JsonText) -> object:
    """The value of a JSON text.

    Raises ``ProblemsFound`` with every defect: NaN and infinities, numbers too large for a float, a key twice
    in an object, lone surrogates, a depth over 100, control characters and bad escapes in strings, and the
    first place where the syntax is broken (what stands behind it can't be read).

    >>> parse(JsonText("p.json", '{"time": [3, 4.5]}', ""))
    {'time': [3, 4.5]}
    """
    try:
        return decode(source.text)
    except RefusedError:
        problems, _ = _defects(source)
    raise ProblemsFound(problems)


def parse_lines(source: JsonText) -> Iterator[tuple[int, object]]:
    r"""The values of a JSON Lines text with the numbers of their lines, from 1; blank lines are skipped.

    The good lines come first, all of them; then ``ProblemsFound`` is raised with every defect of the others.
    So a caller that adds problems of its own reports all in one pass:

    >>> own = []
    >>> try:
    ...     for line, value in parse_lines(JsonText("p.jsonl", "{}\n[0, NaN]\n{}", "")):
    ...         own.append(line)
    ... except ProblemsFound as found:
    ...     own, str(found)
    ([1, 3], 'p.jsonl:2:5 $[1]: found NaN, expected a finite number (JSON knows no NaN and no infinity)')
    """
    text = source.text
    findings = Findings(source.file, text)
    start, line, values, checked = 0, 0, 0, 0
    quick = False
    while start < len(text):
        line += 1
        if start >= checked:
            checked = _line_end(text, start + CHUNK)
            quick = is_plain(text[start:checked])
        end = _line_end(text, start)
        content = text[start:end]
        if content.strip(" \t\r"):
            values += 1
            try:
                value = decode_line(content) if quick else decode(content)
            except RefusedError:
                if not scan(findings, text, start, end) and values == 1:
                    _refuse_whole_json(source)
            else:
                yield line, value
        start = end + 1
    if not values:
        _refuse(source.file, "nothing but white space", "JSON Lines")
    if problems := findings.problems():
        raise ProblemsFound(problems)


def _defects(source: JsonText) -> tuple[tuple[Problem, ...], bool]:
    """All that is wrong with a JSON text, and whether its syntax is whole."""
    findings = Findings(source.file, source.text)
    skip = None if suspect(source.text).too_deep else end_of_value
    whole = scan(findings, source.text, skip=skip)
    return findings.problems(), whole


def _refuse_whole_json(source: JsonText) -> None:
    """Not an error a line where somebody gives indented JSON as JSON Lines."""
    problems, whole = _defects(source)
    if whole:
        expected, hint = "JSON Lines, one whole value a line", "give the file a name that ends in .json"
        first = Problem(source.file, "one JSON value over several lines", expected, hint)
        raise ProblemsFound([first, *problems])


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


# Reading the bytes.

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_COMPRESSED = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
)
_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32-LE"),
    (b"\x00\x00\xfe\xff", "UTF-32-BE"),
    (b"\xff\xfe", "UTF-16-LE"),
    (b"\xfe\xff", "UTF-16-BE"),
)
_ZEROS = {"000x": "UTF-32-BE", "x000": "UTF-32-LE", "0x": "UTF-16-BE", "x0": "UTF-16-LE"}
_NAMES_READ = 10_000


def _read_bytes(path: Path, file: str) -> bytes:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes() if stat.S_ISREG(mode) else None
    except FileNotFoundError as error:
        if path.is_symlink():
            target = printable(str(path.readlink()), 4096)
            _refuse(file, f"a link to {target}, which does not exist", "a file", error=error)
        _refuse(file, "no such file", "a file", _neighbour(path), error=error)
    except PermissionError as error:
        _refuse(file, "a file that may not be read", "a file with permission to read it", error=error)
    except NotADirectoryError as error:
        _refuse(file, "a path that leads through a file, not a folder", "a file", error=error)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path itself
        reason = error.strerror if isinstance(error, OSError) else None
        _refuse(file, f"a file that can't be read ({reason or error})", "a file", error=error)
    if data is None:
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something that is no file")
        _refuse(file, kind, "a file", "" if stat.S_ISDIR(mode) else "write what it gives into a file first")
    return data


def _neighbour(path: Path) -> str:
    """What to type instead of a path that doesn't exist."""
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    if folder != path.parent:
        return f"its folder does not exist either; {printable(str(folder), 4096)} does"
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, _NAMES_READ)]
    except PermissionError:
        return f"{printable(str(folder), 4096)} may not be listed, so there is no name to suggest"
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {printable(str(folder / near[0]), 4096)}?" if near else ""


def _refuse_foreign(file: str, data: bytes) -> None:
    for magic, name in _COMPRESSED:
        if data.startswith(magic):
            _refuse(file, f"{name} data", "JSON text", f"the file is compressed: unpack it with {name} first")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    # JSON begins with an ASCII character, so that zeros among the first bytes tell the encoding.
    if not encoding and data.count(0, 0, 1024) > 1:
        zeros = "".join("0" if byte == 0 else "x" for byte in data[:4])
        encoding = _ZEROS.get(zeros) or _ZEROS.get(zeros[:2], "")
    if encoding:
        _refuse(file, f"{encoding} text", "UTF-8 text", "save the file as UTF-8")


def _at_byte(file: str, data: bytes, offset: int, found: str) -> Problem:
    line, line_start = data.count(b"\n", 0, offset) + 1, data.rfind(b"\n", 0, offset) + 1
    before = str(memoryview(data)[line_start:offset], "utf-8", "replace")
    column = len(before.removeprefix("\ufeff") if line == 1 else before) + 1
    found += f" (byte offset {offset})"
    return Problem(file, found, "UTF-8 text", "save the file as UTF-8", line, column)


def _refuse(file: str, found: str, expected: str, hint: str = "", error: Exception | None = None) -> NoReturn:
    raise ProblemsFound([Problem(file, found, expected, hint)]) from error
