"""Retrieval: the nearest moment of another video speaks, and nothing later is looked at."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import baselines.retrieval
from baselines.retrieval import Moments, Retrieval, describe, learned
from biobench import ProblemsFound, load_benchmark
from biobench.body.motion import Motion
from biobench.body.skel import COUNT, index
from biobench.chance import Timetable
from biobench.models import PartlyFailed, exercise_segments, run_model
from biobench.records import Segment
from biobench.synth.bodies import PoseErrors
from biobench.synth.make import make_script
from biobench.synth.write import Rendering, write_scripts
from biocoach_model.inputs import InputFailure, Inputs, SegmentInputs

TABLE = Timetable(2.0, 5.0, 1.0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A train split: the script and no files, eight people with two exercises or so each."""
    out = tmp_path_factory.mktemp("trained") / "data"
    write_scripts([make_script("train", 8, exercises=2)], out)
    return str(out)


def answered(benchmark, given=None):
    """Entries, whether or not some exercises failed; the training data are small."""
    try:
        return run_model(Retrieval(), benchmark, given or {})
    except PartlyFailed as partly:
        return partly.entries


def segment(exercise="squats", video="0009"):
    return Segment(f"{video}_0", video, exercise, 0.0, 30.0, ())


def moved(angles, hz=22.0):
    return SegmentInputs(None, np.zeros(0), Motion.of(angles, np.arange(len(angles)) / hz), None)


def wandering(seed, frames=200):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(0, 0.05, (frames, COUNT)), axis=0) + np.eye(COUNT)[0] * np.pi


# The nearest moment ----------------------------------------------------------------------------------------


