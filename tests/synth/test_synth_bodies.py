"""Poses, measures, golden standards and features of the script: what was written is what is known, and looks like the real files."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from biobench.body.golden import read_golden
from biobench.body.hsmr import read
from biobench.body.kinematics import arm_elevation_deg
from biobench.body.morphometrics import read_measurements
from biobench.body.person import motion_of
from biobench.body.repetitions import find_repetitions
from biobench.body.skel import dofs, index, mirror, sided
from biobench.exercises import faults, knowledge, names
from biobench.readers.qevd import load_benchmark
from biobench.synth.bodies import PoseErrors, golden_repetition, seen_poses, true_poses
from biobench.synth.features import visual_features
from biobench.synth.make import make_script
from biobench.synth.poses import base_pose, fault_pose, keyframes, repetition_pose

RATE = 22.0


@pytest.fixture(scope="module")
def script():
    return make_script("test", 16)


def rendered(script, video):
    person = next(p for p in script.people if p.id == video.person)
    times = np.arange(0, video.duration_s, 1 / RATE)
    return times, true_poses(video, person, times)


def cycle_signal(angles, exercise, side):
    """The exercise's cycle, from the catalogue: left shoulders are mirrored so that both sides mean the same."""
    cycle = knowledge(exercise).cycle
    right = angles[:, index(sided(cycle.dof, "right"))]
    left = mirror(angles)[:, index(sided(cycle.dof, "right"))]
    if cycle.signal == "left-minus-right":
        return left - right
    if cycle.signal == "mean":
        return (left + right) / 2
    return left if side == "left" and cycle.signal == "lead" else right


def counts(script, errors):
    found = []
    for video in script.videos:
        times, truth = rendered(script, video)
        motion, _ = motion_of(seen_poses(truth, errors, [int(video.video), 1], [2]), times)
        for performance in video.performances:
            part = motion.between(performance.start_s, performance.end_s - 1e-9)
            signal = cycle_signal(part.angles_rad, performance.exercise, performance.side)
            repetitions = find_repetitions(signal, part.times_s, performance.exercise)
            wanted = [] if knowledge(performance.exercise).hold else performance.repetitions
            found.append((performance.exercise, len(repetitions) - len(wanted), repetitions, wanted))
    return found


@pytest.mark.parametrize(
    ("errors", "allowed"),
    [(PoseErrors(), 0.1), (PoseErrors(jitter_deg=5, missing=0.02), 0.3), (PoseErrors(bias_deg=15), 0.1)],
)
def test_repetitions_of_the_script_are_found(script, errors, allowed):
    found = counts(script, errors)
    assert len({exercise for exercise, *_ in found}) == 23
    assert np.mean([abs(off) for _, off, _, _ in found]) <= allowed


def test_key_moments_of_the_script_are_found(script):
    off = [
        abs(r.key_s - w.key_s)
        for _, difference, repetitions, wanted in counts(script, PoseErrors())
        if difference == 0
        for r, w in zip(repetitions, wanted, strict=True)
    ]
    assert len(off) > 1000
    assert np.percentile(off, 99) < 0.15


def test_sides_that_lead_are_the_scripts(script):
    right = total = 0
    for exercise, difference, repetitions, wanted in counts(script, PoseErrors()):
        if difference == 0 and knowledge(exercise).cycle.signal == "left-minus-right":
            rising = knowledge(exercise).cycle.key == "max"
            for r, w in zip(repetitions, wanted, strict=True):
                right += (r.sign > 0) == ((w.side == "left") == rising)
                total += 1
    assert total > 500
    assert right / total > 0.99


def test_motion_is_smooth_and_within_reach(script):
    for video in script.videos[:6]:
        _, truth = rendered(script, video)
        assert np.abs(np.diff(truth, axis=0)).max() * RATE < np.radians(1200)
        for dof in dofs():
            if dof.limits_deg and not dof.uncertain and not dof.base.startswith(("shoulder", "scapula")):
                low, high = dof.limits_deg
                values = np.degrees(truth[:, dof.index])
                assert values.min() > low - 25, dof.name
                assert values.max() < high + 25, dof.name


