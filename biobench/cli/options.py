"""Options that several commands share, and the lines that they print alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from biobench.problems import Notice, Problem, ProblemsFound

if TYPE_CHECKING:
    from biobench.records import Benchmark, Predictions

__all__ = [
    "benchmark_line",
    "data_options",
    "echo_notices",
    "echo_utf8",
    "open_benchmark",
    "open_predictions",
    "output_path",
    "seen",
]

P = ParamSpec("P")
R = TypeVar("R")

_SAMPLE_PREFIX = "sample:"


def data_options(function: Callable[P, R]) -> Callable[P, R]:
    """``--data``, ``--split`` and ``--annotations``."""
    for option in (
        click.option(
            "--annotations", metavar="NAME", help="Which feedbacks_long_range*.json, where there are several."
        ),
        click.option("--split", default="test", show_default=True, help="train, test or competition."),
        click.option(
            "--data",
            metavar="DIR",
            help="QEVD's data root or one split's folder [default: the packaged sample].",
        ),
    ):
        function = option(function)
    return function


def open_benchmark(data: str | None, split: str, annotations: str | None) -> Benchmark:
    """The benchmark that the options name. Raises ``ProblemsFound``."""
    from biobench.readers.qevd import load_benchmark  # noqa: PLC0415 - numpy, not needed for --help

    return load_benchmark(data, split, annotations)


def open_predictions(preds: str, benchmark: Benchmark) -> Predictions:
    """Predictions from a path, or from the package where the name is ``sample:NAME``. Raises ``ProblemsFound``."""
    from biobench.readers.predictions import load_predictions  # noqa: PLC0415 - numpy, not needed for --help

    if not preds.startswith(_SAMPLE_PREFIX):
        try:
            return load_predictions(preds, benchmark)
        except ProblemsFound:
            if benchmark.is_sample:
                click.echo("biobench: read against the packaged sample, because no --data was given", err=True)
            raise
    from biobench.readers.qevd import sample_folder  # noqa: PLC0415

    files = {file.stem: file for file in (sample_folder() / "predictions").glob("*.json")}
    name = preds.removeprefix(_SAMPLE_PREFIX)
    if name not in files:
        raise ProblemsFound(
            [
                Problem(
                    preds,
                    "no packaged predictions of this name",
                    ", ".join(f"{_SAMPLE_PREFIX}{n}" for n in sorted(files)),
                )
            ]
        )
    if not benchmark.is_sample:
        raise ProblemsFound([Problem(preds, "the packaged predictions with --data", "predictions for that data")])
    return load_predictions(files[name], benchmark)


def seen(text: str) -> str:
    """A line with what can't be seen (control characters, direction marks) escaped, so that no file drives a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def benchmark_line(benchmark: Benchmark) -> str:
    """What is scored on; it says so first where that is only the packaged sample."""
    subjects = {session.subject for session in benchmark.sessions} - {None}
    people = f" of {len(subjects)} people" if subjects else ""
    what = f"{benchmark.name} ({benchmark.split}, {benchmark.annotations}): {len(benchmark.sessions)} videos{people}"
    return f"the packaged sample, because no --data was given: {what}" if benchmark.is_sample else what


def echo_notices(notices: Sequence[Notice], *, err: bool) -> None:
    """One line a notice."""
    for notice in notices:
        click.echo(f"note: {seen(str(notice))}", err=err)


def echo_utf8(text: str) -> None:
    """Writes machine-readable text to standard output as UTF-8, whatever the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def output_path(path: str, *inputs: str) -> Path:
    """A path to write to, checked before the work begins; it must be none of the inputs. Raises ``ProblemsFound``."""
    target = Path(path)
    for source in inputs:
        if target.exists() and Path(source).exists() and target.samefile(source):
            raise ProblemsFound([Problem(path, "the input itself", "another file to write")])
    if target.is_dir():
        raise ProblemsFound([Problem(path, "a folder", "a file to write")])
    if not target.parent.is_dir():
        raise ProblemsFound([Problem(path, f"no folder {target.parent}", "a place to write", "create it first")])
    return target
