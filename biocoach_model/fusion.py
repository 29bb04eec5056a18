"""Morphometrics join the visual features: cross-attention from every cell of a row to the words of the person's measures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["MorphometricFusion"]


class MorphometricFusion(nn.Module):
    """``z = F + alpha * LN(Attention(LN(F), m, m))``: pre-LN, 8 heads, dropout 0.1, alpha learnable from 0.1.

    The paper's reading: m are the embeddings of every word of the measures (Ji et al., CVPR 2026, section 3.3). With
    ``pooled`` their mean is the only key, as in the released code: a softmax over one key is 1 whatever the features, so
    that the same vector is added to every cell. The output LayerNorm is on the added branch: the frozen backbone reads
    features of the size that it knows.
    """

    def __init__(
        self,
        channels: int,
        words: int,
        *,
        heads: int = 8,
        dropout: float = 0.1,
        alpha: float = 0.1,
        pooled: bool = False,
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels don't divide into {heads} heads")
        self.heads, self.pooled = heads, pooled
        self.norm_in = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(words, channels)
        self.value = nn.Linear(words, channels)
        self.out = nn.Linear(channels, channels)
        self.norm_out = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)
        self.alpha = nn.Parameter(torch.tensor(alpha))

    def forward(self, rows: Tensor, words: Tensor, known: Tensor | None = None, of: Tensor | None = None) -> Tensor:
        """Rows (n, cells, channels) with the measures' words in them.

        ``words`` (people, tokens, width) are embeddings, ``known`` (people, tokens) marks those that are no padding, ``of``
        (n,) says whose row each is; by default there is one person.
        """
        if self.pooled:
            weights = torch.ones(words.shape[:2], device=words.device) if known is None else known.float()
            mean = (words * weights[..., None].to(words.dtype)).sum(1) / weights.sum(1)[:, None].to(words.dtype)
            words, known = mean[:, None], None
        query = self._split(self.query(self.norm_in(rows)))
        key, value = self._split(self.key(words)), self._split(self.value(words))
        if of is None:
            of = torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        scores = torch.einsum("nchd,nthd->nhct", query, key[of]) * query.shape[-1] ** -0.5
        if known is not None:
            scores = scores.masked_fill(~known[of][:, None, None, :], float("-inf"))
        mixed = torch.einsum("nhct,nthd->nchd", self.dropout(torch.softmax(scores, -1)), value[of])
        branch: Tensor = self.norm_out(self.out(mixed.flatten(2)))
        fused: Tensor = rows + self.alpha * self.dropout(branch)
        return fused

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, x.shape[-1] // self.heads)
