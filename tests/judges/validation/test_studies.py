"""The studies themselves: scorers of known character fail what they should, and each statistic is what it says."""

import math
from dataclasses import replace

import numpy as np
import pytest
from mutants import MUTANTS, evidence, luck

from judges.validation.alt_test import alternative_annotator_test
from judges.validation.card import card_word
from judges.validation.evidence import jackknifed, mean_number, number_of
from judges.validation.findings import STUDIES, Number, finding, not_shown, verdict_of
from judges.validation.material import DOSES
from judges.validation.perturbations import CATALOGUE
from judges.validation.plan import Gate
from judges.validation.rated import event_questions
from judges.validation.run import all_findings
from judges.validation.studies.attacks import attacks, binomial_bounds
from judges.validation.studies.people import agreement, replacement
from judges.validation.studies.power import Spread, _Layout, _passes, power_of_study, simulated_power, spread_of
from judges.validation.studies.ranking import better, ranking
from judges.validation.studies.reliability import reliability
from judges.validation.studies.sensitivity import sensitivity


@pytest.fixture(scope="module")
def verdicts(asked, plan, people):
    """The mutation matrix."""
    return {
        mutant: {found.study: found.verdict for found in all_findings(evidence(mutant, asked, plan, people))}
        for mutant in MUTANTS
    }


# The mutation matrix -------------------------------------------------------------------------------------------------

FAILS = {
    "oracle": set(),
    # It says another thing each time: S1 alone is surely failed; what it wavers about elsewhere is not shown.
    "noisy": {"S1"},
    # It repeats itself well, and that is all. What an attack adds to it, a harmless sentence adds too: that is S6.
    "length-only": {"S0", "S2", "S3", "S4", "S6", "S7"},
    # Without a scale nothing can be asked of attacks and bias, and sameness is no reliability.
    "constant": {"S0", "S2", "S3", "S4", "S7", "S9"},
    "always-5": {"S0", "S2", "S3", "S4", "S7", "S9"},
    "reference-only": {"S0", "S2", "S3", "S4", "S7", "S9"},
    "obeys-injection": {"S5"},
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_each_mutant_fails_what_it_should_and_nothing_else(verdicts, mutant):
    assert {study for study, verdict in verdicts[mutant].items() if verdict == "FAIL"} == FAILS[mutant]


def test_the_oracle_passes_everything(verdicts):
    assert set(verdicts["oracle"].values()) == {"PASS"}
    assert set(verdicts["oracle"]) == set(STUDIES) - {"S8"}


def test_nothing_but_the_oracle_gets_a_good_word(verdicts):
    words = {mutant: card_word(found) for mutant, found in verdicts.items()}
    assert words.pop("oracle") == "validated"
    assert all(word.startswith("failed") for word in words.values())


def test_without_people_the_oracle_is_verified_on_synthetic_data(asked, plan):
    found = {one.study: one.verdict for one in all_findings(evidence("oracle", asked, plan))}
    assert (found["S2"], found["S3"]) == ("NOT SHOWN", "NOT SHOWN")
    assert card_word(found) == "not validated; verified on synthetic data"


@pytest.mark.parametrize(
    ("spoilt", "study"),
    [
        ("copy", "S0"),
        ("empty", "S0"),
        ("same", "S4"),
        ("angle-5", "S4"),
        ("angle-30", "S4"),
        ("label", "S6"),
        ("style", "S6"),
    ],
)
def test_one_blind_spot_fails_one_study(asked, plan, spoilt, study):
    """The oracle, but for one thing that it gets wrong; only the study of that thing fails."""
    told = evidence("oracle", asked, plan)
    scores = dict(told.scores)
    if spoilt == "copy":
        scores |= {anchor.copy: 2.0 for anchor in asked.anchors}
        scores |= {anchor.empty: 1.0 for anchor in asked.anchors}
    elif spoilt == "empty":
        scores |= {anchor.empty: 3.0 for anchor in asked.anchors}
    elif spoilt in {"label", "style"}:
        scores |= {bias.changed: 3.0 for bias in asked.biases if bias.kind == spoilt and bias.right}
    else:
        names = {"same": [n for n, p in CATALOGUE.items() if p.kind == "wrong"]}.get(spoilt, [spoilt])
        wrong = {"same": 5.0, "angle-5": 3.0, "angle-30": 5.0}[spoilt]
        scores |= {trial.edited: wrong for trial in asked.trials if trial.perturbation in names}
    found = {one.study: one.verdict for one in all_findings(replace(told, scores=scores))}
    assert found[study] == "FAIL"


# Verdicts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "gate", "verdict"),
    [
        (0.8, 0.9, Gate(least=0.8), "PASS"),
        (0.79, 0.9, Gate(least=0.8), "NOT SHOWN"),
        (0.7, 0.79, Gate(least=0.8), "FAIL"),
        (0.0, 0.02, Gate(most=0.02), "PASS"),
        (0.01, 0.03, Gate(most=0.02), "NOT SHOWN"),
        (0.03, 0.05, Gate(most=0.02), "FAIL"),
        (-0.1, 0.1, Gate(-0.1, 0.1), "PASS"),
        (-0.11, 0.1, Gate(-0.1, 0.1), "NOT SHOWN"),
        (-0.3, 0.3, Gate(-0.1, 0.1), "NOT SHOWN"),
        (0.11, 0.2, Gate(-0.1, 0.1), "FAIL"),
        (-0.3, -0.2, Gate(-0.1, 0.1), "FAIL"),
        (None, None, Gate(least=0.8), "NOT SHOWN"),
    ],
)
def test_an_interval_decides_only_where_it_lies_wholly_on_one_side(low, high, gate, verdict):
    assert verdict_of(0.5, low, high, gate) == verdict


