"""Which exercises a system is good at."""

from __future__ import annotations

from html import escape

from leaderboard.board import Board
from leaderboard.pictures.svg import element, figure, label, title
from leaderboard.wording import score_text, system_name

__all__ = ["heat_map"]

_NAMES, _CELL_W, _CELL_H, _HEAD = 170.0, 34.0, 20.0, 128.0
_LEVELS = 10


def heat_map(board: Board, most: int) -> str | None:
    """The ordering score for each exercise, first ``most`` systems of the board; None where nothing is known by exercise."""
    shown = [d for d in board.digests if d.by_exercise.get(board.order.key)][:most]
    exercises = sorted({exercise for digest in shown for exercise in digest.by_exercise[board.order.key]})
    if not shown:
        return None
    width, height = _NAMES + _CELL_W * len(exercises) + 90, _HEAD + _CELL_H * len(shown) + 6
    parts = []
    for k, exercise in enumerate(exercises):
        x = _NAMES + (k + 0.6) * _CELL_W
        turned = f"rotate(-50 {x:.1f} {_HEAD - 8:.1f})"
        parts.append(element("text", escape(exercise), x=x, y=_HEAD - 8, class_="t dim", transform=turned))
    for row, digest in enumerate(shown):
        y, name = _HEAD + row * _CELL_H, system_name(digest.card)
        parts.append(label(_NAMES - 8, y + 14, name if len(name) <= 24 else name[:23] + "…", "t", "end"))
        for k, exercise in enumerate(exercises):
            value = digest.by_exercise[board.order.key].get(exercise)
            if value is None:
                continue
            level = min(_LEVELS - 1, max(0, int(value * _LEVELS)))
            x = _NAMES + k * _CELL_W
            cell = element("rect", x=x, y=y, width=_CELL_W - 1, height=_CELL_H - 1, class_=f"h{level}")
            told = title(f"{name}, {exercise}: {score_text(value, 3)}")
            inside = label(x + _CELL_W / 2, y + 14, score_text(value, 2).replace("0.", "."), f"n n{level}", "middle")
            parts.append(element("g", told, cell, inside))
    return figure(width, height, f"{board.order.metric} by exercise, {len(shown)} systems", parts)
