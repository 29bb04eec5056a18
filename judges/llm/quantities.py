"""Angles and repetitions of two texts compared by code: models are poor at it."""

from __future__ import annotations

from collections.abc import Sequence

from judges.claims.records import Claim, Quantity, Understood
from judges.llm.prompt import Weights

__all__ = ["angle_criterion", "reps_criterion", "slots"]


def slots(text: Understood) -> frozenset[str]:
    """The criteria that a text's technique claims, and its counts, speak of."""
    found = set()
    for claim in text.claims:
        if claim.family == "technique":
            stated = {
                "joint": claim.joint,
                "side": claim.side,
                "motion": claim.direction,
                "rom": claim.rom,
                "phase": claim.phase,
                "angle": claim.quantity if claim.quantity is not None and claim.quantity.unit == "deg" else None,
            }
            found |= {name for name, value in stated.items() if value is not None}
        if _reps(claim) is not None:
            found.add("reps")
    return frozenset(found)


def angle_criterion(reference: Understood, prediction: Understood, weights: Weights) -> str | None:
    """The value of ``angle`` where both texts state angles, else None.

    Every angle is compared with the nearest of the other text that has its role, its comparison and no other joint. All
    within ``match_deg``: match; all within ``near_deg``: near; measured and target the other way round: opposite.
    """
    mine, theirs = _angles(prediction), _angles(reference)
    if not mine or not theirs:
        return None
    if {claim.joint for claim, _ in mine} == {claim.joint for claim, _ in theirs} and _order(mine) * _order(theirs) < 0:
        return "opposite"
    worst = max(
        min((_distance_deg(one, other) for other in others), default=float("inf"))
        for these, others in ((mine, theirs), (theirs, mine))
        for one in these
    )
    if worst <= weights.angle_match_deg:
        return "match"
    return "near" if worst < weights.angle_near_deg else "wrong"


def reps_criterion(reference: Understood, prediction: Understood, weights: Weights) -> str | None:
    """The value of ``reps`` where both texts state numbers of repetitions, else None."""
    mine, theirs = _counts(prediction), _counts(reference)
    if not mine or not theirs:
        return None
    off = max(
        min(abs(one - other) for other in others) for these, others in ((mine, theirs), (theirs, mine)) for one in these
    )
    if off == 0:
        return "match"
    return "near" if off <= weights.reps_near else "wrong"


def _angles(text: Understood) -> list[tuple[Claim, Quantity]]:
    return [
        (claim, claim.quantity)
        for claim in text.claims
        if claim.family == "technique" and claim.quantity is not None and claim.quantity.unit == "deg"
    ]


def _order(angles: Sequence[tuple[Claim, Quantity]]) -> int:
    """Whether what is measured lies under (-1) or over (1) what shall be reached; 0 where not both are told."""
    of_role = {role: [q for _, q in angles if q.role == role] for role in ("measured", "target")}
    if not of_role["measured"] or not of_role["target"]:
        return 0
    measured, target = of_role["measured"][0], of_role["target"][0]
    difference = (measured.low + measured.high) - (target.low + target.high)
    return (difference > 0) - (difference < 0)


def _distance_deg(one: tuple[Claim, Quantity], other: tuple[Claim, Quantity]) -> float:
    """The larger difference of the ends of two ranges; infinite where they are about different things."""
    (claim, mine), (theirs, quantity) = one, other
    same_joint = claim.joint is None or theirs.joint is None or claim.joint == theirs.joint
    if not same_joint or (mine.role, mine.comparison) != (quantity.role, quantity.comparison):
        return float("inf")
    ends = ((mine.low, quantity.low), (mine.high, quantity.high))
    return max(0.0 if one == other else abs(one - other) for one, other in ends)  # equal ends may be infinite


def _reps(claim: Claim) -> float | None:
    if claim.reps is not None:
        return float(claim.reps)
    if claim.quantity is not None and claim.quantity.unit == "reps":
        return claim.quantity.low
    return None


def _counts(text: Understood) -> list[float]:
    return [count for count in map(_reps, text.claims) if count is not None]
