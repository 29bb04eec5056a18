"""An LLM judge as a scorer: the same questions go through the same profile, client and cache as in ``biobench judge``."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from biobench.chat.probe import Capabilities
from biobench.chat.records import Reply, Request
from biobench.judging import JudgeOptions
from biobench.problems import Problem, ProblemsFound
from judges.llm.bio import BioProfile
from judges.llm.items import Question
from judges.llm.profile import Profile
from judges.llm.prompt import Prompt
from judges.llm.replies import Fault, ScoreMass
from judges.llm.run import ask_panel, combined, hosts_of, missing_answers, profile_of, signature_of
from judges.llm.verdicts import FLOOR, TOP, Answer, Verdict
from judges.validation.scorers import Scorer, Scores

__all__ = ["AnswersMissing", "JudgeScorer"]


class AnswersMissing(Exception):  # noqa: N818 - a state of the run: what is answered is kept
    """The judge could not be asked everything, and why; running again goes on from there."""


class JudgeScorer(Scorer):
    """A judge, or a panel of them."""

    kind = "judge"
    floor, top = FLOOR, TOP

    def __init__(self, judge: str, options: JudgeOptions) -> None:
        self._profile, self._options = profile_of(judge, options), options
        several = f" x{options.samples}" if options.samples > 1 else ""
        self.name = f"{judge}@{'+'.join(endpoint.model for endpoint in options.endpoints)}{several}"
        self._signature: Mapping[str, str] | None = None

    def signature(self) -> Mapping[str, str]:
        """Known once it was asked: what a server can do is part of it."""
        if self._signature is None:
            raise AssertionError("a judge's signature is known only after it was asked")
        return self._signature

    def identity(self) -> Mapping[str, str]:
        return {
            **self._profile.signature(),
            "model": "+".join(endpoint.model for endpoint in self._options.endpoints),
            "host": "+".join(hosts_of(self._options)),
            "samples": str(self._options.samples),
        }

    def requests(
        self, questions: Sequence[Question], repeated: Sequence[Question], times: int, capabilities: Capabilities | None
    ) -> Iterator[Request]:
        """Everything that one endpoint would be sent, repairs apart."""
        samples = self._options.samples
        for question in questions:
            for sample in range(samples):
                yield self._profile.request(question, sample, samples, capabilities)
        for place, (_, profile) in enumerate(self._variants()):
            for question in repeated:
                # The first repeat of the prompt as it is has been asked already.
                for sample in range(0 if place else samples, samples * times):
                    yield profile.request(question, sample, samples, capabilities)

    def score(self, questions: Sequence[Question]) -> Scores:
        heard = ask_panel(self._profile, questions, self._options)
        missing = missing_answers(heard)
        if missing:
            raise AnswersMissing(missing)
        verdicts = combined(questions, heard)
        odd = sum(not FLOOR <= verdict.ranking <= TOP for verdict in verdicts.values())
        if odd:
            found = f"{odd:,} scores outside of {FLOOR:g} to {TOP:g}, which the published parsing lets pass"
            raise ProblemsFound([Problem(self.name, found, "a judge that keeps to its scale")])
        self._signature = signature_of(self._profile, heard, self._options)
        self.causes = Counter(verdict.cause for verdict in verdicts.values() if verdict.cause is not None)
        return {question: verdict.score for question, verdict in verdicts.items()}

    def repeat(self, questions: Sequence[Question], times: int) -> Mapping[str, Sequence[Sequence[float]]]:
        """Each question again, as the judge is used (as many samples to a score), by model and wording of the prompt.

        The first condition is the judge as it scores: of a panel, the median of its members.
        """
        found: dict[str, Sequence[Sequence[float]]] = {}
        for prompt, profile in self._variants():
            repeated = _AsUsed(profile, self._options.samples)
            options = replace(self._options, samples=self._options.samples * times)
            heard = ask_panel(repeated, questions, options)
            missing = missing_answers(heard)
            if missing:
                raise AnswersMissing(missing)
            members = {}
            for member in heard:
                condition = " ".join(filter(None, (member.endpoint.model, prompt)))
                members[condition] = [
                    [
                        profile.verdict(question, block).ranking
                        for block in _blocks(member.verdicts[question].answers, times)
                    ]
                    for question in questions
                ]
            if len(members) > 1 and not prompt:
                tables = list(members.values())
                found["the panel"] = [
                    [statistics.median(table[k][turn] for table in tables) for turn in range(times)]
                    for k in range(len(questions))
                ]
            found |= members
        return found

    def _variants(self) -> list[tuple[str, Profile]]:
        """The prompt as it is; for ``bio`` also with its criteria and values listed the other way round."""
        variants: list[tuple[str, Profile]] = [("", self._profile)]
        if isinstance(self._profile, BioProfile):
            turned = _turned(self._profile.prompt)
            variants.append(("criteria turned round", BioProfile(turned, max_tokens=self._options.max_tokens)))
        return variants


class _AsUsed(Profile):
    """A profile that asks for each of many repeats as it asks for one judgement."""

    name = "repeated"
    sends_schema = True

    def __init__(self, inner: Profile, samples: int) -> None:
        self._inner, self._samples = inner, samples
        self.name, self.sends_schema = inner.name, inner.sends_schema  # type: ignore[misc]  # those of the one inside

    def request(self, question: Question, sample: int, samples: int, capabilities: Capabilities | None) -> Request:  # noqa: ARG002
        return self._inner.request(question, sample, self._samples, capabilities)

    def read(self, reply: Reply) -> object:
        return self._inner.read(reply)

    def verdict(self, question: Question, answers: Sequence[Answer]) -> Verdict:
        return self._inner.verdict(question, answers)

    def signature(self) -> Mapping[str, str]:
        return self._inner.signature()

    def repair(self, request: Request, reply: Reply, fault: Fault) -> Request | None:
        return self._inner.repair(request, reply, fault)

    def mass(self, reply: Reply) -> ScoreMass | None:
        return self._inner.mass(reply)


def _blocks(answers: Sequence[Answer], times: int) -> list[Sequence[Answer]]:
    """The answers of each repeat, in order of their samples."""
    ordered = sorted(answers, key=lambda answer: answer.sample)
    size = len(ordered) // times
    return [ordered[k * size : (k + 1) * size] for k in range(times)]


def _turned(prompt: Prompt) -> Prompt:
    return replace(
        prompt,
        version=f"{prompt.version}-turned",
        criteria=dict(reversed(list(prompt.criteria.items()))),
        values=dict(reversed(list(prompt.values.items()))),
    )
