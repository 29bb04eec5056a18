"""How often the joint test makes a false claim anywhere in a table, when some or all systems are equally good.

Six systems, pooled F. In cluster g a system matches a reference with the probability ``logistic(quality + person_g +
own_g)``: what the person makes easy or hard for every system (standard deviation .8), and what suits this system (.5);
false alarms are Poisson. Systems of one quality are exchangeable, so every "surely better" among them is false.
"""

import math

import numpy as np
import pytest

from biobench.statistics import ClusterSums, board, holm_cluster_t, joint_test
from biobench.statistics.seeds import generator

ALL_EQUAL = (0.0,) * 6
TWO_GROUPS = (0.0, 0.0, 0.0, 1.1, 1.1, 1.1)
REPLICATIONS = {7: 1_500, 20: 700, 74: 600}


def ratio(sums):
    return sums[..., 0] / sums[..., 1]


def layout(clusters, *, equal):
    """References of each cluster, 2,000 in all; the unequal largest has 25 %, 20 % and 7 % of them."""
    k = np.arange(clusters)
    parts = np.ones(clusters) if equal else (0.8**k if clusters <= 20 else (k + 1) ** -0.7)
    return np.maximum(2, np.round(2000 * parts / parts.sum())).astype(int)


def simulated_board(rng, references, qualities):
    """A board of F scores."""
    shape = (len(qualities), len(references))
    logits = np.array(qualities)[:, None] + rng.normal(0, 0.8, shape[1]) + rng.normal(0, 0.5, shape)
    matched = rng.binomial(references, 1 / (1 + np.exp(-logits)))
    said = references + matched + rng.poisson(0.4 * references, shape)
    clusters = tuple(f"c{k:02}" for k in range(shape[1]))
    ones = np.ones(shape[1], int)
    tables = {
        f"s{i}": ClusterSums(clusters, np.stack([2.0 * matched[i], said[i]], axis=1), ones) for i in range(shape[0])
    }
    return board(ratio, tables, {name: table.sums[:, 1] for name, table in tables.items()})


def claims_falsely(comparisons, qualities):
    return any(c.better is not None and qualities[int(c.first[1])] == qualities[int(c.second[1])] for c in comparisons)


def error_rate(clusters, qualities, *, equal):
    rng = generator(f"error rate, {clusters} clusters, {qualities}, {equal}")
    references = layout(clusters, equal=equal)
    count = REPLICATIONS[clusters]
    boards = (simulated_board(rng, references, qualities) for _ in range(count))
    return sum(claims_falsely(joint_test(table, draws=999).comparisons, qualities) for table in boards) / count


@pytest.mark.parametrize("qualities", [ALL_EQUAL, TWO_GROUPS], ids=["all equal", "two groups"])
@pytest.mark.parametrize("equal", [True, False], ids=["balanced", "unequal"])
@pytest.mark.parametrize("clusters", [7, 20, 74])
def test_a_false_claim_in_a_whole_table_is_made_5_times_in_100(clusters, equal, qualities):
    rate = error_rate(clusters, qualities, equal=equal)
    # 3.3 binomial standard errors: a sound test fails this once in 2,000 tries
    assert rate <= 0.05 + 3.3 * math.sqrt(0.05 * 0.95 / REPLICATIONS[clusters])
    # and it is no test that never claims anything: that would hold its level too
    assert rate >= 0.01


def test_systems_of_unlike_spread_hold_the_level_too():
    """Equal means, standard deviations from 0.02 to 0.3: what pooled variances would get wrong."""
    rng = generator("error rate, unlike spreads")
    spreads, count, wrong = [0.02, 0.05, 0.1, 0.3], 1_000, 0
    for _ in range(count):
        tables = {}
        for i, spread in enumerate(spreads):
            sums = np.stack([rng.normal(0.5, spread, 7), np.ones(7)], axis=1)
            tables[f"s{i}"] = ClusterSums(tuple("abcdefg"), sums, np.ones(7, int))
        wrong += bool(joint_test(board(ratio, tables)).surely_better)
    assert 0.02 <= wrong / count <= 0.05 + 3.3 * math.sqrt(0.05 * 0.95 / count)


def test_separate_tests_of_all_pairs_would_not_hold_it():
    """What the joint test is for: uncorrected paired t tests claim falsely in far more than 5 tables of 100."""
    rng = generator("error rate, uncorrected")
    references, wrong = layout(20, equal=True), 0
    for _ in range(150):
        table = simulated_board(rng, references, ALL_EQUAL)
        # Holm with a reference of one pair is that pair's uncorrected test: the smallest of five is multiplied by five.
        smallest = min(c.p for name in table.names for c in holm_cluster_t(table, name)) / 5
        wrong += smallest <= 0.05
    assert wrong / 150 > 0.2
