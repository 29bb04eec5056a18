"""Agreement beyond chance against reference tools' numbers and slow definitions; the human ceiling by hand."""

import json
import math
from collections import Counter
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from judges.validation.agreement import gwet_ac2, krippendorff_alpha, weighted_kappa
from judges.validation.ceiling import human_ceiling, judge_against_mean

GOLDEN = json.loads((Path(__file__).parent / "golden" / "agreement.json").read_text())
LEVELS = ("nominal", "ordinal", "interval")

ratings = st.integers(2, 4).flatmap(
    lambda raters: st.lists(
        st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=raters, max_size=raters), min_size=1, max_size=8
    )
)


def pairable(table):
    return any(sum(r is not None for r in row) >= 2 for row in table)


def slow_alpha(table, level):
    """Pair by pair, as Krippendorff defines it."""
    items = [[r for r in row if r is not None] for row in table]
    items = [row for row in items if len(row) >= 2]
    counts = Counter(r for row in items for r in row)
    n = sum(counts.values())

    def distance(c, k):
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return float((c - k) ** 2)
        low, high = min(c, k), max(c, k)
        between = sum(m for value, m in counts.items() if low <= value <= high)
        return (between - (counts[c] + counts[k]) / 2) ** 2

    observed = sum(distance(a, b) / (len(row) - 1) for row in items for a, b in permutations(row, 2)) / n
    expected = sum(m * o * distance(c, k) for c, m in counts.items() for k, o in counts.items()) / (n * (n - 1))
    return 1 - observed / expected if expected else math.nan


def slow_ac2(table, weights):
    power = {"identity": None, "linear": 1, "quadratic": 2}[weights]
    w = {
        (c, k): float(c == k) if power is None else 1 - (abs(c - k) / 4) ** power
        for c in range(1, 6)
        for k in range(1, 6)
    }
    items = [[r for r in row if r is not None] for row in table]
    pairs = [[w[pair] for pair in permutations(row, 2)] for row in items if len(row) >= 2]
    observed = sum(sum(of) / len(of) for of in pairs) / len(pairs)
    rated = [row for row in items if row]
    used = {c: sum(row.count(c) / len(row) for row in rated) / len(rated) for c in range(1, 6)}
    expected = sum(w.values()) / 20 * sum(u * (1 - u) for u in used.values())
    return (observed - expected) / (1 - expected)


@pytest.mark.parametrize("case", GOLDEN)
def test_the_numbers_of_the_reference_tools(case):
    table = case["ratings"]
    for level in LEVELS:
        assert krippendorff_alpha(table, level) == pytest.approx(case[f"alpha_{level}"], abs=1e-9)
    columns = list(zip(*table, strict=True))
    assert weighted_kappa(columns[0], columns[1]) == pytest.approx(
        case["quadratic_weighted_kappa_raters_0_1"], abs=1e-9
    )
    assert gwet_ac2(table) == pytest.approx(case["gwet_ac2_quadratic"], abs=1e-9)


def test_the_golden_tables_have_gaps():
    assert len(GOLDEN) == 25
    assert sum(any(r is None for row in case["ratings"] for r in row) for case in GOLDEN) >= 5


@given(ratings, st.sampled_from(LEVELS))
@settings(max_examples=150, deadline=None)
def test_alpha_is_its_definition(table, level):
    assume(pairable(table))
    assert krippendorff_alpha(table, level) == pytest.approx(slow_alpha(table, level), abs=1e-9, nan_ok=True)


@given(ratings, st.sampled_from(["identity", "linear", "quadratic"]))
@settings(max_examples=100, deadline=None)
def test_ac2_is_its_definition(table, weights):
    assume(pairable(table))
    assert gwet_ac2(table, weights) == pytest.approx(slow_ac2(table, weights), abs=1e-9)


