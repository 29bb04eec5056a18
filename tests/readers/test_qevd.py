"""The QEVD layout: what is read, what is refused with its place, what is counted."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench import ProblemsFound, load_benchmark
from biobench.problems import Problem
from biobench.readers.npy import read_numeric_npy

EVENTS = [("First up are squats!", True), ("Lower!", False), ("Moving on to plank taps!", True), ("The end.", True)]


def problems(*arguments, **options):
    with pytest.raises(ProblemsFound) as found:
        load_benchmark(*arguments, **options)
    return found.value.problems


def test_a_session_holds_what_the_files_say(qevd):
    qevd.add("0006", EVENTS)
    (session,) = load_benchmark(qevd.folder).sessions
    assert session.video == "0006"
    assert [span.text for span in session.spans] == [text for text, _ in EVENTS]
    assert [(span.first, span.end) for span in session.spans] == [(20, 30), (50, 60), (80, 90), (110, 120)]
    assert session.exercise_count == 2
    assert session.segment_ids == ("0006_0", "0006_1")
    assert [exercise.name for exercise in session.exercises()] == ["squats", "plank taps"]
    assert session.frame_times_s[0] == 1_650_028_800.0


def test_the_data_root_and_the_splits_folder_are_the_same(qevd):
    qevd.add("0006", EVENTS)
    root, folder = load_benchmark(qevd.folder.parent), load_benchmark(qevd.folder)
    assert (root.name, root.split, root.source_sha256) == (folder.name, folder.split, folder.source_sha256)


def test_the_folders_name_tells_the_split(qevd):
    qevd.add("0006", EVENTS)
    train = qevd.folder.rename(qevd.folder.with_name("QEVD-FIT-COACH"))
    assert load_benchmark(train).split == "train"
    assert load_benchmark(train.parent, "train").split == "train"
    (problem,) = problems(train.parent)
    assert "--split train" in problem.hint


def test_a_synthetic_split_does_not_pass_for_the_real_one(qevd):
    qevd.add("0006", EVENTS)
    assert load_benchmark(qevd.folder).name == "QEVD-FIT-COACH-Benchmark"
    (qevd.folder / "script.json").write_text("{}")
    assert load_benchmark(qevd.folder).name == "QEVD-synth"
    assert load_benchmark(None).name == "biobench-sample"


def test_annotations_are_chosen_by_name(qevd):
    qevd.add("0006", EVENTS)
    bio = qevd.folder / "feedbacks_long_range_bio.json"
    bio.write_text((qevd.folder / "feedbacks_long_range.json").read_text().replace("Lower!", "Hip flexion 90°!"))
    for name in ("bio", "_bio", "feedbacks_long_range_bio.json"):
        benchmark = load_benchmark(qevd.folder, annotations=name)
        assert benchmark.annotations == bio.name
        assert benchmark.sessions[0].spans[1].text == "Hip flexion 90°!"
    assert load_benchmark(qevd.folder).annotations == "feedbacks_long_range.json"
    assert "feedbacks_long_range_bio.json" in problems(qevd.folder, annotations="boi")[0].expected
    (qevd.folder / "feedbacks_long_range.json").rename(qevd.folder / "feedbacks_long_range_2.json")
    assert "--annotations" in problems(qevd.folder)[0].hint


def test_other_bytes_are_another_benchmark(qevd):
    qevd.add("0006", EVENTS)
    before = load_benchmark(qevd.folder).source_sha256
    times = qevd.folder / "long_range_videos" / "0006_timestamps.npy"
    np.save(times, np.load(times) + 1)
    assert load_benchmark(qevd.folder).source_sha256 != before


def test_subjects_and_paths_of_files(qevd):
    for video in ("0001", "0002"):
        qevd.add(video, EVENTS)
    (qevd.folder / "subjects.json").write_text('{"0001": "ann", "0002": "bob"}')
    features = qevd.folder / "efficientnet_features" / "long_range_videos"
    features.mkdir(parents=True)
    (features / "0001_features.npy").touch()
    (qevd.folder / "HSMR_outputs").mkdir()
    (qevd.folder / "HSMR_outputs" / "HSMR-0002.npy").touch()
    (qevd.folder / "long_range_videos" / "0002.mp4").touch()
    first, second = load_benchmark(qevd.folder).sessions
    assert (first.subject, second.subject) == ("ann", "bob")
    assert first.features_path == features / "0001_features.npy"
    assert (first.poses_path, first.video_path) == (None, None)
    assert second.features_path is None
    assert second.poses_path.name == "HSMR-0002.npy"
    assert second.video_path.name == "0002.mp4"


@pytest.mark.parametrize(
    ("subjects", "word"),
    [
        ('{"0001": 3}', "3"),
        ('{"0001": "ann", "0009": "bob"}', '"0009"'),
        ("{}", "no subject for video 0001"),
        ("[]", "an empty list"),
    ],
)
def test_bad_subjects_are_refused(qevd, subjects, word):
    qevd.add("0001", EVENTS)
    (qevd.folder / "subjects.json").write_text(subjects)
    assert word in problems(qevd.folder)[0].found


def test_every_broken_record_in_one_pass_with_its_place(qevd):
    for video in ("0001", "0002", "0003", "0004", "0005", "0006"):
        qevd.add(video, EVENTS)
    records = qevd.records
    records[0]["feedbacks"][3] = 7
    records[1]["feedback_timestamps"] = ["x"]
    records[2]["is_transition"] = [1, 0]
    del records[3]["video_timestamps"]
    records[4]["long_range_video_file"] = records[5]["long_range_video_file"]
    records.append("text")
    (qevd.folder / "feedbacks_long_range.json").write_text(json.dumps(records))
    found = problems(qevd.folder)
    assert [problem.json_path for problem in found] == [
        "$[0].feedbacks[3]", "$[1].feedback_timestamps[0]", "$[2].is_transition[0]", "$[2].is_transition[1]",
        "$[3]", "$[5].long_range_video_file", "$[6]",
    ]  # fmt: skip
    assert all(problem.line == 1 and problem.column > 1 for problem in found)


def test_missing_and_damaged_frame_times_stop_the_reader(qevd):
    for video in ("0001", "0002", "0003", "0004"):
        qevd.add(video, EVENTS)
    videos = qevd.folder / "long_range_videos"
    (videos / "0001_timestamps.npy").unlink()
    (videos / "0002_timestamps.npy").write_bytes((videos / "0002_timestamps.npy").read_bytes()[:-1])
    np.save(videos / "0003_timestamps.npy", np.array([{"x": 1}], dtype=object))
    qevd.records[3]["video_timestamps"] = "../../secret.npy"
    qevd.write()
    found = problems(qevd.folder)
    assert [problem.json_path for problem in found] == [f"$[{k}].video_timestamps" for k in range(4)]
    for problem, word in zip(found, ("no file", "bytes of data", "an array of object", "secret"), strict=True):
        assert word in problem.found


@pytest.mark.parametrize("change", [lambda ns: ns // 1000, lambda ns: ns // 10**9, lambda ns: ns + 28_800 * 10**9])
def test_frame_times_on_another_clock_are_refused(qevd, change):
    qevd.add("0001", EVENTS)
    times = qevd.folder / "long_range_videos" / "0001_timestamps.npy"
    np.save(times, change(np.load(times)))
    (problem,) = problems(qevd.folder)
    assert "from the times of their frames" in problem.found
    assert problem.json_path == "$[0].feedback_timestamps"


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, bool])
def test_frame_times_of_another_type_are_refused(qevd, dtype):
    qevd.add("0001", EVENTS)
    times = qevd.folder / "long_range_videos" / "0001_timestamps.npy"
    np.save(times, np.arange(140).astype(dtype))
    assert np.dtype(dtype).name in problems(qevd.folder)[0].found


@pytest.mark.parametrize("name", ["x" * 5000, "\x1b[31m", "./long_range_videos/", ""])
def test_video_names_that_are_none(qevd, name):
    qevd.add("0001", EVENTS)
    qevd.records[0]["long_range_video_file"] = name
    qevd.write()
    if name != "./long_range_videos/":
        assert problems(qevd.folder)[0].json_path == "$[0].long_range_video_file"


def test_a_folder_that_is_not_there_gets_a_suggestion(qevd):
    (problem,) = problems(qevd.folder.with_name("QEVD-FIT-COACH-Benchmrk"))
    assert "QEVD-FIT-COACH-Benchmark" in problem.hint
    (problem,) = problems(qevd.folder.parent, split="tset")
    assert problem.hint == 'did you mean "test"?'


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[[]]", "\ufeff[", "[" * 200])
def test_annotations_that_are_none(qevd, text):
    qevd.add("0001", EVENTS)
    (qevd.folder / "feedbacks_long_range.json").write_text(text)
    assert problems(qevd.folder)


def test_unequal_frames_and_unsorted_times_are_counted(qevd):
    qevd.add("0001", EVENTS)
    times = qevd.folder / "long_range_videos" / "0001_timestamps.npy"
    np.save(times, np.load(times)[::-1])
    qevd.add("0002", EVENTS)
    qevd.records[1]["feedbacks"].append("")
    qevd.write()
    codes = {notice.code: notice.count for notice in load_benchmark(qevd.folder).notices}
    assert codes == {"frame-times-unsorted": 1, "frames-unequal": 1, "no-subjects": 2}


@pytest.mark.parametrize("shift", [0.0, 28800.0])
def test_the_competition_split_has_exercises_and_no_remarks(qevd, shift):
    qevd.add("0001", EVENTS)
    record = qevd.records[0]
    for key in ("feedbacks", "feedback_timestamps", "is_transition"):
        del record[key]
    start = 1_650_000_001.0 + shift
    record |= {
        "exercises": ["squats", "plank taps"],
        "exercise_start_timestamps": [start, start + 2],
        "exercise_end_timestamps": [start + 2, start + 4],
    }
    qevd.write()
    folder = qevd.folder.rename(qevd.folder.with_name("QEVD-FIT-COACH-Competition"))
    benchmark = load_benchmark(folder)
    assert benchmark.split == "competition"
    assert not benchmark.has_references
    (session,) = benchmark.sessions
    assert session.segment_ids == ("0001_0", "0001_1")
    assert session.frame_times_s[0] == 1_650_000_000.0 + shift


def test_to_dataset_is_typed(qevd):
    datasets = pytest.importorskip("datasets")
    qevd.add("0006", EVENTS)
    (qevd.folder / "long_range_videos" / "0006.mp4").touch()
    dataset = load_benchmark(qevd.folder).to_dataset()
    assert dataset.features["frame_times_s"] == datasets.List(datasets.Value("float64"))
    (row,) = dataset
    assert row["exercises"][0]["segment"] == "0006_0"
    assert row["events"][1] == {
        "text": "Lower!", "first_frame": 50, "end_frame": 60, "is_transition": False,
        "time_s": qevd.records[0]["feedback_timestamps"][1],
    }  # fmt: skip
    assert row["video_path"].endswith("0006.mp4")
    assert row["poses_path"] is None
    assert len(row["frame_times_s"]) == 140


def test_records_without_numpy_files_elsewhere(qevd, tmp_path):
    qevd.add("0006", EVENTS)
    moved = tmp_path / "elsewhere"
    shutil.move(qevd.folder, moved)
    assert load_benchmark(moved).name == "elsewhere"


@given(st.binary(max_size=200) | st.binary(max_size=120).map(lambda tail: b"\x93NUMPY" + tail))
def test_any_bytes_as_an_array_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    path.write_bytes(content)
    assert isinstance(read_numeric_npy(path, "numbers"), (Problem, tuple))


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000000,), }",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (-1, 0), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<i8', 'fortran_order': False, 'shape': 'x', }",
        "__import__('os').system('true')",
        "{" * 150,
        "'''",
        "{'descr': '<i8'",
    ],
)
def test_hostile_headers_are_refused(tmp_path, header):
    path = tmp_path / "x.npy"
    text = header.ljust(118).encode() + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"12345678")
    assert isinstance(read_numeric_npy(path, "numbers"), Problem)
