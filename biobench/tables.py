"""Tables of text, for a terminal, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

__all__ = ["Column", "Table", "print_table", "to_csv", "to_latex", "to_markdown"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and whether its cells stand left (words) or right (numbers)."""

    heading: str
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; every row has one cell a column."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells in a table of {len(self.columns)} columns")


def print_table(console: Console, table: Table) -> None:
    """Prints a table; text from users is shown as it is, never read as markup."""
    console.print(Text(table.title, style="bold"))
    drawn = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in table.columns:
        drawn.add_column(Text(column.heading), justify=column.align, overflow="fold", no_wrap=column.align == "right")
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console.print(drawn)
    for note in table.notes:
        console.print(Text(note), soft_wrap=True)


def to_markdown(table: Table) -> str:
    """A GitHub-flavoured table with its title and notes.

    >>> print(to_markdown(Table("T", (Column("metric"), Column("value", "right")), (("meteor", "0.125"),))))
    **T**
    <BLANKLINE>
    | metric | value |
    |:--|--:|
    | meteor | 0.125 |
    """
    lines = [f"**{_markdown(table.title)}**", ""]
    lines.append(_markdown_row([column.heading for column in table.columns]))
    lines.append("|" + "|".join("--:" if column.align == "right" else ":--" for column in table.columns) + "|")
    lines += [_markdown_row(row) for row in table.rows]
    for note in table.notes:
        lines += ["", _markdown(note)]
    return "\n".join(lines)


def to_latex(table: Table) -> str:
    """A ``table`` with ``booktabs`` rules, ready to paste."""
    spec = "".join("r" if column.align == "right" else "l" for column in table.columns)
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(table.title)}}}",
        rf"\begin{{tabular}}{{{spec}}}",
        r"\toprule",
    ]
    lines += [" & ".join(_latex(column.heading) for column in table.columns) + r" \\", r"\midrule"]
    lines += [" & ".join(_latex(cell) for cell in row) + r" \\" for row in table.rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\small {_latex(note)}" for note in table.notes]
    return "\n".join([*lines, r"\end{table}"])


def to_csv(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Comma-separated values; None is an empty cell, and a float keeps every digit."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows([["" if cell is None else _csv(cell) for cell in row] for row in rows])
    return stream.getvalue()


def _csv(cell: object) -> object:
    # A spreadsheet runs cells that begin like a formula; a leading quote keeps a system's name a name.
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t"} else cell


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_markdown(cell) for cell in cells) + " |"


def _markdown(text: str) -> str:
    for character in "\\|*_`<[":
        text = text.replace(character, "\\" + character)
    return " ".join(text.split())


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "°": r"\textdegree{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
