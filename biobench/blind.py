"""Systems that have not seen the video, to stand beside every system: silence, the best timetable, a constant talker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biobench.chance import frequent_remarks
from biobench.metrics.coverage import Scorer
from biobench.protocols import Protocol
from biobench.records import Feedback, Segment

__all__ = ["BlindSystem", "blind_systems"]

_PHRASES = 20
_NO_WORDS = "…"
"""What the timetable says; its text scores are not reported."""


@dataclass(frozen=True, slots=True)
class BlindSystem:
    """Remarks by segment id. ``speaks`` is False where its words mean nothing and only its timing may be scored."""

    name: str
    description: str
    remarks: dict[str, tuple[Feedback, ...]]
    speaks: bool


def blind_systems(
    protocol: Protocol, segments: tuple[Segment, ...], clusters: tuple[int, ...], scorer: Scorer
) -> list[BlindSystem]:
    """Silence; the timetable with the best T-F on these segments; and the same saying the best constant sentence.

    The sentence is the one of the 20 most frequent remarks of these data with the highest mean score of ``scorer`` over
    matched pairs. Both are chosen on the data that they are shown beside: they are the best that blindness can do here.
    """
    silence = BlindSystem("silence", "says nothing", {segment.id: () for segment in segments}, speaks=False)
    if not any(segment.feedbacks for segment in segments):
        return [silence]
    table, family = protocol.best_timetable(segments, clusters)
    times = {segment.id: table.times(segment.duration_s) for segment in segments}
    phrase = _best_phrase(protocol, segments, times, scorer)
    return [
        silence,
        BlindSystem("best timetable", f"speaks {table} (of {family})", _saying(_NO_WORDS, times), speaks=False),
        BlindSystem("constant talker", f'says "{phrase}" {table}', _saying(phrase, times), speaks=True),
    ]


def _best_phrase(
    protocol: Protocol, segments: Sequence[Segment], times: dict[str, tuple[float, ...]], scorer: Scorer
) -> str:
    said = _saying(_NO_WORDS, times)
    answered = [protocol.match(segment, said[segment.id]) for segment in segments]
    texts = [match.segment.feedbacks[i].text for match in answered for i, _ in match.pairs]
    phrases = frequent_remarks(segments, _PHRASES)
    scores = scorer.scores((text, phrase) for text in texts for phrase in phrases)
    return max(phrases, key=lambda phrase: sum(scores[text, phrase] for text in texts))


def _saying(text: str, times: dict[str, tuple[float, ...]]) -> dict[str, tuple[Feedback, ...]]:
    return {segment: tuple(Feedback(time, text) for time in said) for segment, said in times.items()}
