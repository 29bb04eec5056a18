"""Every remark of QEVD-synth has a cause in the script, comes after it, and says what is true of it."""

import itertools
import re
from collections import Counter
from dataclasses import replace

import pytest

from biobench.exercises import faults
from biobench.synth import annotators
from biobench.synth.make import make_script
from biobench.synth.movements import are_related, movements
from biobench.synth.script import EASY_KINDS
from biobench.synth.wording import angles, in_words

THEMES = {
    "correction": {"correction", "severe", "again"},
    "tempo": {"correction", "again"},
    "instruction": {"instruction", "general"},
    "praise": {"fixed", "clean", "effort"},
    "count": {"done", "left", "seconds"},
}


def words(text):
    return re.findall(r"[a-z]+", text.lower())


def test_kinds_and_themes(said):
    assert {(remark.kind, remark.theme) for _, remark in said} == {
        (k, t) for k, themes in THEMES.items() for t in themes
    }


def test_causes_precede_remarks(said):
    delays_s = [remark.time_s - remark.cause_s for _, remark in said]
    assert min(delays_s) >= 0.249
    assert sorted(delays_s)[len(said) // 2] < 0.9
    assert sum(delay > 3 for delay in delays_s) < 0.02 * len(said)


def test_a_cause_is_a_moment_of_its_repetition(said):
    for performance, remark in said:
        if remark.repetition == 0:
            assert remark.kind == "instruction"
            assert remark.cause_s == performance.repetitions[0].start_s
        else:
            repetition = performance.repetitions[remark.repetition - 1]
            assert remark.cause_s in (repetition.key_s, repetition.end_s)


def test_corrections_are_about_faults_that_show(said):
    for performance, remark in said:
        if remark.kind in ("correction", "tempo"):
            (fault,) = (f for f in performance.faults if f.id == remark.fault)
            assert performance.severity(fault, remark.repetition) == pytest.approx(remark.severity, abs=0.0006)
            assert remark.side == fault.side
            tempo = {known.id for known in movements()[performance.exercise].tempo}
            assert (remark.kind == "tempo") == (fault.id in tempo)
            if remark.theme == "severe":
                assert {f.id: f.harm for f in faults(performance.exercise)}[fault.id] == "safety"


def test_again_is_said_of_what_was_said_before(script):
    seen = 0
    for video in script.videos:
        for of_exercise in itertools.chain(*video.remarks.values()):
            told = set()
            for remark in of_exercise:
                if remark.theme == "again":
                    assert (remark.fault, remark.side) in told
                    seen += 1
                if remark.kind in ("correction", "tempo"):
                    told.add((remark.fault, remark.side))
    assert seen > 50


def test_praise_is_deserved(said):
    for performance, remark in said:
        made = {fault.id: fault for fault in performance.faults}
        if remark.theme == "fixed":
            fault = made[remark.fault]
            assert fault.corrected
            assert fault.end_s <= remark.cause_s
            assert fault.last_repetition < remark.repetition
            assert remark.side == fault.side
        elif remark.theme == "clean":
            assert not any(remark.fault == fault or are_related(remark.fault, fault) for fault in made)
            assert remark.fault in {fault.id for fault in faults(performance.exercise)}
        elif remark.theme == "effort":
            assert remark.fault is None


def test_counts_are_right_and_named_in_both_texts(said):
    for performance, remark in said:
        if remark.kind == "count":
            repetitions = performance.repetitions
            if remark.unit == "repetitions done":
                assert remark.number == remark.repetition
            elif remark.unit == "repetitions left":
                assert remark.number == len(repetitions) - remark.repetition
            else:
                assert abs(repetitions[-1].end_s - remark.cause_s - remark.number) <= 1.5
            for text in (remark.lay, remark.bio):
                assert str(remark.number) in re.findall(r"\d+", text) or in_words(remark.number) in text.lower()
        else:
            assert remark.number is remark.unit is None


def test_the_side_is_that_of_the_cause_and_named_in_both_texts(said):
    seen = Counter()
    for performance, remark in said:
        for text in (remark.lay, remark.bio):
            sides = set(words(text)) & {"left", "right"}
            if remark.side is not None:
                assert sides == {remark.side}, text
                assert performance.side in (None, remark.side)
                seen[remark.side] += 1
            elif remark.unit is None and "side to side" not in text:
                assert len(sides) != 1, text  # "left and right" is no side
    assert min(seen["left"], seen["right"]) > 100


def test_angles_are_those_of_the_fault(said):
    seen = 0
    for _, remark in said:
        if remark.kind == "instruction":
            continue
        assert (remark.degrees, remark.target_degrees) == angles(
            remark.fault, remark.severity if remark.theme in ("correction", "severe", "again") else None
        )
        for text in (remark.lay, remark.bio):
            for number in re.findall(r"(\d+)(?:°| degrees)", text):
                assert int(number) in (remark.degrees, remark.target_degrees), text
                seen += 1
    assert seen > 300


def test_an_angle_gets_worse_with_severity():
    assert angles("shallow-squat", 0.0) == (100, 100)
    assert angles("shallow-squat", 1.0) == (55, 100)
    assert angles("knees-in", 1.0) == (25, None)
    assert angles("arms-late", 1.0) == angles(None, None) == (None, None)


def test_texts_are_sentences(said):
    for _, remark in said:
        assert remark.lay != remark.bio
        for text in (remark.lay, remark.bio):
            assert re.fullmatch(r"\d+|[A-Z0-9][A-Za-z0-9 ,;:.!'°-]*[.!]", text), text
            assert not re.search(r"  | [,;:.!]|[,;:.!]{2}|\b(\w+) \1\b", text), text


def test_remarks_keep_their_distance(script):
    for video in script.videos:
        for name, style in annotators.STYLES.items():
            for performance, of_exercise in zip(video.performances, video.remarks[name], strict=True):
                for before, after in itertools.pairwise(of_exercise):
                    assert after.time_s - before.time_s >= style.minimum_gap_s - 0.002
                    assert after.time_s - before.time_s - before.shown_s > 0.3
                if of_exercise:
                    assert performance.start_s + 3.8 <= of_exercise[0].time_s <= performance.start_s + 11.2
                    end_s = of_exercise[-1].time_s + of_exercise[-1].shown_s
                    assert 2.0 <= performance.end_s - end_s <= 10.0


def test_the_same_text_never_follows_itself(script):
    for video in script.videos:
        for remarks in video.remarks.values():
            for before, after in itertools.pairwise(itertools.chain(*remarks)):
                assert before.lay != after.lay
                assert before.bio != after.bio


@pytest.mark.parametrize("mix", [20, 40, 60])
def test_the_mix_is_a_parameter(mix):
    kinds = Counter(r.kind for v in make_script("test", 30, mix=mix).videos for rs in v.remarks["a"] for r in rs)
    assert sum(kinds[kind] for kind in EASY_KINDS) / kinds.total() == pytest.approx(mix / 100, abs=0.04)


def test_annotators_are_independent_of_each_other(script, monkeypatch):
    hasty = replace(annotators.STYLES["a"], minimum_gap_s=3.0, praise=0.5)
    monkeypatch.setattr(annotators, "STYLES", {**annotators.STYLES, "a": hasty})
    monkeypatch.setattr("biobench.synth.make.STYLES", annotators.STYLES)
    changed = make_script("test", 3)
    for before, after in zip(script.videos, changed.videos, strict=False):
        assert after.remarks["b"] == before.remarks["b"]
        assert after.remarks["a"] != before.remarks["a"]


def test_annotators_differ_in_times_and_words(script):
    times = [{(v.video, r.time_s) for v in script.videos for rs in v.remarks[a] for r in rs} for a in "ab"]
    assert len(times[0] & times[1]) < 0.02 * len(times[0])
    texts = [{r.lay for v in script.videos for rs in v.remarks[a] for r in rs} for a in "ab"]
    assert len(texts[0] & texts[1]) < 0.3 * len(texts[0])
