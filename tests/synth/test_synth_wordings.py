"""The wordings and the catalogue of faults fit together; every alternative that can be drawn can be written."""

import itertools
import re
import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.exercises import faults, names
from biobench.synth.draw import Draw
from biobench.synth.movements import movements, tempo_factors
from biobench.synth.wording import fill, in_words, transition

DATA = files("biobench").joinpath("data")
WORDINGS = tomllib.loads(DATA.joinpath("synth/wordings.toml").read_text(encoding="utf-8"))
CATALOGUE = tomllib.loads(DATA.joinpath("exercises.toml").read_text(encoding="utf-8"))
FAULTS = {fault.id: fault for name in names() for fault in faults(name)}
PHASES = {
    "start", "descent", "bottom", "ascent", "top", "flight", "landing", "step", "reach", "return", "hold", "throughout",
}  # fmt: skip
REGISTERS = ("lay", "bio")
LISTS = {"observe", "cue", "fix", "avoid", "good"}
IN_FAULTS = {"side", "much", "how", "grade", "phase", "deg", "target"}


def alternatives(template):
    """Every way to choose in a template, slots left as they are."""
    found = re.search(r"\[([^\[\]]*)\]", template)
    if found is None:
        return [template]
    return [
        text
        for choice in found[1].split("|")
        for text in alternatives(template[: found.start()] + choice + template[found.end() :])
    ]


@pytest.mark.parametrize("name", names())
def test_an_exercise_has_at_least_four_faults(name):
    of_exercise = faults(name)
    assert len({fault.id for fault in of_exercise}) == len(of_exercise)
    assert len(movements()[name].technique) >= 4
    for fault in of_exercise:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", fault.id)
        assert fault.lay != fault.clinical
        assert fault.harm in ("safety", "technique", "cosmetic")
        assert fault.phase in PHASES
    depth = movements()[name].depth_fault
    assert depth is None or movements()[name].fault(depth)


def test_the_same_id_is_the_same_fault():
    labels = {
        (fault.id, fault.lay, fault.clinical, fault.sided, fault.harm) for name in names() for fault in faults(name)
    }
    assert len(labels) == len(FAULTS)


def test_faults_are_found_under_every_spelling():
    assert faults("armcrosschest left") == faults("deltoid stretch")
    with pytest.raises(KeyError, match="burpees"):
        faults("burpees")
    with pytest.raises(KeyError, match="no fault knees-in"):
        movements()["plank taps"].fault("knees-in")


def test_the_catalogue_holds_nothing_else():
    assert set(CATALOGUE) == {"version", "aliases", "faults", "movement", "moves", "moves_in"}
    assert (
        set(CATALOGUE["movement"])
        == set(CATALOGUE["faults"])
        == set(CATALOGUE["aliases"])
        == set(names())
        == set(movements())
    )
    assert set(tempo_factors()) <= set(FAULTS)


def test_movements_name_faults_that_exist():
    table = tomllib.loads(DATA.joinpath("synth/movements.toml").read_text(encoding="utf-8"))
    pairs = table["opposites"] + table["related"]
    assert set(itertools.chain(*pairs)) <= set(FAULTS)
    for one, other in pairs:  # a pair that never meets is a mistake
        assert any({one, other} <= {fault.id for fault in faults(name)} for name in names()), (one, other)


def test_every_fault_has_words():
    assert set(WORDINGS["faults"]) == set(FAULTS)
    for wordings in WORDINGS["faults"].values():
        assert set(wordings) - {"degrees"} == set(REGISTERS)
        for register in REGISTERS:
            assert set(wordings[register]) == LISTS


