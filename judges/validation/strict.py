"""The values of a JSON file checked one by one, so that everything wrong with a study's file is told in one pass."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import Defects, nearest
from biobench.readers.json_text import JsonText, parse, read_text

__all__ = ["ANY_TEXT", "BOOL", "COUNT", "LIST", "NAME", "SECONDS", "SHA256", "Kind", "Place", "checked", "open_json"]

Place = tuple[str | int, ...]


class Kind(NamedTuple):
    """What a value must be: the test that it must pass, and how a message names it."""

    accepts: Callable[[object], bool]
    expected: str


def open_json(path: Path) -> tuple[JsonText, object, Sequence[Problem]]:
    """A file's text, its value, and the problems of its JSON that still let it be read.

    Raises ``ProblemsFound`` for a file that has no value: unreadable, or of broken syntax.
    """
    source = read_text(path)
    try:
        return source, parse(source), ()
    except ProblemsFound as found:
        try:
            return source, json.loads(source.text), found.problems
        except (ValueError, RecursionError):
            raise found from None


def checked(
    defects: Defects, place: Place, value: object, kinds: Mapping[str, Kind], optional: Collection[str] = ()
) -> dict[str, Any]:
    """The members of an object that are what ``kinds`` say; what is missing, unknown or something else becomes a defect."""
    if not isinstance(value, dict):
        defects.add(place, value, "an object with " + ", ".join(kinds))
        return {}
    unknown = [key for key in value if key not in kinds]
    for key in unknown:
        defects.add_text((*place, key), "an unknown key", "one of " + ", ".join(kinds), nearest(key, kinds))
    for key in kinds:
        if key not in value and key not in optional:
            defects.add_text(place, f"no {key}", f"{key}, {kinds[key].expected}", nearest(key, unknown))
    good = {}
    for key, kind in kinds.items():
        if key in value:
            if kind.accepts(value[key]):
                good[key] = value[key]
            else:
                defects.add((*place, key), value[key], kind.expected)
    return good


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable() and len(value) <= 200


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _is_seconds(value: object) -> bool:
    return type(value) in {int, float} and abs(value) < 1e9 and math.isfinite(value)  # type: ignore[arg-type]


ANY_TEXT = Kind(lambda value: isinstance(value, str), "a string")
BOOL = Kind(lambda value: isinstance(value, bool), "true or false")
COUNT = Kind(lambda value: type(value) is int and 0 <= value < 2**63, "a whole number of 0 or more")
LIST = Kind(lambda value: isinstance(value, list), "a list")
NAME = Kind(_is_name, "a printable name of at most 200 characters")
SECONDS = Kind(_is_seconds, "seconds, a finite number")
SHA256 = Kind(_is_sha256, "a SHA-256 digest, 64 hexadecimal digits")
