"""Writing a file so that nobody ever sees half of it."""

from __future__ import annotations

import os
import tempfile
from errno import EISDIR
from pathlib import Path

from biobench.problems import Problem, ProblemsFound

__all__ = ["write_bytes", "write_text"]


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8, as ``write_bytes``."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes through a temporary file beside ``path``, then renames it; a link stays a link to the new file.

    What is no regular file (a pipe, ``/dev/stdout``) is written to as it stands: it can't be replaced.
    Raises ``ProblemsFound`` where the place can't be written; ``path`` is then as it was.
    """
    temporary = None
    try:
        path = path.resolve()
        if path.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
            temporary = Path(stream.name)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        found = f"a place that can't be written ({error.strerror})"
        raise ProblemsFound([Problem(str(path), found, "a file to write")]) from error
