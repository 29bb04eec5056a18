"""The motion context as a remark: at the right times, word for word, from nothing later."""

from dataclasses import replace

import pytest

from baselines.echo import Echo
from biobench import ProblemsFound, load_benchmark
from biobench.models import PartlyFailed, exercise_segments, run_model
from biocoach_model.context import MotionContext
from biocoach_model.inputs import Inputs


def test_the_sentence_of_the_moment_at_the_references_times(seen_root):
    benchmark = seen_root.benchmark
    entries = run_model(Echo(), benchmark, {})
    inputs = Inputs.open(benchmark, poses=True)
    for segment, entry in zip(exercise_segments(benchmark), entries, strict=True):
        assert [f.time_s for f in entry.feedbacks] == [f.time_s for f in segment.feedbacks]
        motion = inputs.of(segment).motion
        for remark in entry.feedbacks:
            context = MotionContext.at(motion, segment.exercise, remark.time_s, start_s=0.0)
            assert remark.text == context.sentence()
    texts = [f.text for entry in entries for f in entry.feedbacks]
    assert len(set(texts)) > len(texts) / 2
    assert any("Violations: " in text for text in texts)


def test_on_a_timetable_nothing_of_the_references_is_needed(seen_root):
    benchmark = seen_root.benchmark
    entries = run_model(Echo(), benchmark, {"when": "timetable", "period_s": 7.0})
    for segment, entry in zip(exercise_segments(benchmark), entries, strict=True):
        assert [f.time_s for f in entry.feedbacks] == [7.0 * k for k in range(1, int(segment.duration_s / 7) + 1)]
    listed = without_remarks(benchmark)
    assert run_model(Echo(), listed, {"when": "timetable", "period_s": 7.0}) == entries
    with pytest.raises(ProblemsFound, match="no reference remarks.*when=timetable"):
        run_model(Echo(), listed, {})


def without_remarks(benchmark):
    """As a competition split is read."""
    sessions = tuple(
        replace(s, spans=(), feedback_times_s=(), is_transition=(), listed_exercises=s.exercises())
        for s in benchmark.sessions
    )
    return replace(benchmark, sessions=sessions)


def test_other_times_than_those_two_are_a_mistake(seen_root):
    with pytest.raises(ProblemsFound, match='--option when: found "later", expected one of reference, timetable'):
        run_model(Echo(), seen_root.benchmark, {"when": "later"})


@pytest.mark.parametrize("when", ["reference", "timetable"])
def test_nothing_later_changes_what_was_said(seen, when):
    before = run_model(Echo(), seen.benchmark, {"when": when})
    seen.change_poses(seen.since_start_s() + before[0].feedbacks[2].time_s)
    after = run_model(Echo(), seen.benchmark, {"when": when})
    assert before[0].feedbacks[:3] == after[0].feedbacks[:3]
    assert before[0] != after[0]
    assert before[1].feedbacks != after[1].feedbacks
    assert before[-1] == after[-1]


def test_where_nobody_is_seen_it_is_silent(seen):
    before = run_model(Echo(), seen.benchmark, {"when": "timetable", "period_s": 1.0})[0].feedbacks
    seen.hide(8.0, 14.0)
    start_s = seen.since_start_s()
    after = run_model(Echo(), seen.benchmark, {"when": "timetable", "period_s": 1.0})[0].feedbacks
    gone = {f.time_s for f in before} - {f.time_s for f in after}
    assert len(gone) >= 4
    assert all(8.9 < time_s + start_s <= 14.1 for time_s in gone)


def test_a_video_that_cannot_be_read_is_silent_and_named(seen):
    whole = run_model(Echo(), seen.benchmark, {})
    seen.spoil_poses("0002")
    with pytest.raises(PartlyFailed) as partly:
        run_model(Echo(), seen.benchmark, {})
    second = [s.id for s in exercise_segments(seen.benchmark) if s.video == "0002"]
    assert [failure.where for failure in partly.value.failures] == second
    assert all("HSMR-0002.npy" in failure.reason for failure in partly.value.failures)
    for entry, was in zip(partly.value.entries, whole, strict=True):
        assert entry.feedbacks == (() if entry.key in second else was.feedbacks)


def test_data_without_poses(qevd):
    qevd.add("0001", [("First up are squats!", True), ("Good", False), ("Moving on to lunges!", True)])
    with pytest.raises(ProblemsFound, match="data without poses"):
        run_model(Echo(), load_benchmark(qevd.folder), {})
