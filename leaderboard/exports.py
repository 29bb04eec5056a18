"""A board as CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping

from biobench.harmless import harmless
from biobench.tables import Column as TableColumn
from biobench.tables import Table, to_csv, to_latex, to_markdown
from leaderboard.board import Board
from leaderboard.columns import Column
from leaderboard.wording import interval, place, score_text, system_name

__all__ = ["board_csv", "board_latex", "board_markdown"]

_CARD_FIELDS = (
    "name", "version", "date", "baseline", "causal", "exercise_name", "poses", "seen_test_videos", "seen_test_people", "weights",
    "parameters", "licence", "compute_s_per_video_s", "runs",
)  # fmt: skip


def board_csv(board: Board) -> str:
    """Everything of the board, one line a system: places, every column's score, interval and place, and the card."""
    standing = board.standings[board.order.key]
    worded = _worded(board)
    headings = ["id", *_CARD_FIELDS, "tier", "best_place", "worst_place", "top_3", "not_ranked"]
    for column in board.columns:
        headings += [f"{column.key}{suffix}" for suffix in ("", ".low", ".high", ".best_place", ".worst_place")]
        headings += [f"{column.key}.card"] * (column in worded)
    rows = []
    for digest in board.digests:
        rank = standing.ranks.get(digest.id)
        row: list[object] = [digest.id, *(getattr(digest.card, field) for field in _CARD_FIELDS)]
        row += [None] * 3 if rank is None else [rank.tier, rank.best, rank.worst]
        row += [board.top.get(digest.id), standing.unranked.get(digest.id)]
        for column in board.columns:
            score = digest.entrant.score(column.metric, column.protocol)
            row += [None] * 3 if score is None else [score.value, score.low, score.high]
            of_column = board.standings.get(column.key)
            own = of_column.ranks.get(digest.id) if of_column is not None and of_column.tested else None
            row += [None] * 2 if own is None else [own.best, own.worst]
            row += [worded[column]] if column in worded else []
        rows.append(row)
    return to_csv(headings, rows)


def board_markdown(board: Board) -> str:
    """The board as a GitHub-flavoured table."""
    return to_markdown(_table(board)) + "\n"


def board_latex(board: Board) -> str:
    """The board as a ``table`` with ``booktabs`` rules."""
    return to_latex(_table(board)) + "\n"


def _worded(board: Board) -> Mapping[Column, str]:
    """On a board with cards, the columns of whose scorers something is known, with the word."""
    words = {column: board.word(column) for column in board.columns} if board.cards else {}
    return {column: word for column, word in words.items() if word}


def _table(board: Board) -> Table:
    standing = board.standings[board.order.key]
    shown = [TableColumn("tier", "right"), TableColumn("place", "right"), TableColumn("system")]
    shown += [TableColumn(f"{column.label} ({column.protocol})", "right") for column in board.columns]
    rows = []
    for digest in board.digests:
        rank = standing.ranks.get(digest.id)
        cells = ["–", "–"] if rank is None else [str(rank.tier), place(rank)]
        cells.append(system_name(digest.card) + (" (baseline)" if digest.card.baseline else ""))
        for column in board.columns:
            score = digest.entrant.score(column.metric, column.protocol)
            text = "–" if score is None else score_text(score.value, column.decimals)
            ordering = column is board.order and score is not None and score.low is not None
            cells.append(f"{text} {interval(score, column.decimals)}" if ordering and score is not None else text)
        rows.append(tuple(cells))
    notes = [
        f"ordered by {board.order.metric} under {board.order.protocol}; {standing.test}; {board.clusters}",
        *(
            f"{digest.id} is not ranked: {standing.unranked[digest.id]}"
            for digest in board.digests
            if digest.id in standing.unranked
        ),
        *(f"{column.label} ({column.protocol}): {word}" for column, word in _worded(board).items()),
        *board.notes,
        board.signature,
    ]
    return Table(harmless(board.title), tuple(shown), tuple(rows), tuple(notes))
