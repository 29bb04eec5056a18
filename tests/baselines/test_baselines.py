"""What each baseline says, on the sample, the golden layouts and folders of the test's own making."""

from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.drawing import generator, others_by_lot, same_exercise, stable_hash
from baselines.oracles import Oracle, OracleJitter
from baselines.shuffles import shuffled
from biobench import ProblemsFound, evaluate, load_benchmark, load_predictions
from biobench.models import Model, Option, exercise_segments, options_by_name, run_model, unusable_records
from biobench.predictions_file import write_predictions
from biobench.protocols import Biobench1
from biobench.records import Entry, Feedback, Predictions

DATA = Path(__file__).parent.parent / "data" / "qevd_layout"
TARGETS = {
    "silence": "baselines.blind:Silence",
    "metronome": "baselines.blind:Metronome",
    "constant-phrase": "baselines.blind:ConstantPhrase",
    "best-timetable": "baselines.blind:BestTimetable",
    "most-frequent-remark": "baselines.blind:MostFrequentRemark",
    "donor": "baselines.shuffles:Donor",
    "shuffled-times": "baselines.shuffles:ShuffledTimes",
    "shuffled-text": "baselines.shuffles:ShuffledText",
    "second-annotator": "baselines.oracles:SecondAnnotator",
    "oracle-jitter": "baselines.oracles:OracleJitter",
    "oracle": "baselines.oracles:Oracle",
}
EVERYWHERE = [name for name in TARGETS if name != "second-annotator"]
BLIND_TO_OTHERS = ["silence", "metronome", "constant-phrase", "oracle", "oracle-jitter"]


def model(name):
    module, _, attribute = TARGETS[name].partition(":")
    return getattr(import_module(module), attribute)()


def said(name, benchmark, given=None, seed=0):
    return run_model(model(name), benchmark, given or {}, seed)


def score(entries, benchmark, metric="t_f_score"):
    predictions = Predictions("test", "native", "segment", tuple(entries), "test", "0")
    return evaluate(predictions, benchmark, ["biobench-1"], baselines=False).score(metric, "biobench-1").value


def texts(entries):
    return [feedback.text for entry in entries for feedback in entry.feedbacks]


@pytest.fixture(scope="module")
def sample():
    return load_benchmark(None)


@pytest.fixture(scope="module", params=["sample", "well_formed", "repeated_text", "trailing_feedback"])
def data(request):
    return load_benchmark(None if request.param == "sample" else DATA / request.param)


def events(exercise, count, end, mark=""):
    return [
        (f"First up are {exercise}!", True),
        *((f"{exercise} {mark}{k}", False) for k in range(count)),
        (end, True),
    ]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_every_exercise_gets_one_entry_in_order_and_the_file_can_be_read(name, data, tmp_path):
    entries = said(name, data)
    assert [entry.key for entry in entries] == [key for session in data.sessions for key in session.segment_ids]
    write_predictions(tmp_path / "preds.json", name, entries)
    assert load_predictions(tmp_path / "preds.json", data).entries == entries


@pytest.mark.parametrize("name", EVERYWHERE)
def test_the_same_seed_says_the_same(name, sample):
    assert said(name, sample, seed=3) == said(name, sample, seed=3)


@pytest.mark.parametrize("name", ["oracle-jitter", "shuffled-text", "shuffled-times", "donor"])
def test_another_seed_says_something_else(name, sample):
    assert said(name, sample, seed=3) != said(name, sample, seed=4)


@pytest.mark.parametrize("name", BLIND_TO_OTHERS)
def test_another_video_changes_nothing(name, qevd):
    for video in ("0001", "0002"):
        qevd.add(video, events("squats", 4, "Moving on to lunges!"))
    before = said(name, load_benchmark(qevd.folder), seed=5)
    qevd.add("0003", events("squats", 9, "Moving on to lunges!"))
    assert said(name, load_benchmark(qevd.folder), seed=5)[: len(before)] == before


def test_a_new_video_moves_no_other_lot(sample):
    segments = exercise_segments(sample)
    fewer = [segment for segment in segments if segment.video != "0012"]
    assert len(fewer) < len(segments)
    for segment in fewer:
        lots = others_by_lot(segment, segments, 1)
        assert [other for other in lots if other.video != "0012"] == others_by_lot(segment, fewer, 1)
        assert segment.video not in {other.video for other in lots}
        same = [same_exercise(segment, other) for other in lots]
        assert same == sorted(same, reverse=True)


