"""Was something said when something should be said: precision, recall and F over matched remarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from biobench.matching import SegmentMatch
from biobench.metrics.base import Metric, Rows, ratio

__all__ = ["TFScore", "TPrecision", "TRecall"]


class _Temporal(Metric):
    """Rows: matched references, references, matched predictions, predictions; shape (segments, 4)."""

    def signature(self) -> Mapping[str, str]:
        return {}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        counts = [(len(m.pairs), len(m.segment.feedbacks), len(m.precision_pairs), len(m.predictions)) for m in matches]
        return np.array(counts, dtype=np.float64).reshape(len(matches), 4)


class TPrecision(_Temporal):
    """Matched predictions over predictions."""

    name = "t_precision"
    no_value: ClassVar[str] = "the system said nothing"

    def score(self, sums: Rows) -> Rows:
        return ratio(sums[..., 2], sums[..., 3] + self.epsilon)

    def denominator(self, sums: Rows) -> Rows:
        return sums[..., 3]


class TRecall(_Temporal):
    """Matched references over references."""

    name = "t_recall"
    no_value: ClassVar[str] = "there are no reference remarks"

    def score(self, sums: Rows) -> Rows:
        return ratio(sums[..., 0], sums[..., 1] + self.epsilon)

    def denominator(self, sums: Rows) -> Rows:
        return sums[..., 1]


class TFScore(_Temporal):
    """``2PR / (P + R)`` of the pooled precision and recall."""

    name = "t_f_score"
    no_value: ClassVar[str] = "there are neither reference remarks nor predictions"

    def score(self, sums: Rows) -> Rows:
        recall = np.nan_to_num(ratio(sums[..., 0], sums[..., 1] + self.epsilon))
        precision = np.nan_to_num(ratio(sums[..., 2], sums[..., 3] + self.epsilon))
        score = np.nan_to_num(ratio(2 * precision * recall, precision + recall + self.epsilon))
        return np.where(sums[..., 1] + sums[..., 3] > 0, score, np.nan)

    def denominator(self, sums: Rows) -> Rows:
        return sums[..., 1] + sums[..., 3]
