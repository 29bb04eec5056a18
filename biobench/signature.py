"""What a number was made with: a short line that prints beside it, is parsed again, and decides what may be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Signature"]

_PLAIN = re.compile(r"[^\s|:]+(?: [^\s|:]+)*")


@dataclass(frozen=True, slots=True)
class Signature:
    """Ordered key-value pairs; keys and values hold no ``|`` or ``:`` and no space at their ends.

    >>> str(Signature.of({"metric": "meteor", "protocol": "qevd-2024"}))
    'metric:meteor|protocol:qevd-2024'
    """

    items: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        for key, value in self.items:
            if not _PLAIN.fullmatch(key) or not _PLAIN.fullmatch(value):
                raise ValueError(f"a signature can't hold {key!r}: {value!r}")
        if len(dict(self.items)) != len(self.items):
            raise ValueError(f"a signature holds a key twice: {self.items}")

    @classmethod
    def of(cls, *parts: Mapping[str, str]) -> Signature:
        """From mappings, in order; characters that a signature can't hold become ``_``."""
        return cls(tuple((_plain(key), _plain(value)) for part in parts for key, value in part.items()))

    @classmethod
    def parse(cls, text: str) -> Signature:
        """The inverse of ``str``. Raises ``ValueError``.

        >>> Signature.parse("metric:meteor|tol:3s-full").items
        (('metric', 'meteor'), ('tol', '3s-full'))
        """
        items = []
        for part in text.split("|"):
            key, colon, value = part.partition(":")
            if not colon:
                raise ValueError(f"{part!r} in {text!r} is not key:value")
            items.append((key, value))
        return cls(tuple(items))

    def __str__(self) -> str:
        return "|".join(f"{key}:{value}" for key, value in self.items)

    def differences(self, other: Signature) -> tuple[str, ...]:
        """What differs, each as ``key: this against that``; empty where scores may be compared.

        >>> Signature.parse("metric:meteor|eps:0").differences(Signature.parse("metric:meteor|eps:1"))
        ('eps: 0 against 1',)
        """
        mine, theirs = dict(self.items), dict(other.items)
        return tuple(
            f"{key}: {mine.get(key, 'absent')} against {theirs.get(key, 'absent')}"
            for key in dict.fromkeys([*mine, *theirs])
            if mine.get(key) != theirs.get(key)
        )


def _plain(text: str) -> str:
    return re.sub(r"[\s|:]+", "_", text.strip()) or "none"
