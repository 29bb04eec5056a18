"""What a system gets to see of an exercise: visual features, poses, the person's measures; from files, or from a script.

What a video of QEVD-synth has no file of is rendered in memory from the script that made it, as ``biobench synth`` would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biobench.body.hsmr import read
from biobench.body.morphometrics import Morphometrics, read_measurements
from biobench.body.motion import Motion
from biobench.body.person import motion_of
from biobench.problems import Problem, ProblemsFound
from biobench.readers.npy import read_numeric_npy
from biobench.records import Benchmark, Segment, Session
from biobench.synth.bodies import PoseErrors
from biobench.synth.people import Person
from biobench.synth.script import Script, SynthVideo
from biobench.synth.script_file import SCRIPT_FILE, read_script
from biobench.synth.write_bodies import MEASUREMENT_FILES, drawn_features, drawn_poses

__all__ = ["InputFailure", "Inputs", "SegmentInputs"]

Floats = NDArray[np.float64]

_GRID = (7, 5)
_MOST_TOLD = 2
"""Problems of one file."""


class InputFailure(Exception):  # noqa: N818 - a video's, not the program's
    """Why an exercise can't be looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentInputs:
    """One exercise; times count from its start, in seconds.

    ``features`` (rows, channels, 7, 5) float32, only the rows of the exercise, and ``feature_times_s`` (rows,), rising; None
    and empty where they were not asked for. ``motion`` may hold no valid frame: nobody was seen.
    """

    features: NDArray[np.float32] | None
    feature_times_s: Floats
    motion: Motion | None
    measures: Morphometrics | None


@dataclass(frozen=True, slots=True, eq=False)
class _Video:
    """A whole video; times on the annotation clock."""

    features: NDArray[np.float32] | None
    feature_times_s: Floats
    motion: Motion | None
    measures: Morphometrics | None


