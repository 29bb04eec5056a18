"""BioCoach: what the body does, in words, and who does it, beside what the camera sees (Ji et al., CVPR 2026).

Three stages: joints are selected from the first seconds of the video; the person's measures join the visual features by
cross-attention; and before every remark the model reads the motion context of that moment. Causal: nothing that is said
depends on what comes later; but in ``released`` mode, or where the motion sentence is injected once, as the released code does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from biobench.body.morphometrics import Morphometrics
from biobench.body.motion import Motion
from biobench.exercises import find_exercise
from biobench.records import Feedback
from biocoach_model.codec import Codec
from biocoach_model.context import MotionContext
from biocoach_model.decoding import Decoded, Nudge, Stream, decode
from biocoach_model.fusion import MorphometricFusion
from biocoach_model.selector import KEPT, JointSelector, of_joints, of_table, selected
from biocoach_model.streamvlm import StreamVLM, as_rows
from biocoach_model.timing import published_remarks
from biocoach_model.words import morphometric_sentence

__all__ = [
    "FEATURE_HZ",
    "SLOTS",
    "BioCoach",
    "CoachSettings",
    "Seen",
    "exercise_text",
    "motion_text",
    "named_prompt",
]

FEATURE_HZ = 4.0
SLOTS = 80
"""Tokens that the released code's ``slot`` mode splices in."""
_NUDGE = 0.01
"""How much of the motion sentence its ``append`` mode adds to one token's embedding."""

Motions = Literal["context", "name", "none"]
Injection = Literal["remark", "append", "slot"]


