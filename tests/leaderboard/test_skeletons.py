"""Figures in the timeline: the pose of the moment, small, only where the data are the board's own."""

import base64

import numpy as np
import pytest
from commands import biobench, made_once

from biobench import load_benchmark
from biobench.problems import ProblemsFound
from leaderboard.skeletons import RATE_HZ, Skeletons


@pytest.fixture(scope="session")
def with_poses(tmp_path_factory):
    """A board of QEVD-synth with bodies: (data, site)."""

    def make(folder):
        folder.mkdir()
        for arguments in (
            ["synth", folder / "DATA", "--bodies", "--videos", 7],
            ["leaderboard", "baselines", "--data", folder / "DATA", "--to", folder / "to"],
            ["leaderboard", "build", folder / "to", "--out", folder / "site", "--poses", folder / "DATA"],
        ):
            done = biobench(*arguments)
            assert done.returncode == 0, done.stderr

    folder = made_once(tmp_path_factory, "with-poses", make)
    return folder / "DATA", folder / "site"


def test_the_figure_plays_and_follows_the_chosen_moment(opened, with_poses):
    page_file = next((with_poses[1] / "systems").glob("second-annotator*"))
    assert page_file.stat().st_size < 400_000
    watched = opened(page_file)
    page = watched.page
    assert page.locator("#figure").is_visible()
    ink = "document.getElementById('figure-canvas').toDataURL()"
    before = page.evaluate(ink)
    page.locator("#events tbody tr").nth(3).click()
    told = page.locator("#figure-told").text_content()
    assert "°" in told
    after = page.evaluate(ink)
    assert before != after
    page.locator("#figure-time").fill("5")
    assert page.locator("#figure-told").text_content() != told
    page.locator("#figure-play").click()
    for _ in range(100):  # the page forbids the evaluation that wait_for_function needs
        if int(page.locator("#figure-time").input_value()) > 8:
            break
        page.wait_for_timeout(100)
    assert int(page.locator("#figure-time").input_value()) > 8
    page.locator("#figure-play").click()
    assert page.locator("#figure-play").text_content() == "play"
    watched.assert_quiet()


@pytest.mark.parametrize("width", [360, 1440])
def test_it_fits_a_phone(opened, with_poses, width):
    watched = opened(next((with_poses[1] / "systems").glob("donor*")), width)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.assert_quiet()


def test_without_poses_there_is_no_figure(opened, site):
    watched = opened(next((site / "systems").glob("half*")))
    assert not watched.page.locator("#figure").is_visible()
    watched.assert_quiet()


def test_points_are_the_pose(with_poses):
    benchmark = load_benchmark(with_poses[0])
    figures = Skeletons(benchmark, benchmark.source_sha256).of(["0001_0", "0001_1", "9999_0"])
    assert set(figures) == {"0001_0", "0001_1"}
    for figure in figures.values():
        points = np.frombuffer(base64.b64decode(figure["points"]), np.int8).reshape(-1, 24, 2)
        assert len(points) == len(figure["right"]) == len(figure["left"])
        assert len(points) / RATE_HZ == pytest.approx(34, abs=5)
        seen = points[[angle is not None for angle in figure["right"]]].astype(int)
        assert np.all(seen[:, 0] == 0), "the pelvis is the middle"
        assert seen.min() > -128
    again = Skeletons(benchmark, benchmark.source_sha256).of(["0001_0", "0001_1"])
    assert again == figures


def test_other_data_and_data_without_poses_are_refused(with_poses, submissions, tmp_path):
    done = biobench("leaderboard", "build", submissions, "--out", tmp_path / "site", "--poses", with_poses[0])
    assert done.returncode == 2
    assert "the board's data" in done.stderr
    assert not (tmp_path / "site").exists()
    sample = load_benchmark(None)
    with pytest.raises(ProblemsFound, match="no poses"):
        Skeletons(sample, sample.source_sha256)
