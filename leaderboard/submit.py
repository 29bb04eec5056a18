"""Predictions and a card become a submission: normalised predictions, the results made from them, and their checksums."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace as with_
from pathlib import Path
from typing import NamedTuple

from biobench.evaluation import evaluate
from biobench.files import write_text
from biobench.predictions_file import write_predictions
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import shown
from biobench.readers.predictions import load_predictions
from biobench.records import Benchmark, Entry, Predictions
from biobench.results import Results
from leaderboard.card import SystemCard
from leaderboard.limits import FILES, MOST_REMARKS, MOST_TEXT
from leaderboard.submission import SUMS, checksums, open_submission

__all__ = ["PROTOCOLS", "Submitted", "over_limits", "read_submitted", "score", "submit"]

PROTOCOLS = ("biobench-1", "qevd-2024", "var-2026")
"""Under which a submission is scored."""

_MOST_LONG = 20
_WHOLE_VIDEOS = "var-2025"


class Submitted(NamedTuple):
    """A submission just made: where, and what it scores."""

    folder: Path
    results: Results


def submit(
    predictions: Predictions,
    benchmark: Benchmark,
    card: SystemCard,
    to: Path,
    *,
    bertscore: str | None = None,
    replace: bool = False,
) -> Submitted:
    """Writes ``to/<id>/``: whole or not at all; the same input gives the same bytes.

    ``replace``: an earlier submission of this name and version gives way. Raises ``ProblemsFound`` for predictions that
    can't be submitted, and for a folder that is there already.
    """
    target = to / card.id
    problems = over_limits(predictions)
    if predictions.format == "fitcoach-pairs":
        found = "FitCoach's saved pairs, which hold no times"
        problems.append(Problem(predictions.source, found, "predictions with times"))
    if (target.exists() or target.is_symlink()) and not replace:
        hint = "raise the version, or replace it with --replace"
        problems.append(Problem(str(target), "a submission of this name and version", "a new one", hint))
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        problems.append(Problem(str(target), "something that is no folder", "a submission's folder"))
    elif replace and (owner := _name_in(target)) not in {None, card.name}:
        hint = "their folders have the same name; another name or version tells them apart"
        problems.append(Problem(str(target), f"a submission of {shown(owner)}", shown(card.name), hint))
    if problems:
        raise ProblemsFound(problems)
    try:
        to.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".biobench-submit-", dir=to) as temporary:
            made = Path(temporary) / card.id
            made.mkdir()
            results = _fill(made, predictions, benchmark, card, bertscore)
            _put(made, target, Path(temporary) / "before")
    except OSError as error:
        found = f"a place that can't be written ({error.strerror})"
        raise ProblemsFound([Problem(str(target), found, "a folder of submissions")]) from error
    return Submitted(target, results)


def read_submitted(path: Path, benchmark: Benchmark, card: SystemCard) -> Predictions:
    """The predictions of a submission, under the card's name and version. Raises ``ProblemsFound``."""
    predictions = load_predictions(path, benchmark)
    wanted = _system(card)
    if predictions.format == _WHOLE_VIDEOS:
        return with_(predictions, system=wanted)  # this form has no place for a name
    problems = []
    if predictions.format != "native":
        found = f"a file of the form {predictions.format}"
        problems.append(Problem(str(path), found, "the form that biobench submit writes", "make it with that"))
    elif predictions.system != wanted:
        expected = f"{shown(wanted)}, the card's name and version"
        problems.append(Problem(str(path), f"the system {shown(predictions.system)}", expected))
    if problems:
        raise ProblemsFound(problems)
    return predictions


def score(predictions: Predictions, benchmark: Benchmark, bertscore: str | None) -> Results:
    """The results of a submission, as it stores them."""
    return evaluate(predictions, benchmark, PROTOCOLS, bertscore=bertscore)


def over_limits(predictions: Predictions) -> list[Problem]:
    """What is larger than a submission may be."""
    problems = []
    remarks = sum(len(entry.feedbacks) for entry in predictions.entries)
    if remarks > MOST_REMARKS:
        problems.append(Problem(predictions.source, f"{remarks:,} remarks", f"at most {MOST_REMARKS:,}"))
    too_long = [
        f"a remark of {len(feedback.text):,} characters ({key}, remark {k})"
        for key, feedbacks in predictions.entries
        for k, feedback in enumerate(feedbacks)
        if len(feedback.text) > MOST_TEXT
    ]
    if len(too_long) > _MOST_LONG:
        too_long[_MOST_LONG:] = [f"{len(too_long) - _MOST_LONG:,} more remarks that are too long"]
    return [*problems, *(Problem(predictions.source, found, f"at most {MOST_TEXT:,}") for found in too_long)]


def _fill(
    folder: Path, predictions: Predictions, benchmark: Benchmark, card: SystemCard, bertscore: str | None
) -> Results:
    path = folder / "predictions.json"
    _write_normalised(path, predictions, benchmark, card)
    (folder / "system.toml").write_text(card.to_toml(), encoding="utf-8", newline="\n")
    # From the file, not from memory: whoever checks it has only the file.
    results = score(read_submitted(path, benchmark, card), benchmark, bertscore)
    if results.failed:
        raise ProblemsFound(
            [
                Problem(f"{s.protocol} {s.metric}", str(s.reason), "a number", "nothing was submitted")
                for s in results.failed
            ]
        )
    results.write(folder / "results.json")
    too_large = [
        Problem(str(predictions.source), f"{name} of {size:,} bytes", f"at most {FILES[name]:,}")
        for name in FILES
        if (folder / name).exists() and (size := (folder / name).stat().st_size) > FILES[name]
    ]
    if too_large:
        raise ProblemsFound(too_large)
    (folder / SUMS).write_text(checksums(folder), encoding="utf-8", newline="\n")
    open_submission(folder)
    return results


def _write_normalised(path: Path, predictions: Predictions, benchmark: Benchmark, card: SystemCard) -> None:
    """One form, in the order of the benchmark. Times are rounded nowhere: they keep the clock that they came with.

    Whole videos stay whole videos: each protocol ends the last exercise elsewhere, so that no split fits them all.
    """
    by_key = dict(predictions.entries)
    whole = predictions.format == _WHOLE_VIDEOS
    order = [key for s in benchmark.sessions for key in ((s.video,) if whole else s.segment_ids) if key in by_key]
    if not whole:
        write_predictions(path, _system(card), [Entry(key, by_key[key]) for key in order], predictions.time_origin)
        return
    rows = [
        {
            "video_file": f"{key}.mp4",
            "feedbacks": [feedback.text for feedback in by_key[key]],
            "feedback_timestamps": [feedback.time_s for feedback in by_key[key]],
        }
        for key in order
    ]
    write_text(path, "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")


def _system(card: SystemCard) -> str:
    return f"{card.name} {card.version}"


def _name_in(folder: Path) -> str | None:
    """Whose submission a folder is; None where it is none, or no longer a whole one."""
    try:
        return open_submission(folder).card.name
    except ProblemsFound:
        return None


def _put(made: Path, target: Path, before: Path) -> None:
    """Moves a folder to its place; what was there goes to ``before``, and comes back where the move fails."""
    try:
        if target.exists():
            target.rename(before)
        made.rename(target)
    except BaseException:  # an interrupt too: what lies in ``before`` is deleted with the temporary folder
        if before.exists() and not target.exists():
            before.rename(target)
        raise
