"""What a system gets to see: the same from files and from a script, and what is told of data that can't be used."""

import json
from dataclasses import replace

import numpy as np
import pytest

from biobench import ProblemsFound, load_benchmark
from biobench.body.hsmr import read, write
from biobench.models import exercise_segments
from biobench.synth.bodies import PoseErrors
from biobench.synth.make import make_script
from biobench.synth.write import Rendering, write_scripts
from biocoach_model.inputs import InputFailure, Inputs

EVERYTHING = {"features": True, "poses": True, "measures": True}


@pytest.fixture(scope="module")
def script():
    return make_script("test", 2, exercises=2)


@pytest.fixture(scope="module")
def bare(script, tmp_path_factory):
    """Annotations and the script only."""
    out = tmp_path_factory.mktemp("bare") / "data"
    write_scripts([script], out)
    return load_benchmark(out)


@pytest.fixture
def written(script, tmp_path):
    """A data root with every file and without the script, so that nothing is rendered."""
    out = tmp_path / "data"
    write_scripts([script], out, Rendering(PoseErrors(), features=True))
    (out / "QEVD-FIT-COACH-Benchmark" / "script.json").unlink()
    return out


def features_of(root, video="0001"):
    return root / "QEVD-FIT-COACH-Benchmark" / "efficientnet_features" / "long_range_videos" / f"{video}_features.npy"


def poses_of(root, video="0001"):
    return root / "QEVD-FIT-COACH-Benchmark" / "HSMR_outputs" / f"HSMR-{video}.npy"


def failures(root, **wanted):
    """By video, why its exercises can't be looked at; the others can."""
    benchmark = load_benchmark(root)
    inputs = Inputs.open(benchmark, **wanted)
    found = {}
    for segment in exercise_segments(benchmark):
        try:
            inputs.of(segment)
        except InputFailure as failure:
            found.setdefault(segment.video, set()).add(str(failure))
    return found


def equal(one, other):
    assert np.array_equal(one.features, other.features)
    assert np.array_equal(one.feature_times_s, other.feature_times_s)
    assert np.array_equal(one.motion.angles_rad, other.motion.angles_rad, equal_nan=True)
    assert np.array_equal(one.motion.times_s, other.motion.times_s)
    assert one.measures == other.measures


def test_what_is_rendered_is_what_would_have_been_written(bare, written):
    files = load_benchmark(written)
    assert files.name != "QEVD-synth"
    rendered, read_back = Inputs.open(bare, **EVERYTHING), Inputs.open(files, **EVERYTHING)
    segments = exercise_segments(bare)
    assert len(segments) > 2
    for one, other in zip(segments, exercise_segments(files), strict=True):
        equal(rendered.of(one), read_back.of(other))


def test_another_order_changes_nothing(bare):
    segments = exercise_segments(bare)
    forward, backward = Inputs.open(bare, **EVERYTHING), Inputs.open(bare, **EVERYTHING)
    seen = [forward.of(segment) for segment in segments]
    for segment, one in zip(reversed(segments), reversed(seen), strict=True):
        equal(one, backward.of(segment))


def test_only_the_exercise_on_its_own_clock(bare):
    for segment in exercise_segments(bare):
        seen = Inputs.open(bare, **EVERYTHING).of(segment)
        assert seen.features.shape == (len(seen.feature_times_s), 24, 7, 5)
        assert seen.features.dtype == np.float32
        for times in (seen.feature_times_s, seen.motion.times_s):
            assert np.all(np.diff(times) > 0)
            assert 0 <= times[0] < 0.3
            assert segment.duration_s - 0.3 < times[-1] < segment.duration_s


def test_what_is_not_asked_for_is_not_there(bare):
    seen = Inputs.open(bare).of(exercise_segments(bare)[0])
    assert (seen.features, seen.motion, seen.measures, len(seen.feature_times_s)) == (None, None, None, 0)


def test_the_packaged_sample_has_everything():
    sample = load_benchmark(None)
    segment = exercise_segments(sample)[0]
    seen = Inputs.open(sample, **EVERYTHING).of(segment)
    assert len(seen.features) > 50
    assert seen.motion.valid.mean() > 0.9
    assert 1.4 < seen.measures.height_m < 2.1


def test_exercises_that_are_only_listed(bare):
    """As a competition split has them: no remarks, and segments that were cut from no record of remarks."""
    listed = replace(
        bare,
        sessions=tuple(
            replace(s, spans=(), feedback_times_s=(), is_transition=(), listed_exercises=s.exercises())
            for s in bare.sessions
        ),
    )
    assert not listed.has_references
    for one, other in zip(exercise_segments(bare), exercise_segments(listed), strict=True):
        assert other.session is None
        equal(Inputs.open(bare, **EVERYTHING).of(one), Inputs.open(listed, **EVERYTHING).of(other))


def test_everything_that_all_videos_lack_is_told_at_once(qevd):
    qevd.add("0001", [("First up are squats!", True), ("Good", False), ("Moving on to lunges!", True)])
    with pytest.raises(ProblemsFound) as found:
        Inputs.open(load_benchmark(qevd.folder), **EVERYTHING)
    assert [problem.found for problem in found.value.problems] == [
        "data without visual features",
        "data without poses",
        "data without the people's measures",
    ]
    for word in ("_features.npy", "HSMR_outputs/HSMR-<video>.npy", "morphometrics/", "run SHAPY", "run HSMR"):
        assert word in str(found.value)


def test_what_one_video_lacks_is_its_own_failure(written):
    assert failures(written, **EVERYTHING) == {}
    features_of(written).unlink()
    poses_of(written, "0002").unlink()
    assert failures(written, features=True) == {"0001": {"the video has no visual features"}}
    assert failures(written, poses=True) == {"0002": {"the video has no poses"}}


