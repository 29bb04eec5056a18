"""Exports of the form: what becomes of good ones, and every kind of bad one, told with its place in one pass."""

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from study_events import event, export, made

from biobench.problems import ProblemsFound
from judges.validation.ratings import read_ratings

EVENTS = made(event(0), event(1), event(2, "one for all", "another", video="w"))
FIRST, SECOND = EVENTS.events[0].answers[:2]


def files(tmp_path, *exports):
    paths = []
    for k, value in enumerate(exports):
        path = tmp_path / f"{k}.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        paths.append(path)
    return paths


def told(tmp_path, *exports):
    """The problems, by file and JSON path."""
    with pytest.raises(ProblemsFound) as found:
        read_ratings(files(tmp_path, *exports), EVENTS)
    return {(problem.file[-6:], problem.json_path): str(problem) for problem in found.value.problems}


def changed(k, **changes):
    """An export with one rating changed; what is ... goes."""
    value = export(EVENTS)
    value["ratings"][k] = {key: v for key, v in (value["ratings"][k] | changes).items() if v is not ...}
    return value


def test_scores_repeats_and_what_is_open(tmp_path):
    ann = export(EVENTS)
    ann["ratings"].append(ann["ratings"][0] | {"repeat": 1, "score": 5})
    ann["ratings"].append(ann["ratings"][1] | {"repeat": 1, "score": None, "cannot_say": True})
    bo = export(EVENTS, "Bo", lambda event, k: None if k == 1 else 4, complete=False)
    bo["ratings"] = [*bo["ratings"][:4], bo["ratings"][5] | {"score": None, "cannot_say": False, "comment": "later"}]
    ratings = read_ratings(files(tmp_path, ann, bo), EVENTS)
    assert ratings.raters == ("Ann", "Bo")
    items = [(e.id, a.id) for e in EVENTS.events for a in e.answers]
    assert ratings.scores["Ann"] == dict(zip(items, [1, 2, 3, 1, 2, 3, 1, 2], strict=True))
    assert ratings.scores["Bo"] == {items[0]: 4, items[2]: 4, items[3]: 4}
    assert ratings.repeats == {"Ann": {items[0]: 5}, "Bo": {}}
    assert ratings.cannot_say == {"Ann": 0, "Bo": 1}
    assert ratings.unrated == {"Ann": 0, "Bo": 4}
    told_items, matrix = ratings.matrix(EVENTS)
    assert told_items == tuple(items)
    np.testing.assert_array_equal(matrix[1], [4, np.nan, 4, 4] + [np.nan] * 4)


def test_the_table_is_the_mean_over_raters_of_every_system(tmp_path):
    paths = files(tmp_path, export(EVENTS), export(EVENTS, "Bo", lambda event, k: None if k == 1 else 4))
    table = read_ratings(paths, EVENTS).table(EVENTS)
    assert table.systems == ("system-0", "system-1", "system-2")
    assert table.events == tuple(e.id for e in EVENTS.events)
    # Ann says 1, 2, 3; Bo 4, nothing, 4; the third event has two answers.
    np.testing.assert_array_equal(table.values, [[2.5, 2.5, 2.5], [2, 2, 2], [3.5, 3.5, np.nan]])


def test_an_answer_of_several_systems_counts_for_each(tmp_path):
    from dataclasses import replace

    (one,) = made(event(0)).events
    both = replace(one, answers=(replace(one.answers[0], systems=("a", "b")), one.answers[1]))
    events = made(both)
    table = read_ratings(files(tmp_path, export(events)), events).table(events)
    np.testing.assert_array_equal(table.values, [[1], [1], [2]])


def test_nobody_said_anything(tmp_path):
    empty = export(EVENTS, complete=False) | {"ratings": []}
    ratings = read_ratings(files(tmp_path, empty), EVENTS)
    assert ratings.unrated == {"Ann": 8}
    assert np.isnan(ratings.table(EVENTS).values).all()


