"""What is wanted: faults, negations and words like "too" or "not enough" are folded into a direction, a range and a verdict.

Rules are asked in order; the first that has an answer decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from judges.claims.clauses import Clause, Event
from judges.claims.grammar import grammar
from judges.claims.lexicon import Lexicon, Tag
from judges.claims.records import OPPOSITE, Polarity, Rom
from judges.claims.tokens import Word

__all__ = ["fold"]

_LITTLE = frozenset(("low", "shallow", "narrow", "short", "close"))
"""Words for too little of something: "too low" asks for more."""


class _Verdict(NamedTuple):
    direction: str | None
    rom: Rom | None
    polarity: Polarity


@dataclass(frozen=True, slots=True)
class _Case:
    """An event with all that bears on it. ``rom``: the lexicon's class of the words about the range, ``rom_text`` these words."""

    event: Event
    clause: Clause
    rom: str | None
    rom_text: str
    negation: str
    ended: bool
    numbered: bool
    little: bool
    mending: bool
    of_a_part: bool

    @property
    def said(self) -> str | None:
        return self.event.said

    @property
    def opposite(self) -> str | None:
        return OPPOSITE.get(self.said or "", self.said)

    @property
    def asked(self) -> bool:
        return self.clause.mood == "asked"

    @property
    def seen(self) -> bool:
        return self.clause.mood == "seen"

    @property
    def bad(self) -> bool:
        return self.event.sign == "bad"

    @property
    def good(self) -> bool:
        return self.event.sign in {"good", "neutral"}

    @property
    def more(self) -> bool:
        """Words that ask for more of the range, or that say the whole of it where it is not praised."""
        return self.rom in {"more", "wholly", "full"}

    @property
    def praised(self) -> str | None:
        """The direction of what is praised; good depth has none."""
        return None if self.event.depth else self.said


def fold(clause: Clause, before: Clause | None, words: Sequence[Word], roms: Sequence[Tag], known: Lexicon) -> None:
    """Gives every event of a clause its direction, range and polarity; ``before`` is the clause before it in the sentence."""
    ended = bool(known.find("negation.ended", words[clause.start : clause.end]))
    numbered = any(word.text[:1].isdigit() for word in words[clause.start : clause.end])
    for event in clause.events:
        rom = _rom_of(event, clause, roms)
        negator = _negator_of(event, clause, words) or _inherited(event, clause, before)
        case = _Case(
            event,
            clause,
            rom.meaning.value if rom else None,
            _text(rom, words),
            _text(negator, words),
            ended,
            numbered,
            any(word.text in _LITTLE for word in words[event.place : event.end]),
            any(word.text in grammar("mends") for word in words[clause.start : clause.end]),
            negator is not None and any(part.start < negator.start for part in clause.parts),
        )
        verdict = next(found for rule in _RULES if (found := rule(case)) is not None)
        event.direction, event.polarity = verdict.direction, verdict.polarity
        event.rom = verdict.rom or event.rom


def _text(tag: Tag | None, words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words[tag.start : tag.end]) if tag else ""


def _rom_of(event: Event, clause: Clause, roms: Sequence[Tag]) -> Tag | None:
    """The words about the range that are nearest, unless another joint's event is much nearer to them."""
    inside = [tag for tag in roms if clause.start <= tag.start < clause.end]
    if not inside:
        return None

    def distance(tag: Tag) -> int:
        return tag.start - event.end if tag.start >= event.end else max(0, event.place - tag.end)

    lacking = [tag for tag in inside if tag.meaning.value == "lacking"]
    if lacking and all(tag.meaning.value == "full" for tag in inside if tag not in lacking):
        inside = lacking  # "missing full extension"
    best = min(inside, key=lambda tag: (distance(tag), -(tag.end - tag.start)))
    others = [other for other in clause.events if other.joint != event.joint]
    if others and not event.depth:
        nearer = min(abs(best.start - other.place) for other in others)
        if nearer < abs(best.start - event.place) and distance(best) > 2:
            return None
    return best


def _negator_of(event: Event, clause: Clause, words: Sequence[Word]) -> Tag | None:
    """The last negation before the event; two of them cancel."""
    reach = event.place if event.part_place is None else max(event.place, event.part_place)
    governing = [tag for tag in clause.negators if tag.start <= reach]
    doubled = len(governing) % 2 == 0 and any(words[tag.start].text not in {"no", "any"} for tag in governing)
    return None if not governing or doubled else governing[-1]


def _inherited(event: Event, clause: Clause, before: Clause | None) -> Tag | None:
    """As in "Don't let your knees cave in or your chest drop": the second has the negation of the first."""
    if before is None or before.mood != "asked" or not before.negators or clause.negators:
        return None
    coordinated = clause.opener in {"and", "or", "&"} and clause.mood != "asked" and event.form in {"base", "ing"}
    return before.negators[0] if coordinated else None


# Rules ---------------------------------------------------------------------------------------------------------------


def _not_enough(case: _Case) -> _Verdict | None:
    return _Verdict(case.said, "short", "fault") if case.negation and "enough" in case.rom_text else None


