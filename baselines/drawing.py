"""Chance that depends on the seed and on one segment only, so that another video in the data changes nothing here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache

import numpy as np

from biobench.exercises import find_exercise
from biobench.records import Segment

__all__ = ["generator", "others_by_lot", "same_exercise", "stable_hash"]


def stable_hash(text: str) -> int:
    """The first 8 bytes of the text's SHA-256, big-endian: the same number everywhere.

    >>> stable_hash("0001_0")
    630618094539038311
    """
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def generator(seed: int, key: str) -> np.random.Generator:
    """The generator of one segment (or of whatever ``key`` names) under a seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stable_hash(key)])))


def others_by_lot(segment: Segment, segments: Iterable[Segment], seed: int) -> list[Segment]:
    """The segments of other videos in an order drawn for this segment, those of its exercise (either side) first.

    Every pair of segments has its own lot: a new segment takes its place among the others and moves none of them.
    """
    others = [other for other in segments if other.video != segment.video]
    others.sort(
        key=lambda other: (
            not same_exercise(segment, other), stable_hash(f"{seed}\n{segment.id}\n{other.id}"), other.id
        )
    )  # fmt: skip
    return others


def same_exercise(one: Segment, other: Segment) -> bool:
    """Whether two segments show one exercise, sides apart."""
    return _exercise(one.exercise) == _exercise(other.exercise)


@cache
def _exercise(spelling: str) -> str:
    found = find_exercise(spelling)
    return found.name if found else spelling.casefold()
