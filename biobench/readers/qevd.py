"""The QEVD-FIT-COACH folder layout becomes a ``Benchmark``: what the files say, before any protocol.

Layout and known defects: see ``docs/data.md``. Files that are missing or broken stop the reader, with every problem named;
records whose counts disagree are kept, because the published protocols treat them differently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from biobench.problems import Notice, Problem, ProblemsFound
from biobench.readers.defects import Defects, nearest
from biobench.readers.json_locate import shown
from biobench.readers.json_text import parse, read_text
from biobench.readers.npy import read_numeric_npy
from biobench.records import Benchmark, ListedExercise, Session, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ANNOTATION_CLOCK_SHIFT_S", "SPLIT_FOLDERS", "load_benchmark", "sample_folder"]

ANNOTATION_CLOCK_SHIFT_S = 28800
"""Seconds between the frame times of the files and the clock of ``feedback_timestamps``: eight hours."""

SPLIT_FOLDERS = {
    "train": "QEVD-FIT-COACH",
    "test": "QEVD-FIT-COACH-Benchmark",
    "competition": "QEVD-FIT-COACH-Competition",
}

_LONGEST_VIDEO = 100
_CLOCKS_APART_S = 60.0

Frames = tuple["NDArray[np.float64]", str]


def sample_folder() -> Path:
    """The data root of the small sample that is carried in the package."""
    return Path(str(files("biobench").joinpath("data/sample")))


def load_benchmark(path: str | Path | None, split: str = "test", annotations: str | None = None) -> Benchmark:
    """Reads one split of QEVD-FIT-COACH, or of a benchmark in the same layout.

    ``path`` is the data root or the folder of one split (then ``split`` is not needed); None is the packaged sample.
    ``annotations`` chooses among several ``feedbacks_long_range*.json``: a file name, or what stands between
    ``feedbacks_long_range`` and ``.json``.

    Raises ``ProblemsFound`` with every problem of every file.
    """
    root = sample_folder() if path is None else Path(path)
    folder, split = _split_folder(root, split)
    annotation_file = _annotation_file(folder, annotations)
    source = read_text(annotation_file)
    records = parse(source)
    defects = Defects(source)
    sessions, hashes = _sessions(records, folder, defects)
    subjects, subject_hash, subject_problems = _subjects(folder, [session.video for session in sessions])
    problems = defects.problems() + subject_problems
    if problems:
        raise ProblemsFound(problems)
    digest = hashlib.sha256("\n".join([source.sha256, *sorted(hashes), subject_hash]).encode())
    return Benchmark(
        name=_name(folder, is_sample=path is None),
        split=split,
        annotations=annotation_file.name,
        sessions=tuple(replace(session, subject=subjects.get(session.video)) for session in sessions),
        source_sha256=digest.hexdigest(),
        source=str(folder),
        second_annotator=_first_file(folder / annotation_file.name.replace("feedbacks_long_range", "second_annotator")),
        is_sample=path is None,
        notices=_notices(sessions, subjects),
    )


def _name(folder: Path, *, is_sample: bool) -> str:
    """The folder's name; what ``biobench synth`` made must not pass for the real data, whose layout and names it has."""
    if is_sample:
        return "biobench-sample"
    return "QEVD-synth" if (folder / "script.json").is_file() else folder.resolve().name


def _split_folder(root: Path, split: str) -> tuple[Path, str]:
    if split not in SPLIT_FOLDERS:
        expected = "one of " + ", ".join(SPLIT_FOLDERS)
        raise ProblemsFound([Problem(str(root), f"the split {shown(split)}", expected, nearest(split, SPLIT_FOLDERS))])
    if not root.is_dir():
        found = "a file" if root.is_file() else "a link to nothing" if root.is_symlink() else "no such folder"
        hint = ""
        if not root.exists() and root.parent.is_dir():
            hint = nearest(root.name, sorted(entry.name for entry in root.parent.iterdir() if entry.is_dir()))
        raise ProblemsFound([Problem(str(root), found, "the QEVD data root, or the folder of one split", hint)])
    if any(root.glob("feedbacks_long_range*.json")):
        by_folder = {name: key for key, name in SPLIT_FOLDERS.items()}
        return root, by_folder.get(root.resolve().name, split)
    folder = root / SPLIT_FOLDERS[split]
    if folder.is_dir():
        return folder, split
    here = [key for key, name in SPLIT_FOLDERS.items() if (root / name).is_dir()]
    hint = f"this root has the split {' and '.join(here)}: --split {here[0]}" if here else ""
    expected = f"feedbacks_long_range*.json, or a folder {SPLIT_FOLDERS[split]} that holds it"
    raise ProblemsFound([Problem(str(root), "neither", expected, hint)])


