"""The exercises by name: one name for every spelling that the data use, with the side kept apart; and their faults."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

__all__ = ["Exercise", "ExerciseFault", "Harm", "faults", "find_exercise", "names"]

Harm = Literal["safety", "technique", "cosmetic"]


class Exercise(NamedTuple):
    """An exercise of the catalogue and, where the spelling gave one, the side (``left`` or ``right``)."""

    name: str
    side: str | None = None


class ExerciseFault(NamedTuple):
    """What people do wrong in an exercise.

    ``lay`` and ``clinical`` are short labels; a ``sided`` fault is one of the left or of the right; ``harm`` is the
    worst that it does; ``phase`` is where in a repetition it shows. An ``id`` is the same fault in every exercise.
    """

    id: str
    lay: str
    clinical: str
    sided: bool
    harm: Harm
    phase: str


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


def faults(exercise: str) -> tuple[ExerciseFault, ...]:
    """The faults of an exercise, under any of its spellings. Raises ``KeyError`` for one that the catalogue lacks.

    >>> [fault.id for fault in faults("Push-Ups") if fault.harm == "safety"]
    ['hips-sag', 'elbows-flared']
    """
    found = find_exercise(exercise)
    if found is None:
        raise KeyError(f"the catalogue has no exercise {exercise!r}")
    return _faults()[found.name]


def _key(words: list[str]) -> str:
    return "".join(words).removesuffix("s")


@cache
def _catalogue() -> dict[str, str]:
    aliases: dict[str, list[str]] = _table()["aliases"]
    return {
        _key(re.findall(r"[^\W_]+", spelling)): name for name, others in aliases.items() for spelling in (name, *others)
    }


@cache
def _faults() -> dict[str, tuple[ExerciseFault, ...]]:
    rows: dict[str, dict[str, dict[str, Any]]] = _table()["faults"]
    return {
        name: tuple(ExerciseFault(id=fault, **fields) for fault, fields in of_exercise.items())
        for name, of_exercise in rows.items()
    }


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("biobench").joinpath("data/exercises.toml").read_text(encoding="utf-8"))
