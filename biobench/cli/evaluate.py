"""``biobench evaluate``: a predictions file becomes scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from biobench.cli import options
from biobench.cli.judge_options import JudgeChoice, judge_options, progress_bar

if TYPE_CHECKING:
    from biobench.results import Coverage, Results, Score
    from biobench.tables import Table

__all__ = ["command"]

_HEADINGS = {"best timetable": "timetable", "constant talker": "talker", "second annotator": "human"}
_NARROWEST = 80
"""Columns that a table needs; on a narrower terminal its lines are cut by the terminal, not its words by us."""


@click.command("evaluate")
@click.argument("preds")
@options.data_options
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="NAME",
    help="May be given several times [default: biobench-1 and qevd-2024].",
)
@click.option(
    "--engine",
    type=click.Choice(["fast", "reference"]),
    default="fast",
    show_default=True,
    help="Our METEOR and ROUGE-L, or nltk and rouge_score themselves; the numbers are equal.",
)
@click.option(
    "--bertscore",
    metavar="MODEL",
    help="Also BERTScore: roberta-large for the published numbers, a model's folder, or minilm.",
)
@click.option("--exercise", metavar="NAME", help="Score this exercise only.")
@click.option("--no-baselines", is_flag=True, help="Leave out the systems that have not seen the video; faster.")
@click.option("--strict", is_flag=True, help="Stop at a record that a protocol can't use, instead of skipping it.")
@click.option("--all", "everything", is_flag=True, help="Show every metric, and what each was made with.")
@click.option("--out", metavar="FILE", help="Write the results file (JSON) here.")
@click.option(
    "--judge",
    "judges",
    multiple=True,
    metavar="NAME",
    help="Also ask a judge: bio or llm-acc; needs --model, --base-url.",
)
@judge_options
@click.option(
    "--judge-out", metavar="FILE", help="Write every reply of the judges here, instead of into the results file."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown", "latex", "csv"]),
    default="table",
    show_default=True,
)
def command(
    preds: str,
    data: str | None,
    split: str,
    annotations: str | None,
    protocols: tuple[str, ...],
    engine: str,
    bertscore: str | None,
    exercise: str | None,
    no_baselines: bool,
    strict: bool,
    everything: bool,
    out: str | None,
    judges: tuple[str, ...],
    judge_out: str | None,
    form: str,
    choice: JudgeChoice,
) -> None:
    """Score a predictions file.

    PREDS is a predictions file in any accepted form, or sample:NAME for one that comes with the package. Exit status: 0 done,
    1 when a metric failed, 2 for bad input.
    """
    from biobench.evaluation import DEFAULT_PROTOCOLS, evaluate  # noqa: PLC0415 - keeps --help fast

    target = options.output_path(out, preds) if out is not None else None
    if not judges and (choice.models or choice.base_urls or judge_out is not None):
        raise click.UsageError("say which judge: --judge bio, or --judge llm-acc")
    replies = options.output_path(judge_out, preds, *([out] if out else [])) if judge_out is not None else None
    asked = choice.options() if judges else None
    benchmark = options.open_benchmark(data, split, annotations)
    predictions = options.open_predictions(preds, benchmark)
    with progress_bar(shown=asked is not None) as progress:
        results = evaluate(
            predictions,
            benchmark,
            protocols or DEFAULT_PROTOCOLS,
            engine="reference" if engine == "reference" else "fast",
            bertscore=bertscore,
            exercise=exercise,
            strict=strict,
            baselines=not no_baselines,
            judges=judges,
            judge_options=None if asked is None else replace(asked, progress=progress),
        )
    if replies is not None:
        results = results.with_replies_in(replies)
    if target is not None:
        results.write(target)
    if form == "json":
        options.echo_utf8(results.to_json())
    elif form == "csv":
        options.echo_utf8(_csv(results))
    else:
        _echo_tables(results, form, options.benchmark_line(benchmark), everything=everything)
    for line in results.judge_lines:
        click.echo(options.seen(line), err=form != "table")
    options.echo_notices(results.notices, err=form != "table")
    for score in results.failed:
        click.echo(f"biobench: {score.protocol} {score.metric} {options.seen(str(score.reason))}", err=True)
    if results.failed:
        raise SystemExit(1)


def _echo_tables(results: Results, form: str, benchmark_line: str, *, everything: bool) -> None:
    from biobench.tables import print_table, to_latex, to_markdown  # noqa: PLC0415 - keeps --help fast

    tables = {protocol: _table(results, protocol, everything=everything) for protocol in results.coverage}
    if form == "markdown":
        options.echo_utf8("\n\n".join(map(to_markdown, tables.values())) + "\n")
        return
    if form == "latex":
        options.echo_utf8("\n\n".join(map(to_latex, tables.values())) + "\n")
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from biobench.advice import advice  # noqa: PLC0415

    console = Console(highlight=False)
    console.width = max(console.width, _NARROWEST)
    console.print(benchmark_line, markup=False, soft_wrap=True)
    source = f"system {results.system!r}, read as {results.predictions['format']} predictions"
    console.print(source, markup=False, soft_wrap=True)
    for protocol, table in tables.items():
        console.print()
        print_table(console, table)
        for line in advice(results, protocol):
            console.print(Text(f"! {line}", style="bold"), soft_wrap=True)


def _table(results: Results, protocol: str, *, everything: bool) -> Table:
    from biobench import registry  # noqa: PLC0415
    from biobench.signature import Signature  # noqa: PLC0415
    from biobench.tables import Column, Table  # noqa: PLC0415

    known = registry.protocols().all[protocol]
    scores = [
        score
        for score in results.scores
        if score.protocol == protocol
        and (everything or score.metric in known.headline or _is_headline_of_a_plugin(score, known.metrics))
    ]
    signatures = {score.metric: dict(Signature.parse(score.signature).items) for score in scores}
    shared = [
        f"{key}:{value}"
        for key, value in signatures[scores[0].metric].items()
        if key != "metric" and all(signature.get(key) == value for signature in signatures.values())
    ]
    blind = [b for b in results.baselines if any(score.protocol == protocol for score in b.scores)]
    columns = [Column("metric"), Column("value", "right"), Column("95 % interval", "right")]
    columns += [Column(_HEADINGS.get(baseline.name, baseline.name), "right") for baseline in blind]
    columns += [Column("n", "right")] if everything else []
    rows, notes = [], [_coverage_note(results.coverage[protocol], scores), "signature: " + "|".join(shared)]
    for score in scores:
        beside = [
            next((_number(s.value) for s in b.scores if s.protocol == protocol and s.metric == score.metric), "–")
            for b in blind
        ]
        counted = (str(score.n),) if everything else ()
        rows.append((score.metric, _number(score.value), _interval(score), *beside, *counted))
        own = [f"{k}:{v}" for k, v in signatures[score.metric].items() if k != "metric" and f"{k}:{v}" not in shared]
        if own and everything:
            notes.append(f"{score.metric}: {'|'.join(own)}")
    notes += _if_people_were_known(scores)
    notes += [f"{baseline.name}: {baseline.description}" for baseline in blind]
    notes += _reasons(scores)
    return Table(f"{protocol}: {results.system}", tuple(columns), tuple(rows), tuple(notes))


def _is_headline_of_a_plugin(score: Score, built_in: Sequence[str]) -> bool:
    from biobench import registry  # noqa: PLC0415 - keeps --help fast

    if score.metric in built_in:
        return False
    kind = registry.metrics().plugins.get(score.metric)
    return kind is None or (kind.headline and not (kind.optional and score.value is None))


def _reasons(scores: Sequence[Score]) -> list[str]:
    """Why numbers or intervals are missing, one line a reason."""
    by_reason: dict[str, list[str]] = {}
    for score in scores:
        if score.reason:
            by_reason.setdefault(score.reason, []).append(score.metric)
    return [f"{', '.join(metrics)}: {reason}" for reason, metrics in by_reason.items()]


_PEOPLE = 7
"""In the public test split."""


def _if_people_were_known(scores: Sequence[Score]) -> list[str]:
    """Where videos are taken as independent: what the first interval could be if it were known who is in which."""
    from biobench.statistics import subject_correlation_table  # noqa: PLC0415
    from biobench.statistics.student import t_quantile  # noqa: PLC0415

    score = next((score for score in scores if score.low is not None and score.high is not None), None)
    if score is None or score.cluster_unit != "video" or score.clusters < _PEOPLE:
        return []
    half_width = (score.high - score.low) / 2  # type: ignore[operator]  # both are there, see above
    error = half_width / t_quantile((1 + (score.confidence or 0)) / 2, score.clusters - 1)
    rows = subject_correlation_table(error, score.clusters, _PEOPLE)
    told = ", ".join(f"{row.half_width:.3f} at {row.correlation:g}" for row in rows)
    return [
        "nobody knows who is in which video: intervals take videos as independent and are too narrow if people differ;",
        f"the half-width of {score.metric} ({half_width:.3f}) with {_PEOPLE} people whose videos correlate: {told}",
    ]


def _coverage_note(coverage: Coverage, scores: Sequence[Score]) -> str:
    if coverage.predicted is None:
        return "saved text pairs: timing and coverage can't be scored"
    note = f"coverage {coverage.predicted} of {coverage.segments} segments"
    note += f", {scores[0].clusters} {scores[0].cluster_unit}{'s' * (scores[0].clusters != 1)}"
    made = next((score for score in scores if score.interval), None)
    if made is not None:
        note += f", {made.effective_clusters:.1f} effective, intervals {made.interval}"
    return note if coverage.complete else f"{note}; INCOMPLETE, not to be ranked"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:z.3f}"


def _interval(score: Score) -> str:
    return "–" if score.low is None or score.high is None else f"[{score.low:z.3f}, {score.high:z.3f}]"


def _csv(results: Results) -> str:
    from dataclasses import asdict  # noqa: PLC0415

    from biobench.tables import to_csv  # noqa: PLC0415

    headings = ["system", *asdict(results.scores[0])]
    return to_csv(headings, [[results.system, *asdict(score).values()] for score in results.scores])
