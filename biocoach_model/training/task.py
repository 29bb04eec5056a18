"""What a training needs of a model and its examples: a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

__all__ = ["Part", "Task", "WithLengths", "lengths_of"]

Part = Literal["train", "validation"]


class Task(Protocol):
    """What is trained, and on what."""

    @property
    def module(self) -> nn.Module:
        """All of it, frozen parts included."""

    def trainable(self) -> list[tuple[str, nn.Parameter]]:
        """The parameters that learn, by name; float32. All others of the module get frozen."""

    def examples(self, part: Part) -> Sequence[object]:
        """The examples of a part; there may be none for validation."""

    def collate(self, examples: list[object], generator: torch.Generator) -> Mapping[str, Tensor]:
        """One batch, on the CPU; chance comes from the generator alone."""

    def losses(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The sum of the weighted losses and the sum of the weights, two scalars, of a batch on the module's device.

        The loss of a step is the one over the other, each summed over the step's batches. Weights have no gradient.
        """


@runtime_checkable
class WithLengths(Protocol):
    """A task whose examples have lengths: those of a batch will be alike."""

    def lengths(self, part: Part) -> Sequence[int] | None:
        """One length for each example, or None."""


def lengths_of(task: Task, part: Part) -> Sequence[int] | None:
    """The lengths of a part's examples, where the task knows them."""
    return task.lengths(part) if isinstance(task, WithLengths) else None
