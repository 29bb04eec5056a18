"""The judge ``bio``: the model says which claims agree, code makes the score."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import ClassVar

from biobench.chat.probe import Capabilities
from biobench.chat.records import Message, Reply, Request, Sampling
from judges.claims import compare, understand
from judges.claims.lexicon import lexicon
from judges.claims.records import Understood
from judges.claims.weights import weights
from judges.llm.cleaning import clean
from judges.llm.items import Question
from judges.llm.lint import lint, lint_version
from judges.llm.profile import Profile
from judges.llm.prompt import Prompt, Weights, load_prompt, load_weights
from judges.llm.quantities import angle_criterion, reps_criterion, slots
from judges.llm.replies import Fault, Reading, ScoreMass, read_bio, score_mass
from judges.llm.verdicts import Answer, Verdict, main_fault

__all__ = ["BioProfile", "Corrected", "correct", "score_of"]

_CHECKED = ("joint", "side", "motion", "angle", "rom", "phase", "reps")
"""Criteria whose absence code can check against the claims."""
_MOST_SAID_BACK = 4000
"""Characters of a reply that go back in a repair turn."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """Criteria after the code's corrections, and the names of those that it changed."""

    criteria: Mapping[str, str] = field(hash=False)
    changed: tuple[str, ...]


class BioProfile(Profile):
    """``bio`` with a version of its prompt and of its weights."""

    name: ClassVar[str] = "bio"
    sends_schema: ClassVar[bool] = True

    def __init__(
        self, prompt: Prompt | None = None, weights: Weights | None = None, max_tokens: int | None = None
    ) -> None:
        self.prompt = prompt or load_prompt()
        self.weights = weights or load_weights()
        self.max_tokens = max_tokens or self.prompt.max_tokens

    def signature(self) -> Mapping[str, str]:
        own = {} if self.max_tokens == self.prompt.max_tokens else {"max_tokens": str(self.max_tokens)}
        return {
            "judge": self.name,
            "prompt": f"{self.prompt.version}.{self.prompt.sha256[:12]}",
            "weights": self.weights.version,
            "lint": lint_version(),
            "claims": claims_version(),
            **own,
        }

    def request(self, question: Question, sample: int, samples: int, capabilities: Capabilities | None) -> Request:
        """Greedy and with log probabilities for one sample, drawn for several; what an endpoint lacks is left out."""
        able = capabilities or Capabilities(
            json_schema=True, json_object=True, logprobs=False, seed=False, temperature=True
        )
        temperature = self.prompt.temperature if samples == 1 else self.prompt.temperature_of_samples
        sampling = Sampling(
            temperature=temperature if able.temperature else None,
            max_tokens=self.max_tokens,
            seed=sample if able.seed else None,
            top_logprobs=self.prompt.top_logprobs if able.logprobs else None,
        )
        rendered = self.prompt.render(question)
        return Request(rendered.messages, sampling, self.prompt.schema, sample, self.prompt.version)

    def read(self, reply: Reply) -> Reading | Fault:
        return read_bio(reply)

    def mass(self, reply: Reply) -> ScoreMass | None:
        return score_mass(reply)

    def repair(self, request: Request, reply: Reply, fault: Fault) -> Request | None:
        """The reply and what is wrong with it; a refusal is not asked twice."""
        if fault.cause == "refusal":
            return None
        said = reply.text[:_MOST_SAID_BACK] or "(nothing)"
        turns = (*request.messages, Message("assistant", said), self.prompt.repair_of(fault.said))
        return replace(request, messages=turns)

    def verdict(self, question: Question, answers: Sequence[Answer]) -> Verdict:
        """The mean of the samples' scores; unscored where most samples have none, or where the text was caught tampering.

        Tampering counts where most samples say it and there are at least three of them or the lint has a sign of it;
        so does harm, but it needs the three samples.
        """
        answers = tuple(answers)
        readings = [answer.reading for answer in answers if isinstance(answer.reading, Reading)]
        if 2 * len(readings) <= len(answers):
            return Verdict(None, main_fault(answers), answers=answers)
        corrected = [correct(reading, question, self.weights) for reading in readings]
        score = statistics.fmean(score_of(one.criteria, question, self.weights) for one in corrected)
        notes = []
        enough = len(readings) >= self.weights.samples_for_majority
        if enough and _most(one.criteria["harm"] == "opposite" for one in corrected):
            score = min(score, self.weights.harm_cap)
            notes.append("harm")
        overall, mass = _overall(answers)
        tampering = _most(reading.tampering for reading in readings) and (enough or bool(lint(question.prediction)))
        return Verdict(
            None if tampering else score,
            "tampering" if tampering else None,
            overall,
            mass,
            corrected[0].criteria,
            corrected[0].changed,
            tuple(notes),
            answers,
        )


