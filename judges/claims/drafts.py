"""Claims in the making: from the events of clauses, merged where two say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from biobench.exercises import knowledge
from judges.claims.clauses import Clause
from judges.claims.grammar import grammar
from judges.claims.lexicon import Lexicon, Tag
from judges.claims.reading import Reading
from judges.claims.records import Claim, Polarity, Span
from judges.claims.sides import Sides
from judges.claims.tokens import Word

__all__ = ["Draft", "answers", "drafts_of", "faults_by_context", "merged", "with_phases"]

_LANDING = frozenset(("land", "lands", "landing", "landings"))
_CLAUSES_APART = 2
"""So many clauses apart two claims may still be a fault and its cure."""


@dataclass(slots=True)
class Draft:
    """A claim in the making: its clause's number, and where its words stand.

    ``said`` and ``form`` are the event's. ``tall``: a general cue to stand tall, the cure of whatever the trunk does. ``bottom``:
    an angle said to be that at the bottom of a movement, where bending is what is wanted.
    """

    claim: Claim
    clause: int
    sentence: int
    place: int
    end: int
    depth: bool = False
    said: str | None = None
    form: str = ""
    tall: bool = False
    bottom: bool = False


def drafts_of(reading: Reading, words: Sequence[Word], sides: Sides, known: Lexicon) -> list[Draft]:
    """A draft for each event; a part that is praised, or to be watched, without a motion is one too."""
    drafts: list[Draft] = []
    for k, clause in enumerate(reading.clauses):
        for event in clause.events:
            start = event.place if event.part_place is None else min(event.place, event.part_place)
            end = max(event.end, (event.part_place or 0) + 1)
            claim = Claim(
                "technique", event.joint, sides.of_event(event, k, reading), event.direction, rom=event.rom,
                phase=event.phase or ("bottom" if event.depth else None), polarity=event.polarity, span=Span(start, end),
            )  # fmt: skip
            draft = Draft(claim, k, clause.sentence, event.place, event.end, event.depth, event.said, event.form)
            drafts.append(replace(draft, tall=event.sign == "good"))
        if not clause.events and clause.parts:
            drafts += _bare_part(k, clause, words, sides, known)
    return drafts


def faults_by_context(drafts: Sequence[Draft], reading: Reading) -> None:
    """A command beside a statement that names no motion answers it: "They land flat, soften them"."""
    spoken = {draft.clause for draft in drafts}
    for draft in drafts:
        if draft.claim.polarity == "asked" and answers(draft.clause, spoken, reading):
            draft.claim = replace(draft.claim, polarity="fault")


def answers(k: int, spoken: set[int], reading: Reading) -> bool:
    """Whether beside clause ``k`` stands a statement that nothing was made of, no praise, that it may be the answer to."""
    here = reading.clauses[k]
    for j in (k - 1, k + 1):
        if not 0 <= j < len(reading.clauses) or j in spoken:
            continue
        other = reading.clauses[j]
        near = abs(other.sentence - here.sentence) <= (1 if j < k else 0)
        plain = not (other.praise or other.own_praise or other.aside or other.events)
        if other.mood == "seen" and near and plain:
            return True
    return False


def merged(drafts: Sequence[Draft]) -> list[Draft]:
    """A fault and its cure are one claim; what is said twice is said once."""
    kept: list[Draft] = []
    for draft in sorted(drafts, key=lambda d: (d.clause, d.place)):
        leaning = any(d.claim.joint == "trunk" and d.claim.polarity == "fault" for d in kept)
        if draft.claim.joint == "trunk" and draft.tall and leaning:
            continue
        for i, earlier in enumerate(kept):
            near = draft.clause - earlier.clause <= _CLAUSES_APART
            joined = _join(earlier.claim, draft.claim) if near else None
            if joined is not None:
                kept[i] = replace(earlier, claim=joined, depth=earlier.depth or draft.depth)
                break
        else:
            kept.append(draft)
    return kept


def with_phases(drafts: Sequence[Draft], reading: Reading, words: Sequence[Word], exercise: str | None) -> None:
    """A phase belongs to the claims of its clause, else of its sentence, else of the remark; two angles of a joint share it."""
    for tag in reading.phases:
        k = next((i for i, clause in enumerate(reading.clauses) if clause.holds(tag)), None)
        if k is None or _no_phase(tag, words, exercise):
            continue
        here = [draft for draft in drafts if draft.clause == k]
        if not here and tag.end - tag.start == 1 and words[tag.start].text in _LANDING:
            continue
        sentence = [draft for draft in drafts if draft.sentence == reading.clauses[k].sentence]
        everywhere = drafts if len({draft.sentence for draft in drafts}) == 1 else []
        for draft in here or sentence or everywhere:
            implied = draft.depth and draft.claim.phase == "bottom" and tag.meaning.value != "throughout"
            if draft.claim.phase is None or implied:
                draft.claim = replace(draft.claim, phase=tag.meaning.value)
    for draft, other in permutations(drafts, 2):
        one, two = draft.claim, other.claim
        if one.quantity is not None and two.quantity is not None and one.joint == two.joint and one.phase is None:
            draft.claim = replace(one, phase=two.phase)


def _no_phase(tag: Tag, words: Sequence[Word], exercise: str | None) -> bool:
    """As in "up and down", or "in the air" where nobody jumps."""
    if words[tag.end - 1].text == "up" and [word.text for word in words[tag.end : tag.end + 2]] == ["and", "down"]:
        return True
    return tag.meaning.value == "flight" and exercise is not None and "flight" not in knowledge(exercise).phases


def _bare_part(k: int, clause: Clause, words: Sequence[Word], sides: Sides, known: Lexicon) -> list[Draft]:
    part = clause.parts[0]
    watched = words[clause.start].text in grammar("watch")
    if not watched and (not clause.praise or clause.mood == "asked"):
        return []
    joint = "pelvis" if part.meaning.value == "hips" else known.joints[part.meaning.value]
    polarity: Polarity = "asked" if watched else "fine"
    claim = Claim("technique", joint, sides.of(part.start, clause), polarity=polarity, span=Span(part.start, part.end))
    return [Draft(claim, k, clause.sentence, part.start, part.end)]


def _join(first: Claim, second: Claim) -> Claim | None:
    """Two claims of a joint as one, or None where they state different things, or one praises and the other does not."""
    for slot in ("joint", "side", "direction", "quantity", "phase"):
        one, other = getattr(first, slot), getattr(second, slot)
        if one is not None and other is not None and one != other:
            return None
    polarities = {first.polarity, second.polarity}
    if "fine" in polarities and polarities & {"fault", "asked"}:
        return None
    return replace(
        first,
        side=first.side or second.side,
        direction=first.direction or second.direction,
        quantity=first.quantity or second.quantity,
        rom=first.rom or second.rom,
        phase=first.phase or second.phase,
        polarity="fault" if "fault" in polarities else first.polarity or second.polarity,
        span=Span(min(first.span.start, second.span.start), max(first.span.end, second.span.end)),
    )
