"""``biobench subtitles``: references and predictions as subtitles, to be watched beside the video."""

from __future__ import annotations

from pathlib import Path

import click

from biobench.cli import options
from biobench.problems import Problem, ProblemsFound

__all__ = ["command"]


@click.command("subtitles")
@click.argument("preds")
@options.data_options
@click.option("--out", metavar="DIR", required=True, help="The folder to write to; it is created.")
def command(preds: str, data: str | None, split: str, annotations: str | None, out: str) -> None:
    """Write what was said as subtitles: <video>.reference.vtt and <video>.prediction.vtt.

    PREDS is a predictions file in any accepted form but saved pairs, or sample:NAME. The references also tell the
    exercises, spoken by the voice "transition". Times count from the video's first frame.
    """
    from biobench.files import write_text  # noqa: PLC0415 - keeps --help fast
    from biobench.subtitles import subtitles  # noqa: PLC0415 - numpy

    benchmark = options.open_benchmark(data, split, annotations)
    predictions = options.open_predictions(preds, benchmark)
    made = subtitles(benchmark, predictions)
    folder = _folder(out)
    for video in made.videos:
        write_text(folder / f"{video.video}.reference.vtt", video.reference)
        write_text(folder / f"{video.video}.prediction.vtt", video.prediction)
    click.echo(options.benchmark_line(benchmark))
    click.echo(f"{out}: {2 * len(made.videos)} files for {len(made.videos)} videos")
    for count, what in (
        (made.clamped, "remarks before the video's first frame (or after 100 hours), shown at the nearest time"),
        (made.blank, "blank remarks, not shown"),
        (made.unplaced, "remarks in records that can't be cut into exercises, not shown"),
    ):
        if count:
            click.echo(f"note: {what}: {count}")


def _folder(out: str) -> Path:
    folder = Path(out)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError as error:
        raise ProblemsFound([Problem(out, "a file", "a folder to write to")]) from error
    except FileNotFoundError as error:
        raise ProblemsFound(
            [Problem(out, f"no folder {folder.parent}", "a place to write", "create it first")]
        ) from error
    except (OSError, ValueError) as error:
        raise ProblemsFound([Problem(out, f"a folder that can't be made ({error})", "a place to write")]) from error
    return folder
