"""The two trainings: the backbone on what was said when, and what BioCoach learns beside a frozen backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from biocoach_model.coach import BioCoach, named_prompt
from biocoach_model.codec import SmallCodec
from biocoach_model.selector import balanced_loss
from biocoach_model.streamvlm import StreamVLM, Visual, as_rows
from biocoach_model.training.examples import Example, Tokens, example_tokens, padded

__all__ = ["GO_ON_WEIGHT", "CoachTask", "StreamTask"]

GO_ON_WEIGHT = 0.1
"""Of the go-on token in the cross-entropy (published)."""

Part = Literal["train", "validation"]
Batch = Mapping[str, Tensor]


class StreamTask:
    """Trains the whole backbone.

    A ``context_share`` of the examples hold the motion context before each remark: these are the reading lessons that a
    large language model has behind it, and a small one of our own has not. A ``name_share`` name the exercise in the prompt.
    Validation alternates with and without context, and names every exercise if any is named.
    """

    def __init__(
        self,
        stream: StreamVLM,
        codec: SmallCodec,
        prompt: Sequence[int],
        train: Sequence[Example],
        validation: Sequence[Example],
        context_share: float,
        name_share: float = 0.0,
        go_on_weight: float = GO_ON_WEIGHT,
    ) -> None:
        self.module: nn.Module = stream
        self._stream = stream
        self._context_share, self._name_share = context_share, name_share
        self._parts = {"train": list(train), "validation": list(validation)}
        self._sequences = {
            (part, context, named): _sequences(
                examples, codec, stream, prompt, go_on_weight, context=context, named=named
            )
            for part, examples in self._parts.items()
            for context in (False, True)
            for named in (False, True)
        }

    def trainable(self) -> list[tuple[str, nn.Parameter]]:
        """All of it."""
        return list(self._stream.named_parameters())

    def examples(self, part: Part) -> Sequence[object]:
        """Indices of a part's exercises."""
        return [(part, k) for k in range(len(self._parts[part]))]

    def lengths(self, part: Part) -> Sequence[int]:
        """Tokens of every exercise, with its contexts."""
        return [len(tokens.ids) for tokens in self._sequences[part, True, True]]

    def collate(self, examples: list[object], generator: torch.Generator) -> Batch:
        """One batch, on the CPU; whether an example holds its contexts is drawn."""
        chosen: list[tuple[Example, Tokens]] = []
        for part, k in map(_place, examples):
            drawn = torch.rand(2, generator=generator).tolist()
            lesson, named = drawn[0] < self._context_share, drawn[1] < self._name_share
            if part == "validation":
                lesson, named = k % 2 == 0, self._name_share > 0
            chosen.append((self._parts[part][k], self._sequences[part, lesson, named][k]))
        return _batch(chosen)

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The sum of the weighted cross-entropies and the sum of the weights."""
        return _losses(self._stream, batch, as_rows(batch["features"]))


class CoachTask:
    """Trains the fusion and the selector; the backbone is frozen.

    ``selector_weight`` of the selector's balanced loss is added for every unit of the cross-entropy's weights.
    """

    def __init__(
        self,
        coach: BioCoach,
        codec: SmallCodec,
        train: Sequence[Example],
        validation: Sequence[Example],
        selector_weight: float = 1.0,
        go_on_weight: float = GO_ON_WEIGHT,
    ) -> None:
        self.module: nn.Module = coach
        self._coach, self._codec, self._selector_weight = coach, codec, selector_weight
        self._parts = {"train": list(train), "validation": list(validation)}
        context = coach.settings.motion != "none"
        self._sequences = {
            part: _sequences(
                examples, codec, coach.stream, coach.prompt, go_on_weight, context=context, named=coach.settings.named
            )
            for part, examples in self._parts.items()
        }

    def trainable(self) -> list[tuple[str, nn.Parameter]]:
        """Only what is beside the backbone."""
        return [
            (f"{part}.{name}", value)
            for part, module in (("fusion", self._coach.fusion), ("selector", self._coach.selector))
            if module is not None
            for name, value in module.named_parameters()
        ]

    def examples(self, part: Part) -> Sequence[object]:
        """Indices of a part's exercises."""
        return [(part, k) for k in range(len(self._parts[part]))]

    def lengths(self, part: Part) -> Sequence[int]:
        """Tokens of every exercise."""
        return [len(tokens.ids) for tokens in self._sequences[part]]

    def collate(self, examples: list[object], generator: torch.Generator) -> Batch:  # noqa: ARG002 - the loop's signature
        """One batch, on the CPU."""
        chosen = [(self._parts[part][k], self._sequences[part][k]) for part, k in map(_place, examples)]
        batch = dict(_batch(chosen))
        words = [self._codec.encode(example.measures) for example, _ in chosen]
        batch["measures"] = padded([one or [0] for one in words], 0, torch.long)
        batch["measured"] = padded([[1] * max(len(one), 1) for one in words], 0, torch.bool)
        batch["joints"] = torch.tensor([example.joints for example, _ in chosen])
        return batch

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The sum of the weighted cross-entropies, with the selector's loss, and the sum of the weights."""
        coach = self._coach
        rows = as_rows(batch["features"])
        if coach.fusion is not None:
            words = coach.stream.embed(batch["measures"]).detach()
            rows = coach.fusion(rows, words, batch["measured"], batch["of"])
        total, weight = _losses(coach.stream, batch, rows)
        if coach.selector is not None:
            window = round(coach.settings.window_s * 4)
            raw = as_rows(batch["features"])
            logits = torch.stack([coach.selector(raw[batch["of"] == k][:window]) for k in range(len(batch["joints"]))])
            total = total + self._selector_weight * balanced_loss(logits, batch["joints"]) * weight
        return total, weight


