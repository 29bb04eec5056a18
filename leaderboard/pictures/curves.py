"""F against the tolerance in time, beside a metronome's."""

from __future__ import annotations

from leaderboard.board import Board
from leaderboard.digest import Digest
from leaderboard.pictures.svg import Axis, axis_x, axis_y, element, figure, label, title
from leaderboard.wording import system_name

__all__ = ["f_against_tolerance"]

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 500.0, 320.0, 56.0, 330.0, 28.0, 280.0
_MOST = 6
_BLIND = ("metronome", "best-timetable")
_AT = {"t_f_score@0.5": 0.5, "t_f_score@1": 1.0, "t_f_score": 1.5, "t_f_score@2": 2.0, "t_f_score@3": 3.0}


def f_against_tolerance(board: Board) -> str | None:
    """The first systems of the board and the blind timetables on it, from the stored F at five tolerances (biobench-1).

    A system that has seen the video rises early; a timetable rises steadily, with every half second that is forgiven.
    None where no system has these scores.
    """
    curves = [(digest, points) for digest in board.digests if len(points := _points(digest)) > 1]
    blind = [(d, points) for d, points in curves if d.card.baseline and d.card.name in _BLIND]
    others = [(d, points) for d, points in curves if (d, points) not in blind][:_MOST]
    if not curves:
        return None
    x_axis, y_axis = Axis([0.0, 3.0], _LEFT, _RIGHT), Axis([0.0, 1.0], _BOTTOM, _TOP)
    parts = [axis_x(x_axis, _TOP, _BOTTOM, "tolerance in seconds"), axis_y(y_axis, _LEFT, _RIGHT, "F")]
    names = []
    for k, (digest, points) in enumerate([*others, *blind]):
        style = "curve blind" if k >= len(others) else f"curve c{k}"
        drawn = " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y in points)
        parts.append(element("polyline", title(system_name(digest.card)), points=drawn, class_=style))
        names.append((y_axis.at(points[-1][1]), system_name(digest.card), style.replace("curve", "t")))
    y = 0.0
    for wanted, name, style in sorted(names):
        y = max(wanted, y + 13)
        parts.append(label(_RIGHT + 8, y + 4, name if len(name) <= 22 else name[:21] + "…", style))
    return figure(
        _WIDTH, max(_HEIGHT, y + 12), "F against tolerance; dashed: timetables that have not seen the video", parts
    )


def _points(digest: Digest) -> list[tuple[float, float]]:
    points = [(0.0, 0.0)]
    for metric, tolerance_s in _AT.items():
        score = digest.entrant.score(metric, "biobench-1")
        if score is not None and score.value is not None:
            points.append((tolerance_s, score.value))
    return points
