"""What a request looks like on the wire, and the key of its answer in the cache."""

from __future__ import annotations

import base64
import hashlib
import json

from biobench.chat.endpoint import Endpoint
from biobench.chat.records import Message, Mode, Request

__all__ = ["MAX_TOKENS_NAMES", "body", "canonical_json", "request_key"]

MAX_TOKENS_NAMES = ("max_tokens", "max_completion_tokens")
"""The two spellings of one limit; most servers know the first, some models of OpenAI's only the second."""

_ORDER = (
    "Answer with exactly one JSON object that is valid under this JSON schema, and with nothing before or after it:\n"
)


def canonical_json(value: object) -> str:
    """JSON with sorted keys, no spaces, ASCII only. Raises ``ValueError`` for NaN and infinities.

    >>> canonical_json({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def request_key(endpoint: Endpoint, request: Request, mode: Mode) -> str:
    """SHA-256, in hex, of everything that can change the answer. The API key is not part of it."""
    sampling, schema = request.sampling, request.schema
    parts = {
        "key": 1,
        "base_url": endpoint.base_url,
        "model": endpoint.model,
        "messages": [_key_of(message) for message in request.messages],
        "sampling": [sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.seed, sampling.top_logprobs],
        # Not by sorted keys: a server may write its reply in the order of the schema's properties.
        "schema": None if schema is None else [schema.name, json.dumps(schema.definition, allow_nan=False)],
        "mode": mode,
        "repeat": request.repeat,
        "prompt_version": request.prompt_version,
    }
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def body(endpoint: Endpoint, request: Request, mode: Mode, max_tokens_name: str = "max_tokens") -> dict[str, object]:
    """The JSON of a chat completion. A mode other than ``json_schema`` says the schema in the system message."""
    sampling, schema = request.sampling, request.schema
    messages = list(request.messages)
    if schema is not None and mode in {"json_object", "plain"}:
        order = _ORDER + json.dumps(schema.definition, allow_nan=False)
        if messages[0].role in {"system", "developer"}:
            messages[0] = Message(messages[0].role, f"{messages[0].content}\n\n{order}")
        else:
            messages.insert(0, Message("system", order))
    sent: dict[str, object] = {
        "model": endpoint.model,
        "messages": [{"role": message.role, "content": _content(message)} for message in messages],
    }
    sent |= {
        name: value
        for name, value in (
            ("temperature", sampling.temperature),
            ("top_p", sampling.top_p),
            (max_tokens_name, sampling.max_tokens),
            ("seed", sampling.seed),
        )
        if value is not None
    }
    if sampling.top_logprobs is not None:
        sent |= {"logprobs": True, "top_logprobs": sampling.top_logprobs}
    if schema is not None and mode == "json_schema":
        wrapped = {"name": schema.name, "schema": schema.definition, "strict": True}
        sent["response_format"] = {"type": "json_schema", "json_schema": wrapped}
    elif mode == "json_object":
        sent["response_format"] = {"type": "json_object"}
    return sent


def _key_of(message: Message) -> list[object]:
    """A message without pictures is written as before there were any: its answers stay in caches."""
    pictures = [hashlib.sha256(picture.jpeg).hexdigest() for picture in message.pictures]
    return [message.role, message.content, *([pictures] if pictures else [])]


def _content(message: Message) -> object:
    """A text, or parts: the pictures as data URLs, then the text."""
    if not message.pictures:
        return message.content
    urls = ["data:image/jpeg;base64," + base64.b64encode(picture.jpeg).decode() for picture in message.pictures]
    return [
        *({"type": "image_url", "image_url": {"url": url}} for url in urls),
        {"type": "text", "text": message.content},
    ]
