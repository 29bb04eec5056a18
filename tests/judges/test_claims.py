"""What a remark claims: the labelled sentences, and what must hold of any remark."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.exercises import faults, names
from judges.claims import compare, extract, understand
from judges.claims.lexicon import lexicon
from judges.claims.likeness import contradict, likeness
from judges.claims.tokens import words_of
from judges.claims.typos import mended

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def script():
    path = ROOT / "scripts" / "claims_accuracy.py"
    spec = importlib.util.spec_from_file_location("claims_accuracy", path)
    module = sys.modules["claims_accuracy"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(script, *files):
    return [line for name in files for line in script._lines(name)]


def slots(text, exercise=None):
    return [
        (claim.joint or claim.family, claim.side, claim.direction, claim.rom, claim.phase, claim.polarity)
        for claim in extract(text, exercise)
    ]


# Accuracy ------------------------------------------------------------------------------------------------------


def test_the_labelled_sentences_are_read(script):
    found = script.accuracy("labelled")
    assert found["all slots"].labelled >= 1000
    assert found["all slots"].f1 >= 0.95
    assert all(found[slot].f1 >= 0.92 for slot in script.SLOTS)
    assert script.kinds("labelled") >= 0.95


def test_the_hostile_sentences_are_read_no_worse_than_documented(script):
    found = script.accuracy("hostile")
    assert found["all slots"].f1 >= 0.82
    assert found["all slots"].f1 < 0.95, "say so in docs/claims.md"


def test_triples_in_usual_wording(script):
    right, _, count = script.ordered("triples_plain")
    assert count >= 140
    assert right / count >= 0.78
    assert max(script.ordered_by_words("triples_plain")) <= 0.05


def test_the_page_holds_the_tables_that_the_script_makes(script):
    assert script.tables() in script.PAGE.read_text(encoding="utf-8"), "run python scripts/claims_accuracy.py --write"


def test_sentences_cover_every_exercise_in_both_registers(script):
    labelled = lines(script, "labelled")
    assert len(labelled) >= 300
    assert {line["exercise"] for line in labelled} >= set(names())
    assert {line["register"] for line in labelled} == {"lay", "clinical"}
    assert len({line["text"] for line in lines(script, "labelled", "hostile")}) == len(labelled) + 150


# Traps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "exercise", "expected"),
    [
        ("Don't let your knees cave in.", "squats", ("knee", None, "out", None, None, "asked")),
        ("Let your knees cave in.", "squats", ("knee", None, "in", None, None, "asked")),
        ("Push your knees out.", "squats", ("knee", None, "out", None, None, "asked")),
        ("Flare your elbows.", "push ups", ("shoulder", None, "out", None, None, "asked")),
        ("Control the wobble.", "quad stretch", ("body", None, "still", None, None, "asked")),
        ("Your back is not rounded.", "squats", ("spine", None, "extend", None, None, "fine")),
        ("You are not leaning forward.", "squats", ("trunk", None, "back", None, None, "fine")),
        ("Dynamic knee valgus on the left.", "squats", ("knee", "left", "out", None, None, "fault")),
        ("Your knees aren't caving in any more.", "squats", ("knee", None, "out", None, None, "fine")),
        ("Right now your back is rounding.", "good mornings", ("spine", None, "extend", None, None, "fault")),
        ("That's right, keep your chest up.", "squats", ("trunk", None, "back", None, None, "asked")),
        ("Keep your lower back flat.", "push ups", ("spine", None, "extend", None, None, "asked")),
        ("Lift your left knee higher.", "high knees", ("hip", "left", "flex", "short", None, "asked")),
        ("Too high with the hips!", "push ups", ("pelvis", None, "down", "beyond", None, "fault")),
        ("Your arms are not straight.", "jumping jacks", ("elbow", None, "extend", None, None, "fault")),
    ],
)  # fmt: skip
def test_one_claim(text, exercise, expected):
    assert slots(text, exercise) == [expected]


def test_depth_moves_the_joints_of_the_exercise():
    assert [claim.joint for claim in extract("Go deeper.", "squats")] == ["hip", "knee"]
    assert [claim.joint for claim in extract("Go lower.", "push ups")] == ["elbow"]
    assert extract("Go deeper.", "plank taps") == []


def test_measured_and_target():
    claims = extract("Right knee 85°, sink to 90°.", "squats")
    told = [(c.joint, c.side, c.quantity.low, c.quantity.role) for c in claims]
    assert told == [("knee", "right", 85.0, "measured"), ("knee", "right", 90.0, "target")]


def test_an_angle_to_sink_to_is_that_of_the_joint_named_last():
    text = "Great depth, but your left knee is caving in; right knee 85°, sink to 90°. Three more!"
    angles = [(c.joint, c.side, c.quantity.low) for c in extract(text, "squats") if c.quantity and c.joint]
    assert angles == [("knee", "right", 85.0), ("knee", "right", 90.0)]


@pytest.mark.parametrize("text", ["Three left, keep going.", "You have three left.", "3 reps to go."])
def test_three_left_is_a_count(text):
    (claim,) = extract(text, "squats")
    assert (claim.family, claim.reps, claim.quantity.role, claim.side) == ("count", 3, "delta", None)


@pytest.mark.parametrize("exercise", ["push ups", "armcrosschest right", "good morning beginner", "Push-Ups", None])
def test_exercises_in_any_spelling(exercise):
    assert understand("Keep your back straight.", exercise).claims
    assert not understand("Go lower.", exercise).unknown_exercise


def test_an_unknown_exercise_is_no_error():
    understood = understand("Push your left knee out.", "burpees")
    assert understood.unknown_exercise
    assert understood.claims[0].side == "left"


@pytest.mark.parametrize("text", ["", "   ", "!!!", "🏋️‍♀️💪", "1e999", "x" * 10_000, "\u202eknee\u202c", "your " * 500])
def test_nothing_breaks_it(text):
    understand(text, "squats")
    assert compare(text, text, "squats").contradictions == 0


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_texts_have_scores(one, other):
    found = compare(one, other)
    assert all(value is None or 0 <= value <= 1 for value in (found.precision, found.recall, found.f1))
    assert found.net is None or -1 <= found.net <= 1


def test_spans_point_at_the_text(script):
    for line in lines(script, "labelled", "hostile"):
        for claim in extract(line["text"], line["exercise"]):
            assert 0 <= claim.span.start < claim.span.end <= len(line["text"])


def test_slips_of_one_letter_are_mended_and_english_is_not():
    told = [word.text for word in mended(words_of("Your kness and elbos drift with the width of them"))]
    assert told == ["your", "knees", "and", "elbows", "drift", "with", "the", "width", "of", "them"]


# Metamorphic ---------------------------------------------------------------------------------------------------

SWAP = {"left": "right", "right": "left"}


def test_swapping_the_sides_swaps_the_side_slots_and_nothing_else(script):
    swapped = 0
    for line in lines(script, "labelled"):
        text = line["text"]
        if not re.search(r"\b(left|right)\b", text, re.IGNORECASE) or re.search(
            r"right (?:now|there|under|up|to|at|through|down|into)|(?:that's|all|exactly|just|is) right|left(?: to go|,|\.|!| in)|\w+s left",
            text,
            re.IGNORECASE,
        ):
            continue
        other = re.sub(r"\b(left|right)\b", lambda m: SWAP[m[0].lower()], text, flags=re.IGNORECASE)
        before, after = slots(text, line["exercise"]), slots(other, line["exercise"])
        assert [(j, SWAP.get(s, s), *rest) for j, s, *rest in before] == [tuple(claim) for claim in after], text
        swapped += before != after
    assert swapped >= 50


@pytest.mark.parametrize(
    ("text", "inverted"),
    [
        ("Raise your left arm.", "Lower your left arm."), ("Bend your knees more.", "Straighten your knees more."),
        ("Push your knees out at the bottom.", "Push your knees in at the bottom."), ("Hips up!", "Hips down!"),
        ("Lean forward a little.", "Lean back a little."), ("Your elbows flare out.", "Your elbows drift in."),
        ("Move your feet wider.", "Move your feet narrower."), ("Tuck your chin down.", "Lift your chin up."),
    ],
)  # fmt: skip
def test_inverting_a_direction_changes_only_the_direction(text, inverted):
    (before,), (after,) = extract(text), extract(inverted)
    assert contradict(before, after)
    assert (before.joint, before.side, before.phase) == (after.joint, after.side, after.phase)


def test_wordings_of_the_catalogue_name_the_cure():
    cures = {fault: cure for cure, ids in lexicon().faults.items() for fault in ids}
    told = [
        any((claim.joint, claim.direction) == cures[fault.id] for claim in extract(text, name))
        for name in names()
        for fault in faults(name)
        if fault.id in cures
        for text in (fault.lay, fault.clinical)
    ]
    assert len(told) >= 200
    assert sum(told) / len(told) >= 0.87


def test_identical_texts_score_one_and_the_table_is_symmetric(script):
    labelled = lines(script, "labelled")
    for line, other in zip(labelled, labelled[1:] + labelled[:1], strict=True):
        same = compare(line["text"], line["text"], line["exercise"])
        assert same.f1 is None or (same.f1 == pytest.approx(1) and not same.contradictions)
        there = compare(line["text"], other["text"], line["exercise"])
        back = compare(other["text"], line["text"], line["exercise"])
        assert (there.precision, there.recall, there.contradictions) == pytest.approx(
            (back.recall, back.precision, back.contradictions)
        )


def test_contradiction_silence_vague_exact():
    reference = "Push your left knee out at the bottom."
    scores = [compare(reference, text, "squats").net for text in
              ("Push your left knee in at the bottom.", "", "Watch your left knee, it caves.", reference)]  # fmt: skip
    assert scores == sorted(scores)
    assert scores[0] < scores[1] < scores[2] < scores[3] == pytest.approx(1)


@pytest.mark.parametrize("text", ["Great job, keep it up!", "Three more!", "Faster!"])
def test_praise_counts_and_tempo_are_worth_nothing(text):
    assert compare("Push your left knee out.", text, "squats").f1 == 0
    assert compare(text, text, "squats").f1 is None


def test_angles_within_five_degrees_are_the_same_and_thirty_are_not():
    def f1(degrees):
        return compare("Bend your left knee to 90°.", f"Bend your left knee to {degrees}°.", "squats").f1

    assert f1(90) == f1(95) == pytest.approx(1)
    assert f1(95) > f1(105) > f1(115)
    assert f1(120) == 0
    assert compare("Bend your knee to 90°.", "Bend your knee to 1.57 rad.").f1 == pytest.approx(1)


def test_measured_and_target_in_the_other_order_contradict():
    found = compare("Right knee 85°, sink to 90°.", "Right knee 90°, sink to 85°.", "squats")
    assert found.contradictions >= 1
    assert found.f1 == 0


def test_related_joints_are_partly_alike_and_others_not_at_all():
    (knee,), (hip,), (elbow,) = extract("Bend your knee."), extract("Flex your hip."), extract("Bend your elbow.")
    assert 0 < likeness(knee, hip).both < 1
    assert likeness(knee, elbow).both == 0


def test_invented_numbers_are_counted():
    found = compare("Bend your left knee to 90°.", "Bend your left knee to 92° and your hip to 70°.", "squats")
    assert (found.invented_numbers, found.prediction_numbers) == (1, 2)


# Two hands -----------------------------------------------------------------------------------------------------


def test_the_lexicon_knows_no_sentence_of_the_generator_or_of_the_tests(script):
    """Written apart: no entry of five words and more stands in the generator's wordings."""
    entries = {
        " ".join(words)
        for layer in lexicon().index.values()
        for table in layer.values()
        for words, _ in table
        if len(words) >= 5
    }
    generated = ROOT / "biobench" / "data" / "synth" / "wordings.toml"
    text = generated.read_text(encoding="utf-8").lower()
    assert not [entry for entry in entries if entry in text]
    assert "wordings.toml" not in "".join(p.read_text(encoding="utf-8") for p in (ROOT / "judges").rglob("*.py"))
