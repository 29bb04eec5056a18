"""``biobench claims``: every span of the text is under its number, whatever the text; JSON says the same."""

import io
import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.problems import ProblemsFound
from judges.claims import compare, understand
from judges.claims.records import Claim, Span
from judges.commands.claims import _underlined, command


def run(*arguments, stdin=None):
    done = CliRunner().invoke(command, arguments, input=stdin, catch_exceptions=False)
    assert done.exit_code == 0
    return done


def test_a_claim_is_underlined_and_told_in_words():
    done = run("Push your left knee out.", "--exercise", "squats")
    text, marks, blank, kind, *claims = done.stdout.splitlines()
    assert text == "Push your left knee out."
    (claim,) = understand(text, "squats").claims
    assert marks.index("1") == claim.span.start
    assert len(marks) == claim.span.end
    assert (blank, kind) == ("", "kind: instruction")
    told = " ".join(claims)
    for word in (text[claim.span.start : claim.span.end], "joint knee", "side left", "wanted: out", "asked for"):
        assert word in told
    assert not done.stderr


def test_angles_are_told_with_their_roles():
    told = run("Your left knee is at 120 degrees, bend it to 90 degrees.", "--exercise", "squats").stdout
    assert "120° (measured)" in told
    assert "90° (target)" in told


@pytest.mark.parametrize("text", ["Great job!", ""])
def test_no_claim_is_said(text):
    lines = run(text).stdout.splitlines()
    assert lines[0] == text
    assert lines[-1] == "no claim"


def test_against_a_reference():
    told = run("Push your right knee out.", "--against", "Push your left knee out.", "--exercise", "squats").stdout
    assert "claim 1 CONTRADICTS the reference's 1" in told
    assert "BioClaim: precision 0.00, recall 0.00, f1 0.00, net -1.00; contradictions 1" in told
    told = run("Push your left knee out.", "--against", "Push your left knee out.").stdout
    assert "claim 1 matches the reference's 1: likeness 1.00" in told
    assert "BioClaim: precision 1.00, recall 1.00, f1 1.00, net 1.00; contradictions 0" in told
    assert "BioClaim: none" in run("Great job!", "--against", "Nice!").stdout
    assert "no claim matches and none contradicts" in run("Push your left knee out.", "--against", "Nice!").stdout


def test_numbers_of_claims_count_counts_too():
    """Numbers are those printed: a count before the technique claim moves them."""
    told = run("3 more, and push your left knee out.", "--against", "Push your left knee out.").stdout
    claims = understand("3 more, and push your left knee out.").claims
    place = [claim.family for claim in claims].index("technique") + 1
    assert f"claim {place} matches the reference's 1" in told


def test_json_holds_what_text_shows():
    record = json.loads(run("Push your left knee out.", "--format", "json", "--exercise", "squats").stdout)
    (claim,) = record["claims"]
    assert (record["kind"], record["exercise"], record["unknown_exercise"]) == ("instruction", "squats", False)
    assert (claim["joint"], claim["side"], claim["direction"]) == ("knee", "left", "out")
    assert claim["words"] == record["text"][slice(*claim["span"])]
    pair = "Bend your left knee to 100 degrees.", "Bend your left knee to 90 degrees."
    record = json.loads(run(pair[0], "--against", pair[1], "--format", "json").stdout)
    found = compare(pair[1], pair[0])
    assert record["bioclaim"]["f1"] == found.f1
    assert record["bioclaim"]["angle_errors_deg"] == [10]
    assert record["reference"]["text"] == pair[1]
    assert record["prediction"]["text"] == pair[0]


def test_lines_of_standard_input():
    done = run("-", "--format", "json", stdin="Push your left knee out.\n\n  Slow down. \r\nGreat job!")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["text"] for record in records] == ["Push your left knee out.", "Slow down.", "Great job!"]
    assert run("-", stdin="Nice!\nNice!\n").stdout.count("no claim") == 2


def test_an_unknown_exercise_is_a_warning():
    done = run("Push your left knee out.", "--exercise", "sqats")
    assert done.stderr == (
        'biobench: --exercise: "sqats" is no exercise of the catalogue, taken as not known; did you mean "squats"?\n'
    )
    assert "joint knee" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "stdin", "word"),
    [
        (["x" * 2001], None, "2,001 characters"),
        (["Nice!", "--against", "x" * 2001], None, "--against"),
        (["-"], b"Nice!\n\xff\xfe\n", "standard input, line 2"),
        (["-"], b"x" * 2001, "standard input, line 1"),
    ],
)
def test_bad_input_is_named(arguments, stdin, word):
    with pytest.raises(ProblemsFound) as found:
        CliRunner().invoke(command, arguments, input=io.BytesIO(stdin) if stdin else None, catch_exceptions=False)
    assert word in str(found.value)


def test_the_installed_command():
    arguments = [sys.executable, "-m", "biobench", "claims", "knee \x1b[31m\u202eout, \U0001f600 left elbow in"]
    done = subprocess.run(arguments, capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout
    assert b"\\x1b[31m\\u202eout" in done.stdout


spans = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=5)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab  \u00e9\u202e\x1b\U0001f600-", max_size=250), spans)
def test_every_character_of_a_span_is_marked_and_no_other(text, drawn):
    claims = [Claim("technique", span=Span(a, min(a + n, len(text)))) for a, n in drawn if a < len(text)]
    lines = _underlined(text, claims)
    assert all(len(line) <= 80 for line in lines)
    shown = [line for line in lines if not re.fullmatch(r"[ 0-9,^]*", line) or line == ""]
    assert "".join(shown).replace(" ", "") == "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    ).replace(" ", "")  # fmt: skip
    if claims and any(c.strip() for c in text):
        width = sum(
            1 if c.isprintable() else len(c.encode("unicode_escape"))
            for start, end in {claim.span for claim in claims}
            for c in text[start:end].replace(" ", "")
        )
        marked = sum(len(re.sub(" ", "", line)) for line in lines if line and line not in shown)
        assert marked >= width


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=120), st.text(max_size=60))
def test_any_text_is_taken(text, against):
    for form in ("text", "json"):
        done = run(f" {text}", "--against", against, "--format", form)
        assert done.stdout
        if form == "json":
            assert len(done.stdout.splitlines()) >= 1
            json.loads(done.stdout)
        else:
            assert all(len(line) <= 80 for line in done.stdout.split("\n"))
