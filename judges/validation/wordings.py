"""The words of the studies: what is wrong with an exercise in five ways of saying it, and what must not matter.

The files in ``data/`` are written apart from the lexicon of claims and from the generator's wordings, and share nothing
with them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from judges.validation.templates import Template, parse

__all__ = ["REGISTERS", "Around", "Manners", "Statement", "manners", "statements"]

REGISTERS = ("reference", "lay", "clinical", "terse", "verbose")
"""How a thing is said; the first is the expert's, the others say the same."""

_FILES = ("wordings_a.toml", "wordings_b.toml", "wordings_c.toml")


@dataclass(frozen=True)
class Statement:
    """One thing to say.

    ``about`` is a fault of the catalogue, or ``done`` or ``left`` of repetitions; ``kind`` is plain, angle (it names angles)
    or count.
    """

    about: str
    kind: str
    texts: Mapping[str, Template]
    praise: Template
    vague: Template


class Around(NamedTuple):
    """Sentences that can stand before a remark, and sentences that can stand after it."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Manners:
    """What may stand around a remark without a change of what it says, and texts that talk to a grader."""

    version: str
    padding: Around
    politeness: Around
    authority: tuple[str, ...]
    labels: tuple[str, ...]
    exercise_before: tuple[str, ...]
    exercise_after: tuple[str, ...]
    attacks: Mapping[str, tuple[str, ...]]


@cache
def statements() -> tuple[Statement, ...]:
    """Every statement, in the order of the files."""
    found = []
    for name in _FILES:
        content = tomllib.loads(files("judges.validation").joinpath("data", name).read_text(encoding="utf-8"))
        for table, kinds in (("faults", ("plain", "angle")), ("counts", ("count",))):
            for about, told in content.get(table, {}).items():
                # A count has no kinds of its own: its texts stand beside ``other``.
                by_kind = {"count": told} if table == "counts" else told
                praise, vague = parse(told["other"]["praise"]), parse(told["other"]["vague"])
                found += [
                    Statement(about, kind, {r: parse(by_kind[kind][r]) for r in REGISTERS}, praise, vague)
                    for kind in kinds
                    if kind in by_kind
                ]
    return tuple(found)


@cache
def manners() -> Manners:
    """What must not move a score, and attacks."""
    content = tomllib.loads(files("judges.validation").joinpath("data/manners.toml").read_text(encoding="utf-8"))
    around = {
        name: tuple(content["around"][name]) for name in ("authority", "labels", "exercise_before", "exercise_after")
    }
    return Manners(
        version=content["version"],
        padding=Around(*(tuple(content["padding"][place]) for place in Around._fields)),
        politeness=Around(*(tuple(content["politeness"][place]) for place in Around._fields)),
        attacks={family: tuple(texts) for family, texts in content["attacks"].items()},
        **around,
    )
