"""When a decoded remark was said: upstream's reckoning, and the time of the row that the model had just seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biocoach_model.streamvlm import SpecialTokens

__all__ = ["SPEAKING_HZ", "published_remarks"]

SPEAKING_HZ = 12.0
"""Tokens a second that upstream gives a coach to say them."""


def published_remarks(ids: Sequence[int], tokens: SpecialTokens, rows_hz: float = 4.0) -> list[tuple[float, list[int]]]:
    """Upstream's times and the words' ids, remark by remark.

    With n_i the ``<vision>`` tokens before remark i since the last one, the prompt's counted: t_1 = (n_1 - 2) / 4 and
    t_i = t_(i-1) + n_i / 4 + (tokens_(i-1) + 1) / 12 seconds. A remark without words vanishes with its n_i, and the next
    one gets no speaking time; one that was not finished vanishes.
    """
    found: list[tuple[float, list[int]]] = []
    rows, spoken = 0, 0
    words: list[int] | None = None
    time_s = -2 / rows_hz
    for token in ids:
        if token == tokens.answer:
            words = []
        elif words is None:
            rows += token == tokens.vision
        elif token == tokens.end:
            if words:
                time_s += rows / rows_hz + (spoken + 1 if spoken else 0) / SPEAKING_HZ
                found.append((time_s, words))
            rows, spoken, words = 0, len(words), None
        else:
            words.append(token)
    return found
