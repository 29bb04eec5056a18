"""How a token sees a row of visual features: upstream's dot-product cross-attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from biobench.problems import Problem, ProblemsFound

__all__ = ["GRID", "VisualAdapter", "XAttn"]

GRID = (7, 5)
"""Rows and columns of a row of features."""


@dataclass(frozen=True, slots=True)
class XAttn:
    """Where the adapters are and how wide; names and values as upstream's configuration has them.

    ``places`` appends to every cell which row and column of the grid it is, as 12 more channels: features without a trace of
    their place (a convolution's padding leaves one) would hide it. Upstream's have none.
    """

    adapter_insert_layers: tuple[int, ...]
    vision_feat_dim: int
    attn_dim: int = 4096
    places: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> XAttn:
        """From upstream's dictionary. Raises ``ProblemsFound`` for kinds of attention that no released model has."""
        problems = [
            Problem("xattn", f"{name} = {settings[name]!r}", f"{only!r}: no released model has another")
            for name, only in (("type", "dotprod"), ("heads", 1), ("block_size", 1))
            if settings.get(name, only) != only
        ]
        layers, channels, width = (
            settings.get("adapter_insert_layers"),
            settings.get("vision_feat_dim"),
            settings.get("attn_dim", 4096),
        )
        whole = isinstance(layers, list | tuple) and all(isinstance(k, int) for k in layers)
        if not whole:
            problems.append(Problem("xattn", f"adapter_insert_layers = {layers!r}", "a list of layers, such as [1, 3]"))
        for name, value in (("vision_feat_dim", channels), ("attn_dim", width)):
            if not isinstance(value, int) or value < 1:
                problems.append(Problem("xattn", f"{name} = {value!r}", "a whole number above 0"))
        if problems or not (isinstance(layers, list | tuple) and isinstance(channels, int) and isinstance(width, int)):
            raise ProblemsFound(problems)
        return cls(tuple(layers), channels, width, bool(settings.get("places", False)))


class VisualAdapter(nn.Module):
    """Upstream's ``xattn_layer``: a list of one attention, so that its tensors have upstream's names."""

    def __init__(self, hidden: int, settings: XAttn) -> None:
        super().__init__()
        self.attn_layers = nn.ModuleList([_DotProduct(hidden, settings)])
        self._places = settings.places

    def forward(self, hidden: Tensor, rows: Tensor) -> Tensor:
        """What is added to tokens (n, hidden) that see rows (n, cells, channels)."""
        seen = torch.cat([rows, _places(rows)], dim=-1) if self._places else rows
        added: Tensor = self.attn_layers[0](hidden, seen)
        return added


def _places(rows: Tensor) -> Tensor:
    """Of every cell of a 7 x 5 grid, which row and which column it is: (n, 35, 12)."""
    height, width = GRID
    code = torch.cat(
        [
            torch.eye(height, device=rows.device, dtype=rows.dtype).repeat_interleave(width, 0),
            torch.eye(width, device=rows.device, dtype=rows.dtype).repeat(height, 1),
        ],
        dim=-1,
    )
    return code.expand(len(rows), -1, -1)


class _DotProduct(nn.Module):
    """``out_fc(softmax(q k^T / sqrt(attn_dim)) v)``: keys from the raw row, values through a small network."""

    def __init__(self, hidden: int, settings: XAttn) -> None:
        super().__init__()
        channels, width = settings.vision_feat_dim + settings.places * sum(GRID), settings.attn_dim
        self.hidden_attn_fc = nn.Linear(hidden, width, bias=False)
        self.feat_attn_keys_fc = nn.Linear(channels, width, bias=False)
        self.vision_projector = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, channels, bias=False),
            nn.GELU(),
            nn.Linear(channels, width, bias=False),
        )
        self.out_fc = nn.Linear(width, hidden, bias=False)
        self.scale = width**-0.5

    def forward(self, hidden: Tensor, rows: Tensor) -> Tensor:
        query, keys, values = self.hidden_attn_fc(hidden), self.feat_attn_keys_fc(rows), self.vision_projector(rows)
        weights = torch.softmax(torch.einsum("nd,ncd->nc", query, keys) * self.scale, dim=-1)
        seen: Tensor = self.out_fc(torch.einsum("nc,ncd->nd", weights, values))
        return seen
