"""The machine that reads pickles of plain values: the same values as pickle wrote, and nothing that a hostile file wants."""

import contextlib
import math
import os
import pickle
import random
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.body.pickled import Refused, plain_value

RECONSTRUCT = b"cnumpy._core.multiarray\n_reconstruct\n"
EMPTY = RECONSTRUCT + b"cnumpy\nndarray\nK\x00\x85C\x01b\x87R"
F4 = b"cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def array(shape, content, kind=F4, version=b"K\x01", fortran=b"\x89"):
    return b"\x80\x03" + EMPTY + b"(" + version + shape + kind + fortran + content + b"tb."


def peak_of(body):
    """The most bytes that reading it, or refusing it, took."""
    tracemalloc.start()
    try:
        with contextlib.suppress(Refused):
            plain_value(body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def data(content):
    return b"B" + struct.pack("<I", len(content)) + content


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**100), 2**100) | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(plain, st.sampled_from([3, 4]))
def test_plain_values_come_back_as_they_were(value, protocol):
    body = pickle.dumps(value, protocol=protocol)
    if depth(value) > 4:
        with pytest.raises(Refused, match="lists in lists"):
            plain_value(body)
    else:
        read = plain_value(body)
        assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("kind", ["f4", "f8", "i4", "i8", "u1", "b1"])
@pytest.mark.parametrize("shape", [(), (0,), (0, 46), (3,), (2, 46), (2, 3, 4), (1, 2, 3, 4)])
def test_arrays_come_back_as_they_were(protocol, kind, shape):
    written = np.random.default_rng(0).integers(0, 200, shape).astype(kind)
    for one in (written, np.asfortranarray(written)):
        (read,) = plain_value(pickle.dumps([one], protocol=protocol))
        assert read.dtype == one.dtype
        assert read.shape == one.shape
        assert np.array_equal(read, one)
        assert not read.flags.writeable


@pytest.mark.parametrize(
    "value",
    [
        {1: 2}, {(1, 2): 3}, {None: 1}, {1, 2}, b"bytes", [b"bytes"], 2**200, 1j, range(3), np.float32(1), np.zeros(3, ">f4"),
        np.zeros(3, "f2"), np.zeros(3, "c8"), np.zeros(3, "U3"), np.zeros(3, "M8[s]"), np.zeros(3, [("a", "f4")]),
        np.zeros((1, 1, 1, 1, 1)), np.ma.zeros(3), (((((1,),),),),), [[[[[1]]]]], os.system, Refused, slice(1),
        {str(k): k for k in range(101)}, np.array([[None]], dtype=object),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
@pytest.mark.parametrize("protocol", [3, 4])
def test_other_values_are_refused(value, protocol):
    with pytest.raises(Refused):
        plain_value(pickle.dumps(value, protocol=protocol))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (array(b"K\x03\x85", data(bytes(11))), "bytes don't fit"),
        (array(b"K\x02K\x02\x86", data(bytes(12))), "bytes don't fit"),
        (array(b"J\xff\xff\xff\xffJ\xfd\xff\xff\xff\x86", data(bytes(12))), "impossible shape"),  # -1 * -3 = 3
        (array(b"\x8a\x0f" + b"\x7f" * 15 + b"\x85", data(b"")), "impossible shape"),
        (array(b"K\x00\x8a\x0f" + b"\x7f" * 15 + b"\x86", data(b"")), "impossible shape"),
        (
            array(b"(K\x00" + b"J\xff\xff\xff\x7f" * 3 + b"t", data(b"")),
            "impossible shape",
        ),  # no bytes, and too big for NumPy
        (array(b"\x88\x85", data(bytes(4))), "impossible shape"),
        (array(b"]", data(b"")), "without its shape"),
        (array(b"K\x00\x85", b"]"), "bytes don't fit"),
        (array(b"K\x00\x85", b"N"), "bytes don't fit"),
        (array(b"K\x00\x85", data(b""), fortran=b"K\x00"), "without its type"),
        (array(b"K\x00\x85", data(b""), kind=b"N"), "without its type"),
        (array(b"K\x00\x85", data(b""), kind=F4.partition(b"(")[0]), "without its type"),
        (array(b"K\x00\x85", data(b""), kind=F4.replace(b"<", b">")), "another kind"),
        (array(b"K\x00\x85", data(b""), kind=F4.replace(b"NNN", b"N)N")), "with parts"),
        (array(b"K\x00\x85", data(b""), version=b"K\x02"), "without its state"),
        (array(b"K\x00\x85", data(b""), version=b"\x88"), "without its state"),
        (array(b"K\x00\x85", data(b""))[:-1] + b"Nb.", "set twice"),
        (b"\x80\x03" + EMPTY + b".", "without its state"),
        (b"\x80\x03" + EMPTY + b"q\x00]h\x00h\x00\x86.", "single value"),
    ],
)
def test_states_that_do_not_fit_are_refused(body, reason):
    with pytest.raises(Refused, match=reason):
        plain_value(body)


def test_an_array_may_be_empty_in_any_direction():
    assert plain_value(array(b"K\x00K\x2e\x86", data(b""))).shape == (0, 46)


# Each of these brought down, or held up, an unpickler that calls nothing. ------------------------------------


