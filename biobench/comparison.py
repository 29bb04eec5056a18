"""Several systems' results side by side: one metric, one joint test, rank sets and tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biobench import registry
from biobench.metrics.base import Metric, PairMetric, Rows
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
    weights = {name: calculator.denominator(table.sums) for name, table in systems.items()}
    return board(calculator.score, systems, weights, higher_is_better=calculator.higher_is_better)


def _unlike(results: Sequence[Results], metric: str, protocol: str) -> list[Problem]:
    if len(results) < 2:
        return [Problem("compare", f"{len(results)} results with complete coverage", "two or more")]
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
        row, subject = record["rows"], record["subject"]
        if not isinstance(row, dict) or not isinstance(row.get(metric), list):
            raise ProblemsFound(
                [Problem(result.system, f"no rows of {metric} for segment {record['id']}", "rows", "evaluate again")]
            )
        rows.append(row[metric])
        people.append(None if subject is None else str(subject))
        videos.append(str(record["video"]))
    known = [person for person in people if person is not None]
    table: Rows = np.array(rows, dtype=np.float64)
    return cluster_sums(table, known if len(known) == len(people) else videos)
