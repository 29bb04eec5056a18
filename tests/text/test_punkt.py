import pytest
from hypothesis import given
from lexical_texts import FUZZ, NASTY, texts

from biobench.text.punkt import sentences, surely_ends_sentence
from biobench.text.word_tables import punkt_table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stop! Now? Yes. ", ["Stop!", "Now?", "Yes."]),
        ("Five more reps. Keep going. Rest", ["Five more reps. Keep going.", "Rest"]),
        ("Only 3. keep going", ["Only 3. keep going"]),
        ("Only 3. Keep going", ["Only 3.", "Keep going"]),
        ('("Lower.") Go.', ['("Lower.")', "Go."]),
        ("Wait... the knees", ["Wait... the knees"]),
        ("Wait... The knees", ["Wait...", "The knees"]),
        ("J. Bach said so", ["J. Bach said so"]),
        ("foo ?! bar", ["foo ?", "!", "bar"]),
        (" \n ", []),
    ],
)
def test_known_sentences(text, expected):
    assert sentences(text) == expected


@pytest.fixture(scope="module")
def reference():
    """nltk's splitter over our copy of its parameters, of which another test knows that it is one."""
    punkt = pytest.importorskip("nltk.tokenize.punkt")
    table = punkt_table()
    parameters = punkt.PunktParameters()
    parameters.abbrev_types = set(table.abbreviations)
    parameters.collocations = set(table.collocations)
    parameters.sent_starters = set(table.sentence_starters)
    parameters.ortho_context.update(table.spellings)
    return punkt.PunktSentenceTokenizer(parameters)


def test_equal_to_nltk_on_nasty_texts(reference):
    for text in NASTY:
        assert sentences(text) == reference.tokenize(text), text


@FUZZ
@given(text=texts())
def test_equal_to_nltk_on_any_string(text, reference):
    assert sentences(text) == reference.tokenize(text)


@FUZZ
@given(before=texts(1), after=texts(1))
def test_a_sure_end_is_one_before_any_chunk(before, after):
    chunk = "x".join(before.split()) + "."
    following = (after.split() or ["x"])[0]
    if len(chunk) > 1 and chunk[-2].isalnum() and surely_ends_sentence(chunk) and following[0] not in "\"')]}":
        assert any(sentence.endswith(chunk) for sentence in sentences(f"{chunk} {following}"))
