"""Which numbers a board shows and may order by, and the numbers that others report: from ``data/*.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from biobench import registry
from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest

__all__ = [
    "Column",
    "ReportedRow",
    "ReportedTable",
    "columns",
    "find_column",
    "preferred_order",
    "reported",
    "reported_labels",
]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of numbers. ``ranked`` ones get places from a joint test over the whole board."""

    protocol: str
    metric: str
    label: str
    decimals: int
    ranked: bool
    help: str

    @property
    def higher_is_better(self) -> bool:
        """Whether more is better; of a metric that is not installed nothing else is known."""
        kind = registry.metrics().all.get(self.metric)
        return not self.metric.endswith("_unscored") if kind is None else kind.higher_is_better

    @property
    def key(self) -> str:
        """How it is named in an address and on the command line: ``biobench-1.t_lift``."""
        return f"{self.protocol}.{self.metric}"


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """Numbers of a paper or challenge, by metric and as they are printed there, and the source that reports them."""

    system: str
    source: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReportedTable:
    """Reported rows on one benchmark."""

    benchmark: str
    rows: tuple[ReportedRow, ...]


@cache
def columns() -> tuple[Column, ...]:
    """Every column that a board can have, in the order of the page."""
    return tuple(Column(**row) for row in _table("columns.toml")["column"])


def find_column(key: str) -> Column:
    """The column of that key that can be ordered by. Raises ``ProblemsFound``.

    >>> find_column("biobench-1.t_lift").label
    't_lift'
    """
    ranked = {column.key: column for column in columns() if column.ranked}
    if key not in ranked:
        raise ProblemsFound([Problem("--metric", f'"{key}"', "one of " + ", ".join(ranked), nearest(key, ranked))])
    return ranked[key]


@cache
def preferred_order() -> tuple[Column, ...]:
    """The columns to order by, the most wanted first: a board is ordered by the first that its systems have."""
    return tuple(find_column(key.replace(" ", ".", 1)) for key in _table("columns.toml")["order"])


@cache
def reported() -> tuple[ReportedTable, ...]:
    """Every reported number, by benchmark; a source is written out."""
    data = _table("reported.toml")
    return tuple(
        ReportedTable(
            benchmark=table["benchmark"],
            rows=tuple(
                ReportedRow(
                    system=row["system"],
                    source=data["sources"][row["source"]],
                    values={metric: row[metric] for metric in data["metrics"] if metric in row},
                )
                for row in table["rows"]
            ),
        )
        for table in data["table"]
    )


@cache
def reported_labels() -> Mapping[str, str]:
    """The metrics of the reported tables, in order, with their headings."""
    data = _table("reported.toml")
    return {metric: data["metric_labels"][metric] for metric in data["metrics"]}


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("leaderboard").joinpath("data", name).read_text(encoding="utf-8"))