@dataclass(frozen=True, slots=True)
class CoachSettings:
    """Which parts are there; the published model has all of them.

    ``selector``: ``learned``, ``table`` (the published fixed one) or ``none``. ``motion``: the ``context``, only the
    exercise's ``name``, or ``none``. ``window_s``: of the video, for the selector, and of a hold, for its judgement. ``most``
    violations are told. ``named``: the prompt says which exercise it is, as the session announces it. ``injection``: at every
    ``remark``, or as the released code does, once: ``append`` or ``slot``. ``released``: repetitions are looked for in the
    whole recording, the measures are one pooled token, the table selects.
    """

    selector: Literal["learned", "table", "none"] = "learned"
    morphometrics: bool = True
    motion: Motions = "context"
    window_s: float = 3.0
    most: int = 3
    named: bool = False
    injection: Injection = "remark"
    released: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One exercise as the model gets it; times in seconds from its start.

    ``features`` (rows, channels, 7, 5) and ``times_s`` (rows,); ``motion`` and ``measures`` where they are known.
    ``golden_rad`` (frames, 46) is the reference repetition [the generator's good form].
    """

    exercise: str
    features: NDArray[np.float32]
    times_s: NDArray[np.float64]
    motion: Motion | None = None
    measures: Morphometrics | None = None
    golden_rad: NDArray[np.float64] | None = None


class BioCoach(nn.Module):
    """The backbone, frozen, and what is learned beside it. Without ``fusion``, ``selector`` and motion it is Stream-VLM."""

    def __init__(
        self,
        stream: StreamVLM,
        codec: Codec,
        prompt: Sequence[int],
        settings: CoachSettings,
        fusion: MorphometricFusion | None = None,
        selector: JointSelector | None = None,
        answer_bias: float = 0.0,
    ) -> None:
        super().__init__()
        self.stream, self.fusion, self.selector = stream, fusion, selector
        self.codec, self.prompt, self.settings, self.answer_bias = codec, tuple(prompt), settings, answer_bias

    def say(
        self,
        seen: Sequence[Seen],
        *,
        timing: str = "fixed",
        batch: int = 16,
        progress: Callable[[int], None] | None = None,
    ) -> list[tuple[Feedback, ...]]:
        """What is said in each exercise, times from its start.

        With ``fixed`` timing a remark's time is that of the newest row that the model had seen; ``official`` is upstream's
        reckoning. Exercises are decoded ``batch`` at a time.
        """
        streams = [self.stream_of(one) for one in seen]
        decoded = decode(
            self.stream, streams, timing=timing, batch=batch, answer_bias=self.answer_bias, progress=progress
        )
        return [self._feedbacks(d, one, timing) for d, one in zip(decoded, seen, strict=True)]

    @torch.inference_mode()
    def stream_of(self, seen: Seen) -> Stream:
        """An exercise ready to be decoded."""
        rows = self.fused(as_rows(seen.features), seen.measures)
        prompt = named_prompt(self.prompt, self.codec, seen.exercise) if self.settings.named else self.prompt
        if self.settings.motion == "none":
            return Stream(prompt, rows)
        if self.settings.injection == "remark":
            return Stream(prompt, rows, lambda row: self.codec.encode(self.motion_text(seen, row)))
        return self._injected_once(seen, rows, prompt)

    def fused(self, rows: Tensor, measures: Morphometrics | None) -> Tensor:
        """Rows with the person's measures in them; unchanged where there are none, or where the model has no fusion."""
        if self.fusion is None or measures is None or not self.settings.morphometrics:
            return rows
        ids = torch.tensor(self.codec.encode(morphometric_sentence(measures)), device=self.stream.device)
        words = self.stream.embed(ids)[None].float()
        mixed: Tensor = self.fusion(rows.to(words), words)
        return mixed

    def motion_text(self, seen: Seen, row: int) -> str:
        """What the model reads before a remark at a row: made of poses up to that row's time, and of nothing later."""
        if self.settings.motion == "name":
            return motion_text(replace(seen, motion=None), 0.0, self.settings, None)
        kept = None
        if self.selector is not None and self.settings.selector == "learned" and not self.settings.released:
            window = max(1, round(self.settings.window_s * FEATURE_HZ))
            rows = as_rows(seen.features[: min(row + 1, window)]).to(next(self.selector.parameters()))
            with torch.inference_mode():
                kept = selected(self.selector(rows), KEPT)
        return motion_text(seen, float(seen.times_s[row]), self.settings, kept)

    def _injected_once(self, seen: Seen, rows: Tensor, prompt: tuple[int, ...]) -> Stream:
        """The released code's ways: one sentence about the whole recording, before the first row."""
        ids = self.codec.encode(self.motion_text(seen, len(rows) - 1)) if len(rows) else []
        if self.settings.injection == "slot":
            return Stream((*prompt[:-1], *ids[:SLOTS], prompt[-1]), rows)
        mean = self.stream.embed(torch.tensor(ids or [0], device=self.stream.device)).mean(0)
        return Stream(prompt, rows, nudge=Nudge(len(prompt) - 2, _NUDGE * mean) if ids else None)

    def _feedbacks(self, decoded: Decoded, seen: Seen, timing: str) -> tuple[Feedback, ...]:
        if timing == "official":
            said = published_remarks(decoded.ids, self.stream.tokens, FEATURE_HZ)
            return tuple(Feedback(time_s, self.codec.decode(ids).strip()) for time_s, ids in said)
        texts = [(remark, self.codec.decode(remark.ids).strip()) for remark in decoded.remarks]
        # Three digits: the last ones of a float differ from one processor to another.
        return tuple(Feedback(float(seen.times_s[r.row]), text, round(r.confidence, 3)) for r, text in texts if text)


def named_prompt(prompt: Sequence[int], codec: Codec, exercise: str) -> tuple[int, ...]:
    """The prompt with the exercise's name before its last token, the first ``<vision>``."""
    return (*prompt[:-1], *codec.encode(exercise_text(exercise)), prompt[-1])


def exercise_text(exercise: str) -> str:
    """The exercise in any spelling, as a sentence: the catalogue's name where it has one."""
    found = find_exercise(exercise)
    name = exercise if found is None else " ".join(filter(None, found))
    return f"{name[:1].upper()}{name[1:]}."


def motion_text(seen: Seen, at_s: float, settings: CoachSettings, kept: frozenset[str] | None) -> str:
    """The motion sentence at a time, with the violations of the ``kept`` joints; only the exercise where no pose is known.

    An exercise that the catalogue lacks is named and nothing more.
    """
    found = find_exercise(seen.exercise)
    motion = seen.motion
    if found is None or motion is None or settings.motion == "name":
        return exercise_text(seen.exercise)
    context = MotionContext.at(
        motion,
        seen.exercise,
        at_s,
        start_s=0.0,
        golden_rad=seen.golden_rad,
        released=settings.released,
        hold_s=settings.window_s,
    )
    last = context.last
    if last is not None:
        faults = last.faults
        if kept is not None:
            faults = of_joints(faults, kept)
        elif settings.selector == "table" or settings.released:
            faults = of_table(faults, context.exercise)
        context = replace(context, last=replace(last, faults=tuple(faults)))
    return context.sentence(settings.most)
