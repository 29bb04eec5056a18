"""Which prediction answers which reference remark: the published matcher, and the optimal one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biobench.records import Feedback, Segment

__all__ = ["SegmentMatch", "count_matches", "match_optimal", "match_published"]

_EQUAL_S = 1e-9
"""Total distances that differ by less are equal, so that rounding does not decide between matchings."""


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


def match_optimal(
    reference_times: Sequence[float], prediction_times: Sequence[float], tolerance_s: float = 1.5
) -> list[tuple[int, int]]:
    """The best one-to-one matching by time alone, as index pairs (reference, prediction) in order of reference time.

    Pairs are at most ``tolerance_s`` apart (the half width, seconds) and never cross; among such matchings the one with
    the most pairs is taken, then the one with the least total distance, then the earlier pairs. Input order is free; of
    equal times the first in the input comes first.

    >>> match_optimal([10.0, 11.0], [9.0, 10.9])
    [(0, 0), (1, 1)]
    """
    order = np.argsort(np.asarray(prediction_times, dtype=np.float64), kind="stable")
    predictions = np.asarray(prediction_times, dtype=np.float64)[order]
    references = sorted(range(len(reference_times)), key=reference_times.__getitem__)
    if not references or not len(predictions):
        return []
    # One number for "more pairs, then less distance": a pair is worth more than all distances together.
    pair_worth = (len(references) + 1) * (tolerance_s + 1.0)
    distances = [np.abs(predictions - reference_times[i]) for i in references]
    worth = [np.where(distance <= tolerance_s, pair_worth - distance, -np.inf) for distance in distances]
    # best[i][j]: the most that references i.. and predictions j.. can be worth together.
    best = [np.zeros(len(predictions) + 1)]
    for gain in reversed(worth):
        later = best[-1]
        matched = np.append(np.maximum.accumulate((gain + later[1:])[::-1])[::-1], -np.inf)
        best.append(np.maximum(later, matched))
    best.reverse()
    pairs, start = [], 0
    for k, i in enumerate(references):
        with_this = worth[k][start:] + best[k + 1][start + 1 :]
        enough = np.flatnonzero(with_this >= best[k][start] - _EQUAL_S)
        if len(enough) and np.isfinite(with_this[enough[0]]):
            pairs.append((i, int(order[start + enough[0]])))
            start += int(enough[0]) + 1
    return pairs


def count_matches(reference_times: Sequence[float], prediction_times: Sequence[float], tolerance_s: float = 1.5) -> int:
    """How many pairs ``match_optimal`` finds; both sequences must be sorted. Linear in their lengths.

    >>> count_matches([10.0, 11.0], [9.0, 10.9])
    2
    """
    count = i = j = 0
    while i < len(reference_times) and j < len(prediction_times):
        difference = prediction_times[j] - reference_times[i]
        if abs(difference) <= tolerance_s:
            count, i, j = count + 1, i + 1, j + 1
        elif difference < 0:
            j += 1
        else:
            i += 1
    return count
