"""The claim metrics: sums against a count by hand, order of systems of known worth, and null with a reason."""

import importlib.util
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from biobench import registry
from biobench.comparison import entrant, find_metric
from biobench.evaluation import evaluate
from biobench.matching import SegmentMatch
from biobench.metrics import PairMetric
from biobench.protocols import Biobench1, Qevd2024
from biobench.readers.predictions import load_predictions
from biobench.readers.qevd import load_benchmark, sample_folder
from biobench.records import Feedback, Predictions, Segment
from biobench.scoring import Run, score_metric
from judges.claims import compare, understand
from judges.claims.assignment import assign
from judges.claims.corpus import KINDS
from judges.claims.weights import weights

METRICS = {
    "bioclaim_f1", "bioclaim_f", "bioclaim_net", "bioclaim_harm", "count_f", "tempo_f", "kind_f", "contradiction_rate",
    "invented_number_rate", "side_accuracy", "angle_error_deg", "claims_reference", "claims_prediction", "claim_share",
}  # fmt: skip
HEADLINE = {
    "bioclaim_f", "bioclaim_f1", "contradiction_rate", "invented_number_rate", "side_accuracy", "angle_error_deg",
}  # fmt: skip
# Each remark states a joint, a side and a direction: (as it is, the direction flipped, the side flipped).
STATED = [
    ("Push your left knee out.", "Push your left knee in.", "Push your right knee out."),
    ("Bend your left elbow.", "Straighten your left elbow.", "Bend your right elbow."),
    ("Bend your right knee.", "Straighten your right knee.", "Bend your left knee."),
    ("Raise your right arm.", "Lower your right arm.", "Raise your left arm."),
    ("Lift your left heel.", "Lower your left heel.", "Lift your right heel."),
]
AS_IT_IS, DIRECTION, SIDE = zip(*STATED, strict=True)
TEXTS = [
    *AS_IT_IS, *DIRECTION, "Bend your left knee to 90 degrees.", "Your left knee is at 120 degrees, bend it to 90.",
    "Go deeper!", "Don't let your knees cave in.", "Great job!", "Three more.", "2 left!", "Slow down.", "Faster!",
    "Keep your chest up and your heels down.", "Elbows in, and 3 more.", "Relax.", "Watch your knee.", "",
]  # fmt: skip
texts = st.sampled_from(TEXTS)


def matched(pairs, references=(), predictions=(), exercise="squats", name="0001_0"):
    """A segment whose pairs are matched, and remarks without a partner."""
    wanted = [reference for reference, _ in pairs] + list(references)
    said = [prediction for _, prediction in pairs] + list(predictions)
    feedbacks = tuple(Feedback(float(k), text) for k, text in enumerate(wanted))
    segment = Segment(name, name[:4], exercise, 0.0, 60.0, feedbacks)
    indices = tuple((k, k) for k in range(len(pairs)))
    return SegmentMatch(segment, tuple(Feedback(float(k), t) for k, t in enumerate(said)), indices, indices, True)


def values(*matches):
    """Every claim metric of these segments, None where there is none."""
    found = {}
    for name in METRICS:
        metric = registry.metrics().plugins[name]()
        number = float(metric.score(metric.rows(matches).sum(axis=0)))
        found[name] = None if np.isnan(number) else number
    return found


def test_they_are_installed_and_six_are_headlines():
    found = registry.metrics()
    assert set(found.plugins) >= METRICS
    assert not [broken for broken in found.broken if broken.name in METRICS]
    assert {name for name in METRICS if found.plugins[name].headline} == HEADLINE
    lower = {"contradiction_rate", "invented_number_rate", "angle_error_deg"}
    assert {name for name in METRICS if not found.plugins[name].higher_is_better} == lower


# Systems of known worth -----------------------------------------------------------------------------------------------


