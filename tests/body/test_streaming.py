"""Counting while it happens: causal, the same as afterwards, in constant memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from movements import KINDS, noisy, trace

from biobench.body.repetitions import find_repetitions
from biobench.body.streaming import RepetitionCounter

STEADY = sorted(set(KINDS) - {"weak half"})


def streamed(angle, times, **options):
    counter = RepetitionCounter(**options)
    return [(t, r) for a, t in zip(angle, times, strict=True) for r in counter.push(float(a), float(t))]


@pytest.mark.parametrize("kind", STEADY)
@pytest.mark.parametrize("degrees", [0, 2.5])
def test_streaming_and_offline_agree_on_all_but_the_last(kind, degrees):
    """Key moments within a quarter of a second or a tenth of the repetition: rhythm, and with it smoothing, is learnt on the way."""
    for seed in range(2):
        angle, times, _ = trace(**KINDS[kind], seed=seed)
        angle = noisy(angle, degrees, 0, seed)
        offline = find_repetitions(angle, times)[:-1]
        online = [r for _, r in streamed(angle, times)]
        keys = [r.key_s for r in online]
        assert len(keys) in {len(offline), len(offline) + 1}
        for k, repetition in enumerate(offline):
            assert keys[k] == pytest.approx(repetition.key_s, abs=max(0.25, 0.1 * repetition.duration_s))


def test_repetitions_come_in_order_once_and_soon():
    angle, times, keys = trace([2.6] * 10, after=4.0)
    found = streamed(angle, times)
    assert len(found) == len(keys)
    for (told_s, repetition), key in zip(found, keys, strict=True):
        assert abs(repetition.key_s - key) < 0.15
        assert repetition.end_s < told_s < repetition.end_s + 1.5


@given(st.sampled_from(sorted(KINDS)), st.floats(0.2, 0.9), st.integers(0, 20))
@settings(max_examples=8, deadline=None)
def test_what_is_told_depends_on_nothing_later(kind, share, seed):
    angle, times, _ = trace(**KINDS[kind], seed=seed)
    cut = int(share * len(times))
    changed = angle.copy()
    changed[cut:] = np.random.default_rng(seed).normal(0, 2, len(angle) - cut)
    until = [(t, r) for t, r in streamed(angle, times) if t < times[cut]]
    assert until == [(t, r) for t, r in streamed(changed, times) if t < times[cut]]
    assert until == streamed(angle[:cut], times[:cut])


def test_standing_counts_nothing():
    times = np.arange(0, 60, 1 / 22)
    assert streamed(noisy(np.full(len(times), 0.3), 3, 0, 1), times) == []


def test_memory_does_not_grow():
    counter = RepetitionCounter()
    for k in range(60 * 22 * 3):
        counter.push(0.0, k / 22)
    assert len(counter._angles) <= 40 * 22 + 2


def test_times_must_rise():
    counter = RepetitionCounter()
    counter.push(0.0, 1.0)
    for bad in (1.0, 0.5, float("nan")):
        with pytest.raises(ValueError, match="expected a time after"):
            counter.push(0.0, bad)
