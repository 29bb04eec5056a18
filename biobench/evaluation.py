"""Predictions, a benchmark and protocols become results."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Literal

import numpy as np

import biobench
from biobench import registry
from biobench.blind import blind_systems
from biobench.exercises import find_exercise
from biobench.matching import SegmentMatch
from biobench.metrics.base import Metric, Rows
from biobench.metrics.bertscore import BertScore
from biobench.metrics.coverage import Scorer, SodaT, TextF, TextLift, TextSkill
from biobench.metrics.meteor import Meteor
from biobench.metrics.rouge import RougeL
from biobench.problems import Notice, Problem, ProblemsFound
from biobench.protocols import Protocol, SegmentSet
from biobench.readers.defects import nearest
from biobench.readers.predictions import load_predictions
from biobench.records import Benchmark, Feedback, Predictions, Segment
from biobench.results import Baseline, Coverage, Json, Results, Score
from biobench.scoring import Clusters, Run, score_metric

if TYPE_CHECKING:
    from biobench.judging import Judge, JudgeOptions

__all__ = ["DEFAULT_PROTOCOLS", "Engine", "evaluate", "runs_of"]

Engine = Literal["fast", "reference"]
DEFAULT_PROTOCOLS = ("biobench-1", "qevd-2024")

_Makers = Mapping[str, Callable[[float], Metric]]

TIMING_METRICS = frozenset({
    "t_precision", "t_recall", "t_f_score", "t_lift", "t_skill", "t_area", "t_f_score@0.5", "t_f_score@1",
    "t_f_score@2", "t_f_score@3", "false_alarms_per_min",
})  # fmt: skip
"""What is told of a system whose words mean nothing."""


def evaluate(
    predictions: Predictions,
    benchmark: Benchmark,
    protocols: Sequence[str] = DEFAULT_PROTOCOLS,
    *,
    engine: Engine = "fast",
    bertscore: str | None = None,
    exercise: str | None = None,
    strict: bool = False,
    baselines: bool = True,
    judges: Sequence[str] = (),
    judge_options: JudgeOptions | None = None,
) -> Results:
    """Scores a system's predictions under each protocol.

    ``engine="reference"`` runs nltk and rouge_score themselves. ``bertscore`` names a model (a folder or a hub name) and
    asks for BERTScore. ``exercise`` keeps that exercise only. ``strict`` makes records that a protocol has to skip an
    error. ``baselines`` adds the scores of systems that have not seen the video. Metrics of other packages come along;
    one that is broken is named in ``notices``. ``judges`` are asked as ``judge_options`` says, over a network where their
    cache does not hold every answer.

    Raises ``ProblemsFound`` for an unknown protocol or exercise, for a benchmark without references, and under ``strict``.
    """
    if isinstance(protocols, str):
        protocols = (protocols,)
    known, metrics = registry.protocols(), registry.metrics()
    _check_keys(predictions, benchmark)
    _check_protocols(protocols, known.all)
    asked = _find_judges(judges)
    if not benchmark.has_references:
        found = f"the split {benchmark.split}, which has no reference remarks"
        hint = "predictions for it can be validated, not scored"
        raise ProblemsFound([Problem(benchmark.source, found, "annotated data", hint)])
    notices = [
        Notice("broken-plugin", 1, "plug-in that could not be loaded", str(broken))
        for broken in (*known.broken, *metrics.broken)
    ]
    meteor = cache(lambda: Scorer(Meteor(engine=engine), "meteor"))
    makers: _Makers = {**_makers(engine, bertscore, meteor), **metrics.plugins}
    second = None
    if baselines and benchmark.second_annotator is not None:
        second = load_predictions(benchmark.second_annotator, benchmark)
    coverage: dict[str, Coverage] = {}
    scores: list[Score] = []
    beside: list[Baseline] = []
    runs: list[Run] = []
    tables: dict[str, dict[str, Rows]] = {}
    for name in dict.fromkeys(protocols):
        protocol = known.all[name]()
        parts = protocol.segments(benchmark)
        if strict and parts.skipped:
            raise ProblemsFound(_skipped_problems(benchmark, name, parts))
        kept = parts if exercise is None else _only(exercise, parts)
        matches, coverage[name] = _match(protocol, parts, kept, predictions, benchmark)
        timed = predictions.format != "fitcoach-pairs"
        run = Run(protocol, matches, _data(benchmark, exercise, timed=timed), timed)
        names = [metric for metric in (*protocol.metrics, *metrics.plugins) if metric in makers]
        found_scores, rows = _score_all(names, makers, metrics.plugins, run)
        scores += found_scores
        runs.append(run)
        tables[name] = rows
        notices += _coverage_notices(protocol, coverage[name])
        if baselines and timed and kept.scored:
            # The talker's sentence is chosen by our engine, which is always there and gives the same numbers.
            chooser = meteor() if engine == "fast" else Scorer(Meteor(), "meteor")
            beside += _baselines(kept.scored, names, makers, metrics.plugins, run, chooser)
            if second is not None:
                answered, _ = _match(protocol, parts, kept, second, benchmark)
                human, _ = _score_all(names, makers, metrics.plugins, replace(run, matches=answered))
                described = "another annotator's remarks on the same videos"
                beside.append(Baseline("second annotator", described, tuple(human)))
    records: list[Mapping[str, Json]] = []
    if asked:
        judged, records = _judged(asked, judge_options, runs, predictions.system, tables)
        scores += judged
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
        baselines=tuple(beside),
        notices=(*benchmark.notices, *predictions.notices, *notices),
        segments={
            run.protocol.name: tuple(
                _segment_record(match, k, tables[run.protocol.name]) for k, match in enumerate(run.matches)
            )
            for run in runs
        },
        judges=tuple(records),
        environment={
            "biobench": biobench.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    )


def runs_of(
    predictions: Predictions, benchmark: Benchmark, protocols: Sequence[str], exercise: str | None = None
) -> tuple[Run, ...]:
    """A system's matched pairs under each protocol, without a score. Raises ``ProblemsFound`` as ``evaluate`` does."""
    known = registry.protocols().all
    _check_keys(predictions, benchmark)
    _check_protocols(protocols, known)
    timed = predictions.format != "fitcoach-pairs"
    runs = []
    for name in dict.fromkeys(protocols):
        protocol = known[name]()
        parts = protocol.segments(benchmark)
        kept = parts if exercise is None else _only(exercise, parts)
        matches, _ = _match(protocol, parts, kept, predictions, benchmark)
        runs.append(Run(protocol, matches, _data(benchmark, exercise, timed=timed), timed))
    return tuple(runs)


