"""Is the timing better than chance? ``t_lift``: do its times know this video? ``t_skill``: is it worth a timetable?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import ClassVar

import numpy as np

from biobench.chance import FAMILY, donors, timetable_counts
from biobench.matching import SegmentMatch, count_matches
from biobench.metrics.base import Metric, Rows, SearchedMetric, above_chance, ratio

__all__ = ["TLift", "TSkill"]

_DONORS = 5


class TLift(Metric):
    """``(F - F0) / (1 - F0)``; F0 is the F of the system's own remarks from other videos of the same exercise.

    A system whose times do not depend on the video scores about 0, whatever it says; one that "sees the video" has a
    lower bound above 0.05. Donors (see ``biobench.chance.donors``) are cut at the segment's duration and not rescaled.
    """

    name = "t_lift"
    no_value: ClassVar[str] = "there are neither reference remarks nor predictions, or no other video"

    def signature(self) -> Mapping[str, str]:
        return {"donors": f"{_DONORS}-same-exercise-nearest-duration"}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """Matches, mean matches of the donors, predictions, mean predictions of the donors, references, 1 if no donor."""
        rows = []
        for match, others in zip(matches, donors(matches, _DONORS), strict=True):
            references = [feedback.time_s for feedback in match.segment.feedbacks]
            duration_s = match.segment.duration_s
            cut = [[r.time_s for r in other.predictions if r.time_s <= duration_s] for other in others]
            inside = [[time for time in times if time >= 0] for times in cut]
            matched0 = fsum(count_matches(references, times) for times in inside) / max(len(others), 1)
            said0 = fsum(map(len, cut)) / max(len(others), 1)
            rows.append((len(match.pairs), matched0, len(match.predictions), said0, len(references), not others))
        return np.array(rows, dtype=np.float64).reshape(len(matches), 6)

    def score(self, sums: Rows) -> Rows:
        matches, matches0, said, said0, references, alone = np.moveaxis(sums, -1, 0)
        f_score, chance = ratio(2 * matches, references + said), ratio(2 * matches0, references + said0)
        return np.where(alone > 0, np.nan, above_chance(f_score, chance))

    def denominator(self, sums: Rows) -> Rows:
        """References and predictions."""
        return sums[..., 2] + sums[..., 4]


class TSkill(SearchedMetric):
    """``(F - F_chance) / (1 - F_chance)``; F_chance is the best pooled F of a family of 62,197 blind timetables.

    0 or less for every timetable of the family. A rare but precise system may also be below 0, so this is no test of
    being uninformed.
    """

    name = "t_skill"
    no_value: ClassVar[str] = "there are neither reference remarks nor predictions"

    def signature(self) -> Mapping[str, str]:
        return {"timetables": FAMILY}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        """Matches, references, predictions."""
        rows = [(len(m.pairs), len(m.segment.feedbacks), len(m.predictions)) for m in matches]
        return np.array(rows, dtype=np.float64).reshape(len(matches), 3)

    def score(self, sums: Rows) -> Rows:
        """The F without its chance level, which no sum of rows tells; see ``search``."""
        return ratio(2 * sums[..., 0], self.denominator(sums))

    def denominator(self, sums: Rows) -> Rows:
        return sums[..., 1] + sums[..., 2]

    def search(self, matches: Sequence[SegmentMatch], clusters: Sequence[int]) -> tuple[float, Rows]:
        rows = self.rows(matches)
        sums = np.zeros((max(clusters) + 1, 3))
        np.add.at(sums, np.asarray(clusters), rows)
        counts = timetable_counts(tuple(match.segment for match in matches), tuple(clusters))
        references = sums[:, 1].astype(np.int64)
        chance, _ = counts.best_f(references)
        total = sums.sum(axis=0)
        without = above_chance(self.score(total - sums), counts.best_f_without_each(references))
        return float(above_chance(self.score(total), np.asarray(chance))), without
