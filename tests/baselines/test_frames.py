"""Frames of videos that the tests render: which ones, the right way up, and what is wrong with bad files."""

import sys
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompting import HEIGHT, WIDTH, number_of, pixels, red_corner, render, say_rotation, upright

from baselines.frames import need_av, pictures_of, window
from biobench.problems import ProblemsFound
from biocoach_model.inputs import InputFailure

FRAMES = 60


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("videos") / "0200.mp4"
    render(path, FRAMES)
    return path


def failure(path, wanted=(0,), frames=FRAMES):
    with pytest.raises(InputFailure) as found:
        pictures_of(path, wanted, frames, 448, turned=False)
    return str(found.value)


def test_the_frames_are_those_of_the_numbers(video):
    wanted = [0, 1, 17, 30, FRAMES - 1]
    pictures = pictures_of(video, wanted, FRAMES, 448, turned=False)
    assert {k: number_of(picture.jpeg) for k, picture in pictures.items()} == {k: k for k in wanted}
    assert all(red_corner(picture.jpeg) == "upper left" for picture in pictures.values())


def test_a_picture_looks_like_its_frame_and_its_bytes_depend_on_nothing_else(video):
    alone = pictures_of(video, [20], FRAMES, 448, turned=False)[20]
    among = pictures_of(video, range(FRAMES), FRAMES, 448, turned=False)[20]
    assert alone == among
    shown = pixels(alone.jpeg)
    assert shown.shape == (HEIGHT, WIDTH, 3) == (alone.height, alone.width, 3)
    assert np.abs(shown.astype(float) - upright(20)).mean() < 8


@pytest.mark.parametrize("clockwise_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("turned", [False, True])
def test_a_picture_is_upright_whatever_the_file_says(tmp_path, clockwise_deg, turned):
    path = tmp_path / "v.mp4"
    # What a player turns clockwise lies counterclockwise in the file; what is "turned" lies a quarter off, unmarked.
    quarters = 1 if turned and not clockwise_deg else clockwise_deg // 90
    render(path, 3, lambda frame: np.rot90(frame, quarters))
    say_rotation(path, clockwise_deg)
    pictures = pictures_of(path, [2], 3, 448, turned=turned)
    assert red_corner(pictures[2].jpeg) == "upper left"
    assert number_of(pictures[2].jpeg) == 2
    assert (pictures[2].width, pictures[2].height) == (WIDTH, HEIGHT)


def test_unmarked_and_unturned_stays_as_it_lies(tmp_path):
    path = tmp_path / "v.mp4"
    render(path, 3, np.rot90)
    assert red_corner(pictures_of(path, [0], 3, 448, turned=False)[0].jpeg) == "lower left"


@pytest.mark.parametrize(("width", "expected"), [(4096, (160, 112)), (160, (160, 112)), (80, (80, 56)), (50, (50, 36))])
def test_pictures_shrink_to_the_width_and_never_grow(video, width, expected):
    picture = pictures_of(video, [9], FRAMES, width, turned=False)[9]
    assert (picture.width, picture.height) == expected
    assert number_of(picture.jpeg) == 9


def test_the_width_is_that_of_the_upright_picture(tmp_path):
    path = tmp_path / "v.mp4"
    render(path, 3, np.rot90)
    say_rotation(path, 90)
    picture = pictures_of(path, [0], 3, 80, turned=False)[0]
    assert (picture.width, picture.height) == (80, 56)


def test_bad_files_are_told_by_their_names(tmp_path, video):
    text, silent, cut = tmp_path / "text.mp4", tmp_path / "sound.mp4", tmp_path / "cut.mp4"
    text.write_text("no video at all\n" * 99)
    with wave.open(str(silent), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes(8000))
    cut.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert failure(tmp_path / "none.mp4").startswith("none.mp4 can't be read after 0 frames: No such file")
    assert failure(text).startswith("text.mp4 can't be read")
    assert failure(silent) == "sound.mp4 holds no video"
    assert failure(cut).startswith("cut.mp4 can't be read")


def test_a_damaged_middle_is_no_picture(tmp_path, video):
    content = bytearray(video.read_bytes())
    at = content.index(b"mdat") + 2000
    content[at : at + 3000] = bytes(3000)
    path = tmp_path / "hole.mp4"
    path.write_bytes(content)
    assert failure(path).startswith("hole.mp4 ")


def test_a_video_of_another_length_does_not_belong_to_its_times(video):
    for frames in (FRAMES + 3, FRAMES - 3, 0):
        assert failure(video, frames=frames) == f"0200.mp4 has {FRAMES} frames, its file of times has {frames}"
    assert set(pictures_of(video, [0, FRAMES + 1], FRAMES + 2, 448, turned=False)) == {0}


TIMES = st.lists(st.floats(0.01, 2.0), min_size=1, max_size=60).map(np.cumsum)


@given(TIMES, st.floats(0.0, 60.0), st.floats(0.1, 20.0), st.integers(1, 12))
def test_a_window_holds_frames_before_the_moment_only(times_s, at_s, length_s, count):
    found = window(times_s, at_s, length_s, count)
    assert len(found) <= count
    assert list(found) == sorted(set(found))
    assert all(at_s - length_s - 1e-6 <= times_s[k] < at_s for k in found)
    inside = np.flatnonzero((times_s >= at_s - length_s - 1e-6) & (times_s <= at_s - 1e-6))
    assert bool(found) == bool(len(inside))
    assert not found or found[-1] == inside[-1]


@given(st.integers(1, 12))
def test_a_window_of_dense_frames_is_full_and_even(count):
    times_s = np.arange(4000) / 100 + 1_650_028_800
    found = np.array(window(times_s, times_s[0] + 20.0, 5.0, count))
    assert len(found) == count
    assert np.all(np.abs(np.diff(found) - 500 / count) <= 1)


def test_without_pyav_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ProblemsFound) as found:
        need_av()
    assert "pip install 'biobench[video]'" in str(found.value)
