"""The reference implementations: nltk's METEOR and rouge_score's ROUGE-L, imported when asked for."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from biobench.metrics.base import MetricUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["nltk_meteor", "nltk_versions", "rouge_score_l", "rouge_score_versions"]


def nltk_meteor() -> Callable[[str, str], float]:
    """METEOR of (reference, prediction) by the installed nltk and its data; alpha 0.9, beta 3, gamma 0.5.

    Raises ``MetricUnavailable`` where nltk or its data are missing; nothing is downloaded. The function that
    it gives raises ``RecursionError`` on words with about a thousand letters y in a row.
    """
    try:
        import nltk.translate.meteor_score  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy, optional
    except ImportError as error:
        raise MetricUnavailable(
            f"the reference engine of METEOR needs nltk ({error}): pip install nltk==3.9.1"
        ) from error
    missing = [
        name for name, places in _NLTK_DATA.items() if not any(_is_found(nltk.data.find, place) for place in places)
    ]
    if missing:
        raise MetricUnavailable(
            f"the reference engine of METEOR needs nltk's data {' and '.join(missing)}: "
            f"python -m nltk.downloader {' '.join(missing)}"
        )

    def score(reference: str, prediction: str) -> float:
        words = nltk.word_tokenize(reference), nltk.word_tokenize(prediction)
        return float(nltk.translate.meteor_score.single_meteor_score(*words, alpha=0.9, beta=3, gamma=0.5))

    return score


def rouge_score_l() -> Callable[[str, str], float]:
    """ROUGE-L (F-measure, no stemmer) of (reference, prediction) by the installed rouge_score.

    Raises ``MetricUnavailable`` where it is missing.
    """
    try:
        from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise MetricUnavailable(
            f"the reference engine of ROUGE-L needs rouge_score ({error}): pip install rouge-score==0.1.2"
        ) from error
    scorer = RougeScorer(["rougeL"], use_stemmer=False)

    def score(reference: str, prediction: str) -> float:
        return float(scorer.score(reference, prediction)["rougeL"].fmeasure)

    return score


def nltk_versions() -> Mapping[str, str]:
    """The installed nltk and its data, for a signature."""
    from nltk.corpus import wordnet  # type: ignore[import-untyped]  # noqa: PLC0415

    return {
        "profile": f"nltk-{version('nltk')}",
        "synonyms": f"wordnet-{wordnet.get_version()}",
        "sentences": "punkt_tab",
    }


def rouge_score_versions() -> Mapping[str, str]:
    """The installed rouge_score, for a signature."""
    return {"profile": f"rouge_score-{version('rouge-score')}"}


def _is_found(find: Callable[[str], object], place: str) -> bool:
    try:
        find(place)
    except LookupError:
        return False
    return True


_NLTK_DATA = {
    "punkt_tab": ("tokenizers/punkt_tab/english/",),
    "wordnet": ("corpora/wordnet", "corpora/wordnet.zip"),
}
"""nltk's data packages, and where each may lie in nltk's data folder."""
