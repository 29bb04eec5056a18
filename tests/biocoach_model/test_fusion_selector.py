"""Measures in the visual features, and the joints that an exercise is about."""

import math

import pytest
import torch
from torch import nn

from biobench.body.skel import dofs, find, sided
from biobench.exercises import knowledge, names
from biocoach_model.fusion import MorphometricFusion
from biocoach_model.selector import (
    JOINTS,
    KEPT,
    JointSelector,
    balanced_loss,
    exercise_joints,
    of_joints,
    of_table,
    selected,
)
from biocoach_model.violations import Violation

pytestmark = pytest.mark.usefixtures("one_core")


def fusion(**options):
    torch.manual_seed(0)
    return MorphometricFusion(16, 12, **options).eval()


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- fusion


def test_it_is_the_published_formula():
    """z = F + alpha LN(MHA(LN(F), m, m)), with torch's own attention."""
    mine, rows, words = fusion(), normal(3, 35, 16), normal(1, 7, 12, seed=2)
    attention = nn.MultiheadAttention(16, 8, kdim=12, vdim=12, batch_first=True)
    with torch.no_grad():
        attention.q_proj_weight.copy_(mine.query.weight)
        attention.k_proj_weight.copy_(mine.key.weight)
        attention.v_proj_weight.copy_(mine.value.weight)
        attention.in_proj_bias.copy_(torch.cat([mine.query.bias, mine.key.bias, mine.value.bias]))
        attention.out_proj.weight.copy_(mine.out.weight)
        attention.out_proj.bias.copy_(mine.out.bias)
        added = attention(mine.norm_in(rows), words.expand(3, -1, -1), words.expand(3, -1, -1))[0]
        expected = rows + 0.1 * nn.functional.layer_norm(added, (16,))
        torch.testing.assert_close(mine(rows, words), expected, atol=1e-5, rtol=0)


def test_alpha_starts_at_a_tenth_and_at_zero_nothing_is_added():
    mine, rows = fusion(), normal(2, 35, 16)
    assert mine.alpha.item() == pytest.approx(0.1)
    assert not torch.equal(mine(rows, normal(1, 4, 12)), rows)
    with torch.no_grad():
        mine.alpha.zero_()
    assert torch.equal(mine(rows, normal(1, 4, 12)), rows)


def test_a_pooled_word_adds_the_same_to_every_cell_and_words_do_not():
    rows, words = normal(2, 35, 16), normal(1, 9, 12, seed=3)
    spread = {
        pooled: float((mine(rows, words) - rows).flatten(0, 1).std(0).max().detach())
        for pooled, mine in ((True, fusion(pooled=True)), (False, fusion()))
    }
    assert spread[True] < 1e-6 < 1e-3 < spread[False]


@pytest.mark.parametrize("pooled", [True, False])
def test_padding_does_not_matter(pooled):
    mine, rows, words = fusion(pooled=pooled), normal(2, 35, 16), normal(1, 5, 12, seed=4)
    padded = torch.cat([words, 50 * normal(1, 3, 12, seed=5)], 1)
    known = torch.tensor([[True] * 5 + [False] * 3])
    torch.testing.assert_close(mine(rows, padded, known), mine(rows, words), atol=1e-6, rtol=0)
    assert not torch.allclose(mine(rows, padded), mine(rows, words), atol=1e-3)


@pytest.mark.parametrize("pooled", [True, False])
def test_everybody_has_their_own_measures(pooled):
    mine, rows, words = fusion(pooled=pooled), normal(3, 35, 16), normal(2, 5, 12, seed=4)
    known = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    both = mine(rows, words, known, torch.tensor([1, 0, 1]))
    torch.testing.assert_close(both[1:2], mine(rows[1:2], words[:1]), atol=1e-6, rtol=0)
    torch.testing.assert_close(both[[0, 2]], mine(rows[[0, 2]], words[1:, :3]), atol=1e-6, rtol=0)


def test_heads_have_to_divide_the_channels():
    with pytest.raises(ValueError, match="don't divide into 8 heads"):
        MorphometricFusion(12, 12)


