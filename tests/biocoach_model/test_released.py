"""The published model from the files that its users bring, at a tiny size: every file, every way in which one is missing."""

import json
import os
import pickle
import re
import shutil

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from torch import nn
from transformers import PreTrainedTokenizerFast

from biobench.cli.predict import command
from biobench.models import run_model
from biobench.problems import ProblemsFound
from biobench.readers.qevd import load_benchmark
from biocoach_model.coach import CoachSettings, Seen, motion_text
from biocoach_model.fusion import MorphometricFusion
from biocoach_model.released.attention_weights import fill_fusion, match
from biocoach_model.released.loading import HuggingFaceCodec, load_released
from biocoach_model.released.prompt import prompt_from
from biocoach_model.released.settings import missing, read_settings
from biocoach_model.released_model import ReleasedBioCoach

HIDDEN, CHANNELS, LAYERS, VOCABULARY = 32, 24, 2, 320
ACTIONS = ["<vision>", "<answer>", "<answer/>"]
NAMES = {"unk": "<unk>", "bos": "<s>", "eos": "</s>"}
PROMPT = "Watch the athlete and say something short whenever it helps."


# A release ------------------------------------------------------------------------------------------------


def tokenizer():
    words = [*NAMES.values(), *sorted(pre_tokenizers.ByteLevel.alphabet()), *ACTIONS]
    made = Tokenizer(models.BPE(vocab={w: k for k, w in enumerate(words)}, merges=[], unk_token=NAMES["unk"]))
    made.add_special_tokens([AddedToken(w, special=True, normalized=False) for w in (*NAMES.values(), *ACTIONS)])
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", words.index("<s>"))])
    return PreTrainedTokenizerFast(tokenizer_object=made, **{f"{k}_token": v for k, v in NAMES.items()})


def llama_tensors(generator, rows):
    def drawn(*shape):
        return torch.randn(*shape, generator=generator) * 0.2

    tensors = {"model.embed_tokens.weight": drawn(rows, HIDDEN), "lm_head.weight": drawn(rows, HIDDEN)}
    tensors["lm_head.weight"][260] *= 8  # <answer> often wins, so that something is said
    tensors["model.norm.weight"] = torch.ones(HIDDEN)
    for k in range(LAYERS):
        layer = f"model.layers.{k}."
        tensors |= {f"{layer}self_attn.{n}_proj.weight": drawn(HIDDEN, HIDDEN) for n in "qkvo"}
        tensors |= {f"{layer}mlp.{n}_proj.weight": drawn(64, HIDDEN) for n in ("gate", "up")}
        tensors[f"{layer}mlp.down_proj.weight"] = drawn(HIDDEN, 64)
        tensors |= {f"{layer}{n}_layernorm.weight": torch.ones(HIDDEN) for n in ("input", "post_attention")}
    return tensors


def extras(generator):
    """Adapter in layer 1, LoRA of rank 4 on q, k, v and lm_head, upstream's copy of the embedding."""
    start = "lang.base_model.model."
    adapter = f"{start}model.layers.1.xattn_layer.attn_layers.0."
    shapes = {
        f"{adapter}hidden_attn_fc.weight": (16, HIDDEN),
        f"{adapter}feat_attn_keys_fc.weight": (16, CHANNELS),
        f"{adapter}vision_projector.0.weight": (CHANNELS,),
        f"{adapter}vision_projector.0.bias": (CHANNELS,),
        f"{adapter}vision_projector.1.weight": (CHANNELS, CHANNELS),
        f"{adapter}vision_projector.3.weight": (16, CHANNELS),
        f"{adapter}out_fc.weight": (HIDDEN, 16),
    }
    for module in [f"model.layers.{k}.self_attn.{n}_proj" for k in range(LAYERS) for n in "qkv"] + ["lm_head"]:
        rows = VOCABULARY if module == "lm_head" else HIDDEN
        shapes[f"{start}{module}.lora_A.default.weight"] = (4, HIDDEN)
        shapes[f"{start}{module}.lora_B.default.weight"] = (rows, 4)
    return {name: torch.randn(*shape, generator=generator) * 0.2 for name, shape in shapes.items()}


