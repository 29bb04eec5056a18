"""A trained model as a folder: ``model.json``, ``weights.safetensors`` (float16), ``tokenizer.json``, a card.

A coach's folder holds what was learned beside the backbone, and names the backbone's folder, which stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from transformers import LlamaConfig

from biobench.files import write_bytes, write_text
from biobench.problems import Problem, ProblemsFound
from biocoach_model.adapters import XAttn
from biocoach_model.coach import BioCoach, CoachSettings
from biocoach_model.codec import SmallCodec, read_codec
from biocoach_model.fusion import MorphometricFusion
from biocoach_model.selector import JointSelector
from biocoach_model.streamvlm import SpecialTokens, StreamVLM

__all__ = ["BUNDLED", "ModelFolder", "load_coach", "save_coach", "save_stream"]

BUNDLED = Path(__file__).parent / "weights"
"""The small models that come with the package."""

_SCHEMA = "biobench/model/1"
_WEIGHTS, _MODEL, _TOKENIZER = "weights.safetensors", "model.json", "tokenizer.json"


class ModelFolder:
    """A folder that holds a model. Raises ``ProblemsFound`` with everything that is missing or damaged in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        missing = [name for name in (_MODEL, _WEIGHTS) if not (path / name).is_file()]
        if missing:
            found = f"no {' and no '.join(missing)} in it" if path.is_dir() else "no such folder"
            expected = "a folder that biobench train wrote"
            raise ProblemsFound([Problem(str(path), found, expected, "see docs/training.md")])
        try:
            self.model: Mapping[str, Any] = json.loads((path / _MODEL).read_text(encoding="utf-8"))
            self.weights: dict[str, Tensor] = load_file(path / _WEIGHTS)
        except (ValueError, SafetensorError) as error:
            raise ProblemsFound(
                [Problem(str(path), f"a damaged file ({error})", "files that biobench train wrote")]
            ) from error
        if not isinstance(self.model, dict) or self.model.get("schema") != _SCHEMA:
            raise ProblemsFound([Problem(str(path / _MODEL), "another kind of file", f"a model with schema {_SCHEMA}")])

    @property
    def sha256(self) -> str:
        """Over the weights' bytes."""
        return sha256((self.path / _WEIGHTS).read_bytes()).hexdigest()

    @property
    def base(self) -> Path | None:
        """The backbone's folder, beside this one; None for a backbone."""
        name = self.model.get("base")
        return None if name is None else (self.path / str(name)).resolve()


def load_coach(path: Path, device: str | torch.device = "cpu", **changes: object) -> BioCoach:
    """A coach, or a backbone alone as a coach without the other stages, ready to say something; float32.

    ``changes`` are other values of ``CoachSettings``. Raises ``ProblemsFound`` where files are missing, damaged, or don't
    belong together.
    """
    folder = ModelFolder(path)
    base = folder if folder.base is None else ModelFolder(folder.base)
    try:
        return _coach(folder, base, changes).to(device).eval()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"a key that is missing or of another kind ({type(error).__name__}: {error})"
        raise ProblemsFound([Problem(str(path / _MODEL), found, "a file that biobench train wrote")]) from error


def _coach(folder: ModelFolder, base: ModelFolder, changes: Mapping[str, object]) -> BioCoach:
    stream, codec = _stream(base)
    record = folder.model
    settings = CoachSettings(**record["coach"])
    known = {field.name: getattr(settings, field.name) for field in fields(settings)}
    settings = CoachSettings(**{**known, **changes})
    fusion, selector = _parts(folder, stream, settings)
    bias = float(record.get("answer_bias", base.model.get("answer_bias", 0.0)))
    prompt = base.model["prompt"]
    return BioCoach(stream, codec, prompt, settings, fusion, selector, bias)