@given(ratings, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_of_items_and_raters_does_not_matter(table, random):
    assume(pairable(table))
    raters = list(range(len(table[0])))
    random.shuffle(raters)
    shuffled = [[row[r] for r in raters] for row in random.sample(table, len(table))]
    for level in LEVELS:
        expected = krippendorff_alpha(table, level)
        assert krippendorff_alpha(shuffled, level) == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert gwet_ac2(shuffled) == pytest.approx(gwet_ac2(table), abs=1e-12)


@given(ratings)
@settings(max_examples=60, deadline=None)
def test_each_level_ignores_what_it_should(table):
    assume(pairable(table))
    stretched = [[r if r is None else r**3 for r in row] for row in table]
    moved = [[r if r is None else 3 - 2 * r for r in row] for row in table]
    renamed = [[r if r is None else {1: 4, 2: 1, 3: 5, 4: 3, 5: 2}[r] for r in row] for row in table]
    for other, level in ((stretched, "ordinal"), (moved, "interval"), (renamed, "nominal")):
        expected = krippendorff_alpha(table, level)
        assert krippendorff_alpha(other, level) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_full_agreement_is_1_and_no_variation_is_undefined():
    same = [[1, 1, 1], [3, 3, None], [5, 5, 5]]
    assert all(krippendorff_alpha(same, level) == 1 for level in LEVELS)
    assert gwet_ac2(same) == 1
    assert weighted_kappa([1, 3, 5], [1, 3, 5]) == 1
    constant = [[0.1, 0.1, 0.1], [0.1, 0.1, None], [0.7, None, None]]
    assert all(math.isnan(krippendorff_alpha(constant, level)) for level in LEVELS)
    assert math.isnan(weighted_kappa([2, 2], [2, 2]))
    assert gwet_ac2([[2, 2], [2, 2]]) == 1


def test_the_paradox_of_kappa():
    """118 times yes-yes, 5 yes-no, 2 no-yes: agreement .944; kappa -.023, AC1 .941, by hand from the margins."""
    a, b = [1] * 118 + [1] * 5 + [0] * 2, [1] * 118 + [0] * 5 + [1] * 2
    chance = (123 * 120 + 2 * 5) / 125**2
    assert weighted_kappa(a, b, "identity", (0, 1)) == pytest.approx((0.944 - chance) / (1 - chance))
    yes = (123 + 120) / 250
    guess = 2 * yes * (1 - yes)
    assert gwet_ac2(np.array([a, b], float).T, "identity", (0, 1)) == pytest.approx((0.944 - guess) / (1 - guess))


def test_kappa_counts_categories_by_their_distance():
    a, b = [1, 2, 5, 3, None], [2, 2, 4, 1, 5]
    pairs = [(1, 2), (2, 2), (5, 4), (3, 1)]
    for weights, power in (("linear", 1), ("quadratic", 2)):
        off = sum(abs(x - y) ** power for x, y in pairs) / 4
        chance = sum(abs(x - y) ** power for x, _ in pairs for _, y in pairs) / 16
        assert weighted_kappa(a, b, weights) == pytest.approx(1 - off / chance)
    # An unused category far away changes the scale of the weights, not the coefficient.
    assert weighted_kappa(a, b, categories=(1, 2, 3, 4, 5, 9)) == pytest.approx(weighted_kappa(a, b))
    # For AC2 it is one more category to guess.
    table = [[1, 2], [2, 2], [5, 4], [3, 1]]
    assert gwet_ac2(table, categories=(1, 2, 3, 4, 5, 9)) > gwet_ac2(table) + 0.01


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: krippendorff_alpha([[1, 2]], "ratio"), "level nominal, ordinal or interval, got 'ratio'"),
        (lambda: krippendorff_alpha([[1], [2]]), "at least 2 raters"),
        (lambda: krippendorff_alpha([]), "at least 2 raters"),
        (lambda: krippendorff_alpha([[1, 2], [1]]), "unequal length"),
        (lambda: krippendorff_alpha([1, 2]), "items x raters"),
        (lambda: krippendorff_alpha(None), "items x raters"),
        (lambda: krippendorff_alpha([["1", "2"]]), "is a text"),
        (lambda: krippendorff_alpha([[1, None], [None, 2]]), "no item has two ratings"),
        (lambda: krippendorff_alpha([[1, math.inf]]), "infinite"),
        (lambda: gwet_ac2([[1, 2]], "cubic"), "identity, linear or quadratic, got 'cubic'"),
        (lambda: gwet_ac2([[1, 6]]), "rating 6 is none of the categories 1, 2, 3, 4, 5"),
        (lambda: gwet_ac2([[1, 2.5]]), "rating 2.5 is none"),
        (lambda: gwet_ac2([[None, None]]), "no item has two ratings"),
        (lambda: gwet_ac2([[1, 1]], categories=(1,)), "at least two categories"),
        (lambda: gwet_ac2([[1, 1]], categories=(1, 2, 2)), "each once"),
        (lambda: weighted_kappa([1, 2], [1]), "got 2 and 1"),
        (lambda: weighted_kappa([1, None], [None, 2]), "no item has two ratings"),
        (lambda: weighted_kappa([1, 0], [1, 2]), "rating 0 is none"),
        (lambda: weighted_kappa([1, 2], [1, math.inf]), "infinite"),
        (lambda: weighted_kappa([1, 2], [1, 2], "cubic"), "got 'cubic'"),
    ],
)
def test_what_cannot_be_measured_says_why(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def share_equal(own, others):
    return sum(a == b for a, b in zip(own, others, strict=True)) / len(own)


def correlation(own, others):
    return float(np.corrcoef(own, others)[0, 1]) if len(set(own)) > 1 and len(set(others)) > 1 else math.nan


def test_the_ceiling_holds_each_rater_against_the_others():
    humans = {"a": {1: 1, 2: 3, 3: 5}, "b": {1: 1, 2: 3, 3: None}, "c": {1: 2, 2: 5, 3: 5, 4: 1}}

    def closeness(own, others):
        return -sum(abs(a - b) for a, b in zip(own, others, strict=True))

    # a: others 1.5, 4, 5; b: 1.5, 4; c: 1, 3, 5 (item 4 has no other rater)
    found = human_ceiling(humans, closeness)
    assert [(r.rater, r.items, r.value) for r in found.raters] == [("a", 3, -1.5), ("b", 2, -1.5), ("c", 3, -3.0)]
    assert found.value == -2
    judge = {1: 2, 2: 4, 3: 5, 4: 5}
    assert [(r.items, r.value) for r in judge_against_mean(judge, humans, closeness).raters] == [
        (3, -0.5),
        (2, -0.5),
        (3, -2),
    ]


def test_a_judge_who_is_one_of_the_raters_reaches_that_raters_value():
    rng = np.random.default_rng(0)
    humans = {name: {k: float(rng.integers(1, 6)) for k in range(20)} for name in "abcd"}
    for combine in ("mean", "majority"):
        ceiling = human_ceiling(humans, share_equal, combine)
        for rater in ceiling.raters:
            judged = judge_against_mean(humans[rater.rater], humans, share_equal, combine)
            assert rater in judged.raters


def test_items_without_a_majority_do_not_count_and_the_judges_items_bound_the_ceiling():
    humans = {"a": {1: 1, 2: 1, 3: 2}, "b": {1: 1, 2: 2, 3: 2}, "c": {1: 1, 2: 3, 3: 1}}
    found = human_ceiling(humans, share_equal, "majority")
    assert [(r.rater, r.items, r.value) for r in found.raters] == [("a", 1, 1.0), ("b", 1, 1.0), ("c", 2, 0.5)]
    judge = {1: 1, 2: math.nan}
    judged = judge_against_mean(judge, humans, share_equal)
    bounded = human_ceiling(humans, share_equal, items=[1])
    assert (
        [(r.rater, r.items) for r in judged.raters]
        == [(r.rater, r.items) for r in bounded.raters]
        == [("a", 1), ("b", 1), ("c", 1)]
    )


def test_a_ceiling_without_a_value():
    humans = {"a": {1: 2, 2: 2}, "b": {1: 2, 2: 2}, "c": {1: 1, 2: 5}}
    found = human_ceiling(humans, lambda own, others: weighted_kappa(own, others, "identity"), "majority")
    # against c and one another no item has a majority for a and b; c meets a constant
    assert [r.rater for r in found.raters] == ["c"]
    assert found.value == 0
    alike = {"a": {1: 2, 2: 2}, "b": {1: 2, 2: 2}}
    assert math.isnan(human_ceiling(alike, lambda own, others: weighted_kappa(own, others)).value)
    # c never varies: without a statistic, c is shown and does not count
    some = human_ceiling({"a": {1: 1, 2: 5}, "b": {1: 1, 2: 5}, "c": {1: 3, 2: 3}}, correlation)
    assert [r.value for r in some.raters] == [pytest.approx(1), pytest.approx(1), pytest.approx(math.nan, nan_ok=True)]
    assert some.value == pytest.approx(1)
    with pytest.raises(ValueError, match="no item has labels of two raters"):
        human_ceiling({"a": {1: 1}, "b": {2: 1}}, share_equal)
    with pytest.raises(ValueError, match="mean or majority"):
        human_ceiling(alike, share_equal, "median")


def test_every_pair_of_raters_is_seen():
    """Alpha of three raters is no mean of pairs: dropping any one of them changes it."""
    table = GOLDEN[2]["ratings"]
    whole = krippendorff_alpha(table)
    for kept in combinations(range(3), 2):
        assert abs(krippendorff_alpha([[row[r] for r in kept] for row in table]) - whole) > 1e-3


def test_data_frames_are_tables_whatever_their_columns_are_called():
    pandas = pytest.importorskip("pandas")
    rows = [[5, 4], [2, 2], [3, None], [1, 2], [4, 4]]
    for columns in ([0, 1], ["Ann", "Bob"], ["Ann", "Bo"]):
        frame = pandas.DataFrame(rows, columns=columns)
        assert krippendorff_alpha(frame) == krippendorff_alpha(rows)
        assert gwet_ac2(frame.astype("Int64")) == gwet_ac2(rows)
