"""A script becomes files in QEVD's layout, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from biobench.problems import Problem, ProblemsFound
from biobench.readers.predictions import NATIVE_SCHEMA
from biobench.readers.qevd import ANNOTATION_CLOCK_SHIFT_S, SPLIT_FOLDERS
from biobench.synth.bodies import PoseErrors
from biobench.synth.draw import Draw
from biobench.synth.perform import TRANSITION_S
from biobench.synth.script import Performance, Script, SynthVideo
from biobench.synth.script_file import SCRIPT_FILE, script_json
from biobench.synth.wording import Register, transition
from biobench.synth.write_bodies import write_features, write_goldens, write_measurements, write_poses

__all__ = ["ANNOTATION_FILES", "SECOND_ANNOTATOR_FILES", "Rendering", "check_free", "write_scripts", "write_split"]

ANNOTATION_FILES: Mapping[Register, str] = {
    "lay": "feedbacks_long_range.json",
    "bio": "feedbacks_long_range_bio.json",
}
SECOND_ANNOTATOR_FILES: Mapping[Register, str] = {
    "lay": "second_annotator.json",
    "bio": "second_annotator_bio.json",
}
"""Annotator B as a predictions file: no reader takes it for the annotations."""

_END = "That's the end of the session."
_FRAME_NS = 1_000_000_000 / 22
_STEP = (0.9, 1.1)
_SHARE_OF_LOST_FRAMES = 0.002
_FIRST_VIDEO_NS = 1_646_294_400_000_000_000
_DAY_NS = 86_400_000_000_000
_LAG_S = (0.001, 0.008)
"""From a remark's first frame to its feedback_timestamp; the published numbers differ by as much."""


class Rendering(NamedTuple):
    """What is made of the script besides annotations: poses (with these errors; None: none), and visual features."""

    bodies: PoseErrors | None = None
    features: bool = False


def write_scripts(scripts: Sequence[Script], out: Path, rendering: Rendering = Rendering()) -> None:  # noqa: B008 - frozen
    """Writes each script's split under ``out``, a folder that does not exist yet or is empty.

    With bodies there are also ``morphometrics/`` and ``golden_standards/`` beside the splits.

    The files are made in a temporary folder beside it, which then takes its place: nobody sees half of them.
    Raises ``ProblemsFound`` where ``out`` is not free or can't be written.
    """
    check_free(out)
    temporary = None
    try:
        temporary = Path(tempfile.mkdtemp(dir=out.absolute().parent, prefix=f".{out.name}."))
        for script in scripts:
            write_split(script, temporary / SPLIT_FOLDERS[script.split], rendering)
            if rendering.bodies is not None:
                (temporary / "morphometrics").mkdir(exist_ok=True)
                write_measurements(script, temporary / "morphometrics")
        if rendering.bodies is not None:
            (temporary / "golden_standards").mkdir()
            write_goldens(temporary / "golden_standards")
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o777 & ~umask)
        if out.is_dir():
            out.rmdir()
        temporary.rename(out)
    except OSError as error:
        found = f"a place that can't be written ({error.strerror})"
        raise ProblemsFound([Problem(str(out), found, "a new folder to write", "give another name")]) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def check_free(out: Path) -> None:
    """Raises ``ProblemsFound`` unless ``out`` is an empty folder, or a new name in a folder that exists."""
    expected = "a new folder, or an empty one"
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        found = "a link" if out.is_symlink() else "a file"
        raise ProblemsFound([Problem(str(out), found, expected)])
    if not out.absolute().parent.is_dir():
        found = f"no folder {out.absolute().parent}"
        raise ProblemsFound([Problem(str(out), found, "a place to write", "create it first")])
    if out.is_dir():
        if out.resolve() == Path.cwd():
            raise ProblemsFound([Problem(str(out), "the current folder", expected, "name a folder in it")])
        first = next(iter(sorted(entry.name for entry in out.iterdir())), None)
        if first is not None:
            raise ProblemsFound([Problem(str(out), f"a folder that holds {first}", expected, "nothing is overwritten")])