def nested_tuples(count):
    yield b")" + b"\x85" * count
    yield b"N" + b"K\x00\x86" * count
    yield b"(" * count + b"t" * count
    yield b")q\x00" + b"".join(
        b"\x85r" + struct.pack("<I", k) + b"0j" + struct.pack("<I", k) for k in range(1, count // 10)
    )


@pytest.mark.parametrize("nested", list(nested_tuples(300_000)), ids=["one", "two", "marks", "memo"])
def test_tuples_in_tuples_overflow_no_stack(nested):
    for body in (
        b"\x80\x03}" + nested + b"Ns.",
        b"\x80\x03cnumpy\ndtype\n" + nested + b"\x85R.",
        b"\x80\x03" + nested + b".",
    ):
        with pytest.raises(Refused):
            plain_value(body)


def test_numbers_of_equal_hashes_take_no_time():
    prime = 2**61 - 1  # all hashes are 0
    items = b"".join(b"\x8a\x0c" + (k * prime).to_bytes(12, "little") + b"N" for k in range(1, 30_000))
    with pytest.raises(Refused, match="no text"):
        plain_value(b"\x80\x03}(" + items + b"u.")


def test_a_list_in_itself_ends():
    for body in (b"\x80\x03]q\x00h\x00a.", b"\x80\x03}q\x00X\x01\x00\x00\x00ah\x00s."):
        with pytest.raises(Refused, match="lists in lists|more than"):
            plain_value(body)
    inside = (
        b"\x80\x03" + EMPTY + b"q\x00(K\x01K\x01\x85" + F4.replace(b"f4", b"O8").replace(b"<", b"|") + b"\x89]h\x00atb."
    )
    with pytest.raises(Refused, match="lists in lists"):
        plain_value(inside)


@pytest.mark.parametrize(
    "piece",
    [
        b"]", b"}", b"(", b")\x85", b")", b"N", b"K\x05", b"M\x01\x05", b"J\x00\x00\x00\x01", b"\x8a\x02aa", b"\x8c\x02ab", b"C\x02ab",
        b"X\x00\x00\x00\x00", b"\x8c\x02\xc3\xa9", b"G" + bytes(8), b"h\x00", b"\x94", b"]\x94", b"}\x94", b"K\x00\x85",
        b"cnumpy\ndtype\n", b"h\x00N\x89\x88\x87R", b"]\x85", b"h\x00a", b"(]e",
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_made_stays_within_a_small_multiple_of_the_file(piece):
    body = b"\x80\x04]\x94" + piece * (100_000 // len(piece)) + b"."
    assert peak_of(body) < 25 * len(body) + 200_000


@pytest.mark.parametrize("keys", [0, 1, 2, 5, 6, 11, 22, 43, 86, 100])
@pytest.mark.parametrize("kind", ["dictionary", "list", "tuple"])
def test_a_thing_named_many_times_over_takes_no_more_than_the_file(kind, keys):
    if kind == "dictionary":
        thing = b"}q\x01(" + b"".join(b"X\x03\x00\x00\x00" + b"%03d" % k + b"N" for k in range(keys)) + b"u"
    else:
        thing = b"]q\x01(" + b"N" * keys + b"e" if kind == "list" else b"(" + b"N" * keys + b"tq\x01"
    for size in (20_000 // (keys + 1), 20_000):
        body = b"\x80\x03]q\x00(" + thing + b"h\x01" * size + b"e."
        assert peak_of(body) < 25 * len(body) + 300_000


def test_frames_without_anybody_are_not_taken_for_a_bomb():
    frame = {
        name: np.zeros((0, width), np.float32) for name, width in (("poses", 46), ("betas", 10), ("patch_cam_t", 3))
    }
    for protocol in (3, 4):
        frames = [
            {**{n: a.copy() for n, a in frame.items()}, "full_cam_t": np.zeros((0, 3)), "bbx_cs": []}
            for _ in range(5000)
        ]
        assert len(plain_value(pickle.dumps(frames, protocol=protocol))) == 5000


def test_programs_of_any_kind_give_a_plain_value_or_a_refusal():
    """Random programs of the machine's own opcodes and others, with arguments that fit or don't."""
    rng = random.Random(2)
    pieces = [
        b"]", b"}", b"(", b")", b"t", b"\x85", b"\x86", b"\x87", b"a", b"e", b"s", b"u", b"N", b"\x88", b"\x89", b"K\x00", b"K\x03",
        b"M\x01\x01", b"J\xff\xff\xff\xff", b"\x8a\x01\x05", b"G" + struct.pack(">d", math.pi), b"\x8c\x01a", b"X\x02\x00\x00\x00f4",
        b"C\x01b", b"C\x04abcd", b"h\x00", b"h\x01", b"q\x00", b"q\x01", b"\x94", b"R", b"b", EMPTY, F4, RECONSTRUCT, b"cnumpy\ndtype\n",
        b"cnumpy\nndarray\n", b"(K\x01K\x01\x85" + F4 + b"\x89C\x04abcdtb", b"0", b"1", b"2", b"\x81", b"o", b"\x95" + bytes(8),
    ]  # fmt: skip
    read = 0
    for _ in range(20_000):
        body = b"\x80\x03" + b"".join(rng.choice(pieces) for _ in range(rng.randrange(1, 9))) + b"."
        try:
            value = plain_value(body)
        except Refused as reason:
            assert str(reason).isprintable()
            continue
        read += 1
        todo = [value]
        while todo:
            one = todo.pop()
            assert type(one) in {type(None), bool, int, float, str, list, dict, np.ndarray}
            todo += one.values() if isinstance(one, dict) else one if isinstance(one, list) else []
    assert read > 200


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_any_bytes_in_any_place(some, place):
    good = pickle.dumps([{"poses": np.zeros((1, 46), np.float32), "bbx_cs": None}], protocol=4)
    for body in (
        some,
        good[:place] + some + good[place:],
        good[:place] + some,
        good[:place] + some + good[place + len(some) :],
    ):
        with contextlib.suppress(Refused):
            plain_value(body)
