"""How large a submission may be, and why: a checker reads it whole, and a page shows it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FILES", "MOST_REMARKS", "MOST_TEXT"]

_MIB = 1 << 20

FILES: Mapping[str, int] = {
    "predictions.json": 64 * _MIB,
    "system.toml": _MIB >> 6,
    "results.json": 256 * _MIB,
    "SHA256SUMS": 4096,
}
"""The files of a submission, and the most bytes of each.

QEVD's test split has 2,013 remarks: a talkative system's predictions are about 1 MB and its results 2 MB; a hundred times
that is no coach. A card of 16 KiB holds every key at its longest; a TOML reader takes a second for the worst file of that size.
"""

MOST_REMARKS = 100_000
"""Fifty times the references of QEVD's test split; a remark every 0.15 s all the way through."""

MOST_TEXT = 1_000
"""Characters of one remark: more than a minute of speech."""
