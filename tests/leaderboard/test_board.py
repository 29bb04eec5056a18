"""Boards: places, tiers and notes from stored results; pages and exports that say the same, with the same bytes."""

import csv
import io
import json
import re
import shutil
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from commands import biobench

from biobench.comparison import compare
from biobench.problems import ProblemsFound
from biobench.results import read_results
from leaderboard.baselines import baseline_cards
from leaderboard.board import make_board
from leaderboard.build import build
from leaderboard.columns import columns, find_column, preferred_order, reported
from leaderboard.digest import digest
from leaderboard.page import board_page
from leaderboard.submission import checksums, open_submissions

SYSTEMS = 18


@pytest.fixture(scope="module")
def digests(submissions):
    return [digest(s, columns(), preferred_order()) for s in open_submissions(submissions)]


@pytest.fixture(scope="module")
def board(digests):
    return make_board(digests, None, "Board")


def test_places_are_those_of_compare(board, submissions):
    results = [read_results(s.results_path) for s in open_submissions(submissions)]
    standing = compare(results, board.order.metric, board.order.protocol)
    named = {f"{d.card.name} {d.card.version}": d.id for d in board.digests}
    expected = {named[rank.name]: (rank.best, rank.worst, rank.tier) for rank in standing.ranks}
    places = {name: (r.best, r.worst, r.tier) for name, r in board.standings[board.order.key].ranks.items()}
    assert places == expected
    assert len(set(expected.values())) > 2
    assert board.smallest_difference == pytest.approx(standing.smallest_difference)


def test_every_ranked_column_has_places_of_its_own(board):
    keys = {column.key for column in board.columns if column.ranked}
    assert keys == set(board.standings)
    assert "biobench-1.latency_median_s" not in keys
    assert board.standings["qevd-2024.t_f_score"].ranks != board.standings["biobench-1.t_lift"].ranks


def test_identical_systems_are_one_tier(submissions, tmp_path, digests):
    from dataclasses import replace

    metronome = next(d for d in digests if d.card.name == "metronome")
    twin = replace(metronome, id="twin-1", entrant=replace(metronome.entrant, system="twin-1"))
    board = make_board([*digests, twin], None, "Board")
    for standing in board.standings.values():
        if "twin-1" in standing.ranks:
            one, other = standing.ranks["twin-1"], standing.ranks[metronome.id]
            assert (one.tier, one.best, one.worst) == (other.tier, other.best, other.worst)


def test_incomplete_coverage_is_not_ranked_and_says_why(board):
    (half,) = (d.id for d in board.digests if d.card.name == "half-coach")
    for standing in board.standings.values():
        assert half not in standing.ranks
    assert board.standings[board.order.key].unranked == {half: "incomplete coverage"}
    assert board.digests[-1].id == half
    assert "not ranked: incomplete coverage" in board_page(board)


def test_the_order_can_be_chosen_and_is_part_of_the_page(digests):
    board = make_board(digests, find_column("qevd-2024.t_f_score"), "Board")
    values = [
        v
        for d in board.digests
        if d.id in board.standings[board.order.key].ranks and (v := board.value(d, board.order)) is not None
    ]
    tiers = [board.standings[board.order.key].ranks[d.id].tier for d in board.digests[:-1]]
    assert tiers == sorted(tiers)
    assert values[0] == max(values)
    with pytest.raises(ProblemsFound, match="t_f_score"):
        find_column("qevd-2024.t_f_scor")
    with pytest.raises(ProblemsFound, match="no system with a score in qevd-2024.bertscore_f1"):
        make_board(digests, find_column("qevd-2024.bertscore_f1"), "Board")


def test_the_oracle_must_be_perfect(submissions, tmp_path):
    to = tmp_path / "to"
    for name in ("oracle-0.1.0", "silence-0.1.0", "metronome-0.1.0"):
        shutil.copytree(submissions / name, to / name)
    oracle = to / "oracle-0.1.0"
    shutil.copy(submissions / "oracle-jitter-0.1.0" / "predictions.json", oracle)
    text = (submissions / "oracle-jitter-0.1.0" / "results.json").read_text()
    (oracle / "results.json").write_text(text)
    (oracle / "SHA256SUMS").write_text(checksums(oracle))
    done = biobench("leaderboard", "build", to, "--out", tmp_path / "site")
    assert done.returncode == 1
    assert "the oracle is not perfect" in done.stdout
    assert "the oracle is not perfect" in (tmp_path / "site" / "index.html").read_text()


def test_missing_baselines_are_named(digests):
    board = make_board([d for d in digests if d.card.name not in {"silence", "oracle"}], None, "Board")
    assert any("no oracle, silence on this board" in note for note in board.notes)
    assert not any("on this board" in note for note in make_board(digests, None, "Board").notes)


def test_a_single_system_has_a_board(digests):
    board = make_board([d for d in digests if d.card.name == "second-annotator"], None, "Board")
    assert "One" not in board.standings[board.order.key].test
    assert any("places are not told apart" in note for note in board.notes)
    assert board_page(board)


def test_results_on_other_data_are_refused(submissions, tmp_path):
    to = shutil.copytree(submissions, tmp_path / "to")
    record = json.loads((to / "silence-0.1.0" / "results.json").read_text())
    record["benchmark"]["sha256"] = "0" * 64
    (to / "silence-0.1.0" / "results.json").write_text(json.dumps(record))
    (to / "silence-0.1.0" / "SHA256SUMS").write_text(checksums(to / "silence-0.1.0"))
    with pytest.raises(ProblemsFound, match="silence-0.1.0: found results on sha256 0000"):
        build(to, tmp_path / "site")