BAD = {
    "a score of 0": (changed(0, score=0), "$.ratings[0].score", "found 0, expected a whole number from 1 to 5, or null"),
    "a score of 6": (changed(0, score=6), "$.ratings[0].score", "found 6"),
    "true is no score": (changed(0, score=True), "$.ratings[0].score", "found true"),
    "half a score": (changed(0, score=2.5), "$.ratings[0].score", "found 2.5"),
    "a float": (changed(0, score=3.0), "$.ratings[0].score", "found 3.0"),
    "a score in words": (changed(0, score="3"), "$.ratings[0].score", 'found "3"'),
    "both": (changed(0, cannot_say=True), "$.ratings[0]", "found the score 1 and cannot_say, expected one of the two"),
    "an unknown event": (changed(0, event="v_0#9"), "$.ratings[0].event", 'did you mean "v_0#'),
    "an unknown answer": (changed(0, answer="0" * 12), "$.ratings[0].answer", "expected an answer of this study"),
    "an answer to another event": (
        changed(3, answer=FIRST.id), "$.ratings[3].answer", "expected an answer to v_0#1 (it is one to v_0#0)"),
    "an answer twice": (changed(1, answer=FIRST.id), "$.ratings[1]", "an answer rated twice"),
    "a third showing": (changed(0, repeat=2), "$.ratings[0].repeat", "0 (first showing) or 1 (second)"),
    "false is no showing": (changed(0, repeat=False), "$.ratings[0].repeat", "found false"),
    "a long comment": (changed(0, comment="x" * 2001), "$.ratings[0].comment", "at most 2,000 characters"),
    "no comment": (changed(0, comment=None), "$.ratings[0].comment", "found null"),
    "time that runs back": (changed(0, seconds=-1), "$.ratings[0].seconds", "seconds, 0 or more"),
    "time in words": (changed(0, seconds="1"), "$.ratings[0].seconds", 'found "1"'),
    "a missing key": (changed(0, cannot_say=...), "$.ratings[0]", "no cannot_say"),
    "an unknown key": (changed(0, skore=1), "$.ratings[0].skore", 'did you mean "score"?'),
    "no rating": (export(EVENTS) | {"ratings": [3]}, "$.ratings[0]", "expected an object with event"),
    "no ratings": (export(EVENTS) | {"ratings": {}}, "$.ratings", "expected a list"),
    "another form": (export(EVENTS) | {"schema": "biobench/study-ratings/2"}, "$.schema", "what the rating form saves"),
    "no object": ([], "$", "what the rating form saves"),
    "other events": (export(EVENTS) | {"events_sha256": "0" * 64}, "$.events_sha256", "ratings of other events"),
    "no digest": (export(EVENTS) | {"events_sha256": 7}, "$.events_sha256", "a SHA-256 digest"),
    "nobody": (export(EVENTS, " "), "$.rater", "expected a printable name"),
    "an invisible rater": (export(EVENTS, "Ann\u202e"), "$.rater", "expected a printable name"),
    "a seed of its own": (export(EVENTS, form_seed=-1), "$.form_seed", "a whole number of 0 or more"),
    "complete in words": (export(EVENTS, complete="yes"), "$.complete", "true or false"),
    "not complete": (export(EVENTS) | {"ratings": export(EVENTS)["ratings"][1:]}, "$.complete", "true, with 1 answers"),
    "complete by its second showing": (changed(0, repeat=1), "$.complete", "true, with 1 answers"),
    "not finite": (json.dumps(export(EVENTS)).replace("2.5", "NaN", 1), "$.ratings[0].seconds", "NaN"),
    "a key twice": (json.dumps(export(EVENTS)).replace('"rater":', '"rater": "Bo", "rater":'), "$.rater", "rater"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_export_is_told_with_its_place(tmp_path, name):
    value, path, words = BAD[name]
    found = told(tmp_path, value)
    assert ("0.json", path) in found, found
    assert words in found["0.json", path]
    assert len(found) <= 2  # a bad value may also leave an answer unrated


def test_every_problem_of_every_file_in_one_pass(tmp_path):
    two = changed(0, score=9, seconds=-1)
    two["ratings"][4]["event"] = "?"
    found = told(tmp_path, export(EVENTS), two, "{", export(EVENTS, " ANN "), export(EVENTS, "Bo", form_seed="x"))
    assert {key for key in found if key[0] == "1.json"} == {
        ("1.json", "$.rater"), ("1.json", "$.ratings[0].score"), ("1.json", "$.ratings[0].seconds"), ("1.json", "$.ratings[4].event"),
    }  # fmt: skip
    assert any(file == "2.json" for file, _ in found)
    assert "the rater of" in found["3.json", "$.rater"]
    assert ("4.json", "$.form_seed") in found
    assert not any(file == "0.json" for file, _ in found)


def test_no_file_and_a_missing_file(tmp_path):
    with pytest.raises(ProblemsFound, match="at least one rater's export"):
        read_ratings([], EVENTS)
    with pytest.raises(ProblemsFound, match="no such file"):
        read_ratings([tmp_path / "none.json"], EVENTS)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_in_a_file_scores_are_whole_numbers_from_1_to_5(tmp_path, data):
    """Any value anywhere: problems, or ratings that hold together."""
    value = export(EVENTS)
    leaf = st.sampled_from(
        [None, True, False, 0, 1, 5, 6, -1, 2.0, 1e308, "", "x", FIRST.id, EVENTS.events[1].id, "\ud800", [], {}]
    )
    for _ in range(data.draw(st.integers(1, 3))):
        at = value
        while isinstance(at, dict | list) and at:
            holder, key = at, data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            at = holder[key]
        holder[key] = data.draw(leaf)
    try:
        ratings = read_ratings(files(tmp_path, value), EVENTS)
    except ProblemsFound as found:
        assert all(problem.file and problem.expected for problem in found.problems)
        return
    (rater,) = ratings.raters
    scores = ratings.scores[rater]
    assert all(type(score) is int and 1 <= score <= 5 for score in scores.values())
    assert len(scores) + ratings.cannot_say[rater] + ratings.unrated[rater] == 8
    values = ratings.table(EVENTS).values
    assert all(math.isnan(score) or 1 <= score <= 5 for score in values.ravel())
