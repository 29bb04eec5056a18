"""HSMR's files: read without running them, written back bit for bit, everything else refused with a reason."""

import io
import os
import pickle
import random
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.body.hsmr import HsmrFrames, read, write, write_npz
from biobench.body.person import choose_person, motion_of
from biobench.body.safe_npy import read_object_list
from biobench.problems import ProblemsFound

DATA = Path(__file__).parents[1] / "data"


def frames(people=(1, 1, 0, 2, 1), seed=0, boxes=True):
    rng = np.random.default_rng(seed)
    total = sum(people)

    def numbers(width):
        return rng.normal(size=(total, width)).astype(np.float32)

    own = numbers(3) if boxes else np.full((total, 3), np.nan, np.float32)
    return HsmrFrames(np.array(people, np.int64), numbers(46), numbers(10), numbers(3), numbers(3), own)


def as_dicts(f, box_none=False):
    starts = f.starts
    return [
        {
            "poses": f.poses[a:b], "betas": f.betas[a:b], "patch_cam_t": f.patch_cam_t[a:b], "full_cam_t": f.full_cam_t[a:b],
            "bbx_cs": None if box_none else [box.copy() for box in f.boxes[a:b]],
        }
        for a, b in zip(starts[:-1], starts[1:], strict=True)
    ]  # fmt: skip


def same(one, other):
    return all(
        np.array_equal(getattr(one, n), getattr(other, n), equal_nan=True)
        for n in ("people", "poses", "betas", "patch_cam_t", "full_cam_t", "boxes")
    )


def saved(path, value, protocol=None, old=False):
    """As numpy.save writes it, by NumPy 2 or (names and protocol) by NumPy 1."""
    array = np.empty(len(value), dtype=object) if isinstance(value, list) else np.asanyarray(value, dtype=object)
    if isinstance(value, list):
        array[:] = value
    body = pickle.dumps(array, protocol=protocol or 4)
    if old:
        body = body.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    path.write_bytes(npy(body, array.shape))
    return path


