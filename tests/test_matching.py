"""The published matcher against FitCoach's own, and its stated properties."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.matching import match_published

GOLDEN = json.loads(Path(__file__).with_name("data").joinpath("matching.json").read_text())
TIMES = st.lists(st.floats(0, 60), max_size=12)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["kind"])
def test_both_passes_equal_the_reference(case):
    first = match_published(case["gt_times"], case["pred_times"], case["pred_texts"], GOLDEN["tolerance"])
    second = match_published(case["pred_times"], case["gt_times"], case["gt_texts"], GOLDEN["tolerance"])
    assert [[case["gt_texts"][i], case["pred_texts"][j]] for i, j in first] == case["pairs"]
    assert (len(first), len(second)) == (case["matched_gt"], case["matched_pred"])


def test_pooled_t_f_score_equals_the_reference():
    pooled = GOLDEN["pooled"]
    precision = pooled["total_matched_pred_feedbacks"] / (pooled["total_num_pred_feedbacks"] + 1e-12)
    recall = pooled["total_matched_gt_feedbacks"] / (pooled["total_num_gt_feedbacks"] + 1e-12)
    assert 2 * precision * recall / (precision + recall + 1e-12) == pytest.approx(GOLDEN["t_f_score"], abs=1e-12)
    assert sum(len(case["gt_times"]) for case in GOLDEN["cases"]) == pooled["total_num_gt_feedbacks"]


def test_half_the_tolerance_is_not_reached():
    assert match_published([10.0], [11.5], ["a"]) == []
    assert match_published([10.0], [11.499999], ["a"]) == [(0, 0)]


def test_blank_nearest_prediction_blocks_the_match():
    assert match_published([10.0], [10.1, 10.2], ["", "a"]) == []


def test_first_of_equally_near_predictions_is_taken():
    assert match_published([10.0], [9.0, 11.0], ["a", "b"]) == [(0, 0)]


def test_an_index_is_never_taken_after_a_greater_one():
    assert match_published([10.0, 5.0], [5.0, 10.0], ["a", "b"]) == [(0, 1)]


def test_greedy_matching_misses_what_optimal_matching_would_find():
    assert match_published([10.0, 11.0], [9.0, 10.9], ["a", "b"]) == [(0, 1)]
    assert match_published([9.0, 10.9], [10.0, 11.0], ["a", "b"]) == [(0, 0), (1, 1)]


def test_unequal_columns_are_refused():
    with pytest.raises(ValueError, match="2 prediction times but 1 texts"):
        match_published([1.0], [1.0, 2.0], ["a"])


@given(TIMES, TIMES)
def test_pairs_are_increasing_and_within_tolerance(references, predictions):
    pairs = match_published(references, predictions, ["x"] * len(predictions))
    assert all(abs(references[i] - predictions[j]) < 1.5 for i, j in pairs)
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in zip(pairs, pairs[1:], strict=False))


@given(TIMES)
def test_a_perfect_sorted_answer_without_duplicates_matches_everything(times):
    times = sorted(set(times))
    assert match_published(times, times, ["x"] * len(times)) == [(k, k) for k in range(len(times))]
