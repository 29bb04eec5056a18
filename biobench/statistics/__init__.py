"""How sure a score is, which systems are told apart, what places that supports, what a benchmark can show."""

from biobench.statistics.boards import Board, LeftOut, board
from biobench.statistics.cluster import (
    AssumedCorrelation,
    Interval,
    NoInterval,
    interval,
    interval_from_values,
    jackknife_standard_error,
    subject_correlation_table,
)
from biobench.statistics.joint import (
    Comparison,
    JointTest,
    NotTestable,
    holm_cluster_t,
    joint_test,
    smallest_detectable_difference,
    surely_better,
)
from biobench.statistics.power import (
    Growth,
    growth_table,
    paired_standard_error,
    smallest_difference,
    smallest_difference_sign_flip,
)
from biobench.statistics.ranks import Rank, rank_systems, top_probabilities
from biobench.statistics.sums import (
    ClusterSums,
    cluster_sums,
    contributions,
    effective_clusters,
    leave_one_out,
)

__all__ = [
    "AssumedCorrelation",
    "Board",
    "ClusterSums",
    "Comparison",
    "Growth",
    "Interval",
    "JointTest",
    "LeftOut",
    "NoInterval",
    "NotTestable",
    "Rank",
    "board",
    "cluster_sums",
    "contributions",
    "effective_clusters",
    "growth_table",
    "holm_cluster_t",
    "interval",
    "interval_from_values",
    "jackknife_standard_error",
    "joint_test",
    "leave_one_out",
    "paired_standard_error",
    "rank_systems",
    "smallest_detectable_difference",
    "smallest_difference",
    "smallest_difference_sign_flip",
    "subject_correlation_table",
    "surely_better",
    "top_probabilities",
]
