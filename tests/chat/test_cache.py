import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.chat.cache import Cache, Row, _create
from biobench.problems import ProblemsFound

ROWS = [Row(f"{k:064x}", b'{"n": %d, "text": "%s"}' % (k, b"x" * 200), k, 200 if k % 3 else 400) for k in range(60)]


@pytest.fixture
def full(tmp_path):
    path = tmp_path / "cache.sqlite"
    with Cache(path) as cache:
        cache.put(ROWS)
    return path


def problem(make):
    with pytest.raises(ProblemsFound) as found:
        make()
    (only,) = found.value.problems
    return only


def test_what_is_put_is_got_also_by_another_process(full):
    with Cache(full) as cache:
        assert [cache.get(row.key) for row in ROWS] == ROWS
        assert cache.get("f" * 64) is None
        assert len(cache) == 60
    assert sorted(path.name for path in full.parent.iterdir()) == ["cache.sqlite"]


def test_the_file_is_in_wal_mode_and_commits_reach_the_disk(full):
    connection = sqlite3.connect(full)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    with Cache(full) as cache:
        assert cache._writer.execute("PRAGMA synchronous").fetchone() == (2,)


def test_the_first_answer_stays(full):
    with Cache(full) as cache:
        assert cache.put([Row(ROWS[1].key, b"another", 9), Row("e" * 64, b"new", 1)]) == [
            ROWS[1],
            Row("e" * 64, b"new", 1),
        ]
        assert cache.get(ROWS[1].key) == ROWS[1]


def test_a_row_is_seen_by_other_readers_when_put_returns(full):
    with Cache(full) as one, Cache(full) as other, Cache(full, read_only=True) as third:
        row = Row("d" * 64, b"{}", 1)
        one.put([row])
        assert other.get(row.key) == third.get(row.key) == row


def test_a_transaction_that_fails_leaves_nothing(full):
    with Cache(full) as cache:
        with pytest.raises(ProblemsFound):
            cache.put([Row("c" * 64, b"{}", 1), Row("b" * 64, b"{}", "many")])
        assert cache.get("c" * 64) is None
        cache.put([Row("c" * 64, b"{}", 1)])
        assert cache.get("c" * 64) is not None


WRITER = """
import sys
from pathlib import Path
from biobench.chat.cache import Cache, Row
name, path = sys.argv[1], Path(sys.argv[2])
sys.stdin.readline()
with Cache(path) as cache:
    for k in range(40):
        mine = Row(f"{k:064x}", name.encode(), 1)
        (stored,) = cache.put([mine])
        print(stored.response.decode(), flush=True)
"""


def test_several_processes_make_and_fill_one_file(tmp_path):
    path = tmp_path / "cache.sqlite"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in "abc"
    ]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    with Cache(path) as cache:
        kept = [cache.get(f"{k:064x}").response.decode() for k in range(40)]
    assert told == [kept] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["cache.sqlite"]


def test_threads_share_a_cache(tmp_path):
    with Cache(tmp_path / "c") as cache:
        threads = [threading.Thread(target=cache.put, args=([row],)) for row in ROWS[:20]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(cache) == 20


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "an empty file"), (b"not a database, but long enough to be read as one" * 20, "no cache"),
     (b"SQLite format 3\0" + b"\xff" * 4096, "")],
)  # fmt: skip
def test_foreign_files_are_refused_and_left_as_they_are(tmp_path, content, found):
    path = tmp_path / "notes"
    path.write_bytes(content)
    for read_only in (False, True):
        refused = problem(lambda read_only=read_only: Cache(path, read_only=read_only))
        assert refused.file == str(path)
        assert found in refused.found
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_of_another_program_or_version_is_refused(tmp_path, full):
    path = tmp_path / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE replies (key)")
    connection.close()
    assert "another program" in problem(lambda: Cache(path)).found
    connection = sqlite3.connect(full)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    assert "version 2" in problem(lambda: Cache(full)).found


def test_places_that_cannot_hold_a_cache(tmp_path):
    assert problem(lambda: Cache(tmp_path)).file == str(tmp_path)
    problem(lambda: Cache(tmp_path / "no" / "folder" / "c"))
    assert "no such file" in problem(lambda: Cache(tmp_path / "c", read_only=True)).found
    assert not (tmp_path / "c").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_in_a_folder_that_may_not_be_written_is_read(full):
    full.parent.chmod(0o500)
    try:
        with Cache(full, read_only=True) as cache:
            assert cache.get(ROWS[0].key) == ROWS[0]
    finally:
        full.parent.chmod(0o700)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_one_clear_problem_or_gives_what_was_stored(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "c"
    with Cache(path) as cache:
        cache.put(ROWS)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(1, len(content)))]
    else:
        start = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.sampled_from([1, 16, 2000]))
        content[start : start + length] = bytes(data.draw(st.integers(0, 255)) for _ in range(min(length, 16))) * (
            length // 16 or 1
        )
    path.write_bytes(content)
    try:
        with Cache(path) as cache:
            for row in ROWS:
                try:
                    found = cache.get(row.key)
                except ProblemsFound as damage:
                    assert len(damage.problems) == 1
                else:
                    assert found is None or found == row
    except ProblemsFound as damage:
        (only,) = damage.problems
        assert only.file == str(path)
    shutil.rmtree(folder)


def test_the_quicker_process_makes_the_file(full):
    content = full.read_bytes()
    _create(full)
    assert full.read_bytes() == content


def test_tables_that_are_no_text_are_damage(full):
    content = full.read_bytes()
    full.write_bytes(content.replace(b"CREATE TABLE replies", b"CREATE TAB\x80E replies"))
    assert "damaged" in problem(lambda: Cache(full)).found


def test_a_changed_byte_of_a_response_is_found(full):
    content = full.read_bytes()
    at = content.index(b'"text": "xxxx') + 10
    full.write_bytes(content[:at] + b"y" + content[at + 1 :])
    with Cache(full) as cache:
        damaged = 0
        for row in ROWS:
            try:
                assert cache.get(row.key) == row
            except ProblemsFound as damage:
                assert "damaged" in str(damage)
                damaged += 1
        assert damaged == 1
