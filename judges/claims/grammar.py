"""Lists of small words by name, from ``data/grammar.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["grammar", "units", "written"]


@cache
def grammar(name: str) -> frozenset[str]:
    """The words of a list. Raises ``KeyError`` for a name that is none of the file's."""
    return frozenset(_data()["words"][name])


@cache
def units() -> Mapping[str, str]:
    """The unit that a word names."""
    return {word: unit for unit, words in _data()["units"].items() for word in words}


@cache
def written() -> Mapping[str, str]:
    """Words written in haste, and what they stand for."""
    return dict(_data()["written"])


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("judges.claims") / "data" / "grammar.toml").read_text("utf-8"))
