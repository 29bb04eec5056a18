"""What the scripted judge answers before any behaviour changes it: the criteria and the score that BioClaim gives."""

from __future__ import annotations

from judges.claims import BioClaim, Claim, Understood, compare
from judges.claims.records import OPPOSITE

__all__ = ["bio_reply"]

_SLOTS = {"joint": "joint", "side": "side", "motion": "direction", "rom": "rom", "phase": "phase"}


def bio_reply(exercise: str | None, reference: str, prediction: str) -> dict[str, object]:
    """The object of the judge ``bio``, by the claims of both texts; ``overall`` is "1" to "5" by BioClaim's f1."""
    found = compare(reference, prediction, exercise)
    mine = [claim for claim in found.reference.claims if claim.family == "technique"]
    theirs = [claim for claim in found.prediction.claims if claim.family == "technique"]
    criteria: dict[str, str] = {name: _criterion(found, mine, theirs, slot) for name, slot in _SLOTS.items()}
    criteria["angle"] = _criterion(found, mine, theirs, "quantity")
    criteria["reps"] = _sets(_repetitions(found.reference), _repetitions(found.prediction))
    criteria["valence"] = "match" if found.kind_agrees and (found.f1 is None or found.f1 >= 0.5) else "wrong"
    criteria["harm"] = "opposite" if found.contradictions and any(c.harm == "safety" for c in mine) else "absent"
    score = found.f1 if found.f1 is not None else float(found.kind_agrees)
    ordered = {
        name: criteria[name] for name in ("joint", "side", "motion", "angle", "rom", "phase", "reps", "valence", "harm")
    }
    return {
        "reference_claims": [_words(reference, claim) for claim in mine],
        "prediction_claims": [_words(prediction, claim) for claim in theirs],
        **ordered,
        "tampering": "no",
        "overall": str(1 if found.contradictions and score < 0.5 else 1 + round(4 * score)),
    }


def _criterion(found: BioClaim, mine: list[Claim], theirs: list[Claim], slot: str) -> str:
    """How a slot of the claims that belong together compares; what only one text states is missing or extra."""
    pairs = [(mine[i], theirs[j]) for i, j, _ in found.matched] + [(mine[i], theirs[j]) for i, j in found.contradicting]
    told = [(getattr(a, slot), getattr(b, slot)) for a, b in pairs]
    both = [(a, b) for a, b in told if a is not None and b is not None]
    if any(a != b and _opposed(a, b) for a, b in both):
        return "opposite"
    if both:
        same = all(a == b for a, b in both)
        whole = len(found.matched) == len(mine) == len(theirs)
        return "match" if same and whole else "near" if same or slot == "quantity" else "wrong"
    if any(getattr(claim, slot) is not None for claim in mine):
        return "missing"
    return "extra" if any(getattr(claim, slot) is not None for claim in theirs) else "absent"


def _opposed(one: object, other: object) -> bool:
    return (isinstance(one, str) and OPPOSITE.get(one) == other) or {one, other} in (
        {"left", "right"},
        {"short", "beyond"},
    )


def _repetitions(text: Understood) -> set[int]:
    return {claim.reps for claim in text.claims if claim.reps is not None}


def _sets(mine: set[int], theirs: set[int]) -> str:
    if not mine and not theirs:
        return "absent"
    if not theirs:
        return "missing"
    return "extra" if not mine else "match" if mine == theirs else "wrong"


def _words(text: str, claim: Claim) -> str:
    return text[claim.span.start : claim.span.end]
