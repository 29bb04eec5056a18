import pytest
from hypothesis import given
from lexical_texts import FUZZ, NASTY, texts

from biobench.text.treebank import treebank_tokens


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("You cannot, you can't.", "You can not , you ca n't ."),
        ('He said "go" (twice).', "He said `` go '' ( twice ) ."),
        ("wanna wanna.", "wan na wan na ."),
        ("'tis it's knees'", "'t is it 's knees '"),
        ("hold... 3:30, 1,000 5%", "hold ... 3:30 , 1,000 5 %"),
        ("lemme'twas", "lem me 't was"),
        ("don’t “stop” --now--", "don ’ t “ stop ” -- now --"),
    ],
)
def test_known_tokens(sentence, expected):
    assert treebank_tokens(sentence) == expected.split()


@pytest.fixture(scope="module")
def reference():
    return pytest.importorskip("nltk.tokenize").NLTKWordTokenizer()


def test_equal_to_nltk_on_nasty_texts(reference):
    for text in NASTY:
        assert treebank_tokens(text) == reference.tokenize(text), text


@FUZZ
@given(text=texts())
def test_equal_to_nltk_on_any_string(text, reference):
    assert treebank_tokens(text) == reference.tokenize(text)
