"""How each exercise is performed: period, sides, what is counted; from ``data/synth/movements.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NotRequired, TypedDict, cast

from biobench.exercises import ExerciseFault, faults, names

__all__ = ["Movement", "are_opposites", "are_related", "movements", "tempo_factors"]


@dataclass(frozen=True, slots=True)
class Movement:
    """One exercise as the generator performs it.

    ``spelling`` is its name in the annotations (a ``sided`` exercise gets a side appended); ``period_s`` the shortest
    and longest repetition of an average person; ``noun`` what is counted, one and many, or None; ``depth_fault`` the
    fault that takes away depth. ``technique`` and ``tempo`` are its faults in the catalogue.
    """

    exercise: str
    spelling: str
    period_s: tuple[float, float]
    noun: tuple[str, str] | None
    sided: bool
    alternating: bool
    depth_fault: str | None
    technique: tuple[ExerciseFault, ...]
    tempo: tuple[ExerciseFault, ...]

    def fault(self, fault_id: str) -> ExerciseFault:
        """The fault of this id. Raises ``KeyError``."""
        for fault in (*self.technique, *self.tempo):
            if fault.id == fault_id:
                return fault
        raise KeyError(f"{self.exercise} has no fault {fault_id}")


@cache
def movements() -> Mapping[str, Movement]:
    """All of them by the catalogue's name, in its order."""
    return {name: _movement(name) for name in names()}


@cache
def tempo_factors() -> Mapping[str, float]:
    """Faults of tempo, and by how much each multiplies the time that a repetition takes."""
    return _table()["tempo"]


def are_opposites(one: str, other: str) -> bool:
    """Whether two faults exclude each other."""
    return any(one in pair and other in pair for pair in _table()["opposites"])


def are_related(one: str, other: str) -> bool:
    """Whether making one fault forbids praise for the lack of the other; opposites do."""
    return are_opposites(one, other) or any(one in pair and other in pair for pair in _table()["related"])


class _Row(TypedDict):
    spelled: str
    period_s: list[float]
    noun: list[str]
    sided: NotRequired[bool]
    alternating: NotRequired[bool]
    depth: NotRequired[str]


class _Table(TypedDict):
    opposites: list[list[str]]
    related: list[list[str]]
    tempo: dict[str, float]
    exercises: dict[str, _Row]


def _movement(name: str) -> Movement:
    row = _table()["exercises"][name]
    tempo = tempo_factors()
    shortest_s, longest_s = row["period_s"]
    return Movement(
        exercise=name,
        spelling=row["spelled"],
        period_s=(shortest_s, longest_s),
        noun=(row["noun"][0], row["noun"][1]) if row["noun"] else None,
        sided=row.get("sided", False),
        alternating=row.get("alternating", False),
        depth_fault=row.get("depth"),
        technique=tuple(fault for fault in faults(name) if fault.id not in tempo),
        tempo=tuple(fault for fault in faults(name) if fault.id in tempo),
    )


@cache
def _table() -> _Table:
    text = files("biobench").joinpath("data/synth/movements.toml").read_text(encoding="utf-8")
    return cast("_Table", tomllib.loads(text))
