"""Statistics of a board of QEVD's test size: the joint test of 20 systems x 8 metrics, and 15 intervals.

The peers run in the same process: sign-flip tests one pair at a time (which can't even control the table's
errors), and a cluster bootstrap of 2,000 samples (which covers 87 times in 100 with seven people). Figures are
the best of several runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import combinations

import numpy as np

from biobench.statistics import ClusterSums, board, cluster_sums, interval, joint_test
from biobench.statistics.sums import Floats

VIDEOS, SEGMENTS, SYSTEMS, METRICS, INTERVALS = 74, 424, 20, 8, 15
DRAWS = 9_999


def main() -> None:
    """Prints one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    rng = np.random.default_rng(0)
    for clusters, kind in (
        (7, "people, all 128 sign vectors"),
        (14, "people, all 16,384"),
        (VIDEOS, "videos, 9,999 drawn"),
    ):
        boards = [systems(rng, clusters) for _ in range(METRICS)]
        ours = best(lambda: [joint_test(board(f_score, tables)) for tables in boards], runs)  # noqa: B023
        print(f"joint test, {SYSTEMS} systems x {METRICS} metrics, {clusters} {kind}: {ours:.3f} s (aim: under 1 s)")
    slow = best(lambda: [one_pair_at_a_time(tables) for tables in boards[:1]], 1) * METRICS
    print(f"the same, {VIDEOS} videos, one pair at a time: {slow:.1f} s: {slow / ours:.0f} times as long")

    rows, videos = segments(rng), [f"v{k % VIDEOS}" for k in range(SEGMENTS)]
    ours = best(lambda: [interval(f_score, cluster_sums(rows, videos)) for _ in range(INTERVALS)], runs)
    sums = cluster_sums(rows, videos).sums
    slow = best(lambda: [bootstrap(sums, seed) for seed in range(INTERVALS)], runs)
    print(f"intervals, {INTERVALS} metrics, {VIDEOS} videos, jackknife: {1000 * ours:.1f} ms")
    print(f"the same by a cluster bootstrap of 2,000: {1000 * slow:.1f} ms: {slow / ours:.1f} times as long")
    people = [f"p{min(6, int(k))}" for k in rng.exponential(1.6, SEGMENTS)]
    fallback = best(lambda: [interval(f_score, cluster_sums(rows, people)) for _ in range(INTERVALS)], runs)
    print(f"intervals, {INTERVALS} metrics, 7 unequal people, wild weights: {1000 * fallback:.0f} ms")


def f_score(sums: Floats) -> Floats:
    """Pooled F of (matched, references + predictions)."""
    return 2 * sums[..., 0] / sums[..., 1]


def segments(rng: np.random.Generator) -> Floats:
    """Rows of one system."""
    references = rng.integers(1, 10, SEGMENTS)
    matched = rng.binomial(references, 0.55)
    return np.stack([matched, references + matched + rng.poisson(2, SEGMENTS)], axis=1).astype(np.float64)


def systems(rng: np.random.Generator, clusters: int) -> dict[str, ClusterSums]:
    """A board of systems on the same clusters."""
    names = [f"c{k % clusters}" for k in range(SEGMENTS)]
    return {f"s{k}": cluster_sums(segments(rng), names) for k in range(SYSTEMS)}


def one_pair_at_a_time(tables: dict[str, ClusterSums]) -> list[float]:
    """A sign-flip test of each pair alone, with vectors of its own."""
    found = []
    for k, (a, b) in enumerate(combinations(tables.values(), 2)):
        rng = np.random.default_rng(k)
        d = a.sums[:, 0] / a.sums[:, 1].sum() - b.sums[:, 0] / b.sums[:, 1].sum()
        signs = 2.0 * rng.integers(0, 2, (DRAWS, len(d))) - 1
        found.append((1 + float(np.sum(np.abs((signs * d).sum(axis=1)) >= abs(d.sum())))) / (DRAWS + 1))
    return found


def bootstrap(sums: Floats, seed: int) -> Floats:
    """Percentiles of the score over clusters drawn again."""
    weights = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=2_000)
    low_high: Floats = np.quantile(f_score(weights @ sums), [0.025, 0.975])
    return low_high


def best(work: Callable[[], object], runs: int) -> float:
    """Least seconds of the runs."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
