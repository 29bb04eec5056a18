"""S9: does it hold in an exercise that was not looked at, for every kind of remark?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from biobench.statistics.student import t_quantile
from judges.validation.evidence import Evidence
from judges.validation.findings import Finding, Number, Table, finding, not_shown
from judges.validation.material import Trial
from judges.validation.perturbations import CATALOGUE
from judges.validation.studies.people import by_group
from judges.validation.studies.sensitivity import by_perturbation, mean_of_ratios

__all__ = ["transfer"]

_FEWEST = 20
_FEWEST_EXERCISES = 5


def transfer(evidence: Evidence) -> Finding:
    """The preference of S4 in each exercise with at least 20 triples, and what is to be expected of one exercise more.

    That is the prediction interval beside the mean over exercises.
    """
    close = [t for t in evidence.material.trials if CATALOGUE[t.perturbation].kind == "wrong" and t.closer]
    by_exercise = _grouped(evidence, close, lambda t: t.base.exercise)
    by_kind = _grouped(evidence, close, lambda t: t.base.statement.kind)
    tables = [_table("By exercise", by_exercise), _table("By kind of remark", by_kind), *by_group(evidence)]
    shares = [share for _, _, share in by_exercise]
    count = len(shares)
    if count < _FEWEST_EXERCISES:
        return not_shown("S9", f"{count} exercises have {_FEWEST} triples, {_FEWEST_EXERCISES} are the fewest", tables)
    mean, spread = float(np.mean(shares)), float(np.std(shares, ddof=1))
    half = t_quantile((1 + evidence.plan.confidence) / 2, count - 1) * spread * math.sqrt(1 + 1 / count)
    triples = sum(n for _, n, _ in by_exercise)
    number = Number(
        "s9_new_exercise",
        "preference to expect in another exercise",
        mean,
        mean - half,
        mean + half,
        triples,
        count,
        evidence.gate("s9_new_exercise"),
    )
    return finding("S9", [number], tables)


def _grouped(
    evidence: Evidence, trials: Sequence[Trial], group: Callable[[Trial], str]
) -> list[tuple[str, int, float]]:
    """Name, triples and preference (the mean over perturbations) of each group that is large enough."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(group(trial), []).append(trial)
    return [
        (name, len(told), float(mean_of_ratios(by_perturbation(evidence, told).sum(axis=0))))
        for name, told in sorted(groups.items())
        if len(told) >= _FEWEST
    ]


def _table(title: str, groups: Sequence[tuple[str, int, float]]) -> Table:
    return Table(title, (title.removeprefix("By "), "triples", "paraphrase preferred"), tuple(groups))
