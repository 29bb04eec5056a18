"""Reading JSON files: what is no JSON file is said to be, and a damaged file is refused or read as ``json`` does."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
import math
import os
import socket
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biobench.problems import Problem, ProblemsFound
from biobench.readers import json_decode
from biobench.readers.json_text import (
    JsonText,
    parse,
    parse_lines,
    read_text,
)


def source_of(text: str) -> JsonText:
    return JsonText("p.json", text, "")


def read_problem(path: Path) -> Problem:
    with pytest.raises(ProblemsFound) as caught:
        read_text(path)
    (problem,) = caught.value.problems
    return problem


def lines_of(text: str) -> tuple[list[tuple[int, object]], tuple[Problem, ...]]:
    good: list[tuple[int, object]] = []
    try:
        for line, value in parse_lines(source_of(text)):
            good.append((line, value))
    except ProblemsFound as found:
        return good, found.problems
    return good, ()


def test_a_file_is_read_with_its_digest(tmp_path):
    path = tmp_path / "p.json"
    data = codecs.BOM_UTF8 + '["é"]'.encode()
    path.write_bytes(data)
    source = read_text(path)
    assert source == JsonText(str(path), '["é"]', hashlib.sha256(data).hexdigest())
    assert "é" not in repr(source)
    assert parse(source) == ["é"]


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "predictions.json").write_text("[]")
    (tmp_path / "zzz").write_text("")
    problem = read_problem(tmp_path / "prediction.json")
    assert problem.file == str(tmp_path / "prediction.json")
    assert (problem.found, problem.line) == ("no such file", None)
    assert problem.hint == f"did you mean {tmp_path / 'predictions.json'}?"
    assert read_problem(tmp_path / "qqqq").hint == ""
    assert read_problem(tmp_path / "a" / "b" / "c").hint == f"its folder does not exist either; {tmp_path} does"


def test_what_is_no_file(tmp_path, monkeypatch):
    assert read_problem(tmp_path).found == "a folder"
    os.mkfifo(tmp_path / "pipe")
    assert read_problem(tmp_path / "pipe").found == "a pipe"
    assert read_problem(Path("/dev/null")).found == "a device"
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        assert read_problem(Path("s")).found == "a socket"
    (tmp_path / "link").symlink_to("nowhere")
    assert read_problem(tmp_path / "link").found == "a link to nowhere, which does not exist"
    (tmp_path / "loop").symlink_to("loop")
    assert "can't be read" in read_problem(tmp_path / "loop").found
    (tmp_path / "file").write_text("[]")
    assert "through a file" in read_problem(tmp_path / "file" / "p.json").found
    assert "can't be read" in read_problem(tmp_path / ("n" * 300)).found
    assert "can't be read" in read_problem(tmp_path / "nul\0").found
    (tmp_path / "good").symlink_to("file")
    assert parse(read_text(tmp_path / "good")) == []


def test_a_name_that_cannot_be_printed(tmp_path):
    problem = read_problem(tmp_path / "a\udcff\u202e\n.json")
    assert problem.file == f"{tmp_path}/a\\udcff\\u202e\\n.json"
    assert str(problem).isprintable()


def test_a_file_without_permission():
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "p.json").write_text("[]")
        (folder / "p.json").chmod(0)
        (folder / "shut").mkdir(0)
        try:
            if user == 0:  # root may read everything, so the test becomes somebody else for a while
                os.seteuid(65534)
            problems = [read_problem(folder / "p.json"), read_problem(folder / "shut" / "p.json")]
            unlisted = read_problem(folder / "q.json") if user == 0 else None
        finally:
            os.seteuid(user)
            (folder / "shut").chmod(0o700)
    assert [problem.found for problem in problems] == ["a file that may not be read"] * 2
    assert unlisted is None or "may not be listed" in unlisted.hint


@pytest.mark.parametrize("data", [b"", codecs.BOM_UTF8])
def test_an_empty_file(tmp_path, data):
    (tmp_path / "p").write_bytes(data)
    assert read_problem(tmp_path / "p").found == "an empty file"


@pytest.mark.parametrize("name", ["UTF-16-LE", "UTF-16-BE", "UTF-32-LE", "UTF-32-BE"])
@pytest.mark.parametrize("text", ['[{"a": "é"}]', "[]", "\ufeff7", '["深蹲深蹲深蹲深蹲深蹲深蹲深蹲"]', "\ufeff[]"])
def test_other_encodings_are_named(tmp_path, name, text):
    (tmp_path / "p").write_bytes(text.encode(name))
    problem = read_problem(tmp_path / "p")
    assert problem.found == f"{name} text"
    assert "UTF-8" in problem.hint


@pytest.mark.parametrize(
    ("data", "line", "column", "offset", "byte"),
    [
        ('["é",\n "é'.encode() + b"\xe9t\xe9" + b'"]', 2, 4, 11, "0xE9"),
        (codecs.BOM_UTF8 + b'["\x92"]', 1, 3, 5, "0x92"),
        (b'["\xf0\x9f\x98', 1, 3, 2, "0xF0"),
        (b'["\xed\xa0\x80"]', 1, 3, 2, "0xED"),
        (b'["\xc0\x80"]', 1, 3, 2, "0xC0"),
    ],
)
def test_broken_utf8_is_found_at_its_byte(tmp_path, data, line, column, offset, byte):
    (tmp_path / "p").write_bytes(data)
    problem = read_problem(tmp_path / "p")
    assert (problem.line, problem.column) == (line, column)
    assert problem.found == f"the byte {byte}, which is not UTF-8 (byte offset {offset})"


def test_nul_bytes(tmp_path):
    (tmp_path / "p").write_bytes(b'["a",\n"b\x00\x00\x00"]')
    problem = read_problem(tmp_path / "p")
    assert (problem.line, problem.column) == (2, 3)
    assert problem.found == "a NUL byte, the first of 3 (byte offset 8)"
    (tmp_path / "p").write_bytes(b'["a\xff\x00"]')
    with pytest.raises(ProblemsFound) as caught:
        read_text(tmp_path / "p")
    assert [p.column for p in caught.value.problems] == [4, 5]


def test_compressed_files_are_named(tmp_path):
    (tmp_path / "p").write_bytes(gzip.compress(b"[]"))
    assert "gzip" in read_problem(tmp_path / "p").found
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr("p.json", "[]")
    problem = read_problem(tmp_path / "z")
    assert problem.found == "zip data"
    assert "compressed" in problem.hint


def test_lines_give_the_good_values_and_every_broken_line():
    text = '{"a": 1}\n\n  \t\r\n{"a": NaN, "b": 1e999}\r\n[1, 2\n{"a": 1, "a": 2}\n{"a": 3}\r\n["\\ud800"]\n7'
    good, problems = lines_of(text)
    assert good == [(1, {"a": 1}), (7, {"a": 3}), (9, 7)]
    assert [(p.line, p.column, p.json_path) for p in problems] == [
        (4, 7, "$.a"),
        (4, 17, "$.b"),
        (5, 6, "$"),
        (6, 10, "$.a"),
        (8, 3, "$[0]"),
    ]
    assert problems[2].found == "the end of the line"
    assert "one whole value" in problems[2].hint


def test_a_line_ends_with_a_line_feed_only():
    text = '"a\u2028b\x85c"\n"d"'
    assert lines_of(text) == ([(1, "a\u2028b\x85c"), (2, "d")], ())


def test_a_string_does_not_reach_into_the_next_line():
    good, (problem,) = lines_of('1\n["abc\n"]')[0], lines_of('1\n["abc\n1')[1]
    assert good == [(1, 1)]
    assert (problem.line, problem.column, problem.expected) == (2, 2, "its closing quote")


def test_two_values_on_a_line():
    good, (problem,) = lines_of("1\n1 2\n3")
    assert good == [(1, 1), (3, 3)]
    assert (problem.line, problem.column, problem.expected) == (2, 3, "the end of the line")


@pytest.mark.parametrize("text", ["", " \n\n", "\r\n"])
def test_lines_without_a_value(text):
    good, (problem,) = lines_of(text)
    assert good == []
    assert problem.found == "nothing but white space"


def test_indented_json_given_as_lines_is_said_once():
    text = json.dumps([{"a": [1, 2]}, {"a": []}], indent=2)
    good, (problem,) = lines_of("\n" + text)
    assert good == []
    assert problem.found == "one JSON value over several lines"
    assert ".json" in problem.hint
    _, problems = lines_of(text.replace("1", "NaN"))
    assert [p.found for p in problems] == ["one JSON value over several lines", "NaN"]
    assert (problems[1].line, problems[1].column, problems[1].json_path) == (4, 7, "$[0].a[0]")


def test_lines_keep_a_thousand_problems():
    good, problems = lines_of("1\n" + "NaN\n" * 1500)
    assert good == [(1, 1)]
    assert len(problems) == 1001
    assert (problems[999].line, problems[1000].found) == (1001, "500 more problems")


def test_lines_are_checked_in_every_batch(monkeypatch):
    for size in (1, 10, 30):
        monkeypatch.setattr("biobench.readers.json_text.CHUNK", size)
        good, problems = lines_of('"\\ud83d\\ude00"\n1e400\n"\\ud83d"\n' + '{"a": 0.5}\n' * 9 + "1e999\n1e30")
        assert [line for line, _ in good] == [1, *range(4, 13), 14]
        assert [p.line for p in problems] == [2, 3, 13]


class NotStrictError(ValueError):
    pass


def strict(text: str) -> object:
    """What ``parse`` must accept, the slow and plain way; texts in the tests are never deep."""

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) < len(pairs):
            raise NotStrictError
        return dict(pairs)

    def refuse(word: str) -> object:
        raise NotStrictError(word)

    def check(value: object) -> None:
        if isinstance(value, dict):
            check(list(value))
            check(list(value.values()))
        elif isinstance(value, list):
            for item in value:
                check(item)
        elif isinstance(value, str):
            value.encode()
        elif isinstance(value, float) and math.isinf(value):
            raise NotStrictError
        elif isinstance(value, int):
            try:
                float(value)
            except OverflowError:
                raise NotStrictError from None

    value = json.loads(text, object_pairs_hook=members, parse_constant=refuse)
    check(value)
    return value


SEEDS = [
    (
        b'[{"mini_episode_id": "0003_0", "pred_feedbacks": ["Good \\ud83d\\ude00", "caf\xc3\xa9"],\n'
        b' "pred_feedback_timestamps": [1700000000.5, 1.5e9]},\n {"a": null, "b": [true, false, {}], "": -0}]'
    ),
    b'{"x": [[[1e30, 100000000]], "\\\\ud800\\n\\"", "\\u00e9"], "y": {"x": 1, "z": ["", [], 5e-324]}}\r\n',
]
MARKS = rb"""[ ] { } , : " \ 0 e E+ - . ' \u \ud800 \udc00 NaN Infinity -Infinity 1e999 "x":1 "" true None //""".split()
ODD = [b"\n", b"\t", b" ", b"\xff", b"\x00", b"\xc3", b"\xc2\xa0", b"\xef\xbb\xbf", b"\xed\xa0\x80"]
LONG = [b"9" * 320, b"0" * 4400, b"[" * 120, b"]" * 120]
EDITS = st.lists(
    st.tuples(st.integers(0, 250), st.integers(0, 6), st.sampled_from(MARKS + ODD + LONG) | st.binary(max_size=2)),
    min_size=1,
    max_size=4,
)


