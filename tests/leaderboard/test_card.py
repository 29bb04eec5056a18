"""The card: read strictly, every problem with its line, and written back the same."""

import json
import tomllib
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.problems import ProblemsFound
from leaderboard.card import SystemCard, parse_card, template

GOOD = template()


def problems(text):
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ProblemsFound) as found:
        parse_card(content, "system.toml")
    return found.value.problems


def changed(key, value):
    lines = [f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in GOOD.splitlines()]
    return "\n".join(lines) + "\n"


def test_the_template_is_a_card_with_a_comment_for_every_key():
    card = parse_card(GOOD.encode(), "x")
    assert card.id == "my-coach-1.0"
    keys = [line.split(" = ")[0] for line in GOOD.splitlines() if " = " in line]
    assert keys == ["schema", *(f for f in tomllib.loads(GOOD) if f != "schema")]
    assert len(keys) - 1 == GOOD.count("\n# ")


texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z", "M"]), min_size=1, max_size=60)


@given(
    name=texts, licence=texts, version=st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._+-]{0,10}[A-Za-z0-9])?", fullmatch=True),
    when=st.dates(date(1990, 1, 1)), inputs=st.lists(st.sampled_from(["video", "pose", "audio"]), unique=True),
    causal=st.booleans(), parameters=st.none() | st.integers(1, 10**15), rate=st.none() | st.floats(0.001, 1e6),
)  # fmt: skip
def test_written_and_read_again(name, licence, version, when, inputs, causal, parameters, rate):
    import unicodedata

    card = SystemCard(
        name=unicodedata.normalize("NFC", name)[:60], version=version, date=when, contact="c", weights="none",
        licence=unicodedata.normalize("NFC", licence)[:60], inputs=tuple(inputs), causal=causal, exercise_name="unused",
        poses="none", training_data="none", seen_test_videos=False, seen_test_people=True, hardware="none",
        parameters=parameters, rate_hz=rate,
    )  # fmt: skip
    text = card.to_toml()
    assert parse_card(text.encode(), "x") == card
    assert parse_card(text.encode(), "x").to_toml() == text


BAD = [
    ("name", '""'), ("name", '" x"'), ("name", '"a\\u202eb"'), ("name", '"a\\u200bb"'), ("name", '"a\\nb"'), ("name", "3"),
    ("name", '"' + "x" * 61 + '"'), ("name", '"e\\u0301"'), ("name", '"a\\u0000b"'),
    ("name", '"\\u3164"'), ("name", '"a\\u2800b"'), ("name", '"\\u0301\\u0302"'), ("name", '"a\\u2028b"'), ("schema", '"biobench/system/2"'),
    ("version", '"../x"'), ("version", '"-1"'), ("version", '"1."'), ("version", '"' + "1" * 21 + '"'), ("version", "1.0"),
    ("date", '"2026-11-01"'), ("date", "2026-11-01T10:00:00"), ("date", "10:00:00"),
    ("weights", '"Open"'), ("inputs", '["video", "video"]'), ("inputs", '"video"'), ("inputs", '["smell"]'), ("inputs", "[[]]"),
    ("causal", '"yes"'), ("causal", "1"), ("exercise_name", '"known"'), ("poses", "true"),
    ("link", '"javascript:alert(1)"'), ("link", '"https://user:pw@example.org"'), ("link", '"https://"'), ("link", '"http://[1"'),
    ("link", '"https://example.org/\\" onload=x"'), ("parameters", "0"), ("parameters", "-1"), ("parameters", "1.5"),
    ("parameters", "true"), ("parameters", "1" + "0" * 30), ("rate_hz", "nan"), ("rate_hz", "inf"), ("rate_hz", "0"),
    ("compute_s_per_video_s", '"fast"'), ("baseline", "0"), ("runs", "0"), ("seen_test_people", "[]"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_wrong_value_is_named_with_its_line(key, value):
    text = changed(key, value)
    (problem,) = problems(text)
    assert problem.found.startswith(f"{key} = ")
    assert text.splitlines()[problem.line - 1].startswith(f"{key} = ")
    assert str(problem).isprintable()
    assert len(str(problem)) < 500


def test_every_problem_in_one_pass_with_the_nearest_key():
    text = changed("weights", '"free"').replace("causal = true", "casual = true").replace("runs = 1", "runs = -1")
    found = {problem.found.split(" = ")[0]: problem for problem in problems(text)}
    assert set(found) == {'the unknown key "casual"', "no causal", "weights", "runs"}
    assert "causal" in found['the unknown key "casual"'].hint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (GOOD + 'name = "again"\n', GOOD.count("\n") + 1),
        ("name = \n", 1),
        ("[[[\n", 1),
    ],
)
def test_what_is_no_toml_is_located(text, line):
    (problem,) = problems(text)
    assert problem.line == line
    assert "not TOML" in problem.found


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe", GOOD.encode("utf-16"), b"a = " + b"[" * 16_000, b"a" + b".a" * 5_000 + b" = 1", b"a = " + b"9" * 16_000, b"#" * 16_385,
        b"x = {" + b"y = {" * 3_000, b'name = "\x00"', b"", b"\x1b[31m = 1", ("k\u202e" + " = 1").encode(),
        b'"\\u001b[31m" = 1', b"[system]\nname = 1", b"[[inputs]]\n", b"name.first = 1",
    ],
)  # fmt: skip
def test_hostile_files_are_refused(content):
    for problem in problems(content):
        assert str(problem).isprintable()
        assert len(str(problem)) < 700


def test_a_bom_and_windows_line_ends_are_harmless():
    assert parse_card(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(), "x") == parse_card(GOOD.encode(), "x")


@pytest.mark.parametrize(
    ("name", "slug"),
    [("My Coach 2", "my-coach-2-1.0"), ("../../etc", "etc-1.0"), ("Coach é", "coach-e-1.0"), ("教练", "system-1.0"),
     ("<script>", "script-1.0"), ("a" * 60, "a" * 60 + "-1.0"), ("con", "con-1.0"), ("a\\b/c", "a-b-c-1.0")],
)  # fmt: skip
def test_the_folder_is_plain_letters(name, slug):
    assert parse_card(changed("name", json.dumps(name)).encode(), "x").id == slug


def test_the_schema_says_what_the_reader_does():
    schema = json.loads(files("leaderboard").joinpath("data/system.schema.json").read_text(encoding="utf-8"))
    card = tomllib.loads(GOOD)
    assert set(schema["properties"]) == set(card)
    assert schema["additionalProperties"] is False
    for key, rule in schema["properties"].items():
        without = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key} = "))
        if key in schema["required"]:
            assert problems(without)
        else:
            parse_card(without.encode(), "x")
        for word in rule.get("enum", ()):
            parse_card(changed(key, json.dumps(word)).encode(), "x")
        if "maxLength" in rule and "pattern" not in rule:
            parse_card(changed(key, json.dumps("x" * rule["maxLength"])).encode(), "x")
            assert problems(changed(key, json.dumps("x" * (rule["maxLength"] + 1))))
        if "minimum" in rule:
            parse_card(changed(key, str(rule["minimum"] + (key == "runs"))).encode(), "x")
            assert problems(changed(key, str(rule["minimum"] - 1)))
