"""Whole evaluations against the numbers of the published evaluators, and what must hold of any evaluation."""

import json
from pathlib import Path

import pytest

from biobench import ProblemsFound, evaluate, load_benchmark, load_predictions, registry
from biobench.results import read_results

LAYOUTS = Path(__file__).with_name("data") / "qevd_layout"
BOTH = ("qevd-2024", "var-2026")
LOADERS = {"qevd-2024": "fitcoach", "var-2026": "var2026"}
SYSTEMS = ("metronome3", "jitter", "noisy", "partial", "silence")


@pytest.fixture
def read(tmp_path, well_formed):
    def read(value, benchmark=None, name="preds.json"):
        path = tmp_path / name
        path.write_text(json.dumps(value), encoding="utf-8")
        return load_predictions(path, benchmark or well_formed)

    return read


@pytest.fixture
def results_of(read, runs, well_formed):
    return lambda system: evaluate(read(runs[system]["predictions"]), well_formed, BOTH)


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize("system", SYSTEMS)
def test_pooled_scores_equal_the_published_evaluators(results_of, runs, system, protocol):
    want = runs[system][LOADERS[protocol]]
    results = results_of(system)
    segments = results.segments[protocol]
    assert sum(len(s["references"]) for s in segments) == want["total_num_gt_feedbacks"]
    assert sum(len(s["predictions"]) for s in segments) == want["total_num_pred_feedbacks"]
    assert sum(len(s["pairs"]) for s in segments) == want["total_matched_gt_feedbacks"] == want["n_pairs"]
    assert sum(len(s["precision_pairs"]) for s in segments) == want["total_matched_pred_feedbacks"]
    assert results.score("t_f_score", protocol).value == pytest.approx(want["t_f_score"], abs=1e-12)
    for metric in ("meteor", "rouge_l"):
        score = results.score(metric, protocol)
        if want["n_pairs"]:
            assert score.value == pytest.approx(want[metric], abs=1e-12)
            assert score.n == want["n_pairs"]
        else:  # the published evaluators print 0.0 for a mean over nothing
            assert score.value is None
            assert "no prediction was matched" in score.reason


def test_a_missing_segment_is_silence_but_for_var_2026(results_of):
    results = results_of("partial")
    assert results.score("t_f_score", "var-2026").value == pytest.approx(1.0)
    assert results.score("t_recall", "qevd-2024").value == pytest.approx(19 / 48)
    for protocol in BOTH:
        coverage = results.coverage[protocol]
        assert (coverage.segments, coverage.predicted, len(coverage.missing)) == (16, 6, 10)
        assert not coverage.complete
    texts = [notice.text for notice in results.notices if notice.code == "missing-segments"]
    assert texts == [
        "segments without an entry, silence under qevd-2024",
        "segments without an entry, not counted under var-2026",
    ]


def test_predictions_for_silent_segments_are_ignored_and_counted(read, runs, well_formed):
    entries = [*runs["jitter"]["predictions"]]
    entries.append({"mini_episode_id": "0010_1", "pred_feedbacks": ["Hi"], "pred_feedback_timestamps": [1650001018.0]})
    results = evaluate(read(entries), well_formed, BOTH)
    for protocol in BOTH:
        assert results.coverage[protocol].unscored == ("0010_1",)
        want = runs["jitter"][LOADERS[protocol]]["t_f_score"]
        assert results.score("t_f_score", protocol).value == pytest.approx(want, abs=1e-12)


def test_input_order_counts_under_the_published_protocols(read, runs, well_formed):
    entries = runs["jitter"]["predictions"]
    backwards = [
        {key: value[::-1] if isinstance(value, list) else value for key, value in entry.items()} for entry in entries
    ]
    forwards = evaluate(read(entries), well_formed, ["qevd-2024"]).score("t_f_score").value
    assert evaluate(read(backwards), well_formed, ["qevd-2024"]).score("t_f_score").value < forwards - 0.3
    ours = [evaluate(read(e), well_formed, ["biobench-1"]) for e in (entries, backwards)]
    assert [score.value for score in ours[0].scores] == [score.value for score in ours[1].scores]


