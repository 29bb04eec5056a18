"""Protocol biobench-1: its ground truth, and what must hold of its scores whatever a system says."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench import evaluate, load_benchmark
from biobench.matching import count_matches, match_optimal
from biobench.protocols import Biobench1
from biobench.records import Entry, Feedback, Predictions

TIMES = st.lists(st.floats(0, 40) | st.integers(0, 80).map(lambda k: k / 2), max_size=7)


def brute_force(references, predictions, tolerance):
    """Every order-preserving matching; most pairs, then least distance, then the earlier pairs."""
    rows = sorted(range(len(references)), key=references.__getitem__)
    columns = sorted(range(len(predictions)), key=predictions.__getitem__)
    best = [(0, 0.0, [])]

    def extend(i, j, chosen):
        distance = sum(abs(references[rows[a]] - predictions[columns[b]]) for a, b in chosen)
        key = (-len(chosen), round(distance, 7), chosen)
        best[0] = min(best[0], key)
        for a in range(i, len(rows)):
            for b in range(j, len(columns)):
                if abs(references[rows[a]] - predictions[columns[b]]) <= tolerance:
                    extend(a + 1, b + 1, [*chosen, (a, b)])

    extend(0, 0, [])
    return [(rows[a], columns[b]) for a, b in best[0][2]]


@given(
    st.lists(st.integers(0, 16).map(lambda k: k / 2), max_size=5),
    st.lists(st.integers(0, 16).map(lambda k: k / 2), max_size=5),
)
def test_match_optimal_is_the_best_of_all_matchings(references, predictions):
    found = match_optimal(references, predictions)
    assert found == brute_force(references, predictions, 1.5)
    assert count_matches(sorted(references), sorted(predictions)) == len(found)


@given(TIMES, TIMES)
def test_match_optimal_is_one_to_one_in_order_and_near(references, predictions):
    pairs = match_optimal(references, predictions)
    assert all(abs(references[i] - predictions[j]) <= 1.5 for i, j in pairs)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    ordered = [(references[i], predictions[j]) for i, j in pairs]
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in zip(ordered, ordered[1:], strict=False))


@pytest.fixture(scope="module")
def sample():
    return load_benchmark(None)


def predictions(entries, system="s"):
    return Predictions(system, "native", "segment", tuple(entries), "test", "0" * 64)


def segments_of(benchmark):
    return Biobench1().segments(benchmark).scored


def truth(benchmark):
    return [Entry(segment.id, segment.feedbacks) for segment in segments_of(benchmark)]


def noisy(benchmark, seed=0, late=0.3, jitter=0.9, kept=0.7):
    rng = random.Random(seed)
    return [
        Entry(s.id, tuple(Feedback(f.time_s + rng.gauss(late, jitter), rng.choice([f.text, "Keep going!", "Nice."])) for f in s.feedbacks if rng.random() < kept))
        for s in segments_of(benchmark)
    ]  # fmt: skip


def scores(entries, benchmark, **options):
    results = evaluate(predictions(entries), benchmark, ["biobench-1"], baselines=False, **options)
    return {score.metric: score for score in results.scores}


def test_a_perfect_answer_scores_one_everywhere(sample):
    found = scores(truth(sample), sample)
    for metric in (
        "t_precision",
        "t_recall",
        "t_f_score",
        "t_lift",
        "t_skill",
        "t_area",
        "rouge_l",
        "rouge_l_f",
        "rouge_l_lift",
        "rouge_l_skill",
    ):
        assert found[metric].value == pytest.approx(1.0), metric
    for metric in ("t_f_score@0.5", "t_f_score@1", "t_f_score@2", "t_f_score@3", "t_f_score_shifted"):
        assert found[metric].value == pytest.approx(1.0), metric
    assert found["latency_median_s"].value == found["best_shift_s"].value == found["false_alarms_per_min"].value == 0


def test_silence_scores_nothing(sample):
    found = scores([Entry(segment.id, ()) for segment in segments_of(sample)], sample)
    for metric in (
        "t_recall",
        "t_f_score",
        "t_lift",
        "t_area",
        "meteor_f",
        "rouge_l_f",
        "soda_t",
        "false_alarms_per_min",
    ):
        assert found[metric].value == 0.0, metric
    assert found["t_skill"].value < 0
    for metric in ("t_precision", "meteor", "meteor_lift", "latency_median_s"):
        assert found[metric].value is None
        assert found[metric].reason


def test_a_missing_entry_is_silence(sample):
    entries = noisy(sample)
    silent = [entry if k % 3 else Entry(entry.key, ()) for k, entry in enumerate(entries)]
    absent = [entry for k, entry in enumerate(entries) if k % 3]
    first, second = scores(silent, sample), scores(absent, sample)
    assert {name: score.value for name, score in first.items()} == {name: score.value for name, score in second.items()}


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_predictions_does_not_matter(sample, seed):
    entries = noisy(sample, seed)
    rng = random.Random(seed)
    shuffled = [
        Entry(entry.key, tuple(rng.sample(entry.feedbacks, len(entry.feedbacks))))
        for entry in rng.sample(entries, len(entries))
    ]
    first, second = scores(entries, sample), scores(shuffled, sample)
    assert {name: score.value for name, score in first.items()} == {name: score.value for name, score in second.items()}


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_an_extra_unmatched_remark_never_raises_precision_or_any_f(sample, seed):
    entries = noisy(sample, seed)
    rng = random.Random(seed)
    place = rng.randrange(len(entries))
    segment = segments_of(sample)[place]
    extra = Feedback(segment.duration_s + 5.0, "Right knee 85°.")
    more = [Entry(e.key, (*e.feedbacks, extra)) if k == place else e for k, e in enumerate(entries)]
    before, after = scores(entries, sample), scores(more, sample)
    for metric in ("t_precision", "t_f_score", "t_area", "meteor_f", "rouge_l_f", "soda_t", "t_skill", "t_f_score@3"):
        assert after[metric].value < before[metric].value, metric


def test_filler_lowers_t_lift_though_it_raises_f(sample):
    entries = noisy(sample, kept=0.35, jitter=0.4)
    fillers = {
        s.id: [Feedback(0.5 + 3.0 * k, "Keep going!") for k in range(int(s.duration_s / 3))]
        for s in segments_of(sample)
    }
    more = [
        Entry(
            e.key,
            (*e.feedbacks, *(f for f in fillers[e.key] if all(abs(f.time_s - r.time_s) > 2 for r in e.feedbacks))),
        )
        for e in entries
    ]
    before, after = scores(entries, sample), scores(more, sample)
    assert after["t_f_score"].value > before["t_f_score"].value
    assert after["t_lift"].value < before["t_lift"].value


def test_summing_the_rows_of_parts_gives_the_whole(sample):
    results = evaluate(predictions(noisy(sample)), sample, ["biobench-1"], baselines=False)
    records = results.segments["biobench-1"]
    half = len(records) // 2
    for metric in ("t_f_score", "t_area", "meteor_f", "rouge_l_f"):
        parts = [
            np.sum([record["rows"][metric] for record in part], axis=0) for part in (records[:half], records[half:])
        ]
        whole = parts[0] + parts[1]
        value = results.score(metric).value
        if metric == "t_f_score":
            assert value == pytest.approx(2 * whole[0] / (whole[1] + whole[3]))
        else:
            assert value == pytest.approx(2 * whole[0] / (whole[1] + whole[2]))


def test_names_of_videos_and_people_change_nothing(sample):
    renamed = replace(
        sample,
        sessions=tuple(replace(s, video=f"x{s.video}", subject=f"y{s.subject}") for s in sample.sessions),
    )
    entries = noisy(sample)
    first = scores(entries, sample)
    second = scores([Entry(f"x{entry.key}", entry.feedbacks) for entry in entries], renamed)
    for name, score in first.items():
        assert (score.value, score.low, score.high) == (second[name].value, second[name].low, second[name].high), name


def test_duplicating_every_video_inside_its_person_changes_no_pooled_score(sample):
    doubled = replace(
        sample, sessions=tuple(part for s in sample.sessions for part in (s, replace(s, video=f"{s.video}b")))
    )
    entries = noisy(sample)
    twice = [*entries, *(Entry(entry.key.replace("_", "b_"), entry.feedbacks) for entry in entries)]
    first, second = scores(entries, sample), scores(twice, doubled)
    for metric in ("t_precision", "t_recall", "t_f_score", "t_skill", "t_area", "meteor", "meteor_f", "rouge_l_f"):
        assert first[metric].value == pytest.approx(second[metric].value), metric
        assert first[metric].low == pytest.approx(second[metric].low), metric


def test_ground_truth_keeps_what_the_published_ones_drop(qevd):
    qevd.add(
        "0001",
        [("First up are armcrosschest left!", True), ("Lower!", False), ("Lower!", False), ("Moving on to squats!", True),
         ("Moving on to plank taps!", True), ("Up!", False), ("The end.", True)],
    )  # fmt: skip
    segments = segments_of(load_benchmark(qevd.folder))
    assert [segment.exercise for segment in segments] == ["deltoid stretch left", "squats", "plank taps"]
    assert [len(segment.feedbacks) for segment in segments] == [2, 0, 1]


def test_a_last_remark_to_the_last_frame_is_kept(qevd):
    qevd.add("0001", [("First up are squats!", True), ("Lower!", False), ("The end.", True)])
    record = qevd.records[0]
    record["feedbacks"] = record["feedbacks"][:-20]
    qevd.write()
    (segment,) = segments_of(load_benchmark(qevd.folder))
    assert len(segment.feedbacks) == 1


def test_remarks_outside_the_exercise_are_false_alarms(qevd):
    qevd.add("0001", [("First up are squats!", True), ("Lower!", False), ("The end.", True)])
    benchmark = load_benchmark(qevd.folder)
    (segment,) = segments_of(benchmark)
    time = segment.feedbacks[0].time_s
    inside = [Entry(segment.id, (Feedback(time, "x"),))]
    assert scores(inside, benchmark)["t_f_score"].value == 1.0
    outside = [
        Entry(
            segment.id,
            (Feedback(-0.1, "x"), Feedback(time, "x"), Feedback(segment.duration_s + 0.1, "y"), Feedback(1, " ")),
        )
    ]
    assert scores(outside, benchmark)["t_precision"].value == pytest.approx(1 / 3)


def test_t_area_is_the_exact_mean_over_tolerances(sample):
    entries = noisy(sample, jitter=0.7)
    segments = segments_of(sample)
    said = {entry.key: sorted(r.time_s for r in entry.feedbacks) for entry in entries}
    wanted = sum(len(s.feedbacks) for s in segments) + sum(map(len, said.values()))
    grid = (np.arange(3000) + 0.5) / 3000 * 1.5
    f_scores = []
    for tolerance in grid:
        matched = sum(
            count_matches([f.time_s for f in s.feedbacks], [t for t in said[s.id] if 0 <= t <= s.duration_s], tolerance)
            for s in segments
        )
        f_scores.append(2 * matched / wanted)
    assert scores(entries, sample)["t_area"].value == pytest.approx(np.mean(f_scores), abs=1e-3)


def test_average_precision_ranks_by_confidence(sample):
    segments = segments_of(sample)
    good = [
        Entry(s.id, (*(f._replace(confidence=0.9) for f in s.feedbacks), Feedback(s.duration_s + 9, "x", 0.1)))
        for s in segments
    ]
    bad = [
        Entry(s.id, (*(f._replace(confidence=0.1) for f in s.feedbacks), Feedback(s.duration_s + 9, "x", 0.9)))
        for s in segments
    ]
    references = sum(len(s.feedbacks) for s in segments)
    assert scores(good, sample)["average_precision"].value == pytest.approx(1.0)
    assert scores(bad, sample)["average_precision"].value == pytest.approx(references / (references + len(segments)))
    assert scores(truth(sample), sample)["average_precision"].value is None


def test_signed_latency_and_best_shift(sample):
    def late(seconds):
        moved = [Entry(e.key, tuple(f._replace(time_s=f.time_s + seconds) for f in e.feedbacks)) for e in truth(sample)]
        return scores(moved, sample)

    assert late(0.8)["latency_median_s"].value == pytest.approx(0.8)
    assert late(0.8)["best_shift_s"].value == 0.0
    assert late(1.9)["best_shift_s"].value == pytest.approx(-0.4)
    assert late(1.9)["t_f_score_shifted"].value > late(1.9)["t_f_score"].value


def test_results_of_biobench_1_are_strict_json(sample):
    text = evaluate(predictions([Entry(segment.id, ()) for segment in segments_of(sample)]), sample).to_json()
    record = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    names = [baseline["name"] for baseline in record["baselines"]]
    assert names == 2 * ["silence", "best timetable", "constant talker", "second annotator"]
