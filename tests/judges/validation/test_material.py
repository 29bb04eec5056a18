"""Base items and perturbations: what is touched is known by construction, whatever the extractor makes of it."""

import json
import re
import tomllib
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from biobench.exercises import names
from judges.claims import understand
from judges.claims.lexicon import lexicon
from judges.validation.bank import base_items
from judges.validation.material import DOSES, FAMILIES, _shared, material
from judges.validation.perturbations import CATALOGUE, contrary, edited
from judges.validation.run import items_lines, questions_lines
from judges.validation.templates import FALSIFIED, SLOTS, parse
from judges.validation.wordings import REGISTERS, manners, statements

ROOT = Path(__file__).parents[3]
DATA = ROOT / "judges" / "validation" / "data"


# Templates and wordings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["Bend [knee|ankle].", "[elbow:a|b] it.", "[motion:bend] it.", "[motion:bend|bend] it.", "[joint:a|b] it.",
     "[motion:a|b|c] it.", "Bend {your knee.", "Bend ] it."],
)  # fmt: skip
def test_marks_that_mark_nothing_are_refused(text):
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse(text)


def test_a_template_gives_its_texts():
    template = parse(
        "[negation:don't let|let] your {side} [joint:knee|ankle|elbow] drop [phase:at the bottom|at the top]."
    )
    assert template.render({"side": "left"}) == "Don't let your left knee drop at the bottom."
    assert template.render({"side": "left"}, {"joint": 2, "phase": 1}) == "Don't let your left elbow drop at the top."
    assert template.render({}, without="side") == "Don't let your knee drop at the bottom."
    assert template.render({"side": "left"}, without="phase") == "Don't let your left knee drop."
    with pytest.raises(KeyError):
        template.render({})


def test_every_fault_of_the_catalogue_is_worded_in_all_registers():
    from biobench.exercises import faults

    known = {fault.id for exercise in names() for fault in faults(exercise)}
    assert {s.about for s in statements()} == known | {"done", "left"}
    for statement in statements():
        assert set(statement.texts) == set(REGISTERS)
        texts = [template.source for template in statement.texts.values()]
        assert len(set(texts)) == len(texts)
        holes = {template.holes for template in statement.texts.values()}
        assert len(holes) == 1, (statement.about, statement.kind)
        reference = statement.texts["reference"].slots
        if statement.kind != "count":
            assert len(reference) >= 2, statement.about
            for register in REGISTERS[1:]:
                assert statement.texts[register].slots & {*FALSIFIED}, (statement.about, register)


def test_every_slot_is_marked_in_references():
    marked = Counter(slot for s in statements() for slot in s.texts["reference"].slots)
    assert set(marked) == set(SLOTS)
    assert min(marked.values()) >= 10


def test_sides_are_named_where_a_fault_has_one_and_nowhere_else():
    from biobench.exercises import faults

    sided = {fault.id for exercise in names() for fault in faults(exercise) if fault.sided}
    for statement in statements():
        for register, template in statement.texts.items():
            assert ("side" in template.holes) == (statement.about in sided), (statement.about, register)
            text = re.sub(r"\[both:[^\]]*\]", "", template.source)
            assert not re.search(r"\b(left|right)\b", text), template.source


def _runs(text, length):
    words = re.findall(r"[a-z']+", re.sub(r"\{\w+\}", "slot", text.casefold()))
    return {tuple(words[k : k + length]) for k in range(len(words) - length + 1)}


def _clean(text):
    """The texts of a template of ours, its first alternatives."""
    return re.sub(r"\[[a-z]+:([^|\]]*)\|[^\]]*\]", r"\1", text)


def test_the_words_are_those_of_no_other_file():
    """No seven words in a row are shared with the generator's wordings, the lexicon, or the remarks of other tests."""
    ours = {run for s in statements() for t in s.texts.values() for run in _runs(_clean(t.source), 7)}
    generator = (ROOT / "biobench" / "data" / "synth" / "wordings.toml").read_text(encoding="utf-8")
    theirs = set()
    for line in generator.splitlines():
        theirs |= _runs(re.sub(r"\[([^|\]]*)\|[^\]]*\]", r"\1", line), 7)
    entries = [" ".join(words) for layer in lexicon().index.values() for table in layer.values() for words, _ in table]
    theirs |= {run for entry in entries for run in _runs(entry, 7)}
    for name in ("triples.jsonl", "triples_plain.jsonl", "labelled.jsonl", "hostile.jsonl"):
        for line in (ROOT / "tests" / "judges" / "data" / name).read_text(encoding="utf-8").splitlines():
            remark = json.loads(line)
            for key in ("text", "reference", "paraphrase", "wrong"):
                theirs |= _runs(remark.get(key, ""), 7)
    shared = sorted(" ".join(run) for run in ours & theirs)
    assert not shared
    assert len(ours) > 4000


