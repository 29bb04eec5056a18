"""Plain numeric ``.npy`` arrays from untrusted files: no pickle, and no allocation larger than the file."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Collection
from math import prod
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from biobench.problems import Problem, ProblemsFound

__all__ = ["numeric_npy", "read_numeric_npy", "read_numeric_npz"]

# NumPy reads a header with ast and, for old files, with tokenize; a hostile one gets any of their errors.
_MOST_UNPACKED = 1 << 30
_BAD_HEADER = (ValueError, EOFError, SyntaxError, TypeError, RecursionError, MemoryError, TokenError)


def read_numeric_npy(path: Path, expected: str) -> tuple[NDArray[np.generic], str] | Problem:
    """The array of a file and the sha256 of its bytes, or what is wrong with it.

    ``expected`` is said in the problem, e.g. "frame times, int64 nanoseconds". Booleans, integers and floats are read;
    objects, strings and records are refused by their header, before anything else is looked at.
    """
    file = str(path)
    try:
        if not path.is_file():
            found = (
                "a folder"
                if path.is_dir()
                else "a link to a file that is not there"
                if path.is_symlink()
                else "no file"
            )
            return Problem(file, found, expected)
        content = path.read_bytes()
    except OSError as error:
        return Problem(file, f"a file that can't be read ({error.strerror})", expected)
    array = numeric_npy(content, file, expected)
    return array if isinstance(array, Problem) else (array, hashlib.sha256(content).hexdigest())


def read_numeric_npz(path: Path, names: Collection[str], expected: str) -> dict[str, NDArray[np.generic]]:
    """Plain numeric arrays of an ``.npz`` by name; nothing else in it is looked at. Raises ``ProblemsFound``.

    A member that unpacks to over 100 times the archive, or to over 1 GiB, is refused before it is unpacked.
    """
    found: dict[str, NDArray[np.generic]] = {}
    problems: list[Problem] = []
    try:
        most = min(_MOST_UNPACKED, 100 * path.stat().st_size)
        with zipfile.ZipFile(path) as archive:
            held = set(archive.namelist())
            for name in names:
                if f"{name}.npy" not in held:
                    problems.append(Problem(str(path), f"no array {name}", expected))
                    continue
                member = archive.getinfo(f"{name}.npy")
                if member.file_size > most:
                    problems.append(
                        Problem(str(path), f"{name}, which unpacks to {member.file_size:,} bytes", expected)
                    )
                    continue
                with archive.open(member) as stream:
                    array = numeric_npy(stream.read(most), f"{path} ({name})", expected)
                if isinstance(array, Problem):
                    problems.append(array)
                else:
                    found[name] = array
    except Exception as error:  # a damaged archive raises anything
        told = f"an archive that can't be read ({type(error).__name__})"
        raise ProblemsFound([Problem(str(path), told, expected)]) from error
    if problems:
        raise ProblemsFound(problems)
    return found


def numeric_npy(content: bytes, file: str, expected: str) -> NDArray[np.generic] | Problem:
    """The array of an ``.npy`` file's bytes, or what is wrong with them."""
    stream = io.BytesIO(content)
    try:
        version = npy_format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = npy_format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = npy_format.read_array_header_2_0(stream)
        else:
            return Problem(file, f"an .npy file of version {version[0]}.{version[1]}", expected)
    except _BAD_HEADER as error:
        return Problem(file, f"no readable .npy header ({type(error).__name__})", expected)
    if dtype.kind not in "biuf":
        return Problem(file, f"an array of {dtype}", expected, "only plain numbers are read, never pickled objects")
    count = prod(shape)
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(content) - stream.tell():
        return Problem(
            file,
            f"{len(content) - stream.tell()} bytes of data",
            f"{count * dtype.itemsize} bytes for the shape {shape} of its header",
            "the file looks cut off or damaged; copy it again",
        )
    return np.frombuffer(content, dtype, count, stream.tell()).reshape(shape, order="F" if fortran else "C")