def test_a_study_is_as_good_as_its_worst_gated_number():
    good, bad = (Number("a", "a", v, v, v, gate=Gate(least=0.5)) for v in (0.9, 0.1))
    unknown = Number("b", "b", 0.5, 0.1, 0.9, gate=Gate(least=0.5))
    free = Number("c", "c", 0.0)
    assert finding("S4", [good, free]).verdict == "PASS"
    assert finding("S4", [good, unknown]).verdict == "NOT SHOWN"
    assert finding("S4", [good, unknown, bad]).verdict == "FAIL"
    assert finding("S4", [free]).verdict == "NOT SHOWN"
    assert not_shown("S2", "nobody").why == "nobody"
    assert "0.100 [0.100, 0.100], wanted at least 0.5" in finding("S4", [bad]).why


def test_a_power_that_is_too_low_is_no_failure_of_the_scorer():
    passed = dict.fromkeys(("S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7"), "PASS")
    assert card_word(passed | {"S8": "FAIL"}) == "validated"
    assert card_word(passed | {"S2": "NOT SHOWN"}) == "not validated; verified on synthetic data"
    assert card_word(passed | {"S1": "NOT SHOWN"}) == "not validated; not shown: S1"
    assert card_word({}) == "not validated; not shown: S0, S1, S4, S5, S6, S7"


# Intervals -----------------------------------------------------------------------------------------------------------


def test_the_jackknife_is_the_closed_form_for_a_mean():
    values = [luck("v", k) for k in range(30)]
    found = jackknifed("m", "m", lambda kept: float(np.mean([values[k] for k in kept])), [[k] for k in range(30)])
    from scipy.stats import t

    half = t.ppf(0.975, 29) * np.std(values, ddof=1) / math.sqrt(30)
    assert (found.low, found.high) == pytest.approx((np.mean(values) - half, np.mean(values) + half))
    same = mean_number("m", "m", values, [str(k) for k in range(30)])
    assert (same.low, same.high) == pytest.approx((found.low, found.high))


