"""Scores with their intervals, tier by tier."""

from __future__ import annotations

from leaderboard.board import Board
from leaderboard.pictures.svg import Axis, axis_x, element, figure, label, title
from leaderboard.wording import interval, place, system_name

__all__ = ["intervals"]

_WIDTH, _NAMES, _ROW, _TOP = 720.0, 190.0, 20.0, 8.0
_LONGEST_NAME = 26


def intervals(board: Board, most: int) -> str:
    """The first ``most`` ranked systems of the board; every other tier has a band."""
    standing = board.standings[board.order.key]
    shown = [
        (digest, score, standing.ranks[digest.id])
        for digest in board.digests
        if digest.id in standing.ranks
        and (score := digest.entrant.score(board.order.metric, board.order.protocol)) is not None
        and score.value is not None
    ][:most]
    axis = Axis([x for _, s, _ in shown for x in (s.value, s.low, s.high) if x is not None], _NAMES, _WIDTH - 16)
    bottom = _TOP + _ROW * len(shown)
    parts = [
        element("rect", x=0.0, y=_TOP + k * _ROW, width=_WIDTH, height=_ROW, class_="band")
        for k, (_, _, rank) in enumerate(shown)
        if rank.tier % 2 == 0
    ]
    parts.append(axis_x(axis, _TOP, bottom, f"{board.order.metric} under {board.order.protocol}, 95 % intervals"))
    for k, (digest, score, rank) in enumerate(shown):
        y = _TOP + (k + 0.5) * _ROW
        name = system_name(digest.card)
        short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
        parts.append(label(_NAMES - 10, y + 4, short, "t dim" if digest.card.baseline else "t", "end"))
        if score.low is not None and score.high is not None:
            parts.append(element("line", x1=axis.at(score.low), x2=axis.at(score.high), y1=y, y2=y, class_="whisker"))
        told = f"{name}: {score.value:z.3f} {interval(score, 3)}, place {place(rank)}, tier {rank.tier}"
        shape = "dot base" if digest.card.baseline else "dot"
        parts.append(element("circle", title(told), cx=axis.at(score.value or 0.0), cy=y, r=4.0, class_=shape))
    return figure(_WIDTH, bottom + 38, f"Scores with intervals of {len(shown)} systems, best first", parts)
