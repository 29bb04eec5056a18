"""Predictions, a benchmark and protocols become results."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

import biobench
from biobench import registry
from biobench.exercises import find_exercise
from biobench.matching import SegmentMatch
from biobench.metrics.base import Metric, MetricUnavailable, PairMetric, Rows
from biobench.metrics.bertscore import BertScore
from biobench.metrics.meteor import Meteor
from biobench.metrics.rouge import RougeL
from biobench.problems import Notice, Problem, ProblemsFound
from biobench.protocols import Protocol, SegmentSet
from biobench.readers.defects import nearest
from biobench.records import Benchmark, Feedback, Predictions, Segment
from biobench.results import Coverage, Json, Results, Score
from biobench.signature import Signature

__all__ = ["DEFAULT_PROTOCOLS", "Engine", "evaluate"]

Engine = Literal["fast", "reference"]
DEFAULT_PROTOCOLS = ("qevd-2024",)

_NO_INTERVAL = "no interval: this version computes none"
_NO_TIMES = "FitCoach's saved pairs hold no times"

_Make = Callable[[float], Metric]


@dataclass(frozen=True, slots=True)
class _Run:
    """One protocol over one file: what every score of it shares."""

    protocol: Protocol
    benchmark: Benchmark
    matches: tuple[SegmentMatch, ...]
    exercise: str | None
    timed: bool


def evaluate(
    predictions: Predictions,
    benchmark: Benchmark,
    protocols: Sequence[str] = DEFAULT_PROTOCOLS,
    *,
    engine: Engine = "fast",
    bertscore: str | None = None,
    exercise: str | None = None,
    strict: bool = False,
) -> Results:
    """Scores a system's predictions under each protocol.

    ``engine="reference"`` runs nltk and rouge_score themselves. ``bertscore`` names a model (a folder or a hub name) and
    asks for BERTScore. ``exercise`` keeps that exercise only. ``strict`` makes records that a protocol has to skip an
    error. Metrics of other packages come along; one that is broken is named in ``notices``.

    Raises ``ProblemsFound`` for an unknown protocol or exercise, for a benchmark without references, and under ``strict``.
    """
    known, metrics = registry.protocols(), registry.metrics()
    _check_protocols(protocols, known.all)
    if not benchmark.has_references:
        found = f"the split {benchmark.split}, which has no reference remarks"
        hint = "predictions for it can be validated, not scored"
        raise ProblemsFound([Problem(benchmark.source, found, "annotated data", hint)])
    notices = [
        Notice("broken-plugin", 1, "plug-in that could not be loaded", str(broken))
        for broken in (*known.broken, *metrics.broken)
    ]
    coverage: dict[str, Coverage] = {}
    scores: list[Score] = []
    segments: dict[str, tuple[Mapping[str, Json], ...]] = {}
    for name in dict.fromkeys(protocols):
        protocol = known.all[name]()
        parts = protocol.segments(benchmark)
        if strict and parts.skipped:
            raise ProblemsFound(_skipped_problems(benchmark, name, parts))
        kept = parts if exercise is None else _only(exercise, parts)
        matches, coverage[name] = _match(protocol, parts, kept, predictions, benchmark)
        run = _Run(protocol, benchmark, matches, exercise, predictions.format != "fitcoach-pairs")
        rows: dict[str, Rows] = {}
        for metric_name, make in _metrics(protocol, engine, bertscore, metrics).items():
            score, metric_rows = _score(metric_name, make, run, metric_name in metrics.plugins)
            scores.append(score)
            if metric_rows is not None:
                rows[metric_name] = metric_rows
        segments[name] = tuple(_segment_record(match, k, rows) for k, match in enumerate(matches))
        notices += _coverage_notices(protocol, coverage[name])
    return Results(
        system=predictions.system,
        predictions={
            "format": predictions.format,
            "time": predictions.time_origin,
            "sha256": predictions.source_sha256,
        },
        benchmark=_benchmark_record(benchmark, exercise),
        coverage=coverage,
        scores=tuple(scores),
        notices=(*benchmark.notices, *predictions.notices, *notices),
        segments=segments,
        environment={
            "biobench": biobench.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    )


def _check_protocols(protocols: Sequence[str], known: Mapping[str, object]) -> None:
    problems = [
        Problem("--protocol", f'"{name}"', "one of " + ", ".join(known), nearest(name, known))
        for name in protocols
        if name not in known
    ]
    if not protocols:
        problems.append(Problem("--protocol", "none", "at least one of " + ", ".join(known)))
    if problems:
        raise ProblemsFound(problems)


def _skipped_problems(benchmark: Benchmark, protocol: str, parts: SegmentSet) -> list[Problem]:
    return [
        Problem(
            f"{benchmark.source}/{benchmark.annotations}",
            f"video {skipped.video}: {skipped.reason}",
            f"a record that {protocol} can use",
            "without --strict it is skipped and counted",
            json_path=f"$[{skipped.record}]",
        )
        for skipped in parts.skipped
    ]


def _only(exercise: str, parts: SegmentSet) -> SegmentSet:
    wanted = find_exercise(exercise)

    def kept(segment: Segment) -> bool:
        if wanted is None:
            return segment.exercise.casefold() == exercise.casefold()
        found = find_exercise(segment.exercise)
        return found is not None and found.name == wanted.name and wanted.side in (None, found.side)

    scored = tuple(segment for segment in parts.scored if kept(segment))
    if not scored:
        here = sorted({segment.exercise for segment in parts.scored})
        raise ProblemsFound(
            [
                Problem(
                    "--exercise",
                    f'"{exercise}"',
                    "an exercise of this data: " + ", ".join(here),
                    nearest(exercise, here),
                )
            ]
        )
    return replace(
        parts, scored=scored, unscored=tuple(segment for segment in parts.unscored if kept(segment))
    )


def _match(
    protocol: Protocol, parts: SegmentSet, kept: SegmentSet, predictions: Predictions, benchmark: Benchmark
) -> tuple[tuple[SegmentMatch, ...], Coverage]:
    skipped = tuple(f"record {s.record} (video {s.video}): {s.reason}" for s in parts.skipped)
    if predictions.format == "fitcoach-pairs":
        return (_pairs_as_match(predictions),), Coverage(len(kept.scored), None, None, None, skipped)
    first_frames = {session.video: float(session.frame_times_s[0]) for session in benchmark.sessions}
    remarks = predictions.by_segment([*parts.scored, *parts.unscored], first_frames)
    missing = tuple(segment.id for segment in kept.scored if segment.id not in remarks)
    unscored = tuple(segment.id for segment in kept.unscored if segment.id in remarks)
    matches = tuple(
        protocol.match(segment, remarks.get(segment.id))
        for segment in kept.scored
        if protocol.missing_is_silence or segment.id in remarks
    )
    return matches, Coverage(len(kept.scored), len(kept.scored) - len(missing), missing, unscored, skipped)


def _pairs_as_match(predictions: Predictions) -> SegmentMatch:
    references = tuple(Feedback(0.0, reference) for reference, _ in predictions.pairs)
    answers = tuple(Feedback(0.0, prediction) for _, prediction in predictions.pairs)
    pairs = tuple((k, k) for k in range(len(predictions.pairs)))
    segment = Segment("pairs", "", "", 0.0, 0.0, references)
    return SegmentMatch(segment, answers, pairs, pairs, predicted=True)


def _metrics(
    protocol: Protocol, engine: Engine, bertscore: str | None, known: registry.Registry[Metric]
) -> dict[str, _Make]:
    special: dict[str, _Make] = {
        "meteor": lambda epsilon: Meteor(epsilon, engine),
        "rouge_l": lambda epsilon: RougeL(epsilon, engine),
        "bertscore_f1": lambda epsilon: BertScore(bertscore, epsilon=epsilon),
    }
    names = [name for name in protocol.metrics if name != "bertscore_f1" or bertscore is not None]
    return {name: special.get(name, known.all[name]) for name in (*names, *known.plugins)}


def _score(name: str, make: _Make, run: _Run, is_plugin: bool) -> tuple[Score, Rows | None]:
    """One score and its rows. What can't be computed is null with the reason; it never stops the other metrics."""
    people = {match.segment.subject for match in run.matches}
    by_subject = bool(people) and None not in people
    clusters = len(people) if by_subject else len({match.segment.video for match in run.matches})
    value, n, rows, reason = None, 0, None, None
    own_signature: Mapping[str, str] = {}
    try:
        metric = make(run.protocol.epsilon)
        own_signature = metric.signature()
        if not run.timed and not isinstance(metric, PairMetric):
            reason = _NO_TIMES
        elif not run.matches:
            reason = "the predictions answer no segment that this protocol scores"
        else:
            rows = metric.rows(run.matches)
            sums = rows.sum(axis=0)
            number = float(metric.score(sums))
            n = metric.count(sums)
            value, reason = (number, _NO_INTERVAL) if np.isfinite(number) else (None, metric.no_value)
    except MetricUnavailable as error:
        value, rows, reason = None, None, f"failed: {error}"
    except Exception as error:
        if not is_plugin:  # a fault of our own must be seen, a stranger's must not stop the rest
            raise
        value, rows, reason = None, None, f"failed: {type(error).__name__}: {error}"
    data = {"data": run.benchmark.source_sha256[:12], "split": run.benchmark.split}
    if run.exercise is not None:
        data["exercise"] = run.exercise
    signature = Signature.of(
        {"metric": name, "protocol": run.protocol.name},
        run.protocol.signature(),
        own_signature,
        data if run.timed else {"data": "saved-pairs"},
        {"biobench": biobench.__version__},
    )
    score = Score(
        protocol=run.protocol.name,
        metric=name,
        value=value,
        low=None,
        high=None,
        confidence=None,
        n=n,
        clusters=clusters if run.timed else 0,
        cluster_unit="subject" if by_subject else "video",
        signature=str(signature),
        reason=reason,
    )
    return score, rows


