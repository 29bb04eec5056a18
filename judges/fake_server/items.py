"""What a judge's prompt asks about: the texts between its delimiter lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Item", "find_item"]

_BEGIN = re.compile(r"\[\[BEGIN (EXERCISE|REFERENCE|PREDICTION|KINEMATICS) ([0-9a-f]{16})\]\]")
_END = re.compile(r"\[\[END (EXERCISE|REFERENCE|PREDICTION|KINEMATICS) ([0-9a-f]{16})\]\]")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to judge. ``exercise`` and ``kinematics`` are None where the prompt has no such block."""

    reference: str
    prediction: str
    exercise: str | None = None
    kinematics: str | None = None


def find_item(user_messages: Sequence[str]) -> Item:
    """The item of the last user message that has blocks; a repair turn after it may have none.

    A block ends only at the END line with its own name and nonce; what lies in between, delimiters with another nonce
    included, is its text. Where there are several nonces (worked examples), the last block's counts. In a prompt
    without blocks the whole last message is the prediction, and there is no reference.
    """
    for message in reversed(user_messages):
        blocks = _blocks(message)
        if blocks:
            nonce = blocks[-1][1]
            texts = {name: text for name, own, text in blocks if own == nonce}
            return Item(
                texts.get("REFERENCE", ""), texts.get("PREDICTION", ""), texts.get("EXERCISE"), texts.get("KINEMATICS")
            )
    return Item("", user_messages[-1] if user_messages else "")


def _blocks(message: str) -> list[tuple[str, str, str]]:
    """Name, nonce and text of every closed block, in order."""
    lines = [line.removesuffix("\r") for line in message.split("\n")]
    ends: dict[tuple[str, str], list[int]] = {}
    for at, line in enumerate(lines):
        if found := _END.fullmatch(line):
            ends.setdefault((found[1], found[2]), []).append(at)
    blocks, at = [], 0
    while at < len(lines):
        begin = _BEGIN.fullmatch(lines[at])
        if begin:
            closing = ends.get((begin[1], begin[2]), [])
            place = bisect_right(closing, at)
            if place < len(closing):
                blocks.append((begin[1], begin[2], "\n".join(lines[at + 1 : closing[place]])))
                at = closing[place]
        at += 1
    return blocks
