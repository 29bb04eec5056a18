"""Every defect of a JSON text is found, with its place."""

from __future__ import annotations

import gc
import json
import math
import sys

import pytest

from biobench.problems import Problem, ProblemsFound
from biobench.readers import json_decode
from biobench.readers.json_text import (
    JsonText,
    parse,
    parse_lines,
)


def source_of(text: str) -> JsonText:
    return JsonText("p.json", text, "")


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ProblemsFound) as caught:
        parse(source_of(text))
    return caught.value.problems


def lines_of(text: str) -> tuple[list[tuple[int, object]], tuple[Problem, ...]]:
    good: list[tuple[int, object]] = []
    try:
        for line, value in parse_lines(source_of(text)):
            good.append((line, value))
    except ProblemsFound as found:
        return good, found.problems
    return good, ()


NUMBER = "a finite number"
VALUE, FIRST_VALUE, KEY, FIRST_KEY = (
    "a value",
    'a value or "]"',
    "a key in double quotes",
    'a key in double quotes or "}"',
)
NEXT_VALUE, NEXT_MEMBER = '"," or "]"', '"," or "}"'

DEFECTS = [
    # text, line, column, path, found, expected, hint
    ("[NaN]", 1, 2, "$[0]", "NaN", NUMBER, "JSON knows no NaN"),
    ('{"t":\n  Infinity}', 2, 3, "$.t", "Infinity", NUMBER, ""),
    ("[1,-Infinity]", 1, 4, "$[1]", "-Infinity", NUMBER, ""),
    ("NaN", 1, 1, "$", "NaN", NUMBER, ""),
    ("[0, 1e400]", 1, 5, "$[1]", "1e400", "1.79e308", ""),
    ("[-1.5E+0309]", 1, 2, "$[0]", "-1.5E+0309", "1.79e308", ""),
    ("[" + "2" * 210 + "e99]", 1, 2, "$[0]", "2" * 23 + "…", "1.79e308", ""),
    ("[" + "1" * 211 + ".5e99]", 1, 2, "$[0]", "1" * 23 + "…", "1.79e308", ""),
    ("[0,1" + "0" * 400 + "]", 1, 4, "$[1]", "…, 401 digits", "1.79e308", ""),
    ("[-" + "9" * 309 + "]", 1, 2, "$[0]", "…, 309 digits", "1.79e308", ""),
    ("9" * 5000, 1, 1, "$", "…, 5,000 digits", "1.79e308", ""),
    (
        '{"a": 1,\n "b": 2,\n "a": 3}',
        3,
        2,
        "$.a",
        'the key "a" a second time',
        "each key once",
        "line 1, column 2",
    ),
    (
        '[{"\\u0061":1,"a":1}]',
        1,
        14,
        "$[0].a",
        'the key "a" a second time',
        "each key once",
        "line 1, column 3",
    ),
    ('["ab\\ud800"]', 1, 5, "$[0]", "\\ud800, half", "whole characters", ""),
    ('["\\uDC00"]', 1, 3, "$[0]", "\\uDC00, half", "whole characters", ""),
    ('["\\ud83dx"]', 1, 3, "$[0]", "\\ud83d, half", "whole characters", ""),
    ('["\\\\ud83d\\ude00"]', 1, 10, "$[0]", "\\ude00, half", "whole characters", ""),
    ('{"\\ud800": 1}', 1, 3, '$["\\ud800"]', "\\ud800, half", "whole characters", ""),
    ('["a\ud800"]', 1, 4, "$[0]", "\\ud800, half", "whole characters", ""),
    ('["a\tb"]', 1, 4, "$[0]", "U+0009", "it written as \\t", ""),
    ('{"a\x01": 1}', 1, 4, '$["a\\u0001"]', "U+0001", "it written as \\u0001", ""),
    ('["a\nb"]', 1, 4, "$[0]", "a line break", "a closing quote", "missing"),
    ('{"a": "x,\n "b": "y"}', 1, 10, "$.a", "a line break", "a closing quote", "missing"),
    ('["C:\\data"]', 1, 5, "$[0]", "the escape \\d", "an escape such as", "a backslash is written \\\\"),
    ('["\\u12G4"]', 1, 3, "$[0]", "the escape \\u12", "an escape such as", ""),
    ("[1 2]", 1, 4, "$", "2", NEXT_VALUE, "a comma is missing"),
    ('{"a": 1 "b": 2}', 1, 9, "$", '"b"', NEXT_MEMBER, "a comma is missing"),
    ("[1,]", 1, 4, "$[1]", '"]"', VALUE, "a comma too many"),
    ('{"a": [],}', 1, 10, "$", '"}"', KEY, "a comma too many"),
    ("[1,,2]", 1, 4, "$[1]", '","', VALUE, ""),
    ("{'a': 1}", 1, 2, "$", "'a'", FIRST_KEY, "json.dump"),
    ('[{"a": True}]', 1, 8, "$[0].a", "True", VALUE, "json.dump"),
    ("[None]", 1, 2, "$[0]", "None", FIRST_VALUE, "json.dump"),
    ("[nan]", 1, 2, "$[0]", "nan", FIRST_VALUE, "no NaN"),
    ("[array([1.0])]", 1, 2, "$[0]", "array(", FIRST_VALUE, "json.dump"),
    ("{a: 1}", 1, 2, "$", "a", FIRST_KEY, "double quotes"),
    ("[1, // one\n2]", 1, 5, "$[1]", "//", VALUE, "no comments"),
    ("# made by x\n[]", 1, 1, "$", '"#"', VALUE, "no comments"),
    ("[01]", 1, 2, "$[0]", "01", FIRST_VALUE, "numbers are written"),
    ("[+1]", 1, 2, "$[0]", "+1", FIRST_VALUE, "numbers are written"),
    ("[.5]", 1, 2, "$[0]", ".5", FIRST_VALUE, "numbers are written"),
    ("[1.]", 1, 2, "$[0]", "1.", FIRST_VALUE, "numbers are written"),
    ("[\u201ca\u201d]", 1, 2, "$[0]", "\u201ca\u201d", FIRST_VALUE, "typographic"),
    ("[1,\u00a02]", 1, 4, "$[1]", "\\u00a0 (no-break space)", VALUE, ""),
    ("[1]\ufeff[2]", 1, 4, "$", "\\ufeff", "the end of the file", "byte order mark"),
    ("<!DOCTYPE html>", 1, 1, "$", "<!DOCTYPE", VALUE, "web page"),
    ("version https://git-lfs.github.com/spec/v1\n", 1, 1, "$", "version", VALUE, "git lfs pull"),
    ('{"a" 1}', 1, 6, "$.a", "1", '":" after the key', ""),
    ('{"a":}', 1, 6, "$.a", '"}"', VALUE, ""),
    ('{"a": 1, 2}', 1, 10, "$", "2", KEY, ""),
    ('{1: "a"}', 1, 2, "$", "1", FIRST_KEY, ""),
    ('{"a": [1}', 1, 9, "$.a", '"}"', NEXT_VALUE, 'the "[" of line 1, column 7 is still open'),
    ("[1]]", 1, 4, "$", '"]"', "the end of the file", "one closing bracket too many"),
    ("[1] x", 1, 5, "$", "x", "the end of the file", ""),
    ('{"a": 1}\n{"a": 2}\n', 2, 1, "$", '"{"', "the end of the file", "JSON Lines"),
    (
        '[\n {"a": [1, 2',
        2,
        13,
        "$[0].a",
        "the end of the file",
        NEXT_VALUE,
        '"[" of line 2, column 8 is never closed',
    ),
    ('[{"a": "half a str', 1, 8, "$[0].a", 'the string "half a str', "its closing quote", "cut off"),
    ('[{"a":', 1, 7, "$[0].a", "the end of the file", VALUE, "cut off"),
    ("[tru", 1, 2, "$[0]", "tru", FIRST_VALUE, ""),
    (" \n ", 2, 2, "$", "the end of the file", VALUE, "nothing but white space"),
    ("\x00", 1, 1, "$", "\\u0000", VALUE, ""),
]


