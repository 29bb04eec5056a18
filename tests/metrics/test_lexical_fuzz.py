"""METEOR, its tokens and its synonyms against nltk itself, ROUGE-L against rouge_score, on texts that break tokenizers.

A normal run compares a small fixed sample. BIOBENCH_FUZZ_PAIRS=20000 compares that many random pairs, and every word of
WordNet.
"""

import pytest
from hypothesis import example, given
from lexical_texts import FUZZ, MANY, NASTY, pairs

from biobench.metrics.meteor import meteor
from biobench.metrics.reference_engines import nltk_meteor, rouge_score_l
from biobench.metrics.rouge import rouge_l
from biobench.text.porter import stem
from biobench.text.synonyms import synonyms
from biobench.text.tokens import word_tokens


@pytest.fixture(scope="session")
def reference_meteor(nltk):
    return nltk_meteor()


@pytest.fixture(scope="session")
def reference_rouge():
    return rouge_score_l()


@pytest.mark.parametrize("shift", range(3))
def test_nasty_pairs(shift, reference_meteor, reference_rouge):
    for reference, prediction in zip(NASTY, NASTY[shift:] + NASTY[:shift], strict=True):
        assert meteor(reference, prediction) == reference_meteor(reference, prediction), (
            reference,
            prediction,
        )
        assert rouge_l(reference, prediction) == reference_rouge(reference, prediction), (
            reference,
            prediction,
        )


def test_nasty_tokens(nltk):
    for text in NASTY:
        assert word_tokens(text) == tuple(token.lower() for token in nltk.word_tokenize(text)), text


@FUZZ
@given(pair=pairs())
@example(pair=("", ""))
@example(pair=("cannot'tis", "lemme'twas"))
@example(pair=("push_up", "pushup"))
def test_random_pairs(pair, nltk, reference_meteor, reference_rouge):
    for text in pair:
        assert word_tokens(text) == tuple(token.lower() for token in nltk.word_tokenize(text))
    assert meteor(*pair) == reference_meteor(*pair)
    assert rouge_l(*pair) == reference_rouge(*pair)


def test_synonyms_of_the_words_of_wordnet_and_of_their_stems(nltk):
    wordnet = nltk.corpus.wordnet
    words = sorted(
        set(wordnet.all_lemma_names()) | {form for forms in wordnet._exception_map.values() for form in forms}
    )
    assert len(words) > 150_000
    for word in words if MANY else words[::40]:
        for form in {word, stem(word), f"{word}s", f"{word}ed", f"{word}ing", f"{word}er", f"{word}men"}:
            names = {lemma.name() for synset in wordnet.synsets(form) for lemma in synset.lemmas()}
            assert synonyms(form) == {name for name in names if name == name.lower() and "_" not in name}, form
