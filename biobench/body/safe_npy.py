"""HSMR's ``.npy`` files, which are pickles, read without running anything that they hold.

``numpy.load(allow_pickle=True)`` runs whatever a file says. Here the pickle is first looked through opcode by opcode; then it
is unpickled with an exact table of names, each replaced by a stand-in of our own: no function of a file's choice is ever
called, no module is imported, every array is made from bytes that are in the file, and all that comes out is no larger than
the file.
"""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Callable
from math import prod
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from biobench.files import write_bytes
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import shown

__all__ = ["read_object_list", "write_object_list"]

_EXPECTED = "a list of plain dictionaries of numeric arrays, as HSMR writes it"
_BAD_HEADER = (ValueError, EOFError, SyntaxError, TypeError, RecursionError, MemoryError, TokenError)
_LARGEST_FILE = 2 << 30
_LARGEST_HEADER = 10_000
_MOST_AXES = 4
_DEEPEST = 4

# What protocols 3 and 4 need for a list of dictionaries of arrays: nothing that builds by class, extends, or names a person.
# Opcodes without an argument: MARK POP POP_MARK EMPTY_LIST APPEND APPENDS LIST EMPTY_TUPLE TUPLE TUPLE1-3 EMPTY_DICT SETITEM
# SETITEMS DICT NONE NEWTRUE NEWFALSE STACK_GLOBAL REDUCE BUILD MEMOIZE; then PROTO 3-4, BININT1 BINGET BINPUT (a byte), BININT2
# (two), BININT LONG_BINGET (four), BINFLOAT FRAME (eight).
_FIXED = re.compile(
    rb"(?:[(01\]ael)t\x85-\x87}sudN\x88\x89\x93Rb\x94]|\x80[\x03\x04]|[Khq].|M..|[Jj].{4}|[G\x95].{8})*+", re.DOTALL
)
# Opcodes with an argument of stated length, and how many bytes state it: LONG1, SHORT_BINUNICODE BINUNICODE, SHORT_BINBYTES
# BINBYTES BINBYTES8, SHORT_BINSTRING BINSTRING.
_COUNTED = {0x8A: 1, 0x8C: 1, 0x58: 4, 0x43: 1, 0x42: 4, 0x8E: 8, 0x55: 1, 0x54: 4}
_STOP, _GLOBAL, _LONG_BINPUT, _LONG1 = 0x2E, 0x63, 0x72, 0x8A
_MOST_LONG_BYTES = 16
_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
}
_KINDS = {"f4": np.float32, "f8": np.float64, "i4": np.int32, "i8": np.int64, "u1": np.uint8, "b1": np.bool_}


class _Refused(Exception):  # noqa: N818 - a verdict on a file
    """Why a file is not read."""


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
    except _Refused as reason:
        hint = "it may be damaged, or made to run code; only what HSMR writes is read"
        raise ProblemsFound([Problem(str(path), str(reason), _EXPECTED, hint)]) from reason


def write_object_list(path: Path, items: list[dict[str, object]]) -> None:
    """Writes a list of dictionaries as NumPy 1.x's ``numpy.save`` does (pickle protocol 3); the same list, the same bytes.

    Whole or not at all. Raises ``ProblemsFound`` where the place can't be written.
    """
    objects = np.empty(len(items), dtype=object)
    objects[:] = items
    # NumPy 2 calls the module by another name; protocol 3 writes names plainly, so that one can stand for the other.
    body = pickle.dumps(objects, protocol=3).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (len(items),)}
    npy_format.write_array_header_1_0(stream, header)
    write_bytes(path, stream.getvalue() + body)


def _read(content: bytes) -> list[object]:
    shape, body = _header(content)
    _look_through(body)
    value = _Unpickler(io.BytesIO(body)).load_all()
    if isinstance(value, _Array):
        value = value.objects
    if not isinstance(value, list) or (shape and len(value) != shape[0]):
        raise _Refused(f"something else than the {shape[0] if shape else ''} objects of its header")
    return _Plain(len(body)).listed(value, 0)


def _header(content: bytes) -> tuple[tuple[int, ...], bytes]:
    """The array's shape and what follows its header, which must say that objects follow."""
    stream = io.BytesIO(content)
    try:
        version = npy_format.read_magic(stream)
        if version not in {(1, 0), (2, 0)}:
            raise _Refused(f"an .npy file of version {version[0]}.{version[1]}")
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, _, dtype = read(stream, max_header_size=_LARGEST_HEADER)
    except _BAD_HEADER as error:
        raise _Refused(f"no readable .npy header ({type(error).__name__})") from error
    if dtype != np.dtype(object):
        raise _Refused(f"an array of {dtype}")
    body = content[stream.tell() :]
    if len(shape) > 1 or prod(shape) > len(body):
        raise _Refused(f"the shape {shape} in a file of {len(content)} bytes")
    return shape, body