@pytest.mark.parametrize(("text", "line", "column", "path", "found", "expected", "hint"), DEFECTS)
def test_a_defect_is_found_with_its_place(text, line, column, path, found, expected, hint):
    (problem,) = problems_of(text)
    assert (problem.file, problem.line, problem.column, problem.json_path) == ("p.json", line, column, path)
    assert found in problem.found
    assert expected in problem.expected
    assert hint in problem.hint
    assert str(problem).isprintable()


def test_all_defects_come_in_one_pass_in_order():
    text = '[NaN,\n {"a": 1, "a": 1e999},\n "\\ud800 \\q \x07",\n [1 2], NaN]'
    assert [(p.line, p.column, p.json_path) for p in problems_of(text)] == [
        (1, 2, "$[0]"),
        (2, 11, "$[1].a"),
        (2, 16, "$[1].a"),
        (3, 3, "$[2]"),
        (3, 10, "$[2]"),
        (3, 13, "$[2]"),
        (4, 5, "$[3]"),  # the syntax is broken here: the NaN behind it is not reached
    ]


def test_an_escaped_key_with_a_surrogate_twice_gives_every_problem_in_order():
    problems = problems_of('{"\\udc00": 1, "\\udc00": 2}')
    assert [(p.column, p.found.split(",")[0]) for p in problems] == [
        (3, "\\udc00"),
        (15, 'the key "\\udc00" a second time'),
        (16, "\\udc00"),
    ]


