"""Rewriting remarks: their meaning and times stay, numbers are measured, neighbours stay apart, and everything is told."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from augment_data import Speaker, augment, lines_of, made_once, synth
from hypothesis import given
from hypothesis import strategies as st

from biobench import load_benchmark
from biobench.body.motion import Motion
from biobench.exercises import faults, names
from biobench.protocols import Biobench1, Qevd2024, Var2026
from biobench.readers.qevd import _spans
from biobench.records import Session
from biobench.synth.bodies import golden_repetition
from biobench.synth.poses import fault_pose, phase_weight
from biocoach_model.augmentation.annotations import parted, read_annotations
from biocoach_model.augmentation.checking import check_rewritten
from biocoach_model.augmentation.evidence import look
from biocoach_model.augmentation.records import REASONS, Fact, Kept
from biocoach_model.augmentation.rewrite import decided, rewrite
from biocoach_model.augmentation.rule import with_fact
from biocoach_model.augmentation.wordings import wordings
from biocoach_model.inputs import Inputs
from judges.claims import understand
from judges.claims.facts import Verdict
from judges.claims.lexicon import lexicon

PROTOCOLS = (Biobench1(), Qevd2024(), Var2026())
LAY = ("--split", "train", "--annotations", "feedbacks_long_range.json")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Four videos, each with one of the known defects; and two whose records are sound."""
    made = made_once(
        tmp_path_factory, "augment-data", lambda folder: synth(folder, 5, defects=True, mix=10, exercises=2)
    )
    return made / "QEVD-FIT-COACH"


@pytest.fixture(scope="module")
def known(data):
    return read_annotations(load_benchmark(data, "train", "feedbacks_long_range.json"))


@pytest.fixture(scope="module")
def rewritten(data, known):
    benchmark = load_benchmark(data, "train", "feedbacks_long_range.json")
    return rewrite(known, Inputs.open(benchmark, poses=True))


@pytest.fixture
def copied(data, tmp_path):
    """The data in a folder that a test may spoil."""
    return shutil.copytree(data, tmp_path / "QEVD-FIT-COACH")


def squatting(fault=None, side=None, severity=1.0, repetitions=6, each_s=2.5):
    """Squats of good form, or with one fault."""
    once = golden_repetition("squats")
    if fault is not None:
        found = next(one for one in faults("squats") if one.id == fault)
        weight = phase_weight(found.phase, "squats", np.linspace(0, 1, len(once)))
        once = once + severity * weight[:, None] * np.radians(fault_pose(found, side))
    angles = np.concatenate([once] * repetitions)
    return Motion.of(angles, np.arange(len(angles)) * each_s / len(once))


# The files ------------------------------------------------------------------------------------------------------------


def test_segments_times_and_numbers_of_remarks_stay_under_every_protocol(data, known, rewritten, tmp_path):
    copy = shutil.copytree(data, tmp_path / "QEVD-FIT-COACH")
    words = rewritten.words()
    assert len(words) > 10
    (copy / "feedbacks_long_range_new.json").write_text(known.rewritten(words), encoding="utf-8")
    old = load_benchmark(copy, "train", "feedbacks_long_range.json")
    new = load_benchmark(copy, "train", "new")
    for protocol in PROTOCOLS:
        before, after = protocol.segments(old), protocol.segments(new)
        assert before.skipped == after.skipped
        changed = 0
        for kind in ("scored", "unscored"):
            pairs = list(zip(getattr(before, kind), getattr(after, kind), strict=True))
            for one, other in pairs:
                assert (one.id, one.exercise, one.start_s, one.duration_s) == (
                    other.id, other.exercise, other.start_s, other.duration_s)  # fmt: skip
                assert [f.time_s for f in one.feedbacks] == [f.time_s for f in other.feedbacks]
                changed += sum(f.text != g.text for f, g in zip(one.feedbacks, other.feedbacks, strict=True))
        assert changed > 5, protocol.name


