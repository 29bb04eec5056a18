"""Which finds of the lexicon mean what they say: "back" is a part of the body or a way to go, "no more than" negates nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from biobench.exercises import names
from judges.claims.clauses import Clause
from judges.claims.grammar import grammar
from judges.claims.lexicon import FILLERS, Tag
from judges.claims.tokens import Word, text_at

__all__ = ["false_negation", "false_praise", "false_rom", "masked", "movable", "preposition", "pronoun", "settled"]

_REAR_PARTS = frozenset(("knee", "leg", "foot", "heel", "thigh"))
_WAYS = frozenset(("up", "down"))
_SAID_OF_THE_BODY_TOO = frozenset(("high knees", "quick feet"))


def masked(words: Sequence[Word], phases: Sequence[Tag]) -> set[int]:
    """Places where no motion begins: inside the name of an exercise, or of a phase."""
    texts = tuple(word.text for word in words)
    places = {place for tag in phases if tag.end - tag.start > 1 for place in range(tag.start, tag.end)}
    for name in _names():
        for start in range(len(texts) - len(name) + 1):
            if texts[start : start + len(name)] == name:
                places.update(range(start, start + len(name)))
    return places


def settled(tag: Tag, words: Sequence[Word]) -> Tag | None:
    """A tag as its neighbours make it, or None where it is nothing: "back" is a part, a way to go, or the rear knee's."""
    text = words[tag.start].text
    before, after = text_at(words, tag.start - 1), text_at(words, tag.end)
    whole = " ".join(word.text for word in words[tag.start : tag.end])
    if whole == "straight back" and before in grammar("limb"):
        return tag._replace(meaning=tag.meaning._replace(layer="motion", value="back", form="adjective"))
    if whole == "lower back" and after in {"down", "up", "to", "into"}:
        return None
    if tag.end - tag.start > 1:
        return tag
    if tag.meaning.layer == "motion" and preposition(tag, words):
        return None
    if text in {"step", "steps"} and before not in {"your", "each", "the", "every", "that"} | FILLERS:
        return None
    return _back(tag, before, after) if text == "back" else tag


def preposition(tag: Tag, words: Sequence[Word]) -> bool:
    """Whether a word for a way names none: "in the air", "bend in your knees", "straight back", "away from"."""
    text, before, after = words[tag.start].text, text_at(words, tag.start - 1), text_at(words, tag.end)
    match text:
        case "in":
            return after in grammar("after-in-the-preposition") or after[:1].isdigit()
        case "out":
            return after in {"of", "there"}
        case "up" | "down":
            listed = (after == "and" and text_at(words, tag.end + 1) in _WAYS) or (
                before == "and" and text_at(words, tag.start - 2) in _WAYS
            )
            of_the_verb = before in grammar("before-up-the-particle") and after in grammar("after-up-the-particle")
            kept_up = before == "it" and text_at(words, tag.start - 2) in grammar("before-up-the-particle")
            return listed or of_the_verb or kept_up or after in {"next", "ahead"} or before in {"next", "keep"}
        case "straight":
            return after in grammar("after-straight-the-adverb")
        case "close":
            return after in {"your", "the"}
        case "past" | "behind" | "across" | "inside" | "outside" | "ahead":
            return after in {"your", "the"} or after[:1].isdigit()
        case "away":
            return after == "from"
        case _:
            return False


def movable(parts: list[Tag], words: Sequence[Word], *, pronoun: bool) -> list[Tag]:
    """Without the parts that only say where: to your ears, over your toes. Where nothing else moves they stay."""

    def landmark(tag: Tag) -> bool:
        place = tag.start - 1
        while place >= 0 and words[place].text in FILLERS - {"is", "are", "was", "were"}:
            place -= 1
        text, before = text_at(words, place), text_at(words, place - 1)
        return text in grammar("landmarks") or (text == "of" and before in {"front", "ahead", "top"})

    kept = [part for part in parts if not landmark(part)]
    return kept if kept or pronoun else parts


def pronoun(clause: Clause, words: Sequence[Word]) -> bool:
    """Whether a clause speaks of something named before."""
    return any(word.text in grammar("pronoun") for word in words[clause.start : clause.end])


def false_rom(tag: Tag, words: Sequence[Word]) -> bool:
    """Whether words about a range say nothing of one: "more than 15 degrees", "any more", "lacks 15 degrees"."""
    text = words[tag.start].text
    before, after = text_at(words, tag.start - 1), text_at(words, tag.end) or "."
    around = words[max(0, tag.start - 3) : tag.end + 3]
    if text in grammar("comparative") and after == "than" and _numeral(text_at(words, tag.end + 1)):
        return True
    if text == "more" and before in grammar("before-more"):
        return True
    if text in {"lacks", "lacking", "lack", "leaves"}:
        return any(_numeral(word.text) for word in around)
    if text == "increase":
        rest = [word.text for word in words[tag.end :]]
        return "to" in rest and any(map(_numeral, rest))
    return text == "increasing" or (text == "too" and tag.end - tag.start == 1 and after in {*".!,?;", "and"})


def false_negation(tag: Tag, words: Sequence[Word]) -> bool:
    """Whether a negation negates nothing that moves: "stops short", "no more than 15 degrees", "not only"."""
    text, after = words[tag.start].text, text_at(words, tag.end)
    match text:
        case "stop" | "stopping":
            return after in grammar("after-stop-short")
        case "no" | "not":
            capped = any(word.text == "than" for word in words[tag.end : tag.end + 3])
            idle = {"only", "just", "bad", "yet"} if text == "not" else {"problem", "worries"}
            return after in idle or (capped and after in grammar("comparative-after-no"))
        case "can't" | "cannot" | "cant":
            return after in {"see", "take"}
        case _:
            return False


def false_praise(tag: Tag, words: Sequence[Word]) -> bool:
    """Whether words of praise praise nothing: "not well", "as well", "for better control", "stay strong"."""
    text, before, after = words[tag.start].text, text_at(words, tag.start - 1), text_at(words, tag.end)
    match text:
        case "well" | "good":
            return before in grammar("before-false-praise") and before != "a"
        case "better" | "correct" | "maintained":
            return before in {"for", "to", "get", "be", "not", "isn't"} or after in {"your", "the", "to", "if", "than"}
        case "strong":
            return before in {"stay", "core", "keep"}
        case _:
            return False


def _back(tag: Tag, before: str, after: str) -> Tag | None:
    if after in _REAR_PARTS and before in {"the", "your"}:
        return None
    if before in grammar("before-back-the-part") and after not in _REAR_PARTS:
        return tag._replace(meaning=tag.meaning._replace(layer="part", value="back", form=""))
    if before and before not in grammar("not-before-back-the-way"):
        return tag._replace(meaning=tag.meaning._replace(layer="motion", value="back", form="adjective"))
    if after in grammar("after-rear"):
        return None
    return tag._replace(meaning=tag.meaning._replace(layer="part", value="back", form=""))


@cache
def _names() -> tuple[tuple[str, ...], ...]:
    """Names of exercises of two words and more, but for those that are also said of the body."""
    return tuple(tuple(name.split()) for name in names() if " " in name and name not in _SAID_OF_THE_BODY_TOO)


def _numeral(text: str) -> bool:
    return text[:1].isdigit() or text in grammar("numeral-like")
