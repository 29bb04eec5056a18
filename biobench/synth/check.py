"""How a split looks beside the published statistics: each number, and where it has to lie."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from biobench.matching import SegmentMatch
from biobench.metrics.bertscore import BertScore
from biobench.metrics.meteor import Meteor
from biobench.metrics.temporal import TFScore
from biobench.problems import Problem, ProblemsFound
from biobench.protocols import Protocol, Qevd2024, Var2026
from biobench.readers.predictions import load_predictions
from biobench.readers.qevd import load_benchmark
from biobench.records import Benchmark, Feedback, Segment, Session
from biobench.synth.people import Split
from biobench.synth.script import EASY_KINDS, Remark, Script
from biobench.synth.script_file import SCRIPT_FILE, read_script
from biobench.synth.write import ANNOTATION_FILES, SECOND_ANNOTATOR_FILES

__all__ = ["Statistic", "check_split"]

_SAME_REMARK_S = 1.5
_CONSTANT_PHRASES = 20
_SHUFFLES = 5


@dataclass(frozen=True, slots=True)
class Statistic:
    """One number of a split. It has to lie from ``low`` to ``high``, both included; None is no bound."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None

    @property
    def is_off(self) -> bool:
        """Whether the value is outside; one that is not a number is."""
        inside = (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)
        return not inside

    @property
    def target(self) -> str:
        """Where the value has to lie, in words; empty where it may lie anywhere."""
        if self.low is None and self.high is None:
            return ""
        if self.high is None:
            return f"at least {self.low:g}"
        if self.low is None:
            return f"at most {self.high:g}"
        return f"{self.low:g} to {self.high:g}" if self.low < self.high else f"{self.low:g}"


def check_split(folder: str | Path, split: Split = "test", bertscore: str | None = None) -> tuple[Statistic, ...]:
    """The statistics of one split in QEVD's layout; ``folder`` is the data root or the split's own folder.

    What needs a file that only the generator writes (biomechanical texts, second annotator, script) is left out where
    that file is absent, so published data can be looked at too. ``bertscore`` names a model to score random pairs with
    as well; ``MetricUnavailable`` is raised where it can't be had. Raises ``ProblemsFound`` for a folder that can't be
    read, or in which no exercise has two remarks.
    """
    benchmark = load_benchmark(folder, split, ANNOTATION_FILES["lay"])
    if not any(len(segment.feedbacks) > 1 for segment in Qevd2024().segments(benchmark).scored):
        expected = "remarks to take statistics of"
        raise ProblemsFound([Problem(benchmark.source, "no exercise with two remarks", expected, "make more videos")])
    root = Path(benchmark.source)
    found = [*_sizes(benchmark), *_timing(benchmark), *_texts(benchmark, "lay", bertscore)]
    if (root / ANNOTATION_FILES["bio"]).is_file():
        found += _texts(load_benchmark(folder, split, ANNOTATION_FILES["bio"]), "bio", bertscore)
    if (root / SECOND_ANNOTATOR_FILES["lay"]).is_file():
        found += _second_annotator(benchmark, root / SECOND_ANNOTATOR_FILES["lay"])
    if (root / SCRIPT_FILE).is_file():
        found += _causes(read_script(root / SCRIPT_FILE))
    return tuple(found)


def _sizes(benchmark: Benchmark) -> Iterator[Statistic]:
    videos = len(benchmark.sessions)
    events = [len(session.is_transition) for session in benchmark.sessions]
    exercises = [session.exercise_count for session in benchmark.sessions]
    transitions = [sum(session.is_transition) for session in benchmark.sessions]
    remarks = sum(events) - sum(transitions)
    skipped = sum(len(protocol.segments(benchmark).skipped) for protocol in (Qevd2024(), Var2026()))
    silent = 1.0 - len(Qevd2024().segments(benchmark).scored) / sum(exercises)
    yield Statistic("videos", videos)
    yield Statistic("people", len({session.subject for session in benchmark.sessions} - {None}))
    yield Statistic("events a video", sum(events) / videos, 32.2, 35.6)
    yield Statistic("exercises a video", sum(exercises) / videos, 5.55, 5.91)
    yield Statistic("remarks a video", remarks / videos, 25.5, 28.9)
    yield Statistic("silent exercises, share", silent, 0.002, 0.06)
    yield Statistic("records that a protocol skips", skipped, 0, 0)


def _timing(benchmark: Benchmark) -> Iterator[Statistic]:
    segments = Qevd2024().segments(benchmark).scored
    gaps_s = [after.time_s - before.time_s for segment in segments for before, after in pairwise(segment.feedbacks)]
    silences_s = [silence_s for session in benchmark.sessions for silence_s in _silences(session)]
    steps_s = [np.diff(session.frame_times_s) for session in benchmark.sessions]
    after_the_end = sum(span.end >= session.dense_length for session in benchmark.sessions for span in session.spans)
    yield Statistic("gap between remarks, mean, s", statistics.mean(gaps_s), 5.0, 5.6)
    yield Statistic("gap between remarks, sd, s", statistics.stdev(gaps_s), 2.0, 4.0)
    yield Statistic("shortest silence at an end, s", min(silences_s), 2.0)
    yield Statistic("longest silence at an end, s", max(silences_s), None, 10.0)
    yield Statistic("remarks to the last frame", after_the_end, 0, 0)
    yield Statistic("frames a second", 1.0 / float(np.mean(np.concatenate(steps_s))), 21.7, 22.3)
    yield Statistic("steps between frames, least sd, ms", 1000.0 * min(float(s.std()) for s in steps_s), 1.0, 10.0)
    for protocol in (Qevd2024(), Var2026()):
        scored = protocol.segments(benchmark).scored
        yield Statistic(f"metronome of 5 s, F under {protocol.name}", _metronome(protocol, scored, 5.0), 0.47, 0.52)
        yield Statistic(f"metronome of 3 s, F under {protocol.name}", _metronome(protocol, scored, 3.0))


