"""The restricted wild cluster test against one written out by hand."""

import itertools

import numpy as np
import pytest

from biobench.statistics.wild import WildTest

WEBB = [s * np.sqrt(v) for s in (-1, 1) for v in (0.5, 1.0, 1.5)]


def by_hand(influence, shares, shift):
    """All 6^G weights, one at a time."""
    e = influence + shift * shares
    observed = abs(e.sum()) / np.sqrt((e * e).sum())
    reached = 0
    for weights in itertools.product(WEBB, repeat=len(e)):
        v = np.array(weights) * e
        reached += abs(v.sum()) / np.sqrt((v * v).sum()) >= observed * (1 - 1e-10)
    return reached / 6 ** len(e)


@pytest.mark.parametrize(
    "shares", [[0.25] * 4, [0.4, 0.3, 0.2, 0.1], [0.85, 0.05, 0.05, 0.05], [0.5, 0.2, 0.1, 0.1, 0.1]]
)
def test_p_values_are_those_of_all_weights(shares):
    shares = np.array(shares)
    influence = np.random.default_rng(0).normal(0, 0.02, len(shares))
    influence -= shares * influence.sum()
    test = WildTest(influence, shares)
    assert test.exact
    assert test.p(0.0) == 1.0
    for shift in (-0.4, -0.03, 0.01, 0.05, 0.2):
        assert test.p(shift) == pytest.approx(by_hand(influence, shares, shift), abs=1e-12)


def test_more_than_seven_clusters_are_drawn_and_counted_with_one_added():
    shares = np.full(9, 1 / 9)
    influence = np.linspace(-0.02, 0.02, 9)
    test = WildTest(influence, shares)
    assert not test.exact
    assert test.p(1e6) >= 1 / 10_000
    assert round(test.p(0.02) * 10_000, 6).is_integer()
    assert test.p(0.02) == pytest.approx(WildTest(influence, shares, seed=3).p(0.02), abs=0.02)
    assert test.p(0.02) == WildTest(influence, shares, seed=0).p(0.02)


def test_bounds_are_where_p_falls_to_alpha():
    shares = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
    influence = np.array([0.02, -0.03, 0.01, 0.015, -0.01, -0.005])
    test = WildTest(influence, shares)
    low, high = test.bounds(0.05, 0.1)
    for bound in (low, high):
        assert test.p(-bound * 0.9999) > 0.05 >= test.p(-bound * 1.0001)
    mirrored = WildTest(-influence, shares).bounds(0.05, 0.1)
    assert mirrored == pytest.approx((-high, -low), abs=1e-6)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.6, 0.3, 0.1]])
def test_what_is_never_rejected_has_no_bounds(shares):
    shares = np.array(shares)
    influence = 0.01 * (np.arange(len(shares)) - (len(shares) - 1) / 2)
    test = WildTest(influence, shares)
    assert test.bounds(0.05, 0.1) is None
    assert test.p(1e9) > 0.05