def upstream(llama):
    """LLaMA's tensors as a checkpoint with LoRA names them."""
    adapted = ("q_proj", "k_proj", "v_proj", "lm_head")
    return {
        "lang.base_model.model."
        + (name.replace(".weight", ".base_layer.weight") if name.split(".")[-2] in adapted else name): value
        for name, value in llama.items()
    }


def attention_tensors():
    torch.manual_seed(3)
    fusion = MorphometricFusion(CHANNELS, HIDDEN)
    for parameter in fusion.parameters():
        nn.init.normal_(parameter)
    return {name: value.detach().clone() for name, value in fusion.state_dict().items()}


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    root = tmp_path_factory.mktemp("release")
    generator = torch.Generator().manual_seed(1)
    config = {
        "architectures": ["LlamaForCausalLM"], "vocab_size": 256, "hidden_size": HIDDEN, "intermediate_size": 64,
        "num_hidden_layers": LAYERS, "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 256,
        "rms_norm_eps": 1e-5, "rope_scaling": None, "torch_dtype": "float16", "tie_word_embeddings": False,
    }  # fmt: skip
    (root / "llama").mkdir()
    (root / "llama" / "config.json").write_text(json.dumps(config))
    (root / "fitcoach").mkdir()
    llama = llama_tensors(generator, VOCABULARY)
    torch.save({"state_dict": {**upstream(llama), **extras(generator)}}, root / "fitcoach" / "state_dict.pth.tar")
    tokenizer().save_pretrained(root / "fitcoach")
    torch.save(attention_tensors(), root / "attention.pth")
    (root / "checkout" / "src").mkdir(parents=True)
    (root / "checkout" / "src" / "texts.py").write_text(
        f'raise SystemExit("this is never run")\nSHORT = "prompt"\nclass Texts:\n    SYSTEM_PROMPT: str = (\n        "{PROMPT[:20]}"\n'
        f'        "{PROMPT[20:]}"\n    )\n'
    )
    made = CliRunner().invoke(
        __import__("biobench.cli.synth", fromlist=["command"]).command,
        ["--videos", "1", "--bodies", "--features", str(root / "data")],
    )
    assert made.exit_code == 0, made.output
    return root


def settings_file(release, folder, **changes):
    values = {
        "llama2_7b_path": str(release / "llama"),
        "checkpoint_path": str(release / "fitcoach"),
        "cross_attention_weights_path": str(release / "attention.pth"),
        "fitcoach_checkout": str(release / "checkout"),
        "data_root": str(release / "data"),
        "split": "test",
        "device": "cpu",
        **changes,
    }
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump({name: value for name, value in values.items() if value != "drop"}))
    return path


def predicted(config, out, *more):
    return CliRunner().invoke(command, ["biocoach", "--config", str(config), "--out", str(out), *more])


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """The entry point, whether or not this checkout was installed since it was named."""
    from biobench import models as systems

    monkeypatch.setattr(systems, "find_model", lambda name: {"biocoach": ReleasedBioCoach}[name]())


@pytest.fixture(scope="module")
def small(release):
    return load_benchmark(release / "data", "test")


# From the command line -------------------------------------------------------------------------------------


def test_the_whole_way(release, tmp_path):
    result = predicted(settings_file(release, tmp_path), tmp_path / "preds.json")
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "preds.json").read_text())
    assert int(re.search(r"entries, (\d+) remarks", result.output)[1]) > 0
    text = json.dumps(written)
    for said in (
        "lm_head: with its LoRA",
        "norm_in.weight -> norm_in.weight (by name)",
        "src/texts.py, Texts.SYSTEM_PROMPT",
    ):
        assert said in text
        assert said in result.stderr
    assert "selector: none" in text
    assert "LoRA: rank 4, alpha 16, merged" in text
    assert "checkpoint_sha256" in text
    assert str(release) not in text
    assert PROMPT not in text


