"""Fault behaviours: what goes wrong on the way to an answer, or with the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hmac import compare_digest
from typing import ClassVar

from judges.fake_server.base import SECONDS, SEED, SHARE, Attempt, Behaviour, choice, number, several, text
from judges.fake_server.replies import Reply, find_score

__all__ = [
    "FAULTS", "Auth", "Draw", "Fault", "Flaky", "HangUp", "Latency", "Malformed", "NoLogprobs", "OutOfRange", "Refusal",
    "Refuse", "RejectsJsonSchema", "Step", "Truncated", "Wait",
]  # fmt: skip

Draw = Callable[[int, str], float]
"""Draws a number in [0, 1) for a seed and a word; it depends on the attempt and on the fault's place among the faults."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The answer comes later. ``counted_as`` is None where that is no fault."""

    seconds: float
    counted_as: str | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error instead of an answer."""

    counted_as: str
    status: int
    message: str
    kind: str
    code: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HangUp:
    """The connection is closed: before anything is sent, or after a share of the answer's body."""

    counted_as: str
    share_sent: float | None


Step = Wait | Refuse | HangUp


@dataclass(frozen=True, slots=True)
class Fault(Behaviour):
    """What a fault does before there is an answer, and to the answer. By default nothing."""

    def before(self, attempt: Attempt, draw: Draw) -> Step | None:  # noqa: ARG002
        """What happens to an attempt."""
        return None

    def change(self, reply: Reply, draw: Draw) -> Reply:  # noqa: ARG002
        """The reply as it is sent; another one counts as this fault, the same object does not."""
        return reply


@dataclass(frozen=True, slots=True)
class Flaky(Fault):
    """An endpoint under load."""

    name: ClassVar[str] = "flaky"
    summary: ClassVar[str] = "attempts fail: 429 with Retry-After, 500, no answer for timeout_s, a closed connection"

    rate: float = field(default=1.0, metadata=SHARE)
    kinds: tuple[str, ...] = field(
        default=("429", "500", "timeout", "disconnect"), metadata=several("429", "500", "timeout", "disconnect")
    )
    retry_after: float = field(default=0.05, metadata=SECONDS)
    timeout_s: float = field(default=30.0, metadata=SECONDS)
    seed: int = field(default=1, metadata=SEED)

    def before(self, attempt: Attempt, draw: Draw) -> Step | None:  # noqa: ARG002
        if draw(self.seed, "whether") >= self.rate:
            return None
        kind = self.kinds[int(draw(self.seed, "kind") * len(self.kinds))]
        counted_as = f"{self.name}:{kind}"
        if kind == "429":
            headers = (("retry-after", f"{self.retry_after:g}"),)
            return Refuse(counted_as, 429, "Rate limit reached.", "requests", "rate_limit_exceeded", headers)
        if kind == "500":
            return Refuse(counted_as, 500, "The server had an error.", "server_error")
        if kind == "timeout":
            return Wait(self.timeout_s, counted_as)
        where = draw(self.seed, "where")
        return HangUp(counted_as, None if where < 0.5 else 2 * where - 1)


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """An endpoint at a distance."""

    name: ClassVar[str] = "latency"
    summary: ClassVar[str] = "every answer takes ms, and up to jitter_ms more"

    ms: float = field(default=200.0, metadata=number("milliseconds, 0 or more", 0))
    jitter_ms: float = field(default=0.0, metadata=number("milliseconds, 0 or more", 0))
    seed: int = field(default=1, metadata=SEED)

    def before(self, attempt: Attempt, draw: Draw) -> Step | None:  # noqa: ARG002
        return Wait((self.ms + self.jitter_ms * draw(self.seed, "jitter")) / 1000)


