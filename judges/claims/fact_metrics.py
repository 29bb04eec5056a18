"""BioFact in ``biobench evaluate``: how much of what a system says of the body is true of the body that was filmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from biobench.matching import SegmentMatch
from biobench.metrics.base import Metric, Rows, ratio
from biobench.records import Segment, Session
from judges.claims.extract import understand
from judges.claims.fact_windows import Verdict, Window
from judges.claims.facts import ERROR_DEG, judge
from judges.claims.lexicon import lexicon
from judges.claims.records import Claim, Span

if TYPE_CHECKING:
    from judges.claims.fact_sources import Bodies

__all__ = ["FEWEST_CLAIMS", "FEWEST_CLUSTERS", "BioFact", "BioFactCheckable", "BioFactSupported"]

FEWEST_CLAIMS = 30
FEWEST_CLUSTERS = 6
"""Of people, or of videos where people are not known; with fewer the number says nothing."""

_NO_POSES = "the data have no poses"
_FEWEST_OTHERS = 5
"""Windows of other people that decide a claim: with fewer it is not known how trivial it is."""
_TRIVIAL = 0.5
"""A claim that holds for more than this share of other people is none to be proud of."""
_COLUMNS = ("above_chance", "room", "compared", "supported_news", "determined", "claims", "minutes", "enough")


@cache
def _signature() -> dict[str, str]:
    data = (files("judges.claims") / "data" / "lexicon.toml").read_bytes()
    return {"lexicon": lexicon().version, "claims": sha256(data).hexdigest()[:12]}


class _FactMetric(Metric):
    """Rows are ``_COLUMNS``.

    y - b and 1 - b over compared claims, the number of these, those that are supported and not trivial, supported or refuted
    ones, technique claims, minutes of exercise, and whether there are enough of them in all.
    """

    def __init__(self, epsilon: float = 0.0) -> None:
        super().__init__(epsilon)
        self._reason = _NO_POSES
        self._made_from: Mapping[str, str] = {}

    def signature(self) -> Mapping[str, str]:
        """Once rows are made, it also says whether a script told the truth, or poses did, and which files these were."""
        return {**_signature(), "error": f"{ERROR_DEG:g}deg", **self._made_from}

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        found = _table(tuple(matches), tuple(match.segment.session for match in matches))
        self._made_from, self._reason = found.made_from, found.reason
        return found.table

    def why_none(self) -> str:
        return self._reason


class BioFact(_FactMetric):
    """``sum(y - b) / sum(1 - b)`` over claims that are supported (y = 1) or refuted (y = 0).

    b is the share of other people of whom the claim is true as well. 1: all is true; 0: no truer than of anybody.
    """

    name = "biofact"
    optional: ClassVar[bool] = True

    def score(self, sums: Rows) -> Rows:
        return np.where(sums[..., 7] > 0, ratio(sums[..., 0], sums[..., 1]), np.nan)

    def denominator(self, sums: Rows) -> Rows:
        """Claims that were compared."""
        return sums[..., 2]


class BioFactCheckable(_FactMetric):
    """The share of technique claims that the body supports or refutes; the rest is undetermined."""

    name = "biofact_checkable"
    headline: ClassVar[bool] = False

    def score(self, sums: Rows) -> Rows:
        return ratio(sums[..., 4], sums[..., 5])

    def denominator(self, sums: Rows) -> Rows:
        """Technique claims."""
        return sums[..., 5]


class BioFactSupported(_FactMetric):
    """Supported claims a minute of exercise, without those that hold for most other people as well."""

    name = "biofact_supported_per_min"
    headline: ClassVar[bool] = False

    def score(self, sums: Rows) -> Rows:
        return ratio(sums[..., 3], sums[..., 6])

    def denominator(self, sums: Rows) -> Rows:
        """Minutes."""
        return sums[..., 6]


class _Found(NamedTuple):
    table: Rows
    made_from: Mapping[str, str]
    reason: str


@lru_cache(maxsize=8)
def _table(matches: tuple[SegmentMatch, ...], sessions: tuple[Session | None, ...]) -> _Found:
    """The rows of all three metrics. ``sessions`` belong to the key: equal segments may come from data without poses."""
    table = np.zeros((len(matches), len(_COLUMNS)))
    if not any(session is not None and session.poses_path is not None for session in sessions):
        return _Found(table, {}, _NO_POSES)
    around = _around(tuple(match.segment for match in matches), sessions)
    for row, match in zip(table, matches, strict=True):
        if match.segment.id in around.bodies.by_segment:
            row[:-1] = _sums(match, around)
    reason = _too_few(table, matches)
    table[:, -1] = not reason
    table.flags.writeable = False
    return _Found(table, {"truth": around.bodies.truth or "none", "bodies": around.bodies.digest}, reason)


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """The bodies of a benchmark, whom each is compared with, and what is true of these: kept over all systems."""

    bodies: Bodies
    others: dict[str, tuple[Window, ...]] = field(default_factory=dict)
    shares: dict[tuple[str, Claim], float | None] = field(default_factory=dict)

    def share(self, segment: Segment, claim: Claim) -> float | None:
        """Of how many other people the claim is true, among those who decide it; None where these are too few."""
        from judges.claims.fact_sources import others  # noqa: PLC0415 - only where there are poses

        if (segment.id, claim) not in self.shares:
            if segment.id not in self.others:
                self.others[segment.id] = others(segment, self.bodies.by_segment)
            outcomes = [judge(claim, window).outcome for window in self.others[segment.id]]
            true, false = outcomes.count("supported"), outcomes.count("refuted")
            self.shares[segment.id, claim] = true / (true + false) if true + false >= _FEWEST_OTHERS else None
        return self.shares[segment.id, claim]


@lru_cache(maxsize=4)
def _around(segments: tuple[Segment, ...], sessions: tuple[Session | None, ...]) -> _Around:  # noqa: ARG001 - of the key
    from judges.claims.fact_sources import bodies  # noqa: PLC0415 - only where there are poses

    return _Around(bodies(segments))


def _sums(match: SegmentMatch, around: _Around) -> list[float]:
    """One segment's columns but the last."""
    segment = match.segment
    body = around.bodies.by_segment[segment.id]
    above = room = compared = news = determined = claims = 0.0
    for remark in match.predictions:
        for said in understand(remark.text, segment.exercise).claims:
            if said.family != "technique":
                continue
            claims += 1
            claim = replace(said, span=Span(0, 0))  # the same claim wherever it stands in a remark
            window = body.window(remark.time_s)
            outcome = "undetermined" if isinstance(window, Verdict) else judge(claim, window).outcome
            if outcome == "undetermined":
                continue
            determined += 1
            share = around.share(segment, claim)
            if share is None:
                continue
            above += (outcome == "supported") - share
            room += 1 - share
            compared += 1
            news += outcome == "supported" and share <= _TRIVIAL
    return [above, room, compared, news, determined, claims, segment.duration_s / 60]


def _too_few(table: Rows, matches: Sequence[SegmentMatch]) -> str:
    """Why these rows give no number; empty where they do."""
    compared = table[:, 2]
    number = int(compared.sum())
    people = [match.segment.subject for match in matches]
    known = None not in people
    names = people if known else [match.segment.video for match in matches]
    clusters = len({name for name, of_segment in zip(names, compared, strict=True) if of_segment})
    if number < FEWEST_CLAIMS:
        return f"{number} claims that can be checked and compared, fewer than {FEWEST_CLAIMS}"
    if clusters < FEWEST_CLUSTERS:
        return f"claims about {clusters} {'people' if known else 'videos'}, fewer than {FEWEST_CLUSTERS}"
    if not table[:, 1].sum() > 0:
        return "all its claims are true of everybody"
    return ""
