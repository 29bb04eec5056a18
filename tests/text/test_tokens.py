import pytest
from hypothesis import given
from lexical_texts import FUZZ, NASTY, texts

from biobench.text.punkt import sentences
from biobench.text.tokens import word_tokens
from biobench.text.treebank import treebank_tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\n", ""),
        ("Great job! Keep your back straight.", "great job ! keep your back straight ."),
        ("Five more reps. Keep it up.", "five more reps. keep it up ."),
        ("Only 3. keep going", "only 3. keep going"),
        ("DON'T lock your knees, OK?", "do n't lock your knees , ok ?"),
        ("Hold at 160°–170°... good", "hold at 160°–170° ... good"),
        ("gonna. wanna!", "gon na . wan na !"),
        ("push_up at 3:30", "push_up at 3:30"),
        ("İ Σ ΑΣ", "i̇ σ ας"),
    ],
)
def test_known_tokens(text, expected):
    assert word_tokens(text) == tuple(expected.split())


def whole(text):
    return tuple(token.lower() for sentence in sentences(text) for token in treebank_tokens(sentence))


def test_reading_by_chunks_is_reading_the_whole_on_nasty_texts():
    for text in NASTY:
        for wrapped in (text, f"Keep {text} going", f"{text} Knees. {text}"):
            assert word_tokens(wrapped) == whole(wrapped), wrapped


@FUZZ
@given(text=texts())
def test_reading_by_chunks_is_reading_the_whole(text):
    assert word_tokens(text) == whole(text)
