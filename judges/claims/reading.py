"""A remark is read clause by clause: which parts of the body move, which way, and whether that is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from judges.claims.clauses import Clause, Event, split
from judges.claims.events import find_events
from judges.claims.folding import fold
from judges.claims.lexicon import Tag, lexicon
from judges.claims.moods import inherits_command, mood, spread_praise
from judges.claims.numbers import Number
from judges.claims.tags import false_negation, false_praise, false_rom, masked, movable, pronoun, settled
from judges.claims.tokens import Word

__all__ = ["Reading", "read"]


@dataclass(slots=True)
class Reading:
    """A remark's words and clauses, and the tags that later steps look at."""

    words: Sequence[Word]
    clauses: list[Clause]
    phases: list[Tag]
    praise: list[Tag]


def read(words: Sequence[Word], numbers: Sequence[Number], exercise: str | None) -> Reading:
    """The clauses of a remark with their events, folded: every event has the direction that is wanted, and its polarity."""
    known = lexicon()
    tagged = known.find("concepts", words)
    phases = [tag for tag in known.find("phases", words) if not _within_a_phrase(tag, tagged)]
    hidden = masked(words, phases)
    found = (settled(tag, words) for tag in tagged)
    concepts = [tag for tag in found if tag is not None and not (tag.start in hidden and tag.meaning.layer != "tempo")]
    praise = [tag for tag in known.find("praise", words) if not false_praise(tag, words)]
    negations = [tag for tag in known.find("negation.words", words) if not false_negation(tag, words)]
    roms = [tag for tag in known.find("rom", words) if not false_rom(tag, words)]
    movers = known.find("movers", words)
    clauses = split(words, concepts, praise, movers)
    counted = {number.start for number in numbers}
    carried: list[Tag] = []
    for k, clause in enumerate(clauses):
        clause.tags = [tag for tag in concepts if clause.holds(tag)]
        parts = [tag for tag in clause.tags if tag.meaning.layer == "part"]
        clause.parts = movable(parts, words, pronoun=bool(carried) and pronoun(clause, words))
        clause.negators = [tag for tag in negations if clause.holds(tag)]
        clause.counts = any(clause.start <= place < clause.end for place in counted)
        clause.own_praise = any(clause.holds(tag) for tag in praise)
        find_events(clause, words, known, exercise, carried)
        if clause.parts and not clause.aside:
            carried = clause.parts
        clause.mood = mood(clause, words, movers)
        if k and inherits_command(clause, clauses[k - 1], words):
            clause.mood = "asked"
        if k:
            _repeat(clause, clauses[k - 1], words)
    _leave_out(clauses)
    spread_praise(clauses)
    for k, clause in enumerate(clauses):
        before = clauses[k - 1] if k and clauses[k - 1].sentence == clause.sentence else None
        fold(clause, before, words, roms, known)
    return Reading(words, clauses, phases, praise)


def _within_a_phrase(phase: Tag, tags: Sequence[Tag]) -> bool:
    """As in "your heels are coming up" tells no phase."""
    return any(
        tag.meaning.layer == "phrase"
        and tag.start <= phase.start < phase.end <= tag.end
        and tag.end - tag.start > phase.end - phase.start
        for tag in tags
    )


def _repeat(clause: Clause, before: Clause, words: Sequence[Word]) -> None:
    """As in "Bend the right knee more and the left one less": the second has the motion of the first."""
    if clause.events or clause.parts or not before.events:
        return
    texts = [word.text for word in words[clause.start : clause.end]]
    if "one" in texts and {"less", "more", "too"} & set(texts):
        last = before.events[-1]
        place = clause.start + texts.index("one")
        clause.events = [Event(last.joint, last.said, place, clause.end, last.form, None, last.sign)]
        clause.mood = before.mood


def _leave_out(clauses: Sequence[Clause]) -> None:
    """What is no claim beside others: depth beside its tempo, a soft landing beside its knees, what only says when."""
    for clause in clauses:
        if any(tag.meaning.layer == "tempo" and tag.meaning.value in {"slower", "too_fast"} for tag in clause.tags):
            clause.events = [event for event in clause.events if not event.depth]
        if any(event.joint == "knee" for event in clause.events):
            clause.events = [event for event in clause.events if event.joint != "body" or event.said is not None]
        if clause.aside and any(other.events and other is not clause and not other.aside for other in clauses):
            clause.events = []