def _segment_record(match: SegmentMatch, k: int, rows: Mapping[str, Rows]) -> dict[str, Json]:
    segment = match.segment
    return {
        "id": segment.id,
        "video": segment.video,
        "exercise": segment.exercise,
        "subject": segment.subject,
        "start_s": segment.start_s,
        "duration_s": segment.duration_s,
        "predicted": match.predicted,
        "references": [[feedback.time_s, feedback.text] for feedback in segment.feedbacks],
        "predictions": [[feedback.time_s, feedback.text] for feedback in match.predictions],
        "pairs": [[i, j] for i, j in match.pairs],
        "precision_pairs": [[i, j] for i, j in match.precision_pairs],
        "rows": {name: [float(number) for number in table[k]] for name, table in rows.items()},
    }


def _benchmark_record(benchmark: Benchmark, exercise: str | None) -> dict[str, Json]:
    subjects = {session.subject for session in benchmark.sessions} - {None}
    return {
        "name": benchmark.name,
        "split": benchmark.split,
        "annotations": benchmark.annotations,
        "sample": benchmark.is_sample,
        "sha256": benchmark.source_sha256,
        "videos": len(benchmark.sessions),
        "subjects": len(subjects) or None,
        "exercise": exercise,
    }


def _coverage_notices(protocol: Protocol, coverage: Coverage) -> list[Notice]:
    notices = []
    if coverage.missing:
        cost = "silence" if protocol.missing_is_silence else "not counted"
        text = f"segments without an entry, {cost} under {protocol.name}"
        notices.append(Notice("missing-segments", len(coverage.missing), text, coverage.missing[0]))
    if coverage.unscored:
        text = f"entries for segments that {protocol.name} does not score"
        notices.append(Notice("unscored-segments", len(coverage.unscored), text, coverage.unscored[0]))
    if coverage.skipped_records:
        text = f"records that {protocol.name} can't use, left out"
        notices.append(
            Notice("skipped-records", len(coverage.skipped_records), text, coverage.skipped_records[0])
        )
    return notices
