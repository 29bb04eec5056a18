"""The exercises by name: one name for every spelling that the data use, with the side kept apart."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Exercise", "find_exercise", "names"]


class Exercise(NamedTuple):
    """An exercise of the catalogue and, where the spelling gave one, the side (``left`` or ``right``)."""

    name: str
    side: str | None = None


def names() -> tuple[str, ...]:
    """The names of the catalogue, sorted."""
    return tuple(sorted(set(_catalogue().values())))


def find_exercise(spelling: str) -> Exercise | None:
    """The exercise behind a spelling of the data, or None where the catalogue has none.

    >>> find_exercise("armcrosschest right")
    Exercise(name='deltoid stretch', side='right')
    >>> find_exercise("Push-Ups")
    Exercise(name='push ups', side=None)
    """
    words = re.findall(r"[^\W_]+", spelling.casefold())
    side = words.pop() if len(words) > 1 and words[-1] in {"left", "right"} else None
    name = _catalogue().get(_key(words))
    return Exercise(name, side) if name else None


def _key(words: list[str]) -> str:
    return "".join(words).removesuffix("s")


@cache
def _catalogue() -> dict[str, str]:
    text = files("biobench").joinpath("data/exercises.toml").read_text(encoding="utf-8")
    aliases: dict[str, list[str]] = tomllib.loads(text)["aliases"]
    return {
        _key(re.findall(r"[^\W_]+", spelling)): name
        for name, others in aliases.items()
        for spelling in (name, *others)
    }
