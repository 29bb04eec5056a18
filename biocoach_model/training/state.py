"""Checkpoints: everything that a training needs to go on bit for bit, in one file that is whole or as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from biobench.files import write_bytes
from biobench.problems import Problem, ProblemsFound

__all__ = [
    "BEST",
    "CHECKPOINT",
    "Named",
    "Progress",
    "load_state",
    "load_weights",
    "read_made_with",
    "save_state",
    "save_weights",
]

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"

Named = Sequence[tuple[str, nn.Parameter]]

_SCHEMA = "biobench/training/1"
_CPU, _CUDA = "random/cpu", "random/cuda"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is: steps done and the last one's loss, its best validation, how many came after that one.

    Epoch and place in it follow from the step. ``stopped`` says why nothing is left to do: ``finished`` or ``patience``.
    """

    step: int = 0
    loss: float | None = None
    best_step: int | None = None
    best_loss: float | None = None
    since_best: int = 0
    stopped: str | None = None


def save_state(
    folder: Path,
    progress: Progress,
    parameters: Named,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    made_with: Mapping[str, str],
) -> None:
    """Writes the checkpoint over the one before, in one move.

    ``made_with`` is what a training that goes on must agree in. The random states are torch's, of the CPU and of the CUDA
    device that the parameters are on.
    """
    tensors: dict[str, Tensor] = {}
    for name, parameter in parameters:
        tensors[f"parameter/{name}"] = parameter.detach()
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer/{key}/{name}"] = value
    tensors[_CPU] = torch.get_rng_state()
    device = parameters[0][1].device
    if device.type == "cuda":
        tensors[_CUDA] = torch.cuda.get_rng_state(device)
    state = {
        "schema": _SCHEMA,
        "progress": asdict(progress),
        "scaler": scaler.state_dict(),
        "made_with": dict(made_with),
    }
    content = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(folder / CHECKPOINT, save(content, {"state": json.dumps(state, sort_keys=True)}))


def read_made_with(folder: Path) -> dict[str, str]:
    """What the checkpoint was made with. Raises ``ProblemsFound`` for one that is missing or damaged."""
    return dict(_read(folder / CHECKPOINT)[1]["made_with"])


def load_state(
    folder: Path, parameters: Named, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler
) -> Progress:
    """Puts parameters, optimizer, scaler and random states back as they were. Raises as ``read_made_with``."""
    path = folder / CHECKPOINT
    tensors, state = _read(path)
    weights: dict[str, Tensor] = {}
    moments: dict[int, dict[str, Tensor]] = {}
    numbers = _numbers(parameters, optimizer)
    for full, value in tensors.items():
        kind, _, rest = full.partition("/")
        if kind == "parameter":
            weights[rest] = value
        elif kind == "optimizer":
            key, _, name = rest.partition("/")
            moments.setdefault(numbers[name], {})[key] = value
    _fill(parameters, weights, path)
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    scaler.load_state_dict(state["scaler"])
    torch.set_rng_state(tensors[_CPU])
    device = parameters[0][1].device
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors[_CUDA], device)
    return Progress(**state["progress"])


def save_weights(path: Path, parameters: Named) -> None:
    """Writes the parameters under their names, nothing else."""
    write_bytes(path, save({name: parameter.detach().cpu().contiguous() for name, parameter in parameters}))


def load_weights(path: Path, parameters: Named) -> None:
    """Puts the file's values into the parameters. Raises ``ProblemsFound`` for a file that is damaged or of another model."""
    _fill(parameters, _tensors(path)[0], path)


def _numbers(parameters: Named, optimizer: torch.optim.Optimizer) -> dict[str, int]:
    """By which number the optimizer's own state dict calls each parameter: they are counted through its groups."""
    names = {id(parameter): name for name, parameter in parameters}
    order = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return {names[id(parameter)]: k for k, parameter in enumerate(order)}


@torch.no_grad()
def _fill(parameters: Named, values: Mapping[str, Tensor], path: Path) -> None:
    wanted = {name: (parameter.shape, parameter.dtype) for name, parameter in parameters}
    found = {name: (value.shape, value.dtype) for name, value in values.items()}
    if found != wanted:
        differ = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
        text = f"other tensors than the model's: {', '.join(differ[:5])}{' and more' if len(differ) > 5 else ''}"
        raise ProblemsFound([Problem(str(path), text, "the parameters that learn, each of its shape")])
    for name, parameter in parameters:
        parameter.copy_(values[name])


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a checkpoint and its state."""
    tensors, metadata = _tensors(path)
    try:
        state = json.loads(metadata["state"])
        schema = state["schema"]
    except (KeyError, TypeError, ValueError) as error:
        found, expected = "a file without a training's state", "a checkpoint of a training"
        raise ProblemsFound([Problem(str(path), found, expected)]) from error
    if schema != _SCHEMA:
        hint = "another version wrote it: train anew"
        raise ProblemsFound([Problem(str(path), f"the form {schema!r}", _SCHEMA, hint)])
    return tensors, state


def _tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        found = f"a file that can't be read ({' '.join(str(error).split())[:200]})"
        raise ProblemsFound([Problem(str(path), found, "a safetensors file of a training")]) from error
