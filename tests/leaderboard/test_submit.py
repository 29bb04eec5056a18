"""From predictions to a folder: the same scores as before, the same bytes again, whole or not at all."""

import json
import subprocess
from pathlib import Path

import pytest
from commands import biobench

from biobench import evaluate, load_benchmark
from biobench.models import exercise_segments
from biobench.problems import ProblemsFound
from biobench.readers.predictions import load_predictions
from biobench.results import read_results
from leaderboard.card import parse_card, template
from leaderboard.check import check_submission
from leaderboard.submission import open_submission, open_submissions
from leaderboard.submit import _put, submit

DATA = Path(__file__).parent.parent / "data" / "qevd_layout" / "well_formed"
CARD = parse_card(template().encode(), "card")


@pytest.fixture(scope="session")
def benchmark():
    return load_benchmark(DATA)


def as_file(form, jitter):
    """The run ``jitter`` (VAR-2026 format) in every accepted form."""
    benchmark = load_benchmark(DATA)
    starts = {s.id: s.start_s for s in exercise_segments(benchmark)}
    first = benchmark.video_starts_s
    if form == "var-2026":
        return jitter
    if form == "var-2025":
        videos = {}
        for entry in jitter:
            video = videos.setdefault(entry["mini_episode_id"].split("_")[0], ([], []))
            video[0].extend(entry["pred_feedbacks"])
            video[1].extend(entry["pred_feedback_timestamps"])
        return [{"video_file": f"{v}.mp4", "feedbacks": f, "feedback_timestamps": t} for v, (f, t) in videos.items()]
    offset = {"unix": lambda s: 0.0, "segment": starts.get, "video": lambda s: first[s.split("_")[0]]}[form]
    entries = [
        {
            "segment": e["mini_episode_id"],
            "feedbacks": [
                {"time": t - offset(e["mini_episode_id"]), "text": x}
                for t, x in zip(e["pred_feedback_timestamps"], e["pred_feedbacks"], strict=True)
            ],
        }
        for e in reversed(jitter)
    ]
    return {"schema": "biobench/predictions/1", "system": "s", "time": form, "predictions": entries}


@pytest.mark.parametrize("form", ["var-2026", "var-2025", "unix", "segment", "video"])
def test_normalising_changes_no_score(form, benchmark, runs, tmp_path):
    path = tmp_path / "preds.json"
    path.write_text(json.dumps(as_file(form, runs["jitter"]["predictions"])))
    predictions = load_predictions(path, benchmark)
    before = evaluate(predictions, benchmark, ("biobench-1", "qevd-2024", "var-2026"), baselines=False)
    folder, results = submit(predictions, benchmark, CARD, tmp_path / "to")
    values = {(s.protocol, s.metric): s.value for s in before.scores}
    assert {(s.protocol, s.metric): s.value for s in results.scores} == values
    assert read_results(folder / "results.json").to_json() == results.to_json()
    assert sum(value is not None for value in values.values()) > 30
    assert open_submission(folder).card == CARD
    assert results.system == "my-coach 1.0"
    assert check_submission(folder, benchmark) == []


def test_remarks_after_the_last_exercise_of_a_whole_video_keep_every_score(tmp_path):
    """qevd-2024 ends it in the middle of the last transition, the others at its start: no split would fit all three."""
    benchmark = load_benchmark(None)
    ends = {segment.video: segment.start_s + segment.duration_s for segment in exercise_segments(benchmark)}
    entries = [
        {"video_file": f"{video}.mp4", "feedbacks": ["Well done", " "], "feedback_timestamps": [end + 0.1, end - 0.1]}
        for video, end in reversed(ends.items())
    ]
    (tmp_path / "preds.json").write_text(json.dumps(entries))
    predictions = load_predictions(tmp_path / "preds.json", benchmark)
    before = evaluate(predictions, benchmark, ("biobench-1", "qevd-2024", "var-2026"), baselines=False)
    folder, results = submit(predictions, benchmark, CARD, tmp_path / "to")
    assert [(s.protocol, s.metric, s.value) for s in results.scores] == [
        (s.protocol, s.metric, s.value) for s in before.scores
    ]
    said = {p: sum(len(r["predictions"]) for r in records) for p, records in results.segments.items()}
    assert said["qevd-2024"] > said["var-2026"]
    written = json.loads((folder / "predictions.json").read_text())
    assert [entry["video_file"] for entry in written] == [f"{video}.mp4" for video in ends]
    assert check_submission(folder, benchmark) == []


def test_the_same_input_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "card.toml").write_text(template())
        done = biobench("submit", "sample:eager", "--system", tmp_path / "card.toml", "--to", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("the packaged sample, because no --data was given")
    for name in ("predictions.json", "system.toml", "results.json", "SHA256SUMS"):
        one, other = (tmp_path / folder / "my-coach-1.0" / name for folder in ("a", "b"))
        assert one.read_bytes() == other.read_bytes()
    check = ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path / "a" / "my-coach-1.0", check=False).returncode == 0


