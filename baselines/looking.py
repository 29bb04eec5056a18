"""What the systems that look at the body share: one exercise after the other, silence where nobody is seen, failures by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from biobench.body.motion import Motion
from biobench.exercises import find_exercise
from biobench.models import Failure, PartlyFailed, exercise_segments
from biobench.readers.json_locate import shown
from biobench.records import Benchmark, Entry, Feedback, Segment
from biocoach_model.inputs import InputFailure, Inputs, SegmentInputs

__all__ = ["SEEN_S", "answers", "poses_of", "seen_at"]

SEEN_S = 1.0
"""After so long without a pose there is nobody to speak to."""


def answers(
    benchmark: Benchmark, inputs: Inputs, say: Callable[[Segment, SegmentInputs], Sequence[Feedback]]
) -> list[Entry]:
    """What ``say`` says of every exercise of a benchmark, in order.

    Raises ``PartlyFailed`` at the end, with the whole answer, where the inputs or ``say`` raised ``InputFailure``.
    """
    entries, failures = [], []
    for segment in exercise_segments(benchmark):
        said: Sequence[Feedback] = ()
        try:
            said = say(segment, inputs.of(segment))
        except InputFailure as failure:
            failures.append(Failure(segment.id, str(failure)))
        entries.append(Entry(segment.id, tuple(said)))
    if failures:
        raise PartlyFailed(entries, failures)
    return entries


def poses_of(segment: Segment, seen: SegmentInputs) -> Motion:
    """The poses of an exercise that the catalogue has. Raises ``InputFailure`` for any other."""
    if find_exercise(segment.exercise) is None:
        raise InputFailure(f"the catalogue has no exercise {shown(segment.exercise)}")
    if seen.motion is None:
        raise InputFailure("no poses were read")
    return seen.motion


def seen_at(motion: Motion, at_s: float) -> bool:
    """Whether somebody was seen in the second before a time."""
    return bool(np.any(motion.valid[(motion.times_s > at_s - SEEN_S) & (motion.times_s <= at_s)]))
