"""The table of degrees of freedom, and the geometry that its signs promise."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from biobench.body.kinematics import Build, arm_elevation_deg, in_camera, joint_positions
from biobench.body.skel import COUNT, dofs, find, index, joints, mirror, mirror_name, sided

LEG = ["hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle", "subtalar_angle", "mtp_angle"]
ARM = ["scapula_abduction", "scapula_elevation", "scapula_upward_rot"], ["elbow_flexion", "pro_sup", "wrist_flexion", "wrist_deviation"]  # fmt: skip
NAMES = [
    "pelvis_tilt", "pelvis_list", "pelvis_rotation", *(f"{n}_r" for n in LEG), *(f"{n}_l" for n in LEG),
    *(f"{p}_{n}" for p in ("lumbar", "thorax", "head") for n in ("bending", "extension", "twist")),
    *(n for s in "rl" for n in (*(f"{n}_{s}" for n in ARM[0]), *(f"shoulder_{s}_{a}" for a in "xyz"), *(f"{n}_{s}" for n in ARM[1]))),
]  # fmt: skip
poses = arrays(np.float64, COUNT, elements=st.floats(-1.5, 1.5))


def at(**degrees):
    pose = np.zeros(COUNT)
    for name, value in degrees.items():
        pose[index(name)] = np.radians(value)
    return pose


def places(pose):
    return dict(zip((joint.name for joint in joints()), joint_positions(pose), strict=True))


def test_the_order_is_skels():
    assert [dof.name for dof in dofs()] == NAMES
    assert [dof.index for dof in dofs()] == list(range(COUNT))
    assert sorted(d for joint in joints() for d in joint.dofs) == list(range(COUNT))
    for joint in joints():
        assert len(joint.axes) == len(joint.dofs)
        assert joint.parent is None or joint.parent < joint.index


def test_names_and_aliases():
    assert find("pronation_r").index == 33
    assert sided("shoulder_z", "left") == "shoulder_l_z"
    assert mirror_name("knee_angle_l") == "knee_angle_r"
    assert mirror_name("head_twist") == "head_twist"
    with pytest.raises(KeyError, match="knee_angle_r"):
        find("knee_angel_r")


def test_limits_are_ranges_and_sides_may_differ():
    for dof in dofs():
        assert dof.limits_deg is None or dof.limits_deg[0] < dof.limits_deg[1]
    assert find("shoulder_r_x").limits_deg == (-90, 175.9)
    assert find("shoulder_l_x").limits_deg == (-175.9, 90)


@given(poses)
def test_a_mirrored_pose_is_the_body_in_a_mirror(pose):
    assert np.array_equal(mirror(mirror(pose)), pose)
    here, there = places(pose), places(mirror(pose))
    for name, place in here.items():
        other = name[:-1] + {"r": "l", "l": "r"}[name[-1]] if name[-2:] in {"_r", "_l"} else name
        # The axes of the ankle's joints are given to three digits, and not exactly as mirror images.
        exact = name.split("_")[0] not in {"calcn", "toes", "hand", "radius"}
        assert np.allclose(there[other], place * [1, 1, -1], atol=1e-9 if exact else 0.2), name


@given(poses)
def test_bones_are_rigid(pose):
    zero, moved = joint_positions(np.zeros(COUNT)), joint_positions(pose)
    for joint in joints()[1:]:
        before = np.linalg.norm(zero[joint.index] - zero[joint.parent])
        assert np.linalg.norm(moved[joint.index] - moved[joint.parent]) == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize("side", ["r", "l"])
def test_signs_of_the_legs(side):
    other = 1 if side == "r" else -1
    stand = places(at())
    assert places(at(**{f"hip_flexion_{side}": 60}))[f"tibia_{side}"][0] > 0.2
    assert places(at(**{f"knee_angle_{side}": 60}))[f"talus_{side}"][0] < -0.2
    inward = places(at(**{f"hip_adduction_{side}": 20}))[f"talus_{side}"][2] - stand[f"talus_{side}"][2]
    assert inward * other < -0.1
    toes_in = places(at(**{f"hip_rotation_{side}": 30}))[f"toes_{side}"][2] - stand[f"toes_{side}"][2]
    assert toes_in * other < -0.05
    assert places(at(**{f"ankle_angle_{side}": 20}))[f"toes_{side}"][1] > stand[f"toes_{side}"][1] + 0.02


def test_signs_of_the_spine():
    stand = places(at())
    assert places(at(lumbar_extension=20))["head"][0] < stand["head"][0] - 0.1
    assert places(at(lumbar_bending=20))["head"][2] > stand["head"][2] + 0.1
    assert places(at(lumbar_twist=30))["humerus_r"][0] > stand["humerus_r"][0] + 0.05


@pytest.mark.parametrize(("side", "sign"), [("right", 1), ("left", -1)])
def test_arms(side, sign):
    s = side[0]
    x = f"shoulder_{s}_x"
    for degrees, elevation in ((0, 90), (80 * sign, 10), (-80 * sign, 170), (90 * sign, 0)):
        assert arm_elevation_deg(at(**{x: degrees}), side) == pytest.approx(elevation)
    hanging = at(**{x: 80 * sign})
    assert places(hanging)[f"hand_{s}"][1] < places(hanging)[f"humerus_{s}"][1] - 0.4
    forward = at(**{x: 90 * sign, f"shoulder_{s}_z": 90})
    assert arm_elevation_deg(forward, side) == pytest.approx(90)
    assert places(forward)[f"hand_{s}"][0] > 0.4
    bent = at(**{x: 90 * sign, f"elbow_flexion_{s}": 90})
    assert places(bent)[f"hand_{s}"][0] > places(bent)[f"ulna_{s}"][0] + 0.15
    t_pose = places(at())
    assert t_pose[f"hand_{s}"][2] * sign > 0.6


def test_an_upright_person_facing_the_camera():
    pose = at(pelvis_tilt=180)
    seen = dict(zip((joint.name for joint in joints()), in_camera(joint_positions(pose), pose), strict=True))
    assert seen["head"][1] < -0.4 < 0.4 < seen["talus_r"][1]
    assert seen["toes_r"][2] < seen["talus_r"][2] - 0.1, "the toes point to the camera"
    assert seen["humerus_r"][0] < seen["humerus_l"][0], "the right side is on the left of the picture"
    leaning = at(pelvis_tilt=150)
    assert in_camera(joint_positions(leaning), leaning)[13, 2] < seen["head"][2] - 0.1, "below pi leans forward"


def test_height_scales_and_is_checked():
    small, tall = (joint_positions(at(), Build(height_m=h)) for h in (1.5, 1.8))
    assert np.allclose(tall, small * 1.2)
    span = tall[13, 1] + 0.13 * 1.8 - tall[4, 1]
    assert span == pytest.approx(1.8, rel=0.03)
    with pytest.raises(ValueError, match="height"):
        Build(height_m=17)
    with pytest.raises(ValueError, match="46"):
        joint_positions(np.zeros(45))


def test_the_page_lists_every_angle_as_the_table_has_it():
    page = (Path(__file__).parents[2] / "docs" / "bodies.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "|---" not in line][1:]
    signs = mirror(np.ones(COUNT))

    def limits(dof):
        return "" if dof.limits_deg is None else f"{dof.limits_deg[0]:g} to {dof.limits_deg[1]:g}"

    expected = []
    for dof in dofs():
        if dof.side != "left":
            other = find(mirror_name(dof.name))
            own = limits(dof) if limits(dof) == limits(other) else f"{limits(dof)} right, {limits(other)} left"
            name = dof.base + (" (?)" if dof.uncertain else "")
            expected.append(f"| {name} | {dof.plus} | {dof.clinical} | {signs[dof.index]:+.0f} | {own} |")
    assert rows == expected
