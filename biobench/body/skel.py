"""The 46 degrees of freedom of a SKEL pose: order, names, what positive means, mirror, limits; from ``data/skel.toml``.

Shoulder x, y and z are SKEL's own (zero is the T-pose): they are no clinical flexion or abduction. For those use
``biobench.body.kinematics.arm_elevation_deg``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from biobench.readers.defects import nearest

__all__ = [
    "COUNT",
    "Dof",
    "Joint",
    "Side",
    "dofs",
    "find",
    "index",
    "joints",
    "mirror",
    "mirror_name",
    "sided",
]

COUNT = 46
"""Degrees of freedom of a pose."""

Side = Literal["left", "right"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Dof:
    """One degree of freedom.

    ``base`` is its name without a side; ``plus`` and ``clinical`` say what a positive angle is; ``limits_deg`` are HSMR's,
    which it does not enforce; ``uncertain`` marks a sign or limit of low confidence.
    """

    index: int
    name: str
    base: str
    side: Side | None
    joint: str
    plus: str
    clinical: str
    limits_deg: tuple[float, float] | None
    uncertain: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joint:
    """One of the 24 joints: its parent (None for the pelvis), its axes, and the degrees of freedom that turn about them."""

    index: int
    name: str
    parent: int | None
    axes: tuple[tuple[float, float, float], ...]
    dofs: tuple[int, ...]


@cache
def dofs() -> tuple[Dof, ...]:
    """All 46, in order."""
    table = _table()
    found: list[Dof] = []
    for block in table["order"]["blocks"]:
        kind, _, letter = block.partition(" ")
        side: Side | None = {"r": "right", "l": "left"}.get(letter)  # type: ignore[assignment]
        found += [
            _dof(len(found) + k, row, table[kind].get("joint", ""), side) for k, row in enumerate(table[kind]["rows"])
        ]
    return tuple(found)


@cache
def joints() -> tuple[Joint, ...]:
    """All 24, parents before children."""
    table = _table()["joints"]
    by_joint: dict[str, list[int]] = {}
    for dof in dofs():
        by_joint.setdefault(dof.joint, []).append(dof.index)
    return tuple(
        Joint(
            index=k,
            name=name,
            parent=None if parent < 0 else parent,
            axes=tuple((float(x), float(y), float(z)) for x, y, z in table["axes"][name]),
            dofs=tuple(by_joint[name]),
        )
        for k, (name, parent) in enumerate(zip(table["names"], table["parents"], strict=True))
    )


def find(name: str) -> Dof:
    """The degree of freedom of that name or alias. Raises ``KeyError`` with the nearest name.

    >>> find("knee_angle_r").clinical, find("pronation_l").name
    ('knee flexion', 'pro_sup_l')
    """
    known = _by_name()
    if name not in known:
        raise KeyError(
            f"no degree of freedom {name!r}; {nearest(name, known) or 'they are SKEL names such as knee_angle_r'}"
        )
    return known[name]


def index(name: str) -> int:
    """Its place in a pose. Raises ``KeyError`` as ``find``.

    >>> index("hip_flexion_l"), index("shoulder_l_x")
    (10, 39)
    """
    return find(name).index


@cache
def sided(base: str, side: Side) -> str:
    """The name of a base name's degree of freedom on a side; one without sides keeps its name.

    >>> sided("knee_angle", "left"), sided("shoulder_x", "right"), sided("lumbar_twist", "left")
    ('knee_angle_l', 'shoulder_r_x', 'lumbar_twist')
    """
    for dof in dofs():
        if dof.base == base and dof.side in (None, side):
            return dof.name
    return find(base).name


def mirror_name(name: str) -> str:
    """The degree of freedom that a mirrored pose has this one's angle in."""
    return dofs()[int(_mirror()[0][index(name)])].name


def mirror(angles_rad: Floats) -> Floats:
    """The pose seen in a mirror, (..., 46) radians: sides exchanged, and signs where an axis is mirrored.

    >>> mirror(mirror(np.arange(46.0))).tolist() == list(range(46))
    True
    """
    order, signs = _mirror()
    mirrored: Floats = angles_rad[..., order] * signs
    return mirrored


@cache
def _mirror() -> tuple[NDArray[np.int64], Floats]:
    rows: dict[str, Any] = {
        row["name"]: row for kind in ("pelvis", "leg", "spine", "arm") for row in _table()[kind]["rows"]
    }
    order = [next(o.index for o in dofs() if o.base == d.base and (d.side is None or o.side != d.side)) for d in dofs()]
    return np.array(order), np.array([float(rows[dof.base]["mirror"]) for dof in dofs()])


def _dof(place: int, row: Mapping[str, Any], joint: str, side: Side | None) -> Dof:
    base = row["name"]
    letter = "" if side is None else f"_{side[0]}"
    middle = row.get("side_of_name") == "middle"
    name = base.replace("_", f"{letter}_", 1) if middle else base + letter
    limits = row.get("limits_l", row.get("limits")) if side == "left" else row.get("limits")
    return Dof(
        index=place,
        name=name,
        base=base,
        side=side,
        joint=row["joint"] + (letter if side else "") if "joint" in row else joint,
        plus=row["plus"],
        clinical=row["clinical"],
        limits_deg=None if limits is None else (float(limits[0]), float(limits[1])),
        uncertain=row.get("low", False),
        aliases=(f"{row['alias']}{letter}",) if "alias" in row else (),
    )


@cache
def _by_name() -> Mapping[str, Dof]:
    return {name: dof for dof in dofs() for name in (dof.name, *dof.aliases)}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("biobench").joinpath("data/skel.toml").read_text(encoding="utf-8"))
