"""The joint test of a whole table, against one written out by hand, and the states it can be in."""

import itertools
import math

import numpy as np
import pytest

from biobench.metrics.temporal import TFScore, TPrecision
from biobench.statistics import (
    ClusterSums,
    Comparison,
    JointTest,
    NotTestable,
    board,
    holm_cluster_t,
    joint_test,
    rank_systems,
    smallest_detectable_difference,
    surely_better,
)
from biobench.statistics.student import two_sided_p


def ratio(sums):
    return np.divide(sums[..., 0], sums[..., 1], out=np.full(sums.shape[:-1], np.nan), where=sums[..., 1] > 0)


def means(values, **options):
    """A board of means over equal clusters; ``values`` names each system's value in each cluster."""
    tables = {}
    for name, of_clusters in values.items():
        x = np.asarray(of_clusters, float)
        clusters = tuple(f"c{k:02}" for k in range(len(x)))
        tables[name] = ClusterSums(clusters, np.stack([x, np.ones(len(x))], axis=1), np.ones(len(x), int))
    return board(ratio, tables, **options)


def noise(systems, clusters, seed=0, steps=0.0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.1, clusters)
    return {f"s{i:02}": 0.5 + steps * i + shared + rng.normal(0, 0.05, clusters) for i in range(systems)}


def by_hand(values):
    """Step-down max-T, a pair and a sign vector at a time: after each pair the maximum runs over the rest."""
    names = sorted(values)
    pairs = list(itertools.combinations(names, 2))
    d = {pair: np.subtract(values[pair[0]], values[pair[1]]) / len(values[names[0]]) for pair in pairs}

    def statistic(pair, signs):
        length = math.sqrt(float((d[pair] ** 2).sum()))
        return abs(float((signs * d[pair]).sum())) / length if length else 0.0

    observed = {pair: statistic(pair, 1) for pair in pairs}
    vectors = [np.array(signs) for signs in itertools.product([1, -1], repeat=len(d[pairs[0]]))]
    left = sorted(pairs, key=observed.get, reverse=True)
    p, so_far = {}, 0.0
    for k, pair in enumerate(left):
        reached = sum(max(statistic(q, s) for q in left[k:]) >= observed[pair] - 1e-9 for s in vectors)
        so_far = max(so_far, reached / len(vectors))
        p[pair] = so_far
    return p


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("steps", [0.0, 0.03])
def test_p_values_are_those_of_the_definition(seed, steps):
    values = noise(4, 7, seed, steps)
    test = joint_test(means(values))
    expected = by_hand(values)
    assert {(c.first, c.second): c.p for c in test.comparisons} == pytest.approx(expected)
    assert (test.method, test.vectors, test.seed, test.clusters) == ("all sign vectors", 128, None, 7)
    for c in test.comparisons:
        assert c.difference == pytest.approx(np.mean(values[c.first]) - np.mean(values[c.second]))
        assert (c.better is not None) == (c.p <= 0.05)


@pytest.mark.parametrize(("systems", "clusters"), [(2, 6), (2, 7), (5, 7), (20, 7), (20, 10), (3, 14)])
def test_the_smallest_p_is_two_sign_vectors_however_many_systems(systems, clusters):
    values = {f"s{i:02}": np.full(clusters, 0.9 - 0.04 * i) for i in range(systems)}
    test = joint_test(means(values))
    assert min(c.p for c in test.comparisons) == 2 / 2**clusters
    assert all(c.p == 2 / 2**clusters and c.better == c.first for c in test.comparisons)
    for seed in range(5):
        assert min(c.p for c in joint_test(means(noise(systems, clusters, seed, 0.1))).comparisons) >= 2 / 2**clusters


def test_fewer_than_six_clusters_cannot_be_tested():
    table = means({"a": np.full(5, 0.9), "b": np.full(5, 0.1)})
    for found in (joint_test(table), smallest_detectable_difference(table)):
        assert isinstance(found, NotTestable)
        assert "5 clusters" in found.reason
    assert isinstance(joint_test(means({"a": np.full(9, 0.9)})), NotTestable)


@pytest.mark.parametrize("clusters", [7, 20])
def test_systems_that_do_the_same_are_never_told_apart(clusters):
    values = noise(3, clusters, steps=0.2)
    values["twin"] = values["s01"].copy()
    # A twin that differs by rounding only: its differences have one sign and no size.
    values["almost"] = values["s01"] * (1 + 1e-15)
    test = joint_test(means(values))
    twins = ["s01", "twin", "almost"]
    for a, b in itertools.combinations(twins, 2):
        assert test.comparison(a, b).p == 1
        assert test.comparison(a, b).better is None
    for other in ("s00", "s02"):
        assert len({test.comparison(twin, other).p for twin in twins}) == 1
    scores = {name: float(np.mean(v)) for name, v in values.items()}
    tiers = {rank.name: rank.tier for rank in rank_systems(scores, test.surely_better)}
    assert len({tiers[twin] for twin in twins}) == 1
    assert tiers["s02"] < tiers["s01"] < tiers["s00"]


