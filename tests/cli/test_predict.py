"""``biobench predict`` and ``biobench subtitles`` as a user meets them; our models come as a plug-in's would."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

WELL_FORMED = str(Path(__file__).parent.parent / "data" / "qevd_layout" / "well_formed")

ROOT = Path(__file__).parent.parent.parent
DATA = str(ROOT / "tests" / "data" / "qevd_layout" / "well_formed")
MODELS = {
    "silence": "baselines.blind:Silence",
    "metronome": "baselines.blind:Metronome",
    "constant-phrase": "baselines.blind:ConstantPhrase",
    "best-timetable": "baselines.blind:BestTimetable",
    "most-frequent-remark": "baselines.blind:MostFrequentRemark",
    "oracle": "baselines.oracles:Oracle",
    "oracle-jitter": "baselines.oracles:OracleJitter",
    "second-annotator": "baselines.oracles:SecondAnnotator",
    "shuffled-text": "baselines.shuffles:ShuffledText",
    "shuffled-times": "baselines.shuffles:ShuffledTimes",
    "donor": "baselines.shuffles:Donor",
    "rule-coach": "baselines.rule_coach:RuleCoach",
    "retrieval": "baselines.retrieval:Retrieval",
    "echo": "baselines.echo:Echo",
    "socratic": "baselines.socratic:Socratic",
    "zero-shot": "baselines.zero_shot:ZeroShot",
    "biocoach": "biocoach_model.released_model:ReleasedBioCoach",
    "biocoach-mini": "biocoach_model.models:BioCoachMini",
    "streamvlm-mini": "biocoach_model.models:StreamVLMMini",
    "trained": "biocoach_model.models:TrainedModel",
}
COMMANDS = {"predict": "biobench.cli.predict:command", "subtitles": "biobench.cli.subtitles:command"}


def distribution(folder, name, groups):
    """A distribution as pip leaves it; one called biobench stands before the one that is installed, if any."""
    info = folder / f"{name}-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def packages(tmp_path):
    folder = tmp_path / "packages"
    distribution(folder, "biobench", {"biobench.models": MODELS, "biobench.commands": COMMANDS})
    return folder


@pytest.fixture
def run(packages, tmp_path):
    def run(*arguments):
        path = os.pathsep.join(filter(None, [str(packages), str(ROOT), os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, "-m", "biobench", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def test_the_package_names_every_model():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project.get("entry-points", {}).get("biobench.models") == MODELS


def test_without_data_the_sample_is_answered_and_that_is_said_first(run, tmp_path):
    done = run("predict", "metronome", "--option", "period_s=3", "--out", "preds.json")
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith("the packaged sample, because no --data was given")
    written = json.loads((tmp_path / "preds.json").read_text())
    remarks = sum(len(entry["feedbacks"]) for entry in written["predictions"])
    expected = (
        f"preds.json: predictions of 'metronome period_s=3', {len(written['predictions'])} entries, {remarks} remarks"
    )
    assert last == expected
    assert [remark["time"] for remark in written["predictions"][0]["feedbacks"]][:2] == [3, 6]
    assert run("validate", "preds.json").returncode == 0


def test_with_data(run, tmp_path):
    done = run("predict", "oracle-jitter", "--data", DATA, "--seed", "7", "--out", "preds.jsonl")
    assert done.returncode == 0, done.stderr
    assert "packaged sample" not in done.stdout
    first = (tmp_path / "preds.jsonl").read_bytes()
    assert json.loads(first.splitlines()[0])["system"] == "oracle-jitter seed=7"
    assert run("predict", "oracle-jitter", "--data", DATA, "--seed", "7", "--out", "preds.jsonl").returncode == 0
    assert (tmp_path / "preds.jsonl").read_bytes() == first
    assert run("validate", "preds.jsonl", "--data", DATA).returncode == 0


def test_a_text_that_no_name_can_hold_is_said_and_not_named(run, tmp_path):
    done = run("predict", "constant-phrase", "--option", "text=one\ntwo = 3", "--option", "stop_s=2", "--out", "p.json")
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "p.json").read_text())
    assert written["system"] == "constant-phrase stop_s=2"
    assert written["predictions"][0]["feedbacks"][0]["text"] == "one\ntwo = 3"


def test_the_list_names_models_and_their_settings(run):
    done = run("predict", "--list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines() if not line.startswith(" ")] == sorted(MODELS)
    assert "period_s = 5 s: from one remark to the next" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["metronom", "--out", "p.json"], 'did you mean "metronome"?'),
        (["metronome", "--option", "periods=3", "--out", "p.json"], 'did you mean "period_s"?'),
        (["silence", "--option", "period_s=3", "--out", "p.json"], "it has no options"),
        (["metronome", "--option", "period_s", "--out", "p.json"], "KEY=VALUE"),
        (["metronome", "--option", "period_s=fast", "--out", "p.json"], "at least 0.1"),
        (["metronome", "--option", "period_s=nan", "--out", "p.json"], "a finite number of s"),
        (["metronome", "--option", "period_s=0", "--out", "p.json"], "at least 0.1"),
        (["metronome", "--option", "period_s=1_0", "--out", "p.json"], "a finite number of s"),
        (["metronome", "--option", "period_s=3", "--option", "period_s=3", "--out", "p.json"], "every option once"),
        (["metronome", "--option", "text= ", "--out", "p.json"], "a text of 1 to 1000 characters"),
        (["second-annotator", "--data", WELL_FORMED, "--out", "p.json"], "without a second annotator"),
        (["metronome", "--data", "nowhere", "--out", "p.json"], "no such folder"),
        (["metronome", "--out", "nowhere/p.json"], "create it first"),
        (["metronome", "--out", "packages"], "a folder"),
        (["metronome", "--seed", "-1", "--out", "p.json"], "--seed"),
        (["metronome"], "--out FILE"),
        ([], "--list"),
    ],
)
def test_mistakes_exit_2_and_write_nothing(run, tmp_path, arguments, word):
    before = sorted(tmp_path.rglob("*"))
    done = run("predict", *arguments)
    assert done.returncode == 2
    assert word in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_stranger_s_model_is_run_and_a_broken_one_named(run, packages, tmp_path):
    (packages / "welcome.py").write_text(
        "from biobench.models import Model, exercise_segments\n"
        "from biobench.records import Entry, Feedback\n"
        "class Welcome(Model):\n"
        "    name, summary = 'welcome', 'greets'\n"
        "    def predict(self, benchmark, options, seed):\n"
        "        return [Entry(s.id, (Feedback(1.0, 'Hello'),)) for s in exercise_segments(benchmark)]\n"
        "class Failing(Welcome):\n"
        "    name = 'failing'\n"
        "    def predict(self, benchmark, options, seed):\n"
        "        raise ZeroDivisionError('oops')\n"
    )
    points = {"welcome": "welcome:Welcome", "failing": "welcome:Failing", "gone": "welcome:Gone", "oracle": "welcome:X"}
    distribution(packages, "welcome", {"biobench.models": points})
    assert run("predict", "welcome", "--out", "p.json").returncode == 0
    assert json.loads((tmp_path / "p.json").read_text())["predictions"][0]["feedbacks"][0]["text"] == "Hello"
    failed = run("predict", "failing", "--out", "q.json")
    assert failed.returncode == 1
    assert "the model failing failed: ZeroDivisionError: oops" in failed.stderr
    broken = run("predict", "gone", "--out", "q.json")
    assert broken.returncode == 2
    assert "AttributeError" in broken.stderr
    assert not (tmp_path / "q.json").exists()
    listed = run("predict", "--list")
    assert "welcome     greets" in listed.stdout
    assert "broken plug-in gone (from welcome)" in listed.stderr
    assert "has this name already" in listed.stderr


def test_subtitles_of_the_sample(run, tmp_path):
    done = run("subtitles", "sample:eager", "--out", "subtitles")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "subtitles").iterdir()}
    kinds = ("reference", "prediction")
    assert names == {f"{number:04}.{kind}.vtt" for number in range(1, 15) for kind in kinds}
    assert "28 files for 14 videos" in done.stdout
    first = (tmp_path / "subtitles" / "0001.reference.vtt").read_bytes()
    assert first.startswith(b"WEBVTT\n\n")
    assert b"<v transition>" in first
    # Again into the same folder: the same bytes, and nothing else there is touched.
    (tmp_path / "subtitles" / "mine.vtt").write_text("mine")
    assert run("subtitles", "sample:eager", "--out", "subtitles").returncode == 0
    assert (tmp_path / "subtitles" / "0001.reference.vtt").read_bytes() == first
    assert (tmp_path / "subtitles" / "mine.vtt").read_text() == "mine"


def test_subtitles_say_what_was_moved(run, tmp_path):
    entries = [{"segment": "0001_0", "feedbacks": [{"time": -500, "text": "early"}, {"time": 1, "text": " "}]}]
    header = {"schema": "biobench/predictions/1", "system": "x", "time": "segment"}
    (tmp_path / "preds.json").write_text(json.dumps({**header, "predictions": entries}))
    done = run("subtitles", "preds.json", "--out", "subtitles")
    assert done.returncode == 0, done.stderr
    assert "before the video's first frame (or after 100 hours), shown at the nearest time: 1" in done.stdout
    assert "blank remarks, not shown: 1" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["sample:eager", "--out", "nowhere/subtitles"], "create it first"),
        (["sample:eager", "--out", "file"], "a folder to write to"),
        (["sample:eger", "--out", "s"], "no packaged predictions"),
        (["absent.json", "--out", "s"], "absent.json"),
        (["pairs.json", "--out", "s"], "no times"),
        (["sample:eager"], "--out"),
    ],
)
def test_mistakes_of_subtitles_exit_2_and_make_no_folder(run, tmp_path, arguments, word):
    (tmp_path / "file").write_text("")
    (tmp_path / "pairs.json").write_text('[{"GT": "a", "Pred": "b"}]')
    done = run("subtitles", *arguments)
    assert done.returncode == 2
    assert word in done.stderr
    assert not (tmp_path / "s").exists()