def test_identical_texts_are_perfect():
    told = [*AS_IT_IS, "Bend your left knee to 90 degrees.", "Three more.", "Slow down.", "Great job!"]
    found = values(matched([(text, text) for text in told]))
    for name in (
        "bioclaim_f",
        "bioclaim_f1",
        "bioclaim_net",
        "bioclaim_harm",
        "count_f",
        "tempo_f",
        "kind_f",
        "side_accuracy",
    ):
        assert found[name] == pytest.approx(1), name
    for name in ("contradiction_rate", "invented_number_rate", "angle_error_deg"):
        assert found[name] == 0, name
    assert found["claims_reference"] == found["claims_prediction"] >= len(AS_IT_IS)


def test_contradiction_silence_vague_exact():
    order = [
        values(matched(list(zip(AS_IT_IS, DIRECTION, strict=True)))),
        values(matched([], references=AS_IT_IS)),
        values(matched([(text, "Watch your knee.") for text in AS_IT_IS])),
        values(matched([(text, text.replace("left ", "").replace("right ", "")) for text in AS_IT_IS])),
        values(matched([(text, text) for text in AS_IT_IS])),
    ]
    for metric in ("bioclaim_f", "bioclaim_net", "bioclaim_harm"):
        scores = [found[metric] for found in order]
        assert scores == sorted(scores), metric
        assert scores[-2] < scores[-1], metric
        assert scores[1] == 0, metric
    assert order[0]["bioclaim_net"] < order[1]["bioclaim_net"] < order[3]["bioclaim_net"]


@pytest.mark.parametrize("flipped", [DIRECTION, SIDE])
def test_flipping_every_direction_or_side_costs_everything(flipped):
    found = values(matched(list(zip(AS_IT_IS, flipped, strict=True))))
    assert found["bioclaim_f"] <= 0.05
    assert found["bioclaim_f1"] <= 0.05
    assert found["bioclaim_net"] <= -0.9
    assert found["contradiction_rate"] >= 0.9
    assert found["side_accuracy"] == (1 if flipped is DIRECTION else 0)


def test_praise_and_counts_alone_are_worth_nothing():
    found = values(matched([(text, said) for text in AS_IT_IS for said in ("Great job!", "Three more.", "2 left!")]))
    assert found["bioclaim_f"] == found["bioclaim_f1"] == found["bioclaim_net"] == found["claim_share"] == 0
    assert found["contradiction_rate"] is None


def test_reciting_every_claim_does_not_pay():
    recited = " ".join(
        [*AS_IT_IS, *DIRECTION, *SIDE, "Chest up. Chest down. Hips back. Heels down. Elbows in. Elbows out."]
    )
    honest, stuffed = (values(matched([(t, said) for t in AS_IT_IS])) for said in ("Bend your right knee.", recited))
    exact = values(matched([(t, t) for t in AS_IT_IS]))
    assert stuffed["bioclaim_f"] < 0.5 * exact["bioclaim_f"]
    assert honest["bioclaim_f"] > 0


# Sums -----------------------------------------------------------------------------------------------------------------


