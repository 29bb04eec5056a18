"""A model that sees frames: which it is sent, and what happens to videos that can't be read."""

import dataclasses
import re
import shutil
import sys

import numpy as np
import pytest
from prompting import (
    Answer,
    ScriptedServer,
    completion,
    everything,
    number_of,
    outcome,
    pixels,
    red_corner,
    remarks,
    render,
    saying,
    sent_pictures,
    user_text,
)

from baselines.asking import moments_s
from baselines.zero_shot import ZeroShot
from biobench import load_benchmark
from biobench.models import exercise_segments
from biobench.problems import ProblemsFound

EVENTS = [("First up are squats!", True), ("Good.", False), ("Lower.", False), ("Moving on to push ups!", True),
          ("Nice.", False), ("Moving on to end!", True)]  # fmt: skip
FRAMES = 30 * len(EVENTS) + 20
FAST = {"period_s": 0.5, "frames": 4.0, "upright": "file"}


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("movie") / "movie.mp4"
    render(path, FRAMES)
    return path


@pytest.fixture
def data(qevd, movie):
    """Three videos of two exercises each."""
    for video in ("0007", "0200", "0300"):
        qevd.add(video, EVENTS)
        shutil.copy(movie, qevd.folder / "long_range_videos" / f"{video}.mp4")
    return qevd


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "answers.sqlite"


def video_of(data, name):
    return data.folder / "long_range_videos" / f"{name}.mp4"


def only(benchmark, *videos):
    kept = tuple(session for session in benchmark.sessions if session.video in videos)
    return dataclasses.replace(benchmark, sessions=kept)


def test_every_moment_shows_the_frames_of_its_period_and_nothing_later(data, cache):
    benchmark = only(load_benchmark(data.folder), "0200")
    with saying("Lower!") as server:
        entries, failures = outcome(ZeroShot(), benchmark, server, cache, **FAST)
    assert not failures
    times_s = benchmark.sessions[0].frame_times_s
    expected = {}
    for segment in exercise_segments(benchmark):
        for at_s in moments_s(segment.duration_s, 0.5):
            # The last frame before each quarter of the half second.
            wanted = segment.start_s + at_s - 0.5 * np.arange(3, -1, -1) / 4
            expected[segment.exercise, at_s] = [int(np.flatnonzero(times_s < t - 1e-6)[-1]) for t in wanted]
    sent = {}
    for body in server.bodies:
        exercise, at_s = re.search(r"Exercise: (.*)\nTime since it began: (\S+) s", user_text(body)).groups()
        sent[exercise, float(at_s)] = [number_of(jpeg) for jpeg in sent_pictures(body)]
        assert "Pictures: 4, from the last 0.5 s" in user_text(body)
    assert sent == expected
    assert len(sent) == sum(len(said) for said in remarks(entries).values()) > 10
    assert {text for said in remarks(entries).values() for _, text in said} == {"Lower!"}


def test_no_frame_of_the_future_is_ever_sent(data, cache):
    """The same video with all frames from one moment on painted over: every question before it is the same, byte by byte."""
    benchmark = only(load_benchmark(data.folder), "0200")
    first = exercise_segments(benchmark)[0]
    cut_s = moments_s(first.duration_s, 0.5)[3]
    cut = int(np.searchsorted(benchmark.sessions[0].frame_times_s, first.start_s + cut_s - 1e-6))

    def scenes():
        return list(ZeroShot().scenes(benchmark, everything(ZeroShot(), **FAST)))

    # Intra-coded, so that a frame's bytes don't depend on those after it.
    render(video_of(data, "0200"), FRAMES, lambda frame: frame, gop=1)
    before = scenes()
    render(video_of(data, "0200"), FRAMES, lambda frame: frame if frame_number(frame) < cut else 255 - frame, gop=1)
    after = scenes()
    same = [one == other for one, other in zip(before[0].moments, after[0].moments, strict=True)]
    assert same == [moment.at_s <= cut_s for moment in before[0].moments]
    assert before[1] != after[1]


def frame_number(frame):
    return sum(int(frame[-1, bit * 16, 0] > 128) << bit for bit in range(10))


def test_prompts_are_apart_and_ask_for_a_remark_each_time(data, cache):
    benchmark = only(load_benchmark(data.folder), "0200")
    with saying("Lower!") as server:
        outcome(ZeroShot(), benchmark, server, cache, **FAST)
        plain = list(server.bodies)
        outcome(ZeroShot(), benchmark, server, cache, **FAST, silence="allowed", history=3.0)
    assert not any("SILENCE" in str(body["messages"][0]) or "Lower!" in user_text(body) for body in plain)
    assert all("SILENCE" in body["messages"][0]["content"] for body in server.bodies[len(plain) :])
    assert any(user_text(body).count("Lower!") == 3 for body in server.bodies)
    assert all(body["messages"][0] == plain[0]["messages"][0] for body in plain)


