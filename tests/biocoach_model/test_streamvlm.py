"""The backbone beside upstream's own code at a tiny size (logits, ids, times), and what is said of checkpoints that don't fit."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import CHANNELS, VISION, rows_of, tiny_stream, whole_logits

from biobench.problems import ProblemsFound
from biocoach_model.adapters import XAttn
from biocoach_model.decoding import Stream, decode
from biocoach_model.streamvlm import SpecialTokens, StreamVLM, Visual, as_rows

GOLDEN = Path(__file__).with_name("data") / "streamvlm_tiny"
CHECKPOINT = GOLDEN / "state_dict.safetensors"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
FORCED, SPOKEN = EXPECTED["teacher_forced"], EXPECTED["interactive"]
LORA_ON = {name for name in load_file(CHECKPOINT) if ".lora_" in name}
pytestmark = pytest.mark.usefixtures("one_core")


def load(path=CHECKPOINT, *, lora=EXPECTED["lora"], xattn=EXPECTED["xattn"], llama=EXPECTED["llama_config"], **options):
    return StreamVLM.from_state_dict(path, llama, xattn, lora, EXPECTED["special_tokens"], **options)


@pytest.fixture(scope="module")
def features():
    return np.load(GOLDEN / "features.npy", allow_pickle=False)


@pytest.fixture(scope="module")
def golden():
    return load()


@pytest.fixture
def tensors():
    """The checkpoint's, to be changed."""
    return load_file(CHECKPOINT)


def logits_of(model, features):
    return model.logits(FORCED["input_ids"], FORCED["vision_xattn_mask"], features)


def problems(*arguments, **options):
    with pytest.raises(ProblemsFound) as caught:
        load(*arguments, **options)
    return [str(problem) for problem in caught.value.problems]


def written(tensors, folder):
    save_file(tensors, folder / "changed.safetensors")
    return folder / "changed.safetensors"


# --- upstream's own numbers


def test_the_logits_are_upstreams(golden, features):
    np.testing.assert_allclose(logits_of(golden, features), FORCED["logits"], atol=1e-4, rtol=0)


def test_the_interactive_ids_are_upstreams(golden, features):
    assert golden.generate_ids(SPOKEN["prompt"], features, timing="official") == SPOKEN["output_ids"]


def test_the_published_times_are_upstreams(golden):
    times = golden.published_times(SPOKEN["output_ids"], SPOKEN["feats_frequency"])
    np.testing.assert_allclose(times, SPOKEN["published_times"]["seconds"], atol=1e-12)


def test_the_published_remarks_are_upstreams(golden):
    from biocoach_model.timing import published_remarks

    said = [" ".join(map(str, ids)) for _, ids in published_remarks(SPOKEN["output_ids"], golden.tokens)]
    assert said == SPOKEN["published_times"]["remarks_as_ids"]


def test_fixed_timing_goes_on_where_official_stops(golden, features):
    official, fixed = SPOKEN["output_ids"], golden.generate_ids(SPOKEN["prompt"], features)
    assert fixed[: len(official)] == official  # the same until then: no remark here is longer than 128 tokens
    assert fixed.count(golden.tokens.vision) == official.count(golden.tokens.vision) == len(features)
    (done,) = decode(golden, [Stream(tuple(SPOKEN["prompt"]), as_rows(features))])
    assert done.ids == fixed


def test_each_row_is_seen_by_its_own_token(golden, features):
    """A row that changes, changes its token and those after it, and none before."""
    before = logits_of(golden, features)
    changed = features.copy()
    changed[3] = np.random.default_rng(0).normal(size=changed[3].shape)
    difference = (logits_of(golden, changed) - before).abs().amax(-1)
    place = [k for k, value in enumerate(FORCED["vision_xattn_mask"]) if value == 2][3]
    assert torch.all(difference[:place] == 0)
    assert difference[place] > 1e-3


def test_rows_that_nobody_sees_change_nothing(golden, features):
    changed = features.copy()
    changed[FORCED["vision_xattn_mask"].count(2) :] += 1.0
    assert torch.equal(logits_of(golden, changed), logits_of(golden, features))


# --- LoRA, names, kinds of files


def test_lora_beside_the_weights_says_the_same(golden, features):
    beside = load(merge_lora=False)
    torch.testing.assert_close(logits_of(beside, features), logits_of(golden, features), atol=1e-4, rtol=0)
    assert beside.generate_ids(SPOKEN["prompt"], features, timing="official") == SPOKEN["output_ids"]
    assert len(beside.state_dict()) > len(golden.state_dict())


