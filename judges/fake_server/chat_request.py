"""The body of a chat request: read strictly, so that a client's mistake shows here and not at a paid server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["BadRequest", "ChatRequest", "read_chat_request"]

MAX_TOP_LOGPROBS = 20

Format = Literal["text", "json_object", "json_schema"]


class BadRequest(ValueError):  # noqa: N818 - the name of HTTP's status 400
    """A request that is answered with status 400; the message says why."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What of a request can change the answer. ``messages`` are (role, text) pairs; ``top_logprobs`` is None unless asked."""

    model: str
    messages: tuple[tuple[str, str], ...]
    format: Format = "text"
    seed: int | None = None
    max_tokens: int | None = None
    top_logprobs: int | None = None

    @property
    def user_messages(self) -> tuple[str, ...]:
        return tuple(text for role, text in self.messages if role == "user")


def read_chat_request(body: bytes) -> ChatRequest:
    """Reads a body. Raises ``BadRequest``."""
    try:
        fields = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise BadRequest("the body is not a JSON object")
    model = fields.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest("you must provide a model parameter: model is a string")
    if fields.get("stream"):
        raise BadRequest("stream is not supported here")
    if fields.get("n") not in (None, 1):
        raise BadRequest("n is not supported here: one choice a request")
    limits = [_whole(fields, name, 1) for name in ("max_completion_tokens", "max_tokens")]
    return ChatRequest(
        model,
        _messages(fields.get("messages")),
        _format(fields.get("response_format")),
        _whole(fields, "seed", None),
        min((limit for limit in limits if limit is not None), default=None),
        _top_logprobs(fields),
    )


def _no_constant(name: str) -> object:
    raise BadRequest(f"the body is not JSON: {name} is no number")


def _messages(found: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(found, list) or not found:
        raise BadRequest("messages is a list of at least one message")
    messages = []
    for at, message in enumerate(found):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise BadRequest(f"messages[{at}] is an object with a role")
        messages.append((message["role"], _text(message.get("content"), message["role"], at)))
    return tuple(messages)


def _text(content: object, role: str, at: int) -> str:
    """A message's text; parts that are not text (pictures) are passed over."""
    if isinstance(content, str):
        return content
    if content is None and role == "assistant":
        return ""
    if isinstance(content, list) and all(
        isinstance(part, dict) and isinstance(part.get("type"), str) for part in content
    ):
        texts = [part.get("text") for part in content if part["type"] == "text"]
        if all(isinstance(text, str) for text in texts):
            return "\n".join(texts)
    raise BadRequest(f"messages[{at}].content is a string or a list of parts")


def _format(found: object) -> Format:
    if found is None:
        return "text"
    kind = found.get("type") if isinstance(found, dict) else None
    if kind == "json_schema" and isinstance(found, dict):
        schema = found.get("json_schema")
        if not (
            isinstance(schema, dict) and isinstance(schema.get("name"), str) and isinstance(schema.get("schema"), dict)
        ):
            raise BadRequest("response_format.json_schema is an object with a name and a schema")
        return "json_schema"
    if kind == "json_object":
        return "json_object"
    if kind == "text":
        return "text"
    raise BadRequest("response_format is an object whose type is text, json_object or json_schema")


def _whole(fields: Mapping[str, object], name: str, least: int | None) -> int | None:
    found = fields.get(name)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool) or (least is not None and found < least):
        raise BadRequest(f"{name} is a whole number" + (f", at least {least}" if least is not None else ""))
    return found


def _top_logprobs(fields: Mapping[str, object]) -> int | None:
    asked = fields.get("logprobs")
    if asked is not None and not isinstance(asked, bool):
        raise BadRequest("logprobs is true or false")
    top = _whole(fields, "top_logprobs", 0)
    if top is not None and top > MAX_TOP_LOGPROBS:
        raise BadRequest(f"top_logprobs is at most {MAX_TOP_LOGPROBS}")
    if top is not None and not asked:
        raise BadRequest("top_logprobs needs logprobs: true")
    return (top or 0) if asked else None
