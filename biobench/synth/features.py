"""Visual features of the synthetic people: where a camera sees their joints, blurred, noisy, at times hidden, without depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biobench.body.kinematics import Build, in_camera, joint_positions
from biobench.synth.people import Person
from biobench.synth.poses import Floats

__all__ = ["CHANNELS", "FEATURE_HZ", "GRID", "build_of", "visual_features"]

FEATURE_HZ = 4.0
CHANNELS = 24
"""One a joint, where the real features have 1,280."""
GRID = (7, 5)
"""Rows and columns."""

_BLUR_CELLS = 0.7
_NOISE = 0.05
_HIDDEN = 0.05
_HIDDEN_ROWS = 8
"""A joint that is hidden stays so for two seconds."""
_BODY_ROWS = 5.6
"""Rows that an upright person fills."""


def visual_features(truth: Floats, person: Person, seed: Sequence[int]) -> NDArray[np.float32]:
    """Soft heat maps of the 24 joints, (rows, 24, 7, 5), from true poses (rows, 46) at 4 a second.

    The camera's yaw, pitch and distance are drawn for each video. The same seed gives the same features.
    """
    rng = np.random.RandomState(np.array(seed, dtype=np.uint32))
    yaw, pitch = np.radians(rng.uniform(-40.0, 40.0)), np.radians(rng.uniform(-12.0, 12.0))
    distance_m = rng.uniform(3.0, 6.0)
    angles = truth.copy()
    angles[:, 2] += yaw
    places = in_camera(joint_positions(angles, build_of(person)), angles)
    y = places[..., 1] * np.cos(pitch) - places[..., 2] * np.sin(pitch)
    z = places[..., 1] * np.sin(pitch) + places[..., 2] * np.cos(pitch) + distance_m
    scale = _BODY_ROWS / person.height_m * distance_m
    column = GRID[1] / 2 - 0.5 + scale * places[..., 0] / z
    row = GRID[0] / 2 - 0.5 + scale * y / z
    rows, columns = np.arange(GRID[0])[:, None], np.arange(GRID[1])[None, :]
    far = (row[..., None, None] - rows) ** 2 + (column[..., None, None] - columns) ** 2
    maps = np.exp(-far / (2 * _BLUR_CELLS**2))
    blocks = -(-len(truth) // _HIDDEN_ROWS)
    hidden = np.repeat(rng.random_sample((blocks, CHANNELS)) < _HIDDEN, _HIDDEN_ROWS, axis=0)[: len(truth)]
    maps[hidden] = 0.0
    noisy: Floats = np.round(maps + _NOISE * rng.standard_normal(maps.shape), 4)
    return noisy.astype(np.float32)


def build_of(person: Person) -> Build:
    """The person's bones: the ratios of the script, on the generic body."""
    leg = person.leg_ratio
    return Build(
        height_m=person.height_m,
        thigh=leg * person.thigh_ratio,
        shank=leg * (1 - person.thigh_ratio),
        upper_arm=person.arm_ratio * 0.186 / 0.440,
        forearm=person.arm_ratio * 0.146 / 0.440,
        hand=person.arm_ratio * 0.108 / 0.440,
    )
