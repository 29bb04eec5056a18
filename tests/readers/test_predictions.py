"""Every form of predictions, every defect with its place, and nothing but located problems on hostile files."""

import json
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench import ProblemsFound, load_predictions
from biobench.protocols import Qevd2024, Var2026
from biobench.records import Feedback

START = 1650000002.0473106  # of segment 0003_0, annotation clock


def native(entries, time="segment", **more):
    return {"schema": "biobench/predictions/1", "system": "s", "time": time, "predictions": entries, **more}


def entry(segment="0003_0", *remarks):
    return {"segment": segment, "feedbacks": [{"time": time, "text": text} for time, text in remarks]}


@pytest.fixture
def load(tmp_path, well_formed):
    def load(value, name="preds.json"):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return load_predictions(path, well_formed)

    return load


@pytest.fixture
def problems(load):
    def problems(value, name="preds.json"):
        with pytest.raises(ProblemsFound) as found:
            load(value, name)
        assert all("preds" in problem.file for problem in found.value.problems)
        return found.value.problems

    return problems


def by_segment(predictions, benchmark, protocol=None):
    parts = (protocol or Qevd2024()).segments(benchmark)
    first_frames = {session.video: float(session.frame_times_s[0]) for session in benchmark.sessions}
    return predictions.by_segment([*parts.scored, *parts.unscored], first_frames)


def test_native_keeps_order_blanks_and_duplicates(load):
    remarks = [(5.0, "b"), (1.0, ""), (5.0, "b")]
    predictions = load(native([entry("0003_0", *remarks)]))
    assert predictions.format == "native"
    assert predictions.entries[0].feedbacks == tuple(Feedback(time, text) for time, text in remarks)
    assert {notice.code: notice.count for notice in predictions.notices} == {"unsorted": 1, "blank": 1}


def test_all_forms_say_the_same(load, well_formed):
    absolute, video = START + 4.0, well_formed.sessions[0].frame_times_s[0]
    forms = [
        load(native([entry("0003_0", (4.0, "a"))])),
        load(native([entry("0003_0", (absolute, "a"))], time="unix")),
        load(native([entry("0003_0", (absolute - video, "a"))], time="video")),
        load([{"mini_episode_id": "0003_0", "pred_feedbacks": ["a"], "pred_feedback_timestamps": [absolute]}]),
        load([{"video_file": "0003.mp4", "feedbacks": ["a"], "feedback_timestamps": [absolute]}]),
        load('{"schema": "biobench/predictions/1", "system": "s", "time": "segment"}\n'
             '{"segment": "0003_0", "feedbacks": [{"time": 4.0, "text": "a"}]}\n'),
    ]  # fmt: skip
    assert [predictions.format for predictions in forms] == ["native"] * 3 + ["var-2026", "var-2025", "native"]
    for predictions in forms:
        ((time, text, _),) = by_segment(predictions, well_formed)["0003_0"]
        assert text == "a"
        assert time == pytest.approx(4.0, abs=1e-6)


def test_whole_videos_are_split_at_segment_bounds_start_included_end_excluded(load, well_formed):
    second = 1650000022.8621128  # start of 0003_1
    end = 1650000101.122726  # of the last exercise of video 0003
    times = [START - 0.001, START, second - 0.001, second, end - 0.001, end]
    predictions = load([{"video_file": "./x/0003.mp4", "feedbacks": list("abcdef"), "feedback_timestamps": times}])
    texts = {
        key: "".join(remark.text for remark in remarks)
        for key, remarks in by_segment(predictions, well_formed, Var2026()).items()
    }
    assert texts == {"0003_0": "bc", "0003_1": "d", "0003_2": "", "0003_3": "", "0003_4": "e"}
    (notice,) = predictions.notices
    assert (notice.code, notice.count) == ("outside-exercises", 2)


def test_saved_pairs(load):
    predictions = load([{"GT": "Lower!", "Pred": "Go lower."}])
    assert predictions.format == "fitcoach-pairs"
    assert predictions.pairs == (("Lower!", "Go lower."),)


def test_confidence_is_kept(load):
    (remark,) = (
        load(native([{"segment": "0003_0", "feedbacks": [{"time": 1, "text": "a", "confidence": 0.8}]}]))
        .entries[0]
        .feedbacks
    )
    assert remark == Feedback(1.0, "a", 0.8)


def test_a_bom_is_fine(load):
    assert load("\ufeff" + json.dumps(native([]))).entries == ()


