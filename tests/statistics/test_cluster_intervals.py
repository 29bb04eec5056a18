"""Intervals of one score: closed forms, what must not change them, and every state without one."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.metrics.temporal import TFScore, TPrecision
from biobench.statistics import (
    ClusterSums,
    Interval,
    NoInterval,
    cluster_sums,
    contributions,
    effective_clusters,
    interval,
    interval_from_values,
    jackknife_standard_error,
    leave_one_out,
    subject_correlation_table,
)
from biobench.statistics.student import t_quantile
from biobench.statistics.wild import WildTest


def ratio(sums):
    """num / den, NaN where there is nothing; the rows are (num, den)."""
    return np.divide(sums[..., 0], sums[..., 1], out=np.full(sums.shape[:-1], np.nan), where=sums[..., 1] > 0)


def counts(clusters=7, segments=40, seed=0):
    """Rows (matched, references, predictions matched, predictions) of segments, and each one's cluster."""
    rng = np.random.default_rng(seed)
    references = rng.integers(1, 9, segments)
    matched = rng.binomial(references, 0.6)
    predictions = matched + rng.integers(0, 4, segments)
    rows = np.stack([matched, references, matched, predictions], axis=1).astype(float)
    return rows, [f"person {k % clusters}" for k in range(segments)]


def f_weights(table):
    return table.sums[:, 1] + table.sums[:, 3]


def test_the_mean_of_equal_clusters_has_the_textbook_interval():
    values = np.array([0.3, 0.5, 0.45, 0.7, 0.2, 0.55, 0.61, 0.38])
    table = ClusterSums(tuple("abcdefgh"), np.stack([values * 10, np.full(8, 10.0)], axis=1), np.full(8, 3))
    found = interval(ratio, table)
    half = 2.3646242515927849 * values.std(ddof=1) / math.sqrt(8)  # t(.975, 7)
    assert found.method == "jackknife-t"
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-13)
    assert found.standard_error == pytest.approx(values.std(ddof=1) / math.sqrt(8), abs=1e-15)
    assert (found.clusters, found.largest_share) == (8, 0.125)
    assert found.effective_clusters == pytest.approx(8)


def test_confidence_widens_by_the_quantiles():
    rows, people = counts(clusters=10, segments=80)
    table = cluster_sums(rows, people)
    ninety, ninety_nine = (interval(TFScore().score, table, confidence=c) for c in (0.9, 0.99))
    widths = (ninety.high - ninety.low) / (ninety_nine.high - ninety_nine.low)
    assert widths == pytest.approx(1.8331129326536335 / 3.2498355415921254)


@pytest.mark.parametrize("clusters", [5, 7, 12])
def test_order_of_rows_and_clusters_changes_nothing(clusters):
    rows, people = counts(clusters)
    table = cluster_sums(rows, people)
    order = np.random.default_rng(1).permutation(len(rows))
    shuffled = cluster_sums(rows[order], [people[k] for k in order])
    assert set(shuffled.names) == set(table.names)
    a, b = (interval(TFScore().score, t, f_weights(t)) for t in (table, shuffled))
    assert dataclasses.astuple(a)[3] == dataclasses.astuple(b)[3]
    assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=1e-6)


@pytest.mark.parametrize("clusters", [5, 7, 12])
@pytest.mark.parametrize("times", [2, 9])
def test_saying_everything_again_makes_nothing_surer(clusters, times):
    rows, people = counts(clusters)
    once, again = cluster_sums(rows, people), cluster_sums(np.repeat(rows, times, axis=0), np.repeat(people, times))
    for weights in (f_weights, lambda table: None):
        a, b = (interval(TFScore().score, table, weights(table)) for table in (once, again))
        assert (a.low, a.high, a.method) == pytest.approx((b.low, b.high, b.method), abs=1e-6)


@pytest.mark.parametrize("clusters", [5, 12])
def test_a_score_of_another_scale_has_the_interval_of_that_scale(clusters):
    rows, people = counts(clusters)
    table = cluster_sums(rows, people)
    plain = interval(TFScore().score, table, f_weights(table))
    scaled = interval(lambda sums: 100 * TFScore().score(sums) - 20, table, f_weights(table))
    moved = (100 * plain.low - 20, 100 * plain.high - 20)
    assert (scaled.low, scaled.high) == pytest.approx(moved, abs=1e-4)


