"""What is judged: one matched pair of a reference remark and a prediction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from biobench.exercises import find_exercise
from biobench.matching import SegmentMatch

__all__ = ["Item", "Question", "items_of"]


class Question(NamedTuple):
    """What a judge sees of an item. Equal questions are asked once, whoever said the texts and when."""

    exercise: str
    reference: str
    prediction: str
    kinematics: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One matched pair. Times are seconds from the segment's start; ``id`` is ``<segment>#<k>``, k-th pair from 0.

    ``video`` is empty for saved pairs, which do not say it.
    """

    id: str
    system: str
    protocol: str
    video: str
    segment: str
    exercise: str
    reference: str
    prediction: str
    reference_time_s: float
    prediction_time_s: float
    kinematics: str | None = None

    @property
    def question(self) -> Question:
        """What the judge is asked about it."""
        return Question(self.exercise, self.reference, self.prediction, self.kinematics)


def items_of(matches: Iterable[SegmentMatch], system: str, protocol: str) -> tuple[Item, ...]:
    """The matched pairs of a system under a protocol, in order.

    An exercise that is known goes by its own name, so that two protocols which spell it differently ask one question.
    """
    items = []
    for match in matches:
        segment = match.segment
        found = find_exercise(segment.exercise)
        exercise = segment.exercise if found is None else " ".join(filter(None, found))
        for k, (i, j) in enumerate(match.pairs):
            reference, prediction = segment.feedbacks[i], match.predictions[j]
            items.append(
                Item(
                    id=f"{segment.id}#{k}",
                    system=system,
                    protocol=protocol,
                    video=segment.video,
                    segment=segment.id,
                    exercise=exercise,
                    reference=reference.text,
                    prediction=prediction.text,
                    reference_time_s=reference.time_s,
                    prediction_time_s=prediction.time_s,
                )
            )
    return tuple(items)
