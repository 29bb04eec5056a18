"""The published judge: the user's own prompt is read, never run; its parsing is kept with all that it lets pass."""

import math

import pytest

from biobench.chat import Reply
from biobench.problems import ProblemsFound
from judges.llm.items import Question
from judges.llm.legacy import LegacyProfile, LegacyPrompt, LegacyReading, read_legacy_prompt, read_score
from judges.llm.replies import Fault
from judges.llm.verdicts import Answer


def write(tmp_path, text):
    path = tmp_path / "prompts.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        'PROMPT = "s"\nUSER_CONTENT = "<1> <2>"\n',
        'class A:\n    PROMPT: str = "s"\n    USER_CONTENT = """<1> <2>"""\n',
        'def f(self):\n    self.PROMPT = "s"\n    USER_CONTENT = ("<1> " "<2>")\n',
        'import os\nos.abort()\nraise SystemExit\nPROMPT = "s"\nUSER_CONTENT = "<1>" + " <2>"\n',
        'PROMPT = "s"\nPROMPT = "s"\nUSER_CONTENT = "<1> <2>"\nOTHER = f"{PROMPT}"\n',
    ],
)
def test_constants_are_found_wherever_they_stand_and_nothing_is_run(tmp_path, text):
    assert read_legacy_prompt(write(tmp_path, text)) == LegacyPrompt("s", "<1> <2>")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "an empty file"),
        ("def f(:\n", "no Python"),
        ("x = 1\n", "no string constant PROMPT"),
        ('PROMPT = "s"\nUSER_CONTENT = f"<1> <2>"\n', "no string constant USER_CONTENT"),
        ('PROMPT = "s"\nPROMPT = "t"\nUSER_CONTENT = "<1> <2>"\n', "2 different constants PROMPT"),
        ('PROMPT = "s"\nUSER_CONTENT = "<1>"\n', "no <2> in USER_CONTENT"),
    ],
)
def test_what_is_wrong_with_the_file_is_told(tmp_path, text, found):
    with pytest.raises(ProblemsFound, match=found):
        read_legacy_prompt(write(tmp_path, text))


def test_without_a_file_the_message_says_where_to_get_it(tmp_path):
    with pytest.raises(ProblemsFound, match=r"FitCoach repository.*VAR-2026"):
        read_legacy_prompt(tmp_path / "none.py")


def test_both_constants_are_missed_in_one_pass(tmp_path):
    with pytest.raises(ProblemsFound) as found:
        read_legacy_prompt(write(tmp_path, "x = 1\n"))
    assert len(found.value.problems) == 2


def test_a_prompt_shows_nothing_of_itself():
    assert "secret" not in repr(LegacyPrompt("secret", "secret <1> <2>"))


def test_texts_go_in_raw_one_after_the_other():
    prompt = LegacyPrompt("s", "R: <1>\nP: <2>")
    assert prompt.filled("a", "b") == "R: a\nP: b"
    assert prompt.filled("see <2>", "b") == "R: see b\nP: b"
    assert prompt.filled("a", "<1>\n[INST]") == "R: a\nP: <1>\n[INST]"


def test_the_request_is_the_published_one():
    request = LegacyProfile(LegacyPrompt("s", "<1> <2>")).request(Question("squats", "a", "b"), 0, 1, None)
    assert [(message.role, message.content) for message in request.messages] == [("system", "s"), ("user", "a b")]
    sampling = request.sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.seed) == (0.6, 0.9, 64, None)
    assert request.schema is None


@pytest.mark.parametrize(
    ("text", "score", "odd"),
    [
        ('{"score": 4}', 4.0, False),
        ("Sure, here: {'score': 5} as asked.", 5.0, False),
        ("{\n}\n{'score': 2}", 2.0, False),
        ("{'score': 7}", 7.0, True),
        ("{'score': 0}", 0.0, True),
        ("{'score': True}", 1.0, True),
        ('{"score": true}', 1.0, True),
        ("{'score': 1e999}", math.inf, True),
        ("{'score': 3.5}", 3.5, True),
        ("{'score': " + "9" * 400 + "}", math.inf, True),
        ("{'a': 1, 'score': 3}", 3.0, False),
    ],
)
def test_what_the_published_parsing_takes(text, score, odd):
    assert read_score(text) == LegacyReading(score, odd)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("4", "schema"),
        ("", "schema"),
        ("{'score': 4} {'score': 5}", "schema"),
        ("{'score':\n4}", "schema"),
        ("{score: 4}", "schema"),
        ("{4}", "schema"),
        ("{'score': '4'}", "schema"),
        ("{'score': None}", "schema"),
        ("{'score': NaN}", "schema"),
        ("{'score': __import__('os').abort()}", "schema"),
        ("{'score': '\\d'}", "schema"),
        ("{'rating': 4}", "no-score-key"),
        ("{}", "no-score-key"),
    ],
)
def test_what_it_drops_and_where_the_published_run_stops(text, cause):
    found = read_score(text)
    assert isinstance(found, Fault)
    assert found.cause == cause


def answer(text, **more):
    reply = Reply(text, more.get("refusal"), "stop", None, None, "", "m", cached=False, attempts=1, raw={})
    reading = LegacyProfile(LegacyPrompt("s", "<1> <2>")).read(reply)
    fault = reading if isinstance(reading, Fault) else None
    return Answer(0, "0" * 64, "m", text, reading=None if fault else reading, fault=fault)


def test_odd_scores_count_and_are_listed():
    profile, question = LegacyProfile(LegacyPrompt("s", "<1> <2>")), Question("", "a", "b")
    odd = profile.verdict(question, [answer("{'score': 7}")])
    assert (odd.score, odd.notes) == (7.0, ("out of range",))
    assert profile.verdict(question, [answer("4")]).cause == "schema"
    assert profile.verdict(question, [answer("", refusal="no")]).cause == "refusal"
    mixed = profile.verdict(question, [answer("4"), answer("{'score': 4}"), answer("{'score': 2}")])
    assert (mixed.score, mixed.notes) == (3.0, ())
