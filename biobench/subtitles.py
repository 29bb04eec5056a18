"""References and predictions as WebVTT subtitles, to be watched beside the video."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from biobench.models import exercise_segments
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import shown
from biobench.records import Benchmark, Predictions

__all__ = ["Line", "Subtitles", "VideoSubtitles", "cue_text", "subtitles", "webvtt"]

_LONGEST_MS = 3000
_SHORTEST_MS = 500
_LAST_MS = 359_990_000
"""Ten seconds before 100 hours: a remark after that is shown there."""
_LONGEST_ID = 200
_LINE_BREAKS = frozenset({"Zl", "Zp"})
_DROPPED = frozenset({"Cc", "Cs"})


class Line(NamedTuple):
    """What is shown, and from when on (seconds from the video's first frame); ``voice`` names who speaks it."""

    time_s: float
    text: str
    voice: str = ""


@dataclass(frozen=True, slots=True)
class VideoSubtitles:
    """The two files of one video, as text."""

    video: str
    reference: str
    prediction: str


@dataclass(frozen=True, slots=True)
class Subtitles:
    """The subtitles of a benchmark, and what a reader of them should know.

    ``clamped`` remarks are before the video's first frame or beyond 100 hours and are shown at the nearest time that a
    subtitle can have; ``blank`` ones say nothing and are not shown; ``unplaced`` ones are in records whose exercises
    have no known start.
    """

    videos: tuple[VideoSubtitles, ...]
    clamped: int
    blank: int
    unplaced: int


def subtitles(benchmark: Benchmark, predictions: Predictions) -> Subtitles:
    """Both files for every video of the benchmark; exercises are in the reference, spoken by the voice ``transition``.

    Raises ``ProblemsFound`` for predictions without times and for a video's id that is no plain file name.
    """
    problems = [_unsafe(session.video, benchmark.source) for session in benchmark.sessions]
    if predictions.format == "fitcoach-pairs":
        found = "FitCoach's saved pairs, which have no times"
        problems.append(Problem(predictions.source, found, "predictions with times"))
    if any(problems):
        raise ProblemsFound(problem for problem in problems if problem is not None)
    references, predicted, unplaced = _reference_lines(benchmark), *_predicted_lines(benchmark, predictions)
    every = [line for of_video in (references, predicted) for lines in of_video.values() for line in lines]
    spoken = [line for line in every if cue_text(line.text)]
    return Subtitles(
        videos=tuple(
            VideoSubtitles(session.video, webvtt(references[session.video]), webvtt(predicted[session.video]))
            for session in benchmark.sessions
        ),
        clamped=sum(not 0 <= line.time_s <= _LAST_MS / 1000 for line in spoken),
        blank=len(every) - len(spoken),
        unplaced=unplaced,
    )


def webvtt(lines: Iterable[Line]) -> str:
    """A WebVTT file (W3C), one cue a line, in order of time.

    A cue is shown until the next begins, for 0.5 to 3 seconds. Times before 0 become 0; blank lines are left out.

    >>> print(webvtt([Line(61.5, "Knees <out> & up"), Line(60.0, "squats", "transition")]), end="")
    WEBVTT
    <BLANKLINE>
    00:01:00.000 --> 00:01:01.500
    <v transition>squats
    <BLANKLINE>
    00:01:01.500 --> 00:01:04.500
    Knees &lt;out&gt; &amp; up
    """
    timed = [(_milliseconds(line.time_s), line) for line in lines if cue_text(line.text)]
    timed.sort(key=lambda item: item[1].time_s)  # of equal times the first in the input stays first
    starts = [start for start, _ in timed]
    shown_ms = [min(max(after - start, _SHORTEST_MS), _LONGEST_MS) for start, after in pairwise(starts)]
    blocks = ["WEBVTT\n"]
    for (start, line), duration in zip(timed, [*shown_ms, _LONGEST_MS], strict=False):
        voice = f"<v {cue_text(line.voice)}>" if line.voice else ""
        blocks.append(f"{_timestamp(start)} --> {_timestamp(start + duration)}\n{voice}{cue_text(line.text)}\n")
    return "\n".join(blocks)


def cue_text(text: str) -> str:
    r"""A remark on one line, with what WebVTT reads as markup escaped and control characters left out.

    >>> cue_text("a --> b\n<i>\x07")
    'a --&gt; b &lt;i&gt;'
    """
    kept = (
        " " if character.isspace() or category in _LINE_BREAKS else "" if category in _DROPPED else character
        for character, category in ((character, unicodedata.category(character)) for character in text)
    )
    plain = " ".join("".join(kept).split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _reference_lines(benchmark: Benchmark) -> dict[str, list[Line]]:
    first_frames = benchmark.video_starts_s
    lines: dict[str, list[Line]] = {
        session.video: [
            Line(exercise.start_s - first_frames[session.video], exercise.name, "transition")
            for exercise in session.exercises()
        ]
        for session in benchmark.sessions
    }
    for segment in exercise_segments(benchmark):
        start_s = segment.start_s - first_frames[segment.video]
        lines[segment.video] += [Line(start_s + feedback.time_s, feedback.text) for feedback in segment.feedbacks]
    return lines


def _predicted_lines(benchmark: Benchmark, predictions: Predictions) -> tuple[dict[str, list[Line]], int]:
    """Lines by video, and how many remarks have no place. Whole-video entries are shown between exercises too."""
    lines: dict[str, list[Line]] = {session.video: [] for session in benchmark.sessions}
    first_frames = benchmark.video_starts_s
    video_of = {key: session.video for session in benchmark.sessions for key in session.segment_ids}
    segment_starts = {segment.id: segment.start_s for segment in exercise_segments(benchmark)}
    unplaced = 0
    for key, feedbacks in predictions.entries:
        video = key if predictions.format == "var-2025" else video_of[key]
        if predictions.time_origin == "video":
            offset_s = 0.0
        elif predictions.time_origin == "unix":
            offset_s = -first_frames[video]
        elif key in segment_starts:
            offset_s = segment_starts[key] - first_frames[video]
        else:
            unplaced += len(feedbacks)
            continue
        lines[video] += [Line(feedback.time_s + offset_s, feedback.text) for feedback in feedbacks]
    return lines, unplaced


def _milliseconds(seconds: float) -> int:
    return round(min(max(seconds, 0.0), _LAST_MS / 1000) * 1000)


def _timestamp(milliseconds: int) -> str:
    seconds, part = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{part:03}"


def _unsafe(video: str, source: str) -> Problem | None:
    """A video's id becomes part of a file's name, and must not lead elsewhere."""
    plain = video.isprintable() and not set(video) & set('/\\:*?"<>|') and len(video.encode()) <= _LONGEST_ID
    if plain and video.strip() and not video.startswith("."):
        return None
    expected = f"a plain name of at most {_LONGEST_ID} bytes, which files can be called by"
    return Problem(source, f"the video {shown(video)}", expected)
