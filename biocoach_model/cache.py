"""Keys and values of what was read, for a batch of segments that advance together."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["KeyValueCache"]

_STEP = 256
"""Tokens by which the memory grows, so that it isn't copied at every token."""


class KeyValueCache:
    """Speaks to transformers' attention layers as their own caches do (``update``); ``keep`` drops finished segments."""

    def __init__(self) -> None:
        self.length = 0
        """Tokens that every segment has behind it."""
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object) -> tuple[Tensor, Tensor]:
        """Adds (batch, heads, tokens, width) of a layer; gives everything of that layer so far."""
        end = self.length + keys.shape[2]
        if layer == len(self._keys):
            self._keys.append(_room(keys, end))
            self._values.append(_room(values, end))
        elif self._keys[layer].shape[2] < end:
            self._keys[layer] = _grown(self._keys[layer], self.length, end)
            self._values[layer] = _grown(self._values[layer], self.length, end)
        self._keys[layer][:, :, self.length : end] = keys
        self._values[layer][:, :, self.length : end] = values
        return self._keys[layer][:, :, :end], self._values[layer][:, :, :end]

    def advance(self, tokens: int) -> None:
        """Once all layers have been updated."""
        self.length += tokens

    def keep(self, which: Tensor) -> None:
        """Only the segments at these indices, in this order."""
        self._keys = [keys.index_select(0, which) for keys in self._keys]
        self._values = [values.index_select(0, which) for values in self._values]


def _room(like: Tensor, tokens: int) -> Tensor:
    batch, heads, _, width = like.shape
    return torch.empty(batch, heads, -(-tokens // _STEP) * _STEP, width, dtype=like.dtype, device=like.device)


def _grown(old: Tensor, used: int, tokens: int) -> Tensor:
    new = _room(old, tokens)
    new[:, :, :used] = old[:, :, :used]
    return new
