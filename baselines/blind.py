"""Systems that never look at the video: silence, timetables, constant remarks."""

from __future__ import annotations

from collections.abc import Sequence

from biobench.chance import Timetable, frequent_remarks
from biobench.models import Model, Option, Options, exercise_segments, number, options_by_name
from biobench.protocols import Biobench1
from biobench.records import Benchmark, Entry, Feedback, Segment

__all__ = ["BestTimetable", "ConstantPhrase", "Metronome", "MostFrequentRemark", "Silence"]

_NEUTRAL = "Keep going."
_PRAISE = "Great job, keep it up!"
_HOUR_S = 3600.0


class Silence(Model):
    """Says nothing, in every exercise."""

    name = "silence"
    summary = "says nothing"

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        return [Entry(segment.id, ()) for segment in exercise_segments(benchmark)]


class Metronome(Model):
    """A remark every few seconds, from one period after the start to the end of the exercise."""

    name = "metronome"
    summary = "says one remark every few seconds"
    options = options_by_name(
        Option("period_s", 5.0, "from one remark to the next", "s", least=0.1, most=_HOUR_S),
        Option("start_s", None, "the first remark, after the exercise's start [default: period_s]", "s", 0.0, _HOUR_S),
        Option("text", _NEUTRAL, "what it says"),
    )

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        period_s = number(options, "period_s")
        start_s = number(options, "start_s") if "start_s" in options else period_s
        return _saying(str(options["text"]), Timetable(start_s, period_s, 0.0), exercise_segments(benchmark))


class ConstantPhrase(Model):
    """One sentence on any timetable of the family that biobench-1 takes its chance level from."""

    name = "constant-phrase"
    summary = "says one sentence on a timetable of your choice"
    options = options_by_name(
        Option("text", _PRAISE, "what it says"),
        Option("start_s", 5.0, "the first remark, after the exercise's start", "s", 0.0, _HOUR_S),
        Option("period_s", 5.0, "from one remark to the next", "s", 0.1, _HOUR_S),
        Option("stop_s", 0.0, "silence before the exercise's end", "s", 0.0, _HOUR_S),
    )

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        table = Timetable(*(number(options, name) for name in ("start_s", "period_s", "stop_s")))
        return _saying(str(options["text"]), table, exercise_segments(benchmark))


class BestTimetable(Model):
    """The blind timetable with the best T-F under biobench-1 on these very data."""

    name = "best-timetable"
    summary = "says one neutral remark on the blind timetable that scores best on these data"
    needs_references = True

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        return _on_the_best_timetable(_NEUTRAL, exercise_segments(benchmark))


class MostFrequentRemark(Model):
    """The remark that these data hold most often, on the timetable that scores best on them."""

    name = "most-frequent-remark"
    summary = "says the data's most frequent remark on the best timetable"
    needs_references = True

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        segments = exercise_segments(benchmark)
        return _on_the_best_timetable(next(iter(frequent_remarks(segments, 1)), _NEUTRAL), segments)


def _on_the_best_timetable(text: str, segments: tuple[Segment, ...]) -> list[Entry]:
    if not any(segment.feedbacks for segment in segments):  # where nothing is said, silence is best
        return [Entry(segment.id, ()) for segment in segments]
    best, _ = Biobench1().best_timetable(segments, (0,) * len(segments))
    return _saying(text, best, segments)


def _saying(text: str, table: Timetable, segments: Sequence[Segment]) -> list[Entry]:
    return [
        Entry(segment.id, tuple(Feedback(time_s, text) for time_s in table.times(segment.duration_s)))
        for segment in segments
    ]
