"""Poses of good form, from ``data/synth/poses.toml``: keyframes of one repetition, and what a fault adds to them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biobench.body.skel import COUNT, Side, dofs, find, index, mirror
from biobench.exercises import ExerciseFault, knowledge

__all__ = [
    "Floats",
    "base_pose",
    "ease",
    "fault_pose",
    "keyframes",
    "phase_weight",
    "repetition_pose",
    "spread_degrees",
]

Floats = NDArray[np.float64]


def base_pose(exercise: str) -> Floats:
    """The pose between repetitions, (46,) degrees; the pelvis' tilt counts from upright."""
    return spread_degrees({**_table()["arms"], **_row(exercise)["base"]}, None)


def keyframes(exercise: str, lead: Side | None) -> list[tuple[float, Floats]]:
    """(fraction of the repetition, pose in degrees) from 0 to 1; ``lead`` is the side that leads it or is stretched."""
    row, base = _row(exercise), base_pose(exercise)
    side: Side = lead or "right"
    other: Side = "left" if side == "right" else "right"
    key = _changed(base, row.get("key", {}), None)
    sides: tuple[tuple[str, Side], ...] = (("lead", side), ("other", other), ("right", "right"), ("left", "left"))
    for name, on in sides:
        key = _changed(key, row.get(name, {}), on)
    frames = [(0.0, base), (0.5, key)]
    if "late" in row:
        late = dict(row["late"])
        at = late.pop("at")
        pose = _changed(_changed(base, late, None), row.get("late_lead", {}), side)
        frames.append((at, pose))
    return [*frames, (1.0, base)]


def repetition_pose(exercise: str, lead: Side | None, at: Floats, depth: Floats | float = 1.0) -> Floats:
    """The pose at fractions ``at`` (frames,) of a repetition, (frames, 46) degrees; ``depth`` scales what moves."""
    frames = keyframes(exercise, lead)
    base = frames[0][1]
    pose = np.zeros((len(at), COUNT))
    for (start, first), (end, second) in pairwise(frames):
        inside = (at >= start) & ((at < end) | (end == 1.0))
        share = ease((at[inside] - start) / (end - start))[:, None]
        pose[inside] = first + share * (second - first)
    scaled: Floats = base + (pose - base) * np.broadcast_to(depth, (len(at),))[:, None]
    return scaled


def fault_pose(fault: ExerciseFault, side: Side | None) -> Floats:
    """What a fault adds at its worst, (46,) degrees: on its side, or on both."""
    added = np.zeros(COUNT)
    for move in fault.moves:
        size = move.direction * move.severe_deg
        names = {dof.name for dof in dofs()}
        if move.dof in names and find(move.dof).side is not None:
            added[index(move.dof)] += size
        else:
            added += spread_degrees({move.dof: size}, side)
    return added


def phase_weight(phase: str, exercise: str, at: Floats) -> Floats:
    """How much a fault of this phase shows at fractions ``at`` of a repetition, 0 to 1."""
    if phase in {"throughout", "hold"}:
        return np.ones(len(at))
    if phase in {"start", "landing"}:
        return 1.0 - _bump(at, 0.5, 1.0)
    late = _row(exercise).get("late", {}).get("at")
    if phase in {"flight", "top"} and late is not None:
        return _bump(at, late, 0.5)
    phases = [one for one in knowledge(exercise).phases if one not in {"start", "landing"}]
    key = next(one for one in ("bottom", "top", "reach", "flight", "step") if one in phases)
    before, after = phases[: phases.index(key)], phases[phases.index(key) + 1 :]
    if phase in before:
        return _bump(at, 0.5 * (before.index(phase) + 1) / (len(before) + 1), 0.5)
    if phase in after:
        return _bump(at, 0.5 + 0.5 * (after.index(phase) + 1) / (len(after) + 1), 0.5)
    return _bump(at, 0.5, 0.6)


def ease(share: Floats) -> Floats:
    """0 to 1 with rest at both ends: half a cosine."""
    eased: Floats = 0.5 - 0.5 * np.cos(np.pi * np.clip(share, 0.0, 1.0))
    return eased


def _bump(at: Floats, centre: float, width: float) -> Floats:
    distance = np.clip(np.abs(at - centre) / (width / 2), 0.0, 1.0)
    bump: Floats = 0.5 + 0.5 * np.cos(np.pi * distance)
    return bump


def spread_degrees(degrees: Mapping[str, float], side: Side | None) -> Floats:
    """Base names on the right, then mirrored to the left; on one side only where one is given."""
    pose = np.zeros(COUNT)
    for dof in dofs():
        if dof.base in degrees and dof.side in (None, "right"):
            pose[dof.index] = degrees[dof.base]
    if side == "right":
        return pose
    mirrored = mirror(pose)
    if side == "left":
        return mirrored
    return np.where([dof.side == "left" for dof in dofs()], mirrored, pose)


def _changed(pose: Floats, degrees: Mapping[str, float], side: Side | None) -> Floats:
    """The pose with the named angles set."""
    if not degrees:
        return pose
    wanted = spread_degrees(degrees, side)
    named = [dof.base in degrees and (side is None or dof.side in (None, side)) for dof in dofs()]
    return np.where(named, wanted, pose)


def _row(exercise: str) -> Mapping[str, Any]:
    row: Mapping[str, Any] = _table()["poses"][exercise]
    return row


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("biobench").joinpath("data/synth/poses.toml").read_text(encoding="utf-8"))