def test_every_problem_in_one_pass_with_its_place(problems):
    text = """[
 {"mini_episode_id": "0003_0", "pred_feedbacks": ["a", 3], "pred_feedback_timestamps": [true, NaN]},
 {"mini_episode_id": "0003_9", "pred_feedbacks": [], "pred_feedback_timestamps": []},
 {"mini_episode_id": "0003_1", "pred_feedbacks": ["a"], "pred_feedback_timestamps": []},
 {"mini_episode_id": "0003_2", "pred_feedback": [], "pred_feedback_timestamps": []},
 {"mini_episode_id": "0003_3", "pred_feedbacks": [], "pred_feedback_timestamps": []},
 {"mini_episode_id": "0003_3", "pred_feedbacks": "x", "pred_feedback_timestamps": ["1.0", null]},
 7,
 {"mini_episode_id": "0010_0", "pred_feedbacks": ["\\ud800"], "pred_feedback_timestamps": [1e400]}
]"""
    found = [(p.line, p.json_path, p.found, p.hint) for p in problems(text)]
    expected = [
        (2, "$[0].pred_feedbacks[1]", "3", ""),
        (2, "$[0].pred_feedback_timestamps[0]", "true", ""),
        (2, "$[0].pred_feedback_timestamps[1]", "NaN", None),
        (3, "$[1].mini_episode_id", '"0003_9"', 'did you mean "0003_4"?'),
        (4, "$[2]", "1 pred_feedbacks and 0 pred_feedback_timestamps", ""),
        (5, "$[3]", "no pred_feedbacks", 'did you mean "pred_feedback"?'),
        (7, "$[6].mini_episode_id", None, None),
        (7, "$[6].pred_feedbacks", '"x"', ""),
        (7, "$[6].pred_feedback_timestamps[0]", '"1.0"', ""),
        (7, "$[6].pred_feedback_timestamps[1]", "null", ""),
        (8, "$[6]", "7", ""),
        (9, "$[8].pred_feedbacks[0]", None, None),
        (9, "$[8].pred_feedback_timestamps[0]", None, None),
    ]
    assert len(found) == len(expected)
    for got, want in zip(found, expected, strict=True):
        assert got[0] == want[0]
        if want[1] != "$[6]" and want[2] is not None:
            assert got[2] == want[2]
        if want[3] is not None and "did you mean" not in want[3]:
            assert got[3] == want[3]


def test_json_lines_problems_carry_their_line(problems):
    text = (
        '{"schema": "biobench/predictions/1", "system": "s", "time": "segment"}\n'
        '{"segment": "0003_0", "feedbacks": [{"time": 1, "text": "a"}]}\n'
        '{"segment": "0003_0", "feedbacks": []}\n'
        "{broken\n"
        '{"segment": "nowhere", "feedbacks": [{"time": NaN, "text": "a"}]}\n'
        '{"segment": "0003_1", "feedbacks": [{"time": "1", "text": "a"}]}\n'
    )
    found = problems(text, "preds.jsonl")
    assert [problem.line for problem in found] == [3, 4, 5, 6]
    assert found[0].hint == "the first is line 2"
    assert found[3].json_path == "$.feedbacks[0].time"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ([], "an empty list"),
        ({}, "no schema"),
        (3, "3"),
        ("text", '"text"'),
        ([{"x": 1}], "an object"),
        ([None], "null"),
        (native([], schema="biobench/predictions/2"), "predictions/2"),
        (native([], time="seconds"), '"seconds"'),
        (native({}), "an empty object"),
        (native([entry(), None]), "null"),
        (native([{"segment": 3, "feedbacks": []}]), "3"),
        (native([{"segment": "0003_0", "feedbacks": {}}]), "an empty object"),
        (native([{"segment": "0003_0", "feedbacks": [{"time": 1}]}]), "no text"),
        (native([{"segment": "0003_0", "feedbacks": [{"time": True, "text": "a"}]}]), "true"),
        (native([{"segment": "0003_0", "feedbacks": [{"time": 1, "text": "a", "confidence": "high"}]}]), '"high"'),
        ([{"GT": 1, "Pred": "a"}], "1"),
        ([{"video_file": "9999.mp4", "feedbacks": [], "feedback_timestamps": []}], '"9999"'),
    ],
)
def test_refused(problems, value, word):
    assert word in " ".join(problem.found for problem in problems(json.dumps(value)))


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m", "x" * 201, "\u202eevil"])
def test_names_that_would_break_a_table_are_refused(problems, name):
    (problem,) = problems(native([], system=name))
    assert "printable" in problem.expected


