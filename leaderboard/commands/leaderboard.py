"""``biobench leaderboard``: a site from submissions, its baselines, an example, and the repository that collects them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from biobench.cli import options

if TYPE_CHECKING:
    from leaderboard.board import Board

__all__ = ["command"]

_MOST_PROCESSES = 8


@click.group("leaderboard")
def command() -> None:
    """Build a leaderboard from submissions."""


@command.command("build")
@click.argument("submissions")
@click.option("--out", required=True, metavar="DIR", help="The site: a new folder, or one that was made before.")
@click.option(
    "--metric",
    metavar="PROTOCOL.NAME",
    help="What to order by, such as biobench-1.t_f_score [default: biobench-1.bioclaim_f where there is one].",
)
@click.option("--title", default="Leaderboard", show_default=True, help="The heading of the page.")
@click.option(
    "--processes",
    type=click.IntRange(1, _MOST_PROCESSES),
    help="How many submissions are read at a time [default: one a core, at most 8].",
)
@click.option("--poses", metavar="DIR", help="The board's data with poses: timelines get a figure.")
@click.option(
    "--judged", metavar="DIR", help="Judges' results, one <system>.json each, from biobench judge score --out."
)
@click.option(
    "--card",
    "cards",
    multiple=True,
    metavar="FILE",
    help="A judge card (JSON) of a scorer behind a column, from biobench study report; may be given again.",
)
@click.option("--split", default="test", show_default=True, help="Of --poses.")
@click.option("--annotations", metavar="NAME", help="Of --poses.")
def build_command(
    submissions: str,
    out: str,
    metric: str | None,
    title: str,
    processes: int | None,
    poses: str | None,
    judged: str | None,
    cards: tuple[str, ...],
    split: str,
    annotations: str | None,
) -> None:
    """Build the site from a folder of submissions.

    SUBMISSIONS holds one folder a system, as biobench submit makes them. Scores are read from the stored results; places
    come from one joint test over all systems. Exit status: 0 done, 1 when the oracle is not perfect, 2 for bad input.
    """
    from leaderboard.build import build  # noqa: PLC0415 - keeps --help fast
    from leaderboard.columns import find_column  # noqa: PLC0415

    order = None if metric is None else find_column(metric)
    cores = min(_MOST_PROCESSES, os.cpu_count() or 1)
    data = None if poses is None else options.open_benchmark(poses, split, annotations)
    board = build(
        Path(submissions),
        Path(out),
        order=order,
        title=title,
        processes=processes or cores,
        poses=data,
        judged_in=None if judged is None else Path(judged),
        cards=[Path(card) for card in cards],
    )
    _tell(board, out)


@command.command("baselines")
@options.data_options
@click.option("--to", required=True, metavar="DIR", help="The folder of submissions.")
def baselines_command(data: str | None, split: str, annotations: str | None, to: str) -> None:
    """Submit the baselines that every board should show.

    They say what a score is worth: the oracle must be perfect, and a system that a metronome beats has not seen the video.
    """
    from leaderboard.baselines import submit_baselines  # noqa: PLC0415 - keeps --help fast

    benchmark = options.open_benchmark(data, split, annotations)
    click.echo(options.benchmark_line(benchmark))
    made, left_out = submit_baselines(benchmark, Path(to))
    for folder in made:
        click.echo(f"{folder}")
    for line in left_out:
        click.echo(f"note: left out {line}")


@command.command("example")
@click.option("--out", required=True, metavar="DIR", help="The site: a new folder, or one that was made before.")
def example_command(out: str) -> None:
    """Build a board of all baselines on the packaged sample, to see what a board looks like."""
    from leaderboard.baselines import submit_baselines  # noqa: PLC0415 - keeps --help fast
    from leaderboard.build import build  # noqa: PLC0415

    benchmark = options.open_benchmark(None, "test", None)
    click.echo(options.benchmark_line(benchmark))
    with tempfile.TemporaryDirectory(prefix="biobench-example-") as temporary:
        submit_baselines(benchmark, Path(temporary))
        board = build(Path(temporary), Path(out), title="Example board: baselines on QEVD-synth")
    _tell(board, out)


@command.command("init")
@click.argument("folder", metavar="DIR")
def init_command(folder: str) -> None:
    """Write what a repository of submissions needs: a folder for them, and the workflows that check them."""
    from leaderboard.repository import write_repository  # noqa: PLC0415 - keeps --help fast

    for path in write_repository(Path(folder)):
        click.echo(str(path))


def _tell(board: Board, out: str) -> None:
    from rich.console import Console  # noqa: PLC0415

    from biobench.tables import Column, Table, print_table  # noqa: PLC0415 - keeps --help fast
    from leaderboard.wording import interval, place, score_text, system_name  # noqa: PLC0415

    standing = board.standings[board.order.key]
    columns = (
        Column("tier", "right"),
        Column("place", "right"),
        Column("system"),
        Column(board.order.metric, "right"),
        Column("95 % interval", "right"),
    )
    rows = []
    for digest in board.digests:
        rank = standing.ranks.get(digest.id)
        score = digest.entrant.score(board.order.metric, board.order.protocol)
        if rank is not None and score is not None:
            value = score_text(score.value, 3)
            rows.append((str(rank.tier), place(rank), system_name(digest.card), value, interval(score, 3)))
    notes = [f"not ranked: {digest_id}: {reason}" for digest_id, reason in standing.unranked.items()]
    if board.smallest_difference is not None:
        notes.append(f"for the median pair, a difference of about {board.smallest_difference:.3f} would just be sure")
    table = Table(f"{board.order.metric} under {board.order.protocol}", columns, tuple(rows), (*notes, standing.test))
    print_table(Console(highlight=False), table)
    for card in board.cards:
        click.echo(f"{', '.join(card.columns)}: {card.word}, says the card of {card.name}")
    for note in board.notes:
        click.echo(f"! {options.seen(note)}")
    click.echo(f"{Path(out) / 'index.html'}: {len(board.digests)} systems")
    if not board.oracle_is_perfect:
        raise SystemExit(1)
