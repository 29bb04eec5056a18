"""Differences of all pairs of systems under flipped signs: what they might be if all systems were equal."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

import numpy as np

from biobench.statistics.seeds import generator
from biobench.statistics.sums import Floats

__all__ = ["PairFlips"]

# Contributions are derivatives, precise to about 1e-10: what differs by less is no difference.
_NO_DIFFERENCE = 1e-9


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
