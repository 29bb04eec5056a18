"""Motions: gaps, unwrapping, resampling; measures and golden standards from files."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.body.golden import golden_name, read_golden, write_golden
from biobench.body.morphometrics import read_betas, read_measurements
from biobench.body.motion import Motion
from biobench.body.skel import COUNT
from biobench.exercises import knowledge, names
from biobench.problems import ProblemsFound


def motion(count=100, rate=20.0, missing=()):
    times = np.arange(count) / rate
    angles = np.sin(times)[:, None] * np.linspace(0.1, 1.0, COUNT)
    angles[list(missing)] = np.nan
    return Motion.of(angles, times)


def test_turns_are_undone_and_missing_frames_marked():
    times = np.arange(200) / 20
    angles = np.zeros((200, COUNT))
    true = np.pi + 0.4 * np.sin(times)
    angles[:, 0] = np.angle(np.exp(1j * true))
    angles[50, 3] = np.nan
    m = Motion.of(angles, times)
    assert not m.valid[50]
    assert m.valid.sum() == 199
    known = m.angles_rad[m.valid, 0]
    assert np.ptp(known) < 1.0
    assert np.all(np.abs(np.diff(known)) < 0.1)
    assert np.isnan(m.degrees("pelvis_tilt")[50])


@given(st.integers(1, 20), st.floats(15, 60))
def test_only_gaps_under_half_a_second_are_filled(gap, rate):
    m = motion(100, rate, range(40, 40 + gap)).filled()
    if (gap + 1) / rate < 0.5:
        assert np.all(m.valid)
        assert np.allclose(m.angles_rad, motion(100, rate).angles_rad, atol=0.1)
    else:
        assert m.valid.sum() == 100 - gap
    assert np.all(m.valid == np.isfinite(m.angles_rad[:, 5]))


def test_missing_ends_stay_missing():
    assert motion(50, 20, [0, 1, 48, 49]).filled().valid.sum() == 46


@given(st.floats(5, 60))
def test_resampled_follows_the_motion_and_never_crosses_a_gap(rate):
    m = motion(200, 22.0, range(100, 130)).resampled(rate)
    assert np.allclose(np.diff(m.times_s), 1 / rate)
    inside = (m.times_s > 99 / 22) & (m.times_s < 130 / 22)
    assert not np.any(m.valid[inside])
    truth = np.sin(m.times_s)
    assert np.allclose(m.angles_rad[m.valid, -1], truth[m.valid], atol=0.01)
    assert m.valid[~inside].mean() > 0.9


def test_a_known_frame_beside_a_gap_is_kept():
    m = motion(60, 20.0, range(20, 40))
    again = m.resampled(20)
    assert np.array_equal(again.valid, m.valid)
    assert np.allclose(again.angles_rad, m.angles_rad, equal_nan=True)


def test_slices_and_mirror():
    m = motion()
    assert np.all((m.between(1, 2).times_s >= 1) & (m.between(1, 2).times_s <= 2))
    assert len(m.between(1, 2)) == 21
    assert np.array_equal(m.mirrored().degrees("knee_angle_l"), m.degrees("knee_angle_r"))
    assert np.array_equal(m.mirrored().mirrored().angles_rad, m.angles_rad)
    with pytest.raises(KeyError):
        m.degrees("knee")


@pytest.mark.parametrize(
    ("angles", "times"),
    [(np.zeros((3, 45)), np.arange(3.0)), (np.zeros((3, 46)), np.arange(4.0)), (np.zeros((3, 46)), np.array([0, 0, 1.0])),
     (np.zeros((3, 46)), np.array([0, 1, np.nan]))],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(angles, times):
    with pytest.raises(ValueError):  # noqa: PT011 - each says what it is
        Motion.of(angles, times)


# Golden standards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
def test_golden_standards_are_written_and_read_for_every_exercise(tmp_path, name):
    angles = np.linspace(0, 1, 20)[:, None] * np.ones(COUNT)
    sides = ("left", "right") if knowledge(name).sided else (None,)
    for side in sides:
        path = write_golden(tmp_path, name, angles, {"made": "by a test"}, side)
        first = path.read_bytes()
        assert np.array_equal(read_golden(tmp_path, name, side), angles)
        write_golden(tmp_path, name, angles, {"made": "by a test"}, side)
        assert path.read_bytes() == first
        assert json.loads(path.with_suffix(".json").read_text()) == {"made": "by a test"}
        assert np.load(path, allow_pickle=False).shape == (20, COUNT)


def test_names_of_golden_standards():
    assert golden_name("armcrosschest right") == "realistic_golden_standard_deltoid_stretch_right.npy"
    assert golden_name("toe touchers") == golden_name("floor touch")
    with pytest.raises(KeyError):
        golden_name("burpees")


@pytest.mark.parametrize(
    "array", [np.zeros((20, 45)), np.zeros(46), np.full((20, 46), np.nan), np.zeros((2, 46)), np.zeros((20, 46), int)]
)
def test_bad_golden_standards_are_refused(tmp_path, array):
    np.save(tmp_path / golden_name("squats"), array)
    with pytest.raises(ProblemsFound, match="squats"):
        read_golden(tmp_path, "squats")


def test_a_golden_standard_that_is_a_pickle_is_refused(tmp_path):
    np.save(tmp_path / golden_name("squats"), np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ProblemsFound, match="never pickled"):
        read_golden(tmp_path, "squats")


# Measures ------------------------------------------------------------------------------------------------

GOOD = {"height": 1.8, "mass": 80, "chest": 1.0, "waist": 0.9, "hips": 1.0}


def measures(tmp_path, *records):
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"measurements": list(records)}))
    return path


def test_measures(tmp_path):
    found, notices = read_measurements(measures(tmp_path, {"person_id": "HSMR-0006", "measurements": GOOD}))
    assert (found["0006"].height_m, found["0006"].mass_kg, notices) == (1.8, 80.0, ())
    _, notices = read_measurements(
        measures(tmp_path, {"person_id": "HSMR-0006", "measurements": GOOD | {"height": 180}})
    )
    assert notices[0].example == "0006 height 180.0"


def test_every_problem_of_measures(tmp_path):
    path = measures(
        tmp_path, {"person_id": 6, "measurements": GOOD}, {"person_id": "HSMR-1", "measurements": GOOD | {"mass": "80"}},
        {"person_id": "HSMR-2", "measurements": {}}, {"person_id": "HSMR-3", "measurements": GOOD | {"waist": -1, "hips": True}},
        {"person_id": "HSMR-4", "measurements": GOOD}, {"person_id": "HSMR-4", "measurements": GOOD},
    )  # fmt: skip
    with pytest.raises(ProblemsFound) as found:
        read_measurements(path)
    assert len(found.value.problems) == 1 + 1 + 5 + 2 + 1
    path.write_text("[]")
    with pytest.raises(ProblemsFound, match="measurements"):
        read_measurements(path)


def test_betas_are_read_and_the_pickle_beside_them_is_not(tmp_path):
    np.savez(tmp_path / "s.npz", betas=np.arange(10.0), measurements=np.array([{"a": 1}], dtype=object))
    assert read_betas(tmp_path / "s.npz").tolist() == list(range(10))
    np.savez(tmp_path / "bad.npz", betas=np.array([{}], dtype=object))
    with pytest.raises(ProblemsFound, match="never pickled"):
        read_betas(tmp_path / "bad.npz")
    (tmp_path / "no.npz").write_bytes(b"PK")
    with pytest.raises(ProblemsFound):
        read_betas(tmp_path / "no.npz")
