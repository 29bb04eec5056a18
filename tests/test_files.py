"""A file is written whole or not at all."""

import os
import stat

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


def test_text_that_is_no_utf_8_leaves_what_was_there(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("earlier")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "earlier"
    assert [other.name for other in tmp_path.iterdir()] == ["x.json"]
