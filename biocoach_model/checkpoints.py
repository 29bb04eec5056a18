"""Upstream's checkpoint -> the backbone's weights: names, LoRA, and an account of every tensor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from biobench.problems import Problem, ProblemsFound

__all__ = ["Loaded", "LoraLinear", "LoraSettings", "load_checkpoint", "read_tensors"]

_PREFIX = re.compile(r"^(?:module\.)?(?:lang\.)?(?:base_model\.model\.)?")
_LORA = re.compile(r"\.lora_(A|B)(?:\.default)?\.weight$")
_UNUSED = ("adapter.", "vision.", "rotary_emb.inv_freq")
"""Upstream's copies of the embedding, its 3D CNN (features come as files), and tables that are computed."""
_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """LoRA as a checkpoint was trained with it: the weight's change is ``alpha / rank * B A``."""

    rank: int
    alpha: float
    targets: tuple[str, ...]

    @classmethod
    def of(cls, settings: Mapping[str, object], *, lm_head: bool = True) -> LoraSettings:
        """From upstream's dictionary (``r``, ``lora_alpha``, ``target_modules``). Raises ``ProblemsFound`` for wrong values."""
        rank, alpha, targets = settings.get("r"), settings.get("lora_alpha"), settings.get("target_modules")
        problems = [
            Problem("lora", f"{name} = {value!r}", "a number above 0")
            for name, value in (("r", rank), ("lora_alpha", alpha))
            if not isinstance(value, int | float) or value <= 0
        ]
        if not isinstance(targets, list | tuple) or not all(isinstance(t, str) for t in targets):
            problems.append(Problem("lora", f"target_modules = {targets!r}", 'a list of names, such as ["q_proj"]'))
        if problems or not (
            isinstance(rank, int | float) and isinstance(alpha, int | float) and isinstance(targets, list | tuple)
        ):
            raise ProblemsFound(problems)
        return cls(int(rank), float(alpha), tuple(t for t in targets if lm_head or t != "lm_head"))


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a checkpoint's tensors, by their names there.

    ``left_out`` are LoRA tensors of modules that the settings don't name (``lm_head`` when it is switched off), ``unused``
    those that the backbone has no use for.
    """

    used: int
    merged: tuple[str, ...]
    left_out: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        """One line for a note."""
        return (
            f"{self.used} tensors loaded, LoRA on {len(self.merged)} weights"
            + (f", LoRA left out on {', '.join(self.left_out)}" if self.left_out else "")
            + (f", {len(self.unused)} tensors not needed" if self.unused else "")
        )


class LoraLinear(nn.Module):
    """A linear layer with its low-rank change beside it."""

    def __init__(self, base: nn.Linear, down: Tensor, up: Tensor, scale: float) -> None:
        super().__init__()
        self.base, self.scale = base, scale
        self.down = nn.Parameter(down.to(base.weight))
        self.up = nn.Parameter(up.to(base.weight))

    def forward(self, x: Tensor) -> Tensor:
        """``W x + scale * B A x``."""
        changed: Tensor = self.base(x) + self.scale * nn.functional.linear(nn.functional.linear(x, self.down), self.up)
        return changed


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of a torch file (``weights_only``), maybe wrapped in ``state_dict``.

    Raises ``ProblemsFound`` for a file that is missing, damaged, or holds anything but tensors.
    """
    expected = "a checkpoint, .safetensors or .pth.tar, with the model's tensors"
    if not path.is_file():
        raise ProblemsFound([Problem(str(path), "no such file", expected)])
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file  # noqa: PLC0415 - only for this kind of file

            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except Exception as error:  # torch and safetensors raise what they like for a damaged file
        found = f"a file that can't be read, or that holds more than tensors ({type(error).__name__})"
        raise ProblemsFound([Problem(str(path), found, expected)]) from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ProblemsFound([Problem(str(path), "a file that holds something else than named tensors", expected)])
    return {str(name): value for name, value in content.items()}