def test_the_oracle_is_perfect_and_silence_is_worth_nothing(data):
    assert score(said("oracle", data), data) == 1
    assert score(said("oracle", data), data, "t_precision") == 1
    assert score(said("oracle", data), data, "rouge_l_f") == 1
    assert score(said("silence", data), data) == 0
    assert not texts(said("silence", data))


@given(
    period_s=st.floats(0.5, 60),
    start_s=st.none() | st.floats(0, 60),
)
@settings(max_examples=30, deadline=None)
def test_metronome_times(well_formed, period_s, start_s):
    options = {"period_s": period_s, "text": "tick"} | ({} if start_s is None else {"start_s": start_s})
    first = period_s if start_s is None else start_s
    for segment, entry in zip(exercise_segments(well_formed), said("metronome", well_formed, options), strict=True):
        times = [feedback.time_s for feedback in entry.feedbacks]
        assert times == pytest.approx([first + k * period_s for k in range(len(times))])
        assert all(time <= segment.duration_s + 1e-9 for time in times)
        assert first + len(times) * period_s > segment.duration_s - 1e-9
        assert {feedback.text for feedback in entry.feedbacks} <= {"tick"}


def test_constant_phrase_stops_before_the_end(sample):
    entries = said("constant-phrase", sample, {"text": "Up!", "start_s": 1, "period_s": 2, "stop_s": 4})
    segments = exercise_segments(sample)
    assert {feedback.text for entry in entries for feedback in entry.feedbacks} == {"Up!"}
    assert all(
        entry.feedbacks[0].time_s == 1 and segment.duration_s - 6 < entry.feedbacks[-1].time_s <= segment.duration_s - 4
        for segment, entry in zip(segments, entries, strict=True)
    )


def test_no_metronome_beats_the_best_timetable(sample):
    best = score(said("best-timetable", sample), sample)
    assert score(said("most-frequent-remark", sample), sample) == best
    for period_s in (2, 2.75, 3, 4, 5, 7.5):
        assert score(said("metronome", sample, {"period_s": period_s}), sample) <= best
    counts = Counter(texts(said("oracle", sample)))
    (remark,) = set(texts(said("most-frequent-remark", sample)))
    assert counts[remark] == max(counts.values())


def test_where_nothing_is_ever_said_the_best_timetable_is_silence(qevd):
    qevd.add("0001", events("squats", 0, "Moving on to lunges!"))
    benchmark = load_benchmark(qevd.folder)
    for name in ("best-timetable", "most-frequent-remark", "donor", "shuffled-times", "shuffled-text"):
        assert said(name, benchmark) == (Entry("0001_0", ()),)


@pytest.mark.parametrize(("latency_s", "jitter_s"), [(0.5, 0.5), (-1.0, 0.25), (2.0, 0.0)])
def test_jitter_has_the_mean_and_the_deviation_that_were_asked_for(qevd, latency_s, jitter_s):
    for video in range(8):
        qevd.add(f"{video:04}", events("squats", 150, "Moving on to lunges!"))
    benchmark = load_benchmark(qevd.folder)
    moved = said("oracle-jitter", benchmark, {"latency_s": latency_s, "jitter_s": jitter_s})
    truth = {(entry.key, f.text): f.time_s for entry in said("oracle", benchmark) for f in entry.feedbacks}
    errors = np.array([f.time_s - truth[entry.key, f.text] for entry in moved for f in entry.feedbacks])
    assert len(errors) == len(truth) == 1200
    # Four standard errors of the mean, and of the deviation.
    assert errors.mean() == pytest.approx(latency_s, abs=4 * jitter_s / 1200**0.5 + 1e-9)
    assert errors.std() == pytest.approx(jitter_s, abs=4 * jitter_s / 2400**0.5 + 1e-9)
    for entry in moved:
        assert list(entry.feedbacks) == sorted(entry.feedbacks, key=lambda f: f.time_s)


def test_without_jitter_and_latency_the_oracle_stands(sample):
    still = {"latency_s": 0.0, "jitter_s": 0.0}
    assert said("oracle-jitter", sample, still) == said("oracle", sample)


