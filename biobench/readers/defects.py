"""Collects what is wrong with one JSON file, and finds line and column only when there is something to report."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import Locator, json_path, shown
from biobench.readers.json_text import JsonText

__all__ = ["MAX_PROBLEMS", "Defects", "nearest"]

MAX_PROBLEMS = 1000
"""More problems than this are counted, not listed: nobody reads them, and a hostile file could hold millions."""


class Defects:
    """The defects of one file. In JSON Lines set ``line`` to the line that paths start from."""

    def __init__(self, source: JsonText) -> None:
        self.source = source
        self.line: int | None = None
        self._defects: list[tuple[int | None, tuple[str | int, ...], str, str, str]] = []
        self._more = 0

    def add(self, path: Sequence[str | int], found: object, expected: str, hint: str = "") -> None:
        """A value that is not what it should be; ``found`` is shown shortened."""
        self.add_text(path, shown(found), expected, hint)

    def add_text(self, path: Sequence[str | int], found: str, expected: str, hint: str = "") -> None:
        """The same with ``found`` in words."""
        if len(self._defects) < MAX_PROBLEMS:
            self._defects.append((self.line, tuple(path), found, expected, hint))
        else:
            self._more += 1

    def __len__(self) -> int:
        return len(self._defects) + self._more

    def problems(self) -> list[Problem]:
        """All of them, in the order of the file."""
        locator = Locator(self.source)
        problems = [
            Problem(
                self.source.file,
                found,
                expected,
                hint,
                *locator.position(path, line),
                json_path=json_path(path),
            )
            for line, path, found, expected, hint in self._defects
        ]
        problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        if self._more:
            hint = "mend those above and check again"
            problems.append(Problem(self.source.file, f"{self._more} more problems", "none", hint))
        return problems

    def raise_if_any(self) -> None:
        """Raises ``ProblemsFound`` with everything that was added."""
        if self._defects:
            raise ProblemsFound(self.problems())


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean "X"?`` for the most similar known word, or nothing.

    >>> nearest("metero", ["meteor", "rouge_l"])
    'did you mean "meteor"?'
    """
    close = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.5)
    return f'did you mean "{close[0]}"?' if close else ""
