"""The released files become a coach: checkpoint, base weights where the checkpoint lacks them, tokenizer, prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoTokenizer, LlamaConfig, PreTrainedTokenizerBase

from biobench.problems import Problem, ProblemsFound
from biocoach_model.adapters import XAttn
from biocoach_model.checkpoints import LoraSettings, load_checkpoint, read_tensors
from biocoach_model.coach import BioCoach, CoachSettings, Seen
from biocoach_model.codec import ACTIONS
from biocoach_model.decoding import Stream
from biocoach_model.released.attention_weights import read_fusion
from biocoach_model.released.prompt import Prompt
from biocoach_model.released.settings import ReleasedSettings, prompt_of
from biocoach_model.streamvlm import SpecialTokens, StreamVLM

__all__ = ["HuggingFaceCodec", "ReleasedCoach", "load_released"]

_OURS = re.compile(r"(?:^|\.)(model\.(?:layers|embed_tokens|norm)\..*|lm_head\..*)$")
_LORA = re.compile(r"\.lora_([AB])(?:\.default)?\.weight$")
_ADAPTER = re.compile(r"layers\.(\d+)\.xattn_layer\.attn_layers\.0\.feat_attn_keys_fc\.weight$")
_EMBEDDING, _HEAD = "model.embed_tokens.weight", "lm_head.weight"
_COPY = "adapter.embed_tokens.weight"
"""Upstream's copy of the embedding; it stands in where a checkpoint has nothing else."""
_CONFIG = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "max_position_embeddings", "rms_norm_eps", "rope_theta", "rope_scaling", "rope_parameters", "hidden_act", "head_dim",
    "attention_bias", "mlp_bias", "tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id",
)  # fmt: skip
_NEEDED = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")


class HuggingFaceCodec:
    """The checkpoint's own tokenizer, read from its folder and never from a network."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._special = [name for name in tokenizer.get_added_vocab() if name.startswith("<") and name.endswith(">")]
        ids = tokenizer.get_vocab()
        self.actions = SpecialTokens.of({name: int(ids[name]) for name in ACTIONS})

    @classmethod
    def read(cls, folder: Path) -> HuggingFaceCodec:
        """Raises ``ProblemsFound`` for files that can't be read, or that lack the action tokens."""
        expected = "FitCoach's tokenizer, with the action tokens " + ", ".join(ACTIONS)
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        except Exception as error:  # the library raises what it likes
            found = f"a tokenizer that can't be read ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
            raise ProblemsFound([Problem(str(folder), found, expected)]) from error
        lacking = [name for name in ACTIONS if name not in tokenizer.get_vocab()]
        if lacking:
            raise ProblemsFound([Problem(str(folder), f"a tokenizer without {', '.join(lacking)}", expected)])
        return cls(tokenizer)

    def encode(self, text: str) -> list[int]:
        """Ids of a text; what looks like an action token in it is text like any other."""
        for name in self._special:
            text = text.replace(name, f"({name[1:-1]})")
        return self._ids(text, start=False)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, without special tokens."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def prompt(self, text: str) -> list[int]:
        """Ids of a prompt, with the start that the tokenizer puts, up to the first ``<vision>``."""
        ids = self._ids(text, start=True)
        vision = self.actions.vision
        return [*ids[: ids.index(vision) if vision in ids else len(ids)], vision]

    def _ids(self, text: str, *, start: bool) -> list[int]:
        return [int(k) for k in self._tokenizer(text, add_special_tokens=start)["input_ids"]]


class ReleasedCoach(BioCoach):
    """A coach whose motion context has reference repetitions from files, by the exercise's name."""

    golden_rad: Mapping[str, NDArray[np.float64]] = {}

    def stream_of(self, seen: Seen) -> Stream:
        return super().stream_of(replace(seen, golden_rad=self.golden_rad.get(seen.exercise)))


@dataclass(frozen=True, slots=True, eq=False)
class _Backbone:
    stream: StreamVLM
    codec: HuggingFaceCodec
    notes: tuple[str, ...]


