"""Builds a small QEVD-synth for the package, and example predictions for it.

``python scripts/build_synth_sample.py FOLDER`` writes 14 videos of 7 people into FOLDER, which must be new or empty,
and three predictions files made from the script: ``late_paraphraser`` says most of what the reference says in other
words and a little later, ``metronome5`` the same sentence every 5 s, ``eager`` something every 1.6-3.2 s. The bytes are
the same on every run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from biobench.readers.predictions import NATIVE_SCHEMA
from biobench.readers.qevd import load_benchmark
from biobench.synth.draw import Draw
from biobench.synth.make import make_script
from biobench.synth.script import Remark, Script
from biobench.synth.wording import compose
from biobench.synth.write import write_scripts

__all__ = ["write_sample"]

_SEED = 150
"""The first with which so small a split passes ``biobench synth --check`` but for the length of its videos."""
_VIDEOS = 14
_EXERCISES = 2.0
_SENTENCE = "Keep going, you are doing great!"
_FILLERS = (
    "Nice work!",
    "Keep going!",
    "Watch your form.",
    "Stay strong!",
    "Great job, keep it up!",
    "Stay controlled.",
)


class _Segment(NamedTuple):
    id: str
    exercise: str
    start_s: float
    end_s: float
    remarks: tuple[Remark, ...]
    times_s: tuple[float, ...]


def write_sample(folder: Path) -> None:
    """Writes the sample. Raises ``ProblemsFound`` where the folder is not free."""
    script = make_script("test", _VIDEOS, seed=_SEED, exercises=_EXERCISES)
    write_scripts([script], folder)
    segments = list(_segments(script, folder))
    (folder / "predictions").mkdir()
    for name, value in {
        "late_paraphraser": _late_paraphraser(segments),
        "metronome5": _metronome(segments),
        "eager": _eager(segments),
    }.items():
        text = json.dumps(value, ensure_ascii=False) + "\n"
        (folder / "predictions" / f"{name}.json").write_text(text, encoding="utf-8", newline="\n")


def _segments(script: Script, folder: Path) -> Iterator[_Segment]:
    """Every exercise, with its remarks and the times that the annotations give them."""
    for video, session in zip(script.videos, load_benchmark(folder).sessions, strict=True):
        times_s = [float(session.frame_times_s[span.first]) for span in session.spans]
        said_s = iter([time_s for time_s, is_one in zip(times_s, session.is_transition, strict=True) if not is_one])
        for k, (listed, remarks) in enumerate(zip(session.exercises(), video.remarks["a"], strict=True)):
            shown_s = tuple(next(said_s) for _ in remarks)
            exercise = video.performances[k].exercise
            yield _Segment(f"{video.video}_{k}", exercise, listed.start_s, listed.end_s, remarks, shown_s)


def _late_paraphraser(segments: Sequence[_Segment]) -> object:
    """Native, times from each start."""
    entries = []
    for segment in segments:
        draw = Draw("late paraphraser", segment.id)
        remarks = [
            (
                time_s - segment.start_s + draw.between(0.3, 1.2),
                compose(remark, segment.exercise, draw, unlike=remark)[0],
            )
            for time_s, remark in zip(segment.times_s, segment.remarks, strict=True)
            if not draw.chance(0.15)
        ]
        if segment.remarks and draw.chance(0.3):
            extra_s = draw.between(2.0, segment.end_s - segment.start_s - 2.0)
            remarks.append((extra_s, draw.pick(_FILLERS)))
        feedbacks = [{"time": round(time_s, 3), "text": text} for time_s, text in sorted(remarks)]
        entries.append({"segment": segment.id, "feedbacks": feedbacks})
    return {"schema": NATIVE_SCHEMA, "system": "late_paraphraser", "time": "segment", "predictions": entries}


def _metronome(segments: Sequence[_Segment]) -> object:
    """VAR-2026's form, which has no place for silent exercises."""
    entries = []
    for segment in segments:
        beats = range(1, int((segment.end_s - segment.start_s) / 5.0) + 1)
        if segment.remarks:
            entries.append(
                {
                    "mini_episode_id": segment.id,
                    "pred_feedbacks": [_SENTENCE] * len(beats),
                    "pred_feedback_timestamps": [round(segment.start_s + 5.0 * k, 3) for k in beats],
                }
            )
    return entries


def _eager(segments: Sequence[_Segment]) -> object:
    """Native, annotation clock, with confidences; often right where there is something to say."""
    entries = []
    for segment in segments:
        draw = Draw("eager", segment.id)
        now_s = segment.start_s + draw.between(1.0, 3.0)
        feedbacks = []
        while now_s < segment.end_s - 1.0:
            near = [
                remark
                for time_s, remark in zip(segment.times_s, segment.remarks, strict=True)
                if abs(time_s - now_s) < 1.2
            ]
            is_right = bool(near) and draw.chance(0.7)
            text = compose(near[0], segment.exercise, draw, unlike=near[0])[0] if is_right else draw.pick(_FILLERS)
            sure = draw.between(0.4, 0.95) if is_right else draw.between(0.2, 0.75)
            feedbacks.append({"time": round(now_s, 3), "text": text, "confidence": round(sure, 2)})
            now_s += draw.between(1.6, 3.2)
        entries.append({"segment": segment.id, "feedbacks": feedbacks})
    return {"schema": NATIVE_SCHEMA, "system": "eager", "time": "unix", "predictions": entries}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/build_synth_sample.py FOLDER")
    write_sample(Path(sys.argv[1]))