@dataclass(frozen=True, slots=True)
class Auth(Fault):
    """An endpoint with keys."""

    name: ClassVar[str] = "auth"
    summary: ClassVar[str] = "401 unless the request has the header Authorization: Bearer KEY"

    key: str = field(metadata=text("a key"))

    def before(self, attempt: Attempt, draw: Draw) -> Step | None:  # noqa: ARG002
        return self.refusal(attempt.authorization)

    def refusal(self, authorization: str) -> Refuse | None:
        """The 401 for a header's value; None where it is the right one."""
        if compare_digest(authorization.encode(), f"Bearer {self.key}".encode()):
            return None
        return Refuse(self.name, 401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")


@dataclass(frozen=True, slots=True)
class RejectsJsonSchema(Fault):
    """An endpoint that knows no JSON schemas."""

    name: ClassVar[str] = "rejects-json-schema"
    summary: ClassVar[str] = "400 where response_format is a json_schema, or also=json_object"

    also: str = field(default="none", metadata=choice("none", "json_object"))

    def before(self, attempt: Attempt, draw: Draw) -> Step | None:  # noqa: ARG002
        asked = attempt.request.format
        if asked not in {"json_schema", self.also}:
            return None
        message = f"Invalid parameter: 'response_format' of type '{asked}' is not supported with this model."
        return Refuse(self.name, 400, message, "invalid_request_error", "unsupported_value")


@dataclass(frozen=True, slots=True)
class NoLogprobs(Fault):
    """An endpoint that gives no log probabilities."""

    name: ClassVar[str] = "no-logprobs"
    summary: ClassVar[str] = "400 where logprobs are asked for; mode=ignore: an answer without them"

    mode: str = field(default="400", metadata=choice("400", "ignore"))

    def before(self, attempt: Attempt, draw: Draw) -> Step | None:  # noqa: ARG002
        if self.mode == "ignore" or attempt.request.top_logprobs is None:
            return None
        message = "Invalid parameter: 'logprobs' is not supported with this model."
        return Refuse(self.name, 400, message, "invalid_request_error", "unsupported_value")

    def change(self, reply: Reply, draw: Draw) -> Reply:  # noqa: ARG002
        return replace(reply, logprobs=False) if reply.logprobs else reply


@dataclass(frozen=True, slots=True)
class Malformed(Fault):
    """A model that does not keep to JSON."""

    name: ClassVar[str] = "malformed"
    summary: ClassVar[str] = "no JSON (text), JSON of another shape, prose around it, single quotes, or two objects"

    rate: float = field(default=1.0, metadata=SHARE)
    kinds: tuple[str, ...] = field(
        default=("text", "shape", "prose", "quotes", "two"), metadata=several("text", "shape", "prose", "quotes", "two")
    )
    seed: int = field(default=1, metadata=SEED)

    def change(self, reply: Reply, draw: Draw) -> Reply:
        if reply.text is None or draw(self.seed, "whether") >= self.rate:
            return reply
        kind = self.kinds[int(draw(self.seed, "kind") * len(self.kinds))]
        return replace(reply, text=_MALFORMED[kind](reply.text))


@dataclass(frozen=True, slots=True)
class Truncated(Fault):
    """A model that runs into its limit of tokens."""

    name: ClassVar[str] = "truncated"
    summary: ClassVar[str] = 'the content is cut, finish_reason "length"'

    rate: float = field(default=1.0, metadata=SHARE)
    seed: int = field(default=1, metadata=SEED)

    def change(self, reply: Reply, draw: Draw) -> Reply:
        if reply.text is None or draw(self.seed, "whether") >= self.rate:
            return reply
        return replace(
            reply, text=reply.text[: int(draw(self.seed, "where") * len(reply.text))], finish_reason="length"
        )


@dataclass(frozen=True, slots=True)
class Refusal(Fault):
    """A model that will not judge."""

    name: ClassVar[str] = "refusal"
    summary: ClassVar[str] = "message.refusal is set, content is null"

    rate: float = field(default=1.0, metadata=SHARE)
    seed: int = field(default=1, metadata=SEED)

    def change(self, reply: Reply, draw: Draw) -> Reply:
        if reply.text is None or draw(self.seed, "whether") >= self.rate:
            return reply
        return replace(reply, text=None, finish_reason="stop", refusal="I'm sorry, I can't help with that.")


@dataclass(frozen=True, slots=True)
class OutOfRange(Fault):
    """A model that gives scores that there are not."""

    name: ClassVar[str] = "out-of-range"
    summary: ClassVar[str] = "the score is one of values (7, 0, true, 1e999, five)"

    rate: float = field(default=1.0, metadata=SHARE)
    values: tuple[str, ...] = field(
        default=("7", "0", "true", "1e999", "five"), metadata=several("7", "0", "true", "1e999", "five")
    )
    seed: int = field(default=1, metadata=SEED)

    def change(self, reply: Reply, draw: Draw) -> Reply:
        place = find_score(reply.text) if reply.text is not None else None
        if reply.text is None or place is None or draw(self.seed, "whether") >= self.rate:
            return reply
        value = self.values[int(draw(self.seed, "value") * len(self.values))]
        return replace(reply, text=_with_score(reply.text, place, value))


FAULTS: tuple[type[Fault], ...] = (
    Flaky, Malformed, Truncated, Refusal, OutOfRange, NoLogprobs, RejectsJsonSchema, Latency, Auth,
)  # fmt: skip


def _with_score(text: str, place: tuple[int, int], value: str) -> str:
    """The text with another score: numbers keep the quotes that they had, true and 1e999 lose them, five gets them."""
    start, end = place
    quoted = text[start - 1] in "\"'"
    if quoted and value in {"true", "1e999"}:
        return text[: start - 1] + value + text[end + 1 :]
    if not quoted and value == "five":
        value = '"five"'
    return text[:start] + value + text[end:]


def _told(text: str) -> str:
    place = find_score(text)
    return f"The score is {text[slice(*place)] if place else 'hard to say'}, for what it says about the movement."


def _two(text: str) -> str:
    """The reply and, below it, one with another score."""
    place = find_score(text)
    if place is None:
        return f"{text}\n{text}"
    other = "1" if text[slice(*place)] != "1" else "5"
    return f"{text}\n{_with_score(text, place, other)}"


def _single_quoted(text: str) -> str:
    """As a Python dict prints: outer quotes single, those inside a string as they are."""
    return re.sub(r'(?<!\\)"', "'", text)


_MALFORMED: Mapping[str, Callable[[str], str]] = {
    "text": _told,
    "shape": lambda text: f'{{"result": [{text}]}}',
    "prose": lambda text: f"Here is my judgement:\n\n{text}\n\nI hope this helps!",
    "quotes": _single_quoted,
    "two": _two,
}
