"""Systems that know the answers: the references, a second annotator, and references said too late."""

from __future__ import annotations

from baselines.drawing import generator
from biobench.models import Model, Option, Options, exercise_segments, number, options_by_name
from biobench.problems import Problem, ProblemsFound
from biobench.readers.predictions import load_predictions
from biobench.records import Benchmark, Entry, Feedback

__all__ = ["Oracle", "OracleJitter", "SecondAnnotator"]


class Oracle(Model):
    """The references themselves: the best answer that there is."""

    name = "oracle"
    summary = "says the references themselves"
    needs_references = True

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        return [Entry(segment.id, segment.feedbacks) for segment in exercise_segments(benchmark)]


class OracleJitter(Model):
    """The references, each moved by a latency and a normal error of its own; nothing is cut at the segment's bounds."""

    name = "oracle-jitter"
    summary = "says the references, late and at imprecise times"
    options = options_by_name(
        Option("latency_s", 0.5, "how much too late, on average", "s", -60.0, 60.0),
        Option("jitter_s", 0.5, "the standard deviation of the times", "s", 0.0, 60.0),
    )
    needs_references = True

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:
        latency_s, jitter_s = number(options, "latency_s"), number(options, "jitter_s")
        entries = []
        for segment in exercise_segments(benchmark):
            shifts = generator(seed, segment.id).normal(latency_s, jitter_s, len(segment.feedbacks))
            moved = (
                feedback._replace(time_s=feedback.time_s + float(shift))
                for feedback, shift in zip(segment.feedbacks, shifts, strict=True)
            )
            entries.append(Entry(segment.id, tuple(sorted(moved, key=_by_time))))
        return entries


class SecondAnnotator(Model):
    """What another annotator said about the same videos, where the data hold it (QEVD-synth does)."""

    name = "second-annotator"
    summary = "says what a second annotator said, where the data have one"

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        if benchmark.second_annotator is None:
            expected = "second_annotator.json beside the annotations, as QEVD-synth has it"
            raise ProblemsFound([Problem(benchmark.source, "data without a second annotator", expected)])
        segments = exercise_segments(benchmark)
        said = load_predictions(benchmark.second_annotator, benchmark).by_segment(segments, benchmark.video_starts_s)
        return [Entry(segment.id, said.get(segment.id, ())) for segment in segments]


def _by_time(feedback: Feedback) -> float:
    return feedback.time_s
