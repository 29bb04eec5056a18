"""``--check``: an untouched submission passes, and whatever is changed in it is found."""

import dataclasses
import json
import random
import shutil

import pytest
from commands import biobench

from biobench import load_benchmark
from biobench.readers.predictions import load_predictions
from leaderboard.check import check_submission
from leaderboard.report import LONGEST_REPORT, as_markdown
from leaderboard.submission import checksums
from leaderboard.submit import score


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


def test_a_bom_before_the_results_is_no_problem(folder, sample):
    path = folder / "results.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    (folder / "SHA256SUMS").write_text(checksums(folder))
    assert check_submission(folder, sample) == []


def test_changed_predictions_are_found_twice(folder, sample):
    path = folder / "predictions.json"
    path.write_text(path.read_text().replace('{"time": ', '{"time": 1', 1))
    (problem,) = check_submission(folder, sample)
    assert "sha256" in problem.found
    (folder / "SHA256SUMS").write_text(checksums(folder))
    assert any("predictions.sha256" in problem.json_path for problem in check_submission(folder, sample))


def test_other_data_are_named(folder, sample):
    from pathlib import Path

    data = Path(__file__).parent.parent / "data" / "qevd_layout" / "well_formed"
    (problem,) = check_submission(folder, load_benchmark(data))
    assert sample.source_sha256[:20] in problem.found
    assert problem.file.endswith("results.json")
    assert biobench("submit", "--check", folder, "--data", data).returncode == 2


def rewritten(folder, edit, name="results.json"):
    record = json.loads((folder / name).read_text())
    edit(record)
    (folder / name).write_text(json.dumps(record))
    (folder / "SHA256SUMS").write_text(checksums(folder))


def test_predictions_and_results_are_both_told_in_one_pass(folder, sample):
    rewritten(folder, lambda p: p["predictions"][0].update(segment="nowhere_0"), "predictions.json")
    rewritten(folder, lambda r: (r["scores"][0].update(n="many"), r["scores"][1].pop("signature")))
    told = [str(problem) for problem in check_submission(folder, sample)]
    for words in ("scores[0].n", "scores[1]", 'predictions[0].segment: found "nowhere_0"'):
        assert any(words in one for one in told), words


@pytest.mark.parametrize("content", ['[{"GT": "a", "Pred": "b"}]', '[{"mini_episode_id": "0001_0", "pred_feedbacks": [], "pred_feedback_timestamps": []}]'])  # fmt: skip
def test_predictions_in_a_form_that_is_not_submitted(folder, sample, content):
    (folder / "predictions.json").write_text(content)
    (folder / "SHA256SUMS").write_text(checksums(folder))
    (problem,) = check_submission(folder, sample)
    assert "a file of the form" in problem.found


def with_metric(name):
    """Adds a metric wherever a results file speaks of metrics: in the middle of its lists, so that places shift."""

    def edit(record):
        for scores in (record["scores"], *(baseline["scores"] for baseline in record["baselines"])):
            scores.insert(2, {**scores[2], "metric": name})
        for records in record["segments"].values():
            for segment in records:
                segment["rows"] = {name: [1.0], **segment["rows"]}

    return edit


@pytest.mark.parametrize(("name", "way"), [("bertscore_f1", "--bertscore"), ("of_a_plugin", "install the package")])
def test_a_metric_that_cannot_be_made_again(folder, sample, name, way):
    rewritten(folder, with_metric(name))
    (problem,) = check_submission(folder, sample)
    assert name in problem.found
    assert way in problem.hint
    assert f"--allow-unchecked {name}" in problem.hint
    assert check_submission(folder, sample, allow_unchecked=[name]) == []
    assert biobench("submit", "--check", folder, "--allow-unchecked", name).returncode == 0
    # All else is compared all the same, and found at its place in the file.
    rewritten(folder, lambda r: r["scores"][5].update(n=r["scores"][5]["n"] + 1))
    (problem,) = check_submission(folder, sample, allow_unchecked=[name])
    assert problem.json_path == "$.scores[5].n"


def test_what_can_be_made_again_is_compared_whatever_is_allowed(folder, sample):
    rewritten(folder, lambda r: r["scores"][2].update(n=r["scores"][2]["n"] + 1))
    metric = json.loads((folder / "results.json").read_text())["scores"][2]["metric"]
    assert check_submission(folder, sample, allow_unchecked=[metric])


def test_nothing_hides_behind_an_unchecked_metric(folder, sample):
    hidden = {"code": "a", "count": 1, "text": "b", "example": "", "metric": "of_a_plugin"}
    rewritten(folder, lambda r: (with_metric("of_a_plugin")(r), r["notices"].append(hidden)))
    assert check_submission(folder, sample, allow_unchecked=["of_a_plugin"])


def test_a_model_at_hand_is_not_asked_of_a_submission_without_it(folder, sample):
    assert check_submission(folder, sample, bertscore="/no/such/model") == []


def test_a_plugin_of_the_checker_is_no_fault_of_the_submission(folder, sample, monkeypatch):
    from biobench import registry
    from biobench.metrics.temporal import TRecall

    class Another(TRecall):
        name = "another_recall"

    known = registry.metrics()
    more = dataclasses.replace(known, plugins={**known.plugins, "another_recall": Another})
    monkeypatch.setattr(registry, "metrics", lambda: more)
    assert score(load_predictions(folder / "predictions.json", sample), sample, None).score(
        "another_recall", "var-2026"
    )
    assert check_submission(folder, sample) == []


def test_another_version_is_named(folder, sample):
    rewritten(folder, lambda r: (r["environment"].update(biobench="0.0.9"), r["scores"][2].update(n=0)))
    (problem,) = check_submission(folder, sample)
    assert 'made with biobench "0.0.9"' in problem.hint


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
