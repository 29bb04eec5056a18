"""The context while it happens, and warped alignment."""

import sys

import numpy as np
import pytest

from biobench.body.motion import Motion
from biobench.body.person import motion_of
from biobench.problems import ProblemsFound
from biobench.synth.bodies import PoseErrors, golden_repetition, seen_poses, true_poses
from biobench.synth.make import make_script
from biocoach_model.alignment import GRID, deviation_deg, reference, warped
from biocoach_model.context import MotionContext, analyse
from biocoach_model.stream import ContextStream


@pytest.fixture(scope="module")
def recorded():
    script = make_script("test", 4)
    people = {p.id: p for p in script.people}
    videos = []
    for video in script.videos:
        times = np.arange(0, video.duration_s, 1 / 22)
        frames = seen_poses(true_poses(video, people[video.person], times), PoseErrors(missing=0.01), [1], [2])
        videos.append((video, motion_of(frames, times)[0]))
    return videos


def pushed(stream, motion):
    return [j for pose, t in zip(motion.angles_rad, motion.times_s, strict=True) for j in stream.push(pose, float(t))]


def test_judged_as_afterwards(recorded):
    """All repetitions but the last; a fault near the threshold may be told by one and not by the other."""
    agreed = differed = 0
    for video, motion in recorded:
        for p in video.performances:
            part = motion.between(p.start_s, p.end_s)
            stream = ContextStream(p.exercise, p.side)
            online = pushed(stream, part)
            context = stream.context()
            assert context.at_s == part.times_s[-1]
            offline = analyse(part, p.exercise, p.side)
            if context.state == "holding":
                assert context.last.faults == offline[-1].faults
                continue
            assert abs(len(online) - len(offline)) <= 1
            for one in offline[:-1]:
                other = min(online, key=lambda j: abs(j.repetition.key_s - one.repetition.key_s))
                here = {(v.name, v.side) for v in one.faults if v.severity > 0.4}
                there = {(v.name, v.side) for v in other.faults}
                agreed += len(here & there) + (not here)
                differed += len(here - there)
    assert agreed > 300
    assert differed / agreed < 0.03


def test_nothing_later_changes_what_was_told(recorded):
    video, motion = recorded[0]
    for p in video.performances:
        part = motion.between(p.start_s, p.end_s)
        cut_s = (p.start_s + p.end_s) / 2
        first = ContextStream(p.exercise, p.side)
        told = pushed(first, part.between(0, cut_s))
        whole = ContextStream(p.exercise, p.side)
        until = []
        for pose, t in zip(part.angles_rad, part.times_s, strict=True):
            if t > cut_s:
                break
            until += whole.push(pose, float(t))
        assert whole.context() == first.context()
        pushed(whole, part.between(cut_s + 1e-9, np.inf))
        assert until == told


def test_memory_does_not_grow_and_mistakes_are_told():
    stream = ContextStream("squats")
    with pytest.raises(ValueError, match="no pose"):
        stream.context()
    pose = golden_repetition("squats")[0]
    for k in range(22 * 60):
        stream.push(pose, k / 22)
    assert len(stream._poses) <= 20 * 22 + 2
    assert stream.context().state == "standing"
    with pytest.raises(ValueError, match="time after"):
        stream.push(pose, 1.0)
    with pytest.raises(KeyError, match="burpees"):
        ContextStream("burpees")


def test_missing_poses_are_no_repetitions():
    stream = ContextStream("squats")
    for k in range(22 * 20):
        assert stream.push(np.full(46, np.nan), k / 22) == []
    assert stream.context().sentence() == "Squats, standing."


# Warped ----------------------------------------------------------------------------------------------------


def test_warping_undoes_another_tempo_and_nothing_else():
    wanted = reference(golden_repetition("squats"), "squats", None)
    slow = np.stack([np.interp(GRID + 0.08 * np.sin(2 * np.pi * GRID), GRID, wanted[:, k]) for k in range(46)], axis=1)
    linear = np.abs(deviation_deg(slow, wanted)).max()
    assert linear > 15
    assert np.abs(deviation_deg(warped(slow, wanted), wanted)).max() < linear / 2
    assert np.allclose(deviation_deg(warped(wanted, wanted), wanted), 0)
    rounded = wanted.copy()
    rounded[:, 18] -= np.radians(20)
    assert deviation_deg(warped(rounded, wanted), wanted)[:, 18] == pytest.approx(-20, abs=0.01)


def test_analyse_with_warping():
    once = golden_repetition("squats")
    motion = Motion.of(
        np.concatenate([np.repeat(once[:1], 20, 0), once, np.repeat(once[:1], 20, 0)]), np.arange(100) / 22
    )
    (judged,) = analyse(motion, "squats", dtw=True)
    assert judged.faults == ()
    assert MotionContext.at(motion, "squats", 4.0).last.faults == ()


def test_without_the_package_the_install_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "dtaidistance", None)
    wanted = reference(golden_repetition("squats"), "squats", None)
    with pytest.raises(ProblemsFound, match=r"biobench\[dtw\]"):
        warped(wanted, wanted)
