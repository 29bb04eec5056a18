"""The coach end to end: what it says is made of what came before, and every stage shows in it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import tiny_stream

from biobench.body.morphometrics import Morphometrics
from biobench.body.motion import Motion
from biocoach_model.coach import SLOTS, BioCoach, CoachSettings, Seen, motion_text
from biocoach_model.codec import learned_codec
from biocoach_model.context import MotionContext
from biocoach_model.decoding import decode
from biocoach_model.fusion import MorphometricFusion
from biocoach_model.selector import KEPT, JointSelector, of_joints, of_table, selected
from biocoach_model.streamvlm import SpecialTokens, StreamVLM, as_rows
from biocoach_model.timing import published_remarks
from biocoach_model.words import morphometric_sentence

ROWS = 52
LATE = 48
CUT_S = 10.0
BIAS = 4.5
PUBLISHED = CoachSettings()
pytestmark = pytest.mark.usefixtures("one_core")


class Brief(StreamVLM):
    """Ends its remarks sooner than chance would."""

    def scores(self, hidden):
        logits = super().scores(hidden)
        logits[..., self.tokens.end] += 5.0
        return logits


@pytest.fixture(scope="module")
def seen(sample_inputs):
    """Push-ups and squats, their first seconds."""
    return [
        Seen(s.exercise, i.features[:ROWS], i.feature_times_s[:ROWS], i.motion, i.measures)
        for s, i in sample_inputs[:2]
    ]


@pytest.fixture(scope="module")
def codec(seen):
    texts = [motion_text(one, at_s, CoachSettings(), None) for one in seen for at_s in (3.0, 10.0, 15.0)]
    return learned_codec([*texts, *(morphometric_sentence(one.measures) for one in seen)], 330)


@pytest.fixture(scope="module")
def coach_of(codec):
    """A talkative coach of random weights; some joints are never chosen by its selector."""

    def coach_of(settings=PUBLISHED, **parts):
        stream = tiny_stream(
            4, kind=Brief, vocabulary=len(codec), longest=4000, channels=24, tokens=SpecialTokens.of(codec.actions)
        )
        torch.manual_seed(0)
        fusion = MorphometricFusion(24, 24, alpha=0.03, pooled=settings.released)
        selector = JointSelector(24, 35, 16, "grid")
        with torch.no_grad():
            selector.layers[0].weight.mul_(100)  # rows differ little
        made = {"fusion": fusion, "selector": selector, "answer_bias": BIAS, **parts}
        return BioCoach(stream, codec, [codec.start, stream.tokens.vision], settings, **made).eval()

    return coach_of


@pytest.fixture(scope="module")
def coach(coach_of):
    return coach_of()


@pytest.fixture(scope="module")
def told(coach, seen):
    """What the coach goes through, undisturbed."""
    return gone_through(coach, seen)


def other_features(one, after_s):
    """Other rows later than that."""
    changed = one.features.copy()
    later = one.times_s > after_s
    changed[later] = np.random.default_rng(0).normal(size=changed[later].shape)
    return replace(one, features=changed)


def other_poses(one, after_s, times=2.0):
    """Later than that the angles are ``times`` as large, and a third of the frames is lost."""
    later = one.motion.times_s > after_s
    angles = np.where(later[:, None], times * one.motion.angles_rad, one.motion.angles_rad)
    angles[later & (np.arange(len(later)) % 3 == 0)] = np.nan
    return replace(one, motion=Motion.of(angles, one.motion.times_s))


def said(feedbacks, until_s=np.inf):
    """Times and texts; a confidence's last digits depend on who is decoded beside it."""
    return [(feedback.time_s, feedback.text) for feedback in feedbacks if feedback.time_s <= until_s]


def gone_through(coach, seen):
    """Of each exercise its remarks: when, what was read before, what was said."""
    streams = [coach.stream_of(one) for one in seen]
    done = decode(coach.stream, streams, answer_bias=coach.answer_bias)
    return [
        [(float(one.times_s[r.row]), stream.before(r.row) if stream.before else (), r.ids) for r in decoded.remarks]
        for one, stream, decoded in zip(seen, streams, done, strict=True)
    ]


def until(time_s, remarks):
    return [remark for remark in remarks if remark[0] <= time_s]


# --- causality


