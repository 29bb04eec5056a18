"""METEOR as nltk 3.9.1 computes it (Lavie and Agarwal 2007), to the last bit, but thirty times as fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from biobench.metrics.base import PairMetric
from biobench.metrics.reference_engines import nltk_meteor, nltk_versions
from biobench.text.memo import Memo
from biobench.text.porter import stem
from biobench.text.synonyms import synonyms
from biobench.text.tokens import word_tokens
from biobench.text.word_tables import tables_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["PROFILE", "Meteor", "meteor"]

PROFILE = "nltk-3.9.1"
"""Whose tokens, stems, synonyms and arithmetic: other releases of nltk split words differently."""

ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5


class Meteor(PairMetric):
    """METEOR of matched pairs, alpha 0.9, beta 3, gamma 0.5.

    ``engine`` is ``fast`` (ours) or ``reference`` (the installed nltk with its own data; raises
    ``MetricUnavailable`` without them). With nltk 3.9.1 the scores are equal.
    """

    name = "meteor"

    def __init__(self, epsilon: float = 0.0, engine: Literal["fast", "reference"] = "fast") -> None:
        super().__init__(epsilon)
        self.engine = engine
        self._pair_score: Callable[[str, str], float] = meteor if engine == "fast" else nltk_meteor()

    def signature(self) -> Mapping[str, str]:
        """Profile, engine, parameters, and the word tables or the nltk that was used."""
        used = {"profile": PROFILE, **tables_version()} if self.engine == "fast" else nltk_versions()
        return {"engine": self.engine, **used, "alpha": "0.9", "beta": "3", "gamma": "0.5"}

    def pair_scores(self, references: Sequence[str], predictions: Sequence[str]) -> list[float]:
        """METEOR of each pair, 0 to 1."""
        return [self._pair_score(*pair) for pair in zip(references, predictions, strict=True)]


def meteor(reference: str, prediction: str) -> float:
    """METEOR of one prediction, 0 (also where either text is empty) to just under 1.

    Equal (``==``) to nltk 3.9.1's ``single_meteor_score(word_tokenize(reference), word_tokenize(prediction),
    alpha=0.9, beta=3, gamma=0.5)`` with WordNet 3.0. Both texts may hold anything.

    >>> meteor("Lower your hips!", "Don't lower your hips!")
    0.9449404761904763
    >>> meteor("10", "10"), meteor("Move faster!", "Speed up!")
    (0.5, 0.16666666666666666)
    """
    theirs, ours = word_tokens(reference), word_tokens(prediction)
    matches, chunks = (len(ours), 1) if theirs == ours else _alignment(theirs, ours)
    if not matches:
        return 0.0
    precision = matches / len(ours)
    recall = matches / len(theirs)
    mean = (precision * recall) / (ALPHA * precision + (1 - ALPHA) * recall)
    penalty: float = GAMMA * (chunks / matches) ** BETA
    return (1 - penalty) * mean


def _alignment(reference: Sequence[str], prediction: Sequence[str]) -> tuple[int, int]:
    """How many words match and in how many runs they lie.

    Each word of the prediction, from the last to the first, takes the last free word of the reference that is
    equal; then the words left over take one with an equal stem; then one whose stem is a synonym of their
    stem.
    """
    free: dict[str, list[int]] = {}
    for place, word in enumerate(reference):
        if word in free:
            free[word].append(place)
        else:
            free[word] = [place]
    partners = [-1] * len(prediction)
    left = []
    place = len(prediction)
    for word in reversed(prediction):
        place -= 1
        places = free.get(word)
        if places:
            partners[place] = places.pop()
        else:
            left.append(place)
    if left and len(prediction) - len(left) < len(reference):
        _match_by_stem(prediction, left, free, partners)
    return len(prediction) - partners.count(-1), _runs(partners)


def _match_by_stem(
    prediction: Sequence[str], left: Sequence[int], free: dict[str, list[int]], partners: list[int]
) -> None:
    """Enters partners with an equal stem, then those with a synonymous one.

    ``left`` are the places in the prediction that have no partner yet, from the last to the first; ``free``
    the places in the reference, by word, ascending.
    """
    by_stem: dict[str, list[int]] = {}
    for word, places in free.items():
        if places:
            stem_of_word = _STEMS[word]
            known = by_stem.get(stem_of_word)
            by_stem[stem_of_word] = sorted(known + places) if known else places
    stems = set(by_stem)
    still_left = []
    for place in left:
        stem_of_word = _STEMS[prediction[place]]
        if stem_of_word in stems:
            partners[place] = _take(stem_of_word, by_stem, stems)
        else:
            still_left.append((place, stem_of_word))
    for place, stem_of_word in still_left:
        names = _SYNONYMS[stem_of_word]
        if not names.isdisjoint(stems):
            last = max(names & stems, key=lambda name: by_stem[name][-1])
            partners[place] = _take(last, by_stem, stems)


def _take(stem_of_word: str, by_stem: dict[str, list[int]], stems: set[str]) -> int:
    """The last free place of a stem; ``stems`` are those that still have one."""
    places = by_stem[stem_of_word]
    place = places.pop()
    if not places:
        stems.discard(stem_of_word)
    return place


def _runs(partners: Sequence[int]) -> int:
    """How many runs of words that follow each other in both texts the matches make."""
    runs = 0
    expected = -1
    for partner in partners:
        if partner < 0:
            expected = -1
        else:
            runs += partner != expected
            expected = partner + 1
    return runs


_STEMS = Memo(stem, entries=16384, longest=40)
_SYNONYMS = Memo(synonyms, entries=8192, longest=40)
