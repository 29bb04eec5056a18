"""Student's t without scipy, which takes longer to import than a whole evaluation takes to run."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

__all__ = ["power_of_t", "t_quantile", "two_sided_p"]


def two_sided_p(t: float, df: int) -> float:
    """``P(|T| >= |t|)`` with ``df`` degrees of freedom; small values keep their relative precision.

    The regularised incomplete beta function ``I_x(df/2, 1/2)`` at ``x = df / (df + t^2)``, by its continued
    fraction (NIST Digital Library of Mathematical Functions, 8.17.22). Raises ``ValueError`` for NaN and for
    ``df`` under 1.

    >>> round(two_sided_p(2.4469118511449692, 6), 12)
    0.05
    """
    if math.isnan(t) or df < 1:
        raise ValueError(f"expected a number and at least 1 degree of freedom, got t = {t}, df = {df}")
    if math.isinf(t):
        return 0.0
    x, rest = df / (df + t * t), t * t / (df + t * t)
    a, b = df / 2, 0.5
    log_front = a * math.log(x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front) * math.sqrt(rest)
    # The fraction converges fast on this side of the mean; the other side is its mirror image.
    if x < (a + 1) / (a + b + 2):
        return front / a / _beta_fraction(a, b, x)
    return 1 - front / b / _beta_fraction(b, a, rest)


@lru_cache(maxsize=256)
def t_quantile(p: float, df: int) -> float:
    """The value that T with ``df`` degrees of freedom stays under with probability ``p``.

    Newton's method from 0: the tail is convex there, so no step goes too far. Raises ``ValueError`` unless 0
    < p < 1.

    >>> round(t_quantile(0.975, 6), 10)
    2.4469118511
    """
    if not 0 < p < 1 or df < 1:
        raise ValueError(f"expected 0 < p < 1 and at least 1 degree of freedom, got p = {p}, df = {df}")
    wanted = 2 * min(p, 1 - p)
    log_norm = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    t = 0.0
    for _ in range(500):
        density = math.exp(log_norm - (df + 1) / 2 * math.log1p(t * t / df))
        step = (two_sided_p(t, df) - wanted) / (2 * density)
        t += step
        if step <= 1e-14 * t:
            return t if p > 0.5 else -t
    raise AssertionError(f"no quantile found for p = {p}, df = {df}")


def power_of_t(noncentrality: float, df: int, alpha: float = 0.05) -> float:
    """How often a two-sided t test at ``alpha`` rejects a mean ``noncentrality`` standard errors away from 0.

    The noncentral t distribution, integrated over the estimated standard deviation (Gauss-Legendre).

    >>> round(power_of_t(0.0, 6), 6)
    0.05
    """
    critical = t_quantile(1 - alpha / 2, df)
    # u = estimated / true standard deviation: 12 standard deviations of u either side of 1 hold all that
    # counts.
    reach = 12 / math.sqrt(2 * df)
    low, high = max(0.0, 1 - reach), 1 + reach
    log_norm = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
    total = 0.0
    for node, weight in _quadrature():
        u = low + (high - low) * (node + 1) / 2
        density = math.exp(log_norm + (df - 1) * math.log(u) - df * u * u / 2)
        rejected = _normal_cdf(noncentrality - critical * u) + _normal_cdf(-noncentrality - critical * u)
        total += weight * density * rejected
    return min(1.0, total * (high - low) / 2)


@lru_cache(maxsize=1)
def _quadrature() -> tuple[tuple[float, float], ...]:
    nodes, weights = np.polynomial.legendre.leggauss(160)
    return tuple(zip(nodes.tolist(), weights.tolist(), strict=True))


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, from its far end; sqrt(max(a, b)) terms do."""
    value = 1.0
    for m in range(30 + 4 * math.isqrt(int(max(a, b))), 0, -1):
        value = 1 + m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)) / value
        k = m - 1
        value = 1 - (a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)) / value
    return value


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))
