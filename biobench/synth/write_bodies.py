"""Poses, measures, golden standards and visual features of a script, as the real tools write them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biobench.body.golden import write_golden
from biobench.body.hsmr import HsmrFrames, write
from biobench.exercises import knowledge, names
from biobench.files import write_bytes, write_text
from biobench.synth.bodies import PoseErrors, golden_repetition, seen_poses, true_poses
from biobench.synth.features import FEATURE_HZ, visual_features
from biobench.synth.people import Person, Split
from biobench.synth.poses import Floats
from biobench.synth.script import Script, SynthVideo

__all__ = [
    "MEASUREMENT_FILES",
    "drawn_features",
    "drawn_poses",
    "write_features",
    "write_goldens",
    "write_measurements",
    "write_poses",
]

MEASUREMENT_FILES: dict[Split, str] = {
    "train": "all_hsmr_shapy_measurements.json",
    "test": "all_hsmr_shapy_measurements_benchmark.json",
}


def drawn_poses(script: Script, video: SynthVideo, person: Person, seconds: Floats, errors: PoseErrors) -> HsmrFrames:
    """What a pose estimator would see of a video at times from its first frame, the same at every call."""
    return seen_poses(
        true_poses(video, person, seconds),
        errors,
        _seed(script, "poses", video.video),
        _seed(script, "bias", person.id),
    )


def drawn_features(script: Script, video: SynthVideo, person: Person) -> tuple[NDArray[np.float32], Floats]:
    """Visual features (rows, 24, 7, 5) and their times (rows,) from the video's first frame, the same at every call."""
    since = np.arange(1, int(video.duration_s * FEATURE_HZ) + 1) / FEATURE_HZ
    return visual_features(true_poses(video, person, since), person, _seed(script, "features", video.video)), since


def write_poses(
    script: Script, video: SynthVideo, person: Person, frames_ns: Sequence[int], errors: PoseErrors, folder: Path
) -> None:
    """``HSMR_outputs/HSMR-<video>.npy`` in a split's ``folder``: one dictionary a frame."""
    seconds = (np.array(frames_ns, dtype=np.int64) - frames_ns[0]) / 1e9
    frames = drawn_poses(script, video, person, seconds, errors)
    write(folder / "HSMR_outputs" / f"HSMR-{video.video}.npy", frames)


def write_features(script: Script, video: SynthVideo, person: Person, first_s: float, folder: Path) -> None:
    """``efficientnet_features/long_range_videos/<video>_features.npy`` and its times, on the annotation clock.

    ``first_s`` is the time of the video's first frame there.
    """
    features, since = drawn_features(script, video, person)
    place = folder / "efficientnet_features" / "long_range_videos"
    write_bytes(place / f"{video.video}_features.npy", _npy(features))
    write_bytes(place / f"{video.video}_timestamps.npy", _npy(np.round(first_s + since, 6)))


def write_measurements(script: Script, folder: Path) -> None:
    """SHAPY's JSON: one record a video."""
    people = {person.id: person for person in script.people}
    records = []
    for video in script.videos:
        p = people[video.person]
        measures = {"height": p.height_m, "mass": p.mass_kg, "chest": p.chest_m, "waist": p.waist_m, "hips": p.hips_m}
        records.append({"person_id": f"HSMR-{video.video}", "measurements": measures})
    write_text(folder / MEASUREMENT_FILES[script.split], json.dumps({"measurements": records}, indent=1) + "\n")


def write_goldens(folder: Path) -> None:
    """One repetition of good form for every exercise, each with a note on how it was made."""
    for name in names():
        for side in ("left", "right") if knowledge(name).sided else (None,):
            if name == "toe touchers":
                continue  # they share the file of the floor touches
            made = {
                "exercise": name,
                "made": "by biobench synth, from the generator's poses of good form: conventions, not measurements",
                "frames": "one repetition at even fractions of its time"
                + (", the way into the stretch" if side else ""),
            }
            write_golden(folder, name, golden_repetition(name, side), made, side)


def _seed(script: Script, *what: str) -> list[int]:
    """Numbers for a stream of this name; another video, or another person, changes none of them."""
    digest = hashlib.sha256("/".join([str(script.seed), script.split, *what]).encode()).digest()
    return [int.from_bytes(digest[k : k + 4], "big") for k in range(0, 16, 4)]


def _npy(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=(1, 0), allow_pickle=False)
    return stream.getvalue()
