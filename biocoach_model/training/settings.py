"""The settings of a training, and how they are read from a mapping of a YAML file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from biobench.readers.json_locate import shown

__all__ = ["TrainingSettings", "settings_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How a training goes. The defaults of rate and batch are the paper's (Ji et al., CVPR 2026).

    A step learns from ``batch_size * accumulate`` examples, ``batch_size`` at once. ``weight_decay`` acts on matrices alone:
    not on biases, norms and scales. The rate rises over ``warmup_steps``, then stays or falls as a cosine towards 0 at the
    end. ``clip_norm`` bounds the gradient's length. Validation comes every ``validate_every`` epochs or steps, and after the
    last step; ``patience`` of them without a better loss end the training, 0 never does. ``most_steps`` ends it too. With
    ``length_buckets`` above 1, and a task that knows its examples' lengths, the examples of so many steps are sorted by
    length before they are shared out. ``device`` auto is CUDA where there is one.
    Raises ``ValueError`` for values that ``settings_from`` refuses.
    """

    seed: int = 0
    epochs: int = 1
    batch_size: int = 8
    accumulate: int = 1
    learning_rate: float = 2e-5
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    warmup_steps: int = 0
    schedule: Literal["constant", "cosine"] = "constant"
    clip_norm: float | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    validate_every: int = 1
    validate_unit: Literal["epochs", "steps"] = "epochs"
    patience: int = 0
    checkpoint_every_steps: int = 200
    log: Literal["csv", "tensorboard", "both"] = "csv"
    most_steps: int | None = None
    length_buckets: int = 8

    def __post_init__(self) -> None:
        problems = _problems({field.name: getattr(self, field.name) for field in fields(self)}, "settings", "")
        if problems:
            raise ValueError("\n".join(map(str, problems)))


def settings_from(mapping: object, where: str, *, under: str = "training") -> TrainingSettings:
    """Settings from a mapping as YAML gives it; keys that are left out have their defaults.

    ``where`` is the file and ``under`` the key of the mapping in it: problems name both. Raises ``ProblemsFound`` with
    everything that is wrong: unknown keys, wrong kinds, values out of range.
    """
    if not isinstance(mapping, Mapping):
        expected = "keys with values, such as epochs: 4"
        raise ProblemsFound([Problem(where, shown(mapping), expected, json_path=under)])
    problems = _problems(mapping, where, under)
    if problems:
        raise ProblemsFound(problems)
    values: dict[str, Any] = {key: _RULES[key].kept(value) for key, value in mapping.items()}
    return TrainingSettings(**values)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One setting: what it must be, in words and as a check, and the value that is kept."""

    expected: str
    accepts: Callable[[Any], bool]
    kept: Callable[[Any], object] = lambda value: value


_LARGEST = 2**63 - 1
"""Of a number; what is larger, infinite or NaN fits no setting."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _whole(least: int) -> _Rule:
    return _Rule(f"a whole number from {least}", lambda v: _is_number(v) and isinstance(v, int) and v >= least)


def _number(expected: str, accepts: Callable[[float], bool]) -> _Rule:
    return _Rule(expected, lambda value: _is_number(value) and accepts(value), float)


def _choice(*words: str) -> _Rule:
    return _Rule("one of " + ", ".join(words), lambda value: isinstance(value, str) and value in words)


def _or_null(rule: _Rule) -> _Rule:
    return _Rule(
        f"{rule.expected}, or null",
        lambda value: value is None or rule.accepts(value),
        lambda value: None if value is None else rule.kept(value),
    )


def _are_betas(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(_is_number(v) and 0 <= v < 1 for v in value)


_RULES: Mapping[str, _Rule] = {
    "seed": _whole(0),
    "epochs": _whole(1),
    "batch_size": _whole(1),
    "accumulate": _whole(1),
    "learning_rate": _number("a number above 0", lambda value: value > 0),
    "weight_decay": _number("a number from 0", lambda value: value >= 0),
    "betas": _Rule("two numbers from 0 to below 1", _are_betas, lambda value: tuple(map(float, value))),
    "warmup_steps": _whole(0),
    "schedule": _choice("constant", "cosine"),
    "clip_norm": _or_null(_number("a number above 0", lambda value: value > 0)),
    "device": _choice("auto", "cpu", "cuda"),
    "precision": _choice("float32", "bfloat16", "float16"),
    "validate_every": _whole(1),
    "validate_unit": _choice("epochs", "steps"),
    "patience": _whole(0),
    "checkpoint_every_steps": _whole(1),
    "log": _choice("csv", "tensorboard", "both"),
    "most_steps": _or_null(_whole(1)),
    "length_buckets": _whole(1),
}


def _problems(values: Mapping[Any, object], where: str, under: str) -> list[Problem]:
    problems = []
    for key, value in values.items():
        rule = _RULES.get(key) if isinstance(key, str) else None
        if rule is None:
            found, expected = f"the unknown key {shown(key)}", "one of " + ", ".join(_RULES)
            problems.append(Problem(where, found, expected, nearest(str(key), _RULES), json_path=under))
        elif not rule.accepts(value):
            path = f"{under}.{key}" if under else key
            problems.append(Problem(where, shown(value), rule.expected, _hint(value), json_path=path))
    if values.get("device") == "cpu" and values.get("precision") == "float16":
        path = f"{under}.precision" if under else "precision"
        problems.append(Problem(where, "float16 on the CPU", "bfloat16 or float32", json_path=path))
    return problems


def _hint(value: object) -> str:
    """For a number that YAML took for a text: with an exponent, YAML 1.1 wants a point before it and a sign in it."""
    if not isinstance(value, str):
        return ""
    try:
        number = float(value)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    return "YAML takes it for a text: leave out quotes, and write an exponent as in 2.0e-5"
