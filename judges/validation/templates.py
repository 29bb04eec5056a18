"""A remark whose words are marked: which make it true, which make it false, and what may be left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["FALSIFIED", "SLOTS", "Marked", "Template", "parse"]

SLOTS = ("joint", "both", "motion", "direction", "fault", "rom", "phase", "negation")
"""What can be marked in a text."""
FALSIFIED = ("direction", "motion", "fault", "rom", "negation")
"""The slots whose false words alone turn a remark into its contrary, in the order in which they are tried."""

_MARK = re.compile(r"\[([a-z]+):([^\[\]|]+(?:\|[^\[\]|]*)+)\]|\{([a-z]+)\}")


class Marked(NamedTuple):
    """Words of a slot: the true ones first."""

    slot: str
    words: tuple[str, ...]


class _Hole(NamedTuple):
    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """Literal text, marked words and holes, in order."""

    parts: tuple[str | Marked | _Hole, ...] = field(repr=False)
    source: str

    @property
    def slots(self) -> frozenset[str]:
        """The slots that are marked in it."""
        return frozenset(part.slot for part in self.parts if isinstance(part, Marked))

    @property
    def holes(self) -> frozenset[str]:
        """The values that it needs."""
        return frozenset(part.name for part in self.parts if isinstance(part, _Hole))

    def render(self, values: Mapping[str, str], chosen: Mapping[str, int] | None = None, without: str = "") -> str:
        """The text with the words of each slot that are ``chosen`` (0, the true ones, where nothing is said).

        ``without`` names a slot or a hole that is left out, the space before it included. Raises ``KeyError`` for a value
        that is missing.
        """
        told = []
        for part in self.parts:
            if isinstance(part, str):
                told.append(part)
            elif isinstance(part, Marked):
                told.append("" if part.slot == without else part.words[(chosen or {}).get(part.slot, 0)])
            else:
                told.append("" if part.name == without else values[part.name])
        text = re.sub(r"\s+([.,;:!?])", r"\1", re.sub(r" {2,}", " ", "".join(told))).strip()
        return text[:1].upper() + text[1:]


def parse(text: str) -> Template:
    """A template from its text with marks.

    Raises ``ValueError`` for an unknown slot, for words that are the same twice, and for brackets that are no mark.

    >>> template = parse("Your {side} [joint:knee|ankle|elbow] [fault:dips in|bows out].")
    >>> template.render({"side": "left"}, {"fault": 1})
    'Your left knee bows out.'
    >>> template.render({}, without="side")
    'Your knee dips in.'
    """
    parts: list[str | Marked | _Hole] = []
    end = 0
    for found in _MARK.finditer(text):
        _literal(text[end : found.start()], text, parts)
        slot, words, hole = found.groups()
        if hole is not None:
            parts.append(_Hole(hole))
        else:
            alternatives = tuple(words.split("|"))
            wanted = 3 if slot == "joint" else 2
            if slot not in SLOTS or len(alternatives) != wanted or len(set(alternatives)) < wanted:
                raise ValueError(
                    f"{found[0]} in {text!r}: expected one of {', '.join(SLOTS)} and {wanted} alternatives"
                )
            parts.append(Marked(slot, alternatives))
        end = found.end()
    _literal(text[end:], text, parts)
    return Template(tuple(parts), text)


def _literal(piece: str, text: str, parts: list[str | Marked | _Hole]) -> None:
    if re.search(r"[\[\]{}|]", piece):
        raise ValueError(f"{piece!r} in {text!r}: brackets that mark nothing")
    if piece:
        parts.append(piece)