def by_hand(matches):
    """The same numbers, remark by remark from ``compare`` and ``understand``, without the tables of sums."""
    pairs = [
        compare(a, b, match.segment.exercise) for match in matches for a, b in match.text_pairs
    ]  # fmt: skip
    wanted = [understand(f.text, m.segment.exercise) for m in matches for f in m.segment.feedbacks]
    said = [understand(f.text, m.segment.exercise) for m in matches for f in m.predictions]

    def technique(remarks):
        return [claim for remark in remarks for claim in remark.claims if claim.family == "technique"]

    def f_score(precision_part, recall_part, predicted, referenced):
        if not referenced:
            return None
        precision = precision_part / predicted if predicted else 0
        recall = recall_part / referenced
        return 2 * precision * recall / (precision + recall) if precision + recall else 0

    def share(part, whole):
        return part / whole if whole else None

    def harm(claims):
        return sum(weights().harm[claim.harm] for claim in claims)

    def micro(items):
        hits = sum((Counter(items(p.reference)) & Counter(items(p.prediction))).total() for p in pairs)
        return share(2 * hits, sum(len(items(p.reference)) + len(items(p.prediction)) for p in pairs))

    referenced, predicted = len(technique(wanted)), len(technique(said))
    shared = sum(p.shared_prediction for p in pairs), sum(p.shared_reference for p in pairs)
    harmed = [0.0, 0.0]
    for pair in pairs:
        mine, theirs = technique([pair.reference]), technique([pair.prediction])
        harmed[0] += sum(harm([theirs[j]]) * alike.of_prediction for _, j, alike in pair.matched)
        harmed[1] += sum(harm([mine[i]]) * alike.of_reference for i, _, alike in pair.matched)
    kinds = []
    for kind in KINDS:
        whole = sum(remark.kind == kind for remark in wanted + said)
        if whole:
            kinds.append(2 * sum(p.reference.kind == p.prediction.kind == kind for p in pairs) / whole)
    against = sum(p.contradictions for p in pairs)
    f1s = [p.f1 for p in pairs if p.f1 is not None]
    errors = [error for p in pairs for error in p.angle_errors_deg]
    return {
        "bioclaim_f1": share(sum(f1s), len(f1s)),
        "bioclaim_f": f_score(*shared, predicted, referenced),
        "bioclaim_harm": f_score(*harmed, harm(technique(said)), harm(technique(wanted))),
        "bioclaim_net": (sum(shared) - 2 * against) / (predicted + referenced) if referenced else None,
        "contradiction_rate": share(against, sum(p.prediction_claims for p in pairs)),
        "invented_number_rate": share(sum(p.invented_numbers for p in pairs), sum(p.prediction_numbers for p in pairs)),
        "side_accuracy": share(sum(p.side_agrees for p in pairs), sum(p.sides_compared for p in pairs)),
        "angle_error_deg": share(sum(errors), len(errors)),
        "count_f": micro(
            lambda r: [
                (c.quantity.low, c.quantity.high, c.quantity.role)
                for c in r.claims
                if c.family == "count" and c.quantity is not None
            ]
        ),
        "tempo_f": micro(lambda r: [c.direction for c in r.claims if c.family == "tempo"]),
        "kind_f": share(sum(kinds), len(kinds)),
        "claims_reference": referenced,
        "claims_prediction": predicted,
        "claim_share": share(sum(bool(technique([remark])) for remark in said), len(said)),
    }


segments = st.builds(
    matched,
    st.lists(st.tuples(texts, texts), max_size=4),
    st.lists(texts, max_size=2),
    st.lists(texts, max_size=2),
    st.sampled_from(["squats", "push ups", "juggling", ""]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(segments, min_size=1, max_size=3))
def test_every_number_is_what_a_count_by_hand_gives(matches):
    expected = by_hand(matches)
    for name, value in values(*matches).items():
        assert value == (None if expected[name] is None else pytest.approx(expected[name], abs=1e-12)), name


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(texts, texts), min_size=1, max_size=5), st.lists(texts, max_size=2), st.lists(texts, max_size=2)
)
def test_reference_and_prediction_may_change_places(pairs, references, predictions):
    one = values(matched(pairs, references, predictions))
    other = values(matched([pair[::-1] for pair in pairs], predictions, references))
    assert one["claims_reference"] == other["claims_prediction"]
    symmetric = {"bioclaim_f1", "count_f", "tempo_f", "kind_f", "side_accuracy", "angle_error_deg"}
    if one["claims_reference"] and one["claims_prediction"]:
        symmetric |= {"bioclaim_f", "bioclaim_net", "bioclaim_harm"}
    for name in symmetric:
        assert one[name] == (None if other[name] is None else pytest.approx(other[name], abs=1e-9)), name


