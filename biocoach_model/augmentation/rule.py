"""Rewriting by rule: the fact is added behind the remark, whose own words stay."""

from __future__ import annotations

from biocoach_model.augmentation.records import Fact

__all__ = ["with_fact"]

_ENDS = ".!?…"


def with_fact(remark: str, fact: Fact) -> str:
    """The remark and the fact: after a colon where the remark is one plain sentence, else as a sentence of its own.

    >>> from judges.claims.facts import Verdict
    >>> told = "your right knee falls in by 21 degrees"
    >>> fact = Fact("knees-in", "right", "hip_adduction", 21, 0, 21, frozenset(), Verdict("supported", ""), told)
    >>> with_fact("Push your knees out.", fact)
    'Push your knees out: your right knee falls in by 21 degrees.'
    >>> with_fact("Careful! Push your knees out!", fact)
    'Careful! Push your knees out! Your right knee falls in by 21 degrees.'
    """
    text = remark.rstrip()
    words = text.rstrip(_ENDS)
    plain = text[len(words) :] in {"", "."} and not any(mark in words for mark in _ENDS + ":")
    if plain:
        return f"{words}: {fact.told}."
    return f"{text if words != text else text + '.'} {fact.told[:1].upper()}{fact.told[1:]}."
