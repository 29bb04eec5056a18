"""The one-to-one assignment of most worth, for tables as small as the claims of two remarks; needs no SciPy."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

__all__ = ["assign"]


def assign(worth: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs (row, column) with the greatest sum, each row and column at most once, in order of rows; none is worth 0 or less.

    The Hungarian method with potentials (Kuhn 1955, in the O(rows² columns) form of Jonker and Volgenant 1987). Rows must be
    equally long and hold finite numbers. The same table gives the same pairs.

    >>> assign([[0.9, 0.8], [0.8, 0.1]])
    [(0, 1), (1, 0)]
    """
    if not worth or not worth[0]:
        return []
    if len(worth) > len(worth[0]):
        turned = assign([list(column) for column in zip(*worth, strict=True)])
        return sorted((i, j) for j, i in turned)
    columns = _shortest_paths([[-max(0.0, number) for number in row] for row in worth])
    return [(i, j) for i, j in enumerate(columns) if worth[i][j] > 0]


def _shortest_paths(cost: Sequence[Sequence[float]]) -> list[int]:
    """The column of each row with the least total cost; at least as many columns as rows."""
    rows, columns = len(cost), len(cost[0])
    of_row, of_column = [0.0] * rows, [0.0] * (columns + 1)
    taken = [-1] * (columns + 1)  # the row that has a column; the last column is where a new row starts
    for row in range(rows):
        column = columns
        taken[column] = row
        distance, before, done = [inf] * columns, [columns] * columns, [False] * (columns + 1)
        while taken[column] != -1:
            done[column] = True
            i = taken[column]
            for j in range(columns):
                if not done[j]:
                    reduced = cost[i][j] - of_row[i] - of_column[j]
                    if reduced < distance[j]:
                        distance[j], before[j] = reduced, column
            following = min((j for j in range(columns) if not done[j]), key=distance.__getitem__)
            step = distance[following]
            for j in range(columns + 1):
                if done[j]:
                    of_row[taken[j]] += step
                    of_column[j] -= step
                elif j < columns:
                    distance[j] -= step
            column = following
        while column != columns:  # the new row takes the free column at the end of its path, the others move over
            taken[column] = taken[before[column]]
            column = before[column]
    found = [0] * rows
    for j in range(columns):
        if taken[j] != -1:
            found[taken[j]] = j
    return found