@settings(max_examples=60, deadline=None)
@given(texts, texts)
def test_precision_of_one_is_recall_of_the_other(a, b):
    one, other = compare(a, b, "squats"), compare(b, a, "squats")
    assert one.precision == (None if other.recall is None else pytest.approx(other.recall))


def test_what_is_said_at_the_wrong_time_costs_f_but_not_f1():
    pairs = [(text, text) for text in AS_IT_IS]
    plain = values(matched(pairs))
    chatty = values(matched(pairs, predictions=["Raise your left arm."]))
    missed = values(matched(pairs, references=["Raise your left arm."]))
    for found in (chatty, missed):
        assert found["bioclaim_f"] < plain["bioclaim_f"]
        assert found["bioclaim_f1"] == plain["bioclaim_f1"]
        assert found["kind_f"] < plain["kind_f"]
    assert chatty["bioclaim_f"] == pytest.approx(missed["bioclaim_f"])


def test_the_exercise_gives_words_their_joints():
    pair = [("Bend your elbows more.", "Go deeper!")]
    known, unknown = (values(matched(pair, exercise=name))["bioclaim_f"] for name in ("push ups", "juggling"))
    assert known > unknown


# In evaluate ----------------------------------------------------------------------------------------------------------


def scored(name, *matches, protocol=Biobench1):
    run = Run(protocol(), tuple(matches), {"data": "d"})
    return score_metric(name, registry.metrics().plugins[name], run, is_plugin=False)[0]


def test_where_nothing_can_be_counted_it_is_null_with_the_reason():
    silence = [matched([], references=AS_IT_IS)]
    assert scored("bioclaim_f", *silence).value == scored("bioclaim_net", *silence).value == 0
    nothing_claimed = [matched([("Great job!", "Push your left knee out.")])]
    for name in ("bioclaim_f", "bioclaim_net", "bioclaim_harm"):
        score = scored(name, *nothing_claimed)
        assert (score.value, score.reason) == (None, "the references claim nothing about technique"), name
    reasons = {}
    for name in METRICS - {
        "bioclaim_f",
        "bioclaim_net",
        "bioclaim_harm",
        "claims_reference",
        "claims_prediction",
        "kind_f",
    }:
        score = scored(name, *silence)
        assert score.value is None, name
        reasons[name] = score.reason
    assert all(reasons.values())
    assert reasons["claim_share"] == "the system said nothing"
    assert scored("kind_f", matched([("", "")])).reason == "there is no correction, count, praise or instruction"


def test_the_signature_names_the_tables():
    signature = scored("bioclaim_f", matched([(AS_IT_IS[0], AS_IT_IS[0])])).signature
    items = dict(item.split(":", 1) for item in signature.split("|"))
    assert items["lexicon"]
    assert items["weights"] == weights().version
    assert len(items["claims"]) == 12
    int(items["claims"], 16)


@pytest.fixture(scope="module")
def results():
    benchmark = load_benchmark(None)
    predictions = load_predictions(sample_folder() / "predictions" / "late_paraphraser.json", benchmark)
    return evaluate(predictions, benchmark)


@pytest.mark.parametrize("protocol", ["biobench-1", "qevd-2024"])
def test_evaluate_gives_them_under_every_protocol(results, protocol):
    found = {score.metric: score for score in results.scores if score.protocol == protocol}
    assert set(found) >= METRICS
    assert not [score.reason for score in found.values() if (score.reason or "").startswith("failed")]
    for name in METRICS:
        value = found[name].value
        if name not in {"claims_reference", "claims_prediction", "angle_error_deg"} and value is not None:
            assert -1 <= value <= 1, name
    talkers = [score for beside in results.baselines if beside.name == "constant talker" for score in beside.scores]
    assert {score.metric for score in talkers if score.protocol == protocol} >= METRICS


def test_stored_rows_give_the_numbers_and_the_direction(results):
    entrant(results, [(protocol, name) for name in METRICS for protocol in ("biobench-1", "qevd-2024")])
    for name in METRICS:
        metric = find_metric(name, "qevd-2024")
        assert metric.higher_is_better == registry.metrics().plugins[name].higher_is_better, name


