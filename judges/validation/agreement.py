"""How far raters agree beyond chance: Krippendorff's alpha, Gwet's AC2, Cohen's weighted kappa."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from judges.validation.tables import Table as Ratings
from judges.validation.tables import as_table

__all__ = ["LIKERT", "Level", "Ratings", "Weights", "gwet_ac2", "krippendorff_alpha", "weighted_kappa"]

Level = Literal["nominal", "ordinal", "interval"]
Weights = Literal["identity", "linear", "quadratic"]

LIKERT = (1, 2, 3, 4, 5)

_Floats = NDArray[np.float64]


def krippendorff_alpha(ratings: Ratings, level: Level = "ordinal") -> float:
    """Krippendorff's alpha, ``1 - observed / expected disagreement``; NaN where every pairable rating is the same.

    Computing Krippendorff's Alpha-Reliability (Krippendorff 2011); Content Analysis, chapter 12 (2018). Only items with two
    ratings or more count. The values of the ordinal level are those that occur. Raises ``ValueError`` for an unknown level,
    fewer than two raters, infinite ratings, and where no item has two ratings.

    >>> round(krippendorff_alpha([[1, 1], [1, 2], [2, 2], [3, 3], [3, None]], level="nominal"), 3)
    0.667
    """
    if level not in {"nominal", "ordinal", "interval"}:
        raise ValueError(f"expected the level nominal, ordinal or interval, got {level!r}")
    table = _pairable(_table(ratings))
    given = ~np.isnan(table)
    values, codes, counts = np.unique(table[given], return_inverse=True, return_counts=True)
    if len(values) == 1:
        return math.nan
    of_item, raters, total = np.nonzero(given)[0], given.sum(axis=1), len(codes)
    if level == "nominal":
        # The sum of squares of the values' indicators.
        pairs, same = np.unique(of_item * len(values) + codes, return_counts=True)
        within = raters - np.bincount(pairs // len(values), weights=same * same) / raters
        overall = total - float(counts @ counts) / total
    else:
        # The ordinal distance of two values is the distance of their middle ranks.
        numbers = np.cumsum(counts) - counts / 2 if level == "ordinal" else values
        numbers = (numbers - counts @ numbers / total)[codes]
        means = np.bincount(of_item, weights=numbers) / raters
        within = np.bincount(of_item, weights=(numbers - means[of_item]) ** 2)
        overall = float(numbers @ numbers)
    return 1 - float(within @ (raters / (raters - 1))) * (total - 1) / total / overall


def gwet_ac2(ratings: Ratings, weights: Weights = "quadratic", categories: Sequence[float] = LIKERT) -> float:
    """Gwet's AC2, with identity weights AC1: agreement beyond what raters who guess on some items would reach.

    Handbook of Inter-Rater Reliability (Gwet 2014), chapter 3: observed agreement over items with two ratings or more, how
    often each category is used over items with at least one. Always defined. Raises ``ValueError`` for unknown weights, fewer
    than two raters or categories, ratings outside the categories, and where no item has two ratings.

    >>> round(gwet_ac2([[1, 1], [1, 2], [2, 2], [3, 3], [3, None]]), 3)
    0.959
    """
    table = _table(ratings)
    _pairable(table)
    scale, agreement = _scale(categories), _agreement(weights, categories)
    counts: _Floats = (_codes(table, scale)[:, :, None] == np.arange(len(scale))).sum(axis=1).astype(np.float64)
    counts = counts[counts.sum(axis=1) >= 1]
    raters = counts.sum(axis=1)
    used = (counts / raters[:, None]).mean(axis=0)
    several, of_each = counts[raters >= 2], raters[raters >= 2]
    observed = ((several * (several @ agreement - 1)).sum(axis=1) / (of_each * (of_each - 1))).mean()
    expected = agreement.sum() * (used @ (1 - used)) / (len(scale) * (len(scale) - 1))
    return float((observed - expected) / (1 - expected))


def weighted_kappa(
    a: Sequence[float | None] | _Floats,
    b: Sequence[float | None] | _Floats,
    weights: Weights = "quadratic",
    categories: Sequence[float] = LIKERT,
) -> float:
    """Cohen's weighted kappa of two raters of the same items; NaN where both always gave one and the same rating.

    Weighted kappa (Cohen 1968), over all categories, used or not. Items that either left out do not count. Raises
    ``ValueError`` for unknown weights, sequences of unequal length, ratings outside the categories, and where no item has
    both ratings.

    >>> weighted_kappa([1, 2, 3, 4], [1, 2, 4, 3])
    0.8
    """
    if len(a) != len(b):
        raise ValueError(f"expected two ratings of the same items, got {len(a)} and {len(b)}")
    scale, agreement = _scale(categories), _agreement(weights, categories)
    table = _pairable(_table(np.array([a, b], dtype=np.float64).T))
    codes = _codes(table, scale)
    joint = np.zeros((len(scale), len(scale)))
    np.add.at(joint, (codes[:, 0], codes[:, 1]), 1)
    chance = np.outer(joint.sum(axis=1), joint.sum(axis=0)) / len(codes)
    expected = float(((1 - agreement) * chance).sum())
    if expected == 0:
        return math.nan
    return 1 - float(((1 - agreement) * joint).sum()) / expected


def _table(ratings: Ratings) -> _Floats:
    """Ratings as an array, items x raters, NaN where there is none."""
    table = as_table(ratings, "items", "raters")
    if table.shape[1] < 2:
        raise ValueError(f"expected items x raters with at least 2 raters, got the shape {table.shape}")
    return table


def _pairable(table: _Floats) -> _Floats:
    """The items with at least two ratings."""
    several: _Floats = table[(~np.isnan(table)).sum(axis=1) >= 2]
    if len(several) == 0:
        raise ValueError("no item has two ratings")
    return several


def _scale(categories: Sequence[float]) -> _Floats:
    scale = np.unique(np.array(categories, dtype=np.float64))
    if len(scale) != len(categories) or len(scale) < 2 or not np.all(np.isfinite(scale)):
        raise ValueError(f"expected at least two categories, each a number and each once, got {tuple(categories)}")
    return scale


def _codes(table: _Floats, scale: _Floats) -> NDArray[np.int64]:
    """The place of each rating among the categories, -1 for a gap."""
    places = np.searchsorted(scale, table).clip(max=len(scale) - 1)
    gaps = np.isnan(table)
    foreign = ~gaps & (scale[places] != table)
    if np.any(foreign):
        raise ValueError(
            f"the rating {table[foreign][0]:g} is none of the categories {', '.join(f'{c:g}' for c in scale)}"
        )
    return np.where(gaps, -1, places)


def _agreement(weights: Weights, categories: Sequence[float]) -> _Floats:
    """How much two categories agree: 1 on the diagonal, 0 between the farthest."""
    scale = _scale(categories)
    apart: _Floats = np.abs(scale[:, None] - scale) / (scale[-1] - scale[0])
    match weights:
        case "identity":
            return np.eye(len(scale))
        case "linear":
            return 1 - apart
        case "quadratic":
            return 1 - apart * apart
    raise ValueError(f"expected the weights identity, linear or quadratic, got {weights!r}")