def test_the_cluster_is_what_counts():
    values = [luck("c", k // 5) for k in range(100)]
    clusters = [str(k // 5) for k in range(100)]
    found = mean_number("m", "m", values, clusters)
    free = mean_number("m", "m", values, [str(k) for k in range(100)])
    assert (found.n, found.clusters) == (100, 20)
    assert found.high - found.low > 2 * (free.high - free.low)
    rows = np.column_stack([values, np.ones(100)])
    ratio = number_of("r", "r", rows, clusters, lambda sums: sums[..., 0] / sums[..., 1])
    assert (ratio.low, ratio.high) == pytest.approx((found.low, found.high))


def test_no_spread_counts_only_over_enough_clusters():
    few = mean_number("m", "m", [1.0] * 19, [str(k) for k in range(19)], gate=Gate(least=0.5))
    many = mean_number("m", "m", [1.0] * 20, [str(k) for k in range(20)], gate=Gate(least=0.5))
    assert (few.verdict, few.low) == ("NOT SHOWN", None)
    assert (many.verdict, many.low, many.high) == ("PASS", 1.0, 1.0)
    assert mean_number("m", "m", [], []).value is None


def test_binomial_bounds_are_exact():
    """0 of 149 is the least that shows 2 %: the design's figure; both ends by the binomial sum itself."""
    assert binomial_bounds(0, 149)[1] < 0.02 < binomial_bounds(0, 148)[1]
    from scipy.stats import binom

    low, high = binomial_bounds(7, 60)
    assert binom.sf(6, 60, low) == pytest.approx(0.05)
    assert binom.cdf(7, 60, high) == pytest.approx(0.05)
    assert binomial_bounds(60, 60)[1] == 1.0


# S1, S4, S5, S7 ------------------------------------------------------------------------------------------------------


def test_reliability_by_hand(asked, plan):
    told = evidence("oracle", asked, plan)
    count = len(asked.repeated)
    steady = [[float(k % 5), float(k % 5)] for k in range(count)]
    turned = [[float(k), float(count - k)] for k in range(count)]
    flips = {}
    for name, rows in (("steady", steady), ("turned", turned)):
        found = reliability(replace(told, repeats={"m": np.array(rows)}))
        flips[name] = {number.name: number.value for number in found.numbers}
    assert flips["steady"] == {"s1_alpha": 1.0, "s1_flips": 0.0}
    assert flips["turned"]["s1_flips"] == 1.0
    assert flips["turned"]["s1_alpha"] < 0
    assert reliability(replace(told, repeats={})).verdict == "NOT SHOWN"


def test_variance_parts_add_up(asked, plan):
    """Items 1.0, conditions 0.5 and repeats 0.25 of standard deviation are found again."""
    told = evidence("oracle", asked, plan)
    items = [luck("i", k) for k in range(len(asked.repeated))]
    repeats = {
        name: np.array([[item + shift + 0.25 * luck(name, k, r) for r in range(20)] for k, item in enumerate(items)])
        for name, shift in (("a", -0.5), ("b", 0.5))
    }
    rows = dict(reliability(replace(told, repeats=repeats)).tables[0].rows)
    assert rows["items"] == pytest.approx(np.var(items, ddof=1), rel=0.1)
    assert rows["model and prompt"] == pytest.approx(0.5, abs=0.05)
    assert rows["repeats"] == pytest.approx(0.0625, abs=0.01)
    assert rows["items by model and prompt"] < 0.01


def test_a_preference_is_a_mean_over_perturbations_and_a_tie_is_no_preference(asked, plan):
    told = evidence("oracle", asked, plan)
    close = [t for t in asked.trials if CATALOGUE[t.perturbation].kind == "wrong" and t.closer]
    by_name = {}
    for trial in close:
        by_name.setdefault(trial.perturbation, []).append(told.scores[trial.paraphrase] > told.scores[trial.edited])
    (number,) = [n for n in sensitivity(told).numbers if n.name == "s4_preference"]
    assert number.value == pytest.approx(np.mean([np.mean(won) for won in by_name.values()]))
    assert number.n == len(close)
    tied = replace(told, scores=dict.fromkeys(told.scores, 3.0))
    assert next(n for n in sensitivity(tied).numbers if n.name == "s4_preference").value == 0.0


def test_word_counts_pass_the_appendix_and_fail_the_triples(asked, plan):
    """What copies against wrong edits can't tell: METEOR prefers every copy, and next to no paraphrase."""
    from judges.validation.evidence import ScorerCard
    from judges.validation.run import evidence_of
    from judges.validation.scorers import scorer_of

    scores = scorer_of("meteor").score(asked.questions)
    found = sensitivity(evidence_of(ScorerCard("meteor", "words", 0, 1, {}), asked, plan, scores, {}, {}))
    numbers = {number.name: number.value for number in found.numbers}
    assert numbers["s4_copy_preferred"] > 0.99
    assert numbers["s4_preference"] < 0.15
    assert found.verdict == "FAIL"


def test_a_judge_that_likes_length_is_no_judge_that_listens(asked, plan):
    """Attacks that pay no more than a harmless sentence does are not held against it as attacks."""
    told = evidence("oracle", asked, plan)
    rising = {attack.attacked: 3.0 for attack in asked.attacks} | {attack.harmless: 3.0 for attack in asked.attacks}
    found = attacks(replace(told, scores={**told.scores, **rising}))
    assert "FAIL" not in {number.verdict for number in found.numbers}
    assert {number.value for number in found.numbers} == {0.0}
    assert {row[2] for row in found.tables[0].rows} == {180}
    rising |= {attack.harmless: 1.0 for attack in asked.attacks}
    assert attacks(replace(told, scores={**told.scores, **rising})).verdict == "FAIL"
    small = {attack.attacked: 1.9 for attack in asked.attacks}
    assert attacks(replace(told, scores={**told.scores, **small})).verdict == "PASS"


def test_a_scale_that_is_noise_is_none(asked, plan):
    told = evidence("oracle", asked, plan)
    flat = {question: 3 + 0.2 * luck(tuple(question)) for question in told.scores}
    assert replace(told, scores=flat).scale is None
    lower = flat | {anchor.empty: 2.0 for anchor in asked.anchors}
    low, high = replace(told, scores=lower).scale
    assert low == pytest.approx(2.0)
    assert high == pytest.approx(3.0, abs=0.1)


def test_thresholds_are_set_anew_in_every_deleted_cluster(asked, plan):
    """How well the noise threshold is known belongs to the interval: with fixed ones it is much too narrow."""
    (number,) = [n for n in sensitivity(evidence("noisy", asked, plan)).numbers if n.name == "s4_detection"]
    assert number.high - number.low > 0.15


def test_better_is_the_paired_cluster_t():
    from scipy.stats import t

    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 6, 12).astype(float)
    sums = rng.normal(size=(3, 12)) * sizes
    found = better(sums, sizes)
    for i in range(3):
        for j in range(3):
            if i == j:
                assert found[i, j] == 0.5
                continue
            d = sums[i] - sums[j]
            mean = d.sum() / sizes.sum()
            loo = np.array([(d.sum() - d[g]) / (sizes.sum() - sizes[g]) for g in range(12)])
            error = math.sqrt(11 / 12 * ((loo - loo.mean()) ** 2).sum())
            assert found[i, j] == pytest.approx(t.cdf(mean / error, 11))
    same = better(np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 2.0]]), np.array([1.0, 1.0]))
    assert same.tolist() == [[0.5, 1.0, 0.5], [0.0, 0.5, 0.0], [0.5, 1.0, 0.5]]


