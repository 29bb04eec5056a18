"""Metrics of other packages: found through their entry points, named when broken, never in the way of the rest."""

import json
import os
import subprocess
import sys

import pytest

METRIC = '''
from biobench.metrics import PairMetric

class SameLength(PairMetric):
    """1 where both texts have as many words."""
    name = "same_length"
    def signature(self):
        return {"version": "1"}
    def pair_scores(self, references, predictions):
        return [float(len(r.split()) == len(p.split())) for r, p in zip(references, predictions)]
'''


@pytest.fixture
def install(tmp_path):
    """Puts a package with metric entry points beside biobench, as pip would, and runs the command line with it."""

    def install(name, source, points, group="biobench.metrics"):
        (tmp_path / f"{name}.py").write_text(source)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")

    return install


@pytest.fixture
def run(tmp_path):
    def run(*arguments):
        path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, "-m", "biobench", *arguments],
            env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def scores(done):
    return {score["metric"]: score for score in json.loads(done.stdout)["scores"]}


def test_a_metric_of_ten_lines_is_listed_and_scored(install, run):
    assert len(METRIC.strip().splitlines()) <= 10
    install("words", METRIC, {"same_length": "words:SameLength"})
    listed = run("list", "metrics")
    assert ["same_length", "words"] in [line.split()[:2] for line in listed.stdout.splitlines()]
    done = run("evaluate", "sample:late_paraphraser", "--format", "json")
    assert done.returncode == 0
    assert 0 <= scores(done)["same_length"]["value"] <= 1
    assert "metric:same_length|" in scores(done)["same_length"]["signature"]
    assert scores(done)["meteor"]["value"] > 0
    assert "same_length" in run("evaluate", "sample:late_paraphraser").stdout


@pytest.mark.parametrize(
    ("source", "target", "word"),
    [
        ("raise RuntimeError('no weights')", "bad:M", "RuntimeError: no weights"),
        ("x = 1", "bad:M", "AttributeError"),
        ("class M: pass", "bad:M", "TypeError: found"),
        ("from biobench.metrics import PairMetric\nclass M(PairMetric): name = 'm'", "bad:M", "does not define"),
        (METRIC, "bad:SameLength", "its entry point is called m"),
        ("x = 1", "absent_module:M", "ModuleNotFoundError"),
    ],
)
def test_a_plug_in_that_can_not_be_loaded_is_named_and_stops_nothing(install, run, source, target, word):
    install("bad", source, {"m": target})
    done = run("evaluate", "sample:metronome5", "--format", "json")
    assert done.returncode == 0
    assert scores(done)["meteor"]["value"] > 0
    assert "m (from bad): " in done.stderr
    assert word in done.stderr
    assert word in run("list", "metrics").stderr


def test_a_plug_in_that_fails_while_scoring_is_null_with_its_reason(install, run):
    source = METRIC.replace("return [float", "raise ZeroDivisionError('oops')\n        return [float")
    install("bad", source, {"same_length": "bad:SameLength"})
    done = run("evaluate", "sample:metronome5", "--format", "json")
    assert done.returncode == 1
    assert scores(done)["same_length"]["value"] is None
    assert scores(done)["same_length"]["reason"] == "failed: ZeroDivisionError: oops"
    assert scores(done)["rouge_l"]["value"] > 0
    assert "same_length failed: ZeroDivisionError: oops" in done.stderr


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s.replace("return [float", "raise SystemExit(3)\n        return [float"), "SystemExit: 3"),
        (lambda s: s.replace('return {"version": "1"}', 'return "version 1"'), "ValueError"),
        (
            lambda s: s.replace("return [float(len(r.split()) == len(p.split()))", "return [float('nan')"),
            "NaN or infinity",
        ),
        (lambda s: s.replace("zip(references, predictions)]", "zip(references, predictions)][1:]"), "scores for"),
    ],
)
def test_a_plug_in_that_misbehaves_stops_nothing(install, run, change, word):
    install("bad", change(METRIC), {"same_length": "bad:SameLength"})
    done = run("evaluate", "sample:metronome5", "--format", "json")
    assert done.returncode == 1
    assert scores(done)["same_length"]["value"] is None
    assert word in scores(done)["same_length"]["reason"]
    assert scores(done)["rouge_l"]["value"] > 0


def test_a_plug_in_that_exits_at_import_is_named(install, run):
    install("bad", "raise SystemExit('needs foo')", {"m": "bad:M"})
    done = run("list", "metrics")
    assert done.returncode == 0
    assert "m (from bad): SystemExit: needs foo" in done.stderr


def test_a_plug_in_can_not_take_a_built_in_name(install, run):
    install("bad", METRIC.replace('"same_length"', '"meteor"'), {"meteor": "bad:SameLength"})
    done = run("evaluate", "sample:metronome5", "--format", "json")
    assert "profile:nltk-3.9.1" in scores(done)["meteor"]["signature"]
    assert "biobench has this name already" in done.stderr


def test_commands_of_other_packages_are_listed_and_run(install, run):
    source = "import click\n@click.command()\ndef hello():\n    click.echo('hello there')\n"
    install("greeter", source, {"hello": "greeter:hello", "broken": "greeter:absent"}, "biobench.commands")
    assert "(from greeter)" in run("--help").stdout
    assert run("hello").stdout == "hello there\n"
    done = run("broken")
    assert done.returncode == 1
    assert "broken of greeter can't be loaded" in done.stderr
    assert "Traceback" not in done.stderr
