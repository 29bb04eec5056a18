"""What a remark claims: ``understand`` and ``extract``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from biobench.exercises import find_exercise, knowledge
from judges.claims.angles import with_angles
from judges.claims.counts import counts_in, without_counts
from judges.claims.drafts import Draft, drafts_of, faults_by_context, merged, with_phases
from judges.claims.grammar import grammar
from judges.claims.lexicon import Lexicon, lexicon
from judges.claims.numbers import numbers_in
from judges.claims.reading import Reading, read
from judges.claims.records import Claim, Harm, Kind, Span, Understood
from judges.claims.sides import Sides
from judges.claims.tempo import tempos_in
from judges.claims.tokens import Word, words_of
from judges.claims.typos import mended

__all__ = ["extract", "understand"]


def extract(text: str, exercise: str | None = None) -> list[Claim]:
    """The claims of a remark, in the order of the text.

    ``exercise`` in any spelling of the data; it gives words like "deeper" their joints. One that is unknown is taken as none.
    """
    return list(understand(text, exercise).claims)


def understand(text: str, exercise: str | None = None) -> Understood:
    """The remark's kind, its claims, and every number in it."""
    found = None if exercise is None else find_exercise(exercise)
    name = None if found is None else found.name
    understood = _understood(text, name)
    return replace(understood, unknown_exercise=True) if exercise is not None and found is None else understood


@lru_cache(maxsize=100_000)
def _understood(text: str, exercise: str | None) -> Understood:
    words = mended(words_of(text))
    known = lexicon()
    numbers = numbers_in(words)
    reading = read(words, numbers, exercise)
    counts, used = counts_in(words, numbers, reading)
    sides = Sides(words, known, numbers)
    tempos = tempos_in(words, reading)
    without_counts(reading, {number.start for number in used})
    drafts = drafts_of(reading, words, sides, known)
    drafts = with_angles(drafts, reading, words, [n for n in numbers if n not in used], sides, known)
    faults_by_context(drafts, reading)
    drafts = merged(drafts)
    with_phases(drafts, reading, words, exercise)
    technique = [_finished(draft, words, exercise, known) for draft in drafts]
    claims = tuple(sorted([*technique, *tempos, *counts], key=lambda claim: claim.span))
    told = tuple((n.low, n.unit) for n in numbers) + tuple((n.high, n.unit) for n in numbers if n.high != n.low)
    return Understood(_kind(claims, reading, words), claims, told)


def _finished(draft: Draft, words: Sequence[Word], exercise: str | None, known: Lexicon) -> Claim:
    claim = draft.claim
    start, end = claim.span
    end = min(max(end, start + 1), len(words))
    span = Span(words[start].span.start, words[end - 1].span.end)
    dof = known.dofs.get(claim.joint or "", {}).get(claim.direction or "")
    return replace(claim, dof=dof, harm=_harm(claim, exercise, known), span=span)


def _harm(claim: Claim, exercise: str | None, known: Lexicon) -> Harm:
    """The class of the catalogue's fault that the claim speaks of; in no exercise, or none of its faults: technique."""
    faults = known.faults.get((claim.joint or "", claim.direction or ""), ())
    if exercise is None:
        return "safety" if {"knees-in", "back-rounded"} & set(faults) else "technique"
    return next((fault.harm for fault in knowledge(exercise).faults if fault.id in faults), "technique")


def _kind(claims: Sequence[Claim], reading: Reading, words: Sequence[Word]) -> Kind:
    technique = [claim for claim in claims if claim.family != "count"]
    counts = [claim for claim in claims if claim.family == "count"]
    polarities = {claim.polarity for claim in technique}
    texts = {word.text for word in words}
    if "fault" in polarities:
        return "correction"
    if "asked" in polarities:
        negated = any(clause.negators for clause in reading.clauses)
        urgent = any(claim.rom in {"short", "beyond"} for claim in technique) or any(
            claim.family == "tempo" and claim.direction != "steady" for claim in technique
        )
        compared = texts & grammar("asks-for-a-change")
        return "correction" if negated or urgent or compared else "instruction"
    if counts and not technique:
        return "count"
    if "fine" in polarities:
        return "praise"
    if technique:
        return "correction"
    if reading.praise:
        return "praise"
    if any(clause.mood == "asked" for clause in reading.clauses) or texts & grammar("announces"):
        return "instruction"
    return "other"