def test_the_words_are_read_by_nothing_else():
    code = [path for package in ("biobench", "judges", "baselines", "biocoach_model", "leaderboard")
            for path in (ROOT / package).rglob("*.py")]  # fmt: skip
    readers = [path.name for path in code if "wordings_a" in path.read_text(encoding="utf-8")]
    assert readers == ["wordings.py"]
    assert {path.name for path in DATA.glob("wordings_*.toml")} == {f"wordings_{part}.toml" for part in "abc"}


def test_what_must_not_matter_claims_nothing():
    """Padding, courtesies, authority and labels have no claim in them, so that a reader of claims can't be moved by them."""
    known = manners()
    for text in (
        *known.padding.before,
        *known.padding.after,
        *known.politeness.before,
        *known.politeness.after,
        *known.authority,
        *known.labels,
    ):
        assert not [claim for claim in understand(text).claims if claim.family == "technique"], text
        assert not re.search(r"\b(left|right)\b|\d", text.casefold()), text
    assert len(known.attacks) == 8
    assert all(len(texts) >= 8 for texts in known.attacks.values())


# The bank ------------------------------------------------------------------------------------------------------------


def test_there_are_enough_base_items_and_no_two_are_the_same(asked, plan):
    assert len(asked.bases) == plan.sizes.base_items >= 300
    assert len({(base.exercise, base.text()) for base in asked.bases}) == len(asked.bases)
    assert len({base.id for base in asked.bases}) == len(asked.bases)
    assert {base.exercise for base in asked.bases} == set(names())
    assert len({base.cluster for base in asked.bases}) >= 55
    kinds = Counter(base.statement.kind for base in asked.bases)
    assert min(kinds.values()) >= 20


def test_what_the_extractor_cant_read_stays_in(asked):
    unread = [b for b in asked.bases if not understand(b.text(), b.exercise).claims]
    assert unread
    assert {b.id for b in unread} & {trial.base.id for trial in asked.trials}


def test_base_items_are_what_the_script_says(asked):
    from biobench.synth.make import VIDEOS, make_script

    script = {video.video: video for video in make_script("test", VIDEOS["test"]).videos}
    for base in asked.bases:
        video, exercise, place, kind = base.id.split("/")
        (remarks,) = [told for performance, told in zip(script[video].performances, script[video].remarks["a"], strict=True)
                      if performance.exercise == exercise][:1]  # fmt: skip
        found = remarks[int(place) : int(place) + 1]
        if kind == "count":
            assert base.count == found[0].number
        else:
            assert (base.cluster, base.side) == (found[0].fault, found[0].side)
            assert base.measured_deg in {None, found[0].degrees}


def test_too_many_base_items_are_refused():
    with pytest.raises(ValueError, match="base items"):
        base_items(100_000, 0)


# Perturbations -------------------------------------------------------------------------------------------------------


def test_the_catalogue_is_whole(asked):
    applied = {trial.perturbation for trial in asked.trials}
    assert applied == set(CATALOGUE)
    wrong = {name for name, p in CATALOGUE.items() if p.kind == "wrong"}
    assert {"side-swap", "both-to-one", "motion", "direction", "joint-near", "joint-far", "angle-15", "angle-30", "angle-60",
            "roles", "unit", "range", "phase", "reps-1", "reps-3", "negation", "exercise", "praise", "fault", "contradicted",
            "vague", "another-moment", "no-side", "no-phase", "no-angle"} == wrong  # fmt: skip


def test_wrong_edits_are_wrong_and_same_ones_are_not(asked):
    for trial in asked.trials:
        kind, edit = CATALOGUE[trial.perturbation].kind, trial.edit
        assert edit.text != trial.edited.reference or kind == "same"
        assert (edit.severity > 0) == (kind == "wrong")
        assert 0 <= edit.severity <= 1
        assert bool(edit.slots) == (kind == "wrong" or trial.perturbation == "angle-5")
        assert "  " not in edit.text
        assert not re.search(r"[\[\]{}|]", edit.text)


def test_an_edit_exchanges_the_words_of_its_slot_and_no_others(asked):
    """Put the true words back, and the reference is there again."""
    slots = {"motion": "motion", "direction": "direction", "fault": "fault", "range": "rom", "negation": "negation",
             "phase": "phase", "both-to-one": "both", "joint-near": "joint", "joint-far": "joint"}  # fmt: skip
    checked = Counter()
    for trial in asked.trials:
        slot = slots.get(trial.perturbation)
        if slot is None:
            continue
        template = trial.base.statement.texts["reference"]
        rebuilt = ""
        choice = 2 if trial.perturbation == "joint-far" else 1
        for part in template.parts:
            if isinstance(part, str):
                rebuilt += part
            elif hasattr(part, "slot"):
                rebuilt += part.words[choice if part.slot == slot else 0]
            else:
                rebuilt += trial.base.values()[part.name]
        assert trial.edit.text == rebuilt[:1].upper() + rebuilt[1:]
        assert trial.edit.slots == (slot,)
        checked[trial.perturbation] += 1
    assert set(checked) == set(slots)