def test_what_became_of_every_tensor(golden, tensors):
    assert golden.loaded.used == len(tensors) - 1
    assert golden.loaded.unused == ("adapter.embed_tokens.weight",)
    assert len(golden.loaded.merged) == 13  # q, k, v of four layers, and lm_head
    assert golden.loaded.left_out == ()
    assert "LoRA on 13 weights" in str(golden.loaded)


def test_without_the_output_layers_lora(golden, features):
    without = load(lm_head_lora=False)
    assert without.loaded.left_out == ("lm_head",)
    assert "lm_head" not in without.loaded.merged
    assert "left out on lm_head" in str(without.loaded)
    assert (logits_of(without, features) - logits_of(golden, features)).abs().max() > 1e-3


def test_lora_matters(features, tensors, tmp_path):
    """Its scale is alpha / r: another alpha is another model."""
    other = load(lora={**EXPECTED["lora"], "lora_alpha": 4})
    assert np.abs(logits_of(other, features).numpy() - FORCED["logits"]).max() > 1e-3
    plain = {name: value for name, value in tensors.items() if name not in LORA_ON}
    none = load(written(plain, tmp_path), lora=None)
    assert none.loaded.merged == ()
    assert np.abs(logits_of(none, features).numpy() - FORCED["logits"]).max() > 1e-3


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace(".base_layer.", "."),
        lambda name: f"module.{name}",
        lambda name: name.replace("lang.base_model.model.", "lang."),
        lambda name: name.replace(".default.", "."),
    ],
)
def test_names_of_other_versions_load_the_same(rename, golden, features, tensors, tmp_path):
    changed = {rename(name): value for name, value in tensors.items() if not name.startswith("adapter.")}
    assert set(changed) != set(tensors) - {"adapter.embed_tokens.weight"}
    assert torch.equal(logits_of(load(written(changed, tmp_path)), features), logits_of(golden, features))


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_torch_file_loads_the_same(wrapped, new, golden, features, tensors, tmp_path):
    path = tmp_path / "state_dict.pth.tar"
    torch.save({"state_dict": tensors} if wrapped else tensors, path, _use_new_zipfile_serialization=new)
    assert torch.equal(logits_of(load(path), features), logits_of(golden, features))


def test_bfloat16_is_near(golden, features):
    half = load(dtype=torch.bfloat16)
    assert half.dtype == torch.bfloat16
    difference = (logits_of(half, features) - logits_of(golden, features)).abs()
    assert 0 < difference.median() < 0.1


# --- what doesn't fit


