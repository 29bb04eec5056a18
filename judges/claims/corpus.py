"""Sums over the claims of a system's remarks, segment by segment: what every claim metric is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from biobench.exercises import find_exercise
from biobench.matching import SegmentMatch
from biobench.metrics.base import Rows
from judges.claims.compare import compare
from judges.claims.extract import understand
from judges.claims.records import Claim, Quantity
from judges.claims.weights import weights

__all__ = ["KINDS", "SUMS", "claim_sums", "columns_of"]

KINDS = ("correction", "count", "praise", "instruction")
"""The kinds of remark that ``kind_f`` averages over."""

_OF_REMARKS = ("claims", "harm", "with_claims", "remarks", *(f"kind_{kind}" for kind in KINDS))
_OF_PAIRS = (
    "f1", "f1_pairs", "shared_prediction", "shared_reference", "shared_prediction_harm", "shared_reference_harm",
    "contradictions", "claims_in_pairs", "invented", "numbers", "sides_agree", "sides", "angle_error_deg", "angles",
    "counts_agree", "counts", "tempos_agree", "tempos", *(f"kind_{kind}_agree" for kind in KINDS),
)  # fmt: skip
SUMS = (*(f"reference_{name}" for name in _OF_REMARKS), *(f"prediction_{name}" for name in _OF_REMARKS), *_OF_PAIRS)
"""The columns of ``claim_sums``.

``reference_...`` and ``prediction_...`` are over all remarks, matched or not: technique claims, the harm weights of these
claims, remarks that have any, remarks, and remarks of each kind. The others are over matched pairs: the sum of f1 and how many
pairs have one; likeness shared by claims of the prediction and of the reference, plain and times their harm weights;
contradictions and the predictions' claims; numbers that the reference lacks and all told; sides that agree and all compared;
the sum of angle errors and their number; claims of repetitions, and of tempo, in both texts (twice) and in either; and pairs
whose texts are both of a kind.
"""


def columns_of(*names: str) -> list[int]:
    """Where these columns of ``SUMS`` stand."""
    return [_PLACES[name] for name in names]


def claim_sums(matches: Sequence[SegmentMatch]) -> Rows:
    """The sums of each segment, shape (segments, columns of ``SUMS``). Kept for the last calls: many metrics read it."""
    return _claim_sums(tuple(matches))


_PLACES = {name: k for k, name in enumerate(SUMS)}


class _Remark(NamedTuple):
    """One remark's sums over ``_OF_REMARKS``, its kind, and what it says of repetitions and tempo."""

    sums: tuple[float, ...]
    kind: str
    counts: tuple[tuple[float, float, str], ...]
    tempos: tuple[str | None, ...]


@lru_cache(maxsize=4)
def _claim_sums(matches: tuple[SegmentMatch, ...]) -> Rows:
    rows = [_segment_sums(match) for match in matches]
    table = np.array(rows, dtype=np.float64).reshape(len(matches), len(SUMS))
    table.flags.writeable = False
    return table


def _segment_sums(match: SegmentMatch) -> list[float]:
    found = find_exercise(match.segment.exercise)
    exercise = match.segment.exercise if found is None else found.name
    references = [_remark(remark.text, exercise).sums for remark in match.segment.feedbacks]
    predictions = [_remark(remark.text, exercise).sums for remark in match.predictions]
    pairs = [_pair(reference, prediction, exercise) for reference, prediction in match.text_pairs]
    return [
        *_added(references, len(_OF_REMARKS)),
        *_added(predictions, len(_OF_REMARKS)),
        *_added(pairs, len(_OF_PAIRS)),
    ]


def _added(rows: Sequence[Sequence[float]], width: int) -> Iterable[float]:
    return map(sum, zip(*rows, strict=True)) if rows else [0.0] * width


@lru_cache(maxsize=100_000)
def _remark(text: str, exercise: str) -> _Remark:
    understood = understand(text, exercise)
    technique = [claim for claim in understood.claims if claim.family == "technique"]
    counted = [claim.quantity for claim in understood.claims if claim.family == "count"]
    return _Remark(
        (len(technique), sum(map(_harm, technique)), bool(technique), 1, *(understood.kind == kind for kind in KINDS)),
        understood.kind,
        tuple(_number(quantity) for quantity in counted if quantity is not None),
        tuple(claim.direction for claim in understood.claims if claim.family == "tempo"),
    )


@lru_cache(maxsize=100_000)
def _pair(reference: str, prediction: str, exercise: str) -> tuple[float, ...]:
    found = compare(reference, prediction, exercise)
    mine, theirs = _remark(reference, exercise), _remark(prediction, exercise)
    own = [claim for claim in found.reference.claims if claim.family == "technique"]
    said = [claim for claim in found.prediction.claims if claim.family == "technique"]
    f1 = found.f1
    return (
        f1 or 0.0,
        f1 is not None,
        found.shared_prediction,
        found.shared_reference,
        sum(_harm(said[j]) * alike.of_prediction for _, j, alike in found.matched),
        sum(_harm(own[i]) * alike.of_reference for i, _, alike in found.matched),
        found.contradictions,
        found.prediction_claims,
        found.invented_numbers,
        found.prediction_numbers,
        found.side_agrees,
        found.sides_compared,
        sum(found.angle_errors_deg),
        len(found.angle_errors_deg),
        2 * (Counter(mine.counts) & Counter(theirs.counts)).total(),
        len(mine.counts) + len(theirs.counts),
        2 * (Counter(mine.tempos) & Counter(theirs.tempos)).total(),
        len(mine.tempos) + len(theirs.tempos),
        *(mine.kind == theirs.kind == kind for kind in KINDS),
    )


def _harm(claim: Claim) -> float:
    return weights().harm[claim.harm]


def _number(quantity: Quantity) -> tuple[float, float, str]:
    return quantity.low, quantity.high, quantity.role
