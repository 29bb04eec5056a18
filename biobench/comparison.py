"""Several systems' results side by side: one metric, one joint test, rank sets and tiers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

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

__all__ = [
    "Entrant",
    "Standing",
    "compare",
    "entrant",
    "entrants_board",
    "find_metric",
    "results_board",
    "rows_by_segment",
]


@dataclass(frozen=True, slots=True, eq=False)
class Entrant:
    """What a table needs of one system's results: its scores, and the rows of some metrics summed over people or videos.

    Small however many segments there are, so that a board of a thousand systems can be held. ``complete`` says by protocol
    whether the coverage is; ``segments`` is a digest of their ids, in order, by protocol.
    """

    system: str
    scores: tuple[Score, ...]
    complete: Mapping[str, bool]
    segments: Mapping[str, str]
    sums: Mapping[tuple[str, str], ClusterSums]

    def score(self, metric: str, protocol: str) -> Score | None:
        """The score of a metric, None where the results hold none."""
        return next((s for s in self.scores if s.metric == metric and s.protocol == protocol), None)


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


def entrant(results: Results, wanted: Iterable[tuple[str, str]]) -> Entrant:
    """Sums the rows of the ``wanted`` (protocol, metric), those that the results hold and that have rows to compare by.

    Raises ``ProblemsFound`` where rows are damaged, a segment stands twice, or a score is not what its segments sum to.
    """
    segments, problems = {}, []
    for protocol, records in results.segments.items():
        ids = [str(record.get("id")) for record in records]
        if len(set(ids)) < len(ids):
            problems.append(_damaged(results, f"a segment twice under {protocol}"))
        segments[protocol] = sha256("\n".join(ids).encode()).hexdigest()
    if problems:
        raise ProblemsFound(problems)
    sums = {}
    for protocol, name in wanted:
        held = next((s for s in results.scores if s.metric == name and s.protocol == protocol), None)
        if (
            held is not None
            and results.segments.get(protocol)
            and not isinstance(found := find_metric(name, protocol), Problem)
        ):
            sums[protocol, name] = _sums(results, name, protocol)
            problems += _wrong_value(results, held, sums[protocol, name], found)
    if problems:
        raise ProblemsFound(problems)
    complete = {protocol: coverage.complete for protocol, coverage in results.coverage.items()}
    return Entrant(results.system, results.scores, complete, segments, sums)


def results_board(results: Sequence[Results], metric: str, protocol: str) -> Board:
    """The systems' rows of one metric by cluster, once it is sure that they may be compared; raises as ``compare``."""
    return entrants_board([entrant(result, [(protocol, metric)]) for result in results], metric, protocol)


def entrants_board(entrants: Sequence[Entrant], metric: str, protocol: str) -> Board:
    """The entrants' sums of one metric, once it is sure that they may be compared; raises as ``compare``."""
    problems = _unlike(entrants, metric, protocol)
    if problems:
        raise ProblemsFound(problems)
    calculator = find_metric(metric, protocol)
    if isinstance(calculator, Problem):
        raise ProblemsFound([calculator])
    systems = {one.system: one.sums[protocol, metric] for one in entrants}
    first = entrants[0]
    problems = [
        _damaged(one, f"other segments than {first.system}")
        for one in entrants
        if one.segments[protocol] != first.segments[protocol]
    ]
    if len({tuple(sorted(table.names)) for table in systems.values()}) > 1:
        problems.append(_damaged(first, "other people or videos than in the other files"))
    if problems:
        raise ProblemsFound(problems)
    weights = {name: calculator.denominator(table.sums) for name, table in systems.items()}
    return board(calculator.score, systems, weights, higher_is_better=calculator.higher_is_better)