def _look_through(body: bytes) -> None:
    """Refuses every opcode that a list of dictionaries of arrays does not need, before anything is unpickled."""
    place = 0
    while True:
        place = _FIXED.match(body, place).end()  # type: ignore[union-attr]  # it matches anything, if only nothing
        if place >= len(body):
            raise _Refused("a pickle without an end")
        opcode = body[place]
        place += 1
        if opcode == _STOP:
            break
        if opcode in _COUNTED:
            behind = place + _COUNTED[opcode]
            length = int.from_bytes(body[place:behind], "little")
            if opcode == _LONG1 and length > _MOST_LONG_BYTES:
                raise _Refused("a number of more than 16 bytes")
            place = min(behind + length, len(body))
        elif opcode == _GLOBAL:
            end = body.find(b"\n", body.find(b"\n", place) + 1)
            name = tuple(body[place:end].decode("latin1").split("\n"))
            if end < 0 or name not in _NAMES:
                raise _Refused(f"the name {shown(' '.join(name))}")
            place = end + 1
        elif opcode == _LONG_BINPUT:
            if int.from_bytes(body[place : place + 4], "little") > len(body):
                raise _Refused("a memo place beyond the file")
            place += 4
        else:
            raise _Refused(f"the pickle opcode {opcode:#04x}")
    if place != len(body):
        raise _Refused(f"{len(body) - place} bytes behind the pickle")


class _StandIn:
    """Stands for one of the allowed names: it makes what may be made, and can't be changed by a file."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., object]) -> None:
        self._make = make

    def __call__(self, *arguments: object) -> object:
        return self._make(*arguments)

    def __setstate__(self, state: object) -> None:
        raise _Refused("a name that is changed")


class _Dtype:
    """Stands for ``numpy.dtype('f4', False, True)``; its state is checked when it comes."""

    __slots__ = ("code",)

    def __init__(self, code: object, *_: object) -> None:
        if code not in {"O8", *_KINDS}:
            raise _Refused(f"the data type {shown(code)}")
        self.code = code

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 8 or state[0] not in {3, 4} or state[1] not in {"<", "|"}:
            raise _Refused("a data type of another kind")
        if state[2] is not None or state[3] is not None or state[4] is not None:
            raise _Refused("a data type with parts")


class _Array:
    """Stands for an empty array that gets its state: shape, type and bytes, all checked."""

    __slots__ = ("array", "objects")

    def __init__(self) -> None:
        self.array: NDArray[np.generic] | None = None
        self.objects: list[object] | None = None

    def __setstate__(self, state: object) -> None:
        if self.array is not None or self.objects is not None:
            raise _Refused("an array that is set twice")
        if not isinstance(state, tuple) or len(state) != 5 or state[0] != 1 or not isinstance(state[2], _Dtype):
            raise _Refused("an array without its state")
        _, shape, dtype, fortran, content = state
        if (
            not isinstance(shape, tuple)
            or len(shape) > _MOST_AXES
            or not all(type(length) is int and length >= 0 for length in shape)
            or type(fortran) is not bool
        ):
            raise _Refused(f"an array of the shape {shown(shape)}")
        if dtype.code == "O8":
            if not isinstance(content, list) or len(shape) > 1 or len(content) != prod(shape):
                raise _Refused("an array of objects that is no list of them")
            self.objects = content
            return
        kind = np.dtype(_KINDS[str(dtype.code)]).newbyteorder("<")
        if not isinstance(content, bytes) or len(content) != prod(shape) * kind.itemsize:
            raise _Refused(f"an array of the shape {shape} whose bytes don't fit it")
        # A view of the bytes: a hundred arrays of the same bytes take the place of one.
        self.array = np.frombuffer(content, kind).reshape(shape, order="F" if fortran else "C")


def _reconstruct(*arguments: object) -> _Array:
    if len(arguments) != 3 or arguments[0] is not _NDARRAY or arguments[1:] != ((0,), b"b"):
        raise _Refused("an array that is made in another way")
    return _Array()


def _nothing(*_: object) -> object:
    raise _Refused("an array that is made in another way")


_NDARRAY = _StandIn(_nothing)
_STAND_INS = {
    "reconstruct": _StandIn(_reconstruct),
    "ndarray": _NDARRAY,
    "dtype": _StandIn(_Dtype),
}


class _Unpickler(pickle.Unpickler):
    """Knows four names, and gives a stand-in for each."""

    def load_all(self) -> object:
        """The value. Whatever goes wrong is a refusal."""
        try:
            value: object = self.load()
        except _Refused:
            raise
        except Exception as error:  # a damaged pickle raises anything
            raise _Refused(f"a pickle that can't be read ({type(error).__name__})") from error
        return value

    def find_class(self, module_name: str, global_name: str, /) -> object:
        known = _NAMES.get((module_name, global_name))
        if known is None:
            raise _Refused(f"the name {shown(module_name)} {shown(global_name)}")
        return _STAND_INS[known]


class _Plain:
    """Stand-ins become arrays; anything else that is not plain is refused.

    A small pickle can name the same list a million times over; what comes out may be no larger than the file.
    """

    def __init__(self, size: int) -> None:
        self.left = size

    def listed(self, values: list[object] | tuple[object, ...], depth: int) -> list[object]:
        """A list or tuple of plain things."""
        return [self.value(item, depth + 1) for item in values]

    def value(self, value: object, depth: int) -> object:
        """One plain thing."""
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST:
            raise _Refused("more than its bytes can hold" if self.left < 0 else "lists in lists in lists")
        if isinstance(value, _Array):
            if value.array is not None:
                self.left -= value.array.nbytes
                return value.array
            if value.objects is not None:
                return self.listed(value.objects, depth)
            raise _Refused("an array without its state")
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {key: self.value(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return self.listed(value, depth)
        if value is None or type(value) in {int, float, str, bool}:
            return value
        raise _Refused(f"a value of the kind {type(value).__name__}")
