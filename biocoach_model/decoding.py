"""Decoding while the video runs: many segments at once, one token each at a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from biocoach_model.cache import KeyValueCache
from biocoach_model.streamvlm import SpecialTokens, StreamVLM, Visual

__all__ = ["LONGEST_REMARK", "Decoded", "Nudge", "Remark", "Stream", "decode"]

LONGEST_REMARK = 128
"""Tokens; with ``official`` timing nothing cuts a remark, as upstream's cap never acts."""


class Nudge(NamedTuple):
    """What is added (hidden,) to the embedding of one token of the prompt."""

    place: int
    change: Tensor


@dataclass(frozen=True, slots=True)
class Stream:
    """One segment to decode.

    ``prompt`` ends with the first ``<vision>``; ``rows`` (rows, cells, channels). ``before`` gives, for the newest row, the
    ids of what the model reads between the decision to speak and the remark: it must depend on nothing later.
    """

    prompt: tuple[int, ...]
    rows: Tensor
    before: Callable[[int], Sequence[int]] | None = None
    nudge: Nudge | None = None


class Remark(NamedTuple):
    """The newest row when it was begun, its words' ids, the probability with which it was begun, and whether it was cut."""

    row: int
    ids: list[int]
    confidence: float
    cut: bool


@dataclass(slots=True)
class Decoded:
    """What came of a segment. ``ids`` are the prompt's and all that followed; ``truncated``: the model's length ran out."""

    ids: list[int]
    remarks: list[Remark] = field(default_factory=list)
    truncated: bool = False


@torch.inference_mode()
def decode(
    model: StreamVLM,
    streams: Sequence[Stream],
    *,
    timing: str = "fixed",
    batch: int = 16,
    answer_bias: float = 0.0,
    progress: Callable[[int], None] | None = None,
) -> list[Decoded]:
    """Greedy decoding of segments, at most ``batch`` at a time, in the order given.

    Outside a remark any token but ``<answer>`` counts as ``<vision>`` and takes the next row; inside one ``<vision>`` and
    ``<answer>`` count as ``<answer/>``. ``official`` ends when the number of ``<vision>`` tokens reaches that of the rows, so
    that the last row is never fed; ``fixed`` feeds it and ends when the model would go on. ``answer_bias`` is added to the
    logit of ``<answer>`` outside remarks. ``progress`` is told the number of segments that are done.
    Raises ``ValueError`` for another timing, and for a stream whose prompt sees more rows than there are.
    """
    if timing not in ("official", "fixed"):
        raise ValueError(f"timing {timing!r}, expected official or fixed")
    states = [_State(stream, model.tokens, official=timing == "official") for stream in streams]
    # Segments of like lengths together: a batch lasts as long as its longest.
    order = sorted(range(len(states)), key=lambda k: (-len(streams[k].rows), k))
    for first in range(0, len(order), batch):
        part = order[first : first + batch]
        _run(model, [states[k] for k in part if not states[k].over], answer_bias)
        if progress is not None:
            progress(first + len(part))
    return [state.done for state in states]


class _State:
    """A segment in the middle of it."""

    def __init__(self, stream: Stream, tokens: SpecialTokens, *, official: bool) -> None:
        self.stream, self._tokens, self._official = stream, tokens, official
        self.done = Decoded(list(stream.prompt))
        self.seen = sum(token == tokens.vision for token in stream.prompt)
        if self.seen > max(len(stream.rows), 1):
            raise ValueError(f"a prompt that sees {self.seen} rows, and there are {len(stream.rows)}")
        self.over = len(stream.rows) == 0 or (official and self.seen >= len(stream.rows))
        self._waiting: list[int] = []
        self._words: list[int] | None = None
        self._confidence = 0.0

    @property
    def deciding(self) -> bool:
        """Whether the next token says to go on or to speak."""
        return self._words is None and not self._waiting

    @property
    def row(self) -> int | None:
        """The row that the newest token sees."""
        return self.seen - 1 if self.done.ids[-1] == self._tokens.vision else None

    def take(self, predicted: int, confidence: float) -> None:
        """The model's choice becomes the next token; ``over`` says when there is none that has to be fed."""
        if self.deciding and predicted == self._tokens.answer:
            self._confidence = confidence
            read = () if self.stream.before is None else self.stream.before(self.seen - 1)
            self._waiting = [*read, self._tokens.answer]
        if self._waiting:
            token = self._waiting.pop(0)
            if token == self._tokens.answer and not self._waiting:
                self._words = []
            self.done.ids.append(token)
        elif self._words is None:
            self._go_on()
        else:
            self._speak(predicted, self._words)

    def _go_on(self) -> None:
        if self.seen == len(self.stream.rows):
            self.over = True
            return
        self.seen += 1
        self.done.ids.append(self._tokens.vision)
        self.over = self._official and self.seen == len(self.stream.rows)

    def _speak(self, predicted: int, words: list[int]) -> None:
        cut = not self._official and len(words) == LONGEST_REMARK
        if cut or predicted in (self._tokens.vision, self._tokens.answer, self._tokens.end):
            self.done.remarks.append(Remark(self.seen - 1, words, self._confidence, cut))
            self.done.ids.append(self._tokens.end)
            self._words = None
        else:
            words.append(predicted)
            self.done.ids.append(predicted)


