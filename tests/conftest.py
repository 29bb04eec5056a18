"""A QEVD folder of the test's own making, and the golden layouts."""

import json
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).with_name("data")


class QevdFolder:
    """Writes records in the QEVD layout; every remark lasts 10 frames, with 20 frames of silence around it."""

    def __init__(self, folder):
        self.folder = folder
        self.records = []
        (folder / "long_range_videos").mkdir(parents=True)

    def add(self, video, events, *, frames_missing=0, timestamps=None):
        dense, first_frames = [], []
        for text, _ in events:
            dense += [""] * 20
            first_frames.append(len(dense))
            dense += [text] * 10
        dense += [""] * 20
        nanoseconds = 1_650_000_000_000_000_000 + np.arange(len(dense), dtype=np.int64) * 45_000_000
        seconds = nanoseconds / 1e9 + 28800
        self.records.append(
            {
                "long_range_video_file": f"./long_range_videos/{video}.mp4",
                "video_timestamps": f"./long_range_videos/{video}_timestamps.npy",
                "feedbacks": dense,
                "feedback_timestamps": timestamps or [float(seconds[frame]) for frame in first_frames],
                "is_transition": [transition for _, transition in events],
            }
        )
        frames = nanoseconds[: len(dense) - frames_missing - 20] if frames_missing else nanoseconds
        np.save(self.folder / "long_range_videos" / f"{video}_timestamps.npy", frames)
        self.write()

    def write(self):
        (self.folder / "feedbacks_long_range.json").write_text(json.dumps(self.records))


@pytest.fixture
def qevd(tmp_path):
    return QevdFolder(tmp_path / "QEVD-FIT-COACH-Benchmark")


@pytest.fixture(scope="session")
def well_formed():
    from biobench import load_benchmark

    return load_benchmark(DATA / "qevd_layout" / "well_formed")


@pytest.fixture(scope="session")
def runs():
    return json.loads((DATA / "qevd_layout" / "well_formed.runs.json").read_text())["systems"]
