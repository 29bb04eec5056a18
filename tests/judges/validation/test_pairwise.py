"""Pairwise accuracy, tie calibration and tau-b against reference numbers and slow definitions."""

import json
import math
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from judges.validation import pairwise
from judges.validation.pairwise import accuracy, held_out, kendall_tau_b, soft_pairwise_accuracy

GOLDEN = json.loads((Path(__file__).parent / "golden" / "pairwise_accuracy.json").read_text())


@st.composite
def score_tables(draw):
    systems, items = draw(st.integers(2, 5)), draw(st.integers(1, 5))
    gap = st.none() if draw(st.booleans()) else st.nothing()
    # Thirds made in two ways: some are the same number but for rounding.
    thirds = st.one_of(st.integers(0, 40).map(lambda k: k / 3), st.integers(0, 40).map(lambda k: k * (1 / 3)))
    metric = draw(st.sampled_from([st.integers(0, 3), thirds]))
    return tuple(
        draw(st.lists(st.lists(gap | cell, min_size=items, max_size=items), min_size=systems, max_size=systems))
        for cell in (st.integers(1, 3), metric)
    )


def cells(human, metric, group_by):
    """The groups of cells that are compared with one another."""
    columns = [
        [(h[k], m[k]) for h, m in zip(human, metric, strict=True) if h[k] is not None and m[k] is not None]
        for k in range(len(human[0]))
    ]
    groups = columns if group_by == "item" else [[cell for column in columns for cell in column]]
    return [group for group in groups if len(group) >= 2]


def slow_accuracy(groups, threshold):
    shares = []
    for group in groups:
        right = 0
        pairs = list(combinations(group, 2))
        for (h1, m1), (h2, m2) in pairs:
            metric = 0 if abs(m1 - m2) <= threshold + 1e-9 else math.copysign(1, m1 - m2)
            right += metric == (h1 > h2) - (h1 < h2)
        shares.append(right / len(pairs))
    return sum(shares) / len(shares)


@pytest.mark.parametrize("case", GOLDEN)
def test_the_numbers_of_the_reference_tool(case):
    human, metric = case["human"], case["metric"]
    for group_by in ("item", "none"):
        assert accuracy(human, metric, group_by) == pytest.approx(case[f"acc_eq_{group_by}"], abs=1e-9)
        assert kendall_tau_b(human, metric, group_by) == pytest.approx(case[f"kendall_b_{group_by}"], abs=1e-9)
        best = accuracy(human, metric, group_by, "calibrate")
        # The reference tool hands back its best score, and 0 as the threshold whatever that was.
        assert best.score == pytest.approx(case[f"acc_eq_star_{group_by}"][0], abs=1e-6)
        assert accuracy(human, metric, group_by, best.threshold) == pytest.approx(best.score, abs=1e-12)


def test_ties_decide_some_golden_cases():
    better = [accuracy(c["human"], c["metric"], "none", "calibrate").threshold > 0 for c in GOLDEN]
    assert 3 <= sum(better) < len(GOLDEN)


@given(score_tables(), st.sampled_from(["item", "none"]), st.sampled_from([0.0, 1 / 3, 1.0, 5.0]))
@settings(max_examples=100, deadline=None)
def test_accuracy_is_its_definition(tables, group_by, threshold):
    groups = cells(*tables, group_by)
    assume(groups)
    assert accuracy(*tables, group_by, threshold) == pytest.approx(slow_accuracy(groups, threshold), abs=1e-12)


