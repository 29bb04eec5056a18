"""``biobench data``: what a benchmark folder holds, beside what was published, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from biobench.cli import options

if TYPE_CHECKING:
    from biobench.records import Benchmark

__all__ = ["command"]

_PUBLISHED = {
    "QEVD-FIT-COACH-Benchmark": {
        "videos": 74,
        "events": 2511,
        "transitions": 498,
        "remarks": 2013,
        "exercise segments": 424,
        "exercises": 23,
        "people": 7,
    },
    "QEVD-FIT-COACH": {"videos": 149},
}
"""Counts of the public release, as its paper and files give them."""


@click.command("data")
@click.argument("folder", metavar="DIR", required=False)
@click.option("--split", default="test", show_default=True, help="train, test or competition.")
@click.option("--annotations", metavar="NAME", help="Which feedbacks_long_range*.json, where there are several.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(folder: str | None, split: str, annotations: str | None, form: str) -> None:
    """Count what a benchmark folder holds and name its defects.

    DIR is QEVD's data root or one split's folder; without it, the packaged sample.
    """
    benchmark = options.open_benchmark(folder, split, annotations)
    counts = _counts(benchmark)
    published = {} if benchmark.is_sample else _PUBLISHED.get(benchmark.name, {})
    defects = list(_defects(benchmark))
    missing = {kind: videos for kind, videos in _missing_files(benchmark).items() if videos}
    if form == "json":
        record = {
            "name": benchmark.name,
            "split": benchmark.split,
            "annotations": benchmark.annotations,
            "sha256": benchmark.source_sha256,
            "counts": counts,
            "published": published,
            "defects": defects,
            "missing_files": missing,
            "notices": [asdict(notice) for notice in benchmark.notices],
        }
        options.echo_utf8(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        return
    click.echo(options.benchmark_line(benchmark))
    click.echo(f"{'':<24}{'here':>8}" + (f"{'published':>11}" if published else ""))
    for name, count in counts.items():
        line = f"{name:<24}{'unknown' if count is None else count:>8}"
        if name in published:
            line += f"{published[name]:>11}" + ("" if count in (published[name], None) else "  differs")
        click.echo(line)
    for kind, videos in missing.items():
        click.echo(f"missing: {kind} of {len(videos)} videos (first: {videos[0]})")
    for defect in defects:
        click.echo(f"defect: {defect}")
    options.echo_notices(benchmark.notices, err=False)


def _counts(benchmark: Benchmark) -> dict[str, int | None]:
    from biobench.protocols import Qevd2024, Var2026  # noqa: PLC0415 - keeps --help fast

    events = sum(len(session.feedback_times_s) for session in benchmark.sessions)
    transitions = sum(sum(session.is_transition) for session in benchmark.sessions)
    subjects = {session.subject for session in benchmark.sessions}
    counts: dict[str, int | None] = {
        "videos": len(benchmark.sessions),
        "events": events,
        "transitions": transitions,
        "remarks": events - transitions,
        "exercise segments": sum(session.exercise_count for session in benchmark.sessions),
        "exercises": len(_exercises(benchmark)),
        "people": None if None in subjects else len(subjects),
    }
    for protocol in (Qevd2024(), Var2026()):
        counts[f"scored by {protocol.name}"] = len(protocol.segments(benchmark).scored)
    return counts


def _exercises(benchmark: Benchmark) -> set[str]:
    from biobench.exercises import find_exercise  # noqa: PLC0415

    spellings = {exercise.name for session in benchmark.sessions for exercise in session.exercises()}
    found = {spelling: find_exercise(spelling) for spelling in spellings}
    return {exercise.name if exercise else spelling for spelling, exercise in found.items()}


def _defects(benchmark: Benchmark) -> Iterable[str]:
    from biobench.exercises import find_exercise  # noqa: PLC0415
    from biobench.protocols import Qevd2024, Var2026  # noqa: PLC0415

    for protocol in (Qevd2024(), Var2026()):
        for skipped in protocol.segments(benchmark).skipped:
            yield f"record {skipped.record} (video {skipped.video}) can't be used by {protocol.name}: {skipped.reason}"
    for spelling in sorted(_exercises(benchmark)):
        if find_exercise(spelling) is None:
            yield f'exercise "{spelling}" is not in the catalogue'


def _missing_files(benchmark: Benchmark) -> dict[str, list[str]]:
    return {
        "the video file": [s.video for s in benchmark.sessions if s.video_path is None],
        "visual features": [s.video for s in benchmark.sessions if s.features_path is None],
        "3D poses (HSMR)": [s.video for s in benchmark.sessions if s.poses_path is None],
    }
