"""Comparing results: what is refused, what is ranked, and that the test is the one over the whole table."""

import json
import random

import pytest

from biobench import ProblemsFound, evaluate, load_benchmark
from biobench.comparison import compare
from biobench.protocols import Biobench1
from biobench.records import Entry, Feedback, Predictions
from biobench.results import read_results
from biobench.statistics import NotTestable


@pytest.fixture(scope="module")
def sample():
    return load_benchmark(None)


@pytest.fixture(scope="module")
def system(sample):
    segments = Biobench1().segments(sample).scored

    def system(name, kept, seed=0, jitter=0.5, protocols=("biobench-1",), **options):
        rng = random.Random(seed)
        entries = tuple(
            Entry(
                s.id,
                tuple(Feedback(f.time_s + rng.gauss(0, jitter), f.text) for f in s.feedbacks if rng.random() < kept),
            )
            for s in segments
        )
        predictions = Predictions(name, "native", "segment", entries, name, "0" * 64)
        return evaluate(predictions, sample, protocols, baselines=False, **options)

    return system


def test_better_systems_stand_higher_and_identical_ones_share_a_tier(system):
    results = [system("good", 0.95), system("twin", 0.95), system("poor", 0.3)]
    standing = compare(results, "t_f_score", "biobench-1")
    places = {rank.name: (rank.tier, rank.best, rank.worst) for rank in standing.ranks}
    assert places == {"good": (1, 1, 2), "twin": (1, 1, 2), "poor": (2, 3, 3)}
    assert standing.test.comparison("good", "poor").p == pytest.approx(2 / 2**7)
    assert standing.test.comparison("good", "twin").better is None
    assert standing.smallest_difference > 0


@pytest.mark.parametrize(
    "metric",
    ["t_lift", "t_skill", "t_area", "meteor", "meteor_f", "meteor_lift", "rouge_l_skill", "soda_t", "duplicate_share"],
)
def test_every_metric_with_rows_is_compared(system, metric):
    standing = compare([system("a", 0.9), system("b", 0.5, seed=1)], metric, "biobench-1")
    assert {rank.name for rank in standing.ranks} | {name for name, _ in standing.left_out} == {"a", "b"}


def test_results_read_back_from_files_compare_alike(system, tmp_path):
    results = [system("a", 0.9), system("b", 0.5, seed=1)]
    for result in results:
        result.write(tmp_path / f"{result.system}.json")
    read = [read_results(tmp_path / f"{name}.json") for name in "ab"]
    assert compare(read, "t_f_score", "biobench-1") == compare(results, "t_f_score", "biobench-1")


def test_lower_is_better_where_it_is(system):
    standing = compare([system("late", 1.0, jitter=2.5), system("good", 1.0)], "false_alarms_per_min", "biobench-1")
    assert standing.ranks[0].best == 1


@pytest.mark.parametrize(
    ("second", "word"),
    [
        (lambda make: make("a", 0.5), "this system twice"),
        (lambda make: make("b", 0.5, exercise="squats"), "exercise: absent against squats"),
        (lambda make: make("b", 0.5, protocols=["qevd-2024"]), "scores under biobench-1"),
    ],
)
def test_unlike_results_are_refused(system, second, word):
    with pytest.raises(ProblemsFound, match=word):
        compare([system("a", 0.9), second(system)], "t_f_score", "biobench-1")


def test_unknown_and_pooled_metrics_are_refused(system):
    results = [system("a", 0.9), system("b", 0.5)]
    with pytest.raises(ProblemsFound, match='did you mean "meteor"'):
        compare(results, "metero", "biobench-1")
    with pytest.raises(ProblemsFound, match="sums by segment"):
        compare(results, "latency_median_s", "biobench-1")
    with pytest.raises(ProblemsFound, match="two or more"):
        compare(results[:1], "t_f_score", "biobench-1")


def test_incomplete_coverage_is_left_out_with_its_reason(system, tmp_path):
    results = [system("a", 0.9), system("b", 0.5), system("c", 0.7)]
    record = json.loads(results[2].to_json())
    record["coverage"]["biobench-1"]["missing"].append("0001_0")
    (tmp_path / "c.json").write_text(json.dumps(record))
    standing = compare([*results[:2], read_results(tmp_path / "c.json")], "t_f_score", "biobench-1")
    assert standing.left_out == (("c", "its coverage is incomplete"),)
    assert len(standing.ranks) == 2


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (lambda segments, scores: segments[0].pop("rows"), "no usable rows"),
        (lambda segments, scores: segments[3]["rows"].update(t_f_score=[1, 2]), "no usable rows"),
        (lambda segments, scores: segments[0]["rows"].update(t_f_score=["x", 1, 2, 3]), "no usable rows"),
        (lambda segments, scores: segments[0]["rows"].update(t_f_score=None), "no usable rows"),
        (lambda segments, scores: segments.pop(), "not what its segments sum to"),
        (lambda segments, scores: segments.append(segments[0]), "a segment twice"),
        (lambda segments, scores: segments[0].update(id="9999_0"), "other segments than a"),
        (lambda segments, scores: segments[0].update(subject=7), "no usable rows"),
        (lambda segments, scores: segments[0].update(subject="nobody"), "other people"),
        (lambda segments, scores: scores[2].update(value=0.999), "not what its segments sum to"),
        (lambda segments, scores: scores[2].update(value=None, reason="lost"), "not what its segments sum to"),
    ],
)
def test_damaged_results_are_refused(system, tmp_path, edit, word):
    results = [system("a", 0.9), system("b", 0.5)]
    record = json.loads(results[1].to_json())
    assert record["scores"][2]["metric"] == "t_f_score"
    edit(record["segments"]["biobench-1"], record["scores"])
    (tmp_path / "b.json").write_text(json.dumps(record))
    with pytest.raises(ProblemsFound, match=word):
        compare([results[0], read_results(tmp_path / "b.json")], "t_f_score", "biobench-1")


def test_too_few_people_are_not_testable(qevd):
    for video in ("0001", "0002"):
        qevd.add(video, [("First up are squats!", True), ("Lower!", False), ("Up!", False), ("The end.", True)])
    benchmark = load_benchmark(qevd.folder)
    truth = [Entry(s.id, s.feedbacks) for s in Biobench1().segments(benchmark).scored]
    results = [
        evaluate(
            Predictions(name, "native", "segment", tuple(entries), name, "0" * 64),
            benchmark,
            ["biobench-1"],
            baselines=False,
        )
        for name, entries in (("a", truth), ("b", [Entry(e.key, e.feedbacks[:1]) for e in truth]))
    ]
    standing = compare(results, "t_f_score", "biobench-1")
    assert isinstance(standing.test, NotTestable)
    assert {rank.tier for rank in standing.ranks} == {1}
