"""One metric over one set of matches becomes one score: value, interval, signature, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

import biobench
from biobench.matching import SegmentMatch
from biobench.metrics.base import Metric, MetricUnavailable, PairMetric, Rows, SearchedMetric
from biobench.protocols import Protocol
from biobench.results import Score
from biobench.signature import Signature
from biobench.statistics import Interval, NoInterval, cluster_sums, interval, interval_from_values

__all__ = ["Clusters", "Run", "score_metric"]

NO_TIMES = "FitCoach's saved pairs hold no times"


@dataclass(frozen=True, slots=True)
class Clusters:
    """Who is independent of whom: people where everybody is known, else videos. One name a segment."""

    unit: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, matches: tuple[SegmentMatch, ...]) -> Clusters:
        """The clusters of these segments."""
        people = [match.segment.subject for match in matches]
        known = [person for person in people if person is not None]
        if known and len(known) == len(people):
            return cls("subject", tuple(known))
        return cls("video", tuple(match.segment.video for match in matches))

    @property
    def numbers(self) -> tuple[int, ...]:
        """Each segment's cluster as a number from 0, in order of first appearance."""
        order = {name: k for k, name in enumerate(dict.fromkeys(self.names))}
        return tuple(order[name] for name in self.names)


@dataclass(frozen=True)
class Run:
    """One protocol over one system: what every score of it shares. ``timed`` is False for saved text pairs."""

    protocol: Protocol
    matches: tuple[SegmentMatch, ...]
    data: Mapping[str, str]
    timed: bool = True

    @cached_property
    def clusters(self) -> Clusters:
        """The clusters of the matched segments."""
        return Clusters.of(self.matches)


def score_metric(name: str, make: Callable[[float], Metric], run: Run, *, is_plugin: bool) -> tuple[Score, Rows | None]:
    """One score and its rows. What can't be computed is null with the reason; it never stops the other metrics."""
    value: float | None = None
    found: Interval | NoInterval = NoInterval("there is no score")
    n, rows, reason = 0, None, None
    own_signature: Mapping[str, str] = {}
    try:
        metric = make(run.protocol.epsilon)
        own_signature = dict(metric.signature())
        if not run.timed and not isinstance(metric, PairMetric):
            reason = NO_TIMES
        elif not run.matches:
            reason = "the predictions answer no segment that this protocol scores"
        else:
            rows = metric.rows(run.matches)
            own_signature = dict(metric.signature())  # it may say what the rows were made from
            number, found = _estimate(metric, rows, run)
            n = round(float(metric.denominator(rows.sum(axis=0))))
            value, reason = (number, None) if np.isfinite(number) else (None, metric.why_none())
    except MetricUnavailable as error:
        value, rows, reason = None, None, f"failed: {error}"
    except (Exception, SystemExit) as error:
        if not is_plugin:  # a fault of our own must be seen, a stranger's must not stop the rest
            raise
        value, rows, reason = None, None, f"failed: {type(error).__name__}: {error}"
    bounds = found if isinstance(found, Interval) and value is not None else None
    if value is not None and isinstance(found, NoInterval):
        reason = f"no interval: {found.reason}"
    signature = Signature.of(
        {"metric": name, "protocol": run.protocol.name},
        run.protocol.signature(),
        own_signature,
        run.data,
        {"biobench": biobench.__version__},
    )
    score = Score(
        protocol=run.protocol.name,
        metric=name,
        value=value,
        low=bounds.low if bounds else None,
        high=bounds.high if bounds else None,
        confidence=bounds.confidence if bounds else None,
        interval=bounds.method if bounds else None,
        effective_clusters=bounds.effective_clusters if bounds else None,
        n=n,
        clusters=len(set(run.clusters.names)) if run.timed else 0,
        cluster_unit=run.clusters.unit if run.timed else "none",
        signature=str(signature),
        reason=reason,
    )
    return score, rows


def _estimate(metric: Metric, rows: Rows, run: Run) -> tuple[float, Interval | NoInterval]:
    if not np.isfinite(rows).all():
        raise ValueError("its rows hold NaN or infinity")
    table = cluster_sums(rows, run.clusters.names)
    weights = metric.denominator(table.sums)
    if isinstance(metric, SearchedMetric):
        value, without = metric.search(run.matches, run.clusters.numbers)
    else:
        value = float(metric.score(table.sums.sum(axis=0)))
    if metric.no_interval or not np.isfinite(value) or not weights.sum() > 0:
        return value, NoInterval(metric.no_interval or "nothing is counted")
    if not run.timed:
        return value, NoInterval("saved pairs do not say which video they come from")
    if isinstance(metric, SearchedMetric):
        return value, interval_from_values(value, without, weights)
    return value, interval(metric.score, table, weights)
