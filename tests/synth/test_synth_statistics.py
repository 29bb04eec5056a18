"""QEVD-synth looks like the published data, and the check would say so if it did not."""

import json
import shutil

import pytest

from biobench.problems import ProblemsFound
from biobench.synth.check import Statistic, check_split
from biobench.synth.make import make_script
from biobench.synth.write import write_scripts


@pytest.fixture(scope="module")
def standard(root):
    return {statistic.name: statistic for statistic in check_split(root)}


def test_the_standard_split_looks_like_the_published_one(standard):
    assert [(s.name, s.value, s.target) for s in standard.values() if s.is_off] == []


def test_the_published_numbers(standard):
    """Those of the public release, with the tolerance that the check gives them."""
    published = {
        "events a video": 33.9,
        "exercises a video": 5.73,
        "remarks a video": 27.2,
        "gap between remarks, mean, s": 5.3,
    }
    for name, value in published.items():
        statistic = standard[name]
        assert statistic.low < value < statistic.high
        assert (statistic.high + statistic.low) / 2 == pytest.approx(value, rel=0.002)
    assert standard["videos"].value == 74
    assert standard["people"].value == 7
    assert standard["distinct remarks, share, lay"].low == standard["distinct remarks, share, bio"].low == 0.76
    for protocol in ("qevd-2024", "var-2026"):
        metronome = standard[f"metronome of 5 s, F under {protocol}"]
        assert (metronome.low, metronome.high) == (0.47, 0.52)


def test_words_alone_are_worth_little(standard):
    for register in ("lay", "bio"):
        assert 0 < standard[f"random pair, METEOR, {register}"].value < 0.2
        assert 0 < standard[f"best constant phrase, METEOR, {register}"].value < 0.25
    assert (
        standard["second annotator, METEOR of matched pairs, lay"].value
        > 1.5 * standard["random pair, METEOR, lay"].value
    )


@pytest.mark.parametrize(("mix", "seed"), [(20, 1), (60, 1), (40, 2)])
def test_other_mixes_and_seeds_look_like_it_too(mix, seed, tmp_path):
    write_scripts([make_script("test", 74, mix=mix, seed=seed)], tmp_path / "out")
    assert [(s.name, s.value, s.target) for s in check_split(tmp_path / "out") if s.is_off] == []


def test_a_split_that_is_unlike_it_is_off(split_folder, tmp_path):
    """Every remark but the first of an exercise is gone, and all say the same."""
    shutil.copytree(split_folder, tmp_path / "out")
    (tmp_path / "out" / "second_annotator.json").unlink()
    (tmp_path / "out" / "script.json").unlink()
    (tmp_path / "out" / "feedbacks_long_range_bio.json").unlink()
    path = tmp_path / "out" / "feedbacks_long_range.json"
    records = json.loads(path.read_text(encoding="utf-8"))
    for record in records:
        transitions = {f for f in record["feedbacks"] if f.startswith(("First up", "Moving on", "That's the end"))}
        record["feedbacks"] = [
            f if f in transitions or not f else f"{'Nice!' if len(f) % 2 else 'Go!'}" for f in record["feedbacks"]
        ]
    path.write_text(json.dumps(records))
    off = {statistic.name for statistic in check_split(tmp_path / "out") if statistic.is_off}
    assert "distinct remarks, share, lay" in off
    assert "same text twice in a row, lay" in off
    assert not {name for name in off if "second" in name or "praise" in name}


def test_without_remarks_there_is_nothing_to_check(tmp_path):
    video = make_script("test", 1, exercises=1.0)
    silent = video.videos[0].__class__(**{
        **{name: getattr(video.videos[0], name) for name in ("video", "person", "performances", "end_s", "duration_s")},
        "remarks": {"a": ((),), "b": ((),)},
    })  # fmt: skip
    write_scripts([video.__class__("test", 1, 40, video.people, (silent,))], tmp_path / "out")
    with pytest.raises(ProblemsFound, match="no exercise with two remarks"):
        check_split(tmp_path / "out")


@pytest.mark.parametrize(
    ("statistic", "is_off", "target"),
    [
        (Statistic("x", 1.0, 0.5, 1.5), False, "0.5 to 1.5"),
        (Statistic("x", 1.5, 0.5, 1.5), False, "0.5 to 1.5"),
        (Statistic("x", 1.51, 0.5, 1.5), True, "0.5 to 1.5"),
        (Statistic("x", 0.49, 0.5), True, "at least 0.5"),
        (Statistic("x", 2.0, None, 1.0), True, "at most 1"),
        (Statistic("x", 0, 0, 0), False, "0"),
        (Statistic("x", float("nan"), 0.5, 1.5), True, "0.5 to 1.5"),
        (Statistic("x", 9.0), False, ""),
    ],
)
def test_a_statistic_knows_when_it_is_off(statistic, is_off, target):
    assert statistic.is_off is is_off
    assert statistic.target == target
