"""``biobench predict``: runs a model, ours or another package's, and writes its predictions file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from biobench.cli import options
from biobench.problems import Notice, ProblemsFound

if TYPE_CHECKING:
    from biobench.models import Model, Options
    from biobench.records import Benchmark, Entry

__all__ = ["command"]


@click.command("predict")
@click.argument("name", required=False)
@options.data_options
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="For models that draw lots.")
@click.option(
    "--option", "given", multiple=True, metavar="KEY=VALUE", help="A setting of the model; may be given several times."
)
@click.option("--out", metavar="FILE", help="Write the predictions here; JSON Lines where it ends with .jsonl.")
@click.option("--list", "listing", is_flag=True, help="List the models and their settings.")
def command(
    name: str | None,
    data: str | None,
    split: str,
    annotations: str | None,
    seed: int,
    given: tuple[str, ...],
    out: str | None,
    listing: bool,
) -> None:
    """Run a model on a benchmark and write what it says.

    NAME is a model; --list tells which there are. Exit status: 0 done, 1 when the model failed, 2 for bad input.
    """
    from biobench.models import find_model, parse_options, system_name, unusable_records  # noqa: PLC0415 - numpy
    from biobench.predictions_file import write_predictions  # noqa: PLC0415

    if listing:
        _list()
        return
    if name is None:
        raise click.UsageError("name a model, or ask for --list")
    if out is None:
        raise click.UsageError("say where to write: --out FILE")
    model = find_model(name)
    values = parse_options(model, given)
    target = options.output_path(out)
    benchmark = options.open_benchmark(data, split, annotations)
    click.echo(options.benchmark_line(benchmark))
    entries = _run(model, benchmark, values, seed)
    system = system_name(model, values, seed)
    write_predictions(target, system, entries)
    remarks = sum(len(entry.feedbacks) for entry in entries)
    click.echo(f"{out}: predictions of {system!r}, {len(entries)} entries, {remarks} remarks")
    skipped = unusable_records(benchmark)
    if skipped:
        text = "records that can't be cut into exercises, in which the model says nothing"
        example = f"video {skipped[0].video}: {skipped[0].reason}"
        options.echo_notices([Notice("record-skipped", len(skipped), text, example)], err=False)


def _run(model: Model, benchmark: Benchmark, values: Options, seed: int) -> tuple[Entry, ...]:
    from biobench.models import run_model  # noqa: PLC0415 - numpy

    try:
        return run_model(model, benchmark, values, seed)
    except ProblemsFound:
        raise
    except Exception as error:  # a stranger's model may raise anything
        raise click.ClickException(f"the model {model.name} failed: {type(error).__name__}: {error}") from error


def _list() -> None:
    from biobench.models import models  # noqa: PLC0415 - numpy

    listed = models()
    width = max(map(len, listed.all), default=0)
    for name, model in listed.all.items():
        click.echo(f"{name:<{width}}  {listed.origins[name]:<10}  {model.summary}")
        for option in model.options.values():
            click.echo(f"{'':<{width}}  {'':<10}    {option}")
    for broken in listed.broken:
        click.echo(f"biobench: broken plug-in {broken}", err=True)
