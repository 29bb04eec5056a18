"""What an organiser's repository gets: workflows that keep their hands off a contribution, and a script that finds it."""

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from commands import biobench

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


def test_a_comparison_that_fails_is_no_pass(repository):
    git("init", "-q", cwd=repository)
    git("add", "-A", cwd=repository)
    git("commit", "-qm", "base", cwd=repository)
    done = subprocess.run(["bash", ".github/check-changed.sh", "1" * 40, "report.md"], cwd=repository, check=False, capture_output=True)  # fmt: skip
    assert done.returncode != 0
    assert not (repository / "report.md").exists()


@pytest.mark.parametrize("in_its_place", ["link", "file", "nothing"])
def test_the_folder_of_submissions_must_stay_one(repository, in_its_place, tmp_path):
    git("init", "-q", cwd=repository)
    git("add", "-A", cwd=repository)
    git("commit", "-qm", "base", cwd=repository)
    base = git("rev-parse", "HEAD", cwd=repository)
    shutil.rmtree(repository / "submissions")
    if in_its_place == "link":
        (repository / "submissions").symlink_to(tmp_path)
    elif in_its_place == "file":
        (repository / "submissions").write_text("")
    git("add", "-A", cwd=repository)
    git("commit", "-qm", "change", cwd=repository)
    done = subprocess.run(["bash", ".github/check-changed.sh", base, "report.md"], cwd=repository, check=False)
    assert done.returncode == 2
    assert "no folder any more" in (repository / "report.md").read_text()


def test_removed_submissions_are_counted(repository):
    git("init", "-q", cwd=repository)
    for name in ("a-1.0", "a", "a-2.0"):
        (repository / "submissions" / name).mkdir()
        for file in ("x", "y"):
            (repository / "submissions" / name / file).write_text("x")
    git("add", "-A", cwd=repository)
    git("commit", "-qm", "base", cwd=repository)
    base = git("rev-parse", "HEAD", cwd=repository)
    git("rm", "-rq", "submissions/a-1.0", "submissions/a", "submissions/a-2.0", cwd=repository)
    git("commit", "-qm", "change", cwd=repository)
    subprocess.run(["bash", ".github/check-changed.sh", base, "report.md"], cwd=repository, check=True)
    assert "Submissions that this change removes: 3." in (repository / "report.md").read_text()


HOSTILE_REPORT = (
    b"@everyone <img src=x> [click](https://evil.example) ![](https://evil.example/x.png)\r@after-a-return\n"
    b"```\n</details>\n# Heading\n\n<!-- biobench submission check -->\x1b[31m\x00\xff\xfe\n" + b"\n" * 100_000
)


@pytest.fixture
def posted(repository, tmp_path):
    """Runs the posting step with a stand-in for ``gh`` that answers from a table; gives its calls and the body."""
    loaded, _, _ = workflow(repository, "post-report.yml")
    (script,) = [step["run"] for step in steps(loaded) if "run" in step]
    work = tmp_path / "work"
    (work / "report").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    gh = tmp_path / "bin" / "gh"
    gh.write_text(
        '#!/bin/bash\nprintf "%s\\n" "$*" >> "$CALLS"\n'
        'case "$*" in *PATCH*|*POST*) ;; *"/pulls "*) printf "%s" "$NUMBERS" ;; *) printf "%s" "$COMMENTS" ;; esac\n'
    )
    gh.chmod(0o755)

    def run(report, numbers, comments):
        if report is not None:
            (work / "report" / "report.md").write_bytes(report)
        (tmp_path / "calls").write_text("")
        env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "CALLS": str(tmp_path / "calls"), "NUMBERS": numbers,
               "COMMENTS": comments, "REPOSITORY": "o/r", "HEAD_SHA": "0" * 40}  # fmt: skip
        subprocess.run(["bash", "-e", "-c", script], cwd=work, env=env, check=True, capture_output=True)
        body = work / "body.md"
        return (tmp_path / "calls").read_text().splitlines(), body.read_bytes() if body.exists() else None

    return run


def test_a_report_is_posted_as_plain_text_whoever_wrote_it(posted):
    calls, body = posted(HOSTILE_REPORT, "7\n8\n", "")
    assert calls[-1] == "api --silent --method POST repos/o/r/issues/7/comments --field body=@body.md"
    marker, empty, *lines = body.split(b"\n")
    assert marker == b"<!-- biobench submission check -->"
    assert empty == b""
    assert all(line.startswith(b"    ") for line in lines[:-1])
    assert not set(body) & {0, 13, 27}
    assert len(body) < 65_000
    calls, _ = posted(b"**1 submission checked, 0 with problems.**\n\n```text\nx\n```\n", "7\n", "55\n66\n")
    assert calls[-1] == "api --silent --method PATCH repos/o/r/issues/comments/55 --field body=@body.md"


def test_a_report_that_is_a_link_is_not_read(posted, tmp_path):
    (tmp_path / "secret").write_text("hush")
    link = tmp_path / "work" / "report" / "report.md"
    link.symlink_to(tmp_path / "secret")
    with pytest.raises(subprocess.CalledProcessError):
        posted(None, "7\n", "")
    assert not (tmp_path / "work" / "body.md").exists()
    assert all("POST" not in call for call in (tmp_path / "calls").read_text().splitlines())


def test_nothing_is_posted_where_no_pull_request_has_the_commit(posted):
    calls, body = posted(b"x", "", "55")
    assert len(calls) == 1
    assert body is None


@pytest.mark.skipif(shutil.which("jq") is None, reason="NO JQ: the posting step's filters were not run")
def test_what_the_post_asks_of_the_api(repository):
    loaded, _, _ = workflow(repository, "post-report.yml")
    (script,) = [step["run"] for step in steps(loaded) if "run" in step]
    pulls, comments = re.findall(r"--jq '([^']*)'", script)

    def jq(expression, value):
        env = {"HEAD_SHA": "abc", "MARKER": "<!-- m -->"}
        return subprocess.run(["jq", expression], input=json.dumps(value), env=env, check=True, capture_output=True, text=True).stdout.split()  # fmt: skip

    assert jq(pulls, [{"number": 1, "head": {"sha": "abd"}}, {"number": 2, "head": {"sha": "abc"}}]) == ["2"]
    said = [
        {"id": 1, "user": {"login": "stranger"}, "body": "<!-- m --> mine"},
        {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "another <!-- m -->"},
        {"id": 3, "user": {"login": "github-actions[bot]"}, "body": "<!-- m -->\n"},
    ]
    assert jq(comments, said) == ["3"]