def test_ranking_by_the_truth_is_perfect_and_by_its_contrary_is_nothing(asked, plan):
    told = evidence("oracle", asked, plan)
    numbers = {number.name: number for number in ranking(told).numbers}
    assert numbers["s7_soft_accuracy"].value == 1.0
    assert numbers["s7_smallest_dose"].value in DOSES[1:3]
    contrary = replace(told, scores={question: 6 - score for question, score in told.scores.items()})
    assert {number.name: number.value for number in ranking(contrary).numbers}["s7_soft_accuracy"] < 0.15


# S2, S3, S8 ----------------------------------------------------------------------------------------------------------


def test_replacement_is_the_published_test_over_videos(asked, plan, people):
    told = evidence("oracle", asked, plan, people)
    events, ratings, _ = people
    labels = {item: math.floor(score + 0.5) for item, score in told.people.scores.items()}
    video = {item: item[0].split("_")[0] for item in event_questions(events)}
    wanted = alternative_annotator_test(labels, ratings.scores, scoring="neg_rmse", epsilon=0.2, clusters=video)
    numbers = {number.name: number for number in replacement(told).numbers}
    assert numbers["s3_winning_rate"].value == wanted.winning_rate == 1.0
    assert numbers["s3_advantage"].value == wanted.advantage_probability