def test_more_jitter_scores_less(sample):
    scores = [score(said("oracle-jitter", sample, {"latency_s": 0, "jitter_s": s}), sample) for s in (0, 1, 3)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[2]


def test_shuffled_text_keeps_the_times_and_the_texts_but_none_at_its_place(data):
    oracle, mixed = said("oracle", data), said("shuffled-text", data, seed=2)
    times = [[f.time_s for f in entry.feedbacks] for entry in oracle]
    assert [[f.time_s for f in entry.feedbacks] for entry in mixed] == times
    assert Counter(texts(mixed)) == Counter(texts(oracle))
    assert not [one for one, other in zip(texts(oracle), texts(mixed), strict=True) if one == other]
    assert score(mixed, data) == 1


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.integers(0, 9))
@settings(deadline=None)
def test_only_what_can_not_be_avoided_stays_at_home(homes, seed):
    order = shuffled(homes, generator(seed, "test"))
    assert Counter(order) == Counter(homes)
    most = max(Counter(homes).values(), default=0)
    assert sum(one == other for one, other in zip(order, homes, strict=True)) == max(0, 2 * most - len(homes))


def test_shuffled_times_keep_each_exercises_texts_in_order(data):
    segments = exercise_segments(data)
    for segment, entry in zip(segments, said("shuffled-times", data, seed=2), strict=True):
        assert [f.text for f in entry.feedbacks] == [f.text for f in segment.feedbacks]
        times = [f.time_s for f in entry.feedbacks]
        assert times == sorted(times)
        assert all(-1 < time < segment.duration_s + 1 for time in times)


def test_shuffled_times_come_from_the_same_exercise_stretched(qevd):
    qevd.add("0001", events("squats", 3, "Moving on to lunges!"))
    qevd.add("0002", events("squats", 6, "Moving on to lunges!"))
    qevd.add("0003", events("push ups", 8, "Moving on to lunges!"))
    benchmark = load_benchmark(qevd.folder)
    few, many, other = exercise_segments(benchmark)
    by_key = dict(said("shuffled-times", benchmark))
    stretch = few.duration_s / many.duration_s
    offered = [f.time_s * stretch for f in many.feedbacks]
    for remark in by_key["0001_0"]:
        assert min(abs(remark.time_s - time) for time in offered) < 1e-9
    # Three times of the other squats, and three more of the push ups.
    squats = [f.time_s / stretch for f in few.feedbacks]
    push_ups = [f.time_s * many.duration_s / other.duration_s for f in other.feedbacks]
    for remark in by_key["0002_0"]:
        assert min(abs(remark.time_s - time) for time in [*squats, *push_ups]) < 1e-9
    assert all(min(abs(f.time_s - time) for f in by_key["0002_0"]) < 1e-9 for time in squats)


def test_the_donor_replays_the_same_exercise_of_another_video(qevd):
    qevd.add("0001", events("squats", 3, "Moving on to lunges!", "a"))
    qevd.add("0002", events("squats", 6, "Moving on to lunges!", "b"))
    qevd.add("0003", events("push ups", 8, "Moving on to lunges!", "c"))
    benchmark = load_benchmark(qevd.folder)
    few, many, _ = exercise_segments(benchmark)
    by_key = dict(said("donor", benchmark))
    assert by_key["0002_0"] == few.feedbacks
    assert by_key["0001_0"] == tuple(f for f in many.feedbacks if f.time_s <= few.duration_s) != many.feedbacks
    assert by_key["0003_0"][0].text.startswith("squats")


def test_without_another_video_times_are_drawn_evenly_and_the_donor_is_silent(qevd):
    qevd.add("0001", events("squats", 3, "Moving on to lunges!"))
    benchmark = load_benchmark(qevd.folder)
    (segment,) = exercise_segments(benchmark)
    assert said("donor", benchmark) == (Entry("0001_0", ()),)
    ((_, remarks),) = said("shuffled-times", benchmark)
    assert len(remarks) == 3
    assert all(0 <= remark.time_s <= segment.duration_s for remark in remarks)