def load_checkpoint(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    lora: LoraSettings | None,
    *,
    merge: bool,
    where: str,
    dtype: torch.dtype,
    device: str | torch.device,
) -> Loaded:
    """Fills ``module``, a LLaMA with adapters, from a checkpoint's tensors. Raises ``ProblemsFound`` with all that don't fit."""
    plain, low_rank, unused, used = _sorted(tensors)
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    problems = _misfits(plain, wanted, where)
    named = {name for name in low_rank if lora is not None and name.split(".")[-1] in lora.targets}
    if lora is not None:
        problems += _lora_misfits({name: low_rank[name] for name in named}, wanted, lora, where)
    elif low_rank:
        found = f"LoRA tensors on {len(low_rank)} weights"
        problems.append(Problem(where, found, "settings for them: rank, alpha and targets"))
    if len(problems) > _MOST_SHOWN:
        more = Problem(where, f"{len(problems) - _MOST_SHOWN} more tensors like these", "the model's tensors")
        problems = [*problems[:_MOST_SHOWN], more]
    if problems:
        raise ProblemsFound(problems)
    weights = {name: value.to(device, dtype) for name, value in plain.items()}
    scale = 0.0 if lora is None else lora.alpha / lora.rank
    if merge:
        for name in named:
            down, up = low_rank[name]["A"].float(), low_rank[name]["B"].float()
            weight = f"{name}.weight"
            weights[weight] = (plain[weight].float() + scale * (up @ down)).to(device, dtype)
    module.load_state_dict(weights, assign=True)
    module.to(device)
    if not merge:
        for name in named:
            parent = module.get_submodule(name.rpartition(".")[0])
            base = module.get_submodule(name)
            if isinstance(base, nn.Linear):
                setattr(parent, name.split(".")[-1], LoraLinear(base, low_rank[name]["A"], low_rank[name]["B"], scale))
    left_out = tuple(sorted(set(low_rank) - named))
    return Loaded(used, tuple(sorted(named)), left_out, tuple(sorted(unused)))


def _sorted(
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, dict[str, Tensor]], list[str], int]:
    """Weights by our names, LoRA pairs by module, names without use, and how many tensors have one."""
    plain: dict[str, Tensor] = {}
    low_rank: dict[str, dict[str, Tensor]] = {}
    unused = []
    for full, value in tensors.items():
        if full.startswith(_UNUSED[:2]) or full.endswith(_UNUSED[2]):
            unused.append(full)
            continue
        name = _PREFIX.sub("", full)
        pair = _LORA.search(name)
        if pair:
            low_rank.setdefault(name[: pair.start()], {})[pair[1]] = value
        else:
            plain[name.replace(".base_layer.", ".")] = value
    return plain, low_rank, unused, len(tensors) - len(unused)


def _misfits(plain: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]], where: str) -> list[Problem]:
    problems = [
        Problem(where, f"no tensor {name}", f"one of shape {list(shape)}")
        for name, shape in wanted.items()
        if name not in plain
    ]
    for name, value in plain.items():
        if name not in wanted:
            problems.append(Problem(where, f"a tensor {name} {list(value.shape)}", "only tensors that the model has"))
        elif tuple(value.shape) != wanted[name]:
            problems.append(Problem(where, f"{name} of shape {list(value.shape)}", f"shape {list(wanted[name])}"))
        elif value.is_floating_point() and not bool(torch.isfinite(value).all()):
            problems.append(Problem(where, f"{name} with NaN or infinite values", "finite numbers"))
    return problems


def _lora_misfits(
    pairs: Mapping[str, Mapping[str, Tensor]],
    wanted: Mapping[str, tuple[int, ...]],
    lora: LoraSettings,
    where: str,
) -> list[Problem]:
    problems = []
    for name, pair in pairs.items():
        shape = wanted.get(f"{name}.weight")
        if set(pair) != {"A", "B"} or shape is None:
            problems.append(Problem(where, f"LoRA on {name}: {', '.join(sorted(pair))}", "A and B of a weight"))
        elif tuple(pair["A"].shape) != (lora.rank, shape[1]) or tuple(pair["B"].shape) != (shape[0], lora.rank):
            found = f"LoRA on {name} of shapes {list(pair['A'].shape)} and {list(pair['B'].shape)}"
            expected = f"{[lora.rank, shape[1]]} and {[shape[0], lora.rank]}: rank {lora.rank}"
            problems.append(Problem(where, found, expected))
        elif not all(bool(torch.isfinite(tensor).all()) for tensor in pair.values()):
            problems.append(Problem(where, f"LoRA on {name} with NaN or infinite values", "finite numbers"))
    return problems


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"