@pytest.mark.parametrize("clusters", [7, 20])
def test_input_order_decides_nothing(clusters):
    values = noise(6, clusters, 3, 0.02)
    straight = joint_test(means(values))
    backwards = {}
    for name in reversed(values):
        sums = np.stack([values[name], np.ones(clusters)], axis=1)[::-1]
        names = tuple(f"c{k:02}" for k in reversed(range(clusters)))
        backwards[name] = ClusterSums(names, sums, np.ones(clusters, int))
    assert joint_test(board(ratio, backwards)) == straight


def test_drawn_vectors_count_one_more_and_every_seed_is_a_seed():
    values = {"a": np.full(40, 0.9), "b": np.full(40, 0.5)} | noise(2, 40)
    test = joint_test(means(values))
    assert (test.method, test.vectors, test.seed) == ("drawn sign vectors", 9_999, 0)
    assert min(c.p for c in test.comparisons) == 1 / 10_000
    assert joint_test(means(values), seed=0) == test
    other = joint_test(means(values), seed=1)
    assert other.seed == 1
    assert [c.p for c in other.comparisons] != [c.p for c in test.comparisons]
    assert joint_test(means(values), draws=99).vectors == 99
    exact = means({name: v[:14] for name, v in values.items()})
    assert joint_test(exact, seed=1) == joint_test(exact, seed=0)
    assert joint_test(exact).vectors == 2**14


def test_less_is_better_turns_only_the_verdict():
    values = noise(4, 9, 1, 0.1)
    more, less = joint_test(means(values)), joint_test(means(values, higher_is_better=False))
    assert [c.p for c in more.comparisons] == [c.p for c in less.comparisons]
    assert more.surely_better
    assert less.surely_better == {(worse, better) for better, worse in more.surely_better}


def test_talking_more_in_some_clusters_does_not_hide_a_difference():
    """Systems with unlike denominators: with each one's own shares, contributions differ where scores don't."""
    rng = np.random.default_rng(4)
    tables = {}
    for name, quality in (("better", 0.6), ("worse", 0.5)):
        said = rng.uniform(20, 400, 7)
        sums = np.stack([np.zeros(7), np.zeros(7), said * (quality + rng.normal(0, 0.005, 7)), said], axis=1)
        tables[name] = ClusterSums(tuple("abcdefg"), sums, np.ones(7, int))
    weights = {name: t.sums[:, 3] for name, t in tables.items()}
    test = joint_test(board(TPrecision().score, tables, weights))
    assert test.surely_better == {("better", "worse")}
    assert test.comparisons[0].p == 2 / 128


def test_contributions_on_a_board_add_up_to_the_scores():
    rng = np.random.default_rng(0)
    tables = {}
    for name in "abc":
        references = rng.integers(5, 60, 8)
        matched = rng.binomial(references, 0.5)
        rows = np.stack([matched, references, matched, matched + rng.integers(0, 30, 8)], axis=1).astype(float)
        tables[name] = ClusterSums(tuple("stuvwxyz"), rows, np.ones(8, int))
    made = board(TFScore(1e-12).score, tables, {name: t.sums[:, 1] + t.sums[:, 3] for name, t in tables.items()})
    assert made.contributions.sum(axis=1) == pytest.approx(made.scores, abs=1e-12)
    pooled = tables["b"].sums.sum(axis=0)
    assert made.scores[1] == pytest.approx(2 * pooled[0] / (pooled[1] + pooled[3]))


def test_a_system_without_a_score_is_left_out_by_name():
    values = noise(3, 7)
    tables = {
        name: ClusterSums(tuple("abcdefg"), np.stack([v, np.ones(7)], 1), np.ones(7, int)) for name, v in values.items()
    }
    tables["silent"] = ClusterSums(tuple("abcdefg"), np.zeros((7, 2)), np.ones(7, int))
    made = board(ratio, tables)
    assert made.names == ("s00", "s01", "s02")
    assert [left.name for left in made.left_out] == ["silent"]
    only_silent = board(ratio, {"silent": tables["silent"]})
    assert isinstance(joint_test(only_silent), NotTestable)
    with pytest.raises(KeyError, match="silent"):
        joint_test(made).comparison("silent", "s00")


def test_systems_on_other_clusters_are_refused():
    tables = {
        name: ClusterSums(clusters, np.ones((7, 2)), np.ones(7, int))
        for name, clusters in (("a", tuple("abcdefg")), ("b", tuple("abcdefh")))
    }
    with pytest.raises(ValueError, match="different clusters"):
        board(ratio, tables)


def test_what_cannot_be_a_comparison():
    for broken in (("a", "a", 0.0, 1.0, None), ("a", "b", 0.0, 1.5, None), ("a", "b", 0.0, 0.5, "c")):
        with pytest.raises(ValueError, match="no comparison"):
            Comparison(*broken)
    with pytest.raises(ValueError, match="level"):
        joint_test(means(noise(2, 7)), alpha=0.0)


# Holm ---------------------------------------------------------------------------------------------------


