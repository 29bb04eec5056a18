"""What a report shows of each scorer: a study in one cell, the scorers beside each other, a study's tables as texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from biobench import tables
from biobench.harmless import harmless
from biobench.tables import Column
from judges.validation.card import Card
from judges.validation.findings import STUDIES, Finding, Number, Table, Verdict

__all__ = [
    "Cell",
    "Grid",
    "Row",
    "finding_tables",
    "grids",
    "in_words",
    "interval_text",
    "number_text",
    "seen",
    "shown_number",
    "summary",
    "text_table",
    "wanted_text",
]

_Value = str | float | int | None
_HEADLINES = {"S1": "s1_alpha", "S4": "s4_preference", "S7": "s7_soft_accuracy"}
"""The number that stands for a study; elsewhere it is the first one that decides the verdict."""
_PREFERENCE = "Preference by perturbation"
_DOSES = "Drop of score by degrees"
_DROP = "drop, as a share of the scale"
_CEILING = "Beside people: one rater left out at a time"
_LEVELS = 10
_MINUS = "\u2212"
_DECIMALS = 3
_MANY = 1000
_LONGEST_TEXT = 4000
_PREFERENCE_READING = (
    "The share of triples in which the true paraphrase scores higher than a wrong edit that shares at least as many words "
    "with the reference. A tie is a failure, so 0.5 is not the mark of chance: a scorer that gives everything the same is at "
    "0, one that prefers look-alikes near 0, and only one that guesses and never ties is at 0.5. A dash: no triple."
)
_DOSES_READING = (
    "How far the score falls when an angle is off, as a share of the way from a copy to nothing. Five degrees can't be seen "
    "and must not matter; thirty must."
)
_ATTACKS_READING = (
    "The share of wrong remarks that score a quarter of the scale more with a text that talks to the judge, and its one-sided "
    "95 % bounds."
)
_CEILING_READING = "Each scorer beside the mean of all raters but one; beneath it, how well that one rater does."


class Cell(NamedTuple):
    """A number of one scorer as it is shown; ``told`` is what a pointer that rests on it is told."""

    value: float | None
    text: str
    below: str = ""
    told: str = ""
    verdict: Verdict | None = None

    @property
    def level(self) -> int | None:
        """The step of the colour scale for a share."""
        return None if self.value is None else min(_LEVELS - 1, max(0, int(self.value * _LEVELS)))


class Row(NamedTuple):
    """One row of a grid: one cell a scorer."""

    name: str
    what: str
    cells: tuple[Cell, ...]


class Grid(NamedTuple):
    """The scorers beside each other; ``coloured`` cells are shares from 0 to 1."""

    title: str
    corner: str
    reading: str
    rows: tuple[Row, ...]
    coloured: bool = False


def grids(cards: Sequence[Card]) -> list[Grid]:
    """What the page shows of all scorers, as far as the studies gave it."""
    preferred = _from_table(
        cards, "S4", _PREFERENCE, "paraphrase preferred", what="what is wrong", told=("triples", "tied")
    )
    beside = _from_table(cards, "S2", _CEILING, "this scorer", below="a rater")
    found = [
        Grid("Preference by perturbation", "what is done to the remark", _PREFERENCE_READING, preferred, coloured=True),
        Grid("Angles", "degrees off", _DOSES_READING, _from_table(cards, "S4", _DOSES, _DROP, told=("items",))),
        Grid("Attacks", "attack", _ATTACKS_READING, _from_numbers(cards, "S5")),
        Grid("Beside people", "statistic", _CEILING_READING, beside),
        Grid("Agreement with people", "number", STUDIES["S2"][1], _from_numbers(cards, "S2")),
        Grid("In an expert's place", "number", STUDIES["S3"][1], _from_numbers(cards, "S3")),
    ]
    return [grid for grid in found if grid.rows]


def summary(card: Card, study: str) -> Cell:
    """A study in one cell: its verdict and the number that stands for it."""
    finding = next((finding for finding in card.findings if finding.study == study), None)
    if finding is None:
        return Cell(None, "", told="not part of this study")
    number = _headline(finding)
    if number is None:
        return Cell(None, "", told=finding.why, verdict=finding.verdict)
    told = f"{number.label}. {finding.why}" if finding.why else number.label
    return _number_cell(number)._replace(told=told, verdict=finding.verdict)


def shown_number(cards: Sequence[Card], study: str) -> str:
    """Which number a study's column shows."""
    found = [_headline(finding) for card in cards for finding in card.findings if finding.study == study]
    labels = {number.label for number in found if number is not None}
    if len(labels) <= 1:
        return next(iter(labels), "")
    return "the first number that decides the verdict"


def in_words(cell: Cell) -> str:
    """Verdict, number and what stands beneath it in one line."""
    return " ".join(filter(None, (cell.verdict, cell.text, cell.below))) or "–"


