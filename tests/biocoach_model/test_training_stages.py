"""What the two trainings learn from, what they change, and that a model says what it was taught."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import tiny_stream

from biocoach_model.coach import BioCoach, CoachSettings, Seen
from biocoach_model.codec import learned_codec
from biocoach_model.decoding import Stream, decode
from biocoach_model.fusion import MorphometricFusion
from biocoach_model.selector import JointSelector
from biocoach_model.streamvlm import SpecialTokens, as_rows
from biocoach_model.training.examples import Example, Remarked, example_tokens
from biocoach_model.training.loop import train
from biocoach_model.training.settings import TrainingSettings
from biocoach_model.training.stages import CoachTask, StreamTask

V, A, E = 90, 91, 92
TOKENS = SpecialTokens(V, A, E)
ALONE = CoachSettings("none", morphometrics=False, motion="none")
pytestmark = pytest.mark.usefixtures("one_core")


def example(seed=0, rows=9, remarks=((3, "Lower your hips.", "Push ups, moving."),), **changes):
    features = np.random.default_rng(seed).normal(size=(rows, 8, 7, 5)).astype(np.float16)
    joints = tuple(float(k < 5) for k in range(24))
    made = Example(
        f"{seed}_0", str(seed), "push ups", features, tuple(Remarked(*r) for r in remarks), "Height 1.70 m.", joints
    )
    return replace(made, **changes)


THREE = [
    example(0),
    example(1, rows=7, remarks=((2, "Slower.", "Squats, standing."), (5, "Good depth!", "Squats, moving."))),
    example(2, rows=5, remarks=()),
]


@pytest.fixture
def codec():
    texts = [text for one in THREE for remark in one.remarks for text in (remark.text, remark.context)]
    return learned_codec([*texts, "Height 1.70 m."], 300)


@pytest.fixture
def stream(codec):
    return tiny_stream(1, vocabulary=len(codec), channels=8, scale=0.1, tokens=SpecialTokens.of(codec.actions))


def prompt_of(codec):
    return [codec.start, codec.actions["<vision>"]]


def snapshot(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(module, before):
    return {name for name, value in module.state_dict().items() if not torch.equal(value, before[name])}


def settings(**changes):
    return TrainingSettings(**{"epochs": 2, "batch_size": 2, "learning_rate": 1e-2, "device": "cpu", **changes})


# --- the sequence


def spelled(text):
    return {"ab": [10, 11], "c": [12], "ctx": [20, 21]}[text]


def tokens_of(one, **options):
    wanted = {"context": True, "go_on_weight": 0.1, "longest": 100, **options}
    return example_tokens(one, spelled, TOKENS, [1, V], **wanted)


def test_a_sequence_by_hand():
    one = example(rows=3, remarks=((1, "ab", "ctx"), (1, "c", "ctx")))
    made = tokens_of(one)
    #            start  row 0  row 1  context  says "ab"      again   context  says "c"  row 2
    assert made.ids == [1, V, V, 20, 21, A, 10, 11, E, 20, 21, A, 12, E, V]
    assert made.targets == [0, V, A, 0, 0, 10, 11, E, A, 0, 0, 12, E, V, V]
    assert made.weights == [0, 0.1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0.1, 0.1]
    assert (made.places, made.rows) == ([1, 2, 14], [0, 1, 2])


def test_without_context():
    made = tokens_of(example(rows=2, remarks=((0, "c", "ctx"),)), context=False, go_on_weight=0.3)
    assert made.ids == [1, V, A, 12, E, V]
    assert made.targets == [0, A, 12, E, V, V]
    assert made.weights == [0, 1, 1, 1, 0.3, 0.3]


@pytest.mark.parametrize("longest", [1, 2, 5, 12, 14, 15, 99])
def test_a_long_one_is_cut(longest):
    one = example(rows=3, remarks=((1, "ab", "ctx"), (1, "c", "ctx")))
    whole, made = tokens_of(one), tokens_of(one, longest=longest)
    assert (made.ids, made.targets, made.weights) == (
        whole.ids[:longest],
        whole.targets[:longest],
        whole.weights[:longest],
    )
    assert made.places == [place for place in whole.places if place < longest]
    assert made.rows == whole.rows[: len(made.places)]


def test_it_is_what_decoding_goes_through(codec, stream):
    """A model that wishes the targets, wherever it is asked, has the sequence behind it at the end."""
    for one in THREE:
        made = example_tokens(
            one, codec.encode, stream.tokens, prompt_of(codec), context=True, go_on_weight=0.1, longest=400
        )
        wishes = [target for target, weight in zip(made.targets, made.weights, strict=True) if weight]
        contexts = [codec.encode(remark.context) for remark in one.remarks]
        before = lambda row, left=contexts: left.pop(0)  # noqa: E731
        model = Obedient(stream, wishes)
        (done,) = decode(model, [Stream(tuple(prompt_of(codec)), as_rows(one.features), before)])
        assert done.ids == made.ids
        assert model.wishes == []


class Obedient:
    """Another model's work, with the wishes of a list."""

    def __init__(self, stream, wishes):
        self._stream, self.wishes = stream, list(wishes)

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def __call__(self, *arguments, **options):
        return self._stream(*arguments, **options)

    def scores(self, hidden):
        logits = torch.zeros(len(hidden), self._stream.config.vocab_size)
        logits[:, self.wishes.pop(0)] = 1.0
        return logits