@pytest.mark.parametrize("register", ["", "_bio"])
def test_the_second_annotator_is_read_from_beside_the_annotations(qevd, register):
    qevd.add("0001", events("squats", 3, "Moving on to lunges!"))
    (qevd.folder / "feedbacks_long_range_bio.json").write_bytes(
        (qevd.folder / "feedbacks_long_range.json").read_bytes()
    )
    entries = [Entry("0001_0", (Feedback(1.5, f"Deeper{register}!"),))]
    write_predictions(qevd.folder / f"second_annotator{register}.json", "second annotator", entries)
    benchmark = load_benchmark(qevd.folder, annotations=f"feedbacks_long_range{register}.json")
    assert said("second-annotator", benchmark) == tuple(entries)


def test_data_without_a_second_annotator_are_named(qevd, sample):
    qevd.add("0001", events("squats", 3, "Moving on to lunges!"))
    with pytest.raises(ProblemsFound, match=r"without a second annotator.*second_annotator\.json"):
        said("second-annotator", load_benchmark(qevd.folder))
    assert any(entry.feedbacks for entry in said("second-annotator", sample))


def test_a_record_that_can_not_be_cut_is_silent_and_named(qevd):
    qevd.add("0001", events("squats", 3, "Moving on to lunges!"))
    qevd.add("0002", events("squats", 3, "Moving on to lunges!"), frames_missing=40)
    benchmark = load_benchmark(qevd.folder)
    assert [record.video for record in unusable_records(benchmark)] == ["0002"]
    entries = said("metronome", benchmark, {"period_s": 1})
    assert [(entry.key, bool(entry.feedbacks)) for entry in entries] == [("0001_0", True), ("0002_0", False)]


@pytest.fixture
def competition(qevd):
    qevd.add("0001", events("squats", 3, "Moving on to lunges!"))
    (record,) = qevd.records
    start = record["feedback_timestamps"][0]
    for key in ("feedbacks", "feedback_timestamps", "is_transition"):
        del record[key]
    record |= {
        "exercises": ["squats"], "exercise_start_timestamps": [start], "exercise_end_timestamps": [start + 4],
    }  # fmt: skip
    qevd.write()
    return load_benchmark(qevd.folder, "competition")


def test_blind_systems_answer_a_competition_split_and_the_others_say_why_not(competition):
    ((key, remarks),) = said("metronome", competition, {"period_s": 1.5})
    assert (key, [remark.time_s for remark in remarks]) == ("0001_0", [1.5, 3.0])
    for name in TARGETS:
        if model(name).needs_references:
            with pytest.raises(ProblemsFound, match="no reference remarks"):
                said(name, competition)


def test_exercises_are_those_of_biobench_1(data):
    assert exercise_segments(data) == Biobench1().segments(data).scored


@pytest.mark.parametrize("keys", [["0001_0"], ["0001_1", "0001_0"], ["0001_0", "0001_1", "0001_1"], []])
def test_a_model_that_leaves_out_repeats_or_reorders_exercises_is_stopped(qevd, keys):
    qevd.add("0001", [*events("squats", 1, "Moving on to lunges!"), ("Lower", False), ("Done", True)])

    class Careless(Model):
        name = "careless"
        summary = "forgets"

        def predict(self, benchmark, options, seed):
            return [Entry(key, ()) for key in keys]

    with pytest.raises(ProblemsFound, match="every exercise once, in order"):
        run_model(Careless(), load_benchmark(qevd.folder), {})


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"jiter_s": 1}, 'did you mean "jitter_s"'),
        ({"jitter_s": -1}, "at least 0"),
        ({"jitter_s": float("nan")}, "a finite number of s"),
        ({"jitter_s": "much"}, "a finite number of s"),
    ],
)
def test_options_are_checked_before_a_model_runs(sample, given, word):
    with pytest.raises(ProblemsFound, match=word):
        run_model(OracleJitter(), sample, given)


def test_a_model_gets_every_option_but_those_that_it_works_out(sample):
    class Curious(Oracle):
        options = options_by_name(Option("a", 1.0, ""), Option("b", "x", ""), Option("c", None, ""))

        def predict(self, benchmark, options, seed):
            assert (dict(options), seed) == ({"a": 2.0, "b": "x"}, 7)
            return super().predict(benchmark, options, seed)

    assert run_model(Curious(), sample, {"a": 2.0}, 7)


def test_the_hash_is_the_beginning_of_sha256():
    assert f"{stable_hash('0001_0'):016x}" == "08c067d0d9eede67"  # printf 0001_0 | sha256sum
