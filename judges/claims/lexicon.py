"""The lexicon, ready to be looked up: every word form and phrase of ``data/lexicon.toml``, longest first."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any, NamedTuple

from judges.claims.grammar import grammar
from judges.claims.records import OPPOSITE, Rom
from judges.claims.tokens import Word

__all__ = ["FILLERS", "Lexicon", "Meaning", "Phrase", "Tag", "lexicon"]

FILLERS = grammar("fillers")
"""Words that may stand between the words of a phrase."""
_SKIPPED_AT_MOST = 3
_FORMS = {"adjectives": "adjective", "nouns": "noun", "verbs": ""}
_CONCEPTS = frozenset(("part", "motion", "phrase", "depth", "tempo"))
"""Layers that share the words of a remark: the longest entry of them all counts."""


class Meaning(NamedTuple):
    """What a word form or phrase stands for: the layer it belongs to, its value there, and its grammatical form."""

    layer: str
    value: str
    form: str = ""


class Tag(NamedTuple):
    """A meaning found in a remark: words from ``start`` up to, and without, ``end``."""

    start: int
    end: int
    meaning: Meaning


class Phrase(NamedTuple):
    """An idiom with its slots. ``joint`` and ``direction`` are what its words say, before faults and negations are folded.

    ``parts``: the parts that it is said of; "" among them where it needs none. Empty: it names its part itself.
    """

    joint: str
    direction: str | None
    parts: tuple[str, ...]
    sign: str
    rom: Rom | None
    phase: str | None


Entry = tuple[tuple[str, ...], Meaning]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """``index``: by layer and first word, the entries as (words, meaning), longest first; the rest as in the file.

    ``faults``: faults of the catalogue by joint and the direction of their cure. ``bad`` and ``good``: forms that name a fault,
    or good form, whoever says them. ``forms``: every single word that stands anywhere in it.
    """

    version: str
    index: Mapping[str, Mapping[str, Sequence[Entry]]]
    phrases: tuple[Phrase, ...]
    table: Mapping[str, Mapping[str, str]]
    depth_joints: Mapping[str, tuple[str, ...]]
    implicit: Mapping[str, Mapping[str, str]]
    joints: Mapping[str, str]
    dofs: Mapping[str, Mapping[str, str]]
    faults: Mapping[tuple[str, str], tuple[str, ...]]
    bad: frozenset[str]
    good: frozenset[str]
    forms: frozenset[str]

    def find(self, layer: str, words: Sequence[Word]) -> list[Tag]:
        """The longest entries of a layer, from left to right, none over another."""
        entries = self.index[layer]
        found: list[Tag] = []
        place = 0
        while place < len(words):
            best = Tag(place, place, Meaning("", ""))
            for entry, meaning in entries.get(words[place].text, ()):
                end = _match(entry, words, place)
                if end > best.end:
                    best = Tag(place, end, meaning)
            if best.end > place:
                found.append(best)
            place = max(best.end, place + 1)
        return found

    def describes(self, text: str) -> bool:
        """Whether a single word is an adjective, a way to go, or a part: no verb."""
        entries = self.index["concepts"].get(text, ())
        alone = [meaning for entry, meaning in entries if len(entry) == 1]
        return any(meaning.layer == "part" or meaning.form in {"adjective", "noun"} for meaning in alone)

    def single(self, text: str, layer: str) -> Meaning | None:
        """What a single word is in a layer of concepts."""
        entries = self.index["concepts"].get(text, ())
        return next((meaning for entry, meaning in entries if len(entry) == 1 and meaning.layer == layer), None)


@cache
def lexicon() -> Lexicon:
    """The packaged lexicon."""
    data: dict[str, Any] = tomllib.loads((files("judges.claims") / "data" / "lexicon.toml").read_text("utf-8"))
    index: dict[str, dict[str, list[Entry]]] = {}
    phrases, spelt = _phrases(data["phrase"])
    for layer, text, value, form in (*_concepts(data), *spelt, *_others(data)):
        table = index.setdefault("concepts" if layer in _CONCEPTS else layer, {})
        for words, inflection in _forms(text):
            table.setdefault(words[0], []).append((words, Meaning(layer, value, form or inflection)))
    for table in index.values():
        for entries in table.values():
            entries.sort(key=lambda entry: -len(entry[0]))
    faults: dict[tuple[str, str], tuple[str, ...]] = {}
    for fault, cure in data["faults"].items():
        joint, _, direction = cure.partition(" ")
        faults[joint, direction] = (*faults.get((joint, direction), ()), fault)
    bad, good = (_signs(data, sign) for sign in ("bad", "good"))
    forms = frozenset(
        word for table in index.values() for entries in table.values() for words, _ in entries for word in words
    )
    depth = {name: tuple(joints) for name, joints in data["depth"]["joints"].items()}
    return Lexicon(
        version=data["version"],
        index=index,
        phrases=phrases,
        table=data["table"],
        depth_joints=depth,
        implicit=data["implicit"],
        joints=data["joints"],
        dofs=data["dofs"],
        faults=faults,
        bad=bad,
        good=good,
        forms=forms,
    )


def _signs(data: Mapping[str, Any], sign: str) -> frozenset[str]:
    return frozenset(" ".join(words) for text in data["signs"][sign] for words, _ in _forms(text))


def _concepts(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Layer, text, value and form of parts, motions, depth and tempo."""
    for part, texts in data["parts"].items():
        yield from (("part", text, part, "") for text in texts)
    for motion, kinds in data["motions"].items():
        for kind, texts in kinds.items():
            yield from (("motion", text, motion, _FORMS[kind]) for text in texts)
    for value, texts in data["depth"].items():
        if value != "joints":
            yield from (("depth", text, value, "") for text in texts)
    for value, texts in data["tempo"].items():
        yield from (("tempo", text, value, "") for text in texts)


