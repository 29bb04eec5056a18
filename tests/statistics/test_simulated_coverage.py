"""How often intervals hold the true value, in simulated benchmarks whose true value is known.

The design. A cluster g has n_g reference remarks. Whether each is matched is a coin of its own probability, which is drawn from
a beta distribution with mean .55 and correlation rho between remarks of a cluster (beta-binomial): rho = .05. False alarms are
Poisson with mean .45 n_g r_g, where r_g (mean 1, variance .2) says how much is said to this cluster. The score is the pooled
F = 2 sum(matched) / sum(references + predictions), 2,000 references in all; its true value is that of the expected counts. With
74 videos of 7 people, probabilities vary by person (rho = .1) and, around the person's, by video (rho = .2).

A figure holds if the simulated coverage lies within the binomial spread of the simulation (3.3 standard errors: 1 in 1,000) plus
a stated tolerance, since the figures were measured on layouts of their own. Exact methods get no tolerance.
"""

import math

import numpy as np
import pytest

from biobench.statistics import (
    ClusterSums,
    effective_clusters,
    interval,
    jackknife_standard_error,
    leave_one_out,
)
from biobench.statistics.seeds import generator
from biobench.statistics.student import t_quantile
from biobench.statistics.wild import WildTest

LAYOUTS = {
    "7 equal": [1] * 7,
    "7 unequal": [30, 22, 15, 11, 9, 8, 5],
    "7 very unequal": [40, 25, 15, 8, 6, 4, 2],
    "20 equal": [1] * 20,
    "20 very unequal": [0.8**k for k in range(20)],
    "74": [1] * 74,
}
MEAN, FALSE_ALARMS, REFERENCES = 0.55, 0.45, 2000
TRUE_F = 2 * MEAN / (1 + MEAN + FALSE_ALARMS)


def ratio(sums):
    return sums[..., 0] / sums[..., 1]


def mean_of_beta(rng, mean, rho, shape=None):
    """Probabilities with this mean; two coins of the same probability correlate by rho."""
    size = 1 / rho - 1
    return rng.beta(mean * size, (1 - mean) * size, shape)


def remarks(rng, references, probability):
    """(2 matched, references + predictions) of each cluster, shape (..., G, 2)."""
    matched = rng.binomial(references, probability)
    alarms = rng.poisson(FALSE_ALARMS * references * rng.gamma(5, 0.2, probability.shape))
    return np.stack([2.0 * matched, references + matched + alarms], axis=-1)


def simulated(layout, replications, rng, rho=0.05):
    """Cluster sums of the pooled F, shape (replications, G, 2)."""
    parts = np.array(LAYOUTS[layout]) / sum(LAYOUTS[layout])
    references = np.round(REFERENCES * parts).astype(int)
    return remarks(rng, references, mean_of_beta(rng, MEAN, rho, (replications, len(parts))))


def jackknife_holds(sums, truth):
    """Whether each replication's jackknife interval holds the truth."""
    half = t_quantile(0.975, sums.shape[-2] - 1) * jackknife_standard_error(leave_one_out(ratio, sums))
    return np.abs(ratio(sums.sum(axis=-2)) - truth) <= half


def spread(figure, replications):
    return 3.3 * math.sqrt(figure * (1 - figure) / replications)


@pytest.mark.parametrize("clusters", [3, 7, 20])
def test_means_of_equal_clusters_are_held_95_times_in_100(clusters):
    rng = generator("coverage of means", clusters)
    sums = np.stack([rng.normal(0.4, 0.2, (20_000, clusters)), np.ones((20_000, clusters))], axis=-1)
    assert jackknife_holds(sums, 0.4).mean() == pytest.approx(0.95, abs=spread(0.95, 20_000))


@pytest.mark.parametrize(
    ("layout", "figure"),
    [
        ("7 equal", 0.950),
        ("7 unequal", 0.934),
        ("7 very unequal", 0.907),
        ("20 equal", 0.948),
        ("20 very unequal", 0.924),
        ("74", 0.947),
    ],
)
def test_coverage_of_pooled_f_by_the_jackknife(layout, figure):
    replications = 5_000 if layout == "74" else 20_000
    sums = simulated(layout, replications, generator(f"coverage, {layout}"))
    tolerance = 0.005
    assert jackknife_holds(sums, TRUE_F).mean() == pytest.approx(figure, abs=spread(figure, replications) + tolerance)


