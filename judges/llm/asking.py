"""Questions go to one endpoint: samples, one repair turn each, then a second judge; what is missing is told by cause."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from biobench.chat import (
    Budget,
    Cache,
    Capabilities,
    Client,
    Counts,
    Endpoint,
    Failure,
    Mode,
    Pace,
    Reply,
    Request,
    known_capabilities,
    request_key,
)
from biobench.problems import Problem, ProblemsFound
from judges.llm.items import Question
from judges.llm.profile import Profile
from judges.llm.replies import Fault
from judges.llm.verdicts import Answer, Verdict

__all__ = ["ASSUMED", "Heard", "Way", "interrogate"]

ASSUMED = Capabilities(json_schema=True, json_object=True, logprobs=False, seed=True, temperature=True)
"""What servers that read batches take; for work without a connection where no probe is in the cache."""

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many of how many."""

_FILTERED = frozenset(
    {"content_filter", "content_policy_violation", "responsible_ai_policy_violation", "invalid_prompt"}
)
"""Codes of a rejection that is about the text."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a run reaches its endpoints. ``capabilities`` are taken as given, without a probe, where they are set."""

    cache: Path | None = None
    offline: bool = False
    budget: Budget | None = None
    pace: Pace | None = None
    capabilities: Capabilities | None = None
    progress: Progress | None = None

    def after(self, counts: Counts) -> Way:
        """With what is left of the budget."""
        budget = self.budget
        if budget is None:
            return self
        tokens = counts.prompt_tokens + counts.completion_tokens
        spent = budget.prices.of(counts.prompt_tokens, counts.completion_tokens) if budget.prices is not None else 0.0
        left = replace(
            budget,
            calls=None if budget.calls is None else max(0, budget.calls - counts.attempts),
            tokens=None if budget.tokens is None else max(0, budget.tokens - tokens),
            money=None if budget.money is None else max(0.0, budget.money - spent),
        )
        return replace(self, budget=left)


@dataclass(frozen=True)
class Heard:
    """What one member of a panel said. With anything ``missing`` there are no verdicts at all.

    ``missing`` counts samples by the cause that kept their answer away; ``unmet`` are the requests that an offline run
    found no answer to.
    """

    endpoint: Endpoint
    mode: Mode
    capabilities: Capabilities | None
    verdicts: Mapping[Question, Verdict]
    missing: Mapping[str, int] = field(default_factory=dict)
    unmet: tuple[Request, ...] = ()
    counts: tuple[Counts, ...] = ()

    @property
    def origins(self) -> tuple[str, ...]:
        """The models and fingerprints that replies name, in order of appearance: more than one is a change on the way."""
        answers = (answer for verdict in self.verdicts.values() for answer in verdict.answers if not answer.second)
        return tuple(dict.fromkeys(f"{answer.model} {answer.fingerprint}".strip() for answer in answers))


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    question: Question
    sample: int


def interrogate(
    endpoint: Endpoint, profile: Profile, questions: Sequence[Question], samples: int, way: Way, second: Endpoint | None
) -> Heard:
    """Asks each distinct question so many times.

    What can't be read goes back once; then to the ``second`` judge, if there is one. Raises ``ProblemsFound`` where the
    endpoint itself is at fault: a wrong key, model or address, or parameters that it rejects.
    """
    tasks = [_Task(question, sample) for question in dict.fromkeys(questions) for sample in range(samples)]
    round_ = _Round(endpoint, profile, samples, way)
    answers, counts = asyncio.run(round_.run(tasks)), [round_.counts]
    bad = [task for task, answer in answers.items() if isinstance(answer, Answer) and answer.fault is not None]
    if second is not None and bad:
        another = _Round(second, profile, samples, replace(way.after(round_.counts), capabilities=None))
        answered = asyncio.run(another.run(bad))
        counts.append(another.counts)
        for task, answer in answered.items():
            if isinstance(answer, Answer):
                answer = replace(answer, second=True)  # noqa: PLW2901 - the same answer, marked
            if isinstance(answer, Failure) or answer.fault is None:
                answers[task] = answer
    return _heard(round_, tasks, answers, counts)


def _heard(
    round_: _Round,
    tasks: Sequence[_Task],
    answers: Mapping[_Task, Answer | Failure],
    counts: list[Counts],
) -> Heard:
    by_question: dict[Question, list[Answer]] = {}
    missing: Counter[str] = Counter()
    for task in tasks:
        answer = answers[task]
        if isinstance(answer, Failure):
            missing[answer.cause] += 1
        else:
            by_question.setdefault(task.question, []).append(answer)
    verdicts = {} if missing else {q: round_.profile.verdict(q, found) for q, found in by_question.items()}
    return Heard(
        round_.endpoint, round_.mode, round_.capabilities, verdicts, dict(missing), tuple(round_.unmet), tuple(counts)
    )


