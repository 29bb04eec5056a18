"""One HTTP/1.1 connection: requests come in one after the other, answers go out, either side may hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import h11

from judges.fake_server.completion import encoded, error

__all__ = ["BODY_LIMIT", "Exchange", "Handler", "HttpRequest", "HttpResponse", "serve"]

BODY_LIMIT = 1 << 20
"""Bytes of a request's body."""
_READ = 1 << 16
_LINGER_S = 2.0


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A whole request; ``path`` has no query."""

    method: str
    path: str
    authorization: str
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A JSON response; ``headers`` come on top of those that every response has."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Exchange:
    """One request and its response; a handler answers with ``send`` or ``hang_up``, once."""

    def __init__(self, connection: _Connection, request: HttpRequest) -> None:
        self.request = request
        self._connection = connection

    async def wait(self, seconds: float) -> bool:
        """Waits; False, at once, where the client closes the connection in the meantime."""
        return await self._connection.wait(seconds)

    def send(self, response: HttpResponse) -> bool:
        """Sends a response; False where the client has left. There is no pause in it, so what follows sees the same state."""
        return self._connection.send(response, len(response.body))

    def hang_up(self, response: HttpResponse, share: float | None) -> None:
        """Closes the connection: without a word, or after a share of the response's body, which is never all of it."""
        if share is not None:
            self._connection.send(response, min(int(share * len(response.body)), len(response.body) - 1))
        self._connection.closing = True


Handler = Callable[[Exchange], Awaitable[None]]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    """Serves a connection until one side closes it."""
    connection = _Connection(reader, writer)
    try:
        with suppress(ConnectionError):  # the client may leave at any moment; that is not an error here
            await connection.run(handler)
    except asyncio.CancelledError:
        writer.transport.abort()  # the server stops: it does not wait for a client that has stopped reading
        raise
    finally:
        await connection.close()


class _Oversized(Exception):  # noqa: N818 - it ends one request, nothing failed
    """A body over the limit."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.SERVER)
        self._ahead: asyncio.Task[bytes] | None = None
        self.closing = False

    async def run(self, handler: Handler) -> None:
        """Answers requests, one after the other."""
        while not self.closing:
            try:
                request = await self._request()
            except h11.RemoteProtocolError as problem:
                await self._reject(problem.error_status_hint, f"the request is not HTTP: {problem}")
                return
            except _Oversized:
                await self._reject(413, f"the body is larger than {BODY_LIMIT} bytes")
                return
            if request is None:
                return
            await handler(Exchange(self, request))
            await self._writer.drain()
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    def send(self, response: HttpResponse, length: int) -> bool:
        """Sends the headers and ``length`` bytes of the body."""
        if self._writer.is_closing():
            return False
        headers = [
            ("content-type", "application/json"), ("content-length", str(len(response.body))), *response.headers,
        ]  # fmt: skip
        parts: list[h11.Event] = [
            h11.Response(status_code=response.status, headers=headers, reason=b""), h11.Data(data=response.body[:length]),
        ]  # fmt: skip
        if length == len(response.body):
            parts.append(h11.EndOfMessage())
        self._writer.write(b"".join(bytes(self._http.send(part) or b"") for part in parts))
        return not self._writer.is_closing()

    async def wait(self, seconds: float) -> bool:
        """Waits while listening, since only a read tells that the client has left."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        if self._ahead is None:
            self._ahead = loop.create_task(self._reader.read(_READ))
        done, _ = await asyncio.wait({self._ahead}, timeout=seconds)
        if not done:
            return True
        try:
            data = await self._read()
        except ConnectionError:
            data = b""
        if not data:
            return False
        self._http.receive_data(data)  # the next request, sent early: a client that does so is not listened to further
        await asyncio.sleep(max(0.0, end - loop.time()))
        return True

    async def close(self) -> None:
        """Closes the socket; no task is left behind."""
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.wait({self._ahead})
            if not self._ahead.cancelled():
                self._ahead.exception()  # asked for, so that it is not reported as forgotten
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _request(self) -> HttpRequest | None:
        """The next request, None where the client closes instead."""
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        headers = {name: value.decode(errors="replace") for name, value in head.headers}
        if int(headers.get(b"content-length", "0")) > BODY_LIMIT:
            raise _Oversized
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
            if len(body) > BODY_LIMIT:
                raise _Oversized
        if not isinstance(event, h11.EndOfMessage):
            return None
        path = head.target.decode().partition("?")[0]
        return HttpRequest(head.method.decode(), path, headers.get(b"authorization", ""), bytes(body))

    async def _event(self) -> h11.Event | None:
        """The next event, None where there is none before this side has answered."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                self._writer.write(self._http.send(go_on) or b"")
            self._http.receive_data(await self._read())
        return event if isinstance(event, h11.Event) else None

    async def _read(self) -> bytes:
        """Bytes from the client, b"" where it has closed; what ``wait`` has begun to read comes first."""
        if self._ahead is None:
            return await self._reader.read(_READ)
        ahead, self._ahead = self._ahead, None
        return await ahead

    async def _reject(self, status: int, message: str) -> None:
        """Answers a request that can't be read and ends the connection."""
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            response = HttpResponse(status, encoded(error(message)), (("connection", "close"),))
            self.send(response, len(response.body))
            await self._linger()

    async def _linger(self) -> None:
        """Reads on for a moment: a socket that is closed with unread bytes in it takes back the answer."""
        with suppress(OSError):  # the client may have left
            if self._writer.can_write_eof():
                self._writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while await self._read():
                    pass
