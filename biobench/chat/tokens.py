"""Tokens of a request, guessed from its characters: no tokenizer is at hand for a model that is only a name."""

from __future__ import annotations

import json
import math

from biobench.chat.records import Request

__all__ = ["completion_most", "prompt_middle", "prompt_most"]

_OF_A_MESSAGE = 4  # the marks that a chat template puts around it
_OF_AN_ORDER = 120  # characters of the sentence that says a schema


def prompt_middle(request: Request) -> int:
    """One token for four characters, as English text has with most tokenizers."""
    return _tokens(request, 4.0)


def prompt_most(request: Request) -> int:
    """One token for two characters: more than any English text has; other scripts may have more."""
    return _tokens(request, 2.0)


def completion_most(request: Request) -> int | None:
    """What the request allows; None where it sets no limit."""
    return request.sampling.max_tokens


def _tokens(request: Request, characters_a_token: float) -> int:
    characters = sum(len(message.content) for message in request.messages)
    if request.schema is not None:
        characters += len(json.dumps(request.schema.definition)) + _OF_AN_ORDER
    return math.ceil(characters / characters_a_token) + _OF_A_MESSAGE * len(request.messages)