# --- batches and losses


def stream_task(stream, codec, examples=THREE, share=0.5, **options):
    return StreamTask(stream, codec, prompt_of(codec), examples, examples[:1], context_share=share, **options)


def coach_of(stream, codec):
    torch.manual_seed(0)
    return BioCoach(
        stream, codec, prompt_of(codec), CoachSettings(), MorphometricFusion(8, 24), JointSelector(8, 35, 16, "grid")
    )


def losses(task, chosen):
    batch = task.collate([("train", k) for k in chosen], torch.Generator().manual_seed(0))
    return [float(value.detach()) for value in task.losses(batch)]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_batch_is_its_examples_one_by_one(share, codec, stream):
    task = stream_task(stream, codec, share=share)
    together, alone = losses(task, [0, 1, 2]), [losses(task, [k]) for k in range(3)]
    assert together == pytest.approx([sum(one) for one in zip(*alone, strict=True)], rel=1e-5)


def test_the_loss_by_hand(codec, stream):
    """Weighted cross-entropy of the targets, from the logits of one sequence."""
    for share in (0.0, 1.0):
        made = example_tokens(
            THREE[1], codec.encode, stream.tokens, prompt_of(codec), context=share > 0, go_on_weight=0.1, longest=400
        )
        mask = [2 if k in made.places else 0 for k in range(len(made.ids))]
        logits = stream.logits(made.ids, mask, THREE[1].features)
        cost = -torch.log_softmax(logits, -1)[torch.arange(len(made.ids)), made.targets]
        expected = float((cost * torch.tensor(made.weights)).sum())
        assert losses(stream_task(stream, codec, share=share), [1]) == pytest.approx(
            [expected, sum(made.weights)], rel=1e-5
        )


def test_a_share_of_the_examples_has_its_context(codec, stream):
    task = stream_task(stream, codec, [THREE[0]] * 400, share=0.25)
    batch = task.collate(task.examples("train"), torch.Generator().manual_seed(0))
    lengths = (batch["ids"] != 0).sum(1)
    assert 60 < int((lengths == lengths.max()).sum()) < 140
    assert len(set(lengths.tolist())) == 2


