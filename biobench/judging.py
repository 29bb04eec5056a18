"""What a judge of another package is to ``evaluate``: it comes through an entry point and gives metrics and a record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from biobench.chat import Budget, Capabilities, Endpoint, Pace
from biobench.metrics.base import Metric
from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from biobench.registry import Registry, by_group
from biobench.results import Json
from biobench.scoring import Run

__all__ = ["Judge", "JudgeOptions", "Judgement", "find_judge", "judges"]

_FEWEST_IN_PANEL = 3


@dataclass(frozen=True)
class JudgeOptions:
    """How judges are reached.

    One endpoint is one judge; three or more are a panel. ``second`` is asked what the first could not be brought to answer.
    ``max_tokens`` bounds a reply, in place of what the judge's prompt says: a model that thinks aloud needs more.
    ``prompt_from`` is the user's copy of a published prompt. ``progress`` is told what is done, how many of how many;
    ``tell`` a line about what a run did, which is no part of its results. Raises ``ProblemsFound``.
    """

    endpoints: tuple[Endpoint, ...]
    second: Endpoint | None = None
    samples: int = 1
    max_tokens: int | None = None
    cache: Path | None = None
    offline: bool = False
    budget: Budget | None = None
    pace: Pace | None = None
    capabilities: Capabilities | None = None
    prompt_from: Path | None = None
    progress: Callable[[str, int, int], None] | None = None
    tell: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        problems = []
        count, distinct = len(self.endpoints), len({(one.base_url, one.model) for one in self.endpoints})
        if not (count == 1 or count >= _FEWEST_IN_PANEL):
            found = f"{count} model{'s' * (count != 1)}"
            hint = "a panel is the median of at least three, better of different families"
            problems.append(Problem("the judge's models", found, "one, or at least three", hint))
        elif distinct < count:
            problems.append(Problem("the judge's models", "a model twice", "each model once"))
        for name, number in (("samples", self.samples), ("max_tokens", self.max_tokens)):
            if number is not None and number < 1:
                problems.append(Problem(name, f"{number}", "at least 1"))
        if problems:
            raise ProblemsFound(problems)


@dataclass(frozen=True)
class Judgement:
    """What a judge gives: metrics by protocol, whose rows are made already, and a record for the results file.

    The record's ``summary`` is a list of lines for the user. Metrics that have no number raise ``MetricUnavailable``.
    """

    metrics: Mapping[str, tuple[Metric, ...]]
    record: Mapping[str, Json]


class Judge(ABC):
    """One judge. A subclass sets the class variables; its entry point under ``biobench.judges`` has its name."""

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def judge(self, runs: Sequence[Run], system: str, options: JudgeOptions) -> Judgement:
        """Judges a system's matched pairs under each protocol. Raises ``ProblemsFound`` where nothing can be asked."""


@cache
def judges() -> Registry[Judge]:
    """Every judge that is installed."""
    return by_group("biobench.judges", {}, Judge)  # type: ignore[type-abstract]  # what plug-ins are checked against


def find_judge(name: str) -> Judge:
    """The judge of a name. Raises ``ProblemsFound``."""
    known = judges()
    if name not in known.all:
        broken = next((f"the judge {one}" for one in known.broken if one.name == name), f'"{name}"')
        expected = "one of " + ", ".join(known.all) if known.all else "a package that brings judges"
        raise ProblemsFound([Problem("--judge", broken, expected, nearest(name, known.all))])
    return known.all[name]()
