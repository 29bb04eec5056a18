"""Frames of a video as upright JPEG pictures, for models that see; PyAV is imported when the first is read."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from baselines.asking import CLOCK_S
from biobench.chat import Picture
from biobench.problems import Problem, ProblemsFound
from biocoach_model.inputs import InputFailure

if TYPE_CHECKING:
    import av

__all__ = ["need_av", "pictures_of", "window"]

_QUALITY = 4
"""The quantiser of the encoder, 2 (best) to 31: at 4 a JPEG shows no blocks."""


def need_av() -> str:
    """The version of PyAV. Raises ``ProblemsFound`` with the command that installs it."""
    try:
        import av  # noqa: PLC0415 - in the extra "video"
    except ImportError as error:
        found = f"no package {error.name}"
        raise ProblemsFound([Problem("reading videos", found, "pip install 'biobench[video]'")]) from error
    return str(av.__version__)


def window(times_s: NDArray[np.float64], at_s: float, length_s: float, count: int) -> tuple[int, ...]:
    """Which of the frames at rising ``times_s`` show the ``length_s`` before ``at_s``: at most ``count``, spread evenly.

    Each is the last one before its even time, the last of these ``at_s`` itself, whose own frame is not seen.

    >>> window(np.arange(0.0, 6.0, 0.5), 5.0, 5.0, 2)
    (4, 9)
    """
    wanted = at_s - length_s * np.arange(count - 1, -1, -1) / count - CLOCK_S
    found = np.unique(np.searchsorted(times_s, wanted, side="right") - 1)
    return tuple(int(k) for k in found if k >= 0 and times_s[k] >= at_s - length_s - CLOCK_S)


def pictures_of(path: Path, wanted: Collection[int], frames: int, width: int, *, turned: bool) -> dict[int, Picture]:
    """The ``wanted`` frames of a video of so many ``frames``, by number from 0 in the order in which they are shown.

    They are turned as the file's display matrix says; where it says nothing and the video is ``turned``, a quarter
    clockwise. None is wider than ``width`` pixels. One frame is held at a time. Raises ``InputFailure`` for a file that
    can't be read, is damaged, or has another number of frames (by more than two and one in a hundred); a wanted frame
    that is missing within these is left out.
    """
    import av  # noqa: PLC0415 - in the extra "video"

    pictures, count = {}, 0
    chosen = frozenset(wanted)
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputFailure(f"{path.name} holds no video")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise InputFailure(f"{path.name} is damaged at frame {count}")
                if count in chosen:
                    pictures[count] = _picture(frame, width, turned=turned)
                count += 1
    except (av.FFmpegError, OSError) as error:
        raise InputFailure(f"{path.name} can't be read after {count} frames: {error.strerror}") from error
    if abs(count - frames) > 2 + 0.01 * frames:
        raise InputFailure(f"{path.name} has {count} frames, its file of times has {frames}")
    return pictures


def _picture(frame: av.VideoFrame, width: int, *, turned: bool) -> Picture:
    """One frame, upright."""
    quarters = round(frame.rotation / 90) % 4  # counterclockwise
    if turned and not quarters:
        quarters = 3
    across = frame.height if quarters % 2 else frame.width
    scale = min(1.0, width / across)
    # The encoder halves the colours of rows and columns.
    small = [max(2, 2 * round(length * scale / 2)) for length in (frame.width, frame.height)]
    stored = frame.to_ndarray(format="rgb24", width=small[0], height=small[1], interpolation="AREA")
    upright = np.ascontiguousarray(np.rot90(stored, quarters), dtype=np.uint8)
    return Picture(_jpeg(upright), upright.shape[1], upright.shape[0])


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """A picture (height, width, 3) RGB as a JPEG; an encoder of its own, so that no other picture changes its bytes."""
    import av  # noqa: PLC0415 - in the extra "video"

    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = pixels.shape[1], pixels.shape[0], "yuvj420p"
    codec.time_base, codec.thread_count = Fraction(1, 25), 1
    codec.qmin = codec.qmax = _QUALITY
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuvj420p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
