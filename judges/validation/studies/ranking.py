"""S7: are systems ordered by their errors, however they speak? Families of speech crossed with doses of error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from judges.validation.evidence import Evidence, Floats, jackknifed
from judges.validation.findings import Finding, Number, Row, Table, finding
from judges.validation.material import DOSES, FAMILIES, System

__all__ = ["better", "ranking"]

_ORDERED = 0.95


def ranking(evidence: Evidence) -> Finding:
    """Soft pairwise accuracy over pairs of different families and different doses, and the smallest dose that is ordered.

    The p of a pair is the one-sided paired cluster t of its items; the truth's p comes from the items' known truth in the
    same way (Thompson et al., WMT 2024). The interval is the jackknife over clusters.
    """
    systems = evidence.material.systems
    clusters = [base.cluster for base in evidence.material.bases]
    scores = np.array([[evidence.scores[q] for q in system.questions] for system in systems])
    truths = np.array([[known.truth for known in system.known] for system in systems])
    pairs = _pairs(systems)
    metric, truth = _cluster_sums(scores, clusters), _cluster_sums(truths, clusters)
    sizes = _cluster_sums(np.ones((1, len(clusters))), clusters)[0]
    number = jackknifed(
        "s7_soft_accuracy",
        "soft pairwise accuracy across families",
        lambda kept: _soft_accuracy(metric[:, list(kept)], truth[:, list(kept)], sizes[list(kept)], pairs),
        [[cluster] for cluster in range(len(sizes))],
        gate=evidence.gate("s7_soft_accuracy"),
        confidence=evidence.plan.confidence,
        n=len(clusters),
    )
    count = len(sizes)
    numbers = [number]
    p = better(metric, sizes)
    rows, smallest = _by_dose(systems, p)
    reason = "" if smallest is not None else "none of the doses is"
    numbers.append(
        Number(
            "s7_smallest_dose",
            "smallest dose ordered at 95 %",
            smallest,
            n=len(clusters),
            clusters=count,
            reason=reason,
        )
    )
    return finding("S7", numbers, [rows, _means(systems, scores)])


def better(sums: Floats, sizes: Floats) -> Floats:
    """How surely each system is better than each other: 1 - p of the one-sided paired cluster t test.

    ``sums``, shape (systems, G), adds a system's scores over each of G clusters; ``sizes``, (G,), counts their items. A pair
    that does not differ anywhere has 0.5; one that differs alike everywhere has 0 or 1.
    """
    from scipy.stats import t  # noqa: PLC0415 - slow to import

    difference = sums[:, None, :] - sums[None, :, :]
    total, count = sizes.sum(), len(sizes)
    mean = difference.sum(axis=-1) / total
    without = (difference.sum(axis=-1, keepdims=True) - difference) / (total - sizes)
    spread = without - without.mean(axis=-1, keepdims=True)
    error = np.sqrt((count - 1) / count * (spread * spread).sum(axis=-1))
    flat = error <= 1e-12 * np.maximum(1.0, np.abs(mean))
    statistic = mean / np.where(flat, 1.0, error)
    certain = np.where(np.abs(mean) <= 1e-12, 0.5, (mean > 0).astype(np.float64))
    found: Floats = np.where(flat, certain, t.cdf(statistic, count - 1))
    return found


def _soft_accuracy(metric: Floats, truth: Floats, sizes: Floats, pairs: Sequence[tuple[int, int]]) -> float:
    first, second = np.array(pairs).T
    apart = np.abs(better(metric, sizes)[first, second] - better(truth, sizes)[first, second])
    return float(1 - apart.mean())


def _pairs(systems: Sequence[System]) -> list[tuple[int, int]]:
    """Pairs of different families and doses, the better one first."""
    return [
        (i, j)
        for i, one in enumerate(systems)
        for j, other in enumerate(systems)
        if one.family != other.family and one.dose < other.dose
    ]


def _cluster_sums(values: Floats, clusters: Sequence[str]) -> Floats:
    names = {name: k for k, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros((len(names), len(values)))
    np.add.at(sums, np.array([names[name] for name in clusters]), values.T)
    return sums.T


def _by_dose(systems: Sequence[System], p: Floats) -> tuple[Table, float | None]:
    """For each dose, in how many pairs of families a faultless system is surely better, and is surely worse."""
    place = {(system.family, system.dose): k for k, system in enumerate(systems)}
    rows: list[Row] = []
    smallest = None
    for dose in DOSES[1:]:
        found = [p[place[one, DOSES[0]], place[other, dose]] for one in FAMILIES for other in FAMILIES if one != other]
        right, wrong = (
            float(np.mean([x > _ORDERED for x in found])),
            float(np.mean([x < 1 - _ORDERED for x in found])),
        )
        rows.append((dose, len(found), right, wrong))
        if smallest is None and right >= _ORDERED:
            smallest = dose
    columns = ("share of wrong remarks", "pairs of families", "ordered rightly", "ordered wrongly")
    return Table("A faultless system against one with errors", columns, tuple(rows)), smallest


def _means(systems: Sequence[System], scores: Floats) -> Table:
    rows: list[Row] = [
        (family, *(float(scores[k].mean()) for k, system in enumerate(systems) if system.family == family))
        for family in FAMILIES
    ]
    return Table("Mean score by family and share of wrong remarks", ("family", *(f"{d:g}" for d in DOSES)), tuple(rows))
