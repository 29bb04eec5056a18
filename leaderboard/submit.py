"""Predictions and a card become a submission: normalised predictions, the results made from them, and their checksums."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from biobench.evaluation import evaluate
from biobench.predictions_file import write_predictions
from biobench.problems import Problem, ProblemsFound
from biobench.protocols import Biobench1
from biobench.readers.predictions import load_predictions
from biobench.records import Benchmark, Entry, Predictions, TimeOrigin
from biobench.results import Results
from leaderboard.card import SystemCard
from leaderboard.limits import FILES, MOST_REMARKS, MOST_TEXT
from leaderboard.submission import SUMS, checksums, open_submission

__all__ = ["PROTOCOLS", "Submitted", "over_limits", "score", "submit"]

PROTOCOLS = ("biobench-1", "qevd-2024", "var-2026")
"""Under which a submission is scored."""


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
    if problems:
        raise ProblemsFound(problems)
    try:
        to.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".biobench-submit-", dir=to) as temporary:
            made = Path(temporary) / card.id
            made.mkdir()
            results = _fill(made, predictions, benchmark, card, bertscore)
            if target.exists():
                target.rename(Path(temporary) / "before")
            made.rename(target)
    except OSError as error:
        found = f"a place that can't be written ({error.strerror})"
        raise ProblemsFound([Problem(str(target), found, "a folder of submissions")]) from error
    return Submitted(target, results)


def score(predictions: Predictions, benchmark: Benchmark, bertscore: str | None) -> Results:
    """The results of a submission, as it stores them."""
    return evaluate(predictions, benchmark, PROTOCOLS, bertscore=bertscore)


def over_limits(predictions: Predictions) -> list[Problem]:
    """What is larger than a submission may be."""
    problems = []
    remarks = sum(len(entry.feedbacks) for entry in predictions.entries)
    if remarks > MOST_REMARKS:
        problems.append(Problem(predictions.source, f"{remarks:,} remarks", f"at most {MOST_REMARKS:,}"))
    for key, feedbacks in predictions.entries:
        for k, feedback in enumerate(feedbacks):
            if len(feedback.text) > MOST_TEXT:
                found = f"a remark of {len(feedback.text):,} characters (segment {key}, remark {k})"
                problems.append(Problem(predictions.source, found, f"at most {MOST_TEXT:,}"))
    return problems


def _fill(
    folder: Path, predictions: Predictions, benchmark: Benchmark, card: SystemCard, bertscore: str | None
) -> Results:
    entries, origin = _normalised(predictions, benchmark)
    path = folder / "predictions.json"
    write_predictions(path, f"{card.name} {card.version}", entries, origin)
    (folder / "system.toml").write_text(card.to_toml(), encoding="utf-8", newline="\n")
    # From the file, not from memory: whoever checks it has only the file.
    results = score(load_predictions(path, benchmark), benchmark, bertscore)
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


def _normalised(predictions: Predictions, benchmark: Benchmark) -> tuple[list[Entry], TimeOrigin]:
    """The native form in the order of the benchmark, times rounded nowhere: they keep the clock that they came with.

    Whole-video predictions are split at the segments' bounds, on the annotation clock, as they are scored.
    """
    order = [segment_id for session in benchmark.sessions for segment_id in session.segment_ids]
    if predictions.format != "var-2025":
        by_key = dict(predictions.entries)
        return [Entry(key, by_key[key]) for key in order if key in by_key], predictions.time_origin
    parts = Biobench1().segments(benchmark)
    starts = {segment.id: segment.start_s for segment in (*parts.scored, *parts.unscored)}
    split = predictions.by_segment([*parts.scored, *parts.unscored], benchmark.video_starts_s)
    on_clock = {key: tuple(f._replace(time_s=f.time_s + starts[key]) for f in said) for key, said in split.items()}
    return [Entry(key, on_clock[key]) for key in order if key in on_clock], "unix"
