"""``HSMR-<video>.npy``: the poses that HSMR writes, one dictionary a frame; read safely, written the same, kept as ``.npz``."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from biobench.body.safe_npy import read_object_list, write_object_list
from biobench.body.skel import COUNT
from biobench.files import write_bytes
from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import MAX_PROBLEMS
from biobench.readers.npy import read_numeric_npz

__all__ = ["MOST_PEOPLE", "HsmrFrames", "read", "write", "write_npz"]

Float32s = NDArray[np.float32]

MOST_PEOPLE = 5
"""Of one frame, as HSMR writes at most."""

_WIDTHS = {"poses": COUNT, "betas": 10, "patch_cam_t": 3, "full_cam_t": 3}
_BOX = "bbx_cs"


@dataclass(frozen=True, slots=True, eq=False)
class HsmrFrames:
    """What a file holds, people of all frames one after the other.

    ``people`` has shape (frames,): how many each frame has. ``poses`` (people, 46) radians, ``betas`` (people, 10),
    ``patch_cam_t`` and ``full_cam_t`` (people, 3), ``boxes`` (people, 3): centre and size in pixels, NaN where unknown.
    """

    people: NDArray[np.int64]
    poses: Float32s
    betas: Float32s
    patch_cam_t: Float32s
    full_cam_t: Float32s
    boxes: Float32s

    def __len__(self) -> int:
        return len(self.people)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each frame's people begin, (frames + 1,)."""
        return np.concatenate([[0], np.cumsum(self.people)])


def read(path: Path | str) -> HsmrFrames:
    """Reads HSMR's ``.npy``, or the ``.npz`` that ``write_npz`` makes. Raises ``ProblemsFound`` with every problem.

    Nothing in the file is run, and nothing larger than a small multiple of it is made.
    """
    file = Path(path)
    if file.suffix == ".npz":
        return _read_npz(file)
    items = read_object_list(file)
    problems: list[Problem] = []
    more = 0
    for k, item in enumerate(items):
        wrong = _wrong(str(file), k, item)
        room = MAX_PROBLEMS - len(problems)
        problems += wrong[:room]
        more += len(wrong[room:])
    if more:
        problems.append(Problem(str(file), f"{more} more problems", "none", "mend those above and check again"))
    if problems:
        raise ProblemsFound(problems)
    frames: list[dict[str, NDArray[np.float32]]] = items  # type: ignore[assignment]  # _wrong has seen them
    boxes: list[Float32s] = []
    for frame in frames:
        own = frame[_BOX]
        boxes += [np.full(3, np.nan, np.float32)] * len(frame["poses"]) if own is None else list(own)
    return HsmrFrames(
        people=np.array([len(frame["poses"]) for frame in frames], dtype=np.int64),
        boxes=_stacked([box[None] for box in boxes], 3),
        **{name: _stacked([frame[name] for frame in frames], width) for name, width in _WIDTHS.items()},
    )


def write(path: Path | str, frames: HsmrFrames) -> None:
    """Writes the form that HSMR itself writes: an array of dictionaries. Raises ``ProblemsFound`` as ``write_text``."""
    starts = frames.starts.tolist()
    items: list[dict[str, object]] = []
    for first, end in pairwise(starts):
        boxes = frames.boxes[first:end]
        items.append(
            {
                **{name: np.array(getattr(frames, name)[first:end], dtype=np.float32) for name in _WIDTHS},
                _BOX: None
                if len(boxes) and np.all(np.isnan(boxes))
                else [np.array(b, dtype=np.float32) for b in boxes],
            }
        )
    write_object_list(Path(path), items)


def write_npz(path: Path | str, frames: HsmrFrames) -> None:
    """Writes plain arrays, which anybody can read without a pickle; the same frames give the same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("people", *_WIDTHS, "boxes"):
            member = io.BytesIO()
            npy_format.write_array(member, getattr(frames, name), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue(), zipfile.ZIP_DEFLATED, 6)
    write_bytes(Path(path), stream.getvalue())


def _stacked(parts: list[Float32s], width: int) -> Float32s:
    """All people's numbers; a double too large for HSMR's single precision becomes infinite, which no pose may be."""
    with np.errstate(over="ignore"):
        array: Float32s = np.concatenate(
            [np.zeros((0, width), np.float32), *parts], dtype=np.float32, casting="same_kind"
        )
    return array


def _wrong(file: str, k: int, item: object) -> list[Problem]:
    """What is wrong with one frame's dictionary."""
    place = f"$[{k}]"
    if not isinstance(item, dict):
        return [Problem(file, f"a frame that is {type(item).__name__}", "a dictionary", json_path=place)]
    problems = []
    poses = item.get("poses")
    count: int | None = len(poses) if isinstance(poses, np.ndarray) and poses.ndim == 2 else None
    if count is not None and count > MOST_PEOPLE:
        problems.append(Problem(file, f"{count} people", f"at most {MOST_PEOPLE}", json_path=f"{place}.poses"))
    for name, width in _WIDTHS.items():
        array = item.get(name)
        fits = isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.ndim == 2 and array.shape[1] == width
        if not fits or (isinstance(array, np.ndarray) and count not in {None, len(array)}):
            expected = f"({'people' if count is None else count}, {width}) numbers"
            problems.append(Problem(file, _told(array), expected, json_path=f"{place}.{name}"))
    boxes = item.get(_BOX, "nothing")
    fits = boxes is None or (
        isinstance(boxes, list)
        and len(boxes) == (count or 0)
        and all(isinstance(box, np.ndarray) and box.dtype.kind == "f" and box.shape == (3,) for box in boxes)
    )
    if not fits:
        problems.append(
            Problem(file, _told(boxes), "a list of three numbers a person, or None", json_path=f"{place}.{_BOX}")
        )
    return problems


def _told(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of the shape {value.shape}"
    return "nothing" if value is None or value == "nothing" else f"a {type(value).__name__}"


def _read_npz(path: Path) -> HsmrFrames:
    expected = "the .npz that biobench convert-hsmr writes"
    if not path.is_file():
        raise ProblemsFound([Problem(str(path), "a folder" if path.is_dir() else "no file", expected)])
    arrays = read_numeric_npz(path, ["people", *_WIDTHS, "boxes"], expected)
    people, widths = arrays["people"], {**_WIDTHS, "boxes": 3}
    total = int(people.sum()) if people.dtype == np.int64 and people.ndim == 1 else -1
    good = total >= 0 and bool(np.all((people >= 0) & (people <= MOST_PEOPLE)))  # type: ignore[operator]  # int64, see above
    wrong = [n for n, w in widths.items() if arrays[n].dtype != np.float32 or arrays[n].shape != (total, w)]
    if not good or wrong:
        raise ProblemsFound([Problem(str(path), f"parts that don't fit: {', '.join(wrong) or 'people'}", expected)])
    return HsmrFrames(**arrays)  # type: ignore[arg-type]  # the types were compared
