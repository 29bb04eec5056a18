"""Quality against what it costs: delay, and compute."""

from __future__ import annotations

from leaderboard.board import Board
from leaderboard.digest import Digest
from leaderboard.pictures.svg import Axis, axis_x, axis_y, element, figure, label, title
from leaderboard.wording import system_name

__all__ = ["quality_against_compute", "quality_against_delay"]

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 480.0, 320.0, 56.0, 464.0, 28.0, 280.0
_MOST_NAMED = 15


def quality_against_delay(board: Board) -> str | None:
    """The ordering score against the median delay; None where no system has both."""
    points = []
    for digest in board.digests:
        score = digest.entrant.score("latency_median_s", "biobench-1")
        if score is not None and score.value is not None:
            points.append((digest, score.value))
    return _scatter(board, points, "median delay in seconds")


def quality_against_compute(board: Board) -> str | None:
    """The ordering score against seconds of compute a second of video; None where no system gives them."""
    points = [(d, d.card.compute_s_per_video_s) for d in board.digests if d.card.compute_s_per_video_s is not None]
    return _scatter(board, points, "seconds of compute a second of video")


def _scatter(board: Board, costs: list[tuple[Digest, float]], name: str) -> str | None:
    points = [(d, cost, value) for d, cost in costs if (value := board.value(d, board.order)) is not None]
    if not points:
        return None
    x_axis = Axis([cost for _, cost, _ in points], _LEFT, _RIGHT)
    y_axis = Axis([value for _, _, value in points], _BOTTOM, _TOP)
    parts = [axis_x(x_axis, _TOP, _BOTTOM, name), axis_y(y_axis, _LEFT, _RIGHT, board.order.metric)]
    taken: list[tuple[float, float]] = []
    for digest, cost, value in points:
        x, y, called = x_axis.at(cost), y_axis.at(value), system_name(digest.card)
        shape = "dot base" if digest.card.baseline else "dot"
        parts.append(element("circle", title(f"{called}: {value:z.3f} at {cost:g}"), cx=x, cy=y, r=4.0, class_=shape))
        free = all(abs(y - other_y) > 11 or abs(x - other_x) > 110 for other_x, other_y in taken)
        if free and len(taken) < _MOST_NAMED:
            taken.append((x, y))
            at_right = x > _RIGHT - 110
            parts.append(
                label(x - 7 if at_right else x + 7, y + 4, called[:20], "t dim", "end" if at_right else "start")
            )
    return figure(_WIDTH, _HEIGHT, f"{board.order.metric} against {name}, {len(points)} systems", parts)