def _annotation_file(folder: Path, annotations: str | None) -> Path:
    names = sorted(entry.name for entry in folder.glob("feedbacks_long_range*.json"))
    if annotations is None:
        if "feedbacks_long_range.json" in names or len(names) == 1:
            return folder / ("feedbacks_long_range.json" if "feedbacks_long_range.json" in names else names[0])
        if not names:
            raise ProblemsFound([Problem(str(folder), "no feedbacks_long_range*.json", "the split's annotations")])
        choices = " or ".join(f"--annotations {name}" for name in names)
        raise ProblemsFound([Problem(str(folder), f"{len(names)} annotation files", "a choice between them", choices)])
    for candidate in (
        annotations,
        f"feedbacks_long_range{annotations}.json",
        f"feedbacks_long_range_{annotations}.json",
        f"feedbacks_long_range-{annotations}.json",
    ):
        if candidate in names:
            return folder / candidate
    expected = "one of " + ", ".join(names) if names else "a feedbacks_long_range*.json in this folder"
    found = f"no annotations called {shown(annotations)}"
    raise ProblemsFound([Problem(str(folder), found, expected, nearest(annotations, names))])


def _sessions(records: object, folder: Path, defects: Defects) -> tuple[list[Session], list[str]]:
    if not isinstance(records, list) or not records:
        found = "an empty list" if records == [] else shown(records)
        defects.add_text((), found, "a list of records, one a video")
        return [], []
    sessions: list[Session] = []
    hashes: list[str] = []
    seen: dict[str, int] = {}
    for index, record in enumerate(records):
        before = len(defects)
        if not isinstance(record, dict):
            defects.add((index,), record, "a record with long_range_video_file, feedbacks, ...")
            continue
        video = _video(record, index, defects)
        if video in seen:
            path = (index, "long_range_video_file")
            defects.add_text(path, f"video {video} again", "every video once", f"the first is record {seen[video]}")
        seen.setdefault(video, index)
        frames = _frame_times(record, index, folder, defects)
        if "feedbacks" not in record and "exercises" in record:
            session = _competition_session(record, index, video, frames, defects)
        else:
            session = _annotated_session(record, index, video, frames, defects)
        if len(defects) == before and session is not None and frames is not None:
            sessions.append(_with_files(session, folder, record))
            hashes.append(f"{video} {frames[1]}")
    return sessions, hashes


def _video(record: dict[str, object], index: int, defects: Defects) -> str:
    name = record.get("long_range_video_file")
    stem = PurePosixPath(name).stem if isinstance(name, str) else ""
    if not stem or not stem.isprintable() or len(stem) > _LONGEST_VIDEO:
        path = (index, "long_range_video_file") if "long_range_video_file" in record else (index,)
        defects.add_text(
            path,
            shown(name) if name is not None else "no long_range_video_file",
            'a path such as "./long_range_videos/0006.mp4"',
        )
    return stem


def _frame_times(record: dict[str, object], index: int, folder: Path, defects: Defects) -> Frames | None:
    path = (index, "video_timestamps")
    name = record.get("video_timestamps")
    example = 'a path such as "./long_range_videos/0006_timestamps.npy"'
    if not isinstance(name, str) or not name:
        defects.add_text(
            path if "video_timestamps" in record else (index,),
            shown(name) if name is not None else "no video_timestamps",
            example,
        )
        return None
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\0" in name:
        defects.add(path, name, "a path inside the split's folder")
        return None
    expected = "frame times: one int64 of nanoseconds for each frame"
    result = read_numeric_npy(folder / name, expected)
    if isinstance(result, Problem):
        defects.add_text(path, f"{name}: {result.found}", result.expected, result.hint)
        return None
    array, digest = result
    if array.ndim != 1 or not len(array) or array.dtype.str not in {"<i8", ">i8", "<u8", ">u8"}:
        defects.add_text(path, f"{name}: {array.dtype} of shape {array.shape}", expected)
        return None
    return array.astype(np.float64) / 1e9 + ANNOTATION_CLOCK_SHIFT_S, digest


def _annotated_session(
    record: dict[str, object], index: int, video: str, frames: Frames | None, defects: Defects
) -> Session | None:
    dense = _list_of(record, index, "feedbacks", (str,), "one string a frame", defects)
    times = _list_of(record, index, "feedback_timestamps", (int, float), "one time in seconds an event", defects)
    transitions = _list_of(record, index, "is_transition", (bool,), "one true or false an event", defects)
    if dense is None or times is None or transitions is None or frames is None:
        return None
    session = Session(
        video=video,
        record=index,
        frame_times_s=frames[0],
        dense_length=len(dense),
        spans=_spans(dense),
        feedback_times_s=tuple(map(float, times)),  # type: ignore[arg-type]  # _list_of has checked the types
        is_transition=tuple(map(bool, transitions)),
    )
    _check_clocks(session, defects)
    return session


def _check_clocks(session: Session, defects: Defects) -> None:
    """The times of the events and of the frames that show them are two readings of one clock."""
    spans = session.events()
    if not spans or len(spans) != len(session.feedback_times_s) or spans[-1].first >= len(session.frame_times_s):
        return  # the protocols report these records
    frames = session.frame_times_s[[span.first for span in spans]]
    apart_s = float(np.median(np.asarray(session.feedback_times_s) - frames))
    if abs(apart_s) > _CLOCKS_APART_S:
        found = f"feedback_timestamps {apart_s:+,.0f} s from the times of their frames"
        expected = "the same clock: nanoseconds of the frames / 1e9 + 28,800 s"
        defects.add_text(
            (session.record, "feedback_timestamps"), found, expected, "one of the two files is in another unit"
        )


