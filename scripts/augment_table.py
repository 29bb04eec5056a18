"""What `biobench augment` does to QEVD-synth, and how often the script bears it out: the tables of docs/augment.md.

python scripts/augment_table.py            # says whether the page is up to date; about a minute
python scripts/augment_table.py --write

The check of the command sees poses with an estimator's errors. Here each measured angle that was added is judged again, by
BioFact, against the script: what the bodies really did.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from biobench import load_benchmark
from biobench.files import write_text
from biobench.models import exercise_segments
from biobench.records import Benchmark
from biobench.synth.bodies import PoseErrors
from biobench.synth.make import make_script
from biobench.synth.script import Script
from biobench.synth.write import Rendering, write_scripts
from biocoach_model.augmentation.annotations import read_annotations
from biocoach_model.augmentation.records import REASONS, Remark
from biocoach_model.augmentation.rewrite import rewrite
from biocoach_model.augmentation.sidecar import counts_of
from biocoach_model.augmentation.wordings import wordings
from biocoach_model.inputs import Inputs
from judges.claims.fact_sources import Body, bodies
from judges.claims.fact_windows import Window
from judges.claims.facts import judge
from judges.claims.records import OPPOSITE, Claim, Quantity

PAGE = Path(__file__).resolve().parent.parent / "docs" / "augment.md"
TABLES = {"counts": ("<!-- counts -->", "<!-- /counts -->"), "truth": ("<!-- truth -->", "<!-- /truth -->")}
VIDEOS = 10
BIASES_DEG = (0.0, 5.0, 10.0)


def main() -> None:
    """Writes the tables, or says that they are old."""
    script = make_script("train", VIDEOS)
    text = PAGE.read_text(encoding="utf-8")
    rows = []
    for bias_deg in BIASES_DEG:
        with tempfile.TemporaryDirectory() as folder:
            write_scripts([script], Path(folder) / "data", Rendering(PoseErrors(bias_deg=bias_deg)))
            benchmark = load_benchmark(Path(folder) / "data", "train", "feedbacks_long_range.json")
            remarks = rewrite(read_annotations(benchmark), Inputs.open(benchmark, poses=True)).remarks
            if bias_deg == 0:
                text = filled(text, "counts", counts_table(remarks))
            rows.append(truth_row(bias_deg, truth(remarks, benchmark, script)))
    made = filled(text, "truth", [
        "| poses | rewritten | faults told | in the script | angles told | supported | refuted | unsure | tempos told | right |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        *rows,
    ])  # fmt: skip
    if "--write" in sys.argv[1:]:
        write_text(PAGE, made)
    elif made != PAGE.read_text(encoding="utf-8"):
        sys.exit(f"{PAGE} is out of date: run it with --write")


def counts_table(remarks: tuple[Remark, ...]) -> list[str]:
    """How many were rewritten, and why the others were not."""
    rows = ["| what became of a remark | remarks | share |", "|---|--:|--:|"]
    for code, count in counts_of(remarks).items():
        words = "rewritten" if code == "rewritten" else f"kept: {REASONS[code]}"
        rows.append(f"| {words} | {count} | {count / len(remarks):.0%} |")
    return rows


def truth(remarks: tuple[Remark, ...], benchmark: Benchmark, script: Script) -> Counter[str]:
    """What the script says of the facts that were told."""
    known = bodies(exercise_segments(benchmark)).by_segment
    found: Counter[str] = Counter()
    for remark in remarks:
        if not remark.changed or remark.fact is None or remark.segment is None or remark.at_s is None:
            continue
        found["rewritten"] += 1
        if remark.fact.name == "tempo":
            found["tempos"] += 1
            found["tempos right"] += tempo_is_right(remark, benchmark, script)
            continue
        found["faults"] += 1
        found["faults shown"] += fault_shows(remark, known[remark.segment])
        if remark.fact.measured is not None:
            found["angles"] += 1
            found[outcome_of(remark, known[remark.segment])] += 1
    return found


def fault_shows(remark: Remark, body: Body) -> bool:
    """Whether the script has the fault, on that side, in what had been seen."""
    window, fact = body.window(remark.at_s or 0.0), remark.fact
    if not isinstance(window, Window) or fact is None:
        return False
    shown = [one for one in window.shown or () if one.severity > 0]
    return any(one.fault.id == fact.name and one.side in {None, fact.side} for one in shown)


def outcome_of(remark: Remark, body: Body) -> str:
    """BioFact's verdict on the measured angle, by the script."""
    window, fact = body.window(remark.at_s or 0.0), remark.fact
    if not isinstance(window, Window) or fact is None or fact.measured is None or fact.wanted is None:
        return "undetermined"
    joint, direction = wordings().angles[fact.measure].claim
    asked = OPPOSITE[direction] if fact.measured > fact.wanted else direction
    quantity = Quantity(fact.measured, fact.measured, "deg", "measured")
    return judge(Claim("technique", joint, fact.side, asked, quantity=quantity), window).outcome


def tempo_is_right(remark: Remark, benchmark: Benchmark, script: Script) -> bool:
    """Within a tenth of the time between the script's repetitions so far."""
    session = benchmark.sessions[remark.record]
    video = next(video for video in script.videos if video.video == remark.video)
    performance = video.performances[int((remark.segment or "").rpartition("_")[2])]
    so_far_s = remark.time_s - float(session.frame_times_s[0])
    keys = [repetition.key_s for repetition in performance.repetitions if repetition.end_s <= so_far_s]
    measured = 0.0 if remark.fact is None else remark.fact.measured or 0.0
    return len(keys) > 1 and abs(float(np.median(np.diff(keys))) - measured) <= 0.1 * measured


def truth_row(bias_deg: float, found: Counter[str]) -> str:
    """One line of the table."""
    poses = "default (2° of jitter)" if bias_deg == 0 else f"a constant bias of {bias_deg:.0f}° besides"
    cells = (
        "rewritten",
        "faults",
        "faults shown",
        "angles",
        "supported",
        "refuted",
        "undetermined",
        "tempos",
        "tempos right",
    )
    return f"| {poses} | {' | '.join(str(found[cell]) for cell in cells)} |"


def filled(text: str, name: str, lines: list[str]) -> str:
    """The page with other lines between two marks."""
    begin, end = TABLES[name]
    return f"{text.split(begin, maxsplit=1)[0]}{begin}\n" + "\n".join(lines) + f"\n{end}{text.split(end)[1]}"


if __name__ == "__main__":
    main()