def test_results_of_other_versions_are_refused(submissions, tmp_path):
    to = shutil.copytree(submissions, tmp_path / "to")
    path = to / "silence-0.1.0" / "results.json"
    path.write_text(path.read_text().replace("biobench:0.1.0", "biobench:0.0.9"))
    (path.parent / "SHA256SUMS").write_text(checksums(path.parent))
    done = biobench("leaderboard", "build", to, "--out", tmp_path / "site")
    assert done.returncode == 2
    assert "biobench: 0.1.0 against 0.0.9" in done.stderr or "biobench: 0.0.9 against 0.1.0" in done.stderr


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_submissions_give_the_same_bytes(submissions, tmp_path, monkeypatch):
    build(submissions, tmp_path / "a", title="T")
    copy = shutil.copytree(submissions, tmp_path / "copied")
    monkeypatch.setattr("leaderboard.build._FEW", 0)
    done = biobench("leaderboard", "build", copy, "--out", tmp_path / "b", "--title", "T", cwd=tmp_path)
    assert done.returncode == 0
    build(copy, tmp_path / "c", title="T", processes=2)
    assert files(tmp_path / "a") == files(tmp_path / "b") == files(tmp_path / "c")
    assert len(files(tmp_path / "a")) == SYSTEMS + 5


def test_a_site_is_replaced_whole_and_nothing_else_ever(submissions, tmp_path):
    site = tmp_path / "site"
    build(submissions, site)
    (site / "systems" / "old.html").write_text("old")
    build(submissions, site)
    assert not (site / "systems" / "old.html").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    with pytest.raises(ProblemsFound, match="holds something else"):
        build(submissions, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "mine"
    with pytest.raises(ProblemsFound, match="create it first"):
        build(submissions, tmp_path / "no" / "site")
    assert {path.name for path in tmp_path.iterdir()} == {"site", "mine"}


class Checker(HTMLParser):
    """Every element that is opened is closed; texts in the body by element."""

    def __init__(self):
        super().__init__()
        self.stack, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br", "input", "img"}:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


@pytest.mark.parametrize("name", ["index.html", "systems/half-coach-1.0.html"])
def test_pages_are_well_formed_and_ask_for_nothing(site, name):
    text = (site / name).read_text()
    checker = Checker()
    checker.feed(text)
    assert checker.stack == []
    for tag, attributes in checker.seen:
        assert not any(key.startswith("on") or key == "style" for key in attributes), (tag, attributes)
        for key in ("src", "href", "action"):
            link = attributes.get(key, "")
            assert not re.match(r"(?i)\s*(https?:|//|javascript:)", link) or tag == "a", (tag, link)
    policy = next(a["content"] for t, a in checker.seen if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_pictures_are_well_formed(site):
    text = (site / "index.html").read_text()
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) == 5
    for picture in pictures:
        assert ET.fromstring(picture).get("aria-label")  # noqa: S314 - our own page


def test_exports_say_the_same(site):
    rows = list(csv.DictReader(io.StringIO((site / "board.csv").read_text())))
    assert len(rows) == SYSTEMS
    half = next(row for row in rows if row["id"] == "half-coach-1.0")
    assert (half["best_place"], half["not_ranked"]) == ("", "incomplete coverage")
    oracle = next(row for row in rows if row["id"] == "oracle-0.1.0")
    assert (oracle["best_place"], float(oracle["biobench-1.t_f_score"])) == ("1", 1.0)
    markdown = (site / "board.md").read_text()
    assert "half-coach 1.0" in markdown
    assert "\\<script>" in markdown
    latex = (site / "board.tex").read_text()
    assert latex.count(r" \\") == SYSTEMS + 1


def test_reported_rows_have_sources_and_no_place(site):
    text = (site / "index.html").read_text()
    board, _, rest = text.partition("Reported elsewhere")
    rows = [row for table in reported() for row in table.rows]
    assert len(rows) == 14
    for row in rows:
        assert "20" in row.source
        assert row.system in rest
        assert f">{row.system}<" not in board
    assert "0.312" in rest
    assert "2.720" in rest


def test_baseline_cards_are_cards():
    from biobench.models import models
    from leaderboard.card import parse_card

    cards = baseline_cards()
    assert len(cards) >= 8
    assert set(cards) <= set(models().all)
    for card in cards.values():
        assert parse_card(card.to_toml().encode(), card.name) == card


def test_the_example_board_of_the_documentation_is_what_the_command_makes(tmp_path):
    from pathlib import Path

    done = biobench("leaderboard", "example", "--out", tmp_path / "board")
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "board") == files(Path(__file__).parent.parent.parent / "docs" / "example-board")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["leaderboard", "build", "absent", "--out", "site"], "no folder"),
        (["leaderboard", "build", ".", "--out", "site"], "no submissions"),
        (["leaderboard", "build", ".", "--out", "site", "--metric", "t_lift"], "biobench-1.t_lift"),
        (["leaderboard", "build", "."], "--out"),
        (["leaderboard", "biuld"], "build"),
    ],
)
def test_mistakes(arguments, word, tmp_path):
    (tmp_path / "to").mkdir()
    done = biobench(*arguments, cwd=tmp_path / "to")
    assert done.returncode == 2
    assert word in done.stderr
    assert list((tmp_path / "to").iterdir()) == []
