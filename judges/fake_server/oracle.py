"""What the scripted judge answers before any behaviour changes it: the words that the two texts share."""

from __future__ import annotations

import re

__all__ = ["bio_reply"]

_CRITERIA = ("joint", "side", "motion", "angle", "rom", "phase", "reps", "valence", "harm")


def bio_reply(exercise: str | None, reference: str, prediction: str) -> dict[str, object]:  # noqa: ARG001 - the words decide
    """The object of the judge ``bio``: ``overall`` is "1" to "5" by the share of words in common (Dice's coefficient)."""
    mine, theirs = _words(prediction), _words(reference)
    share = 2 * len(mine & theirs) / (len(mine) + len(theirs)) if mine or theirs else 0.0
    criterion = "match" if share >= 0.5 else "wrong"
    return {
        "reference_claims": [reference] if reference else [],
        "prediction_claims": [prediction] if prediction else [],
        **dict.fromkeys(_CRITERIA, criterion),
        "tampering": "no",
        "overall": str(1 + round(4 * share)),
    }


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
