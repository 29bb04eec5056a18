import pytest

from biobench.text.synonyms import synonyms


@pytest.mark.parametrize(
    ("word", "some", "others"),
    [
        (
            "men",
            {"man", "workforce"},
            set(),
        ),  # the exception list gives "man", and the plural is a noun itself
        ("hurri", set(), {"hurry", "rush"}),  # a stem that is no word has no synonyms
        ("speed_up", {"accelerate", "speed"}, {"speed_up"}),
        ("speed", {"hasten", "rush"}, {"speed_up"}),
        ("pushup", {"press-up", "pushup"}, set()),
        ("axes", {"ax", "axis"}, set()),
        ("Hips", {"hip"}, set()),
        ("friday", set(), {"Friday", "friday"}),  # its synset writes it with a capital, which no stem equals
        ("", set(), {""}),
        ("knees\tn", set(), {"knee"}),
    ],
)
def test_known_synonyms(word, some, others):
    assert some <= synonyms(word)
    assert not others & synonyms(word)


def test_an_irregular_form_is_not_read_by_the_regular_rules_too():
    assert "bettor" in synonyms("better")  # the noun itself
    assert "bet" not in synonyms("better")  # as the adjective rule "er" would have it
    assert "good" in synonyms("better")