def spoil_features(change):
    def spoil(root):
        path = features_of(root)
        np.save(path, change(np.load(path)))

    return spoil


def spoil_times(change):
    def spoil(root):
        path = features_of(root).with_name("0001_timestamps.npy")
        np.save(path, change(np.load(path)))

    return spoil


def one_value(value):
    def change(rows):
        changed = rows.astype(np.float64)
        changed[:, 3, 2, 1] = value
        return changed

    return change


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda root: features_of(root).write_bytes(b"\x93NUMPY nothing"), "0001_features.npy"),
        (lambda root: features_of(root).write_bytes(features_of(root).read_bytes()[:5000]), "0001_features.npy"),
        (
            lambda root: features_of(root).with_name("0001_timestamps.npy").unlink(),
            "0001_timestamps.npy: found no file",
        ),
        (lambda root: np.save(features_of(root), np.array([{}], dtype=object), allow_pickle=True), "0001_features.npy"),
        (spoil_features(lambda rows: rows[:, :, :, :4]), "expected (rows, channels, 7, 5)"),
        (spoil_features(lambda rows: rows[0, 0]), "has the shape (7, 5)"),
        (spoil_features(lambda rows: rows[:-1]), "rows and 0001_timestamps.npy the shape"),
        (spoil_features(one_value(np.nan)), "NaN or infinite"),
        (spoil_features(one_value(np.inf)), "NaN or infinite"),
        (spoil_features(one_value(1e300)), "NaN or infinite"),
        (spoil_times(lambda times: times[::-1]), "don't rise"),
        (spoil_times(lambda times: np.where(np.arange(len(times)) == 7, times[6], times)), "don't rise"),
        (spoil_times(lambda times: np.where(np.arange(len(times)) == 7, np.nan, times)), "don't rise"),
        (spoil_times(lambda times: times - 28800), "no row of the visual features lies in the exercise"),
        (spoil_features(lambda rows: rows[:0]), "the shape"),
    ],
)
def test_features_that_cannot_be_used(written, spoil, word):
    spoil(written)
    found = failures(written, features=True)
    assert list(found) == ["0001"]
    assert all(word in reason for reason in found["0001"])


def test_numbers_of_another_kind_are_features_too(written):
    before = Inputs.open(load_benchmark(written), features=True).of(exercise_segments(load_benchmark(written))[0])
    spoil_features(lambda rows: rows.astype(np.float64))(written)
    after = Inputs.open(load_benchmark(written), features=True).of(exercise_segments(load_benchmark(written))[0])
    assert after.features.dtype == np.float32
    assert np.array_equal(before.features, after.features)


def test_poses_that_cannot_be_used(written):
    path = poses_of(written)
    whole = path.read_bytes()
    path.write_bytes(whole[:3000])
    assert list(failures(written, poses=True)) == ["0001"]
    path.write_bytes(whole)
    poses_of(written, "0002").write_bytes(whole)
    (reason,) = failures(written, poses=True)["0002"]
    assert "as many as the video has frame times" in reason


def test_a_video_without_anybody_is_no_failure(written):
    path = poses_of(written)
    frames = read(path)
    nobody = replace(
        frames,
        people=np.zeros_like(frames.people),
        poses=frames.poses[:0],
        betas=frames.betas[:0],
        patch_cam_t=frames.patch_cam_t[:0],
        full_cam_t=frames.full_cam_t[:0],
        boxes=frames.boxes[:0],
    )
    write(path, nobody)
    benchmark = load_benchmark(written)
    inputs = Inputs.open(benchmark, poses=True)
    seen = [inputs.of(segment).motion for segment in exercise_segments(benchmark)]
    assert all(len(motion) > 100 for motion in seen)
    assert {bool(np.any(motion.valid)) for motion in seen} == {True, False}


def test_measures(written, tmp_path):
    path = written / "morphometrics" / "all_hsmr_shapy_measurements_benchmark.json"
    table = json.loads(path.read_text())
    table["measurements"].pop(0)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / path.name).write_text(json.dumps(table))
    assert failures(written, measures=True) == {}
    found = failures(written, measures=True, morphometric_dir=str(elsewhere))
    assert found == {"0001": {"the file of measures has nobody of this video"}}
    with pytest.raises(ProblemsFound, match="nowhere: found data without the people's measures"):
        failures(written, measures=True, morphometric_dir="nowhere")
    path.write_text('{"measurements": [{"person_id": "HSMR-0001", "measurements": {"height": -1}}]}')
    with pytest.raises(ProblemsFound, match="a number above 0"):
        failures(written, measures=True)


def test_a_script_of_other_videos(bare, tmp_path, script):
    out = tmp_path / "data"
    write_scripts([script], out)
    file = out / "QEVD-FIT-COACH-Benchmark" / "script.json"
    file.write_text(file.read_text().replace('"video":"0002"', '"video":"0003"'))
    found = failures(out, poses=True)
    assert found == {"0002": {"the script beside the annotations has no video 0002"}}
    file.write_text("{}")
    with pytest.raises(ProblemsFound, match="schema"):
        Inputs.open(load_benchmark(out), poses=True)


def test_the_errors_of_rendered_poses_can_be_chosen(bare):
    segment = exercise_segments(bare)[0]
    exact = Inputs.open(bare, poses=True, errors=PoseErrors(jitter_deg=0.0, missing=0.0)).of(segment).motion
    rough = Inputs.open(bare, poses=True, errors=PoseErrors(jitter_deg=8.0, missing=0.0)).of(segment).motion
    assert np.all(exact.valid)
    apart = np.degrees(np.std(rough.angles_rad[:, 3:] - exact.angles_rad[:, 3:]))
    assert 6 < apart < 10
