"""``biobench compare``: which of these systems are surely better than which."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from biobench.comparison import Standing
    from biobench.results import Score

__all__ = ["command"]


@click.command("compare")
@click.argument("results", nargs=-1, required=True)
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME", help="May be given several times [default: t_f_score]."
)
@click.option("--protocol", default="biobench-1", show_default=True, metavar="NAME")
def command(results: tuple[str, ...], metrics: tuple[str, ...], protocol: str) -> None:
    """Compare systems by their results files.

    All pairs of systems are tested jointly on the same people (or videos). A system's place is a range: at best behind
    those that are surely better, at worst before those that are surely worse. Results whose signatures differ are refused.
    """
    from rich.console import Console  # noqa: PLC0415 - keeps --help fast
    from rich.text import Text  # noqa: PLC0415

    from biobench.comparison import compare  # noqa: PLC0415
    from biobench.results import read_results  # noqa: PLC0415
    from biobench.tables import Column, Table, print_table  # noqa: PLC0415

    read = [read_results(Path(path)) for path in results]
    console = Console(highlight=False)
    for metric in metrics or ("t_f_score",):
        standing = compare(read, metric, protocol)
        columns = (
            Column("tier", "right"),
            Column("place", "right"),
            Column("system"),
            Column(metric, "right"),
            Column("95 % interval", "right"),
        )
        rows = tuple(
            (
                str(rank.tier),
                str(rank.best) if rank.best == rank.worst else f"{rank.best}-{rank.worst}",
                rank.name,
                f"{standing.scores[rank.name].value:z.3f}",
                _interval(standing.scores[rank.name]),
            )
            for rank in standing.ranks
        )
        print_table(console, Table(f"{metric} under {protocol}", columns, rows, tuple(_notes(standing))))
        console.print(Text(""))


def _interval(score: Score) -> str:
    return "–" if score.low is None or score.high is None else f"[{score.low:z.3f}, {score.high:z.3f}]"


def _notes(standing: Standing) -> list[str]:
    from biobench.statistics import NotTestable  # noqa: PLC0415

    notes = [f"{name} is left out: {reason}" for name, reason in standing.left_out]
    if isinstance(standing.test, NotTestable):
        return [*notes, f"not testable: {standing.test.reason}"]
    for comparison in standing.test.comparisons:
        if comparison.better is not None:
            worse = comparison.second if comparison.better == comparison.first else comparison.first
            notes.append(f"{comparison.better} is better than {worse} (adjusted p = {comparison.p:.3g})")
    if not any(comparison.better for comparison in standing.test.comparisons):
        notes.append("no two of these systems are surely different")
    if standing.smallest_difference is not None:
        notes.append(
            f"for the median pair, a difference of about {standing.smallest_difference:.3f} would just be sure"
        )
    notes.append(
        f"joint sign-flip test over {standing.test.clusters} clusters, {standing.test.method}, alpha {standing.test.alpha:g}"
    )
    return notes
