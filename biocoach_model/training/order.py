"""In which order a training sees its examples, at which rate it learns, and where its chance comes from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import sha256

import torch

from biocoach_model.training.settings import TrainingSettings

__all__ = ["generator_for", "rate_at", "shares", "steps_of_epoch"]


def rate_at(step: int, total: int, settings: TrainingSettings) -> float:
    """The learning rate of a step, counted from 0.

    It rises linearly to the full rate over the warm-up; a cosine then falls from it to what would be 0 after the last step.

    >>> settings = TrainingSettings(learning_rate=1.0, warmup_steps=2, schedule="cosine")
    >>> [round(rate_at(step, 6, settings), 3) for step in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.learning_rate
    share = (step - settings.warmup_steps) / max(total - settings.warmup_steps, 1)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def steps_of_epoch(
    count: int, per_step: int, epoch: int, *, seed: int, lengths: Sequence[int] | None = None, bucket: int = 1
) -> list[list[int]]:
    """Which examples each step of an epoch learns from: every one once, in an order that seed and epoch decide.

    With ``lengths`` the examples of ``bucket`` steps are sorted by length before they are shared out.
    """
    generator = generator_for(seed, "order", epoch)
    order = torch.randperm(count, generator=generator).tolist()
    if lengths is None or bucket == 1:
        return shares(order, per_step)
    steps = [
        step
        for pool in shares(order, per_step * bucket)
        for step in shares(sorted(pool, key=lambda k: lengths[k]), per_step)
    ]
    return [steps[k] for k in torch.randperm(len(steps), generator=generator).tolist()]


def shares(items: Sequence[int], size: int) -> list[list[int]]:
    """Pieces of ``size``, the last one maybe smaller."""
    return [list(items[k : k + size]) for k in range(0, len(items), size)]


def generator_for(seed: int, what: str, number: int) -> torch.Generator:
    """Chance of its own for everything that has a name and a number: a resume needs nothing but these."""
    digest = sha256(f"{seed}/{what}/{number}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
