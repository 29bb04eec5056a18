"""S1: does it say the same of the same thing when it is asked again?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from judges.validation.agreement import krippendorff_alpha
from judges.validation.evidence import Evidence, Floats, jackknifed
from judges.validation.findings import Finding, Number, Row, Table, finding, not_shown

__all__ = ["reliability"]


def reliability(evidence: Evidence) -> Finding:
    """Krippendorff's alpha (interval) of the repeats under the first condition, and pairs whose order another repeat turns round.

    Also where the variance comes from: items, conditions (model, prompt), repeats.
    """
    if not evidence.repeats:
        return not_shown("S1", "it was not asked again")
    first = next(iter(evidence.repeats.values()))
    if np.ptp(first) == 0:
        return not_shown("S1", "all scores are the same: there is nothing to agree on", [_variance(evidence)])
    numbers = [
        _over_items(evidence, "s1_alpha", "agreement with itself (alpha)", first, _alpha),
        _over_items(evidence, "s1_flips", "pairs turned round by another repeat", first, _flips),
    ]
    return finding("S1", numbers, [_variance(evidence)])


def _over_items(
    evidence: Evidence, name: str, label: str, scores: Floats, statistic: Callable[[Floats], float]
) -> Number:
    """A statistic of (items, repeats) scores, with the interval of the jackknife over items."""
    return jackknifed(
        name,
        label,
        lambda kept: statistic(scores[list(kept)]),
        [[item] for item in range(len(scores))],
        gate=evidence.gate(name),
        confidence=evidence.plan.confidence,
    )


def _alpha(scores: Floats) -> float:
    return krippendorff_alpha(scores, "interval")


def _flips(scores: Floats) -> float:
    """Over pairs of items and pairs of repeats: how often one repeat says more and the other says less."""
    order = np.sign(scores[:, None, :] - scores[None, :, :])
    upper = np.triu_indices(len(scores), 1)
    pairs = order[upper]
    repeats = scores.shape[1]
    turned = [pairs[:, a] * pairs[:, b] < 0 for a in range(repeats) for b in range(a + 1, repeats)]
    return float(np.mean(turned))


def _variance(evidence: Evidence) -> Table:
    """Variance parts by the method of moments: items x conditions, repeats within."""
    names = [name for name in evidence.repeats if name != "the panel"]
    scores = np.stack([evidence.repeats[name] for name in names], axis=1)
    items, conditions, repeats = scores.shape
    within = float(scores.var(axis=2, ddof=1).mean()) if repeats > 1 else 0.0
    cells = scores.mean(axis=2)
    of_items, of_conditions = cells.mean(axis=1), cells.mean(axis=0)
    rows: list[Row] = []
    if conditions > 1:
        residual = cells - of_items[:, None] - of_conditions[None, :] + cells.mean()
        interaction = float((residual**2).sum() / ((items - 1) * (conditions - 1)))
        condition = max(0.0, float(of_conditions.var(ddof=1)) - interaction / items)
        item = max(0.0, float(of_items.var(ddof=1)) - interaction / conditions)
        rows = [
            ("items", item),
            ("model and prompt", condition),
            ("items by model and prompt", max(0.0, interaction - within / repeats)),
            ("repeats", within),
        ]
    else:
        rows = [("items", max(0.0, float(of_items.var(ddof=1)) - within / repeats)), ("repeats", within)]
    return Table(
        f"Variance of a score: {items} items, {conditions} conditions, {repeats} repeats",
        ("of", "variance"),
        tuple(rows),
    )
