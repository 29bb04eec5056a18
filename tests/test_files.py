"""A file is written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from biobench import ProblemsFound
from biobench.files import write_text


def test_written_with_usual_permissions(tmp_path):
    path = tmp_path / "x.json"
    write_text(path, "é\n")
    assert path.read_bytes() == "é\n".encode()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("name", ["folder", "absent/x.json"])
def test_a_place_that_can_not_be_written_is_one_problem_and_leaves_nothing(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProblemsFound, match="can't be written"):
        write_text(tmp_path / name, "x")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "through the pipe")
    assert os.read(reader, 100) == b"through the pipe"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_stays_a_device():
    before = Path("/dev/null").stat()
    write_text(Path("/dev/null"), "x")
    assert Path("/dev/null").stat().st_ino == before.st_ino
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.json").write_text("earlier")
    (tmp_path / "link.json").symlink_to("real.json")
    write_text(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


def test_text_that_is_no_utf_8_leaves_what_was_there(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("earlier")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "earlier"
    assert [other.name for other in tmp_path.iterdir()] == ["x.json"]
