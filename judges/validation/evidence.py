"""What a scorer gave on a study's material, and its scale, measured on texts whose worth is beyond doubt."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biobench.statistics import cluster_sums, jackknife_standard_error
from biobench.statistics.student import t_quantile
from judges.llm.items import Question
from judges.validation.equivalence import cluster_mean
from judges.validation.events import Events
from judges.validation.findings import Number
from judges.validation.material import Material
from judges.validation.plan import Gate, Plan
from judges.validation.ratings import Item, Ratings

__all__ = ["NO_SCALE", "Evidence", "Floats", "PeopleSaid", "ScorerCard", "jackknifed", "mean_number", "number_of"]

Floats = NDArray[np.float64]

NO_SCALE = "copies of the reference do not surely score higher than nothing at all: there is no scale"
_LEAST_SCALE = 0.1
_FEWEST_WITHOUT_SPREAD = 20
"""From so many clusters that all say the same on, that value is taken for the interval."""


@dataclass(frozen=True)
class ScorerCard:
    """Who gave the scores. ``floor`` and ``top`` bound them."""

    name: str
    kind: str
    floor: float
    top: float
    signature: Mapping[str, str]


@dataclass(frozen=True)
class PeopleSaid:
    """Answers to reference events: what people said of them, what the scorer did, and what others it must be better than."""

    events: Events
    ratings: Ratings
    scores: Mapping[Item, float]
    baselines: Mapping[str, Mapping[Item, float]]


@dataclass(frozen=True)
class Evidence:
    """The scores of one scorer. ``unscored`` counts questions by the cause that left them without a score; they have the floor.

    ``repeats``: for each condition, (questions, repeats) scores of the material's repeated questions.
    """

    scorer: ScorerCard
    material: Material
    plan: Plan
    scores: Mapping[Question, float]
    unscored: Mapping[str, int]
    repeats: Mapping[str, Floats]
    people: PeopleSaid | None = None

    @cached_property
    def scale(self) -> tuple[float, float] | None:
        """The mean score of nothing and of a copy; None where a copy is not surely worth more, by a tenth of the range."""
        anchors = self.material.anchors
        gains = [self.scores[anchor.copy] - self.scores[anchor.empty] for anchor in anchors]
        gain = cluster_mean(gains, [anchor.base.cluster for anchor in anchors], 0.9)
        if (gain.value if gain.low is None else gain.low) < _LEAST_SCALE * (self.scorer.top - self.scorer.floor):
            return None
        low = statistics.fmean(self.scores[anchor.empty] for anchor in anchors)
        return low, low + gain.value

    def share(self, question: Question) -> float:
        """The score on the scale from nothing (0) to a copy (1). Only where there is a scale."""
        if self.scale is None:
            raise AssertionError("asked for a share where there is no scale")
        low, high = self.scale
        return (self.scores[question] - low) / (high - low)

    def gate(self, name: str) -> Gate:
        return self.plan.gates[name]

    def number(
        self,
        name: str,
        label: str,
        values: Sequence[float],
        clusters: Sequence[str],
        *,
        gate: str = "",
        confidence: float | None = None,
    ) -> Number:
        """The mean of values with its interval over clusters."""
        return mean_number(
            name,
            label,
            values,
            clusters,
            gate=self.gate(gate) if gate else None,
            confidence=confidence or self.plan.confidence,
        )


def mean_number(
    name: str,
    label: str,
    values: Sequence[float],
    clusters: Sequence[str],
    *,
    gate: Gate | None = None,
    confidence: float = 0.95,
) -> Number:
    """The mean of values with its interval over clusters."""
    if not len(values):
        return Number(name, label, None, gate=gate, reason="nothing to take it from")
    mean = cluster_mean(values, clusters, confidence)
    if mean.standard_error == 0.0 and mean.clusters >= _FEWEST_WITHOUT_SPREAD:
        return Number(name, label, mean.value, mean.value, mean.value, mean.n, mean.clusters, gate, mean.reason or "")
    return Number(name, label, mean.value, mean.low, mean.high, mean.n, mean.clusters, gate, mean.reason or "")


def jackknifed(
    name: str,
    label: str,
    statistic: Callable[[Sequence[int]], float],
    groups: Sequence[Sequence[int]],
    *,
    gate: Gate | None = None,
    confidence: float = 0.95,
    n: int | None = None,
) -> Number:
    """A statistic of items, known by their places, with the interval of the jackknife over groups of them.

    Where at least 20 groups all say the same, the interval is that value alone. ``n`` counts the items, if not the places do.
    """
    everything = [place for group in groups for place in group]
    n, count = len(everything) if n is None else n, len(groups)
    if count < 2:
        return Number(name, label, None, n=n, clusters=count, gate=gate, reason=f"{count} clusters are too few")
    value = statistic(sorted(everything))
    without = np.array(
        [statistic(sorted(place for other in groups if other is not group for place in other)) for group in groups]
    )
    if not np.isfinite([value, *without]).all():
        reason = "there is no value" if not np.isfinite(value) else "without one of the clusters there is no value"
        return Number(name, label, value if np.isfinite(value) else None, n=n, clusters=count, gate=gate, reason=reason)
    half = t_quantile((1 + confidence) / 2, count - 1) * float(jackknife_standard_error(without))
    if half <= 1e-12 * max(1.0, abs(value)):
        half = 0.0
    if half == 0.0 and count < _FEWEST_WITHOUT_SPREAD:
        return Number(name, label, value, n=n, clusters=count, gate=gate, reason=f"no spread over {count} clusters")
    return Number(name, label, value, value - half, value + half, n, count, gate)


def number_of(
    name: str,
    label: str,
    rows: Floats,
    clusters: Sequence[str],
    score: Callable[[Any], Any],
    *,
    gate: Gate | None = None,
    confidence: float = 0.95,
) -> Number:
    """A score of summed rows, shape (n, k), with the interval of the jackknife over clusters."""
    table = cluster_sums(rows, clusters)
    return jackknifed(
        name,
        label,
        lambda kept: float(score(table.sums[list(kept)].sum(axis=0))),
        [[cluster] for cluster in range(len(table.names))],
        gate=gate,
        confidence=confidence,
        n=len(rows),
    )
