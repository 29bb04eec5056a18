"""Events for raters: whose answers they hold, how they are drawn, and their file against every kind of change."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from study_events import benchmark, event, four_systems, made, renamed, sampled

from biobench.evaluation import evaluate
from biobench.problems import ProblemsFound
from biobench.records import Entry
from judges.validation.events import (
    Wanted,
    _drawn,
    answer_id,
    events_sha256,
    read_events,
    sample_events,
    write_events,
)


def problems(*arguments, **options):
    with pytest.raises(ProblemsFound) as found:
        sample_events(*arguments, **options)
    return [str(problem) for problem in found.value.problems]


def pairs_of(predictions, protocol):
    """(segment, reference) -> (time, reference text, answer), as a results file tells them."""
    results = evaluate(predictions, benchmark(), [protocol], baselines=False)
    return {
        (record["id"], i): (*record["references"][i], record["predictions"][j][1])
        for record in results.segments[protocol]
        for i, j in record["pairs"]
    }


@pytest.mark.parametrize("protocol", ["biobench-1", "qevd-2024"])
def test_an_answer_is_what_the_protocol_matched(protocol):
    told = {given.system: pairs_of(given, protocol) for given in four_systems()}
    drawn = sample_events(benchmark(), four_systems(), protocol)
    assert len(drawn.events) > 40
    for one in drawn.events:
        segment, _, k = one.id.rpartition("#")
        said = {system: pairs[segment, int(k)] for system, pairs in told.items() if (segment, int(k)) in pairs}
        assert one.systems == tuple(sorted(said))
        assert len(said) >= 3
        assert {(one.time_s, one.reference)} == {(time, reference) for time, reference, _ in said.values()}
        for answer in one.answers:
            assert {system for system, (*_, text) in said.items() if text == answer.text} == set(answer.systems)


def test_there_are_no_more_than_asked_for_and_it_says_what_is_missing():
    few = sampled()
    counts = Counter(one.video for one in few.events)
    assert len(counts) == 14
    assert set(counts.values()) <= {2, 3, 4}
    assert few.wanted == Wanted(150, 50, 2, 4, 3)
    assert f"{len(few.events)} events of 14 videos where 150 of 50 were wanted" in few.shortfall
    enough = sampled(events=30, videos=10)
    assert len(enough.events) == 30
    assert set(Counter(one.video for one in enough.events).values()) == {3}
    assert enough.shortfall is None
    assert len({one.reference for one in enough.events}) == 30


def test_the_same_seed_draws_the_same_whatever_the_order_of_systems():
    assert sample_events(benchmark(), four_systems()[::-1]) == sampled()
    assert sampled(events=30, videos=10) == sample_events(benchmark(), four_systems(), events=30, videos=10)
    other = sampled(events=30, videos=10, seed=1)
    assert {one.id for one in other.events} != {one.id for one in sampled(events=30, videos=10).events}


def test_equal_answers_are_one_answer_of_several_systems():
    again = sample_events(benchmark(), [*four_systems(), renamed(four_systems()[0], "copy")])
    pairs = [answer.systems for one in again.events for answer in one.answers if "eager" in answer.systems]
    assert pairs
    assert all("copy" in systems for systems in pairs)
    assert max(len(one.answers) for one in again.events) <= 4


def test_three_systems_that_say_the_same_are_three():
    eager = four_systems()[0]
    same = sample_events(benchmark(), [renamed(eager, name) for name in "abc"])
    assert same.events
    assert all([answer.systems for answer in one.answers] == [("a", "b", "c")] for one in same.events)


def test_an_id_does_not_depend_on_whose_answer_it_is():
    masked = sample_events(benchmark(), [renamed(given, f"x{k}") for k, given in enumerate(four_systems())])
    assert [[a.id for a in one.answers] for one in masked.events] == [
        [a.id for a in one.answers] for one in sampled().events
    ]
    assert all(answer.id == answer_id(0, one.id, answer.text) for one in masked.events for answer in one.answers)
    assert masked.systems == ("x0", "x1", "x2", "x3")


def test_wishes_that_can_not_be_met_are_told_all_at_once():
    eager, late, *_ = four_systems()
    saved = replace(late, system="pairs", format="fitcoach-pairs", entries=(), pairs=(("a", "b"),))
    told = problems(benchmark(), [eager, eager, saved], seed=-1, events=20, videos=50)
    assert len(told) == 5
    for words in (
        "20 events of 50 videos",
        "the seed -1",
        "saved pairs",
        'another system "eager"',
        "predictions of 2 sy",
    ):
        assert any(words in line for line in told), words
    assert "the lesser number first" in problems(benchmark(), four_systems(), a_video=(4, 2))[0]
    assert "a wish for 0" in problems(benchmark(), four_systems(), fewest_systems=0)[0]


def test_without_a_common_moment_it_says_how_many_answered():
    eager = four_systems()[0]
    quiet = [replace(eager, system=f"quiet-{k}", entries=tuple(Entry(e.key, ()) for e in eager.entries)) for k in "ab"]
    (line,) = problems(benchmark(), [eager, *quiet])
    answered = len(pairs_of(eager, "biobench-1"))
    assert f"answered events: {answered} by 1 system, expected an event that at least 3 systems answer" in line


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=9),
    texts=st.integers(1, 6),
    events=st.integers(1, 30),
    least=st.integers(1, 3),
    more=st.integers(0, 2),
    videos=st.integers(1, 10),
    seed=st.integers(0, 3),
)
def test_drawing_keeps_its_bounds(sizes, texts, events, least, more, videos, seed):
    found = [
        event(k, video=f"v{n}", reference=f"text {(n * 7 + k) % texts}") for n, size in enumerate(sizes) for k in range(size)
    ]  # fmt: skip
    wanted = Wanted(events, videos, least, least + more, 3)
    drawn = _drawn(found, wanted, seed)
    counts = Counter(one.video for one in drawn)
    assert len(drawn) == len({one.id for one in drawn}) <= events
    assert max(counts.values()) <= wanted.most_a_video
    assert list(drawn) == [one for one in found if one in drawn], "in the order of the data"
    room = sum(min(size, wanted.most_a_video) for size in sizes)
    assert len(drawn) == min(events, room)
    if events >= videos:
        assert len(counts) >= min(videos, len(sizes))


def test_new_texts_come_first_then_rare_exercises():
    same = [event(k, reference="keep going") for k in range(6)]
    new = [event(k, reference=f"new {k}") for k in range(6, 9)]
    drawn = _drawn([*same, *new], Wanted(4, 1, 2, 4, 3), 0)
    assert len({one.reference for one in drawn}) == 4
    usual = [event(k, exercise="squats") for k in range(8)]
    rare = [event(k, exercise="lunges") for k in range(8, 10)]
    for seed in range(5):
        drawn = _drawn([*usual, *rare], Wanted(4, 1, 2, 4, 3), seed)
        assert Counter(one.exercise for one in drawn) == {"squats": 2, "lunges": 2}


# The file.


def written(tmp_path, events):
    path = tmp_path / "events.json"
    write_events(path, events)
    return path


def test_what_is_written_is_read(tmp_path):
    path = written(tmp_path, sampled())
    assert read_events(path) == sampled()
    assert events_sha256(read_events(path)) == events_sha256(sampled())
    before = path.read_bytes()
    write_events(path, read_events(path))
    assert path.read_bytes() == before


def test_strange_texts_survive(tmp_path):
    strange = made(event(0, "</script>", "\u202enever\u0000", "שלום 🏋", "Z\u0351\u0352\u0353"), event(1))
    assert read_events(written(tmp_path, strange)) == strange


def test_every_problem_of_a_file_in_one_pass(tmp_path):
    path = written(tmp_path, made(event(0), event(1), event(2)))
    value = json.loads(path.read_text())
    value["benchmark"]["sha256"] = "ABC"
    value["seed"] = True
    value["wanted"]["events"] = 1.5
    value["extra"] = 1
    first, second, third = value["events"]
    first["time_s"] = "3"
    first["answers"][0]["systems"] = []
    first["answers"][1]["systems"] = first["answers"][2]["systems"]
    second["id"] = first["id"]
    second["segment"] = first["segment"]
    del third["reference"]
    third["referense"] = ""
    third["id"] = "elsewhere#x"
    third["answers"] = []
    path.write_text(json.dumps(value))
    with pytest.raises(ProblemsFound) as found:
        read_events(path)
    told = {problem.json_path: str(problem) for problem in found.value.problems}
    assert all(problem.line for problem in found.value.problems)
    assert set(told) == {
        "$.benchmark.sha256", "$.seed", "$.wanted.events", "$.extra", "$.events[0].time_s", "$.events[0].answers[0].systems",
        "$.events[0].answers[2].systems[0]", "$.events[1].id", "$.events[2]", "$.events[2].referense", "$.events[2].id",
        "$.events[2].answers",
    }  # fmt: skip
    assert 'did you mean "referense"?' in told["$.events[2]"]


def test_an_edited_answer_is_found(tmp_path):
    path = written(tmp_path, made(event(0), event(1)))
    path.write_text(path.read_text().replace("answer 1 to 1", "answer 9 to 1"))
    with pytest.raises(ProblemsFound, match=r"events\[1\].answers\[\d\].id.*changed after the sample was drawn"):
        read_events(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [("[]", 'expected "schema"'), ("{", "found the end"), ('{"schema": "biobench/study-ratings/1"}', "study-events/1")],
)
def test_another_file_is_refused(tmp_path, text, words):
    path = tmp_path / "events.json"
    path.write_text(text)
    with pytest.raises(ProblemsFound) as found:
        read_events(path)
    assert words in str(found.value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_file_is_refused_or_is_other_events(tmp_path, data):
    events = made(event(0), event(1, video="w"))
    value = json.loads(written(tmp_path, events).read_text())
    at = value
    while isinstance(at, dict | list) and at:
        holder, key = at, data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        at = holder[key]
        if data.draw(st.integers(0, 3)) == 0:
            break
    junk = st.sampled_from([None, True, -1, 0, 1, 3.5, 1e300, "", "x", "\ud800", [], {}, ["x"], {"id": 1}, [[]]])
    holder[key] = data.draw(junk)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(value))
    try:
        changed = read_events(path)
    except ProblemsFound:
        return
    assert (events_sha256(changed) != events_sha256(events)) == (changed != events)
