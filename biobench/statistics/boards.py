"""Systems side by side: one metric, the same clusters, and what each cluster adds to each score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biobench.statistics.sums import ClusterSums, Floats, ScoreFunction, contributions, shares

__all__ = ["Board", "LeftOut", "board"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A system that can't be compared, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Systems scored by one metric on the same clusters, made by ``board``.

    Names and clusters are sorted, so input order decides nothing. ``sums`` has shape (N, G, k),
    ``contributions`` (N, G), ``scores`` (N,), ``shares`` (G,).

    The shares of the clusters are the mean over systems. With each system's own, those who talk more in one
    cluster and less in another would add differences that cancel in the score but not in its spread: the joint
    test would then find next to nothing.
    """

    names: tuple[str, ...]
    clusters: tuple[str, ...]
    score: ScoreFunction
    higher_is_better: bool
    sums: Floats
    shares: Floats
    scores: Floats
    contributions: Floats
    left_out: tuple[LeftOut, ...]

    def __post_init__(self) -> None:
        shape = (len(self.names), len(self.clusters))
        if self.sums.shape[:2] != shape or self.shares.shape != shape[1:] or self.contributions.shape != shape:
            raise ValueError("the board's parts don't fit together")
        if self.scores.shape != shape[:1] or not np.all(np.isfinite(self.scores)):
            raise ValueError("a board holds systems with a score only")


def board(
    score: ScoreFunction,
    systems: Mapping[str, ClusterSums],
    weights: Mapping[str, Sequence[float] | Floats] | None = None,
    *,
    higher_is_better: bool = True,
) -> Board:
    """Puts systems on one board.

    ``weights`` of a system as for ``interval``, in the order of its own clusters. A system without a score is
    left out, by name. Raises ``ValueError`` where systems were not scored on the same clusters.
    """
    names = sorted(systems)
    clusters = tuple(sorted(systems[names[0]].names)) if names else ()
    kept: dict[str, Floats] = {}
    parts = []
    left_out = []
    for name in names:
        table = systems[name]
        if tuple(sorted(table.names)) != clusters:
            raise ValueError(f"{name} and {names[0]} were scored on different clusters")
        order = [table.names.index(cluster) for cluster in clusters]
        if math.isnan(float(score(table.sums.sum(axis=0)))):
            left_out.append(LeftOut(name, "it has no score"))
        else:
            kept[name] = table.sums[order]
            parts.append(shares(table.segments if weights is None else weights[name], len(clusters))[order])
    common = np.mean(parts, axis=0) if parts else np.zeros(len(clusters))
    return Board(
        names=tuple(kept),
        clusters=clusters,
        score=score,
        higher_is_better=higher_is_better,
        sums=np.array(list(kept.values())).reshape(len(kept), len(clusters), -1 if kept else 0),
        shares=common,
        scores=np.array([float(score(sums.sum(axis=0))) for sums in kept.values()]),
        contributions=np.array([contributions(score, sums, common) for sums in kept.values()]).reshape(
            len(kept), len(clusters)
        ),
        left_out=tuple(left_out),
    )