def _known(endpoint: Endpoint, way: Way) -> Way:
    """Without a connection, what an endpoint can do is what an earlier probe found, or what is assumed of it."""
    if not way.offline or way.capabilities is not None or way.cache is None:
        return way
    with Cache(way.cache, read_only=True) as cache:
        return replace(way, capabilities=known_capabilities(endpoint, cache) or ASSUMED)


class _Round:
    """One endpoint asked about some samples: first turns, then repairs."""

    def __init__(self, endpoint: Endpoint, profile: Profile, samples: int, way: Way) -> None:
        self.endpoint, self.profile = endpoint, profile
        self.capabilities: Capabilities | None = None
        self.counts = Counts()
        self.unmet: list[Request] = []
        self._samples, self._way = samples, _known(endpoint, way) if profile.sends_schema else way

    @property
    def mode(self) -> Mode:
        if not self.profile.sends_schema or self.capabilities is None:
            return "text"
        return self.capabilities.mode

    async def run(self, tasks: Sequence[_Task]) -> dict[_Task, Answer | Failure]:
        way = self._way
        async with Client(
            self.endpoint,
            cache=way.cache,
            offline=way.offline,
            budget=way.budget,
            pace=way.pace,
            capabilities=way.capabilities,
        ) as client:
            if self.profile.sends_schema:
                self.capabilities = await self._probe(client)
                if self.capabilities is None:
                    self.counts = client.counts
                    return dict.fromkeys(tasks, Failure("budget"))
            requests = {
                task: self.profile.request(task.question, task.sample, self._samples, self.capabilities)
                for task in tasks
            }
            found = await self._turn(client, requests, 1)
            again = {}
            for task, (answer, reply) in found.items():
                if isinstance(answer, Answer) and answer.fault is not None and reply is not None:
                    request = self.profile.repair(requests[task], reply, answer.fault)
                    if request is not None:
                        again[task] = request
            if again:
                found |= await self._turn(client, again, 2)
            self.counts = client.counts
        return {task: answer for task, (answer, _) in found.items()}

    async def _probe(self, client: Client) -> Capabilities | None:
        """None where the budget does not reach for it."""
        try:
            return await client.capabilities()
        except ProblemsFound:
            if client.counts.stopped_by_budget:
                return None
            raise

    async def _turn(
        self, client: Client, requests: Mapping[_Task, Request], turn: int
    ) -> dict[_Task, tuple[Answer | Failure, Reply | None]]:
        what, progress = ("judging", "asking again")[turn - 1], self._way.progress
        done = 0

        def tell(_: int, __: Reply | Failure) -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(f"{what} ({self.endpoint.model})", done, len(requests))

        outcomes = await client.ask_all(list(requests.values()), tell)
        answered = turn > 1 or any(isinstance(outcome, Reply) for outcome in outcomes)
        found: dict[_Task, tuple[Answer | Failure, Reply | None]] = {}
        for (task, request), outcome in zip(requests.items(), outcomes, strict=True):
            if isinstance(outcome, Reply):
                found[task] = self._answer(task, request, outcome, turn), outcome
                continue
            if outcome.cause == "not-in-cache":
                self.unmet.append(request)
            if outcome.cause == "rejected":
                found[task] = self._rejected(task, request, outcome, turn, answered=answered), None
            else:
                found[task] = outcome, None
        return found

    def _answer(self, task: _Task, request: Request, reply: Reply, turn: int) -> Answer:
        reading = self.profile.read(reply)
        fault = reading if isinstance(reading, Fault) else None
        return Answer(
            sample=task.sample,
            key=request_key(self.endpoint, request, self.mode),
            model=reply.model or self.endpoint.model,
            text=reply.text,
            refusal=reply.refusal,
            finish_reason=reply.finish_reason,
            fingerprint=reply.fingerprint,
            usage=reply.usage,
            reading=None if fault else reading,
            fault=fault,
            mass=None if fault else self.profile.mass(reply),
            turns=turn,
        )

    def _rejected(self, task: _Task, request: Request, failure: Failure, turn: int, *, answered: bool) -> Answer:
        """A rejection of one text among others that were answered is a cause of that text; else the run is wrong."""
        filtered = failure.code in _FILTERED
        if not filtered and (failure.parameters or not answered):
            where, hint = f"the server {self.endpoint.base_url}", "biobench judge probe tells what it takes"
            raise ProblemsFound([Problem(where, f"a request {failure}", "an answer to the judge's requests", hint)])
        said = f"a rejection with status {failure.status}" + (f" ({failure.code})" if failure.code else "")
        return Answer(
            sample=task.sample,
            key=request_key(self.endpoint, request, self.mode),
            model=self.endpoint.model,
            text="",
            fault=Fault("refusal" if filtered else "rejected", said),
            turns=turn,
        )
