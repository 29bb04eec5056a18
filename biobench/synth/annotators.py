"""Two annotators watch the same video and decide alone what to say and when.

An annotator speaks when something is striking enough for the time that has passed in silence, after a lognormal latency
and never within a minimum gap; what is said is the most striking thing, bent by a taste for praise and for counting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from biobench.synth.draw import Draw
from biobench.synth.movements import movements
from biobench.synth.perform import TRANSITION_S
from biobench.synth.script import EASY_KINDS, Annotator, Performance, Remark
from biobench.synth.sights import Look, Sight, looks
from biobench.synth.wording import angles, compose

__all__ = ["STYLES", "Style", "annotate"]


@dataclass(frozen=True, slots=True)
class Style:
    """How an annotator works.

    Something of salience s is said after w seconds of silence where s > ``reserve`` - ``impatience`` * w; the reserve
    grows with every remark beyond one in ``pace_s`` seconds, and shrinks with every one short of it. Latencies are
    lognormal. ``noise`` is what an annotator's own eye adds to every salience, up or down; ``praise`` and ``counting``
    are added to those of praise and counts. ``silence`` is the share of exercises without a serious fault in which
    nothing is said.
    """

    latency_median_s: float
    latency_spread: float
    minimum_gap_s: float
    reserve: float
    impatience: float
    pace_s: float
    noise: float
    praise: float
    counting: float
    silence: float


STYLES: Mapping[Annotator, Style] = {
    "a": Style(
        latency_median_s=0.55,
        latency_spread=0.40,
        minimum_gap_s=1.7,
        reserve=0.88,
        impatience=0.015,
        pace_s=6.7,
        noise=0.11,
        praise=0.0,
        counting=0.0,
        silence=0.22,
    ),
    "b": Style(
        latency_median_s=0.70,
        latency_spread=0.40,
        minimum_gap_s=1.9,
        reserve=0.88,
        impatience=0.015,
        pace_s=6.7,
        noise=0.11,
        praise=0.05,
        counting=-0.10,
        silence=0.22,
    ),
}

_LEAST_LATENCY_S = 0.25
_LEAST_SILENCE_S, _LONGEST_SILENCE_S = 2.1, 9.7
"""After a transition was shown and before the next one."""
_BETWEEN_REMARKS_S = 0.35
_SHOWN_S = (0.7, 1.5)
_SERIOUS = 0.55
_RECENT_S = 9.0
_MIX_PULL = 1.6
_PACE_PULL = 0.05
_SHARE_AGAIN = 0.6


@dataclass(slots=True)
class _Memory:
    """What an annotator has said: in the video (numbers, the last remark), and in this exercise (``said_s``)."""

    words: Draw
    remarks: int = 0
    easy: int = 0
    watched_s: float = 0.0
    last: Remark | None = None
    said_s: dict[tuple[str | int | None, ...], float] = field(default_factory=dict)


def annotate(
    performances: Sequence[Performance], style: Style, mix: int, draw: Draw, words: Draw
) -> tuple[tuple[Remark, ...], ...]:
    """What one annotator says in a video, one tuple of remarks an exercise; ``mix`` percent are praise and counts.

    ``draw`` decides what is said and when, ``words`` in which words.
    """
    memory = _Memory(words)
    return tuple(_annotate_one(performance, style, mix / 100.0, memory, draw) for performance in performances)


def _annotate_one(
    performance: Performance, style: Style, mix: float, memory: _Memory, draw: Draw
) -> tuple[Remark, ...]:
    serious = any(fault.severity > _SERIOUS for fault in performance.faults)
    if not serious and draw.chance(style.silence):
        return ()
    memory.said_s.clear()
    said: list[Remark] = []
    earliest_s = performance.start_s + TRANSITION_S[1] + _LEAST_SILENCE_S
    latest_s = performance.end_s - _LEAST_SILENCE_S - _SHOWN_S[1]
    in_time = [
        look
        for look in looks(performance, movements()[performance.exercise])
        if look.time_s + _LEAST_LATENCY_S <= latest_s
    ]
    for k, look in enumerate(in_time):
        next_s = in_time[k + 1].time_s if k + 1 < len(in_time) else latest_s
        due_s = _due(performance, said, next_s, is_last=k + 1 == len(in_time))
        sight, salience = _most_striking(look, style, mix, memory, draw)
        latency_s = draw.lognormal(style.latency_median_s, style.latency_spread)
        time_s = sight.cause_s + max(_LEAST_LATENCY_S, latency_s)
        before_s, free_s = performance.start_s, earliest_s
        if said:
            before_s = said[-1].time_s
            free_s = before_s + max(style.minimum_gap_s, said[-1].shown_s + _BETWEEN_REMARKS_S)
        if due_s is not None:
            time_s = min(max(time_s, free_s, due_s[0]), due_s[1])
        elif salience <= _threshold(style, memory, time_s - performance.start_s, time_s - before_s):
            continue
        if free_s <= time_s <= latest_s:
            remark = _remark(sight, round(time_s, 3), performance, memory, draw)
            said.append(remark)
            memory.last = remark
    memory.watched_s += performance.end_s - performance.start_s
    return tuple(said)


def _threshold(style: Style, memory: _Memory, since_start_s: float, silence_s: float) -> float:
    ahead = memory.remarks - (memory.watched_s + since_start_s) / style.pace_s
    return style.reserve + _PACE_PULL * ahead - style.impatience * silence_s


def _due(
    performance: Performance, said: Sequence[Remark], next_s: float, *, is_last: bool
) -> tuple[float, float] | None:
    """When something has to be said now, whatever it is: earliest and latest time; None where it may wait."""
    latest_s = performance.end_s - _LEAST_SILENCE_S - _SHOWN_S[1]
    first_due_s = performance.start_s + TRANSITION_S[0] + _LONGEST_SILENCE_S
    if not said and (is_last or next_s + 1.0 > first_due_s):
        return 0.0, first_due_s
    last_due_s = performance.end_s - _LONGEST_SILENCE_S
    if is_last and (not said or said[-1].time_s + said[-1].shown_s < last_due_s):
        return last_due_s - _SHOWN_S[0], latest_s
    return None


def _most_striking(look: Look, style: Style, mix: float, memory: _Memory, draw: Draw) -> tuple[Sight, float]:
    """What this annotator would say of a look, and how much the look asks for a remark.

    Whoever has praised and counted less than the mix asks for is drawn to it: that bends what is said, not when.
    """
    missing = max(-2.0, min(2.0, mix * (memory.remarks + 1) - memory.easy))
    best, best_score, striking = look.sights[0], -9.0, 0.0
    for sight in look.sights:
        salience = sight.salience + draw.between(-style.noise, style.noise) - _staleness(sight, memory)
        striking = max(striking, salience)
        if sight.kind in EASY_KINDS:
            salience += _MIX_PULL * missing + (style.praise if sight.kind == "praise" else style.counting)
        if salience > best_score:
            best, best_score = sight, salience
    return best, striking


def _staleness(sight: Sight, memory: _Memory) -> float:
    """What a sight loses by what was said before in the exercise."""
    said_s = memory.said_s.get(_topic(sight))
    if said_s is None:
        return 0.0
    if sight.theme in ("fixed", "clean", "instruction", "general"):
        return 0.8
    return 0.4 if sight.cause_s - said_s < _RECENT_S else 0.15


def _topic(sight: Sight) -> tuple[str | int | None, ...]:
    if sight.kind == "count":
        return sight.unit, sight.number if sight.theme == "seconds" else None
    if sight.kind == "instruction":
        return (sight.kind,)
    return "about" if sight.kind == "praise" else "against", sight.fault, sight.side


def _remark(sight: Sight, time_s: float, performance: Performance, memory: _Memory, draw: Draw) -> Remark:
    theme = sight.theme
    if sight.kind in ("correction", "tempo") and _topic(sight) in memory.said_s and draw.chance(_SHARE_AGAIN):
        theme = "again"
    there = sight.severity if theme not in ("fixed", "clean") else None
    degrees, target_degrees = angles(sight.fault, there)
    remark = Remark(
        time_s=time_s,
        cause_s=sight.cause_s,
        shown_s=0.0,
        kind=sight.kind,
        theme=theme,
        repetition=sight.repetition,
        lay="",
        bio="",
        fault=sight.fault,
        side=sight.side,
        severity=sight.severity,
        degrees=degrees,
        target_degrees=target_degrees,
        number=sight.number,
        unit=sight.unit,
    )
    lay, bio = compose(remark, performance.exercise, memory.words, unlike=memory.last)
    memory.remarks += 1
    memory.easy += sight.kind in EASY_KINDS
    memory.said_s[_topic(sight)] = time_s
    shown_s = min(_SHOWN_S[1], _SHOWN_S[0] + 0.010 * len(lay) * memory.words.between(0.8, 1.2))
    return replace(remark, lay=lay, bio=bio, shown_s=round(shown_s, 3))
