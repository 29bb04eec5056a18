"""Models small enough to be run thousands of times, with weights large enough that they say something."""

import torch
from transformers import LlamaConfig

from biocoach_model.adapters import XAttn
from biocoach_model.streamvlm import SpecialTokens, StreamVLM, Visual

VISION, ANSWER, END = 9, 10, 11
TOKENS = SpecialTokens(VISION, ANSWER, END)
CHANNELS = 6


def tiny_stream(
    seed=0, *, kind=StreamVLM, vocabulary=12, longest=400, channels=CHANNELS, places=False, scale=0.3, tokens=TOKENS
):
    """Fewer keys than queries, adapters on two of three layers, loud ones: what is seen decides."""
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=24, intermediate_size=32, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=longest, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    model = kind(config, XAttn((0, 2), channels, 16, places), tokens)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=4 * scale if "xattn" in name else scale, generator=generator)
    return model.eval()


def rows_of(seed, count, channels=CHANNELS):
    """(rows, 35, channels): a row is something of its own, or 35 cells would average to the same."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, channels, generator=generator) + 0.5 * torch.randn(
        count, 35, channels, generator=generator
    )


@torch.inference_mode()
def whole_logits(model, ids, rows, nudge=None):
    """Of every token of a sequence, read at once and without a cache; row k is the k-th <vision> token's."""
    places = [k for k, token in enumerate(ids) if token == model.tokens.vision]
    tensor = torch.tensor([ids])
    embeddings = model.embed(tensor)
    if nudge is not None:
        embeddings[0, nudge.place] += nudge.change
    return model.scores(model(tensor, Visual(rows[: len(places)], torch.tensor(places)), embeddings=embeddings)[0])


def plainly_decoded(model, stream, timing, answer_bias=0.0):
    """The published loop, written for one segment, reading everything again at every token: (ids, remarks, truncated).

    A remark is (row, words, probability of <answer>).
    """
    tokens, ids, remarks = model.tokens, list(stream.prompt), []
    words, probability = None, 0.0
    while len(ids) <= model.config.max_position_embeddings:
        seen = ids.count(tokens.vision)
        if timing == "official" and words is None and seen >= len(stream.rows):
            return ids, remarks, False
        logits = whole_logits(model, ids, stream.rows, stream.nudge)[-1].clone()
        if words is None:
            logits[tokens.answer] += answer_bias
        choice = int(logits.argmax())
        if words is not None:
            full = timing == "fixed" and len(words) == 128
            if full or choice in (tokens.vision, tokens.answer, tokens.end):
                remarks.append((seen - 1, words, probability))
                words, choice = None, tokens.end
            else:
                words.append(choice)
            ids.append(choice)
        elif choice == tokens.answer:
            words, probability = [], float(torch.softmax(logits, 0)[tokens.answer])
            ids += [*(stream.before(seen - 1) if stream.before else ()), tokens.answer]
        elif seen == len(stream.rows):
            return ids, remarks, False
        else:
            ids.append(tokens.vision)
    return ids, remarks, True
