"""ROUGE-L as rouge_score 0.1.2 computes it without stemmer (Lin 2004), to the last bit, but faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from biobench.metrics.base import PairMetric
from biobench.metrics.reference_engines import rouge_score_l, rouge_score_versions
from biobench.text.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["PROFILE", "RougeL", "rouge_l"]

PROFILE = "rouge_score-0.1.2"
"""Whose tokens and arithmetic."""


class RougeL(PairMetric):
    """ROUGE-L (F-measure, no stemmer) of matched pairs.

    ``engine`` is ``fast`` (ours) or ``reference`` (the installed rouge_score; raises ``MetricUnavailable``
    without it). With rouge_score 0.1.2 the scores are equal.
    """

    name = "rouge_l"

    def __init__(self, epsilon: float = 0.0, engine: Literal["fast", "reference"] = "fast") -> None:
        super().__init__(epsilon)
        self.engine = engine
        self._pair_score: Callable[[str, str], float] = rouge_l if engine == "fast" else rouge_score_l()

    def signature(self) -> Mapping[str, str]:
        """Profile, engine, and the rouge_score that was used."""
        used = {"profile": PROFILE} if self.engine == "fast" else rouge_score_versions()
        return {"engine": self.engine, **used, "stemmer": "no"}

    def pair_scores(self, references: Sequence[str], predictions: Sequence[str]) -> list[float]:
        """ROUGE-L of each pair, 0 to 1."""
        return [self._pair_score(*pair) for pair in zip(references, predictions, strict=True)]


def rouge_l(reference: str, prediction: str) -> float:
    """ROUGE-L of one prediction, 0 (also where either text has no word) to 1.

    Words are runs of ``a-z0-9`` in the lower-cased text ("90°" is 90, "café" is caf). Equal (``==``) to
    ``RougeScorer(["rougeL"]).score(reference, prediction)["rougeL"].fmeasure`` of rouge_score 0.1.2.

    >>> rouge_l("Lower your hips!", "Don't lower your hips!")
    0.7499999999999999
    """
    theirs, ours = _WORDS[reference], _WORDS[prediction]
    common = len(ours) if theirs == ours else _longest_common_subsequence(theirs, ours)
    if not common:
        return 0.0
    precision = common / len(ours)
    recall = common / len(theirs)
    return 2 * precision * recall / (precision + recall)


def _longest_common_subsequence(first: Sequence[bytes], second: Sequence[bytes]) -> int:
    """Its length, by one row of the usual table held as the bits of an integer (Hyyrö 2004).

    Bit i of ``row`` is 0 where the common subsequence grows at word i of ``first``; what is carried beyond
    the last word means nothing.
    """
    places: dict[bytes, int] = {}
    bit = 1
    for word in first:
        places[word] = places.get(word, 0) | bit
        bit <<= 1
    row = full = bit - 1
    for word in second:
        if word in places:
            step = row & places[word]
            row = (row + step) | (row - step)
    return len(first) - (row & full).bit_count()


def _words(text: str) -> list[bytes]:
    return text.lower().encode("ascii", "replace").translate(_SEPARATED).split()


_KEPT = b"abcdefghijklmnopqrstuvwxyz0123456789"
_SEPARATED = bytes(code if code in _KEPT else ord(" ") for code in range(256))
_WORDS = Memo(_words, entries=4096, longest=400)