def _full_range(case: _Case) -> _Verdict | None:
    if case.rom != "full" or case.negation:
        return None
    told = "enough" in case.rom_text or "depth" in case.rom_text
    if case.clause.praise or told:
        return _Verdict(case.praised, "full", "fine")
    if case.bad or (case.asked and case.rom_text != "plenty"):
        return None
    if case.seen or case.rom_text in {"plenty", "full range", "adequate", "sufficient", "optimal", "complete"}:
        return _Verdict(case.praised, "full", "fine")
    return _Verdict(case.said, "short", "asked")


def _beyond(case: _Case) -> _Verdict | None:
    """Too much of it, or a wish for less. "So deep" says so only where it is denied; seen, it is a fault."""
    if case.rom not in {"beyond", "less", "so"}:
        return None
    rom: Rom = "short" if case.little else "beyond"
    if case.rom == "so" and not case.negation:
        return _Verdict(case.opposite, rom, "fault")
    if case.event.depth and case.bad:
        return _Verdict("flex", "short", "fault")
    if case.negation and case.seen and case.negation not in grammar("forbids-it"):
        return _Verdict(case.said, None, "fine")
    if case.negation in grammar("stops"):
        return _Verdict(case.opposite, rom, "fault")
    if case.rom == "less":
        return _Verdict(case.opposite, None if case.numbered else "beyond", "asked")
    return _Verdict(case.opposite, rom, "asked" if case.negation or case.asked else "fault")


def _lacking(case: _Case) -> _Verdict | None:
    if case.rom != "lacking":
        return None
    return _Verdict(case.opposite if case.bad else case.said, "short", "asked" if case.asked else "fault")


def _failing(case: _Case) -> _Verdict | None:
    if not case.negation.startswith("fail"):
        return None
    return _Verdict(case.said, "short" if case.rom else None, "fault")


def _more(case: _Case) -> _Verdict | None:
    if not case.more or case.negation or case.bad:
        return None
    told = case.rom == "wholly" and not case.asked
    if told and (case.clause.praise or (case.seen and case.event.form in {"third", "ing"})):
        return _Verdict(case.said, "full", "fine")
    return _Verdict(case.said, "short", "asked")


def _stopped(case: _Case) -> _Verdict | None:
    """As in "Your knees have stopped caving in", "you've stopped going all the way down"."""
    if case.negation != "stopped":
        return None
    if case.event.depth or case.good:
        return _Verdict(case.said, "short" if case.event.depth else None, "fault")
    return _Verdict(case.opposite, None, "fine")


def _no_longer(case: _Case) -> _Verdict | None:
    if not (case.ended or case.negation == "no longer") or not case.negation:
        return None
    told = case.negation == "no longer" or case.negation.endswith("n't")
    if not told and not (case.negation in grammar("denies") and case.seen):
        return None
    return (
        _Verdict(case.said, "short" if case.more else None, "fault")
        if case.good
        else _Verdict(case.opposite, None, "fine")
    )


def _denied(case: _Case) -> _Verdict | None:
    """A statement that denies: of a fault it is praise, of anything else a fault."""
    if (
        case.negation not in grammar("denies")
        or case.asked
        or not (case.seen or case.of_a_part or case.negation != "not")
    ):
        return None
    if case.bad or (case.clause.praise and not case.good):
        return _Verdict(case.opposite, None, "fine")
    return _Verdict(case.said, "short" if case.more else None, "fault")


def _without(case: _Case) -> _Verdict | None:
    if case.negation not in {"without", "no"} or case.asked or not (case.bad or case.clause.praise):
        return None
    if case.negation == "without" and not (case.bad and case.clause.praise):
        return None
    return _Verdict(case.opposite, None, "fine" if case.clause.praise else "asked")


def _forbidden(case: _Case) -> _Verdict | None:
    if not case.negation:
        return None
    return _Verdict(
        case.opposite, "beyond" if case.more else None, "fault" if case.negation in grammar("stops") else "asked"
    )


def _praised(case: _Case) -> _Verdict | None:
    if not case.clause.praise or case.bad or case.asked:
        return None
    return _Verdict(case.praised, "full" if case.event.depth else None, "fine")


def _at_its_word(case: _Case) -> _Verdict | None:
    """A command is taken at its word, "flare your elbows", unless it is to mend what it names: "control the sway"."""
    if not case.bad or not case.asked or case.event.depth or case.mending:
        return None
    return _Verdict(case.said, None, "asked")


def _as_said(case: _Case) -> _Verdict | None:
    noted = case.clause.mood == "cue" and case.event.form == "noun" and not case.event.depth and not case.numbered
    if case.bad or (noted and not case.good) or not (case.asked or case.clause.mood == "cue" or case.good):
        return None  # "knee flexion on landing" notes what is seen
    fine = case.seen and case.good
    return _Verdict(case.said, "short" if case.event.depth else None, "fine" if fine else "asked")


def _observed(case: _Case) -> _Verdict:
    """What is seen to happen and not praised is what goes wrong."""
    if case.event.depth:
        if not case.bad:
            return _Verdict(case.said, "short", "asked")
        return _Verdict("flex", "short", "asked" if case.asked else "fault")
    return _Verdict(case.opposite, None, "asked" if case.asked else "fault")


_RULES: tuple[Callable[[_Case], _Verdict | None], ...] = (
    _not_enough, _full_range, _beyond, _lacking, _failing, _more, _stopped, _no_longer, _denied, _without, _forbidden, _praised,
    _at_its_word, _as_said, _observed,
)  # fmt: skip
