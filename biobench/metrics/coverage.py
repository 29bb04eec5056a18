"""Text scores that count what was not said or said at the wrong time, and what they are worth above chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import fsum
from typing import ClassVar

import numpy as np

from biobench.chance import FAMILY, best_timetables, donors, frequent_remarks_of_others
from biobench.matching import SegmentMatch, match_optimal
from biobench.metrics.base import Metric, PairMetric, Rows, SearchedMetric, above_chance, ratio
from biobench.records import Feedback, Segment

__all__ = ["Scorer", "SodaT", "TextF", "TextLift", "TextSkill"]

_PHRASES = 20
_TIMETABLES = 5
_TOLERANCE_S = 1.5

Pair = tuple[str, str]


class Scorer:
    """A pair metric that scores every pair once, for all the metrics that read it.

    ``baseline`` b, if not 0, rescales a score s to max(0, (s - b) / (1 - b)).
    """

    def __init__(self, metric: PairMetric, name: str, *, rescaled: bool = False) -> None:
        self.metric = metric
        self.name = name
        self.rescaled = rescaled
        self.baseline = 0.0
        self._known: dict[Pair, float] = {}
        self.talkers: dict[tuple[tuple[Segment, ...], tuple[int, ...]], Rows] = {}
        """What constant talkers score, by segments and their clusters: the same for every system."""

    def signature(self) -> Mapping[str, str]:
        """The metric's own, and whether scores are rescaled."""
        return {**self.metric.signature(), **({"rescaled": "shuffled-pairs"} if self.rescaled else {})}

    def scores(self, pairs: Iterable[Pair]) -> Mapping[Pair, float]:
        """The score of each pair, and of every pair that was asked for before."""
        missing = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        raw = self.metric.distinct_scores(missing)
        low = self.baseline
        self._known.update(
            (pair, score if low == 0 else max(0.0, (score - low) / (1 - low))) for pair, score in raw.items()
        )
        return self._known

    def calibrate(self, matches: Sequence[SegmentMatch]) -> None:
        """Sets the baseline: the mean score of each reference remark against the next other one of these data."""
        if not self.rescaled or self.baseline:
            return
        texts = list(dict.fromkeys(remark.text for match in matches for remark in match.segment.feedbacks))
        pairs = list(zip(texts, texts[1:] + texts[:1], strict=True)) if len(texts) > 1 else []
        raw = self.metric.distinct_scores(pairs)
        self.baseline = float(np.mean(list(raw.values()))) if raw else 0.0


class _TextMetric(Metric):
    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        self.scorer = scorer

    def signature(self) -> Mapping[str, str]:
        return self.scorer.signature()


class TextF(_TextMetric):
    """``2 sum(s) / (references + predictions)`` over matched pairs: the F times the mean s of what was matched."""

    no_value: ClassVar[str] = "there are neither reference remarks nor predictions"

    def __init__(self, scorer: Scorer) -> None:
        super().__init__(scorer)
        self.name = f"{scorer.name}_f"

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """The sum of s, references, predictions."""
        self.scorer.calibrate(matches)
        scores = self.scorer.scores(pair for match in matches for pair in match.text_pairs)
        rows = [
            (sum(scores[pair] for pair in match.text_pairs), len(match.segment.feedbacks), len(match.predictions))
            for match in matches
        ]
        return np.array(rows, dtype=np.float64).reshape(len(matches), 3)

    def score(self, sums: Rows) -> Rows:
        return ratio(2 * sums[..., 0], self.denominator(sums))

    def denominator(self, sums: Rows) -> Rows:
        """References and predictions."""
        return sums[..., 1] + sums[..., 2]


class TextLift(_TextMetric):
    """``(mean s - mean s0) / (1 - mean s0)``: do its words know this moment?

    s0: the same reference against what the system says in the segment's donors (see ``biobench.chance.donors``), the
    remark of each nearest in time, averaged. Pairs without a donor's remark are left out.
    """

    no_value: ClassVar[str] = (
        "no prediction was matched in time with a reference, or the system spoke in no other video"
    )

    def __init__(self, scorer: Scorer) -> None:
        super().__init__(scorer)
        self.name = f"{scorer.name}_lift"

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """The sum of s, the sum of s0, pairs."""
        self.scorer.calibrate(matches)
        own, other = [], []
        for match, elsewhere in zip(matches, donors(matches), strict=True):
            said = [donor.predictions for donor in elsewhere if donor.predictions]
            for i, j in match.pairs if said else ():
                reference, prediction = match.segment.feedbacks[i].text, match.predictions[j]
                own.append((match.segment.id, (reference, prediction.text)))
                other.append([(reference, _nearest(remarks, prediction.time_s).text) for remarks in said])
        scores = self.scorer.scores([pair for _, pair in own] + [pair for pairs in other for pair in pairs])
        sums = {match.segment.id: np.zeros(3) for match in matches}
        for (segment, pair), pairs in zip(own, other, strict=True):
            sums[segment] += (scores[pair], fsum(scores[p] for p in pairs) / len(pairs), 1.0)
        return np.array([sums[match.segment.id] for match in matches]).reshape(len(matches), 3)

    def score(self, sums: Rows) -> Rows:
        """Shape (..., 3) -> (...)."""
        return ratio(sums[..., 0] - sums[..., 1], sums[..., 2] - sums[..., 1])

    def denominator(self, sums: Rows) -> Rows:
        """Matched pairs."""
        return sums[..., 2]


