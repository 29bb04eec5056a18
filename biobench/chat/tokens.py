"""Tokens of a request, guessed from its characters and pixels: no tokenizer is at hand for a model that is only a name."""

from __future__ import annotations

import json
import math

from biobench.chat.records import Request

__all__ = ["completion_most", "prompt_middle", "prompt_most"]

_OF_A_MESSAGE = 4  # the marks that a chat template puts around it
_OF_AN_ORDER = 120  # characters of the sentence that says a schema


def prompt_middle(request: Request) -> int:
    """One token for four characters, as English text has with most tokenizers, and for 28 by 28 pixels."""
    return _tokens(request, 4.0, 28)


def prompt_most(request: Request) -> int:
    """One token for two characters, more than any English text has, and for 14 by 14 pixels.

    Other scripts may have more, and so may the pictures of some models.
    """
    return _tokens(request, 2.0, 14)


def completion_most(request: Request) -> int | None:
    """What the request allows; None where it sets no limit."""
    return request.sampling.max_tokens


def _tokens(request: Request, characters_a_token: float, patch: int) -> int:
    characters = sum(len(message.content) for message in request.messages)
    if request.schema is not None:
        characters += len(json.dumps(request.schema.definition)) + _OF_AN_ORDER
    pictures = [picture for message in request.messages for picture in message.pictures]
    patches = sum(math.ceil(picture.width / patch) * math.ceil(picture.height / patch) for picture in pictures)
    return (
        math.ceil(characters / characters_a_token) + patches + _OF_A_MESSAGE * (len(request.messages) + len(pictures))
    )
