"""``biobench evaluate``: a predictions file becomes scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from biobench.cli import options

if TYPE_CHECKING:
    from biobench.results import Coverage, Results, Score
    from biobench.tables import Table

__all__ = ["command"]


@click.command("evaluate")
@click.argument("preds")
@options.data_options
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="NAME",
    help="May be given several times [default: qevd-2024].",
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
@click.option(
    "--strict", is_flag=True, help="Stop at a record that a protocol can't use, instead of skipping it."
)
@click.option("--out", metavar="FILE", help="Write the results file (JSON) here.")
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
    strict: bool,
    out: str | None,
    form: str,
) -> None:
    """Score a predictions file.

    PREDS is a predictions file in any accepted form, or sample:NAME for one that comes with the package. Exit status: 0 done,
    1 when a metric failed, 2 for bad input.
    """
    from biobench.evaluation import DEFAULT_PROTOCOLS, evaluate  # noqa: PLC0415 - keeps --help fast

    target = options.output_path(out) if out else None
    benchmark = options.open_benchmark(data, split, annotations)
    predictions = options.open_predictions(preds, benchmark)
    results = evaluate(
        predictions,
        benchmark,
        protocols or DEFAULT_PROTOCOLS,
        engine="reference" if engine == "reference" else "fast",
        bertscore=bertscore,
        exercise=exercise,
        strict=strict,
    )
    if target is not None:
        results.write(target)
    if form == "json":
        options.echo_utf8(results.to_json())
    elif form == "csv":
        options.echo_utf8(_csv(results))
    else:
        _echo_tables(results, form, options.benchmark_line(benchmark))
    options.echo_notices(results.notices, err=form != "table")
    for score in results.failed:
        click.echo(f"biobench: {score.protocol} {score.metric} {score.reason}", err=True)
    if results.failed:
        raise SystemExit(1)


def _echo_tables(results: Results, form: str, benchmark_line: str) -> None:
    from biobench.tables import print_table, to_latex, to_markdown  # noqa: PLC0415 - keeps --help fast

    tables = [_table(results, protocol) for protocol in results.coverage]
    if form == "markdown":
        options.echo_utf8("\n\n".join(map(to_markdown, tables)) + "\n")
        return
    if form == "latex":
        options.echo_utf8("\n\n".join(map(to_latex, tables)) + "\n")
        return
    from rich.console import Console  # noqa: PLC0415

    console = Console(highlight=False)
    console.print(benchmark_line, markup=False, soft_wrap=True)
    source = f"system {results.system!r}, read as {results.predictions['format']} predictions"
    console.print(source, markup=False, soft_wrap=True)
    for table in tables:
        console.print()
        print_table(console, table)


def _table(results: Results, protocol: str) -> Table:
    from biobench.signature import Signature  # noqa: PLC0415
    from biobench.tables import Column, Table  # noqa: PLC0415

    scores = [score for score in results.scores if score.protocol == protocol]
    signatures = {score.metric: dict(Signature.parse(score.signature).items) for score in scores}
    shared = [
        f"{key}:{value}"
        for key, value in signatures[scores[0].metric].items()
        if key != "metric" and all(signature.get(key) == value for signature in signatures.values())
    ]
    with_intervals = any(score.low is not None for score in scores)
    columns = [Column("metric"), Column("value", "right")]
    columns += [Column("95 % interval", "right")] if with_intervals else []
    columns += [Column("n", "right"), Column("")]
    rows, notes = [], [_coverage_note(results.coverage[protocol], scores), "signature: " + "|".join(shared)]
    for score in scores:
        interval = [] if not with_intervals else [_interval(score)]
        why_not = str(score.reason) if score.value is None else ""
        rows.append((score.metric, _number(score.value), *interval, str(score.n), why_not))
        own = [f"{k}:{v}" for k, v in signatures[score.metric].items() if k != "metric" and f"{k}:{v}" not in shared]
        if own:
            notes.append(f"{score.metric}: {'|'.join(own)}")
    if not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table(f"{protocol}: {results.system}", tuple(columns), tuple(rows), tuple(notes))


def _coverage_note(coverage: Coverage, scores: Sequence[Score]) -> str:
    if coverage.predicted is None:
        return "saved text pairs: timing and coverage can't be scored"
    note = f"coverage {coverage.predicted} of {coverage.segments} segments"
    note += f", {scores[0].clusters} {scores[0].cluster_unit}s"
    if not coverage.complete:
        note += "; INCOMPLETE, not to be ranked"
    return note


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _interval(score: Score) -> str:
    return "–" if score.low is None or score.high is None else f"[{score.low:.4f}, {score.high:.4f}]"


def _csv(results: Results) -> str:
    from dataclasses import asdict  # noqa: PLC0415

    from biobench.tables import to_csv  # noqa: PLC0415

    headings = ["system", *asdict(results.scores[0])]
    return to_csv(headings, [[results.system, *asdict(score).values()] for score in results.scores])
