"""A pickle of plain values and numeric arrays, read by a small machine that can do nothing else.

Python's own unpickler calls what a file names. Even where it may call nothing, a file of a megabyte can bring it down (tuples in
tuples, a million deep, as a key: their hash overflows the C stack), keep it busy for hours (numbers of equal hashes as keys) or
cost seventy times its size (empty lists). This machine knows the opcodes that a list of dictionaries of arrays needs, and
four names that stand for nothing but an array's parts. It imports nothing, calls nothing and hashes nothing but texts, and all
that it makes takes at most some twenty times the pickle's size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import prod
from typing import Any, Literal, NoReturn, TypeGuard

import numpy as np
from numpy.typing import NDArray

from biobench.readers.json_locate import shown

__all__ = ["Refused", "plain_value"]

Name = Literal["reconstruct", "ndarray", "dtype"]

_NAMES: dict[tuple[str, str], Name] = {
    ("numpy.core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
}
_KINDS = {"f4": "<f4", "f8": "<f8", "i4": "<i4", "i8": "<i8", "u1": "|u1", "b1": "|b1"}
_TYPES = {code: np.dtype(kind) for code, kind in _KINDS.items()}
_OBJECTS = "O8"

_BYTES_A_THING = 4
"""Every list, tuple, text, array and so on takes a file five bytes or more on average, even in frames without anybody."""
_FREE_THINGS = 1_000
_BYTES_A_HOLDER = 8
_BYTES_A_KEY = 2
"""What a dictionary or list, and a key, count for in what comes out: a frame's take a file more, and Python twenty times that."""
_MOST_AXES = 4
_MOST_KEYS = 100
_MOST_LONG_BYTES = 16
_LONGEST_NAME = 100
_DEEPEST = 4


class Refused(Exception):  # noqa: N818 - a verdict on a file
    """Why a pickle is not read."""


def plain_value(body: bytes) -> object:
    """The value of a pickle of protocol 3 or 4: lists, dictionaries with texts as keys, numbers, texts, None, numeric arrays.

    An array of objects, and a tuple, become lists; arrays can't be written to. Raises ``Refused`` for anything else.
    """
    return _Plain(len(body)).value(_Machine(body).run(), 0)


class _Known:
    """One of the names."""

    __slots__ = ("name",)

    def __init__(self, name: Name) -> None:
        self.name = name


class _Type:
    """A data type; it counts when its state has come."""

    __slots__ = ("code", "complete")

    def __init__(self, code: str) -> None:
        self.code = code
        self.complete = False

    def build(self, state: object) -> None:
        """Takes (version, byte order, None, None, None, size, alignment, flags) as NumPy writes it for plain numbers."""
        order = _KINDS.get(self.code, "|")[0]
        if not _is_tuple(state, 8) or type(state[0]) is not int or state[0] not in {3, 4} or state[1] != order:
            raise Refused("a data type of another kind")
        if state[2:5] != (None, None, None):
            raise Refused("a data type with parts")
        self.complete = True


class _Array:
    """An array; numbers or objects when its state has come."""

    __slots__ = ("numbers", "objects")

    def __init__(self) -> None:
        self.numbers: NDArray[np.generic] | None = None
        self.objects: list[object] | None = None

    def build(self, state: object) -> None:
        """Takes (version, shape, type, is Fortran's order, content) where they agree."""
        if self.numbers is not None or self.objects is not None:
            raise Refused("an array that is set twice")
        if not _is_tuple(state, 5) or type(state[0]) is not int or state[0] != 1:
            raise Refused("an array without its state")
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Type) or not kind.complete or type(fortran) is not bool:
            raise Refused("an array without its type")
        if type(shape) is not tuple or len(shape) > _MOST_AXES:
            raise Refused("an array without its shape")
        # NumPy refuses a huge length even beside a length of 0.
        if not all(type(length) is int and length >= 0 for length in shape) or prod(n or 1 for n in shape) > 1 << 40:
            raise Refused("an array of an impossible shape")
        count = prod(shape)
        if kind.code == _OBJECTS:
            if type(content) is not list or len(shape) > 1 or len(content) != count:
                raise Refused("an array of objects that is no list of them")
            self.objects = content
            return
        numeric = _TYPES[kind.code]
        if type(content) is not bytes or len(content) != count * numeric.itemsize:
            raise Refused(f"an array of the shape {shape} whose bytes don't fit it")
        # A view of the bytes: a hundred arrays of the same bytes take the place of one.
        self.numbers = np.frombuffer(content, numeric).reshape(shape, order="F" if fortran else "C")