def test_holm_over_cluster_t_by_hand():
    values = noise(4, 7, 2, 0.04)
    found = holm_cluster_t(means(values))
    raw = {}
    for a, b in itertools.combinations(sorted(values), 2):
        d = values[a] - values[b]
        raw[a, b] = two_sided_p(d.mean() / (d.std(ddof=1) / math.sqrt(7)), 6)
    so_far, expected = 0.0, {}
    for k, pair in enumerate(sorted(raw, key=raw.get)):
        so_far = max(so_far, min(1, (6 - k) * raw[pair]))
        expected[pair] = so_far
    assert {(c.first, c.second): c.p for c in found} == pytest.approx(expected, rel=1e-9)


def test_holm_takes_eight_systems_or_a_reference():
    nine = means(noise(9, 7))
    assert isinstance(holm_cluster_t(nine), NotTestable)
    against = holm_cluster_t(nine, reference="s04")
    assert len(against) == 8
    assert all("s04" in {c.first, c.second} for c in against)
    assert len(holm_cluster_t(means(noise(8, 7)))) == 28
    with pytest.raises(KeyError, match="s77"):
        holm_cluster_t(nine, reference="s77")


def test_holm_on_systems_that_do_the_same_or_differ_by_a_constant():
    base = noise(1, 7)["s00"]
    found = {(c.first, c.second): c for c in holm_cluster_t(means({"a": base, "b": base, "c": base + 0.1}))}
    assert found["a", "b"].p == 1
    assert found["a", "c"].better == "c"
    # where a system has no score without one cluster, nothing is tested
    one = np.zeros((7, 2))
    one[3] = (1, 2)
    tables = {
        "a": ClusterSums(tuple("abcdefg"), np.ones((7, 2)), np.ones(7, int)),
        "once": ClusterSums(tuple("abcdefg"), one, np.ones(7, int)),
    }
    refused = holm_cluster_t(board(ratio, tables))
    assert isinstance(refused, NotTestable)
    assert refused.reason == "once has no score without d"


# The smallest detectable difference ----------------------------------------------------------------------


@pytest.mark.parametrize(("systems", "clusters"), [(3, 7), (6, 10), (10, 20)])
def test_a_pair_just_above_the_smallest_detectable_difference_is_mostly_called(systems, clusters):
    called = {0.6: 0, 1.6: 0}
    for seed in range(40):
        values = noise(systems, clusters, seed)
        smallest = smallest_detectable_difference(means(values), draws=999)
        gap = np.mean(values["s01"]) - np.mean(values["s00"])
        for factor in called:
            moved = values | {"s00": values["s00"] + gap + factor * smallest}
            test = joint_test(means(moved), draws=999)
            called[factor] += test.comparison("s00", "s01").better == "s00"
    assert called[0.6] <= 10
    assert called[1.6] >= 34


def test_the_smallest_detectable_difference_follows_the_scale_and_may_not_exist():
    values = noise(4, 8)
    one = smallest_detectable_difference(means(values))
    assert smallest_detectable_difference(means({k: 3 * v for k, v in values.items()})) == pytest.approx(3 * one)
    same = smallest_detectable_difference(means({"a": values["s00"], "b": values["s00"]}))
    assert isinstance(same, NotTestable)
    sums = np.stack([np.linspace(0.1, 0.9, 7), np.ones(7)], axis=1)
    tables = {"a": ClusterSums(tuple("abcdefg"), sums, np.ones(7, int))}
    tables["b"] = ClusterSums(tuple("abcdefg"), sums[::-1] * 1.1, np.ones(7, int))
    huge = board(ratio, tables, {"a": [1e6, 1, 1, 1, 1, 1, 1], "b": [1e6, 1, 1, 1, 1, 1, 1]})
    assert isinstance(smallest_detectable_difference(huge), NotTestable)


def test_a_joint_test_compares_by_value():
    assert isinstance(joint_test(means(noise(3, 7))), JointTest)
    assert joint_test(means(noise(3, 7))) == joint_test(means(noise(3, 7)))


# Told apart, without the p values --------------------------------------------------------------------------


@pytest.mark.parametrize(("systems", "clusters"), [(2, 6), (3, 7), (12, 7), (10, 14), (12, 20), (2, 3)])
def test_surely_better_is_what_the_joint_test_says(systems, clusters):
    told_apart = 0
    for seed in range(8):
        values = noise(systems, clusters, seed, steps=0.05)
        values["twin"] = values["s00"]
        for higher_is_better in (True, False):
            table = means(values, higher_is_better=higher_is_better)
            test = joint_test(table, draws=999)
            if isinstance(test, NotTestable):
                assert surely_better(table, draws=999) == test
                continue
            assert surely_better(table, draws=999) == test.surely_better
            told_apart += len(test.surely_better)
    assert told_apart or clusters < 6


def test_too_few_draws_tell_nothing_apart():
    values = noise(2, 20)
    table = means({"a": values["s00"] + 100, "b": values["s01"]})
    assert surely_better(table, draws=18) == frozenset()
    assert surely_better(table, draws=19) == joint_test(table, draws=19).surely_better