def test_bounds_of_a_score_in_0_to_1_are_not_clipped():
    table = ClusterSums(tuple("abcdefg"), np.array([[0, 5]] * 5 + [[1, 5], [5, 5]], float), np.ones(7, int))
    assert interval(ratio, table).low < 0


# The rule of methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "method"),
    [
        ([10] * 7, "jackknife-t"),
        ([10] * 6, "jackknife-t"),
        ([10] * 5, "wild-webb"),
        ([25, 15, 15, 15, 15, 15], "wild-webb"),  # 1/sum(w^2) = 5.7
        ([24, 13, 13, 13, 13, 12, 12], "jackknife-t"),  # the largest has 24 %, 1/sum(w^2) = 6.5
        ([26, 13, 13, 12, 12, 12, 12], "wild-webb"),  # the largest has 26 %
        ([26] + [4] * 18 + [2], "wild-webb"),
        ([10] * 4, "jackknife-t"),  # too few for the test, equal enough for t
    ],
)
def test_which_method(sizes, method):
    rng = np.random.default_rng(0)
    sizes = np.array(sizes, float)
    table = ClusterSums(
        tuple(f"p{k}" for k in range(len(sizes))),
        np.stack([sizes * rng.uniform(0.4, 0.6, len(sizes)), sizes], axis=1),
        np.ones(len(sizes), int),
    )
    found = interval(ratio, table, sizes)
    assert found.method == method
    shares = sizes / sizes.sum()
    assert found.largest_share == pytest.approx(shares.max())
    assert found.effective_clusters == pytest.approx(1 / (shares**2).sum())


def test_weights_default_to_the_number_of_segments():
    rows = np.array([[1.0, 2]] * 7 + [[2, 2]] * 7 + [[0, 2]] * 6)
    people = list("aaaaaaabcdefghijklmn")
    table = cluster_sums(rows, people)
    assert interval(ratio, table).largest_share == pytest.approx(7 / 20)
    assert interval(ratio, table) == interval(ratio, table, table.segments)


def test_the_fallback_keeps_exactly_the_values_that_its_test_does_not_reject():
    rng = np.random.default_rng(5)
    sizes = np.array([40.0, 25, 15, 8, 6, 4, 2])
    sums = np.stack([sizes * rng.uniform(0.3, 0.8, 7), sizes], axis=1)
    table = ClusterSums(tuple("abcdefg"), sums, np.ones(7, int))
    found = interval(ratio, table, sizes)
    value, shares = sums[:, 0].sum() / 100, sizes / 100
    test = WildTest((sums[:, 0] - value * sizes) / 100, shares)
    width = found.high - found.low
    for bound, outwards in ((found.low, -1), (found.high, 1)):
        assert test.p(value - (bound - outwards * 1e-5 * width)) > 0.05
        assert test.p(value - (bound + outwards * 1e-5 * width)) <= 0.05


def test_drawn_weights_have_a_named_seed_and_every_number_is_one():
    rng = np.random.default_rng(2)
    sizes = np.array([60.0] + [10] * 11)
    table = ClusterSums(
        tuple(f"p{k}" for k in range(12)), np.stack([sizes * rng.uniform(0.3, 0.8, 12), sizes], 1), np.ones(12, int)
    )
    by_default, zero, one = (interval(ratio, table, sizes, **kw) for kw in ({}, {"seed": 0}, {"seed": 1}))
    assert by_default == zero
    assert zero != one
    assert (zero.low, zero.high) == pytest.approx((one.low, one.high), abs=0.05 * (one.high - one.low))


# Values without rows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("clusters", [3, 5, 7, 20])
def test_values_give_the_same_interval_as_sums(clusters):
    rows, people = counts(clusters)
    table = cluster_sums(rows[:, [0, 1]], people)
    weights = table.sums[:, 1]
    from_values = interval_from_values(float(ratio(table.sums.sum(0))), leave_one_out(ratio, table.sums), weights)
    from_sums = interval(ratio, table, weights)
    assert from_values.method == from_sums.method
    assert (from_values.low, from_values.high) == pytest.approx((from_sums.low, from_sums.high), abs=1e-6)


