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
        self._to_read: list[int] = []
        self._words: list[int] | None = None
        self._confidence = 0.0

    @property
    def deciding(self) -> bool:
        """Whether the next token says to go on or to speak."""
        return self._words is None

    @property
    def row(self) -> int | None:
        """The row that the newest token sees."""
        return self.seen - 1 if self.done.ids[-1] == self._tokens.vision else None

    def take(self, predicted: int, confidence: float) -> None:
        """The model's choice becomes the next token; ``over`` says when there is none that has to be fed."""
        if self._words is not None:
            self._speak(predicted, self._words)
        elif predicted == self._tokens.answer:
            self._confidence, self._words = confidence, []
            self._to_read = [] if self.stream.before is None else list(self.stream.before(self.seen - 1))
            self.done.ids += [*self._to_read, self._tokens.answer]
        else:
            self._go_on()

    def reading(self) -> list[int]:
        """What has to be fed before the newest token; asked for once."""
        read, self._to_read = self._to_read, []
        return read

    def _go_on(self) -> None:
        if self.seen == len(self.stream.rows):
            self.over = True
            return
        self.seen += 1
        self.done.ids.append(self._tokens.vision)
        self.over = self._official and self.seen == len(self.stream.rows)

    def _speak(self, predicted: int, words: list[int]) -> None:
        ended = predicted in (self._tokens.vision, self._tokens.answer, self._tokens.end)
        cut = not ended and not self._official and len(words) == LONGEST_REMARK
        if cut or ended:
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
    rows = torch.nn.utils.rnn.pad_sequence([state.stream.rows for state in alive], batch_first=True)
    rows = rows.to(model.device, model.dtype)
    cache = KeyValueCache([0] * len(alive))
    hidden = _prompted(model, alive, rows, cache)
    while True:
        logits = model.scores(hidden)
        deciding = torch.tensor([state.deciding for state in alive], device=logits.device)
        logits[:, model.tokens.answer] += answer_bias * deciding
        sure = torch.softmax(logits, -1)[:, model.tokens.answer]
        for k, (token, confidence) in enumerate(zip(logits.argmax(-1).tolist(), sure.tolist(), strict=True)):
            alive[k].take(token, confidence)
            read = alive[k].reading()
            if cache.lengths[k] + len(read) >= model.config.max_position_embeddings:
                alive[k].done.truncated = not alive[k].over
                alive[k].over = True
            elif read:
                _read(model, k, read, cache)
        going = [k for k, state in enumerate(alive) if not state.over]
        if not going:
            return
        if len(going) < len(alive):
            alive, rows = [alive[k] for k in going], rows[torch.tensor(going, device=rows.device)]
            cache.keep(going)
        hidden = _step(model, alive, rows, cache)


def _prompted(model: StreamVLM, alive: Sequence[_State], rows: Tensor, cache: KeyValueCache) -> Tensor:
    """Feeds the prompts; the hidden states (segments, hidden) that predict the first tokens."""
    prompts = [state.stream.prompt for state in alive]
    length = max(map(len, prompts))
    ids = torch.tensor([[*prompt, *[0] * (length - len(prompt))] for prompt in prompts], device=model.device)
    places, seen = [], []
    for k, prompt in enumerate(prompts):
        sees = [j for j, token in enumerate(prompt) if token == model.tokens.vision]
        places += [k * length + j for j in sees]
        seen += [(k, row) for row in range(len(sees))]
    at = torch.tensor(seen, dtype=torch.long, device=model.device).reshape(-1, 2)
    visual = Visual(rows[at[:, 0], at[:, 1]], torch.tensor(places, dtype=torch.long, device=model.device))
    embeddings = model.embed(ids)
    for k, state in enumerate(alive):
        if state.stream.nudge is not None:
            place, change = state.stream.nudge
            embeddings[k, place] += change.to(embeddings)
    hidden = model(ids, visual, embeddings=embeddings, cache=cache)
    cache.lengths = [len(prompt) for prompt in prompts]
    last = torch.tensor(cache.lengths, device=model.device) - 1
    ends: Tensor = hidden[torch.arange(len(alive), device=model.device), last]
    return ends


def _read(model: StreamVLM, k: int, ids: Sequence[int], cache: KeyValueCache) -> None:
    """Feeds one segment several tokens at once; what they predict is not asked for."""
    start, count = cache.lengths[k], len(ids)
    at = torch.arange(start, start + count, device=model.device)
    mask = torch.arange(start + count, device=model.device)[None, :] <= at[:, None]
    cache.row = k
    model(torch.tensor([list(ids)], device=model.device), positions=at[None], mask=mask[None, None], cache=cache)
    cache.row = None
    cache.lengths[k] += count


def _step(model: StreamVLM, alive: Sequence[_State], rows: Tensor, cache: KeyValueCache) -> Tensor:
    """Feeds every segment's newest token; the hidden states (segments, hidden) that predict the next ones."""
    ids = torch.tensor([[state.done.ids[-1]] for state in alive], device=model.device)
    looking = [(k, state.row) for k, state in enumerate(alive) if state.row is not None]
    visual = None
    if looking:
        places = torch.tensor(looking, dtype=torch.long, device=model.device)
        visual = Visual(rows[places[:, 0], places[:, 1]], places[:, 0])
    at = torch.tensor(cache.lengths, device=model.device)[:, None]
    mask = None
    if len(set(cache.lengths)) > 1:
        mask = (torch.arange(max(cache.lengths) + 1, device=model.device)[None, :] <= at)[:, None, None]
    hidden: Tensor = model(ids, visual, positions=at, mask=mask, cache=cache)
    cache.lengths = [length + 1 for length in cache.lengths]
    return hidden[:, -1]
