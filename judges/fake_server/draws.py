"""Draws that depend on nothing but what they are named after, so that a run of the server can be repeated."""

from __future__ import annotations

from hashlib import blake2b
from statistics import NormalDist

__all__ = ["normal", "uniform"]

_NORMAL = NormalDist()


def uniform(*name: str | int | bytes) -> float:
    """A number in [0, 1), the same for the same name.

    >>> uniform("flaky", 1) == uniform("flaky", 1) != uniform("flaky", 2)
    True
    """
    digest = blake2b(repr(name).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def normal(*name: str | int | bytes) -> float:
    """A number of the standard normal distribution, the same for the same name."""
    return _NORMAL.inv_cdf(max(uniform(*name), 2**-54))
