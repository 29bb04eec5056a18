"""What a measured fault is called, and which of its angles can be told; from ``data/wordings-1.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

__all__ = ["Angle", "Wording", "Wordings", "data_text", "wordings"]


class Angle(NamedTuple):
    """An angle that can be told: the joint and direction of its claim, and the degree of freedom it is, times a sign.

    ``dof`` is ``trunk`` for lumbar and thoracic together, ``arm`` for the arm's elevation.
    """

    claim: tuple[str, str]
    dof: str
    sign: int


class Wording(NamedTuple):
    """Of one fault: the angle that is told with ``number``, and ``plain``, what is said without one."""

    angle: str | None
    number: str | None
    plain: str | None


@dataclass(frozen=True)
class Wordings:
    """``faults`` by the catalogue's ids, ``angles`` by the names that wordings call them.

    ``put_right``: what somebody says of a fault that has gone.
    """

    version: str
    put_right: tuple[str, ...]
    tempo: str
    angles: Mapping[str, Angle]
    faults: Mapping[str, Wording]


@cache
def wordings() -> Wordings:
    """The packaged wordings."""
    data: dict[str, Any] = tomllib.loads(data_text("wordings-1.toml"))
    angles = {}
    for name, row in data["angles"].items():
        joint, _, direction = row["claim"].partition(" ")
        angles[name] = Angle((joint, direction), row["dof"], row["sign"])
    rows = {
        fault: Wording(row.get("angle"), row.get("number"), row.get("plain")) for fault, row in data["faults"].items()
    }
    return Wordings(data["version"], tuple(data["put_right"]["words"]), data["tempo"]["told"], angles, rows)


@cache
def data_text(name: str) -> str:
    """A file of the package's ``data`` folder."""
    return files("biocoach_model.augmentation").joinpath("data", name).read_text(encoding="utf-8")