def coach_of(release, tmp_path, golden=None, **changes):
    settings = read_settings(settings_file(release, tmp_path, **changes))
    assert missing(settings, data=True) == []
    return load_released(settings, golden or {}, "cpu")


def seen_of(rows=6, **more):
    generator = np.random.default_rng(2)
    features = generator.normal(size=(rows, CHANNELS, 7, 5)).astype(np.float32)
    return Seen("squats", features, np.arange(1, rows + 1) / 4, **more)


def test_what_the_settings_mean(release, tmp_path):
    coach, notes = coach_of(release, tmp_path)
    assert coach.settings == CoachSettings(selector="none", injection="remark")
    assert coach.prompt[0] == 1
    assert coach.prompt[-1] == coach.codec.actions.vision
    assert coach.prompt.count(coach.codec.actions.vision) == 1
    assert coach.codec.decode(coach.prompt) == PROMPT
    assert coach.stream.config.vocab_size == VOCABULARY
    assert not coach.fusion.pooled
    released, told = coach_of(release, tmp_path, mode="released", lm_head_lora=False, merge_lora=False)
    assert released.settings == CoachSettings(selector="table", injection="append", released=True)
    assert released.fusion.pooled
    assert "lm_head: without LoRA" in told
    assert any("it sees the future" in note for note in told)
    assert not any("it sees the future" in note for note in notes)
    bare, told = coach_of(release, tmp_path, cross_attention_weights_path=None, dtype="bfloat16", injection="slot")
    assert bare.fusion is None
    assert not bare.settings.morphometrics
    assert any("the measures are not used" in note for note in told)
    assert bare.stream.dtype == torch.bfloat16
    assert bare.settings.injection == "slot"


def test_every_injection_and_timing_decodes(release, tmp_path):
    for change in ({}, {"injection": "append"}, {"injection": "slot", "mode": "released"}, {"dtype": "bfloat16"}):
        coach, _ = coach_of(release, tmp_path, **change)
        for timing in ("fixed", "official"):
            (said,) = coach.say([seen_of()], timing=timing)
            assert all(np.isfinite(one.time_s) for one in said)


def test_lm_head_lora_changes_the_scores(release, tmp_path):
    ids, rows = [1, 5, 9], np.zeros((0, CHANNELS, 7, 5), np.float32)
    with_it = coach_of(release, tmp_path)[0].stream.logits(ids, [0, 0, 0], rows)
    beside = coach_of(release, tmp_path, merge_lora=False)[0].stream.logits(ids, [0, 0, 0], rows)
    without = coach_of(release, tmp_path, lm_head_lora=False)[0].stream.logits(ids, [0, 0, 0], rows)
    half = coach_of(release, tmp_path, lora_alpha=8)[0].stream.logits(ids, [0, 0, 0], rows)
    assert torch.allclose(with_it, beside, atol=1e-3)
    assert not torch.allclose(with_it, without, atol=1e-2)
    assert not torch.allclose(with_it, half, atol=1e-2)


