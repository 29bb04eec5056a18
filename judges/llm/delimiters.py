"""Blocks of foreign text in a prompt, between lines that the text can't imitate."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from biobench.chat.wire import canonical_json

__all__ = ["NAMES", "blocks", "nonce_of"]

NAMES = ("EXERCISE", "REFERENCE", "PREDICTION", "KINEMATICS")


def nonce_of(version: str, raw: Mapping[str, str]) -> str:
    """16 hex digits that depend on all the texts, so that none of them can hold its own.

    The key is fixed for a version of the prompt: the same texts have the same nonce, and an answer can be found again.
    """
    key = hashlib.sha256(f"biobench judge delimiters {version}".encode()).digest()
    message = canonical_json(dict(raw)).encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:16]


def blocks(cleaned: Mapping[str, str], nonce: str) -> str:
    """One block a text, in the order of ``NAMES``; each text must be one line."""
    parts = []
    for name in NAMES:
        if name in cleaned:
            text = cleaned[name]
            if text != " ".join(text.splitlines()) or "[[" in text:
                raise AssertionError("a text that was not cleaned")
            parts.append(f"[[BEGIN {name} {nonce}]]\n{text}\n[[END {name} {nonce}]]\n")
    return "".join(parts)