def test_the_person_is_the_cluster_where_people_are_known(asked, plan, people):
    events, ratings, truth = people
    known = replace(events, events=tuple(replace(e, subject=f"p{int(e.video[1:]) % 7}") for e in events.events))
    few = replace(events, events=tuple(replace(e, subject=f"p{int(e.video[1:]) % 5}") for e in events.events))
    by_video, by_person, by_few = (
        agreement(evidence("oracle", asked, plan, (told, ratings, truth))) for told in (events, known, few)
    )
    assert {number.clusters for number in by_video.numbers} == {50}
    assert {number.clusters for number in by_person.numbers} == {7}
    assert [n.value for n in by_person.numbers[:1]] == pytest.approx([n.value for n in by_video.numbers[:1]])
    assert (by_few.verdict, by_few.why) == (
        "NOT SHOWN", "two answers to an event are rated in 5 people, 6 are the fewest"
    )  # fmt: skip
    assert {row[2] for row in replacement(evidence("oracle", asked, plan, (known, ratings, truth))).tables[0].rows}
    assert replacement(evidence("oracle", asked, plan, (known, ratings, truth))).numbers[0].clusters == 7
    assert replacement(evidence("oracle", asked, plan, (few, ratings, truth))).verdict == "NOT SHOWN"


def test_that_two_systems_say_the_same_is_no_merit_of_a_metric(asked, plan, people):
    """Each answer given by twice as many systems: no more pairs, and no ties that everybody has right."""
    events, ratings, truth = people
    twice = replace(
        events,
        events=tuple(
            replace(
                e,
                answers=tuple(replace(a, systems=(*a.systems, *(f"{s}-again" for s in a.systems))) for a in e.answers),
            )
            for e in events.events
        ),
    )
    once, again = (agreement(evidence("noisy", asked, plan, (told, ratings, truth))) for told in (events, twice))
    assert [n.value for n in once.numbers] == [n.value for n in again.numbers]
    rows = {row[0]: row[1:3] for table in again.tables for row in table.rows if table.title.startswith("Mean rating")}
    assert rows["system-0"] == rows["system-0-again"]
    assert len(rows) == 8


@pytest.mark.parametrize("name", ["length", "constant", "prediction-only", "reference-only"])
def test_a_trivial_judge_is_not_better_than_itself(asked, plan, people, name):
    """Length has no ties, the others little else: without itself to beat it would pass wherever people see few ties."""
    told = evidence("oracle", asked, plan, people)
    said = replace(told.people, scores=told.people.baselines[name])
    found = agreement(replace(told, scorer=replace(told.scorer, name=name, floor=0.0, top=1.0), people=said))
    own = next(number for number in found.numbers if number.name == f"s2_over_{name.replace('-', '_')}")
    assert (own.value, own.verdict, found.verdict) == (0.0, "FAIL", "FAIL")


def test_a_rater_alone_replaces_nobody(asked, plan, people):
    """One who rated enough beside others who did not: nothing is shown."""
    events, ratings, truth = people
    items = list(truth)
    scores = {
        rater: {item: ratings.scores[rater][item] for item in items[::step]}
        for rater, step in zip(ratings.raters, (1, 25, 25, 25), strict=True)
    }
    found = replacement(evidence("oracle", asked, plan, (events, replace(ratings, scores=scores), truth)))
    assert found.verdict == "NOT SHOWN"


def test_raters_who_share_no_answer_have_no_agreement_and_no_crash(asked, plan, people):
    events, ratings, truth = people
    items = list(truth)
    halves = {"rater-0": items[0::2], "rater-1": items[1::2]}
    apart = replace(
        ratings, raters=tuple(halves), scores={r: {i: ratings.scores[r][i] for i in told} for r, told in halves.items()}
    )
    found = agreement(evidence("oracle", asked, plan, (events, apart, truth)))
    assert found.verdict == "NOT SHOWN"


def test_a_lenient_rater_who_saw_half_of_the_answers_changes_no_order(asked, plan, people):
    """Only those who rated every answer of an event count there: a truth that all see stays what it is."""
    events, ratings, truth = people
    strict = {item: round(1 + 4 * right) for item, right in truth.items()}
    lenient = {item: min(5, score + 2) for k, (item, score) in enumerate(strict.items()) if k % 2}
    told = replace(
        ratings, raters=("strict", "lenient"), scores={"strict": strict, "lenient": lenient},
        repeats={"strict": {}, "lenient": {}}, cannot_say=dict.fromkeys(("strict", "lenient"), 0),
        unrated=dict.fromkeys(("strict", "lenient"), 0),
    )  # fmt: skip
    found = agreement(evidence("oracle", asked, plan, (events, told, truth)))
    # Whole points tie some truths that the oracle tells apart; nothing else keeps it from 1.
    alone = replace(told, raters=("strict",), scores={"strict": strict})
    assert found.numbers[0].value == agreement(evidence("oracle", asked, plan, (events, alone, truth))).numbers[0].value


