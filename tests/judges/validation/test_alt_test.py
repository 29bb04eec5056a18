"""The alternative annotator test: by hand, against the paper's procedure written out, and its error rate by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, norm, ttest_1samp

from biobench.statistics import Interval, NoInterval
from biobench.statistics.seeds import generator
from judges.validation.alt_test import LeftOut, alternative_annotator_test, benjamini_yekutieli
from judges.validation.equivalence import p_less


def published(judge, humans, scoring, epsilon, fewest):
    """The procedure of Calderon, Reichart and Dror (2025), item by item: winning rate, advantage, p-values."""

    def score(label, others):
        if scoring == "accuracy":
            return sum(label == other for other in others) / len(others)
        return -math.sqrt(sum((label - other) ** 2 for other in others) / len(others))

    p_values, advantages = [], []
    for rater, labels in humans.items():
        judge_wins, rater_wins = [], []
        for item, label in labels.items():
            others = [other[item] for name, other in humans.items() if name != rater and item in other]
            if others and item in judge:
                by_judge, by_rater = score(judge[item], others), score(label, others)
                judge_wins.append(by_judge >= by_rater - 1e-12)
                rater_wins.append(by_rater >= by_judge - 1e-12)
        if len(judge_wins) < fewest:
            continue
        difference = np.array(rater_wins, float) - np.array(judge_wins, float)
        if np.ptp(difference) == 0:
            p_values.append(float(difference[0] >= epsilon))
        else:
            p_values.append(ttest_1samp(difference - epsilon, 0, alternative="less").pvalue)
        advantages.append(np.mean(judge_wins))
    rejected = false_discovery_control(p_values, method="by") <= 0.05
    return rejected.mean(), np.mean(advantages), p_values


def drawn(rng, items, raters, judge_noise, rated=0.8):
    """A judge and raters of items of some true level on a scale of 1 to 5."""
    truth = rng.integers(1, 6, items)

    def labels(noise):
        return np.clip(np.round(truth + rng.normal(0, noise, items)), 1, 5).astype(int)

    judge = {k: int(label) for k, label in enumerate(labels(judge_noise)) if rng.random() < 0.95}
    humans = {
        f"r{r}": {k: int(label) for k, label in enumerate(labels(0.6)) if rng.random() < rated} for r in range(raters)
    }
    return judge, humans


@pytest.mark.parametrize("scoring", ["accuracy", "neg_rmse"])
@pytest.mark.parametrize("judge_noise", [0.4, 0.8, 1.3])
def test_without_clusters_it_is_the_published_procedure(scoring, judge_noise):
    rng = generator(f"alt test, {scoring}, {judge_noise}")
    for raters in (2, 3, 5):
        judge, humans = drawn(rng, 80, raters, judge_noise)
        found = alternative_annotator_test(judge, humans, scoring, epsilon=0.15)
        rate, advantage, p_values = published(judge, humans, scoring, 0.15, 30)
        assert found.winning_rate == rate
        assert found.advantage_probability == pytest.approx(advantage, abs=1e-12)
        assert [one.p_value for one in found.raters] == pytest.approx(p_values, rel=1e-9)
        assert found[0] == found.winning_rate
        assert found[1] == found.advantage_probability
        assert found.passes == (rate >= 0.5)


def test_good_judges_pass_and_bad_ones_do_not():
    rng = generator("alt test, good and bad")
    verdicts = {noise: alternative_annotator_test(*drawn(rng, 150, 4, noise)).passes for noise in (0.3, 2.5)}
    assert verdicts == {0.3: True, 2.5: False}


def test_by_hand():
    """Two raters; the judge is with a on items 0-2, with b on 3, with neither on 4."""
    a = dict(enumerate([1, 2, 3, 4, 5]))
    b = dict(enumerate([1, 2, 4, 5, 1]))
    judge = dict(enumerate([1, 2, 3, 5, 3]))
    found = alternative_annotator_test(judge, {"a": a, "b": b}, fewest_items=5)
    # Against a, the other is b: judge right on 0, 1, 3; a right on 0, 1. Judge >= a always; a >= judge but on item 3.
    first, second = found.raters
    assert (first.rater, first.items, first.judge_wins, first.human_wins) == ("a", 5, 1.0, 0.8)
    # Against b, the other is a: judge right on 0, 1, 2; b right on 0, 1.
    assert (second.rater, second.items, second.judge_wins, second.human_wins) == ("b", 5, 1.0, 0.8)
    # d = one -1 and four 0: mean -.2, standard error .2; t = (-.2 - .2) / .2 = -2 with 4 degrees of freedom.
    assert first.p_value == pytest.approx(0.0580582617, abs=1e-9)
    assert not first.rejected
    assert (found.winning_rate, found.advantage_probability, found.passes) == (0.0, 1.0, False)
    assert isinstance(found.interval, NoInterval)
    # At a distance: off by 0, 0, 1, 0, 2 from b, while a is off by 0, 0, 1, 1, 4.
    found = alternative_annotator_test(judge, {"a": a, "b": b}, "neg_rmse", fewest_items=5)
    assert (found.raters[0].judge_wins, found.raters[0].human_wins) == (1.0, 0.6)


def test_a_copy_of_a_rater_ties_with_that_rater():
    """No variance: mean 0 is under epsilon for certain."""
    rng = generator("alt test, copy")
    _, humans = drawn(rng, 60, 3, 0.5, rated=1.0)
    found = alternative_annotator_test(humans["r0"], humans)
    assert (found.raters[0].judge_wins, found.raters[0].human_wins, found.raters[0].p_value) == (1.0, 1.0, 0.0)
    assert found.raters[0].rejected
    # A judge that is always wrong where the raters agree: mean 1 is not under epsilon.
    wrong = alternative_annotator_test(
        dict.fromkeys(range(40), "no"), {r: dict.fromkeys(range(40), "yes") for r in "ab"}
    )
    assert [one.p_value for one in wrong.raters] == [1.0, 1.0]
    assert (wrong.winning_rate, wrong.advantage_probability) == (0.0, 0.0)


def test_every_item_a_cluster_is_no_cluster():
    rng = generator("alt test, own clusters")
    judge, humans = drawn(rng, 70, 3, 0.7)
    plain = alternative_annotator_test(judge, humans)
    own = alternative_annotator_test(judge, humans, clusters={k: f"v{k}" for k in range(70)})
    assert [one.p_value for one in own.raters] == pytest.approx([one.p_value for one in plain.raters], rel=1e-12)
    assert isinstance(plain.interval, Interval)
    assert isinstance(own.interval, Interval)
    assert (own.interval.low, own.interval.high) == pytest.approx((plain.interval.low, plain.interval.high))
    assert plain.interval.low < plain.advantage_probability < plain.interval.high


def test_items_in_clusters_count_for_less():
    """Every item four times over in one cluster: over clusters nothing is gained, over items half the standard error."""
    rng = generator("alt test, copies")
    judge, humans = drawn(rng, 40, 3, 0.7, rated=1.0)
    judge = dict.fromkeys(range(40), 3) | judge
    plain = alternative_annotator_test(judge, humans)
    copies = [(k, c) for k in range(40) for c in range(4)]
    four = ({x: judge[x[0]] for x in copies}, {r: {x: labels[x[0]] for x in copies} for r, labels in humans.items()})
    clustered = alternative_annotator_test(*four, clusters={x: x[0] for x in copies})
    assert [one.clusters for one in clustered.raters] == [40] * 3
    assert [one.p_value for one in clustered.raters] == pytest.approx([one.p_value for one in plain.raters], rel=1e-9)
    assert isinstance(clustered.interval, Interval)
    assert clustered.interval.clusters == 40
    assert (clustered.interval.low, clustered.interval.high) == pytest.approx((plain.interval.low, plain.interval.high))
    naive = alternative_annotator_test(*four)
    assert any(n.p_value < 0.8 * p.p_value for n, p in zip(naive.raters, plain.raters, strict=True))


def test_raters_with_too_little_are_left_out_and_named():
    rng = generator("alt test, left out")
    judge, humans = drawn(rng, 60, 3, 0.6, rated=1.0)
    humans["seldom"] = dict.fromkeys(range(29), 3)
    humans["gaps"] = {k: None if k >= 10 else math.nan for k in range(60)}
    found = alternative_annotator_test(judge, humans)
    assert [one.rater for one in found.raters] == ["r0", "r1", "r2"]
    few = sum(k in judge for k in range(29))
    assert found.left_out == (
        LeftOut("seldom", few, f"{few} items to compare on, fewer than 30"),
        LeftOut("gaps", 0, "0 items to compare on, fewer than 30"),
    )
    # They still count among the others; gaps do not.
    del humans["gaps"]
    assert alternative_annotator_test(judge, humans)[:3] == found[:3]
    del humans["seldom"]
    assert alternative_annotator_test(judge, humans).advantage_probability != found.advantage_probability


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"fewest_items": 61}, "no rater to test: r0: 60 items to compare on, fewer than 61; r1"),
        ({"humans": {"r0": {0: 1}}}, "no rater to test: r0: 0 items"),
        ({"humans": {}}, "there are none"),
        ({"scoring": "kappa"}, "accuracy or neg_rmse, got 'kappa'"),
        ({"epsilon": -0.1}, "0 <= epsilon < 1"),
        ({"q": 0.0}, "0 < q < 1"),
        ({"clusters": {0: "a"}}, "item 1 has no cluster"),
        ({"clusters": dict.fromkeys(range(60), "a")}, "all items are in one cluster"),
        ({"judge": dict.fromkeys(range(60), "good"), "scoring": "neg_rmse"}, "expected numbers as labels"),
    ],
)
def test_what_cannot_be_tested_says_why(change, text):
    labels = {k: k % 5 + 1 for k in range(60)}
    given = {"judge": labels, "humans": {"r0": labels, "r1": {k: (k + k // 20) % 5 + 1 for k in range(60)}}}
    with pytest.raises(ValueError, match=text):
        alternative_annotator_test(**(given | change))


@given(st.lists(st.sampled_from([0.0, 1e-4, 0.004, 0.01, 0.02, 0.03, 0.05, 0.2, 1.0]), min_size=1, max_size=9))
@settings(max_examples=100, deadline=None)
def test_the_correction_is_that_of_scipy(p_values):
    expected = false_discovery_control(p_values, method="by") <= 0.05 * (1 + 1e-12)
    assert benjamini_yekutieli(p_values, 0.05 * (1 + 1e-12)) == expected.tolist()


def test_one_p_value_is_not_corrected_and_none_are_none():
    assert benjamini_yekutieli([0.05]) == [True]
    assert benjamini_yekutieli([0.0501]) == [False]
    assert benjamini_yekutieli([]) == []
    # .04 alone would do with one rater; step-up: both of two at .03 do not pass 1/2 * .05/1.5, but do at rank 2.
    assert benjamini_yekutieli([0.03, 0.033]) == [True, True]
    assert benjamini_yekutieli([0.03, 0.034]) == [False, False]


def test_at_the_boundary_the_cluster_test_errs_5_times_in_100_and_the_item_test_far_more():
    """40 videos of 8 items whose differences correlate by about .25; the true mean is epsilon: every rejection is false."""
    rng = generator("alt test, boundary")
    count, epsilon, correlation = 2_000, 0.2, 0.3
    videos = np.repeat(np.arange(40), 8).tolist()
    wrong = np.zeros(2)
    for _ in range(count):
        latent = math.sqrt(correlation) * rng.normal(size=(40, 1)) + math.sqrt(1 - correlation) * rng.normal(
            size=(40, 8)
        )
        # The judge loses 45 % of the items, wins 25 %: the mean of d is .2.
        d = np.where(latent > norm.ppf(0.55), 1.0, np.where(latent < norm.ppf(0.25), -1.0, 0.0)).ravel()
        wrong += [p_less(d, videos, epsilon) <= 0.05, p_less(d, None, epsilon) <= 0.05]
    clustered, naive = wrong / count
    assert abs(clustered - 0.05) <= 3.3 * math.sqrt(0.05 * 0.95 / count)
    assert naive >= 0.12