def _is_tuple(value: object, length: int) -> TypeGuard[tuple[Any, ...]]:
    return type(value) is tuple and len(value) == length


class _Machine:
    """A stack, the stacks below the marks, and a memo; one function an opcode."""

    __slots__ = ("below", "body", "left", "memo", "stack")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.stack: list[object] = []
        self.below: list[list[object]] = []
        self.memo: list[object] = []
        self.left = len(body) // _BYTES_A_THING + _FREE_THINGS

    def run(self) -> object:
        """The value that is left at the end."""
        body, steps, place = self.body, _STEPS, 0
        try:
            while (opcode := body[place]) != _STOP:
                place = steps[opcode](self, place + 1)
        except (IndexError, struct.error) as error:
            raise Refused("a pickle that is cut off or takes what it has not made") from error
        except UnicodeDecodeError as error:
            raise Refused("a text that is not UTF-8") from error
        if place + 1 != len(body):
            raise Refused(f"{len(body) - place - 1} bytes behind the pickle")
        if len(self.stack) != 1 or self.below:
            raise Refused("a pickle of no single value")
        return self.stack[0]

    def push(self, thing: object) -> None:
        """Something that takes memory of its own."""
        self.left -= 1
        if self.left < 0:
            raise Refused("more things than its bytes can hold")
        self.stack.append(thing)

    def counted(self, place: int, width: int) -> tuple[int, int]:
        """Where the argument that starts with its own length begins and ends."""
        begin = place + width
        end = begin + int.from_bytes(self.body[place:begin], "little")
        if end > len(self.body):
            raise Refused("a pickle that is cut off")
        return begin, end

    def unmarked(self) -> list[object]:
        """What lies above the last mark, which goes."""
        above = self.stack
        self.stack = self.below.pop()
        return above


def _unknown(machine: _Machine, place: int) -> NoReturn:
    raise Refused(f"the pickle opcode {machine.body[place - 1]:#04x}")


def _proto(machine: _Machine, place: int) -> int:
    if machine.body[place] not in {3, 4}:
        raise Refused(f"a pickle of protocol {machine.body[place]}")
    return place + 1


def _frame(machine: _Machine, place: int) -> int:
    machine.counted(place, 8)
    return place + 8


def _mark(machine: _Machine, place: int) -> int:
    machine.left -= 1
    if machine.left < 0:
        raise Refused("more things than its bytes can hold")
    machine.below.append(machine.stack)
    machine.stack = []
    return place


def _constant(value: object) -> Step:
    def step(machine: _Machine, place: int) -> int:
        machine.stack.append(value)
        return place

    return step


def _binint1(machine: _Machine, place: int) -> int:
    machine.stack.append(machine.body[place])
    return place + 1


def _binint2(machine: _Machine, place: int) -> int:
    machine.stack.append(machine.body[place] | machine.body[place + 1] << 8)
    return place + 2


def _binint(machine: _Machine, place: int) -> int:
    machine.stack.append(struct.unpack_from("<i", machine.body, place)[0])
    return place + 4


