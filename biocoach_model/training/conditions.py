"""What must hold for a training to begin or go on: a device, frozen parts, a folder, arithmetic that repeats itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import torch
from torch import nn

from biobench.problems import Problem, ProblemsFound
from biocoach_model.training.settings import TrainingSettings
from biocoach_model.training.state import CHECKPOINT, Named, read_made_with
from biocoach_model.training.task import Task

__all__ = ["agreement", "check_examples", "check_folder", "device_for", "freeze_others", "reproducible", "set_modes"]


def device_for(settings: TrainingSettings) -> torch.device:
    """The device that the settings ask for. Raises ``ProblemsFound`` where there is none, or it can't do the precision."""
    cuda = torch.cuda.is_available()
    if settings.device == "cuda" and not cuda:
        raise ProblemsFound(
            [Problem("device", "no CUDA device that torch sees", "one", "device: auto takes what there is")]
        )
    device = torch.device("cuda" if cuda and settings.device != "cpu" else "cpu")
    if device.type == "cpu" and settings.precision == "float16":
        raise ProblemsFound([Problem("precision", "float16 on the CPU", "bfloat16 or float32")])
    return device


def freeze_others(task: Task) -> list[tuple[str, nn.Parameter]]:
    """The parameters that learn; all others of the module get no gradient.

    Raises ``ValueError`` for a task whose parameters are none, not the module's, named twice, or of half precision, and for
    a part that learns by statistics, which are no parameters.
    """
    parameters = task.trainable()
    own = {id(parameter) for parameter in task.module.parameters()}
    if not parameters:
        raise ValueError("nothing learns: the task names no parameter")
    if len({name for name, _ in parameters}) < len(parameters) or len({id(p) for _, p in parameters}) < len(parameters):
        raise ValueError("the task names a parameter twice")
    for name, parameter in parameters:
        if id(parameter) not in own:
            raise ValueError(f"{name} is no parameter of the task's module")
        if parameter.dtype not in {torch.float32, torch.float64}:
            raise ValueError(f"{name} is {parameter.dtype}: what learns must be float32, half precision is a setting")
    learns = {id(parameter) for _, parameter in parameters}
    for parameter in task.module.parameters():
        parameter.requires_grad_(id(parameter) in learns)
    set_modes(task.module)
    for name, part in task.module.named_modules():
        if part.training and getattr(part, "track_running_stats", False):
            raise ValueError(f"{name} changes statistics that are no parameters: freeze it, or use another norm")
    return parameters


def set_modes(module: nn.Module) -> None:
    """Training mode, but for parts whose parameters are all frozen: they stay as they are when used."""
    parameters = list(module.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        module.eval()
        return
    module.training = True
    for part in module.children():
        set_modes(part)


def check_examples(task: Task, settings: TrainingSettings, folder: Path) -> None:
    """Raises ``ProblemsFound`` where there is nothing to learn from, or nothing to be patient about."""
    if not len(task.examples("train")):
        raise ProblemsFound([Problem(str(folder), "no examples to learn from", "one or more")])
    if settings.patience and not len(task.examples("validation")):
        raise ProblemsFound([Problem(str(folder), "patience without validation examples", "one or more of them")])


def agreement(task: Task, settings: TrainingSettings, parameters: Named, device: torch.device) -> dict[str, str]:
    """What a resume must agree in: all that changes numbers."""
    shapes = [(name, list(parameter.shape), str(parameter.dtype)) for name, parameter in parameters]
    values = {key: str(value) for key, value in asdict(settings).items() if key != "checkpoint_every_steps"}
    return {
        **values,
        "device": device.type,
        "training examples": str(len(task.examples("train"))),
        "validation examples": str(len(task.examples("validation"))),
        "parameters that learn": f"{len(shapes)}, sha256 {sha256(repr(shapes).encode()).hexdigest()[:12]}",
    }


def check_folder(folder: Path, agreed: Mapping[str, str], *, resume: bool) -> None:
    """Makes the folder, or finds in it the checkpoint of the very same training. Raises ``ProblemsFound`` otherwise."""
    path = folder / CHECKPOINT
    if not resume:
        if path.exists():
            hint = "go on with it (--resume), or choose another folder: nothing is overwritten"
            raise ProblemsFound([Problem(str(path), "the checkpoint of a training", "a folder without one", hint)])
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            found = f"a place that can't be written ({error.strerror})"
            raise ProblemsFound([Problem(str(folder), found, "a folder to write to")]) from error
        return
    if not path.exists():
        raise ProblemsFound(
            [Problem(str(path), "no such file", "a checkpoint to go on from", "begin without --resume")]
        )
    before = read_made_with(folder)
    hint = "a training goes on with the settings, data and device that it began with"
    problems = [
        Problem(str(path), f"{name} {before.get(name, 'not said')}", f"{name} {agreed.get(name, 'not said')}", hint)
        for name in {**agreed, **before}
        if before.get(name) != agreed.get(name)
    ]
    if problems:
        raise ProblemsFound(problems)


@contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Torch seeded, and only algorithms that give the same bits each time; afterwards it is as the caller had it."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may sum in another order
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    with torch.random.fork_rng([torch.cuda.current_device()] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        # On CUDA the backward pass of attention has no such algorithm in every torch: then it warns and goes on.
        torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
        torch.backends.cudnn.benchmark = False
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warn_only)
            torch.backends.cudnn.benchmark = benchmark
