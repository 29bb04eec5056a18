"""``biobench train``: the small models, or your own, from a settings file."""

from __future__ import annotations

from pathlib import Path

import click

from biobench.cli.judge_options import progress_bar
from biobench.problems import Problem, ProblemsFound

__all__ = ["command"]


@click.command("train")
@click.option("--config", required=True, metavar="FILE", help="What to train, on what, and how; YAML.")
@click.option("--data", metavar="DIR", help="The training data, instead of the settings' data.root.")
@click.option(
    "--out", required=True, metavar="DIR", help="The model's folder; its training/ keeps log and checkpoints."
)
@click.option("--resume", is_flag=True, help="Go on where a training of these settings was interrupted.")
@click.option(
    "--processes", type=click.IntRange(1), default=1, show_default=True, help="For reading poses and features."
)
def command(config: str, data: str | None, out: str, resume: bool, processes: int) -> None:
    """Train a model on a benchmark's remarks, features and poses.

    The stage streamvlm trains the backbone; biocoach trains what is beside it, and leaves it as it is. Exit status: 0 done, 1
    when some videos could not be read, 2 for bad input.
    """
    try:
        from biocoach_model.training.plan import read_plan, run_plan  # noqa: PLC0415 - torch
    except ImportError as error:
        raise ProblemsFound(
            [Problem("biobench train", f"no package {error.name}", "pip install 'biobench[model]'")]
        ) from error
    plan, target = read_plan(Path(config)), Path(out)
    if target.exists() and not target.is_dir():
        raise ProblemsFound([Problem(out, "a file", "a folder to write to")])
    if (target / "model.json").exists() and not resume:
        expected = "a new folder"
        raise ProblemsFound([Problem(out, "a folder that holds a model", expected, "nothing is overwritten")])
    try:
        with progress_bar() as told:
            done = run_plan(plan, target, data=data, resume=resume, processes=processes, told=told)
    except KeyboardInterrupt:
        click.echo(
            f"interrupted; the same command with --resume goes on after the last checkpoint in {out}/training", err=True
        )
        raise
    report = done.report
    click.echo(f"{out}: {done.parameters:,} parameters learned, {report.steps} steps, {report.summary()}")
    if plan.stage == "streamvlm" and len(plan.biases) > 1:
        click.echo(f"bias of <answer>, chosen on the validation videos: {done.answer_bias:g}")
    if done.failures:
        for failure in done.failures:
            click.echo(f"{failure}", err=True)
        raise click.ClickException(f"{len(done.failures)} exercises could not be read and were left out")