# No interval --------------------------------------------------------------------------------------------


def table_of(pairs):
    return ClusterSums(
        tuple(f"p{k}" for k in range(len(pairs))), np.array(pairs, float).reshape(-1, 2), np.ones(len(pairs), int)
    )


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ([(1, 2)], "one cluster"),
        ([(1, 2), (0, 0), (0, 0)], "without p0 there is no score"),
        ([(0, 0), (0, 0)], "no score"),
        ([(1, 2), (2, 4), (3, 6), (4, 8)], "all 4 clusters score the same"),
        ([(0, 2), (0, 2), (0, 3), (0, 4), (0, 4), (0, 4), (0, 4)], "all 7 clusters score the same"),
        ([(90, 99), (2, 8)], "2 clusters, the largest with 93% of what is counted, can't bound the score"),
        ([(20, 40), (8, 20), (12, 20), (9, 20)], "4 clusters, the largest with 40%"),
    ],
)
def test_no_interval_has_a_reason(pairs, reason):
    found = interval(ratio, table_of(pairs), [max(den, 1e-9) for _, den in pairs])
    assert isinstance(found, NoInterval)
    assert reason in found.reason


def test_values_without_interval_have_a_reason():
    for value, without, reason in [
        (math.nan, [0.1, 0.2], "no score"),
        (0.5, [0.1, math.nan], "without one of the clusters"),
        (0.5, [math.nan], "one cluster"),
        (0.5, [0.5, 0.5, 0.5], "score the same"),
    ]:
        found = interval_from_values(value, without, [1] * len(without))
        assert isinstance(found, NoInterval)
        assert reason in found.reason


def test_who_holds_nothing_that_is_scored_counts_for_nothing():
    pairs = [(3, 5), (1, 5), (4, 5), (2, 5), (2, 5), (4, 5), (3, 5)]
    spoken = interval(ratio, table_of(pairs), [5.0] * 7)
    with_silent = interval(ratio, table_of([*pairs, (0, 0), (0, 0)]), [5.0] * 7 + [0, 0])
    assert with_silent == spoken
    # but a cluster that moves a searched score counts, whatever its weight
    moved = interval_from_values(0.5, [0.4, 0.5, 0.6, 0.55, 0.45, 0.5, 0.5, 0.52], [1] * 7 + [0])
    assert moved.clusters == 8


def test_a_silent_system_has_neither_precision_nor_interval():
    rows, people = counts()
    rows[:, [0, 2, 3]] = 0
    table = cluster_sums(rows, people)
    assert isinstance(interval(TPrecision().score, table), NoInterval)


@pytest.mark.parametrize("weights", [[1, 1, 1], [1, -1, 1, 1], [0, 0, 0, 0], [1, math.inf, 1, 1], [1, math.nan, 1, 1]])
def test_weights_must_be_weights(weights):
    with pytest.raises(ValueError, match="weight"):
        interval(ratio, table_of([(1, 2), (1, 3), (2, 4), (1, 5)]), weights)


@pytest.mark.parametrize(
    "broken",
    [
        {"low": 0.6},
        {"low": math.nan},
        {"high": math.inf},
        {"confidence": 1.0},
        {"clusters": 1},
        {"standard_error": 0.0},
    ],
)
def test_an_impossible_interval_cannot_exist(broken):
    sound = Interval(0.4, 0.5, 0.95, "jackknife-t", 0.02, 7, 6.5, 0.2)
    with pytest.raises(ValueError, match="interval"):
        dataclasses.replace(sound, **broken)
    with pytest.raises(ValueError, match="reason"):
        NoInterval("")


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_confidence_is_a_probability(confidence):
    with pytest.raises(ValueError, match="confidence"):
        interval(ratio, table_of([(1, 2), (1, 3), (2, 4)]), confidence=confidence)


# Parts --------------------------------------------------------------------------------------------------