def load_released(
    settings: ReleasedSettings, golden_rad: Mapping[str, NDArray[np.float64]], device: str
) -> tuple[ReleasedCoach, list[str]]:
    """The coach, and what was used, a line each. Raises ``ProblemsFound`` for files that don't fit together."""
    backbone = _backbone(settings, device)
    stream, codec = backbone.stream, backbone.codec
    notes = list(backbone.notes)
    fusion = None
    if settings.cross_attention_weights_path is not None:
        path = Path(settings.cross_attention_weights_path)
        channels, width = stream.xattn.vision_feat_dim, stream.config.hidden_size
        fusion, matched = read_fusion(path, channels, width, pooled=settings.released)
        notes += [f"cross-attention: {one}" for one in matched]
    else:
        notes.append("cross-attention: no weights named, so the measures are not used")
    prompt: Prompt = prompt_of(settings)
    notes.append(f"prompt: from {prompt.source}")
    notes.append(
        "selector: the published table, its learned weights are not released"
        if settings.released
        else "selector: none, its learned weights are not released; faults of every joint are told"
    )
    notes.append(
        f"references: {len(golden_rad)} exercises from golden_standards_dir"
        if golden_rad
        else "references: the package's"
    )
    notes.append(
        f"mode {settings.mode}, injection {settings.told}, timing {settings.timing}, {settings.dtype} on {device}"
        + (", repetitions looked for in the whole recording: it sees the future" if settings.released else "")
    )
    coach = ReleasedCoach(
        stream,
        codec,
        codec.prompt(prompt.text),
        CoachSettings(
            selector="table" if settings.released else "none",
            morphometrics=fusion is not None,
            injection=settings.told,
            released=settings.released,
        ),
        fusion,
        None,
    )
    coach.golden_rad = golden_rad
    coach.to(device).eval()
    return coach, notes


def _backbone(settings: ReleasedSettings, device: str) -> _Backbone:
    path, llama = settings.checkpoint, Path(settings.llama2_7b_path)
    codec = HuggingFaceCodec.read(path.parent)
    config = _config(llama / "config.json")
    tensors = read_tensors(path)
    xattn, lora = _xattn(tensors, path), _lora(tensors, settings)
    vocabulary = _vocabulary(tensors, config)
    highest = max(codec.actions.vision, codec.actions.answer, codec.actions.end)
    if highest >= vocabulary:
        found = f"an embedding of {vocabulary} rows, and action tokens up to {highest}"
        raise ProblemsFound([Problem(str(path), found, "the checkpoint that the tokenizer belongs to")])
    model = StreamVLM.on_meta(LlamaConfig(**{**config, "vocab_size": vocabulary}), xattn, codec.actions)
    notes = []
    wanted = {name: tuple(value.shape) for name, value in model.llama.state_dict().items() if "xattn" not in name}
    lacking = {name: shape for name, shape in wanted.items() if name not in _held(tensors)}
    if lacking:
        tensors, note = _with_base(tensors, lacking, llama, path, codec.actions, lora)
        notes.append(note)
    model.loaded = load_checkpoint(
        model.llama,
        tensors,
        lora,
        merge=settings.merge_lora,
        where=str(path),
        dtype=torch.bfloat16 if settings.dtype == "bfloat16" else torch.float32,
        device=device,
    )
    on_head = "lm_head" in model.loaded.merged
    layers = ", ".join(map(str, xattn.adapter_insert_layers))
    notes += [
        f"checkpoint: {model.loaded}",
        "lm_head: with its LoRA" if on_head else "lm_head: without LoRA",
        f"adapters: layers {layers} of {config['num_hidden_layers']}, {xattn.vision_feat_dim} channels",
        f"vocabulary: {vocabulary}",
    ]
    if lora is not None:
        notes.append(f"LoRA: rank {lora.rank}, alpha {lora.alpha:g}, {'merged' if settings.merge_lora else 'beside'}")
    return _Backbone(model.eval(), codec, tuple(notes))


def _config(path: Path) -> dict[str, Any]:
    expected = "LLaMA-2-7B's config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProblemsFound([Problem(str(path), f"a file that can't be read ({error})", expected)]) from error
    if not isinstance(content, dict) or any(not isinstance(content.get(name), int) for name in _NEEDED):
        raise ProblemsFound([Problem(str(path), "a file without a LLaMA's sizes", f"{expected}: {', '.join(_NEEDED)}")])
    return {name: content[name] for name in _CONFIG if content.get(name) is not None}


