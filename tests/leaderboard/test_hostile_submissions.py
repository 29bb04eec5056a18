"""Folders that strangers send: refused with every problem located, in bounded time and memory, or harmless."""

import json
import os
import resource
import shutil
import subprocess
import sys

import pytest
from commands import biobench

from biobench.problems import ProblemsFound
from leaderboard.card import template
from leaderboard.submission import checksums, open_submission, open_submissions


@pytest.fixture
def folder(submissions, tmp_path):
    return shutil.copytree(submissions / "silence-0.1.0", tmp_path / "to" / "silence-0.1.0")


def refused(folder):
    with pytest.raises(ProblemsFound) as found:
        open_submission(folder)
    for problem in found.value.problems:
        assert str(problem).isprintable()
    return [str(problem) for problem in found.value.problems]


@pytest.mark.parametrize(
    "name", ["extra.txt", "predictions.json.zip", ".hidden", "\u202egpj.exe", "a\nb", "-rf", "$(x)"]
)
def test_other_files_are_refused(folder, name):
    (folder / name).write_bytes(b"PK\x03\x04")
    (problem,) = refused(folder)
    assert "exactly predictions.json" in problem


def test_many_other_files_are_counted(folder):
    for k in range(1000):
        (folder / f"{k}.txt").write_text("")
    problems = refused(folder)
    assert len(problems) == 21
    assert "980 more in the folder" in problems[-1]


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_names_that_are_no_text_or_too_long(folder, form, tmp_path):
    (folder / os.fsdecode(b"\xff\xfe.txt")).write_text("")
    done = limited(
        "submit", "--check", "--format", form, folder, "x" * 300, os.fsdecode(b"\xff"), folder / "system.toml" / "x"
    )
    assert done.returncode == 2
    assert "in the folder" in done.stdout
    assert "File name too long" in done.stdout


def test_folders_in_the_folder_are_refused(folder):
    shutil.copytree(folder, folder / "inner")
    (problem,) = refused(folder)
    assert '"inner" in the folder' in problem


@pytest.mark.parametrize("name", ["predictions.json", "system.toml", "results.json", "SHA256SUMS"])
@pytest.mark.parametrize("target", ["/etc/passwd", "/dev/zero", "results.json", "absent", ".."])
def test_links_are_refused(folder, name, target):
    (folder / name).unlink()
    (folder / name).symlink_to(target)
    assert any(f"{name}: found a link" in problem for problem in refused(folder))