@pytest.mark.parametrize("name", names())
def test_good_form_meets_the_catalogues_targets(name):
    lead = "right"
    for target in knowledge(name).targets:
        if target.phase not in {"bottom", "top", "hold", "reach"}:
            continue
        poses = np.array([pose for at, pose in keyframes(name, lead) if 0 < at < 1])
        angles = np.radians(poses)
        if target.measure == "arm_elevation":
            values = arm_elevation_deg(angles, lead)
        else:
            values = poses[:, index(sided(target.measure, lead))]
        assert np.any((values >= target.low_deg) & (values <= target.high_deg)), (target, values)


@pytest.mark.parametrize("name", names())
def test_faults_add_what_the_catalogue_says(name):
    for fault in faults(name):
        for side in ("left", "right") if fault.sided else (None,):
            added = fault_pose(fault, side)
            assert bool(np.any(added)) == bool(fault.moves)
            for dof in dofs():
                if side and dof.side and dof.side != side:
                    assert added[dof.index] == 0
        if fault.sided:
            assert np.allclose(fault_pose(fault, "left"), mirror(fault_pose(fault, "right")))


def test_a_scripted_fault_shows_in_its_repetitions_and_not_in_others(script):
    """Squats with falling knees: the adduction at the bottom, against repetitions without."""
    with_fault, without = [], []
    for video in make_script("test", 60).videos:
        for p in video.performances:
            if p.exercise != "squats":
                continue
            times, truth = rendered(make_script("test", 60), video)
            for number, r in enumerate(p.repetitions, 1):
                k = int(np.argmin(np.abs(times - r.key_s)))
                shown = [f for f in p.faults if f.id == "knees-in" and p.severity(f, number) > 0.3]
                if shown:
                    with_fault.append(
                        np.degrees(truth[k, index(sided("hip_adduction", shown[0].side))])
                        / p.severity(shown[0], number)
                    )
                elif not [f for f in p.faults if f.id in {"knees-in", "weight-shift"}]:
                    without.append(np.degrees(truth[k, index("hip_adduction_r")]))
        if len(with_fault) > 20 and len(without) > 20:
            break
    assert np.mean(with_fault) == pytest.approx(25, abs=4)
    assert np.abs(without).max() < 1


def test_errors_do_what_they_say(script):
    times, truth = rendered(script, script.videos[0])
    clean = seen_poses(truth, PoseErrors(0, 0, 0), [1], [2])
    assert np.abs(np.angle(np.exp(1j * (clean.poses[:, 3:] - truth[:, 3:])))).max() < 1e-4
    jittered = seen_poses(truth, PoseErrors(3, 0, 0), [1], [2])
    assert np.degrees((jittered.poses - clean.poses)[:, 3:]).std() == pytest.approx(3, rel=0.1)
    biased = seen_poses(truth, PoseErrors(0, 10, 0), [1], [2])
    offsets = np.degrees((biased.poses - clean.poses)[:, 3:])
    assert offsets.std(axis=0).max() < 0.01
    assert offsets.mean(axis=0).std() == pytest.approx(10, rel=0.4)
    missing = seen_poses(truth, PoseErrors(0, 0, 0.2), [1], [2])
    assert (missing.people == 0).mean() == pytest.approx(0.2, abs=0.03)
    flipped = seen_poses(truth, PoseErrors(0, 0, 0, 0.3), [1], [2])
    assert np.any(np.abs(flipped.poses - clean.poses) > 0.5)
    crowded = seen_poses(truth, PoseErrors(0, 0, 0, 0, 0.5), [1], [2])
    assert (crowded.people == 2).mean() == pytest.approx(0.5, abs=0.05)
    motion, notices = motion_of(crowded, times)
    assert np.abs(np.angle(np.exp(1j * (motion.angles_rad[:, 3:] - truth[:, 3:])))).max() < 1e-4
    assert notices[0].code == "several-people"


