"""What t_lift and t_skill say of systems whose answer is known: content-free ones, informed ones, and chatter.

``python scripts/content_free.py`` makes QEVD-synth (149 train and 74 test videos), scores every system on its test split and
prints the table of ``docs/chance.md``; ``--write`` puts it there.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from biobench import evaluate, load_benchmark
from biobench.chance import Timetable, best_timetables
from biobench.protocols import Biobench1
from biobench.records import Benchmark, Entry, Feedback, Predictions, Segment
from biobench.results import Score
from biobench.synth.make import make_script
from biobench.synth.write import write_scripts

PAGE = Path(__file__).resolve().parent.parent / "docs" / "chance.md"
MARKS = "<!-- table: scripts/content_free.py --write -->", "<!-- end of table -->"


def main() -> None:
    """Prints the table, or writes it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into docs/chance.md")
    write = parser.parse_args().write
    text = table()
    if not write:
        print(text)
        return
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{after}", encoding="utf-8")


def table() -> str:
    """The table in Markdown."""
    lines = ["| kind | system | t_f_score | t_lift | t_skill |", "|:--|:--|--:|--:|--:|"]
    for kind, name, scores in measured():
        f_score, lift, skill = scores
        interval = f"{lift.value:z.3f} [{lift.low:z.3f}, {lift.high:z.3f}]"
        lines.append(f"| {kind} | {name} | {f_score.value:.3f} | {interval} | {skill.value:z.3f} |")
    return "\n".join(lines)


def measured() -> Iterator[tuple[str, str, tuple[Score, Score, Score]]]:
    """Kind, name and (t_f_score, t_lift, t_skill) of every system, on QEVD-synth's test split of 74 videos."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "synth"
        write_scripts([make_script("train", 149), make_script("test", 74)], folder)
        train, test = load_benchmark(folder, "train"), load_benchmark(folder, "test")
    for kind, name, answer in systems(_segments(train), _segments(test)):
        entries = tuple(Entry(segment.id, tuple(answer(segment))) for segment in _segments(test))
        predictions = Predictions(name, "native", "segment", entries, name, "0" * 64)
        results = evaluate(predictions, test, ["biobench-1"], baselines=False)
        yield kind, name, (results.score("t_f_score"), results.score("t_lift"), results.score("t_skill"))


def systems(
    train: Sequence[Segment], test: Sequence[Segment]
) -> Iterator[tuple[str, str, Callable[[Segment], list[Feedback]]]]:
    """Each system as what it says in a segment."""
    rng = random.Random(0)
    for period in (2.0, 3.0, 5.0, 8.0):
        for phase in (0.0, 0.5, 1.0):
            table = Timetable(period * phase, period, 0.0)
            yield "content-free", f"every {period:g} s from {period * phase:g} s", _saying(table)
    yield "content-free", "the timetable that is best on the train split", _saying(_best(train))
    tuned = {name: _best(group) for name, group in _by_exercise(train).items()}
    yield "content-free", "the same, tuned for each exercise", lambda segment: _saying(tuned[segment.exercise])(segment)
    replayed = _replayed(train, test, rng)
    yield "content-free", "a train video's times replayed", lambda segment: replayed[segment.id]
    jittered = _jittered(replayed, 1.0, rng)
    yield "content-free", "the same, jittered by 1 s", lambda segment: jittered[segment.id]
    truth = {segment.id: list(segment.feedbacks) for segment in test}
    for sd_s in (0.5, 0.8):
        noisy = _jittered(truth, sd_s, rng)
        yield "informed", f"the references, jittered by {sd_s:g} s", lambda segment, noisy=noisy: noisy[segment.id]
    yield (
        "informed + filler",
        "the last, with a remark in every gap",
        lambda segment: _filled(noisy[segment.id], segment),
    )
    own = {name: _best(group) for name, group in _by_exercise(test).items()}
    yield (
        "has seen the answers",
        "a timetable tuned on the test split itself, for each exercise",
        lambda segment: _saying(own[segment.exercise])(segment),
    )


def _segments(benchmark: Benchmark) -> tuple[Segment, ...]:
    return Biobench1().segments(benchmark).scored


def _by_exercise(segments: Sequence[Segment]) -> dict[str, list[Segment]]:
    groups: dict[str, list[Segment]] = {}
    for segment in segments:
        groups.setdefault(segment.exercise, []).append(segment)
    return groups


def _best(segments: Sequence[Segment]) -> Timetable:
    references = np.array([sum(len(segment.feedbacks) for segment in segments)])
    return best_timetables(tuple(segments), (0,) * len(segments), references, 1)[0]


def _saying(table: Timetable) -> Callable[[Segment], list[Feedback]]:
    return lambda segment: [Feedback(time, "Keep going!") for time in table.times(segment.duration_s)]


def _replayed(train: Sequence[Segment], test: Sequence[Segment], rng: random.Random) -> dict[str, list[Feedback]]:
    sources = _by_exercise(train)
    return {
        segment.id: [f for f in rng.choice(sources[segment.exercise]).feedbacks if f.time_s <= segment.duration_s]
        for segment in test
    }


def _jittered(remarks: dict[str, list[Feedback]], sd_s: float, rng: random.Random) -> dict[str, list[Feedback]]:
    return {
        name: [feedback._replace(time_s=feedback.time_s + rng.gauss(0, sd_s)) for feedback in said]
        for name, said in remarks.items()
    }


def _filled(said: list[Feedback], segment: Segment) -> list[Feedback]:
    gaps = (1 + 2.5 * k for k in range(int(segment.duration_s / 2.5)))
    free = [time for time in gaps if all(abs(time - feedback.time_s) > 1.5 for feedback in said)]
    return [*said, *(Feedback(time, "Keep going!") for time in free)]


if __name__ == "__main__":
    main()