def test_everything_but_the_words_is_as_it_was_frame_by_frame(known, rewritten):
    before, after = known.records, json.loads(known.rewritten(rewritten.words()))
    new = {}
    for remark in rewritten.remarks:
        new.setdefault(remark.record, {})[remark.before] = remark.after
    frames = 0
    for k, (one, other) in enumerate(zip(before, after, strict=True)):
        assert list(one) == list(other)
        assert {key: value for key, value in one.items() if key != "feedbacks"} == {
            key: value for key, value in other.items() if key != "feedbacks"
        }
        for old, text in zip(one["feedbacks"], other["feedbacks"], strict=True):
            assert text in {old, new[k].get(old)}
            frames += text != old
    assert frames > 100
    assert known.rewritten({}) == json.dumps(before, ensure_ascii=False) + "\n"


def session_of(dense):
    spans = _spans(dense)
    return Session("v", 0, np.arange(len(dense), dtype=float), len(dense), spans, (), tuple(False for _ in spans))


def readings(dense):
    """All that readers tell remarks apart by."""
    session = session_of(dense)
    collapsed = {span.first for span in session.collapsed_spans()}
    return [(s.first, s.end, s in session.closed_spans(), s.first in collapsed) for s in session.spans]


def rewritten_dense(dense, words):
    session = session_of(dense)
    new, kept = list(dense), parted(session, words)
    for number, span in enumerate(session.events()):
        if number in words and number not in kept:
            new[span.first : span.end] = [words[number]] * (span.end - span.first)
    return new


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=14), st.data())
def test_no_rewriting_brings_neighbours_together(dense, draw):
    session = session_of(dense)
    alone = [
        k
        for k, span in enumerate(session.spans)
        if span.text not in {s.text for s in (*session.spans[max(0, k - 1) : k], *session.spans[k + 1 : k + 2])}
    ]
    words = {k: draw.draw(st.sampled_from(["a", "b", "c", "d"])) for k in alone if draw.draw(st.booleans())}
    assert readings(rewritten_dense(dense, words)) == readings(dense)


def test_neighbours_that_would_be_one_are_kept_and_others_are_not():
    assert parted(session_of(["a", "", "b", "c"]), {0: "x", 1: "x"}) == {1}
    assert parted(session_of(["a", "b", "a"]), {1: "a"}) == {1}
    assert parted(session_of(["a", "b"]), {0: "x", 1: "y"}) == set()
    assert parted(session_of(["a", "b", "c"]), {0: "b", 1: "x"}) == set()


def test_words_that_stand_twice_in_a_row_are_kept(rewritten):
    """Otherwise what is measured at one time would be said at another; the record with this defect has such."""
    twice = [remark for remark in rewritten.remarks if remark.kept is not None and remark.kept.code == "repeated"]
    assert len(twice) >= 1


# The facts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", names())
def test_what_is_added_says_the_fault_that_was_measured(exercise):
    told = 0
    for fault in faults(exercise):
        wording = wordings().faults.get(fault.id)
        if wording is None:
            continue
        cures = {cure for cure, ids in lexicon().faults.items() if fault.id in ids}
        measured, wanted = (90, 30) if _rises(wording.angle, fault) else (30, 90)
        for words in filter(None, (wording.number, wording.plain)):
            your = "your left" if fault.sided else "your"
            text = words.format(your=your, measured=measured, wanted=wanted, off=60)
            found = understand(text[0].upper() + text[1:] + ".", exercise)
            assert found.kind == "correction", text
            assert found.claims, text
            allowed = cures | set(_angle_claims(fault))
            for claim in found.claims:
                assert (claim.joint, claim.direction) in allowed, (fault.id, text, claim)
                assert claim.side == ("left" if fault.sided else None), (text, claim)
                assert claim.polarity == "fault" or claim.quantity.role == "target", (text, claim)
            told += 1
        if wording.number is not None:
            assert wording.angle in wordings().angles
    assert told or exercise in {"puddle jumps"}


