"""The motion context itself as a remark: what a model that only repeats what it reads would score."""

from __future__ import annotations

from collections.abc import Sequence

from baselines.looking import answers, poses_of, seen_at
from biobench.chance import Timetable
from biobench.models import Model, Option, Options, choice, number, options_by_name
from biobench.problems import Problem, ProblemsFound
from biobench.records import Benchmark, Entry, Feedback, Segment
from biocoach_model.context import MotionContext
from biocoach_model.inputs import Inputs, SegmentInputs

__all__ = ["Echo"]


class Echo(Model):
    """The sentence of the motion context, at the references' times or on a timetable.

    Labels that were written from such a context share its wording: beside a model that reads it, this is what its text is
    worth without a model. Each sentence is made from what came before its time; the references' times are no system's own.
    """

    name = "echo"
    summary = "says the motion context word for word"
    options = options_by_name(
        Option("when", "reference", "reference: at the references' times; timetable: every period_s"),
        Option("period_s", 5.0, "from one remark to the next, on a timetable", "s", 0.1, 3600.0),
    )

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        at_references = choice(options, "when", "reference", "timetable") == "reference"
        if at_references and not benchmark.has_references:
            found = f"the split {benchmark.split}, which has no reference remarks"
            hint = "--option when=timetable needs none"
            raise ProblemsFound([Problem(benchmark.source, found, "annotated data, whose times echo takes", hint)])
        period_s = number(options, "period_s")
        table = Timetable(period_s, period_s, 0.0)

        def say(segment: Segment, seen: SegmentInputs) -> list[Feedback]:
            times: Sequence[float] = table.times(segment.duration_s)
            if at_references:
                times = [feedback.time_s for feedback in segment.feedbacks]
            motion = poses_of(segment, seen)
            return [
                Feedback(time_s, MotionContext.at(motion, segment.exercise, time_s, start_s=0.0).sentence())
                for time_s in times
                if seen_at(motion, time_s)
            ]

        return answers(benchmark, Inputs.open(benchmark, poses=True), say)
