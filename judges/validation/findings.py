"""What a study found: numbers with intervals, held against gates, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from judges.validation.plan import Gate

__all__ = ["STUDIES", "Finding", "Number", "Row", "Table", "Verdict", "finding", "not_shown", "verdict_of"]

Verdict = Literal["PASS", "FAIL", "NOT SHOWN"]

STUDIES: Mapping[str, tuple[str, str]] = {
    "S0": (
        "sanity",
        "Is a copy at least as good as a paraphrase, that better than another moment's remark, that than nothing?",
    ),
    "S1": ("reliability", "Does it say the same of the same thing when asked again?"),
    "S2": ("agreement", "Does it order answers to one moment as experts do?"),
    "S3": ("replacement", "May it stand in for an expert?"),
    "S4": ("sensitivity", "Is a true paraphrase preferred to a wrong look-alike?"),
    "S5": ("attacks", "Can a submission talk to it?"),
    "S6": ("bias", "Do length, style, courtesy, authority or a label move it?"),
    "S7": ("ranking", "Does it put systems in the order of their errors, however they speak?"),
    "S8": ("power", "Are there enough items and raters to find out?"),
    "S9": ("transfer", "Does it hold in every exercise?"),
}
"""Name and question of each study."""


Row = tuple[str | float | int | None, ...]
"""Cells of a table."""


class Table(NamedTuple):
    """Details for a reader."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a study. ``reason`` says why there is no value, or no interval. Without a ``gate`` it decides nothing.

    ``n`` counts what it is made of, ``clusters`` the independent ones among them.
    """

    name: str
    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    clusters: int = 0
    gate: Gate | None = None
    reason: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """Against its gate; None without one."""
        return None if self.gate is None else verdict_of(self.value, self.low, self.high, self.gate)


@dataclass(frozen=True)
class Finding:
    """A study of one scorer. ``verdict``: FAIL if a gated number fails, PASS if all pass, else NOT SHOWN."""

    study: str
    numbers: tuple[Number, ...]
    tables: tuple[Table, ...] = ()
    reason: str = ""
    shown: bool = field(default=True)

    @property
    def verdict(self) -> Verdict:
        verdicts = [number.verdict for number in self.numbers if number.gate is not None]
        if not self.shown or not verdicts:
            return "NOT SHOWN"
        if "FAIL" in verdicts:
            return "FAIL"
        return "NOT SHOWN" if "NOT SHOWN" in verdicts else "PASS"

    @property
    def why(self) -> str:
        """The numbers that keep it from a PASS, in words."""
        if self.reason:
            return self.reason
        told = [
            f"{number.label}: {_told(number)}"
            for number in self.numbers
            if number.verdict is not None and number.verdict != "PASS"
        ]
        return "; ".join(told)


def finding(study: str, numbers: Sequence[Number], tables: Sequence[Table] = ()) -> Finding:
    """What a study found."""
    return Finding(study, tuple(numbers), tuple(tables))


def not_shown(study: str, reason: str, tables: Sequence[Table] = ()) -> Finding:
    """A study without the data that it needs."""
    return Finding(study, (), tuple(tables), reason, shown=False)


def verdict_of(value: float | None, low: float | None, high: float | None, gate: Gate) -> Verdict:
    """PASS where the interval lies wholly within the gate, FAIL where it lies wholly outside, else NOT SHOWN.

    >>> verdict_of(0.9, 0.85, 0.95, Gate(least=0.8)), verdict_of(0.82, 0.7, 0.9, Gate(least=0.8))
    ('PASS', 'NOT SHOWN')
    """
    if value is None or low is None or high is None:
        return "NOT SHOWN"
    above = gate.least is None or low >= gate.least
    below = gate.most is None or high <= gate.most
    if above and below:
        return "PASS"
    short = (gate.least is not None and high < gate.least) or (gate.most is not None and low > gate.most)
    return "FAIL" if short else "NOT SHOWN"


def _told(number: Number) -> str:
    if number.value is None:
        return number.reason or "no number"
    if number.low is None or number.high is None:
        return f"{number.value:.3f} without an interval ({number.reason or 'unknown'}), wanted {number.gate}"
    return f"{number.value:.3f} [{number.low:.3f}, {number.high:.3f}], wanted {number.gate}"
