"""Two remarks: do they claim the same? ``compare`` gives BioClaim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from judges.claims.assignment import assign
from judges.claims.extract import understand
from judges.claims.likeness import Likeness, contradict, likeness
from judges.claims.records import Claim, Understood
from judges.claims.weights import Weights, weights

__all__ = ["BioClaim", "compare", "compare_understood"]


@dataclass(frozen=True, slots=True)
class BioClaim:
    """What two remarks have in common, as claims about the body.

    ``matched``: pairs of claims (place in the reference's, in the prediction's, likeness); ``contradicting``: pairs that
    cannot both be right. ``reference_claims`` and ``prediction_claims`` count technique claims. The sums of likeness over
    matched claims are ``shared_prediction`` and ``shared_reference``. ``side_agrees``: of matched or contradicting pairs
    that both state a side, how many state the same; ``angle_errors_deg`` of those with angles of one role.
    """

    reference: Understood
    prediction: Understood
    matched: tuple[tuple[int, int, Likeness], ...]
    contradicting: tuple[tuple[int, int], ...]
    reference_claims: int
    prediction_claims: int
    invented_numbers: int
    prediction_numbers: int
    sides_compared: int
    side_agrees: int
    angle_errors_deg: tuple[float, ...]

    @property
    def shared_prediction(self) -> float:
        """How much of the prediction's claims the reference has too, summed over claims."""
        return sum(found.of_prediction for _, _, found in self.matched)

    @property
    def shared_reference(self) -> float:
        """How much of the reference's claims the prediction has too, summed over claims."""
        return sum(found.of_reference for _, _, found in self.matched)

    @property
    def precision(self) -> float | None:
        """The share of what is claimed that the reference claims too; None where neither has a technique claim."""
        if not self.prediction_claims:
            return None if not self.reference_claims else 0.0
        return self.shared_prediction / self.prediction_claims

    @property
    def recall(self) -> float | None:
        """The share of what the reference claims that is claimed; None where neither has a technique claim."""
        if not self.reference_claims:
            return None if not self.prediction_claims else 0.0
        return self.shared_reference / self.reference_claims

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall."""
        precision, recall = self.precision, self.recall
        if precision is None or recall is None:
            return None
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    @property
    def net(self) -> float | None:
        """From -1 to 1: what is shared, less the contradictions on both sides."""
        count = self.prediction_claims + self.reference_claims
        if not count:
            return None
        return (self.shared_prediction + self.shared_reference - 2 * self.contradictions) / count

    @property
    def contradictions(self) -> int:
        """How many claims contradict one of the reference."""
        return len(self.contradicting)

    @property
    def kind_agrees(self) -> bool:
        """Whether both are corrections, praise, counts, instructions, or none of them."""
        return self.reference.kind == self.prediction.kind


def compare(reference: str, prediction: str, exercise: str | None = None) -> BioClaim:
    """BioClaim of a prediction against a reference; ``exercise`` in any spelling, None or an unknown one where not known.

    >>> found = compare("Push your left knee out.", "Left knee is caving in, push it out.", "squats")
    >>> round(found.f1, 2), found.contradictions
    (1.0, 0)
    >>> found = compare("Push your left knee out.", "Push your right knee out.", "squats")
    >>> found.f1, found.contradictions
    (0.0, 1)
    """
    return _compared(reference, prediction, exercise)


@lru_cache(maxsize=100_000)
def _compared(reference: str, prediction: str, exercise: str | None) -> BioClaim:
    return compare_understood(understand(reference, exercise), understand(prediction, exercise))


def compare_understood(reference: Understood, prediction: Understood, by: Weights | None = None) -> BioClaim:
    """The same for remarks that are already understood, with other weights where given."""
    by = by or weights()
    mine, theirs = _technique(reference), _technique(prediction)
    swapped = _swapped(mine, theirs)
    found = [
        [likeness(a, b, by) if (i, j) not in swapped else Likeness(0, 0, 0) for j, b in enumerate(theirs)]
        for i, a in enumerate(mine)
    ]
    matched = tuple((i, j, found[i][j]) for i, j in assign([[one.both for one in row] for row in found]))
    left = [i for i in range(len(mine)) if i not in {m[0] for m in matched}]
    right = [j for j in range(len(theirs)) if j not in {m[1] for m in matched}]
    against = [[float(contradict(mine[i], theirs[j]) or (i, j) in swapped) for j in right] for i in left]
    contradicting = tuple((left[a], right[b]) for a, b in assign(against))
    invented, numbers = _invented(reference, prediction)
    pairs = [(mine[i], theirs[j]) for i, j, _ in matched] + [(mine[i], theirs[j]) for i, j in contradicting]
    sided = [(a.side, b.side) for a, b in pairs if a.side is not None and b.side is not None]
    errors = tuple(
        (abs(a.quantity.low - b.quantity.low) + abs(a.quantity.high - b.quantity.high)) / 2
        for a, b in pairs
        if a.quantity is not None and b.quantity is not None and a.quantity.role == b.quantity.role
    )
    return BioClaim(
        reference, prediction, matched, contradicting, len(mine), len(theirs), invented, numbers,
        len(sided), sum(a == b for a, b in sided), errors,
    )  # fmt: skip


def _technique(understood: Understood) -> list[Claim]:
    """The technique claims; a count in the same remark is their number of repetitions."""
    counts = [claim.reps for claim in understood.claims if claim.family == "count"]
    reps = counts[0] if counts else None
    return [replace(claim, reps=reps) for claim in understood.claims if claim.family == "technique"]


def _swapped(mine: Sequence[Claim], theirs: Sequence[Claim]) -> set[tuple[int, int]]:
    """Pairs of a joint whose measured and target angles stand in the other order: one text wants more, the other less."""
    found: set[tuple[int, int]] = set()
    for joint in {claim.joint for claim in mine} & {claim.joint for claim in theirs}:
        one, other = _order(mine, joint), _order(theirs, joint)
        if one * other < 0:
            found |= {
                (i, j)
                for i, a in enumerate(mine)
                for j, b in enumerate(theirs)
                if a.joint == b.joint == joint and a.quantity is not None and b.quantity is not None
            }
    return found


def _order(claims: Sequence[Claim], joint: str | None) -> float:
    measured = [
        c.quantity.low for c in claims if c.joint == joint and c.quantity is not None and c.quantity.role == "measured"
    ]
    target = [
        c.quantity.low for c in claims if c.joint == joint and c.quantity is not None and c.quantity.role == "target"
    ]
    return target[0] - measured[0] if len(measured) == 1 and len(target) == 1 else 0.0


def _invented(reference: Understood, prediction: Understood) -> tuple[int, int]:
    """How many numbers of the prediction the reference has not, within what nobody can see, and how many it has in all."""
    known = [claim.quantity for claim in reference.claims if claim.quantity is not None]
    told = [claim.quantity for claim in prediction.claims if claim.quantity is not None]
    near = weights().angle_full_deg
    invented = sum(
        not any(
            a.unit == b.unit and max(abs(a.low - b.low), abs(a.high - b.high)) <= (near if a.unit == "deg" else 0)
            for a in known
        )
        for b in told
    )
    return invented, len(told)
