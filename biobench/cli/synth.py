"""``biobench synth``: writes a benchmark whose truth is known, or checks that one looks like the published data."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from biobench.synth.check import Statistic
    from biobench.synth.people import Split
    from biobench.synth.script import Script

__all__ = ["command"]

_Chosen = Literal["train", "test", "both"]


@click.command("synth")
@click.argument("folder", metavar="[OUT]", required=False)
@click.option("--split", type=click.Choice(["train", "test", "both"]), default="test", show_default=True)
@click.option(
    "--videos", type=click.IntRange(1, 999), help="How many videos a split [default: 149 of train, 74 of test]."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Another seed, other people.")
@click.option(
    "--mix",
    type=click.IntRange(20, 60),
    default=40,
    show_default=True,
    help="Percent of remarks that are praise or counts.",
)
@click.option("--defects", is_flag=True, help="Put the known defects of the real files into the first four videos.")
@click.option("--bodies", is_flag=True, help="Also poses (HSMR's files), measures and golden standards.")
@click.option("--features", is_flag=True, help="Also visual features, 4 a second: about 3 MB a video.")
@click.option(
    "--pose-jitter", type=click.FloatRange(0, 45), default=2.0, show_default=True, help="Degrees, from frame to frame."
)
@click.option(
    "--pose-bias", type=click.FloatRange(0, 45), default=0.0, show_default=True, help="Degrees, the same all along."
)
@click.option("--pose-missing", type=click.FloatRange(0, 1), default=0.005, show_default=True, help="Share of frames.")
@click.option("--pose-flips", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share seen mirrored.")
@click.option(
    "--second-person",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share that shows somebody else too.",
)
@click.option(
    "--bertscore", metavar="MODEL", help="With --check: BERTScore of random pairs, too (minilm needs no download)."
)
@click.option("--check", is_flag=True, help="Write nothing: print the statistics of OUT, or of a split made for it.")
def command(
    folder: str | None,
    split: _Chosen,
    videos: int | None,
    seed: int,
    mix: int,
    defects: bool,
    bodies: bool,
    features: bool,
    pose_jitter: float,
    pose_bias: float,
    pose_missing: float,
    pose_flips: float,
    second_person: float,
    bertscore: str | None,
    check: bool,
) -> None:
    """Write QEVD-synth, a benchmark in QEVD's layout of which every remark's cause is known.

    OUT is a new folder; it gets a folder for each split. With --check nothing is written: each statistic is printed
    beside its target, and the exit status is 1 when one is off.
    """
    from biobench.synth.bodies import PoseErrors  # noqa: PLC0415
    from biobench.synth.make import VIDEOS, make_script  # noqa: PLC0415 - numpy, not needed for --help
    from biobench.synth.write import Rendering, check_free, write_scripts  # noqa: PLC0415

    splits: Sequence[Split] = ("train", "test") if split == "both" else (split,)
    if check and folder is not None:
        _check(Path(folder), splits, bertscore)
        return
    if not check:
        if folder is None:
            raise click.UsageError("name the folder to write, or give --check")
        check_free(Path(folder))
    scripts = [make_script(one, videos or VIDEOS[one], seed=seed, mix=mix, defects=defects) for one in splits]
    if not check and folder is not None:
        errors = PoseErrors(pose_jitter, pose_bias, pose_missing, pose_flips, second_person)
        write_scripts(scripts, Path(folder), Rendering(errors if bodies else None, features))
        for script in scripts:
            click.echo(_written(Path(folder), script))
        return
    with tempfile.TemporaryDirectory(prefix="biobench-synth-") as temporary:
        write_scripts(scripts, Path(temporary) / "made")
        _check(Path(temporary) / "made", splits, bertscore)


def _written(folder: Path, script: Script) -> str:
    from biobench.readers.qevd import SPLIT_FOLDERS  # noqa: PLC0415

    exercises = sum(len(video.performances) for video in script.videos)
    remarks = sum(len(said) for video in script.videos for said in video.remarks["a"])
    people = len(script.people)
    return (
        f"{folder / SPLIT_FOLDERS[script.split]}: {len(script.videos)} videos of {people} people, "
        f"{exercises} exercises, {remarks} remarks (made up; seed {script.seed}, mix {script.mix})"
    )


def _check(folder: Path, splits: Sequence[Split], bertscore: str | None) -> None:
    from biobench.metrics import MetricUnavailable  # noqa: PLC0415
    from biobench.synth.check import check_split  # noqa: PLC0415

    off = 0
    for split in splits:
        try:
            statistics = check_split(folder, split, bertscore)
        except MetricUnavailable as error:
            raise click.ClickException(str(error)) from error
        _print(split, statistics)
        off += sum(statistic.is_off for statistic in statistics)
    if off:
        click.echo(f"{off} {'statistic is' if off == 1 else 'statistics are'} off", err=True)
        sys.exit(1)


def _print(split: Split, statistics: Sequence[Statistic]) -> None:
    width = max(len(statistic.name) for statistic in statistics)
    click.echo(f"{split:<{width}}{'here':>9}  target")
    for statistic in statistics:
        here = f"{statistic.value:.0f}" if isinstance(statistic.value, int) else f"{statistic.value:.3f}"
        line = f"{statistic.name:<{width}}{here:>9}  {statistic.target}"
        click.echo((line + ("   off" if statistic.is_off else "")).rstrip())
