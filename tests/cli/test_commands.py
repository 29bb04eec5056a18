"""The command line as a user meets it: output, exit status, and no traceback for a mistake."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

LAYOUTS = Path(__file__).parent.parent / "data" / "qevd_layout"
DATA = str(LAYOUTS / "well_formed")


def run(*arguments, **options):
    done = subprocess.run(
        [sys.executable, "-m", "biobench", *map(str, arguments)], capture_output=True, check=False, **options
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def preds(tmp_path, runs):
    path = tmp_path / "preds.json"
    path.write_text(json.dumps(runs["jitter"]["predictions"]))
    return path


def test_evaluate_on_the_sample_says_so_first():
    done = run("evaluate", "sample:late_paraphraser")
    assert done.returncode == 0
    assert done.stdout.startswith("the packaged sample, because no --data was given")
    assert "t_f_score" in done.stdout
    assert "coverage" in done.stdout


def test_evaluate_with_data_writes_results(preds, tmp_path):
    out = tmp_path / "results.json"
    done = run("evaluate", preds, "--data", DATA, "--protocol", "qevd-2024", "--protocol", "var-2026", "--out", out)
    assert done.returncode == 0
    assert "packaged sample" not in done.stdout
    assert {score["protocol"] for score in json.loads(out.read_text())["scores"]} == {"qevd-2024", "var-2026"}
    assert "0.958 " in done.stdout


def test_the_same_bytes_again(preds):
    first = run("evaluate", preds, "--data", DATA, "--format", "json")
    assert first.stdout == run("evaluate", preds, "--data", DATA, "--format", "json").stdout


@pytest.mark.parametrize("form", ["json", "csv", "markdown", "latex"])
def test_forms(preds, form):
    done = run("evaluate", preds, "--data", DATA, "--format", form)
    assert done.returncode == 0
    if form == "json":
        assert json.loads(done.stdout)["schema"] == "biobench/results/1"
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        values = {(row["protocol"], row["metric"]): row["value"] for row in rows}
        assert float(values["qevd-2024", "t_f_score"]) == 0.9583333333328133
        assert float(values["biobench-1", "t_f_score"]) > 0.9
    elif form == "markdown":
        assert "| t\\_f\\_score | 0.958 | \\[" in done.stdout
    else:
        assert r"t\_f\_score & 0.958 &" in done.stdout


def test_incomplete_coverage_is_shown_and_exits_0(tmp_path, runs):
    path = tmp_path / "partial.json"
    path.write_text(json.dumps(runs["partial"]["predictions"]))
    done = run("evaluate", path, "--data", DATA)
    assert done.returncode == 0
    assert "coverage 6 of 16 segments" in done.stdout
    assert "INCOMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["evaluate", "absent.json"], "no such file"),
        (["evaluate", "sample:absent"], "sample:late_paraphraser"),
        (["evaluate", "."], "a folder"),
        (["evaluate", "sample:metronome5", "--data", "nowhere"], "no such folder"),
        (["evaluate", "sample:metronome5", "--data", DATA], "packaged predictions"),
        (["evaluate", "sample:metronome5", "--protocol", "qevd2024"], 'did you mean "qevd-2024"?'),
        (["evaluate", "sample:metronome5", "--exercise", "yoga"], "--exercise"),
        (["evaluate", "sample:metronome5", "--out", "no/such/folder/x.json"], "create it first"),
        (["evaluate", "sample:metronome5", "--split", "tets"], 'did you mean "test"?'),
        (["evaluate"], "Missing argument"),
        (["evalute", "x"], 'did you mean "evaluate"?'),
        (["list", "things"], "metrics"),
        (["validate", "absent.json"], "no such file"),
        (["data", "nowhere"], "no such folder"),
    ],
)
def test_mistakes_exit_2_with_one_clear_message(arguments, word, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr + done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_broken_predictions_file_leaves_earlier_results_untouched(tmp_path, preds):
    out = tmp_path / "results.json"
    out.write_text("earlier")
    preds.write_text('[{"mini_episode_id": "0003_0", "pred_feedbacks": ["a"], "pred_feedback_timestamps": [NaN]}]')
    done = run("evaluate", preds, "--data", DATA, "--out", out)
    assert done.returncode == 2
    assert f"{preds}:1:" in done.stderr
    assert "$[0].pred_feedback_timestamps[0]" in done.stderr
    assert out.read_text() == "earlier"
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "preds.json"}


def test_strict(tmp_path):
    path = tmp_path / "preds.json"
    path.write_text('{"schema": "biobench/predictions/1", "system": "s", "time": "segment", "predictions": []}')
    data = LAYOUTS / "trailing_feedback"
    assert run("evaluate", path, "--data", data).returncode == 0
    done = run("evaluate", path, "--data", data, "--strict")
    assert done.returncode == 2
    assert "$[1]" in done.stderr


def test_validate(preds):
    done = run("validate", preds, "--data", DATA)
    assert done.returncode == 0
    assert "var-2026 predictions of 'preds', 16 entries of 17 segments, 48 remarks" in done.stdout
    assert json.loads(run("validate", preds, "--data", DATA, "--format", "json").stdout)["valid"] is True


def test_validate_lists_every_problem(tmp_path):
    path = tmp_path / "bad.json"
    entries = [{"mini_episode_id": f"x_{k}", "pred_feedbacks": [], "pred_feedback_timestamps": []} for k in range(60)]
    path.write_text(json.dumps(entries))
    done = run("validate", path, "--data", DATA)
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 61
    report = json.loads(run("validate", path, "--data", DATA, "--format", "json").stdout)
    assert report["valid"] is False
    assert len(report["problems"]) == 60
    assert report["problems"][3]["json_path"] == "$[3].mini_episode_id"
    short = run("evaluate", path, "--data", DATA)
    assert "and 40 more" in short.stderr


def test_data_counts_and_names_defects():
    done = run("data", LAYOUTS / "repeated_text")
    assert done.returncode == 0
    assert "record 0 (video 0003) can't be used by var-2026" in done.stdout
    report = json.loads(run("data", DATA, "--format", "json").stdout)
    assert report["counts"] | {"people": None} == {
        "videos": 4, "events": 69, "transitions": 21, "remarks": 48, "exercise segments": 17, "exercises": 14,
        "people": None, "scored by qevd-2024": 16, "scored by var-2026": 16,
    }  # fmt: skip
    assert report["defects"] == []


def test_data_is_compared_with_the_published_counts(qevd):
    qevd.add("0001", [("First up are squats!", True), ("Lower!", False), ("The end.", True)])
    done = run("data", qevd.folder.parent)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("videos")]
    assert line.split() == ["videos", "1", "74", "differs"]


def test_list():
    done = run("list", "metrics")
    listed = [line.split()[0] for line in done.stdout.splitlines()]
    assert {"t_f_score", "t_lift", "t_skill", "meteor", "meteor_f", "rouge_l", "bertscore_f1", "soda_t"} <= {*listed}
    assert [line.split()[0] for line in run("list", "protocols").stdout.splitlines()] == [
        "biobench-1",
        "qevd-2024",
        "var-2026",
    ]


def test_help_of_every_command():
    text = run("--help").stdout
    for command in ("evaluate", "validate", "data", "list"):
        assert command in text
        done = run(command, "--help")
        assert done.returncode == 0
        assert "Usage:" in done.stdout
    assert run("--version").stdout.startswith("biobench, version ")


def test_a_reader_that_goes_away_is_no_traceback(preds):
    command = f"{sys.executable} -m biobench evaluate {preds} --data {DATA} --format json | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert done.stdout == b'{\n"schema"'
    assert b"Traceback" not in done.stderr


def test_the_input_is_not_overwritten(preds):
    before = preds.read_bytes()
    done = run("evaluate", preds, "--data", DATA, "--out", preds)
    assert done.returncode == 2
    assert "the input itself" in done.stderr
    assert preds.read_bytes() == before


def test_a_full_output_is_a_message():
    command = f"{sys.executable} -m biobench evaluate sample:eager > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_control_characters_never_reach_the_terminal(tmp_path):
    path = tmp_path / "ev\x1b[31mil.json"
    path.write_text('[{"mini_episode_id": "\\u001b[31m", "pred_feedbacks": [], "pred_feedback_timestamps": []}]')
    for command in ("validate", "evaluate"):
        done = run(command, path, "--data", DATA)
        assert "\x1b" not in done.stdout + done.stderr


def test_without_data_a_mistake_names_the_sample(preds):
    done = run("evaluate", preds)
    assert done.returncode == 2
    assert done.stderr.startswith("biobench: read against the packaged sample, because no --data was given")


def test_output_in_a_narrow_encoding(preds, tmp_path):
    import os

    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    for form in ("table", "json", "markdown"):
        assert run("evaluate", preds, "--data", DATA, "--format", form, env=env).returncode == 0
