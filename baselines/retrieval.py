"""The nearest training moment speaks: what remarks are worth that were made when others moved, or looked, alike."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baselines.looking import SEEN_S, answers
from biobench.body.motion import Motion
from biobench.body.skel import COUNT, index
from biobench.chance import Timetable
from biobench.exercises import find_exercise
from biobench.models import (
    Failure,
    Model,
    Option,
    Options,
    PartlyFailed,
    choice,
    exercise_segments,
    number,
    options_by_name,
)
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import shown
from biobench.readers.qevd import load_benchmark
from biobench.records import Benchmark, Entry, Feedback, Segment
from biobench.synth.make import make_script
from biobench.synth.script_file import SCRIPT_FILE
from biobench.synth.write import ANNOTATION_FILES, write_scripts
from biocoach_model.inputs import InputFailure, Inputs, SegmentInputs

__all__ = ["Moments", "Retrieval", "Sight", "describe", "learned"]

Sight = Literal["kinematics", "features"]
Vector = NDArray[np.float32]

SYNTHETIC_VIDEOS, SYNTHETIC_SEED = 60, 1
"""The train split that is made where none is named: about ten times each exercise."""
_RATE_HZ = 8.0
"""Poses that are looked at: joints hardly move in between, and jitter weighs the same whatever the video's rate."""
_SHARES = (10, 50, 90)
"""Percentiles of an angle over the window: where it moves and how far, whatever the phase."""


class Retrieval(Model):
    """Says what was said at the training moment that is most like this one, of the same exercise.

    A moment is what was seen in the ``window_s`` before it: percentiles of each joint angle (the turn towards the camera
    left out), or the mean of the visual features. **When** it speaks is no retrieval: a timetable with the training data's
    median first remark, median gap and median silence at the end. Remarks of a video of the same name are never taken.

    ``train`` is a train split with remarks and poses (or features); where none is named and the data are QEVD-synth's, one
    is made, whose people are not those of the test split.
    """

    name = "retrieval"
    summary = "says what was said at the nearest training moment, on a timetable"
    options = options_by_name(
        Option("by", "kinematics", "kinematics or features: what makes moments alike"),
        Option("train", "", "the folder of a train split [default, for QEVD-synth: one that is made]", private=True),
        Option("any_exercise", "no", "yes: also moments of other exercises"),
        Option("window_s", 3.0, "how far a moment looks back", "s", 0.5, 60.0),
    )

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        by: Sight = "features" if choice(options, "by", "kinematics", "features") == "features" else "kinematics"
        any_exercise = choice(options, "any_exercise", "yes", "no") == "yes"
        window_s = number(options, "window_s")
        inputs = Inputs.open(benchmark, poses=by == "kinematics", features=by == "features")
        with _train_split(str(options["train"]), benchmark) as train:
            moments, failures = learned(train, by, window_s)

        def say(segment: Segment, seen: SegmentInputs) -> list[Feedback]:
            offered = moments.of(segment, any_exercise=any_exercise)
            remarks = []
            for time_s in moments.timetable.times(segment.duration_s):
                vector = describe(seen, by, time_s, window_s)
                if vector is not None:
                    remarks.append(Feedback(time_s, offered.nearest(vector)))
            return remarks

        try:
            entries = answers(benchmark, inputs, say)
        except PartlyFailed as partly:
            raise PartlyFailed(partly.entries, [*failures, *partly.failures]) from partly
        if failures:
            raise PartlyFailed(entries, failures)
        return entries

    def provenance(self, options: Options) -> Mapping[str, object]:
        if not options["train"]:
            return {"train": f"biobench synth, {SYNTHETIC_VIDEOS} videos, seed {SYNTHETIC_SEED}"}
        return {"train_sha256": load_benchmark(str(options["train"]), "train").source_sha256}


class Moments(NamedTuple):
    """Training moments: ``vectors`` (moments, numbers); by moment its text, exercise and video; and when to speak."""

    vectors: Vector
    texts: tuple[str, ...]
    exercises: tuple[str, ...]
    videos: tuple[str, ...]
    timetable: Timetable

    def of(self, segment: Segment, *, any_exercise: bool = False) -> Moments:
        """Those of the segment's exercise and of other videos. Raises ``InputFailure`` where there are none."""
        name = _exercise(segment)
        kept = [
            k
            for k, (exercise, video) in enumerate(zip(self.exercises, self.videos, strict=True))
            if video != segment.video and (any_exercise or exercise == name)
        ]
        if not kept:
            reason = f"the training data have no remark on {shown(segment.exercise)} in another video"
            raise InputFailure(reason if any_exercise else f"{reason}; --option any_exercise=yes takes any")
        texts, exercises, videos = (
            tuple(values[k] for k in kept) for values in (self.texts, self.exercises, self.videos)
        )
        return Moments(self.vectors[kept], texts, exercises, videos, self.timetable)

    def nearest(self, vector: Vector) -> str:
        """The text of the moment with the least Euclidean distance, the first of equals. Raises ``InputFailure``."""
        if vector.shape != self.vectors.shape[1:]:
            found = f"{len(vector)} numbers a moment, the training data have {self.vectors.shape[1]}"
            raise InputFailure(f"{found}: other features")
        apart = np.sum((self.vectors - vector) ** 2, axis=1, dtype=np.float64)
        return self.texts[int(np.argmin(apart))]


