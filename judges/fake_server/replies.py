"""A reply as text: the form that the request wants, and where the score stands in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from judges.fake_server.chat_request import ChatRequest

__all__ = ["Reply", "find_score", "written"]

_SCORE = re.compile(r"""["'](?:overall|score)["']: (?:"([^"]*)"|'([^']*)'|([\w.+-]+))""")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent as an answer, with log probabilities or without. ``text`` is None where the model refuses."""

    text: str | None
    finish_reason: Literal["stop", "length"] = "stop"
    refusal: str | None = None
    logprobs: bool = False


def written(bio: Mapping[str, object], request: ChatRequest) -> str:
    """The object of the judge ``bio`` where a JSON schema or the word ``"overall"`` asks for it, else ``{"score": N}``."""
    if request.format == "json_schema" or any('"overall"' in text for _, text in request.messages):
        return json.dumps(bio, ensure_ascii=False)
    return json.dumps({"score": int(str(bio["overall"]))})


def find_score(text: str) -> tuple[int, int] | None:
    """Where the last score's characters begin and end, quotes left out; None where there is none.

    >>> find_score('{"tampering": "no", "overall": "4"}')
    (32, 33)
    """
    found = None
    for found in _SCORE.finditer(text):  # noqa: B007 - the last one is meant
        pass
    if found is None:
        return None
    group = next(number for number in (1, 2, 3) if found[number] is not None)
    return found.span(group)
