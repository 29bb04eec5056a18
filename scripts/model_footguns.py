"""The numbers of the model's section in ``docs/footguns.md``: ``python scripts/model_footguns.py [--write]``; two minutes.

On QEVD-synth's test split: what upstream's reckoning of times costs somebody who says the references themselves, and how often
the context of a moment changes when the whole recording is looked at.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from biobench import evaluate, load_benchmark, load_predictions
from biobench.files import write_text
from biobench.models import exercise_segments
from biobench.predictions_file import write_predictions
from biobench.records import Benchmark, Entry, Feedback
from biobench.synth.make import VIDEOS, make_script
from biobench.synth.write import write_scripts
from biocoach_model.coach import CoachSettings, Seen, motion_text
from biocoach_model.codec import SmallCodec, read_codec
from biocoach_model.folders import BUNDLED
from biocoach_model.inputs import Inputs
from biocoach_model.streamvlm import SpecialTokens
from biocoach_model.timing import published_remarks

PAGE = Path(__file__).resolve().parent.parent / "docs" / "footguns.md"
BEGIN, END = "<!-- model -->", "<!-- /model -->"
PROTOCOLS = ("qevd-2024", "var-2026", "biobench-1")


def main() -> None:
    """Writes the tables, or says that they are old."""
    with tempfile.TemporaryDirectory() as folder:
        write_scripts([make_script("test", VIDEOS["test"])], Path(folder) / "test")
        benchmark = load_benchmark(str(Path(folder) / "test"), "test", "bio")
        lines = [*slip(benchmark, Path(folder)), "", *hindsight(benchmark)]
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, maxsplit=1)
    made = f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{rest.split(END, maxsplit=1)[1]}"
    if "--write" in sys.argv[1:]:
        write_text(PAGE, made)
    elif made != text:
        sys.exit(f"{PAGE} is out of date: run it with --write")


def slip(benchmark: Benchmark, folder: Path) -> list[str]:
    """T-F of the references themselves, decoded as upstream decodes, with both reckonings."""
    codec = read_codec(BUNDLED / "streamvlm-mini" / "tokenizer.json")
    lines = ["| times | " + " | ".join(f"`t_f_score` {name}" for name in PROTOCOLS) + " |", "|---|--:|--:|--:|"]
    for name in ("fixed", "official"):
        entries = [
            Entry(segment.id, said(segment.feedbacks, segment.duration_s, codec, name))
            for segment in exercise_segments(benchmark)
        ]
        write_predictions(folder / "preds.json", name, entries)
        results = evaluate(load_predictions(folder / "preds.json", benchmark), benchmark, PROTOCOLS, baselines=False)
        cells = []
        for protocol in PROTOCOLS:
            score = results.score("t_f_score", protocol)
            cells.append("-" if score is None or score.value is None else f"{score.value:.3f}")
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines


def said(feedbacks: tuple[Feedback, ...], duration_s: float, codec: SmallCodec, timing: str) -> tuple[Feedback, ...]:
    """A perfect coach's remarks: each is begun at the first row that is not before the reference's time."""
    tokens = SpecialTokens.of(codec.actions)
    rows = int(duration_s * 4)
    begun = [min(int(np.ceil(f.time_s * 4)), rows - 1) for f in feedbacks]
    if timing == "fixed":
        return tuple(Feedback(row / 4, f.text) for row, f in zip(begun, feedbacks, strict=True))
    ids = [codec.start]
    for row in range(rows):
        ids.append(tokens.vision)
        for at, feedback in zip(begun, feedbacks, strict=True):
            if at == row:
                ids += [tokens.answer, *codec.encode(feedback.text), tokens.end]
    return tuple(Feedback(time_s, codec.decode(words)) for time_s, words in published_remarks(ids, tokens))


def hindsight(benchmark: Benchmark) -> list[str]:
    """How often the sentence of a remark's moment is another one when the recording's rest is known."""
    inputs = Inputs.open(benchmark, poses=True)
    causal, released = CoachSettings(selector="none"), CoachSettings(selector="none", released=True)
    moments = changed = 0
    for segment in exercise_segments(benchmark):
        found = inputs.of(segment)
        seen = Seen(segment.exercise, np.zeros((0, 1, 7, 5), np.float32), np.zeros(0), found.motion)
        for feedback in segment.feedbacks:
            moments += 1
            sentences = {motion_text(seen, feedback.time_s, settings, None) for settings in (causal, released)}
            changed += len(sentences) > 1
    share = f"{changed} of {moments} differ ({changed / moments:.0%})"
    return [
        f"The motion sentence at the time of a reference remark, made of the past and of the whole recording: {share}."
    ]


if __name__ == "__main__":
    main()
