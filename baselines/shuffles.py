"""Systems that are half right: right times with other texts, right texts at other times, another video's remarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from baselines.drawing import generator, others_by_lot
from biobench.models import Model, Options, exercise_segments
from biobench.records import Benchmark, Entry, Feedback, Segment

__all__ = ["Donor", "ShuffledText", "ShuffledTimes", "shuffled"]


class ShuffledText(Model):
    """The references with their texts permuted over the whole benchmark: what text metrics give for the wrong words."""

    name = "shuffled-text"
    summary = "says other references' texts at the right times"
    needs_references = True

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        segments = exercise_segments(benchmark)
        texts = iter(
            shuffled(
                [feedback.text for segment in segments for feedback in segment.feedbacks], generator(seed, self.name)
            )
        )
        return [
            Entry(segment.id, tuple(Feedback(feedback.time_s, next(texts)) for feedback in segment.feedbacks))
            for segment in segments
        ]


class ShuffledTimes(Model):
    """The references' texts in their order, at the times of the same exercise in another video.

    The other segment's times are stretched to this one's duration. Where it has more of them, some are drawn; where it
    has fewer, times of a further segment are added, and times drawn evenly where no segment is left.
    """

    name = "shuffled-times"
    summary = "says the right texts at another video's times"
    needs_references = True

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        segments = exercise_segments(benchmark)
        entries = []
        for segment in segments:
            times = _borrowed_times(segment, others_by_lot(segment, segments, seed), generator(seed, segment.id))
            said = zip(times, segment.feedbacks, strict=True)
            entries.append(Entry(segment.id, tuple(Feedback(time_s, feedback.text) for time_s, feedback in said)))
        return entries


class Donor(Model):
    """What was said about the same exercise in another video, up to this segment's end: the right kind of remarks.

    Where no other video has the exercise, another one's remarks; silence where there is no other video.
    """

    name = "donor"
    summary = "says what was said about the same exercise in another video"
    needs_references = True

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        segments = exercise_segments(benchmark)
        entries = []
        for segment in segments:
            others = others_by_lot(segment, segments, seed)
            said = others[0].feedbacks if others else ()
            entries.append(Entry(segment.id, tuple(f for f in said if f.time_s <= segment.duration_s)))
        return entries


def shuffled(texts: Sequence[str], draw: np.random.Generator) -> list[str]:
    """The texts in another order; a place gets its own text only where that can't be avoided.

    A random order is mended place by place: a text at home changes places with one drawn from those for which both end
    away from home. Where there is none, every other place holds that text already or is its home, which no order mends.
    """
    homes = np.array(texts, dtype=object)
    order = homes[draw.permutation(len(homes))]
    for place in np.flatnonzero(order == homes):
        own = homes[place]
        if order[place] != own:
            continue  # it has moved in an earlier exchange
        partners = np.flatnonzero((order != own) & (homes != own))
        if len(partners):
            partner = draw.choice(partners)
            order[place], order[partner] = order[partner], own
    return [str(text) for text in order]


def _borrowed_times(segment: Segment, others: Sequence[Segment], draw: np.random.Generator) -> list[float]:
    wanted, times = len(segment.feedbacks), np.empty(0)
    for other in others:
        missing = wanted - len(times)
        if not missing:
            break
        if other.duration_s <= 0:
            continue  # nothing to stretch
        stretch = segment.duration_s / other.duration_s
        found = np.array([feedback.time_s * stretch for feedback in other.feedbacks])
        if len(found) > missing:
            found = draw.choice(found, missing, replace=False)
        times = np.append(times, found)
    times = np.append(times, draw.uniform(0.0, max(segment.duration_s, 0.0), wanted - len(times)))
    return [float(time_s) for time_s in np.sort(times)]
