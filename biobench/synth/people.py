"""The people of QEVD-synth: their bodies, and how they move. Those of train and test are different people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from biobench.synth.draw import Draw
from biobench.synth.movements import movements

__all__ = ["PEOPLE", "Person", "Split", "draw_people"]

Split = Literal["train", "test"]

PEOPLE: Mapping[Split, int] = {"train": 14, "test": 7}
"""How many there are; the published test split has seven."""

_HABITS = 10


@dataclass(frozen=True, slots=True)
class Person:
    """One person. Lengths in metres, mass in kilograms.

    ``arm_ratio`` is arm length over height, ``leg_ratio`` leg length over height, ``thigh_ratio`` thigh over leg.
    ``tempo`` multiplies the time that a repetition takes; ``range_of_motion`` its depth; ``asymmetry`` from -1 to 1 is
    how much more faults are on the left (positive) or the right; ``fatigue`` from 0 to 1 is how much slower and
    shallower repetitions become; ``habits`` are the ids of faults that this person makes more than others.
    """

    id: str
    height_m: float
    mass_kg: float
    chest_m: float
    waist_m: float
    hips_m: float
    arm_ratio: float
    leg_ratio: float
    thigh_ratio: float
    tempo: float
    range_of_motion: float
    asymmetry: float
    fatigue: float
    habits: tuple[str, ...]


def draw_people(seed: int, split: Split) -> tuple[Person, ...]:
    """The people of a split; their ids begin with its name."""
    return tuple(_person(f"{split}-{k}", Draw(seed, "person", split, k)) for k in range(1, PEOPLE[split] + 1))


def _person(name: str, draw: Draw) -> Person:
    height = draw.bell(1.48, 1.96)
    body_mass_index = draw.bell(17.0, 33.0)
    over = body_mass_index - 22.0
    return Person(
        id=name,
        height_m=round(height, 3),
        mass_kg=round(body_mass_index * height * height, 1),
        chest_m=round(height * (0.535 + 0.011 * over + draw.between(-0.015, 0.015)), 3),
        waist_m=round(height * (0.455 + 0.014 * over + draw.between(-0.020, 0.020)), 3),
        hips_m=round(height * (0.570 + 0.009 * over + draw.between(-0.015, 0.015)), 3),
        arm_ratio=round(draw.bell(0.415, 0.465), 4),
        leg_ratio=round(draw.bell(0.445, 0.505), 4),
        thigh_ratio=round(draw.bell(0.485, 0.535), 4),
        tempo=round(draw.bell(0.85, 1.20), 3),
        range_of_motion=round(draw.bell(0.94, 1.06), 3),
        asymmetry=round(draw.bell(-1.0, 1.0), 3),
        fatigue=round(draw.bell(0.0, 1.0), 3),
        habits=_habits(draw),
    )


def _habits(draw: Draw) -> tuple[str, ...]:
    unchosen = list(_fault_ids())
    habits = []
    for _ in range(_HABITS):
        habit = draw.pick(unchosen)
        unchosen.remove(habit)
        habits.append(habit)
    return tuple(sorted(habits))


@cache
def _fault_ids() -> tuple[str, ...]:
    return tuple(sorted({fault.id for movement in movements().values() for fault in movement.technique}))