@given(st.integers(1, 12), st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_the_nearest_is_the_nearest(count, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(0, 1, (count, 5)).astype(np.float32)
    moments = Moments(vectors, tuple(map(str, range(count))), ("squats",) * count, ("a",) * count, TABLE)
    for k in range(count):
        assert moments.nearest(vectors[k]) == str(k)
    asked = rng.normal(0, 1, 5).astype(np.float32)
    apart = [float(np.linalg.norm(vector.astype(float) - asked)) for vector in vectors]
    assert moments.nearest(asked) == str(int(np.argmin(apart)))


def test_of_equals_the_first_and_of_other_features_none():
    moments = Moments(np.zeros((3, 2), np.float32), ("a", "b", "c"), ("squats",) * 3, ("1", "2", "3"), TABLE)
    assert moments.nearest(np.ones(2, np.float32)) == "a"
    with pytest.raises(InputFailure, match="3 numbers a moment, the training data have 2"):
        moments.nearest(np.ones(3, np.float32))


def test_of_the_same_exercise_and_never_of_the_same_video():
    names = ("squats", "squats", "quad stretch left", "quad stretch right")
    moments = Moments(np.zeros((4, 2), np.float32), ("a", "b", "c", "d"), names, ("1", "2", "1", "2"), TABLE)
    assert moments.of(segment("Squat", "1")).texts == ("b",)
    assert moments.of(segment("squats", "3")).texts == ("a", "b")
    assert moments.of(segment("quadriceps stretch right", "1")).texts == ("d",)
    assert moments.of(segment("burpees", "1"), any_exercise=True).texts == ("b", "d")
    with pytest.raises(InputFailure, match='no remark on "quad stretch left" in another video; --option any_exer'):
        moments.of(segment("quad stretch left", "1"))
    with pytest.raises(InputFailure, match='no remark on "burpees"'):
        moments.of(segment("burpees", "3"))


# What a moment is ------------------------------------------------------------------------------------------


@given(st.integers(0, 2**31), st.floats(0.2, 8.9))
@settings(max_examples=30, deadline=None)
def test_a_moment_is_made_of_the_window_before_it(seed, at_s):
    angles, other = wandering(seed), wandering(seed + 1)
    times = np.arange(200) / 22
    outside = (times > at_s) | (times <= at_s - 3.6)  # a pose stands for at most half a second
    changed = np.where(outside[:, None], other, angles)
    one, two = describe(moved(angles), "kinematics", at_s, 3.0), describe(moved(changed), "kinematics", at_s, 3.0)
    assert one.shape == (3 * (COUNT - 1),)
    # Another past may unwrap to another turn; the moment is the same to single precision.
    assert np.allclose(one, two, atol=1e-5)
    inside = np.where(outside[:, None], angles, other)
    assert not np.allclose(one, describe(moved(inside), "kinematics", at_s, 3.0), atol=1e-3)


def test_a_moment_is_the_same_at_another_rate_of_frames_and_from_another_side():
    often, seldom = wandering(3, 400), wandering(3, 400)[::5]
    one, other = (
        describe(moved(often, 40.0), "kinematics", 9.0, 3.0),
        describe(moved(seldom, 8.0), "kinematics", 9.0, 3.0),
    )
    assert np.array_equal(one, other)
    turned = often.copy()
    turned[:, index("pelvis_rotation")] += 1.0
    turned[:, index("pelvis_tilt")] -= 2 * np.pi
    assert np.allclose(one, describe(moved(turned, 40.0), "kinematics", 9.0, 3.0), atol=1e-5)
    bent = often.copy()
    bent[:, index("knee_angle_r")] += 0.2
    apart = describe(moved(bent, 40.0), "kinematics", 9.0, 3.0) - one
    assert np.allclose(np.sort(apart)[-3:], 0.2, atol=1e-5)
    assert np.allclose(np.sort(apart)[:-3], 0.0, atol=1e-5)


def test_where_nobody_is_seen_there_is_no_moment():
    angles = wandering(1)
    angles[60:120] = np.nan  # 2.7 to 5.4 s
    seen = moved(angles)
    there = [describe(seen, "kinematics", at_s, 3.0) is not None for at_s in (0.0, 2.0, 3.0, 4.2, 5.0, 5.6)]
    assert there == [True, True, True, False, False, True]
    assert describe(moved(np.full((90, COUNT), np.nan)), "kinematics", 2.0, 3.0) is None
    assert describe(moved(np.zeros((0, COUNT))), "kinematics", 2.0, 3.0) is None


def test_features_are_averaged_over_the_window():
    rows = np.arange(20, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 7, 5), np.float32)
    seen = SegmentInputs(rows, np.arange(1, 21) / 4, None, None)
    mean = describe(seen, "features", 3.0, 1.0)
    assert mean.shape == (2 * 35,)
    assert np.all(mean == np.mean([8, 9, 10, 11]))
    assert describe(seen, "features", 0.1, 1.0) is None
    assert describe(seen, "features", 7.0, 3.0) is None


# Whole answers ---------------------------------------------------------------------------------------------


def test_texts_are_of_the_training_data_on_their_timetable(seen_root, trained):
    benchmark = seen_root.benchmark
    train = load_benchmark(trained, "train")
    exercises = exercise_segments(train)
    first = np.median([s.feedbacks[0].time_s for s in exercises if s.feedbacks])
    gap = np.median(
        [b.time_s - a.time_s for s in exercises for a, b in zip(s.feedbacks, s.feedbacks[1:], strict=False)]
    )
    entries = answered(benchmark, {"train": trained, "any_exercise": "yes"})
    texts = {f.text for s in exercises for f in s.feedbacks}
    for one, entry in zip(exercise_segments(benchmark), entries, strict=True):
        times = [f.time_s for f in entry.feedbacks]
        assert times == pytest.approx([first + k * gap for k in range(len(times))])
        assert one.duration_s - 2.5 * gap - 5 < times[-1] < one.duration_s
        assert {f.text for f in entry.feedbacks} <= texts
    assert len({f.text for e in entries for f in e.feedbacks}) > 5
    assert answered(benchmark, {"train": trained, "any_exercise": "yes"}) == entries


@pytest.mark.parametrize("by", ["kinematics", "features"])
def test_a_twin_finds_its_own_remarks_and_never_those_of_its_video(seen_root, by):
    """The data as their own training data: under other names the nearest moment is the same one, else another video's."""
    benchmark = seen_root.benchmark
    moments, failures = learned(benchmark, by, 3.0)
    assert failures == []
    inputs = Inputs.open(benchmark, poses=True, features=True)
    for one in exercise_segments(benchmark):
        for feedback in one.feedbacks:
            vector = describe(inputs.of(one), by, feedback.time_s, 3.0)
            assert moments.of(replace(one, video="other"), any_exercise=True).nearest(vector) == feedback.text
    options = {"train": str(seen_root.folder), "by": by, "any_exercise": "yes"}
    own = {video: set() for video in ("0001", "0002")}
    for one in exercise_segments(benchmark):
        own[one.video] |= {f.text for f in one.feedbacks}
    for one, entry in zip(exercise_segments(benchmark), run_model(Retrieval(), benchmark, options), strict=True):
        assert entry.feedbacks
        other = "0002" if one.video == "0001" else "0001"
        assert {f.text for f in entry.feedbacks} <= own[other]


@pytest.mark.parametrize("by", ["kinematics", "features"])
def test_nothing_later_changes_what_was_said(seen, trained, by):
    options = {"train": trained, "by": by, "any_exercise": "yes"}
    before = answered(seen.benchmark, options)
    changed_s = seen.since_start_s() + before[0].feedbacks[2].time_s
    seen.change_poses(changed_s)
    seen.change_features(changed_s)
    after = answered(seen.benchmark, options)
    assert before[0].feedbacks[:3] == after[0].feedbacks[:3]
    assert [e for e in before if e.key.startswith("0001")] != [e for e in after if e.key.startswith("0001")]
    assert before[-1] == after[-1]


def test_where_nobody_is_seen_it_is_silent(seen, trained):
    options = {"train": trained, "any_exercise": "yes"}
    before = answered(seen.benchmark, options)[0].feedbacks
    start_s = seen.since_start_s()
    gone_s = before[1].time_s
    seen.hide(start_s + gone_s - 1.5, start_s + gone_s + 0.5)
    after = answered(seen.benchmark, options)[0].feedbacks
    assert [f.time_s for f in after] == [f.time_s for f in before if f.time_s != gone_s]


def test_a_train_split_is_made_for_synthetic_data(seen_root, monkeypatch):
    people = {p.id for p in make_script("train", 60, seed=1).people}
    assert not people & {s.subject for s in seen_root.benchmark.sessions}
    monkeypatch.setattr(baselines.retrieval, "SYNTHETIC_VIDEOS", 2)
    entries = answered(seen_root.benchmark, {"any_exercise": "yes"})
    script = make_script("train", 2, seed=1)
    said = {r.lay for video in script.videos for remarks in video.remarks["a"] for r in remarks}
    assert {f.text for entry in entries for f in entry.feedbacks} <= said
    bio = load_benchmark(seen_root.folder, annotations="bio")
    said = {r.bio for video in script.videos for remarks in video.remarks["a"] for r in remarks}
    assert {f.text for entry in answered(bio, {"any_exercise": "yes"}) for f in entry.feedbacks} <= said
    assert Retrieval().provenance({"train": ""}) == {"train": "biobench synth, 2 videos, seed 1"}


def test_provenance_of_a_named_split(trained):
    assert Retrieval().provenance({"train": trained}) == {
        "train_sha256": load_benchmark(trained, "train").source_sha256
    }


# What is wrong ---------------------------------------------------------------------------------------------


def test_videos_that_cannot_be_read_are_silent_and_named(seen, trained):
    options = {"train": trained, "any_exercise": "yes"}
    whole = run_model(Retrieval(), seen.benchmark, options)
    seen.spoil_poses("0002")
    with pytest.raises(PartlyFailed) as partly:
        run_model(Retrieval(), seen.benchmark, options)
    second = [s.id for s in exercise_segments(seen.benchmark) if s.video == "0002"]
    assert [failure.where for failure in partly.value.failures] == second
    for entry, was in zip(partly.value.entries, whole, strict=True):
        assert entry.feedbacks == (() if entry.key in second else was.feedbacks)
    with pytest.raises(PartlyFailed) as partly:
        run_model(Retrieval(), seen.benchmark, {"train": str(seen.folder), "any_exercise": "yes"})
    assert [f.where for f in partly.value.failures[: len(second)]] == [f"training exercise {key}" for key in second]
    assert all("HSMR-0002.npy" in failure.reason for failure in partly.value.failures[: len(second)])


def test_an_exercise_without_training_is_silent_and_named(seen_root, trained):
    known = {s.exercise for s in exercise_segments(load_benchmark(trained, "train"))}
    unknown = [s.id for s in exercise_segments(seen_root.benchmark) if s.exercise not in known]
    assert unknown
    with pytest.raises(PartlyFailed) as partly:
        run_model(Retrieval(), seen_root.benchmark, {"train": trained})
    assert [failure.where for failure in partly.value.failures] == unknown
    assert [entry.key for entry in partly.value.entries if not entry.feedbacks] == unknown


def test_other_features_than_those_of_training(seen, trained):
    rows = np.load(seen.features("0002"))
    np.save(seen.features("0002"), rows[:, :20])
    with pytest.raises(PartlyFailed) as partly:
        run_model(Retrieval(), seen.benchmark, {"train": trained, "by": "features", "any_exercise": "yes"})
    assert {failure.reason for failure in partly.value.failures} == {
        "700 numbers a moment, the training data have 840: other features"
    }
    _, failures = learned(seen.benchmark, "features", 3.0)
    assert {failure.reason for failure in failures} == {"700 numbers a moment, those before have 840: other features"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"by": "looks"}, '--option by: found "looks", expected one of kinematics, features'),
        ({"any_exercise": "maybe"}, '--option any_exercise: found "maybe", expected one of yes, no'),
        ({"window_s": 0.0}, "--option window_s"),
        ({"train": "nowhere"}, "nowhere: found no such folder"),
    ],
)
def test_wrong_options(seen_root, given, words):
    with pytest.raises(ProblemsFound) as found:
        run_model(Retrieval(), seen_root.benchmark, given)
    assert words in str(found.value)