def _unlike(entrants: Sequence[Entrant], metric: str, protocol: str) -> list[Problem]:
    if len(entrants) < 2:
        return [Problem("results", f"{len(entrants)} with complete coverage", "two or more")]
    problems = []
    names: set[str] = set()
    first: Score | None = None
    for one in entrants:
        if one.system in names:
            problems.append(Problem(one.system, "this system twice", "every system once", "give one another name"))
        names.add(one.system)
        score = one.score(metric, protocol)
        if score is None:
            have = [score.metric for score in one.scores if score.protocol == protocol]
            expected = f"one of {', '.join(have)}" if have else f"scores under {protocol}"
            problems.append(Problem(one.system, f"no {metric} under {protocol}", expected, nearest(metric, have)))
            continue
        if first is None:
            first = score
            continue
        differences = Signature.parse(first.signature).differences(Signature.parse(score.signature))
        if differences:
            expected = f"the signature of {entrants[0].system}"
            hint = "scores of unlike signatures are different measurements; evaluate again alike"
            problems.append(Problem(one.system, "; ".join(differences), expected, hint))
    return problems


def find_metric(name: str, protocol: str) -> Metric | Problem:
    """The metric as a formula over its rows (text metrics need no engine for it), or why its rows can't be compared."""
    known = registry.metrics().all
    if name not in known:
        return Problem(name, "a metric that is not installed", "one of " + ", ".join(known), nearest(name, known))
    kind = known[name]
    epsilon = registry.protocols().all[protocol].epsilon if protocol in registry.protocols().all else 0.0
    if issubclass(kind, PairMetric):
        return _Mean(epsilon)
    if kind.__module__ == "biobench.metrics.coverage":
        return kind(Scorer(_Mean(epsilon), name.rpartition("_")[0]))  # type: ignore[arg-type]  # a text metric's scorer
    if kind.__module__ == "biobench.metrics.pooled":
        return Problem(name, "a number over pooled remarks", "a metric with sums by segment", "see its values instead")
    return kind(epsilon)


class _Mean(PairMetric):
    """The formula of every mean over pairs."""

    name = "mean"

    def signature(self) -> dict[str, str]:
        return {}

    def pair_scores(self, references: Sequence[str], predictions: Sequence[str]) -> Sequence[float]:  # noqa: ARG002
        raise AssertionError("rows that were scored before are not scored again")


def rows_by_segment(results: Results, metric: str, protocol: str) -> Rows:
    """A metric's stored rows, shape (segments, k). Raises ``ProblemsFound`` where a segment has none that are numbers."""
    records = results.segments[protocol]
    tables = [record.get("rows") for record in records]
    rows = [table.get(metric) if isinstance(table, dict) else None for table in tables]
    for k, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(rows[0]) or not set(map(type, row)) <= {int, float}:  # type: ignore[arg-type]
            raise ProblemsFound([_damaged(results, f"no usable rows of {metric} for segment {records[k].get('id')}")])
    return np.array(rows, dtype=np.float64)


def _sums(results: Results, metric: str, protocol: str) -> ClusterSums:
    """A metric's rows summed over people where everybody is known, else over videos."""
    records = results.segments[protocol]
    rows = rows_by_segment(results, metric, protocol)
    people = [record.get("subject") for record in records]
    for k, person in enumerate(people):
        if not isinstance(person, str | None):
            raise ProblemsFound([_damaged(results, f"no usable rows of {metric} for segment {records[k].get('id')}")])
    known = [str(person) for person in people if person is not None]
    return cluster_sums(rows, known if len(known) == len(people) else [str(record.get("video")) for record in records])


def _damaged(result: Results | Entrant, found: str) -> Problem:
    return Problem(result.system, found, "results as biobench evaluate wrote them", "evaluate again")


def _wrong_value(results: Results, score: Score, table: ClusterSums, kind: Metric) -> list[Problem]:
    """Whether a score does not follow from its rows; one whose chance level is searched for can't be checked so."""
    if isinstance(kind, SearchedMetric):
        return []
    value, rescored = score.value, float(kind.score(table.sums.sum(axis=0)))
    if (value is None) == np.isnan(rescored) and (value is None or abs(value - rescored) <= _EQUAL):
        return []
    return [_damaged(results, f"{score.metric} {value}, which is not what its segments sum to")]
