"""S4: is a true paraphrase preferred to a wrong look-alike? Triples, never copies alone: those every word count passes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from judges.validation.evidence import NO_SCALE, Evidence, Floats, jackknifed, number_of
from judges.validation.findings import Finding, Number, Row, Table, finding
from judges.validation.material import Trial
from judges.validation.perturbations import CATALOGUE

__all__ = ["by_perturbation", "mean_of_ratios", "sensitivity"]

_ANGLES = ("angle-5", "angle-15", "angle-30", "angle-60")
_QUANTILE = 0.95


def sensitivity(evidence: Evidence) -> Finding:
    """Preference over all perturbations, detection + specificity - 1, and the dose-response of angles.

    Only edits that look at least as much like the reference as the paraphrase does count for the preference.
    """
    wrong = [t for t in evidence.material.trials if CATALOGUE[t.perturbation].kind == "wrong"]
    same = [t for t in evidence.material.trials if CATALOGUE[t.perturbation].kind == "same"]
    numbers = [_preference(evidence, wrong), _appendix(evidence, wrong)]
    by_name = [_row(evidence, name, [t for t in wrong if t.perturbation == name]) for name in CATALOGUE]
    tables = [
        Table(
            "Preference by perturbation",
            ("perturbation", "what is wrong", "triples", "paraphrase preferred", "tied", "copy preferred"),
            tuple(row for row in by_name if row is not None),
        )
    ]
    if evidence.scale is None:
        numbers += [
            Number(name, label, None, gate=evidence.gate(name), reason=NO_SCALE)
            for name, label in (("s4_detection", "detection + specificity - 1"), ("s4_angle_30", "drop for 30 degrees"))
        ]
        return finding("S4", numbers, tables)
    numbers.append(_detection(evidence, wrong, same))
    dose = {name: [t for t in evidence.material.trials if t.perturbation == name] for name in _ANGLES}
    drops = {name: [_drop(evidence, t) for t in trials] for name, trials in dose.items()}
    clusters = {name: [t.base.cluster for t in trials] for name, trials in dose.items()}
    numbers += [
        # Two one-sided tests at 5 %: the 90 % interval.
        evidence.number(
            "s4_angle_5",
            "drop of score for 5 degrees, which no eye sees (90 % interval)",
            drops["angle-5"],
            clusters["angle-5"],
            gate="s4_angle_5",
            confidence=0.9,
        ),
        evidence.number(
            "s4_angle_30", "drop of score for 30 degrees", drops["angle-30"], clusters["angle-30"], gate="s4_angle_30"
        ),
    ]
    means = tuple((name.removeprefix("angle-"), len(drops[name]), _average(drops[name])) for name in _ANGLES)
    tables.append(Table("Drop of score by degrees", ("degrees off", "items", "drop, as a share of the scale"), means))
    return finding("S4", numbers, tables)


def _preference(evidence: Evidence, trials: Sequence[Trial]) -> Number:
    """The share of triples in which the paraphrase has the higher score, a tie being a failure; mean over perturbations."""
    close = [trial for trial in trials if trial.closer]
    return number_of(
        "s4_preference",
        "a true paraphrase over a wrong look-alike",
        by_perturbation(evidence, close),
        [trial.base.cluster for trial in close],
        mean_of_ratios,
        gate=evidence.gate("s4_preference"),
        confidence=evidence.plan.confidence,
    )


def by_perturbation(evidence: Evidence, trials: Sequence[Trial]) -> Floats:
    """A row a triple: for each perturbation, whether the paraphrase won, and whether the triple is of that perturbation."""
    names = sorted({trial.perturbation for trial in trials})
    rows = np.zeros((len(trials), 2 * len(names)))
    for k, trial in enumerate(trials):
        place = 2 * names.index(trial.perturbation)
        rows[k, place] = evidence.scores[trial.paraphrase] > evidence.scores[trial.edited]
        rows[k, place + 1] = 1
    return rows


def mean_of_ratios(sums: Floats) -> Floats:
    """The mean, over pairs of columns (part, whole), of their ratios; pairs without a whole are left out."""
    part, whole = sums[..., 0::2], sums[..., 1::2]
    there = whole > 0
    ratios = np.where(there, part / np.where(there, whole, 1.0), 0.0)
    mean: Floats = ratios.sum(axis=-1) / there.sum(axis=-1)
    return mean


def _appendix(evidence: Evidence, wrong: Sequence[Trial]) -> Number:
    values = [float(evidence.scores[t.copy] > evidence.scores[t.edited]) for t in wrong]
    clusters = [t.base.cluster for t in wrong]
    return evidence.number("s4_copy_preferred", "a copy over a wrong edit (any word count does this)", values, clusters)


def _row(evidence: Evidence, name: str, trials: Sequence[Trial]) -> Row | None:
    if not trials:
        return None
    close = [t for t in trials if t.closer]
    score = evidence.scores
    won = [float(score[t.paraphrase] > score[t.edited]) for t in close]
    tied = [float(score[t.paraphrase] == score[t.edited]) for t in close]
    copies = [float(score[t.copy] > score[t.edited]) for t in trials]
    return name, CATALOGUE[name].what, len(close), _average(won), _average(tied), _average(copies)


def _detection(evidence: Evidence, wrong: Sequence[Trial], same: Sequence[Trial]) -> Number:
    """What counts as noticed is set on one half of the clusters and measured on the other, both ways round.

    Deleted clusters of the jackknife take part in neither: how well the thresholds are known is in the interval.
    """
    names = sorted({trial.base.cluster for trial in (*wrong, *same)})
    place = {name: k for k, name in enumerate(names)}
    drops = [np.array([_drop(evidence, trial) for trial in trials]) for trials in (wrong, same)]
    places = [np.array([place[trial.base.cluster] for trial in trials]) for trials in (wrong, same)]

    def youden(kept: Sequence[int]) -> float:
        noticed, quiet = [], []
        for side in (0, 1):
            ours, theirs = ([k for k in kept if k % 2 == half] for half in (side, 1 - side))
            noise = np.quantile(np.abs(drops[1][np.isin(places[1], theirs)]), _QUANTILE)
            noticed.append(drops[0][np.isin(places[0], ours)] > noise)
            quiet.append(np.abs(drops[1][np.isin(places[1], ours)]) <= noise)
        return float(np.concatenate(noticed).mean() + np.concatenate(quiet).mean() - 1)

    return jackknifed(
        "s4_detection",
        "detection + specificity - 1",
        youden,
        [[k] for k in range(len(names))],
        gate=evidence.gate("s4_detection"),
        confidence=evidence.plan.confidence,
        n=len(wrong) + len(same),
    )


def _drop(evidence: Evidence, trial: Trial) -> float:
    return evidence.share(trial.copy) - evidence.share(trial.edited)


def _average(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
