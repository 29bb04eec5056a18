"""Whether new words may stand for a remark: it still says what it said, and poses bear out what was added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from biocoach_model.augmentation.records import Fact, Kept, Number
from biocoach_model.augmentation.wordings import wordings
from judges.claims.compare import compare_understood
from judges.claims.extract import understand
from judges.claims.fact_windows import Verdict, Window
from judges.claims.facts import judge
from judges.claims.records import Claim, Understood

__all__ = ["check_rewritten"]

_ROUNDED_DEG = 1.0
"""Whole degrees."""
_ROUNDED_S = 0.05
_OF_ROLE = {"measured": "measured", "target": "wanted", "limit": "wanted", "delta": "off"}
"""Which number of a fact may stand in which role."""


def check_rewritten(
    before: str, after: str, exercise: str, fact: Fact, window: Window | Verdict
) -> tuple[Number, ...] | Kept:
    """The numbers that were added, each with its witness, or why the new words may not stand.

    The meaning: each claim of the remark must be there with the same joint, direction, side, range, phase and number, and
    nothing may contradict it (BioClaim); each further claim or side must be one about the fact. Truth: BioFact may refute no
    further claim, and must support each number that is claimed as measured; a number that it knows no rule for must be one of
    the fact's, whose measured angle it supports.
    """
    old, new = understand(before, exercise), understand(after, exercise)
    lost = _changed(old, new, fact)
    if lost is not None:
        return Kept("meaning", lost)
    further = [claim for claim in new.claims if not any(_same(known, claim) for known in old.claims)]
    for claim in further:
        verdict = _verdict(claim, window)
        if verdict.outcome == "refuted":
            return Kept("refuted", verdict.reason)
    if fact.verdict.outcome == "refuted":
        return Kept("refuted", fact.verdict.reason)
    return _vouched(old, new, fact, window)


def _changed(old: Understood, new: Understood, fact: Fact) -> str | None:
    """What is no longer, or newly, said; None where the meaning is the same."""
    for claim in old.claims:
        if not any(_keeps(claim, other) for other in new.claims):
            return f"it would no longer say: {_told(claim)}"
    found = compare_understood(old, new)
    if found.contradictions:
        _, place = found.contradicting[0]
        return f"it would contradict itself: {_told([c for c in new.claims if c.family == 'technique'][place])}"
    for claim in new.claims:
        own = any(_keeps(known, claim) and known.side == claim.side for known in old.claims)
        if not own and not _is_of(claim, fact):
            return f"it would say besides: {_told(claim)}"
    if new.kind != old.kind and (old.kind, new.kind) != ("instruction", "correction"):
        return f"it was {_article(old.kind)} and would be {_article(new.kind)}"
    return None


def _keeps(old: Claim, new: Claim) -> bool:
    """Whether a claim says all that another one did; it may say more."""
    if (old.family, old.joint, old.direction, old.reps) != (new.family, new.joint, new.direction, new.reps):
        return False
    slots = ((old.side, new.side), (old.rom, new.rom), (old.phase, new.phase), (old.quantity, new.quantity))
    same = all(one is None or one == other for one, other in slots)
    return same and (old.polarity == "fine") == (new.polarity == "fine")


def _same(old: Claim, new: Claim) -> bool:
    return _keeps(old, new) and (old.side, old.quantity) == (new.side, new.quantity)


def _is_of(claim: Claim, fact: Fact) -> bool:
    if claim.family != "technique" or claim.polarity == "fine":
        return False
    about = (claim.joint, claim.direction) in fact.claims
    return about and claim.side in {None, fact.side or "both"}


def _vouched(old: Understood, new: Understood, fact: Fact, window: Window | Verdict) -> tuple[Number, ...] | Kept:
    """A witness for each number that the remark did not have."""
    numbers: list[Number] = []
    for value, unit in (Counter(new.numbers) - Counter(old.numbers)).elements():
        claims = [c for c in new.claims if c.quantity is not None and value in {c.quantity.low, c.quantity.high}]
        if any(_verdict(claim, window).outcome == "supported" and _is_measured(claim) for claim in claims):
            numbers.append(Number(value, unit or "", "biofact"))
        elif _is_from(value, unit, claims, fact):
            numbers.append(Number(value, unit or "", "fact"))
        else:
            return Kept("unsupported", f"{value:g} {unit or ''}".strip())
    return tuple(numbers)


def _is_from(value: float, unit: str | None, claims: Sequence[Claim], fact: Fact) -> bool:
    """Whether a number is one of the fact's, in its role."""
    if fact.measure == "seconds":
        return unit == "s" and any(abs(value - own) <= _ROUNDED_S for own in fact.numbers.values())
    roles = {_OF_ROLE[c.quantity.role] for c in claims if c.quantity is not None} or {"wanted"}
    joint = wordings().angles[fact.measure].claim[0] if fact.measure else None
    if any(c.joint != joint for c in claims):
        roles.add("off")  # a knee falls in by the degrees that the hip is off
    near = any(abs(value - own) <= _ROUNDED_DEG for name, own in fact.numbers.items() if name in roles)
    return unit in {"deg", None} and near


def _is_measured(claim: Claim) -> bool:
    return claim.quantity is not None and claim.quantity.unit == "deg" and claim.quantity.role == "measured"


def _verdict(claim: Claim, window: Window | Verdict) -> Verdict:
    return window if isinstance(window, Verdict) else judge(claim, window)


def _told(claim: Claim) -> str:
    count = None if claim.reps is None else f"{claim.reps} repetitions"
    words = (claim.side, claim.joint or claim.family, claim.direction, claim.rom, claim.phase, count)
    return " ".join(word for word in words if word)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}" if kind not in {"praise", "other"} else kind
