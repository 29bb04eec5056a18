"""Exercises of a benchmark as what the models learn from: rows, remarks at rows, and the context before each remark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from biobench.exercises import find_exercise
from biobench.models import exercise_segments
from biobench.records import Benchmark, Segment
from biocoach_model.coach import CoachSettings, Seen, motion_text
from biocoach_model.inputs import InputFailure, Inputs
from biocoach_model.selector import exercise_joints
from biocoach_model.streamvlm import SpecialTokens
from biocoach_model.words import morphometric_sentence

__all__ = ["Example", "Remarked", "Tokens", "example_tokens", "prepared"]


@dataclass(frozen=True, slots=True)
class Remarked:
    """A reference remark: the row at which it begins, its text, and the motion context of that moment."""

    row: int
    text: str
    context: str


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One exercise. ``features`` (rows, channels, 7, 5) float16; ``joints`` (24,): 1 for those the exercise is about."""

    segment: str
    video: str
    exercise: str
    features: NDArray[np.float16]
    remarks: tuple[Remarked, ...]
    measures: str
    joints: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Tokens:
    """An example as one sequence: ids, the id that each is to predict with its weight (0: none), and who sees which row.

    ``places`` and ``rows`` are of equal length: the token at ``places[k]`` sees ``rows[k]``.
    """

    ids: list[int]
    targets: list[int]
    weights: list[float]
    places: list[int]
    rows: list[int]


def prepared(
    benchmark: Benchmark,
    settings: CoachSettings,
    *,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Example], list[InputFailure]]:
    """Every exercise with features, in the order of the benchmark; those that can't be read are the failures.

    The context is that of all joints that the exercise is about: what a selector that has learned would keep.
    """
    inputs = Inputs.open(benchmark, features=True, poses=settings.motion == "context", measures=True)
    videos = [list(group) for _, group in groupby(exercise_segments(benchmark), lambda segment: segment.video)]
    examples: list[Example] = []
    failures: list[InputFailure] = []
    with _mapped(inputs, settings, min(processes, len(videos))) as results:
        for done, (made, failed) in enumerate(results(videos), 1):
            examples += made
            failures += failed
            if progress is not None:
                progress(done, len(videos))
    return examples, failures


_Read = tuple[list[Example], list[InputFailure]]
_worker: list[tuple[Inputs, CoachSettings]] = []
"""Of a process that reads videos: sent once, not with every video."""


@contextmanager
def _mapped(
    inputs: Inputs, settings: CoachSettings, processes: int
) -> Iterator[Callable[[Iterable[list[Segment]]], Iterator[_Read]]]:
    """A map over videos, in this process or in several."""
    if processes <= 1:
        yield lambda videos: (_of_video(inputs, settings, segments) for segments in videos)
        return
    with ProcessPoolExecutor(
        processes, mp_context=get_context("forkserver"), initializer=_begin, initargs=(inputs, settings)
    ) as pool:
        yield lambda videos: pool.map(_in_worker, videos)


def _begin(inputs: Inputs, settings: CoachSettings) -> None:
    torch.set_num_threads(1)
    _worker.append((inputs, settings))


def _in_worker(segments: list[Segment]) -> _Read:
    inputs, settings = _worker[-1]
    return _of_video(inputs, settings, segments)


def _of_video(inputs: Inputs, settings: CoachSettings, segments: Sequence[Segment]) -> _Read:
    examples: list[Example] = []
    failures: list[InputFailure] = []
    for segment in segments:
        try:
            found = inputs.of(segment)
        except InputFailure as failure:
            failures.append(failure)
            continue
        if found.features is None or not len(found.features):
            continue
        seen = Seen(segment.exercise, found.features, found.feature_times_s, found.motion, found.measures)
        remarks = [
            (int(np.argmin(np.abs(seen.times_s - feedback.time_s))), feedback.text)
            for feedback in sorted(segment.feedbacks, key=lambda f: f.time_s)
            if feedback.text.strip()
        ]
        known = find_exercise(segment.exercise)
        examples.append(
            Example(
                segment.id,
                segment.video,
                segment.exercise,
                found.features.astype(np.float16),
                tuple(
                    Remarked(row, text, motion_text(seen, float(seen.times_s[row]), settings, None))
                    for row, text in remarks
                ),
                "" if found.measures is None else morphometric_sentence(found.measures),
                (0.0,) * 24 if known is None else exercise_joints(known.name),
            )
        )
    return examples, failures


def example_tokens(
    example: Example,
    encode: Callable[[str], Sequence[int]],
    tokens: SpecialTokens,
    prompt: Sequence[int],
    *,
    context: bool,
    go_on_weight: float,
    longest: int,
) -> Tokens:
    """The sequence that decoding would go through if the model said what the reference says.

    The decision to speak is learned at the last row before a remark; the ``context``, which is then read, is no target. A
    sequence that is longer than ``longest`` is cut.
    """
    made = Tokens(list(prompt), [0] * len(prompt), [0.0] * len(prompt), [len(prompt) - 1], [0])
    waiting = list(example.remarks)
    for row in range(len(example.features)):
        if row:
            _add(made, tokens.vision)
            made.places.append(len(made.ids) - 1)
            made.rows.append(row)
        while waiting and waiting[0].row == row:
            remark = waiting.pop(0)
            _aim(made, tokens.answer, 1.0)
            if context:
                for token in encode(remark.context):
                    _add(made, token)
            _add(made, tokens.answer)
            for token in (*encode(remark.text), tokens.end):
                _aim(made, token, 1.0)
                _add(made, token)
        _aim(made, tokens.vision, go_on_weight)
    seen = sum(place < longest for place in made.places)
    return Tokens(
        made.ids[:longest], made.targets[:longest], made.weights[:longest], made.places[:seen], made.rows[:seen]
    )


def _add(made: Tokens, token: int) -> None:
    made.ids.append(token)
    made.targets.append(0)
    made.weights.append(0.0)


def _aim(made: Tokens, target: int, weight: float) -> None:
    made.targets[-1], made.weights[-1] = target, weight


def padded(sequences: Sequence[Sequence[float]], value: float, kind: torch.dtype) -> Tensor:
    """(sequences, longest), shorter ones filled up with ``value``."""
    longest = max(map(len, sequences))
    return torch.tensor([[*one, *[value] * (longest - len(one))] for one in sequences], dtype=kind)