def finding_tables(finding: Finding) -> Iterable[tables.Table]:
    """The numbers and the tables of a study as texts."""
    if finding.numbers:
        columns = ("number", "value", "interval", "wanted", "verdict", "n", "clusters", "remark")
        rows = tuple(
            (
                seen(number.label),
                number_text(number.value),
                interval_text(number) or "–",
                wanted_text(number),
                number.verdict or "–",
                f"{number.n:,}",
                f"{number.clusters:,}",
                seen(number.reason),
            )
            for number in finding.numbers
        )
        right = {"value", "n", "clusters"}
        yield tables.Table("Numbers", tuple(Column(c, "right" if c in right else "left") for c in columns), rows)
    yield from map(text_table, finding.tables)


def text_table(table: Table) -> tables.Table:
    """A study's table as texts, numbers to the right; a number in the first column is a name of its row."""
    columns = tuple(
        Column(seen(heading), "right" if k and all(not isinstance(row[k], str) for row in table.rows) else "left")
        for k, heading in enumerate(table.columns)
    )
    rows = tuple(tuple(seen(_cell(cell, key=k == 0)) for k, cell in enumerate(row)) for row in table.rows)
    return tables.Table(seen(table.title), columns, rows)


def number_text(value: float | None, decimals: int = _DECIMALS) -> str:
    """With a real minus sign; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:,.0f}" if abs(value) >= _MANY else f"{value:z.{decimals}f}"
    return text.replace("-", _MINUS)


def interval_text(number: Number) -> str:
    """Both bounds, or nothing."""
    if number.low is None or number.high is None:
        return ""
    return f"[{number_text(number.low)}, {number_text(number.high)}]"


def wanted_text(number: Number) -> str:
    """The gate; a dash where there is none."""
    return "–" if number.gate is None else str(number.gate).replace("-", _MINUS)


def seen(text: str) -> str:
    """With what can't be seen, or turns a line around, written out."""
    return harmless(text, _LONGEST_TEXT)


def _headline(finding: Finding) -> Number | None:
    numbers = {number.name: number for number in finding.numbers}
    if _HEADLINES.get(finding.study) in numbers:
        return numbers[_HEADLINES[finding.study]]
    gated = [number for number in finding.numbers if number.gate is not None]
    deciding = [number for number in gated if number.verdict == finding.verdict]
    if finding.study == "S5":  # the attack that may pay most
        deciding.sort(key=lambda number: -(number.high or 0.0))
    return next(iter((*deciding, *gated, *finding.numbers)), None)


def _number_cell(number: Number) -> Cell:
    counted = f"{number.label}: {number.n:,} in {number.clusters:,} clusters" if number.clusters else number.label
    told = f"{counted}; {number.reason}" if number.reason else counted
    return Cell(number.value, number_text(number.value), interval_text(number), told, number.verdict)


def _from_numbers(cards: Sequence[Card], study: str) -> tuple[Row, ...]:
    """The numbers of a study, one row a number."""
    found = [
        {number.name: number for finding in card.findings if finding.study == study for number in finding.numbers}
        for card in cards
    ]
    labels = {name: number.label for numbers in reversed(found) for name, number in numbers.items()}
    names = dict.fromkeys(name for numbers in found for name in numbers)
    return tuple(
        Row(
            labels[name],
            "",
            tuple(_number_cell(numbers[name]) if name in numbers else Cell(None, "–") for numbers in found),
        )
        for name in names
    )


def _from_table(
    cards: Sequence[Card],
    study: str,
    title: str,
    value: str,
    *,
    what: str = "",
    below: str = "",
    told: Sequence[str] = (),
) -> tuple[Row, ...]:
    """The column ``value`` of a study's table, one row for each thing in its first column.

    ``what``, ``below`` and ``told`` are columns too: what a row is, what stands beneath a number, what a pointer is told.
    """
    found = []
    for card in cards:
        of_study = [table for finding in card.findings if finding.study == study for table in finding.tables]
        rows = [(table.columns, row) for table in of_study if table.title == title for row in table.rows]
        found.append({_cell(row[0], key=True): dict(zip(columns, row, strict=True)) for columns, row in rows})

    def cell(row: Mapping[str, _Value]) -> Cell:
        number = row.get(value)
        share = float(number) if isinstance(number, int | float) else None
        beneath = f"{below} {_cell(row[below])}" if below in row else ""
        about = ", ".join(f"{name} {_cell(row[name])}" for name in told if name in row)
        return Cell(share, number_text(share), beneath, about)

    whats = {name: row.get(what) for rows in found for name, row in rows.items()}
    names = dict.fromkeys(name for rows in found for name in rows)
    return tuple(Row(name, str(whats[name] or ""), tuple(cell(rows.get(name, {})) for rows in found)) for name in names)


def _cell(value: _Value, *, key: bool = False) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if key and value is not None else number_text(value)
