"""The restricted wild cluster test, for tables where a few clusters hold most of what is counted.

Of the score's distance from a supposed true value, cluster g contributes ``e_g = psi_g + shift * w_g``: its
influence and its share of the denominator, ``shift`` being estimate minus supposed value. The statistic ``sum
e / sqrt(sum e^2)`` is compared with its values when each e_g is multiplied by a random weight of mean 0 and
variance 1. "Restricted" means that the residuals are those under the supposed value, which is what keeps the
test honest with few, unequal clusters (Cameron, Gelbach and Miller 2008; Djogbenou, MacKinnon and Nielsen
2019). The weights have Webb's six points, since two points give too few distinct values for few clusters
(Webb 2014).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from biobench.statistics.seeds import generator

__all__ = ["WildTest"]

_POINTS = np.sqrt(np.array([1.5, 1.0, 0.5]))
_MOST_POINTS = 300_000
_DRAWS = 9_999
# Weights that differ only in sign, or in the order of equal clusters, tie; rounding must not decide between
# them.
_TIE = 1e-9


class WildTest:
    """p values for every supposed value of a score, and the values that are not rejected.

    ``influence`` (G,) sums to 0 and ``shares`` (G,) to 1. All ``6^G`` weights are used up to seven clusters,
    without a seed; beyond that 9,999 are drawn, and p = (k + 1) / (n + 1).

    >>> even = WildTest(np.array([0.02, -0.01, 0.01, -0.02, 0.0]), np.full(5, 0.2))
    >>> even.p(0.0), even.p(0.2) < 0.05
    (1.0, True)
    """

    def __init__(self, influence: NDArray[np.float64], shares: NDArray[np.float64], seed: int = 0) -> None:
        self.influence = influence
        self.shares = shares
        self.exact = 6 ** len(shares) <= _MOST_POINTS
        weights, squared = _every_weight(len(shares)) if self.exact else _drawn_weights(len(shares), seed)
        # Of (sum v e)^2 and sum (v e)^2 as polynomials of the shift, the coefficients of 1, shift and
        # shift^2; one supposed value then costs one product with six rows, not two with G.
        of_influence, of_shares = np.einsum("ig,gj->ij", np.stack([influence, shares]), weights)
        self._coefficients = np.empty((6, weights.shape[1]))
        np.multiply(of_influence, of_influence, out=self._coefficients[0])
        np.multiply(2 * of_influence, of_shares, out=self._coefficients[1])
        np.multiply(of_shares, of_shares, out=self._coefficients[2])
        products = np.stack([influence * influence, 2 * influence * shares, shares * shares])
        np.einsum("ig,gj->ij", products, squared, out=self._coefficients[3:])

    def p(self, shift: float) -> float:
        """The p value of the value that lies ``shift`` below the estimate (two-sided)."""
        if shift == 0:
            return 1.0
        parts = self.influence + shift * self.shares
        powers = np.array([1.0, shift, shift * shift])
        return self._p(powers, shift * shift / float(parts @ parts))

    def bounds(self, alpha: float, scale: float) -> tuple[float, float] | None:
        """The lowest and highest distance from the estimate that is not rejected at ``alpha``.

        To 1e-6 of ``scale``, which should be near the half-width. None where no distance, however great, is
        rejected: the clusters are too few, or one of them is nearly all.
        """
        # Far away only the shares matter, on either side alike.
        if self._p(np.array([0.0, 0.0, 1.0]), float(1 / (self.shares @ self.shares))) > alpha:
            return None
        return -self._furthest(alpha, scale, 1.0), self._furthest(alpha, scale, -1.0)

    def _p(self, powers: NDArray[np.float64], observed: float) -> float:
        threshold = observed * (1 - _TIE)
        # einsum, since a threaded product of this shape takes a hundred times as long when other processes
        # keep the cores.
        margins = np.einsum("i,ij->j", np.concatenate([powers, -threshold * powers]), self._coefficients)
        count, points = int((margins >= 0).sum()), len(margins)
        return count / points if self.exact else (count + 1) / (points + 1)

    def _furthest(self, alpha: float, scale: float, sign: float) -> float:
        outside = scale
        while self.p(sign * outside) > alpha:
            outside *= 2
        inside = outside / 2 if outside > scale else 0.0
        while outside - inside > 1e-6 * scale:
            middle = (inside + outside) / 2
            if self.p(sign * middle) > alpha:
                inside = middle
            else:
                outside = middle
        return inside


@lru_cache(maxsize=4)
def _every_weight(clusters: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Half of all weights and their squares, each (G, 6^G / 2).

    The other half are their negatives, whose statistics are the same but for the sign.
    """
    six = np.concatenate([_POINTS, -_POINTS])
    grid = np.meshgrid(_POINTS, *[six] * (clusters - 1), indexing="ij")
    return _with_squares(np.stack(grid).reshape(clusters, -1))


@lru_cache(maxsize=4)
def _drawn_weights(clusters: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    six = np.concatenate([_POINTS, -_POINTS])
    return _with_squares(generator("wild weights", seed).choice(six, size=(clusters, _DRAWS)))


def _with_squares(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    squared = weights * weights
    for array in (weights, squared):
        array.flags.writeable = False
    return weights, squared
