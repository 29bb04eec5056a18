"""Is a submission what it says? Its predictions are scored again, and every stored number is compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import shown
from biobench.readers.predictions import load_predictions
from biobench.records import Benchmark
from biobench.results import read_results
from leaderboard.submission import Submission, open_submission
from leaderboard.submit import over_limits, score

__all__ = ["check_submission"]

_EQUAL = 1e-9
"""Numbers that differ by no more are the same: another machine may add in another order."""
_MOST_SHOWN = 50
_UNCOMPARED = {"environment"}
"""Versions may differ where the numbers don't; what can change a number stands in its signature."""


def check_submission(folder: Path, benchmark: Benchmark, *, bertscore: str | None = None) -> list[Problem]:
    """Everything that is wrong with a submission, in one pass; empty where nothing is.

    ``bertscore`` names the model to recompute BERTScore with, where the submission holds it.
    """
    try:
        submission = open_submission(folder)
    except ProblemsFound as found:
        return list(found.problems)
    problems: list[Problem] = []
    try:
        predictions = load_predictions(submission.predictions_path, benchmark)
    except ProblemsFound as found:
        return list(found.problems)
    problems += over_limits(predictions)
    wanted = f"{submission.card.name} {submission.card.version}"
    if predictions.system != wanted:
        expected = f"{shown(wanted)}, the card's name and version"
        problems.append(Problem(str(submission.predictions_path), f"the system {shown(predictions.system)}", expected))
    try:
        stored = read_results(submission.results_path)
    except ProblemsFound as found:
        return [*problems, *found.problems]
    if stored.benchmark.get("sha256") != benchmark.source_sha256:
        made = (
            f"results on data {str(stored.benchmark.get('sha256'))[:12]} ({shown(str(stored.benchmark.get('name')))})"
        )
        expected = f"results on the data given: {benchmark.source_sha256[:12]} ({benchmark.name})"
        hint = "check with the data that it was made with, or make it again"
        return [*problems, Problem(str(submission.results_path), made, expected, hint)]
    unchecked = [s.metric for s in stored.scores if s.metric.startswith("bertscore")]
    if unchecked and bertscore is None:
        found_text = f"{', '.join(unchecked)}, which can't be made again without a model"
        return [*problems, Problem(str(submission.results_path), found_text, "--bertscore MODEL")]
    if problems:
        return problems
    again = json.loads(score(predictions, benchmark, bertscore).to_json())
    return _compared(submission, again)


def _compared(submission: Submission, again: object) -> list[Problem]:
    stored = json.loads(submission.results_path.read_text(encoding="utf-8"))
    differences = list(_differences(stored, again, "$"))
    problems = [
        Problem(
            str(submission.results_path),
            found,
            expected,
            "it is not what the predictions give; submit again",
            json_path=path,
        )
        for path, found, expected in differences[:_MOST_SHOWN]
    ]
    if len(differences) > _MOST_SHOWN:
        more = f"{len(differences) - _MOST_SHOWN} more differences"
        problems.append(Problem(str(submission.results_path), more, "results as biobench submit wrote them"))
    return problems


def _differences(stored: object, again: object, path: str) -> Iterator[tuple[str, str, str]]:
    """(JSON path, found, expected) wherever two values differ."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in dict.fromkeys([*stored, *again]):
            if path == "$" and key in _UNCOMPARED:
                continue
            place = f"{path}.{key}" if str(key).isidentifier() else f"{path}[{shown(str(key))}]"
            if key not in again:
                yield place, _told(stored[key]), "nothing here"
            elif key not in stored:
                yield place, "nothing here", _told(again[key])
            else:
                yield from _differences(stored[key], again[key], place)
    elif isinstance(stored, list) and isinstance(again, list):
        if len(stored) != len(again):
            yield path, f"{len(stored)} items", f"{len(again)} items"
        for k, (one, other) in enumerate(zip(stored, again, strict=False)):
            yield from _differences(one, other, f"{path}[{k}]")
    elif not _same(stored, again):
        yield path, _told(stored), _told(again)


def _same(stored: object, again: object) -> bool:
    if type(stored) in {int, float} and type(again) in {int, float}:
        return abs(float(stored) - float(again)) <= _EQUAL  # type: ignore[arg-type]  # numbers, both
    return type(stored) is type(again) and stored == again


def _told(value: object) -> str:
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return shown(value) if isinstance(value, str) else json.dumps(value)