def test_the_coachs_batch_is_its_examples_one_by_one(codec, stream):
    """Measures of different lengths, and none; the selector's loss is a mean over the examples, for every weight."""
    examples = [replace(one, measures=text) for one, text in zip(THREE, ("Height 1.70 m.", "Height", ""), strict=True)]
    task = CoachTask(coach_of(stream, codec).eval(), codec, examples, examples, selector_weight=0.0)
    together, alone = losses(task, [0, 1, 2]), [losses(task, [k]) for k in range(3)]
    assert together == pytest.approx([sum(one) for one in zip(*alone, strict=True)], rel=1e-5)
    heavy = CoachTask(coach_of(stream, codec).eval(), codec, examples, examples, selector_weight=2.0)
    added = [(losses(heavy, [k])[0] - alone[k][0]) / alone[k][1] for k in range(3)]
    assert (losses(heavy, [0, 1, 2])[0] - together[0]) / together[1] == pytest.approx(np.mean(added), rel=1e-4)


# --- what a training changes


def test_the_backbone_stage_changes_all_of_the_backbone(codec, stream, tmp_path):
    before = snapshot(stream)
    train(stream_task(stream, codec), settings(), tmp_path)
    assert changed(stream, before) == set(before)


def test_the_coachs_stage_changes_fusion_and_selector_and_nothing_else(codec, stream, tmp_path):
    coach = coach_of(stream, codec)
    before = snapshot(coach)
    train(CoachTask(coach, codec, THREE, THREE[:1]), settings(), tmp_path)
    found = changed(coach, before)
    # A bias of the keys moves all scores alike: it has no gradient but what rounding leaves.
    beside = {name for name in before if not name.startswith("stream.")}
    assert found <= beside
    assert beside - found <= {"fusion.key.bias"}
    assert any(name.startswith("stream.") for name in before)


@pytest.mark.parametrize("missing", ["fusion", "selector"])
def test_a_part_that_is_not_there_is_not_trained(missing, codec, stream, tmp_path):
    coach = coach_of(stream, codec)
    setattr(coach, missing, None)
    task = CoachTask(coach, codec, THREE, THREE[:1])
    assert {name.partition(".")[0] for name, _ in task.trainable()} == {"fusion", "selector"} - {missing}
    before = snapshot(coach)
    train(task, settings(), tmp_path)
    assert changed(coach, before)


# --- what is learned


def seen(one):
    return Seen(one.exercise, one.features.astype(np.float32), np.arange(len(one.features)) / 4)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_it_says_what_it_was_taught_at_its_row(share, codec, stream, tmp_path):
    task = stream_task(stream, codec, THREE[:2], share=share)
    coach = BioCoach(stream, codec, prompt_of(codec), ALONE if share == 0 else replace(ALONE, motion="context"))
    first = sum(losses(task, [0, 1])[:1])
    train(task, settings(epochs=150, learning_rate=5e-3, clip_norm=1.0), tmp_path)
    assert sum(losses(task, [0, 1])[:1]) < first / 20
    taught = [[(remark.row / 4, remark.text) for remark in one.remarks] for one in THREE[:2]]
    if share == 0:
        said = coach.eval().say([seen(one) for one in THREE[:2]])
        assert [[(f.time_s, f.text) for f in one] for one in said] == taught
        # It looked: other rows, other times.
        turned = replace(THREE[0], features=THREE[0].features[::-1].copy())
        assert [f.time_s for f in coach.say([seen(turned)])[0]] != [0.75]
    else:
        for one, wanted in zip(THREE[:2], taught, strict=True):
            texts = {remark.row: remark.context for remark in one.remarks}
            read = lambda row, texts=texts: codec.encode(texts.get(row, ""))  # noqa: E731
            (done,) = decode(stream, [Stream(tuple(prompt_of(codec)), as_rows(one.features), read)])
            assert [(r.row / 4, codec.decode(r.ids)) for r in done.remarks] == wanted


def test_the_selector_learns_its_joints(codec, stream, tmp_path):
    other = tuple(float(k >= 20) for k in range(24))
    examples = [THREE[0], replace(THREE[1], joints=other)]
    coach = coach_of(stream, codec)
    train(CoachTask(coach, codec, examples, examples), settings(epochs=60), tmp_path)
    for one in examples:
        logits = coach.eval().selector(as_rows(one.features)[:12])
        assert ((logits > 0).float().tolist()) == list(one.joints)