def _place(example: object) -> tuple[str, int]:
    """A part and an index in it, as ``examples`` gave them."""
    part, k = cast("tuple[str, int]", example)
    return part, k


def _sequences(
    examples: Sequence[Example],
    codec: SmallCodec,
    stream: StreamVLM,
    prompt: Sequence[int],
    go_on_weight: float,
    *,
    context: bool,
    named: bool,
) -> list[Tokens]:
    longest = stream.config.max_position_embeddings
    made = []
    for example in examples:
        begin = named_prompt(prompt, codec, example.exercise) if named else prompt
        made.append(
            example_tokens(
                example, codec.encode, stream.tokens, begin, context=context, go_on_weight=go_on_weight, longest=longest
            )
        )
    return made


def _batch(chosen: Sequence[tuple[Example, Tokens]]) -> dict[str, Tensor]:
    """Sequences side by side, their rows one below the other; ``of`` says whose row each is."""
    longest = max(len(tokens.ids) for _, tokens in chosen)
    features = np.concatenate([example.features[: len(tokens.rows)] for example, tokens in chosen])
    return {
        "ids": padded([tokens.ids for _, tokens in chosen], 0, torch.long),
        "targets": padded([tokens.targets for _, tokens in chosen], 0, torch.long),
        "weights": padded([tokens.weights for _, tokens in chosen], 0.0, torch.float32),
        "places": torch.tensor(
            [k * longest + place for k, (_, tokens) in enumerate(chosen) for place in tokens.places]
        ),
        "of": torch.tensor([k for k, (_, tokens) in enumerate(chosen) for _ in tokens.rows]),
        "features": torch.from_numpy(features),
    }


def _losses(stream: StreamVLM, batch: Batch, rows: Tensor) -> tuple[Tensor, Tensor]:
    hidden = stream(batch["ids"], Visual(rows, batch["places"]))
    weights = batch["weights"]
    aimed = weights > 0
    logits = stream.scores(hidden[aimed])
    terms = nn.functional.cross_entropy(logits, batch["targets"][aimed], reduction="none")
    return (terms * weights[aimed]).sum(), weights.sum()