def test_unshifted_unix_times_are_named_as_such(problems):
    entries = [
        {"mini_episode_id": "0003_0", "pred_feedbacks": ["a"], "pred_feedback_timestamps": [START + 4 - 28800]},
        {"mini_episode_id": "0003_1", "pred_feedbacks": ["a"], "pred_feedback_timestamps": [START + 30 - 28800]},
    ]
    (problem,) = problems(entries)
    assert "28,800 s early" in problem.found
    assert "add 28800" in problem.hint


def test_times_shifted_twice_are_named_as_such(problems):
    (problem,) = problems(native([entry("0003_0", (START + 28804, "a"))], time="unix"))
    assert "28,800 s late" in problem.found


def test_segment_times_in_an_absolute_file_are_named_as_such(problems):
    (problem,) = problems([{"mini_episode_id": "0003_0", "pred_feedbacks": ["a"], "pred_feedback_timestamps": [4.0]}])
    assert "count from a start" in problem.found


def test_absolute_times_in_a_segment_file_are_named_as_such(problems):
    (problem,) = problems(native([entry("0003_0", (START + 4, "a"))]))
    assert "absolute" in problem.found
    assert "unix" in problem.hint


def test_one_odd_time_is_a_notice_not_an_error(load):
    predictions = load(native([entry("0003_0", (-0.5, "a"), (4.0, "b"), (1000.0, "c"))]))
    assert {notice.code: notice.count for notice in predictions.notices} == {"before-start": 1, "after-end": 1}


def test_unknown_keys_are_counted(load):
    predictions = load(native([{**entry(), "note": 1}], comment="x"))
    assert {(notice.code, notice.count) for notice in predictions.notices} == {("unknown-keys", 2)}


def test_depth_is_refused_not_crashed_on(problems):
    assert problems("[" * 100_000)[0].line == 1
    assert problems('{"schema": ' + "[" * 5000 + "]" * 5000 + "}")


def test_a_million_remarks_in_one_segment(load, well_formed):
    times = [k / 100_000 for k in range(1_000_000)]
    predictions = load(native([entry("0003_0", *((time, "a") for time in times))]))
    match = Qevd2024().match(Qevd2024().segments(well_formed).scored[0], by_segment(predictions, well_formed)["0003_0"])
    assert len(match.predictions) == 1_000_000
    # References at 4.36, 6.95, 11.45 and 15.56 s: the third is 1.45 s from the last remark, the fourth too far.
    assert [i for i, _ in match.pairs] == [0, 1, 2]
    assert len(match.precision_pairs) == 3


def test_thousands_of_problems_are_capped_and_counted(problems):
    found = problems(
        [{"mini_episode_id": k, "pred_feedbacks": [], "pred_feedback_timestamps": []} for k in range(3000)]
    )
    assert len(found) == 1001
    assert found[-1].found == "2000 more problems"


def test_paths_that_are_no_files(tmp_path, well_formed):
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "absent.json", "."):
        with pytest.raises(ProblemsFound):
            load_predictions(tmp_path / name, well_formed)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "latin-1"])
def test_other_encodings_are_refused(tmp_path, well_formed, encoding):
    path = tmp_path / "preds.json"
    path.write_bytes(json.dumps(native([], system="Müller"), ensure_ascii=False).encode(encoding))
    with pytest.raises(ProblemsFound, match="UTF-8"):
        load_predictions(path, well_formed)


VALID = json.dumps(native([entry("0003_0", (4.0, "Lower!"), (9.5, "Chest up")), entry("0003_1", (2, "10"))]))
WORDS = [
    "NaN",
    "1e400",
    "-0",
    "true",
    '"',
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "null",
    "\\ud800",
    "0003_0",
    "\x00",
    "é",
    "1" * 5000,
]


@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_mutated_files_are_read_or_refused(tmp_path_factory, well_formed, rng: random.Random, edits):
    text = VALID
    for _ in range(edits):
        at, length = rng.randrange(len(text)), rng.randrange(6)
        text = text[:at] + rng.choice(WORDS) * rng.randrange(3) + text[at + length :]
    path = tmp_path_factory.mktemp("fuzz") / "preds.json"
    path.write_text(text, encoding="utf-8")
    try:
        predictions = load_predictions(path, well_formed)
    except ProblemsFound as found:
        assert found.problems
        return
    assert json.loads(text)["system"] == predictions.system
    times = [remark.time_s for part in predictions.entries for remark in part.feedbacks]
    assert all(abs(time) < float("inf") for time in times)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["segment", "feedbacks", "time", "text", "mini_episode_id", "GT", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_refused(tmp_path_factory, well_formed, value):
    path = tmp_path_factory.mktemp("fuzz") / "preds.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    try:
        load_predictions(path, well_formed)
    except ProblemsFound as found:
        assert all(str(problem) for problem in found.problems)
