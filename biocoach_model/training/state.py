"""Checkpoints: everything that a training needs to go on as if it had never stopped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import nn

from biobench.files import write_bytes
from biobench.problems import Problem, ProblemsFound
from biocoach_model.training.settings import TrainingSettings

__all__ = ["BEST", "CHECKPOINT", "Progress", "load_best", "load_state", "save_best", "save_state"]

CHECKPOINT = "checkpoint.pt"
BEST = "best.safetensors"

Named = Sequence[tuple[str, nn.Parameter]]


@dataclass(slots=True)
class Progress:
    """How far a training is. ``waited``: validations since the best one."""

    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    waited: int = 0
    over: bool = False


def save_state(
    folder: Path,
    settings: TrainingSettings,
    named: Named,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    at: Progress,
) -> None:
    """Writes a checkpoint; the one before stays until this one is whole."""
    stream = BytesIO()
    state = {
        "settings": asdict(settings),
        "progress": asdict(at),
        "weights": {name: value.detach().cpu() for name, value in named},
        "optimizer": optimizer.state_dict(),
        "scaler": scaler.state_dict(),
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    torch.save(state, stream)
    write_bytes(folder / CHECKPOINT, stream.getvalue())


def load_state(
    folder: Path,
    settings: TrainingSettings,
    named: Named,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> Progress:
    """Fills weights, optimizer and random numbers from the last checkpoint.

    Raises ``ProblemsFound`` where there is none, where it is damaged, or where it is of another training.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise ProblemsFound([Problem(str(path), "no such file", "a checkpoint to resume", "begin without --resume")])
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        before, weights = state["settings"], state["weights"]
        optimizer_state, random = state["optimizer"], state["random"]
    except Exception as error:  # torch raises what it likes for a damaged file
        found = f"a file that can't be read ({type(error).__name__})"
        raise ProblemsFound([Problem(str(path), found, "a checkpoint", "begin without --resume")]) from error
    problems = [
        Problem(str(path), f"a training with {name} = {before.get(name)!r}", f"{value!r}, as the settings have it")
        for name, value in asdict(settings).items()
        if before.get(name) != value
    ]
    wanted = {name: tuple(value.shape) for name, value in named}
    if {name: tuple(value.shape) for name, value in weights.items()} != wanted:
        problems.append(Problem(str(path), "weights of another model", "those of the settings' model"))
    if problems:
        raise ProblemsFound(problems)
    with torch.no_grad():
        for name, value in named:
            value.copy_(weights[name])
    optimizer.load_state_dict(optimizer_state)
    scaler.load_state_dict(state["scaler"])
    torch.set_rng_state(random)
    if torch.cuda.is_available() and state["random_cuda"]:
        torch.cuda.set_rng_state_all(state["random_cuda"])
    return Progress(**state["progress"])


def save_best(folder: Path, named: Named) -> None:
    """The weights of the best validation so far."""
    write_bytes(folder / BEST, save({name: value.detach().cpu().contiguous() for name, value in named}))


def load_best(folder: Path, named: Named) -> None:
    """Puts them back, where there was a validation at all."""
    if not (folder / BEST).is_file():
        return
    weights = load_file(folder / BEST)
    with torch.no_grad():
        for name, value in named:
            value.copy_(weights[name])
