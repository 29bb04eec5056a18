"""HSMR's ``.npy`` files, which are pickles, read without running anything that they hold.

``numpy.load(allow_pickle=True)`` runs whatever a file says. Here the header is read first, and the pickle behind it by
``biobench.body.pickled``, which can make nothing but plain values. ``pickle`` itself only writes.
"""

from __future__ import annotations

import io
import pickle
import warnings
from math import prod
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy_format

from biobench.body.pickled import Refused, plain_value
from biobench.files import write_bytes
from biobench.problems import Problem, ProblemsFound

__all__ = ["read_object_list", "write_object_list"]

_EXPECTED = "a list of plain dictionaries of numeric arrays, as HSMR writes it"
_BAD_HEADER = (
    ValueError,
    EOFError,
    SyntaxError,
    TypeError,
    IndexError,
    RecursionError,
    MemoryError,
    TokenError,
    Warning,
)
_LARGEST_FILE = 512 << 20
"""An hour of five people takes half of it."""
_LARGEST_HEADER = 10_000


def read_object_list(path: Path) -> list[object]:
    """The list that a file holds: dictionaries, lists, numbers, texts, None and numeric arrays. Raises ``ProblemsFound``.

    Shape (L,) or (): what ``numpy.save`` makes of a Python list, with NumPy 1.x or 2.x, pickle protocol 3 or 4.
    """
    try:
        if not path.is_file():
            found = "a folder" if path.is_dir() else "no file"
            raise ProblemsFound([Problem(str(path), found, _EXPECTED)])
        if path.stat().st_size > _LARGEST_FILE:
            raise ProblemsFound([Problem(str(path), f"{path.stat().st_size:,} bytes", f"at most {_LARGEST_FILE:,}")])
        content = path.read_bytes()
    except OSError as error:
        found = f"a file that can't be read ({error.strerror})"
        raise ProblemsFound([Problem(str(path), found, _EXPECTED)]) from error
    try:
        return _read(content)
    except Refused as reason:
        hint = "it may be damaged, or made to run code; only what HSMR writes is read"
        raise ProblemsFound([Problem(str(path), str(reason), _EXPECTED, hint)]) from reason


def write_object_list(path: Path, items: list[dict[str, object]]) -> None:
    """Writes a list of dictionaries as NumPy 1.x's ``numpy.save`` does (pickle protocol 3); the same list, the same bytes.

    Whole or not at all. Raises ``ProblemsFound`` where the place can't be written.
    """
    objects = np.empty(len(items), dtype=object)
    objects[:] = items
    # NumPy 2 calls the module by another name; protocol 3 writes names plainly, so that one can stand for the other.
    body = pickle.dumps(objects, protocol=3).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n", 1)
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (len(items),)}
    npy_format.write_array_header_1_0(stream, header)
    write_bytes(path, stream.getvalue() + body)


def _read(content: bytes) -> list[object]:
    shape, body = _header(content)
    value = plain_value(body)
    if not isinstance(value, list) or (shape and len(value) != shape[0]):
        raise Refused(f"something else than the {shape[0] if shape else ''} objects of its header")
    return value


def _header(content: bytes) -> tuple[tuple[int, ...], bytes]:
    """The array's shape and what follows its header, which must say that objects follow."""
    stream = io.BytesIO(content)
    try:
        version = npy_format.read_magic(stream)
        if version not in {(1, 0), (2, 0)}:
            raise Refused(f"an .npy file of version {version[0]}.{version[1]}")
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns of a header that needs guessing; HSMR's never does
            shape, _, dtype = read(stream, max_header_size=_LARGEST_HEADER)
    except _BAD_HEADER as error:
        raise Refused(f"no readable .npy header ({type(error).__name__})") from error
    if dtype != np.dtype(object):
        raise Refused(f"an array of {dtype}")
    body = content[stream.tell() :]
    if len(shape) > 1:
        raise Refused(f"an array of {len(shape)} axes")
    if min(shape, default=0) < 0 or prod(shape) > len(body):
        raise Refused(f"a header of more objects than {len(body)} bytes can hold")
    return shape, body