def test_golden_repetitions():
    for name in names():
        sides = ("left", "right") if knowledge(name).sided else (None,)
        for side in sides:
            golden = golden_repetition(name, side)
            assert golden.shape == (60, 46)
            assert np.allclose(np.degrees(golden[0]) - [180, *[0] * 45], base_pose(name))
    left, right = golden_repetition("quad stretch", "left"), golden_repetition("quad stretch", "right")
    assert np.allclose(np.delete(left, 0, 1), np.delete(mirror(right), 0, 1))
    half = repetition_pose("squats", None, np.array([0.5]), 0.5)[0]
    assert half[index("knee_angle_r")] == pytest.approx((103 + 6) / 2)


def test_features_are_where_the_joints_are(script):
    person = script.people[0]
    rows = np.radians(np.repeat(base_pose("squats")[None], 400, 0))
    rows[:, 0] += np.pi
    features = visual_features(rows, person, [5])
    assert features.shape == (400, 24, 7, 5)
    assert features.dtype == np.float32
    middle = features.mean(axis=0)
    head, foot = middle[13].sum(axis=1), middle[4].sum(axis=1)
    assert np.argmax(head) < 2 < 4 < np.argmax(foot), "the head is above, the feet below"
    hidden = features.max(axis=(2, 3)) < 0.3
    assert 0.03 < hidden.mean() < 0.08
    assert np.diff(np.flatnonzero(np.diff(hidden[:, 13].astype(int)))).min(initial=8) >= 2, (
        "for a while, not for a frame"
    )


# The command ---------------------------------------------------------------------------------------------


def synth(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "biobench", "synth", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def digest(folder):
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_the_command_writes_the_real_layout_twice_the_same(tmp_path):
    for name in ("a", "b"):
        done = synth(tmp_path / name, "--videos", 2, "--bodies", "--features", "--split", "both")
        assert done.returncode == 0, done.stderr
    files = digest(tmp_path / "a")
    assert files == digest(tmp_path / "b")
    for wanted in (
        "QEVD-FIT-COACH-Benchmark/HSMR_outputs/HSMR-0001.npy", "QEVD-FIT-COACH/HSMR_outputs/HSMR-1002.npy",
        "morphometrics/all_hsmr_shapy_measurements_benchmark.json", "morphometrics/all_hsmr_shapy_measurements.json",
        "golden_standards/realistic_golden_standard_deltoid_stretch_left.npy",
        "QEVD-FIT-COACH-Benchmark/efficientnet_features/long_range_videos/0002_features.npy",
    ):  # fmt: skip
        assert wanted in files
    assert sum(name.endswith(".npy") and "golden" in name for name in files) == 24
    benchmark = load_benchmark(tmp_path / "a")
    for session in benchmark.sessions:
        motion, _ = motion_of(read(session.poses_path), session.frame_times_s)
        assert motion.valid.mean() > 0.97
        times = np.load(session.features_path.with_name(f"{session.video}_timestamps.npy"), allow_pickle=False)
        features = np.load(session.features_path, allow_pickle=False)
        assert features.shape == (len(times), 24, 7, 5)
        assert session.frame_times_s[0] < times[0] < times[-1] <= session.frame_times_s[-1] + 0.3
    measured, notices = read_measurements(
        tmp_path / "a" / "morphometrics" / "all_hsmr_shapy_measurements_benchmark.json"
    )
    assert (set(measured), notices) == ({"0001", "0002"}, ())
    assert read_golden(tmp_path / "a" / "golden_standards", "toe touchers").shape == (60, 46)


def test_bodies_change_nothing_else(tmp_path):
    synth(tmp_path / "plain", "--videos", 2)
    synth(tmp_path / "bodies", "--videos", 2, "--bodies", "--pose-jitter", 9)
    plain = digest(tmp_path / "plain")
    assert plain.items() <= digest(tmp_path / "bodies").items()
    assert Path(tmp_path / "plain" / "QEVD-FIT-COACH-Benchmark" / "script.json").exists()


@pytest.mark.parametrize("option", [("--pose-jitter", "-1"), ("--pose-missing", "2"), ("--pose-bias", "x")])
def test_options_are_checked(tmp_path, option):
    done = synth(tmp_path / "x", "--bodies", *option)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x").exists()
