"""S8: are there enough events and raters? Simulated studies in which the judge is exactly as good as one rater more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biobench.statistics.seeds import generator
from biobench.statistics.student import t_quantile
from judges.validation.events import Events
from judges.validation.evidence import Floats
from judges.validation.findings import Finding, Number, Row, Table, finding, not_shown
from judges.validation.plan import Plan
from judges.validation.rated import cluster_of
from judges.validation.ratings import Ratings
from judges.validation.studies.attacks import binomial_bounds
from judges.validation.studies.people import FEWEST_RATERS

__all__ = ["Spread", "power_of_study", "simulated_power", "spread_of"]

_EVENTS = (50, 100, 150, 300)
_RATERS = (3, 4, 5)
_RUNS = 200
_EPSILON = 0.2
_Q = 0.05


@dataclass(frozen=True, slots=True)
class Spread:
    """How ratings differ, in points; the defaults are assumptions until people have rated.

    ``noise`` is that of one rating, ``leniency`` between raters, ``answers`` between answers, of whose variance a share
    ``video`` is common to a cluster (a person, or a video).
    """

    noise: float = 0.8
    leniency: float = 0.3
    answers: float = 1.1
    video: float = 0.2
    source: str = "assumed"


class _Layout(NamedTuple):
    """Events in clusters, with so many answers each."""

    events: int
    clusters: int
    answers: int

    def of(self, events: int) -> _Layout:
        """The same for another number of events: as many to a cluster."""
        return _Layout(events, max(1, round(self.clusters * events / self.events)), self.answers)


def power_of_study(plan: Plan, events: Events | None, ratings: Ratings | None) -> Finding:
    """The chance to pass S3 by events and raters; those of the study are held to the gate. It says nothing of a scorer.

    Events, clusters, answers and raters are the study's own as far as they are known, else the plan's; so is the spread.
    """
    spread = Spread() if events is None or ratings is None else spread_of(events, ratings)
    raters = plan.sizes.raters if ratings is None else len(ratings.raters)
    layout = _Layout(plan.sizes.events, min(plan.sizes.videos, plan.sizes.events), 3)
    if events is not None and events.events:
        answers = sum(len(event.answers) for event in events.events) / len(events.events)
        layout = _Layout(
            len(events.events), len({cluster_of(event) for event in events.events}), max(1, round(answers))
        )
    rows: list[Row] = []
    for count in sorted({*_EVENTS, layout.events}):
        scaled = layout if count == layout.events else layout.of(count)
        cells = [simulated_power(scaled, r, spread, plan.seed) / _RUNS for r in _RATERS]
        rows.append((count, scaled.clusters, *cells))
    table = Table("Chance to pass S3 by events", ("events", "clusters", *(f"{r} raters" for r in _RATERS)), tuple(rows))
    if raters < FEWEST_RATERS:
        return not_shown("S8", f"{raters} raters, {FEWEST_RATERS} are the fewest that S3 takes", [table])
    successes = simulated_power(layout, raters, spread, plan.seed)
    low, high = binomial_bounds(successes, _RUNS, 0.975)
    label = (
        f"chance to pass S3 with {layout.events} events in {layout.clusters} clusters and {raters} raters, "
        f"{spread.source} spread"
    )
    number = Number("s8_power", label, successes / _RUNS, low, high, _RUNS, _RUNS, plan.gates["s8_power"])
    return finding("S8", [number], [table])


def simulated_power(layout: _Layout, raters: int, spread: Spread, seed: int) -> int:
    """In how many of 200 simulated studies a judge like one rater more wins at least half of the raters.

    Truth, leniency and noise are normal; labels are rounded to 1-5.
    """
    if layout.clusters < 2:
        return 0
    random = generator(f"study power {layout.events} {layout.clusters} {layout.answers} {raters}", seed)
    cluster = np.repeat(np.arange(layout.events, dtype=np.int64) % layout.clusters, layout.answers)
    passed = 0
    for _ in range(_RUNS):
        of_cluster = random.normal(size=layout.clusters) * np.sqrt(spread.video)
        own = random.normal(size=len(cluster)) * np.sqrt(1 - spread.video)
        truth = 3 + spread.answers * (of_cluster[cluster] + own)
        leniency = spread.leniency * random.normal(size=raters + 1)
        said = truth[:, None] + leniency + spread.noise * random.normal(size=(len(truth), raters + 1))
        passed += _passes(np.clip(np.floor(said + 0.5), 1, 5), cluster)
    return passed


def _passes(labels: Floats, cluster: NDArray[np.int64]) -> bool:
    """The alternative annotator test with clusters; the last column is the judge."""
    judge, raters = labels[:, -1:], labels[:, :-1]
    p_values = []
    for j in range(raters.shape[1]):
        others = np.delete(raters, j, axis=1)
        of_judge = ((judge - others) ** 2).sum(axis=1)
        of_rater = ((raters[:, j : j + 1] - others) ** 2).sum(axis=1)
        difference = (of_rater <= of_judge).astype(np.float64) - (of_judge <= of_rater)
        p_values.append(_t(difference, cluster))
    count = len(p_values)
    level = _Q / (count * sum(1 / k for k in range(1, count + 1)))
    df = int(cluster.max())
    wins = 0
    for k, t in enumerate(sorted(p_values), 1):
        if t <= t_quantile(k * level, df):
            wins = k
    return 2 * wins >= count


def _t(difference: Floats, cluster: NDArray[np.int64]) -> float:
    """The one-sided statistic of mean difference < epsilon, over clusters."""
    sums, sizes = np.bincount(cluster, weights=difference), np.bincount(cluster)
    total, n, count = sums.sum(), sizes.sum(), len(sizes)
    without = (total - sums) / (n - sizes)
    error = float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))
    shortfall = float(total / n) - _EPSILON
    return shortfall / error if error else float(np.sign(shortfall)) * np.inf


def spread_of(events: Events, ratings: Ratings) -> Spread:
    """The raters' own spread where two of them rated the same 30 answers; the assumptions elsewhere."""
    _, table = ratings.matrix(events)
    both = table[:, np.isfinite(table).all(axis=0)] if len(table) else table
    if len(both) < 2 or both.shape[1] < 30:
        return Spread()
    means = both.mean(axis=0)
    leniency = both.mean(axis=1)
    rest = both - means - leniency[:, None] + both.mean()
    noise = float(np.sqrt((rest**2).sum() / ((len(both) - 1) * (both.shape[1] - 1))))
    answers = float(np.sqrt(max(0.0, means.var(ddof=1) - noise**2 / len(both))))
    return Spread(noise, float(leniency.std(ddof=1)), answers, source="the raters'")