def test_saved_text_pairs_have_the_numbers_of_pairs():
    pairs = (("Push your left knee out.", "Push your left knee out."), ("Bend your left elbow.", "Great job!"))
    predictions = Predictions("pairs", "fitcoach-pairs", "segment", (), "pairs", "0" * 64, pairs=pairs)
    results = evaluate(predictions, load_benchmark(None), ["qevd-2024"])
    found = {score.metric: score for score in results.scores}
    assert found["bioclaim_f1"].value == pytest.approx(0.5)
    assert found["side_accuracy"].value == pytest.approx(1)
    assert found["bioclaim_f"].value is None
    for name in METRICS:
        assert (found[name].reason is not None) or issubclass(registry.metrics().plugins[name], PairMetric), name


def test_pair_scores_are_those_of_single_pairs():
    metric = registry.metrics().plugins["bioclaim_f1"]()
    found = metric.pair_scores(["Bend your left knee.", "Great job!"], ["Bend your left knee.", "Great job!"])
    assert found[0] == 1
    assert np.isnan(found[1])


def test_the_published_protocols_add_their_epsilon_and_nothing_else():
    one = matched([(text, text) for text in AS_IT_IS])
    for name in METRICS:
        ours, published = scored(name, one).value, scored(name, one, protocol=Qevd2024).value
        assert published == (None if ours is None else pytest.approx(ours, abs=1e-9)), name


# The assignment -------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(st.integers(0, 6), st.integers(0, 6)).flatmap(
        lambda shape: st.lists(
            st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.30001, 0.5, 1.0, -0.2]), min_size=shape[1], max_size=shape[1]),
            min_size=shape[0],
            max_size=shape[0],
        )
    )
)
def test_the_assignment_is_worth_what_scipys_is(table):
    pairs = assign(table)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(table[i][j] > 0 for i, j in pairs)
    assert pairs == sorted(pairs)
    worth = np.maximum(np.array(table, dtype=float).reshape(len(table), len(table[0]) if table else 0), 0)
    assert sum(table[i][j] for i, j in pairs) == pytest.approx(worth[linear_sum_assignment(worth, maximize=True)].sum())


# The script behind the tables of docs/claims.md ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    path = Path(__file__).parents[2] / "scripts" / "claims_table.py"
    spec = importlib.util.spec_from_file_location("claims_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("text", "direction", "side"), STATED)
def test_the_script_flips_what_a_remark_states(table, text, direction, side):
    assert table.with_sides_flipped(text, "squats") == side
    flipped = table.with_directions_flipped(text, "squats")
    assert flipped != text
    assert compare(text, flipped, "squats").contradictions == compare(text, direction, "squats").contradictions == 1


def test_the_script_leaves_what_is_no_side_or_direction(table):
    assert table.with_sides_flipped("That's right, left knee out.", "squats") == "That's right, right knee out."
    assert table.with_sides_flipped("Three left!", "squats") == "Three left!"
    assert table.with_directions_flipped("Great job!", "squats") == "Great job!"


def test_other_weights_are_summed_as_the_metric_sums(table):
    """The sums of the script, under the packaged weights, are the metric's: it stops where they are not."""
    segments = [
        matched([(text, text)], name=f"{k:04d}_0").segment for k, text in enumerate(TEXTS) if text
    ]  # fmt: skip
    systems = [
        table.System("exact", {s.id: s.feedbacks for s in segments}),
        table.System("flipped", {s.id: [Feedback(f.time_s, DIRECTION[0]) for f in s.feedbacks] for s in segments}),
        table.System("recited", {s.id: [Feedback(f.time_s, " ".join(TEXTS)) for f in s.feedbacks] for s in segments}),
    ]
    table.DRAWS = 5
    lines = table.ranks(systems, segments)
    assert lines[2].startswith("| exact | 1.00 | 1 |")