def test_cluster_sums_keep_the_order_of_appearance_and_refuse_what_does_not_fit():
    table = cluster_sums(np.array([[1.0, 2], [3, 4], [5, 6]]), ["b", "a", "b"])
    assert (table.names, table.sums.tolist(), table.segments.tolist()) == (("b", "a"), [[6, 8], [3, 4]], [2, 1])
    with pytest.raises(ValueError, match="read-only"):
        table.sums[0, 0] = 9
    with pytest.raises(ValueError, match="3 rows and 1 names"):
        cluster_sums(np.ones((3, 2)), ["a"])
    with pytest.raises(ValueError, match="twice"):
        ClusterSums(("a", "a"), np.ones((2, 1)), np.ones(2, int))
    with pytest.raises(ValueError, match="finite"):
        ClusterSums(("a",), np.array([[math.nan]]), np.ones(1, int))


@given(st.integers(0, 10_000), st.integers(3, 30))
def test_contributions_add_up_to_the_score_and_are_parts_of_a_ratio(seed, clusters):
    rng = np.random.default_rng(seed)
    denominators = rng.uniform(1, 50, clusters)
    sums = np.stack([denominators * rng.uniform(0, 1, clusters), denominators], axis=1)
    found = contributions(ratio, sums, denominators)
    assert found == pytest.approx(sums[:, 0] / denominators.sum(), abs=1e-9)
    assert contributions(ratio, sums, np.ones(clusters)).sum() == pytest.approx(float(ratio(sums.sum(0))), abs=1e-12)


def test_leave_one_out_and_its_error_work_on_many_tables_at_once():
    sums = np.random.default_rng(0).uniform(1, 2, (4, 3, 7, 2))
    without = leave_one_out(ratio, sums)
    assert without.shape == (4, 3, 7)
    one = np.delete(sums[2, 1], 5, axis=0).sum(axis=0)
    assert without[2, 1, 5] == pytest.approx(one[0] / one[1], abs=1e-15)
    by_hand = math.sqrt(6 / 7 * sum((v - without[2, 1].mean()) ** 2 for v in without[2, 1]))
    assert jackknife_standard_error(without)[2, 1] == pytest.approx(by_hand)


def test_effective_clusters():
    assert effective_clusters([5] * 9) == pytest.approx(9)
    assert effective_clusters([8, 1, 1]) == pytest.approx(100 / 66)
    assert effective_clusters([8, 1, 1, 0]) == pytest.approx(100 / 66)


def test_the_table_of_assumed_correlations():
    table = subject_correlation_table(0.01, videos=74)
    assert [row.correlation for row in table] == [0.0, 0.02, 0.05, 0.10]
    t = t_quantile(0.975, 6)
    expected = [t * 0.01 * math.sqrt(1 + (74 / 7 - 1) * rho) for rho in (0.0, 0.02, 0.05, 0.10)]
    assert [row.half_width for row in table] == pytest.approx(expected)
    assert table[0].half_width == pytest.approx(0.024469118511)
    # one video a person: nothing to be correlated with
    assert len({row.half_width for row in subject_correlation_table(0.01, videos=7)}) == 1
    for videos, people, error in ((5, 7, 0.01), (74, 1, 0.01), (74, 7, 0.0)):
        with pytest.raises(ValueError, match="people"):
            subject_correlation_table(error, videos, people)


def test_a_score_that_does_not_move_with_any_cluster_has_no_interval_instead_of_a_crash():
    """The mean of shares of strata, some of which are in one cluster only: smooth nowhere near a dropped stratum."""

    def mean_of_shares(sums):
        part, whole = sums[..., 0::2], sums[..., 1::2]
        there = whole > 0
        return np.where(there, part / np.where(there, whole, 1), 0).sum(axis=-1) / there.sum(axis=-1)

    rows, clusters = np.zeros((8, 12)), list("abcdeabc")
    for row, stratum in enumerate((0, 1, 2, 3, 4, 1, 2, 3)):
        rows[row, 2 * stratum + 1] = 1
    rows[0, 0] = 1
    found = interval(mean_of_shares, cluster_sums(rows, clusters))
    assert isinstance(found, NoInterval)
    assert "can't bound the score" in found.reason