def _long1(machine: _Machine, place: int) -> int:
    begin, end = machine.counted(place, 1)
    if end - begin > _MOST_LONG_BYTES:
        raise Refused(f"a number of more than {_MOST_LONG_BYTES} bytes")
    machine.push(int.from_bytes(machine.body[begin:end], "little", signed=True))
    return end


def _binfloat(machine: _Machine, place: int) -> int:
    machine.stack.append(struct.unpack_from(">d", machine.body, place)[0])
    return place + 8


def _text(width: int) -> Step:
    def step(machine: _Machine, place: int) -> int:
        begin, end = machine.counted(place, width)
        machine.push(machine.body[begin:end].decode())
        return end

    return step


def _bytes(width: int) -> Step:
    def step(machine: _Machine, place: int) -> int:
        begin, end = machine.counted(place, width)
        machine.push(machine.body[begin:end])
        return end

    return step


def _empty_list(machine: _Machine, place: int) -> int:
    machine.push([])
    return place


def _append(machine: _Machine, place: int) -> int:
    item = machine.stack.pop()
    _listed(machine.stack[-1]).append(item)
    return place


def _appends(machine: _Machine, place: int) -> int:
    items = machine.unmarked()
    _listed(machine.stack[-1]).extend(items)
    return place


def _listed(value: object) -> list[object]:
    if type(value) is not list:
        raise Refused("an item for what is no list")
    return value


def _empty_dict(machine: _Machine, place: int) -> int:
    machine.push({})
    return place


def _setitem(machine: _Machine, place: int) -> int:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set(machine.stack[-1], [key, value])
    return place


def _setitems(machine: _Machine, place: int) -> int:
    items = machine.unmarked()
    _set(machine.stack[-1], items)
    return place


def _set(value: object, items: list[object]) -> None:
    if type(value) is not dict or len(items) % 2:
        raise Refused("a key for what is no dictionary")
    for key, item in zip(items[::2], items[1::2], strict=True):
        if type(key) is not str:
            raise Refused("a dictionary with a key that is no text")
        value[key] = item
        if len(value) > _MOST_KEYS:
            raise Refused(f"a dictionary of more than {_MOST_KEYS} keys")


def _tuple(machine: _Machine, place: int) -> int:
    items = machine.unmarked()
    machine.push(tuple(items))
    return place


def _tuple_of(count: int) -> Step:
    def step(machine: _Machine, place: int) -> int:
        if len(machine.stack) < count:
            raise Refused("a pickle that takes what it has not made")
        items = tuple(machine.stack[-count:])
        del machine.stack[-count:]
        machine.push(items)
        return place

    return step


def _global(machine: _Machine, place: int) -> int:
    middle = machine.body.find(b"\n", place, place + _LONGEST_NAME)
    end = machine.body.find(b"\n", middle + 1, middle + _LONGEST_NAME)
    if middle < 0 or end < 0:
        raise Refused("a name without an end")
    _push_name(machine, machine.body[place:middle].decode(), machine.body[middle + 1 : end].decode())
    return end + 1


def _stack_global(machine: _Machine, place: int) -> int:
    name, module = machine.stack.pop(), machine.stack.pop()
    _push_name(machine, module, name)
    return place


def _push_name(machine: _Machine, module: object, name: object) -> None:
    if type(module) is not str or type(name) is not str:
        raise Refused("a name that is no text")
    known = _NAMES.get((module, name))
    if known is None:
        raise Refused(f"the name {shown(f'{module} {name}')}")
    machine.push(_Known(known))


def _reduce(machine: _Machine, place: int) -> int:
    """Makes an array or a data type; there is nothing else to call."""
    arguments, name = machine.stack.pop(), machine.stack.pop()
    if not isinstance(name, _Known) or not _is_tuple(arguments, 3):
        raise Refused("a call")
    first, second, third = arguments
    if name.name == "dtype":
        if type(first) is not str or (first not in _TYPES and first != _OBJECTS):
            raise Refused(f"the data type {shown(first) if type(first) is str else 'without a name'}")
        machine.push(_Type(first))
    elif name.name == "reconstruct":
        if not isinstance(first, _Known) or first.name != "ndarray" or second != (0,) or third != b"b":
            raise Refused("an array that is made in another way")
        machine.push(_Array())
    else:
        raise Refused("an array that is made in another way")
    return place


