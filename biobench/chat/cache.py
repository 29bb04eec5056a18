"""The cache: one SQLite file of raw responses by key, safe against a crash at any instant."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple, NoReturn, Self

from biobench.problems import Problem, ProblemsFound

__all__ = ["Cache", "Row"]

_APPLICATION_ID = 0x42694F62
_SCHEMA_VERSION = 1
_WAITS_S = 60.0
_TABLE = """
CREATE TABLE replies (
    key TEXT PRIMARY KEY,       -- SHA-256 of the request, in hex
    status INTEGER NOT NULL,    -- of HTTP: 200, or the rejection of a probe
    response BLOB NOT NULL,     -- the body as it was received
    attempts INTEGER NOT NULL,
    sha256 BLOB NOT NULL        -- of all the others
) STRICT, WITHOUT ROWID
"""


class Row(NamedTuple):
    """One stored response."""

    key: str
    response: bytes
    attempts: int
    status: int = 200


class Cache:
    """Opens the file, or makes it. Several processes may use one file at the same time.

    A second answer to one key is not stored: the first stays, and ``put`` gives it back. Every method raises
    ``ProblemsFound`` for a file that is damaged, foreign or can't be written.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path.resolve()
        self._lock = Lock()
        if not self.path.exists():
            if read_only:
                self._refuse("no such file", "a cache that an earlier run made")
            with self._clear():
                _create(self.path)
        self._writer: sqlite3.Connection | None = None
        with self._clear():
            # Readers of their own never wait for a writer.
            self._reader = _connect(self.path, read_only=read_only)
        try:
            with self._clear():
                self._check()
                if not read_only:
                    self._writer = _connect(self.path, read_only=False)
        except ProblemsFound:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        self._reader.close()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        with self._clear():
            return int(self._reader.execute("SELECT count(*) FROM replies").fetchone()[0])

    def get(self, key: str) -> Row | None:
        """The stored response of a key."""
        with self._clear():
            return self._select(self._reader, key)

    def put(self, rows: Sequence[Row]) -> list[Row]:
        """Stores rows in one transaction, on the disk when this returns; gives what the cache now holds for each."""
        if self._writer is None:
            raise AssertionError("a cache that was opened for reading only")
        with self._lock, self._clear():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                stored = [self._insert(self._writer, row) for row in rows]
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        return stored

    def _insert(self, writer: sqlite3.Connection, row: Row) -> Row:
        values = (row.key, row.status, row.response, row.attempts, _digest(row))
        done = writer.execute("INSERT INTO replies VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)
        if done.rowcount:
            return row
        return self._select(writer, row.key) or row

    def _select(self, connection: sqlite3.Connection, key: str) -> Row | None:
        found = connection.execute(
            "SELECT response, attempts, status, sha256 FROM replies WHERE key = ?", (key,)
        ).fetchone()
        if found is None:
            return None
        response, attempts, status, sha256 = found
        row = Row(key, response, attempts, status)
        if not isinstance(response, bytes) or _digest(row) != sha256:
            self._refuse_damaged("a response is not the one that was stored")
        return row

    def _check(self) -> None:
        application = self._reader.execute("PRAGMA application_id").fetchone()[0]
        version = self._reader.execute("PRAGMA user_version").fetchone()[0]
        if application != _APPLICATION_ID:
            self._refuse("an empty file" if not self.path.stat().st_size else "a database of another program")
        if version != _SCHEMA_VERSION:
            self._refuse(f"a cache of version {version}", f"version {_SCHEMA_VERSION}")
        self._reader.execute("SELECT key, status, response, attempts, sha256 FROM replies LIMIT 1").fetchone()

    def _refuse_damaged(self, reason: str) -> NoReturn:
        hint = "move it away, or take a copy of it that is whole"
        raise ProblemsFound([Problem(str(self.path), f"a damaged cache ({reason})", "a cache of replies", hint)])

    def _refuse(self, found: str, expected: str = "a cache of replies") -> NoReturn:
        hint = "" if found == "no such file" else "give another path; this file was left as it is"
        raise ProblemsFound([Problem(str(self.path), found, expected, hint)])

    @contextmanager
    def _clear(self) -> Iterator[None]:
        """What SQLite and the system say becomes one problem with the file's name."""
        try:
            yield
        except sqlite3.OperationalError as error:
            problem = Problem(
                str(self.path), f"a file that can't be used ({error})", "a cache that can be read and written"
            )
            raise ProblemsFound([problem]) from error
        except sqlite3.Error as error:
            if "not a database" in str(error):
                self._refuse("a file that is no cache")
            self._refuse_damaged(str(error))
        except UnicodeDecodeError:  # the sqlite3 module decodes what SQLite says, which may quote the damage
            self._refuse_damaged("its tables can't be read")
        except OSError as error:
            problem = Problem(str(self.path), f"a place that can't be used ({error.strerror})", "a place for a file")
            raise ProblemsFound([problem]) from error


def _digest(row: Row) -> bytes:
    return hashlib.sha256(f"{row.key} {row.status} {row.attempts} ".encode() + row.response).digest()


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    address = f"{path.as_uri()}?mode={'ro' if read_only else 'rw'}"
    beside = [path.with_name(path.name + ending) for ending in ("-wal", "-shm")]
    if read_only and not os.access(path.parent, os.W_OK) and not any(file.exists() for file in beside):
        # A write-ahead log can't be opened beside a file where nothing may be written, and there is none to read.
        address += "&immutable=1"
    connection = sqlite3.connect(address, uri=True, timeout=_WAITS_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """A new file appears whole or not at all; where another process was quicker, its file stays."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        new = Path(folder) / "new"
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            connection.execute(_TABLE)
        try:
            path.hardlink_to(new)
        except FileExistsError:
            return
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
