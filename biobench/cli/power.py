"""``biobench power``: the smallest difference between two systems that a benchmark can show."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from statistics import median

import click

from biobench.cli import options
from biobench.problems import Problem, ProblemsFound

__all__ = ["command"]

_PROTOCOL = "biobench-1"


@click.command("power")
@click.argument("results", nargs=-1)
@options.data_options
@click.option("--metric", default="t_f_score", show_default=True, metavar="NAME")
def command(results: tuple[str, ...], data: str | None, split: str, annotations: str | None, metric: str) -> None:
    """Say what difference between two systems this benchmark finds four times in five (biobench-1, alpha 0.05).

    With two or more RESULTS the spread is theirs (the median pair's). Without, it is that of two imitations: the references
    with 30 % left out and the others late by 0.4 s (sd 0.6 s), drawn twice.
    """
    from biobench.comparison import results_board  # noqa: PLC0415 - keeps --help fast
    from biobench.evaluation import evaluate  # noqa: PLC0415
    from biobench.imitation import imitations  # noqa: PLC0415
    from biobench.results import read_results  # noqa: PLC0415
    from biobench.statistics import NotTestable, paired_standard_error, smallest_difference  # noqa: PLC0415
    from biobench.statistics import smallest_difference_sign_flip as by_sign_flips  # noqa: PLC0415

    if results:
        read = [read_results(Path(path)) for path in results]
        what = f"the median pair of {len(read)} systems"
    else:
        benchmark = options.open_benchmark(data, split, annotations)
        click.echo(options.benchmark_line(benchmark))
        read = [evaluate(p, benchmark, [_PROTOCOL], baselines=False) for p in imitations(benchmark)]
        what = "two imitations (see --help)"
    if results and data is not None:
        raise click.UsageError("give RESULTS or --data, not both")
    table = results_board(read, metric, _PROTOCOL)
    if len(table.names) < 2 or len(table.clusters) < 2:
        left = "; ".join(f"{one.name}: {one.reason}" for one in table.left_out)
        found = f"{len(table.names)} systems with a score and {len(table.clusters)} people or videos"
        raise ProblemsFound([Problem(metric, found + (f" ({left})" if left else ""), "two or more of each")])
    errors = [paired_standard_error(table, *pair) for pair in combinations(table.names, 2)]
    spread = [error for error in errors if error > 0]
    if not spread:
        raise ProblemsFound([Problem(metric, "no difference between any two systems", "systems that differ")])
    error, clusters = median(spread), len(table.clusters)
    unit = read[0].score(metric, _PROTOCOL).cluster_unit
    click.echo(
        f"{metric} under {_PROTOCOL}: standard error of a difference {error:.4f}, {clusters} {unit}s, from {what}"
    )
    click.echo(f"found four times in five by a paired t test:        {smallest_difference(error, clusters):.3f}")
    flips = by_sign_flips(error, clusters)
    told = flips.reason if isinstance(flips, NotTestable) else f"{flips:.3f}"
    click.echo(f"found four times in five by the sign-flip test:     {told}")
    if unit == "video":
        click.echo(
            "who is in which video is unknown: with fewer people than videos, only larger differences can be shown"
        )
