"""What a benchmark can show."""

import numpy as np
import pytest

from biobench.statistics import (
    ClusterSums,
    NotTestable,
    board,
    growth_table,
    joint_test,
    paired_standard_error,
    smallest_difference,
    smallest_difference_sign_flip,
)
from biobench.statistics.student import power_of_t, t_quantile


def ratio(sums):
    return sums[..., 0] / sums[..., 1]


def means(values):
    return board(
        ratio,
        {
            name: ClusterSums(
                tuple(f"c{k:02}" for k in range(len(x))), np.stack([x, np.ones(len(x))], 1), np.ones(len(x), int)
            )
            for name, x in values.items()
        },
    )


@pytest.mark.parametrize(("clusters", "ratio_to_error"), [(7, 3.366894897), (20, 2.953584870), (74, 2.839116511)])
def test_the_smallest_difference_has_the_power_it_promises(clusters, ratio_to_error):
    """The noncentralities are those at which scipy.special's nctdtr gives 0.8."""
    found = smallest_difference(0.02, clusters)
    assert found == pytest.approx(0.02 * ratio_to_error, rel=2e-6)
    assert power_of_t(found / 0.02, clusters - 1) == pytest.approx(0.8, abs=1e-5)


def test_power_by_simulation_of_the_t_test_itself():
    shift = smallest_difference(1 / np.sqrt(7), 7)
    d = np.random.default_rng(0).normal(shift, 1, (20_000, 7))
    t = d.mean(axis=1) / (d.std(axis=1, ddof=1) / np.sqrt(7))
    assert np.mean(np.abs(t) > t_quantile(0.975, 6)) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("clusters", [7, 12, 20])
def test_the_sign_flip_test_finds_its_smallest_difference_four_times_in_five(clusters):
    shift = smallest_difference_sign_flip(1 / np.sqrt(clusters), clusters)
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(400):
        base = rng.normal(0, 1, clusters)
        values = {"a": base + rng.normal(0, 1, clusters) + shift, "b": base}
        found += joint_test(means(values), draws=999).comparisons[0].better == "a"
    assert found / 400 == pytest.approx(0.8, abs=0.07)  # 3.5 standard errors


def test_sign_flips_need_more_than_t_and_six_clusters():
    # 3 of 64 half vectors are 0.047, a little less than 0.05
    assert 1.0 < smallest_difference_sign_flip(0.01, 7) / smallest_difference(0.01, 7) < 1.15
    assert smallest_difference_sign_flip(0.01, 40) / smallest_difference(0.01, 40) == pytest.approx(1, abs=0.05)
    assert isinstance(smallest_difference_sign_flip(0.01, 5), NotTestable)
    assert isinstance(smallest_difference_sign_flip(0.01, 6, power=0.9, alpha=0.02), NotTestable)
    assert smallest_difference_sign_flip(0.01, 7) == smallest_difference_sign_flip(0.01, 7, seed=0)


def test_more_power_and_more_doubt_cost_more():
    assert smallest_difference(0.01, 7, power=0.9) > smallest_difference(0.01, 7)
    assert smallest_difference(0.01, 7, alpha=0.01) > smallest_difference(0.01, 7)


@pytest.mark.parametrize(
    "broken", [{"standard_error": 0.0}, {"clusters": 1}, {"power": 0.04}, {"power": 1.0}, {"alpha": 0.0}]
)
def test_what_has_no_power_is_refused(broken):
    with pytest.raises(ValueError, match="no power"):
        smallest_difference(**{"standard_error": 0.01, "clusters": 7} | broken)


def test_the_error_of_a_paired_difference():
    a, b = np.array([0.5, 0.7, 0.6, 0.9, 0.4, 0.55, 0.8]), np.array([0.4, 0.7, 0.5, 0.7, 0.45, 0.5, 0.6])
    table = means({"a": a, "b": b})
    assert paired_standard_error(table, "a", "b") == pytest.approx((a - b).std(ddof=1) / np.sqrt(7))
    with pytest.raises(KeyError, match="nobody"):
        paired_standard_error(table, "a", "nobody")


def test_growth():
    rows = {(r.people, r.videos): r.smallest_difference for r in growth_table(0.01, 7, 74, correlation=0.1)}
    assert rows[7, 74] == pytest.approx(smallest_difference(0.01, 7))
    # people: the error falls with their root, and t has more degrees of freedom
    assert rows[28, 296] == pytest.approx(smallest_difference(0.005, 28))
    # videos: the part that is the person's own stays
    m = 74 / 7
    shrunk = np.sqrt((1 + (4 * m - 1) * 0.1) / 4 / (1 + (m - 1) * 0.1))
    assert rows[7, 296] == pytest.approx(smallest_difference(0.01 * shrunk, 7))
    assert rows[28, 296] < rows[14, 296] < rows[7, 296]
    independent = growth_table(0.01, 7, 74, correlation=0.0, people_times=[1], videos_times=[4])
    assert independent[0].smallest_difference == pytest.approx(smallest_difference(0.005, 7))
    alike = growth_table(0.01, 7, 74, correlation=1.0, people_times=[1])
    assert len({round(r.smallest_difference, 12) for r in alike}) == 1
    with pytest.raises(ValueError, match="people"):
        growth_table(0.01, 7, 5, correlation=0.1)
