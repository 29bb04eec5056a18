"""Whole processes on a benchmark of QEVD's test size: time and memory of ``evaluate``, and of ``--help``.

Run it with ``make bench``. The peer of ``evaluate`` is the same command with nltk and rouge_score themselves
(``--engine reference``); the peer of ``--help`` is a bare interpreter. Figures are the best of several runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

VIDEOS, EXERCISES, REMARKS = 74, 424, 2013
FRAMES_A_SECOND = 22.0
EXERCISE_NAMES = ["squats", "push ups", "high knees", "plank taps", "walking lunges", "toe touchers", "quick feet"]
PARTS = (
    ["Nice", "Good", "Okay", "Come on", "Easy", "Well done", "Right then", "Keep it up", "Almost", "Hey"],
    ["lower your hips", "bend the left knee", "push the right heel down", "lift your chest", "slow the way down",
     "reach a little further", "keep your elbows in", "open the shoulders", "drive the knees up", "brace your core"],
    ["to about 90°", "a touch more", "on the next rep", "for two more", "without rounding your back", "at the bottom",
     "and hold", "by 10 degrees", "as you breathe out", "right away"],
)  # fmt: skip


def main() -> None:
    """Prints one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    os.environ.setdefault("NLTK_DATA", str(Path(__file__).resolve().parent.parent / ".cache" / "nltk_data"))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        predictions = write_benchmark(root)
        evaluate = ["evaluate", str(predictions), "--data", str(root)]
        published = [*evaluate, "--no-baselines", "--protocol", "qevd-2024", "--protocol", "var-2026"]
        bare, _ = best([sys.executable, "-c", "pass"], runs)
        helped, _ = best(biobench("--help"), runs)
        fast, memory = best(biobench(*published), runs)
        ours, our_memory = best(biobench(*evaluate, "--protocol", "biobench-1"), runs)
        default, default_memory = best(biobench(*evaluate), runs)
        reference, reference_memory = best(biobench(*published, "--engine", "reference"), 1)
    print(f"{VIDEOS} videos, {EXERCISES} segments, 2,000 predictions; whole processes, best of {runs}")
    print(f"both published protocols:        {fast:5.2f} s {memory:5.0f} MB  (aim: under 1.0 s, 150 MB)")
    print(
        f"the same, nltk and rouge_score:  {reference:5.2f} s {reference_memory:5.0f} MB  ({reference / fast:.1f} times as long)"
    )
    print(f"biobench-1, chance, intervals:   {ours:5.2f} s {our_memory:5.0f} MB  (aim: under 3 s)")
    print(f"the default, with qevd-2024:     {default:5.2f} s {default_memory:5.0f} MB")
    print(f"--help: {helped - bare:.3f} s more than a bare interpreter's {bare:.3f} s (aim: under 0.15 s more)")


def biobench(*arguments: str) -> list[str]:
    """The command line of one biobench process."""
    return [sys.executable, "-m", "biobench", *arguments]


def best(command: list[str], runs: int) -> tuple[float, float]:
    """Least wall-clock seconds and the peak resident memory in MB of the runs of a command."""
    seconds, memory = [], []
    for _ in range(runs):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        memory.append(usage.ru_maxrss / 1024)
        if status:
            raise SystemExit(f"{command} failed")
    return min(seconds), max(memory)


def write_benchmark(root: Path) -> Path:
    """A split of QEVD's test size in its layout, and a file of 2,000 predictions near its remarks."""
    rng = random.Random(0)
    folder = root / "QEVD-FIT-COACH-Benchmark"
    (folder / "long_range_videos").mkdir(parents=True)
    exercises = [EXERCISES // VIDEOS + (k < EXERCISES % VIDEOS) for k in range(VIDEOS)]
    per_exercise = [REMARKS // EXERCISES + (k < REMARKS % EXERCISES) for k in range(EXERCISES)]
    records, predictions = [], []
    for video, count in enumerate(exercises):
        start = 1_650_000_000 + 1000 * video
        events: list[tuple[float, str, bool]] = []
        clock = 2.0
        for k in range(count):
            name = rng.choice(EXERCISE_NAMES)
            events.append((clock, f"{'Moving on to' if k else 'First up are'} {name}!", True))
            entry = {"segment": f"{video:04}_{k}", "feedbacks": []}
            begin, clock = clock, clock + 5.0
            for _ in range(per_exercise.pop()):
                events.append((clock, sentence(rng), False))
                said = {"time": clock - begin + rng.gauss(0.3, 0.8), "text": sentence(rng)}
                if len(predictions) == 0 or rng.random() < 2000 / REMARKS:
                    entry["feedbacks"].append(said)  # type: ignore[attr-defined]
                clock += rng.uniform(3.0, 7.6)
            clock += 4.0
            predictions.append(entry)
        events.append((clock, "That's the end of the session.", True))
        records.append(write_video(folder, f"{video:04}", start, events, clock + 4.0))
    (folder / "feedbacks_long_range.json").write_text(json.dumps(records))
    path = root / "predictions.json"
    header = {"schema": "biobench/predictions/1", "system": "bench", "time": "segment", "predictions": predictions}
    path.write_text(json.dumps(header))
    return path


def write_video(
    folder: Path, video: str, start: float, events: list[tuple[float, str, bool]], end: float
) -> dict[str, object]:
    """Writes the frame times of one video and gives its record."""
    frames = int(end * FRAMES_A_SECOND)
    dense = [""] * frames
    for moment, text, _ in events:
        first = int(moment * FRAMES_A_SECOND)
        dense[first : first + 40] = [text] * 40
    nanoseconds = (start * 1e9 + np.arange(frames) * (1e9 / FRAMES_A_SECOND)).astype(np.int64)
    np.save(folder / "long_range_videos" / f"{video}_timestamps.npy", nanoseconds)
    return {
        "long_range_video_file": f"./long_range_videos/{video}.mp4",
        "video_timestamps": f"./long_range_videos/{video}_timestamps.npy",
        "feedbacks": dense,
        "feedback_timestamps": [start + 28800 + moment for moment, _, _ in events],
        "is_transition": [transition for _, _, transition in events],
    }


def sentence(rng: random.Random) -> str:
    """A remark composed of three parts; most are distinct."""
    first, second, third = (rng.choice(part) for part in PARTS)
    end = rng.choice([".", "!", "...", ""])
    return f"{first}, {second} {third}{end} {rng.choice(['', str(rng.randrange(1, 40))])}".strip()


if __name__ == "__main__":
    main()
