"""A QEVD folder of the test's own making, and the golden layouts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).with_name("data")
AXE = Path(__file__).parent.parent / ".cache" / "axe-core" / "package" / "axe.min.js"


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


@pytest.fixture(scope="module")
def browser():
    """Closed with its module: while it is open, an event loop runs in this process, and no other test can have one."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("NO BROWSER: chromium is not installed (apt-get install chromium), so no page was opened")
    sync_api = pytest.importorskip("playwright.sync_api", reason="NO BROWSER: playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]  # fmt: skip
        running = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield running
        running.close()


@pytest.fixture(scope="session")
def axe():
    """``axe(page)`` looks for barriers on a page that was opened with ``bypass_csp``.

    It gives those that are serious or critical, or of any ``impacts`` named. More than ``passes`` rules must have found something
    to look at.
    """
    if not AXE.exists():
        pytest.skip("NO AXE: make .cache/axe-core fetches axe-core from npm")
    source = AXE.read_text()

    def barriers(page, passes=15, impacts=("serious", "critical")):
        page.evaluate(source)
        found = page.evaluate("axe.run(document)")
        assert len(found["passes"]) > passes
        return [
            (v["id"], v["impact"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"][:300])
            for v in found["violations"]
            if v["impact"] in impacts
        ]

    return barriers
