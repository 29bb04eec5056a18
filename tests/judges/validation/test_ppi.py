"""Prediction-powered means: the published formula for items, coverage by simulation for clusters."""

import math

import numpy as np
import pytest

from biobench.statistics.seeds import generator
from judges.validation.equivalence import cluster_mean
from judges.validation.ppi import prediction_powered_mean


def rated(rng, clusters, each):
    """Human and judge ratings, clusters x items: the judge sees most of what people see, and has whims of its own a cluster."""
    truth = 3 + rng.normal(0, 0.6, (clusters, 1)) + rng.normal(0, 0.8, (clusters, each))
    human = truth + rng.normal(0, 0.3, truth.shape)
    judged = 0.9 + 0.8 * truth + rng.normal(0, 0.35, (clusters, 1)) + rng.normal(0, 0.5, truth.shape)
    return human, judged


def names(count, each, first=0):
    return [f"v{first + k}" for k in range(count) for _ in range(each)]


def test_without_clusters_it_is_the_published_formula():
    rng = generator("ppi, formula")
    human, judged = (table.ravel() for table in rated(rng, 40, 1))
    unlabelled = rated(rng, 300, 1)[1].ravel()
    found = prediction_powered_mean(human, judged, unlabelled)
    covariance = np.cov(human, judged)
    both = covariance[1, 1] / 40 + unlabelled.var(ddof=1) / 300
    lam = covariance[0, 1] / 40 / both
    assert 0 < lam < 1
    assert found.lam == pytest.approx(lam, rel=1e-12)
    assert found.estimate == pytest.approx(human.mean() + lam * (unlabelled.mean() - judged.mean()), rel=1e-12)
    variance = (human - lam * judged).var(ddof=1) / 40 + lam**2 * unlabelled.var(ddof=1) / 300
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-12)
    assert found.high - found.estimate == pytest.approx(2.0226909 * math.sqrt(variance), rel=1e-7)
    assert found.low + found.high == pytest.approx(2 * found.estimate)
    assert found.classical == cluster_mean(human, None)
    assert found.high - found.low < found.classical.high - found.classical.low


def test_items_that_are_their_own_clusters():
    rng = generator("ppi, own clusters")
    human, judged = (table.ravel() for table in rated(rng, 30, 1))
    unlabelled = rated(rng, 80, 1)[1].ravel()
    plain = prediction_powered_mean(human, judged, unlabelled)
    own = prediction_powered_mean(human, judged, unlabelled, names(30, 1), names(80, 1, first=30))
    assert own == plain
    assert (own.clusters, own.clusters_unlabelled) == (30, 80)


def test_copies_in_a_cluster_add_nothing():
    rng = generator("ppi, copies")
    human, judged = (table.ravel() for table in rated(rng, 30, 1))
    unlabelled = rated(rng, 80, 1)[1].ravel()
    plain = prediction_powered_mean(human, judged, unlabelled)
    four = prediction_powered_mean(
        np.repeat(human, 4), np.repeat(judged, 4), np.repeat(unlabelled, 4), names(30, 4), names(80, 4, first=30)
    )
    assert (four.estimate, four.low, four.high, four.lam) == pytest.approx(
        (plain.estimate, plain.low, plain.high, plain.lam)
    )


def test_a_useless_judge_costs_nothing_and_a_perfect_one_replaces_people():
    rng = generator("ppi, useless")
    human, judged = rated(rng, 25, 4)
    against = prediction_powered_mean(
        human.ravel(), -judged.ravel(), -rated(rng, 60, 4)[1].ravel(), names(25, 4), names(60, 4, 25)
    )
    assert against.lam == 0
    classical = against.classical
    assert (against.estimate, against.low, against.high) == pytest.approx(
        (classical.value, classical.low, classical.high)
    )
    constant = prediction_powered_mean([1.0, 2.0, 4.0], [3.0] * 3, [3.0] * 5)
    assert (constant.lam, constant.estimate) == (0, pytest.approx(7 / 3))
    truth = rng.normal(3, 1, 2_020)
    perfect = prediction_powered_mean(truth[:20], truth[:20], truth[20:])
    assert perfect.lam > 0.95
    assert perfect.standard_error < 0.3 * perfect.classical.standard_error
    # lam is never over 1, however much smaller the judge's scale is
    assert prediction_powered_mean(truth[:20], truth[:20] / 10, truth[20:] / 10).lam == 1


def test_what_the_judge_says_of_the_same_items_twice_is_nothing_new():
    """Shared clusters cancel: the difference of the judge's means has no variance, though each mean has."""
    human, judged = (table.ravel() for table in rated(generator("ppi, twice"), 12, 3))
    found = prediction_powered_mean(human, judged, judged, names(12, 3), names(12, 3))
    assert (found.lam, found.estimate) == (0, pytest.approx(human.mean()))
    assert found.standard_error == pytest.approx(found.classical.standard_error)
    apart = prediction_powered_mean(human, judged, judged, names(12, 3), names(12, 3, first=12))
    assert apart.lam > 0.2


def test_no_spread_is_no_interval():
    found = prediction_powered_mean([2.0, 2.0, 2.0], [1.0, 2.0, 3.0], [2.0, 1.0])
    assert (found.estimate, found.low, found.high, found.reason) == (2.0, None, None, "no spread between 3 clusters")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (([1.0, 2.0], [1.0], [1.0, 2.0]), "same items, got 2 and 1"),
        (([1.0, 2.0], [1.0, math.nan], [1.0, 2.0]), "finite"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, math.inf]), "finite"),
        (([], [], [1.0, 2.0]), "at least one value"),
        (([1.0], [1.0], [1.0, 2.0]), "two clusters of labelled items, got 1"),
        (([1.0, 2.0], [1.0, 2.0], [1.0]), "two clusters of unlabelled items, got 1"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], ["a", "a"], ["b", "c"]), "two clusters of labelled"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], ["a", "b"]), "of both kinds of items, or of neither"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], ["a", "b"], ["c"]), "2 unlabelled items and 1 names"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], ["a"], ["c", "d"]), "2 values and 1 names"),
    ],
)
def test_what_cannot_be_estimated_says_why(given, text):
    with pytest.raises(ValueError, match=text):
        prediction_powered_mean(*given)


@pytest.mark.parametrize("shared", [False, True], ids=["other videos", "the same videos too"])
def test_clustered_intervals_cover_95_times_in_100_and_those_over_items_do_not(shared):
    """30 labelled videos of 6 items; 100 unlabelled videos, or those same 30 and 70 others."""
    rng = generator(f"ppi, coverage, {shared}")
    count, covered, narrower = 1_200, np.zeros(2), 0
    ours, theirs = names(30, 6), names(100, 6, first=0 if shared else 30)
    for _ in range(count):
        human, judged = rated(rng, 130 if not shared else 100, 12)
        human, labelled = human[:30, :6].ravel(), judged[:30, :6].ravel()
        unlabelled = (judged[:, 6:] if shared else judged[30:, 6:]).ravel()
        over_videos = prediction_powered_mean(human, labelled, unlabelled, ours, theirs)
        over_items = prediction_powered_mean(human, labelled, unlabelled)
        covered += [found.low <= 3 <= found.high for found in (over_videos, over_items)]
        narrower += over_videos.standard_error < over_videos.classical.standard_error
    clustered, naive = covered / count
    assert abs(clustered - 0.95) <= 3.3 * math.sqrt(0.05 * 0.95 / count)
    assert naive <= 0.85
    assert narrower >= 0.95 * count