def npy(body, shape=(3,), descr="|O"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + body


@pytest.mark.parametrize(("protocol", "old"), [(3, True), (3, False), (4, False)])
def test_both_spellings_and_all_protocols_are_read(tmp_path, protocol, old):
    f = frames()
    assert same(read(saved(tmp_path / "h.npy", as_dicts(f), protocol, old)), f)


def test_numpy_itself_writes_what_is_read(tmp_path):
    f = frames()
    np.save(tmp_path / "h.npy", np.array(as_dicts(f), dtype=object), allow_pickle=True)
    assert same(read(tmp_path / "h.npy"), f)
    np.save(tmp_path / "list.npy", as_dicts(f), allow_pickle=True)
    assert same(read(tmp_path / "list.npy"), f)


@given(st.lists(st.integers(0, 5), max_size=8), st.booleans())
@settings(max_examples=30, deadline=None)
def test_written_and_read_again_bit_for_bit(tmp_path_factory, people, boxes):
    folder = tmp_path_factory.mktemp("hsmr")
    f = frames(tuple(people), boxes=boxes)
    write(folder / "a.npy", f)
    again = read(folder / "a.npy")
    assert same(again, f)
    write(folder / "b.npy", again)
    assert (folder / "a.npy").read_bytes() == (folder / "b.npy").read_bytes()
    write_npz(folder / "c.npz", f)
    assert same(read(folder / "c.npz"), f)
    first = (folder / "c.npz").read_bytes()
    write_npz(folder / "c.npz", f)
    assert (folder / "c.npz").read_bytes() == first


def test_what_is_written_is_what_numpy_1_writes(tmp_path):
    """The file was saved by NumPy 1.26.4: a list of dictionaries of people 1, 0, 2; numbers count up by 1/64."""
    golden = DATA / "hsmr_numpy_1.26.npy"
    f = read(golden)
    assert f.people.tolist() == [1, 0, 2]
    assert np.array_equal(f.poses[1:].ravel(), (np.arange(2 * 46) + 200) / 64)
    assert f.boxes.tolist() == [[0, 0, 200], [2, 0, 200], [2, 1, 200]]
    write(tmp_path / "h.npy", f)
    assert (tmp_path / "h.npy").read_bytes() == golden.read_bytes()


class Runs:
    """What an attacker would send: unpickled, it calls."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def attacks():
    yield "os.system", pickle.dumps(Runs(os.system, "touch pwned"), 4)
    yield "os.system 2", pickle.dumps([Runs(os.system, "touch pwned")], 2)
    yield "eval", pickle.dumps(Runs(eval, "open('pwned','w')"), 4)
    yield "exec in a frame", pickle.dumps([{"poses": Runs(exec, "open('pwned','w')")}], 3)
    yield "f2py", b"\x80\x03cnumpy.f2py.capi_maps\neval\n(X\x0f\x00\x00\x00open('pwned','w')tR."
    yield "getattr chain", b"\x80\x03cbuiltins\ngetattr\n(cnumpy\ndtype\nX\x03\x00\x00\x00mrotR."
    yield "numpy.load", pickle.dumps(Runs(np.load, "x.npy", None, True), 4)
    yield "INST", b"(S'touch pwned'\nios\nsystem\n."
    yield "OBJ", b"(cos\nsystem\nS'touch pwned'\no."
    yield "NEWOBJ", b"\x80\x02cnumpy\nndarray\n)\x81."
    yield "NEWOBJ_EX", b"\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93)}\x92."
    yield "EXT1", b"\x80\x02\x82\x01."
    yield "EXT2", b"\x80\x02\x83\x01\x00."
    yield "EXT4", b"\x80\x02\x84\x01\x00\x00\x00."
    yield "PERSID", b"Pxx\n."
    yield "BINPERSID", b"\x80\x02K\x01Q."
    yield "attribute of a stand-in", (b"\x80\x03cnumpy.core.multiarray\n_reconstruct\n}X\x01\x00\x00\x00aK\x01sb.")
    yield "slots of a stand-in", b"\x80\x03cnumpy\ndtype\nN}X\x08\x00\x00\x00__code__K\x01s\x86b."
    yield "call of an array", b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R)R."
    yield "another array class", b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85C\x01b\x87R."
    yield (
        "reconstruct with a shape",
        (b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x8a\x06\x00\xa0rN\x18\x09\x85C\x01b\x87R."),
    )
    yield "dtype of a record", b"\x80\x03cnumpy\ndtype\nX\x03\x00\x00\x00V99\x89\x88\x87R."
    yield "huge number", b"\x80\x02\x8b\xff\xff\xff\x7f."
    yield "long1", b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b"."
    yield "string of 2 GB", b"\x80\x03X\xff\xff\xff\x7fab."
    yield "bytes of 2**60", b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"."
    yield "frame of 2**60", b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"]."
    yield "memo bomb", b"\x80\x02]r\xff\xff\xff\x7f."
    yield "bytearray", b"\x80\x05\x96" + struct.pack("<Q", 3) + b"abc."
    yield "protocol 5", b"\x80\x05]."
    yield "nothing", b""
    yield "no end", b"\x80\x03]"
    yield "two pickles", b"\x80\x03].\x80\x03]."
    yield "a set", b"\x80\x04\x8f."
    yield "nested", b"\x80\x03" + b"]" * 500 + b"a" * 499 + b"."
    lists = b"\x80\x03]q\x00"
    for k in range(4):  # each list holds the one before a thousand times
        lists += b"]q" + bytes([k + 1]) + b"(" + (b"h" + bytes([k])) * 1000 + b"e"
    yield "a trillion references", lists + b"."


@pytest.mark.parametrize(("name", "body"), list(attacks()), ids=lambda value: value if isinstance(value, str) else "")
def test_files_that_try_to_run_code_are_refused(tmp_path, monkeypatch, name, body):
    monkeypatch.chdir(tmp_path)
    for shape in ((1,), (3,), ()):
        (tmp_path / "h.npy").write_bytes(npy(body, shape))
        with pytest.raises(ProblemsFound) as found:
            read("h.npy")
        assert str(found.value).isprintable()
    assert {path.name for path in tmp_path.iterdir()} == {"h.npy"}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"PK\x03\x04", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff", npy(b"", (10**13,)), npy(b"x", (10**13, 46), "<f4"),
        npy(b"\x80\x03].", (10**13,)), npy(b"\x80\x03].", (-1,)), npy(b"\x80\x03].", (0, 0)),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 31) + b"{" * 100,
        b"\x93NUMPY\x01\x00" + struct.pack("<H", 60_000) + b"(" * 60_000,
        b"\x93NUMPY\x03\x00" + npy(b"\x80\x03].", (0,))[8:], b"\x93NUMPX" + npy(b"\x80\x03].", (0,))[6:],
    ],
)  # fmt: skip
def test_headers_of_any_kind(tmp_path, content):
    (tmp_path / "h.npy").write_bytes(content)
    with pytest.raises(ProblemsFound):
        read(tmp_path / "h.npy")


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': (), 'fortran_order': False, 'shape': (1,)}", "{'descr': ((), ()), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1L,)}", "{'descr': 'a', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 1is 2, 'fortran_order': False, 'shape': (1,)}", "{'descr': [()], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1" + "0" * 4000 + ",)}", "{1: 2, 'a': 3}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (" + "0," * 70 + ")}", "{'descr': 'O,O', 'fortran_order': False, 'shape': (1,)}",
    ],
)  # fmt: skip
def test_headers_that_numpy_trips_over(tmp_path, header):
    content = f"{header}\n".encode()
    (tmp_path / "h.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(content)) + content + b"\x80\x03].")
    with pytest.raises(ProblemsFound) as found:
        read(tmp_path / "h.npy")
    assert len(str(found.value)) < 1000


def test_very_many_problems_take_little_memory(tmp_path):
    (tmp_path / "h.npy").write_bytes(npy(b"\x80\x03](" + b"N" * 50_000 + b"e.", (50_000,)))
    tracemalloc.start()
    try:
        with pytest.raises(ProblemsFound, match="49000 more problems"):
            read(tmp_path / "h.npy")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * 50_000


def test_damaged_files_give_problems_and_nothing_else(tmp_path):
    """Bytes and opcodes of a benign file, changed one or a few at a time."""
    write(tmp_path / "good.npy", frames())
    good = (tmp_path / "good.npy").read_bytes()
    rng = random.Random(1)
    refused = 0
    for k in range(1500):
        spoiled = bytearray(good)
        for _ in range(rng.choice([1, 1, 2, 5])):
            place = rng.randrange(len(spoiled)) if k % 3 else 128 + rng.randrange(300)
            action = rng.randrange(3)
            if action == 0:
                spoiled[place] = rng.randrange(256)
            elif action == 1:
                del spoiled[place : place + rng.choice([1, 4, 50])]
            else:
                spoiled[place:place] = bytes(rng.choice(b"(.cRbo}]N0a\x81\x82\x93Q") for _ in range(2))
        (tmp_path / "bad.npy").write_bytes(spoiled)
        try:
            read(tmp_path / "bad.npy")
        except ProblemsFound as found:
            refused += 1
            assert str(found).replace("\n", "").isprintable()
    assert refused > 700


def test_memory_stays_within_a_multiple_of_the_file(tmp_path):
    """Bombs of several kinds, with half a gigabyte of address space above the interpreter's own."""
    bombs = [
        body for name, body in attacks() if "bomb" in name or "2**60" in name or "references" in name or "GB" in name
    ]
    shared = b"\x80\x03B" + struct.pack("<I", 46 * 4 * 1000) + bytes(46 * 4 * 1000) + b"q\x00"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01M\xe8\x03K.\x86cnumpy\ndtype\n"
        b"X\x02\x00\x00\x00f4\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89h\x00tb"
    )
    bombs.append(shared + b"0](" + array * 20_000 + b"e.")
    for k, body in enumerate(bombs):
        (tmp_path / f"{k}.npy").write_bytes(npy(body, (20_000,) if len(body) > 10**6 else (1,)))
    code = f"""
import resource, sys
from pathlib import Path
from biobench.body.hsmr import read
from biobench.problems import ProblemsFound
used = int(open('/proc/self/statm').read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + (512 << 20),) * 2)
for path in sorted(Path({str(tmp_path)!r}).glob('*.npy')):
    try:
        read(path)
    except ProblemsFound as found:
        print(str(found)[:80])
    else:
        sys.exit(f'{{path}} was read')
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(bombs)


def test_every_problem_of_the_schema_is_located(tmp_path):
    items = as_dicts(frames())
    items[0]["poses"] = items[0]["poses"][:, :45]
    items[1]["betas"] = None
    del items[3]["full_cam_t"]
    items[4]["bbx_cs"] = [np.zeros(4, np.float32)]
    with pytest.raises(ProblemsFound) as found:
        read(saved(tmp_path / "h.npy", items))
    assert {p.json_path for p in found.value.problems} == {"$[0].poses", "$[1].betas", "$[3].full_cam_t", "$[4].bbx_cs"}
    many = as_dicts(frames((6,)))
    with pytest.raises(ProblemsFound, match="6 people"):
        read(saved(tmp_path / "h.npy", many))


def test_very_many_problems_are_counted(tmp_path):
    items = [{} for _ in range(1100)]
    with pytest.raises(ProblemsFound) as found:
        read(saved(tmp_path / "h.npy", items))
    assert len(found.value.problems) == 1001
    assert "4500 more problems" in str(found.value)


def test_double_precision_is_read_and_what_is_too_large_is_missing(tmp_path):
    items = as_dicts(frames((1, 1)))
    items = [{k: v if k == "bbx_cs" else v.astype(np.float64) for k, v in item.items()} for item in items]
    items[1]["poses"][0, 5] = 1e300
    f = read(saved(tmp_path / "h.npy", items))
    assert f.poses.dtype == np.float32
    motion, _ = motion_of(f, np.arange(2.0))
    assert motion.valid.tolist() == [True, False]


def test_none_as_boxes(tmp_path):
    f = frames(boxes=False)
    assert same(read(saved(tmp_path / "h.npy", as_dicts(f, box_none=True))), f)


def test_convert_hsmr(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "biobench", "convert-hsmr", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )

    write(tmp_path / "h.npy", frames())
    done = run(tmp_path / "h.npy", tmp_path / "h.npz")
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 frames, 5 poses, 1 frames without anybody" in done.stdout
    assert same(read(tmp_path / "h.npz"), frames())
    with np.load(tmp_path / "h.npz") as plain:
        assert plain["poses"].shape == (5, 46)
    (tmp_path / "bad.npy").write_bytes(npy(pickle.dumps(Runs(os.system, "touch pwned"))))
    for arguments, word in (
        ((tmp_path / "bad.npy", tmp_path / "x.npz"), "the name"), ((tmp_path / "absent.npy", tmp_path / "x.npz"), "no file"),
        ((tmp_path / "h.npy", tmp_path / "x.npy"), ".npz"), ((tmp_path / "h.npy", tmp_path / "no" / "x.npz"), "create it"),
    ):  # fmt: skip
        done = run(*arguments)
        assert done.returncode == 2
        assert word in done.stderr
        assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"h.npy", "h.npz", "bad.npy"}


def test_npz_bombs_and_pickles_are_refused(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", people=np.zeros(50_000_000, np.int8))
    np.savez(
        tmp_path / "pickle.npz", people=np.array([Runs(os.system, "touch pwned")], dtype=object), allow_pickle=True
    )
    for name in ("bomb", "pickle"):
        with pytest.raises(ProblemsFound):
            read(tmp_path / f"{name}.npz")
    with pytest.raises(ProblemsFound, match="no file"):
        read(tmp_path / "absent.npz")


# Who is followed ---------------------------------------------------------------------------------------------


def walk(people, order):
    """Two people whose order in the file follows ``order``; the second one is smaller and stands apart."""
    rng = np.random.default_rng(3)
    bases = rng.normal(0, 0.5, (2, 46))
    poses, boxes = [], []
    for k, shown in enumerate(order):
        for p in shown:
            poses.append(bases[p] + 0.02 * k)
            boxes.append([300 + 2 * k if p == 0 else 700 - 3 * k, 400, 220 if p == 0 else 120])
    total = len(poses)
    zero = np.zeros((total, 3), np.float32)
    return HsmrFrames(
        np.array([len(shown) for shown in order], np.int64), np.array(poses, np.float32), np.zeros((total, 10), np.float32),
        zero, zero, np.array(boxes, np.float32),
    )  # fmt: skip


def test_one_person_is_followed_when_the_order_changes_and_others_walk_in():
    order = [(0,), (0,), (0, 1), (1, 0), (1, 0), (), (0, 1), (1,), (1, 0)] * 3
    f = walk(2, order)
    rows = choose_person(f).rows
    starts = f.starts
    for k, shown in enumerate(order):
        if 0 in shown:
            assert rows[k] == starts[k] + shown.index(0), k


def test_pairing_with_times_marks_what_is_missing():
    f = walk(2, [(0,), (0,), (), (1, 0), (0,)])
    f.poses[1, 7] = np.nan
    motion, notices = motion_of(f, np.array([0.0, 0.04, 0.09, 0.13, 0.2]), "HSMR-0001.npy")
    assert motion.valid.tolist() == [True, False, False, True, True]
    assert {notice.code for notice in notices} == {"frames-without-pose", "several-people"}
    with pytest.raises(ProblemsFound, match="5 frames of poses, expected 4"):
        motion_of(f, np.arange(4.0))


def test_the_list_reader_gives_plain_values_only(tmp_path):
    value = read_object_list(saved(tmp_path / "x.npy", [{"a": 1, "b": [1.5, None, "x", True]}, {"a": (1, 2)}]))
    assert value == [{"a": 1, "b": [1.5, None, "x", True]}, {"a": [1, 2]}]
