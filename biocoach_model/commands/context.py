"""``biobench context``: what a video's poses show, in words, as a table, as JSON, and as a picture."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from biobench.cli import options
from biobench.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biobench.body.motion import Motion
    from biobench.body.skel import Side
    from biobench.records import Benchmark, Segment, Session
    from biocoach_model.context import Judged

__all__ = ["command"]


@click.command("context")
@options.data_options
@click.option("--video", required=True, metavar="NAME", help="Such as 0006.")
@click.option(
    "--at", "at_s", type=float, metavar="SECONDS", help="The context of this moment, from the video's first frame."
)
@click.option("--golden", metavar="DIR", help="Golden standards to compare with [default: the generator's good form].")
@click.option(
    "--released", is_flag=True, help="Look for repetitions in the whole recording, as the released code does."
)
@click.option("--dtw", is_flag=True, help="Lay repetitions over the reference by dynamic time warping (biobench[dtw]).")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--picture", metavar="FILE", help="Also an SVG of the exercise at --at [default: the first].")
def command(
    data: str | None,
    split: str,
    annotations: str | None,
    video: str,
    at_s: float | None,
    golden: str | None,
    released: bool,
    dtw: bool,
    form: str,
    picture: str | None,
) -> None:
    """Say what a video's poses show: repetitions, and what is wrong with them.

    Poses are HSMR's files in the data's HSMR_outputs. With --at: what can be known at that moment, from what came before it
    alone. Without: every repetition of every exercise.
    """
    from biocoach_model.context import MotionContext, analyse  # noqa: PLC0415 - numpy, not needed for --help
    from biocoach_model.pictures import context_picture  # noqa: PLC0415

    target = options.output_path(picture) if picture else None
    benchmark = options.open_benchmark(data, split, annotations)
    session = _session(benchmark, video)
    motion = _motion(session)
    segments = _segments(benchmark, session)
    first_s = float(session.frame_times_s[0])
    chosen = segments[0]
    if at_s is not None:
        inside = [s for s in segments if s.start_s - first_s <= at_s <= s.start_s - first_s + s.duration_s]
        if not inside:
            expected = f"a time in one of the exercises, {segments[0].start_s - first_s:.1f} to {_end_s(segments, first_s):.1f} s"
            raise ProblemsFound([Problem("--at", f"{at_s:g} s, in no exercise", expected)])
        chosen = inside[-1]
    if at_s is not None and dtw:
        raise click.UsageError("--dtw is for whole videos; the context of a moment is aligned linearly")
    if at_s is not None:
        begin_s = chosen.start_s - first_s
        context = MotionContext.at(
            motion, chosen.exercise, at_s, start_s=begin_s, golden_rad=_golden(golden, chosen), released=released
        )
        if form == "json":
            options.echo_utf8(json.dumps(asdict(context), indent=1) + "\n")
        else:
            note = " (looks at the whole recording, as the released code does)" if released else ""
            options.echo_utf8(f"{chosen.id} at {at_s:g} s{note}\n{context.sentence()}\n")
    else:
        found = {s.id: _judged(motion, s, first_s, golden, dtw=dtw) for s in segments}
        options.echo_utf8(_as_json(segments, found) if form == "json" else _as_text(segments, found))
    if target is not None:
        from biobench.files import write_text  # noqa: PLC0415 - only for a picture

        part = motion.between(chosen.start_s - first_s, chosen.start_s - first_s + chosen.duration_s)
        name, side = _name(chosen)
        write_text(target, context_picture(part, name, side, analyse(part, name, side, _golden(golden, chosen))))


def _end_s(segments: list[Segment], first_s: float) -> float:
    """When the last exercise ends, from the video's first frame."""
    return segments[-1].start_s - first_s + segments[-1].duration_s


def _session(benchmark: Benchmark, video: str) -> Session:
    from biobench.readers.defects import nearest  # noqa: PLC0415 - only here

    for session in benchmark.sessions:
        if session.video == video:
            return session
    videos = [session.video for session in benchmark.sessions]
    raise ProblemsFound([Problem("--video", f'"{video}"', f"a video of {benchmark.name}", nearest(video, videos))])


def _motion(session: Session) -> Motion:
    from biobench.body.hsmr import read  # noqa: PLC0415 - numpy, not needed for --help
    from biobench.body.person import motion_of  # noqa: PLC0415

    if session.poses_path is None:
        expected = f"HSMR_outputs/HSMR-{session.video}.npy beside the annotations"
        hint = "biobench synth --bodies makes data with poses"
        raise ProblemsFound([Problem(session.video, "a video without poses", expected, hint)])
    times = session.frame_times_s - session.frame_times_s[0]
    motion, notices = motion_of(read(session.poses_path), times, str(session.poses_path))
    options.echo_notices(notices, err=True)
    return motion


def _segments(benchmark: Benchmark, session: Session) -> list[Segment]:
    from biobench.exercises import find_exercise  # noqa: PLC0415 - only here
    from biobench.models import exercise_segments  # noqa: PLC0415

    own = [s for s in exercise_segments(benchmark) if s.video == session.video and find_exercise(s.exercise)]
    if not own:
        raise ProblemsFound([Problem(session.video, "no exercise of the catalogue", "at least one")])
    return own


def _name(segment: Segment) -> tuple[str, Side | None]:
    from biobench.exercises import find_exercise  # noqa: PLC0415 - only here

    found = find_exercise(segment.exercise)
    if found is None:
        raise AssertionError(f"{segment.exercise} was looked up before")
    return found.name, "left" if found.side == "left" else "right" if found.side == "right" else None


def _golden(folder: str | None, segment: Segment) -> NDArray[np.float64] | None:
    if folder is None:
        return None
    from biobench.body.golden import read_golden  # noqa: PLC0415 - only where asked for

    return read_golden(Path(folder), *_name(segment))


def _judged(motion: Motion, segment: Segment, first_s: float, golden: str | None, *, dtw: bool) -> list[Judged]:
    from biocoach_model.context import analyse  # noqa: PLC0415 - numpy, not needed for --help

    start_s = segment.start_s - first_s
    name, side = _name(segment)
    return analyse(motion.between(start_s, start_s + segment.duration_s), name, side, _golden(golden, segment), dtw=dtw)


def _as_text(segments: list[Segment], found: dict[str, list[Judged]]) -> str:
    from biocoach_model.words import violation_in_words  # noqa: PLC0415 - numpy, not needed for --help

    lines = []
    for segment in segments:
        judged = found[segment.id]
        lines.append(f"{segment.id} {segment.exercise}: {len(judged)} repetition{'s' * (len(judged) != 1)}")
        for number, one in enumerate(judged, 1):
            r = one.repetition
            told = "; ".join(violation_in_words(v, _name(segment)[0]) for v in one.faults) or "no violations"
            lead = f" {one.lead}" if one.lead else ""
            lines.append(f"  {number:>3}  {r.start_s:6.1f}-{r.end_s:.1f} s, {r.range_deg:.0f}°{lead}: {told}")
    return "\n".join(lines) + "\n"


def _as_json(segments: list[Segment], found: dict[str, list[Judged]]) -> str:
    records = [
        {"segment": s.id, "exercise": s.exercise, "repetitions": [asdict(one) for one in found[s.id]]} for s in segments
    ]
    return json.dumps({"schema": "biobench/context/1", "segments": records}, indent=1) + "\n"
