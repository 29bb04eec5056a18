"""Positions of values, and how paths and values are written in messages."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import LineIndex, printable
from biobench.readers.json_problems import Findings, scan
from biobench.readers.json_text import (
    JsonText,
    Locator,
    Part,
    json_path,
    parse,
    parse_lines,
    shown,
)


def source_of(text: str) -> JsonText:
    return JsonText("p.json", text, "")


def lines_of(text: str) -> tuple[list[tuple[int, object]], tuple[Problem, ...]]:
    good: list[tuple[int, object]] = []
    try:
        for line, value in parse_lines(source_of(text)):
            good.append((line, value))
    except ProblemsFound as found:
        return good, found.problems
    return good, ()


def test_positions_over_blocks_and_lines():
    text = "\n" * 70_000 + "[1,\n" + " " * 140_000 + "[2, 3],\n\n{\"k\": 'x'}]".replace("'", '"')
    locator = Locator(source_of(text))
    assert locator.position([1, 1]) == (70_002, 140_005)
    assert locator.position([0]) == (70_001, 2)
    assert locator.position([2, "k"]) == (70_004, 7)
    assert locator.position([]) == (70_001, 1)
    lines = LineIndex(text)
    for line in (1, 2, 65_536, 65_537, 65_538, 70_001, 70_002, 70_003, 70_004):
        start = lines.start(line)
        assert lines.place(start) == (line, 1)
        assert text.count("\n", 0, start) == line - 1
    assert lines.place(len(text)) == (70_004, 12)


def test_a_path_that_leads_nowhere_ends_at_what_exists():
    text = '[{"a": [1, 2]},\n {"a": "x"}]'
    locator = Locator(source_of(text))
    paths = [(0, "a", 2), (0, "b"), (0, 0), (1, "a", "b"), (2,), (1, "a", 0), ("a",), (-1,), (0, "a", 1)]
    assert [locator.position(path) for path in paths] == [
        (1, 8),
        (1, 2),
        (1, 2),
        (2, 8),
        (1, 1),
        (2, 8),
        (1, 1),
        (1, 1),
        (1, 12),
    ]


def test_positions_in_json_lines():
    locator = Locator(source_of('{"a": [1]}\n\n  {"b": 1, "a": [1, 22]}\n[]'))
    assert locator.position(["a", 1], line=3) == (3, 21)
    assert locator.position(["a", 0], line=1) == (1, 8)
    assert locator.position([], line=3) == (3, 3)
    assert locator.position([5], line=4) == (4, 1)


def test_paths_are_written_for_people():
    assert json_path([]) == "$"
    assert json_path([7, "pred_feedback_timestamps", 3]) == "$[7].pred_feedback_timestamps[3]"
    assert json_path(["odd key", 'q"\\\n', "", "1a", "é", "a\u202e"]) == (
        '$["odd key"]["q\\"\\\\\\n"][""]["1a"]["é"]["a\\u202e"]'
    )
    assert json_path(["a" * 1000]) == '$["' + "a" * 99 + '…"]'


@pytest.mark.parametrize(
    ("value", "picture"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-0.0, "-0.0"),
        (3.25, "3.25"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        ("", '""'),
        (
            'a"\\\n\u202e\u200b\ud800\x7f\U000e0041é',
            '"a\\"\\\\\\n\\u202e\\u200b\\ud800\\u007f\\udb40\\udc41é"',
        ),
        ("x" * 58, '"' + "x" * 58 + '"'),
        ("x" * 10**7, '"' + "x" * 57 + '…"'),
        ("\n" * 100, '"' + "\\n" * 28 + '…"'),
        ([], "an empty list"),
        ([1, "a", None], '[1, "a", null]'),
        ([1] * 12, "a list of 12 items"),
        ([[]], "a list of 1 item"),
        (["x" * 100], "a list of 1 item"),
        ({}, "an empty object"),
        ({"GT": [], "Pred": 1}, 'an object with 2 keys: "GT", "Pred"'),
        ({"x" * 100: 1}, "an object with 1 key"),
        (dict.fromkeys(range(2000)), "an object with 2,000 keys"),
        ({1}, "a value of type set"),
    ],
)
def test_values_are_shown(value, picture):
    assert shown(value) == picture
    assert len(picture) <= 60
    assert picture.isprintable()


def test_an_integer_that_python_does_not_write_is_shown():
    assert shown(10**5000) == "an integer of about 5,001 digits"
    assert shown([-(10**5000)]) == "[an integer of about 5,001 digits]"


def test_text_is_made_printable():
    assert printable("a" * 70, 10) == "a" * 9 + "…"
    assert printable('C:\\"x"\r') == 'C:\\"x"\\r'


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Drawn:
    """Writes a value as JSON with drawn white space, and notes where each of its parts begins."""

    def __init__(self, data: st.DataObject) -> None:
        self.space = st.text(" \t\n\r", max_size=3)
        self.data = data
        self.text = ""
        self.offsets: dict[tuple[Part, ...], int] = {}

    def write(self, value: object, path: tuple[Part, ...] = ()) -> None:
        self.gap()
        self.offsets[path] = len(self.text)
        if isinstance(value, dict):
            self.text += "{"
            for n, (key, item) in enumerate(value.items()):
                self.text += "," if n else ""
                self.gap()
                self.text += json.dumps(key, ensure_ascii=self.data.draw(st.booleans()))
                self.gap()
                self.text += ":"
                self.write(item, (*path, key))
            self.gap()
            self.text += "}"
        elif isinstance(value, list):
            self.text += "["
            for n, item in enumerate(value):
                self.text += "," if n else ""
                self.write(item, (*path, n))
            self.gap()
            self.text += "]"
        else:
            self.text += json.dumps(value, ensure_ascii=self.data.draw(st.booleans()))
        self.gap()

    def gap(self) -> None:
        self.text += self.data.draw(self.space)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**308), 10**308)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["\\", '"', '\\"', "[{", "1e999", "\\ud800", "\U0001f600", "\n", "e000"])
)


def values_over(leaves: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
        max_leaves=12,
    )


@UNHURRIED
@given(st.data(), values_over(SCALARS))
def test_any_value_is_read_back_and_located(data, value):
    drawn = Drawn(data)
    drawn.write(value)
    source = source_of(drawn.text)
    assert repr(parse(source)) == repr(value)
    findings = Findings("p.json", drawn.text)
    assert scan(findings, drawn.text)
    assert findings.problems() == ()
    locator = Locator(source)
    for path in data.draw(st.permutations(list(drawn.offsets))):
        offset = drawn.offsets[path]
        before = drawn.text[:offset]
        assert locator.position(path) == (before.count("\n") + 1, offset - before.rfind("\n"))


@UNHURRIED
@given(st.data(), st.lists(values_over(SCALARS), min_size=1, max_size=5))
def test_any_lines_are_read_back_and_located(data, values):
    text, places = "", {}
    for value in values:
        drawn = Drawn(data)
        drawn.write(value)
        line = text.count("\n") + 1
        places |= {(line, path): offset for path, offset in drawn.offsets.items()}
        text += drawn.text.replace("\n", " ") + data.draw(st.sampled_from(["\n", "\r\n", "\n \n", "\n\n"]))
    good, problems = lines_of(text)
    assert problems == ()
    assert repr([value for _, value in good]) == repr(values)
    locator = Locator(source_of(text))
    for (line, path), offset in places.items():
        assert locator.position(path, line) == (line, offset + 1)


@UNHURRIED
@given(st.data(), values_over(SCALARS | st.just(math.nan) | st.just(math.inf)))
def test_every_nan_and_infinity_is_found_where_it_is(data, value):
    drawn = Drawn(data)
    drawn.write(value)
    wrong = [
        (json_path(path), *LineIndex(drawn.text).place(offset))
        for path, offset in drawn.offsets.items()
        if drawn.text.startswith(("NaN", "Infinity"), offset)
    ]
    try:
        parse(source_of(drawn.text))
        found = ()
    except ProblemsFound as error:
        found = error.problems
    assert [(p.json_path, p.line, p.column) for p in found] == wrong