def test_data_that_nothing_can_be_learned_from(qevd, seen_root, tmp_path):
    qevd.add("0001", [("First up are squats!", True), ("Good", False), ("Moving on to lunges!", True)])
    bare = load_benchmark(qevd.folder)
    with pytest.raises(ProblemsFound, match="data without poses"):
        run_model(Retrieval(), bare, {})
    with pytest.raises(ProblemsFound, match="data without visual features"):
        run_model(Retrieval(), seen_root.benchmark, {"by": "features", "train": str(qevd.folder)})
    real = replace(seen_root.benchmark, source=str(tmp_path), sessions=with_poses(seen_root.benchmark, seen_root))
    with pytest.raises(ProblemsFound, match="--option train: found no train split"):
        run_model(Retrieval(), real, {})


def with_poses(benchmark, data):
    return tuple(replace(s, poses_path=data.folder / "made" / f"HSMR-{s.video}.npy") for s in benchmark.sessions)


def test_a_train_split_in_which_nobody_can_be_read(seen):
    write_scripts(
        [make_script("train", 1, exercises=2)], seen.folder / "train", Rendering(PoseErrors(), features=False)
    )
    path = seen.folder / "train" / "QEVD-FIT-COACH" / "HSMR_outputs" / "HSMR-1001.npy"
    path.write_bytes(b"nothing")
    with pytest.raises(ProblemsFound, match="no remark with anything to see before it") as found:
        run_model(Retrieval(), seen.benchmark, {"train": str(seen.folder / "train")})
    assert "training exercise 1001_0: " in str(found.value)
