"""Every spelling that the data use leads to one of the 23 names."""

import pytest

from biobench.exercises import Exercise, find_exercise, names


def test_there_are_23():
    assert len(names()) == 23


@pytest.mark.parametrize(
    ("spelling", "exercise"),
    [
        ("push ups", Exercise("push ups")),
        ("pushups", Exercise("push ups")),
        ("push-up", Exercise("push ups")),
        ("Pushup", Exercise("push ups")),
        ("armcrosschest left", Exercise("deltoid stretch", "left")),
        ("armcrosschest right", Exercise("deltoid stretch", "right")),
        ("deltoid stretch right", Exercise("deltoid stretch", "right")),
        ("quad stretch left", Exercise("quad stretch", "left")),
        ("good morning beginner", Exercise("good mornings")),
        ("boxing squat punches", Exercise("boxing squat punches")),
        ("floor touch", Exercise("floor touches")),
        ("toe toucher", Exercise("toe touchers")),
        ("Squat", Exercise("squats")),
        ("squat jumps", Exercise("squat jumps")),
        ("puddle jumps", Exercise("puddle jumps")),
        ("quick_feet", Exercise("quick feet")),
    ],
)
def test_spellings(spelling, exercise):
    assert find_exercise(spelling) == exercise


@pytest.mark.parametrize("name", names())
def test_every_name_singular_plural_joined_and_hyphenated_is_itself(name):
    for spelling in (name, name.removesuffix("s"), name.replace(" ", ""), name.replace(" ", "-"), name.title()):
        assert find_exercise(spelling) == Exercise(name)


@pytest.mark.parametrize("spelling", ["", "left", "burpees", "squat squat", "!"])
def test_unknown(spelling):
    assert find_exercise(spelling) is None
