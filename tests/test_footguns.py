"""Every number on the page of footguns, computed again."""

import json
import re
from pathlib import Path

import pytest

from biobench import evaluate, load_benchmark, load_predictions
from biobench.matching import match_published
from biobench.metrics.meteor import meteor
from biobench.metrics.rouge import rouge_l
from biobench.protocols import Biobench1, Qevd2024

PAGE = Path(__file__).parent.parent.joinpath("docs/footguns.md").read_text(encoding="utf-8")


def table(heading):
    """The cells of the first table under a heading, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return rows[2:]


@pytest.fixture(scope="module")
def sample():
    return load_benchmark(None)


@pytest.fixture(scope="module")
def truth(sample):
    segments = Qevd2024().segments(sample).scored
    return [(segment, [(remark.time_s, remark.text) for remark in segment.feedbacks]) for segment in segments]


@pytest.fixture
def score(sample, tmp_path):
    def score(entries, protocols=("qevd-2024",)):
        listed = [
            {"segment": segment.id, "feedbacks": [{"time": time, "text": text} for time, text in remarks]}
            for segment, remarks in entries
        ]
        path = tmp_path / "preds.json"
        header = {"schema": "biobench/predictions/1", "system": "s", "time": "segment", "predictions": listed}
        path.write_text(json.dumps(header))
        return evaluate(load_predictions(path, sample), sample, protocols)

    return score


def test_systems(score, truth, sample):
    def metronome(segment):
        return [(3.0 * k, "Keep going!") for k in range(1, int(segment.duration_s / 3) + 1)]

    everywhere = Biobench1().segments(sample).scored  # also where the coach is silent, which a blind system can't know

    systems = [
        truth,
        [(segment, metronome(segment)) for segment in everywhere],
        [(segment, remarks[:1] if k == 0 else []) for k, (segment, remarks) in enumerate(truth)],
        [(segment, remarks[::-1]) for segment, remarks in truth],
        [
            (segment, [part for time, text in remarks for part in ((time, "Nice"), (time, text))])
            for segment, remarks in truth
        ],
    ]
    rows = table("Systems that know nothing, or too much")
    for row, system in zip(rows, systems, strict=True):
        results = score(system, ("qevd-2024", "biobench-1"))
        published = [results.score(metric, "qevd-2024") for metric in ("t_f_score", "meteor")]
        ours = [results.score(metric, "biobench-1") for metric in ("t_lift", "meteor_f")]
        assert row[1:5] == [f"{score.value:z.3f}" for score in (*published, *ours)], row[0]


def test_missing_segments(score, truth):
    for row in table("Missing segments"):
        results = score(truth[::3], [row[0]])
        assert row[1:] == [f"{results.score(metric).value:.3f}" for metric in ("t_f_score", "t_recall")]


def test_greedy_matching():
    assert re.search(r"References at 10 and 11 s, predictions at 9\.0 and 10\.9 s", PAGE)
    assert len(match_published([10.0, 11.0], [9.0, 10.9], ["a", "b"])) == 1
    assert len(match_published([9.0, 10.9], [10.0, 11.0], ["a", "b"])) == 2


@pytest.mark.parametrize("row", table("Text metrics on short remarks"), ids=lambda row: row[0])
def test_text_metrics(row):
    reference, prediction, *numbers = row
    assert numbers == [f"{meteor(reference, prediction):.3f}", f"{rouge_l(reference, prediction):.3f}"]