def test_every_score_has_a_signature_and_an_interval(results_of, well_formed):
    for score in results_of("noisy").scores:
        assert score.signature.startswith(f"metric:{score.metric}|protocol:{score.protocol}|")
        assert f"data:{well_formed.source_sha256[:12]}" in score.signature
        if score.metric in registry.metrics().plugins:  # claims, which these remarks may lack
            assert (score.low is None) <= (score.reason is not None)
            continue
        assert score.low < score.value < score.high
        assert score.confidence == 0.95
        assert score.reason is None
        assert (score.clusters, score.cluster_unit) == (4, "video")


def test_clusters_are_subjects_where_all_are_known(qevd, read):
    events = [("First up are squats!", True), ("Lower!", False), ("The end.", True)]
    for video in ("0001", "0002", "0003"):
        qevd.add(video, events)
    (qevd.folder / "subjects.json").write_text('{"0001": "a", "0002": "b", "0003": "a"}')
    benchmark = load_benchmark(qevd.folder)
    predictions = read(
        {"schema": "biobench/predictions/1", "system": "s", "time": "segment", "predictions": []}, benchmark
    )
    score = evaluate(predictions, benchmark).score("t_recall", "qevd-2024")
    assert (score.value, score.clusters, score.cluster_unit) == (0.0, 2, "subject")
    assert (score.low, score.high) == (None, None)
    assert score.reason == "no interval: no spread: all 2 clusters score the same"


def test_one_exercise(read, runs, well_formed):
    predictions = read(runs["jitter"]["predictions"])
    results = evaluate(predictions, well_formed, ["qevd-2024"], exercise="Puddle-Jump")
    assert [segment["id"] for segment in results.segments["qevd-2024"]] == ["0003_0", "0010_0"]
    assert "exercise:Puddle-Jump" in results.scores[0].signature
    both = evaluate(predictions, well_formed, BOTH, exercise="deltoid stretch")
    assert [segment["exercise"] for name in BOTH for segment in both.segments[name]] == [
        "deltoid stretch right",
        "armcrosschest right",
    ]
    with pytest.raises(ProblemsFound, match="puddle jumps"):
        evaluate(predictions, well_formed, exercise="puddle jumping")


def test_one_exercise_of_whole_video_predictions(read, well_formed):
    remarks = [
        remark for session in well_formed.sessions if session.video == "0003" for remark in session.feedback_times_s
    ]
    whole = [{"video_file": "0003.mp4", "feedbacks": ["x"] * len(remarks), "feedback_timestamps": remarks}]
    (segment,) = [
        segment
        for segment in evaluate(read(whole), well_formed, ["qevd-2024"], exercise="standing kicks").segments[
            "qevd-2024"
        ]
        if segment["video"] == "0003"
    ]
    assert len(segment["predictions"]) == 3  # its own transition and two remarks, none of a later exercise


def test_saved_pairs_have_text_scores_only(read, well_formed):
    results = evaluate(
        read([{"GT": "Lower your hips!", "Pred": "Lower your hips!"}, {"GT": "10", "Pred": "Up"}]),
        well_formed,
        ["qevd-2024"],
    )
    assert results.score("rouge_l").value == pytest.approx(0.5)
    assert results.score("rouge_l").n == 2
    assert results.score("t_f_score").value is None
    assert "no times" in results.score("t_f_score").reason
    assert results.coverage["qevd-2024"].predicted is None
    assert "data:saved-pairs" in results.score("meteor").signature


def test_strict_stops_at_a_record_that_the_protocol_skips(read):
    benchmark = load_benchmark(LAYOUTS / "trailing_feedback")
    predictions = read(
        {"schema": "biobench/predictions/1", "system": "s", "time": "segment", "predictions": []}, benchmark
    )
    results = evaluate(predictions, benchmark, BOTH)
    assert len(results.coverage["qevd-2024"].skipped_records) == 1
    assert results.coverage["var-2026"].skipped_records == ()
    assert evaluate(predictions, benchmark, ["var-2026"], strict=True)
    with pytest.raises(ProblemsFound, match=r"\$\[1\].*0010"):
        evaluate(predictions, benchmark, ["qevd-2024"], strict=True)


