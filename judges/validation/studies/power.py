"""S8: are there enough events and raters? Simulated studies in which the judge is exactly as good as one rater more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biobench.statistics.seeds import generator
from biobench.statistics.student import t_quantile
from judges.validation.evidence import Evidence, Floats
from judges.validation.findings import Finding, Number, Row, Table, finding
from judges.validation.plan import Plan
from judges.validation.studies.attacks import binomial_bounds

__all__ = ["Spread", "power_of_plan", "simulated_power", "spread_of"]

_EVENTS = (50, 100, 150, 300)
_RATERS = (3, 4, 5)
_ANSWERS = 3
_A_VIDEO = 3
_RUNS = 200
_EPSILON = 0.2
_Q = 0.05


@dataclass(frozen=True, slots=True)
class Spread:
    """How ratings differ, in points; the defaults are assumptions until people have rated.

    ``noise`` is that of one rating, ``leniency`` between raters, ``answers`` between answers, of whose variance a share
    ``video`` is common to a video.
    """

    noise: float = 0.8
    leniency: float = 0.3
    answers: float = 1.1
    video: float = 0.2
    source: str = "assumed"


def power_of_plan(plan: Plan, spread: Spread) -> Finding:
    """The chance to pass S3 by events and raters; the plan's own numbers are held to the gate. It says nothing of a scorer."""
    rows: list[Row] = []
    for events in sorted({*_EVENTS, plan.sizes.events}):
        cells = [simulated_power(events, raters, spread, plan.seed) for raters in _RATERS]
        rows.append((events, *(successes / _RUNS for successes in cells)))
    raters = max(2, plan.sizes.raters)
    successes = simulated_power(plan.sizes.events, raters, spread, plan.seed)
    low, high = binomial_bounds(successes, _RUNS, 0.975)
    label = f"chance to pass S3 with {plan.sizes.events} events and {raters} raters, {spread.source} spread"
    number = Number("s8_power", label, successes / _RUNS, low, high, _RUNS, _RUNS, plan.gates["s8_power"])
    table = Table("Chance to pass S3 by events", ("events", *(f"{raters} raters" for raters in _RATERS)), tuple(rows))
    return finding("S8", [number], [table])


def simulated_power(events: int, raters: int, spread: Spread, seed: int) -> int:
    """In how many of 200 simulated studies a judge like one rater more wins at least half of the raters.

    Each event has three answers, each video three events. Truth, leniency and noise are normal; labels are rounded to 1-5.
    """
    random = generator(f"study power {events} {raters}", seed)
    videos = -(-events // _A_VIDEO)
    passed = 0
    for _ in range(_RUNS):
        of_video = random.normal(size=videos) * np.sqrt(spread.video)
        own = random.normal(size=(events, _ANSWERS)) * np.sqrt(1 - spread.video)
        video = np.arange(events) // _A_VIDEO
        truth = 3 + spread.answers * (of_video[video][:, None] + own).ravel()
        leniency = spread.leniency * random.normal(size=raters + 1)
        said = truth[:, None] + leniency + spread.noise * random.normal(size=(len(truth), raters + 1))
        passed += _passes(np.clip(np.floor(said + 0.5), 1, 5), np.repeat(video, _ANSWERS))
    return passed


def _passes(labels: Floats, cluster: Floats) -> bool:
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


def _t(difference: Floats, cluster: Floats) -> float:
    """The one-sided statistic of mean difference < epsilon, over clusters."""
    index = cluster.astype(np.int64)
    sums, sizes = np.bincount(index, weights=difference), np.bincount(index)
    total, n, count = sums.sum(), sizes.sum(), len(sizes)
    without = (total - sums) / (n - sizes)
    error = float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))
    shortfall = float(total / n) - _EPSILON
    return shortfall / error if error else float(np.sign(shortfall)) * np.inf


def spread_of(evidence: Evidence) -> Spread:
    """The raters' own spread where two of them rated the same answers; the assumptions elsewhere."""
    if evidence.people is None:
        return Spread()
    _, table = evidence.people.ratings.matrix(evidence.people.events)
    both = table[:, np.isfinite(table).all(axis=0)] if len(table) else table
    if len(both) < 2 or both.shape[1] < 30:
        return Spread()
    means = both.mean(axis=0)
    leniency = both.mean(axis=1)
    rest = both - means - leniency[:, None] + both.mean()
    noise = float(np.sqrt((rest**2).sum() / ((len(both) - 1) * (both.shape[1] - 1))))
    answers = float(np.sqrt(max(0.0, means.var(ddof=1) - noise**2 / len(both))))
    return Spread(noise, float(leniency.std(ddof=1)), answers, source="the raters'")
