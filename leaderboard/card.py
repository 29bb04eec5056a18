"""``system.toml``: what a system is, said by those who submit it. One flat table, read strictly."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from biobench.readers.json_locate import printable, shown
from leaderboard.limits import FILES

__all__ = ["SCHEMA", "SystemCard", "parse_card", "read_card", "template"]

SCHEMA = "biobench/system/1"

WEIGHTS = ("open", "api", "closed", "none")
INPUTS = ("video", "pose", "audio")
EXERCISE_NAME = ("given", "inferred", "unused")
POSES = ("none", "benchmark", "own")

_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Unicode calls them letters, marks or symbols, and fonts show nothing: a name of them would be no name."""

_LARGEST = 10**15
"""Of a number on a card; more parameters than anything has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCard:
    """What a system is.

    ``causal``: at any time it has seen nothing of what follows. ``exercise_name``: whether it is told the exercise.
    ``poses``: ``benchmark`` are the pose files that the checker reads too. ``compute_s_per_video_s``: seconds of compute a
    second of video. ``runs``: how many runs (seeds) the submitted one was taken from.
    Made from values that ``parse_card`` would accept.
    """

    name: str
    version: str
    date: date
    contact: str
    licence: str
    weights: str
    inputs: tuple[str, ...]
    causal: bool
    exercise_name: str
    poses: str
    training_data: str
    seen_test_videos: bool
    seen_test_people: bool
    hardware: str
    description: str | None = None
    link: str | None = None
    parameters: int | None = None
    rate_hz: float | None = None
    compute_s_per_video_s: float | None = None
    baseline: bool = False
    runs: int = 1

    @property
    def id(self) -> str:
        """The folder of its submission: name and version in plain letters.

        A name without any letter or digit of ASCII becomes ``system``.
        """
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "system"
        return f"{slug}-{self.version.lower()}"

    def to_toml(self) -> str:
        """The card in its canonical form: the same card, the same bytes."""
        lines = [f'schema = "{SCHEMA}"']
        for key in _KEYS:
            value = getattr(self, key)
            if value is not None and not (key in _DEFAULTS and value == _DEFAULTS[key]):
                lines.append(f"{key} = {_toml(value)}")
        return "\n".join(lines) + "\n"


def read_card(path: Path) -> SystemCard:
    """Reads a card. Raises ``ProblemsFound`` with every problem, each with its line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        found = f"a file that can't be read ({error.strerror})"
        hint = "biobench submit --template --out system.toml writes one to fill in"
        raise ProblemsFound([Problem(str(path), found, "the system's card", hint)]) from error
    return parse_card(content, str(path))


def parse_card(content: bytes, file: str) -> SystemCard:
    """A card from a file's bytes; ``file`` is what problems name. Raises as ``read_card``."""
    if len(content) > FILES["system.toml"]:
        raise ProblemsFound([Problem(file, f"{len(content):,} bytes", f"at most {FILES['system.toml']:,}")])
    try:
        text = content.decode("utf-8-sig")
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise ProblemsFound([Problem(file, f"bytes that are no UTF-8 at {error.start}", "a UTF-8 text")]) from error
    except (ValueError, RecursionError) as error:  # tomllib's own, and its stack on a deeply nested file
        raise ProblemsFound([_syntax_problem(file, error)]) from error
    problems = []
    schema = table.pop("schema", None)
    if schema != SCHEMA:
        found = "no schema" if schema is None else f"schema = {shown(schema)}"
        problems.append(Problem(file, found, f'schema = "{SCHEMA}"', line=_line(text, "schema")))
    for key in table:
        if key not in _KEYS:
            expected = "one of " + ", ".join(_KEYS)
            problems.append(
                Problem(file, f"the unknown key {shown(key)}", expected, nearest(key, _KEYS), line=_line(text, key))
            )
    values: dict[str, object] = {}
    for key, rule in _KEYS.items():
        if key in table:
            wrong = rule.problem(table[key])
            if wrong is None:
                values[key] = rule.kept(table[key])
            else:
                problems.append(Problem(file, f"{key} = {shown(table[key])}", wrong, rule.help, line=_line(text, key)))
        elif key not in _DEFAULTS:
            problems.append(Problem(file, f"no {key}", rule.expected, rule.help))
    if problems:
        raise ProblemsFound(problems)
    return SystemCard(**values)  # type: ignore[arg-type]  # each value was checked by its rule


