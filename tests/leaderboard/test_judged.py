"""Judges' numbers on a board come from files beside the submissions, never from the submissions themselves."""

import json

import pytest
from commands import biobench
from test_judge_cards import PASSED, write_card

from biobench.chat import Endpoint
from biobench.judging import JudgeOptions
from judges.fake_server import FakeServer
from judges.llm.items import Question
from judges.validation.judge_scorer import JudgeScorer

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


def studied(folder, **options):
    """The card of a judge that a study asked, with all that made its scores as the study's scorer says it."""
    with FakeServer("oracle") as server:
        scorer = JudgeScorer(
            "bio", JudgeOptions((Endpoint(server.base_url, "fake"),), cache=folder / "cache", **options)
        )
        assert scorer.score([Question("squats", "bend your knees", "bend your knees")])
    return write_card(folder / "card.json", PASSED, signature=scorer.signature(), name=scorer.name)


def test_the_card_of_the_judge_that_was_asked_fits_and_another_does_not(submissions, judged, tmp_path):
    board = ("leaderboard", "build", submissions, "--out", tmp_path / "board", "--judged", judged)
    done = biobench(*board, "--card", studied(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "biobench-1.llm_bio, biobench-1.llm_bio_lift: not validated; verified on synthetic data" in done.stdout
    page = (tmp_path / "board" / "systems" / f"{SYSTEM}.html").read_text()
    assert "judge bio: not validated; verified on synthetic data, says its card" in page
    assert "not validated against people" not in page
    assert "canaries injection" in page
    before = (tmp_path / "board" / "index.html").read_bytes()
    done = biobench(*board, "--card", studied(tmp_path, samples=3))
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if "made no number of this board" in line)
    assert line.endswith("samples: 3 against 1)")
    assert (tmp_path / "board" / "index.html").read_bytes() == before
