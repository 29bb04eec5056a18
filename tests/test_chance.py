"""Blind timetables and donors: the fast counts equal the matchers, and the family is searched whole."""

import random

import numpy as np
import pytest

from biobench import chance
from biobench.matching import match_optimal, match_published
from biobench.records import Feedback as Remark
from biobench.records import Segment


def segment(name, times, duration, video=None, exercise="squats", subject=None):
    remarks = tuple(Remark(time, f"remark {k}") for k, time in enumerate(times))
    return Segment(name, video or name, exercise, 0.0, duration, remarks, subject)


def random_segments(seed, count=8):
    rng = random.Random(seed)
    segments = []
    for k in range(count):
        duration = rng.uniform(0.1, 45)
        times = sorted(
            rng.choice([rng.uniform(0, duration), 0.25 * rng.randrange(1 + int(4 * duration))])
            for _ in range(rng.randrange(9))
        )
        segments.append(segment(f"s{k}", times, duration))
    return tuple(segments)


@pytest.mark.parametrize("seed", range(4))
def test_counts_of_every_timetable_equal_the_optimal_matcher(seed):
    segments = random_segments(seed)
    clusters = tuple(k % 3 for k in range(len(segments)))
    counts = chance.timetable_counts(segments, clusters)
    rng = random.Random(seed)
    for index in rng.sample(range(counts.matches.shape[1]), 60):
        table = chance.timetable(index)
        for cluster in range(3):
            own = [s for s, c in zip(segments, clusters, strict=True) if c == cluster]
            said = [table.times(s.duration_s) for s in own]
            matched = [len(match_optimal([r.time_s for r in s.feedbacks], t)) for s, t in zip(own, said, strict=True)]
            assert counts.matches[cluster, index] == sum(matched)
            assert counts.remarks[cluster, index] == sum(map(len, said))


def test_the_best_timetable_is_the_best_of_the_whole_family():
    segments = random_segments(7, count=5)
    references = np.array([sum(len(s.feedbacks) for s in segments)])
    counts = chance.timetable_counts(segments, (0,) * 5)
    best, index = counts.best_f(references)
    f_scores = 2 * counts.matches[0] / (references[0] + counts.remarks[0])
    assert best == f_scores.max()
    assert f_scores[index] == best
    assert counts.best_f_without_each(references)[0] == 0.0  # without the only cluster nothing is left


def test_leaving_out_a_cluster_is_the_family_on_the_others():
    segments = random_segments(3)
    clusters = tuple(k % 2 for k in range(len(segments)))
    references = np.array(
        [sum(len(s.feedbacks) for s, c in zip(segments, clusters, strict=True) if c == g) for g in (0, 1)]
    )
    without = chance.timetable_counts(segments, clusters).best_f_without_each(references)
    others = tuple(s for s, c in zip(segments, clusters, strict=True) if c == 1)
    alone, _ = chance.timetable_counts(others, (0,) * len(others)).best_f(references[1:])
    assert without[0] == alone


@pytest.mark.parametrize("seed", range(3))
def test_the_published_search_counts_as_the_published_matcher(seed):
    rng = random.Random(seed)
    starts, periods, stops = np.arange(0, 11.0), np.arange(1, 10.25, 0.25), np.arange(0, 10.5, 2.5)
    grid = np.stack(np.meshgrid(starts, periods, stops, indexing="ij"), axis=-1).reshape(-1, 3)
    for s in random_segments(seed):
        times = [remark.time_s for remark in s.feedbacks]
        said = np.maximum(np.floor((s.duration_s - grid[:, 2] - grid[:, 0]) / grid[:, 1]) + 1, 0)
        recall = chance._references_matched(times, grid, said, 1.5)
        precision = chance._remarks_matched(times, grid, said, 1.5)
        for k in rng.sample(range(len(grid)), 40):
            table = chance.Timetable(*grid[k]).times(s.duration_s)
            assert len(table) == said[k]
            assert len(match_published(times, table, ["x"] * len(table))) == recall[k]
            assert len(match_published(table, times, ["x"] * len(times))) == precision[k]


def matches_of(segments):
    from biobench.protocols import Biobench1

    return [Biobench1().match(s, (Remark(1.0, s.id),)) for s in segments]


def test_donors_are_the_nearest_in_duration_of_the_same_exercise_in_other_videos():
    segments = [
        segment(f"s{k}", [1.0], 30.0 + k, video=f"v{k % 4}", exercise="squats" if k < 7 else "lunge jumps")
        for k in range(9)
    ]
    found = chance.donors(matches_of(segments), count=3)
    assert [donor.segment.id for donor in found[0]] == ["s1", "s2", "s3"]
    assert [donor.segment.id for donor in found[4]] == ["s3", "s5", "s2"]


def test_donors_are_other_people_where_all_are_known_and_other_exercises_where_needed():
    segments = [
        segment(
            f"s{k}",
            [1.0],
            30.0,
            video=f"v{k}",
            subject="ann" if k < 2 else "bob",
            exercise="squats" if k != 3 else "planks",
        )
        for k in range(4)
    ]
    found = chance.donors(matches_of(segments))
    assert [donor.segment.id for donor in found[0]] == ["s2", "s3"]
    assert [donor.segment.id for donor in found[2]] == ["s0", "s1"]


def test_frequent_remarks_of_others_leave_out_their_own():
    segments = [
        Segment("a", "a", "squats", 0.0, 9.0, (Remark(1, "x"), Remark(2, "x"), Remark(3, "y"))),
        Segment("b", "b", "squats", 0.0, 9.0, (Remark(1, "y"), Remark(2, "z"))),
    ]
    assert chance.frequent_remarks(segments) == ["x", "y", "z"]
    assert chance.frequent_remarks_of_others(segments, [0, 1]) == [["y", "z"], ["x", "y"]]
