"""What an organiser's repository gets: workflows that keep their hands off a contribution, and a script that finds it."""

import re
import subprocess
import sys

import pytest
import yaml
from conftest import biobench

from leaderboard.repository import write_repository


@pytest.fixture
def repository(tmp_path):
    write_repository(tmp_path / "board")
    return tmp_path / "board"


def workflow(repository, name):
    text = (repository / ".github" / "workflows" / name).read_text()
    loaded = yaml.safe_load(text)
    return loaded, loaded.get("on", loaded.get(True)), text  # YAML 1.1 reads "on" as true


def steps(loaded):
    return [step for job in loaded["jobs"].values() for step in job["steps"]]


def test_the_files_are_all_there_and_nothing_is_overwritten(repository):
    names = {str(path.relative_to(repository)) for path in repository.rglob("*") if path.is_file()}
    assert names == {
        ".github/check-changed.sh", ".github/workflows/check-submission.yml", ".github/workflows/post-report.yml",
        "README.md", "submissions/.gitkeep",
    }  # fmt: skip
    (repository / "README.md").write_text("mine")
    done = biobench("leaderboard", "init", repository)
    assert done.returncode == 2
    assert "README.md" in done.stderr
    assert (repository / "README.md").read_text() == "mine"


def test_the_check_has_no_rights_and_no_secrets(repository):
    loaded, on, text = workflow(repository, "check-submission.yml")
    assert set(on) == {"pull_request"}
    assert loaded["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    assert all("permissions" not in job for job in loaded["jobs"].values())
    checkout = next(step for step in steps(loaded) if "checkout" in step.get("uses", ""))
    assert checkout["with"]["persist-credentials"] is False


def test_the_post_touches_nothing_of_the_contribution(repository):
    loaded, on, text = workflow(repository, "post-report.yml")
    assert set(on) == {"workflow_run"}
    assert on["workflow_run"]["workflows"] == [workflow(repository, "check-submission.yml")[0]["name"]]
    assert loaded["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert "checkout" not in text.replace("checks nothing out", "")
    assert "pip" not in text
    assert "python" not in text


@pytest.mark.parametrize("name", ["check-submission.yml", "post-report.yml"])
def test_no_script_is_put_together_from_what_a_stranger_chose(repository, name):
    loaded, _, text = workflow(repository, name)
    assert "pull_request_target" not in text
    for step in steps(loaded):
        assert "${{" not in step.get("run", "")
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps(loaded) if "uses" in step)


ODD = ["plain-1.0", "with blank", "-rf", "$(touch pwned)", "line\nbreak", "quote\"'", "ünï", ";ls"]


def git(*arguments, cwd):
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments],
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_the_script_checks_what_changed_and_only_that(repository, submissions, tmp_path):
    """With a stand-in for biobench that notes what it is asked: the names are the point here."""
    git("init", "-q", cwd=repository)
    for name in ("old-1.0", "gone-1.0"):
        (repository / "submissions" / name).mkdir()
        (repository / "submissions" / name / "system.toml").write_text("x")
    git("add", "-A", cwd=repository)
    git("commit", "-qm", "base", cwd=repository)
    base = git("rev-parse", "HEAD", cwd=repository)
    for name in ODD:
        (repository / "submissions" / name).mkdir()
        (repository / "submissions" / name / "system.toml").write_text("x")
        (repository / "submissions" / name / "other\nfile").write_text("x")
    (repository / "submissions" / "gone-1.0" / "system.toml").unlink()
    (repository / "submissions" / "gone-1.0").rmdir()
    (repository / "submissions" / "link-1.0").symlink_to("/etc")
    git("add", "-A", cwd=repository)
    git("commit", "-qm", "change", cwd=repository)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "biobench").write_text('#!/bin/bash\nprintf "%s\\0" "$@" > "$SEEN"\n')
    (bin_folder / "biobench").chmod(0o755)
    env = {"PATH": f"{bin_folder}:/usr/bin:/bin", "SEEN": str(tmp_path / "seen")}
    subprocess.run(["bash", ".github/check-changed.sh", base, "report.md"], cwd=repository, env=env, check=True)
    seen = (tmp_path / "seen").read_text().split("\0")[:-1]
    asked = seen[seen.index("--") + 1 :]
    assert sorted(asked) == sorted(f"submissions/{name}" for name in [*ODD, "link-1.0"])
    assert seen[: seen.index("--")] == ["submit", "--check", "--format", "markdown", "--out", "report.md"]
    assert not list(repository.rglob("pwned"))


def test_the_script_with_biobench_itself(repository, submissions, tmp_path):
    import shutil

    git("init", "-q", cwd=repository)
    git("add", "-A", cwd=repository)
    git("commit", "-qm", "base", cwd=repository)
    base = git("rev-parse", "HEAD", cwd=repository)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "biobench").write_text(f'#!/bin/bash\nexec {sys.executable} -m biobench "$@"\n')
    (tmp_path / "bin" / "biobench").chmod(0o755)
    env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}

    def run():
        done = subprocess.run(
            ["bash", ".github/check-changed.sh", base, "report.md"], cwd=repository, env=env, check=False
        )
        return done.returncode, (repository / "report.md").read_text()

    code, report = run()
    assert (code, report) == (0, "No submission was added or changed.\n")
    shutil.copytree(submissions / "silence-0.1.0", repository / "submissions" / "silence-0.1.0")
    git("add", "-A", cwd=repository)
    git("commit", "-qm", "good", cwd=repository)
    code, report = run()
    assert code == 0
    assert "`silence-0.1.0`: no problems" in report
    (repository / "submissions" / "silence-0.1.0" / "results.json").write_text("{}")
    git("commit", "-qam", "bad", cwd=repository)
    code, report = run()
    assert code == 2
    assert "sha256" in report