def write_split(script: Script, folder: Path, rendering: Rendering = Rendering()) -> None:  # noqa: B008 - frozen
    """Writes one split into ``folder``: annotations, frame times, subjects, the second annotator, the script, and bodies."""
    times_folder = folder / "long_range_videos"
    times_folder.mkdir(parents=True)
    people = {person.id: person for person in script.people}
    if rendering.bodies is not None:
        (folder / "HSMR_outputs").mkdir()
    if rendering.features:
        (folder / "efficientnet_features" / "long_range_videos").mkdir(parents=True)
    records: dict[Register, list[object]] = {"lay": [], "bio": []}
    second: dict[Register, list[object]] = {"lay": [], "bio": []}
    for day, video in enumerate(script.videos):
        files = Draw(script.seed, script.split, video.video, "files")
        frames_ns = _frame_times(day, video.duration_s, files)
        events, lags_s = _events(video, frames_ns, files), Draw(script.seed, script.split, video.video, "lags")
        stamps_s = [
            round(frames_ns[event.first] / 1e9 + ANNOTATION_CLOCK_SHIFT_S + lags_s.between(*_LAG_S), 6)
            for event in events
        ]
        for register in ANNOTATION_FILES:
            records[register].append(_record(video, events, register, len(frames_ns), stamps_s))
            second[register] += _second(video, frames_ns, register)
        with (times_folder / f"{video.video}_timestamps.npy").open("wb") as file:
            np.lib.format.write_array(file, np.array(frames_ns, dtype="<i8"), version=(1, 0))
        if rendering.bodies is not None:
            write_poses(script, video, people[video.person], frames_ns, rendering.bodies, folder)
        if rendering.features:
            write_features(script, video, people[video.person], frames_ns[0] / 1e9 + ANNOTATION_CLOCK_SHIFT_S, folder)
    for register, name in ANNOTATION_FILES.items():
        _write_json(folder / name, records[register])
    for register, name in SECOND_ANNOTATOR_FILES.items():
        header = {"schema": NATIVE_SCHEMA, "system": f"second annotator, {register}", "time": "segment"}
        _write_json(folder / name, {**header, "predictions": second[register]})
    _write_json(folder / "subjects.json", {video.video: video.person for video in script.videos})
    _write_json(folder / SCRIPT_FILE, script_json(script))


class _Event(NamedTuple):
    """What is shown on frames ``first`` to ``end - 1``."""

    first: int
    end: int
    texts: Mapping[Register, str]
    is_transition: bool


def _frame_times(day: int, duration_s: float, draw: Draw) -> list[int]:
    """Nanoseconds, about 22 frames a second, never regular; a frame is lost now and then."""
    start_ns = _FIRST_VIDEO_NS + day * _DAY_NS + int(draw.between(0.0, 0.3 * _DAY_NS))
    now_ns, end_ns = start_ns, start_ns + int(duration_s * 1e9)
    times = [start_ns]
    while now_ns < end_ns:
        step_ns = _FRAME_NS * draw.between(*_STEP)
        now_ns += int(2 * step_ns if draw.chance(_SHARE_OF_LOST_FRAMES) else step_ns)
        times.append(now_ns)
    return times


def _events(video: SynthVideo, frames_ns: Sequence[int], draw: Draw) -> list[_Event]:
    """Transitions and annotator A's remarks, in order; the last transition ends the session."""

    def event(start_s: float, shown_s: float, texts: Mapping[Register, str], *, is_transition: bool) -> _Event:
        first, end = _frame(frames_ns, start_s), _frame(frames_ns, start_s + shown_s)
        return _Event(first, end, texts, is_transition)

    events = []
    for k, (performance, remarks) in enumerate(zip(video.performances, video.remarks["a"], strict=True)):
        text = transition(performance.spelling, is_first=k == 0)
        shown_s = draw.between(*TRANSITION_S)
        events.append(event(performance.start_s, shown_s, {"lay": text, "bio": text}, is_transition=True))
        for remark in remarks:
            texts: dict[Register, str] = {"lay": remark.lay, "bio": remark.bio}
            events.append(event(remark.time_s, remark.shown_s, texts, is_transition=False))
    end = event(video.end_s, draw.between(*TRANSITION_S), {"lay": _END, "bio": _END}, is_transition=True)
    if video.defect == "to-the-last-frame":
        end = end._replace(end=len(frames_ns))
    return [*events, end]


def _frame(frames_ns: Sequence[int], time_s: float) -> int:
    """The first frame at or after a time of the video."""
    return bisect_left(frames_ns, frames_ns[0] + int(time_s * 1e9))


def _record(
    video: SynthVideo, events: Sequence[_Event], register: Register, frames: int, stamps_s: Sequence[float]
) -> dict[str, object]:
    dense = [""] * frames
    for event in events:
        dense[event.first : event.end] = [event.texts[register]] * (event.end - event.first)
    return {
        "long_range_video_file": f"./long_range_videos/{video.video}.mp4",
        "video_timestamps": f"./long_range_videos/{video.video}_timestamps.npy",
        "feedbacks": dense,
        "feedback_timestamps": list(stamps_s[:-1] if video.defect == "count-mismatch" else stamps_s),
        "is_transition": [event.is_transition for event in events],
    }


def _second(video: SynthVideo, frames_ns: Sequence[int], register: Register) -> list[object]:
    """Annotator B's remarks as predictions, timed on the frames like A's."""

    def since(performance: Performance, time_s: float) -> float:
        start_ns = frames_ns[_frame(frames_ns, performance.start_s)]
        return round((frames_ns[_frame(frames_ns, time_s)] - start_ns) / 1e9, 3)

    return [
        {
            "segment": f"{video.video}_{k}",
            "feedbacks": [
                {"time": since(performance, r.time_s), "text": r.lay if register == "lay" else r.bio} for r in remarks
            ],
        }
        for k, (performance, remarks) in enumerate(zip(video.performances, video.remarks["b"], strict=True))
    ]


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
