"""Every spelling leads to one of the 23 names; and what is known of each holds together."""

import importlib.util
from pathlib import Path

import pytest

from biobench.body.skel import dofs, sided
from biobench.exercises import Exercise, faults, find_exercise, knowledge, names


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


# What is known of each -------------------------------------------------------------------------------------

BASES = {dof.base for dof in dofs()}
NAMES = {dof.name for dof in dofs()}


@pytest.mark.parametrize("name", names())
def test_what_is_known_holds_together(name):
    known = knowledge(name)
    assert known.name == name
    assert known.cycle.dof in BASES
    assert known.cycle.released in NAMES | BASES
    assert known.cycle.released in {sided(known.cycle.dof, s) for s in ("left", "right")} | {known.cycle.dof} or name in {
        "jumping jacks", "shoulder gators", "lunge jumps", "walking lunges"
    }  # fmt: skip
    assert (known.cycle.signal == "left-minus-right") <= known.alternating
    assert known.hold == known.sided == (known.phases == ("hold",))
    watched = [c.dof for c in (*known.static, *known.dynamic, *known.also)]
    assert len(watched) == len(set(watched))
    assert set(watched) <= BASES
    assert known.static
    assert known.dynamic
    assert all(c.published for c in (*known.static, *known.dynamic))
    assert not any(c.published for c in known.also)
    assert known.targets
    for target in known.targets:
        assert target.measure in BASES | {"arm_elevation"}
        assert target.low_deg < target.high_deg
        assert target.phase in {*known.phases, "throughout"}
        assert target.provenance == "C" or any(character.isdigit() for character in target.source)
        assert target.provenance == "S" or "convention" in target.source
    assert knowledge(name.replace(" ", "-").title()) == known


@pytest.mark.parametrize("name", names())
def test_every_fault_says_what_it_moves(name):
    known = knowledge(name)
    assert len(known.faults) >= 4
    watched = {c.dof for c in (*known.static, *known.dynamic, *known.also)}
    seen = set()
    for fault in known.faults:
        assert fault.phase in {*known.phases, "throughout"}
        assert (fault.tempo is None) == bool(fault.moves), fault.id
        for move in fault.moves:
            assert move.dof in BASES | NAMES
            assert 0 < move.mild_deg < move.clear_deg < move.severe_deg <= 90
            assert move.direction in {-1, 1}
        bases = {next(d.base for d in dofs() if move.dof in (d.base, d.name)) for move in fault.moves}
        assert not bases or bases & watched, f"{fault.id} moves nothing that is looked at"
        signature = (
            frozenset((m.dof, m.direction) for m in fault.moves),
            fault.phase,
            fault.sided,
            fault.tempo,
            fault.sway,
        )
        assert signature not in seen, f"{fault.id} can't be told from another fault of {name}"
        seen.add(signature)


def test_sizes_agree_with_the_words_of_the_generator():
    """The angle that a remark names and the angle that the fault moves, where one joint decides."""
    import tomllib
    from importlib.resources import files

    words = tomllib.loads(files("biobench").joinpath("data/synth/wordings.toml").read_text(encoding="utf-8"))["faults"]
    checked = 0
    for name in names():
        for fault in faults(name):
            degrees = words[fault.id].get("degrees")
            if degrees and fault.moves:
                difference = abs(degrees["worst"] - degrees["clean"])
                sums = {sum(m.severe_deg for m in fault.moves), *(m.severe_deg for m in fault.moves)}
                if fault.id == "short-opening":
                    sums = {sum(m.severe_deg for m in fault.moves) + 1}
                assert min(abs(difference - size) for size in sums) <= 5, (name, fault.id)
                checked += 1
    assert checked > 80


def test_an_unknown_exercise_is_a_key_error():
    with pytest.raises(KeyError, match="burpees"):
        knowledge("burpees")


# The page --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exercise_table():
    path = Path(__file__).parent.parent / "scripts" / "exercise_table.py"
    spec = importlib.util.spec_from_file_location("exercise_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_its_script_prints(exercise_table):
    text = exercise_table.page()
    assert exercise_table.PAGE.read_text(encoding="utf-8") == text, "run python scripts/exercise_table.py --write"
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    for name in names():
        assert all(f"| `{fault.id}` | {fault.lay} | {fault.clinical} |" in sections[name] for fault in faults(name))


def test_where_angles_cannot_tell_two_faults_apart_the_phase_can(exercise_table):
    pairs = exercise_table.alike()
    same_pose = {(pair.exercise, pair.first, pair.second) for pair in pairs if pair.angles > 0.9}
    assert ("lunge jumps", "stiff-landing", "shallow-lunge") in same_pose  # knees and hips bend less in both
    assert all(pair.phased < 0.7 for pair in pairs)


def test_a_fault_is_wholly_like_itself_and_its_other_side_is_not(exercise_table):
    fault = next(fault for fault in faults("squats") if fault.id == "knees-in")
    same = exercise_table._cosines("squats", fault, fault, "left", "left")
    assert same == pytest.approx((1.0, 1.0))
    assert exercise_table._cosines("squats", fault, fault, "left", "right") == pytest.approx((0.0, 0.0))
