"""The training loop: what a task learns, step by step, so that an interrupted run goes on as if it had not been."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from biobench.problems import Problem, ProblemsFound
from biocoach_model.training.conditions import (
    agreement,
    check_examples,
    check_folder,
    device_for,
    freeze_others,
    reproducible,
    set_modes,
)
from biocoach_model.training.logs import Row, TrainingLog
from biocoach_model.training.order import generator_for, rate_at, shares, steps_of_epoch
from biocoach_model.training.settings import TrainingSettings
from biocoach_model.training.state import BEST, CHECKPOINT, Progress, load_state, load_weights, save_state, save_weights
from biocoach_model.training.task import Part, Task, WithLengths, lengths_of

__all__ = ["Part", "Task", "TrainingReport", "WithLengths", "train"]

Told = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What came of a training. ``best_step`` is the step whose weights were kept: the last one without a validation.

    ``loss`` is the last step's; ``stopped`` is ``finished`` or ``patience``; ``seconds`` are this run's alone.
    """

    steps: int
    epochs: int
    loss: float
    best_step: int
    validation_loss: float | None
    stopped: str
    seconds: float

    def summary(self) -> str:
        """Half a line for a terminal."""
        best = (
            f"loss {self.loss:.4f} at the last step"
            if self.validation_loss is None
            else f"best validation loss {self.validation_loss:.4f} after step {self.best_step}"
        )
        early = ", ended early: validation got no better" if self.stopped == "patience" else ""
        return f"{best}{early}, {self.seconds:.0f} s"


def train(
    task: Task,
    settings: TrainingSettings,
    folder: Path,
    *,
    resume: bool = False,
    progress: Told | None = None,
    made_with: Mapping[str, str] | None = None,
) -> TrainingReport:
    """Trains, and leaves the best weights in the module and in ``best.safetensors`` of the folder.

    The folder also gets ``log.csv`` and ``checkpoint.safetensors``. ``resume`` goes on from the checkpoint: on the same
    device everything is bit for bit as without the interruption, whatever interrupted it. ``made_with`` is what a resume
    must agree in besides the settings and the task's sizes, such as the data's sha256. ``progress(done, total, values)``
    is called after every step.

    Raises ``ProblemsFound`` for a folder that holds a training already, a resume without a checkpoint or with other
    settings, a device that is missing, and a loss or gradient that is no finite number; ``ValueError`` for a task that
    breaks its promises.
    """
    began = time.monotonic()
    device = device_for(settings)
    parameters = freeze_others(task)
    check_examples(task, settings, folder)
    agreed = {**agreement(task, settings, parameters, device), **(made_with or {})}
    check_folder(folder, agreed, resume=resume)
    task.module.to(device)
    with reproducible(settings.seed, device):
        run = _Run(task, settings, folder, device, parameters, agreed)
        if resume:
            run.load()
        with TrainingLog(folder, settings.log, run.progress.step) as log:
            if not resume:
                run.save()
            run.to_the_end(log, progress)
    load_weights(folder / BEST, parameters)
    task.module.eval()
    return run.report(time.monotonic() - began)


