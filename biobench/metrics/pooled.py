"""Numbers over the pooled remarks that no sum of rows gives: latency quantiles, average precision."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from biobench.matching import SegmentMatch
from biobench.metrics.base import Rows, SearchedMetric

__all__ = ["AveragePrecision", "LatencyMedian", "LatencyQ1", "LatencyQ3"]


class _Pooled(SearchedMetric):
    """A function of all segments at once; left-out values come from calling it again."""

    @abstractmethod
    def value(self, matches: Sequence[SegmentMatch]) -> float:
        """The number for these segments, NaN where there is none."""

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """Matched pairs, references, predictions."""
        rows = [(len(m.pairs), len(m.segment.feedbacks), len(m.predictions)) for m in matches]
        return np.array(rows, dtype=np.float64).reshape(len(matches), 3)

    def score(self, sums: Rows) -> Rows:
        """Always NaN: sums do not tell it; see ``search``."""
        return np.full(sums.shape[:-1], np.nan)

    def denominator(self, sums: Rows) -> Rows:
        """Matched pairs."""
        return sums[..., 0]

    def search(self, matches: Sequence[SegmentMatch], clusters: Sequence[int]) -> tuple[float, Rows]:
        value = self.value(matches)
        if self.no_interval or np.isnan(value):
            return value, np.full(max(clusters) + 1, np.nan)
        without = [
            self.value([match for match, cluster in zip(matches, clusters, strict=True) if cluster != left_out])
            for left_out in range(max(clusters) + 1)
        ]
        return value, np.array(without)


class _Latency(_Pooled):
    """A quantile of prediction time minus reference time over matched pairs, seconds; positive is late."""

    quantile: ClassVar[float]
    higher_is_better: ClassVar[bool] = False
    no_value: ClassVar[str] = "no prediction was matched in time with a reference"
    no_interval: ClassVar[str] = "a quantile has no jackknife interval"

    def signature(self) -> Mapping[str, str]:
        return {}

    def value(self, matches: Sequence[SegmentMatch]) -> float:
        late = [m.predictions[j].time_s - m.segment.feedbacks[i].time_s for m in matches for i, j in m.pairs]
        return float(np.quantile(late, self.quantile)) if late else float("nan")


class LatencyQ1(_Latency):
    """The first quartile of the latency, seconds; positive is late."""

    name = "latency_q1_s"
    quantile: ClassVar[float] = 0.25


class LatencyMedian(_Latency):
    """The median latency, seconds; positive is late."""

    name = "latency_median_s"
    quantile: ClassVar[float] = 0.5


class LatencyQ3(_Latency):
    """The third quartile of the latency, seconds; positive is late."""

    name = "latency_q3_s"
    quantile: ClassVar[float] = 0.75


class AveragePrecision(_Pooled):
    """The mean over references of the precision at each matched remark, remarks ranked by their confidence.

    Remarks of one confidence are ranked together: their precision is that at the end of the tie.
    """

    name = "average_precision"
    no_value: ClassVar[str] = "not every remark carries a confidence"

    def signature(self) -> Mapping[str, str]:
        return {"ties": "together"}

    def denominator(self, sums: Rows) -> Rows:
        """References and predictions."""
        return sums[..., 1] + sums[..., 2]

    def value(self, matches: Sequence[SegmentMatch]) -> float:
        ranked = []
        for match in matches:
            matched = {j for _, j in match.pairs}
            for j, remark in enumerate(match.predictions):
                if remark.confidence is None:
                    return float("nan")
                ranked.append((remark.confidence, j in matched))
        references = sum(len(match.segment.feedbacks) for match in matches)
        if not ranked or not references:
            return float("nan")
        confidence, hit = (np.array(column) for column in zip(*ranked, strict=True))
        levels, of_remark = np.unique(-confidence, return_inverse=True)
        hits = np.bincount(of_remark, weights=hit, minlength=len(levels))
        said = np.bincount(of_remark, minlength=len(levels))
        return float((hits * hits.cumsum() / said.cumsum()).sum() / references)
