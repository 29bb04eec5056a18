"""The word tokens of a text in lower case, as METEOR reads it: ``nltk.word_tokenize``, then ``str.lower``."""

from __future__ import annotations

import re

from biobench.text.memo import Memo
from biobench.text.punkt import sentences, surely_ends_sentence
from biobench.text.treebank import treebank_tokens

__all__ = ["word_tokens"]


def word_tokens(text: str) -> tuple[str, ...]:
    """Equal to ``tuple(token.lower() for token in nltk.word_tokenize(text))`` of nltk 3.9.1.

    Most texts are read a chunk at a time (a chunk has no white space), each distinct chunk once. That is
    exact because a plain chunk (see ``_PLAIN``) is tokenized alike in every sentence where it stands at the
    same place, inside or at the end, and because only chunks are taken of which it is certain whether they
    end the sentence. A text with any other chunk is read as a whole.

    >>> word_tokens("Don't rush. Five more reps. Keep your back at 3.5°!")
    ('do', "n't", 'rush', '.', 'five', 'more', 'reps.', 'keep', 'your', 'back', 'at', '3.5°', '!')
    """
    return _TEXTS[text]


def _read(text: str) -> tuple[str, ...]:
    chunks = text.strip().split(" ")
    last = chunks.pop()
    tokens: list[str] = []
    for chunk in chunks:
        found = _INNER_CHUNKS[chunk]
        if found is None:
            return _read_as_a_whole(text)
        tokens += found
    found = _LAST_CHUNKS[last]
    if found is None:
        return _read_as_a_whole(text)
    tokens += found
    return tuple(tokens)


def _read_as_a_whole(text: str) -> tuple[str, ...]:
    return tuple(token.lower() for sentence in sentences(text) for token in treebank_tokens(sentence))


def _inner_chunk(chunk: str) -> tuple[str, ...] | None:
    """The tokens of a chunk that another one follows; None where the chunk alone doesn't tell."""
    mark = chunk[-1:]
    if mark in _END_MARKS:
        return _last_chunk(chunk) if _PLAIN.fullmatch(chunk) and surely_ends_sentence(chunk) else None
    word = chunk[:-1] if mark == "," else chunk
    if _is_simple(word):
        return (word.lower(), ",") if mark == "," else (word.lower(),)
    if not _PLAIN.fullmatch(chunk):
        return None if chunk else ()
    return tuple(token.lower() for token in treebank_tokens(f"x {chunk} x")[1:-1])


def _last_chunk(chunk: str) -> tuple[str, ...] | None:
    """The tokens of a chunk at the end of a sentence; None where the chunk alone doesn't tell."""
    mark = chunk[-1:]
    word = chunk[:-1] if mark in _END_MARKS or mark == "," else chunk
    if _is_simple(word):
        return (word.lower(), mark) if word != chunk else (word.lower(),)
    if not _PLAIN.fullmatch(chunk):
        return None if chunk else ()
    return tuple(token.lower() for token in treebank_tokens(f"x {chunk}")[1:])


def _is_simple(word: str) -> bool:
    """Whether a word is one token wherever it stands, as no rule of the tokenizer looks at its characters."""
    return _UNTOUCHED.fullmatch(word) is not None and _CONTRACTION.search(word) is None


_END_MARKS = frozenset(".?!")

_PLAIN = re.compile(r"""(?![])}'])(?:[^\s"'`«»“”‘„.?!]|'(?!')|\.(?=\w))+[.?!]?""")
"""A chunk that no other chunk can change.

It doesn't begin with what could close the sentence before it, holds no quotation marks but apostrophes, and
holds a period, question or exclamation mark only at its end (a period before a letter or digit too).
"""

_UNTOUCHED = re.compile(r"""[^\s"'`«»“”‘’„.?!,:;@#$%&*()\[\]{}<>-]+""")
_CONTRACTION = re.compile("cannot|gimme|gonna|gotta|lemme|wanna", re.IGNORECASE)

_TEXTS = Memo(_read, entries=4096, longest=400)
_INNER_CHUNKS = Memo(_inner_chunk, entries=16384, longest=40)
_LAST_CHUNKS = Memo(_last_chunk, entries=16384, longest=40)