RISING = {"trunk_flexion", "trunk_extension", "neck_flexion", "neck_extension", "hip_adduction"}
"""Angles that are told only where there is too much of them."""


def _rises(angle, fault):
    if angle in {None, "arm_elevation"} or angle in RISING:
        return angle in RISING
    known = wordings().angles[angle]
    return next(m.direction * known.sign for m in fault.moves if m.dof == known.dof) > 0


def _angle_claims(fault):
    """By hand: what a physiotherapist asks for against a joint that bends too much or too little."""
    table = {
        "knee_angle": ("knee", "flex", "extend"), "hip_flexion": ("hip", "flex", "extend"),
        "elbow_flexion": ("elbow", "flex", "extend"), "ankle_angle": ("ankle", "flex", "extend"),
        "hip_adduction": ("hip", "in", "out"), "head_extension": ("neck", "extend", "flex"),
        "lumbar_extension": ("spine", "extend", "flex"),
    }  # fmt: skip
    for move in fault.moves:
        if move.dof in table:
            joint, low, high = table[move.dof]
            yield joint, low if move.direction < 0 else high


def test_the_briefest_case():
    seen = look(squatting("knees-in", "right"), "squats", 14.0)
    fact = seen.fact_for("Push your knees out.")
    assert (fact.name, fact.side, fact.verdict.outcome) == ("knees-in", "right", "supported")
    assert fact.off == pytest.approx(25, abs=2)
    text = with_fact("Push your knees out.", fact)
    assert text == f"Push your knees out: your right knee falls in by {fact.off:.0f} degrees."
    numbers = check_rewritten("Push your knees out.", text, "squats", fact, seen.window)
    assert [(n.value, n.witness) for n in numbers] == [(fact.off, "fact")]


@pytest.mark.parametrize(
    ("remark", "code"),
    [
        ("Keep going!", "no-claim"),
        ("Much better, your knees stay out now.", "put-right"),
        ("Push your left knee out.", "no-fit"),
        ("Tuck your chin.", "no-fit"),
        ("Great, your knees stay out.", "no-claim"),
        ("Twelve reps done.", "other-count"),
    ],
)
def test_what_nothing_measured_fits_stays(remark, code):
    found = look(squatting("knees-in", "right"), "squats", 14.0).fact_for(remark)
    assert isinstance(found, Kept)
    assert found.code == code


def test_good_form_adds_nothing_and_nobody_seen_is_told():
    found = look(squatting(), "squats", 14.0).fact_for("Push your knees out.")
    assert found.code == "no-fit"
    empty = squatting()
    gone = replace(empty, angles_rad=np.full_like(empty.angles_rad, np.nan), valid=np.zeros(len(empty), dtype=bool))
    assert look(gone, "squats", 14.0).code == "not-seen"
    assert look(squatting(), "underwater chess", 14.0).code == "unknown-exercise"
    assert look(squatting("knees-in", "right"), "squats", 1.0).fact_for("Push your knees out.").code == "not-seen"


def test_nothing_after_the_remark_is_looked_at():
    """Good form up to the remark and a fault after it, and the other way round."""
    good, bad = squatting(), squatting("knees-in", "right")
    at_s = 7.6
    late = Motion.of(np.where((good.times_s <= at_s)[:, None], good.angles_rad, bad.angles_rad), good.times_s)
    early = Motion.of(np.where((good.times_s <= at_s)[:, None], bad.angles_rad, good.angles_rad), good.times_s)
    assert look(late, "squats", at_s).fact_for("Push your knees out.").code == "no-fit"
    fact = look(early, "squats", at_s).fact_for("Push your knees out.")
    assert fact == look(bad, "squats", at_s).fact_for("Push your knees out.")
    assert fact.name == "knees-in"


