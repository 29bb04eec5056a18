"""How alike two claims are, slot by slot, and when they contradict each other."""

from __future__ import annotations

from typing import NamedTuple

from judges.claims.records import OPPOSITE, Claim, Quantity
from judges.claims.weights import SLOTS, Weights, weights

__all__ = ["Likeness", "contradict", "likeness", "slots_of"]


class Likeness(NamedTuple):
    """How alike a reference's and a prediction's claim are.

    ``of_prediction``: the weighted share of the prediction's slots that the reference has too; ``of_reference`` likewise;
    ``both``: their harmonic mean, 0 below the threshold.
    """

    of_prediction: float
    of_reference: float
    both: float


NONE = Likeness(0.0, 0.0, 0.0)


def slots_of(claim: Claim) -> frozenset[str]:
    """The slots that a claim states."""
    stated = {
        "joint": claim.joint,
        "direction": claim.direction,
        "side": claim.side,
        "quantity": claim.quantity if claim.quantity is not None and claim.quantity.unit == "deg" else None,
        "rom": claim.rom,
        "verdict": claim.polarity,
        "phase": claim.phase,
        "reps": claim.reps,
    }
    return frozenset(slot for slot in SLOTS if stated[slot] is not None)


def likeness(reference: Claim, prediction: Claim, by: Weights | None = None) -> Likeness:
    """The likeness of two claims; 0 where they contradict or speak of joints that have nothing to do with each other."""
    by = by or weights()
    if reference.family != prediction.family or contradict(reference, prediction):
        return NONE
    agreed = {slot: _agreement(slot, reference, prediction, by) for slot in SLOTS}
    if not agreed["joint"]:
        return NONE
    shares = []
    for claim in (prediction, reference):
        stated = slots_of(claim)
        whole = sum(by.slots[slot] for slot in stated)
        shares.append(sum(by.slots[slot] * agreed[slot] for slot in stated) / whole if whole else 0.0)
    together = sum(shares)
    both = 2 * shares[0] * shares[1] / together if together else 0.0
    return Likeness(shares[0], shares[1], both) if both >= by.threshold else NONE


def contradict(one: Claim, other: Claim) -> bool:
    """Whether two claims about one joint cannot both be right.

    They state and oppose one of: direction, side, verdict on the range, presence of a fault, phase, or an angle of one role
    or a number of repetitions so far apart that nothing of it is shared.
    """
    if one.family != other.family or one.joint != other.joint:
        return False
    if one.direction is not None and other.direction is not None and OPPOSITE.get(one.direction) == other.direction:
        return True
    if {one.side, other.side} == {"left", "right"}:
        return True
    if one.rom is not None and other.rom is not None and one.rom != other.rom:
        return True
    if {one.polarity, other.polarity} == {"fault", "fine"}:
        return True
    if one.phase is not None and other.phase is not None and frozenset((one.phase, other.phase)) in weights().opposed:
        return True
    if one.reps is not None and other.reps is not None and abs(one.reps - other.reps) > 1:
        return True
    mine, theirs = one.quantity, other.quantity
    if mine is None or theirs is None or mine.role != theirs.role or mine.unit != theirs.unit:
        return False
    return abs(mine.low + mine.high - theirs.low - theirs.high) / 2 >= weights().angle_none_deg


def _agreement(slot: str, reference: Claim, prediction: Claim, by: Weights) -> float:
    """From 0 to 1, for a slot that at least one of the two states."""
    match slot:
        case "joint":
            if reference.joint == prediction.joint:
                return 1.0
            return by.partly["related_joint"] if frozenset((reference.joint, prediction.joint)) in by.related else 0.0
        case "side":
            if reference.side == prediction.side:
                return 1.0
            if reference.side is None or prediction.side is None:
                return by.partly["unspecified_side"]
            return by.partly["one_of_both_sides"] if "both" in {reference.side, prediction.side} else 0.0
        case "quantity":
            return _quantities(reference.quantity, prediction.quantity, by)
        case "verdict":
            return float((reference.polarity == "fine") == (prediction.polarity == "fine"))
        case "phase":
            if reference.phase == prediction.phase:
                return 1.0
            return by.partly["adjacent_phase"] if frozenset((reference.phase, prediction.phase)) in by.adjacent else 0.0
        case "reps":
            if reference.reps is None or prediction.reps is None:
                return 0.0
            apart = abs(reference.reps - prediction.reps)
            return 1.0 if apart == 0 else by.partly["off_by_one"] if apart == 1 else 0.0
        case _:
            mine, theirs = getattr(reference, slot), getattr(prediction, slot)
            return float(mine is not None and mine == theirs)


def _quantities(one: Quantity | None, other: Quantity | None, by: Weights) -> float:
    if one is None or other is None or one.unit != other.unit or one.role != other.role:
        return 0.0
    if {one.comparison, other.comparison} == {"ge", "le"}:
        return 0.0
    apart = (abs(one.low - other.low) + abs(one.high - other.high)) / 2
    if apart <= by.angle_full_deg:
        return 1.0
    return max(0.0, (by.angle_none_deg - apart) / (by.angle_none_deg - by.angle_full_deg))