def _build(machine: _Machine, place: int) -> int:
    state, thing = machine.stack.pop(), machine.stack[-1]
    if not isinstance(thing, _Array | _Type):
        raise Refused("a state for what has none")
    thing.build(state)
    return place


def _memoize(machine: _Machine, place: int) -> int:
    machine.memo.append(machine.stack[-1])
    return place


def _binput(machine: _Machine, place: int) -> int:
    _put(machine, machine.body[place])
    return place + 1


def _long_binput(machine: _Machine, place: int) -> int:
    _put(machine, _PLACE(machine.body, place)[0])
    return place + 4


def _put(machine: _Machine, where: int) -> None:
    """Places are taken in order, as every pickler does it: no place far out makes a memo of millions."""
    if where != len(machine.memo):
        raise Refused("a memo place out of order")
    machine.memo.append(machine.stack[-1])


def _binget(machine: _Machine, place: int) -> int:
    machine.stack.append(machine.memo[machine.body[place]])
    return place + 1


def _long_binget(machine: _Machine, place: int) -> int:
    machine.stack.append(machine.memo[_PLACE(machine.body, place)[0]])
    return place + 4


Step = Callable[[_Machine, int], int]

_PLACE = struct.Struct("<I").unpack_from
_STOP = ord(".")
_BY_OPCODE: dict[bytes, Step] = {
    b"\x80": _proto, b"\x95": _frame, b"(": _mark,
    b"N": _constant(None), b"\x88": _constant(True), b"\x89": _constant(False), b")": _constant(()),
    b"K": _binint1, b"M": _binint2, b"J": _binint, b"\x8a": _long1, b"G": _binfloat,
    b"\x8c": _text(1), b"X": _text(4), b"C": _bytes(1), b"B": _bytes(4), b"\x8e": _bytes(8),
    b"]": _empty_list, b"a": _append, b"e": _appends, b"}": _empty_dict, b"s": _setitem, b"u": _setitems,
    b"t": _tuple, b"\x85": _tuple_of(1), b"\x86": _tuple_of(2), b"\x87": _tuple_of(3),
    b"c": _global, b"\x93": _stack_global, b"R": _reduce, b"b": _build,
    b"\x94": _memoize, b"q": _binput, b"r": _long_binput, b"h": _binget, b"j": _long_binget,
}  # fmt: skip
_STEPS: list[Step] = [_BY_OPCODE.get(bytes([opcode]), _unknown) for opcode in range(256)]


class _Plain:
    """Arrays come out as arrays; anything else that is not plain is refused.

    A small pickle can name the same list a million times over; what comes out may be no larger than the file.
    """

    def __init__(self, size: int) -> None:
        self.left = size + _FREE_THINGS * _BYTES_A_HOLDER

    def value(self, value: object, depth: int) -> object:
        """One plain thing."""
        self.left -= 1
        if self.left < 0:
            raise Refused("more than its bytes can hold")
        if depth > _DEEPEST:
            raise Refused("lists in lists in lists")
        if isinstance(value, _Array):
            if value.numbers is not None:
                self.left -= value.numbers.nbytes
                return value.numbers
            if value.objects is None:
                raise Refused("an array without its state")
            value = value.objects
        if isinstance(value, dict):
            self.left -= _BYTES_A_HOLDER + _BYTES_A_KEY * len(value)
            return {key: self.value(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            self.left -= _BYTES_A_HOLDER
            return [self.value(item, depth + 1) for item in value]
        if value is None or type(value) in {int, float, str, bool}:
            return value
        raise Refused("something that is no plain value")
