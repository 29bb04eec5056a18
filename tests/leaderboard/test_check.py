"""``--check``: an untouched submission passes, and whatever is changed in it is found."""

import json
import random
import shutil

import pytest
from conftest import biobench

from biobench import load_benchmark
from leaderboard.check import check_submission
from leaderboard.report import LONGEST_REPORT, as_markdown
from leaderboard.submission import checksums


@pytest.fixture(scope="module")
def sample():
    return load_benchmark(None)


@pytest.fixture
def folder(submissions, tmp_path):
    return shutil.copytree(submissions / "second-annotator-0.1.0", tmp_path / "second-annotator-0.1.0")


def leaves(value, path=()):
    if isinstance(value, dict | list) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path


def json_path(place):
    names = (f"[{k}]" if isinstance(k, int) else f".{k}" if k.isidentifier() else f'["{k}"]' for k in place)
    return "$" + "".join(names)


def changed(value, rng):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value + rng.choice([1e-6, -0.01, 0.5])
    if isinstance(value, str):
        return value + "x"
    return [0] if value == [] else {"x": 0} if value == {} else 0


def test_an_untouched_submission_has_no_problems(folder, sample):
    assert check_submission(folder, sample) == []


def test_every_changed_leaf_of_the_results_is_found(folder, sample, monkeypatch):
    """Checksums made again by whoever changed it, as they would."""
    path = folder / "results.json"
    original = json.loads(path.read_text())
    places = [p for p in leaves(original) if p[0] != "environment"]
    kinds = {}
    for place in places:
        kinds.setdefault(tuple("#" if isinstance(k, int) else k for k in place), []).append(place)
    rng = random.Random(1)
    tampered = json.loads(path.read_text())
    chosen = [rng.choice(of_kind) for of_kind in kinds.values()]
    expected = set()
    for place in chosen:
        if place[0] in {"schema", "system", "benchmark", "predictions"} or place[-1] in {
            "signature",
            "protocol",
            "metric",
        }:
            continue  # told before or instead of the comparison: below
        if place[-1] in {"value", "low", "high"}:
            continue  # below: a score must still hold together
        parent = tampered
        for key in place[:-1]:
            parent = parent[key]
        old = parent[place[-1]]
        if old is None or (place[0] == "coverage" and not isinstance(old, int)):
            continue
        parent[place[-1]] = changed(old, rng)
        expected.add(place)
    assert len(expected) > 60
    path.write_text(json.dumps(tampered))
    (folder / "SHA256SUMS").write_text(checksums(folder))
    monkeypatch.setattr("leaderboard.check._MOST_SHOWN", 10_000)
    told = {problem.json_path for problem in check_submission(folder, sample)}
    assert {json_path(place) for place in expected} <= told
    monkeypatch.undo()
    assert "more differences" in check_submission(folder, sample)[-1].found


@pytest.mark.parametrize(
    "edit",
    [
        lambda r: r["scores"][3].update(value=r["scores"][3]["value"] + 1e-6),
        lambda r: r["scores"][2].update(high=r["scores"][2]["high"] + 1e-6),
        lambda r: r["scores"][2].update(low=None, high=None),
        lambda r: r["scores"].pop(),
        lambda r: r["scores"][0].update(signature=r["scores"][0]["signature"] + "|x:y"),
        lambda r: r["segments"]["qevd-2024"][0]["pairs"].append([0, 0]),
        lambda r: r["segments"]["biobench-1"][4]["rows"]["t_f_score"].__setitem__(0, 9.0),
        lambda r: r["segments"].pop("var-2026"),
        lambda r: r["baselines"].pop(),
        lambda r: r["baselines"][0]["scores"][0].update(value=0.25),
        lambda r: r["notices"].append({"code": "a", "count": 1, "text": "b", "example": ""}),
        lambda r: r["coverage"]["biobench-1"].update(predicted=0),
        lambda r: r.update(system="another 1.0"),
        lambda r: r.update(extra=1),
        lambda r: r["benchmark"].update(sha256="0" * 64),
        lambda r: r["predictions"].update(sha256="0" * 64),
        lambda r: r["benchmark"].update(videos=15),
    ],
)
def test_each_kind_of_change_is_found(folder, sample, edit):
    record = json.loads((folder / "results.json").read_text())
    edit(record)
    (folder / "results.json").write_text(json.dumps(record))
    (folder / "SHA256SUMS").write_text(checksums(folder))
    assert check_submission(folder, sample)


def test_other_versions_of_python_and_numpy_are_no_problem(folder, sample):
    record = json.loads((folder / "results.json").read_text())
    record["environment"]["python"] = "3.99"
    record["scores"][3]["value"] += 1e-13
    (folder / "results.json").write_text(json.dumps(record))
    (folder / "SHA256SUMS").write_text(checksums(folder))
    assert check_submission(folder, sample) == []


def test_changed_predictions_are_found_twice(folder, sample):
    path = folder / "predictions.json"
    path.write_text(path.read_text().replace('{"time": ', '{"time": 1', 1))
    (problem,) = check_submission(folder, sample)
    assert "sha256" in problem.found
    (folder / "SHA256SUMS").write_text(checksums(folder))
    assert any("predictions.sha256" in problem.json_path for problem in check_submission(folder, sample))


def test_other_data_are_named(folder):
    from pathlib import Path

    data = Path(__file__).parent.parent / "data" / "qevd_layout" / "well_formed"
    done = biobench("submit", "--check", folder, "--data", data)
    assert done.returncode == 2


def test_forms_of_the_report(folder, submissions, tmp_path):
    good = submissions / "silence-0.1.0"
    (folder / "system.toml").write_text('name = "@everyone `x` ```\\u202e"\n')
    done = biobench("submit", "--check", good, folder, "--format", "markdown", "--out", tmp_path / "report.md")
    assert done.returncode == 2
    report = (tmp_path / "report.md").read_text()
    assert "2 submissions checked, 1 with problems" in report
    assert "`silence-0.1.0`: no problems" in report
    assert "@" not in report
    assert report.count("```") == 2
    record = json.loads(biobench("submit", "--check", good, folder, "--format", "json").stdout)
    assert [entry["valid"] for entry in record["submissions"]] == [True, False]
    text = biobench("submit", "--check", good).stdout
    assert text.splitlines()[-1].endswith("silence-0.1.0: no problems")


def test_a_report_is_never_longer_than_a_comment(tmp_path):
    from pathlib import Path

    from biobench.problems import Problem

    found = {Path(f"s-{k}"): [Problem("f", "x" * 500, "```y")] * 40 for k in range(20)}
    report = as_markdown(found)
    assert len(report) <= LONGEST_REPORT
    assert report.count("```") % 2 == 0
    assert "cut here" in report
