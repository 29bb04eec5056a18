"""S2 and S3: does it order answers to one moment as experts do, and may it stand in for one of them?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from judges.llm.items import Question
from judges.validation.agreement import gwet_ac2, krippendorff_alpha, weighted_kappa
from judges.validation.alt_test import AltTest, alternative_annotator_test
from judges.validation.ceiling import human_ceiling, judge_against_mean
from judges.validation.equivalence import cluster_mean
from judges.validation.events import Event, Events
from judges.validation.evidence import Evidence, Floats, PeopleSaid, jackknifed
from judges.validation.findings import Finding, Number, Row, Table, finding, not_shown
from judges.validation.pairwise import accuracy, held_out, kendall_tau_b
from judges.validation.ppi import prediction_powered_mean
from judges.validation.ratings import Item
from judges.validation.scorers import SENTINELS, Scores, scorer_of

__all__ = ["agreement", "by_group", "event_questions", "replacement"]

_NOBODY = "nobody has rated anything: biobench study sample, then form"
_TOO_FEW = 3
_EPSILON = 0.2
"""What an expert's time is worth, after Calderon, Reichart and Dror (2025)."""


def event_questions(events: Events) -> dict[Item, Question]:
    """What a scorer is asked about each answer."""
    return {
        (event.id, answer.id): Question(event.exercise, event.reference, answer.text)
        for event in events.events
        for answer in event.answers
    }


def agreement(evidence: Evidence) -> Finding:
    """S2: pairs of systems on one event (acc_eq, tau-b), and labels from 1 to 5 (kappa, alpha, AC2).

    Each stands beside the people's own agreement. The gates: better than the trivial judges, not worse than BioClaim.
    """
    if evidence.people is None:
        return not_shown("S2", _NOBODY)
    told = _Told(evidence, evidence.people)
    if len(told.videos) < 2 or len(evidence.people.events.systems) < 2:
        return not_shown("S2", "answers of two systems in two videos are the fewest")
    own = told.table(evidence.people.scores)
    right = told.accuracies(own)
    numbers = [
        told.over_videos("s2_accuracy", "pairs ordered as by people (acc_eq)", partial(_over_events, right)),
        told.over_videos(
            "s2_accuracy_held_out", "the same, its ties set on other videos", lambda kept: told.held_out(own, kept)
        ),
        told.over_videos("s2_tau_b", "Kendall's tau-b", partial(_over_events, told.taus(own))),
    ]
    for name in (*SENTINELS, "bioclaim"):
        if name == evidence.scorer.name:
            continue
        lead = right - told.accuracies(told.table(told.scores_of(name)))
        gate = "s2_over_bioclaim" if name == "bioclaim" else "s2_over_sentinels"
        numbers.append(
            told.over_videos(
                f"s2_over_{name.replace('-', '_')}",
                f"acc_eq less that of {name}",
                partial(_over_events, lead),
                gate=gate,
            )
        )
    return finding("S2", numbers, [told.ceilings(own), told.labels(), told.systems()])


def replacement(evidence: Evidence) -> Finding:
    """S3: the alternative annotator test over labels from 1 to 5, clustered by video."""
    if evidence.people is None:
        return not_shown("S3", _NOBODY)
    ratings = evidence.people.ratings
    if len(ratings.raters) < _TOO_FEW:
        return not_shown("S3", f"{len(ratings.raters)} raters, {_TOO_FEW} are the fewest")
    told = _Told(evidence, evidence.people)
    try:
        test = alternative_annotator_test(
            told.judge_labels, ratings.scores, scoring="neg_rmse", epsilon=_EPSILON, clusters=told.video_of
        )
    except ValueError as error:
        return not_shown("S3", str(error))
    return finding("S3", _test_numbers(evidence, test), [_raters(test)])


def by_group(evidence: Evidence) -> list[Table]:
    """For S9: agreement over pairs by exercise, and the mean difference from people by system."""
    if evidence.people is None:
        return []
    told = _Told(evidence, evidence.people)
    right = told.accuracies(told.table(evidence.people.scores))
    rows: list[Row] = []
    for exercise in sorted({event.exercise for event in told.events}):
        kept = [k for k, event in enumerate(told.events) if event.exercise == exercise]
        rows.append((exercise, len(kept), _finite(_over_events(right, kept))))
    return [Table("Pairs ordered as by people, by exercise", ("exercise", "events", "acc_eq"), tuple(rows))]