# Base weights beside the checkpoint ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_base_weights_from_llama(release, tmp_path, kind):
    """Adapters and LoRA alone, with upstream's copy of the embedding; the rest from LLaMA's shards."""
    whole = torch.load(release / "fitcoach" / "state_dict.pth.tar", weights_only=True)["state_dict"]
    llama = {
        name.removeprefix("lang.base_model.model.").replace(".base_layer.", "."): value.contiguous()
        for name, value in whole.items()
        if "lora" not in name and "xattn" not in name
    }
    embedding = llama["model.embed_tokens.weight"]
    shutil.copytree(release / "llama", tmp_path / "llama")
    names = sorted(llama)
    for k, part in enumerate((names[:7], names[7:])):
        tensors = {name: llama[name] for name in part} | ({"model.rotary.inv_freq": torch.ones(2)} if k else {})
        if kind == "bin":
            torch.save(tensors, tmp_path / "llama" / f"pytorch_model-{k}.bin")
        else:
            save_file(tensors, tmp_path / "llama" / f"model-{k}.safetensors")
    shutil.copytree(release / "fitcoach", tmp_path / "fitcoach")
    (tmp_path / "fitcoach" / "state_dict.pth.tar").unlink()
    only = {name: value for name, value in whole.items() if "lora" in name or "xattn" in name}
    save_file(
        {**only, "adapter.embed_tokens.weight": embedding.clone()}, tmp_path / "fitcoach" / "state_dict.safetensors"
    )
    places = {"llama2_7b_path": str(tmp_path / "llama"), "checkpoint_path": str(tmp_path / "fitcoach")}
    split, notes = coach_of(release, tmp_path, **places)
    one, _ = coach_of(release, tmp_path)
    assert any(note.startswith(f"base: {len(llama) - 1} tensors") for note in notes)
    assert all(torch.equal(a, b) for a, b in zip(split.parameters(), one.parameters(), strict=True))


def test_padded_rows(release, tmp_path):
    """LLaMA's output layer has fewer rows than the checkpoint: zeros where LoRA acts on it, a refusal where nothing does."""
    whole = torch.load(release / "fitcoach" / "state_dict.pth.tar", weights_only=True)["state_dict"]
    head = whole.pop("lang.base_model.model.lm_head.base_layer.weight")
    shutil.copytree(release / "llama", tmp_path / "llama")
    save_file({"lm_head.weight": head[:250].contiguous()}, tmp_path / "llama" / "model.safetensors")
    shutil.copytree(release / "fitcoach", tmp_path / "fitcoach")
    torch.save(whole, tmp_path / "fitcoach" / "state_dict.pth.tar")
    places = {"llama2_7b_path": str(tmp_path / "llama"), "checkpoint_path": str(tmp_path / "fitcoach")}
    coach, notes = coach_of(release, tmp_path, **places, merge_lora=False)
    assert any("padded lm_head.weight by 70 rows of zeros" in note for note in notes)
    assert torch.equal(coach.stream.llama.lm_head.base.weight[:250], head[:250])
    assert not coach.stream.llama.lm_head.base.weight[250:].any()
    with pytest.raises(ProblemsFound, match="none for the action tokens"):
        coach_of(release, tmp_path, **places, lm_head_lora=False)
    (tmp_path / "llama" / "model.safetensors").unlink()
    with pytest.raises(ProblemsFound, match="no weights in it"):
        coach_of(release, tmp_path, **places)


# What is missing, what is wrong ----------------------------------------------------------------------------


def test_everything_missing_is_told_at_once(tmp_path):
    values = {
        "llama2_7b_path": "no/llama", "checkpoint_path": "no/fitcoach", "data_root": "no/data",
        "morphometric_dir": "no/measures", "golden_standards_dir": "no/golden",
        "cross_attention_weights_path": "no/attention.pth", "fitcoach_checkout": "no/checkout",
    }  # fmt: skip
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(ProblemsFound) as caught:
        ReleasedBioCoach().data_root({"config": str(path)})
    text = "\n".join(map(str, caught.value.problems))
    for name in values:
        assert f"{name}: no/" in text
    assert len(caught.value.problems) == len(values) + 1
    for source in ("Meta", "FitCoach's release", "Qualcomm", "SHAPY", "BioCoach", "tokenizer"):
        assert source in text
    assert not (tmp_path / "preds.json").exists()


