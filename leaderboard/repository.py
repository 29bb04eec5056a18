"""What a repository of submissions needs: a folder for them, and the workflows that check a stranger's pull request."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import biobench
from biobench.problems import Problem, ProblemsFound

__all__ = ["write_repository"]

_VERSION = "BIOBENCH_VERSION"


def write_repository(folder: Path) -> list[Path]:
    """Writes the files into ``folder``, which is made where it is missing; gives their paths.

    Raises ``ProblemsFound`` where one of them is there already, or the place can't be written; nothing is then written.
    """
    wanted = dict(_files(files("leaderboard").joinpath("data", "repository"), Path()))
    there = [path for path in wanted if (folder / path).exists() or (folder / path).is_symlink()]
    if there:
        raise ProblemsFound(
            [Problem(str(folder / path), "a file that is there already", "a new file") for path in there]
        )
    written: list[Path] = []
    try:
        for path, text in wanted.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            written.append(target)
            target.write_text(text.replace(_VERSION, biobench.__version__), encoding="utf-8", newline="\n")
    except OSError as error:
        for target in written:
            target.unlink(missing_ok=True)
        found = f"a place that can't be written ({error.strerror})"
        raise ProblemsFound([Problem(str(folder), found, "a folder to write to")]) from error
    return written


def _files(source: Traversable, place: Path) -> Iterator[tuple[Path, str]]:
    for item in sorted(source.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _files(item, place / item.name)
        else:
            yield place / item.name, item.read_text(encoding="utf-8")