class Inputs:
    """A benchmark's inputs, read video by video when they are asked for; the last one is kept."""

    def __init__(
        self,
        folder: Path,
        sessions: Mapping[str, Session],
        features: bool,
        poses: bool,
        script: Script | None,
        measures: dict[str, Morphometrics] | None,
        errors: PoseErrors,
    ) -> None:
        self._folder, self._sessions, self._features, self._poses = folder, sessions, features, poses
        self._script, self._measures, self._errors = script, measures, errors
        self._last: tuple[str, _Video | InputFailure] | None = None

    @classmethod
    def open(
        cls,
        benchmark: Benchmark,
        *,
        features: bool = False,
        poses: bool = False,
        measures: bool = False,
        morphometric_dir: str | None = None,
        errors: PoseErrors = PoseErrors(),  # noqa: B008 - frozen
    ) -> Inputs:
        """The inputs that are asked for. ``errors`` are those of poses that are rendered.

        Raises ``ProblemsFound`` with everything that all videos lack, and with a file of measures that can't be read. What
        one video lacks is that video's failure.
        """
        sessions, folder = benchmark.sessions, Path(benchmark.source)
        script_path = folder / SCRIPT_FILE
        script = read_script(script_path) if script_path.is_file() else None
        problems = []
        if features and script is None and not any(s.features_path for s in sessions):
            expected = "efficientnet_features/long_range_videos/<video>_features.npy and _timestamps.npy beside them"
            hint = "they come with QEVD; biobench synth --features makes data with them"
            problems.append(Problem(benchmark.source, "data without visual features", expected, hint))
        if poses and script is None and not any(s.poses_path for s in sessions):
            expected, hint = "HSMR_outputs/HSMR-<video>.npy beside the annotations", "run HSMR on the videos"
            problems.append(Problem(benchmark.source, "data without poses", expected, hint))
        known: dict[str, Morphometrics] | None = None
        if measures:
            path = _measures_file(folder, benchmark.split, morphometric_dir)
            if path is not None:
                known = read_measurements(path)[0]
            elif script is not None:
                known = _scripted_measures(script)
            else:
                expected = "SHAPY's JSON in morphometrics/ beside the split, or in the folder that is named"
                found = "data without the people's measures"
                problems.append(
                    Problem(morphometric_dir or benchmark.source, found, expected, "run SHAPY on the videos")
                )
        if problems:
            raise ProblemsFound(problems)
        return cls(folder, {session.video: session for session in sessions}, features, poses, script, known, errors)

    def of(self, segment: Segment) -> SegmentInputs:
        """What there is to see of an exercise. Raises ``InputFailure`` where its video can't be used."""
        video = self._video(segment)
        start_s, end_s = segment.start_s, segment.start_s + segment.duration_s
        inside = (video.feature_times_s >= start_s) & (video.feature_times_s < end_s)
        features = None if video.features is None else video.features[inside]
        if features is not None and not len(features):
            raise InputFailure(_no_rows(video.feature_times_s, start_s, end_s))
        if features is not None and not np.all(np.isfinite(features)):
            raise InputFailure("the visual features hold NaN or infinite numbers")
        motion = video.motion
        if motion is not None:
            part = motion.between(start_s, np.nextafter(end_s, -np.inf))
            motion = replace(part, times_s=part.times_s - start_s)
        return SegmentInputs(features, video.feature_times_s[inside] - start_s, motion, video.measures)

    def _video(self, segment: Segment) -> _Video:
        if self._last is None or self._last[0] != segment.video:
            found: _Video | InputFailure
            try:
                found = self._read(self._sessions.get(segment.video))
            except InputFailure as failure:
                found = failure
            except ProblemsFound as problems:
                listed = problems.problems
                more = f"; and {len(listed) - _MOST_TOLD} more like these" if len(listed) > _MOST_TOLD else ""
                found = InputFailure("; ".join(map(str, listed[:_MOST_TOLD])) + more)
            self._last = (segment.video, found)
        if isinstance(self._last[1], InputFailure):
            raise InputFailure(str(self._last[1]))
        return self._last[1]

    def _read(self, session: Session | None) -> _Video:
        if session is None:
            raise InputFailure("the exercise belongs to no video of the data")
        features, times = self._features_of(session) if self._features else (None, np.zeros(0))
        motion = self._motion_of(session) if self._poses else None
        measures = None
        if self._measures is not None:
            measures = self._measures.get(session.video)
            if measures is None:
                raise InputFailure("the file of measures has nobody of this video")
        return _Video(features, times, motion, measures)

    def _features_of(self, session: Session) -> tuple[NDArray[np.float32], Floats]:
        if session.features_path is None:
            if self._script is None:
                raise InputFailure("the video has no visual features")
            video, person = _scripted(self._script, session.video)
            rows, since = drawn_features(self._script, video, person)
            return rows, np.round(float(session.frame_times_s[0]) + since, 6)
        path = session.features_path
        rows_found = read_numeric_npy(path, "features (rows, channels, 7, 5)")
        times_path = path.with_name(f"{session.video}_timestamps.npy")
        times_found = read_numeric_npy(times_path, "the features' times (rows,)")
        for found in (rows_found, times_found):
            if isinstance(found, Problem):
                raise InputFailure(str(found))
        if isinstance(rows_found, Problem) or isinstance(times_found, Problem):
            raise InputFailure("features that can't be read")
        rows_read, times = rows_found[0], np.asarray(times_found[0], dtype=np.float64)
        if rows_read.ndim != 4 or rows_read.shape[2:] != _GRID:
            raise InputFailure(f"{path.name} has the shape {rows_read.shape}, expected (rows, channels, 7, 5)")
        if times.shape != (len(rows_read),):
            raise InputFailure(f"{path.name} has {len(rows_read)} rows and {times_path.name} the shape {times.shape}")
        if not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
            raise InputFailure(f"the times in {times_path.name} don't rise")
        with np.errstate(over="ignore"):  # what float32 can't hold is infinite, and told where it is used
            return np.asarray(rows_read, dtype=np.float32), times

    def _motion_of(self, session: Session) -> Motion:
        times = session.frame_times_s
        if session.poses_path is not None:
            return motion_of(read(session.poses_path), times, str(session.poses_path))[0]
        if self._script is None:
            raise InputFailure("the video has no poses")
        video, person = _scripted(self._script, session.video)
        frames = drawn_poses(self._script, video, person, self._seconds(session), self._errors)
        return motion_of(frames, times, SCRIPT_FILE)[0]

    def _seconds(self, session: Session) -> Floats:
        """Frame times from the first one, as exact as the file's nanoseconds: a session's own are rounded to 0.2 µs."""
        path = self._folder / "long_range_videos" / f"{session.video}_timestamps.npy"
        found = read_numeric_npy(path, "the frame times, int64 nanoseconds")
        if isinstance(found, Problem):
            raise InputFailure(str(found))
        seconds: Floats = (found[0] - found[0][0]) / 1e9
        return seconds


def _no_rows(times_s: Floats, start_s: float, end_s: float) -> str:
    """Why an exercise has no features: a file on another clock, or one that is cut off."""
    where = "there are none" if not len(times_s) else f"they are at {times_s[0]:.1f} to {times_s[-1]:.1f} s"
    return f"no row of the visual features lies in the exercise, {start_s:.1f} to {end_s:.1f} s: {where}"


def _measures_file(folder: Path, split: str, named: str | None) -> Path | None:
    """Where the measures lie; None where there are none in the usual place."""
    places = [Path(named)] if named else [folder / "morphometrics", folder.parent / "morphometrics"]
    names = [MEASUREMENT_FILES["train" if split == "train" else "test"], *MEASUREMENT_FILES.values()]
    return next((place / name for place in places for name in names if (place / name).is_file()), None)


def _scripted_measures(script: Script) -> dict[str, Morphometrics]:
    people = {
        person.id: Morphometrics(person.height_m, person.mass_kg, person.chest_m, person.waist_m, person.hips_m)
        for person in script.people
    }
    return {video.video: people[video.person] for video in script.videos}


def _scripted(script: Script, name: str) -> tuple[SynthVideo, Person]:
    video = next((video for video in script.videos if video.video == name), None)
    if video is None:
        raise InputFailure(f"the script beside the annotations has no video {name}")
    return video, next(person for person in script.people if person.id == video.person)
