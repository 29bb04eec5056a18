"""Random numbers that are the same on every Python and every machine.

Only ``random.Random.random()`` of an integer seed and plain arithmetic are used: no logarithm or power of the C
library, no ``sum`` of floats (its rounding changed in Python 3.12). Every stream has a name, so that one more video or
one more annotator changes no other.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Draw", "exponential"]

T = TypeVar("T")


class Draw:
    """The stream of draws with this name; names are joined with a slash."""

    def __init__(self, *names: str | int) -> None:
        digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
        self._random = random.Random(int.from_bytes(digest[:8], "big")).random

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return self._random()

    def between(self, low: float, high: float) -> float:
        """Uniform."""
        return low + (high - low) * self._random()

    def bell(self, low: float, high: float) -> float:
        """Around the middle of [low, high): the mean of three uniform draws."""
        return low + (high - low) * (self._random() + self._random() + self._random()) / 3.0

    def chance(self, share: float) -> bool:
        """True in ``share`` of the cases."""
        return self._random() < share

    def pick(self, items: Sequence[T]) -> T:
        """One of them, each as likely as the others."""
        return items[int(self._random() * len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of them, as likely as its weight."""
        total = 0.0
        for weight in weights:
            total += weight
        place = self._random() * total
        for item, weight in zip(items, weights, strict=True):
            place -= weight
            if place < 0.0:
                return item
        return items[-1]

    def normal(self) -> float:
        """Standard normal, but for its far tails: the sum of twelve uniform draws less six."""
        total = -6.0
        for _ in range(12):
            total += self._random()
        return total

    def lognormal(self, median: float, spread: float) -> float:
        """Lognormal with this median; ``spread`` is the standard deviation of its logarithm."""
        return median * exponential(spread * self.normal())


def exponential(x: float) -> float:
    """The exponential function by its series, for -10 < x < 10: the same digits everywhere, unlike the C library's.

    >>> exponential(0.0), round(exponential(1.0), 12)
    (1.0, 2.718281828459)
    """
    if x < 0.0:
        return 1.0 / exponential(-x)
    total = term = 1.0
    for k in range(1, 60):
        term *= x / k
        total += term
    return total