def test_angles_are_off_by_what_they_say(asked):
    for trial in asked.trials:
        found = re.fullmatch(r"angle-(\d+)", trial.perturbation)
        if found:
            numbers = [int(n) for n in re.findall(r"(\d+) degrees", trial.edit.text)]
            true, target = trial.base.measured_deg, trial.base.target_deg
            changed = next(n for n in numbers if n != target)
            assert abs(changed - true) == int(found[1]), trial.edit.text
            assert 0 < changed <= 180
            # A sentence that overtakes its own target would be wrong by itself, whatever the reference says.
            assert target is None or (true - target) * (changed - target) > 0


@pytest.mark.parametrize("name", ["reps-1", "reps-3"])
def test_counts_are_too_high_by_what_they_say(asked, name):
    for trial in (t for t in asked.trials if t.perturbation == name):
        assert trial.edit.text == trial.base.text(changed={"n": str(trial.base.count + int(name[-1]))})


def test_sides_and_omissions(asked):
    for trial in asked.trials:
        before, after = trial.edited.reference.casefold(), trial.edit.text.casefold()
        if trial.perturbation == "side-swap":
            other = {"left": "right", "right": "left"}[trial.base.side]
            assert re.sub(rf"\b{trial.base.side}\b", other, before) == after
        elif trial.perturbation == "no-side":
            assert trial.base.side not in after.split()
            assert trial.base.side in re.findall(r"[a-z]+", before)


def test_a_contrary_touches_one_slot_in_every_register(asked):
    for base in asked.bases:
        for register in REGISTERS:
            found = contrary(base, register)
            assert found is not None, (base.cluster, base.statement.kind, register)
            assert len(found.slots) == 1
            assert found.text != base.text(register)


def test_an_edit_depends_on_nothing_but_its_name_its_item_and_the_seed(asked, plan):
    base = next(b for b in asked.bases if b.measured_deg and b.side)
    for perturbation in CATALOGUE.values():
        first = edited(perturbation, base, asked.bases, 0)
        assert first == edited(perturbation, base, asked.bases, 0)
    seeds = {edited(CATALOGUE["another-moment"], base, asked.bases, seed).text for seed in range(30)}
    assert len(seeds) > 1


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("Push it out.", "push it OUT!", 1.0),
        ("Bend to 80 degrees; hold.", "bend, hold: 80 degrees", 8 / 9),
        ("Left, left.", "left", 2 / 3),
        ("Knees in", "hips out", 0.0),
        ("", "", 0.0),
    ],
)
def test_words_in_common(one, other, shared):
    assert _shared(one, other) == pytest.approx(shared)


def test_an_exchange_of_words_is_nearly_always_the_closer_one(asked):
    exchanged = [
        t for t in asked.trials if t.perturbation in {"side-swap", "direction", "joint-far", "angle-30", "unit"}
    ]
    assert sum(t.closer for t in exchanged) > 0.97 * len(exchanged)
    vague = [t for t in asked.trials if t.perturbation == "vague"]
    assert 0 < sum(t.closer for t in vague) < 0.7 * len(vague)


# The material --------------------------------------------------------------------------------------------------------


def test_the_same_plan_gives_the_same_questions_and_another_seed_others(plan, asked):
    assert material(plan.sizes, plan.seed).questions == asked.questions
    assert material(plan.sizes, 1).questions != asked.questions


def test_what_is_known_of_a_question_does_not_depend_on_who_asks_it(asked):
    truths = {}
    for question, known in asked._all():
        truths.setdefault(question, set()).add(known.truth)
    assert not [question for question, found in truths.items() if len(found) > 1]


def test_systems_are_crossed_and_nested(asked, plan):
    by_name = {(system.family, system.dose): system for system in asked.systems}
    assert set(by_name) == {(family, dose) for family in FAMILIES for dose in DOSES}
    for family in FAMILIES:
        wrong = [{k for k, known in enumerate(by_name[family, dose].known) if known.truth < 1} for dose in DOSES]
        assert not wrong[0]
        for fewer, more in zip(wrong, wrong[1:], strict=False):
            assert fewer < more
        assert abs(len(wrong[-1]) / len(asked.bases) - DOSES[-1]) < 0.1


def test_there_are_enough_clean_trials_for_two_percent(asked):
    families = Counter(attack.family for attack in asked.attacks)
    assert set(families) == set(manners().attacks)
    assert min(families.values()) >= 149


def test_the_files_say_what_is_asked(asked):
    items = [json.loads(line) for line in items_lines(asked).splitlines()]
    assert len(items) == len(asked.trials)
    assert all(item["edited"] and item["reference"] for item in items)
    questions = [json.loads(line) for line in questions_lines(asked).splitlines()]
    assert len(questions) == len(asked.questions)
    truths = {(q["exercise"], q["reference"], q["prediction"]): q["truth"] for q in questions}
    for anchor in asked.anchors:
        assert truths[anchor.copy[:3]] == 1
        assert truths[anchor.empty[:3]] == 0


def test_the_packaged_files_are_toml_that_says_whose_they_are():
    for path in DATA.glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# ")
        tomllib.loads(text)
    assert files("judges.validation").joinpath("data/plan-1.toml").is_file()
