"""Several systems' results side by side: one metric, one joint test, rank sets and tiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biobench import registry
from biobench.metrics.base import Metric, PairMetric, Rows, SearchedMetric
from biobench.metrics.coverage import Scorer
from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from biobench.results import Results, Score
from biobench.signature import Signature
from biobench.statistics import (
    Board,
    ClusterSums,
    JointTest,
    NotTestable,
    Rank,
    board,
    cluster_sums,
    joint_test,
    rank_systems,
    smallest_detectable_difference,
)

_EQUAL = 1e-9

__all__ = ["Standing", "compare", "results_board"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The systems of a table under one metric.

    ``test`` is the joint test of all pairs, or why there is none; ``smallest_difference`` is what it would just call sure.
    ``left_out`` names systems that can't be compared, and why.
    """

    protocol: str
    metric: str
    ranks: tuple[Rank, ...]
    scores: dict[str, Score]
    test: JointTest | NotTestable
    smallest_difference: float | None
    left_out: tuple[tuple[str, str], ...]


def compare(results: Sequence[Results], metric: str, protocol: str) -> Standing:
    """Ranks systems by one metric, with one joint test over all pairs.

    Raises ``ProblemsFound`` for fewer than two systems, a metric that a file has not, signatures that differ, names that
    occur twice, and metrics that have no rows to compare by.
    """
    complete = [result for result in results if protocol not in result.coverage or result.coverage[protocol].complete]
    table = results_board(complete, metric, protocol)
    incomplete = tuple((result.system, "its coverage is incomplete") for result in results if result not in complete)
    scores = {result.system: result.score(metric, protocol) for result in results}
    test = joint_test(table)
    smallest = None if isinstance(test, NotTestable) else smallest_detectable_difference(table)
    return Standing(
        protocol=protocol,
        metric=metric,
        ranks=rank_systems(
            dict(zip(table.names, table.scores.tolist(), strict=True)),
            () if isinstance(test, NotTestable) else test.surely_better,
            higher_is_better=table.higher_is_better,
        ),
        scores=scores,
        test=test,
        smallest_difference=smallest if isinstance(smallest, float) else None,
        left_out=(*incomplete, *((left.name, left.reason) for left in table.left_out)),
    )


def results_board(results: Sequence[Results], metric: str, protocol: str) -> Board:
    """The systems' rows of one metric by cluster, once it is sure that they may be compared; raises as ``compare``."""
    problems = [*_unlike(results, metric, protocol)]
    if problems:
        raise ProblemsFound(problems)
    calculator = _metric(metric, protocol)
    systems = {result.system: _sums(result, metric, protocol) for result in results}
    _check_values(results, metric, protocol, systems, calculator)
    weights = {name: calculator.denominator(table.sums) for name, table in systems.items()}
    return board(calculator.score, systems, weights, higher_is_better=calculator.higher_is_better)


def _unlike(results: Sequence[Results], metric: str, protocol: str) -> list[Problem]:
    if len(results) < 2:
        return [Problem("results", f"{len(results)} with complete coverage", "two or more")]
    problems = []
    names: set[str] = set()
    first: Score | None = None
    for result in results:
        if result.system in names:
            problems.append(Problem(result.system, "this system twice", "every system once", "give one another name"))
        names.add(result.system)
        have = [score.metric for score in result.scores if score.protocol == protocol]
        if metric not in have:
            expected = f"one of {', '.join(have)}" if have else f"scores under {protocol}"
            problems.append(Problem(result.system, f"no {metric} under {protocol}", expected, nearest(metric, have)))
            continue
        score = result.score(metric, protocol)
        if first is None:
            first = score
            continue
        differences = Signature.parse(first.signature).differences(Signature.parse(score.signature))
        if differences:
            expected = f"the signature of {results[0].system}"
            hint = "scores of unlike signatures are different measurements; evaluate again alike"
            problems.append(Problem(result.system, "; ".join(differences), expected, hint))
    return problems


def _metric(name: str, protocol: str) -> Metric:
    """The metric's formula; text metrics need no engine for it."""
    known = registry.metrics().all
    if name not in known:
        raise ProblemsFound(
            [Problem(name, "a metric that is not installed", "one of " + ", ".join(known), nearest(name, known))]
        )
    kind = known[name]
    epsilon = registry.protocols().all[protocol].epsilon if protocol in registry.protocols().all else 0.0
    if issubclass(kind, PairMetric):
        return _Mean(epsilon)
    if kind.__module__ == "biobench.metrics.coverage":
        return kind(Scorer(_Mean(epsilon), name.rpartition("_")[0]))  # type: ignore[arg-type]  # a text metric's scorer
    if kind.__module__ == "biobench.metrics.pooled":
        raise ProblemsFound(
            [Problem(name, "a number over pooled remarks", "a metric with sums by segment", "see its values instead")]
        )
    return kind(epsilon)


class _Mean(PairMetric):
    """The formula of every mean over pairs."""

    name = "mean"

    def signature(self) -> dict[str, str]:
        return {}

    def pair_scores(self, references: Sequence[str], predictions: Sequence[str]) -> Sequence[float]:  # noqa: ARG002
        raise AssertionError("rows that were scored before are not scored again")


def _sums(result: Results, metric: str, protocol: str) -> ClusterSums:
    rows: list[list[float]] = []
    people: list[str | None] = []
    videos: list[str] = []
    for record in result.segments[protocol]:
        table, subject = record.get("rows"), record.get("subject")
        row = table.get(metric) if isinstance(table, dict) else None
        good = (
            isinstance(row, list)
            and all(type(x) in (int, float) for x in row)
            and len(row) == len(rows[0] if rows else row)
        )
        if not good or not isinstance(row, list) or not isinstance(subject, str | None):
            raise ProblemsFound([_damaged(result, f"no usable rows of {metric} for segment {record.get('id')}")])
        rows.append([float(x) for x in row if isinstance(x, int | float)])
        people.append(subject)
        videos.append(str(record.get("video")))
    known = [person for person in people if person is not None]
    array: Rows = np.array(rows, dtype=np.float64)
    return cluster_sums(array, known if len(known) == len(people) else videos)


def _damaged(result: Results, found: str) -> Problem:
    return Problem(result.system, found, "results as biobench evaluate wrote them", "evaluate again")


def _check_values(
    results: Sequence[Results], metric: str, protocol: str, systems: Mapping[str, ClusterSums], kind: Metric
) -> None:
    """Every system answers the same segments, and its score follows from its rows."""
    segments = [[record.get("id") for record in result.segments[protocol]] for result in results]
    problems = [
        _damaged(result, f"other segments than {results[0].system}")
        for result, own in zip(results, segments, strict=True)
        if own != segments[0] or len({*map(str, own)}) != len(own)
    ]
    for result in results if not isinstance(kind, SearchedMetric) else ():
        value, rescored = (
            result.score(metric, protocol).value,
            float(kind.score(systems[result.system].sums.sum(axis=0))),
        )
        if (value is None) != np.isnan(rescored) or (value is not None and abs(value - rescored) > _EQUAL):
            problems.append(_damaged(result, f"{metric} {value}, which is not what its segments sum to"))
    clusters = {tuple(sorted(table.names)) for table in systems.values()}
    if len(clusters) > 1:
        problems.append(_damaged(results[0], "other people or videos than in the other files"))
    if problems:
        raise ProblemsFound(problems)