def _find_judges(names: Sequence[str]) -> list[Judge]:
    if not names:
        return []
    from biobench.judging import find_judge  # noqa: PLC0415 - the client is imported only when a judge is asked

    return [find_judge(name) for name in dict.fromkeys(names)]


def _judged(
    judges: Sequence[Judge],
    options: JudgeOptions | None,
    runs: Sequence[Run],
    system: str,
    tables: Mapping[str, dict[str, Rows]],
) -> tuple[list[Score], list[Mapping[str, Json]]]:
    """Scores and records of every judge; their rows are added to the ``tables`` of the protocols."""
    if options is None:
        expected = "where the judges are: JudgeOptions"
        raise ProblemsFound([Problem("the judges", "no options", expected)])
    scores: list[Score] = []
    records: list[Mapping[str, Json]] = []
    for judge in judges:
        judgement = judge.judge(runs, system, options)
        records.append(judgement.record)
        for run in runs:
            for metric in judgement.metrics.get(run.protocol.name, ()):
                score, rows = score_metric(metric.name, partial(_ready, metric), run, is_plugin=True)
                scores.append(score)
                if rows is not None:
                    tables[run.protocol.name][metric.name] = rows
    return scores, records


def _ready(metric: Metric, epsilon: float) -> Metric:  # noqa: ARG001 - it is made already
    return metric


def _makers(
    engine: Engine, bertscore: str | None, meteor: Callable[[], Scorer]
) -> dict[str, Callable[[float], Metric]]:
    """How each built-in metric is made; metrics of one text scorer share it, so that a pair is scored once."""
    built_in = registry.metrics().built_in
    makers: dict[str, Callable[[float], Metric]] = {
        **built_in,
        "meteor": lambda epsilon: Meteor(epsilon, engine),
        "rouge_l": lambda epsilon: RougeL(epsilon, engine),
    }
    if bertscore is None:
        makers = {name: make for name, make in makers.items() if not name.startswith("bertscore")}
    scorers: list[Callable[[], Scorer]] = [
        meteor,
        cache(lambda: Scorer(RougeL(engine=engine), "rouge_l")),
    ]
    names = ["meteor", "rouge_l"]
    if bertscore is not None:
        makers["bertscore_f1"] = lambda epsilon: BertScore(bertscore, epsilon=epsilon)
        scorers.append(cache(lambda: Scorer(BertScore(bertscore), "bertscore", rescaled=True)))
        names.append("bertscore")
    for name, scorer in zip(names, scorers, strict=True):
        for suffix, kind in (("f", TextF), ("lift", TextLift), ("skill", TextSkill)):
            makers[f"{name}_{suffix}"] = partial(_from_scorer, kind, scorer)
    makers["soda_t"] = partial(_from_scorer, SodaT, scorers[0])
    return makers


