"""A stranger's text as a page may show it: nothing invisible, nothing that turns the line around, nothing endless."""

from __future__ import annotations

import json
import unicodedata
from functools import lru_cache

__all__ = ["harmless", "script_json"]

_INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
_MOST_MARKS = 4
"""On one letter; scripts that pile up more than this on purpose are not known here, vandals are."""


@lru_cache(maxsize=20_000)
def harmless(text: str, most: int = 300) -> str:
    r"""The text with what can't be seen written out, at most ``most`` characters long.

    >>> harmless("lower\u202egnol")
    'lower⟨U+202E⟩gnol'
    """
    if text.isascii() and text.isprintable():
        return text if len(text) <= most else text[:most] + "…"
    shown, marks = [], 0
    for character in text[:most]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category in _INVISIBLE:
            shown.append(f"⟨U+{ord(character):04X}⟩")
        elif marks <= _MOST_MARKS:
            shown.append(character)
    return "".join(shown) + ("…" if len(text) > most else "")


def script_json(value: object) -> str:
    r"""Compact JSON that can stand in a ``<script>`` element, whatever it holds: no ``<``, ``>``, ``&`` occurs in it.

    >>> script_json({"a": "</script>"})
    '{"a":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
