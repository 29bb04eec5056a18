"""Judges' numbers on a board come from files beside the submissions, never from the submissions themselves."""

import json

import pytest
from commands import biobench

from judges.fake_server import FakeServer

SYSTEM = "second-annotator-0.1.0"


@pytest.fixture(scope="module")
def judged(submissions, tmp_path_factory):
    """The second annotator, judged by a server on this machine."""
    folder = tmp_path_factory.mktemp("judged")
    with FakeServer("oracle") as server:
        done = biobench(
            "judge", "score", submissions / SYSTEM / "predictions.json", "--model", "fake", "--base-url", server.base_url,
            "--cache", folder / "cache.sqlite", "--out", folder / f"{SYSTEM}.json",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_the_board_shows_what_the_judge_gave_and_that_nobody_validated_it(submissions, judged, tmp_path):
    done = biobench("leaderboard", "build", submissions, "--out", tmp_path / "board", "--judged", judged)
    assert done.returncode == 0, done.stderr
    scores = json.loads((judged / f"{SYSTEM}.json").read_text())["scores"]
    value = next(score["value"] for score in scores if score["metric"] == "llm_bio")
    table = (tmp_path / "board" / "board.csv").read_text()
    assert f"{value:.2f}" in table or repr(value) in table
    index = (tmp_path / "board" / "index.html").read_text()
    assert "judge bio" in index
    assert "Not validated" in index
    page = (tmp_path / "board" / "systems" / f"{SYSTEM}.html").read_text()
    assert "canaries injection" in page
    assert "not validated against people" in page


def test_without_judges_there_is_no_column(submissions, tmp_path):
    assert biobench("leaderboard", "build", submissions, "--out", tmp_path / "board").returncode == 0
    assert "judge bio" not in (tmp_path / "board" / "index.html").read_text()


def test_a_judges_file_of_other_predictions_or_of_no_system_is_refused(submissions, judged, tmp_path):
    folder = tmp_path / "judged"
    folder.mkdir()
    (folder / "silence-0.1.0.json").write_bytes((judged / f"{SYSTEM}.json").read_bytes())
    done = biobench("leaderboard", "build", submissions, "--out", tmp_path / "board", "--judged", folder)
    assert done.returncode == 2
    assert "a judge's results of other predictions" in done.stderr
    (folder / "silence-0.1.0.json").rename(folder / "nobody-1.json")
    done = biobench("leaderboard", "build", submissions, "--out", tmp_path / "board", "--judged", folder)
    assert done.returncode == 2
    assert "a judge's results of no system here" in done.stderr
    done = biobench("leaderboard", "build", submissions, "--out", tmp_path / "board", "--judged", tmp_path / "absent")
    assert done.returncode == 2
    assert not (tmp_path / "board").exists()
