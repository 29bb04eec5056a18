"""Tables keep what users wrote as text, in every form."""

import csv
import io

import pytest
from rich.console import Console

from biobench.tables import Column, Table, print_table, to_csv, to_latex, to_markdown

NASTY = "a|b_[red]c & 5% <script> \\ {x} ° ~^"
TABLE = Table("T", (Column("name"), Column("value", "right")), ((NASTY, "0.5"),), ("a note",))


def test_markdown_escapes():
    row = to_markdown(TABLE).splitlines()[4]
    assert row.count("|") == row.count("\\|") + 3
    assert "\\<script>" in row


def test_latex_escapes():
    latex = to_latex(TABLE)
    assert r"a|b\_[red]c \& 5\% \textless{}script\textgreater{} \textbackslash{} \{x\} \textdegree{}" in latex
    assert latex.count("{") - latex.count("\\{") == latex.count("}") - latex.count("\\}")


def test_the_terminal_shows_markup_as_text():
    stream = io.StringIO()
    print_table(Console(file=stream, width=100), TABLE)
    assert NASTY in stream.getvalue()
    assert "a note" in stream.getvalue()


def test_csv_keeps_every_digit_and_no_formula():
    text = to_csv(["name", "value"], [["=1+1", 0.1 + 0.2], [None, -1.5]])
    assert list(csv.reader(io.StringIO(text))) == [["name", "value"], ["'=1+1", "0.30000000000000004"], ["", "-1.5"]]


def test_a_ragged_row_is_refused():
    with pytest.raises(ValueError, match="1 cells in a table of 2"):
        Table("T", (Column("a"), Column("b")), (("x",),))
