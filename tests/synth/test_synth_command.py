"""``biobench synth`` as it is typed, and the script that builds the sample."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from biobench.cli.synth import command
from biobench.problems import ProblemsFound
from biobench.readers.predictions import load_predictions
from biobench.readers.qevd import load_benchmark

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return CliRunner().invoke(command, list(map(str, arguments)))


def test_it_writes_a_split(tmp_path):
    done = run(tmp_path / "out", "--videos", 2)
    assert done.exit_code == 0
    assert "2 videos of 2 people" in done.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["QEVD-FIT-COACH-Benchmark"]


def test_it_writes_both_splits_with_different_people(tmp_path):
    assert run(tmp_path / "out", "--split", "both", "--videos", 3, "--mix", 20, "--seed", 5).exit_code == 0
    train, test = (load_benchmark(tmp_path / "out", split) for split in ("train", "test"))
    people = [{session.subject for session in benchmark.sessions} for benchmark in (train, test)]
    assert len(people[0]) == len(people[1]) == 3
    assert not people[0] & people[1]
    assert not {s.video for s in train.sessions} & {s.video for s in test.sessions}


def test_mistakes_are_named(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    done = run(tmp_path / "full")
    assert isinstance(done.exception, ProblemsFound)
    assert "nothing is overwritten" in str(done.exception)
    done = run(tmp_path / "out", "--videos", 1, "--defects")
    assert isinstance(done.exception, ProblemsFound)
    assert not (tmp_path / "out").exists()
    for wrong in ((), (tmp_path / "out", "--mix", 99), (tmp_path / "out", "--videos", 0)):
        assert run(*wrong).exit_code == click.UsageError.exit_code
    assert isinstance(run(tmp_path / "none", "--check").exception, ProblemsFound)


def test_check_prints_every_statistic_beside_its_target(root):
    done = run("--check", root)
    assert done.exit_code == 0
    lines = {line[:46].strip(): line[46:].split(maxsplit=1) for line in done.stdout.splitlines()}
    assert any(name.startswith("metronome of 5 s, F under qevd-2024") for name in lines)
    assert "0.47 to 0.52" in done.stdout
    assert " off" not in done.stdout


def test_check_fails_when_something_is_off(tmp_path):
    assert run(tmp_path / "out", "--videos", 4, "--defects").exit_code == 0
    done = run("--check", tmp_path / "out")
    assert done.exit_code == 1
    assert "records that a protocol skips" in done.stdout
    assert " off" in done.stdout
    assert "off" in done.stderr


def test_check_alone_makes_a_split_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    done = run("--check", "--videos", 3)
    assert done.exit_code == 1  # three videos are too few to look like 74
    assert "videos" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "sample"
    script = ROOT / "scripts" / "build_synth_sample.py"
    subprocess.run([sys.executable, str(script), str(folder)], check=True)
    return folder


def test_the_sample_is_small_and_has_seven_people(sample):
    assert sum(path.stat().st_size for path in sample.rglob("*") if path.is_file()) < 900_000
    benchmark = load_benchmark(sample)
    assert len(benchmark.sessions) == 14
    assert len({session.subject for session in benchmark.sessions}) == 7


def test_the_sample_looks_like_the_published_data_but_for_its_length(sample):
    from biobench.synth.check import check_split

    off = {statistic.name for statistic in check_split(sample) if statistic.is_off}
    assert off == {"events a video", "exercises a video", "remarks a video"}


@pytest.mark.parametrize("system", ["late_paraphraser", "metronome5", "eager"])
def test_the_example_predictions_fit_the_sample(sample, system):
    predictions = load_predictions(sample / "predictions" / f"{system}.json", load_benchmark(sample))
    assert predictions.notices == ()
    assert predictions.system == system
