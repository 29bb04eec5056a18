"""Word tokens of one sentence in the manner of the Penn Treebank, as nltk's word tokenizer has them."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["treebank_tokens"]


def treebank_tokens(sentence: str) -> list[str]:
    """Equal to ``nltk.tokenize.NLTKWordTokenizer().tokenize(sentence)`` of nltk 3.9.1.

    The tokenizer is a list of rewritings, one after the other, that put spaces where tokens part. Their order
    matters: some look at spaces that earlier ones made.

    >>> treebank_tokens("Don't lock (or bend) your knees, it's 160°.")
    ['Do', "n't", 'lock', '(', 'or', 'bend', ')', 'your', 'knees', ',', 'it', "'s", '160°', '.']
    """
    characters = frozenset(sentence)
    text = _rewritten(sentence, characters, _OPENING)
    text = _rewritten(text, characters, _MARKS)
    text = f" {text} "
    text = _rewritten(text, characters, _QUOTES)
    text = f" {' '.join(text.split())} "
    text = _rewritten(text, characters, _CLITICS)
    text = _CONTRACTION.sub(r" \1 \2 ", text)
    text = _rewritten(text, characters, _TIS)
    return text.split()


class _Rule(NamedTuple):
    """A rewriting, with characters of which the sentence must hold one for it to do anything."""

    needed: frozenset[str]
    pattern: re.Pattern[str]
    replacement: str


def _rewritten(text: str, characters: frozenset[str], rules: tuple[_Rule, ...]) -> str:
    for needed, pattern, replacement in rules:
        if not needed.isdisjoint(characters):
            text = pattern.sub(replacement, text)
    return text


def _rule(needed: str, pattern: str, replacement: str, flags: int = 0) -> _Rule:
    return _Rule(frozenset(needed), re.compile(pattern, flags), replacement)


_OPENING = (
    _rule("«“‘„`", "[«“‘„]|`+", r" \g<0> "),
    _rule('"`', '^"|``', " `` "),
    _rule("""'\"""", r"""([ (\[{<])(?:"|'')""", r"\1 `` "),
    # An apostrophe before a word of one letter, but for the clitics.
    _rule("'", r"(')(?!re|ve|ll|m|t|s|d|n)(?=\w\b)", r"\1 ", re.IGNORECASE),
)
_MARKS = (
    # The period of the sentence, with what closes after it.
    _rule(".", r"""(?<=[^.])(\.)([])}>"'»”’ ]*+)\s*+\Z""", r" \1 \2 "),
    _rule(":,", r"([:,])(\D)", r" \1 \2"),
    _rule(":,", r"[:,]\Z", r" \g<0> "),
    _rule(".;@#$%&?!", r"\.{2,}|[;@#$%&?!]", r" \g<0> "),
    _rule("'", r"(?<=[^'])' ", " ' "),
    _rule("*[](){}<>-", r"[]*\[(){}<>]|--", r" \g<0> "),
)
_QUOTES = (
    _rule("»”’'", "[»”’]|''", r" \g<0> "),
    _rule('"', '"', " '' "),
)
_CLITICS = (
    _rule("""'\"""", r"(?<=[^' ])('[sS]|'[mM]|'[dD]|') ", r" \1 "),
    _rule("'", r"(?<=[^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", r" \1 "),
)
_CONTRACTION = re.compile(
    r"\b(can(?=not\b)|d(?='ye\b)|gim(?=me\b)|gon(?=na\b)|got(?=ta\b)|lem(?=me\b)|more(?='n\b)|wan(?=na\s))"
    r"(not|'ye|me|na|ta|'n)",
    re.IGNORECASE,
)
_TIS = tuple(_rule("'", rf" ('t)({verb})\b", r" \1 \2 ", re.IGNORECASE) for verb in ("is", "was"))