@pytest.mark.parametrize("fault", sorted(WORDINGS["faults"]))
def test_the_words_of_a_fault(fault):
    wordings = WORDINGS["faults"][fault]
    rule = wordings.get("degrees")
    for register in REGISTERS:
        for kind, templates in wordings[register].items():
            texts = [text for template in templates for text in alternatives(template)]
            assert len(texts) == len(set(texts)) >= 1
            for text in texts:
                slots = set(re.findall(r"\{(\w+)\}", text))
                assert slots <= IN_FAULTS
                assert ("side" in slots) == (FAULTS[fault].sided and kind != "fix"), text
                assert rule is not None or not slots & {"deg", "target"}
                assert "target" not in slots or rule["clean"] > 0
                assert kind in ("observe", "cue", "avoid") or "deg" not in slots, text
                assert not set(re.findall(r"\w+", text)) & {"left", "right"} or "left and right" in text, text
                assert not re.search(r"[\[\]|]|[.!?]$|^[A-Z](?!\w* )", text), text
                assert "{much} too" not in text
                assert not re.search(r"\d", text), text
                if kind in ("cue", "fix", "avoid"):
                    assert not text.startswith(("don't", "do not", "your ", "to ")), text


def test_a_fault_can_be_said_in_many_ways():
    for fault, wordings in WORDINGS["faults"].items():
        for register in REGISTERS:
            ways = sum(len(alternatives(t)) for kind in ("observe", "cue") for t in wordings[register][kind])
            assert ways >= 5, (fault, register)


@pytest.mark.parametrize("register", REGISTERS)
def test_patterns_use_parts_that_exist(register):
    known = {*WORDINGS[register]["parts"], *LISTS, "n", "one", "many", "told"}
    for theme, patterns in WORDINGS[register]["patterns"].items():
        for pattern in patterns:
            assert set(re.findall(r"\{(\w+)\}", pattern)) <= known, (theme, pattern)
    assert set(WORDINGS["lay"]["patterns"]) == set(WORDINGS["bio"]["patterns"])
    assert set(WORDINGS[register]["phases"]) == PHASES


@pytest.mark.parametrize("register", REGISTERS)
def test_praise_and_cheers_name_no_side(register):
    for part, templates in WORDINGS[register]["parts"].items():
        for template in templates:
            assert not set(re.findall(r"\w+", template)) & {"left", "right"}, (part, template)


def test_instructions_come_in_pairs_for_every_exercise():
    assert set(WORDINGS["instructions"]) == {"general", *names()}
    for exercise, pairs in WORDINGS["instructions"].items():
        assert len(pairs) >= 3
        sided = exercise != "general" and movements()[exercise].sided
        for pair in pairs:
            assert set(pair) == {"lay", "bio"}
            assert all(("{side}" in text) == sided for text in pair.values()), pair


@given(st.recursive(st.text(st.sampled_from("ab "), min_size=1), lambda inner: st.lists(inner, min_size=1).map(
    lambda choices: "[" + "|".join(choices) + "]"), max_leaves=8))  # fmt: skip
def test_filling_chooses_one_of_the_alternatives(template):
    text = fill(template, {}, Draw(template))
    assert not set(text) & set("[]|")
    assert text in alternatives(template)


def test_filling_slots():
    slots = {"n": "5", "who": ["[you|you]"]}
    assert fill("{who} did {n}", slots, Draw("x")) == "you did 5"
    with pytest.raises(KeyError):
        fill("{nobody}", slots, Draw("x"))
    with pytest.raises(ValueError, match="open bracket"):
        fill("[a|b", slots, Draw("x"))


def test_numbers_in_words():
    assert len({in_words(number) for number in range(1000)}) == 1000
    assert [in_words(n) for n in (0, 13, 20, 99, 100, 215, 300)] == [
        "zero", "thirteen", "twenty", "ninety-nine", "a hundred", "two hundred and fifteen", "three hundred",
    ]  # fmt: skip


def test_transitions_are_the_published_ones():
    assert transition("squats", is_first=True) == "First up are squats!"
    assert transition("armcrosschest left", is_first=False) == "Moving on to armcrosschest left!"