def test_tempo_and_counts_get_the_tempo():
    seen = look(squatting(), "squats", 14.0)
    for remark in ("Slow down.", "That's 5, keep it up."):
        fact = seen.fact_for(remark)
        assert (fact.name, fact.measured, fact.verdict.outcome) == ("tempo", 2.5, "supported")
        numbers = check_rewritten(remark, with_fact(remark, fact), "squats", fact, seen.window)
        assert [(n.value, n.unit) for n in numbers] == [(2.5, "s")]


def test_a_tempo_that_has_just_changed_is_not_told():
    slow, fast = squatting(repetitions=6, each_s=3.0), squatting(repetitions=2, each_s=1.6)
    angles = np.concatenate([slow.angles_rad, fast.angles_rad])
    times = np.concatenate([slow.times_s, fast.times_s + slow.times_s[-1] + 0.05])
    fact = look(Motion.of(angles, times), "squats", float(times[-1]) + 0.4).fact_for("Slow down.")
    assert fact.verdict.outcome == "refuted"


# The check ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shallow():
    seen = look(squatting("shallow-squat"), "squats", 14.0)
    fact = seen.fact_for("Go deeper.")
    assert (fact.name, fact.verdict.outcome) == ("shallow-squat", "supported")
    return seen, fact


DEEPER = "Go deeper."


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (DEEPER, "Stay higher: your knee flexion is {measured:.0f} degrees.", "meaning"),  # the contrary
        (
            DEEPER,
            "Your knee flexion is {measured:.0f} degrees instead of {wanted:.0f} degrees.",
            "meaning",
        ),  # hips are lost
        (DEEPER, "Go deeper and keep your back straight.", "meaning"),  # another part
        (DEEPER, "Go deeper, push your knees out.", "meaning"),  # another direction
        (DEEPER, "Go deeper, bend your left knee.", "meaning"),  # a side that nobody measured
        (DEEPER, "Go deeper, great depth!", "meaning"),  # praise for what is wrong
        (DEEPER, "Go deeper, that's 8 reps.", "meaning"),  # a count
        (DEEPER, "Go deeper and slow down.", "meaning"),  # tempo
        (
            "Great job!",
            "Great job! Your knee flexion is {measured:.0f} degrees.",
            "meaning",
        ),  # praise becomes a correction
        ("That's 8 reps, go deeper.", "That's 9 reps, go deeper.", "meaning"),
        ("Bend your left knee more.", "Bend your right knee more.", "meaning"),
        (DEEPER, "Go deeper: your knee flexion is 5 degrees instead of {wanted:.0f} degrees.", "refuted"),
        (DEEPER, "Go deeper: your knee flexion is {measured:.0f} degrees instead of 140 degrees.", "unsupported"),
        (DEEPER, "Go deeper for 12 seconds.", "unsupported"),
    ],
)
def test_what_would_change_a_remark_or_was_not_measured_is_refused(shallow, before, after, code):
    seen, fact = shallow
    text = after.format(measured=fact.measured, wanted=fact.wanted)
    found = check_rewritten(before, text, "squats", fact, seen.window)
    assert isinstance(found, Kept), (text, found)
    assert found.code == code, found


def test_what_says_the_same_with_the_measured_angle_is_taken(shallow):
    seen, fact = shallow
    text = with_fact(DEEPER, fact)
    numbers = check_rewritten(DEEPER, text, "squats", fact, seen.window)
    assert [(n.value, n.witness) for n in numbers] == [(fact.measured, "biofact"), (fact.wanted, "fact")]
    reworded = (
        f"Sink deeper into it, your knee flexion is {fact.measured:.0f} degrees instead of {fact.wanted:.0f} degrees."
    )
    assert not isinstance(check_rewritten(DEEPER, reworded, "squats", fact, seen.window), Kept)


