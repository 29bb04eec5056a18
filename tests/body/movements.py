"""Movements of the tests' own making, with known repetitions: nothing of the synthetic benchmark is in them."""

import numpy as np


def bump(x, sharp=1.0):
    """One repetition over 0..1: rest, up, rest."""
    return np.sin(np.pi * np.clip(x, 0, 1)) ** (2 * sharp)


def trace(periods, *, height=80.0, rest=10.0, rate=22.0, before=2.0, after=2.0, pause=0.0, skew=0.5, heights=None, shape="bump",
          drift=0.0, jitter=0.15, seed=0, alternating=False):  # fmt: skip
    """(angle in radians, times, key moments). ``skew``: where in a repetition the key moment lies."""
    rng = np.random.default_rng(seed)
    total = before + sum(periods) + pause * (len(periods) - 1) + after
    times = np.cumsum(np.full(int(total * rate), 1 / rate) * rng.uniform(1 - jitter, 1 + jitter, int(total * rate)))
    times = times[times < total]
    angle = np.full(len(times), rest)
    keys, now = [], before
    for k, period in enumerate(periods):
        x = (times - now) / period
        warped = np.where(x < skew, 0.5 * x / skew, 0.5 + 0.5 * (x - skew) / (1 - skew))
        inside = (x >= 0) & (x <= 1)
        h = height if heights is None else heights[k]
        y = bump(warped)
        if shape == "plateau":
            y = np.clip(1.6 * y, 0, 1)
        if shape == "bounce":
            y = y - 0.15 * np.exp(-(((warped - 0.5) / 0.06) ** 2))
        sign = -1 if alternating and k % 2 else 1
        angle = angle + np.where(inside, sign * h * y, 0.0)
        keys.append(now + skew * period)
        now += period + pause
    return np.radians(angle + drift * times / max(total, 1)), times, np.array(keys)


def noisy(angle, degrees, outliers=0.0, seed=0):
    rng = np.random.default_rng(seed)
    spoiled = angle + np.radians(rng.normal(0, degrees, len(angle)))
    hit = rng.random(len(angle)) < outliers
    return np.where(
        hit, spoiled + np.radians(rng.choice([-1, 1], len(angle)) * rng.uniform(40, 120, len(angle))), spoiled
    )


KINDS = {
    "squats": {"periods": [2.6] * 10},
    "skewed": {"periods": [2.6] * 10, "skew": 0.25},
    "slow": {"periods": [6.5] * 4},
    "very slow": {"periods": [7.5] * 3, "skew": 0.7},
    "quick": {"periods": [0.4] * 60, "height": 60},
    "quickest": {"periods": [0.35] * 60, "height": 50},
    "one": {"periods": [2.5], "before": 10, "after": 15},
    "two": {"periods": [2.5, 2.8], "before": 5, "after": 5},
    "three": {"periods": [1.5] * 3},
    "pauses": {"periods": [1.8] * 7, "pause": 2.0},
    "small": {"periods": [2.4] * 10, "height": 25},
    "weak half": {"periods": [2.4] * 10, "heights": [80, 40] * 5},
    "fatigue": {"periods": list(np.linspace(2.0, 3.2, 11)), "heights": list(np.linspace(90, 60, 11))},
    "drift": {"periods": [2.4] * 10, "drift": 40.0},
    "plateau": {"periods": [3.0] * 9, "shape": "plateau"},
    "bounce": {"periods": [3.0] * 9, "shape": "bounce"},
    "motion capture": {"periods": [2.2] * 10, "rate": 100.0, "jitter": 0.0},
    "uneven tempo": {"periods": [2.0, 3.1, 2.2, 2.9, 1.8, 2.6, 3.0, 2.1]},
}
