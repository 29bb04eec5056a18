"""One attempt at a server. This is the only module that opens a connection, and imports openai, when it is first used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from biobench.chat.answers import completion, error_facts
from biobench.chat.endpoint import Endpoint
from biobench.chat.records import Cause
from biobench.chat.waits import Pace, asked_wait_s
from biobench.problems import Problem, ProblemsFound

__all__ = ["Connection", "Received", "Trouble"]

_STATUS_CAUSES: dict[int, Cause] = {408: "timeout", 409: "conflict", 429: "rate-limit"}


@dataclass(frozen=True, slots=True)
class Received:
    """A chat completion: the body as received, and its value."""

    raw: bytes = field(repr=False)
    value: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An attempt without a chat completion. ``stops`` is what ends the whole run, where something does.

    ``overloaded``: the server, or the way to it, has too much to do. ``asked_wait_s``: what the server asks for.
    """

    cause: Cause
    status: int = 0
    raw: bytes = field(default=b"", repr=False)
    code: str = ""
    parameters: frozenset[str] = frozenset()
    overloaded: bool = False
    asked_wait_s: float | None = None
    stops: Problem | None = None


class Connection:
    """A pool of connections to one endpoint; every call of ``post`` is one attempt, nothing is tried again here."""

    def __init__(self, endpoint: Endpoint, pace: Pace) -> None:
        try:
            import httpx2  # noqa: PLC0415 - offline work does without both
            import openai  # noqa: PLC0415
        except ImportError as error:
            hint = "pip install 'biobench[judge]'"
            raise ProblemsFound([Problem("the client", "no package openai 3", "it to be installed", hint)]) from error
        limits = httpx2.Limits(max_connections=pace.max_in_flight, max_keepalive_connections=pace.max_in_flight)
        # A whole attempt has one time limit, set in post; a redirect would take the key to another address.
        pool = openai.DefaultAsyncHttpxClient(limits=limits, timeout=None, follow_redirects=False)
        self._openai = openai.AsyncOpenAI(
            base_url=endpoint.base_url, api_key=endpoint.api_key, max_retries=0, timeout=None, http_client=pool
        )
        self._endpoint = endpoint
        self._timeout_s = pace.timeout_s
        self._response = httpx2.Response
        self._connect_error = httpx2.ConnectError
        self._status_error = openai.APIStatusError
        self._connection_error = openai.APIConnectionError

    async def close(self) -> None:
        """Closes every connection."""
        await self._openai.close()

    async def post(self, body: bytes) -> Received | Trouble:
        """Sends one chat completion; never raises for what the server does."""
        try:
            async with asyncio.timeout(self._timeout_s):
                # The bare response: models of pydantic cost more than all the rest.
                response = await self._openai.post("/chat/completions", cast_to=self._response, content=body)
        except TimeoutError:
            return Trouble("timeout", overloaded=True)
        except self._status_error as error:
            status, headers, raw = error.response.status_code, error.response.headers, error.response.content
        except self._connection_error as error:
            return Trouble("unreachable" if isinstance(error.__cause__, self._connect_error) else "disconnect")
        else:
            raw = response.content
            value = completion(raw)
            return Trouble("malformed", response.status_code) if value is None else Received(raw, value)
        return self._trouble(status, headers, raw, body)

    def _trouble(self, status: int, headers: Mapping[str, str], raw: bytes, body: bytes) -> Trouble:
        private = body.decode() + f" {self._endpoint.api_key}"
        facts = error_facts(raw, private)
        cause = _STATUS_CAUSES.get(status, "server-error" if status >= 500 else "rejected")
        wait_s = asked_wait_s(headers, time.time()) if cause != "rejected" else None
        stops = self._stops(status, facts.code, quota=facts.quota)
        overloaded = status in {408, 429, 503}
        return Trouble(cause, status, raw, facts.code, facts.parameters, overloaded, wait_s, stops)

    def _stops(self, status: int, code: str, *, quota: bool) -> Problem | None:
        """What no further attempt can change."""
        where = f"the server {self._endpoint.base_url}"
        found = f"status {status} ({code})" if code else f"status {status}"
        if status == 429 and quota:
            return Problem(
                where, found, "a quota that is not used up", "what is answered is in the cache: run it again later"
            )
        if 300 <= status < 400:
            return Problem(where, f"{found}, a redirect", "the server itself", "give the address that it leads to")
        if status == 401:
            return Problem(where, found, "an API key that the server takes", "set OPENAI_API_KEY")
        model = repr(self._endpoint.model)
        if status == 403:
            return Problem(
                where, found, f"leave to use the model {model}", "ask whoever runs the server, or name another"
            )
        if status == 404:
            return Problem(where, found, f"the model {model} at this address", "most addresses end in /v1; check both")
        return None