def _others(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for layer in ("rom", "phases"):
        for value, texts in data[layer].items():
            yield from ((layer, text, value, "") for text in texts)
    yield from (("movers", text, "mover", "") for text in data["movers"]["words"])
    yield from (("praise", text, "praise", "") for text in data["praise"]["words"])
    for group in ("negation", "numbers"):
        for value, texts in data[group].items():
            yield from ((f"{group}.{value}", text, value, "") for text in texts)


def _phrases(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[Phrase, ...], list[tuple[str, str, str, str]]]:
    """The idioms by number, and how each is spelt; those of ``flip`` say the opposite of their row."""
    phrases: list[Phrase] = []
    spelt: list[tuple[str, str, str, str]] = []
    for row in rows:
        joint, _, direction = row["wants"].partition(" ")
        flipped = set(row.get("flip", ()))
        for opposite in (False, True):
            told = OPPOSITE.get(direction, direction) if opposite else direction
            number = str(len(phrases))
            parts = tuple(row.get("parts", ()))
            phrases.append(Phrase(joint, told or None, parts, row.get("sign", ""), row.get("rom"), row.get("phase")))
            spelt += [("phrase", text, number, "") for text in row["words"] if (text in flipped) == opposite]
    return tuple(phrases), spelt


def _match(entry: tuple[str, ...], words: Sequence[Word], place: int) -> int:
    """Where the entry ends if it stands here, fillers between its words allowed; else 0."""
    for k, expected in enumerate(entry):
        skipped = 0
        while k and place < len(words) and words[place].text != expected and skipped < _SKIPPED_AT_MOST:
            if words[place].text not in FILLERS:
                break
            place += 1
            skipped += 1
        if place >= len(words) or words[place].text != expected:
            return 0
        place += 1
    return place


def _forms(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The word sequences that an entry stands for, with the form of its first inflected word; determiners are dropped."""
    words = text.split()
    kept = [word for k, word in enumerate(words) if not (k and word in grammar("determiners"))]
    for chosen in product(*map(_inflected, kept)):
        yield tuple(word for word, _ in chosen), next((form for _, form in chosen if form), "")


def _inflected(word: str) -> Iterable[tuple[str, str]]:
    """A word, or with a trailing + its regular forms."""
    if not word.endswith("+"):
        return [(word, "")]
    stem = word[:-1]
    base, ing, past = stem, stem + "ing", stem + "ed"
    if stem.endswith("-e"):
        base = stem[:-2] + "e"
        ing, past = stem[:-2] + "ing", stem[:-2] + "ed"
    elif "-" in stem:
        base, double = stem.split("-")
        ing, past = base + double + "ing", base + double + "ed"
    third = base + ("es" if base.endswith(("s", "sh", "ch", "x", "z")) else "s")
    if base.endswith("y") and base[-2:-1] not in {"a", "e", "o"}:
        third, past = base[:-1] + "ies", base[:-1] + "ied"
    return [(base, "base"), (third, "third"), (ing, "ing"), (past, "past")]
