"""What is studied: anything that gives a prediction beside a reference a number, language models and word counts alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal

from biobench.metrics.base import MetricUnavailable, PairMetric
from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from biobench.registry import metrics
from judges.claims import compare, understand
from judges.claims.metrics import claims_signature
from judges.claims.records import Claim
from judges.llm.items import Question

__all__ = ["METRICS", "SENTINELS", "MetricScorer", "Scorer", "Scores", "scorer_of"]

Kind = Literal["judge", "claims", "words", "trivial"]
Scores = Mapping[Question, float | None]
"""A score for each question; None where the scorer gave none, which ranks as the floor."""

SENTINELS = ("length", "constant", "prediction-only", "reference-only")
METRICS = ("meteor", "rouge_l", "bioclaim")
"""Studied where nothing is named: what needs no model and no network, beside the trivial ones."""


class Scorer(ABC):
    """One scorer. ``floor`` and ``top`` bound its scores; ``rated`` maps them onto 1 to 5 where they are compared with people's.

    ``causes`` counts what ``score`` left without a score, by why.
    """

    name: str
    kind: Kind
    floor: float = 0.0
    top: float = 1.0
    causes: Mapping[str, int] = {}

    @abstractmethod
    def signature(self) -> Mapping[str, str]:
        """What can change a score."""

    def identity(self) -> Mapping[str, str]:
        """As much of the signature as is known before anything is scored."""
        return self.signature()

    @abstractmethod
    def score(self, questions: Sequence[Question]) -> Scores:
        """A score for each distinct question. Raises ``ProblemsFound`` where the scorer can't be reached."""

    def repeat(self, questions: Sequence[Question], times: int) -> Mapping[str, Sequence[Sequence[float]]]:
        """The scores of each question when it is asked again, by the condition under which that was done.

        Here: among other questions in another order, which must change nothing.
        """
        scores = []
        for turn in range(times):
            order = questions if turn % 2 == 0 else questions[::-1]
            scores.append([self.score([*order[turn:], *order[:turn]])[question] or 0.0 for question in questions])
        return {"another order": list(zip(*scores, strict=True))}


class MetricScorer(Scorer):
    """A text metric of matched pairs, as ``evaluate`` has it."""

    kind = "words"

    def __init__(self, name: str, metric: PairMetric) -> None:
        self.name, self._metric = name, metric

    def signature(self) -> Mapping[str, str]:
        return {"metric": self.name, **self._metric.signature()}

    def score(self, questions: Sequence[Question]) -> Scores:
        texts = {(question.reference, question.prediction): None for question in questions}
        found = self._metric.distinct_scores(list(texts))
        return {question: found[question.reference, question.prediction] for question in questions}


class BioClaimScorer(Scorer):
    """The F1 of two remarks' claims.

    A pair of which neither text has a technique claim scores 0: what it can't read counts against it.
    """

    name, kind = "bioclaim", "claims"

    def signature(self) -> Mapping[str, str]:
        return {"metric": self.name, **claims_signature()}

    def score(self, questions: Sequence[Question]) -> Scores:
        return {q: compare(q.reference, q.prediction, q.exercise or None).f1 or 0.0 for q in questions}


class _Trivial(Scorer):
    """A score that no reading of the remark stands behind."""

    kind = "trivial"

    def signature(self) -> Mapping[str, str]:
        return {"metric": self.name}


class Length(_Trivial):
    """The longer the better: characters of the prediction, 200 being the top."""

    name = "length"

    def score(self, questions: Sequence[Question]) -> Scores:
        return {question: min(1.0, len(question.prediction.strip()) / 200) for question in questions}


class Constant(_Trivial):
    """The same for everything."""

    name = "constant"

    def score(self, questions: Sequence[Question]) -> Scores:
        return dict.fromkeys(questions, 0.5)


class PredictionOnly(_Trivial):
    """How much the prediction states, whatever the reference says: its claims' slots, ten being the top."""

    name = "prediction-only"

    def score(self, questions: Sequence[Question]) -> Scores:
        return {question: _stated(question.prediction, question.exercise) for question in questions}


class ReferenceOnly(_Trivial):
    """How much the reference states, whatever is predicted."""

    name = "reference-only"

    def score(self, questions: Sequence[Question]) -> Scores:
        return {question: _stated(question.reference, question.exercise) for question in questions}


def scorer_of(name: str) -> Scorer:
    """The scorer of a name: a text metric, ``bioclaim``, or a trivial one. Raises ``ProblemsFound``."""
    own: dict[str, type[Scorer]] = {
        "bioclaim": BioClaimScorer,
        **{kind.name: kind for kind in (Length, Constant, PredictionOnly, ReferenceOnly)},
    }
    if name in own:
        return own[name]()
    pairs = {known: kind for known, kind in metrics().all.items() if issubclass(kind, PairMetric)}
    if name not in pairs:
        known = [*pairs, *own]
        expected = "one of " + ", ".join(known)
        raise ProblemsFound([Problem("--metric", f'no metric of pairs "{name}"', expected, nearest(name, known))])
    try:
        return MetricScorer(name, pairs[name]())
    except MetricUnavailable as missing:
        raise ProblemsFound([Problem(f"the metric {name}", str(missing), "what it needs")]) from missing


def _stated(text: str, exercise: str) -> float:
    claims = understand(text, exercise or None).claims
    return min(1.0, sum(map(_slots, claims)) / 10)


def _slots(claim: Claim) -> int:
    values = (claim.joint, claim.side, claim.direction, claim.quantity, claim.rom, claim.phase, claim.reps)
    return sum(value is not None for value in values)
