"""Which joints a session's exercise is about: learned from the first seconds of the video, or the published fixed table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from biobench.body.skel import find, joints, sided
from biobench.exercises import knowledge
from biocoach_model.violations import Violation

__all__ = [
    "JOINTS",
    "KEPT",
    "JointSelector",
    "balanced_loss",
    "exercise_joints",
    "of_joints",
    "of_table",
    "selected",
]

JOINTS = tuple(joint.name for joint in joints())
"""The 24 joints, in the order of the selector's outputs."""
KEPT = 12
"""Joints that are kept for the session (published)."""


class JointSelector(nn.Module):
    """A three-layer network on the first seconds' features: a logit for every joint.

    ``pool`` is ``mean`` (over rows and cells) or ``grid`` (over rows; cells stay apart).
    """

    def __init__(self, channels: int, cells: int, hidden: int, pool: str = "mean") -> None:
        super().__init__()
        if pool not in ("mean", "grid"):
            raise ValueError(f"pool {pool!r}, expected mean or grid")
        self.pool = pool
        width = channels * (cells if pool == "grid" else 1)
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, len(JOINTS))
        )

    def forward(self, window: Tensor) -> Tensor:
        """Logits (24,) of a window's rows (rows, cells, channels); their sigmoids are the published scores."""
        pooled = window.mean(0) if self.pool == "grid" else window.mean((0, 1))
        logits: Tensor = self.layers(pooled.flatten())
        return logits


def selected(logits: Tensor, kept: int = KEPT) -> frozenset[str]:
    """The names of the joints with the highest scores."""
    return frozenset(JOINTS[k] for k in torch.topk(logits, kept).indices.tolist())


def balanced_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Binary cross-entropy in which the wanted joints weigh as much as the others, (..., 24) each -> a scalar."""
    ones = wanted.sum(-1, keepdim=True).clamp(min=1.0)
    others = (1 - wanted).sum(-1, keepdim=True).clamp(min=1.0)
    weights = wanted / (2 * ones) + (1 - wanted) / (2 * others)
    terms = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (weights * terms).sum(-1).mean()


@cache
def exercise_joints(exercise: str) -> tuple[float, ...]:
    """1 for every joint that an exercise's table or faults are about, 0 for the others, in the order of ``JOINTS``.

    Raises ``KeyError`` for an exercise that the catalogue lacks.
    """
    known = knowledge(exercise)
    names = [known.cycle.dof]
    names += [constraint.dof for constraint in (*known.static, *known.dynamic, *known.also)]
    names += [move.dof for fault in known.faults for move in fault.moves]
    about = {find(sided(name, side)).joint for name in names for side in ("right", "left")}
    return tuple(float(name in about) for name in JOINTS)


def of_joints(violations: Sequence[Violation], kept: Collection[str]) -> tuple[Violation, ...]:
    """The violations that show at one of the joints, in their order."""
    return tuple(violation for violation in violations if find(violation.dof).joint in kept)


def of_table(violations: Sequence[Violation], exercise: str) -> tuple[Violation, ...]:
    """The violations of the degrees of freedom that the published table lists for an exercise (``released`` mode)."""
    known = knowledge(exercise)
    listed = {c.dof for c in (*known.static, *known.dynamic) if c.published}
    allowed = {find(sided(name, side)).name for name in listed for side in ("right", "left")}
    return tuple(violation for violation in violations if violation.dof in allowed)
