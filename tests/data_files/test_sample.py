"""The packaged sample: built again it has the same bytes, it is well-formed, and it looks like the published data."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from biobench.exercises import find_exercise
from biobench.protocols import Qevd2024, Var2026
from biobench.readers.predictions import load_predictions
from biobench.readers.qevd import load_benchmark, sample_folder

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "build_sample.py"
SAMPLE = sample_folder()
SPLIT = SAMPLE / "QEVD-FIT-COACH-Benchmark"
SYSTEMS = ("late_paraphraser", "metronome5", "eager")
PROTOCOLS = (Qevd2024(), Var2026())


@pytest.fixture(scope="module")
def benchmark_():
    return load_benchmark(None)


@pytest.fixture(scope="module")
def segments(benchmark_):
    """Every exercise, silent ones included."""
    return [segment for session in benchmark_.sessions for segment in Qevd2024().cut(session)]


@pytest.fixture(scope="module")
def records():
    """The annotations as another reader sees them: (record, spans of equal text as (first, end, text), seconds)."""
    result = []
    for record in json.loads((SPLIT / "feedbacks_long_range.json").read_text(encoding="utf-8")):
        frames = np.load(SPLIT / record["video_timestamps"], allow_pickle=False)
        spans, first = [], 0
        for text, run in itertools.groupby(record["feedbacks"]):
            end = first + len(list(run))
            spans += [(first, end, text)] if text else []
            first = end
        result.append((record, spans, frames))
    return result


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in {".json", ".npy"}
    }


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_rebuilding_gives_the_carried_bytes(tmp_path, hash_seed):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], check=True, env=environment)
    built, carried = files_of(tmp_path), files_of(SAMPLE)
    assert sorted(built) == sorted(carried)
    assert [name for name in built if built[name] != carried[name]] == []


def test_it_is_small():
    assert sum(map(len, files_of(SAMPLE).values())) < 700_000


def test_the_carried_sentences_are_the_written_ones(segments):
    source = tomllib.loads((SCRIPT.parent / "sample_remarks.toml").read_text(encoding="utf-8"))
    entries = [entry for group in source["remarks"].values() for entry in group]
    assert len({entry["text"] for entry in entries}) == len(entries)
    assert all(entry["reworded"].casefold() != entry["text"].casefold() for entry in entries)
    written = {
        entry["text"].replace("{side}", side).replace("{other}", other)
        for entry in entries
        for side, other in (("left", "right"), ("right", "left"))
    }
    assert {feedback.text for segment in segments for feedback in segment.feedbacks} <= written
    kinds = {"correction", "instruction", "praise", "tempo", "count"}
    assert {entry["kind"] for entry in entries} == kinds


def test_videos_subjects_and_exercises(benchmark_, segments):
    assert benchmark_.is_sample
    assert benchmark_.split == "test"
    assert benchmark_.notices == ()
    assert len(benchmark_.sessions) == 12
    assert len({session.subject for session in benchmark_.sessions}) == 7
    assert {session.exercise_count for session in benchmark_.sessions} == {2, 3}
    assert all(find_exercise(segment.exercise) is not None for segment in segments)
    assert any(segment.exercise.startswith("deltoid stretch ") for segment in segments)
    assert all(25.0 <= segment.duration_s <= 38.0 for segment in segments)
    assert [segment.id for segment in segments if not segment.feedbacks] == ["0009_1"]


def test_counts_agree_and_nothing_is_defective(records):
    for record, spans, frames in records:
        assert len(record["feedbacks"]) == len(frames)
        assert len(spans) == len(record["feedback_timestamps"]) == len(record["is_transition"])
        assert record["is_transition"][0]
        assert record["is_transition"][-1]
        assert record["feedbacks"][-1] == ""
        assert not any(a == b for (*_, a), (*_, b) in itertools.pairwise(spans))
        for (first, _, _), time_s in zip(spans, record["feedback_timestamps"], strict=True):
            assert 0.0 < time_s - (frames[first] / 1e9 + 28800) < 0.01


def test_both_published_protocols_build_every_segment(benchmark_, segments):
    for protocol in PROTOCOLS:
        parts = protocol.segments(benchmark_)
        assert parts.skipped == ()
        assert len(parts.scored) == len(segments) - 1
        assert [segment.id for segment in parts.unscored] == ["0009_1"]


def test_transitions_read_as_in_the_data(records):
    for record, spans, _ in records:
        shown = [text for (*_, text), is_one in zip(spans, record["is_transition"], strict=True) if is_one]
        assert shown[0].startswith("First up are ")
        assert all(text.startswith("Moving on to ") for text in shown[1:-1])
        assert shown[-1] == "That's the end of the session."


def test_frame_times_are_jittered_around_22_a_second(records):
    for _, _, frames in records:
        steps_s = np.diff(frames) / 1e9
        assert frames.dtype == np.dtype("<i8")
        assert (steps_s > 0).all()
        assert 1 / steps_s.mean() == pytest.approx(22.0, abs=0.3)
        assert 0.001 < steps_s.std() < 0.01


def test_remarks_look_like_the_published_ones(segments):
    texts = [feedback.text for segment in segments for feedback in segment.feedbacks]
    gaps_s = [
        after.time_s - before.time_s for segment in segments for before, after in itertools.pairwise(segment.feedbacks)
    ]
    assert len(set(texts)) / len(texts) >= 0.76
    assert statistics.mean(gaps_s) == pytest.approx(5.3, abs=0.3)
    assert 2.0 <= statistics.stdev(gaps_s) <= 4.0


def test_silence_at_both_ends_and_time_on_screen(records):
    for record, spans, frames in records:
        seconds = (frames / 1e9).tolist()
        shown_s = [seconds[end] - seconds[first] for first, end, _ in spans]
        assert all(1.0 <= shown <= 2.6 for shown in shown_s)
        labelled = list(zip(spans, record["is_transition"], strict=True))
        for (before, was_transition), (after, is_transition) in itertools.pairwise(labelled):
            if was_transition != is_transition:
                assert 2.0 <= seconds[after[0]] - seconds[before[1]] <= 10.0


@pytest.mark.parametrize("system", SYSTEMS)
def test_example_predictions_are_clean(benchmark_, segments, system):
    predictions = load_predictions(SAMPLE / "predictions" / f"{system}.json", benchmark_)
    assert predictions.notices == ()
    assert predictions.system == system
    answered = [entry[0] for entry in predictions.entries]
    silent_too = system != "metronome5"
    assert answered == [segment.id for segment in segments if segment.feedbacks or silent_too]


def test_example_predictions_show_the_formats(benchmark_):
    forms = {}
    for system in SYSTEMS:
        predictions = load_predictions(SAMPLE / "predictions" / f"{system}.json", benchmark_)
        forms[system] = predictions.format, predictions.time_origin
    assert forms == {
        "late_paraphraser": ("native", "segment"),
        "metronome5": ("var-2026", "unix"),
        "eager": ("native", "unix"),
    }


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_what_the_examples_score(benchmark_, protocol):
    """The metronome is worth what it is on the published data; the paraphraser is better; the eager one is no better."""
    scores = {system: t_scores(benchmark_, protocol, system) for system in SYSTEMS}
    assert 0.45 <= scores["metronome5"][2] <= 0.55
    assert scores["late_paraphraser"][2] > 0.8
    precision, recall, f_score = scores["eager"]
    assert precision < 0.4
    assert recall > 0.9
    assert f_score == pytest.approx(scores["metronome5"][2], abs=0.05)


def t_scores(benchmark, protocol, system):
    """Pooled precision, recall and F of the times."""
    predictions = load_predictions(SAMPLE / "predictions" / f"{system}.json", benchmark)
    parts = protocol.segments(benchmark)
    starts = {session.video: float(session.frame_times_s[0]) for session in benchmark.sessions}
    remarks = predictions.by_segment([*parts.scored, *parts.unscored], starts)
    matches = [protocol.match(segment, remarks[segment.id]) for segment in parts.scored]
    precision = sum(len(m.precision_pairs) for m in matches) / sum(len(m.predictions) for m in matches)
    recall = sum(len(m.pairs) for m in matches) / sum(len(m.segment.feedbacks) for m in matches)
    return precision, recall, 2 * precision * recall / (precision + recall)


def test_the_paraphraser_is_late_and_rewords(benchmark_, segments):
    predictions = load_predictions(SAMPLE / "predictions" / "late_paraphraser.json", benchmark_)
    said = dict(predictions.entries)
    reworded = [
        min(delays_s)
        for segment in segments
        for feedback in segment.feedbacks
        if (delays_s := [p.time_s - feedback.time_s for p in said[segment.id] if p.time_s > feedback.time_s])
    ]
    assert 0.3 < statistics.median(reworded) < 1.2
    references = {feedback.text for segment in segments for feedback in segment.feedbacks}
    assert not references & {feedback.text for remarks in said.values() for feedback in remarks}
