"""What is asked and what comes back: requests, replies, failures, counts. No text of theirs is in any ``repr``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from biobench.problems import Problem, ProblemsFound

__all__ = [
    "INFRASTRUCTURE",
    "Cause",
    "Counts",
    "Failure",
    "Message",
    "Mode",
    "Picture",
    "Prices",
    "Reply",
    "Request",
    "Sampling",
    "Schema",
    "Token",
    "Usage",
]

Mode = Literal["text", "json_schema", "json_object", "plain"]
"""How a request is sent: without a schema, or with one by one of three ways."""

Cause = Literal[
    "rate-limit", "server-error", "timeout", "disconnect", "unreachable", "malformed", "conflict",
    "rejected", "not-in-cache", "budget",
]  # fmt: skip

INFRASTRUCTURE: frozenset[Cause] = frozenset(
    {"rate-limit", "server-error", "timeout", "disconnect", "unreachable", "malformed", "conflict"}
)
"""Causes that say nothing about the request: worth another attempt."""

_ROLES = ("system", "developer", "user", "assistant")
_SCHEMA_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, and how many pixels it has. Raises ``ProblemsFound`` for bytes that are none."""

    jpeg: bytes = field(repr=False)
    width: int
    height: int

    def __post_init__(self) -> None:
        if not self.jpeg.startswith(b"\xff\xd8\xff") or self.width < 1 or self.height < 1:
            raise ProblemsFound([Problem("a picture", "bytes that are no JPEG, or no pixels", "a JPEG and its size")])


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; ``pictures`` are shown before its text, in their order, and only a user shows any.

    Raises ``ProblemsFound`` for an unknown role, for text that UTF-8 can't hold, and for pictures of another role.
    """

    role: str
    content: str
    pictures: tuple[Picture, ...] = ()

    def __post_init__(self) -> None:
        problems = []
        if self.role not in _ROLES:
            problems.append(Problem("a message", "an unknown role", "one of " + ", ".join(_ROLES)))
        if _SURROGATE.search(self.content):
            problems.append(Problem("a message", "half a surrogate pair", "text that UTF-8 can hold"))
        if self.pictures and self.role != "user":
            problems.append(Problem("a message", "pictures of another role", "pictures in the user's messages alone"))
        if problems:
            raise ProblemsFound(problems)
        object.__setattr__(self, "pictures", tuple(self.pictures))

    def __repr__(self) -> str:
        pictures = f", {len(self.pictures)} pictures" if self.pictures else ""
        return f"Message({self.role}, {len(self.content)} characters{pictures})"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model draws; None leaves it to the server. ``top_logprobs`` asks for log probabilities as well.

    Raises ``ProblemsFound`` with every value out of its range.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    top_logprobs: int | None = None

    def __post_init__(self) -> None:
        ranges = {
            "temperature": (0, math.inf), "top_p": (0, 1), "max_tokens": (1, math.inf),
            "seed": (-(2**63), 2**63 - 1), "top_logprobs": (0, 20),
        }  # fmt: skip
        problems = []
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if value is None:
                continue
            whole = name not in {"temperature", "top_p"}
            wanted = (int,) if whole else (int, float)
            bad = isinstance(value, bool) or not isinstance(value, wanted)
            if bad or not math.isfinite(value) or not least <= value <= most:
                expected = f"{'a whole' if whole else 'a finite'} number from {least} to {most}"
                problems.append(Problem(f"sampling: {name}", repr(value), expected))
            elif not whole:
                object.__setattr__(self, name, float(value))  # 0 and 0.0 are one request, so they have one key
        if problems:
            raise ProblemsFound(problems)


@dataclass(frozen=True, slots=True)
class Schema:
    """A name and the JSON schema that the reply shall fit. Raises ``ProblemsFound`` for a name that servers refuse."""

    name: str
    definition: Mapping[str, object] = field(hash=False)

    def __post_init__(self) -> None:
        if not _SCHEMA_NAME.fullmatch(self.name):
            expected = "1 to 64 letters, digits, _ or -"
            raise ProblemsFound([Problem("the name of a schema", repr(self.name), expected)])

    def __repr__(self) -> str:
        return f"Schema({self.name})"


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    ``repeat`` tells samples of one question apart; ``prompt_version`` is the version of the caller's prompt file.
    Neither is sent; both are part of the cache's key.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    schema: Schema | None = None
    repeat: int = 0
    prompt_version: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", tuple(self.messages))
        if not self.messages:
            raise ProblemsFound([Problem("a request", "no message", "at least one")])

    def __repr__(self) -> str:
        characters = sum(len(message.content) for message in self.messages)
        return f"Request({len(self.messages)} messages, {characters} characters, repeat {self.repeat})"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a reply with its natural log probability, and the likeliest ones in its place."""

    text: str = field(repr=False)
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered. ``text`` is empty where it gave none; ``raw`` is the whole response.

    ``usage`` and ``logprobs`` are None where the server sent none. ``attempts`` counts those that the reply took when
    it was asked for; 0 where a batch brought it. Lone surrogates in texts are U+FFFD, in ``raw`` they are as received.
    """

    text: str
    refusal: str | None
    finish_reason: str
    usage: Usage | None
    logprobs: tuple[Token, ...] | None
    fingerprint: str
    model: str
    cached: bool
    attempts: int
    raw: Mapping[str, object] = field(hash=False)

    def __repr__(self) -> str:
        origin = "cached" if self.cached else f"{self.attempts} attempts"
        return f"Reply({self.model}, {len(self.text)} characters, {self.finish_reason}, {origin})"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no reply. ``parameters`` are those of ours that the server's error names; ``status`` 0: no answer.

    ``code`` is the server's own word for the error, empty where it gave none that is safe to show.
    """

    cause: Cause
    attempts: int = 0
    status: int = 0
    code: str = ""
    parameters: frozenset[str] = frozenset()

    @property
    def infrastructure(self) -> bool:
        """Whether the request itself is not to blame."""
        return self.cause in INFRASTRUCTURE

    def __str__(self) -> str:
        """``rate-limit (status 429, rate_limit_exceeded) after 8 attempts``."""
        facts = ", ".join(filter(None, [f"status {self.status}" if self.status else "", self.code]))
        text = f"{self.cause} ({facts})" if facts else self.cause
        return f"{text} after {self.attempts} attempts" if self.attempts else text


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run did. ``answered`` came from the server, ``cached`` from the file; ``failures`` are final."""

    attempts: int = 0
    answered: int = 0
    cached: int = 0
    retries: Mapping[Cause, int] = field(default_factory=dict, hash=False)
    failures: Mapping[Cause, int] = field(default_factory=dict, hash=False)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    stopped_by_budget: bool = False

    @property
    def left(self) -> int:
        """How many requests the budget left unasked."""
        return self.failures.get("budget", 0)

    def __str__(self) -> str:
        """One line for the user."""
        parts = [f"{self.answered:,} answered in {self.attempts:,} attempts, {self.cached:,} from the cache"]
        if self.retries:
            parts.append("retries: " + _listed(self.retries))
        failures: dict[Cause, int] = {cause: count for cause, count in self.failures.items() if cause != "budget"}
        if failures:
            parts.append("failures: " + _listed(failures))
        parts.append(f"tokens: {self.prompt_tokens:,} in, {self.completion_tokens:,} out")
        if self.stopped_by_budget:
            parts.append(f"stopped by the budget with {self.left:,} left")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens, in and out, in the user's own currency. Raises ``ProblemsFound`` below 0."""

    in_per_million: float
    out_per_million: float

    def __post_init__(self) -> None:
        problems = [
            Problem(f"the price of tokens {name}", f"{value}", "a finite number, at least 0")
            for name, value in (("in", self.in_per_million), ("out", self.out_per_million))
            if not math.isfinite(value) or value < 0
        ]
        if problems:
            raise ProblemsFound(problems)

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """The price of so many tokens.

        >>> Prices(1.0, 4.0).of(500_000, 250_000)
        1.5
        """
        return (prompt_tokens * self.in_per_million + completion_tokens * self.out_per_million) / 1e6


def _listed(counts: Mapping[Cause, int]) -> str:
    return ", ".join(f"{cause} {count:,}" for cause, count in sorted(counts.items()))
