"""Judges' numbers for a board: made by whoever builds it, with one judge for all systems, and not validated but by its card."""

from __future__ import annotations

from pathlib import Path

from biobench.problems import Problem, ProblemsFound
from biobench.results import Results, Score, read_results
from leaderboard.submission import Submission

__all__ = ["check_judged_folder", "is_judged", "judged"]

_STEM = "llm_"


def is_judged(metric: str) -> bool:
    """Whether a number is a language model's judgement; its share of unscored remarks is not."""
    return metric.startswith(_STEM) and not metric.endswith("_unscored")


def judged(folder: Path, submission: Submission, stored: Results) -> tuple[tuple[Score, ...], tuple[str, ...]]:
    """The judges' scores of a submission and what they say of them; nothing where ``folder`` has no ``<id>.json``.

    The file is what ``biobench judge score`` writes for the submission's predictions. Raises ``ProblemsFound`` where it is of
    other predictions or other data.
    """
    path = folder / f"{submission.id}.json"
    if not path.is_file():
        return (), ()
    results = read_results(path)
    hint = f"make it with biobench judge score {submission.predictions_path} --out {path}"
    problems = [
        Problem(str(path), f"a judge's results of other {what} ({found})", f"of {wanted}", hint)
        for what, found, wanted in (
            ("predictions", results.predictions.get("sha256"), submission.predictions_sha256),
            ("data", results.benchmark.get("sha256"), stored.benchmark.get("sha256")),
        )
        if found != wanted
    ]
    scores = tuple(score for score in results.scores if score.metric.startswith(_STEM))
    if not scores and not problems:
        problems = [Problem(str(path), "results without a judge's number", "what a judge gave", hint)]
    if problems:
        raise ProblemsFound(problems)
    return scores, results.judge_lines


def check_judged_folder(folder: Path, ids: set[str]) -> None:
    """Every file must be of a system of the board. Raises ``ProblemsFound``."""
    if not folder.is_dir():
        raise ProblemsFound([Problem(str(folder), "no folder", "a folder of what biobench judge score wrote")])
    strangers = sorted(path.name for path in folder.glob("*.json") if path.stem not in ids)
    if strangers:
        expected = "files named <system>.json after the folders of the submissions"
        raise ProblemsFound(
            [Problem(str(folder / name), "a judge's results of no system here", expected) for name in strangers]
        )