def learned(train: Benchmark, by: Sight, window_s: float) -> tuple[Moments, list[Failure]]:
    """The moments of a train split, and the exercises of it that can't be used. Raises ``ProblemsFound`` without any."""
    inputs = Inputs.open(train, poses=by == "kinematics", features=by == "features")
    failures: list[Failure] = []
    found: list[tuple[Vector, str, str, str]] = []
    segments = [segment for segment in exercise_segments(train) if segment.feedbacks]
    for segment in segments:
        try:
            seen = inputs.of(segment)
        except InputFailure as failure:
            failures.append(Failure(f"training exercise {segment.id}", str(failure)))
            continue
        for feedback in segment.feedbacks:
            vector = describe(seen, by, feedback.time_s, window_s) if feedback.text.strip() else None
            if vector is None:
                continue
            if found and vector.shape != found[0][0].shape:
                reason = f"{len(vector)} numbers a moment, those before have {len(found[0][0])}: other features"
                failures.append(Failure(f"training exercise {segment.id}", reason))
                break
            found.append((vector, feedback.text, _exercise(segment), segment.video))
    if not found:
        hint = f"{failures[0].where}: {failures[0].reason}" if failures else ""
        raise ProblemsFound([Problem(train.source, "no remark with anything to see before it", "a train split", hint)])
    vectors, texts, exercises, videos = zip(*found, strict=True)
    return Moments(np.stack(vectors), texts, exercises, videos, _timetable(segments)), failures


def describe(seen: SegmentInputs, by: Sight, at_s: float, window_s: float) -> Vector | None:
    """What was seen in the seconds before a time, as numbers; None where nobody, or nothing, was seen."""
    if by == "kinematics":
        return None if seen.motion is None else _movement(seen.motion, at_s, window_s)
    times = seen.feature_times_s
    if seen.features is None or not np.any((times > at_s - SEEN_S) & (times <= at_s)):
        return None
    rows = seen.features[(times > at_s - window_s) & (times <= at_s)]
    mean: Vector = rows.mean(axis=0, dtype=np.float64).astype(np.float32).ravel()
    return mean


def _movement(motion: Motion, at_s: float, window_s: float) -> Vector | None:
    """Percentiles of the joint angles in radians, (3 * 45,): of the last pose before each of even times up to ``at_s``."""
    times = motion.times_s[motion.valid]
    even = at_s - np.arange(int(window_s * _RATE_HZ)) / _RATE_HZ
    even = even[even >= 0]
    last = np.searchsorted(times, even, side="right") - 1
    recent = last >= 0
    recent[recent] = even[recent] - times[last[recent]] < SEEN_S / 2
    if not np.any(recent & (even > at_s - SEEN_S)):
        return None
    angles = motion.angles_rad[motion.valid][last[recent]][:, _ANGLES] - _UPRIGHT
    wrapped = (angles + np.pi) % (2 * np.pi) - np.pi
    described: Vector = np.percentile(wrapped, _SHARES, axis=0).astype(np.float32).ravel()
    return described


_ANGLES = [k for k in range(COUNT) if k != index("pelvis_rotation")]
_UPRIGHT = np.where(np.array(_ANGLES) == index("pelvis_tilt"), np.pi, 0.0)
"""HSMR counts the tilt of somebody who stands upright as half a turn."""


def _exercise(segment: Segment) -> str:
    """With its side, whatever the spelling."""
    found = find_exercise(segment.exercise)
    return segment.exercise.casefold() if found is None else " ".join(filter(None, found))


def _timetable(segments: list[Segment]) -> Timetable:
    """Medians over the exercises with remarks: the first one, the gaps, the silence behind the last."""
    times = [sorted(feedback.time_s for feedback in segment.feedbacks) for segment in segments]
    gaps = [gap for of_one in times for gap in np.diff(of_one).tolist() if gap > 0]
    ends = [segment.duration_s - of_one[-1] for segment, of_one in zip(segments, times, strict=True)]
    start_s, stop_s = float(np.median([of_one[0] for of_one in times])), float(np.median(ends))
    # Without a second remark anywhere: one an exercise.
    return Timetable(max(0.0, start_s), float(np.median(gaps)) if gaps else 3600.0, max(0.0, stop_s))


@contextmanager
def _train_split(folder: str, benchmark: Benchmark) -> Iterator[Benchmark]:
    """The train split that is named, with the benchmark's kind of annotations, or one that is made for the while."""
    if folder:
        yield load_benchmark(folder, "train", benchmark.annotations)
        return
    if not (Path(benchmark.source) / SCRIPT_FILE).is_file() or benchmark.annotations not in ANNOTATION_FILES.values():
        found = "no train split, and data that biobench synth did not make"
        raise ProblemsFound([Problem("--option train", found, "the folder of a train split with remarks and poses")])
    with tempfile.TemporaryDirectory() as place:
        write_scripts([make_script("train", SYNTHETIC_VIDEOS, seed=SYNTHETIC_SEED)], Path(place) / "data")
        yield load_benchmark(Path(place) / "data", "train", benchmark.annotations)
