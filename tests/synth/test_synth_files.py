"""The files of QEVD-synth: QEVD's layout, clean or with the known defects, whole or not at all, the same bytes every time."""

import hashlib
import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from biobench.problems import ProblemsFound
from biobench.protocols import Qevd2024, Var2026
from biobench.readers.predictions import load_predictions
from biobench.readers.qevd import load_benchmark
from biobench.synth.make import DEFECTS, make_script
from biobench.synth.script_file import read_script
from biobench.synth.write import write_scripts

PROTOCOLS = (Qevd2024(), Var2026())
GOLDEN = "5b6cf848aa598f98c5789ccd79b1a166869bc35b13447752876ccf6bdf8a359a"
"""sha256 over the files of two videos: every Python and numpy must give it. A change of wordings or numbers changes it."""


@pytest.fixture(scope="module")
def lay(root):
    return load_benchmark(root)


@pytest.fixture(scope="module")
def bio(root):
    return load_benchmark(root, annotations="bio")


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_written(split_folder, script):
    names = {path.relative_to(split_folder).as_posix() for path in split_folder.rglob("*") if path.is_file()}
    assert names == {
        "feedbacks_long_range.json",
        "feedbacks_long_range_bio.json",
        "second_annotator.json",
        "second_annotator_bio.json",
        "script.json",
        "subjects.json",
        *(f"long_range_videos/{video.video}_timestamps.npy" for video in script.videos),
    }


def test_the_reader_takes_the_lay_annotations_and_notices_nothing(lay, bio):
    assert (lay.annotations, bio.annotations) == ("feedbacks_long_range.json", "feedbacks_long_range_bio.json")
    assert lay.notices == bio.notices == ()
    assert len({session.subject for session in lay.sessions}) == 7


def test_lay_and_bio_differ_in_words_only(lay, bio):
    for one, other in zip(lay.sessions, bio.sessions, strict=True):
        assert one.feedback_times_s == other.feedback_times_s
        assert one.is_transition == other.is_transition
        for a, b, is_transition in zip(one.spans, other.spans, one.is_transition, strict=True):
            assert (a.first, a.end) == (b.first, b.end)
            assert (a.text == b.text) == is_transition


def test_the_files_say_what_the_script_says(lay, script):
    for session, video in zip(lay.sessions, script.videos, strict=True):
        said = [remark for of_exercise in video.remarks["a"] for remark in of_exercise]
        spans = [span for span, is_one in zip(session.spans, session.is_transition, strict=True) if not is_one]
        start_s = session.frame_times_s[0]
        for span, remark in zip(spans, said, strict=True):
            assert span.text == remark.lay
            assert 0 <= session.frame_times_s[span.first] - start_s - remark.time_s < 0.11
        for listed, performance in zip(session.exercises(), video.performances, strict=True):
            assert listed.name == performance.spelling
            assert 0 <= listed.start_s - start_s - performance.start_s < 0.11


def test_it_is_clean_under_every_protocol(lay, bio):
    for protocol in PROTOCOLS:
        for benchmark in (lay, bio):
            parts = protocol.segments(benchmark)
            assert parts.skipped == ()
            assert 0 < len(parts.unscored) < 0.06 * len(parts.scored)


def test_remarks_end_within_the_video_and_do_not_touch(lay):
    for session in lay.sessions:
        assert session.spans[-1].end < session.dense_length == len(session.frame_times_s)
        assert all(before.end < after.first for before, after in itertools.pairwise(session.spans))
        assert all(before.text != after.text for before, after in itertools.pairwise(session.spans))


def test_frame_times(split_folder):
    for path in (split_folder / "long_range_videos").iterdir():
        frames = np.load(path, allow_pickle=False)
        steps_s = np.diff(frames) / 1e9
        assert frames.dtype == np.dtype("<i8")
        assert (steps_s > 0.03).all()
        assert 1 / steps_s.mean() == pytest.approx(22.0, abs=0.3)
        assert len(set(steps_s.tolist())) > 0.9 * len(steps_s)


def test_timestamps_are_on_the_annotation_clock(split_folder):
    for record in json.loads((split_folder / "feedbacks_long_range.json").read_text(encoding="utf-8")):
        frames = np.load(split_folder / record["video_timestamps"], allow_pickle=False)
        firsts = [k for k in range(1, len(frames)) if record["feedbacks"][k] not in ("", record["feedbacks"][k - 1])]
        for first, time_s in zip(firsts, record["feedback_timestamps"], strict=True):
            assert 0 < time_s - (frames[first] / 1e9 + 28800) < 0.01