@pytest.mark.parametrize("change", [other_features, other_poses])
def test_nothing_that_comes_later_changes_what_is_read_and_said(change, coach, seen, told):
    changed = gone_through(coach, [change(one, CUT_S) for one in seen])
    for one, other in zip(told, changed, strict=True):
        assert len(until(CUT_S, one)) > 1
        assert until(CUT_S, one) == until(CUT_S, other)
    assert told != changed  # the change does show, later


@pytest.mark.parametrize("change", [other_features, other_poses])
def test_what_comes_earlier_does(change, coach, seen, told):
    changed = gone_through(coach, [change(one, 1.0) for one in seen])
    assert [until(CUT_S, one) for one in told] != [until(CUT_S, one) for one in changed]


def test_what_is_read_changes_what_is_said(coach, coach_of, seen):
    assert [said(one) for one in coach.say(seen)] != [
        said(one) for one in coach_of(CoachSettings(motion="name")).say(seen)
    ]


def test_the_recording_may_end_at_any_row(coach, seen):
    """What was said by then is the same as if the camera had been switched off."""
    whole = coach.say(seen)
    for rows in (5, 23, 41):
        cut = [
            replace(
                one,
                features=one.features[:rows],
                times_s=one.times_s[:rows],
                motion=one.motion.between(0.0, one.times_s[rows - 1]),
            )
            for one in seen
        ]
        for one, full, short in zip(cut, whole, coach.say(cut), strict=True):
            assert said(short) == said(full, one.times_s[-1])


@pytest.mark.parametrize(
    ("settings", "differs"),
    [
        (CoachSettings(selector="none"), False),
        (CoachSettings(released=True), True),
        (CoachSettings(injection="slot"), True),
        (CoachSettings(released=True, motion="name"), False),
    ],
)
def test_only_the_released_codes_ways_see_the_future(settings, differs, coach_of, seen):
    """Repetitions are looked for in the whole recording, or one sentence about all of it is read at the start."""
    coach, changed = coach_of(settings), [other_poses(one, CUT_S, 8.0) for one in seen]
    assert CoachSettings().injection == "remark"
    pairs = zip(gone_through(coach, seen), gone_through(coach, changed), strict=True)
    assert any(until(CUT_S, one) != until(CUT_S, other) for one, other in pairs) == differs


# --- times, and exercises together


def test_a_remarks_time_is_that_of_the_newest_row(coach, seen):
    shifted = [replace(one, times_s=one.times_s * 1.5 + 0.01, motion=None) for one in seen]
    plain = [replace(one, motion=None) for one in seen]
    for one, other, its in zip(coach.say(plain), coach.say(shifted), plain, strict=True):
        assert {feedback.time_s for feedback in one} <= set(its.times_s.tolist())
        assert [f.time_s * 1.5 + 0.01 for f in one] == pytest.approx([f.time_s for f in other])
        assert all(0 < feedback.confidence <= 1 for feedback in one)


def test_official_times(coach, seen):
    said = coach.say(seen, timing="official")
    decoded = decode(coach.stream, [coach.stream_of(one) for one in seen], timing="official", answer_bias=BIAS)
    for one, its in zip(said, decoded, strict=True):
        assert [f.time_s for f in one] == [time_s for time_s, _ in published_remarks(its.ids, coach.stream.tokens)]
        assert one


def test_one_at_a_time_says_the_same(coach, seen):
    four = [*seen, *reversed(seen)]
    assert [said(one) for one in coach.say(four, batch=3)] == [said(coach.say([one])[0]) for one in four]


# --- the stages


def contexts(coach, one):
    """What is read before each remark, with the row at which it is."""
    (decoded,) = decode(coach.stream, [coach.stream_of(one)], answer_bias=coach.answer_bias)
    read = coach.stream_of(one).before
    assert decoded.remarks
    return [(remark.row, coach.codec.decode(read(remark.row))) for remark in decoded.remarks]


def test_before_every_remark_the_context_of_its_row_is_read(coach_of, seen):
    coach = coach_of(CoachSettings(selector="none"))
    for one in seen:
        for row, text in contexts(coach, one):
            causal = one.motion.between(0.0, one.times_s[row])
            assert text == MotionContext.at(causal, one.exercise, float(one.times_s[row]), start_s=0.0).sentence(3)


def test_only_violations_of_selected_joints_are_told(coach, seen):
    (push_ups, _), row = seen, LATE
    context = MotionContext.at(push_ups.motion, push_ups.exercise, float(push_ups.times_s[row]), start_s=0.0)
    rows = as_rows(push_ups.features)
    with torch.inference_mode():
        kept = selected(coach.selector(rows[:12]), KEPT)
    faults = context.last.faults
    assert 0 < len(of_joints(faults, kept)) < len(faults)
    told = replace(context, last=replace(context.last, faults=of_joints(faults, kept)))
    assert coach.motion_text(push_ups, row) == told.sentence(3) != context.sentence(3)


