"""What really happens in QEVD-synth hangs together: people, repetitions, faults, and streams that do not disturb each other."""

import itertools

import pytest

from biobench.exercises import faults, find_exercise, names
from biobench.synth.draw import Draw, exponential
from biobench.synth.make import make_script
from biobench.synth.movements import are_opposites, movements, tempo_factors
from biobench.synth.people import PEOPLE, draw_people


@pytest.fixture(scope="module")
def performances(script):
    return [performance for video in script.videos for performance in video.performances]


def test_the_people_of_train_and_test_are_different():
    train, test = draw_people(1, "train"), draw_people(1, "test")
    assert (len(train), len(test)) == (PEOPLE["train"], 7)
    assert len({person.id for person in (*train, *test)}) == len(train) + len(test)
    assert len({person.height_m for person in (*train, *test)}) == len(train) + len(test)


@pytest.mark.parametrize("seed", range(5))
def test_people_are_plausible(seed):
    known = {fault.id for name in names() for fault in faults(name)}
    for person in (*draw_people(seed, "train"), *draw_people(seed, "test")):
        assert 1.45 < person.height_m < 2.0
        assert 16 < person.mass_kg / person.height_m**2 < 34
        assert 0.5 < person.waist_m < person.height_m
        assert person.waist_m - 0.1 < person.hips_m
        assert 0.8 < person.tempo < 1.25
        assert -1 <= person.asymmetry <= 1
        assert 0 <= person.fatigue <= 1
        assert set(person.habits) <= known


def test_a_video_has_one_person_and_five_or_six_different_exercises(script):
    people = {person.id for person in script.people}
    assert {video.person for video in script.videos} == people
    for video in script.videos:
        exercises = [performance.exercise for performance in video.performances]
        assert len(exercises) in {5, 6}
        assert len(set(exercises)) == len(exercises)
        assert video.performances[-1].end_s == video.end_s < video.duration_s
        for before, after in itertools.pairwise(video.performances):
            assert before.end_s == after.start_s


def test_every_exercise_occurs_and_is_spelled_as_in_the_data(performances):
    assert {performance.exercise for performance in performances} == set(names())
    for performance in performances:
        assert find_exercise(performance.spelling) == (performance.exercise, performance.side)
        assert (performance.side is not None) == movements()[performance.exercise].sided
        assert 30 <= performance.end_s - performance.start_s <= 38


def test_repetitions_are_in_order(performances):
    for performance in performances:
        assert performance.start_s < performance.repetitions[0].start_s
        assert performance.repetitions[-1].end_s < performance.end_s
        for repetition in performance.repetitions:
            assert repetition.start_s < repetition.key_s < repetition.end_s
            assert 0.2 < repetition.depth < 1.2
        for before, after in itertools.pairwise(performance.repetitions):
            assert before.end_s == after.start_s
            alternating = movements()[performance.exercise].alternating
            assert {before.side, after.side} == ({"left", "right"} if alternating else {None})


def test_faults_are_those_of_the_catalogue(performances):
    for performance in performances:
        known = {fault.id: fault for fault in faults(performance.exercise)}
        for fault in performance.faults:
            assert (fault.side is not None) == known[fault.id].sided
            assert performance.side in (None, fault.side) or fault.side is None
            assert 0.25 <= fault.severity <= 1.0
            assert 1 <= fault.first_repetition <= fault.last_repetition <= len(performance.repetitions)
            assert performance.shows(fault, fault.first_repetition)
            assert performance.shows(fault, fault.last_repetition)
            assert performance.repetitions[fault.first_repetition - 1].start_s == fault.start_s
            assert performance.repetitions[fault.last_repetition - 1].end_s == fault.end_s
        for one, other in itertools.combinations(performance.faults, 2):
            assert one.id != other.id
            assert not are_opposites(one.id, other.id)


