"""The two published ground truths, segment by segment, against the loaders that they come from."""

import json
from pathlib import Path

import pytest

from biobench import load_benchmark
from biobench.protocols import Qevd2024, Var2026

LAYOUTS = Path(__file__).with_name("data") / "qevd_layout"


def expected(layout, loader):
    return json.loads((LAYOUTS / f"{layout}.expected.json").read_text())[loader]


@pytest.mark.parametrize("layout", ["well_formed", "repeated_text"])
def test_qevd_2024_builds_the_segments_of_fitcoach(layout):
    built = Qevd2024().segments(load_benchmark(LAYOUTS / layout)).scored
    want = expected(layout, "fitcoach")["segments"]
    assert len(built) == len(want)
    for segment, other in zip(built, want, strict=True):
        assert (segment.video, segment.exercise) == (other["video"], other["exercise"])
        assert segment.start_s == other["start"]
        assert segment.duration_s == other["end"] - other["start"]
        assert [feedback.text for feedback in segment.feedbacks] == other["feedbacks"]
        assert [feedback.time_s + segment.start_s for feedback in segment.feedbacks] == other["timestamps"]


@pytest.mark.parametrize("layout", ["well_formed", "trailing_feedback"])
def test_var_2026_builds_the_segments_of_the_challenge(layout):
    built = Var2026().segments(load_benchmark(LAYOUTS / layout)).scored
    want = expected(layout, "var2026")["segments"]
    assert len(built) == len(want)
    for segment, other in zip(built, want, strict=True):
        assert (segment.id, segment.exercise) == (other["mini_episode_id"], other["exercise"])
        assert segment.start_s == other["first_frame"]
        assert segment.duration_s == other["last_frame"] - other["first_frame"]
        assert [feedback.text for feedback in segment.feedbacks] == other["feedbacks"]
        assert [feedback.time_s + segment.start_s for feedback in segment.feedbacks] == other["timestamps"]


def test_a_record_that_stops_fitcoach_is_skipped_and_named():
    assert "error" in expected("trailing_feedback", "fitcoach")
    parts = Qevd2024().segments(load_benchmark(LAYOUTS / "trailing_feedback"))
    assert [(skipped.record, skipped.video) for skipped in parts.skipped] == [(1, "0010")]
    assert "17 remarks in feedbacks, 18 feedback_timestamps" in parts.skipped[0].reason
    assert {segment.video for segment in parts.scored} == {"0003"}


def test_a_record_that_stops_var_2026_is_skipped_and_named():
    assert "error" in expected("repeated_text", "var2026")
    parts = Var2026().segments(load_benchmark(LAYOUTS / "repeated_text"))
    assert [(skipped.record, skipped.video) for skipped in parts.skipped] == [(0, "0003")]
    assert {segment.video for segment in parts.scored} == {"0010", "0017"}


@pytest.mark.parametrize("protocol", [Qevd2024(), Var2026()], ids=lambda protocol: protocol.name)
def test_silent_exercises_keep_their_number_and_are_not_scored(protocol):
    parts = protocol.segments(load_benchmark(LAYOUTS / "well_formed"))
    assert [segment.id for segment in parts.unscored] == ["0010_1"]
    assert [segment.id for segment in parts.scored if segment.video == "0010"] == ["0010_0", "0010_2"]


def test_remarks_before_the_first_transition_fall_into_exercise_0_under_var_2026_only(qevd):
    qevd.add("0001", [("Hello!", False), ("First up are squats!", True), ("Lower!", False), ("The end.", True)])
    benchmark = load_benchmark(qevd.folder)
    (var,), (fit,) = Var2026().segments(benchmark).scored, Qevd2024().segments(benchmark).scored
    assert [feedback.text for feedback in var.feedbacks] == ["Hello!", "Lower!"]
    assert var.feedbacks[0].time_s < 0
    assert [feedback.text for feedback in fit.feedbacks] == ["Lower!"]


def test_the_name_patch_is_qevd_2024s_alone(qevd):
    qevd.add("0001", [("First up are armcrosschest left!", True), ("armcrosschest!", False), ("End.", True)])
    benchmark = load_benchmark(qevd.folder)
    (fit,), (var,) = Qevd2024().segments(benchmark).scored, Var2026().segments(benchmark).scored
    assert (fit.exercise, fit.feedbacks[0].text) == ("deltoid stretch left", "deltoid stretch!")
    assert (var.exercise, var.feedbacks[0].text) == ("armcrosschest left", "armcrosschest!")


def test_a_remark_beyond_the_frame_times_makes_the_record_unusable(qevd):
    qevd.add("0001", [("First up are squats!", True), ("Lower!", False), ("End.", True)], frames_missing=10)
    for protocol in (Qevd2024(), Var2026()):
        (skipped,) = protocol.segments(load_benchmark(qevd.folder)).skipped
        assert "times for" in skipped.reason
