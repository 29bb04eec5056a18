"""Keys and values of what was read, for a batch of segments that need not be equally far."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["KeyValueCache"]

_STEP = 256
"""Tokens by which the memory grows, so that it isn't copied at every token."""


class KeyValueCache:
    """Speaks to transformers' attention layers as their own caches do (``update``).

    ``lengths`` says how much each segment has behind it; what lies beyond is never looked at, and is written over. ``row``: the
    one segment that is being fed; None: all of them, one token each, or their prompts.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        self.lengths = list(lengths)
        self.row: int | None = None
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object) -> tuple[Tensor, Tensor]:
        """Adds (batch, heads, tokens, width) of a layer; gives everything of that layer that may be looked at."""
        lengths = self.lengths if self.row is None else [self.lengths[self.row]]
        tokens = keys.shape[2]
        end = max(lengths) + tokens
        if layer == len(self._keys):
            self._keys.append(_room(keys, end))
            self._values.append(_room(values, end))
        elif self._keys[layer].shape[2] < end:
            self._keys[layer], self._values[layer] = _grown(self._keys[layer], end), _grown(self._values[layer], end)
        found = []
        for memory, new in ((self._keys[layer], keys), (self._values[layer], values)):
            place = memory if self.row is None else memory[self.row : self.row + 1]
            if len(set(lengths)) == 1:
                place[:, :, lengths[0] : end] = new
            else:
                which = torch.arange(len(lengths), device=new.device)
                place[which, :, torch.tensor(lengths, device=new.device)] = new[:, :, 0]
            found.append(place[:, :, :end])
        return found[0], found[1]

    def keep(self, which: Sequence[int]) -> None:
        """Only the segments at these indices, in this order."""
        self.lengths = [self.lengths[k] for k in which]
        if self._keys:
            places = torch.tensor(list(which), device=self._keys[0].device)
            self._keys = [keys.index_select(0, places) for keys in self._keys]
            self._values = [values.index_select(0, places) for values in self._values]


def _room(like: Tensor, tokens: int) -> Tensor:
    batch, heads, _, width = like.shape
    # Zeros: what is masked is still multiplied, and memory may hold NaN.
    return torch.zeros(batch, heads, -(-tokens // _STEP) * _STEP, width, dtype=like.dtype, device=like.device)


def _grown(old: Tensor, tokens: int) -> Tensor:
    new = _room(old, tokens)
    new[:, :, : old.shape[2]] = old
    return new
