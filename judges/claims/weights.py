"""The weights of slots and the thresholds of likeness, from ``data/weights.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["SLOTS", "Weights", "weights"]

SLOTS = ("joint", "direction", "side", "quantity", "rom", "verdict", "phase", "reps")
Pairs = frozenset[frozenset[str]]


@dataclass(frozen=True)
class Weights:
    """What each slot weighs, what counts as partly alike, and below which likeness there is none."""

    version: str
    slots: Mapping[str, float]
    threshold: float
    angle_full_deg: float
    angle_none_deg: float
    partly: Mapping[str, float]
    harm: Mapping[str, float]
    related: Pairs
    adjacent: Pairs
    opposed: Pairs
    """Phases that cannot be meant both."""


@cache
def weights() -> Weights:
    """The packaged weights."""
    data: dict[str, Any] = tomllib.loads((files("judges.claims") / "data" / "weights.toml").read_text("utf-8"))
    return Weights(
        data["version"],
        data["slots"],
        data["threshold"],
        data["angle_full_deg"],
        data["angle_none_deg"],
        data["partly"],
        data["harm"],
        frozenset(map(frozenset, data["related"]["pairs"])),
        frozenset(map(frozenset, data["adjacent"]["pairs"])),
        frozenset(map(frozenset, data["opposed"]["pairs"])),
    )
