"""What a training says of its steps: a CSV file that holds no time, and TensorBoard where it is installed."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from biobench.files import write_bytes
from biobench.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["Row", "TrainingLog"]


@dataclass(frozen=True, slots=True)
class Row:
    """One step: its loss, its learning rate, the sum of its weights, and the validation's loss where one followed."""

    step: int
    epoch: int
    loss: float
    learning_rate: float
    weight: float
    validation_loss: float | None = None


class TrainingLog:
    """The logs of a folder, open for the steps after ``done``: rows of later steps, of an interrupted run, are cut.

    Raises ``ProblemsFound`` where TensorBoard is asked for and not installed, or ``log.csv`` can't be written.
    """

    def __init__(self, folder: Path, kind: Literal["csv", "tensorboard", "both"], done: int) -> None:
        self._board = None if kind == "csv" else _board(folder / "tensorboard", done)
        self._csv: io.TextIOWrapper | None = None
        if kind != "tensorboard":
            path = folder / "log.csv"
            write_bytes(path, _kept(path, done))
            self._csv = path.open("a", encoding="utf-8", newline="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._csv is not None:
            self._csv.close()
        if self._board is not None:
            self._board.close()

    def add(self, row: Row) -> None:
        """Writes a row, at once."""
        if self._csv is not None:
            self._csv.write(_line(astuple(row)))
            self._csv.flush()
        if self._board is not None:
            for name in ("loss", "learning_rate", "weight", "validation_loss"):
                value = getattr(row, name)
                if value is not None:
                    self._board.add_scalar(name, value, row.step)

    def settle(self) -> None:
        """Returns when all rows are on the disk: called before a checkpoint that counts on them."""
        if self._csv is not None:
            os.fsync(self._csv.fileno())
        if self._board is not None:
            self._board.flush()


def _kept(path: Path, done: int) -> bytes:
    """The header and the rows up to the step ``done``. A half-written row, and what follows it, is none."""
    kept = [_line(field.name for field in fields(Row))]
    if done and path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[1:]:
            step = line.split(",", 1)[0]
            if not line.endswith("\n") or not step.isdecimal() or int(step) > done:
                break
            kept.append(line)
    return "".join(kept).encode()


def _line(values: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _board(folder: Path, done: int) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        hint = "pip install tensorboard, or log: csv"
        raise ProblemsFound([Problem(str(folder), "no package tensorboard", "it, to write there", hint)]) from error
    return SummaryWriter(str(folder), purge_step=done + 1 if done else None)
