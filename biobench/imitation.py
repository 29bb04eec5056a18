"""Two systems of equal worth that nobody built: what two good systems on a benchmark could differ by through chance alone."""

from __future__ import annotations

import hashlib

import numpy as np

from biobench.protocols import Biobench1
from biobench.records import Benchmark, Entry, Feedback, Predictions

__all__ = ["imitations"]

_KEPT, _LATE_S, _JITTER_S = 0.7, 0.4, 0.6


def imitations(benchmark: Benchmark) -> tuple[Predictions, Predictions]:
    """The references, 30 % left out at random and the others late by 0.4 s on average (sd 0.6 s); twice, drawn apart."""
    first, second = (_imitation(benchmark, number) for number in (1, 2))
    return first, second


def _imitation(benchmark: Benchmark, number: int) -> Predictions:
    parts = Biobench1().segments(benchmark)
    entries = []
    for segment in parts.scored:
        own = int.from_bytes(hashlib.sha256(segment.id.encode()).digest()[:8], "big")
        rng = np.random.default_rng(np.random.SeedSequence([number, own]))
        kept = rng.random(len(segment.feedbacks)) < _KEPT
        late = rng.normal(_LATE_S, _JITTER_S, len(segment.feedbacks))
        remarks = tuple(
            Feedback(min(max(feedback.time_s + delay, 0.0), segment.duration_s), feedback.text)
            for feedback, keep, delay in zip(segment.feedbacks, kept.tolist(), late.tolist(), strict=True)
            if keep
        )
        entries.append(Entry(segment.id, remarks))
    name = f"imitation {number}"
    return Predictions(name, "native", "segment", tuple(entries), source=name, source_sha256="0" * 64)