class TextSkill(SearchedMetric):
    """``(F_s - F_s,chance) / (1 - F_s,chance)``: is it worth more than a constant sentence on a timetable?

    F_s,chance is the best over the 20 most frequent remarks (each cluster answered with those of the other clusters) and
    the 5 best blind timetables of ``t_skill``.
    """

    no_value: ClassVar[str] = "there are neither reference remarks nor predictions"

    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        self.scorer = scorer
        self.name = f"{scorer.name}_skill"
        self._f = TextF(scorer)

    def signature(self) -> Mapping[str, str]:
        phrases = {"talkers": f"{_PHRASES}-frequent-leave-one-out-x-{_TIMETABLES}-timetables", "timetables": FAMILY}
        return {**self.scorer.signature(), **phrases}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        return self._f.rows(matches)

    def score(self, sums: Rows) -> Rows:
        """F_s without its chance level; see ``search``."""
        return self._f.score(sums)

    def denominator(self, sums: Rows) -> Rows:
        return self._f.denominator(sums)

    def search(self, matches: Sequence[SegmentMatch], clusters: Sequence[int]) -> tuple[float, Rows]:
        sums = np.zeros((max(clusters) + 1, 3))
        np.add.at(sums, np.asarray(clusters), self.rows(matches))
        chance = self._talkers(matches, clusters, sums[:, 1])
        total = sums.sum(axis=0)
        best = np.asarray(_best_talker(chance.sum(axis=0)))
        best_without = np.array([_best_talker(chance.sum(axis=0) - own) for own in chance])
        return float(above_chance(self.score(total), best)), above_chance(self.score(total - sums), best_without)

    def _talkers(self, matches: Sequence[SegmentMatch], clusters: Sequence[int], references: Rows) -> Rows:
        """Sums of each talker, shape (clusters, talkers, 3): s, references, remarks."""
        segments = tuple(match.segment for match in matches)
        key = segments, tuple(clusters)
        if key not in self.scorer.talkers:
            self.scorer.talkers[key] = self._search_talkers(*key, references)
        return self.scorer.talkers[key]

    def _search_talkers(self, segments: tuple[Segment, ...], clusters: tuple[int, ...], references: Rows) -> Rows:
        tables = best_timetables(segments, clusters, references.astype(np.int64), _TIMETABLES)
        phrases = frequent_remarks_of_others(segments, clusters, _PHRASES)
        answered = []
        for segment, cluster in zip(segments, clusters, strict=True):
            times = [feedback.time_s for feedback in segment.feedbacks]
            for number, table in enumerate(tables):
                said = table.times(segment.duration_s)
                texts = [segment.feedbacks[i].text for i, _ in match_optimal(times, said, _TOLERANCE_S)]
                answered.append((cluster, number, texts, len(times), len(said)))
        scores = self.scorer.scores(
            (text, phrase) for cluster, _, texts, _, _ in answered for text in texts for phrase in phrases[cluster]
        )
        sums = np.zeros((max(clusters) + 1, len(tables), _PHRASES, 3))
        for cluster, number, texts, wanted, said_count in answered:
            sums[cluster, number, :, 1:] += (wanted, said_count)
            for rank, phrase in enumerate(phrases[cluster]):
                sums[cluster, number, rank, 0] += sum(scores[text, phrase] for text in texts)
        return sums.reshape(len(sums), -1, 3)


class SodaT(_TextMetric):
    """The best order-preserving matching of ``(1 - |dt| / 1.5 s) s``, as an F. Optimistic: it picks what scores best."""

    no_value: ClassVar[str] = "there are neither reference remarks nor predictions"

    def __init__(self, scorer: Scorer) -> None:
        super().__init__(scorer)
        self.name = "soda_t"

    def signature(self) -> Mapping[str, str]:
        return {"text": self.scorer.name, **self.scorer.signature(), "optimistic": "yes"}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """The best sum, references, predictions."""
        scores = self.scorer.scores(
            (feedback.text, remark.text)
            for match in matches
            for feedback in match.segment.feedbacks
            for remark in match.predictions
            if abs(feedback.time_s - remark.time_s) < _TOLERANCE_S
        )
        rows = [(_best_sum(match, scores), len(match.segment.feedbacks), len(match.predictions)) for match in matches]
        return np.array(rows, dtype=np.float64).reshape(len(matches), 3)

    def score(self, sums: Rows) -> Rows:
        return ratio(2 * sums[..., 0], self.denominator(sums))

    def denominator(self, sums: Rows) -> Rows:
        """References and predictions."""
        return sums[..., 1] + sums[..., 2]


def _nearest(remarks: Sequence[Feedback], time_s: float) -> Feedback:
    return min(remarks, key=lambda remark: abs(remark.time_s - time_s))


def _best_talker(sums: Rows) -> float:
    """The best F_s of talkers, shape (talkers, 3)."""
    return float(np.nan_to_num(ratio(2 * sums[:, 0], sums[:, 1] + sums[:, 2])).max(initial=0.0))


def _best_sum(match: SegmentMatch, scores: Mapping[Pair, float]) -> float:
    """Dynamic programming over references; ``best[j]`` is the best sum with the first j predictions."""
    inside = [remark for remark in match.predictions if 0 <= remark.time_s <= match.segment.duration_s]
    best = [0.0] * (len(inside) + 1)
    for feedback in match.segment.feedbacks:
        diagonal = 0.0
        for j, remark in enumerate(inside, start=1):
            before = best[j]
            distance = abs(feedback.time_s - remark.time_s)
            if distance < _TOLERANCE_S:
                gain = (1 - distance / _TOLERANCE_S) * scores[feedback.text, remark.text]
                before = max(before, diagonal + gain)
            diagonal = best[j]
            best[j] = max(before, best[j - 1])
    return best[-1]
