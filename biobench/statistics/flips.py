"""Differences of all pairs of systems under flipped signs: what they might be if all systems were equal."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from biobench.statistics.seeds import generator
from biobench.statistics.sums import Floats

__all__ = ["PairFlips"]

# Contributions are derivatives, precise to about 1e-10: what differs by less is no difference.
_NO_DIFFERENCE = 1e-9
_VECTORS_AT_ONCE = 64
"""So that a block of systems times vectors stays in a processor's cache."""


class PairFlips:
    """All pairs of systems, their differences in each cluster, and the statistics under flipped signs.

    ``parts``, shape (systems, G), is what each cluster adds to each score. The statistic of a pair is
    ``|sum d| / sqrt(sum d^2)`` of its differences d.
    """

    def __init__(self, parts: Floats) -> None:
        self.pairs = np.array(list(combinations(range(len(parts)), 2)), dtype=np.int64)
        first, second = self.pairs.T
        differences = parts[first] - parts[second]
        size = np.abs(parts).max(axis=1)
        nothing = np.abs(differences).max(axis=1) <= _NO_DIFFERENCE * np.maximum(size[first], size[second])
        self.differences: Floats = np.where(nothing[:, None], 0.0, differences)
        self._parts = parts
        length = np.sqrt((self.differences**2).sum(axis=1))
        self._per_length = np.divide(1.0, length, out=np.zeros(len(length)), where=length > 0)
        self.observed: Floats = np.abs(self.differences.sum(axis=1)) * self._per_length

    def flipped(self, exact: bool, draws: int, seed: int) -> Iterator[Floats]:
        """The statistics of all pairs under each sign vector, (pairs, vectors), some vectors at a time."""
        clusters = self.differences.shape[1]
        signs = _every_sign(clusters) if exact else _drawn_signs(clusters, draws, seed)
        first, second = self.pairs.T
        at_once = max(1, 2_000_000 // len(self.pairs))
        for start in range(0, signs.shape[1], at_once):
            part = signs[:, start : start + at_once]
            # One product a system, not one a pair. (einsum: see wild.py.)
            of_system = np.einsum("ng,gv->nv", self._parts, part)
            total = of_system[first] - of_system[second]
            np.abs(total, out=total)
            total *= self._per_length[:, None]
            yield total

    def largest(self, exact: bool, draws: int, seed: int, among: NDArray[np.bool_] | None = None) -> Floats:
        """The largest statistic under each sign vector, shape (vectors,), ``among`` the pairs chosen (default: all).

        The same numbers as the maximum of ``flipped``, one system against all later ones at a time: a thousand systems
        are half a million pairs, and no array of pairs times vectors is ever held.
        """
        systems, clusters = self._parts.shape
        signs = _every_sign(clusters) if exact else _drawn_signs(clusters, draws, seed)
        counted = self._per_length > 0 if among is None else among & (self._per_length > 0)
        starts = np.concatenate([[0], np.cumsum(np.arange(systems - 1, 0, -1))])
        against = [np.flatnonzero(counted[starts[k] : starts[k + 1]]) for k in range(systems - 1)]
        per_length = [self._per_length[starts[k] + others][:, None] for k, others in enumerate(against)]
        found = np.zeros(signs.shape[1])
        for start in range(0, signs.shape[1], _VECTORS_AT_ONCE):
            of_system = np.einsum("ng,gv->nv", self._parts, signs[:, start : start + _VECTORS_AT_ONCE])
            largest = found[start : start + _VECTORS_AT_ONCE]
            for k, others in enumerate(against):
                if len(others):
                    total = np.subtract(of_system[k], of_system[k + 1 + others])
                    np.abs(total, out=total)
                    total *= per_length[k]
                    np.maximum(largest, total.max(axis=0), out=largest)
        return found


@lru_cache(maxsize=4)
def _every_sign(clusters: int) -> Floats:
    """Half of all sign vectors, (G, 2^(G-1)): the rest are their negatives and give the same statistics."""
    vectors = np.arange(2 ** (clusters - 1))
    bits = (vectors[None, :] >> np.arange(clusters)[:, None]) & 1
    return _frozen(1 - 2 * bits.astype(np.float64))


@lru_cache(maxsize=4)
def _drawn_signs(clusters: int, draws: int, seed: int) -> Floats:
    bits = generator("sign vectors", seed).integers(0, 2, size=(clusters, draws))
    return _frozen(1 - 2 * bits.astype(np.float64))


def _frozen(array: Floats) -> Floats:
    array.flags.writeable = False
    return array
