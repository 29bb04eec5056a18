"""Poses for a page's timeline: a stick figure a sixth of a second, small enough to stand in the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from biobench.body.hsmr import read
from biobench.body.kinematics import in_camera, joint_positions
from biobench.body.motion import Motion
from biobench.body.person import motion_of
from biobench.body.skel import find, index, sided
from biobench.exercises import find_exercise, knowledge
from biobench.models import exercise_segments
from biobench.problems import Problem, ProblemsFound
from biobench.records import Benchmark, Segment
from biobench.results import Json

__all__ = ["RATE_HZ", "Skeletons", "shown_segments"]

RATE_HZ = 6.0
_STEPS_A_METRE = 60.0
"""A byte holds 2.1 metres to either side."""
_MISSING = -128
_YAW_DEG = 50.0
"""From where everybody is seen: half from the side, so that both lunges and jumping jacks show."""
_WORST, _BEST = 8, 4


class Skeletons:
    """The figures of a benchmark's segments, made when they are asked for.

    Raises ``ProblemsFound`` where the data are not those of the board, or hold no poses.
    """

    def __init__(self, benchmark: Benchmark, sha256: str) -> None:
        if benchmark.source_sha256 != sha256:
            found = f"data {benchmark.source_sha256[:12]} ({benchmark.name})"
            raise ProblemsFound([Problem(benchmark.source, found, f"the board's data, {sha256[:12]}")])
        self._sessions = {session.video: session for session in benchmark.sessions}
        if all(session.poses_path is None for session in benchmark.sessions):
            raise ProblemsFound(
                [Problem(benchmark.source, "no poses", "HSMR_outputs/HSMR-<video>.npy", "leave out --poses")]
            )
        self._segments = {segment.id: segment for segment in exercise_segments(benchmark)}
        self._made: dict[str, Mapping[str, Json] | None] = {}
        self._motion = lru_cache(maxsize=4)(self._read_motion)

    def of(self, segments: Sequence[str]) -> dict[str, Json]:
        """The figures of these segments, those without poses left out."""
        for name in sorted(segments):
            if name not in self._made:
                self._made[name] = self._figure(self._segments[name]) if name in self._segments else None
        return {name: dict(figure) for name in segments if (figure := self._made[name]) is not None}

    def _read_motion(self, video: str) -> Motion | None:
        session = self._sessions[video]
        if session.poses_path is None:
            return None
        return motion_of(read(session.poses_path), session.frame_times_s, str(session.poses_path))[0].filled()

    def _figure(self, segment: Segment) -> Mapping[str, Json] | None:
        motion = self._motion(segment.video)
        if motion is None:
            return None
        part = motion.between(segment.start_s, segment.start_s + segment.duration_s)
        if len(part) < 2:
            return None
        even = part.resampled(RATE_HZ)
        places = np.full((len(even), 24, 2), _MISSING, dtype=np.int8)
        places[even.valid] = _drawn(even.angles_rad[even.valid])
        found = find_exercise(segment.exercise)
        dof = knowledge(found.name).cycle.dof if found else "knee_angle"
        if dof.startswith("shoulder"):
            dof = "elbow_flexion"  # SKEL's shoulder angles are no clinical ones and are not told
        angles = {
            side: [
                None if np.isnan(x) else round(float(x))
                for x in np.degrees(even.angles_rad[:, index(sided(dof, side))])
            ]
            for side in ("right", "left")
        }
        return {
            "hz": RATE_HZ,
            "from": round(float(even.times_s[0] - segment.start_s), 3),
            "points": base64.b64encode(places.tobytes()).decode(),
            "angle": find(sided(dof, "right")).clinical,
            "right": list(angles["right"]),
            "left": list(angles["left"]),
        }


def shown_segments(segments: Sequence[Mapping[str, Json]]) -> list[str]:
    """The segments of a timeline that get a figure: the worst and the best, as the page orders them."""

    def wrong(segment: Mapping[str, Json]) -> int:
        sizes = [
            len(value) if isinstance(value := segment[key], list) else 0
            for key in ("references", "predictions", "pairs")
        ]
        return sizes[0] + sizes[1] - 2 * sizes[2]

    order = sorted(segments, key=wrong, reverse=True)
    return list(dict.fromkeys(str(segment["id"]) for segment in [*order[:_WORST], *order[-_BEST:]]))


def _drawn(angles_rad: NDArray[np.float64]) -> NDArray[np.int8]:
    """Where the joints are in the picture, in steps from the pelvis: to the right and down."""
    turned = angles_rad.copy()
    turned[:, 2] = np.radians(_YAW_DEG)
    seen = in_camera(joint_positions(turned), turned)[..., :2]
    return np.clip(np.round(seen * _STEPS_A_METRE), -127, 127).astype(np.int8)
