"""Poses and repetitions, as ratios to real time at 30 frames a second on one core.

The peer of reading is a copy of the same bytes; that of counting is SciPy's ``find_peaks`` alone on the raw angle, which counts
every wobble.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from biobench.body.hsmr import HsmrFrames, read, write
from biobench.body.kinematics import joint_positions
from biobench.body.motion import Motion
from biobench.body.repetitions import find_repetitions
from biobench.body.streaming import RepetitionCounter
from biobench.synth.bodies import golden_repetition
from biocoach_model.context import analyse
from biocoach_model.stream import ContextStream

FRAMES, RATE_HZ = 6_000, 30.0


def main() -> None:
    """Prints one line a figure; the best of five runs, in processor time."""
    seconds = FRAMES / RATE_HZ
    times = np.arange(FRAMES) / RATE_HZ
    rng = np.random.default_rng(0)
    angle = np.radians(50 - 40 * np.cos(2 * np.pi * times / 2.6) + rng.normal(0, 2.5, FRAMES))
    offline = best(lambda: find_repetitions(angle, times))
    peer = best(lambda: signal.find_peaks(angle))
    streaming = best(lambda: stream(angle, times), 2)
    print(f"{FRAMES} frames, {seconds:.0f} s of video at {RATE_HZ:g} frames a second")
    print(f"repetitions, offline:   {seconds / offline:8,.0f} times real time (aim 3,000)")
    print(f"find_peaks alone:       {seconds / peer:8,.0f} times real time")
    print(f"repetitions, streaming: {seconds / streaming:8,.0f} times real time (aim 300)")
    once = golden_repetition("squats")
    squats = np.concatenate([once] * (FRAMES // len(once))) + rng.normal(0, 0.035, (FRAMES, 46))
    judged = best(lambda: analyse(Motion.of(squats, times), "squats"))
    print(f"context, offline:       {seconds / judged:8,.0f} times real time (aim 3,000)")
    print(f"context, streaming:     {seconds / best(lambda: follow(squats, times), 2):8,.0f} times real time (aim 300)")
    poses = rng.normal(0, 0.5, (FRAMES, 46))
    print(f"forward kinematics:     {seconds / best(lambda: joint_positions(poses)):8,.0f} times real time")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "HSMR-0001.npy"
        numbers = [rng.normal(size=(FRAMES, width)).astype(np.float32) for width in (46, 10, 3, 3, 3)]
        write(path, HsmrFrames(np.ones(FRAMES, np.int64), *numbers))
        reading, copying = best(lambda: read(path)), best(path.read_bytes)
        print(f"reading HSMR's file:    {reading:8.3f} s (aim 0.5 s); reading its bytes alone {copying:.4f} s")


def best(function: Callable[[], object], runs: int = 5) -> float:
    """The least processor time of several runs."""
    found = []
    for _ in range(runs):
        started = time.process_time()
        function()
        found.append(time.process_time() - started)
    return max(min(found), 1e-9)


def stream(angle: NDArray[np.float64], times: NDArray[np.float64]) -> None:
    """All frames, one at a time."""
    counter = RepetitionCounter()
    for one, time_s in zip(angle.tolist(), times.tolist(), strict=True):
        counter.push(one, time_s)


def follow(poses: NDArray[np.float64], times: NDArray[np.float64]) -> None:
    """All poses, one at a time, each repetition judged."""
    stream_of_poses = ContextStream("squats")
    for pose, time_s in zip(poses, times.tolist(), strict=True):
        stream_of_poses.push(pose, time_s)


if __name__ == "__main__":
    main()
