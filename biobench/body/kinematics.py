"""Where the joints are: forward kinematics with generic bone lengths, scaled to a height. Approximate, for pictures and features.

Bone lengths are fractions of height from the table of Drillis and Contini (1966) as given by Winter, *Biomechanics and Motor
Control of Human Movement*. They are nobody's own: differences of a few centimetres to a real body are normal. The licensed SKEL
and SHAPY bodies are not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from biobench.body.skel import COUNT, Side, index, joints

__all__ = ["Build", "arm_elevation_deg", "in_camera", "joint_positions", "trunk_lean_deg"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Build:
    """Bone lengths as fractions of height, and the height in metres. The defaults are the table's average adult."""

    height_m: float = 1.70
    thigh: float = 0.245
    shank: float = 0.246
    foot: float = 0.152
    ankle_height: float = 0.039
    upper_arm: float = 0.186
    forearm: float = 0.146
    hand: float = 0.108
    half_shoulders: float = 0.129
    half_hips: float = 0.0955 / 2
    trunk: float = 0.288
    """From the hip joints to the height of the shoulders (0.818 - 0.530)."""
    neck: float = 0.052
    head: float = 0.130

    def __post_init__(self) -> None:
        if not 0.3 <= self.height_m <= 3.0:
            raise ValueError(f"expected a height of 0.3 to 3 m, got {self.height_m}")


def joint_positions(angles_rad: Floats, build: Build | None = None) -> Floats:
    """The joints' places in the body's own frame, (..., 46) radians -> (..., 24, 3) metres.

    x forward, y up, z to the right; the origin is the pelvis, whose own tilt, list and rotation are left out: ``in_camera``
    puts them in. Order and axes are SKEL's. Raises ``ValueError`` for another number of angles.
    """
    angles = np.asarray(angles_rad, dtype=np.float64)
    if angles.shape[-1] != COUNT:
        raise ValueError(f"expected {COUNT} angles, got {angles.shape}")
    build = build or Build()
    offsets = _offsets(build)
    shape = angles.shape[:-1]
    turned: list[Floats] = []
    places = np.zeros((*shape, len(joints()), 3))
    for joint in joints():
        own = _turn(angles, joint.index) if joint.parent is not None else np.broadcast_to(np.eye(3), (*shape, 3, 3))
        if joint.parent is None:
            turned.append(own)
            continue
        before = turned[joint.parent]
        places[..., joint.index, :] = places[..., joint.parent, :] + before @ offsets[joint.name]
        turned.append(before @ own @ _REST.get(joint.name, np.eye(3)))
    return places


def in_camera(positions_m: Floats, angles_rad: Floats) -> Floats:
    """Turns (..., 24, 3) of ``joint_positions`` as the camera sees them: x right, y down, z away.

    ``R = Ry(rotation) Rz(list) Rx(-tilt)`` of the pose's first three angles, applied to a body that looks along z with y up
    and x to its left: with a tilt of pi a person stands upright and faces the camera.
    """
    tilt, lists, rotation = (np.asarray(angles_rad)[..., k] for k in range(3))
    turn = _about((0, 1, 0), rotation) @ _about((0, 0, 1), lists) @ _about((1, 0, 0), -tilt)
    facing = positions_m @ np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    seen: Floats = facing @ np.swapaxes(turn, -1, -2)
    return seen


def arm_elevation_deg(angles_rad: Floats, side: Side) -> Floats:
    """The angle between the upper arm and the trunk's downward line, (..., 46) radians -> (...) degrees.

    0 hanging, 90 horizontal (in any direction), 180 overhead: what a clinician calls shoulder elevation, from SKEL's shoulder
    x, y and z. The scapula's small share is left out.
    """
    angles = np.asarray(angles_rad, dtype=np.float64)
    humerus = next(joint for joint in joints() if joint.name == f"humerus_{side[0]}")
    down = _turn(angles, humerus.index) @ _REST[humerus.name] @ np.array([0.0, -1.0, 0.0])
    elevation: Floats = np.degrees(np.arccos(np.clip(-down[..., 1], -1.0, 1.0)))
    return elevation


def trunk_lean_deg(angles_rad: Floats) -> Floats:
    """How far the trunk leans forward of the thighs' frame, (..., 46) radians -> (...) degrees.

    Lumbar and thoracic flexion together, forward positive; the pelvis' own tilt depends on the camera and is left out.
    """
    angles = np.asarray(angles_rad, dtype=np.float64)
    lean: Floats = -np.degrees(angles[..., index("lumbar_extension")] + angles[..., index("thorax_extension")])
    return lean


_REST: Mapping[str, Floats] = {
    # At zero the arms stand out sideways; their children's frames are those of a hanging arm, bones along -y.
    "humerus_r": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    "humerus_l": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
}


@cache
def _offsets(build: Build) -> Mapping[str, Floats]:
    """From each joint's parent, in the parent's frame, metres."""
    b = build
    lumbar = 0.25 * b.trunk
    table: dict[str, tuple[float, float, float]] = {
        "pelvis": (0, 0, 0),
        "lumbar_body": (0, lumbar, 0),
        "thorax": (0, 0.30 * b.trunk, 0),
        "head": (0, b.trunk - lumbar - 0.30 * b.trunk + b.neck, 0),
    }
    for side, sign in (("r", 1.0), ("l", -1.0)):
        table |= {
            f"femur_{side}": (0, 0, sign * b.half_hips),
            f"tibia_{side}": (0, -b.thigh, 0),
            f"talus_{side}": (0, -b.shank, 0),
            f"calcn_{side}": (-0.03, -b.ankle_height, 0),
            f"toes_{side}": (0.8 * b.foot, 0, 0),
            f"scapula_{side}": (0, b.trunk - lumbar - 0.30 * b.trunk, sign * 0.35 * b.half_shoulders),
            f"humerus_{side}": (0, 0, sign * 0.65 * b.half_shoulders),
            f"ulna_{side}": (0, -b.upper_arm, 0),
            f"radius_{side}": (0, 0, sign * 0.005),
            f"hand_{side}": (0, -b.forearm, 0),
        }
    return {name: np.array(offset) * build.height_m for name, offset in table.items()}


def _turn(angles: Floats, joint: int) -> Floats:
    """The joint's own rotation, (..., 3, 3): the first of its angles is applied first."""
    found = joints()[joint]
    turn = _about(found.axes[0], angles[..., found.dofs[0]])
    for axis, dof in zip(found.axes[1:], found.dofs[1:], strict=True):
        turn = _about(axis, angles[..., dof]) @ turn
    return turn


def _about(axis: tuple[float, float, float], angle: Floats) -> Floats:
    """Rodrigues' rotation about an axis, (...) radians -> (..., 3, 3)."""
    x, y, z = np.array(axis, dtype=np.float64) / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    a = np.asarray(angle, dtype=np.float64)[..., None, None]
    turn: Floats = np.eye(3) + np.sin(a) * cross + (1 - np.cos(a)) * (cross @ cross)
    return turn
