"""Places that the data support: rank sets, tiers, and how often a system would come out on top.

Rank sets and tiers follow from the joint test's rejections alone. Compute them once over the whole board:
under a filter there are fewer pairs, other rejections, and a system could buy a better place by hiding its
rivals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from biobench.statistics.boards import Board
from biobench.statistics.seeds import generator

__all__ = ["Rank", "rank_systems", "top_probabilities"]


@dataclass(frozen=True, slots=True)
class Rank:
    """A system's place: it is one of ``best`` to ``worst``, and stands in ``tier`` (1 is the first)."""

    name: str
    score: float
    best: int
    worst: int
    tier: int

    def __post_init__(self) -> None:
        if not 1 <= self.best <= self.worst or not 1 <= self.tier <= self.best or not math.isfinite(self.score):
            raise ValueError(f"no rank: {self}")


def rank_systems(
    scores: Mapping[str, float],
    surely_better: Iterable[tuple[str, str]] = (),
    *,
    higher_is_better: bool = True,
) -> tuple[Rank, ...]:
    """Rank sets and tiers from (better, worse) pairs, as ``JointTest.surely_better`` gives them.

    Sorted by tier, score, name. The rank set of a system is ``[1 + number surely better, N - number surely
    worse]``. Its tier is the first that holds no system surely better than it: so it stands below a tier only
    if some system *of that tier* is surely better, and systems with the same comparisons share a tier. A
    system with a great spread may stand in a higher tier than one that scores more: it is not surely worse
    than the first. Without pairs (a table that can't be tested) all are in tier 1. Raises ``ValueError``
    where a pair contradicts the scores.

    >>> for rank in rank_systems({"a": 0.9, "b": 0.8, "c": 0.5}, [("a", "c"), ("b", "c")]):
    ...     print(rank.name, rank.best, rank.worst, rank.tier)
    a 1 2 1
    b 1 2 1
    c 3 3 2
    """
    sign = 1.0 if higher_is_better else -1.0
    above: dict[str, set[str]] = {name: set() for name in scores}
    below: dict[str, set[str]] = {name: set() for name in scores}
    for better, worse in surely_better:
        if not sign * scores[better] > sign * scores[worse]:
            raise ValueError(f"{better} can't be surely better than {worse}: {scores[better]}, {scores[worse]}")
        above[worse].add(better)
        below[better].add(worse)
    in_order = sorted(scores, key=lambda name: (-sign * scores[name], name))
    tiers: dict[str, int] = {}
    # Whoever is surely better scores better, so its tier is known by now.
    for name in in_order:
        taken = {tiers[better] for better in above[name]}
        tiers[name] = next(tier for tier in range(1, len(scores) + 1) if tier not in taken)
    found = [
        Rank(name, scores[name], 1 + len(above[name]), len(scores) - len(below[name]), tiers[name]) for name in in_order
    ]
    return tuple(sorted(found, key=lambda rank: rank.tier))


def top_probabilities(table: Board, k: int, *, draws: int = 2_000, seed: int = 0) -> dict[str, float]:
    """How often each system is among the best ``k`` when the clusters are drawn again with replacement.

    A cluster bootstrap: every system gets the same multinomial weights. Systems that tie over a place share
    it, so the probabilities add up to ``min(k, N)``. A sample in which a system has no score counts as its
    worst. With few clusters the bootstrap varies too little (by sqrt((G-1)/G) and more), so read it as a
    description of this board, not as a test. Raises ``ValueError`` unless k and draws are at least 1.
    """
    if k < 1 or draws < 1:
        raise ValueError(f"expected at least one place and one draw, got {k} and {draws}")
    clusters = len(table.clusters)
    weights = generator("cluster bootstrap", seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)
    samples = np.stack([table.score(np.einsum("dg,gk->dk", weights.astype(np.float64), sums)) for sums in table.sums])
    samples = np.where(np.isnan(samples), -np.inf, samples if table.higher_is_better else -samples)
    chances = {}
    for name, sample in zip(table.names, samples, strict=True):
        better = (samples > sample).sum(axis=0)
        tied = (samples == sample).sum(axis=0)
        chances[name] = float(np.clip((k - better) / tied, 0, 1).mean())
    return chances