def mutated(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for at, removed, piece in edits:
        seed = seed[:at] + piece + seed[at + removed :]
    return seed


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(SEEDS), EDITS, st.sampled_from([1, 13, 1 << 20]))
def test_a_damaged_file_is_refused_or_read_as_json_does(tmp_path, monkeypatch, seed, edits, chunk):
    monkeypatch.setattr(json_decode, "CHUNK", chunk)
    data = mutated(seed, edits)
    path = tmp_path / "p.json"
    path.write_bytes(data)
    try:
        source = read_text(path)
    except ProblemsFound:
        assert not data.removeprefix(codecs.BOM_UTF8) or b"\x00" in data or not is_utf8(data)
        return
    try:
        expected = repr(strict(source.text))
    except (ValueError, RecursionError):
        expected = None
    refused: tuple[Problem, ...] = ()
    lines = source.text.split("\n")
    try:
        value = repr(parse(source))
    except ProblemsFound as found:
        value = None
        refused = found.problems
    for problem in refused:
        assert problem.json_path.startswith("$")
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert str(problem).isprintable()
    places = [(p.line, p.column) for p in refused]
    assert places == sorted(places)
    if value is None and expected is not None:
        assert b"[" * 100 in data  # refused for its depth only
    else:
        assert value == expected
    assert_lines_agree(source)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return not data.startswith((b"\xff\xfe", b"\xfe\xff"))


def assert_lines_agree(source: JsonText) -> None:
    """JSON Lines is what ``parse`` says of each line, but for one message where it is no JSON Lines at all."""
    good, problems = lines_of(source.text)
    if problems and problems[0].line is None:
        assert problems[0].found in {"nothing but white space", "one JSON value over several lines"}
        assert good == []
        return
    values, broken = [], set()
    for number, line in enumerate(source.text.split("\n"), 1):
        if line.strip(" \t\r"):
            try:
                values.append((number, parse(JsonText("p.json", line, ""))))
            except ProblemsFound:
                broken.add(number)
    assert repr(good) == repr(values)
    assert {problem.line for problem in problems} == broken