def _xattn(tensors: Mapping[str, Tensor], path: Path) -> XAttn:
    """Where the adapters are and how wide, as the tensors show it."""
    found = {int(m[1]): tuple(value.shape) for name, value in tensors.items() if (m := _ADAPTER.search(name))}
    if not found:
        expected = "adapters (xattn_layer) in layers 6, 8, ..., 22, as Stream-VLM's checkpoint has them"
        raise ProblemsFound([Problem(str(path), "a checkpoint without adapters", expected)])
    first = min(found)
    if len(found[first]) != 2:
        raise ProblemsFound([Problem(str(path), f"adapter keys of shape {list(found[first])}", "two dimensions")])
    width, channels = found[first]
    return XAttn(tuple(sorted(found)), channels, width)


def _lora(tensors: Mapping[str, Tensor], settings: ReleasedSettings) -> LoraSettings | None:
    """Rank and places as the tensors show them; alpha is in no tensor. None where there is no LoRA."""
    places = sorted({name[: m.start()].split(".")[-1] for name in tensors if (m := _LORA.search(name))})
    rank = next((len(value) for name, value in tensors.items() if (m := _LORA.search(name)) and m[1] == "A"), 0)
    if not places:
        return None
    return LoraSettings.of(
        {"r": rank, "lora_alpha": settings.lora_alpha, "target_modules": places}, lm_head=settings.lm_head_lora
    )


def _held(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """LLaMA's own weights among a checkpoint's tensors, by LLaMA's names."""
    held = {}
    for full, value in tensors.items():
        found = None if _LORA.search(full) else _OURS.search(full.replace(".base_layer.", "."))
        if found and not full.startswith(("adapter.", "vision.")):
            held[found[1]] = value
    return held


def _vocabulary(tensors: Mapping[str, Tensor], config: Mapping[str, object]) -> int:
    """Rows of the embedding: the checkpoint's, which is padded to a multiple of 64, or the base's."""
    held = _held(tensors)
    for rows in (held.get(_EMBEDDING), tensors.get(_COPY), held.get(_HEAD)):
        if rows is not None:
            return len(rows)
    size = config.get("vocab_size")
    return size if isinstance(size, int) else 0


def _with_base(
    tensors: Mapping[str, Tensor],
    lacking: Mapping[str, tuple[int, ...]],
    llama: Path,
    path: Path,
    actions: SpecialTokens,
    lora: LoraSettings | None,
) -> tuple[dict[str, Tensor], str]:
    """The tensors, with those that the checkpoint lacks from LLaMA's own files; and a line that says so."""
    filled = dict(tensors)
    wanted = dict(lacking)
    if _EMBEDDING in wanted and _COPY in tensors:
        filled[_EMBEDDING] = tensors[_COPY]
        del wanted[_EMBEDDING]
    base, padded = _base_tensors(llama, wanted), []
    problems = [
        Problem(str(path), f"no tensor {name}, and none in {llama}", "a checkpoint or base weights that have it")
        for name in wanted
        if name not in base
    ]
    head_lora = lora is not None and "lm_head" in lora.targets
    for name, value in base.items():
        rows = wanted[name][0]
        if name in (_EMBEDDING, _HEAD) and len(value) < rows:
            made_up = max(actions.vision, actions.answer, actions.end) >= len(value)
            if made_up and not (name == _HEAD and head_lora):
                found = f"no {name} of its own, and LLaMA's has {len(value)} rows: none for the action tokens"
                problems.append(Problem(str(path), found, "a checkpoint with trained rows for the action tokens"))
            padded.append(f"{name} by {rows - len(value)} rows of zeros")
            value = torch.cat([value, value.new_zeros(rows - len(value), *value.shape[1:])])  # noqa: PLW2901
        filled[name] = value
    if problems:
        raise ProblemsFound(problems)
    note = f"base: {len(base)} tensors from llama2_7b_path" + (f"; padded {', '.join(padded)}" if padded else "")
    return filled, note


def _base_tensors(llama: Path, names: Mapping[str, object]) -> dict[str, Tensor]:
    """LLaMA's weights of these names, from its safetensors files, or from its torch files where it has no others."""
    found: dict[str, Tensor] = {}
    files = sorted(llama.glob("model*.safetensors")) or sorted(llama.glob("pytorch_model*.bin"))
    if not files:
        expected = "model*.safetensors or pytorch_model*.bin: the checkpoint has no full LLaMA of its own"
        hint = "LLaMA-2-7B comes from Meta, on request; in Hugging Face's layout"
        raise ProblemsFound([Problem(str(llama), "no weights in it", expected, hint)])
    for file in files:
        found |= {name: value for name, value in read_tensors(file).items() if name in names}
    return found
