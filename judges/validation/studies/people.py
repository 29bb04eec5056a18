"""S2 and S3: does it order answers to one moment as experts do, and may it stand in for one of them?"""

from __future__ import annotations

import math
from functools import partial

from judges.validation.alt_test import AltTest, alternative_annotator_test
from judges.validation.evidence import Evidence
from judges.validation.findings import Finding, Number, Row, Table, finding, not_shown
from judges.validation.rated import Rated, over_events

__all__ = ["FEWEST_RATERS", "agreement", "by_group", "replacement"]

_NOBODY = "nobody has rated anything: biobench study sample, then form"
FEWEST_RATERS = 3
"""S3 compares each rater with the others: with two, each is the other's only measure."""
_FEWEST_CLUSTERS = 6
_EPSILON = 0.2
"""What an expert's time is worth, after Calderon, Reichart and Dror (2025)."""


def agreement(evidence: Evidence) -> Finding:
    """S2: pairs of answers to one event (acc_eq, tau-b), and labels from 1 to 5 (kappa, alpha, AC2).

    Each stands beside the people's own agreement. The gates: better than the trivial judges, not worse than BioClaim.
    """
    if evidence.people is None:
        return not_shown("S2", _NOBODY)
    told = Rated(evidence, evidence.people)
    if len(told.clusters) < _FEWEST_CLUSTERS:
        found = f"two answers to an event are rated in {len(told.clusters)} {told.unit}"
        return not_shown("S2", f"{found}, {_FEWEST_CLUSTERS} are the fewest")
    own = told.table(evidence.people.scores)
    right = told.accuracies(own)
    numbers = [
        told.over_clusters("s2_accuracy", "pairs ordered as by people (acc_eq)", partial(over_events, right)),
        # Its threshold jumps from one difference to another: no jackknife holds for it.
        told.held_out(own),
        told.over_clusters("s2_tau_b", "Kendall's tau-b", partial(over_events, told.taus(own))),
    ]
    for name, scores in evidence.people.baselines.items():
        # BioClaim is no worse than itself; a trivial judge is no better than itself, and must not pass for want of an equal.
        if name == evidence.scorer.name == "bioclaim":
            continue
        lead = right - told.accuracies(told.table(scores))
        gate = "s2_over_bioclaim" if name == "bioclaim" else "s2_over_sentinels"
        numbers.append(
            told.over_clusters(
                f"s2_over_{name.replace('-', '_')}",
                f"acc_eq less that of {name}",
                partial(over_events, lead),
                gate=gate,
            )
        )
    return finding("S2", numbers, [told.ceilings(own), told.labels(), told.systems(), told.raters()])


def replacement(evidence: Evidence) -> Finding:
    """S3: the alternative annotator test over labels from 1 to 5, clustered by person or video."""
    if evidence.people is None:
        return not_shown("S3", _NOBODY)
    ratings = evidence.people.ratings
    if len(ratings.raters) < FEWEST_RATERS:
        return not_shown("S3", f"{len(ratings.raters)} raters, {FEWEST_RATERS} are the fewest")
    told = Rated(evidence, evidence.people)
    try:
        test = alternative_annotator_test(
            told.judge_labels, ratings.scores, scoring="neg_rmse", epsilon=_EPSILON, clusters=told.cluster_of_item
        )
    except ValueError as error:
        return not_shown("S3", str(error))
    clusters = min(rater.clusters for rater in test.raters)
    if len(test.raters) < FEWEST_RATERS or clusters < _FEWEST_CLUSTERS:
        reason = (
            f"{len(test.raters)} raters rated enough, in {clusters} {told.unit} and more; "
            f"{FEWEST_RATERS} in {_FEWEST_CLUSTERS} are the fewest"
        )
        return not_shown("S3", reason, [_raters(test)])
    return finding("S3", _test_numbers(evidence, test), [_raters(test)])


def by_group(evidence: Evidence) -> list[Table]:
    """For S9: agreement over pairs by exercise, and how far the scorer's labels are from people's by system."""
    if evidence.people is None:
        return []
    told = Rated(evidence, evidence.people)
    right = told.accuracies(told.table(evidence.people.scores))
    rows: list[Row] = []
    for exercise in sorted({event.exercise for event in told.events}):
        kept = [k for k, event in enumerate(told.events) if event.exercise == exercise]
        share = over_events(right, kept)
        rows.append((exercise, len(kept), share if math.isfinite(share) else None))
    columns = ("exercise", "events", "acc_eq")
    return [Table("Pairs ordered as by people, by exercise", columns, tuple(rows)), told.distances()]


def _test_numbers(evidence: Evidence, test: AltTest) -> list[Number]:
    """The winning rate is a decision: it can still rise to the share of raters to whom the judge is not surely inferior."""
    undecided = sum(not rater.rejected and rater.p_value < 0.95 for rater in test.raters) / len(test.raters)
    items = sum(rater.items for rater in test.raters)
    clusters = max(rater.clusters for rater in test.raters)
    rate = test.winning_rate
    low, high = getattr(test.interval, "low", None), getattr(test.interval, "high", None)
    return [
        Number(
            "s3_winning_rate",
            "share of raters it may stand in for (up to: with those that are undecided)",
            rate,
            rate,
            rate + undecided,
            items,
            clusters,
            evidence.gate("s3_winning_rate"),
        ),
        Number(
            "s3_advantage",
            "chance that it does as well as a rater",
            test.advantage_probability,
            low,
            high,
            items,
            clusters,
        ),
    ]


def _raters(test: AltTest) -> Table:
    rows: list[Row] = [
        (r.rater, r.items, r.judge_wins, r.human_wins, r.p_value, "yes" if r.rejected else "no") for r in test.raters
    ]
    rows += [(one.rater, one.items, None, None, None, one.reason) for one in test.left_out]
    return Table("By rater", ("rater", "items", "judge as good", "rater as good", "p", "may be replaced"), tuple(rows))
