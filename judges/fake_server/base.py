"""What every scripted behaviour is: a name, a line about it, and the parameters that its dataclass fields declare."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import ClassVar

from judges.fake_server.chat_request import ChatRequest

__all__ = [
    "SECONDS",
    "SEED",
    "SHARE",
    "Attempt",
    "Behaviour",
    "Parameter",
    "choice",
    "file",
    "number",
    "several",
    "text",
    "whole",
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request. ``body`` is the digest of its bytes; ``asked``: how often the same bytes came before."""

    request: ChatRequest
    body: bytes
    asked: int
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """How a parameter is read from a command line; ``read`` raises ``ValueError`` for what is not ``expected``."""

    expected: str
    read: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A behaviour with its parameters; a subclass has a ``name`` and a ``summary``."""

    name: ClassVar[str]
    summary: ClassVar[str]

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """By name, in order."""
        return {field.name: field.metadata["parameter"] for field in fields(cls)}

    @classmethod
    def usage(cls) -> str:
        """The name with every parameter and its default: ``latency:ms=200,jitter_ms=0``."""
        return _spec(cls.name, {f.name: "..." if f.default is MISSING else f.default for f in fields(cls)})

    def __str__(self) -> str:
        """As on the command line, without what is as by default."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return _spec(self.name, {f.name: values[f.name] for f in fields(self) if values[f.name] != f.default})


def number(expected: str, least: float, most: float = math.inf) -> Mapping[str, Parameter]:
    """A finite number from ``least`` to ``most``."""

    def read(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and least <= value <= most):
            raise ValueError(text)
        return value

    return {"parameter": Parameter(expected, read)}


def whole(expected: str, least: int, most: int | None = None) -> Mapping[str, Parameter]:
    """A whole number from ``least`` to ``most``."""

    def read(text: str) -> int:
        value = int(text)
        if value < least or (most is not None and value > most):
            raise ValueError(text)
        return value

    return {"parameter": Parameter(expected, read)}


def choice(*names: str) -> Mapping[str, Parameter]:
    """One of these names."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(text)
        return text

    return {"parameter": Parameter(f"one of {', '.join(names)}", read)}


def text(expected: str) -> Mapping[str, Parameter]:
    """Any text that is not empty."""

    def read(text: str) -> str:
        if not text:
            raise ValueError(text)
        return text

    return {"parameter": Parameter(expected, read)}


def several(*names: str) -> Mapping[str, Parameter]:
    """One or more of these names, with ``|`` between them."""

    def read(text: str) -> tuple[str, ...]:
        found = tuple(text.split("|"))
        if not set(found) <= set(names):
            raise ValueError(text)
        return found

    return {"parameter": Parameter(f"one or more of {'|'.join(names)}", read)}


def file(expected: str) -> Mapping[str, Parameter]:
    """The path of a file that is there."""

    def read(text: str) -> str:
        if not Path(text).is_file():
            raise ValueError(text)
        return text

    return {"parameter": Parameter(expected, read)}


SHARE = number("a share, 0 to 1", 0, 1)
SECONDS = number("seconds, 0 or more", 0)
SEED = whole("a whole number, 0 or more", 0)


def _spec(name: str, values: Mapping[str, object]) -> str:
    pairs = [f"{key}={_written(value)}" for key, value in values.items()]
    return f"{name}:{','.join(pairs)}" if pairs else name


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return "|".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
