"""Stream-VLM: a LLaMA that reads one row of visual features with every ``<vision>`` token, and says when it speaks.

The published model (FitCoach's Stream-VLM) in our own code, on transformers' LLaMA. Action tokens decide when to speak: after
each row the model predicts ``<vision>`` (go on) or ``<answer>``; a remark ends with ``<answer/>``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from biocoach_model.adapters import VisualAdapter, XAttn
from biocoach_model.cache import KeyValueCache
from biocoach_model.checkpoints import Loaded, LoraSettings, load_checkpoint, read_tensors

__all__ = ["NO_VISION", "VISION", "SpecialTokens", "StreamVLM", "Visual", "as_rows"]

NO_VISION = 0
VISION = 2
"""Values of a ``vision_xattn_mask``: what upstream calls a token that sees a row, and one that sees none."""


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The ids of the action tokens."""

    vision: int
    answer: int
    end: int

    @classmethod
    def of(cls, ids: Mapping[str, int]) -> SpecialTokens:
        """From ``{"<vision>": 60, "<answer>": 61, "<answer/>": 62}``. Raises ``KeyError`` for one that is missing."""
        return cls(ids["<vision>"], ids["<answer>"], ids["<answer/>"])


@dataclass(frozen=True, slots=True)
class Visual:
    """Rows of features and the tokens that see them.

    ``rows`` (n, cells, channels); ``places`` (n,) indices into the flattened (batch x tokens) positions.
    """

    rows: Tensor
    places: Tensor