def test_a_corrected_fault_could_have_gone_on(performances):
    corrected = [(p, fault) for p in performances for fault in p.faults if fault.corrected]
    assert len(corrected) > 100
    for performance, fault in corrected:
        later = performance.repetitions[fault.last_repetition :]
        assert any(None in (fault.side, repetition.side) or repetition.side == fault.side for repetition in later)


def test_a_sided_fault_hides_in_repetitions_of_the_other_side(performances):
    seen = 0
    for performance in performances:
        for fault in performance.faults:
            for number, repetition in enumerate(performance.repetitions, 1):
                inside = fault.first_repetition <= number <= fault.last_repetition
                other_side = {fault.side, repetition.side} == {"left", "right"}
                assert (performance.severity(fault, number) > 0) == (inside and not other_side)
                seen += inside and other_side
    assert seen > 100


def test_faults_of_depth_and_tempo_show_in_the_repetitions(performances):
    depths, clean_depths, longer = [], [], {fault: [] for fault in tempo_factors()}
    for performance in performances:
        depth_fault = movements()[performance.exercise].depth_fault
        for number, repetition in enumerate(performance.repetitions, 1):
            severity = max(
                (performance.severity(f, number) for f in performance.faults if f.id == depth_fault), default=0
            )
            (depths if severity else clean_depths).append((repetition.depth, severity))
        for fault in performance.faults:
            if fault.id in longer and fault.severity > 0.6 and (fault.first_repetition > 3 or fault.corrected):
                periods = [
                    (performance.shows(fault, n), r.end_s - r.start_s) for n, r in enumerate(performance.repetitions, 1)
                ]
                with_it, without = ([p for shows, p in periods if shows is what] for what in (True, False))
                longer[fault.id].append(sum(with_it) / len(with_it) / (sum(without) / len(without)))
    assert min(depth for depth, _ in clean_depths) > 0.8
    assert all(depth < 1.11 * (1 - 0.5 * severity) for depth, severity in depths)
    assert all(ratio < 0.97 for ratio in longer["rushed"])
    assert all(ratio > 1.03 for ratio in longer["dragging"])
    assert all(longer.values())


def test_another_video_changes_no_other(script):
    assert make_script("test", 3).videos == script.videos[:3]


def test_the_mix_changes_no_performance_and_the_seed_every_one(script):
    assert [v.performances for v in make_script("test", 3, mix=60).videos] == [
        v.performances for v in script.videos[:3]
    ]
    for one, other in zip(make_script("test", 3, seed=2).videos, script.videos, strict=False):
        assert one.performances != other.performances


def test_train_is_not_test(script):
    train = make_script("train", 3)
    assert not {video.video for video in train.videos} & {video.video for video in script.videos}
    assert not {p.start_s for v in train.videos for p in v.performances} <= {
        p.start_s for v in script.videos[:3] for p in v.performances
    }


def test_draws():
    draw = Draw("a stream", 1)
    assert [Draw("a stream", 1).unit() for _ in range(2)] == [draw.unit()] * 2
    assert Draw("a stream", 2).unit() != Draw("a stream", 1).unit()
    normal = [draw.normal() for _ in range(20_000)]
    mean = sum(normal) / len(normal)
    assert abs(mean) < 0.03
    assert sum((x - mean) ** 2 for x in normal) / len(normal) == pytest.approx(1.0, abs=0.04)
    latencies = sorted(draw.lognormal(0.5, 0.4) for _ in range(20_001))
    assert latencies[10_000] == pytest.approx(0.5, abs=0.01)
    picks = [draw.weighted("ab", (1.0, 3.0)) for _ in range(20_000)]
    assert picks.count("b") / len(picks) == pytest.approx(0.75, abs=0.015)


@pytest.mark.parametrize(("x", "value"), [(-3.5, 0.0301973834223), (0.0, 1.0), (4.0, 54.5981500331)])
def test_exponential(x, value):
    assert exponential(x) == pytest.approx(value, rel=1e-11)
