"""What a repetition does wrong: constraints of the published table, and the catalogue's faults that explain the deviations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from biobench.body.phases import phase_at
from biobench.body.skel import COUNT, Side, dofs, find, index, sided
from biobench.exercises import ExerciseFault, knowledge
from biobench.synth.poses import fault_pose
from biocoach_model.alignment import GRID

__all__ = ["DYNAMIC_DEG", "STATIC_DEG", "Violation", "broken_constraints", "explaining_faults"]

Floats = NDArray[np.float64]

STATIC_DEG = 5.0
"""A joint that must hold still may wander by as much from the reference, to each side (published)."""
DYNAMIC_DEG = 10.0
"""A joint that must reach the reference may fall short by as much (published: 5 to 10)."""
LEAST_SEVERITY = 1 / 3
"""What the catalogue calls mild; below it nobody would speak."""
_SOFT = np.hanning(11) / np.hanning(11).sum()
"""Phases begin and end over a tenth of a repetition."""
_PRIORITY = {"critical": 3, "high": 2, "medium": 1}

Kind = Literal["fault", "static", "dynamic"]


class Violation(NamedTuple):
    """One thing that is wrong with a repetition.

    ``name`` is a fault's id, or a degree of freedom; ``severity`` of a fault is in the catalogue's terms (a third mild, two
    thirds clear, 1 severe). ``measured_deg`` and ``wanted_deg`` are those of ``dof`` where it shows the most; ``weight``
    ranks violations.
    """

    kind: Kind
    name: str
    side: Side | None
    phase: str
    dof: str
    measured_deg: float
    wanted_deg: float
    severity: float
    weight: float

    @property
    def grade(self) -> str:
        """``mild``, ``clear`` or ``severe``."""
        return "mild" if self.severity < 0.5 else "clear" if self.severity < 5 / 6 else "severe"


def explaining_faults(exercise: str, deviation: Floats, wanted_deg: Floats, lead: Side | None) -> list[Violation]:
    """The faults that together explain a deviation, (41, 46) degrees, or (1, 46) of a hold; the heaviest first.

    Each fault of the catalogue says which angles it moves, by how much at its worst, and in which phase. Their
    severities are the non-negative least squares fit to the deviation (Lawson and Hanson), so that two faults that move the
    same joint share what is seen. Those below a third are left out. ``wanted_deg`` is the reference, of the same shape.
    """
    names, columns = _columns(exercise, lead, len(deviation))
    seen = np.any(columns != 0, axis=1)
    weights, _ = nnls(columns[seen], deviation.ravel()[seen])
    found: dict[tuple[str, Side | None], Violation] = {}
    for (fault, side), severity, column in zip(names, weights.tolist(), columns.T, strict=True):
        known = found.get((fault.id, side))
        if severity < LEAST_SEVERITY or (known is not None and known.severity >= severity):
            continue
        dof = _main_dof(fault, side)
        place = int(np.argmax(np.abs(column.reshape(-1, COUNT)[:, dof])))
        wanted = float(wanted_deg[place, dof])
        harm = {"safety": 1.0, "technique": 0.5, "cosmetic": 0.25}[fault.harm]
        found[fault.id, side] = Violation(
            kind="fault",
            name=fault.id,
            side=side,
            phase=fault.phase,
            dof=dofs()[dof].name,
            measured_deg=wanted + float(deviation[place, dof]),
            wanted_deg=wanted,
            severity=min(severity, 1.5),
            weight=harm * min(severity, 1.5),
        )
    return sorted(found.values(), key=lambda v: (-v.weight, v.name, str(v.side)))


def broken_constraints(
    exercise: str,
    deviation: Floats,
    wanted_deg: Floats,
    static_deg: float = STATIC_DEG,
    dynamic_deg: float = DYNAMIC_DEG,
) -> list[Violation]:
    """The published reading: what does not hold still, and what does not reach the reference; the weightiest first."""
    known = knowledge(exercise)
    found = []
    key = slice(len(GRID) // 2 - 6, len(GRID) // 2 + 7) if len(deviation) > 1 else slice(None)
    measured = wanted_deg + deviation
    low, high = np.percentile(deviation, [5, 95], axis=0)
    wandering = np.abs(low) if len(deviation) == 1 else (high - low) / 2
    for constraint in known.static:
        for name in _both(constraint.dof):
            k = index(name)
            off = float(wandering[k])
            if off > static_deg:
                place = int(np.argmax(np.abs(deviation[:, k])))
                found.append(
                    _constraint("static", name, measured, wanted_deg, place, off / static_deg, constraint.priority)
                )
    for constraint in known.dynamic:
        pick = np.max if constraint.extreme == "max" else np.min
        for name in _both(constraint.dof):
            k = index(name)
            if find(name).side == "left" and find(name).base.startswith("shoulder_x"):
                pick = np.min if constraint.extreme == "max" else np.max  # SKEL's left shoulder x is mirrored
            short = abs(float(pick(measured[key, k]) - pick(wanted_deg[key, k])))
            if short > dynamic_deg:
                place = len(GRID) // 2 if len(deviation) > 1 else 0
                found.append(
                    _constraint("dynamic", name, measured, wanted_deg, place, short / dynamic_deg, constraint.priority)
                )
    return sorted(found, key=lambda v: (-v.weight, v.name))


def _constraint(
    kind: Kind, name: str, measured: Floats, wanted: Floats, place: int, times: float, priority: str
) -> Violation:
    dof = find(name)
    return Violation(
        kind=kind,
        name=name,
        side=dof.side,
        phase="throughout" if kind == "static" else "key moment",
        dof=name,
        measured_deg=float(measured[place, dof.index]),
        wanted_deg=float(wanted[place, dof.index]),
        severity=min(1.5, times / 3),
        weight=_PRIORITY[priority] * min(times, 4.0),
    )


def _both(base: str) -> Sequence[str]:
    return tuple(dict.fromkeys(sided(base, side) for side in ("right", "left")))


@lru_cache(maxsize=256)
def _columns(exercise: str, lead: Side | None, rows: int) -> tuple[list[tuple[ExerciseFault, Side | None]], Floats]:
    """One column a fault and side (both signs of a sway): what it adds at its worst, (rows * 46, columns)."""
    names: list[tuple[ExerciseFault, Side | None]] = []
    columns: list[Floats] = []
    for fault in knowledge(exercise).faults:
        if not fault.moves:
            continue
        sides: tuple[Side | None, ...] = ("left", "right") if fault.sided else (None,)
        for side in sides:
            if fault.sided and lead is not None and side != lead:
                continue  # it shows on the side that leads
            added = _window(exercise, fault.phase, rows)[:, None] * fault_pose(fault, side)
            for sign in (1.0, -1.0) if fault.sway else (1.0,):
                names.append((fault, side))
                columns.append((sign * added).ravel())
    return names, np.array(columns).T


def _main_dof(fault: ExerciseFault, side: Side | None) -> int:
    """The degree of freedom that a fault moves the most: the one to speak of."""
    main = max(fault.moves, key=lambda move: move.severe_deg)
    return index(main.dof if main.dof not in {dof.base for dof in dofs()} else sided(main.dof, side or "right"))


def _window(exercise: str, phase: str, rows: int) -> Floats:
    """Where in a repetition a phase is, 0 to 1."""
    if rows == 1 or phase in {"throughout", "hold"}:
        return np.ones(rows)
    inside = np.array([phase_at(exercise, float(share)) == phase for share in GRID], dtype=np.float64)
    window: Floats = np.convolve(np.pad(inside, len(_SOFT) // 2, mode="edge"), _SOFT, "valid")
    return window
