"""The server: routes, behaviours applied in order, and a thread of its own to run in."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial
from hashlib import blake2b
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from biobench.problems import Problem, ProblemsFound
from judges.fake_server.answers import Given
from judges.fake_server.base import Attempt
from judges.fake_server.behaviours import Script, parse_script
from judges.fake_server.chat_request import BadRequest, read_chat_request
from judges.fake_server.completion import completion, encoded, error, models
from judges.fake_server.connection import Exchange, HttpResponse, serve
from judges.fake_server.counts import Counts, Tally
from judges.fake_server.draws import uniform
from judges.fake_server.faults import Auth, HangUp, Refuse, Wait
from judges.fake_server.items import find_item
from judges.fake_server.replies import Reply, written

__all__ = ["FakeServer"]

T = TypeVar("T")

_BACKLOG = 512
_LAST_PORT = 65535
_ROUTES = {"/chat/completions": "POST", "/models": "GET", "/counts": "GET", "/counts/reset": "POST"}


class _Running(NamedTuple):
    """The thread of a server that listens."""

    thread: threading.Thread
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    port: int


class FakeServer:
    """A chat server of the OpenAI kind with scripted behaviours, for a ``with`` statement.

    It listens while the block runs, in a thread of its own. ``behaviours`` are written as on the command line; port 0
    takes a free one. Raises ``ProblemsFound`` for behaviours that there are not, for a host that is neither an IP
    address nor ``localhost``, for one that others can reach unless ``reachable_by_others`` says that this is meant,
    for a port that can't be, and, on entry, for one that is in use.

    >>> with FakeServer("constant:score=4", "flaky:rate=0.1") as server:
    ...     server.counts().attempts
    0
    """

    def __init__(
        self, *behaviours: str, host: str = "127.0.0.1", port: int = 0, reachable_by_others: bool = False
    ) -> None:
        if not 0 <= port <= _LAST_PORT:
            raise ProblemsFound([Problem("--port", str(port), f"a port, 0 to {_LAST_PORT}")])
        self.script = parse_script(behaviours)
        self.host = _address(host, reachable_by_others=reachable_by_others)
        self.port = port
        self._tally = Tally()
        self._running: _Running | None = None
        self._crashes: list[BaseException] = []

    def __enter__(self) -> Self:
        started: Future[_Running] = Future()
        thread = threading.Thread(target=self._thread, args=(started,), name="fake-judge", daemon=True)
        thread.start()
        try:
            self._running = started.result()
        except OSError as failure:
            thread.join()
            found = f"port {self.port}: {failure.strerror or failure}"
            hint = "port 0 takes a free one"
            raise ProblemsFound([Problem(self.host, found, "a free port of this machine", hint)]) from failure
        self.port = self._running.port
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.loop.call_soon_threadsafe(running.stop.set)
            running.thread.join()
        if self._crashes and error is None:  # a defect of the server's own must not pass for a client's bad luck
            raise self._crashes[0]

    @property
    def base_url(self) -> str:
        """What a client is given, ``/v1`` included."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/v1"

    def counts(self) -> Counts:
        """What the server did so far; after the block, what it did in all."""
        return self._in_loop(self._tally.counts)

    def reset_counts(self) -> None:
        """Starts afresh: behaviours that go by what came before forget it, too."""
        self._in_loop(self._tally.reset)

    def _in_loop(self, function: Callable[[], T]) -> T:
        """Calls a function between two steps of the server, so that it sees no half-counted request."""
        if self._running is None:
            return function()

        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._running.loop).result()

    def _thread(self, started: Future[_Running]) -> None:
        try:
            asyncio.run(self._run(started))
        except BaseException as failure:
            if started.done():
                raise
            started.set_exception(failure)

    async def _run(self, started: Future[_Running]) -> None:
        """Listens until it is stopped; connections that are open then are closed."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        connections: set[asyncio.Task[None]] = set()
        handler = partial(_handle, self.script, self._tally)

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = loop.create_task(serve(reader, writer, handler))
            connections.add(task)
            task.add_done_callback(ended)

        def ended(task: asyncio.Task[None]) -> None:
            connections.discard(task)
            crash = None if task.cancelled() else task.exception()
            if crash is not None:
                self._crashes.append(crash)
                loop.call_exception_handler({"message": "the fake judge has a defect", "exception": crash})

        server = await asyncio.start_server(connected, self.host, self.port, backlog=_BACKLOG)
        started.set_result(_Running(threading.current_thread(), loop, stop, server.sockets[0].getsockname()[1]))
        await stop.wait()
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


def _address(host: str, *, reachable_by_others: bool) -> str:
    """The IP address to listen at."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise ProblemsFound([Problem("--host", f'"{host}"', "an IP address such as 127.0.0.1")]) from error
    if not address.is_loopback and not reachable_by_others:
        raise ProblemsFound([Problem("--host", f"{host}, which others can reach", "127.0.0.1", "say that it is meant")])
    return host


