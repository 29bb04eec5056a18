import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexical_texts import FUZZ

from biobench.text.porter import stem

ENDINGS = [
    "ational", "tional", "enci", "anci", "izer", "bli", "alli", "entli", "eli", "ousli", "ization", "ation", "ator",
    "alism", "iveness", "fulness", "ousness", "aliti", "iviti", "biliti", "fulli", "logi", "icate", "ative", "alize",
    "iciti", "ical", "ful", "ness", "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent",
    "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize", "e", "ll", "ed", "ing", "eed", "ied", "ies", "s", "ss",
    "sses", "y", "at", "bl", "iz", "es", "*d",
]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("caresses", "caress"), ("ponies", "poni"), ("ties", "tie"), ("cats", "cat"), ("agreed", "agre"), ("feed", "feed"),
        ("plastered", "plaster"), ("hopping", "hop"), ("filing", "file"), ("falling", "fall"), ("happy", "happi"),
        ("enjoy", "enjoy"), ("relational", "relat"), ("geology", "geolog"), ("electrical", "electr"), ("adoption", "adopt"),
        ("controll", "control"), ("skies", "sky"), ("dying", "die"), ("SQUATS", "squat"), ("is", "is"), ("", ""),
        ("İs", "i̇s"), ("a*ded", "ad"), ("n't", "n't"), ("160°", "160°"), ("reps.", "reps."),
    ],
)  # fmt: skip
def test_known_stems(word, expected):
    assert stem(word) == expected


@FUZZ
@given(
    start=st.text(alphabet=st.one_of(st.sampled_from("aeiouyybcdlstzwxkéİſΣ'-*"), st.characters()), max_size=7),
    endings=st.lists(st.sampled_from(ENDINGS), max_size=3),
)
def test_equal_to_nltk_on_any_string(start, endings):
    reference = pytest.importorskip("nltk.stem.porter").PorterStemmer()
    word = start + "".join(endings)
    assert stem(word) == reference.stem(word)


def test_a_long_run_of_y_where_nltk_exceeds_the_recursion_limit():
    assert stem("y" * 5001 + "s") == "y" * 5001
