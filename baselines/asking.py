"""What the prompted systems share: prompts, questions at fixed times, one server, and the remarks that come of it."""

from __future__ import annotations

import asyncio
import hashlib
import tomllib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, NamedTuple

from baselines.replies import Unusable, remark
from baselines.server_options import cache_of, endpoint_and_budget
from biobench import chat
from biobench.chat.wire import canonical_json
from biobench.models import Failure, Model, Options, PartlyFailed, exercise_segments, number
from biobench.problems import Problem, ProblemsFound
from biobench.records import Benchmark, Entry, Feedback

__all__ = ["CLOCK_S", "Moment", "Prompt", "Prompted", "Scene", "load_prompt", "moments_s"]

CLOCK_S = 1e-6
"""What a moment is later than all that was seen before it, at least: seconds since 1970 are told to a quarter of that."""
_REASONS = {"budget": "the budget is used up", "not-in-cache": "the cache has no answer"}


class Moment(NamedTuple):
    """A time to speak at, from the exercise's start, and what was to be seen before it."""

    at_s: float
    sight: str
    pictures: tuple[chat.Picture, ...] = ()


class Scene(NamedTuple):
    """An exercise with its moments in order."""

    segment: str
    exercise: str
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Prompt:
    """A version of a prompt. ``sha256`` is over its whole content."""

    version: str
    silence_word: str
    system: str
    may_be_silent: str
    user: str
    said: str
    nothing_said: str
    sha256: str

    def messages(
        self, exercise: str, moment: Moment, remarks: list[Feedback], *, silence: bool
    ) -> tuple[chat.Message, ...]:
        """What is asked at a moment, after those remarks."""
        system = self.system.format(silence=self.may_be_silent.rstrip("\n") if silence else "")
        listed = "\n".join(f"- at {time_s:.0f} s: {text}" for time_s, text, _ in remarks)
        said = self.said.format(remarks=listed) if remarks else self.nothing_said
        user = self.user.format(exercise=exercise, time_s=f"{moment.at_s:g}", sight=moment.sight, said=said)
        user = "\n".join(line for line in user.split("\n") if line)
        return chat.Message("system", system.strip()), chat.Message("user", user, moment.pictures)


@cache
def load_prompt(name: str) -> Prompt:
    """The packaged prompt of a system."""
    content = tomllib.loads(files("baselines").joinpath(f"data/{name}.toml").read_text(encoding="utf-8"))
    return Prompt(**content, sha256=hashlib.sha256(canonical_json(content).encode()).hexdigest())


class Prompted(Model):
    """Asks a model every ``period_s`` of every exercise; within one exercise a question waits for the answer before it."""

    prompt: ClassVar[str]
    """Whose prompt it uses: a file in ``data``."""

    def __init__(self) -> None:
        self._told = _Told()

    @abstractmethod
    def scenes(self, benchmark: Benchmark, options: Options) -> Iterator[Scene | Failure]:
        """What is to be seen of every exercise, or why there is nothing, in the benchmark's order.

        Raises ``ProblemsFound`` before the first, where nothing can be seen at all.
        """

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:
        asking = _Asking.of(load_prompt(self.prompt), options, seed)
        self._told = asking.told
        said, failures = asyncio.run(asking.run(self.scenes(benchmark, options)))
        entries = [Entry(segment.id, said.get(segment.id, ())) for segment in exercise_segments(benchmark)]
        if failures:
            raise PartlyFailed(entries, failures)
        return entries

    def provenance(self, options: Options) -> Mapping[str, object]:  # noqa: ARG002 - Model's signature
        """The prompt, and what the server said of itself in the last run."""
        prompt, told = load_prompt(self.prompt), self._told
        return {
            "prompt": prompt.version,
            "prompt_sha256": prompt.sha256,
            "server_models": sorted(told.models),
            "replies": told.replies,
            "tokens_in": told.tokens_in,
            "tokens_out": told.tokens_out,
        }


def moments_s(duration_s: float, period_s: float) -> list[float]:
    """When somebody is asked: every period, the first after one, the last before the exercise's end.

    >>> moments_s(15.0, 5.0)
    [5.0, 10.0]
    """
    times: list[float] = []
    while (at_s := round((len(times) + 1) * period_s, 6)) < duration_s:
        times.append(at_s)
    return times


@dataclass(slots=True)
class _Told:
    """What replies said of the server and of their cost; cached ones say the same, so that a second run does."""

    models: frozenset[str] = frozenset()
    replies: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def add(self, reply: chat.Reply) -> None:
        self.models |= {reply.model} if reply.model else set()
        self.replies += 1
        if reply.usage is not None:
            self.tokens_in += reply.usage.prompt_tokens
            self.tokens_out += reply.usage.completion_tokens