def template() -> str:
    """A card to fill in: valid as it is, with a comment for every key."""
    lines = ["# What the system is. Keys that say (optional) may be left out.", f'schema = "{SCHEMA}"', ""]
    for key, rule in _KEYS.items():
        optional = " (optional)" if key in _DEFAULTS else ""
        lines += [f"# {rule.help}{optional}", f"{key} = {_toml(rule.example)}", ""]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One key: what it says, what is accepted (None, or what would be), an example."""

    help: str
    expected: str
    accepts: Callable[[object], bool]
    example: object
    kept: Callable[[object], object] = lambda value: value

    def problem(self, value: object) -> str | None:
        return None if self.accepts(value) else self.expected


def _text(most: int, pattern: str = "") -> tuple[str, Callable[[object], bool]]:
    def accepts(value: object) -> bool:
        return (
            isinstance(value, str)
            and 1 <= len(value) <= most
            and value == value.strip()
            and value == unicodedata.normalize("NFC", value)
            and all(unicodedata.category(c)[0] != "C" and unicodedata.category(c) not in {"Zl", "Zp"} for c in value)
            and _BLANK_LETTERS.isdisjoint(value)
            and any(unicodedata.category(c)[0] in "LNPS" for c in value)
            and (not pattern or re.fullmatch(pattern, value) is not None)
        )

    return f"a text of 1 to {most} visible characters on one line, without blanks at its ends", accepts


def _choice(*words: str) -> tuple[str, Callable[[object], bool]]:
    return "one of " + ", ".join(f'"{word}"' for word in words), lambda value: isinstance(value, str) and value in words


def _flag() -> tuple[str, Callable[[object], bool]]:
    return "true or false", lambda value: isinstance(value, bool)


def _count(most: int) -> tuple[str, Callable[[object], bool]]:
    return f"a whole number from 1 to {most}", lambda value: type(value) is int and 1 <= value <= most


def _positive() -> tuple[str, Callable[[object], bool]]:
    return "a number above 0", lambda value: type(value) in {int, float} and 0 < value <= _LARGEST


def _is_link(value: object) -> bool:
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= 300
        or not value.isascii()
        or re.search(r"[\s\"'<>\\]", value)
    ):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def _are_inputs(value: object) -> bool:
    return (
        isinstance(value, list)
        and all(one in INPUTS for one in map(str, value))
        and len({*map(str, value)}) == len(value)
    )


_VERSION = r"[A-Za-z0-9][A-Za-z0-9._+-]*"

_KEYS: Mapping[str, _Rule] = {
    "name": _Rule("What the system is called", *_text(60), "my-coach"),
    "version": _Rule(
        "Its version; name and version together name the submission",
        "a text of 1 to 20 letters, digits, dots, pluses, dashes or underscores, a letter or digit first and last",
        lambda value: isinstance(value, str) and len(value) <= 20 and bool(re.fullmatch(_VERSION, value)) and value[-1].isalnum(),
        "1.0",
    ),
    "date": _Rule(
        "When it was made",
        "a date, as in 2026-11-01",
        lambda value: isinstance(value, date) and not isinstance(value, datetime),
        date(2026, 11, 1),
    ),
    "contact": _Rule("Whom to ask", *_text(200), "Ada Example <ada@example.org>"),
    "licence": _Rule("The licence of its code or weights", *_text(60), "Apache-2.0"),
    "weights": _Rule("Whether others can run it: open, api, closed, or none (there are no weights)", *_choice(*WEIGHTS), "open"),
    "inputs": _Rule(
        "What it sees: any of video, pose, audio; [] for a system that sees nothing",
        'a list of "video", "pose", "audio", each at most once',
        _are_inputs,
        ["video"],
        tuple,  # type: ignore[arg-type]  # a list, by the rule
    ),
    "causal": _Rule("true: at any time it has seen nothing of what follows", *_flag(), True),
    "exercise_name": _Rule("Whether it is told the exercise: given, inferred, or unused", *_choice(*EXERCISE_NAME), "given"),
    "poses": _Rule(
        "Where its poses come from: none, benchmark (the pose files that the checker reads too), or own",
        *_choice(*POSES),
        "none",
    ),
    "training_data": _Rule("What it was trained on", *_text(600), "QEVD-FIT-COACH, train split"),
    "seen_test_videos": _Rule("Whether it has seen videos of the test split, labelled or not", *_flag(), False),
    "seen_test_people": _Rule("Whether it has seen people of the test split in other videos", *_flag(), False),
    "hardware": _Rule("What it ran on", *_text(200), "one consumer GPU"),
    "description": _Rule("What it does, in a few sentences", *_text(600), "Says what the right knee does, when it does."),
    "link": _Rule("Where to read more", "an http or https address of at most 300 characters", _is_link, "https://example.org/my-coach"),
    "parameters": _Rule("How many parameters it has", *_count(_LARGEST), 7_000_000_000),
    "rate_hz": _Rule("How many frames (or feature rows) a second it looks at", *_positive(), 4.0, float),  # type: ignore[arg-type]
    "compute_s_per_video_s": _Rule("Seconds of compute for each second of video", *_positive(), 0.5, float),  # type: ignore[arg-type]
    "baseline": _Rule("true for a baseline, which is shown as one", *_flag(), False),
    "runs": _Rule("Of how many runs (seeds) the submitted one was taken", *_count(1000), 1),
}  # fmt: skip
_DEFAULTS = {field.name: field.default for field in fields(SystemCard) if field.default is not MISSING}


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # JSON's escapes are TOML's
    return repr(value)


def _line(text: str, key: str) -> int | None:
    found = re.search(rf"^[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*[.=]", text, re.MULTILINE)
    found = found or re.search(rf"^[ \t]*\[+[ \t]*[\"']?{re.escape(key)}\b", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _syntax_problem(file: str, error: Exception) -> Problem:
    if isinstance(error, RecursionError):
        return Problem(file, "values nested too deeply", "one flat table")
    place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    found = re.sub(r" \(at [^)]*\)$", "", str(error))
    found = f"not TOML: {printable(found, 200)}"
    line, column = (int(place[1]), int(place[2])) if place else (None, None)
    return Problem(file, found, "a flat TOML table, each key once", line=line, column=column)
