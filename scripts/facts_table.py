"""What BioFact gives to systems of known worth on QEVD-synth, by the script and by poses: the table of docs/facts.md.

python scripts/facts_table.py            # says whether the page is up to date; about five minutes
python scripts/facts_table.py --write
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from claims_table import SEED, System, saying, with_directions_flipped

from baselines.oracles import SecondAnnotator
from baselines.shuffles import Donor
from biobench import evaluate, load_benchmark, load_predictions
from biobench.files import write_text
from biobench.models import exercise_segments
from biobench.predictions_file import write_predictions
from biobench.records import Benchmark, Entry, Feedback
from biobench.results import Score
from biobench.synth.bodies import PoseErrors
from biobench.synth.make import VIDEOS, make_script
from biobench.synth.write import Rendering, write_scripts

PAGE = Path(__file__).resolve().parent.parent / "docs" / "facts.md"
BEGIN, END = "<!-- worth -->", "<!-- /worth -->"
EVERY_S = 4.0
METRICS = ("biofact", "biofact_checkable", "biofact_supported_per_min")
HEAD = (
    "| system | by the script: `biofact` | checkable | supported a minute | by estimated poses: `biofact` | checkable |",
    "|---|--:|--:|--:|--:|--:|",
)


def main() -> None:
    """Writes the table, or says that it is old."""
    with tempfile.TemporaryDirectory() as folder:
        scripts = [make_script("test", VIDEOS["test"])]
        write_scripts(scripts, Path(folder), Rendering(PoseErrors()))
        benchmark = load_benchmark(folder)
        contenders = systems(benchmark)
        by_script = [scores(system, benchmark, Path(folder)) for system in contenders]
        for path in Path(folder).rglob("script.json"):
            path.unlink()
        by_poses = [scores(system, load_benchmark(folder), Path(folder)) for system in contenders]
    lines = [*HEAD, *map(row, contenders, by_script, by_poses)]
    text = PAGE.read_text(encoding="utf-8")
    made = f"{text.split(BEGIN)[0]}{BEGIN}\n{chr(10).join(lines)}\n{END}{text.split(END)[1]}"
    if "--write" in sys.argv[1:]:
        write_text(PAGE, made)
    elif made != text:
        sys.exit(f"{PAGE} is out of date: run it with --write")


def systems(benchmark: Benchmark) -> list[System]:
    """Right, another hand's, turned round, of other videos, and blind."""
    segments = exercise_segments(benchmark)
    right = System("the references", {segment.id: segment.feedbacks for segment in segments})

    def every(text: str) -> System:
        times = {s.id: [Feedback(k * EVERY_S, text) for k in range(1, int(s.duration_s / EVERY_S))] for s in segments}
        return System(f'"{text}" every {EVERY_S:g} s', times)

    return [
        right,
        System("second annotator", dict(SecondAnnotator().predict(benchmark, {}, SEED))),
        saying("the references, directions flipped word by word", right, segments, with_directions_flipped),
        System("remarks about another person at the same exercise", dict(Donor().predict(benchmark, {}, SEED))),
        every("Bend your knees."),
        every("Your knee flexion is above 0 degrees."),
    ]


def scores(system: System, benchmark: Benchmark, folder: Path) -> Mapping[str, Score]:
    """BioFact's three numbers under biobench-1."""
    path = folder / "table.json"
    write_predictions(path, system.name, [Entry(key, tuple(said)) for key, said in system.remarks.items()])
    results = evaluate(load_predictions(path, benchmark), benchmark, ["biobench-1"], baselines=False)
    return {name: results.score(name) for name in METRICS}


def row(system: System, by_script: Mapping[str, Score], by_poses: Mapping[str, Score]) -> str:
    """One line of the table."""
    cells = [told(by_script[name], interval=name == "biofact") for name in METRICS]
    cells += [told(by_poses[name], interval=name == "biofact") for name in METRICS[:2]]
    return f"| {system.name} | {' | '.join(cells)} |"


def told(score: Score, *, interval: bool) -> str:
    """A number, with its interval where it has one and it is wanted."""
    if score.value is None:
        return "none"
    around = f" [{score.low:.2f}, {score.high:.2f}]" if interval and score.low is not None else ""
    return f"{score.value:z.2f}{around}"


if __name__ == "__main__":
    main()
