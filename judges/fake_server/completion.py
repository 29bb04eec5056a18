"""The JSON that the server sends: completions, the list of models, errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b

from judges.fake_server.chat_request import ChatRequest
from judges.fake_server.logprobs import TOKEN_CHARACTERS, token_logprobs
from judges.fake_server.replies import Reply

__all__ = ["MODEL", "completion", "encoded", "error", "models"]

MODEL = "fake-judge"
"""The name in the list of models; a request may name any."""
_CREATED = 1_735_689_600
"""A constant (the first second of 2025), so that the same requests give the same bytes."""


def completion(request: ChatRequest, reply: Reply, name: bytes, fingerprint: str) -> dict[str, object]:
    """OpenAI's ``chat.completion``; its id is a hash of ``name``. A token is four characters, rounded up."""
    text, finish_reason = reply.text, reply.finish_reason
    if text is not None and request.max_tokens is not None and len(text) > request.max_tokens * TOKEN_CHARACTERS:
        text, finish_reason = text[: request.max_tokens * TOKEN_CHARACTERS], "length"
    logprobs = None
    if text is not None and request.top_logprobs is not None and reply.logprobs:
        logprobs = {"content": token_logprobs(text, request.top_logprobs), "refusal": None}
    asked = _tokens(sum(len(said) for _, said in request.messages))
    answered = _tokens(len(text if text is not None else reply.refusal or ""))
    return {
        "id": "chatcmpl-" + blake2b(name, digest_size=12).hexdigest(),
        "object": "chat.completion",
        "created": _CREATED,
        "model": request.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": reply.refusal},
                "logprobs": logprobs,
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
        "system_fingerprint": fingerprint,
    }


def models() -> dict[str, object]:
    """The list of models, with one."""
    model = {"id": MODEL, "object": "model", "created": _CREATED, "owned_by": "biobench"}
    return {"object": "list", "data": [model]}


def error(message: str, kind: str = "invalid_request_error", code: str | None = None) -> dict[str, object]:
    """An error of the OpenAI kind."""
    return {"error": {"message": message, "type": kind, "code": code}}


def encoded(value: Mapping[str, object]) -> bytes:
    """As ASCII: a lone surrogate that a request brought is sent back escaped."""
    return json.dumps(value).encode()


def _tokens(characters: int) -> int:
    return -(-characters // TOKEN_CHARACTERS)