@given(score_tables(), st.sampled_from(["item", "none"]), st.sampled_from([2_500_000, 4, 1]))
@settings(max_examples=150, deadline=None)
def test_calibration_finds_the_best_threshold_and_the_smallest_of_these(tables, group_by, band):
    groups = cells(*tables, group_by)
    assume(groups)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairwise, "_BAND", band)
        patch.setattr(pairwise, "_BLOCK", max(3, band // 10))
        patch.setattr(pairwise, "_SAMPLE", 5)
        found = accuracy(*tables, group_by, "calibrate")
    thresholds = sorted({0.0, *(abs(a[1] - b[1]) for group in groups for a, b in combinations(group, 2))})
    scores = [slow_accuracy(groups, threshold) for threshold in thresholds]
    best = max(scores)
    assert found.score == pytest.approx(best, abs=1e-12)
    first = next(t for t, score in zip(thresholds, scores, strict=True) if score >= best - 1e-12)
    assert found.threshold == pytest.approx(first, abs=1e-9)
    assert accuracy(*tables, group_by, found.threshold) == pytest.approx(found.score, abs=1e-12)


def test_many_pairs_in_bands_are_as_good_as_in_one(monkeypatch):
    rng = np.random.default_rng(1)
    quality = rng.normal(size=(6, 40))
    human, metric = np.round(quality), quality + rng.normal(size=quality.shape)
    metric[rng.random(metric.shape) < 0.1] = np.nan
    whole = accuracy(human, metric, "none", "calibrate")
    monkeypatch.setattr(pairwise, "_BAND", 2_000)
    monkeypatch.setattr(pairwise, "_BLOCK", 500)
    assert accuracy(human, metric, "none", "calibrate") == whole
    assert whole.threshold > 0.01
    assert whole.score > accuracy(human, metric, "none") + 0.001


def test_bands_that_end_between_numbers_equal_but_for_rounding(monkeypatch):
    rng = np.random.default_rng(2)
    thirds = [1.0, 4 / 3, 4 * (1 / 3), 5 / 3, 5 * (1 / 3), 2.0, 0.1 + 0.2, 0.3, 0.1 * 3]
    tables = [(rng.integers(1, 3, (4, 3)), rng.choice(thirds, (4, 3))) for _ in range(40)]
    whole = [accuracy(*table, "none", "calibrate") for table in tables]
    monkeypatch.setattr(pairwise, "_BAND", 3)
    assert [accuracy(*table, "none", "calibrate") for table in tables] == whole
    assert len({found.threshold for found in whole}) > 5


def test_items_count_the_same_however_many_systems_they_have():
    """Item 0: of three pairs one is right; item 1: its only pair is."""
    human, metric = [[1, 1], [2, 2], [3, None]], [[2, 1], [3, 2], [1, 3]]
    assert accuracy(human, metric) == pytest.approx((1 / 3 + 1) / 2)
    assert accuracy(human, metric, "item", "calibrate").score == pytest.approx((1 / 3 + 1) / 2)


@given(score_tables(), st.sampled_from(["item", "none"]))
@settings(max_examples=60, deadline=None)
def test_tau_b_is_that_of_scipy(tables, group_by):
    groups = cells(*tables, group_by)
    assume(groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        taus = [kendalltau([h for h, _ in group], [round(3 * m) for _, m in group])[0] for group in groups]
    defined = [tau for tau in taus if not math.isnan(tau)]
    expected = sum(defined) / len(defined) if defined else math.nan
    assert kendall_tau_b(*tables, group_by) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(score_tables(), st.randoms(use_true_random=False), st.sampled_from(["item", "none"]))
@settings(max_examples=60, deadline=None)
def test_order_of_systems_and_items_does_not_matter(tables, random, group_by):
    assume(cells(*tables, group_by))
    systems, items = list(range(len(tables[0]))), list(range(len(tables[0][0])))
    random.shuffle(systems)
    random.shuffle(items)
    shuffled = [[[table[s][i] for i in items] for s in systems] for table in tables]
    assert accuracy(*shuffled, group_by) == pytest.approx(accuracy(*tables, group_by), abs=1e-12)
    assert accuracy(*shuffled, group_by, "calibrate") == pytest.approx(
        accuracy(*tables, group_by, "calibrate"), abs=1e-9
    )


def test_a_metric_that_is_the_human_score_is_right_and_one_upside_down_is_not():
    human = GOLDEN[0]["human"]
    upside_down = [[-score for score in row] for row in human]
    ties = sum(a == b for column in zip(*human, strict=True) for a, b in combinations(column, 2))
    pairs = len(human[0]) * math.comb(len(human), 2)
    for group_by in ("item", "none"):
        assert accuracy(human, human, group_by) == 1
        assert kendall_tau_b(human, upside_down, group_by) == pytest.approx(-1)
    assert accuracy(human, upside_down) == pytest.approx(ties / pairs)
    assert 0 < ties < pairs


def test_what_rounding_leaves_of_equal_differences_is_one_threshold():
    """People tie neighbours a third apart; 5/3 - 4/3 and 4/3 - 1 are not the same floating-point number."""
    metric = [[1.0], [4 / 3], [5 / 3], [2.0]]
    steps = {metric[k + 1][0] - metric[k][0] for k in range(3)}
    assert len(steps) > 1
    assert all(accuracy([[1], [1], [2], [2]], metric, tie_threshold=step) == pytest.approx(5 / 6) for step in steps)
    assert accuracy([[1 / 3 + 1 / 3 + 1 / 3], [0.1 + 0.2], [0.3]], [[1], [0], [0]]) == 1


def test_a_threshold_is_judged_on_other_items():
    rng = np.random.default_rng(3)
    quality = rng.normal(size=(8, 60))
    human, metric = np.round(quality), quality + rng.normal(0, 0.7, quality.shape)
    fit, apply = list(range(30)), list(range(30, 60))
    threshold = accuracy(human[:, fit], metric[:, fit], "item", "calibrate").threshold
    assert threshold > 0
    expected = accuracy(human[:, apply], metric[:, apply], "item", threshold)
    assert held_out(human, metric, fit, apply) == expected
    assert expected <= accuracy(human[:, apply], metric[:, apply], "item", "calibrate").score
    assert held_out(human.tolist(), metric.tolist(), fit, apply, "none") != expected
    with pytest.raises(ValueError, match="item 29 is in both"):
        held_out(human, metric, fit, [29, *apply])
    with pytest.raises(ValueError, match="items from 0 to 59, got -1"):
        held_out(human, metric, fit, [-1])


def test_soft_pairwise_accuracy_is_the_mean_closeness_of_p_values():
    human = np.array([[0.5, 0.9, 0.6], [0.1, 0.5, 0.3], [0.4, 0.7, 0.5]])
    metric = np.array([[0.5, 0.5, 0.6], [0.5, 0.5, 0.5], [0.4, 0.5, 0.5]])
    assert soft_pairwise_accuracy(human, metric) == pytest.approx(1 - (0.4 + 0.0 + 0.2) / 3)
    assert soft_pairwise_accuracy(human, human) == 1
    sure = (np.triu(np.ones((3, 3)), 1)).tolist()
    assert soft_pairwise_accuracy(sure, np.transpose(sure).tolist()) == 0
    order = [2, 0, 1]
    assert soft_pairwise_accuracy(human[order][:, order], metric[order][:, order]) == pytest.approx(
        soft_pairwise_accuracy(human, metric)
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: accuracy([[1, 2]], [[1], [2]]), "same systems and items"),
        (lambda: accuracy([[1, 2], [1]], [[1, 2], [1, 2]]), "unequal length"),
        (lambda: accuracy([[1], [math.inf]], [[1], [2]]), "infinite"),
        (lambda: accuracy([[1], [2]], [[1], [2]], tie_threshold=-0.1), "0 or more"),
        (lambda: accuracy([[1], [2]], [[1], [2]], tie_threshold=math.nan), "0 or more"),
        (lambda: accuracy([[1], [2]], [[1], [2]], "system"), "item or none, got 'system'"),
        (lambda: accuracy([[1, None], [None, 2]], [[1, 1], [2, 2]]), "no two systems"),
        (lambda: accuracy([[None, 1]], [[1, 1]], "none"), "no two scores"),
        (lambda: kendall_tau_b([[1, 2]], [[1, 2]]), "no two systems"),
        (lambda: soft_pairwise_accuracy([[0.5, 1.2], [0, 0.5]], [[0.5, 1], [0, 0.5]]), "between 0 and 1"),
        (lambda: soft_pairwise_accuracy([[0.5, math.nan], [0, 0.5]], [[0.5, 1], [0, 0.5]]), "between 0 and 1"),
        (lambda: soft_pairwise_accuracy([[0.5]], [[0.5]]), "systems x systems"),
    ],
)
def test_what_cannot_be_compared_says_why(call, text):
    with pytest.raises(ValueError, match=text):
        call()