def test_a_fact_that_biofact_refutes_or_cannot_tell_vouches_for_nothing(shallow):
    seen, fact = shallow
    text = with_fact(DEEPER, fact)
    refuted = replace(fact, verdict=Verdict("refuted", "elsewhere"))
    assert check_rewritten(DEEPER, text, "squats", refuted, seen.window).code == "refuted"
    unsure = replace(fact, verdict=Verdict("undetermined", "who knows"))
    assert check_rewritten(DEEPER, text, "squats", unsure, seen.window).code == "unsupported"
    nothing = Verdict("undetermined", "no pose in these seconds")
    assert check_rewritten(DEEPER, text, "squats", unsure, nothing).code == "unsupported"


@pytest.mark.parametrize("angle", range(100))
def test_only_angles_near_the_measured_one_pass(shallow, angle):
    seen, fact = shallow
    text = f"Go deeper: your knee flexion is {angle} degrees instead of {fact.wanted:.0f} degrees."
    found = check_rewritten(DEEPER, text, "squats", fact, seen.window)
    read = fact.verdict.measured_deg
    near = abs(angle - read) <= 10 or abs(angle - fact.measured) <= 1
    assert isinstance(found, Kept) != near, (found, read)
    if abs(angle - read) > 20:
        assert found.code == "refuted"


# The command ----------------------------------------------------------------------------------------------------------