def test_wrong_settings_are_told_at_once(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text(
        "checkpoint_pth: a\nmode: papr\nbatch: 0\nlm_head_lora: 1\nlora_alpha: .inf\nsplit: tset\ndata_root: 3\n"
    )
    with pytest.raises(ProblemsFound) as caught:
        read_settings(path)
    text = "\n".join(map(str, caught.value.problems))
    for said in (
        "checkpoint_pth", "checkpoint_path", "mode: 'papr'", "batch: 0", "lm_head_lora: 1", "lora_alpha: inf",
        "split: 'tset'", "data_root: 3", "no llama2_7b_path", "no checkpoint_path", "neither fitcoach_checkout nor prompt",
    ):  # fmt: skip
        assert said in text
    for content, said in (("a: [", "can't be read"), ("3", "without settings")):
        path.write_text(content)
        with pytest.raises(ProblemsFound, match=said):
            read_settings(path)
    with pytest.raises(ProblemsFound, match="no such file"):
        read_settings(tmp_path / "none.yaml")
    with pytest.raises(ProblemsFound, match="no settings file"):
        ReleasedBioCoach().data_root({"config": ""})


@pytest.mark.parametrize("name", ["biocoach_qevd_eval", "biocoach_bio_eval"])
def test_the_settings_that_come_with_the_project(name, request):
    settings = read_settings(request.config.rootpath / "configs" / f"{name}.yaml")
    assert settings.annotations == ("bio" if "bio_" in name else None)
    assert settings.mode == "paper"


def test_other_data_than_the_settings_name(release, small, tmp_path):
    config = settings_file(release, tmp_path, split="train", annotations="bio", data_root=None)
    with pytest.raises(ProblemsFound) as caught:
        run_model(ReleasedBioCoach(), small, {"config": str(config)})
    text = str(caught.value)
    assert "--split train" in text
    assert "--annotations bio" in text


class Hostile:
    def __reduce__(self):
        return os.mkdir, (Hostile.mark,)


@pytest.mark.parametrize("which", ["checkpoint", "attention"])
def test_a_hostile_file_is_refused_and_never_run(release, tmp_path, which):
    Hostile.mark = str(tmp_path / "ran")
    shutil.copytree(release / "fitcoach", tmp_path / "fitcoach")
    path = tmp_path / ("fitcoach/state_dict.pth.tar" if which == "checkpoint" else "attention.pth")
    for write in (
        lambda: torch.save({"state_dict": Hostile()}, path),
        lambda: path.write_bytes(pickle.dumps(Hostile())),
        lambda: path.write_bytes(b"PK\x03\x04 cut off"),
    ):
        write()
        key = "checkpoint_path" if which == "checkpoint" else "cross_attention_weights_path"
        with pytest.raises(ProblemsFound, match="can't be read"):
            coach_of(release, tmp_path, **{key: str(path)})
        assert not (tmp_path / "ran").exists()


def test_tokenizer_and_checkpoint_must_belong_together(release, tmp_path):
    shutil.copytree(release / "fitcoach", tmp_path / "fitcoach")
    whole = torch.load(tmp_path / "fitcoach" / "state_dict.pth.tar", weights_only=True)["state_dict"]
    whole["lang.base_model.model.model.embed_tokens.weight"] = torch.zeros(64, HIDDEN)
    torch.save(whole, tmp_path / "fitcoach" / "state_dict.pth.tar")
    with pytest.raises(ProblemsFound, match="an embedding of 64 rows"):
        coach_of(release, tmp_path, checkpoint_path=str(tmp_path / "fitcoach"))
    torch.save({n: v for n, v in whole.items() if "xattn" not in n}, tmp_path / "fitcoach" / "state_dict.pth.tar")
    with pytest.raises(ProblemsFound, match="without adapters"):
        coach_of(release, tmp_path, checkpoint_path=str(tmp_path / "fitcoach"))
    (tmp_path / "fitcoach" / "tokenizer.json").write_text("{}")
    with pytest.raises(ProblemsFound, match="a tokenizer that can't be read"):
        coach_of(release, tmp_path, checkpoint_path=str(tmp_path / "fitcoach"))


def test_codec_keeps_action_tokens_out_of_texts(release):
    codec = HuggingFaceCodec.read(release / "fitcoach")
    ids = codec.encode("say <answer/> or </s> now")
    assert not set(ids) & {codec.actions.vision, codec.actions.answer, codec.actions.end, 0, 1, 2}
    assert codec.decode(ids) == "say (answer/) or (/s) now"
    assert codec.prompt("one<vision>two") == codec.prompt("one")


# Prompt ----------------------------------------------------------------------------------------------------


def test_prompt_candidates(tmp_path):
    (tmp_path / "a.py").write_text(
        'TASK_PROMPT = "a prompt of some other kind"\nSYS_PROMPT = "you are a " + "careful coach"\n'
    )
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "b.py").write_text('SYSTEM_PROMPT = "you are another coach altogether"\n')
    assert prompt_from(tmp_path) == ("you are a careful coach", "a.py, SYS_PROMPT")
    (tmp_path / "b.py").write_text('class A:\n    class B:\n        system_prompt = "you are somebody else entirely"\n')
    with pytest.raises(
        ProblemsFound, match=r"2 different candidates: a.py, SYS_PROMPT; b.py, A.B.system_prompt.*prompt in"
    ):
        prompt_from(tmp_path)
    (tmp_path / "a.py").write_text("")
    (tmp_path / "b.py").write_text('SYSTEM_PROMPT = "you coach {name} through the session"\n')
    with pytest.raises(ProblemsFound, match="a template"):
        prompt_from(tmp_path)
    (tmp_path / "b.py").write_text('SYSTEM_PROMPT = f"you coach {1} through the session"\n')
    with pytest.raises(ProblemsFound, match="no string constant"):
        prompt_from(tmp_path)