def _silences(session: Session) -> Iterator[float]:
    """Seconds from the end of a transition to the start of the remark after it, and from a remark to a transition."""
    times_s = session.frame_times_s
    labelled = list(zip(session.closed_spans(), session.is_transition, strict=False))
    for (before, was_transition), (after, is_transition) in pairwise(labelled):
        if was_transition != is_transition:
            yield float(times_s[after.first] - times_s[before.end])


def _metronome(protocol: Protocol, segments: Sequence[Segment], period_s: float) -> float:
    """The F of the same words in every period."""

    def beats(segment: Segment) -> tuple[Feedback, ...]:
        return tuple(Feedback(period_s * k, "Keep going!") for k in range(1, int(segment.duration_s / period_s) + 1))

    return _f_score([protocol.match(segment, beats(segment)) for segment in segments])


def _f_score(matches: Sequence[SegmentMatch]) -> float:
    metric = TFScore()
    return float(metric.score(metric.rows(matches).sum(axis=0)))


def _texts(benchmark: Benchmark, register: str, bertscore: str | None) -> Iterator[Statistic]:
    texts = [f.text for segment in Qevd2024().segments(benchmark).scored for f in segment.feedbacks]
    repeats = sum(
        before.text == after.text for session in benchmark.sessions for before, after in pairwise(session.spans)
    )
    distinct = len(set(texts)) / len(texts)
    words = statistics.mean(len(text.split()) for text in texts)
    phrases = [text for text, _ in Counter(texts).most_common(_CONSTANT_PHRASES)]
    constant = max(_meteor([(text, phrase) for text in texts]) for phrase in phrases)
    shifts = [len(texts) * k // (_SHUFFLES + 1) for k in range(1, _SHUFFLES + 1)]
    shuffled = _meteor([pair for shift in shifts for pair in zip(texts, texts[shift:] + texts[:shift], strict=True)])
    shown = [span.text for session in benchmark.sessions for span in session.spans]
    yield Statistic(f"distinct remarks, share, {register}", distinct, 0.76)
    yield Statistic(f"distinct texts of all events, share, {register}", len(set(shown)) / len(shown))
    yield Statistic(f"same text twice in a row, {register}", repeats, 0, 0)
    yield Statistic(f"words a remark, {register}", words)
    yield Statistic(f"best constant phrase, METEOR, {register}", constant)
    yield Statistic(f"random pair, METEOR, {register}", shuffled)
    if bertscore is not None:
        pairs = list(zip(texts, texts[shifts[0] :] + texts[: shifts[0]], strict=True))
        scores = BertScore(bertscore).distinct_scores(pairs)
        yield Statistic(f"random pair, BERTScore, {register}", statistics.mean(scores[pair] for pair in pairs))


def _meteor(pairs: Sequence[tuple[str, str]]) -> float:
    scores = Meteor().distinct_scores(pairs)
    return statistics.mean(scores[pair] for pair in pairs)


def _second_annotator(benchmark: Benchmark, file: Path) -> Iterator[Statistic]:
    predictions = load_predictions(file, benchmark)
    starts_s = benchmark.video_starts_s
    for protocol in (Qevd2024(), Var2026()):
        parts = protocol.segments(benchmark)
        said = predictions.by_segment([*parts.scored, *parts.unscored], starts_s)
        matches = [protocol.match(segment, said[segment.id]) for segment in parts.scored]
        yield Statistic(f"second annotator, F under {protocol.name}", _f_score(matches), 0.6, 0.8)
    pairs = [pair for match in matches for pair in match.text_pairs]
    yield Statistic("second annotator, METEOR of matched pairs, lay", _meteor(pairs))


def _causes(script: Script) -> Iterator[Statistic]:
    kinds = Counter(remark.kind for remark in _remarks(script))
    total = kinds.total()
    easy = sum(kinds[kind] for kind in EASY_KINDS) / total
    wanted = script.mix / 100.0
    yield Statistic("praise and counts, share", easy, round(wanted - 0.04, 2), round(wanted + 0.04, 2))
    for kind in ("correction", "praise", "count", "tempo", "instruction"):
        yield Statistic(f"{kind}, share", kinds[kind] / total)
    yield Statistic("annotators at one time: same cause, share", _same_cause(script))


def _remarks(script: Script) -> Iterator[Remark]:
    for video in script.videos:
        for remarks in video.remarks["a"]:
            yield from remarks


def _same_cause(script: Script) -> float:
    """Of A's remarks with one of B's within 1.5 s: how many name the same kind, fault and side as the nearest."""
    same: list[bool] = []
    for video in script.videos:
        for ours, theirs in zip(video.remarks["a"], video.remarks["b"], strict=True):
            for remark in ours:
                near = [other for other in theirs if abs(other.time_s - remark.time_s) < _SAME_REMARK_S]
                if near:
                    distances_s = [abs(other.time_s - remark.time_s) for other in near]
                    nearest = near[distances_s.index(min(distances_s))]
                    same.append((nearest.kind, nearest.fault, nearest.side) == (remark.kind, remark.fault, remark.side))
    return sum(same) / len(same) if same else float("nan")