def test_the_command_writes_annotations_and_how_each_line_came_to_be(copied, rewritten, tmp_path):
    out = copied / "feedbacks_long_range_measured.json"
    status, printed, _ = augment("--data", copied, *LAY, "--out", out)
    assert status == 0, printed
    head, lines = lines_of(out)
    assert head["annotations_sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert head["mode"] == "rule"
    assert len(lines) == head["remarks"] == sum(head["counts"].values()) == len(rewritten.remarks)
    assert [line["after"] for line in lines] == [remark.after for remark in rewritten.remarks]
    for line in lines:
        assert (line["outcome"] == "rewritten") == (line["before"] != line["after"]) == (line["reason"] is None)
        assert line["reason"] in {None, *REASONS}
        if line["outcome"] == "rewritten":
            assert line["fact"] is not None
            assert {n["witness"] for n in line["numbers"]} <= {"biofact", "fact"}
    for code, count in head["counts"].items():
        assert f"{count:>6}  {'' if code == 'rewritten' else 'kept: '}{REASONS.get(code, code)}\n" in printed
    assert load_benchmark(copied, "train", "measured").annotations == out.name
    again = tmp_path / "again.json"
    assert augment("--data", copied, *LAY, "--out", again)[0] == 0
    assert again.read_bytes() == out.read_bytes()
    assert (tmp_path / "again.json.how.jsonl").read_bytes() == out.with_name(out.name + ".how.jsonl").read_bytes()


def test_the_packaged_sample_works_as_it_is(tmp_path):
    status, printed, _ = augment("--out", tmp_path / "bio.json")
    assert status == 0, printed
    assert printed.startswith("the packaged sample")
    assert lines_of(tmp_path / "bio.json")[0]["counts"]["rewritten"] > 5


def test_a_video_with_bad_poses_keeps_its_remarks_and_is_named(copied, rewritten, tmp_path):
    video = next(remark.video for remark in rewritten.remarks if remark.changed)
    (copied / "HSMR_outputs" / f"HSMR-{video}.npy").write_bytes(b"no poses")
    status, printed, _ = augment("--data", copied, *LAY, "--out", tmp_path / "bio.json")
    assert status == 1
    assert f"{video}: " in printed
    assert "1 videos could not be looked at" in printed
    _, lines = lines_of(tmp_path / "bio.json")
    for line, remark in zip(lines, rewritten.remarks, strict=True):
        if line["video"] == video:
            assert line["after"] == remark.before
            assert line["reason"] in {"bad-poses", "no-exercise", "repeated"}
        else:
            assert line["after"] == remark.after


def test_bad_input_writes_nothing(copied, tmp_path):
    lay = copied / "feedbacks_long_range.json"
    before = lay.read_bytes()
    status, _, problems = augment("--data", copied, *LAY, "--out", lay)
    assert (status, problems[0].found) == (2, "the input itself")
    assert lay.read_bytes() == before
    out = tmp_path / "bio.json"
    status, _, problems = augment("--data", copied, *LAY, "--out", out, "--review", out)
    assert (status, problems[0].file) == (2, "--review")
    for option in (("--base-url", "http://x/v1"), ("--offline",), ("--budget-calls", "3")):
        status, _, problems = augment("--data", copied, *LAY, "--out", out, *option)
        assert (status, problems[0].file, problems[0].found) == (2, option[0], "no --llm-model")
    status, _, problems = augment("--data", copied, *LAY, "--out", out, "--llm-model", "m")
    assert (status, problems[0].file) == (2, "--base-url")
    shutil.rmtree(copied / "HSMR_outputs")
    (copied / "script.json").unlink()
    status, _, problems = augment("--data", copied, *LAY, "--out", out)
    assert (status, problems[0].found) == (2, "data without poses")
    assert list(tmp_path.iterdir()) == [copied]


def decisions_file(path, sha256, rows, **more):
    value = {"schema": "biobench/augment-decisions/1", "source_sha256": sha256, "decisions": rows, **more}
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_rejected_words_are_not_taken(copied, known, rewritten, tmp_path):
    changed = [remark for remark in rewritten.remarks if remark.changed][:6]
    rows = [
        {"record": r.record, "event": r.event, "after": r.after, "accepted": k % 2 == 0} for k, r in enumerate(changed)
    ]
    path = decisions_file(tmp_path / "decisions.json", known.sha256, rows)
    out = tmp_path / "bio.json"
    status, printed, _ = augment("--data", copied, *LAY, "--out", out, "--decisions", path)
    assert status == 0, printed
    _, lines = lines_of(out)
    rejected = [line for line in lines if line["reason"] == "rejected"]
    assert [(line["record"], line["event"]) for line in rejected] == [(r.record, r.event) for r in changed[1::2]]
    assert all(line["after"] == line["before"] for line in rejected)
    assert sum(line["accepted"] for line in lines) == 3
    assert sum(line["outcome"] == "rewritten" for line in lines) == len(rewritten.words()) - 3


def test_a_decision_that_parts_no_neighbours_is_undone_with_them(known, rewritten):
    """Where an old word would stand beside the same new one, the new one goes too."""
    first = next(remark for remark in rewritten.remarks if remark.changed)
    undone = decided(rewritten, known, {(first.record, first.event): False})
    session = known.sessions[first.record]
    words = {r.event: r.after for r in undone.remarks if r.record == first.record and r.changed}
    assert parted(session, words) == set()
    assert len(undone.words()) == len(rewritten.words()) - 1


def test_decisions_on_something_else_are_all_named(copied, known, rewritten, tmp_path):
    changed = [remark for remark in rewritten.remarks if remark.changed]
    kept = next(remark for remark in rewritten.remarks if not remark.changed)
    good = {"record": changed[0].record, "event": changed[0].event, "after": changed[0].after, "accepted": True}
    out, path = tmp_path / "bio.json", tmp_path / "decisions.json"
    arguments = ("--data", copied, *LAY, "--out", out, "--decisions", path)

    def named(rows):
        decisions_file(path, known.sha256, rows)
        status, _, problems = augment(*arguments)
        assert status == 2
        return [problem.json_path.removeprefix("$.decisions") for problem in problems]

    assert named([good, {**good, "accepted": "yes"}, "no", {**good, "event": 998}, good]) == ["[1]", "[2]", "[4]"]
    other = {**good, "record": kept.record, "event": kept.event, "after": kept.before}
    assert named([{**good, "after": "Other words."}, {**good, "event": 999}, other]) == ["[0].after", "[1]", "[2]"]
    decisions_file(path, "0" * 64, [good])
    assert augment(*arguments)[2][0].found == "decisions on other annotations"
    path.write_text("[1, 2]", encoding="utf-8")
    assert augment(*arguments)[0] == 2
    assert augment(*arguments[:-1], path.with_name("none.json"))[0] == 2
    assert not out.exists()


# A language model -----------------------------------------------------------------------------------------------------


def told(question):
    return with_fact(
        question["remark"],
        Fact("", None, "", None, None, None, frozenset(), Verdict("supported", ""), question["fact"]),
    )


REPLIES = [
    (None, None),
    ('"{good}"', None),
    ("", "no-sentence"),
    ("{good}\nAnd more.", "no-sentence"),
    ("{good} " + "Keep going like that. " * 20, "no-sentence"),
    ("{good} <b>Look</b>", "no-sentence"),
    ("{remark}", "no-sentence"),
    ("{good} Tuck your chin and bend your wrist.", "meaning"),
    ("Nice weather today.", "meaning"),
    ("{good} Do it for 99 seconds.", "unsupported"),
]


def test_a_models_words_are_checked_like_the_rules(copied, rewritten, tmp_path):
    open_ = [r for r in rewritten.remarks if r.fact is not None and r.fact.verdict.outcome != "refuted"]
    expected = {}

    def says(question):
        place = [r.before for r in open_].index(question["remark"])
        template, code = REPLIES[place % len(REPLIES)]
        good = told(question)
        expected[question["remark"]] = code, good
        return good if template is None else template.format(good=good, remark=question["remark"])

    out, cache = tmp_path / "bio.json", tmp_path / "cache.sqlite"
    with Speaker(says) as server:
        arguments = ("--data", copied, *LAY, "--llm-model", "m", "--base-url", server.url, "--cache", cache)
        status, printed, _ = augment(*arguments, "--out", out)
    assert status == 0, printed
    assert len(expected) >= 10
    assert {json.dumps(sorted(json.loads(b["messages"][-1]["content"]))) for b in server.asked} <= {
        '["exercise", "fact", "remark", "side"]', '["exercise", "fact", "remark"]'}  # fmt: skip
    head, lines = lines_of(out)
    assert (head["mode"], head["model"], head["prompt"]) == ("llm", "m", "augment-1")
    by_rule = {r.before: r.kept.code if r.kept else None for r in rewritten.remarks}
    seen = set()
    for line in lines:
        if line["before"] in expected:
            code, good = expected[line["before"]]
            assert line["reason"] == (code or by_rule[line["before"]]), line
            if line["reason"] is None:
                assert line["after"] == good
            seen.add(line["reason"])
    assert {None, "no-sentence", "meaning"} <= seen
    # The server is gone: the cache has every answer, and the same bytes come of it.
    again = tmp_path / "again.json"
    assert augment(*arguments, "--offline", "--out", again)[0] == 0
    assert again.read_bytes() == out.read_bytes()


def test_requests_that_fail_keep_their_remarks_and_the_rest_is_done(copied, rewritten, tmp_path):
    refused = [r.before for r in rewritten.remarks if r.changed][:2]

    def says(question):
        return 400 if question["remark"] in refused else told(question)

    out = tmp_path / "bio.json"
    with Speaker(says) as server:
        status, printed, _ = augment(
            "--data", copied, *LAY, "--out", out, "--llm-model", "m", "--base-url", server.url,
            "--cache", tmp_path / "cache.sqlite",
        )  # fmt: skip
    assert status == 1, printed
    assert "2 remarks had no answer" in printed
    _, lines = lines_of(out)
    assert [line["before"] for line in lines if line["reason"] == "request-failed"] == refused
    assert sum(line["outcome"] == "rewritten" for line in lines) == len(rewritten.words()) - 2
