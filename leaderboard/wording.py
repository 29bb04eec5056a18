"""How a board's facts are put into words: places, scores, intervals, names, what a card says."""

from __future__ import annotations

from collections.abc import Iterable

from biobench.harmless import harmless
from biobench.results import Score
from biobench.statistics import Rank
from leaderboard.card import SystemCard

__all__ = ["card_facts", "interval", "place", "score_text", "system_name"]

_MINUS = "\u2212"


def place(rank: Rank) -> str:
    """``3`` or ``2-5``: at best behind the surely better, at worst before the surely worse."""
    return str(rank.best) if rank.best == rank.worst else f"{rank.best}-{rank.worst}"


def score_text(value: float | None, decimals: int) -> str:
    """A number with a real minus sign, a dash where there is none."""
    return "–" if value is None else f"{value:z.{decimals}f}".replace("-", _MINUS)


def interval(score: Score, decimals: int) -> str:
    """``[0.859, 0.913]``, or nothing."""
    if score.low is None or score.high is None:
        return ""
    return f"[{score_text(score.low, decimals)}, {score_text(score.high, decimals)}]"


def system_name(card: SystemCard) -> str:
    """Name and version."""
    return harmless(f"{card.name} {card.version}")


def card_facts(card: SystemCard) -> Iterable[tuple[str, str]]:
    """What a system says of itself, as (question, answer), in the order of reading."""
    yes = {True: "yes", False: "no"}
    yield (
        "causal",
        yes[card.causal]
        + (" (at any time it has seen nothing of what follows)" if card.causal else " (it knows what follows)"),
    )
    yield "exercise name", card.exercise_name
    yield "inputs", ", ".join(card.inputs) or "none"
    if card.rate_hz is not None:
        yield "input rate", f"{card.rate_hz:g} a second"
    poses = {
        "none": "none",
        "benchmark": "the benchmark's own pose files, which the checker reads too",
        "own": "its own",
    }
    yield "poses", poses[card.poses]
    yield "has seen test videos", yes[card.seen_test_videos]
    yield "has seen test people", yes[card.seen_test_people]
    yield "training data", harmless(card.training_data, 600)
    yield "weights", card.weights
    if card.parameters is not None:
        yield "parameters", f"{card.parameters:,}"
    yield "licence", harmless(card.licence)
    yield "hardware", harmless(card.hardware)
    if card.compute_s_per_video_s is not None:
        yield "compute", f"{card.compute_s_per_video_s:g} s a second of video"
    yield "runs", "single run" if card.runs == 1 else f"one of {card.runs} runs"
    yield "date", card.date.isoformat()
    yield "contact", harmless(card.contact)