def save_stream(folder: Path, alone: BioCoach, codec: SmallCodec, made: Mapping[str, object]) -> None:
    """Writes a backbone, with the settings that it speaks by on its own. ``made`` says how it came to be."""
    stream = alone.stream
    config = stream.config
    record = {
        "schema": _SCHEMA,
        "kind": "stream-vlm",
        "llama": {
            "vocab_size": config.vocab_size,
            "hidden_size": config.hidden_size,
            "intermediate_size": config.intermediate_size,
            "num_hidden_layers": config.num_hidden_layers,
            "num_attention_heads": config.num_attention_heads,
            "num_key_value_heads": config.num_key_value_heads,
            "max_position_embeddings": config.max_position_embeddings,
            "tie_word_embeddings": config.tie_word_embeddings,
        },
        "xattn": asdict(stream.xattn),
        "tokens": asdict(stream.tokens),
        "prompt": list(alone.prompt),
        "coach": asdict(alone.settings),
        "answer_bias": alone.answer_bias,
        "made": dict(made),
    }
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value for name, value in stream.state_dict().items() if not _tied(stream, name)}
    _write(folder, record, weights)
    write_text(folder / _TOKENIZER, codec.to_json())


def save_coach(folder: Path, coach: BioCoach, base: str, made: Mapping[str, object], pool: str, hidden: int) -> None:
    """Writes what a coach learned beside its backbone, whose folder is ``base``, as seen from this one."""
    record = {
        "schema": _SCHEMA,
        "kind": "biocoach",
        "base": base,
        "coach": asdict(coach.settings),
        "selector": None if coach.selector is None else {"pool": pool, "hidden": hidden},
        "answer_bias": coach.answer_bias,
        "made": dict(made),
    }
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        f"{part}.{name}": value
        for part, module in (("fusion", coach.fusion), ("selector", coach.selector))
        if module is not None
        for name, value in module.state_dict().items()
    }
    _write(folder, record, weights)


def _stream(folder: ModelFolder) -> tuple[StreamVLM, SmallCodec]:
    record = folder.model
    if not (folder.path / _TOKENIZER).is_file():
        raise ProblemsFound([Problem(str(folder.path), f"no {_TOKENIZER}", "the backbone's vocabulary")])
    codec = read_codec(folder.path / _TOKENIZER)
    xattn = XAttn(**{**record["xattn"], "adapter_insert_layers": tuple(record["xattn"]["adapter_insert_layers"])})
    stream = StreamVLM(LlamaConfig(**record["llama"]), xattn, SpecialTokens(**record["tokens"]))
    weights = {name: value.float() for name, value in folder.weights.items()}
    for name in stream.state_dict():
        if _tied(stream, name):
            weights[name] = weights["llama.model.embed_tokens.weight"]
    _fill(stream, weights, folder.path)
    return stream, codec


def _parts(
    folder: ModelFolder, stream: StreamVLM, settings: CoachSettings
) -> tuple[MorphometricFusion | None, JointSelector | None]:
    parts = {name.partition(".")[0] for name in folder.weights}
    channels, cells = stream.xattn.vision_feat_dim, 35
    fusion = selector = None
    if "fusion" in parts:
        fusion = MorphometricFusion(channels, stream.config.hidden_size, pooled=settings.released)
        _fill(fusion, _of("fusion", folder.weights), folder.path)
    if "selector" in parts:
        made = folder.model["selector"]
        selector = JointSelector(channels, cells, made["hidden"], made["pool"])
        _fill(selector, _of("selector", folder.weights), folder.path)
    return fusion, selector


def _of(part: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{part}."
    return {name.removeprefix(start): value.float() for name, value in weights.items() if name.startswith(start)}


def _fill(module: torch.nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        found = f"weights that don't fit: {' '.join(str(error).split())[:300]}"
        raise ProblemsFound([Problem(str(path), found, "those that biobench train wrote beside model.json")]) from error


def _tied(stream: StreamVLM, name: str) -> bool:
    return bool(stream.config.tie_word_embeddings) and name == "llama.lm_head.weight"


def _write(folder: Path, record: Mapping[str, object], weights: Mapping[str, Tensor]) -> None:
    half = {name: value.detach().cpu().to(torch.float16).contiguous() for name, value in weights.items()}
    write_bytes(folder / _WEIGHTS, save(half))
    write_text(folder / _MODEL, json.dumps(record, indent=1, allow_nan=False) + "\n")