class _Run:
    """A training under way."""

    def __init__(
        self,
        task: Task,
        settings: TrainingSettings,
        folder: Path,
        device: torch.device,
        parameters: list[tuple[str, nn.Parameter]],
        agreed: Mapping[str, str],
    ) -> None:
        self.task, self.settings, self.folder, self.device = task, settings, folder, device
        self.parameters, self.agreed = parameters, agreed
        self.examples: Mapping[Part, Sequence[object]] = {
            "train": task.examples("train"),
            "validation": task.examples("validation"),
        }
        self.per_step = settings.batch_size * settings.accumulate
        self.steps_per_epoch = math.ceil(len(self.examples["train"]) / self.per_step)
        total = self.steps_per_epoch * settings.epochs
        self.total = total if settings.most_steps is None else min(total, settings.most_steps)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for _, p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
                {"params": [p for _, p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=settings.betas,
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")
        self.progress = Progress()

    def save(self) -> None:
        save_state(self.folder, self.progress, self.parameters, self.optimizer, self.scaler, self.agreed)

    def load(self) -> None:
        self.progress = load_state(self.folder, self.parameters, self.optimizer, self.scaler)

    def to_the_end(self, log: TrainingLog, told: Told | None) -> None:
        """Steps until all are done or validation stops them; checkpoints on the way."""
        epoch, steps = -1, list[list[int]]()
        while self.progress.stopped is None:
            step = self.progress.step
            if step // self.steps_per_epoch != epoch:
                epoch = step // self.steps_per_epoch
                steps = self._steps(epoch)
            rate = rate_at(step, self.total, self.settings)
            loss, weight = self._step(steps[step % self.steps_per_epoch], rate)
            self.progress = replace(self.progress, step=step + 1, loss=loss)
            validation_loss = self._validated() if self._is_validation_due() else None
            self._judge(validation_loss)
            log.add(Row(step + 1, epoch, loss, rate, weight, validation_loss))
            if (step + 1) % self.settings.checkpoint_every_steps == 0 or self.progress.stopped is not None:
                log.settle()
                self.save()
            if told is not None:
                values = (
                    {"loss": loss} if validation_loss is None else {"loss": loss, "validation_loss": validation_loss}
                )
                told(step + 1, self.total, values)

    def report(self, seconds: float) -> TrainingReport:
        done = self.progress
        if done.loss is None or done.best_step is None or done.stopped is None:
            raise AssertionError("a training that ended has made a step")
        epochs = math.ceil(done.step / self.steps_per_epoch)
        return TrainingReport(done.step, epochs, done.loss, done.best_step, done.best_loss, done.stopped, seconds)

    def _steps(self, epoch: int) -> list[list[int]]:
        return steps_of_epoch(
            len(self.examples["train"]),
            self.per_step,
            epoch,
            seed=self.settings.seed,
            lengths=lengths_of(self.task, "train"),
            bucket=self.settings.length_buckets,
        )

    def _step(self, chosen: Sequence[int], rate: float) -> tuple[float, float]:
        """One step: the gradient of (sum of losses) / (sum of weights) over all its batches, as if they were one."""
        set_modes(self.task.module)
        self.optimizer.zero_grad()
        generator = generator_for(self.settings.seed, "step", self.progress.step)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        weight, unit = total.clone(), total
        for k, batch in enumerate(shares(chosen, self.settings.batch_size)):
            summed, weights = self._losses("train", batch, generator)
            if k == 0:  # the sum of weights is not known yet; what is near it keeps float16's gradients in their range
                unit = torch.where(weights > 0, weights, 1.0).double()
            self.scaler.scale(summed / unit.to(summed.dtype)).backward()  # type: ignore[no-untyped-call]
            total += summed.detach().double()
            weight += weights.double()
        loss = self._mean(total, weight, f"step {self.progress.step + 1}")
        self.scaler.unscale_(self.optimizer)
        gradients = [parameter.grad for _, parameter in self.parameters if parameter.grad is not None]
        for gradient in gradients:
            gradient.mul_(unit / weight)
        self._clip(gradients)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss, float(weight)

    def _losses(self, part: Part, batch: Sequence[int], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        collated = self.task.collate([self.examples[part][k] for k in batch], generator)
        moved = {name: value.to(self.device) for name, value in collated.items()}
        dtype = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(self.settings.precision)
        with torch.autocast(self.device.type, dtype, enabled=dtype is not None):
            summed, weights = self.task.losses(moved)
        return summed, weights.detach()

    def _mean(self, total: Tensor, weight: Tensor, when: str) -> float:
        if not float(weight) > 0:
            found = f"losses of which the weights sum to {float(weight):g} in {when}"
            raise ProblemsFound([Problem(str(self.folder), found, "something to learn from", "larger batches")])
        loss = float(total / weight)
        if not math.isfinite(loss):
            raise self._lost(f"a loss of {loss} in {when}")
        return loss

    def _clip(self, gradients: list[Tensor]) -> None:
        """Bounds the gradient's length, and refuses one that is not finite; float16's scaler leaves out such steps itself."""
        step = self.progress.step + 1
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
        if not self.scaler.is_enabled() and not bool(torch.isfinite(norm)):
            raise self._lost(f"a gradient of length {float(norm)} in step {step}")
        if self.scaler.is_enabled() and self.scaler.get_scale() < _LEAST_SCALE:
            raise self._lost(f"gradients that overflow float16 again and again, until step {step}")
        if self.settings.clip_norm is not None:
            factor = (self.settings.clip_norm / (norm + 1e-6)).clamp(max=1.0)
            for gradient in gradients:
                gradient.mul_(factor)

    def _lost(self, found: str) -> ProblemsFound:
        hint = f"try a lower learning_rate, a clip_norm, or float32; {CHECKPOINT} is that of an earlier step"
        return ProblemsFound([Problem(str(self.folder), found, "a finite number", hint)])

    def _is_validation_due(self) -> bool:
        if not len(self.examples["validation"]):
            return False
        settings, step = self.settings, self.progress.step
        every = settings.validate_every * (self.steps_per_epoch if settings.validate_unit == "epochs" else 1)
        return step % every == 0 or step == self.total

    @torch.no_grad()
    def _validated(self) -> float:
        """The loss over all validation examples, the same batches with the same chance each time."""
        self.task.module.eval()
        lengths = lengths_of(self.task, "validation")
        order = list(range(len(self.examples["validation"])))
        if lengths is not None:
            order.sort(key=lambda k: lengths[k])
        generator = generator_for(self.settings.seed, "validation", 0)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        weight = total.clone()
        for batch in shares(order, self.settings.batch_size):
            summed, weights = self._losses("validation", batch, generator)
            total += summed.double()
            weight += weights.double()
        return self._mean(total, weight, f"the validation after step {self.progress.step}")

    def _judge(self, validation_loss: float | None) -> None:
        """Keeps the weights if they are the best so far, and says whether it is over."""
        now = self.progress
        is_last = now.step == self.total
        if validation_loss is not None:
            if now.best_loss is None or validation_loss < now.best_loss:
                now = replace(now, best_step=now.step, best_loss=validation_loss, since_best=0)
            else:
                now = replace(now, since_best=now.since_best + 1)
        elif is_last:
            now = replace(now, best_step=now.step)
        if now.best_step == now.step:
            save_weights(self.folder / BEST, self.parameters)
        if is_last:
            now = replace(now, stopped="finished")
        elif 0 < self.settings.patience <= now.since_best:
            now = replace(now, stopped="patience")
        self.progress = now


_LEAST_SCALE = 2.0**-10
"""A gradient's scale in float16 that falls below this has met nothing but overflows."""