def test_videos_that_can_not_be_read_are_silent_and_named_and_the_others_go_on(data, movie, cache):
    for video in ("0301", "0302"):
        data.add(video, EVENTS)
    video_of(data, "0007").write_bytes(b"no video")
    render(video_of(data, "0200"), FRAMES // 2)
    video_of(data, "0302").write_bytes(movie.read_bytes()[: movie.stat().st_size // 2])
    benchmark = load_benchmark(data.folder)
    with saying("Lower!") as server:
        entries, failures = outcome(ZeroShot(), benchmark, server, cache, **FAST)
    assert [failure.where for failure in failures] == ["0007", "0200", "0301", "0302"]
    reasons = [failure.reason for failure in failures]
    assert reasons[0].startswith("0007.mp4 can't be read")
    assert reasons[1] == f"0200.mp4 has {FRAMES // 2} frames, its file of times has {FRAMES}"
    assert reasons[2] == "there is no such video beside the annotations"
    assert reasons[3].startswith("0302.mp4 can't be read")
    assert {key.partition("_")[0] for key, said in remarks(entries).items() if said} == {"0300"}
    assert len(entries) == 10


def test_without_any_video_nothing_is_asked(qevd, cache):
    qevd.add("0007", EVENTS)
    with saying("Lower!") as server, pytest.raises(ProblemsFound) as found:
        outcome(ZeroShot(), load_benchmark(qevd.folder), server, cache)
    assert "data without videos" in str(found.value)
    assert not server.bodies


def test_without_pyav_nothing_is_asked(data, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with saying("Lower!") as server, pytest.raises(ProblemsFound) as found:
        outcome(ZeroShot(), load_benchmark(data.folder), server, cache)
    assert "pip install 'biobench[video]'" in str(found.value)
    assert not server.bodies


@pytest.mark.parametrize(("upright", "turned"), [("file", set()), ("qevd", {"0007"})])
def test_qevds_first_videos_lie_on_their_side(data, cache, upright, turned):
    render(video_of(data, "0007"), FRAMES, np.rot90)
    benchmark = only(load_benchmark(data.folder), "0007", "0200")
    options = everything(ZeroShot(), **FAST | {"upright": upright})
    for scene in ZeroShot().scenes(benchmark, options):
        corner = "upper left" if scene.segment[:4] in {"0200", *turned} else "lower left"
        assert {red_corner(picture.jpeg) for moment in scene.moments for picture in moment.pictures} == {corner}


def test_those_of_the_competition_split_stand(data):
    render(video_of(data, "0007"), FRAMES)
    (session,) = only(load_benchmark(data.folder), "0007").sessions
    listed = dataclasses.replace(session, listed_exercises=session.exercises(), is_transition=())
    benchmark = dataclasses.replace(load_benchmark(data.folder), sessions=(listed,))
    for scene in ZeroShot().scenes(benchmark, everything(ZeroShot(), **FAST | {"upright": "qevd"})):
        assert {red_corner(picture.jpeg) for moment in scene.moments for picture in moment.pictures} == {"upper left"}


def test_a_wrong_word_for_upright_is_refused(data):
    with pytest.raises(ProblemsFound) as found:
        ZeroShot().scenes(load_benchmark(data.folder), everything(ZeroShot(), upright="always"))
    assert "qevd, file" in str(found.value)


def test_a_run_is_repeated_from_the_cache_and_tells_what_made_it(data, cache):
    import av

    benchmark = only(load_benchmark(data.folder), "0007", "0300")
    runs = []
    with ScriptedServer(lambda n, body: Answer(completion("Lower!", model="vlm", usage=(500, 4)))) as server:
        for offline in (0.0, 1.0):
            model = ZeroShot()
            runs.append((outcome(model, benchmark, server, cache, **FAST, offline=offline), model.provenance({})))
        count = len(server.bodies)
        outcome(ZeroShot(), benchmark, server, cache, **FAST, width=40.0)
        assert len(server.bodies) == 2 * count  # other pictures are other questions
    assert runs[0] == runs[1]
    made = runs[0][1]
    # The same pixels under two names are one question.
    assert (made["prompt"], made["server_models"], made["av"]) == ("zero-shot-1", ["vlm"], av.__version__)
    assert made["tokens_in"] == 500 * made["replies"]
    assert {pixels(jpeg).shape for jpeg in sent_pictures(server.bodies[-1])} == {(28, 40, 3)}
