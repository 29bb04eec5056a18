"""What a board and a system's own page need of one submission: small enough to hold a thousand of them."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biobench.advice import advice
from biobench.comparison import Entrant, entrant, find_metric, rows_by_segment
from biobench.harmless import harmless
from biobench.problems import Problem, ProblemsFound
from biobench.results import Baseline, Json, Results, read_results
from biobench.statistics import cluster_sums
from leaderboard.card import SystemCard
from leaderboard.columns import Column
from leaderboard.judged import judged
from leaderboard.submission import Submission

__all__ = ["TIMELINE_PROTOCOL", "Digest", "digest"]

TIMELINE_PROTOCOL = "biobench-1"
"""The one whose matches a timeline shows: one optimal matching, where the published ones match twice."""

_MOST_REMARKS = 300
"""Of one segment on a page; nobody reads more, and a page must stay a page."""


@dataclass(frozen=True, slots=True, eq=False)
class Digest:
    """One system of a board.

    ``by_exercise`` maps a column's key to its score for each exercise; ``advice`` is what a reader should know, by protocol;
    ``timeline`` is compressed JSON, see ``segments``.
    """

    id: str
    card: SystemCard
    entrant: Entrant
    beside: tuple[Baseline, ...]
    benchmark: Mapping[str, Json]
    by_exercise: Mapping[str, Mapping[str, float]]
    advice: Mapping[str, tuple[str, ...]]
    coverage: Mapping[str, str]
    timeline: bytes

    @property
    def segments(self) -> list[dict[str, Json]]:
        """The timeline's segments, in the order of the data: what was wanted, what was said, and what fits what.

        Each has ``id``, ``exercise``, ``seconds``, ``references`` and ``predictions`` ([seconds, text] each), ``pairs``
        ([reference, prediction] each), and ``cut``: how many predictions are not shown.
        """
        found: list[dict[str, Json]] = json.loads(zlib.decompress(self.timeline))
        return found


def digest(
    submission: Submission, columns: Sequence[Column], by_exercise: Sequence[Column], judged_in: Path | None = None
) -> Digest:
    """Reads a submission's stored results. Raises ``ProblemsFound``; nothing is scored again.

    ``columns`` are those whose rows are needed for ranks, ``by_exercise`` those wanted for each exercise. ``judged_in`` is a
    folder of judges' results.
    """
    results = read_results(submission.results_path)
    _check_origin(submission, results)
    of_judges, told = ((), ()) if judged_in is None else judged(judged_in, submission, results)
    results = replace(results, scores=(*results.scores, *of_judges))
    summed = entrant(results, [(column.protocol, column.metric) for column in columns if column.ranked])
    return Digest(
        id=submission.id,
        card=submission.card,
        entrant=replace(summed, system=submission.id),
        beside=results.baselines,
        benchmark=results.benchmark,
        by_exercise={column.key: _by_exercise(results, column) for column in by_exercise},
        advice={
            protocol: (*advice(results, protocol), *(told if protocol == TIMELINE_PROTOCOL else ()))
            for protocol in results.coverage
        },
        coverage={
            protocol: f"{'unknown' if c.predicted is None else c.predicted} of {c.segments} segments"
            for protocol, c in results.coverage.items()
        },
        timeline=zlib.compress(json.dumps(_timeline(results), ensure_ascii=False, separators=(",", ":")).encode(), 1),
    )


def _check_origin(submission: Submission, results: Results) -> None:
    """The results must be those of the predictions beside them."""
    if results.predictions.get("sha256") != submission.predictions_sha256:
        raise ProblemsFound(
            [
                Problem(
                    str(submission.results_path),
                    f"results of other predictions ({results.predictions.get('sha256')})",
                    f"results of {submission.predictions_path.name} ({submission.predictions_sha256})",
                    "make the submission again with biobench submit",
                )
            ]
        )


def _by_exercise(results: Results, column: Column) -> dict[str, float]:
    """The column's score over the segments of each exercise, where there is one; sides of a stretch count together."""
    metric = find_metric(column.metric, column.protocol)
    held = any(score.metric == column.metric and score.protocol == column.protocol for score in results.scores)
    records = results.segments.get(column.protocol, ())
    if isinstance(metric, Problem) or not held or not records:
        return {}
    names = [str(record.get("exercise")).removesuffix(" left").removesuffix(" right") for record in records]
    table = cluster_sums(rows_by_segment(results, column.metric, column.protocol), names)
    scores = dict(zip(table.names, metric.score(table.sums).tolist(), strict=True))
    return {exercise: score for exercise, score in sorted(scores.items()) if not math.isnan(score)}


def _timeline(results: Results) -> list[dict[str, Json]]:
    segments: list[dict[str, Json]] = []
    for record in results.segments.get(TIMELINE_PROTOCOL, ()):
        references, predictions = _remarks(record.get("references")), _remarks(record.get("predictions"))
        shown = predictions[:_MOST_REMARKS]
        pairs = record.get("pairs")
        segments.append(
            {
                "id": str(record.get("id")),
                "exercise": harmless(str(record.get("exercise"))),
                "seconds": round(_number(record.get("duration_s")), 2),
                "references": references,
                "predictions": shown,
                "pairs": [pair for pair in pairs if _fits(pair, len(references), len(shown))]
                if isinstance(pairs, list)
                else [],
                "cut": len(predictions) - len(shown),
            }
        )
    return segments


def _remarks(value: Json) -> list[Json]:
    pairs = value if isinstance(value, list) else []
    return [
        [round(_number(pair[0]), 2), harmless(str(pair[1]))]
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2
    ]


def _fits(pair: Json, references: int, predictions: int) -> bool:
    if not (isinstance(pair, list) and len(pair) == 2):
        return False
    i, j = pair
    return isinstance(i, int) and isinstance(j, int) and 0 <= i < references and 0 <= j < predictions


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
