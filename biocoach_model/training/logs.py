"""What a training tells of itself: ``log.csv``, TensorBoard, or both. No time in the CSV: equal runs give equal bytes."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from biobench.files import write_text
from biobench.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["Log"]

_HEADER = ("step", "epoch", "loss", "learning_rate", "validation_loss")


class Log:
    """Rows are written with every checkpoint; of an earlier run those up to step ``kept`` stay.

    Raises ``ProblemsFound`` where TensorBoard is asked for and not installed.
    """

    def __init__(self, folder: Path, kind: str, kept: int) -> None:
        self._path = folder / "log.csv"
        self._rows: list[list[str]] = []
        self._csv = kind in ("csv", "both")
        self._board: SummaryWriter | None = _board(folder, kept) if kind in ("tensorboard", "both") else None
        if kept and self._path.is_file():
            with self._path.open(encoding="utf-8", newline="") as file:
                self._rows = [row for row in list(csv.reader(file))[1:] if int(row[0]) <= kept]

    def step(self, step: int, epoch: int, loss: float, rate: float) -> None:
        """One step of the optimizer."""
        self._rows.append([str(step), str(epoch), f"{loss:.6g}", f"{rate:.6g}", ""])
        if self._board is not None:
            self._board.add_scalar("loss", loss, step)
            self._board.add_scalar("learning_rate", rate, step)

    def validation(self, step: int, loss: float) -> None:
        """The validation after the last step."""
        self._rows[-1][-1] = f"{loss:.6g}"
        if self._board is not None:
            self._board.add_scalar("validation_loss", loss, step)

    def flush(self) -> None:
        """Writes what there is."""
        if self._csv:
            stream = io.StringIO()
            csv.writer(stream, lineterminator="\n").writerows([_HEADER, *self._rows])
            write_text(self._path, stream.getvalue())
        if self._board is not None:
            self._board.flush()

    def close(self) -> None:
        """The last rows."""
        self.flush()
        if self._board is not None:
            self._board.close()


def _board(folder: Path, kept: int) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - only where it is asked for
    except ImportError as error:
        expected = "pip install tensorboard, or training.log: csv"
        raise ProblemsFound([Problem("training.log", "tensorboard, which is not installed", expected)]) from error
    return SummaryWriter(str(folder / "tensorboard"), purge_step=kept + 1 if kept else None)