def _from_scorer(kind: Callable[[Scorer], Metric], scorer: Callable[[], Scorer], epsilon: float) -> Metric:  # noqa: ARG001 - ours add nothing
    return kind(scorer())


def _score_all(
    names: Iterable[str], makers: _Makers, plugins: Mapping[str, object], run: Run
) -> tuple[list[Score], dict[str, Rows]]:
    scores, rows = [], {}
    for name in names:
        score, metric_rows = score_metric(name, makers[name], run, is_plugin=name in plugins)
        scores.append(score)
        if metric_rows is not None:
            rows[name] = metric_rows
    return scores, rows


def _baselines(
    scored: tuple[Segment, ...],
    names: Sequence[str],
    makers: _Makers,
    plugins: Mapping[str, object],
    run: Run,
    chooser: Scorer,
) -> list[Baseline]:
    """Blind systems on every segment that the protocol scores, whatever the predictions cover."""
    silent = tuple(run.protocol.match(segment, ()) for segment in scored)
    found = []
    for system in blind_systems(run.protocol, scored, Clusters.of(silent).numbers, chooser):
        matches = tuple(run.protocol.match(segment, system.remarks[segment.id]) for segment in scored)
        told = [name for name in names if system.speaks or name in TIMING_METRICS]
        scores, _ = _score_all(told, makers, plugins, replace(run, matches=matches))
        found.append(Baseline(system.name, system.description, tuple(scores)))
    return found


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


def _check_keys(predictions: Predictions, benchmark: Benchmark) -> None:
    """Predictions are read against a benchmark; scored on another one they would look like silence."""
    known = {session.video for session in benchmark.sessions}
    if predictions.format != "var-2025":
        known = {segment for session in benchmark.sessions for segment in session.segment_ids}
    foreign = [entry.key for entry in predictions.entries if entry.key not in known]
    if foreign:
        found = f"{len(foreign)} entries of another benchmark, the first {foreign[0]}"
        hint = "read the predictions against the benchmark that they are scored on"
        raise ProblemsFound([Problem(predictions.source, found, f"entries of {benchmark.name}", hint)])


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
        expected = "an exercise of this data: " + ", ".join(here)
        raise ProblemsFound([Problem("--exercise", f'"{exercise}"', expected, nearest(exercise, here))])
    return replace(parts, scored=scored, unscored=tuple(segment for segment in parts.unscored if kept(segment)))


def _match(
    protocol: Protocol, parts: SegmentSet, kept: SegmentSet, predictions: Predictions, benchmark: Benchmark
) -> tuple[tuple[SegmentMatch, ...], Coverage]:
    skipped = tuple(f"record {s.record} (video {s.video}): {s.reason}" for s in parts.skipped)
    if predictions.format == "fitcoach-pairs":
        return (_pairs_as_match(predictions),), Coverage(len(kept.scored), None, None, None, skipped)
    remarks = predictions.by_segment([*parts.scored, *parts.unscored], benchmark.video_starts_s)
    predicted = sum(segment.id in remarks for segment in kept.scored)
    missing = tuple(segment.id for segment in kept.scored if segment.feedbacks and segment.id not in remarks)
    unscored = tuple(segment.id for segment in kept.unscored if segment.id in remarks)
    matches = tuple(
        protocol.match(segment, remarks.get(segment.id))
        for segment in kept.scored
        if protocol.missing_is_silence or segment.id in remarks
    )
    return matches, Coverage(len(kept.scored), predicted, missing, unscored, skipped)


def _pairs_as_match(predictions: Predictions) -> SegmentMatch:
    references = tuple(Feedback(0.0, reference) for reference, _ in predictions.pairs)
    answers = tuple(Feedback(0.0, prediction) for _, prediction in predictions.pairs)
    pairs = tuple((k, k) for k in range(len(predictions.pairs)))
    segment = Segment("pairs", "", "", 0.0, 0.0, references)
    return SegmentMatch(segment, answers, pairs, pairs, predicted=True)


def _data(benchmark: Benchmark, exercise: str | None, *, timed: bool) -> dict[str, str]:
    """What a signature says of the data."""
    if not timed:
        return {"data": "saved-pairs"}
    data = {"data": benchmark.source_sha256[:12], "split": benchmark.split}
    return data if exercise is None else {**data, "exercise": exercise}


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
        notices.append(Notice("skipped-records", len(coverage.skipped_records), text, coverage.skipped_records[0]))
    return notices
