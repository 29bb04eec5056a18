"""Ratings and a scorer's scores of the same answers, laid out beside each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from judges.llm.items import Question
from judges.validation.agreement import gwet_ac2, krippendorff_alpha, weighted_kappa
from judges.validation.ceiling import human_ceiling, judge_against_mean
from judges.validation.equivalence import cluster_mean
from judges.validation.events import Event, Events
from judges.validation.evidence import Evidence, Floats, PeopleSaid, jackknifed
from judges.validation.findings import Number, Row, Table
from judges.validation.pairwise import accuracy, held_out, kendall_tau_b
from judges.validation.ppi import prediction_powered_mean
from judges.validation.ratings import Item

__all__ = ["Rated", "cluster_of", "event_questions", "over_events"]


def cluster_of(event: Event) -> str:
    """What events share that are not independent: the person, or the video where people are not known."""
    return event.subject or event.video


def event_questions(events: Events) -> dict[Item, Question]:
    """What a scorer is asked about each answer."""
    return {
        (event.id, answer.id): Question(event.exercise, event.reference, answer.text)
        for event in events.events
        for answer in event.answers
    }


@dataclass(frozen=True)
class Rated:
    """Ratings and scores laid out: tables of answers, or of systems, x events; labels of answers."""

    evidence: Evidence
    said: PeopleSaid

    @cached_property
    def events(self) -> tuple[Event, ...]:
        return self.said.events.events

    @cached_property
    def human(self) -> Floats:
        """Mean ratings, answers x events."""
        return self.table(self.means)

    @cached_property
    def means(self) -> dict[Item, float]:
        """Each answer's mean rating, NaN where there is none.

        At each event only the raters count who scored every answer that anybody scored: a lenient one who saw half of the
        answers would put them in another order.
        """
        ratings = self.said.ratings
        means: dict[Item, float] = {}
        for event in self.events:
            items = [(event.id, answer.id) for answer in event.answers]
            rated = [item for item in items if any(item in ratings.scores[rater] for rater in ratings.raters)]
            whole = [rater for rater in ratings.raters if all(item in ratings.scores[rater] for item in rated)]
            for item in items:
                scores = [ratings.scores[rater][item] for rater in whole if item in ratings.scores[rater]]
                means[item] = float(np.mean(scores)) if scores else math.nan
        return means

    @cached_property
    def clusters(self) -> list[list[int]]:
        """The places of events, by person or video; only those of which two answers were rated."""
        places: dict[str, list[int]] = {}
        for k, event in enumerate(self.events):
            if np.isfinite(self.human[:, k]).sum() >= 2:
                places.setdefault(cluster_of(event), []).append(k)
        return list(places.values())

    @property
    def unit(self) -> str:
        """What the clusters are."""
        return "people" if any(event.subject for event in self.events) else "videos"

    @cached_property
    def cluster_of_item(self) -> dict[Item, str]:
        return {(event.id, answer.id): cluster_of(event) for event in self.events for answer in event.answers}

    @cached_property
    def judge_labels(self) -> dict[Item, int]:
        """The scores as labels from 1 to 5: the scorer's whole range is laid over them."""
        low, high = self.evidence.scorer.floor, self.evidence.scorer.top
        shares = {item: (score - low) / (high - low) for item, score in self.said.scores.items()}
        return {item: max(1, min(5, math.floor(1.5 + 4 * share))) for item, share in shares.items()}

    def table(self, scores: Mapping[Item, float]) -> Floats:
        """Answers x events: each event's distinct answers from the top, NaN below them.

        Two systems that said the same are one answer: that they tie is no merit of a metric's.
        """
        most = max((len(event.answers) for event in self.events), default=0)
        values = np.full((most, len(self.events)), np.nan)
        for k, event in enumerate(self.events):
            for row, answer in enumerate(event.answers):
                values[row, k] = scores[event.id, answer.id]
        return values

    def by_system(self, scores: Mapping[Item, float]) -> Floats:
        """Systems x events, NaN where a system did not answer."""
        row = {system: k for k, system in enumerate(self.said.events.systems)}
        values = np.full((len(row), len(self.events)), np.nan)
        for k, event in enumerate(self.events):
            for answer in event.answers:
                values[[row[system] for system in answer.systems], k] = scores[event.id, answer.id]
        return values

    def over_clusters(
        self, name: str, label: str, statistic: Callable[[Sequence[int]], float], gate: str = ""
    ) -> Number:
        return jackknifed(
            name,
            label,
            statistic,
            self.clusters,
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

    def held_out(self, metric: Floats) -> Number:
        """acc_eq with ties: the mean of two halves of the clusters, each with the tie threshold of the other."""
        first, second = ([k for places in self.clusters[side::2] for k in places] for side in (0, 1))
        one, other = held_out(self.human, metric, first, second), held_out(self.human, metric, second, first)
        label = f"the same, its ties set on other {self.unit}"
        n = len(first) + len(second)
        return Number("s2_accuracy_held_out", label, (one + other) / 2, n=n, clusters=len(self.clusters))

    def ceilings(self, own: Floats) -> Table:
        """The scorer against the mean of all raters but one, and each rater against the same."""
        ratings = self.said.ratings
        rows: list[Row] = []
        if self._has_shared:
            tables: list[tuple[Floats, Floats, Floats]] = []
            for rater in ratings.raters:
                others = self._table_of([name for name in ratings.raters if name != rater])
                alone = self._table_of([rater])
                judge = np.where(np.isfinite(alone) & np.isfinite(others), own, np.nan)
                tables.append((others, judge, alone))
            for label, calibrate in (("", False), (", each with its best ties", True)):
                of_judge, of_people = (
                    _average([_accuracy(told[0], told[place], calibrate=calibrate) for told in tables])
                    for place in (1, 2)
                )
                rows.append((f"pairs ordered as by the other raters (acc_eq){label}", of_judge, of_people))
            for label, statistic in (
                ("weighted kappa", lambda a, b: weighted_kappa(_rounded(a), _rounded(b))),
                ("correlation (Pearson)", _pearson),
            ):
                judged = judge_against_mean(self.judge_labels, ratings.scores, statistic)
                ceiling = human_ceiling(ratings.scores, statistic, items=self.judge_labels)
                rows.append((f"{label} with the other raters' mean", _finite(judged.value), _finite(ceiling.value)))
        return Table(
            "Beside people: one rater left out at a time", ("statistic", "this scorer", "a rater"), tuple(rows)
        )

    def labels(self) -> Table:
        """Agreement of the raters, without the scorer and with it as one more rater."""
        _, matrix = self.said.ratings.matrix(self.said.events)
        judge = np.array([self.judge_labels[item] for item in self.cluster_of_item], dtype=np.float64)
        judge = np.where(np.isfinite(matrix).any(axis=0), judge, np.nan)
        rows: list[Row] = []
        for label, statistic in (
            ("Krippendorff's alpha, ordinal", lambda table: krippendorff_alpha(table, "ordinal")),
            ("Krippendorff's alpha, interval", lambda table: krippendorff_alpha(table, "interval")),
            ("Gwet's AC2, quadratic", gwet_ac2),
        ):
            alone = _finite(statistic(matrix.T)) if self._has_shared else None
            rows.append((label, alone, _finite(statistic(np.vstack([matrix, judge]).T))))
        return Table(
            "Agreement on labels from 1 to 5", ("coefficient", "raters", "raters and this scorer"), tuple(rows)
        )

    def raters(self) -> Table:
        """How much each rated, and agreement with oneself on what the form showed twice."""
        ratings = self.said.ratings
        rows: list[Row] = []
        for rater in ratings.raters:
            first, second = ratings.scores[rater], ratings.repeats[rater]
            twice = [item for item in second if item in first]
            same = sum(first[item] == second[item] for item in twice) / len(twice) if twice else None
            near = sum(abs(first[item] - second[item]) <= 1 for item in twice) / len(twice) if twice else None
            open_ = ratings.unrated[rater]
            rows.append((rater, len(first), ratings.cannot_say[rater], open_, len(twice), same, near))
        columns = ("rater", "ratings", "can't say", "open", "rated twice", "the same", "at most one apart")
        return Table("Raters", columns, tuple(rows))

    def systems(self) -> Table:
        """Each system's mean rating: by people alone, and with the scorer's word on events that nobody rated (PPI++)."""
        rated = self.by_system(self.means)
        judged = self.by_system({item: float(label) for item, label in self.judge_labels.items()})
        clusters = np.array([cluster_of(event) for event in self.events])
        rows: list[Row] = []
        for k, system in enumerate(self.said.events.systems):
            known = np.isfinite(rated[k])
            open_ = np.isfinite(judged[k]) & ~self._touched
            if not known.any():
                rows.append((system, 0, None, None, None, None, None, None))
                continue
            people = cluster_mean(rated[k, known], list(clusters[known]))
            cells: tuple[float | None, ...] = (None, None, None)
            if len(set(clusters[known])) >= 2 and len(set(clusters[open_])) >= 2:
                powered = prediction_powered_mean(
                    rated[k, known], judged[k, known], judged[k, open_], list(clusters[known]), list(clusters[open_])
                )
                cells = powered.estimate, powered.low, powered.high
            rows.append((system, int(known.sum()), people.value, people.low, people.high, *cells))
        columns = ("system", "rated", "people", "low", "high", "PPI++", "PPI++ low", "PPI++ high")
        return Table("Mean rating by system; PPI++ where events are left that nobody rated", columns, tuple(rows))

    def distances(self) -> Table:
        """How far the scorer's labels are from people's mean ratings, system by system."""
        labels = {item: float(label) for item, label in self.judge_labels.items()}
        judged, rated = self.by_system(labels), self.by_system(self.means)
        rows: list[Row] = []
        for k, system in enumerate(self.said.events.systems):
            gaps = (judged[k] - rated[k])[np.isfinite(rated[k])]
            told = (float(gaps.mean()), float(np.abs(gaps).mean())) if len(gaps) else (None, None)
            rows.append((system, len(gaps), *told))
        columns = ("system", "answers", "mean difference", "mean distance")
        return Table("Labels from 1 to 5 less people's, by system", columns, tuple(rows))

    @cached_property
    def _touched(self) -> NDArray[np.bool_]:
        """Events of which anybody rated an answer: what they left out there, they left out for a reason."""
        ratings = self.said.ratings
        seen = {event for rater in ratings.raters for event, _ in ratings.scores[rater]}
        return np.array([event.id in seen for event in self.events])

    @cached_property
    def _has_shared(self) -> bool:
        """Whether two raters scored one and the same answer."""
        _, matrix = self.said.ratings.matrix(self.said.events)
        return bool((np.isfinite(matrix).sum(axis=0) >= 2).any())

    def _table_of(self, raters: Sequence[str]) -> Floats:
        ratings = self.said.ratings
        scores: dict[Item, float] = {}
        for event in self.events:
            for answer in event.answers:
                given = [ratings.scores[rater].get((event.id, answer.id)) for rater in raters]
                told = [score for score in given if score is not None]
                scores[event.id, answer.id] = float(np.mean(told)) if told else math.nan
        return self.table(scores)


def over_events(values: Floats, kept: Sequence[int]) -> float:
    """The mean over events for which there is a value; NaN where there is none."""
    known = values[list(kept)]
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else math.nan


def _accuracy(human: Floats, metric: Floats, *, calibrate: bool) -> float:
    """acc_eq, NaN where no event has two answers scored by both."""
    both = np.isfinite(human) & np.isfinite(metric)
    if not (both.sum(axis=0) >= 2).any():
        return math.nan
    return accuracy(human, metric, "item", "calibrate").score if calibrate else accuracy(human, metric)


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