def _run(model: StreamVLM, alive: list[_State], answer_bias: float) -> None:
    """Decodes one batch to its end."""
    if not alive:
        return
    prompts = [state.stream.prompt for state in alive]
    length = max(map(len, prompts))
    pads = torch.tensor([length - len(prompt) for prompt in prompts], device=model.device)
    rows = torch.nn.utils.rnn.pad_sequence([state.stream.rows for state in alive], batch_first=True)
    rows = rows.to(model.device, model.dtype)
    ids = torch.tensor([[0] * (length - len(prompt)) + list(prompt) for prompt in prompts], device=model.device)
    sees = [(k, j) for k, prompt in enumerate(prompts) for j, t in enumerate(prompt) if t == model.tokens.vision]
    of = [sum(t == model.tokens.vision for t in prompts[k][:j]) for k, j in sees]
    places = [k * length + length - len(prompts[k]) + j for k, j in sees]
    visual = Visual(rows[[k for k, _ in sees], of], torch.tensor(places, dtype=torch.long, device=model.device))
    cache = KeyValueCache()
    embeddings = model.embed(ids)
    for k, state in enumerate(alive):
        if state.stream.nudge is not None:
            place, change = state.stream.nudge
            embeddings[k, length - len(prompts[k]) + place] += change.to(embeddings)
    hidden = model(ids, visual, embeddings=embeddings, cache=cache, **_seen(pads, 0, length))[:, -1]
    while True:
        logits = model.scores(hidden)
        deciding = torch.tensor([state.deciding for state in alive], device=logits.device)
        logits[:, model.tokens.answer] += answer_bias * deciding
        sure = torch.softmax(logits, -1)[:, model.tokens.answer]
        for state, token, confidence in zip(alive, logits.argmax(-1).tolist(), sure.tolist(), strict=True):
            state.take(token, confidence)
            if not state.over and len(state.done.ids) > model.config.max_position_embeddings:
                state.done.truncated = state.over = True
        going = [k for k, state in enumerate(alive) if not state.over]
        if not going:
            return
        if len(going) < len(alive):
            which = torch.tensor(going, device=model.device)
            alive, pads, rows = [alive[k] for k in going], pads[which], rows[which]
            cache.keep(which)
        hidden = _step(model, alive, rows, pads, cache)


def _step(model: StreamVLM, alive: Sequence[_State], rows: Tensor, pads: Tensor, cache: KeyValueCache) -> Tensor:
    """Feeds every segment's newest token; the hidden states (segments, hidden) that predict the next ones."""
    ids = torch.tensor([[state.done.ids[-1]] for state in alive], device=model.device)
    looking = [(k, state.row) for k, state in enumerate(alive) if state.row is not None]
    visual = None
    if looking:
        places = torch.tensor(looking, dtype=torch.long, device=model.device)
        visual = Visual(rows[places[:, 0], places[:, 1]], places[:, 0])
    hidden: Tensor = model(ids, visual, cache=cache, **_seen(pads, cache.length, 1))
    return hidden[:, -1]


def _seen(pads: Tensor, length: int, new: int) -> dict[str, Tensor]:
    """Positions and mask of ``new`` tokens after ``length``, where a segment's first ``pads`` tokens are none."""
    at = torch.arange(length, length + new, device=pads.device)
    if not bool(pads.any()):
        return {"positions": at[None, :].expand(len(pads), -1)}
    before = torch.arange(length + new, device=pads.device)
    mask = (before[None, None, :] <= at[None, :, None]) & (before[None, None, :] >= pads[:, None, None])
    # Padding looks at itself: a row of nothing but False would give no number.
    mask |= before[None, None, :] == at[None, :, None]
    return {"positions": (at[None, :] - pads[:, None]).clamp(min=0), "mask": mask[:, None]}
