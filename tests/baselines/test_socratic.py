"""A text model on the motion context: what it is asked, what becomes of its replies, and what is no remark."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompting import Answer, ScriptedServer, completion, error, everything, outcome, remarks, saying, user_text

from baselines.asking import load_prompt, moments_s
from baselines.replies import Unusable, remark
from baselines.socratic import Socratic
from biobench import load_benchmark
from biobench.chat import Reply
from biobench.models import exercise_segments, run_model
from biobench.problems import ProblemsFound
from biocoach_model.context import MotionContext
from biocoach_model.inputs import InputFailure, Inputs


@pytest.fixture(scope="module")
def sample():
    benchmark = load_benchmark(None)
    return dataclasses.replace(benchmark, sessions=benchmark.sessions[:1])


@pytest.fixture(scope="module")
def scenes(sample):
    return list(Socratic().scenes(sample, everything(Socratic())))


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "answers.sqlite"


def asked(server):
    """(exercise, seconds) of each request, in order."""
    found = [re.search(r"Exercise: (.*)\nTime since it began: (\S+) s", user_text(body)) for body in server.bodies]
    return [(one[1], float(one[2])) for one in found]


def problems(benchmark, **given):
    with pytest.raises(ProblemsFound) as found:
        run_model(Socratic(), benchmark, given)
    return found.value.problems


def test_every_period_of_every_exercise_is_a_question_and_every_answer_a_remark(sample, scenes, cache):
    with saying("Chest up!") as server:
        entries, failures = outcome(Socratic(), sample, server, cache)
    assert not failures
    segments = exercise_segments(sample)
    assert [entry.key for entry in entries] == [segment.id for segment in segments]
    expected = {scene.segment: [(moment.at_s, "Chest up!") for moment in scene.moments] for scene in scenes}
    assert remarks(entries) == expected
    assert sorted(asked(server)) == sorted((scene.exercise, m.at_s) for scene in scenes for m in scene.moments)
    for segment in segments:
        assert {time_s for time_s, _ in expected[segment.id]} <= set(moments_s(segment.duration_s, 5.0))
    assert all(len(said) > 3 for said in expected.values())


def test_a_prompt_holds_the_context_of_that_moment(sample, scenes):
    segment = exercise_segments(sample)[0]
    motion = Inputs.open(sample, poses=True).of(segment).motion
    for moment in scenes[0].moments:
        context = MotionContext.at(motion, segment.exercise, np.nextafter(moment.at_s, 0), start_s=0.0)
        assert moment.sight == context.sentence()
    assert any("Violations" in moment.sight for scene in scenes for moment in scene.moments)


def test_a_pose_at_the_very_moment_is_not_before_it(sample, monkeypatch):
    of = Inputs.of

    def late(self, segment):
        seen = of(self, segment)
        times_s, angles = np.arange(len(seen.motion)) / 20, seen.motion.angles_rad.copy()
        valid = seen.motion.valid & (times_s >= 5.0)
        angles[~valid] = np.nan
        motion = dataclasses.replace(seen.motion, times_s=times_s, angles_rad=angles, valid=valid)
        return dataclasses.replace(seen, motion=motion)

    monkeypatch.setattr(Inputs, "of", late)
    for scene in Socratic().scenes(sample, everything(Socratic())):
        assert scene.moments[0].at_s == 10.0


@pytest.mark.parametrize("cut_s", [9.0, 15.0])
def test_nothing_later_changes_what_is_asked(sample, scenes, cut_s, monkeypatch):
    """Poses from ``cut_s`` on are others; the questions up to there, that second included, are the same to the letter."""
    of = Inputs.of

    def others(self, segment):
        seen = of(self, segment)
        angles = seen.motion.angles_rad.copy()
        angles[seen.motion.times_s >= cut_s] = 0.3
        valid = seen.motion.valid | (seen.motion.times_s >= cut_s)
        return dataclasses.replace(seen, motion=dataclasses.replace(seen.motion, angles_rad=angles, valid=valid))

    monkeypatch.setattr(Inputs, "of", others)
    changed = list(Socratic().scenes(sample, everything(Socratic())))

    def sights(scenes, *, before):
        return [m.sight for scene in scenes for m in scene.moments if (m.at_s <= cut_s) == before]

    assert sights(scenes, before=True) == sights(changed, before=True)
    assert sights(scenes, before=False) != sights(changed, before=False)


def test_nobody_is_spoken_to_where_nobody_was_seen(sample, monkeypatch, cache):
    of = Inputs.of

    def gone(self, segment):
        seen = of(self, segment)
        angles, valid = seen.motion.angles_rad.copy(), seen.motion.valid & (seen.motion.times_s < 7)
        angles[~valid] = np.nan
        return dataclasses.replace(seen, motion=dataclasses.replace(seen.motion, angles_rad=angles, valid=valid))

    monkeypatch.setattr(Inputs, "of", gone)
    with saying("Good.") as server:
        entries, failures = outcome(Socratic(), sample, server, cache)
    assert not failures
    assert {time_s for _, time_s in asked(server)} == {5.0}
    assert {time_s for said in remarks(entries).values() for time_s, _ in said} == {5.0}


def numbered(n, body):
    """Says which exercise and second it was asked about, and is silent at 15 s."""
    exercise, at_s = re.search(r"Exercise: (.*)\nTime since it began: (\S+) s", user_text(body)).groups()
    return Answer(completion("SILENCE" if at_s == "15" else f"Say {at_s} of {exercise}."))


def test_a_prompt_holds_what_was_said_before_in_the_same_exercise_alone(sample, cache):
    with ScriptedServer(lambda n, body: dataclasses.replace(numbered(n, body), wait_s=0.2)) as server:
        entries, _ = outcome(Socratic(), sample, server, cache, history=2.0)
        assert server.most_at_once == len(exercise_segments(sample)) > 1
    assert all(time_s != 15 for said in remarks(entries).values() for time_s, _ in said)
    for body, (exercise, at_s) in zip(server.bodies, asked(server), strict=True):
        earlier = [t for t in moments_s(at_s, 5.0) if t != 15][-2:]
        told = re.findall(r"^- at (\d+) s: Say (\S+) of (.*)\.$", user_text(body), re.MULTILINE)
        assert told == [(f"{t:.0f}", f"{t:g}", exercise) for t in earlier]
        assert ("You have said nothing so far." in user_text(body)) == (not earlier)


def test_one_at_a_time_where_that_is_wanted(sample, cache):
    with ScriptedServer(numbered) as server:
        one, _ = outcome(Socratic(), sample, server, cache, concurrency=1.0)
        assert server.most_at_once == 1
        assert asked(server) == sorted(asked(server), key=lambda each: [e for e, _ in asked(server)].index(each[0]))
    with ScriptedServer(numbered) as server:
        many, _ = outcome(Socratic(), sample, server, cache.with_name("other"), concurrency=32.0)
    assert one == many


def test_a_failed_question_is_silence_and_named_and_leaves_no_trace(sample, cache):
    segments = exercise_segments(sample)

    def script(n, body):
        at_s = float(re.search(r"began: (\S+) s", user_text(body))[1])
        if at_s == 10:
            return Answer(error("overloaded"), 500)
        wait_s = 0.1 * (f"Exercise: {segments[0].exercise}\n" in user_text(body))  # the first one is done last
        return Answer(completion({15: "", 20: '{"score": 3}'}.get(at_s, f"Say {at_s:g}.")), wait_s=wait_s)

    with ScriptedServer(script) as server:
        entries, failures = outcome(Socratic(), sample, server, cache)
    assert [failure.where for failure in failures] == [segment.id for segment in segments]
    assert failures[0].reason == (
        f"silent at 3 of {len(moments_s(segments[0].duration_s, 5.0))} moments: at 10 s, server-error (status 500, overloaded) "
        "after 1 attempts; at 15 s, an unusable reply: no word; at 20 s, an unusable reply: data instead of a sentence"
    )
    for said in remarks(entries).values():
        assert [text for _, text in said] == [f"Say {time_s:g}." for time_s, _ in said]
        assert not {10, 15, 20} & {time_s for time_s, _ in said}
        assert said
    assert not any("score" in user_text(body) for body in server.bodies)


def test_a_busy_server_is_asked_again(sample, cache):
    with ScriptedServer(
        lambda n, body: Answer(completion("Go.")) if n % 2 else Answer(error("slow"), 429, {"Retry-After": "0"})
    ) as server:
        entries, failures = outcome(Socratic(), sample, server, cache, attempts=20.0)
    assert not failures
    assert all(said for said in remarks(entries).values())


def test_what_is_answered_is_asked_once_and_again_without_a_connection(sample, cache):
    runs = []
    with ScriptedServer(numbered) as server:
        for given in ({}, {"concurrency": 3.0}, {"offline": 1.0}):
            model = Socratic()
            runs.append((outcome(model, sample, server, cache, **given), model.provenance(everything(model))))
            assert len(server.bodies) == len(asked(server)) == runs[0][1]["replies"]
        outcome(Socratic(), sample, server, cache, seed=1)
        assert len(server.bodies) == 2 * runs[0][1]["replies"]
    assert runs[0] == runs[1] == runs[2]


def test_offline_without_answers_everything_is_named_and_nothing_is_sent(sample, cache):
    with saying("Hm.") as server:
        outcome(Socratic(), sample, server, cache, period_s=20.0)
        count = len(server.bodies)
        entries, failures = outcome(Socratic(), sample, server, cache, period_s=7.0, offline=1.0)
    assert len(server.bodies) == count
    assert all("the cache has no answer" in failure.reason for failure in failures)
    assert not any(remarks(entries).values())


def test_a_budget_ends_the_questions(sample, cache):
    with saying("Go.") as server:
        entries, failures = outcome(Socratic(), sample, server, cache, budget_calls=3.0)
        assert len(server.bodies) == 3
    assert sum(map(len, remarks(entries).values())) == 3
    assert all("the budget is used up" in failure.reason for failure in failures)
    assert len(failures) == len(entries)


def test_what_made_the_remarks_is_told(sample, cache):
    with ScriptedServer(lambda n, body: Answer(completion("Go.", model="m-2026", usage=(100, 3)))) as server:
        model = Socratic()
        outcome(model, sample, server, cache)
    made, prompt = model.provenance(everything(model)), load_prompt("socratic")
    count = len(server.bodies)
    assert made == {
        "prompt": "socratic-1", "prompt_sha256": prompt.sha256, "server_models": ["m-2026"], "replies": count,
        "tokens_in": 100 * count, "tokens_out": 3 * count,
    }  # fmt: skip
    assert len(prompt.sha256) == 64
    json.dumps(made)


def test_what_is_sent(sample, cache):
    with saying("Go.") as server:
        outcome(Socratic(), sample, server, cache, temperature=0.0, period_s=30.0)
        outcome(
            Socratic(), sample, server, cache, seed=7, temperature=0.5, max_tokens=9.0, silence="never", period_s=30.0
        )
    first, last = server.bodies[0], server.bodies[-1]
    assert (first["temperature"], first["max_tokens"], "seed" in first) == (0.0, 200, False)
    assert (last["temperature"], last["max_tokens"], last["seed"]) == (0.5, 9, 7)
    system = [body["messages"][0]["content"] for body in (first, last)]
    assert ["SILENCE" in text for text in system] == [True, False]
    assert all("{" not in text for body in server.bodies for text in (system[0], system[1], user_text(body)))


def test_the_key_comes_from_the_variable_and_is_shown_nowhere(sample, cache, monkeypatch):
    monkeypatch.setenv("COACH_KEY", "sk-hush")
    with saying("Go.") as server:
        model = Socratic()
        result = outcome(model, sample, server, cache, key_variable="COACH_KEY", period_s=30.0)
    assert {headers["authorization"] for headers in server.headers} == {"bearer sk-hush"}
    assert "sk-hush" not in repr(result) + repr(model.provenance({}))
    assert b"sk-hush" not in cache.read_bytes()
    found = problems(sample, base_url=server.base_url, model="m", key_variable="sk-pasted")
    assert [problem.file for problem in found] == ["--option key_variable"]
    assert "sk-pasted" not in str(found)


def test_everything_wrong_with_the_options_comes_at_once_and_nothing_is_asked(sample):
    found = problems(sample, silence="often", key_variable="NO_SUCH_VARIABLE", price_in=1.0)
    assert [problem.file for problem in found] == [
        "--option silence", "--option key_variable", "--option base_url", "--option model", "--option price_in, price_out",
    ]  # fmt: skip
    (found,) = problems(sample, base_url="http://127.0.0.1:9/v1", model="m", budget_money=1.0)
    assert "price" in str(found)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(error("x", "temperature is fixed"), 400), "--option temperature=1"),
        (Answer(error("x", "no pictures"), 400), "all 21 requests rejected"),
        (Answer(error("invalid_api_key"), 401), "an API key that the server takes"),
        (Answer(error("model_not_found"), 404), "the model 'm' at this address"),
    ],
)
def test_what_no_question_could_pass_ends_the_run(sample, cache, answer, expected):
    with ScriptedServer(lambda n, body: answer) as server, pytest.raises(ProblemsFound) as found:
        outcome(Socratic(), sample, server, cache, period_s=7.0)
    assert expected in str(found.value).replace(str(len(server.bodies)), "21")


def test_one_rejected_question_among_others_is_its_own_failure(sample, cache):
    with ScriptedServer(
        lambda n, body: Answer(error("content_filter"), 400) if n == 4 else Answer(completion("Go."))
    ) as server:
        entries, failures = outcome(Socratic(), sample, server, cache, concurrency=1.0)
    assert len(failures) == 1
    assert "rejected (status 400, content_filter)" in failures[0].reason
    assert sum(map(len, remarks(entries).values())) == len(server.bodies) - 1


def test_a_video_without_poses_is_named_and_the_others_go_on(cache, monkeypatch):
    benchmark = load_benchmark(None)
    benchmark = dataclasses.replace(benchmark, sessions=benchmark.sessions[:2])
    bad, of = benchmark.sessions[0].video, Inputs.of

    def broken(self, segment):
        if segment.video == bad:
            raise InputFailure("the file is damaged")
        return of(self, segment)

    monkeypatch.setattr(Inputs, "of", broken)
    with saying("Go.") as server:
        entries, failures = outcome(Socratic(), benchmark, server, cache)
    ids = [segment.id for segment in exercise_segments(benchmark) if segment.video == bad]
    assert [tuple(failure) for failure in failures] == [(key, "the file is damaged") for key in ids]
    assert {key for key, said in remarks(entries).items() if not said} == set(ids)


def test_data_without_poses_are_refused_before_anything_is_asked(qevd, cache):
    qevd.add("0300", [("First up are squats!", True), ("Good.", False), ("Moving on to end!", True)])
    with saying("Go.") as server, pytest.raises(ProblemsFound) as found:
        outcome(Socratic(), load_benchmark(qevd.folder), server, cache)
    assert "data without poses" in str(found.value)
    assert not server.bodies


@given(st.floats(0.0, 300.0), st.floats(0.1, 60.0))
def test_moments_are_inside_and_a_period_apart(duration_s, period_s):
    times = moments_s(duration_s, period_s)
    assert all(0 < time_s < duration_s for time_s in times)
    assert np.allclose(np.diff([0.0, *times]), period_s, atol=1e-5)
    assert duration_s - (times[-1] if times else 0.0) <= period_s + 1e-5


def reply(text, finish="stop", refusal=None):
    return Reply(text, refusal, finish, None, None, "", "m", cached=False, attempts=1, raw={})


def read(text, finish="stop", most=60):
    try:
        return remark(reply(text, finish), "SILENCE", most)
    except Unusable as reason:
        return f"! {reason}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bend your knees more.", "Bend your knees more."),
        ('"Bend your knees more."', "Bend your knees more."),
        ("“Bend your knees more.”", "Bend your knees more."),
        ("Coach: 'Nice!'", "Nice!"),
        ('"Coach: “Nice!”"', "Nice!"),
        ("**Bend** your _left_ knee to `90°`.\n", "Bend your left knee to 90°."),
        ("# Remark\n- Go!", "Remark Go!"),
        ("1. Chest up.\n2. Knees out.", "Chest up. Knees out."),
        ("10. Good!", "10. Good!"),
        ("10", "10"),
        ("Don't let 'em drop!", "Don't let 'em drop!"),
        ('Say "up", then "down"', 'Say "up", then "down"'),
        ("<think>Is it 3?\n</think>\n\nThree more!", "Three more!"),
        ("no opening tag</think>Three more!", "Three more!"),
        ("Keep it up 👍", "Keep it up 👍"),
        ("Two\u200b lines\nof\tone", "Two lines of one"),
        ("SILENCE", None),
        ("Silence.", None),
        ("[silence]", None),
        ("**SILENCE**\n\nAll is well.", None),
        ("Your silence is golden.", "Your silence is golden."),
        ("First one. " * 5 + "x" * 9, "First one. First one. First one. First one. First one."),
        ("Knees out, please. " + "x" * 60, "Knees out, please."),
        ("", "! no word"),
        (" \n**\n", "! no word"),
        ("👍", "! no word"),
        ('{"score": 3}', "! data instead of a sentence"),
        ("```json\n[1]\n```", "! data instead of a sentence"),
        ("x" * 61, "! no whole sentence within 60 characters"),
        ("<think>and on and on", "! a thought that does not end"),
    ],
)
def test_replies_become_remarks(text, expected):
    assert read(text) == expected


def test_replies_that_were_cut_lose_their_last_words():
    assert read("Knees out. Now push your", "length") == "Knees out."
    assert read("Knees out. Now push your.", "length") == "Knees out. Now push your."
    assert read("Now push your", "length") == "! a sentence that is cut off"
    assert read("<think>long", "length") == "! a thought that does not end"


def test_a_refusal_is_no_remark():
    with pytest.raises(Unusable, match="refusal"):
        remark(reply("", refusal="I can't."), "SILENCE", 60)


@given(st.text(st.sampled_from("ab 1.!?\"'*_`#-\n“”()<>") | st.characters(exclude_categories=["Cs"]), max_size=90))
def test_whatever_comes_a_remark_is_a_short_line_with_a_word(text):
    said = read(text, most=40)
    if said is not None and not said.startswith("! "):
        assert 0 < len(said) <= 40
        assert said.isprintable()
        assert said == " ".join(said.split())
        assert any(character.isalnum() for character in said)
        assert not {"**", "`"} & {*said, *map("".join, zip(said, said[1:], strict=False))}


@given(st.lists(st.sampled_from(["knees", "your", "out", "push", "left", "10", "90°", "don't", "side-to-side"]), min_size=1, max_size=9),
       st.sampled_from(["", ".", "!", "?"]))  # fmt: skip
def test_a_plain_sentence_stays_as_it_is(words, end):
    assert read(" ".join(words) + end, most=200) == " ".join(words) + end


def test_the_prompts_are_told_apart_by_content(tmp_path):
    prompts = [load_prompt(name) for name in ("socratic", "zero_shot")]
    assert len({prompt.sha256 for prompt in prompts}) == len({prompt.version for prompt in prompts}) == 2
    for prompt in prompts:
        assert prompt.silence_word in prompt.may_be_silent
        assert prompt.silence_word not in prompt.system + prompt.user
    source = Path(__file__).parents[2] / "baselines" / "data"
    assert all((source / f"{name}.toml").is_file() for name in ("socratic", "zero_shot"))