def test_the_selection_is_fixed_after_the_window(coach, seen):
    """Rows beyond the first 12 do not matter to it, those within do."""
    one, row = seen[0], LATE
    assert coach.motion_text(other_features(one, one.times_s[11]), row) == coach.motion_text(one, row)
    texts = {coach.motion_text(replace(one, features=one.features * factor), row) for factor in (1, -1, -3, 0)}
    assert len(texts) > 1


@pytest.mark.parametrize("settings", [CoachSettings(selector="table"), CoachSettings(released=True)])
def test_the_published_table_selects(settings, coach_of, seen):
    coach, row = coach_of(settings), LATE
    for one in seen:
        at_s = float(one.times_s[row])
        context = MotionContext.at(one.motion, one.exercise, at_s, start_s=0.0, released=settings.released)
        faults = of_table(context.last.faults, one.exercise)
        told = replace(context, last=replace(context.last, faults=faults))
        assert coach.motion_text(one, row) == told.sentence(3)


def test_only_the_name(coach_of, seen):
    coach = coach_of(CoachSettings(motion="name"))
    assert {text for _, text in contexts(coach, seen[0])} == {"Push ups."}
    assert motion_text(replace(seen[0], motion=None), 3.0, CoachSettings(), None) == "Push ups."
    assert motion_text(replace(seen[0], exercise="juggling"), 3.0, CoachSettings(), None) == "Juggling."


def test_no_motion_reads_nothing(coach_of, seen):
    coach = coach_of(CoachSettings(motion="none"))
    assert coach.stream_of(seen[0]).before is None
    assert coach.say(seen) == coach.say([replace(one, motion=None) for one in seen])


def test_nobody_is_seen(coach, seen):
    """Frames without a person: the exercise is named, and nothing of what was not seen is told."""
    blind = [
        replace(one, motion=Motion.of(np.full_like(one.motion.angles_rad, np.nan), one.motion.times_s)) for one in seen
    ]
    assert coach.motion_text(blind[0], LATE) == "Push ups, standing."
    assert all(coach.say(blind))


def test_measures_change_what_is_seen(coach, coach_of, seen):
    other = Morphometrics(2.1, 120.0, 1.3, 1.2, 1.3)
    rows = as_rows(seen[0].features)
    assert not torch.equal(coach.fused(rows, seen[0].measures), coach.fused(rows, other))
    assert torch.equal(coach.fused(rows, None), rows)
    assert torch.equal(coach_of(CoachSettings(morphometrics=False)).fused(rows, other), rows)
    assert torch.equal(coach_of(fusion=None).fused(rows, other), rows)
    assert coach.say(seen) != coach.say([replace(one, measures=other) for one in seen])


def test_the_slot_holds_at_most_eighty_tokens(coach_of, seen):
    coach = coach_of(CoachSettings(injection="slot", selector="none"))
    stream = coach.stream_of(seen[0])
    text = coach.codec.encode(coach.motion_text(seen[0], ROWS - 1))
    assert stream.prompt == (coach.prompt[0], *text[:SLOTS], coach.prompt[-1])
    assert stream.before is None


def test_append_moves_one_embedding_by_a_hundredth_of_the_sentence(coach_of, seen):
    coach = coach_of(CoachSettings(injection="append"))
    stream = coach.stream_of(seen[0])
    text = torch.tensor(coach.codec.encode(coach.motion_text(seen[0], ROWS - 1)))
    assert (stream.prompt, stream.nudge.place, stream.before) == (coach.prompt, 0, None)
    torch.testing.assert_close(stream.nudge.change, 0.01 * coach.stream.embed(text).mean(0).detach())


def test_the_prompt_may_name_the_exercise(coach_of, seen, codec):
    coach = coach_of(CoachSettings(named=True))
    assert coach.stream_of(seen[1]).prompt == (codec.start, *codec.encode("Squats."), codec.actions["<vision>"])
    assert coach.say(seen) != coach_of().say(seen)


def test_an_exercise_without_rows_is_silent(coach, seen):
    empty = replace(seen[0], features=seen[0].features[:0], times_s=seen[0].times_s[:0])
    assert coach.say([empty, seen[1]])[0] == ()
    assert coach.say([]) == []
