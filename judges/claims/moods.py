"""Whether a clause commands, tells, or is a fragment; and to which clause praise belongs."""

from __future__ import annotations

from collections.abc import Sequence

from judges.claims.clauses import Clause, Mood
from judges.claims.grammar import grammar
from judges.claims.lexicon import FILLERS, Tag, lexicon
from judges.claims.tokens import Word

__all__ = ["inherits_command", "mood", "spread_praise"]

_PRAISE_BEFORE = frozenset(("nice", "good", "great", "well"))
_PRAISE_AT_FIRST = frozenset(("lovely", "perfect", "beautiful", "excellent"))
_BEFORE_A_SUBJECT = frozenset(("your", "the", "both", "those", "these", "each"))
_PREPOSITIONS = frozenset(
    [
        "to",
        "at",
        "on",
        "by",
        "of",
        "for",
        "from",
        "with",
        "under",
        "over",
        "above",
        "below",
        "into",
        "onto",
        "and",
        "or",
        "but",
        "as",
        "when",
        "not",
        "in",
    ]
)
_SUBJECT_WITHIN = 3
_FINITE = frozenset(("third", "ing", "past"))


def mood(clause: Clause, words: Sequence[Word], movers: Sequence[Tag]) -> Mood:
    """How a clause speaks: by its first verb, by words of asking, by its subject, by the forms of its verbs."""
    texts = [word.text for word in words[clause.start : clause.end]]
    place = 0
    while place < len(texts) and texts[place] in grammar("before-a-command") and texts[place] not in {"lower", "try"}:
        place += 1
    text = texts[place] if place < len(texts) else ""
    if _asks(clause, texts, text):
        return "asked"
    praised = (place > 0 and texts[place - 1] in _PRAISE_BEFORE) or (clause.own_praise and text in _PRAISE_AT_FIRST)
    if not praised and _begins_with_a_verb(clause, words, movers, clause.start + place):
        return "asked"
    if text in grammar("forbids") or (
        text == "no" and texts[place + 1 : place + 2] and texts[place + 1].endswith("ing")
    ):
        return "asked"
    return "seen" if _tells(clause, texts, text, clause.start + place, movers) else "cue"


def inherits_command(clause: Clause, before: Clause, words: Sequence[Word]) -> bool:
    """As in "Keep your ribs down and both elbows bent": a clause without a verb of its own is commanded as the one before it."""
    counted = not before.events and not before.parts and before.counts
    if (
        (before.mood != "asked" and not counted)
        or clause.opener not in {"and", ",", "&"}
        or before.sentence != clause.sentence
    ):
        return False
    if any(
        event.form == "third" or (event.form == "ing" and not counted) for event in clause.events if not event.phrase
    ):
        return False
    verbless = not any(word.text in grammar("be") | grammar("subjects") for word in words[clause.start : clause.end])
    return clause.mood == "cue" or (clause.mood == "seen" and verbless)


def spread_praise(clauses: Sequence[Clause]) -> None:
    """Praise that stands alone belongs to the statement beside it."""
    for k, clause in enumerate(clauses):
        clause.praise = clause.own_praise
        if clause.own_praise or clause.mood == "asked" or not (clause.events or clause.parts):
            continue
        before = k > 0 and _only_praise(clauses[k - 1]) and clause.opener not in grammar("turns")
        after = k + 1 < len(clauses) and _only_praise(clauses[k + 1]) and clauses[k + 1].opener not in grammar("turns")
        clause.praise = before or after


def _only_praise(clause: Clause) -> bool:
    return clause.own_praise and not clause.events and not clause.tags


def _asks(clause: Clause, texts: Sequence[str], text: str) -> bool:
    """Words like "should", "try" or "let's" before the motion."""
    limit = min((event.place for event in clause.events), default=clause.end)
    before = texts[: max(0, limit - clause.start)]
    if ("you" in before and "keep" in before) or "you're" in before:
        return False
    return any(word in grammar("asking") for word in [*before, text])


def _begins_with_a_verb(clause: Clause, words: Sequence[Word], movers: Sequence[Tag], first: int) -> bool:
    if any(tag.start == first and tag.meaning.form in {"base", ""} for tag in movers):
        return True
    return any(
        tag.start == first
        and tag.meaning.form in {"base", ""}
        and tag.meaning.layer != "part"
        and not tag.meaning.value.startswith("too_")
        and not _noun_like(tag, words)
        for tag in clause.tags
    )


def _noun_like(tag: Tag, words: Sequence[Word]) -> bool:
    return tag.meaning.layer == "phrase" and tag.meaning.form == "" and words[tag.start].text not in grammar("cue-verb")


def _acting(clause: Clause, texts: Sequence[str], text: str) -> bool:
    """A part with a verb: "your knee shoots past your toes", "head hangs"."""
    if not clause.events:
        return False
    known = lexicon()
    for part in clause.parts:
        place = part.end - clause.start
        verb = texts[place] if place < len(texts) else ""
        small = verb in FILLERS | grammar("function-words") | _PREPOSITIONS
        subject = text in _BEFORE_A_SUBJECT or (part.start == clause.start and verb.endswith("s"))
        if (
            subject
            and part.start - clause.start <= _SUBJECT_WITHIN
            and verb.isalpha()
            and not small
            and not known.describes(verb)
        ):
            return True
    return False


def _tells(clause: Clause, texts: Sequence[str], text: str, first: int, movers: Sequence[Tag]) -> bool:
    """A subject, a finite verb, or a part that does something: "your heels pop up"."""
    if any(word in grammar("subjects") or word in grammar("be") for word in texts):
        return True
    if any(tag.meaning.form == "third" and tag.start == first for tag in (*movers, *clause.tags)):
        return True
    if text in _BEFORE_A_SUBJECT and any(
        event.form == "base" and 0 <= event.place - part.end <= 1 and part.start - first <= 3
        for event in clause.events
        for part in clause.parts
    ):
        return True
    if _acting(clause, texts, text):
        return True
    if "with" in texts and not clause.own_praise:
        return False  # "ten more, with your knees pushed out"
    if any(event.form in _FINITE and event.sign != "good" for event in clause.events):
        return True
    if any(
        tag.meaning.form in {"ing", "third"} and clause.start < tag.start < clause.end and part.start < tag.start
        for tag in movers
        for part in clause.parts
    ):
        return True
    if clause.events or not clause.parts or text not in grammar("begins-a-statement"):
        return False
    begins = min(part.start for part in clause.parts) - clause.start
    return begins <= 3 and len(texts) - begins >= 3