def test_everything_in_it_learns():
    mine = fusion()
    mine(normal(2, 35, 16), normal(1, 4, 12)).square().sum().backward()
    assert all(p.grad is not None for p in mine.parameters())
    assert float(mine.alpha.grad) != 0


# --- selector


def test_the_highest_twelve_are_kept():
    assert (len(JOINTS), KEPT) == (24, 12)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    logits = torch.empty(24)
    logits[order] = torch.arange(24.0)
    assert selected(logits) == {JOINTS[k] for k in order[12:].tolist()}
    assert selected(logits, 1) == {JOINTS[order[-1]]}


@pytest.mark.parametrize("pool", ["mean", "grid"])
def test_it_looks_at_the_window(pool):
    torch.manual_seed(0)
    mine, window = JointSelector(6, 35, 16, pool), normal(12, 35, 6)
    assert mine(window).shape == (24,)
    assert [type(layer) for layer in mine.layers] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
    torch.testing.assert_close(mine(window.flip(0)), mine(window), atol=1e-6, rtol=0)
    turned = mine(window.flip(1))  # cells change their places
    assert torch.allclose(turned, mine(window), atol=1e-5) == (pool == "mean")
    with pytest.raises(ValueError, match="pool 'max'"):
        JointSelector(6, 35, 16, "max")


def test_the_balanced_loss_by_hand():
    """Two of four wanted, then one: each side weighs a half, -ln sigmoid of the right answer each."""

    def cost(logit, wanted):
        return math.log1p(math.exp(-logit if wanted else logit))

    logits, wanted = (
        torch.tensor([[2.0, -1.0, 0.5, 0.0], [1.0, 1.0, -2.0, 3.0]]),
        torch.tensor([[1.0, 1, 0, 0], [0, 0, 0, 1]]),
    )
    first = (cost(2, True) + cost(-1, True)) / 4 + (cost(0.5, False) + cost(0, False)) / 4
    second = cost(3, True) / 2 + (cost(1, False) + cost(1, False) + cost(-2, False)) / 6
    assert float(balanced_loss(logits, wanted)) == pytest.approx((first + second) / 2, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_balanced_loss_of_all_or_none(value):
    assert float(balanced_loss(torch.zeros(24), torch.full((24,), value))) == pytest.approx(math.log(2) / 2)


@pytest.mark.parametrize("exercise", names())
def test_every_exercise_is_about_one_to_twelve_joints(exercise):
    joints = exercise_joints(exercise)
    assert set(joints) <= {0.0, 1.0}
    assert 1 <= sum(joints) <= KEPT
    about = {name for name, wanted in zip(JOINTS, joints, strict=True) if wanted}
    cycle = knowledge(exercise).cycle.dof
    assert {find(sided(cycle, side)).joint for side in ("right", "left")} <= about
    moved = {move.dof for fault in knowledge(exercise).faults for move in fault.moves}
    assert {find(sided(dof, "left")).joint for dof in moved} <= about


def test_an_exercise_that_is_not_there():
    with pytest.raises(KeyError):
        exercise_joints("juggling")


def violation(dof):
    return Violation("fault", "a", None, "bottom", dof, 1.0, 0.0, 1.0, 1.0)


def test_violations_of_kept_joints():
    all_three = [violation("knee_angle_r"), violation("pelvis_list"), violation("knee_angle_l")]
    kept = {find("knee_angle_r").joint}
    assert of_joints(all_three, kept) == (all_three[0],)
    assert of_joints(all_three, ()) == ()
    assert of_joints(all_three, JOINTS) == tuple(all_three)


def test_violations_of_the_table():
    """Both sides of what it lists, whatever the joint's other angles do; in order."""
    everything = [violation(dof.name) for dof in dofs()]
    assert [v.dof for v in of_table(everything, "mountain climbers")] == [
        "pelvis_list", "hip_flexion_r", "knee_angle_r", "hip_flexion_l", "knee_angle_l", "lumbar_extension",
        "shoulder_r_z", "elbow_flexion_r", "shoulder_l_z", "elbow_flexion_l",
    ]  # fmt: skip
    for exercise in names():
        assert 0 < len(of_table(everything, exercise)) < len(everything)
