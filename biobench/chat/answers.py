"""Bytes of a server become a ``Reply``, or what is known about a rejection; no text of theirs goes further."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from biobench.chat.records import Failure, Reply, Token, Usage

__all__ = ["ErrorFacts", "completion", "error_facts", "rejection", "reply", "usage_of"]

PARAMETERS = (
    "response_format", "json_schema", "json_object", "top_logprobs", "logprobs", "seed", "temperature", "top_p",
    "max_completion_tokens", "max_tokens",
)  # fmt: skip

_WORD = re.compile(r"[a-z][a-z0-9_]{1,63}")
_LOGPROB_FLOOR = -9999.0


class ErrorFacts:
    """The code, the type and the parameters of an error body; ``code`` is a plain word or empty."""

    __slots__ = ("code", "parameters", "quota")

    def __init__(self, code: str, parameters: frozenset[str], *, quota: bool) -> None:
        self.code = code
        self.parameters = parameters
        self.quota = quota


def completion(raw: bytes) -> Mapping[str, object] | None:
    """The chat completion that a body holds; None where it holds none.

    >>> completion(b'{"choices": [{"message": {"content": "4"}}]}') is not None
    True
    >>> completion(b'{"choices": [') is None
    True
    """
    value = _json(raw)
    if not isinstance(value, dict) or value.get("object", "chat.completion") != "chat.completion":
        return None
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        return None
    texts = (message.get("content"), message.get("refusal"))
    return value if all(text is None or isinstance(text, str) for text in texts) else None


def reply(value: Mapping[str, object], *, cached: bool, attempts: int) -> Reply:
    """The reply of a body that ``completion`` let pass."""
    choices = value["choices"]
    choice = choices[0] if isinstance(choices, list) else {}
    message = choice["message"]
    refusal = message.get("refusal")
    return Reply(
        text=_whole(message.get("content") or ""),
        refusal=_whole(refusal) if refusal else None,
        finish_reason=_word(choice.get("finish_reason")),
        usage=usage_of(value),
        logprobs=_logprobs(choice.get("logprobs")),
        fingerprint=_word(value.get("system_fingerprint")),
        model=_word(value.get("model")),
        cached=cached,
        attempts=attempts,
        raw=value,
    )


def usage_of(value: Mapping[str, object]) -> Usage | None:
    """The tokens that a completion counts; None where it counts none."""
    usage = value.get("usage")
    if not isinstance(usage, dict):
        return None
    prompt, written = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens", 0))
    return None if prompt is None or written is None else Usage(prompt, written)


def error_facts(raw: bytes, private: str) -> ErrorFacts:
    """What an error body says that may be shown: its code or type, unless that stands in the ``private`` text too."""
    value = _json(raw)
    error = value.get("error", value) if isinstance(value, dict) else value
    words = [error.get("code"), error.get("type")] if isinstance(error, dict) else []
    safe = [word for word in words if isinstance(word, str) and _WORD.fullmatch(word) and word not in private]
    text = raw.decode(errors="replace")
    found = frozenset(name for name in PARAMETERS if re.search(rf"(?<![A-Za-z_]){name}(?![A-Za-z_])", text))
    return ErrorFacts(safe[0] if safe else "", found, quota="insufficient_quota" in words)


def rejection(status: int, raw: bytes, attempts: int, private: str) -> Failure:
    """A rejected request as a failure."""
    facts = error_facts(raw, private)
    return Failure("rejected", attempts, status, facts.code, facts.parameters)


def _json(raw: bytes) -> object:
    """None for what is no strict JSON."""
    try:
        value: object = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _word(value: object) -> str:
    return _whole(value) if isinstance(value, str) else ""


def _whole(text: str) -> str:
    """The text with lone surrogates replaced, which no file could hold."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _logprobs(value: object) -> tuple[Token, ...] | None:
    content = value.get("content") if isinstance(value, dict) else None
    if not isinstance(content, list):
        return None
    tokens = []
    for entry in content:
        pair = _pair(entry)
        if pair is None:
            return None
        others = entry.get("top_logprobs")
        pairs = [_pair(other) for other in others] if isinstance(others, list) else []
        tokens.append(Token(*pair, tuple(other for other in pairs if other is not None)))
    return tuple(tokens)


def _pair(entry: object) -> tuple[str, float] | None:
    if not isinstance(entry, dict):
        return None
    token, logprob = entry.get("token"), entry.get("logprob")
    if not isinstance(token, str) or isinstance(logprob, bool) or not isinstance(logprob, int | float | None):
        return None
    # JSON knows no infinity; servers write null or their own floor for a probability of 0.
    return _whole(token), _LOGPROB_FLOOR if logprob is None else float(logprob)
