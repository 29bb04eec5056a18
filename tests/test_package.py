"""The wheel holds everything that runs, and nothing else: built, unpacked elsewhere, and used from there."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)], check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_it_holds_the_packages_and_their_data(unpacked):
    top = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert top == {"biobench", "judges", "baselines", "biocoach_model", "leaderboard"}
    for package in top:
        assert (unpacked / package / "py.typed").is_file()
    for package in ("biobench", "leaderboard"):
        carried = {path.relative_to(ROOT) for path in (ROOT / package / "data").rglob("*") if path.is_file()}
        assert carried
        assert carried <= {path.relative_to(unpacked) for path in unpacked.rglob("*")}
    for folder in ("baselines/data", "biocoach_model/weights", "biocoach_model/augmentation/data"):
        carried = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert carried
        assert carried <= {path.relative_to(unpacked) for path in unpacked.rglob("*")}
    weights = sorted((unpacked / "biocoach_model" / "weights").glob("*/weights.safetensors"))
    assert [path.stat().st_size < 10_000_000 for path in weights] == [True, True]
    (info,) = unpacked.glob("*.dist-info")
    licences = {path.name for path in (info / "licenses").rglob("*") if path.is_file()}
    assert {"LICENSE", "NOTICE", "LICENSE-WordNet", "LICENSE-Punkt"} <= licences


def test_it_scores_the_sample_from_another_place(unpacked, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(unpacked)}
    where = subprocess.run(
        [sys.executable, "-c", "import biobench; print(biobench.__file__)"],
        env=env, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(unpacked))
    done = subprocess.run(
        [sys.executable, "-m", "biobench", "evaluate", "sample:late_paraphraser"],
        env=env, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "meteor_f" in done.stdout


def test_versions_agree():
    import biobench

    assert f'version = "{biobench.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(biobench.__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_constraints_pin_every_dependency():
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = re.findall(r'^ {4}"([a-z0-9-]+)[><=]', text.split("[project.optional-dependencies]")[0], re.MULTILINE)
    assert {"click", "datasets", "jinja2", "numpy", "rich", "scipy", "text2num"} == set(needed)
    assert {
        *needed,
        "torch",
        "bert-score",
        "transformers",
        "nltk",
        "rouge-score",
        "pytest",
        "hypothesis",
        "ruff",
        "mypy",
    } <= pinned
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text().splitlines()
