"""The one angle that shows an exercise's repetitions, made from all 46."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biobench.body.skel import Side, index, mirror, sided
from biobench.exercises import knowledge

__all__ = ["cycle_signal"]

Floats = NDArray[np.float64]


def cycle_signal(angles_rad: Floats, exercise: str, side: Side | None = None) -> Floats:
    """The cycle of the catalogue, (frames, 46) -> (frames,) radians.

    Left shoulders are mirrored, so that both sides mean the same. ``left-minus-right`` swings up when the left side leads
    (if its key moment is a maximum); ``lead`` is the ``side`` of a stretch. Raises ``KeyError`` for an unknown exercise.
    """
    cycle = knowledge(exercise).cycle
    place = index(sided(cycle.dof, "right"))
    right, left = angles_rad[:, place], mirror(angles_rad)[:, place]
    if cycle.signal == "left-minus-right":
        return left - right
    if cycle.signal == "mean":
        return (left + right) / 2
    return left if cycle.signal == "lead" and side == "left" else right