def test_the_second_annotator_is_a_predictions_file(lay, split_folder, script):
    for name in ("second_annotator.json", "second_annotator_bio.json"):
        predictions = load_predictions(split_folder / name, lay)
        assert predictions.notices == ()
        assert [entry.key for entry in predictions.entries] == [
            s for session in lay.sessions for s in session.segment_ids
        ]
        said = [remarks for video in script.videos for remarks in video.remarks["b"]]
        for entry, remarks in zip(predictions.entries, said, strict=True):
            assert [f.text for f in entry.feedbacks] == [r.bio if "bio" in name else r.lay for r in remarks]


def test_the_script_can_be_read_back(script, split_folder):
    assert read_script(split_folder / "script.json") == script
    assert json.loads((split_folder / "script.json").read_text())["schema"] == "biobench/synth-script/1"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda tree: tree.update(schema="other"), "other"),
        (lambda tree: tree.pop("people"), "people"),
        (lambda tree: tree["videos"][0].update(colour="red"), "colour"),
        (lambda tree: tree["videos"][0]["performances"][0]["repetitions"].append([1]), "missing"),
    ],
)
def test_another_file_is_no_script(change, found, tmp_path, split_folder):
    tree = json.loads((split_folder / "script.json").read_text(encoding="utf-8"))
    change(tree)
    (tmp_path / "script.json").write_text(json.dumps(tree))
    with pytest.raises(ProblemsFound, match=found):
        read_script(tmp_path / "script.json")


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_same_seed_same_bytes(tmp_path, hash_seed):
    code = """
import sys
from pathlib import Path
from biobench.synth.make import make_script
from biobench.synth.write import write_scripts
write_scripts([make_script("train", 2, seed=7), make_script("test", 2, seed=7)], Path(sys.argv[1]))
"""
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    subprocess.run([sys.executable, "-c", code, str(out)], check=True, env=environment)
    write_scripts([make_script("train", 2, seed=7), make_script("test", 2, seed=7)], tmp_path / "again")
    files = files_of(out)
    assert files == files_of(tmp_path / "again")
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name])
    assert digest.hexdigest() == GOLDEN


def test_defects(tmp_path):
    write_scripts([make_script("test", 5, defects=True)], tmp_path / "out")
    benchmark = load_benchmark(tmp_path / "out")
    mismatch, to_the_end, twice, silent = benchmark.sessions[:4]
    qevd, var = (protocol.segments(benchmark) for protocol in PROTOCOLS)
    assert len(mismatch.feedback_times_s) == len(mismatch.is_transition) - 1
    assert to_the_end.spans[-1].end == to_the_end.dense_length
    assert sum(a.text == b.text for a, b in itertools.pairwise(twice.spans)) == 1
    assert silent.segment_ids[1] in {segment.id for segment in qevd.unscored}
    assert [skipped.video for skipped in qevd.skipped] == [mismatch.video, to_the_end.video]
    assert [skipped.video for skipped in var.skipped] == [twice.video]
    script = read_script(tmp_path / "out" / "QEVD-FIT-COACH-Benchmark" / "script.json")
    assert [video.defect for video in script.videos] == [*DEFECTS, None]
    assert script.videos[4] == make_script("test", 5).videos[4]


def test_defects_need_four_videos():
    with pytest.raises(ProblemsFound, match="at least 4"):
        make_script("test", 3, defects=True)


def small():
    return make_script("test", 1, exercises=1.0)


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "out").mkdir()
    write_scripts([small()], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert load_benchmark(tmp_path / "out").sessions


def test_a_folder_that_is_not_free_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "here").mkdir()
    before = files_of(tmp_path)
    for name, found in {"full": "mine", "file": "a file", "link": "a link", "none/out": "no folder"}.items():
        with pytest.raises(ProblemsFound, match=found):
            write_scripts([small()], tmp_path / name)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ProblemsFound, match="current folder"):
        write_scripts([small()], tmp_path / "here")
    assert files_of(tmp_path) == before


def test_half_a_split_is_never_left(tmp_path):
    good = make_script("test", 2, exercises=1.0)
    broken = replace(good, videos=(good.videos[0], replace(good.videos[1], remarks={"a": good.videos[1].remarks["a"]})))
    with pytest.raises(KeyError):
        write_scripts([broken], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
