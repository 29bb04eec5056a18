"""The person who exercises, in frames that may show others: chosen by continuity, since HSMR tracks nobody."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biobench.body.hsmr import HsmrFrames
from biobench.body.motion import Motion
from biobench.problems import Notice, Problem, ProblemsFound

__all__ = ["Choice", "choose_person", "motion_of"]

_MOVED = 0.5
"""Of the box's size: a box does not move by more from one frame to the next, though arms and legs widen it."""
_GROWN = 1.35
"""Nor does it grow or shrink by a larger factor."""
_TURNED_RAD = 1.0
"""Root mean square over the angles: as different as two poses of one person in neighbouring frames never are."""
_GROWTH = 0.05
"""What is allowed grows by this share a frame not seen: half a box a second at 22 frames a second, about 1 m/s, a walk."""
_UNSURE = 1.5
"""Where the second best is within this factor of the best, the choice is called unsure."""


class Choice(NamedTuple):
    """For each frame the chosen person's place among all people, -1 for nobody; and in how many frames it was unsure."""

    rows: NDArray[np.int64]
    unsure: int


def choose_person(frames: HsmrFrames) -> Choice:
    """Follows one person by box and pose.

    It begins with the largest box of the first frame that shows somebody, and goes on with whoever is most like the last
    one seen: by the move of the box, its change of size, and the change of the pose. Somebody else who walks in, who comes
    first in the file, or who is seen alone for a second, does not take over: the frame counts as empty, because nobody moves
    so far in the frames that have passed. Who is gone for many seconds is given up for whoever is left. Nothing is looked at
    before its time: a frame's choice depends on no later frame. Without boxes only poses are compared.
    """
    starts = frames.starts
    rows = np.full(len(frames), -1, dtype=np.int64)
    last, seen_in, unsure = -1, 0, 0
    for k in range(len(frames)):
        people = [p for p in range(starts[k], starts[k + 1]) if np.all(np.isfinite(frames.poses[p]))]
        if not people:
            continue
        if last < 0:
            sizes = [0.0 if np.isnan(frames.boxes[p, 2]) else float(frames.boxes[p, 2]) for p in people]
            best = people[int(np.argmax(sizes))]
        else:
            costs = sorted((_distance(frames, last, p), p) for p in people)
            if costs[0][0] > 1 + _GROWTH * (k - seen_in - 1):
                continue
            best = costs[0][1]
            unsure += len(costs) > 1 and costs[1][0] < _UNSURE * costs[0][0]
        rows[k], last, seen_in = best, best, k
    return Choice(rows, int(unsure))


def motion_of(frames: HsmrFrames, times_s: NDArray[np.float64], source: str = "") -> tuple[Motion, tuple[Notice, ...]]:
    """The motion of the person who is followed, paired with the video's frame times (frames,).

    HSMR's files hold no times: the numbers of frames must agree. Frames without a person, or with NaN, are marked missing.
    Frames whose time is no later than one before are left out, and a notice counts them: nothing moves in no time.
    Raises ``ProblemsFound`` where the numbers differ.
    """
    if len(frames) != len(times_s):
        found, expected = f"{len(frames)} frames of poses", f"{len(times_s)}, as many as the video has frame times"
        raise ProblemsFound(
            [Problem(source or "poses", found, expected, "they belong to another video, or one is cut off")]
        )
    choice = choose_person(frames)
    seen = choice.rows >= 0
    angles = np.full((len(frames), frames.poses.shape[1]), np.nan)
    angles[seen] = frames.poses[choice.rows[seen]]
    shapes = frames.betas[choice.rows[seen]].astype(np.float64)
    shapes = shapes[np.all(np.isfinite(shapes), axis=1)]
    betas = np.median(shapes, axis=0) if len(shapes) else None
    notices = []
    if not np.all(seen):
        first = int(np.flatnonzero(~seen)[0])
        notices.append(
            Notice("frames-without-pose", int((~seen).sum()), "frames without a usable pose", f"frame {first}")
        )
    several = int((frames.people > 1).sum())
    if several:
        text = f"frames with several people, of whom one is followed (unsure in {choice.unsure})"
        notices.append(Notice("several-people", several, text, f"frame {int(np.flatnonzero(frames.people > 1)[0])}"))
    later = _later(times_s)
    if not np.all(later):
        first = int(np.flatnonzero(~later)[0])
        text = "frames left out, whose time is no later than one before"
        notices.append(Notice("frames-out-of-time", int((~later).sum()), text, f"frame {first}"))
    return Motion.of(angles[later], times_s[later], betas, source), tuple(notices)


def _later(times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which times are later than all before them."""
    known = np.where(np.isfinite(times_s), times_s, -np.inf)
    before = np.concatenate([[-np.inf], np.maximum.accumulate(known)[:-1]]) if len(known) else known
    return known > before


def _distance(frames: HsmrFrames, last: int, person: int) -> float:
    """How unlike the last one seen, in units of what one person can't do between two frames."""
    turned = np.angle(np.exp(1j * (frames.poses[person].astype(np.float64) - frames.poses[last])))
    pose: float = float(np.sqrt(np.mean(turned**2))) / _TURNED_RAD
    before, now = frames.boxes[last].astype(np.float64), frames.boxes[person].astype(np.float64)
    if not np.all(np.isfinite(before)) or not np.all(np.isfinite(now)) or before[2] <= 0 or now[2] <= 0:
        return pose
    moved = float(np.hypot(now[0] - before[0], now[1] - before[1])) / (_MOVED * float(before[2]))
    grown = abs(math.log(now[2] / before[2])) / math.log(_GROWN)
    return pose + moved + grown
