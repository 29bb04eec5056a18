"""Subtitles that a strict reader of WebVTT accepts, with everything that was said, when it was said."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench import ProblemsFound, load_benchmark, load_predictions
from biobench.models import exercise_segments
from biobench.predictions_file import write_predictions
from biobench.records import Entry, Feedback, Predictions
from biobench.subtitles import Line, cue_text, subtitles, webvtt

DATA = Path(__file__).with_name("data") / "qevd_layout"
TIMING = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})")
ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
ANY_TEXT = st.text(max_size=20) | st.sampled_from(
    ["a --> b", "WEBVTT\n\nNOTE x", "<v transition>", "&lt;", "\r\n", "\0"]
)


class Cue(NamedTuple):
    start: float
    end: float
    voice: str
    text: str


def strict(text):
    """The cues of a WebVTT file: only header, timings, one line of text; anything else is refused."""
    assert text.endswith("\n")
    assert "\r" not in text
    assert "\0" not in text
    text.encode()
    header, *blocks = text.removesuffix("\n").split("\n\n")
    assert header == "WEBVTT"
    cues = []
    for block in blocks:
        timing, payload = block.split("\n")
        match = TIMING.fullmatch(timing)
        assert match, timing
        h0, m0, s0, f0, h1, m1, s1, f1 = map(int, match.groups())
        start, end = ((h * 60 + m) * 60 + s + f / 1000 for h, m, s, f in ((h0, m0, s0, f0), (h1, m1, s1, f1)))
        assert start < end
        assert not cues or cues[-1].start <= start
        voice, payload = re.fullmatch(r"(?:<v ([^<>&\n]+)>)?(.+)", payload).groups()
        assert "-->" not in payload
        assert not set(payload) & set("<>")
        plain = re.sub(r"&(\w*;?)", lambda found: ENTITIES[found[1].removesuffix(";")], payload)
        assert len(re.findall("&", payload)) == len(re.findall("&(?:amp|lt|gt);", payload))
        cues.append(Cue(start, end, voice or "", plain))
    return cues


@given(st.lists(st.builds(Line, st.floats(-10, 1e7), ANY_TEXT, st.sampled_from(["", "transition"])), max_size=12))
@settings(max_examples=300, deadline=None)
def test_whatever_is_said_the_file_is_valid_and_holds_it(lines):
    cues = strict(webvtt(lines))
    spoken = sorted((line for line in lines if cue_text(line.text)), key=lambda line: line.time_s)
    assert len(cues) == len(spoken)
    for cue, line in zip(cues, spoken, strict=True):
        assert cue.start == pytest.approx(min(max(line.time_s, 0), 359_990), abs=0.0006)
        assert cue.voice == line.voice
        letters = [c for c in line.text if c.isprintable() and not c.isspace()]
        assert [c for c in cue.text if c.isprintable() and not c.isspace()] == letters
    for cue, after in pairwise(cues):
        assert cue.end - cue.start == pytest.approx(min(max(after.start - cue.start, 0.5), 3), abs=1e-6)
    assert not cues or cues[-1].end - cues[-1].start == pytest.approx(3)


@pytest.mark.parametrize("layout", [None, "well_formed", "repeated_text", "trailing_feedback"])
def test_references_stand_at_their_times_in_the_video(layout):
    benchmark = load_benchmark(layout and DATA / layout)
    silent = Predictions("test", "native", "segment", (), "test", "0")
    made = subtitles(benchmark, silent)
    assert [video.video for video in made.videos] == [session.video for session in benchmark.sessions]
    for session, video in zip(benchmark.sessions, made.videos, strict=True):
        cues = strict(video.reference)
        first = session.frame_times_s[0]
        assert [cue.text for cue in cues if cue.voice == "transition"] == [e.name for e in session.exercises()]
        starts = [e.start_s - first for e in session.exercises()]
        assert [cue.start for cue in cues if cue.voice] == pytest.approx(starts, abs=0.0006)
        remarks = [
            (segment.start_s - first + f.time_s, " ".join(f.text.split()))
            for segment in exercise_segments(benchmark)
            if segment.video == session.video
            for f in segment.feedbacks
        ]
        assert [cue.text for cue in cues if not cue.voice] == [text for _, text in remarks]
        assert [cue.start for cue in cues if not cue.voice] == pytest.approx([t for t, _ in remarks], abs=0.0006)
        assert video.prediction == "WEBVTT\n"


def test_every_clock_shows_the_same(well_formed, tmp_path):
    segments = exercise_segments(well_formed)
    firsts = {session.video: session.frame_times_s[0] for session in well_formed.sessions}
    shown = []
    for origin in ("segment", "video", "unix"):
        entries = []
        for segment in segments:
            offset = {"segment": 0, "video": segment.start_s - firsts[segment.video], "unix": segment.start_s}[origin]
            entries.append(Entry(segment.id, (Feedback(offset + 1.25, "one"), Feedback(offset + 2.5, "two"))))
        write_predictions(tmp_path / "preds.json", "test", entries, origin)
        made = subtitles(well_formed, load_predictions(tmp_path / "preds.json", well_formed))
        shown.append([cue for video in made.videos for cue in strict(video.prediction)])
    assert len(shown[0]) == 2 * len(segments)
    for other in shown[1:]:
        assert [cue.text for cue in other] == [cue.text for cue in shown[0]]
        assert [cue.start for cue in other] == pytest.approx([cue.start for cue in shown[0]], abs=0.0011)


def test_a_whole_video_entry_is_shown_between_exercises_too(well_formed):
    session = well_formed.sessions[0]
    first = float(session.frame_times_s[0])
    entry = Entry(session.video, (Feedback(first + 0.25, "before the first exercise"),))
    made = subtitles(well_formed, Predictions("test", "var-2025", "unix", (entry,), "test", "0"))
    (cue,) = strict(made.videos[0].prediction)
    assert (cue.text, cue.start) == ("before the first exercise", 0.25)


def test_clamped_and_blank_remarks_are_counted(well_formed):
    segment = exercise_segments(well_formed)[0]
    remarks = (Feedback(-1e5, "early"), Feedback(1.0, " \n\x07"), Feedback(1e300, "never"), Feedback(2.0, "there"))
    made = subtitles(well_formed, Predictions("t", "native", "segment", (Entry(segment.id, remarks),), "t", "0"))
    cues = strict(made.videos[0].prediction)
    assert [cue.text for cue in cues] == ["early", "there", "never"]
    assert (cues[0].start, cues[-1].start) == (0, 359_990)
    assert (made.clamped, made.blank, made.unplaced) == (2, 1, 0)


def test_remarks_of_a_record_that_can_not_be_cut_are_counted(qevd):
    qevd.add("0001", [("First up are squats!", True), ("Lower", False), ("Done", True)], frames_missing=40)
    benchmark = load_benchmark(qevd.folder)
    entries = (Entry("0001_0", (Feedback(1.0, "a"), Feedback(2.0, "b"))),)
    made = subtitles(benchmark, Predictions("t", "native", "segment", entries, "t", "0"))
    assert made.unplaced == 2
    # On the video's own clock they have a place.
    made = subtitles(benchmark, Predictions("t", "native", "video", entries, "t", "0"))
    assert made.unplaced == 0
    assert [cue.start for cue in strict(made.videos[0].prediction)] == [1, 2]


@pytest.mark.parametrize(
    "video", ["..", ".", "../out", "a/b", "a\\b", "C:x", "", " ", ".hidden", "a\0b", "a\nb", "\ud800", "é" * 150]
)
def test_a_video_that_would_leave_the_folder_is_refused(well_formed, video):
    session = replace(well_formed.sessions[0], video=video)
    benchmark = replace(well_formed, sessions=(session, *well_formed.sessions[1:]))
    with pytest.raises(ProblemsFound, match="a plain name") as found:
        subtitles(benchmark, Predictions("t", "native", "segment", (), "t", "0"))
    assert len(found.value.problems) == 1


def test_pairs_have_no_times(well_formed):
    pairs = Predictions("t", "fitcoach-pairs", "unix", (), "t", "0", (("a", "b"),))
    with pytest.raises(ProblemsFound, match="no times"):
        subtitles(well_formed, pairs)