class Attack:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("new", [True, False])
def test_code_in_a_file_does_not_run(new, tmp_path):
    path = tmp_path / "state_dict.pth.tar"
    torch.save({"state_dict": Attack(tmp_path / "ran")}, path, _use_new_zipfile_serialization=new)
    (problem,) = problems(path)
    assert "can't be read" in problem
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("none.safetensors", None, "no such file"),
        ("torn.safetensors", b"\x10\0\0\0\0\0\0\0{", "can't be read"),
        ("empty.pth.tar", b"", "can't be read"),
        ("text.pth.tar", b"hello", "can't be read"),
        ("torn.pth.tar", b"PK\x03\x04hello", "can't be read"),
    ],
)
def test_files_that_are_none(name, content, found, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (problem,) = problems(tmp_path / name)
    assert found in problem


def test_a_file_with_something_else_in_it(tmp_path):
    torch.save({"state_dict": {"epoch": 3}}, tmp_path / "a.pth.tar")
    assert "something else than named tensors" in problems(tmp_path / "a.pth.tar")[0]


def test_everything_that_does_not_fit_is_told_at_once(tensors, tmp_path):
    prefix = "lang.base_model.model.model."
    del tensors[f"{prefix}norm.weight"]
    tensors[f"{prefix}embed_tokens.weight"] = torch.zeros(60, 64)
    tensors[f"{prefix}layers.0.mlp.up_proj.weight"][3, 4] = torch.nan
    tensors[f"{prefix}layers.9.mlp.up_proj.weight"] = torch.zeros(2, 2)
    tensors[f"{prefix}layers.1.self_attn.q_proj.lora_A.default.weight"] = torch.zeros(5, 64)
    del tensors[f"{prefix}layers.2.self_attn.v_proj.lora_B.default.weight"]
    found = problems(written(tensors, tmp_path))
    assert len(found) == 6
    for part in (
        "no tensor model.norm.weight",
        "model.embed_tokens.weight of shape [60, 64], expected shape [64, 64]",
        "model.layers.0.mlp.up_proj.weight with NaN",
        "a tensor model.layers.9.mlp.up_proj.weight",
        "model.layers.1.self_attn.q_proj",
        "model.layers.2.self_attn.v_proj",
    ):
        assert sum(part in problem for problem in found) == 1, (part, found)


def test_nan_in_lora_is_found(tensors, tmp_path):
    tensors["lang.base_model.model.lm_head.lora_A.default.weight"][0, 0] = torch.nan
    (problem,) = problems(written(tensors, tmp_path))
    assert "lm_head" in problem
    assert "NaN" in problem


def test_lora_without_settings():
    (problem,) = problems(lora=None)
    assert "LoRA tensors on 13 weights" in problem


def test_wrong_settings():
    found = problems(lora={"r": 0, "lora_alpha": "two", "target_modules": "q_proj"})
    assert len(found) == 3
    found = problems(xattn={"type": "other", "adapter_insert_layers": "1", "vision_feat_dim": 0, "heads": 2})
    assert len(found) == 4


def test_adapters_on_layers_that_are_not_there():
    (problem,) = problems(xattn={**EXPECTED["xattn"], "adapter_insert_layers": [1, 99]})
    assert "99" in problem


@pytest.mark.parametrize("rank", [2, 8])
def test_another_rank_than_the_files(rank):
    found = problems(lora={**EXPECTED["lora"], "r": rank})
    assert sum(f"rank {rank}" in problem for problem in found) == 12
    assert "1 more" in found[-1]


def test_ids_mask_and_rows_have_to_fit(golden, features):
    with pytest.raises(ValueError, match="2 ids and a mask of 1"):
        golden.logits([1, 60], [2], features)
    with pytest.raises(ValueError, match="2 tokens see a row, and there are 1"):
        golden.logits([60, 60], [2, 2], features[:1])
    with pytest.raises(ValueError, match="features of shape"):
        golden.logits([60], [2], features[0])


def test_special_tokens_by_their_names():
    assert SpecialTokens.of({"<answer/>": 3, "<vision>": 1, "<answer>": 2}) == SpecialTokens(1, 2, 3)
    with pytest.raises(KeyError):
        SpecialTokens.of({"<vision>": 1})


# --- the pieces


def test_rows_are_cells_by_channels():
    features = np.arange(2 * 3 * 35, dtype=np.float32).reshape(2, 3, 7, 5)
    rows = as_rows(features)
    assert rows.shape == (2, 35, 3)
    assert rows[1, 2 * 5 + 4, 1] == features[1, 1, 2, 4]


def test_only_tokens_that_see_a_row_are_changed_by_it():
    model = tiny_stream(1)
    ids = torch.tensor([[1, VISION, 3, VISION]])
    seen = model(ids, Visual(rows_of(0, 1), torch.tensor([3])))
    blind = model(ids)
    torch.testing.assert_close(seen[0, :3], blind[0, :3], atol=1e-6, rtol=0)
    assert (seen[0, 3] - blind[0, 3]).abs().max() > 1e-2


def test_two_sequences_do_not_see_each_other():
    model, rows = tiny_stream(2), rows_of(3, 4)
    ids = torch.tensor([[1, VISION, VISION], [5, 4, VISION]])
    both = model(ids, Visual(rows[[0, 1, 2]], torch.tensor([1, 2, 5])))
    for k, (one, its) in enumerate([([1, VISION, VISION], rows[:2]), ([5, 4, VISION], rows[2:3])]):
        alone = whole_logits(model, one, its)
        torch.testing.assert_close(model.scores(both[k]), alone, atol=1e-5, rtol=0)


def test_places_tell_cells_apart():
    """Cells that change places change nothing where nobody knows which is which."""
    shuffle = torch.randperm(35, generator=torch.Generator().manual_seed(0))
    rows = rows_of(0, 2)
    for places, differs in ((False, False), (True, True)):
        model = tiny_stream(1, places=places)
        one, other = (whole_logits(model, [1, VISION, VISION], r) for r in (rows, rows[:, shuffle]))
        assert ((one - other).abs().max() > 1e-3) == differs


def test_settings_of_adapters():
    assert XAttn.of({"adapter_insert_layers": [1], "vision_feat_dim": CHANNELS}) == XAttn(
        (1,), CHANNELS, 4096, places=False
    )
