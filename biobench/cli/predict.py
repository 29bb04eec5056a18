"""``biobench predict``: runs a model, ours or another package's, and writes its predictions file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from biobench import __version__
from biobench.cli import options
from biobench.problems import Notice, ProblemsFound

if TYPE_CHECKING:
    from biobench.models import Failure, Model, Options
    from biobench.records import Benchmark, Entry

__all__ = ["command"]


@click.command("predict")
@click.argument("name", required=False)
@options.data_options
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="For models that draw lots.")
@click.option(
    "--option", "given", multiple=True, metavar="KEY=VALUE", help="A setting of the model; may be given several times."
)
@click.option(
    "--config", metavar="FILE", help="The settings file of a model that has one; the same as --option config=FILE."
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
    config: str | None,
    out: str | None,
    listing: bool,
) -> None:
    """Run a model on a benchmark and write what it says.

    NAME is a model; --list tells which there are. Exit status: 0 done, 1 when the model failed, also in part (the rest is
    written, what failed is silent and named), 2 for bad input.
    """
    from biobench.models import find_model, parse_options, system_name, unusable_records, with_defaults  # noqa: PLC0415
    from biobench.predictions_file import write_predictions  # noqa: PLC0415

    if listing:
        _list()
        return
    if name is None:
        raise click.UsageError("name a model, or ask for --list")
    if out is None:
        raise click.UsageError("say where to write: --out FILE")
    model = find_model(name)
    values = parse_options(model, given if config is None else (*given, f"config={config}"))
    target = options.output_path(out)
    every = with_defaults(model, values)
    benchmark = options.open_benchmark(data or model.data_root(every), split, annotations)
    click.echo(options.benchmark_line(benchmark))
    entries, failures = _run(model, benchmark, values, seed)
    system = system_name(model, values, seed)
    write_predictions(target, system, entries, provenance=_provenance(model, benchmark, every, seed))
    remarks = sum(len(entry.feedbacks) for entry in entries)
    click.echo(f"{out}: predictions of {system!r}, {len(entries)} entries, {remarks} remarks")
    skipped = unusable_records(benchmark)
    if skipped:
        text = "records that can't be cut into exercises, in which the model says nothing"
        example = f"video {skipped[0].video}: {skipped[0].reason}"
        options.echo_notices([Notice("record-skipped", len(skipped), text, example)], err=False)
    if failures:
        for failure in failures:
            click.echo(f"{failure.where}: {failure.reason}", err=True)
        raise click.ClickException(
            f"{len(failures)} could not be answered and are silent in {out}; the reasons are above"
        )


def _run(
    model: Model, benchmark: Benchmark, values: Options, seed: int
) -> tuple[tuple[Entry, ...], tuple[Failure, ...]]:
    from biobench.models import PartlyFailed, run_model  # noqa: PLC0415 - numpy

    try:
        return run_model(model, benchmark, values, seed), ()
    except ProblemsFound:
        raise
    except PartlyFailed as partly:
        return partly.entries, partly.failures
    except Exception as error:  # a stranger's model may raise anything
        raise click.ClickException(f"the model {model.name} failed: {type(error).__name__}: {error}") from error


def _provenance(model: Model, benchmark: Benchmark, values: Options, seed: int) -> dict[str, object]:
    """What made the predictions; no time, host or path, so that the same run gives the same bytes."""
    made = {
        "biobench": __version__,
        "model": model.name,
        "options": {name: value for name, value in values.items() if not model.options[name].private},
        "seed": seed,
        "benchmark": {"name": benchmark.name, "split": benchmark.split, "sha256": benchmark.source_sha256},
    }
    return {**made, **model.provenance(values)}


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