def test_what_was_shown_twice_is_compared(asked, plan, people):
    events, ratings, truth = people
    repeats = {"rater-0": dict(list(ratings.scores["rater-0"].items())[:8]), **{f"rater-{k}": {} for k in (1, 2, 3)}}
    found = agreement(evidence("oracle", asked, plan, (events, replace(ratings, repeats=repeats), truth)))
    rows = {row[0]: row[4:] for row in found.tables[-1].rows}
    assert rows["rater-0"] == (8, 1.0, 1.0)
    assert rows["rater-1"] == (0, None, None)


def test_events_that_nobody_rated_sharpen_a_mean(asked, plan, people):
    """PPI++: people rated a third of the events; the oracle knows the rest."""
    events, ratings, truth = people
    seen = {event.id for event in events.events[::3]}
    part = {r: {i: s for i, s in given.items() if i[0] in seen} for r, given in ratings.scores.items()}
    found = agreement(evidence("oracle", asked, plan, (events, replace(ratings, scores=part), truth)))
    (table,) = [t for t in found.tables if t.title.startswith("Mean rating by system")]
    for _, rated, people_mean, low, high, both, both_low, both_high in table.rows:
        assert 20 < rated < 60
        assert low < people_mean < high
        assert both_high - both_low < high - low
        assert both_low < both < both_high


def test_two_raters_are_too_few_to_stand_in_for(asked, plan, people):
    events, ratings, truth = people
    two = replace(ratings, raters=ratings.raters[:2], scores={r: ratings.scores[r] for r in ratings.raters[:2]})
    found = replacement(evidence("oracle", asked, plan, (events, two, truth)))
    assert (found.verdict, found.why) == ("NOT SHOWN", "2 raters, 3 are the fewest")


def test_the_simulated_study_is_the_studys_own_test():
    """Power is of the very test: on drawn labels the fast form decides as the alternative annotator test does."""
    rng = np.random.default_rng(11)
    decisions = []
    for _ in range(40):
        clusters = np.repeat(np.arange(12), 5)
        truth = rng.normal(3, 1, 60)
        noise = np.array([0.6, 0.6, 0.6, rng.uniform(0.4, 1.4)])
        labels = np.clip(np.floor(truth[:, None] + rng.normal(size=(60, 4)) * noise + 0.5), 1, 5)
        humans = {str(j): dict(enumerate(labels[:, j])) for j in range(3)}
        judge = dict(enumerate(labels[:, 3]))
        wanted = alternative_annotator_test(
            judge, humans, scoring="neg_rmse", epsilon=0.2, clusters=dict(enumerate(clusters.tolist()))
        )
        decisions.append(wanted.passes)
        assert _passes(labels, clusters) == wanted.passes
    assert 0 < sum(decisions) < 40


def test_more_events_and_steadier_raters_are_more_power(plan):
    few, many = (simulated_power(_Layout(events, events // 3, 3), 3, Spread(), 0) for events in (15, 150))
    assert few < many
    assert simulated_power(_Layout(15, 5, 3), 3, Spread(), 0) == few
    # The same events in fewer clusters are worth less, and a noisier judge's raters are too.
    assert simulated_power(_Layout(150, 6, 3), 3, Spread(video=0.9), 0) <= many
    assert simulated_power(_Layout(150, 1, 3), 3, Spread(), 0) == 0
    found = power_of_study(plan, None, None)
    assert found.verdict == "PASS"
    assert found.tables[0].rows[0][:2] == (50, 17)
    two = replace(plan, sizes=replace(plan.sizes, raters=2))
    assert power_of_study(two, None, None).verdict == "NOT SHOWN"


def test_the_raters_own_spread_is_taken_where_they_rated(asked, plan, people):
    told = spread_of(*people[:2])
    # Simulated with 0.7, rounded to whole points and cut at the ends of the scale.
    assert told.source == "the raters'"
    assert 0.5 < told.noise < 0.9
    assert power_of_study(plan, *people[:2]).numbers[0].label.endswith("50 clusters and 4 raters, the raters' spread")
    events, ratings, _ = people
    first = {rater: dict(list(given.items())[:10]) for rater, given in ratings.scores.items()}
    assert spread_of(events, replace(ratings, scores=first)).source == "assumed"
