"""What is wrong with an input, where, and what to do: one record a problem, all of them in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Notice", "Problem", "ProblemsFound"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect of an input.

    ``line`` and ``column`` count from 1, in characters of the file's text; None where the file has no lines.
    ``json_path`` is written as ``$[7].pred_feedback_timestamps[3]``.
    """

    file: str
    found: str
    expected: str
    hint: str = ""
    line: int | None = None
    column: int | None = None
    json_path: str = ""

    def __str__(self) -> str:
        """One line: where, what was found, what was expected, what to do."""
        where = self.file
        if self.line is not None:
            where += f":{self.line}"
            if self.column is not None:
                where += f":{self.column}"
        if self.json_path:
            where += f" {self.json_path}"
        text = f"{where}: found {self.found}, expected {self.expected}"
        return f"{text} ({self.hint})" if self.hint else text


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth knowing that does not stop the work: counted, with the place of the first one."""

    code: str
    count: int
    text: str
    example: str = ""

    def __str__(self) -> str:
        """One line: the count, what it is, and where the first one stands."""
        return f"{self.text}: {self.count}" + (f" (first: {self.example})" if self.example else "")


class ProblemsFound(ValueError):  # noqa: N818 - the name says what the caller holds: the problems that were found
    """Raised with every problem of an input at once; ``problems`` is never empty."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        if not self.problems:
            raise AssertionError("ProblemsFound needs at least one problem")
        super().__init__("\n".join(str(problem) for problem in self.problems))
