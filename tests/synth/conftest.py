"""One standard split, made once: its script and its files."""

import pytest

from biobench.synth.make import VIDEOS, make_script
from biobench.synth.write import write_scripts


@pytest.fixture(scope="session")
def script():
    return make_script("test", VIDEOS["test"])


@pytest.fixture(scope="session")
def root(script, tmp_path_factory):
    folder = tmp_path_factory.mktemp("synth") / "SYNTH"
    write_scripts([script], folder)
    return folder


@pytest.fixture(scope="session")
def split_folder(root):
    return root / "QEVD-FIT-COACH-Benchmark"


@pytest.fixture(scope="session")
def said(script):
    """Every remark of both annotators: (performance, remark)."""
    return [
        (performance, remark)
        for video in script.videos
        for remarks in video.remarks.values()
        for performance, of_exercise in zip(video.performances, remarks, strict=True)
        for remark in of_exercise
    ]
