"""``biobench validate``: is this predictions file what it should be?"""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from biobench.cli import options
from biobench.problems import ProblemsFound

__all__ = ["command"]


@click.command("validate")
@click.argument("preds")
@options.data_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(preds: str, data: str | None, split: str, annotations: str | None, form: str) -> None:
    """Check a predictions file, with every problem in one pass.

    PREDS is a predictions file in any accepted form, or sample:NAME. Exit status: 0 when it can be scored, 2 when not.
    """
    benchmark = options.open_benchmark(data, split, annotations)
    try:
        predictions = options.open_predictions(preds, benchmark)
    except ProblemsFound as found:
        if form == "json":
            problems = [asdict(problem) for problem in found.problems]
            options.echo_utf8(json.dumps({"valid": False, "problems": problems}, indent=1) + "\n")
        else:
            for problem in found.problems:
                click.echo(options.seen(str(problem)))
            click.echo(f"{options.seen(preds)}: {len(found.problems)} problem{'s' * (len(found.problems) > 1)}")
        raise SystemExit(2) from found
    entries = len(predictions.entries)
    remarks = sum(len(entry.feedbacks) for entry in predictions.entries)
    known = sum(session.exercise_count for session in benchmark.sessions)
    if form == "json":
        summary = {
            "valid": True,
            "format": predictions.format,
            "system": predictions.system,
            "time": predictions.time_origin,
            "entries": entries,
            "remarks": remarks,
            "pairs": len(predictions.pairs),
            "notices": [asdict(notice) for notice in predictions.notices],
        }
        options.echo_utf8(json.dumps(summary, indent=1) + "\n")
        return
    click.echo(f"checked against {options.benchmark_line(benchmark)}")
    if predictions.pairs:
        click.echo(f"{preds}: FitCoach's saved pairs, {len(predictions.pairs)} of them; timing can't be scored")
    else:
        of = f"of {len(benchmark.sessions)} videos" if predictions.format == "var-2025" else f"of {known} segments"
        click.echo(
            f"{preds}: {predictions.format} predictions of {predictions.system!r}, {entries} entries {of}, {remarks} remarks"
        )
    options.echo_notices(predictions.notices, err=False)
    click.echo("no problems")
