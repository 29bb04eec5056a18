"""The training loop: weighted losses, accumulated and clipped; checkpoints that resume bit for bit; early stopping.

It knows nothing of the models: a ``Task`` says what learns, from what, and with which loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from biobench.problems import Problem, ProblemsFound
from biocoach_model.training.logs import Log
from biocoach_model.training.settings import TrainingSettings
from biocoach_model.training.state import Progress, load_best, load_state, save_best, save_state

__all__ = ["Task", "TrainingReport", "train"]

Part = Literal["train", "validation"]


class Task(Protocol):
    """What is trained, and on what."""

    module: nn.Module
    """Everything, frozen parts included."""

    def trainable(self) -> list[tuple[str, nn.Parameter]]:
        """What learns, by name; the loop freezes all else in ``module``."""
        ...

    def examples(self, part: Part) -> Sequence[object]:
        """What batches are made of."""
        ...

    def lengths(self, part: Part) -> Sequence[int]:
        """How long each example is: those of like lengths share a batch."""
        ...

    def collate(self, examples: list[object], generator: torch.Generator) -> Mapping[str, Tensor]:
        """One batch on the CPU; whatever is drawn comes from the generator."""
        ...

    def losses(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The sum of the weighted losses, and the sum of the weights."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """How it ended: the steps that were made, the step whose weights were kept, and its validation loss."""

    steps: int
    best_step: int
    best_loss: float
    stopped_early: bool

    def summary(self) -> str:
        """In words, for a terminal."""
        early = ", stopped early" if self.stopped_early else ""
        return f"best validation loss {self.best_loss:.4f} after step {self.best_step}{early}"


def train(
    task: Task,
    settings: TrainingSettings,
    folder: Path,
    *,
    resume: bool = False,
    progress: Callable[[int, int, Mapping[str, float]], None] | None = None,
) -> TrainingReport:
    """Trains, and leaves the best weights in ``task.module``.

    ``folder`` gets ``log.csv``, ``checkpoint.pt`` and ``best.safetensors``. With ``resume`` it goes on after the last
    checkpoint, bit for bit as if it had never stopped. ``progress(steps, all steps, numbers)`` hears of every step.
    Raises ``ProblemsFound`` for a loss that is no number, for a checkpoint of other settings, and for a missing GPU.
    """
    device = _device(settings)
    named = task.trainable()
    _freeze(task.module, named)
    task.module.to(device)
    folder.mkdir(parents=True, exist_ok=True)
    optimizer = torch.optim.AdamW(
        [parameter for _, parameter in named],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        weight_decay=settings.weight_decay,
    )
    scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")
    per_epoch = -(-len(task.examples("train")) // (settings.batch_size * settings.accumulate))
    total = per_epoch * settings.epochs
    if settings.most_steps:
        total = min(total, settings.most_steps)
    at = Progress()
    if resume:
        at = load_state(folder, settings, named, optimizer, scaler)
    else:
        torch.manual_seed(settings.seed)
    log = Log(folder, settings.log, kept=at.step)
    while at.step < total and not at.over:
        epoch, place = divmod(at.step, per_epoch)
        batches = _batches(task, settings, epoch)
        for micro in batches[place:]:
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * _rate(settings, at.step, total)
            loss = _step(task, settings, named, micro, optimizer, scaler, device, at.step)
            at.step += 1
            log.step(at.step, epoch, loss, optimizer.param_groups[0]["lr"])
            last = at.step % per_epoch == 0 or at.step == total
            if last:
                _validated(task, settings, folder, named, device, at, log)
            if last or (settings.checkpoint_every_steps and at.step % settings.checkpoint_every_steps == 0):
                log.flush()
                save_state(folder, settings, named, optimizer, scaler, at)
            if progress is not None:
                progress(at.step, total, {"loss": loss})
            if at.step == total or at.over:
                break
    log.close()
    load_best(folder, named)
    return TrainingReport(at.step, at.best_step, at.best_loss, at.over and at.step < total)


def _batches(task: Task, settings: TrainingSettings, epoch: int) -> list[list[list[int]]]:
    """An epoch's steps: of each its micro batches, of each its examples' indices; drawn from seed and epoch alone."""
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + epoch)
    lengths = task.lengths("train")
    order = torch.randperm(len(lengths), generator=generator).tolist()
    # Like lengths together within large pieces of the shuffled order, then the batches are shuffled.
    piece = 16 * settings.batch_size
    batches: list[list[int]] = []
    for first in range(0, len(order), piece):
        part = sorted(order[first : first + piece], key=lambda k: lengths[k])
        batches += [part[k : k + settings.batch_size] for k in range(0, len(part), settings.batch_size)]
    shuffled = [batches[k] for k in torch.randperm(len(batches), generator=generator).tolist()]
    return [shuffled[k : k + settings.accumulate] for k in range(0, len(shuffled), settings.accumulate)]


def _step(
    task: Task,
    settings: TrainingSettings,
    named: Sequence[tuple[str, nn.Parameter]],
    micro: Sequence[Sequence[int]],
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    device: torch.device,
    step: int,
) -> float:
    """One step of the optimizer; the mean weighted loss over its micro batches."""
    task.module.train()
    examples = task.examples("train")
    generator = torch.Generator().manual_seed((settings.seed * 1_000_003 + step) * 31 + 7)
    optimizer.zero_grad(set_to_none=True)
    total, weights = 0.0, 0.0
    for indices in micro:
        batch = _moved(task.collate([examples[k] for k in indices], generator), device)
        with _precision(settings, device):
            loss, weight = task.losses(batch)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
        weights += float(weight.detach())
    if not math.isfinite(total) or weights <= 0:
        found = f"a loss of {total} with weights of {weights} in step {step + 1}"
        hint = "a lower learning rate, clip_norm, or float32; the last checkpoint is kept"
        raise ProblemsFound([Problem("training", found, "a finite loss", hint)])
    scaler.unscale_(optimizer)
    gradients = [parameter.grad for _, parameter in named if parameter.grad is not None]
    for gradient in gradients:
        gradient.div_(weights)
    if settings.clip_norm:
        nn.utils.clip_grad_norm_([parameter for _, parameter in named], settings.clip_norm)
    scaler.step(optimizer)
    scaler.update()
    return total / weights


def _validated(
    task: Task,
    settings: TrainingSettings,
    folder: Path,
    named: Sequence[tuple[str, nn.Parameter]],
    device: torch.device,
    at: Progress,
    log: Log,
) -> None:
    """The loss on the validation part; the best weights so far are kept."""
    task.module.eval()
    generator = torch.Generator().manual_seed(settings.seed)
    total, weights = 0.0, 0.0
    with torch.no_grad():
        for indices in _in_order(task, settings):
            batch = _moved(task.collate(indices, generator), device)
            with _precision(settings, device):
                loss, weight = task.losses(batch)
            total += float(loss)
            weights += float(weight)
    found = total / weights if weights else math.inf
    log.validation(at.step, found)
    if found < at.best_loss:
        at.best_loss, at.best_step, at.waited = found, at.step, 0
        save_best(folder, named)
    else:
        at.waited += 1
    at.over = bool(settings.patience) and at.waited >= settings.patience


def _in_order(task: Task, settings: TrainingSettings) -> Iterator[list[object]]:
    examples, lengths = task.examples("validation"), task.lengths("validation")
    order = sorted(range(len(examples)), key=lambda k: (lengths[k], k))
    for first in range(0, len(order), settings.batch_size):
        yield [examples[k] for k in order[first : first + settings.batch_size]]


def _rate(settings: TrainingSettings, step: int, total: int) -> float:
    """The learning rate's factor: up in a line, then constant, or down along half a cosine."""
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - settings.warmup_steps) / max(1, total - settings.warmup_steps)))


def _freeze(module: nn.Module, named: Sequence[tuple[str, nn.Parameter]]) -> None:
    learning = {id(parameter) for _, parameter in named}
    for parameter in module.parameters():
        parameter.requires_grad_(id(parameter) in learning)


def _moved(batch: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {name: value.to(device, non_blocking=True) for name, value in batch.items()}


def _precision(settings: TrainingSettings, device: torch.device) -> torch.autocast:
    kind = torch.float16 if settings.precision == "float16" else torch.bfloat16
    return torch.autocast(device.type, dtype=kind, enabled=settings.precision != "float32")


def _device(settings: TrainingSettings) -> torch.device:
    cuda = torch.cuda.is_available()
    if settings.device == "cuda" and not cuda:
        raise ProblemsFound([Problem("training.device", "cuda, and torch sees no GPU", "cpu or auto")])
    device = torch.device("cuda" if cuda and settings.device != "cpu" else "cpu")
    if settings.precision == "float16" and device.type == "cpu":
        raise ProblemsFound([Problem("training.precision", "float16 without a GPU", "float32 or bfloat16")])
    return device