@pytest.mark.parametrize("layout", ["7 unequal", "7 very unequal"])
def test_coverage_of_pooled_f_by_the_fallback(layout):
    """An interval holds the truth exactly when its test does not reject it, so the search for bounds is left out here."""
    replications, tolerance = 1_500, 0.005
    sums = simulated(layout, replications, generator(f"coverage of the fallback, {layout}"))
    held = 0
    for table in sums:
        value, shares = ratio(table.sum(axis=0)), table[:, 1] / table[:, 1].sum()
        assert shares.max() > 0.25 or effective_clusters(shares) < 6
        influence = (table[:, 0] - value * table[:, 1]) / table[:, 1].sum()
        held += WildTest(influence, shares).p(value - TRUE_F) > 0.05
    assert held / replications == pytest.approx(0.947, abs=spread(0.947, replications) + tolerance)


def test_the_fallback_is_about_as_wide_as_the_jackknife():
    sums = simulated("7 unequal", 60, generator("width of the fallback"))
    widths = []
    for table in sums:
        found = interval(ratio, ClusterSums(tuple("abcdefg"), table, np.ones(7, int)), table[:, 1])
        assert found.method == "wild-webb"
        widths.append((found.high - found.low) / (2 * t_quantile(0.975, 6) * found.standard_error))
    assert 0.85 < np.median(widths) < 1.15


def test_the_interval_is_the_one_that_these_simulations_check():
    sums = simulated("7 equal", 50, generator("coverage, one by one"))
    held = jackknife_holds(sums, TRUE_F)
    for table, expected in zip(sums, held, strict=True):
        found = interval(ratio, ClusterSums(tuple("abcdefg"), table, np.ones(7, int)), table[:, 1])
        assert found.method == "jackknife-t"
        assert (found.low <= TRUE_F <= found.high) == expected


def test_with_74_videos_of_7_people_only_people_are_independent():
    """The four figures of the layout that the real test split has."""
    rng = generator("coverage, 74 videos of 7 people")
    replications, videos, people = 4_000, 74, 7
    person = np.arange(videos) % people
    references = np.full(videos, 27) + (np.arange(videos) < 15)
    of_person = mean_of_beta(rng, MEAN, 0.1, (replications, people))
    of_video = mean_of_beta(rng, of_person[:, person], 0.2)
    by_video = remarks(rng, references, of_video)
    by_person = np.stack([by_video[:, person == k].sum(axis=1) for k in range(people)], axis=1)

    value = ratio(by_person.sum(axis=1))
    said = by_video[..., 1].sum(axis=1)
    as_if_independent = np.abs(value - TRUE_F) <= 1.96 * np.sqrt(value * (1 - value) / said)
    weights = rng.multinomial(people, np.full(people, 1 / people), size=500)
    resampled = ratio(np.einsum("bg,rgk->rbk", weights, by_person[:2_000]))
    low, high = np.quantile(resampled, [0.025, 0.975], axis=1)
    bootstrap = (low <= TRUE_F) & (high >= TRUE_F)

    found = {
        "remarks as independent": as_if_independent.mean(),
        "t by video": jackknife_holds(by_video, TRUE_F).mean(),
        "bootstrap over people": bootstrap.mean(),
        "t by person": jackknife_holds(by_person, TRUE_F).mean(),
    }
    figures = {
        "remarks as independent": 0.25,
        "t by video": 0.67,
        "bootstrap over people": 0.87,
        "t by person": 0.95,
    }
    for name, figure in figures.items():
        tolerance = 0.005 if name == "t by person" else 0.02
        count = len(bootstrap) if name == "bootstrap over people" else replications
        assert found[name] == pytest.approx(figure, abs=spread(figure, count) + tolerance), name
