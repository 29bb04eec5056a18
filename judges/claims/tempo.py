"""What a remark says of the tempo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from judges.claims.clauses import Clause
from judges.claims.drafts import answers
from judges.claims.grammar import grammar
from judges.claims.lexicon import Tag
from judges.claims.reading import Reading
from judges.claims.records import Claim, Polarity, Span
from judges.claims.tokens import Word

__all__ = ["tempos_in"]

_OPPOSITE = {"faster": "slower", "slower": "faster"}
_CURE = {"too_slow": "faster", "too_fast": "slower"}


def tempos_in(words: Sequence[Word], reading: Reading) -> list[Claim]:
    """The claims about tempo, those that say the same joined; a tempo that is only praised has no direction."""
    tags = [(tag, clause) for clause in reading.clauses for tag in clause.tags if tag.meaning.layer == "tempo"]
    spoken = {k for k, clause in enumerate(reading.clauses) if any(where is clause for _, where in tags)}
    answered = any(answers(k, spoken, reading) for k in spoken)
    found: list[Claim] = []
    for tag, clause in tags:
        if tag.meaning.value == "topic" or (words[tag.start].text == "quick" and clause.parts):
            continue
        direction, polarity = _wanted(tag, clause, words)
        if polarity == "asked" and answered:
            polarity = "fault"
        claim = Claim("tempo", direction=direction, polarity=polarity, span=_span(tag, words))
        if found and found[-1].direction == direction:
            if polarity == "fault":
                found[-1] = replace(found[-1], polarity="fault")
        else:
            found.append(claim)
    if found:
        return found
    praised = [tag for tag, clause in tags if clause.praise or clause.own_praise]
    return [Claim("tempo", polarity="fine", span=_span(tag, words)) for tag in praised[:1]]


def _wanted(tag: Tag, clause: Clause, words: Sequence[Word]) -> tuple[str, Polarity]:
    value = tag.meaning.value
    direction, bad = _CURE.get(value, value), value in _CURE
    negations = {words[negator.start].text for negator in clause.negators if negator.start < tag.start}
    if negations:
        if not bad:
            return _OPPOSITE.get(direction, direction), "fault" if negations & grammar("stops") else "asked"
        told = clause.mood == "seen" and not negations & (grammar("forbids-it") | grammar("stops"))
        return direction, "fault" if negations & grammar("stops") else "fine" if told else "asked"
    if bad:
        return direction, "asked" if clause.mood == "asked" else "fault"
    if clause.praise and clause.mood != "asked":
        return direction, "fine"
    if clause.mood == "seen" and words[tag.start].text == "slow":
        return "faster", "fault"
    return direction, "asked"


def _span(tag: Tag, words: Sequence[Word]) -> Span:
    return Span(words[tag.start].span.start, words[tag.end - 1].span.end)
