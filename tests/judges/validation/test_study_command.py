"""``biobench study`` as users run it: plan, sample, form, run, report."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from study_events import export
from test_scorers import small_plan

from judges.fake_server import FakeServer
from judges.validation.events import read_events
from judges.validation.plan import packaged_plan

SYSTEMS = ("sample:eager", "sample:late_paraphraser", "sample:metronome5")


def start(*arguments, cache):
    return subprocess.Popen(
        [sys.executable, "-m", "biobench", "study", *map(str, arguments)],
        env={**os.environ, "XDG_CACHE_HOME": str(cache), "OPENAI_API_KEY": "sk-secret", "COLUMNS": "140"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def study(tmp_path):
    def run(*arguments):
        process = start(*arguments, cache=tmp_path)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err
        assert "sk-secret" not in out + err
        return process.returncode, out, err

    return run


@pytest.fixture
def planned(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "plan.toml").write_text(small_plan())
    return folder


def test_a_new_plan_is_the_packaged_one(study, tmp_path):
    folder = tmp_path / "new" / "study"
    code, out, _ = study("plan", folder)
    assert code == 0
    assert re.search(r"[\d,]+ distinct questions", out)
    assert (folder / "plan.toml").read_text() == packaged_plan()
    assert len((folder / "items.jsonl").read_text().splitlines()) > 2000


def test_a_full_report_without_people(study, planned):
    folder = planned
    assert study("plan", folder)[1].startswith(f"{folder / 'plan.toml'}: there already, kept")
    code, out, err = study("run", folder)
    assert (code, err) == (0, "")
    assert all(f"{name}: asked" in out for name in ("meteor", "rouge_l", "bioclaim", "length", "reference-only"))
    code, out, _ = study("report", folder)
    assert code == 0
    assert out.startswith("judge studies, verified on synthetic data")
    row = next(line for line in out.splitlines() if line.startswith("meteor"))
    assert "failed S4" in row
    assert {path.name for path in (folder / "report").iterdir()} == {"index.html", "report.md", "report.json", "cards"}
    report = json.loads((folder / "report" / "report.json").read_text())
    assert report["title"] == "verified on synthetic data"
    card = json.loads((folder / "report" / "cards" / "meteor.json").read_text())
    assert card["schema"] == "biobench/judge-card/1"
    assert [found["study"] for found in card["studies"]] == [f"S{k}" for k in range(10)]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert "meteor: up to date" in study("run", folder)[1]
    assert study("report", folder)[0] == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_with_people(study, planned, tmp_path):
    assert study("sample", planned, *SYSTEMS)[0] == 0
    events = read_events(planned / "events.json")
    code, out, _ = study("form", planned, "--rater", "Ann", "--rater", "Bo <b>")
    assert code == 0
    pages = sorted((planned / "forms").iterdir())
    assert len(pages) == 2
    assert not [name for page in pages for name in events.systems if name in page.read_text(encoding="utf-8")]
    files = []
    for k, rater in enumerate(("Ann", "Bo", "Cy")):
        path = tmp_path / f"{rater}.json"
        path.write_text(json.dumps(export(events, rater, lambda event, n, k=k: 1 + (n + len(event.id) + k // 2) % 5)))
        files += ["--ratings", path]
    code, out, err = study("run", planned, *files)
    assert code == 0, err
    assert "Ann: " in out
    assert sorted(path.name for path in (planned / "ratings").iterdir()) == ["Ann.json", "Bo.json", "Cy.json"]
    code, out, err = study("run", planned, *files)
    assert ", in the place of " in out
    code, out, _ = study("report", planned)
    assert out.startswith("judge studies, with the ratings of 3 people")
    report = json.loads((planned / "report" / "report.json").read_text())
    assert report["basis"]["people"]["raters"] == 3
    card = next(card for card in report["cards"] if card["scorer"] == "bioclaim")
    agreement, replacement = (next(s for s in card["studies"] if s["study"] == name) for name in ("S2", "S3"))
    assert {number["name"] for number in agreement["numbers"]} >= {"s2_accuracy", "s2_tau_b", "s2_over_length"}
    assert agreement["verdict"] != "NOT SHOWN" or agreement["why"]
    assert replacement["numbers"] or replacement["why"]
    code, _, err = study("sample", planned, *SYSTEMS)
    assert code == 2
    assert "events of forms that are out" in err
    (planned / "events.json").rename(tmp_path / "events.json")
    code, _, err = study("report", planned)
    assert code == 2
    assert "the events that were rated" in err


def test_a_second_export_of_a_rater_replaces_the_first(study, planned, tmp_path):
    assert study("sample", planned, *SYSTEMS)[0] == 0
    events = read_events(planned / "events.json")
    path = tmp_path / "a.json"
    for score in (2, 4):
        path.write_text(json.dumps(export(events, "Ann", lambda event, k, score=score: score)))
        assert study("run", planned, "--ratings", path)[0] == 0
    kept = json.loads((planned / "ratings" / "Ann.json").read_text())
    assert {rating["score"] for rating in kept["ratings"]} == {4}
    path.write_text(json.dumps(export(events, " ann", lambda event, k: 5)))
    assert study("run", planned, "--ratings", path)[0] == 0
    (only,) = (planned / "ratings").iterdir()
    assert {rating["score"] for rating in json.loads(only.read_text())["ratings"]} == {5}
    assert study("report", planned)[0] == 0


def test_ratings_that_are_wrong_change_nothing(study, planned, tmp_path):
    assert study("sample", planned, *SYSTEMS)[0] == 0
    events = read_events(planned / "events.json")
    good, bad = tmp_path / "a.json", tmp_path / "b.json"
    good.write_text(json.dumps(export(events, "Ann")))
    content = export(events, "Bo")
    content["ratings"][0]["score"] = 6
    content["ratings"][1]["event"] = "nowhere"
    bad.write_text(json.dumps(content))
    code, _, err = study("run", planned, "--ratings", good, "--ratings", bad)
    assert code == 2
    assert err.count("b.json") == 2
    assert not (planned / "ratings").exists()
    assert not (planned / "scores").exists()


def test_a_judge_beside_the_metrics(study, planned):
    with FakeServer("oracle") as server:
        at = ("--judge", "bio", "--model", "m", "--base-url", server.base_url)
        code, out, _ = study("run", planned, *at, "--estimate")
        assert code == 0
        assert "price: unknown" in out
        assert server.counts().attempts == 0
        assert not (planned / "scores").exists()
        code, out, _ = study("run", planned, *at)
        assert code == 0
        assert "bio@m: asked" in out
        assert study("run", planned, *at)[1].count("up to date") == 8
    code, out, _ = study("report", planned)
    assert any(line.startswith("bio@m ") for line in out.splitlines())


def test_a_killed_study_goes_on_where_it_stopped(planned, study, tmp_path):
    with FakeServer("oracle", "latency:ms=20") as server:
        at = ("--judge", "bio", "--model", "m", "--base-url", server.base_url)
        process = start("run", planned, *at, cache=tmp_path)
        until = time.monotonic() + 60
        while server.counts().answered < 60:
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not list((planned / "scores").glob("bio-m*"))
        answered = server.counts().answered
        code, out, _ = study("run", planned, *at)
        assert code == 0
        assert "meteor: up to date" in out
        total = server.counts().answered
    with FakeServer("oracle") as fresh:
        at = ("--judge", "bio", "--model", "m", "--base-url", fresh.base_url, "--cache", tmp_path / "other.sqlite")
        next((planned / "scores").glob("bio-m*")).unlink()
        assert study("run", planned, *at)[0] == 0
        whole = fresh.counts().answered
    # What was on its way when the process died is asked again, and nothing else.
    assert total < whole + answered
    assert total - whole < 64


def test_what_is_missing_is_exit_1(study, planned):
    with FakeServer("oracle") as server:
        at = ("--judge", "bio", "--model", "m", "--base-url", server.base_url, "--budget-calls", "30")
        code, out, err = study("run", planned, *at)
    assert code == 1
    assert "budget" in err
    assert "meteor: asked" in out
    assert study("report", planned)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "{}"), "biobench study plan"),
        (("report", "{}"), "biobench study plan"),
        (("sample", "{}", *SYSTEMS), "biobench study plan"),
        (("form", "{}"), "biobench study plan"),
    ],
)
def test_without_a_plan(study, tmp_path, arguments, told):
    code, _, err = study(*(one.format(tmp_path / "none") for one in arguments))
    assert code == 2
    assert told in err


def test_steps_out_of_order(study, planned, tmp_path):
    assert "biobench study sample" in study("form", planned)[2]
    assert "no scores" in study("report", planned)[2]
    code, _, err = study("run", planned, "--ratings", tmp_path / "no.json")
    assert (code, "no events" in err) == (2, True)
    code, _, err = study("run", planned, "--model", "m")
    assert (code, "--judge" in err) == (2, True)
    code, _, err = study("run", planned, "--metric", "metero")
    assert (code, "meteor" in err) == (2, True)
    code, _, err = study("sample", planned, *SYSTEMS[:2])
    assert code == 2
    (planned / "plan.toml").write_text("seed = 1")
    code, _, err = study("run", planned)
    assert code == 2
    assert err.count("plan.toml") > 3


def test_a_file_in_the_way(study, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = study("plan", tmp_path / "file")
    assert (code, "file" in err) == (2, True)
