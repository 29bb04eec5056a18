"""The client: cache, retries, limits and budget around one endpoint."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn, Self

from biobench.chat.answers import completion, rejection, reply, usage_of
from biobench.chat.budget import Budget, Ledger, Reservation
from biobench.chat.cache import Cache, Row
from biobench.chat.connection import Connection, Received, Trouble
from biobench.chat.endpoint import Endpoint
from biobench.chat.limits import AdaptiveLimit
from biobench.chat.probe import Capabilities, ask_capabilities
from biobench.chat.records import Cause, Counts, Failure, Mode, Reply, Request
from biobench.chat.store import Store
from biobench.chat.waits import Pace, wait_s
from biobench.chat.wire import MAX_TOKENS_NAMES, body, request_key
from biobench.problems import Problem, ProblemsFound

__all__ = ["Answers", "Client", "Outcome", "ask_all"]

Outcome = Reply | Failure
OnDone = Callable[[int, Outcome], None]

_log = logging.getLogger("biobench.chat")


@dataclass(frozen=True, slots=True)
class Answers:
    """The outcome of each request in its order, and what the run did."""

    outcomes: tuple[Outcome, ...]
    counts: Counts


def ask_all(
    endpoint: Endpoint,
    requests: Sequence[Request],
    *,
    cache: Path | None = None,
    offline: bool = False,
    budget: Budget | None = None,
    pace: Pace | None = None,
    capabilities: Capabilities | None = None,
    on_done: OnDone | None = None,
) -> Answers:
    """Asks everything, in a loop of its own; see ``Client``. An interrupt keeps what is answered in the cache."""

    async def run() -> Answers:
        async with Client(
            endpoint, cache=cache, offline=offline, budget=budget, pace=pace, capabilities=capabilities
        ) as client:
            outcomes = await client.ask_all(requests, on_done)
            return Answers(tuple(outcomes), client.counts)

    return asyncio.run(run())


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    request: Request
    mode: Mode
    key: str
    keeps_rejection: bool = False


@dataclass(slots=True, eq=False)
class _Shared:
    """One answer that is being fetched, and how many wait for it."""

    task: asyncio.Task[Outcome]
    waiting: int = 0


class Client:
    """Asks one endpoint; used as ``async with Client(...) as client``, within one event loop.

    A reply is in the cache, on the disk, before it is handed over. ``offline`` answers from the cache alone. The
    endpoint is probed when the first request with a schema comes, unless its ``capabilities`` are given.
    Where no further attempt can help (a wrong key, model or address, a quota used up, a server that can't be reached and
    never answered) everything under way ends and ``ProblemsFound`` is raised.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        cache: Path | None = None,
        offline: bool = False,
        budget: Budget | None = None,
        pace: Pace | None = None,
        capabilities: Capabilities | None = None,
    ) -> None:
        if offline and cache is None:
            raise ProblemsFound([Problem("offline", "no cache", "the cache of an earlier run")])
        self.endpoint = endpoint
        self._offline = offline
        self._pace = pace or Pace()
        self._ledger = Ledger(budget)
        self._limit = AdaptiveLimit(
            self._pace.start, self._pace.max_in_flight, self._pace.least, self._pace.overload_share
        )
        self._cache = None if cache is None else Cache(cache, read_only=offline)
        self._store = None if self._cache is None else Store(self._cache)
        self._connection: Connection | None = None
        self._capabilities = capabilities
        self._probing = asyncio.Lock()
        self._shared: dict[str, _Shared] = {}
        self._max_tokens_name = MAX_TOKENS_NAMES[0]
        self._stop: ProblemsFound | None = None
        self._counts = Counts()
        self._retries: Counter[Cause] = Counter()
        self._failures: Counter[Cause] = Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends what is under way, waits until what is answered is on the disk, closes everything."""
        tasks = [shared.task for shared in self._shared.values()]
        await _ended(tasks)
        try:
            if self._store is not None:
                await self._store.close()
        finally:
            if self._cache is not None:
                self._cache.close()
            if self._connection is not None:
                await self._connection.close()

    @property
    def counts(self) -> Counts:
        """What was done so far."""
        return replace(
            self._counts,
            retries=dict(self._retries),
            failures=dict(self._failures),
            stopped_by_budget=self._ledger.stopped,
        )

    @property
    def in_flight_limit(self) -> int:
        """How many attempts may be under way at the moment."""
        return self._limit.limit

    async def capabilities(self) -> Capabilities:
        """Probes the endpoint, once. Raises ``ProblemsFound`` where that fails."""
        found = await self._probed()
        if isinstance(found, Failure):
            self._refuse_probe(found)
        return found

    async def ask(self, request: Request) -> Outcome:
        """One reply, or why there is none after ``max_attempts``."""
        item = await self._item(request)
        outcome = item if isinstance(item, Failure) else await self._joined(item)
        if isinstance(outcome, Failure):
            self._failures[outcome.cause] += 1
        return outcome

    async def ask_all(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Outcome]:
        """The outcomes in the order of the requests; equal requests are asked once.

        What failed for a cause of the infrastructure is asked again in later passes. ``on_done`` is called with the
        index of a request and its final outcome, when that is known.
        """
        outcomes: dict[int, Outcome] = {}

        def finish(indices: Iterable[int], outcome: Outcome) -> None:
            for index in indices:
                outcomes[index] = outcome
                if isinstance(outcome, Failure):
                    self._failures[outcome.cause] += 1
                if on_done is not None:
                    on_done(index, outcome)

        indices_by_key: dict[str, list[int]] = {}
        items: list[_Item] = []
        for index, request in enumerate(requests):
            item = await self._item(request)
            if isinstance(item, Failure):
                finish([index], item)
                continue
            if item.key not in indices_by_key:
                items.append(item)
            indices_by_key.setdefault(item.key, []).append(index)

        attempts: Counter[str] = Counter()
        for left in reversed(range(self._pace.passes)):
            failed: list[_Item] = []

            def note(item: _Item, outcome: Outcome, failed: list[_Item] = failed, left: int = left) -> None:
                if isinstance(outcome, Failure):
                    attempts[item.key] += outcome.attempts
                    outcome = replace(outcome, attempts=attempts[item.key])
                    if outcome.infrastructure and left:
                        failed.append(item)
                        return
                finish(indices_by_key[item.key], outcome)

            await self._one_pass(items, note)
            items = failed
        return [outcomes[index] for index in range(len(requests))]

    async def _one_pass(self, items: Sequence[_Item], note: Callable[[_Item, Outcome], None]) -> None:
        """As many open items as keep the limit busy while others wait for their next attempt."""
        queue = iter(items)

        async def work() -> None:
            for item in queue:
                note(item, await self._joined(item))

        workers = [asyncio.create_task(work()) for _ in range(min(len(items), 2 * self._pace.max_in_flight))]
        if not workers:
            return
        try:
            done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            for worker in done:
                worker.result()
        finally:
            await _ended(workers)

    async def _item(self, request: Request) -> _Item | Failure:
        mode: Mode = "text"
        if request.schema is not None:
            found = await self._probed()
            if isinstance(found, Failure):
                if found.cause in {"budget", "not-in-cache"}:
                    return replace(found, attempts=0)
                self._refuse_probe(found)
            mode = found.mode
        return _Item(request, mode, request_key(self.endpoint, request, mode))

    def _refuse_probe(self, failure: Failure) -> NoReturn:
        where = f"the server {self.endpoint.base_url}"
        hint = "probe it online first" if self._offline else ""
        raise ProblemsFound([Problem(where, f"a probe that failed: {failure}", "an answer to each probe", hint)])

    async def _probed(self) -> Capabilities | Failure:
        async with self._probing:
            if self._capabilities is not None:
                return self._capabilities

            async def ask(request: Request, mode: Mode) -> Outcome:
                key = request_key(self.endpoint, request, mode)
                return await self._joined(_Item(request, mode, key, keeps_rejection=True))

            found = await ask_capabilities(ask)
            if isinstance(found, Capabilities):
                self._capabilities = found
            return found

    async def _joined(self, item: _Item) -> Outcome:
        """The outcome of an item; whoever asks for it while it is under way waits for the same one."""
        shared = self._shared.get(item.key)
        if shared is None:
            shared = self._shared[item.key] = _Shared(asyncio.create_task(self._answer(item)))
            shared.task.add_done_callback(lambda _: self._shared.pop(item.key, None))
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.task.done():
                await _ended([shared.task])

    async def _answer(self, item: _Item) -> Outcome:
        row = None if self._cache is None else self._cache.get(item.key)
        if row is not None:
            self._counts = replace(self._counts, cached=self._counts.cached + 1)
            return self._from_row(item, row)
        if self._offline:
            return Failure("not-in-cache")
        cost = self._ledger.cost(item.request)
        attempt = 0
        while True:
            result = await self._attempt(item, cost)
            if result is None:
                return Failure("budget", attempt)
            attempt += 1
            if isinstance(result, Received):
                return await self._kept(item, Row(item.key, result.raw, attempt), result)
            self._end_where_nothing_helps(result, attempt)
            if self._respelled(result):
                continue
            if result.cause == "rejected":
                if item.keeps_rejection and self._store is not None:
                    await self._store.put(Row(item.key, result.raw, attempt, result.status))
                return _failure(result, attempt)
            if attempt >= self._pace.max_attempts:
                return _failure(result, attempt)
            self._retries[result.cause] += 1
            pause_s = wait_s(self._pace, item.key, attempt, result.asked_wait_s)
            _log.debug("attempt %d: %s, status %d; the next in %.3f s", attempt, result.cause, result.status, pause_s)
            await asyncio.sleep(pause_s)

    async def _attempt(self, item: _Item, cost: Reservation) -> Received | Trouble | None:
        """One attempt within the limit; None where the budget forbids it."""
        slot = await self._limit.acquire()
        success = overloaded = reserved = answered = False
        usage = None
        try:
            reserved = await self._ledger.reserve(cost)
            if self._stop is not None:
                raise self._stop
            if not reserved:
                return None
            sent = json.dumps(body(self.endpoint, item.request, item.mode, self._max_tokens_name), ensure_ascii=False)
            if self._connection is None:
                self._connection = Connection(self.endpoint, self._pace)
            counts = self._counts
            self._counts = replace(counts, attempts=counts.attempts + 1)
            result = await self._connection.post(sent.encode())
            if isinstance(result, Received):
                success = answered = True
                usage = usage_of(result.value)
                counts = self._counts
                self._counts = replace(
                    counts,
                    answered=counts.answered + 1,
                    prompt_tokens=counts.prompt_tokens + (usage.prompt_tokens if usage else 0),
                    completion_tokens=counts.completion_tokens + (usage.completion_tokens if usage else 0),
                )
            else:
                overloaded = result.overloaded
            return result
        finally:
            if reserved:
                self._ledger.settle(cost, usage, answered=answered)
            self._limit.release(slot, success=success, overloaded=overloaded)

    async def _kept(self, item: _Item, row: Row, result: Received) -> Outcome:
        """Hands over what the cache holds, once it is on the disk: another process may have been quicker."""
        stored = row if self._store is None else await self._store.put(row)
        if stored is not row:
            return self._from_row(item, stored)
        return reply(result.value, cached=False, attempts=row.attempts)

    def _from_row(self, item: _Item, row: Row) -> Outcome:
        if row.status != 200:
            return rejection(row.status, row.response, row.attempts, _private(item.request))
        value = completion(row.response)
        if value is None:
            path = "the cache" if self._cache is None else str(self._cache.path)
            raise ProblemsFound([Problem(path, "a response that is no chat completion", "what a server answered")])
        return reply(value, cached=True, attempts=row.attempts)

    def _end_where_nothing_helps(self, result: Trouble, attempt: int) -> None:
        problem = result.stops
        if result.cause == "unreachable" and attempt >= self._pace.max_attempts and not self._counts.answered:
            found = f"no connection in {attempt} attempts"
            hint = "is it running, and is the address right?"
            problem = Problem(f"the server {self.endpoint.base_url}", found, "a server that answers", hint)
        if problem is not None:
            self._stop = self._stop or ProblemsFound([problem])
            raise self._stop

    def _respelled(self, result: Trouble) -> bool:
        """Whether the server wants ``max_tokens`` under its other name, so that the same request is worth sending."""
        other = MAX_TOKENS_NAMES[1]
        if result.cause != "rejected" or self._max_tokens_name == other or other not in result.parameters:
            return False
        self._max_tokens_name = other
        return True


async def _ended(tasks: Iterable[asyncio.Task[None] | asyncio.Task[Outcome]]) -> None:
    """Cancels tasks and waits until they are over; their results are nobody's."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _failure(trouble: Trouble, attempts: int) -> Failure:
    return Failure(trouble.cause, attempts, trouble.status, trouble.code, trouble.parameters)


def _private(request: Request) -> str:
    return " ".join(message.content for message in request.messages)