# The authors' attention ------------------------------------------------------------------------------------

NAMINGS = {
    "by name": {
        "norm_in": "cross_attn.visual_norm", "query": "cross_attn.q_proj", "key": "cross_attn.k_proj",
        "value": "cross_attn.v_proj", "out": "cross_attn.out_proj", "norm_out": "cross_attn.output_norm",
    },
    "diffusers": {
        "norm_in": "norm1", "query": "attn.to_q", "key": "attn.to_k", "value": "attn.to_v", "out": "attn.to_out",
        "norm_out": "norm2",
    },
}  # fmt: skip


def renamed(names):
    return {
        name if name == "alpha" else f"{names[name.split('.')[0]]}.{name.split('.')[1]}": value
        for name, value in attention_tensors().items()
    }


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("backwards", [False, True])
def test_names_that_say_what_they_are(naming, backwards):
    tensors = renamed(NAMINGS[naming])
    tensors["residual_scale"] = tensors.pop("alpha").reshape(1)
    if backwards:
        tensors = dict(reversed(tensors.items()))
    filled = MorphometricFusion(CHANNELS, HIDDEN)
    matched = fill_fusion(filled, tensors, "file")
    assert all(torch.equal(value, filled.state_dict()[name]) for name, value in attention_tensors().items())
    assert len(matched) == 13
    assert {one.how for one in matched} == {"by name"}


def test_names_that_say_nothing():
    tensors = {f"blob{k}": value for k, value in enumerate(attention_tensors().values())}
    filled = MorphometricFusion(CHANNELS, HIDDEN)
    matched = fill_fusion(filled, tensors, "file")
    assert all(torch.equal(value, filled.state_dict()[name]) for name, value in attention_tensors().items())
    assert {one.how for one in matched} == {"by shape and order"}