@pytest.mark.parametrize("name", ["predictions.json", "SHA256SUMS"])
def test_pipes_and_folders_in_the_place_of_files_are_refused(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert any("a folder, pipe or device" in problem for problem in refused(folder))
    (folder / name).unlink()
    (folder / name).mkdir()
    assert any("a folder, pipe or device" in problem for problem in refused(folder))


def test_a_linked_folder_is_refused(folder, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "silence-0.1.0").symlink_to(folder)
    with pytest.raises(ProblemsFound, match="a link"):
        open_submissions(tmp_path / "other")


def test_missing_files_are_all_named(folder):
    for path in folder.iterdir():
        path.unlink()
    assert len(refused(folder)) == 4


def test_files_that_are_too_large_are_not_read(folder):
    for name, size in (("predictions.json", 65 << 20), ("results.json", 257 << 20), ("SHA256SUMS", 5000)):
        with (folder / name).open("wb") as stream:
            stream.truncate(size)
    problems = refused(folder)
    assert sum("bytes, expected a plain file of at most" in problem for problem in problems) == 3


@pytest.mark.parametrize(
    "sums",
    [
        b"", b"\xff" * 100, b"0" * 64 + b"  ../../etc/passwd\n", b"0" * 64 + b"  SHA256SUMS\n", b"\x1b[31m\n", b"x" * 4096,
    ],
)  # fmt: skip
def test_checksums_of_any_kind(folder, sums):
    (folder / "SHA256SUMS").write_bytes(sums)
    problems = refused(folder)
    assert any("predictions.json" in problem for problem in problems)


def test_checksums_that_name_a_file_twice_or_are_wrong(folder):
    good = checksums(folder)
    (folder / "SHA256SUMS").write_text(good + good.splitlines()[0] + "\n")
    assert any("again" in problem for problem in refused(folder))
    (folder / "SHA256SUMS").write_text(good.replace(good[:8], "00000000", 1))
    assert any("results.json" in problem or "predictions.json" in problem for problem in refused(folder))


@pytest.mark.parametrize("name", ["Silence-0.1.0", "silence-0.1.1", "other", "silence-0.1.0 "])
def test_a_folder_must_have_the_cards_name(folder, name):
    moved = folder.rename(folder.parent / name)
    assert any("silence-0.1.0" in problem for problem in refused(moved))


@pytest.mark.parametrize("version", ["1.0", "COM1", "1+2"])
def test_folders_are_names_that_files_can_have(version, tmp_path):
    (tmp_path / "card.toml").write_text(template().replace('version = "1.0"', f'version = "{version}"'))
    done = biobench("submit", "sample:eager", "--system", tmp_path / "card.toml", "--to", tmp_path / "to")
    assert done.returncode == 0
    (made,) = (tmp_path / "to").iterdir()
    assert made.name == f"my-coach-{version.lower()}"


def test_problems_of_all_submissions_at_once(submissions, tmp_path):
    to = shutil.copytree(submissions, tmp_path / "to")
    (to / "silence-0.1.0" / "x").write_text("")
    (to / "oracle-0.1.0" / "system.toml").write_text("nmae = 1")
    (to / "stray.txt").write_text("")
    with pytest.raises(ProblemsFound) as found:
        open_submissions(to)
    told = "\n".join(map(str, found.value.problems))
    for word in ("silence-0.1.0", "oracle-0.1.0/system.toml:1", "stray.txt"):
        assert word in told
    done = biobench("leaderboard", "build", to, "--out", tmp_path / "site")
    assert done.returncode == 2
    assert not (tmp_path / "site").exists()


def limited(*arguments):
    """A command that may take 1.5 GB and 60 s of CPU."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (1500 << 20, 1500 << 20))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    done = subprocess.run(
        [sys.executable, "-m", "biobench", *map(str, arguments)],
        capture_output=True, text=True, check=False, preexec_fn=limit,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def tampered(folder, content):
    (folder / "predictions.json").write_bytes(content)
    (folder / "SHA256SUMS").write_text(checksums(folder))


def native(feedbacks):
    entry = {"segment": "0001_0", "feedbacks": feedbacks}
    return json.dumps(
        {"schema": "biobench/predictions/1", "system": "silence 0.1.0", "time": "segment", "predictions": [entry]}
    ).encode()


def test_a_remark_of_10_megabytes(folder):
    tampered(folder, native([{"time": 1, "text": "x" * 10_000_000}]))
    done = limited("submit", "--check", folder)
    assert done.returncode == 2
    assert "a remark of 10,000,000 characters (0001_0, remark 0)" in done.stdout
    assert len(done.stdout) < 5000


def test_many_remarks_that_are_too_long(folder):
    tampered(folder, native([{"time": 1, "text": "x" * 1001}] * 50_000))
    done = limited("submit", "--check", folder)
    assert done.returncode == 2
    assert "49,980 more remarks that are too long" in done.stdout
    assert len(done.stdout) < 5000


def test_a_million_remarks(folder):
    tampered(folder, native([{"time": 1, "text": "x"}] * 1_000_000))
    done = limited("submit", "--check", folder)
    assert done.returncode == 2
    assert "1,000,000 remarks, expected at most 100,000" in done.stdout


@pytest.mark.parametrize(
    "content", [b"[" * 1_000_000, b"{" + b'"a":{' * 100_000, b'"\\ud800"', b"[1e999999]", b"\xff", b"PK\x03\x04"]
)
def test_predictions_that_are_none(folder, content):
    tampered(folder, content)
    done = limited("submit", "--check", folder)
    assert done.returncode == 2
    assert "predictions.json" in done.stdout


@pytest.mark.parametrize(
    "edit",
    [
        lambda r: r["segments"]["biobench-1"][0].update(references="x", predictions=[["a", 1], [1], 7], pairs=[[0, 0], [99, 99], "x"]),
        lambda r: r["segments"]["biobench-1"][0].update(predictions=[[0.5, "x" * 5_000_000]]),
        lambda r: r["segments"]["biobench-1"][0].update(predictions=[[0.5, "x"]] * 200_000),
        lambda r: r["segments"]["biobench-1"][0].update(exercise={"a": 1}, duration_s="long", id=["x"]),
        lambda r: r["segments"]["biobench-1"][0].update(id="</script><script>window.pwned=1</script>"),
        lambda r: r["segments"].update({"</title>": []}),
        lambda r: r["coverage"].update({"</title><script>": r["coverage"]["biobench-1"]}),
        lambda r: r["baselines"][0].update(name="</table><script>window.pwned=1</script>"),
        lambda r: r.update(segments={}),
        lambda r: r.update(scores=[]),
        lambda r: r["benchmark"].update(name="<script>window.pwned=1</script>"),
    ],
)  # fmt: skip
def test_results_of_any_content_build_a_harmless_page_or_none(folder, submissions, tmp_path, edit):
    """Results whose checksums fit but whose content is invented: ``--check`` finds them; a board built all the same is safe."""
    for name in ("oracle-0.1.0", "metronome-0.1.0"):
        shutil.copytree(submissions / name, folder.parent / name)
    record = json.loads((folder / "results.json").read_text())
    edit(record)
    (folder / "results.json").write_text(json.dumps(record))
    (folder / "SHA256SUMS").write_text(checksums(folder))
    done = limited("leaderboard", "build", folder.parent, "--out", tmp_path / "site", "--processes", 1)
    assert done.returncode in {0, 2}, done.stderr
    if done.returncode == 0:
        for page in (tmp_path / "site").rglob("*.html"):
            text = page.read_text()
            assert "<script>window" not in text
            assert text.count("</script>") == 2
            assert len(text) < 3_000_000
    else:
        assert "silence-0.1.0" in done.stderr
        assert not (tmp_path / "site").exists()
