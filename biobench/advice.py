"""One plain line wherever a score is less than it looks."""

from __future__ import annotations

from collections.abc import Mapping

from biobench.results import Results, Score

__all__ = ["advice"]

_SEES_THE_VIDEO = 0.05


def advice(results: Results, protocol: str) -> list[str]:
    """What a reader of this protocol's table should know, most important first; empty where nothing is off."""
    own = {score.metric: score for score in results.scores if score.protocol == protocol}
    blind: dict[str, Mapping[str, Score]] = {}
    for baseline in results.baselines:
        scores = {score.metric: score for score in baseline.scores if score.protocol == protocol}
        if scores:
            blind[baseline.name] = scores
    lines = []
    coverage = results.coverage[protocol]
    if coverage.missing:
        lines.append(f"{len(coverage.missing)} of {coverage.segments} segments have no entry: not to be ranked")
    lines += _below(own, blind, "t_f_score", "best timetable", "a blind timetable gets here")
    lift = own.get("t_lift")
    if lift is not None and lift.value is not None and lift.low is not None and lift.low <= _SEES_THE_VIDEO:
        knows = "do not know" if lift.high is not None and lift.high < 2 * _SEES_THE_VIDEO else "are not shown to know"
        lines.append(f"its times {knows} the video: t_lift {_with_interval(lift)}")
    lines += [
        f"{score.metric} is checked against estimated poses, which may be those that the system has read"
        for score in own.values()
        if score.value is not None and "truth:poses" in score.signature.split("|")
    ][:1]
    for metric in ("meteor", "meteor_f"):
        lines += _below(own, blind, metric, "constant talker", "one constant sentence gets here")
    return lines


def _below(
    own: Mapping[str, Score], blind: Mapping[str, Mapping[str, Score]], metric: str, baseline: str, what: str
) -> list[str]:
    mine, theirs = own.get(metric), blind.get(baseline, {}).get(metric)
    if mine is None or theirs is None or mine.value is None or theirs.value is None or mine.value > theirs.value:
        return []
    return [f"{metric} {mine.value:.2f} is not above what {what} ({theirs.value:.2f})"]


def _with_interval(score: Score) -> str:
    return f"{score.value:z.2f} [{score.low:z.2f}, {score.high:z.2f}]"
