"""Which prediction answers which reference remark: the published matcher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biobench.records import Feedback, Segment

__all__ = ["SegmentMatch", "match_published"]


@dataclass(frozen=True, slots=True)
class SegmentMatch:
    """One segment with a system's remarks and who matches whom.

    ``predictions`` are as the protocol reads them, times from the segment's start. ``pairs`` are (reference, prediction)
    indices of the matching that recall and text metrics read; ``precision_pairs`` those that precision reads (the same
    matching, but for the published protocols, which match twice). ``predicted`` is False where the file has no entry.
    """

    segment: Segment
    predictions: tuple[Feedback, ...]
    pairs: tuple[tuple[int, int], ...]
    precision_pairs: tuple[tuple[int, int], ...]
    predicted: bool

    @property
    def text_pairs(self) -> tuple[tuple[str, str], ...]:
        """(reference text, prediction text) of every pair."""
        references, predictions = self.segment.feedbacks, self.predictions
        return tuple((references[i].text, predictions[j].text) for i, j in self.pairs)


def match_published(
    reference_times: Sequence[float],
    prediction_times: Sequence[float],
    prediction_texts: Sequence[str],
    tolerance_s: float = 3.0,
) -> list[tuple[int, int]]:
    """One pass of the matcher of QEVD-fit-coach and VAR-2026, as index pairs (reference, prediction).

    Each reference time, in the given order, takes its nearest prediction (the first of equals) and keeps it when the
    distance is strictly under half of ``tolerance_s`` (the full width, seconds), the prediction's index is greater than
    every index kept before, and its text is not ``""``. Nothing is sorted. Call it with the roles swapped for precision.

    >>> match_published([10.0, 11.0], [9.0, 10.9], ["lower", "chest up"])
    [(0, 1)]
    """
    if len(prediction_times) != len(prediction_texts):
        raise ValueError(f"{len(prediction_times)} prediction times but {len(prediction_texts)} texts")
    pairs: list[tuple[int, int]] = []
    if not len(prediction_times):
        return pairs
    half_width, last = tolerance_s / 2, -1
    for i, reference in enumerate(reference_times):
        distances = [abs(time - reference) for time in prediction_times]
        nearest = min(distances)
        if nearest < half_width:
            j = distances.index(nearest)
            if j > last and prediction_texts[j] != "":
                pairs.append((i, j))
                last = j
    return pairs