def test_a_submission_is_not_overwritten_unless_asked(tmp_path):
    (tmp_path / "card.toml").write_text(template())
    arguments = ["submit", "sample:eager", "--system", tmp_path / "card.toml", "--to", tmp_path / "to"]
    assert biobench(*arguments).returncode == 0
    (tmp_path / "to" / "my-coach-1.0" / "results.json").write_text("earlier")
    done = biobench(*arguments)
    assert done.returncode == 2
    assert "--replace" in done.stderr
    assert (tmp_path / "to" / "my-coach-1.0" / "results.json").read_text() == "earlier"
    assert biobench(*arguments, "--replace").returncode == 0
    assert len(open_submissions(tmp_path / "to")) == 1
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["my-coach-1.0"]
    # Another system whose name gives the same folder.
    (tmp_path / "card.toml").write_text(template().replace('"my-coach"', '"My Coach"'))
    done = biobench(*arguments, "--replace")
    assert done.returncode == 2
    assert 'found a submission of "my-coach", expected "My Coach"' in done.stderr


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_was_there_comes_back_when_the_new_one_cannot_be_moved(error, tmp_path, monkeypatch):
    before, made, target = (tmp_path / name for name in ("before", "made", "target"))
    made.mkdir()
    target.mkdir()
    (target / "results.json").write_text("earlier")
    rename = Path.rename

    def stubborn(self, to):
        if self == made:
            raise error
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", stubborn)
    with pytest.raises(type(error)):
        _put(made, target, before)
    assert (target / "results.json").read_text() == "earlier"
    assert not before.exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["submit"], "name one predictions file"),
        (["submit", "sample:eager", "sample:eager", "--system", "card.toml", "--to", "to"], "not 2"),
        (["submit", "sample:eager", "--to", "to"], "--system"),
        (["submit", "sample:eager", "--system", "absent.toml", "--to", "to"], "--template"),
        (["submit", "absent.json", "--system", "card.toml", "--to", "to"], "no such file"),
        (["submit", "pairs.json", "--system", "card.toml", "--to", "to"], "hold no times"),
        (["submit", "long.json", "--system", "card.toml", "--to", "to"], "at most 1,000"),
        (["submit", "sample:eager", "--system", "card.toml", "--to", "card.toml"], "can't be written"),
        (["submit", "--check"], "name the submissions"),
        (["submit", "--check", "absent"], ""),
        (["submit", "--template", "--out", "card.toml"], "not overwritten"),
        (["submit", "--template", "x"], "--template"),
        (["submit", "--template", "--to", "to"], "no use for --to"),
        (["submit", "--check", "x", "--system", "card.toml", "--replace"], "no use for --system, --replace"),
        (["submit", "sample:eager", "--system", "card.toml", "--to", "to", "--format", "json"], "no use for --format"),
    ],
)
def test_mistakes_exit_2_and_leave_nothing(arguments, word, tmp_path):
    (tmp_path / "card.toml").write_text(template())
    (tmp_path / "pairs.json").write_text('[{"GT": "a", "Pred": "b"}]')
    remark = {"time": 1, "text": "x" * 1001}
    native = {"schema": "biobench/predictions/1", "system": "s", "time": "segment", "predictions": [{"segment": "0001_0", "feedbacks": [remark]}]}  # fmt: skip
    (tmp_path / "long.json").write_text(json.dumps(native))
    before = sorted(tmp_path.rglob("*"))
    done = biobench(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr
    made = [path for path in sorted(tmp_path.rglob("*")) if path not in before]
    assert made in ([], [tmp_path / "to"])


def test_incomplete_coverage_is_told(tmp_path, runs):
    (tmp_path / "card.toml").write_text(template())
    (tmp_path / "preds.json").write_text(json.dumps(runs["partial"]["predictions"]))
    done = biobench(
        "submit", tmp_path / "preds.json", "--system", tmp_path / "card.toml", "--to", tmp_path / "to", "--data", DATA
    )
    assert done.returncode == 0
    assert "segments have no entry" in done.stdout
    assert "not ranked" in done.stdout


def test_the_template_can_be_filled_in(tmp_path):
    done = biobench("submit", "--template", "--out", tmp_path / "system.toml")
    assert done.returncode == 0
    assert (tmp_path / "system.toml").read_text() == template() == biobench("submit", "--template").stdout


def test_too_many_remarks(benchmark):
    from biobench.records import Entry, Feedback, Predictions

    entries = (Entry("0003_0", tuple(Feedback(k / 1e6, "x") for k in range(1_000_000))),)
    predictions = Predictions("s", "native", "segment", entries, "preds.json", "")
    with pytest.raises(ProblemsFound, match="1,000,000 remarks, expected at most 100,000"):
        submit(predictions, benchmark, CARD, Path("nowhere"))
    assert not Path("nowhere").exists()