def _spans(dense: Sequence[object]) -> tuple[Span, ...]:
    spans, first = [], 0
    for text, run in groupby(dense):
        end = first + sum(1 for _ in run)
        if text:
            spans.append(Span(first, end, str(text)))
        first = end
    return tuple(spans)


def _competition_session(
    record: dict[str, object], index: int, video: str, frames: Frames | None, defects: Defects
) -> Session | None:
    names = _list_of(record, index, "exercises", (str,), "the names of the exercises", defects)
    starts = _list_of(record, index, "exercise_start_timestamps", (int, float), "seconds", defects)
    ends = _list_of(record, index, "exercise_end_timestamps", (int, float), "seconds", defects)
    if names is None or starts is None or ends is None or frames is None:
        return None
    if not len(names) == len(starts) == len(ends):
        found = f"{len(names)} exercises, {len(starts)} starts, {len(ends)} ends"
        defects.add_text((index, "exercises"), found, "as many of each")
        return None
    listed = tuple(ListedExercise(str(n), float(s), float(e)) for n, s, e in zip(names, starts, ends, strict=True))  # type: ignore[arg-type]
    times = frames[0]
    if listed and not times[0] <= listed[0][1] <= times[-1]:
        # This split's times come without the shift in some releases; take the clock on which the exercise is in the video.
        unshifted = times - ANNOTATION_CLOCK_SHIFT_S
        if unshifted[0] <= listed[0][1] <= unshifted[-1]:
            times = unshifted
    return Session(video, index, times, len(times), (), (), (), listed_exercises=listed)


def _list_of(
    record: dict[str, object], index: int, key: str, types: tuple[type, ...], each: str, defects: Defects
) -> list[object] | None:
    values = record.get(key)
    if not isinstance(values, list):
        defects.add_text(
            (index, key) if key in record else (index,),
            shown(values) if key in record else f"no {key}",
            f"a list, {each}",
        )
        return None
    if not set(map(type, values)) <= set(types):
        for k, value in enumerate(values):
            if type(value) not in types:
                defects.add((index, key, k), value, each)
        return None
    return values


def _with_files(session: Session, folder: Path, record: dict[str, object]) -> Session:
    video = session.video
    name = PurePosixPath(str(record["long_range_video_file"]))
    movie = folder / "long_range_videos" / name.name
    features = folder / "efficientnet_features"
    return replace(
        session,
        features_path=_first_file(
            features / "long_range_videos" / f"{video}_features.npy", features / f"{video}_features.npy"
        ),
        poses_path=_first_file(folder / "HSMR_outputs" / f"HSMR-{video}.npy"),
        video_path=_first_file(movie),
    )


def _first_file(*candidates: Path) -> Path | None:
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _subjects(folder: Path, videos: list[str]) -> tuple[dict[str, str], str, list[Problem]]:
    path = folder / "subjects.json"
    if not path.is_file():
        return {}, "", []
    source = read_text(path)
    table = parse(source)
    defects = Defects(source)
    if not isinstance(table, dict):
        defects.add((), table, 'an object {"video": "subject"}')
        return {}, "", defects.problems()
    for video, subject in table.items():
        if not isinstance(subject, str) or not subject:
            defects.add((video,), subject, "the subject's name, a string")
        elif videos and video not in videos:
            defects.add_text(
                (video,), f"the video {shown(video)}", "a video of the annotations", nearest(video, videos)
            )
    for video in sorted(set(videos) - set(table)):
        defects.add_text((), f"no subject for video {video}", "a subject for every video, or no subjects.json")
    return dict(table), source.sha256, defects.problems()


def _notices(sessions: list[Session], subjects: dict[str, str]) -> tuple[Notice, ...]:
    notices = []
    unequal = [s for s in sessions if not s.listed_exercises and s.dense_length != len(s.frame_times_s)]
    if unequal:
        first = unequal[0]
        example = f"video {first.video}: {first.dense_length} and {len(first.frame_times_s)}"
        notices.append(
            Notice(
                "frames-unequal",
                len(unequal),
                "records whose number of feedbacks is not the number of frames",
                example,
            )
        )
    backwards = [s for s in sessions if len(s.frame_times_s) > 1 and bool((np.diff(s.frame_times_s) <= 0).any())]
    if backwards:
        notices.append(
            Notice(
                "frame-times-unsorted",
                len(backwards),
                "videos whose frame times do not increase",
                f"video {backwards[0].video}",
            )
        )
    if not subjects:
        notices.append(
            Notice(
                "no-subjects",
                len(sessions),
                "videos without a known subject: videos are taken as independent",
                "the folder has no subjects.json",
            )
        )
    return tuple(notices)
