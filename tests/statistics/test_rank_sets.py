"""Rank sets, tiers and the chance of a place."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.statistics import ClusterSums, board, rank_systems, top_probabilities


def ratio(sums):
    return np.divide(sums[..., 0], sums[..., 1], out=np.full(sums.shape[:-1], np.nan), where=sums[..., 1] > 0)


def table_of(values, **options):
    tables = {}
    for name, (numerators, denominators) in values.items():
        sums = np.stack([np.asarray(numerators, float), np.asarray(denominators, float)], axis=1)
        tables[name] = ClusterSums(tuple(f"c{k}" for k in range(len(sums))), sums, np.ones(len(sums), int))
    return board(ratio, tables, **options)


SCORES = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}


def as_rows(found):
    return [(r.name, r.best, r.worst, r.tier) for r in found]


def test_rank_sets_count_who_is_surely_better_and_worse():
    found = rank_systems(SCORES, [("a", "c"), ("a", "d"), ("b", "d")])
    assert as_rows(found) == [("a", 1, 2, 1), ("b", 1, 3, 1), ("c", 2, 4, 2), ("d", 3, 4, 2)]


def test_without_rejections_everyone_may_be_anywhere():
    assert as_rows(rank_systems(SCORES)) == [(name, 1, 4, 1) for name in "abcd"]


def test_a_chain_of_sure_wins_is_a_ladder():
    found = rank_systems(SCORES, itertools.combinations("abcd", 2))
    assert as_rows(found) == [("a", 1, 1, 1), ("b", 2, 2, 2), ("c", 3, 3, 3), ("d", 4, 4, 4)]


def test_less_is_better():
    found = rank_systems(SCORES, [("d", "a")], higher_is_better=False)
    assert as_rows(found) == [("d", 1, 3, 1), ("c", 1, 4, 1), ("b", 1, 4, 1), ("a", 2, 4, 2)]


def test_a_system_of_great_spread_may_stand_above_one_that_scores_more():
    found = rank_systems(SCORES, [("a", "b")])
    assert {r.name: r.tier for r in found} == {"a": 1, "b": 2, "c": 1, "d": 1}


@given(st.integers(0, 100_000), st.integers(1, 9), st.booleans())
def test_tiers_keep_their_promise(seed, count, higher_is_better):
    rng = np.random.default_rng(seed)
    scores = {f"s{k}": float(rng.choice([0.1, 0.2, 0.3, 0.4, 0.5])) for k in range(count)}
    sign = 1 if higher_is_better else -1
    wins = {(a, b) for a in scores for b in scores if sign * scores[a] > sign * scores[b] and rng.random() < 0.5}
    found = rank_systems(scores, wins, higher_is_better=higher_is_better)
    shuffled = {f"s{k}": scores[f"s{k}"] for k in rng.permutation(count)}
    assert rank_systems(shuffled, list(wins)[::-1], higher_is_better=higher_is_better) == found
    tier = {r.name: r.tier for r in found}
    for r in found:
        for higher in range(1, r.tier):
            assert any((other, r.name) in wins for other in scores if tier[other] == higher)
        assert not any((other, r.name) in wins for other in scores if tier[other] == r.tier)
        assert r.best == 1 + sum((other, r.name) in wins for other in scores)
        assert r.worst == count - sum((r.name, other) in wins for other in scores)
        standing = 1 + sum(sign * score > sign * r.score for score in scores.values())
        assert r.best <= standing <= r.worst


def test_rejections_that_contradict_the_scores_are_refused():
    with pytest.raises(ValueError, match="d can't be surely better than a"):
        rank_systems(SCORES, [("d", "a")])
    with pytest.raises(KeyError):
        rank_systems(SCORES, [("a", "nobody")])


# The chance of a place ------------------------------------------------------------------------------------


def random_board(systems=5, clusters=7, **options):
    rng = np.random.default_rng(0)
    return table_of({f"s{k}": (rng.uniform(2, 8, clusters), np.full(clusters, 10)) for k in range(systems)}, **options)


@pytest.mark.parametrize("k", [1, 3, 5, 8])
def test_chances_of_a_place_add_up_to_the_places(k):
    chances = top_probabilities(random_board(), k)
    assert sum(chances.values()) == pytest.approx(min(k, 5))
    assert all(0 <= p <= 1 for p in chances.values())


def test_who_leads_everywhere_is_always_first_and_twins_share_a_place():
    values = {"best": ([9] * 7, [10] * 7), "twin": ([5] * 7, [10] * 7), "other": ([5] * 7, [10] * 7)}
    table = table_of(values)
    assert top_probabilities(table, 1) == {"best": 1.0, "twin": 0.0, "other": 0.0}
    assert top_probabilities(table, 2) == {"best": 1.0, "twin": 0.5, "other": 0.5}
    lowest = table_of(values, higher_is_better=False)
    assert top_probabilities(lowest, 2) == {"best": 0.0, "twin": 1.0, "other": 1.0}


def test_the_bootstrap_of_two_clusters_is_known():
    # "a" leads unless the first cluster is drawn twice: (0.5)^2
    table = table_of({"a": ([1, 9], [10, 10]), "b": ([4, 4], [10, 10])})
    chances = top_probabilities(table, 1, draws=20_000)
    assert chances["a"] == pytest.approx(0.75, abs=0.012)


def test_a_sample_without_a_score_is_the_worst():
    # "rare" scores 1 wherever it speaks, which is in one cluster of seven
    table = table_of({"rare": ([1] + [0] * 6, [1] + [0] * 6), "often": ([5] * 7, [10] * 7)})
    chances = top_probabilities(table, 1, draws=20_000)
    assert chances["rare"] == pytest.approx(1 - (6 / 7) ** 7, abs=0.012)


def test_chances_have_a_named_seed():
    table = random_board()
    assert top_probabilities(table, 2) == top_probabilities(table, 2, seed=0)
    assert top_probabilities(table, 2) != top_probabilities(table, 2, seed=1)
    for k, draws in ((0, 10), (1, 0)):
        with pytest.raises(ValueError, match="at least one"):
            top_probabilities(table, k, draws=draws)
