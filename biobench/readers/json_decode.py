"""The good path of strict JSON: the C parser of ``json``, and fast checks for what it lets through."""

from __future__ import annotations

import gc
import json
import math
import re
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from biobench.readers.json_problems import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CHUNK", "RefusedError", "decode", "decode_line", "end_of_value", "is_plain", "suspect"]

CHUNK = 1 << 20
"""Characters that are checked at a time."""


class RefusedError(ValueError):
    """The text is not strict JSON; ``scan`` says why."""


def decode(text: str) -> object:
    """The value of a text; raises ``RefusedError`` where ``scan`` would find something, and only there."""
    suspicions = suspect(text)
    if suspicions.too_deep or suspicions.lone_surrogate:
        raise RefusedError
    try:
        with _no_collection():
            value: object = (_EXACT if suspicions.large_number else _QUICK).decode(text)
    except ValueError as error:
        raise RefusedError from error
    return value


def decode_line(text: str) -> object:
    """``decode`` for a line of a text that ``is_plain``."""
    if text.count("[") + text.count("{") > MAX_DEPTH:
        return decode(text)
    try:
        value: object = _QUICK.decode(text)
    except ValueError as error:
        raise RefusedError from error
    return value


def is_plain(text: str) -> bool:
    """Whether no line of the text can hold a number that is too large or a lone surrogate."""
    chunk = _encoded(text)
    return not _has_lone_surrogate(_without_escaped_marks(chunk)) and not _may_have_large_number(chunk)


def end_of_value(text: str, start: int) -> int:
    """The offset behind the value at ``start``, where the text is known not to be too deep.

    Raises ``RefusedError`` where ``scan`` would find something in the value.
    """
    try:
        _, end = _EXACT.raw_decode(text, start)
    except ValueError as error:
        raise RefusedError from error
    if _has_lone_surrogate(_without_escaped_marks(_encoded(text[start:end]))):
        raise RefusedError
    return end


class Suspicions(NamedTuple):
    """What the C parser would let through, or not survive; right as far as the text's syntax is."""

    too_deep: bool
    lone_surrogate: bool
    large_number: bool
    """That a number may be too large: to be looked at one by one."""


def suspect(text: str) -> Suspicions:
    """Look a text through before it is parsed.

    The depth must be known before: the parser's own limit differs between Python versions, and a caller may
    have raised it beyond what the stack can bear.
    """
    lone_surrogate, large_number, depth, in_string = False, False, 0, False
    for chunk in _chunks(text):
        marks = _without_escaped_marks(chunk)
        lone_surrogate = lone_surrogate or _has_lone_surrogate(marks)
        large_number = large_number or _may_have_large_number(chunk)
        # Taking two neighbouring quotes away leaves every bracket inside, or outside, of a string as it was.
        skeleton = (b'"' * in_string + marks.translate(_BRACKETS, _NO_BRACKETS)).replace(b'""', b"")
        if b'"' in skeleton:
            in_string = skeleton.count(b'"') % 2 == 1
            skeleton = _QUOTED.sub(b"", skeleton)
        else:
            in_string = False
        deepest, depth = _deepest_and_last(skeleton, depth)
        if deepest > MAX_DEPTH:
            return Suspicions(True, lone_surrogate, large_number)
    return Suspicions(False, lone_surrogate, large_number)


_CHUNK_END = re.compile(r"[ \n,:\[\]{}]")

# Deletes everything but brackets and quotes, and makes the brackets one kind.
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))
_QUOTED = re.compile(rb'"[^"]*+"?')
_ROUNDS = 8
_STEP = {ord("["): 1, ord("]"): -1}

# A number is infinite only with an exponent of 100 or more, or with 209 digits in a row.
_DIGITS = bytes.maketrans(b"123456789E+", b"000000000ee")
_LARGE_EXPONENT = b"e000"
_LARGE_EXPONENT_OF_A_VALUE = re.compile(rb"[0-9][eE]\+?[0-9]{3,}(?:[\s,\]}]|\Z)")
_LONG_NUMBER = b"0" * 209

_ENCODED_SURROGATE = re.compile(rb"\xed[\xa0-\xbf]")
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


@contextmanager
def _no_collection() -> Iterator[None]:
    """The garbage collector would walk a growing tree of values again and again, and find nothing."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _deepest_and_last(skeleton: bytes, depth: int) -> tuple[int, int]:
    """The greatest depth on the way through some brackets, never said to be less than it is, and the last."""
    # Counting is slow, so most brackets are taken away in pairs first: each round lowers the depth by one.
    rounds, rest = 0, skeleton
    while rounds < _ROUNDS and b"[]" in rest:
        rounds, rest = rounds + 1, rest.replace(b"[]", b"")
    depths = _depths(rest, depth)
    deepest = max(depths) + rounds
    return deepest if deepest <= MAX_DEPTH else max(_depths(skeleton, depth)), depths[-1]


def _depths(skeleton: bytes, depth: int) -> list[int]:
    return list(accumulate(map(_STEP.__getitem__, skeleton), initial=depth))


def _without_escaped_marks(chunk: bytes) -> bytes:
    """Every backslash that is left begins an escape, and every quote begins or ends a string."""
    return chunk.replace(b"\\\\", b"  ").replace(b'\\"', b"  ") if b"\\" in chunk else chunk


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _has_lone_surrogate(marks: bytes) -> bool:
    if b"\xed" in marks and _ENCODED_SURROGATE.search(marks):
        return True
    # The first question is much the fastest, and most texts have no escapes.
    if b"\\" not in marks or (b"\\ud" not in marks and b"\\uD" not in marks):
        return False
    return _LONE_SURROGATE.search(marks) is not None


def _may_have_large_number(chunk: bytes) -> bool:
    digits = chunk.translate(_DIGITS)
    # Ten digits among every twentieth byte are quickly excluded, and 209 digits in a row with them.
    if b"0" * 10 in digits[::20] and _LONG_NUMBER in digits:
        return True
    # Checksums hold e and three digits too, but not at the end of a value.
    return _LARGE_EXPONENT in digits and _LARGE_EXPONENT_OF_A_VALUE.search(chunk) is not None


def _chunks(text: str) -> Iterator[bytes]:
    """The text in pieces of about a megabyte; no number and no escape is cut."""
    start = 0
    while start < len(text):
        found = _CHUNK_END.search(text, start + CHUNK)
        end = len(text) if found is None else found.end()
        yield _encoded(text[start:end])
        start = end


def _object(members: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("a key twice")
    return value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _finite_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(digits)
    return value


def _finite_int(digits: str) -> int:
    if len(digits) > 308:
        _finite_float(digits)  # before Python's own limit on digits, and in linear time
    return int(digits)


_QUICK = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_EXACT = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite_float, parse_int=_finite_int
)
