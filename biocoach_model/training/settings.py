"""How to train: the numbers of a settings file's ``training``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest

__all__ = ["TrainingSettings", "settings_from"]


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The loop's settings; the defaults are the paper's where it names them (AdamW, 2e-5, batch 8).

    ``accumulate`` micro batches make one step. ``precision`` is ``float32``, or autocast to ``bfloat16`` or ``float16`` (with a
    scaled loss; CUDA only). ``patience``: so many validations without a better one end the training; 0 never does.
    ``checkpoint_every_steps`` 0 writes one at each epoch's end. ``most_steps`` 0 is no limit.
    """

    seed: int = 1
    epochs: int = 10
    batch_size: int = 8
    accumulate: int = 1
    learning_rate: float = 2e-5
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    warmup_steps: int = 0
    schedule: str = "constant"
    clip_norm: float = 0.0
    device: str = "auto"
    precision: str = "float32"
    patience: int = 0
    checkpoint_every_steps: int = 0
    most_steps: int = 0
    log: str = "csv"


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "schedule": ("constant", "cosine"),
    "device": ("auto", "cpu", "cuda"),
    "precision": ("float32", "bfloat16", "float16"),
    "log": ("csv", "tensorboard", "both"),
}
_LEAST: Mapping[str, float] = {"epochs": 1, "batch_size": 1, "accumulate": 1}


def settings_from(given: object, where: str) -> TrainingSettings:
    """Settings from a mapping of a file's ``training``. Raises ``ProblemsFound`` with everything that is wrong."""
    if not isinstance(given, Mapping):
        raise ProblemsFound([Problem(where, f"training: {given!r}", "keys with values")])
    kinds = {field.name: type(field.default) for field in fields(TrainingSettings)}
    problems: list[Problem] = []
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name not in kinds:
            expected = "one of " + ", ".join(kinds)
            problems.append(Problem(where, f"training.{name}", expected, nearest(str(name), list(kinds))))
            continue
        expected = _expected(name, kinds[name], value)
        if expected:
            problems.append(Problem(where, f"training.{name}: {value!r}", expected))
        else:
            read[name] = kinds[name](value)
    if problems:
        raise ProblemsFound(problems)
    return TrainingSettings(**read)


def _expected(name: str, kind: type, value: object) -> str:
    """What was expected instead of a value; empty where it fits."""
    if name in _CHOICES:
        return "" if value in _CHOICES[name] else "one of " + ", ".join(_CHOICES[name])
    whole = isinstance(value, int) and not isinstance(value, bool)
    least = _LEAST.get(name, 0)
    if kind is int:
        return "" if whole and isinstance(value, int) and value >= least else f"a whole number, at least {least:g}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    top = 1.0 if name.startswith("beta") else float("inf")
    fits = number and isinstance(value, int | float) and 0 <= value < top
    return "" if fits else "a number, 0 or above" + (" and below 1" if top == 1.0 else "")
