"""What an endpoint can do, found out by a handful of tiny requests that are cached like others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from biobench.chat.answers import completion, rejection, reply
from biobench.chat.cache import Cache
from biobench.chat.endpoint import Endpoint
from biobench.chat.records import Failure, Message, Mode, Reply, Request, Sampling, Schema
from biobench.chat.wire import request_key

__all__ = ["Capabilities", "ask_capabilities", "known_capabilities"]

Outcome = Reply | Failure

_SAY = (Message("user", "Say yes."),)
_VERSION = "probe 1"
_SHORT = Sampling(max_tokens=16)
_SCHEMA = Schema(
    "probe",
    {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
        "required": ["answer"],
        "additionalProperties": False,
    },
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an endpoint takes, and for ``json_schema``, ``json_object`` and ``logprobs`` also does."""

    json_schema: bool
    json_object: bool
    logprobs: bool
    seed: bool
    temperature: bool

    @property
    def mode(self) -> Mode:
        """The best way to send a schema."""
        return "json_schema" if self.json_schema else "json_object" if self.json_object else "plain"

    def __str__(self) -> str:
        """``json_schema yes, json_object yes, logprobs no, seed yes, temperature yes``."""
        names = ("json_schema", "json_object", "logprobs", "seed", "temperature")
        return ", ".join(f"{name} {'yes' if getattr(self, name) else 'no'}" for name in names)


def _asked(sampling: Sampling = _SHORT, schema: Schema | None = None) -> Request:
    return Request(_SAY, sampling, schema, prompt_version=_VERSION)


_PLAIN: tuple[Request, Mode] = (_asked(), "text")
_QUESTIONS: dict[str, tuple[Request, Mode]] = {
    "json_schema": (_asked(schema=_SCHEMA), "json_schema"),
    "json_object": (_asked(schema=_SCHEMA), "json_object"),
    "logprobs": (_asked(Sampling(max_tokens=16, top_logprobs=1)), "text"),
    "seed": (_asked(Sampling(max_tokens=16, seed=1)), "text"),
    "temperature": (_asked(Sampling(max_tokens=16, temperature=0.5)), "text"),
}
_NAMES = {
    "json_schema": {"json_schema", "response_format"},
    "json_object": {"json_object", "response_format"},
    "logprobs": {"logprobs", "top_logprobs"},
    "seed": {"seed"},
    "temperature": {"temperature"},
}


async def ask_capabilities(ask: Callable[[Request, Mode], Awaitable[Outcome]]) -> Capabilities | Failure:
    """Asks the plain question first, then one for each capability: what is rejected only then is not there.

    A rejection that names another parameter, or any other failure, is no fact about the endpoint: it is given back. But some
    servers answer a form of reply that they do not know with 500 (llama-cpp-python's does): where one keeps to it, while it
    answers other questions, that is a no.
    """
    plain = await ask(*_PLAIN)
    if isinstance(plain, Failure):
        return plain
    outcomes = await asyncio.gather(*(ask(*question) for question in _QUESTIONS.values()))
    return _judged(dict(zip(_QUESTIONS, outcomes, strict=True)))


def known_capabilities(endpoint: Endpoint, cache: Cache) -> Capabilities | None:
    """What an earlier probe left in the cache; None where it is not all there."""
    outcomes: dict[str, Outcome] = {}
    for name, (request, mode) in _QUESTIONS.items():
        row = cache.get(request_key(endpoint, request, mode))
        if row is None:
            return None
        value = completion(row.response) if row.status == 200 else None
        outcomes[name] = (
            rejection(row.status, row.response, row.attempts, "")
            if value is None
            else reply(value, cached=True, attempts=row.attempts)
        )
    found = _judged(outcomes)
    return found if isinstance(found, Capabilities) else None


def _judged(outcomes: dict[str, Outcome]) -> Capabilities | Failure:
    found = {}
    alive = any(not isinstance(outcome, Failure) for outcome in outcomes.values())
    for name, outcome in outcomes.items():
        if isinstance(outcome, Failure) and outcome.cause == "server-error" and alive and name.startswith("json"):
            found[name] = False
        elif isinstance(outcome, Failure):
            other = outcome.parameters and not outcome.parameters & _NAMES[name]
            if outcome.cause != "rejected" or outcome.status not in {400, 422} or other:
                return outcome
            found[name] = False
        elif name.startswith("json"):
            found[name] = _is_object(outcome)
        else:
            found[name] = name != "logprobs" or bool(outcome.logprobs)
    return Capabilities(**found)


def _is_object(outcome: Reply) -> bool:
    """Whether the server held to JSON: some take the parameter and ignore it.

    A reply cut short shows by its start that it is JSON; a refusal shows nothing, but the parameter was taken.
    """
    text = outcome.text.strip()
    if outcome.refusal is not None:
        return True
    if outcome.finish_reason == "length":
        return not text or text.startswith("{")
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
