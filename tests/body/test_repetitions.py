"""Repetitions in movements with known ones, none of them the synthetic benchmark's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from movements import KINDS, noisy, trace

from biobench.body.repetitions import LONGEST_GAP_S, find_repetitions

CLEAR_KEY = sorted(set(KINDS) - {"skewed", "very slow"})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("degrees", "outliers", "allowed"), [(0, 0, 0), (2.5, 0, 0.1), (5, 0.02, 0.3)])
def test_counts(kind, degrees, outliers, allowed):
    errors = []
    for seed in range(10):
        angle, times, keys = trace(**KINDS[kind], seed=seed)
        errors.append(abs(len(find_repetitions(noisy(angle, degrees, outliers, seed), times)) - len(keys)))
    assert np.mean(errors) <= allowed


@pytest.mark.parametrize("kind", CLEAR_KEY)
def test_key_moments(kind):
    for seed in range(6):
        angle, times, keys = trace(**KINDS[kind], seed=seed)
        found = [r.key_s for r in find_repetitions(noisy(angle, 2.5, 0, seed), times)]
        assert np.max(np.abs(np.array(found) - keys)) < 0.15


def test_a_repetition_begins_and_ends_at_rest():
    angle, times, keys = trace([2.0] * 6, pause=3.0)
    for repetition, key in zip(find_repetitions(angle, times), keys, strict=True):
        assert repetition.start_s == pytest.approx(key - 1.0, abs=0.3)
        assert repetition.end_s == pytest.approx(key + 1.0, abs=0.3)
        assert repetition.low_deg == pytest.approx(10, abs=9)
        assert repetition.high_deg == pytest.approx(90, abs=4)


@pytest.mark.parametrize(("degrees", "outliers", "breath", "allowed"), [(2, 0, 3, 0), (5, 0, 2, 0), (5, 0.02, 2, 0.2)])
def test_standing_and_holding_are_no_repetitions(degrees, outliers, breath, allowed):
    counts = []
    for seed in range(20):
        times = np.arange(0, 30, 1 / 22)
        angle = np.radians(20 + breath * np.sin(2 * np.pi * times / 4))
        counts.append(len(find_repetitions(noisy(angle, degrees, outliers, seed), times)))
    assert np.mean(counts) <= allowed


def test_an_exercise_that_is_held_has_none():
    angle, times, _ = trace([2.6] * 10)
    assert find_repetitions(angle, times, "quad stretch left") == []
    assert len(find_repetitions(angle, times, "squats")) == 10
    assert len(find_repetitions(angle, times, "burpees")) == 10


@pytest.mark.parametrize(("period", "height"), [(0.45, 80), (2.5, 90), (1.4, 60)])
@pytest.mark.parametrize("exercise", ["high knees", None])
def test_alternating_movements_swing_to_both_sides(period, height, exercise):
    options = {} if exercise else {"alternating": True}
    for seed in range(5):
        angle, times, keys = trace([period] * int(24 / period), height=height, rest=0, alternating=True, seed=seed)
        found = find_repetitions(noisy(angle, 2.5, 0, seed), times, exercise, **options)
        assert len(found) == len(keys)
        assert [r.sign for r in found] == [1, -1] * (len(keys) // 2) + [1] * (len(keys) % 2)


kinds = st.sampled_from(sorted(KINDS))


def counted(angle, times, **options):
    return [(r.start_s, r.key_s, r.end_s) for r in find_repetitions(angle, times, **options)]


@given(kinds, st.integers(0, 50), st.floats(-1e4, 1e4), st.floats(-100, 100))
@settings(max_examples=25, deadline=None)
def test_neither_the_clock_nor_a_constant_matters(kind, seed, shift, degrees):
    angle, times, _ = trace(**KINDS[kind], seed=seed)
    here, there = counted(angle, times), counted(angle + np.radians(degrees), times + shift)
    assert np.allclose(np.array(there) - shift, here, atol=0.05)


@given(kinds, st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_upside_down_is_the_same_with_the_other_key(kind, seed):
    angle, times, _ = trace(**KINDS[kind], seed=seed)
    assert counted(angle, times) == counted(-angle, times, key="min")


@given(kinds, st.integers(0, 50), st.sampled_from([30.0, 60.0]))
@settings(max_examples=25, deadline=None)
def test_another_rate_gives_the_same(kind, seed, rate):
    angle, times, _ = trace(**KINDS[kind], seed=seed)
    even = np.arange(times[0], times[-1], 1 / rate)
    here, there = counted(angle, times), counted(np.interp(even, times, angle), even)
    assert len(here) == len(there)
    assert np.allclose(np.array(here), np.array(there), atol=0.12)


@given(kinds, st.integers(0, 50), st.floats(0.1, 0.9))
@settings(max_examples=25, deadline=None)
def test_a_short_gap_changes_nothing(kind, seed, place):
    angle, times, keys = trace(**KINDS[kind], seed=seed)
    start = times[0] + place * (times[-1] - times[0])
    length = min(0.12, KINDS[kind]["periods"][0] / 5)
    spoiled = np.where((times > start) & (times < start + length), np.nan, angle)
    assert len(find_repetitions(spoiled, times)) == len(keys)


@given(st.integers(0, 50), st.floats(0.2, 0.8))
@settings(max_examples=25, deadline=None)
def test_nothing_is_counted_across_a_long_gap(seed, place):
    angle, times, _ = trace([2.6] * 10, seed=seed)
    start = times[0] + place * (times[-1] - times[0])
    gone = (times > start) & (times < start + 1.2)
    for r in find_repetitions(np.where(gone, np.nan, angle), times):
        assert r.end_s <= start + 0.1 or r.start_s >= start + 1.2 - LONGEST_GAP_S


def test_wraps_are_undone():
    angle, times, keys = trace([2.6] * 8, rest=150.0, height=80.0)
    wrapped = np.angle(np.exp(1j * angle))
    assert np.any(np.abs(np.diff(wrapped)) > 3)
    assert len(find_repetitions(wrapped, times)) == len(keys)


@pytest.mark.parametrize("size", [0, 1, 2, 5, 9])
def test_short_recordings(size):
    assert find_repetitions(np.linspace(0, 1, size), np.arange(size) / 22) == []


def test_bad_input():
    with pytest.raises(ValueError, match="one angle a time"):
        find_repetitions(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="rise"):
        find_repetitions(np.zeros(3), np.array([0.0, 2.0, 1.0]))
    assert find_repetitions(np.full(100, np.nan), np.arange(100) / 22) == []
