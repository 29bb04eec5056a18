"""A vision-language model that is shown the last seconds of the video and asked what to say, every few seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from baselines.asking import Moment, Prompted, Scene, moments_s
from baselines.frames import need_av, pictures_of, window
from baselines.server_options import prompt_options
from biobench.models import Failure, Option, Options, choice, exercise_segments, number
from biobench.problems import Problem, ProblemsFound
from biobench.records import Benchmark, Segment, Session
from biocoach_model.inputs import InputFailure

__all__ = ["ZeroShot"]

_LAST_TURNED = 145
"""QEVD's videos up to this number lie on their side; those of the competition split do not."""


class ZeroShot(Prompted):
    """At each moment the prompt holds the exercise and frames of the period before it.

    A video that is missing or can't be read is silent as a whole, and named.
    """

    name = "zero-shot"
    summary = "says what a vision-language model makes of the video's frames, every few seconds"
    prompt = "zero_shot"
    options = prompt_options(
        Option("frames", 8, "of the video in a prompt, at most", "", 1, 256),
        Option("width", 448, "of a frame as it is sent, at most", "pixels", 16, 4096),
        Option(
            "upright", "qevd", "qevd: a quarter clockwise up to video 0145, if the file says no other; file: as it says"
        ),
        silence="never",
        history=0,
    )

    def scenes(self, benchmark: Benchmark, options: Options) -> Iterator[Scene | Failure]:
        upright = choice(options, "upright", "qevd", "file")
        need_av()
        if not any(session.video_path for session in benchmark.sessions):
            expected = "long_range_videos/<video>.mp4 beside the annotations"
            raise ProblemsFound([Problem(benchmark.source, "data without videos", expected)])
        return _scenes(benchmark, options, qevd=upright == "qevd")

    def provenance(self, options: Options) -> Mapping[str, object]:
        return {**super().provenance(options), "av": need_av()}


def _scenes(benchmark: Benchmark, options: Options, *, qevd: bool) -> Iterator[Scene | Failure]:
    """Video by video: only the pictures of one are held."""
    sessions = {session.video: session for session in benchmark.sessions}
    for video, segments in groupby(exercise_segments(benchmark), lambda segment: segment.video):
        try:
            yield from _of_video(sessions[video], list(segments), options, qevd=qevd)
        except InputFailure as failure:
            yield Failure(video, str(failure))


def _of_video(session: Session, segments: list[Segment], options: Options, *, qevd: bool) -> list[Scene]:
    if session.video_path is None:
        raise InputFailure("there is no such video beside the annotations")
    times_s, period_s = session.frame_times_s, number(options, "period_s")
    count, width = int(number(options, "frames")), int(number(options, "width"))
    chosen = {
        (segment.id, at_s): window(times_s, segment.start_s + at_s, period_s, count)
        for segment in segments
        for at_s in moments_s(segment.duration_s, period_s)
    }
    turned = qevd and not session.listed_exercises and session.video.isdigit() and int(session.video) <= _LAST_TURNED
    wanted = {k for indices in chosen.values() for k in indices}
    pictures = pictures_of(session.video_path, wanted, len(times_s), width, turned=turned)

    def moment(segment: Segment, at_s: float) -> Moment:
        shown = tuple(pictures[k] for k in chosen[segment.id, at_s] if k in pictures)
        if not shown:
            raise InputFailure(f"no frame in the {period_s:g} s before second {at_s:g} of {segment.id}")
        return Moment(at_s, f"Pictures: {len(shown)}, from the last {period_s:g} s", shown)

    return [
        Scene(
            segment.id,
            segment.exercise,
            tuple(moment(segment, at_s) for at_s in moments_s(segment.duration_s, period_s)),
        )
        for segment in segments
    ]
