"""Cluster means and equivalence tests: closed forms, scipy's t tests, error rates by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from biobench.statistics.seeds import generator
from judges.validation.equivalence import ClusterMean, cluster_mean, equivalent, p_less

values = st.lists(st.integers(-30, 30).map(lambda k: k / 10), min_size=2, max_size=20)
clustered = st.lists(
    st.tuples(st.integers(-30, 30).map(lambda k: k / 10), st.sampled_from("abcd")), min_size=2, max_size=20
)


@given(values)
@settings(max_examples=60, deadline=None)
def test_single_values_are_the_t_interval(numbers):
    found = cluster_mean(numbers, None)
    assert found.value == pytest.approx(np.mean(numbers), abs=1e-12)
    if len(set(numbers)) == 1:
        assert found == ClusterMean(found.value, None, None, 0.0, len(numbers), len(numbers), found.reason)
        return
    error = np.std(numbers, ddof=1) / math.sqrt(len(numbers))
    assert found.standard_error == pytest.approx(error, rel=1e-9)
    reach = student.ppf(0.975, len(numbers) - 1) * error
    assert (found.low, found.high) == pytest.approx((found.value - reach, found.value + reach), rel=1e-9, abs=1e-9)


@given(values, st.sampled_from([-1.0, 0.0, 0.25]))
@settings(max_examples=60, deadline=None)
def test_the_one_sided_test_is_that_of_scipy(numbers, bound):
    found = p_less(numbers, None, bound)
    if len(set(numbers)) == 1:
        assert found == float(numbers[0] >= bound)
    else:
        expected = ttest_1samp(np.array(numbers) - bound, 0, alternative="less").pvalue
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-12)


@given(clustered)
@settings(max_examples=100, deadline=None)
def test_the_jackknife_deletes_whole_clusters(pairs):
    numbers, places = [v for v, _ in pairs], [c for _, c in pairs]
    found = cluster_mean(numbers, places)
    assert found.value == pytest.approx(np.mean(numbers), abs=1e-12)
    assert (found.clusters, found.n) == (len(set(places)), len(numbers))
    if found.clusters == 1:
        assert (found.low, found.high, found.standard_error) == (None, None, None)
        assert found.reason == "there is one cluster only"
        return
    without = np.array([np.mean([v for v, c in pairs if c != left]) for left in set(places)])
    groups = len(without)
    error = math.sqrt((groups - 1) / groups * ((without - without.mean()) ** 2).sum())
    assert found.standard_error == pytest.approx(error, abs=1e-9)
    assert (found.low is None) == (found.high is None) == (found.reason is not None)
    assert found.low is None or found.low < found.value < found.high


@given(clustered, st.sampled_from([0.3, 1.0, 2.5]))
@settings(max_examples=100, deadline=None)
def test_equivalent_means_that_the_interval_lies_within_the_margin(pairs, margin):
    numbers, places = [v for v, _ in pairs], [c for _, c in pairs]
    found = equivalent(numbers, places, margin)
    inner = cluster_mean(numbers, places, 0.90)
    assert (found.mean, found.low, found.high, found.reason) == (inner.value, inner.low, inner.high, inner.reason)
    if found.low is not None:
        assert found.equivalent == (-margin < found.low and found.high < margin)
        assert found.equivalent == (found.p_value <= 0.05)
    mirrored = equivalent([-v for v in numbers], places, margin)
    assert (mirrored.equivalent, mirrored.p_value) == (found.equivalent, pytest.approx(found.p_value, abs=1e-12))


def test_equivalence_of_single_values_is_two_t_tests():
    numbers = np.array([0.1, -0.2, 0.3, 0.05, 0.0, -0.1])
    found = equivalent(numbers, None, 0.25)
    above = ttest_1samp(numbers, -0.25, alternative="greater").pvalue
    below = ttest_1samp(numbers, 0.25, alternative="less").pvalue
    assert found.p_value == pytest.approx(max(above, below), rel=1e-9)
    assert found.equivalent
    assert not equivalent(numbers, None, 0.1).equivalent
    assert not equivalent(numbers + 0.4, None, 0.25).equivalent
    assert not equivalent(numbers - 0.4, None, 0.25).equivalent


def test_values_without_spread():
    """Padding that never moves a score is equivalent; one that always costs a point is not."""
    places = ["a", "a", "b", "c"]
    for value, verdict, p in ((0.0, True, 0.0), (0.1, True, 0.0), (1.0, False, 1.0), (-1.0, False, 1.0)):
        found = equivalent([value] * 4, places, 0.25)
        assert (found.equivalent, found.p_value, found.mean, found.low, found.high) == (verdict, p, value, None, None)
        assert found.reason == "no spread: all 3 clusters have the same mean"
    assert p_less([0.2] * 4, places, 0.2) == 1.0
    # Clusters that happen to agree show nothing about the spread of clusters.
    chance = equivalent([-1.0, 1.0, 0.0, 0.0], places, 0.25)
    assert (chance.equivalent, chance.p_value, chance.low) == (False, None, None)
    alone = equivalent([0.0, 0.0], ["a", "a"], 0.25)
    assert (alone.equivalent, alone.p_value, alone.reason) == (False, None, "there is one cluster only")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: cluster_mean([], []), "at least one value"),
        (lambda: cluster_mean([1.0, math.nan], None), "finite"),
        (lambda: cluster_mean([1.0, 2.0], ["a"]), "2 values and 1 names"),
        (lambda: cluster_mean([1.0, 2.0], None, 95), "between 0 and 1, got 95"),
        (lambda: equivalent([1.0, 2.0], None, 0.0), "margin over 0"),
        (lambda: equivalent([1.0, 2.0], None, 0.1, 0.5), "alpha between 0 and .5"),
        (lambda: p_less([math.inf], None, 0.0), "finite"),
    ],
)
def test_what_cannot_be_tested_says_why(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_at_the_margin_clusters_err_5_times_in_100_and_items_far_more():
    """20 videos of 3 to 9 items, intra-cluster correlation .3, the mean at the margin: every "equivalent" is false."""
    rng = generator("equivalence, margin")
    count, margin = 2_000, 0.5
    sizes = np.arange(20) % 7 + 3
    videos = np.repeat(np.arange(20), sizes).tolist()
    wrong = np.zeros(2)
    for _ in range(count):
        numbers = (
            margin + np.repeat(rng.normal(0, math.sqrt(0.3), 20), sizes) + rng.normal(0, math.sqrt(0.7), len(videos))
        )
        wrong += [equivalent(numbers, places, margin).equivalent for places in (videos, None)]
    by_cluster, by_item = wrong / count
    assert abs(by_cluster - 0.05) <= 3.3 * math.sqrt(0.05 * 0.95 / count)
    assert by_item >= 0.10