@dataclass(frozen=True)
class _Asking:
    """One run: the prompt, the endpoint, and how it is asked."""

    prompt: Prompt
    endpoint: chat.Endpoint
    sampling: chat.Sampling
    repeat: int
    silence: bool
    history: int
    most_characters: int
    concurrency: int
    pace: chat.Pace
    cache: Path
    offline: bool
    budget: chat.Budget
    told: _Told

    @classmethod
    def of(cls, prompt: Prompt, options: Options, seed: int) -> _Asking:
        """Raises ``ProblemsFound`` with everything that is wrong with the options; nothing is asked yet."""
        temperature, concurrency = number(options, "temperature"), int(number(options, "concurrency"))
        offline = bool(int(number(options, "offline")))
        endpoint, budget = endpoint_and_budget(options)
        return cls(
            prompt=prompt,
            endpoint=endpoint,
            # A server that knows no seeds would refuse one; without a temperature it changes nothing.
            sampling=chat.Sampling(
                temperature, max_tokens=int(number(options, "max_tokens")), seed=seed if temperature else None
            ),
            repeat=seed,
            silence=options["silence"] == "allowed",
            history=int(number(options, "history")),
            most_characters=int(number(options, "most_characters")),
            concurrency=concurrency,
            pace=chat.Pace(
                timeout_s=number(options, "timeout_s"),
                max_attempts=int(number(options, "attempts")),
                start=concurrency,
                max_in_flight=concurrency,
            ),
            cache=cache_of(str(options["cache"]), writes=not offline),
            offline=offline,
            budget=budget,
            told=_Told(),
        )

    @property
    def _server(self) -> str:
        return f"the server {self.endpoint.base_url}"

    async def run(
        self, scenes: Iterator[Scene | Failure]
    ) -> tuple[dict[str, tuple[Feedback, ...]], tuple[Failure, ...]]:
        """What was said in each exercise, and the failures in the order of the scenes."""
        said: dict[str, tuple[Feedback, ...]] = {}
        failures: dict[int, Failure] = {}
        taking, taken = asyncio.Lock(), 0

        async def work(client: chat.Client) -> None:
            nonlocal taken
            while True:
                async with taking:  # one after the other, and no more than are asked about: they hold pictures
                    scene, place = await asyncio.to_thread(next, scenes, None), taken
                    taken += 1
                if scene is None:
                    return
                if isinstance(scene, Failure):
                    failures[place] = scene
                    continue
                said[scene.segment], troubles = await self._converse(client, scene)
                if troubles:
                    failures[place] = Failure(scene.segment, _summary(troubles, len(scene.moments)))

        async with chat.Client(
            self.endpoint, cache=self.cache, offline=self.offline, budget=self.budget, pace=self.pace
        ) as client:
            workers = [asyncio.create_task(work(client)) for _ in range(self.concurrency)]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
            rejected = client.counts.failures.get("rejected", 0)
        if rejected and not self.told.replies:
            found, hint = f"all {rejected} requests rejected", "does the model take what it is sent, pictures included?"
            raise ProblemsFound([Problem(self._server, found, "an answer to one of them", hint)])
        return said, tuple(failures[place] for place in sorted(failures))

    async def _converse(
        self, client: chat.Client, scene: Scene
    ) -> tuple[tuple[Feedback, ...], list[tuple[float, str]]]:
        """One exercise: what was said, and the moments at which there was no usable answer, with the reasons."""
        said: list[Feedback] = []
        troubles: list[tuple[float, str]] = []
        for moment in scene.moments:
            recent = said[-self.history :] if self.history else []
            messages = self.prompt.messages(scene.exercise, moment, recent, silence=self.silence)
            outcome = await client.ask(
                chat.Request(messages, self.sampling, repeat=self.repeat, prompt_version=self.prompt.version)
            )
            if isinstance(outcome, chat.Failure):
                self._refuse_where_all_would_be_rejected(outcome)
                troubles.append((moment.at_s, _REASONS.get(outcome.cause, str(outcome))))
                continue
            self.told.add(outcome)
            try:
                text = remark(outcome, self.prompt.silence_word, self.most_characters)
            except Unusable as reason:
                troubles.append((moment.at_s, f"an unusable reply: {reason}"))
                continue
            if text is not None:
                said.append(Feedback(moment.at_s, text))
        return tuple(said), troubles

    def _refuse_where_all_would_be_rejected(self, failure: chat.Failure) -> None:
        if failure.cause == "rejected" and failure.parameters:
            named = ", ".join(sorted(failure.parameters))
            found, expected = f"a request {failure}: {named}", "values that the model takes"
            hint = "some models take no other temperature than 1: --option temperature=1"
            raise ProblemsFound([Problem(self._server, found, expected, hint if "temperature" in named else "")])


def _summary(troubles: list[tuple[float, str]], asked: int) -> str:
    """Such as ``silent at 2 of 6 moments: at 5 s, timeout after 8 attempts; at 20 s, ...``."""
    told = "; ".join(f"at {at_s:g} s, {reason}" for at_s, reason in troubles[:3])
    more = f"; and {len(troubles) - 3} more" if len(troubles) > 3 else ""
    return f"silent at {len(troubles)} of {asked} moments: {told}{more}"
