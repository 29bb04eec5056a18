"""The carried tables: WordNet's synonyms and Punkt's parameters, read once and only when first needed."""

from __future__ import annotations

import tomllib
import zlib
from bisect import bisect_left
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CAPITAL_INSIDE",
    "LOWER",
    "LOWER_FIRST",
    "UPPER",
    "PunktTable",
    "punkt_table",
    "tables_version",
    "word_entry",
]

UPPER = 2 + 4 + 8
"""How Punkt's training text wrote a word, as sums of flags: with a capital, anywhere."""
CAPITAL_INSIDE = 4
"""With a capital inside a sentence."""
LOWER = 16 + 32 + 64
"""In lower case, anywhere."""
LOWER_FIRST = 16
"""In lower case as the first word of a sentence."""


class PunktTable(NamedTuple):
    """Punkt's English parameters (Kiss and Strunk 2006), in lower case and without the final period."""

    abbreviations: frozenset[str]
    collocations: frozenset[tuple[str, str]]
    collocation_starts: frozenset[str]
    sentence_starters: frozenset[str]
    spellings: Mapping[str, int]


def word_entry(word: str) -> dict[str, list[str]]:
    """What WordNet 3.0 has on a word: ``n v a r`` its synonyms, ``N V A R`` the forms it is irregular for.

    Synonyms are those of all senses of that part of speech, in lower case, single words, the word itself
    among them where a sense has it so. Empty for a word that is not in the table.

    >>> word_entry("stomach")["n"]
    ['abdomen', 'belly', 'breadbasket', 'stomach', 'tum', 'tummy', 'venter']
    >>> word_entry("better")["A"]
    ['good', 'well']
    """
    lines = _lines()
    place = bisect_left(lines, word + "\t")
    if place == len(lines):
        return {}
    found, *fields = lines[place].split("\t")
    if found != word:
        return {}
    return {field[0]: [word if name == "~" else name for name in field[1:].split(" ")] for field in fields}


@cache
def punkt_table() -> PunktTable:
    """Punkt's parameters for English; 20,000 words, some 3 MB."""
    parts = [part.split("\n") for part in _content("sentences").split("\x1c")]
    abbreviations, collocations, starters, spellings = parts
    pairs = frozenset((first, second) for first, second in (line.split("\t") for line in collocations))
    return PunktTable(
        abbreviations=frozenset(abbreviations),
        collocations=pairs,
        collocation_starts=frozenset(first for first, _ in pairs),
        sentence_starters=frozenset(starters),
        spellings={word: int(flags) for word, flags in (line.split("\t") for line in spellings)},
    )


@cache
def tables_version() -> Mapping[str, str]:
    """Names of the tables with the first eight digits of the SHA-256 of their content, for signatures."""
    return {table: f"{source['name']} {source['content'][:8]}" for table, source in _sources().items()}


@cache
def _lines() -> list[str]:
    return _content("synonyms").split("\n")


def _content(table: str) -> str:
    packed = files("biobench").joinpath(f"data/words/{_sources()[table]['name']}.txt.gz").read_bytes()
    return zlib.decompress(packed, wbits=31).decode("ascii")


@cache
def _sources() -> dict[str, dict[str, str]]:
    text = files("biobench").joinpath("data/words/sources.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    return {table: {"name": source["name"], "content": source["content"]} for table, source in found.items()}
