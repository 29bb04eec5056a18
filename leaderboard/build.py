"""Submissions become a site: one page for the board, one for each system, and the exports."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from biobench.problems import Problem, ProblemsFound
from biobench.records import Benchmark
from biobench.results import Json
from leaderboard.board import Board, make_board
from leaderboard.columns import Column, columns, preferred_order
from leaderboard.digest import Digest, digest
from leaderboard.exports import board_csv, board_latex, board_markdown
from leaderboard.judge_cards import cards_of_board, open_judge_cards
from leaderboard.judged import check_judged_folder
from leaderboard.page import board_page, system_page
from leaderboard.skeletons import Skeletons, shown_segments
from leaderboard.submission import Submission, open_submissions

__all__ = ["build"]

T = TypeVar("T")
R = TypeVar("R")

MARK = "made-by-biobench-leaderboard.txt"
_MARK_TEXT = "This folder was made by biobench leaderboard build, which may replace it as a whole.\n"
_FEW = 24
"""Fewer submissions are read faster by one process than a second one starts."""


def build(
    submissions: Path,
    out: Path,
    *,
    order: Column | None = None,
    title: str = "Leaderboard",
    processes: int = 1,
    poses: Benchmark | None = None,
    judged_in: Path | None = None,
    cards: Sequence[Path] = (),
) -> Board:
    """Builds the site ``out`` from a folder of submissions; the same submissions give the same bytes.

    Scores are read from the stored results. ``poses`` are the board's data with poses, from which timelines get figures.
    ``judged_in`` is a folder of judges' results, one file a system; ``cards`` are judge cards of scorers behind the columns.
    ``order`` None: by the first preferred column that the systems have. An
    ``out`` that an earlier build made is replaced as a whole, any other folder that holds something is refused. Raises
    ``ProblemsFound`` with every problem of every submission; ``out`` is then as it was.
    """
    _check_target(out)
    card_files = open_judge_cards(cards)
    opened = open_submissions(submissions)
    if judged_in is not None:
        check_judged_folder(judged_in, {submission.id for submission in opened})
    with _runner(processes if len(opened) > _FEW else 1) as run:
        digests = _digests(opened, order, judged_in, run)
        board = make_board(digests, order, title, run)
        of_board = cards_of_board(card_files, digests, board.columns)
        board = replace(board, cards=tuple(card for card, _ in of_board))
        with tempfile.TemporaryDirectory(prefix=".biobench-board-", dir=out.parent) as temporary:
            site = Path(temporary) / "site"
            (site / "systems").mkdir(parents=True)
            pages = {
                "index.html": board_page(board),
                "board.csv": board_csv(board),
                "board.md": board_markdown(board),
                "board.tex": board_latex(board),
                MARK: _MARK_TEXT,
            }
            for name, text in pages.items():
                _write(site / name, text)
            for card, file in of_board:
                if card.page is not None and file.page is not None:
                    (site / "cards").mkdir(exist_ok=True)
                    (site / card.page).write_bytes(file.page)
            # A system's page needs the board's facts, not the other systems.
            facts = replace(board, digests=(), standings={board.order.key: board.standings[board.order.key]})
            skeletons = None if poses is None else Skeletons(poses, str(board.benchmark.get("sha256")))
            figures = [{} if skeletons is None else skeletons.of(shown_segments(d.segments)) for d in board.digests]
            pairs = list(zip(board.digests, figures, strict=True))
            for _ in run(partial(_write_system, facts, site / "systems"), pairs):
                pass
            _replace(site, out, Path(temporary) / "before")
    return board


def _digests(
    opened: Sequence[Submission], order: Column | None, judged_in: Path | None, run: Callable[..., Iterable[Any]]
) -> list[Digest]:
    wanted = columns()
    by_exercise = (order,) if order is not None else preferred_order()
    found: list[Digest] = []
    problems: list[Problem] = []
    for result in run(partial(_attempt, wanted, by_exercise, judged_in), opened):
        if isinstance(result, Digest):
            found.append(result)
        elif isinstance(result, list):
            problems += result
    if problems:
        raise ProblemsFound(problems)
    return found


def _attempt(
    wanted: Sequence[Column], by_exercise: Sequence[Column], judged_in: Path | None, submission: Submission
) -> Digest | list[Problem]:
    """A digest, or what is wrong: problems of all submissions are told at once."""
    try:
        return digest(submission, wanted, by_exercise, judged_in)
    except ProblemsFound as found:
        return list(found.problems)


@contextmanager
def _runner(processes: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """``map``, in this process or over several, with the results in order."""
    if processes < 2:
        yield map
        return
    # No collector of garbage: results have no circles, and it walks them again and again.
    with ProcessPoolExecutor(processes, get_context("spawn"), gc.disable) as pool:

        def run(function: Callable[[T], R], items: Sequence[T]) -> Iterable[R]:
            return pool.map(function, items, chunksize=max(1, min(8, len(items) // (4 * processes))))

        yield run


def _write_system(board: Board, folder: Path, pair: tuple[Digest, dict[str, Json]]) -> None:
    one, figures = pair
    _write(folder / f"{one.id}.html", system_page(board, one, figures))


def _check_target(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ProblemsFound([Problem(str(out), "something that is no folder", "a new folder, or a site made before")])
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        found = "a folder that holds something else"
        raise ProblemsFound([Problem(str(out), found, f"a new or empty folder, or a site made before (with {MARK})")])
    if not out.parent.is_dir():
        raise ProblemsFound([Problem(str(out), f"no folder {out.parent}", "a place to write", "create it first")])


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _replace(site: Path, out: Path, before: Path) -> None:
    """The new site in the place of the old one; if the move fails, the old one stays."""
    try:
        if out.exists():
            out.replace(before)
        site.replace(out)
    except OSError as error:
        if before.exists() and not out.exists():
            shutil.move(before, out)
        found = f"a place that can't be written ({error.strerror})"
        raise ProblemsFound([Problem(str(out), found, "a place for the site")]) from error
