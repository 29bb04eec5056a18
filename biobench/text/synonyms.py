"""The synonyms that nltk's METEOR sees: WordNet 3.0, found through morphy in every part of speech."""

from __future__ import annotations

from biobench.text.word_tables import word_entry

__all__ = ["synonyms"]


def synonyms(word: str) -> frozenset[str]:
    """Every single-word, lower-case name in the synsets of ``word``, itself among them where they name it.

    Equal to the lower-case names without ``_`` of ``wordnet.synsets(word)`` in nltk 3.9.1: a word counts as
    itself and, a part of speech at a time, as the forms that the exception list gives, or else those that the
    endings give.

    >>> sorted(synonyms("speed_up"))
    ['accelerate', 'quicken', 'speed']
    >>> "man" in synonyms("men"), "men" in synonyms("man")
    (True, False)
    """
    word = word.lower()
    entry = word_entry(word)
    names: set[str] = set()
    for letter, endings in _ENDINGS.items():
        names.update(entry.get(letter, ()))
        for form in entry.get(letter.upper()) or _regular_forms(word, endings):
            if form != word:
                names.update(word_entry(form).get(letter, ()))
    return frozenset(names)


def _regular_forms(word: str, endings: tuple[tuple[str, str], ...]) -> list[str]:
    return [word.removesuffix(ending) + base for ending, base in endings if word.endswith(ending)]


_ENDINGS = {
    "n": (
        ("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
        ("men", "man"), ("ies", "y"),
    ),
    "v": (
        ("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""),
    ),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}  # fmt: skip
"""Morphy's rules: for each part of speech, what is taken off a word's end and what is put in its place."""