@pytest.mark.parametrize("protocols", [["qevd2024"], [], ["var-2026", "biobench-9"]])
def test_unknown_protocols_are_named(read, runs, well_formed, protocols):
    with pytest.raises(ProblemsFound, match="qevd-2024, var-2026"):
        evaluate(read(runs["jitter"]["predictions"]), well_formed, protocols)


def test_predictions_of_another_benchmark_are_refused(read, runs, qevd):
    qevd.add("0009", [("First up are squats!", True), ("Lower!", False), ("The end.", True)])
    predictions = read(runs["jitter"]["predictions"])
    with pytest.raises(ProblemsFound, match="entries of another benchmark, the first 0003_0"):
        evaluate(predictions, load_benchmark(qevd.folder))


def test_one_protocol_may_be_given_as_a_string(read, runs, well_formed):
    assert evaluate(read(runs["silence"]["predictions"]), well_formed, "qevd-2024").coverage.keys() == {"qevd-2024"}


def test_a_second_annotator_stands_beside_the_system():
    sample = load_benchmark(None)
    path = Path(sample.source).parent / "predictions" / "eager.json"
    found = {b.name: b for b in evaluate(load_predictions(path, sample), sample, ["biobench-1"]).baselines}
    assert list(found) == ["silence", "best timetable", "constant talker", "second annotator"]
    human = {score.metric: score.value for score in found["second annotator"].scores}
    assert 0.2 < human["t_lift"] < 0.9
    assert human["meteor_f"] > 0.1


def test_engines_have_different_signatures(read, runs, well_formed):
    predictions = read(runs["jitter"]["predictions"])
    fast = evaluate(predictions, well_formed, ["qevd-2024"], engine="fast")
    reference = evaluate(predictions, well_formed, ["qevd-2024"], engine="reference")
    for metric in ("meteor", "rouge_l"):
        assert fast.score(metric).signature != reference.score(metric).signature
        if reference.score(metric).value is None:
            assert "failed" in reference.score(metric).reason
        else:
            assert reference.score(metric).value == fast.score(metric).value


def test_the_same_input_gives_the_same_bytes_and_reads_back(results_of, tmp_path):
    first, second = results_of("noisy"), results_of("noisy")
    assert first.to_json() == second.to_json()
    json.loads(first.to_json(), parse_constant=lambda word: pytest.fail(word))
    first.write(tmp_path / "results.json")
    again = read_results(tmp_path / "results.json")
    assert again.scores == first.scores
    assert again.coverage == first.coverage
    assert again.to_json() == first.to_json()
    for line in first.to_json().splitlines():
        assert line.count('"metric": ') <= 1


def test_no_path_of_the_machine_is_in_the_results(results_of, tmp_path):
    text = results_of("noisy").to_json()
    for path in (tmp_path, Path(__file__).parent, Path.home()):
        assert str(path) not in text


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (lambda r: r.pop("scores"), "scores"),
        (lambda r: r.update(schema="x"), "results file"),
        (lambda r: r["scores"][0].update(value="0.5"), "a number"),
        (lambda r: r["scores"][0].update(value=None, reason=None), "neither a value nor a reason"),
        (lambda r: r["scores"][0].update(low=None), "half an interval"),
        (lambda r: r["scores"][0].update(low=0.4, high=0.2), "interval"),
        (lambda r: r["scores"][0].update(signature="x"), "key:value"),
        (lambda r: r["scores"].append(r["scores"][0]), "twice"),
        (lambda r: r["coverage"].update(x=3), "an object"),
    ],
)
def test_damaged_results_are_refused_with_their_place(results_of, tmp_path, edit, word):
    record = json.loads(results_of("noisy").to_json())
    edit(record)
    path = tmp_path / "results.json"
    path.write_text(json.dumps(record))
    with pytest.raises(ProblemsFound, match=word) as found:
        read_results(path)
    assert all(problem.line == 1 for problem in found.value.problems)