def test_a_thousand_problems_are_kept_and_the_rest_counted():
    problems = problems_of("[" + ",\n".join(["NaN"] * 1234) + "]")
    assert len(problems) == 1001
    assert [p.line for p in problems[:-1]] == list(range(1, 1001))
    assert problems[-1].found == "234 more problems"
    assert len(problems_of("[" + ",".join(["NaN"] * 1000) + "]")) == 1000
    assert problems_of("[" + ",".join(["NaN"] * 1001) + "]")[-1].found == "1 more problem"


@pytest.mark.parametrize(
    "text",
    [
        "[-0.0, 1E5, 1e-400, 1e308, 12.5e+3]",
        "1" + "0" * 308,
        "[0." + "1" * 5000 + "]",
        "[1e0000000000000000000001, 2e-999]",
        '"e000 1e999 NaN ' + "0" * 400 + '"',
        '"\\ud83d\\ude00 \\\\ud800 \\\\\\\\ud800 \\/ \U0001f600 \ud7a3"',
        '["NaN", "[[[[{{{{", "\\"[", "\\\\"]',
        " \t\r\n{} \n",
    ],
)
def test_odd_but_right_texts_are_read(text):
    value = parse(source_of(text))
    assert repr(value) == repr(json.loads(text))
    if value == [-0.0, 1e5, 0.0, 1e308, 12500.0]:
        assert math.copysign(1, value[0]) == -1


def nested(depth: int, kind: str) -> str:
    opening, closing = {"list": ("[", "]"), "object": ('{"a":', "}"), "both": ('[{"a":', "}]")}[kind]
    count = depth // (2 if kind == "both" else 1)
    extra = ("[", "]") if kind == "both" and depth % 2 else ("", "")
    return opening * count + extra[0] + ("" if extra[0] or kind == "list" else "0") + extra[1] + closing * count


@pytest.mark.parametrize("kind", ["list", "object", "both"])
def test_depth_is_100_at_most(kind):
    assert repr(parse(source_of(nested(100, kind)))) == repr(json.loads(nested(100, kind)))
    assert lines_of(nested(100, kind)) == ([(1, json.loads(nested(100, kind)))], ())
    for depth in (101, 100_000):
        text = nested(depth, kind)
        (problem,) = problems_of(text)
        assert "inside 100 others" in problem.found
        position = text.replace('{"a":', "[").index("[" * 101) if kind == "list" else None
        assert position is None or (problem.line, problem.column) == (1, 101)
        assert problem.json_path.count("[0]") + problem.json_path.count(".a") == 100
        assert lines_of("1\n" + text + "\n2") == (
            [(1, 1), (3, 2)],
            (Problem(**{**as_dict(problem), "line": 2}),),
        )


def as_dict(problem: Problem) -> dict[str, object]:
    return {name: getattr(problem, name) for name in Problem.__slots__}


def test_depth_does_not_hang_on_the_recursion_limit():
    before = sys.getrecursionlimit()
    try:
        for limit in (150, 10**6):
            sys.setrecursionlimit(max(limit, stack_depth() + 150))
            assert len(problems_of("[" * 100_000 + "]" * 100_000)) == 1
    finally:
        sys.setrecursionlimit(before)


def stack_depth() -> int:
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return depth


def test_too_deep_values_are_skipped_and_the_rest_is_read():
    deep = "[" * 150 + '"]]"' + "]" * 150
    assert [(p.column, p.json_path[:6]) for p in problems_of(f"[{deep}, NaN, {deep}, NaN]")] == [
        (101, "$[0][0"),
        (308, "$[1]"),
        (412, "$[2][0"),
        (619, "$[3]"),
    ]
    never_closed = problems_of("[" * 100_000)
    assert [(p.line, p.column) for p in never_closed] == [(1, 101), (1, 100_001)]
    assert "cut off" in never_closed[1].hint


def test_brackets_and_quotes_in_strings_do_not_count_wherever_the_text_is_cut(monkeypatch):
    text = json.dumps([{"[" * 150: '"[\\"' * 50, "x": [["{" * 101, 1.5e10]]}] * 3, indent=1)
    for size in range(1, 60):
        monkeypatch.setattr(json_decode, "CHUNK", size)
        assert parse(source_of(text)) == json.loads(text)
        assert len(problems_of(f"[{text}, {'[' * 100}{text}{']' * 100}, {text}]")) == 1


def test_the_collector_is_left_as_it_was():
    for switch, expected in ((gc.disable, False), (gc.enable, True)):
        switch()
        parse(source_of("[1]"))
        with pytest.raises(ProblemsFound):
            parse(source_of("[1"))
        assert gc.isenabled() is expected