@pytest.mark.parametrize("words", [HIDDEN, CHANNELS])
def test_torch_attention_packed_and_apart_gives_the_same_numbers(words):
    """torch packs all three weights where keys have the queries' width, and only the biases where they don't."""
    torch.manual_seed(5)
    attention = nn.MultiheadAttention(CHANNELS, 8, kdim=words, vdim=words, batch_first=True).eval()
    norm_q, norm_out = nn.LayerNorm(CHANNELS), nn.LayerNorm(CHANNELS)
    for parameter in [*attention.parameters(), *norm_q.parameters(), *norm_out.parameters()]:
        nn.init.normal_(parameter)
    tensors = {f"attn.{name}": value for name, value in attention.state_dict().items()}
    tensors |= {f"ln_q.{name}": value for name, value in norm_q.state_dict().items()}
    tensors |= {f"ln_out.{name}": value for name, value in norm_out.state_dict().items()}
    fusion = MorphometricFusion(CHANNELS, words).eval()
    fill_fusion(fusion, {**tensors, "alpha": torch.tensor([0.3])}, "file")
    rows, text = torch.randn(4, 35, CHANNELS), torch.randn(1, 6, words)
    keys = text.expand(4, -1, -1)
    wanted = rows + 0.3 * norm_out(attention(norm_q(rows), keys, keys)[0])
    assert torch.allclose(fusion(rows, text), wanted, atol=1e-4)


def test_both_sides_of_what_does_not_fit():
    shapes = {name: tuple(value.shape) for name, value in attention_tensors().items()}
    tensors = renamed(NAMINGS["by name"])
    more = {**tensors, "text_projection.weight": torch.zeros(7, 9)}
    with pytest.raises(
        ProblemsFound, match=r"without a place: text_projection.weight \[7, 9\]; parameters without one: none"
    ):
        match(shapes, more, "file")
    less = {name: value for name, value in tensors.items() if name != "cross_attn.q_proj.bias"}
    with pytest.raises(ProblemsFound, match=r"without a place: none; parameters without one: query.bias \[24\]"):
        match(shapes, less, "file")
    # A name that says otherwise is never overruled by a shape that happens to fit.
    swapped = {**less, "cross_attn.other_q_proj.bias_k": torch.zeros(CHANNELS + 1)}
    with pytest.raises(ProblemsFound, match="query.bias"):
        match(shapes, swapped, "file")
    twice = {**less, "cross_attn.key.bias": torch.zeros(CHANNELS)}
    with pytest.raises(ProblemsFound, match=r"key.bias \[24\].*parameters without one"):
        match(shapes, twice, "file")
    with pytest.raises(ProblemsFound, match="NaN"):
        match(shapes, {**tensors, "alpha": torch.tensor(float("nan"))}, "file")


# References ------------------------------------------------------------------------------------------------


def test_golden_standards_reach_the_motion_context(release, tmp_path, small):
    from biobench.body.golden import read_golden
    from biocoach_model.inputs import Inputs

    folder = next((release / "data").rglob("golden_standards"))
    inputs = Inputs.open(small, features=True, poses=True)
    from biobench.models import exercise_segments

    changed = 0
    for segment in exercise_segments(small)[:4]:
        found = inputs.of(segment)
        seen = Seen(segment.exercise, found.features, found.feature_times_s, found.motion)
        try:
            own = read_golden(folder, segment.exercise)
        except ProblemsFound:
            continue
        at_s = float(found.feature_times_s[-1])
        settings = CoachSettings(selector="none")
        plain = motion_text(seen, at_s, settings, None)
        coach, notes = coach_of(release, tmp_path, golden={segment.exercise: own + 0.4})
        assert "references: 1 exercises from golden_standards_dir" in notes
        stream = coach.stream_of(seen)
        told = coach.codec.decode(stream.before(len(found.feature_times_s) - 1))
        changed += told != plain
    assert changed


def test_golden_files_that_are_missing(release, small, tmp_path):
    (tmp_path / "golden").mkdir()
    config = settings_file(release, tmp_path, golden_standards_dir=str(tmp_path / "golden"), llama2_7b_path="no/llama")
    with pytest.raises(ProblemsFound) as caught:
        run_model(ReleasedBioCoach(), small, {"config": str(config)})
    text = str(caught.value)
    assert "no/llama" in text
    assert "golden_standards_dir needs realistic_golden_standard_" in text