async def _handle(script: Script, tally: Tally, exchange: Exchange) -> None:
    """One request of any kind."""
    request = exchange.request
    path = request.path.removeprefix("/v1")
    method = _ROUTES.get(path)
    if method is None:
        exchange.send(_error(404, f"there is no {request.path}; there are {', '.join(_ROUTES)}"))
    elif request.method != method:
        exchange.send(_error(405, f"{request.path} takes {method}", (("allow", method),)))
    elif path == "/chat/completions":
        with tally.in_flight():
            await _chat(script, tally, exchange)
    elif path == "/models":
        refused = [fault.refusal(request.authorization) for fault in script.faults if isinstance(fault, Auth)]
        refusal = next((refuse for refuse in refused if refuse is not None), None)
        exchange.send(_refused(refusal) if refusal else HttpResponse(200, encoded(models())))
    elif path == "/counts":
        exchange.send(HttpResponse(200, encoded(asdict(tally.counts()))))
    else:
        tally.reset()
        exchange.send(HttpResponse(200, encoded(asdict(tally.counts()))))


async def _chat(script: Script, tally: Tally, exchange: Exchange) -> None:
    """A chat request: what stands first on the command line happens first."""
    tally.attempts += 1
    try:
        request = read_chat_request(exchange.request.body)
    except BadRequest as problem:
        tally.bad_requests += 1
        exchange.send(_error(400, str(problem)))
        return
    body = blake2b(exchange.request.body, digest_size=16).digest()
    attempt = Attempt(request, body, tally.asked(body), exchange.request.authorization)
    draws = [partial(_draw, attempt, place, fault.name) for place, fault in enumerate(script.faults)]
    for fault, draw in zip(script.faults, draws, strict=True):
        step = fault.before(attempt, draw)
        if step is not None and step.counted_as is not None:
            tally.fault(step.counted_as)
        if isinstance(step, Wait) and not await exchange.wait(step.seconds):
            tally.client_left += 1
            return
        if isinstance(step, Refuse):
            exchange.send(_refused(step))
            return
        if isinstance(step, HangUp):
            given = tally.given(body)
            exchange.hang_up(_answered(script, attempt, given, _reply(script, attempt, given)), step.share_sent)
            return
    given, changed = tally.given(body), []
    reply = _reply(script, attempt, given)
    for fault, draw in zip(script.faults, draws, strict=True):
        before, reply = reply, fault.change(reply, draw)
        if reply is not before:
            changed.append(fault.name)
    if not exchange.send(_answered(script, attempt, given, reply)):
        tally.client_left += 1
        return
    tally.answered(body)
    for name in changed:
        tally.fault(name)


def _reply(script: Script, attempt: Attempt, given: Given) -> Reply:
    """What the judge says, before anything goes wrong with it."""
    bio = script.answer.bio(find_item(attempt.request.user_messages), attempt, given)
    return Reply(written(bio, attempt.request), logprobs=attempt.request.top_logprobs is not None)


def _answered(script: Script, attempt: Attempt, given: Given, reply: Reply) -> HttpResponse:
    fingerprint = "fp_" + blake2b(str(script).encode(), digest_size=5).hexdigest()
    name = b"%s %d" % (attempt.body, given.body)
    return HttpResponse(200, encoded(completion(attempt.request, reply, name, fingerprint)))


def _draw(attempt: Attempt, place: int, name: str, seed: int, word: str) -> float:
    """A fault's draw for an attempt; two faults of one name draw apart, since their places differ."""
    return uniform(name, place, seed, word, attempt.body, attempt.asked)


def _refused(refuse: Refuse) -> HttpResponse:
    return HttpResponse(refuse.status, encoded(error(refuse.message, refuse.kind, refuse.code)), refuse.headers)


def _error(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> HttpResponse:
    return HttpResponse(status, encoded(error(message)), headers)
