"""A language model that reads what the poses show and sees nothing: the biomechanical context, in words, every few seconds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from baselines.asking import CLOCK_S, Moment, Prompted, Scene, moments_s
from baselines.looking import poses_of, seen_at
from baselines.server_options import prompt_options
from biobench.models import Failure, Options, exercise_segments, number
from biobench.records import Benchmark, Segment
from biocoach_model.context import MotionContext
from biocoach_model.inputs import InputFailure, Inputs

__all__ = ["Socratic"]


class Socratic(Prompted):
    """At each moment the prompt holds the exercise, the context of the poses before it, and what was said so far.

    Where nobody was seen for a second nothing is asked: there is nobody to speak to.
    """

    name = "socratic"
    summary = "says what a language model makes of the motion context, every few seconds"
    prompt = "socratic"
    options = prompt_options(silence="allowed", history=10)

    def scenes(self, benchmark: Benchmark, options: Options) -> Iterator[Scene | Failure]:
        inputs = Inputs.open(benchmark, poses=True)
        return _scenes(benchmark, inputs, number(options, "period_s"))


def _scenes(benchmark: Benchmark, inputs: Inputs, period_s: float) -> Iterator[Scene | Failure]:
    for segment in exercise_segments(benchmark):
        try:
            yield Scene(segment.id, segment.exercise, _moments(segment, inputs, period_s))
        except InputFailure as failure:
            yield Failure(segment.id, str(failure))


def _moments(segment: Segment, inputs: Inputs, period_s: float) -> tuple[Moment, ...]:
    motion = poses_of(segment, inputs.of(segment))
    moments = []
    for at_s in moments_s(segment.duration_s, period_s):
        before = motion.between(-np.inf, at_s - CLOCK_S)
        if seen_at(before, at_s):
            context = MotionContext.at(before, segment.exercise, at_s, start_s=0.0)
            moments.append(Moment(at_s, context.sentence()))
    return tuple(moments)