@dataclass(frozen=True)
class _Told:
    """Ratings and scores laid out: tables of systems x events, labels of answers."""

    evidence: Evidence
    said: PeopleSaid

    @cached_property
    def events(self) -> tuple[Event, ...]:
        return self.said.events.events

    @cached_property
    def human(self) -> Floats:
        return self.said.ratings.table(self.said.events).values

    @cached_property
    def videos(self) -> list[list[int]]:
        """The places of events, by video; only those that somebody rated two systems of."""
        places: dict[str, list[int]] = {}
        for k, event in enumerate(self.events):
            if np.isfinite(self.human[:, k]).sum() >= 2:
                places.setdefault(event.video, []).append(k)
        return list(places.values())

    @cached_property
    def video_of(self) -> dict[Item, str]:
        return {(event.id, answer.id): event.video for event in self.events for answer in event.answers}

    @cached_property
    def judge_labels(self) -> dict[Item, int]:
        """The scores as labels from 1 to 5: the scorer's whole range is laid over them."""
        low, high = self.evidence.scorer.floor, self.evidence.scorer.top
        shares = {item: (score - low) / (high - low) for item, score in self.said.scores.items()}
        return {item: max(1, min(5, math.floor(1.5 + 4 * share))) for item, share in shares.items()}

    def table(self, scores: Mapping[Item, float]) -> Floats:
        """Scores laid out as the ratings are."""
        row = {system: k for k, system in enumerate(self.said.events.systems)}
        values = np.full((len(row), len(self.events)), np.nan)
        for k, event in enumerate(self.events):
            for answer in event.answers:
                values[[row[system] for system in answer.systems], k] = scores[event.id, answer.id]
        return values

    def scores_of(self, name: str) -> dict[Item, float]:
        questions = event_questions(self.said.events)
        found: Scores = scorer_of(name).score(list(dict.fromkeys(questions.values())))
        return {item: found[question] or 0.0 for item, question in questions.items()}

    def over_videos(self, name: str, label: str, statistic: Callable[[Sequence[int]], float], gate: str = "") -> Number:
        return jackknifed(
            name,
            label,
            statistic,
            self.videos,
            gate=self.evidence.gate(gate) if gate else None,
            confidence=self.evidence.plan.confidence,
        )

    def accuracies(self, metric: Floats) -> Floats:
        """acc_eq of each event; NaN where it has no two answers that were rated."""
        return self._by_event(metric, accuracy)

    def taus(self, metric: Floats) -> Floats:
        """Tau-b of each event; NaN where it is not defined."""
        return self._by_event(metric, kendall_tau_b)

    def _by_event(self, metric: Floats, statistic: Callable[[Floats, Floats], float]) -> Floats:
        values = np.full(len(self.events), np.nan)
        for k in range(len(self.events)):
            if (np.isfinite(self.human[:, k]) & np.isfinite(metric[:, k])).sum() >= 2:
                values[k] = statistic(self.human[:, [k]], metric[:, [k]])
        return values

    def held_out(self, metric: Floats, kept: Sequence[int]) -> float:
        """The mean of two halves of the videos, each with the tie threshold of the other."""
        chosen = set(kept)
        videos = [[k for k in places if k in chosen] for places in self.videos]
        halves = [[k for places in videos[side::2] for k in places] for side in (0, 1)]
        if not all(halves):
            return math.nan
        first, second = halves
        one, other = held_out(self.human, metric, first, second), held_out(self.human, metric, second, first)
        return (one + other) / 2

    def ceilings(self, own: Floats) -> Table:
        """The scorer against the mean of all raters but one, and each rater against the same."""
        ratings = self.said.ratings
        rows: list[Row] = []
        if len(ratings.raters) >= 2:
            people, judge = [], []
            for rater in ratings.raters:
                others = self._table_of([name for name in ratings.raters if name != rater])
                alone = self._table_of([rater])
                both = np.where(np.isfinite(alone) & np.isfinite(others), own, np.nan)
                people.append(_defined(others, alone))
                judge.append(_defined(others, both))
            rows.append(("pairs ordered as by the other raters (acc_eq)", _average(judge), _average(people)))
            for label, statistic in (
                ("weighted kappa", lambda a, b: weighted_kappa(_rounded(a), _rounded(b))),
                ("correlation (Pearson)", _pearson),
            ):
                of_judge = judge_against_mean(self.judge_labels, ratings.scores, statistic)
                of_people = human_ceiling(ratings.scores, statistic, items=self.judge_labels)
                rows.append((f"{label} with the other raters' mean", _finite(of_judge.value), _finite(of_people.value)))
        return Table(
            "Beside people: one rater left out at a time", ("statistic", "this scorer", "a rater"), tuple(rows)
        )

    def labels(self) -> Table:
        """Agreement of the raters, without the scorer and with it as one more rater."""
        _, matrix = self.said.ratings.matrix(self.said.events)
        items = [(event.id, answer.id) for event in self.events for answer in event.answers]
        judge = np.array([self.judge_labels[item] for item in items], dtype=np.float64)
        judge = np.where(np.isfinite(matrix).any(axis=0), judge, np.nan)
        rows: list[Row] = []
        for label, statistic in (
            ("Krippendorff's alpha, ordinal", lambda table: krippendorff_alpha(table, "ordinal")),
            ("Krippendorff's alpha, interval", lambda table: krippendorff_alpha(table, "interval")),
            ("Gwet's AC2, quadratic", gwet_ac2),
        ):
            alone = _finite(statistic(matrix.T)) if len(matrix) >= 2 else None
            rows.append((label, alone, _finite(statistic(np.vstack([matrix, judge]).T))))
        return Table(
            "Agreement on labels from 1 to 5", ("coefficient", "raters", "raters and this scorer"), tuple(rows)
        )

    def systems(self) -> Table:
        """Each system's mean rating: by people alone, and with the scorer's word on what they did not rate (PPI++)."""
        rated = self.human
        judged = self.table({item: float(label) for item, label in self.judge_labels.items()})
        rows: list[Row] = []
        for k, system in enumerate(self.said.events.systems):
            known = np.isfinite(rated[k])
            open_ = np.isfinite(judged[k]) & ~known
            videos = np.array([event.video for event in self.events])
            if not known.any():
                rows.append((system, 0, None, None, None, None, None, None))
                continue
            people = cluster_mean(rated[k, known], list(videos[known]))
            cells: tuple[float | None, ...] = (None, None, None)
            if len(set(videos[known])) >= 2 and len(set(videos[open_])) >= 2:
                powered = prediction_powered_mean(
                    rated[k, known], judged[k, known], judged[k, open_], list(videos[known]), list(videos[open_])
                )
                cells = powered.estimate, powered.low, powered.high
            rows.append((system, int(known.sum()), people.value, people.low, people.high, *cells))
        columns = ("system", "rated", "people", "low", "high", "people and scorer (PPI++)", "low ", "high ")
        return Table("Mean rating by system", columns, tuple(rows))

    def _table_of(self, raters: Sequence[str]) -> Floats:
        ratings = self.said.ratings
        scores: dict[Item, float] = {}
        for event in self.events:
            for answer in event.answers:
                given = [ratings.scores[rater].get((event.id, answer.id)) for rater in raters]
                told = [score for score in given if score is not None]
                scores[event.id, answer.id] = float(np.mean(told)) if told else math.nan
        return self.table(scores)


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
            "share of raters it may stand in for",
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


def _over_events(values: Floats, kept: Sequence[int]) -> float:
    """The mean over events for which there is a value; NaN where there is none."""
    known = values[list(kept)]
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else math.nan


def _defined(human: Floats, metric: Floats) -> float:
    """acc_eq, NaN where no event has two answers scored by both."""
    both = np.isfinite(human) & np.isfinite(metric)
    return accuracy(human, metric) if (both.sum(axis=0) >= 2).any() else math.nan


def _average(values: Sequence[float]) -> float | None:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _rounded(labels: Sequence[float]) -> list[int]:
    return [math.floor(label + 0.5) for label in labels]


def _pearson(one: Sequence[float], other: Sequence[float]) -> float:
    if min(np.std(one), np.std(other)) == 0:
        return math.nan
    return float(np.corrcoef(one, other)[0, 1])
