"""What raters said about the answers to events: the forms' exports, read as strictly as any input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import Defects, nearest
from judges.validation.events import Events, events_sha256
from judges.validation.strict import ANY_TEXT, BOOL, COUNT, LIST, NAME, SECONDS, SHA256, Kind, checked, open_json

__all__ = ["LONGEST_COMMENT", "SCHEMA", "Item", "Ratings", "Table", "read_ratings"]

SCHEMA = "biobench/study-ratings/1"
LONGEST_COMMENT = 2000

Item = tuple[str, str]
"""An event's id and the id of one of its answers."""


class Table(NamedTuple):
    """The mean score of every system at every event: ``values`` has shape (systems, events), NaN where nobody said one."""

    systems: tuple[str, ...]
    events: tuple[str, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ratings:
    """What everybody said. ``scores`` are of the first showing of an answer, ``repeats`` of the second, 1 to 5.

    ``cannot_say`` counts a rater's answers that can't be judged, ``unrated`` those that are still open, both of the first
    showing.
    """

    raters: tuple[str, ...]
    scores: Mapping[str, Mapping[Item, int]]
    repeats: Mapping[str, Mapping[Item, int]]
    cannot_say: Mapping[str, int]
    unrated: Mapping[str, int]

    def matrix(self, events: Events) -> tuple[tuple[Item, ...], NDArray[np.float64]]:
        """Every answer of the events, and its scores: shape (raters, answers), NaN where a rater gave none."""
        items = tuple((event.id, answer.id) for event in events.events for answer in event.answers)
        rows = [[self.scores[rater].get(item, np.nan) for item in items] for rater in self.raters]
        return items, np.array(rows, dtype=np.float64).reshape(len(self.raters), len(items))

    def table(self, events: Events) -> Table:
        """The mean over raters for each system and event; an answer that several systems gave counts for each of them."""
        systems = events.systems
        row = {system: k for k, system in enumerate(systems)}
        values = np.full((len(systems), len(events.events)), np.nan)
        for k, event in enumerate(events.events):
            for answer in event.answers:
                given = [self.scores[rater].get((event.id, answer.id)) for rater in self.raters]
                scores = [score for score in given if score is not None]
                if scores:
                    values[[row[system] for system in answer.systems], k] = float(np.mean(scores))
        return Table(systems, tuple(event.id for event in events.events), values)


def read_ratings(paths: Sequence[Path], events: Events) -> Ratings:
    """Reads the exports of all raters, complete or not. Raises ``ProblemsFound`` with every problem of every file."""
    if not paths:
        raise ProblemsFound([Problem("the ratings", "no file", "at least one rater's export")])
    digest = events_sha256(events)
    answers = {event.id: tuple(answer.id for answer in event.answers) for event in events.events}
    exports: list[_Export] = []
    problems: list[Problem] = []
    first: dict[str, str] = {}
    for path in paths:
        try:
            source, value, defective = open_json(path)
        except ProblemsFound as found:
            problems += found.problems
            continue
        defects = Defects(source)
        export = _read(defects, value, digest, answers)
        if export is not None:
            name = " ".join(export.rater.split()).casefold()
            if name in first:
                hint = "one file a rater: the newest export holds everything"
                defects.add_text(("rater",), f"the rater of {first[name]} again", "another rater", hint)
            first.setdefault(name, source.file)
            exports.append(export)
        problems += [*defective, *defects.problems()]
    if problems:
        raise ProblemsFound(problems)
    count = sum(map(len, answers.values()))
    return Ratings(
        raters=tuple(export.rater for export in exports),
        scores={export.rater: export.scores[0] for export in exports},
        repeats={export.rater: export.scores[1] for export in exports},
        cannot_say={export.rater: export.cannot_say for export in exports},
        unrated={export.rater: count - len(export.scores[0]) - export.cannot_say for export in exports},
    )


class _Export(NamedTuple):
    rater: str
    scores: tuple[dict[Item, int], dict[Item, int]]
    cannot_say: int


def _is_score(value: object) -> bool:
    return value is None or (type(value) is int and 1 <= value <= 5)


_TOP = {
    "schema": ANY_TEXT,
    "events_sha256": SHA256,
    "rater": NAME,
    "form_seed": COUNT,
    "ratings": LIST,
    "complete": BOOL,
}
_RATING = {
    "event": ANY_TEXT,
    "answer": ANY_TEXT,
    "repeat": Kind(lambda value: type(value) is int and value in {0, 1}, "0 (first showing) or 1 (second)"),
    "score": Kind(_is_score, "a whole number from 1 to 5, or null"),
    "cannot_say": BOOL,
    "comment": Kind(
        lambda value: isinstance(value, str) and len(value) <= LONGEST_COMMENT,
        f"a string of at most {LONGEST_COMMENT:,} characters",
    ),
    "seconds": Kind(lambda value: SECONDS.accepts(value) and not _is_negative(value), "seconds, 0 or more"),
}


def _is_negative(value: object) -> bool:
    return isinstance(value, int | float) and value < 0


def _read(defects: Defects, value: object, digest: str, answers: Mapping[str, Sequence[str]]) -> _Export | None:
    """One export; None where it names no rater. What is wrong with it is added to ``defects``."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        found = value.get("schema") if isinstance(value, dict) else value
        expected = f'what the rating form saves: "schema": "{SCHEMA}"'
        defects.add(("schema",) if isinstance(value, dict) else (), found, expected)
        return None
    top = checked(defects, (), value, _TOP)
    rater = top.get("rater")
    if "events_sha256" in top and top["events_sha256"] != digest:
        found, hint = "ratings of other events", "give the events file that the form was made of"
        defects.add_text(("events_sha256",), found, f"those of {digest[:12]}...", hint)
        return None if rater is None else _Export(rater, ({}, {}), 0)
    scores: tuple[dict[Item, int], dict[Item, int]] = {}, {}
    seen: dict[tuple[Item, int], int] = {}
    said: set[Item] = set()
    cannot_say = 0
    for k, item in enumerate(top.get("ratings", ())):
        rating = checked(defects, ("ratings", k), item, _RATING)
        key = _item(defects, k, rating, answers)
        if rating.get("cannot_say") and rating.get("score") is not None:
            defects.add_text(("ratings", k), f"the score {rating['score']} and cannot_say", "one of the two")
        if key is None or "repeat" not in rating:
            continue
        repeat = rating["repeat"]
        if seen.setdefault((key, repeat), k) != k:
            hint = f"the first is $.ratings[{seen[key, repeat]}]"
            defects.add_text(("ratings", k), "an answer rated twice", "one rating a showing", hint)
        if rating.get("score") is not None:
            scores[repeat][key] = rating["score"]
        elif rating.get("cannot_say") and repeat == 0 and seen[key, 0] == k:
            cannot_say += 1
        else:
            continue
        if repeat == 0:
            said.add(key)
    left = sum(map(len, answers.values())) - len(said)
    if top.get("complete") and left and not len(defects):
        defects.add_text(("complete",), f"true, with {left} answers unrated", "false, or a rating of each")
    return None if rater is None else _Export(rater, scores, cannot_say)


def _item(defects: Defects, k: int, rating: Mapping[str, Any], answers: Mapping[str, Sequence[str]]) -> Item | None:
    """The answer that a rating is of, where there is one."""
    event: str = rating.get("event", "")
    answer: str = rating.get("answer", "")
    known = answers.get(event)
    if known is None and "event" in rating:
        defects.add(("ratings", k, "event"), event, "an event of this study", nearest(event, answers))
    if "answer" not in rating:
        return None
    if known is not None and answer in known:
        return event, answer
    homes = [name for name, ids in answers.items() if answer in ids]
    if not homes:
        defects.add(("ratings", k, "answer"), answer, "an answer of this study")
    elif known is not None:
        defects.add(("ratings", k, "answer"), answer, f"an answer to {event}", f"it is one to {homes[0]}")
    return None
