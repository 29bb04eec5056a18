"""Is a submission what it says? Its predictions are scored again, and every stored number is compared."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

import biobench
from biobench import registry
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import printable, shown
from biobench.records import Benchmark, Predictions
from biobench.results import Results, read_results
from leaderboard.submission import Submission, open_submission
from leaderboard.submit import over_limits, read_submitted, score

__all__ = ["check_submission"]

_EQUAL = 1e-9
"""Numbers that differ by no more are the same: another machine may add in another order."""
_MOST_SHOWN = 50
_UNCOMPARED = "environment"
"""Versions may differ where the numbers don't; what can change a number stands in its signature."""
_MODEL = "bertscore"

_Difference = tuple[str, str, str]


def check_submission(
    folder: Path, benchmark: Benchmark, *, bertscore: str | None = None, allow_unchecked: Collection[str] = ()
) -> list[Problem]:
    """Everything that is wrong with a submission, in one pass; empty where nothing is.

    ``bertscore`` names the model to make BERTScore again with, where the submission holds it. A metric that can't be made
    again here is a problem, unless ``allow_unchecked`` names it; one that can be is compared whatever that says.
    """
    try:
        submission = open_submission(folder)
    except ProblemsFound as found:
        return list(found.problems)
    problems: list[Problem] = []
    stored = predictions = None
    try:
        stored = read_results(submission.results_path)
    except ProblemsFound as found:
        problems += found.problems
    if stored is not None and stored.benchmark.get("sha256") != benchmark.source_sha256:
        return [_other_data(submission, stored, benchmark)]  # other data have other segments: nothing else can be said
    try:
        predictions = read_submitted(submission.predictions_path, benchmark, submission.card)
        problems += over_limits(predictions)
    except ProblemsFound as found:
        problems += found.problems
    if problems or stored is None or predictions is None:
        return problems
    return _scored_again(submission, stored, predictions, benchmark, bertscore, allow_unchecked)


def _other_data(submission: Submission, stored: Results, benchmark: Benchmark) -> Problem:
    name, sha256 = (shown(str(stored.benchmark.get(key))) for key in ("name", "sha256"))
    found = f"results on the data {name} (sha256 {sha256})"
    expected = f"results on the data given, {benchmark.name} (sha256 {benchmark.source_sha256})"
    hint = "check with the data that it was made with, or make it again"
    return Problem(str(submission.results_path), found, expected, hint)


def _scored_again(
    submission: Submission,
    stored: Results,
    predictions: Predictions,
    benchmark: Benchmark,
    bertscore: str | None,
    allow_unchecked: Collection[str],
) -> list[Problem]:
    file = str(submission.results_path)
    names = _metrics(stored)
    model = bertscore if any(name.startswith(_MODEL) for name in names) else None
    again = score(predictions, benchmark, model)
    unmade = names - _metrics(again)
    problems = [
        Problem(file, f"{shown(name)}, which can't be made again here", "a metric that can be checked", _way_out(name))
        for name in sorted(unmade.difference(allow_unchecked))
    ]
    # A plug-in that only the checker has is no fault of the submission.
    ignored = unmade | (set(registry.metrics().plugins) - names)
    differences = list(
        _differences(_plain(submission.results_path.read_text("utf-8-sig")), _plain(again.to_json()), ignored)
    )
    made_with = stored.environment.get("biobench")
    hint = "it is not what the predictions give; submit again"
    if made_with != biobench.__version__:
        hint = f"made with biobench {shown(made_with)}, checked with {biobench.__version__}; submit again with that"
    problems += [
        Problem(file, found, expected, hint, json_path=path) for path, found, expected in differences[:_MOST_SHOWN]
    ]
    if len(differences) > _MOST_SHOWN:
        more = f"{len(differences) - _MOST_SHOWN} more differences"
        problems.append(Problem(file, more, "results as biobench submit wrote them"))
    return problems


def _way_out(name: str) -> str:
    first = "name its model with --bertscore" if name.startswith(_MODEL) else "install the package that it comes from"
    return f"{first}, or leave it unchecked with --allow-unchecked {printable(name, 60)}"


def _metrics(results: Results) -> set[str]:
    """Every metric that a results file speaks of, in scores, baselines or rows."""
    names = {score.metric for score in results.scores}
    names |= {score.metric for baseline in results.baselines for score in baseline.scores}
    for records in results.segments.values():
        for record in records:
            rows = record.get("rows")
            if isinstance(rows, dict):
                names |= set(rows)
    return names


def _plain(text: str) -> object:
    value = json.loads(text)
    if isinstance(value, dict):
        del value[_UNCOMPARED]
    return value


def _differences(stored: object, again: object, ignored: set[str], path: str = "$") -> Iterator[_Difference]:
    """(JSON path, found, expected) wherever two values differ; scores and rows of ``ignored`` metrics are passed over."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in dict.fromkeys([*stored, *again]):
            place = f"{path}.{key}" if str(key).isidentifier() else f"{path}[{shown(str(key))}]"
            if path.endswith(".rows") and key in ignored:
                continue
            if key not in again:
                yield place, _told(stored[key]), "nothing here"
            elif key not in stored:
                yield place, "nothing here", _told(again[key])
            else:
                yield from _differences(stored[key], again[key], ignored, place)
    elif isinstance(stored, list) and isinstance(again, list):
        left_out = ignored if path.endswith(".scores") else set()
        ours, theirs = _numbered(again, left_out), _numbered(stored, left_out)
        if len(theirs) != len(ours):
            yield path, f"{len(theirs)} items", f"{len(ours)} items"
        for (k, one), (_, other) in zip(theirs, ours, strict=False):
            yield from _differences(one, other, ignored, f"{path}[{k}]")
    elif not _same(stored, again):
        yield path, _told(stored), _told(again)


def _numbered(values: list[object], left_out: set[str]) -> list[tuple[int, object]]:
    return [(k, v) for k, v in enumerate(values) if not (isinstance(v, dict) and v.get("metric") in left_out)]


def _same(stored: object, again: object) -> bool:
    if type(stored) in {int, float} and type(again) in {int, float}:
        return abs(float(stored) - float(again)) <= _EQUAL  # type: ignore[arg-type]  # numbers, both
    return type(stored) is type(again) and stored == again


def _told(value: object) -> str:
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return shown(value) if isinstance(value, str) else json.dumps(value)
