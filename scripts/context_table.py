"""How well the context finds the faults of QEVD-synth's script, as the table in docs/context.md.

python scripts/context_table.py            # says whether the page is up to date
python scripts/context_table.py --write
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from biobench.body.person import motion_of
from biobench.body.skel import Side
from biobench.exercises import faults, knowledge
from biobench.synth.bodies import PoseErrors, seen_poses, true_poses
from biobench.synth.make import make_script
from biobench.synth.script import Performance
from biocoach_model.context import Judged, analyse

PAGE = Path(__file__).resolve().parent.parent / "docs" / "context.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
VIDEOS = 30
SHOWN = 0.2
"""A fault of the script that is less severe than this is not to be seen: naming it is no mistake, missing it neither."""
CASES = {
    "exact poses": PoseErrors(0, 0, 0),
    "default (2° of jitter)": PoseErrors(),
    "5° of jitter": PoseErrors(jitter_deg=5),
    "a constant bias of 5°": PoseErrors(bias_deg=5),
    "a constant bias of 10°": PoseErrors(bias_deg=10),
}


def main() -> None:
    """Writes the table, or says that it is old."""
    lines = [
        "| poses | precision | recall, mild | clear | severe | F1, clear and severe |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, errors in CASES.items():
        counts = count(errors, VIDEOS)
        recalls = [counts["found", g] / (counts["found", g] + counts["missed", g]) for g in ("mild", "clear", "severe")]
        told = " | ".join(f"{value:.2f}" for value in (precision(counts), *recalls, f_score(counts)))
        lines.append(f"| {name} | {told} |")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    text = before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.partition(END)[2]
    if "--write" in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8", newline="\n")
    elif text != page:
        sys.exit(f"{PAGE} is out of date: run it with --write")


def precision(counts: Counter[tuple[str, str]]) -> float:
    """Of what was named, the share that the script has."""
    right = sum(counts["found", grade] for grade in ("mild", "clear", "severe"))
    return right / (right + counts["wrong", ""])


def f_score(counts: Counter[tuple[str, str]]) -> float:
    """Of precision, and of recall over clear and severe faults."""
    found = counts["found", "clear"] + counts["found", "severe"]
    recall = found / (found + counts["missed", "clear"] + counts["missed", "severe"])
    return 2 * precision(counts) * recall / (precision(counts) + recall)


def count(errors: PoseErrors, videos: int) -> Counter[tuple[str, str]]:
    """Faults found, missed and wrongly named, by their severity in the script; those of tempo and of low confidence aside."""
    counts: Counter[tuple[str, str]] = Counter()
    script = make_script("test", videos)
    people = {person.id: person for person in script.people}
    for video in script.videos:
        times = np.arange(0, video.duration_s, 1 / 22)
        truth = true_poses(video, people[video.person], times)
        seed = [int.from_bytes(video.person.encode()[-4:], "big")]
        motion, _ = motion_of(seen_poses(truth, errors, [int(video.video)], seed), times)
        for performance in video.performances:
            part = motion.between(performance.start_s, performance.end_s - 1e-9)
            aside = {fault.id for fault in faults(performance.exercise) if fault.uncertain or fault.tempo}
            for number, judged in pairs(performance, part):
                named = {(v.name, v.side) for v in judged.faults if v.name not in aside}
                there = {
                    (f.id, f.side): performance.severity(f, number) for f in performance.faults if f.id not in aside
                }
                for key, severity in there.items():
                    if severity >= SHOWN:
                        grade = "mild" if severity < 0.5 else "clear" if severity < 5 / 6 else "severe"
                        counts["found" if key in named else "missed", grade] += 1
                counts["wrong", ""] += sum(key not in there for key in named)
    return counts


def pairs(performance: Performance, motion) -> Iterator[tuple[int, Judged]]:  # noqa: ANN001 - a Motion
    """Each repetition of the script with the one that was found there."""
    side: Side | None = performance.side
    if knowledge(performance.exercise).hold:
        for number, repetition in enumerate(performance.repetitions, 1):
            for judged in analyse(motion, performance.exercise, side, until_s=repetition.end_s):
                yield number, judged
        return
    for judged in analyse(motion, performance.exercise, side):
        for number, repetition in enumerate(performance.repetitions, 1):
            if abs(judged.repetition.key_s - repetition.key_s) < 0.4 * (repetition.end_s - repetition.start_s):
                yield number, judged


if __name__ == "__main__":
    main()
