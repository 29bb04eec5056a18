"""Decoding many segments at once beside a loop over one segment with transformers' own cache.

On a GPU the model has LLaMA-2-7B's shape, in bfloat16, with random weights and random features of 1,280 channels; elsewhere a
small one in float32. What is said is scripted, the same for everybody: a remark of 12 tokens after every 21 rows (5.25 s).
``python benchmarks/streaming.py [--rows 136] [--compile]``
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor
from transformers import DynamicCache, LlamaConfig

from biocoach_model.adapters import XAttn
from biocoach_model.decoding import Stream, decode
from biocoach_model.streamvlm import SpecialTokens, StreamVLM, Visual

WORDS, ROWS_BETWEEN = 12, 21
PROMPT = 64
TOKENS = SpecialTokens(5, 6, 7)


class Scripted(StreamVLM):
    """Scores as ever, then the script's token wins: the work is the model's, the words are not."""

    step = 0

    def scores(self, hidden: Tensor) -> Tensor:
        """Real logits, and the script's wish on top."""
        logits = super().scores(hidden)
        place = self.step % (ROWS_BETWEEN + WORDS + 2)
        wished = (
            TOKENS.vision
            if place < ROWS_BETWEEN
            else TOKENS.answer
            if place == ROWS_BETWEEN
            else 8
            if place <= ROWS_BETWEEN + WORDS
            else TOKENS.end
        )
        logits[:, wished] += 1e6
        self.step += 1
        return logits


def built(device: str) -> Scripted:
    """The model, on the device."""
    if device == "cuda":
        config = LlamaConfig(
            vocab_size=32064, hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32,
            num_key_value_heads=32, max_position_embeddings=4096,
        )  # fmt: skip
        xattn, dtype = XAttn(tuple(range(6, 23, 2)), 1280, 4096), torch.bfloat16
    else:
        config = LlamaConfig(
            vocab_size=2048, hidden_size=256, intermediate_size=688, num_hidden_layers=6, num_attention_heads=8,
            num_key_value_heads=8, max_position_embeddings=4096,
        )  # fmt: skip
        xattn, dtype = XAttn((1, 3), 32, 256), torch.float32
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    with torch.device(device):
        model = Scripted(config, xattn, TOKENS)
    torch.set_default_dtype(torch.float32)
    return model.eval()


@torch.inference_mode()
def plain_loop(model: Scripted, stream: Stream) -> list[int]:
    """One segment, token by token, with transformers' cache: what a script around a model does."""
    cache, ids = DynamicCache(config=model.config), list(stream.prompt)
    rows = stream.rows.to(model.device, model.dtype)
    seen, feed = 1, torch.tensor([ids], device=model.device)
    places = torch.tensor([len(ids) - 1], device=model.device)
    while True:
        hidden = _through(model, feed, Visual(rows[seen - 1 : seen], places) if len(places) else None, cache)
        token = int(model.scores(hidden[:, -1]).argmax())
        if token == TOKENS.vision:
            if seen == len(rows):
                return ids
            seen += 1
        ids.append(token)
        feed = torch.tensor([[token]], device=model.device)
        places = torch.tensor([0] if token == TOKENS.vision else [], dtype=torch.long, device=model.device)


def _through(model: Scripted, ids: Tensor, visual: Visual | None, cache: DynamicCache) -> Tensor:
    """The backbone's layers with another cache than ours."""
    inner = model.llama.model
    hidden = inner.embed_tokens(ids)
    start = cache.get_seq_length()
    positions = torch.arange(start, start + ids.shape[1], device=ids.device)[None]
    rotary = inner.rotary_emb(hidden, position_ids=positions)
    for k, layer in enumerate(inner.layers):
        hidden = layer(
            hidden, position_ids=positions, past_key_values=cache, use_cache=True, position_embeddings=rotary
        )
        if visual is not None and k in model.xattn.adapter_insert_layers:
            flat = hidden.reshape(-1, hidden.shape[-1])
            hidden = flat.index_add(0, visual.places, layer.xattn_layer(flat[visual.places], visual.rows)).view_as(
                hidden
            )
    done: Tensor = inner.norm(hidden)
    return done


def timed(model: Scripted, run: Callable[[], list[list[int]]]) -> tuple[float, int]:
    """Seconds and tokens."""
    model.step = 0
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    ids = run()
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, sum(map(len, ids))


def main() -> None:
    """Prints a table, and the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=136)
    parser.add_argument("--compile", action="store_true")
    wanted = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = built(device)
    if wanted.compile:
        model.llama.model.layers = torch.nn.ModuleList(
            [torch.compile(layer, dynamic=True) for layer in model.llama.model.layers]
        )
    channels = model.xattn.vision_feat_dim
    streams = [
        Stream((*range(10, 10 + PROMPT - 1), TOKENS.vision), torch.randn(wanted.rows, 35, channels)) for _ in range(16)
    ]
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{name}; torch {torch.__version__}; {parameters / 1e9:.2f} billion parameters, {model.dtype}")
    _, expected = timed(model, lambda: [plain_loop(model, streams[0])])  # warm
    rates = {}
    for label, many, run in (
        ("plain loop, transformers' cache", 1, lambda: [plain_loop(model, streams[0])]),
        ("decode, 1 segment", 1, lambda: [d.ids for d in decode(model, streams[:1])]),
        ("decode, 16 segments", 16, lambda: [d.ids for d in decode(model, streams, batch=16)]),
    ):
        timed(model, run)
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        seconds, tokens = min(timed(model, run) for _ in range(3))
        if tokens != many * expected:
            raise SystemExit(f"{label}: {tokens} tokens, expected {many * expected}")
        rates[label] = (tokens - many * PROMPT) / seconds
        memory = f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if device == "cuda" else "-"
        print(
            f"{label:34} {rates[label]:9.1f} tokens/s   {many * wanted.rows / 4 / seconds:8.1f} x real time   {memory}"
        )
    base = rates["plain loop, transformers' cache"]
    for label, rate in rates.items():
        print(f"{label:34} {rate / base:6.2f} x the plain loop")


if __name__ == "__main__":
    main()