def correct(reading: Reading, question: Question, weights: Weights) -> Corrected:
    """The criteria, where code knows better.

    ``absent`` is not believed where a text's claims have the slot: it becomes missing (the reference has it) or extra (only
    the prediction has it). ``angle`` and ``reps`` are set by arithmetic where both texts state them, and are absent where
    there is not a number in either.
    """
    reference, prediction = said(question.reference, question.exercise), said(question.prediction, question.exercise)
    of_reference, of_prediction = slots(reference), slots(prediction)
    criteria = dict(reading.criteria)
    for name in _CHECKED:
        if criteria[name] == "absent" and name in of_reference | of_prediction:
            criteria[name] = "missing" if name in of_reference else "extra"
    by_code = {
        "angle": angle_criterion(reference, prediction, weights),
        "reps": reps_criterion(reference, prediction, weights),
    }
    criteria |= {name: value for name, value in by_code.items() if value is not None}
    if not reference.numbers and not prediction.numbers:
        criteria |= {name: "absent" for name in by_code if name not in of_reference | of_prediction}
    return Corrected(criteria, tuple(name for name, value in criteria.items() if value != reading.criteria[name]))


def score_of(criteria: Mapping[str, str], question: Question, weights: Weights) -> float:
    """From 1 to 5: ``1 + 4 m``, m the weighted mean over criteria that are not absent; at most 2 where one is opposite.

    An opposite harm caps nothing here: one sample is not enough for it. Where all are absent, the claims decide.
    """
    present = {name: value for name, value in criteria.items() if value != "absent"}
    if not present:
        return _by_claims(question, weights)
    total = sum(weights.weights[name] for name in present)
    mean = sum(weights.weights[name] * weights.values[value] for name, value in present.items()) / total
    score = 1 + 4 * mean
    if any(value == "opposite" for name, value in present.items() if name != "harm"):
        score = min(score, weights.opposite_cap)
    return score


@lru_cache(maxsize=65536)
def said(text: str, exercise: str) -> Understood:
    """The claims of a text as the judge sees it."""
    return understand(clean(text).text, exercise or None)


def claims_version() -> str:
    """The versions of the lexicon and of the weights by which claims are compared."""
    return f"{lexicon().version}.{weights().version}"


def _by_claims(question: Question, weights: Weights) -> float:
    texts = clean(question.reference).text, clean(question.prediction).text
    found = compare(*texts, question.exercise or None)
    if found.f1 is not None:
        return 1 + 4 * found.f1
    return weights.same_kind if found.kind_agrees and texts[1] else weights.other_kind


def _overall(answers: Sequence[Answer]) -> tuple[float | None, float | None]:
    """The mean of ``overall``, over the score token's probabilities where they are known, and the least valid mass."""
    values, masses = [], []
    for answer in answers:
        if isinstance(answer.reading, Reading):
            values.append(float(answer.reading.overall) if answer.mass is None else answer.mass.mean)
            if answer.mass is not None:
                masses.append(answer.mass.valid_mass)
    return (statistics.fmean(values) if values else None), (min(masses) if masses else None)


def _most(votes: Iterable[bool]) -> bool:
    counted = list(votes)
    return 2 * sum(counted) > len(counted)
