"""``biobench convert-hsmr``: HSMR's pickled poses become plain arrays."""

from __future__ import annotations

from pathlib import Path

import click

from biobench.cli import options
from biobench.problems import Problem, ProblemsFound

__all__ = ["command"]


@click.command("convert-hsmr")
@click.argument("source", metavar="IN.npy")
@click.argument("target", metavar="OUT.npz")
def command(source: str, target: str) -> None:
    """Convert HSMR's poses to plain arrays.

    IN.npy is HSMR-<video>.npy as HSMR writes it. It is a pickle, which could run code in any other reader; here nothing of
    it is run. OUT.npz holds people (frames), poses (people, 46) in radians, betas, patch_cam_t, full_cam_t and boxes.
    """
    from biobench.body.hsmr import read, write_npz  # noqa: PLC0415 - numpy, not needed for --help

    if not target.endswith(".npz"):
        raise ProblemsFound([Problem(target, "another ending", "a name that ends with .npz")])
    path = options.output_path(target, source)
    frames = read(Path(source))
    write_npz(path, frames)
    people = int(frames.people.sum())
    empty = int((frames.people == 0).sum())
    click.echo(f"{target}: {len(frames)} frames, {people} poses, {empty} frames without anybody")
