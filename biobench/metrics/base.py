"""The shape of a metric: a row of sums for each segment, then a score of the summed rows.

Pooled scores, tables by exercise, intervals and paired tests all follow from the same rows, so a text is read once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from biobench.matching import SegmentMatch

__all__ = ["Metric", "MetricUnavailable", "PairMetric", "Rows", "SearchedMetric", "above_chance", "ratio"]

Rows = NDArray[np.float64]


class MetricUnavailable(Exception):  # noqa: N818 - a state of the installation, not a mistake of the caller
    """A metric can't be computed here (a package, a model or a data file is missing); the message says what to do."""


class Metric(ABC):
    """One number about a system.

    A subclass sets ``name`` and says how a segment becomes a row of sums and how summed rows become a score.
    ``epsilon`` is what the protocol adds to denominators: 1e-12 under the published ones, else 0.
    """

    name: str
    higher_is_better: ClassVar[bool] = True
    no_value: ClassVar[str] = "there is nothing to score"
    """Why there is no number, where ``score`` gives NaN."""
    no_interval: ClassVar[str] = ""
    """Why this metric can have no interval; empty where it can."""
    headline: ClassVar[bool] = True
    """Whether a short table shows it; of the built-in metrics the protocol says so."""
    optional: ClassVar[bool] = False
    """Whether a short table leaves it out where it has no number: what it needs is seldom there."""

    def __init__(self, epsilon: float = 0.0) -> None:
        self.epsilon = epsilon

    def why_none(self) -> str:
        """Why there is no number, after ``rows`` was called; ``no_value`` where that is the only reason."""
        return self.no_value

    @abstractmethod
    def signature(self) -> Mapping[str, str]:
        """What can change this metric's value: versions, models, options. Keys and values are short and plain."""

    @abstractmethod
    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """Sums for each segment, shape (segments, k); adding rows is the same as pooling segments."""

    @abstractmethod
    def score(self, sums: Rows) -> Rows:
        """Scores of summed rows, shape (..., k) -> (...); NaN where there is none (it never leaves ``evaluate``)."""

    @abstractmethod
    def denominator(self, sums: Rows) -> Rows:
        """How many remarks or pairs the scores of these sums rest on, shape (..., k) -> (...)."""


class PairMetric(Metric):
    """A text metric averaged over matched pairs. A subclass gives ``name``, ``signature`` and ``pair_scores``."""

    no_value: ClassVar[str] = "no prediction was matched in time with a reference"

    @abstractmethod
    def pair_scores(self, references: Sequence[str], predictions: Sequence[str]) -> Sequence[float]:
        """One score a pair; both sequences have the same length, and no pair comes twice."""

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """The sum of the pair scores and their number, shape (segments, 2)."""
        of_segment = [match.text_pairs for match in matches]
        scores = self.distinct_scores([pair for pairs in of_segment for pair in pairs])
        sums = [(sum(scores[pair] for pair in pairs), len(pairs)) for pairs in of_segment]
        return np.array(sums, dtype=np.float64).reshape(len(matches), 2)

    def score(self, sums: Rows) -> Rows:
        """The mean over matched pairs."""
        return np.where(sums[..., 1] > 0, ratio(sums[..., 0], sums[..., 1] + self.epsilon), np.nan)

    def denominator(self, sums: Rows) -> Rows:
        """The number of matched pairs."""
        return sums[..., 1]

    def distinct_scores(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
        """The score of every distinct pair, each computed once."""
        distinct = list(dict.fromkeys(pairs))
        if not distinct:
            return {}
        scores = self.pair_scores([pair[0] for pair in distinct], [pair[1] for pair in distinct])
        if len(scores) != len(distinct):
            raise ValueError(f"{self.name} gave {len(scores)} scores for {len(distinct)} pairs")
        return dict(zip(distinct, map(float, scores), strict=True))


class SearchedMetric(Metric):
    """A metric whose chance level is searched for, and searched anew when a cluster is left out.

    Its ``rows`` are kept for the record; the value comes from ``search``.
    """

    @abstractmethod
    def search(self, matches: Sequence[SegmentMatch], clusters: Sequence[int]) -> tuple[float, Rows]:
        """The value, and the values without each cluster, shape (G,); ``clusters`` numbers each segment's from 0."""


def ratio(part: Rows, whole: Rows) -> Rows:
    """``part / whole``, NaN where there is no whole."""
    result: Rows = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
    return result


def above_chance(score: Rows, chance: Rows) -> Rows:
    """``(score - chance) / (1 - chance)``: 0 at chance, 1 at the best; NaN where chance leaves no room."""
    return ratio(score - chance, 1 - chance)