class StreamVLM(nn.Module):
    """The backbone. ``llama`` holds transformers' module; the adapters hang on its decoder layers as ``xattn_layer``."""

    loaded: Loaded | None = None
    """What became of a checkpoint's tensors, where the model was loaded from one."""

    def __init__(self, llama_config: LlamaConfig, xattn: XAttn, tokens: SpecialTokens) -> None:
        super().__init__()
        layers = llama_config.num_hidden_layers
        beyond = [k for k in xattn.adapter_insert_layers if not 0 <= k < layers]
        if beyond:
            found = f"adapter_insert_layers with {', '.join(map(str, beyond))}"
            raise ProblemsFound([Problem("xattn", found, f"layers 0 to {layers - 1}: the model has {layers}")])
        self.config, self.xattn, self.tokens = llama_config, xattn, tokens
        self.llama = LlamaForCausalLM(llama_config)
        for k in xattn.adapter_insert_layers:
            self.llama.model.layers[k].xattn_layer = VisualAdapter(llama_config.hidden_size, xattn)

    @classmethod
    def from_state_dict(
        cls,
        path: str | Path,
        llama_config: Mapping[str, object],
        xattn: Mapping[str, object],
        lora: Mapping[str, object] | None,
        special_tokens: Mapping[str, int],
        *,
        merge_lora: bool = True,
        lm_head_lora: bool = True,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> StreamVLM:
        """Upstream's checkpoint (safetensors, or ``.pth.tar`` read without running anything in it).

        ``lora`` says rank, alpha and targets of the LoRA tensors among them; they are added to the weights, or with
        ``merge_lora=False`` kept beside them. ``lm_head_lora=False`` leaves out the one on the output layer, which the
        released run may not have used. ``loaded`` says what became of every tensor.
        Raises ``ProblemsFound`` for tensors that are missing, unknown, of another shape, or not finite: the first dozen by
        name, and how many more there are.
        """
        tensors = read_tensors(Path(path))
        settings_of_llama: dict[str, Any] = dict(llama_config)
        known = LlamaConfig().to_dict()
        problems = [
            Problem("llama_config", f"the key {key!r}", "keys of transformers' LlamaConfig", nearest(key, list(known)))
            for key in settings_of_llama
            if key not in known and not hasattr(LlamaConfig, key) and key != "rope_theta"
        ]
        problems += [
            Problem("special_tokens", f"no {name}", "the ids of <vision>, <answer> and <answer/>")
            for name in ("<vision>", "<answer>", "<answer/>")
            if name not in special_tokens
        ]
        if problems:
            raise ProblemsFound(problems)
        settings = None if lora is None else LoraSettings.of(lora, lm_head=lm_head_lora)
        model = cls.on_meta(LlamaConfig(**settings_of_llama), XAttn.of(xattn), SpecialTokens.of(special_tokens))
        model.loaded = load_checkpoint(
            model.llama, tensors, settings, merge=merge_lora, where=str(path), dtype=dtype, device=device
        )
        return model.eval()

    @classmethod
    def on_meta(cls, llama_config: LlamaConfig, xattn: XAttn, tokens: SpecialTokens) -> StreamVLM:
        """A model without memory for its weights, which are about to be loaded; only the rotary table is real."""
        with torch.device("meta"):
            model = cls(llama_config, xattn, tokens)
        model.llama.model.rotary_emb = LlamaRotaryEmbedding(config=llama_config)
        return model

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self.llama.model.embed_tokens.weight.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        dtype: torch.dtype = self.llama.model.embed_tokens.weight.dtype
        return dtype

    def embed(self, ids: Tensor) -> Tensor:
        """The language model's own embedding of token ids, (..., hidden)."""
        embedded: Tensor = self.llama.model.embed_tokens(ids)
        return embedded

    def forward(
        self,
        ids: Tensor,
        visual: Visual | None = None,
        *,
        embeddings: Tensor | None = None,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """The last hidden states, (batch, tokens, hidden), of ids (batch, tokens); ``scores`` turns them into logits.

        ``embeddings`` stand instead of the ids' own where something is spliced in. ``positions`` (batch, tokens) count
        from 0 by default; ``mask``, True where a token may look, (batch, 1, tokens, tokens seen), is causal by default.
        With a ``cache`` the positions, and where segments differ in length the mask, are the caller's affair.
        """
        model = self.llama.model
        hidden = self.embed(ids) if embeddings is None else embeddings
        if positions is None:
            positions = torch.arange(ids.shape[1], device=hidden.device)[None, :]
        rotary = model.rotary_emb(hidden, position_ids=positions)
        for k, layer in enumerate(model.layers):
            hidden = layer(
                hidden,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=cache is not None,
                position_embeddings=rotary,
            )
            if visual is not None and k in self.xattn.adapter_insert_layers and len(visual.places):
                flat = hidden.reshape(-1, hidden.shape[-1])
                flat = flat.index_add(
                    0, visual.places, layer.xattn_layer(flat[visual.places], visual.rows).to(flat.dtype)
                )
                hidden = flat.view_as(hidden)
        done: Tensor = model.norm(hidden)
        return done

    def scores(self, hidden: Tensor) -> Tensor:
        """Logits (..., vocabulary), float32."""
        logits: Tensor = self.llama.lm_head(hidden)
        return logits.float()

    @torch.inference_mode()
    def logits(self, input_ids: Sequence[int], vision_xattn_mask: Sequence[int], features: object) -> Tensor:
        """Teacher-forced logits of one sequence, (tokens, vocabulary) float32 on the CPU.

        ``features`` (rows, channels, 7, 5): row k belongs to the k-th token whose mask is 2; the others see no row.
        Raises ``ValueError`` for ids, lengths, rows or channels that don't fit, and for features that are not finite.
        """
        if len(input_ids) != len(vision_xattn_mask):
            raise ValueError(f"{len(input_ids)} ids and a mask of {len(vision_xattn_mask)}")
        self._check_ids(input_ids)
        rows = self._rows(features).to(self.device, self.dtype)
        places = [k for k, value in enumerate(vision_xattn_mask) if value == VISION]
        if len(places) > len(rows):
            raise ValueError(f"{len(places)} tokens see a row, and there are {len(rows)} rows")
        ids = torch.tensor([list(input_ids)], device=self.device)
        visual = Visual(rows[: len(places)], torch.tensor(places, dtype=torch.long, device=self.device))
        return self.scores(self(ids, visual)[0]).cpu()

    def generate_ids(self, prompt: Sequence[int], features: object, timing: str = "fixed") -> list[int]:
        """One segment, decoded greedily: the prompt's ids and those that follow.

        ``timing`` is ``official`` (upstream's loop: it ends before the last row is fed) or ``fixed`` (every row is fed, and
        a remark has at most 128 tokens). Raises ``ValueError`` as ``logits`` does, and for an empty prompt.
        """
        self._check_ids(prompt)
        from biocoach_model.decoding import Stream, decode  # noqa: PLC0415 - it needs this module

        return decode(self, [Stream(tuple(prompt), self._rows(features))], timing=timing)[0].ids

    def published_times(self, ids: Sequence[int], feats_frequency: float = 4.0) -> list[float]:
        """Upstream's times of the remarks in decoded ids, seconds; see ``biocoach_model.timing``.

        Raises ``ValueError`` where ``feats_frequency``, rows a second, is not above 0.
        """
        if not feats_frequency > 0:
            raise ValueError(f"{feats_frequency} rows a second, expected a number above 0")
        from biocoach_model.timing import published_remarks  # noqa: PLC0415 - as above

        return [time_s for time_s, _ in published_remarks(ids, self.tokens, feats_frequency)]

    def _rows(self, features: object) -> Tensor:
        rows = as_rows(features)
        if rows.shape[-1] != self.xattn.vision_feat_dim:
            raise ValueError(f"features of {rows.shape[-1]} channels, expected {self.xattn.vision_feat_dim}")
        if not bool(torch.isfinite(rows).all()):
            raise ValueError("features with NaN or infinite numbers, expected finite ones")
        return rows

    def _check_ids(self, ids: Sequence[int]) -> None:
        size = self.config.vocab_size
        odd = [token for token in ids if not 0 <= token < size]
        if odd or not len(ids):
            found = f"the id {odd[0]}" if odd else "no ids"
            raise ValueError(f"{found}, expected at least one, each from 0 to {size - 1}")


def as_rows(features: object) -> Tensor:
    """Features (rows, channels, 7, 5) as float32 rows of cells, (rows, cells, channels). Raises ``ValueError`` for others."""
    array: NDArray[np.float32] | Tensor = features if isinstance(features, Tensor) else np.asarray(features, np.float32)
    tensor = torch.as_tensor(array).float()
    if tensor.ndim != 4:
        raise ValueError(f"features of shape {tuple(tensor.shape)}, expected (rows, channels, height, width)")
    return tensor.flatten(2).transpose(1, 2).contiguous()
