"""Writes docs/exercises.md: what the catalogue knows of every exercise, and which faults angles hardly tell apart.

python scripts/exercise_table.py            # says whether the page is up to date
python scripts/exercise_table.py --write
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from biobench.body.skel import Side
from biobench.exercises import Constraint, ExerciseFault, ExerciseKnowledge, knowledge, names
from biobench.synth.poses import Floats, fault_pose, phase_weight

PAGE = Path(__file__).resolve().parent.parent / "docs" / "exercises.md"
ALIKE = 0.5
"""Cosine from which a pair is listed: half of what one fault does along the other."""
SMALL_DEG = 10.0
"""Below this, estimated poses with a few degrees of jitter hardly show a change."""
AT = np.linspace(0.0, 1.0, 41)
INTRODUCTION = """# The exercises: how they move, what is good form, what goes wrong

What `biobench/data/exercises.toml` holds, in Python `biobench.exercises.knowledge(name)`. Harm, phases, sizes of faults and
targets of provenance C are conventions of that file, no medical facts; a target of provenance S names its source.

* **Angles** are SKEL's degrees of freedom ([Poses](bodies.md)). A name without a side is meant on both sides.
* **Signal**: how the two sides make the angle that shows repetitions; `lead` is the side of a stretch, named in the data. The
  key moment is its greatest or least value.
* **Hold still, reach**: the degrees of freedom of BioCoach's released table, with a priority: (c) critical, (h) high, (m)
  medium; *least* where the smallest value at the key moment counts. **Besides**: what that table lacks.
* **A fault** of severity *s* moves an angle by *s* times the size given here, that of severity 1; mild is a third of it, clear
  two thirds. Signs are the right side's; the left side, and a fault of the left in an angle without sides, has the mirrored
  sign. *Sway*: one way in one repetition, the other way in the next. A *?* marks faults that angles show badly. A fault of
  tempo moves nothing: the factor is on the time of a repetition.

Made by `python scripts/exercise_table.py --write`.
"""


class Pair(NamedTuple):
    """Two faults of an exercise: the cosine between what they do to the angles, without and with the phase."""

    exercise: str
    first: str
    second: str
    angles: float
    phased: float


def main() -> None:
    """Writes the page, or says that it is old."""
    text = page()
    if "--write" in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8", newline="\n")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit(f"{PAGE} is out of date: run it with --write")


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(_section(knowledge(name)) for name in names()), _alike(), _small()])


def alike() -> list[Pair]:
    """The pairs of faults from ``ALIKE`` on, the most alike first; a sided fault counts with the side that is nearer."""
    found = []
    for name in names():
        moving = [fault for fault in knowledge(name).faults if fault.moves]
        for first, second in combinations(moving, 2):
            sides = product(_sides(first), _sides(second))
            angles, phased = max(_cosines(name, first, second, one, other) for one, other in sides)
            if angles >= ALIKE:
                found.append(Pair(name, first.id, second.id, angles, phased))
    return sorted(found, key=lambda pair: (-round(pair.angles, 2), pair))


def _cosines(
    exercise: str, first: ExerciseFault, second: ExerciseFault, side: Side | None, other: Side | None
) -> tuple[float, float]:
    added = fault_pose(first, side), fault_pose(second, other)
    timed = [
        phase_weight(fault.phase, exercise, AT)[:, None] * pose
        for fault, pose in zip((first, second), added, strict=True)
    ]
    cosines = _cosine(*added), _cosine(*timed)
    return (abs(cosines[0]), abs(cosines[1])) if first.sway or second.sway else cosines


def _cosine(first: Floats, second: Floats) -> float:
    return float(np.sum(first * second) / np.sqrt(np.sum(first**2) * np.sum(second**2)))


def _sides(fault: ExerciseFault) -> tuple[Side | None, ...]:
    return ("left", "right") if fault.sided else (None,)


def _section(known: ExerciseKnowledge) -> str:
    cycle = known.cycle
    kind = (
        "held, one side at a time" if known.hold else "repeated, sides take turns" if known.alternating else "repeated"
    )
    extreme = {"max": "greatest", "min": "least"}[cycle.key]
    signal = f"`{cycle.dof}`, {cycle.signal}, {extreme} at the key moment (BioCoach: `{cycle.released}`)"
    lines = [
        f"## {known.name}",
        "",
        f"{kind.capitalize()}; phases: {', '.join(known.phases)}. Signal: {signal}.",
        "",
        *(
            f"* {label}: {', '.join(_constraint(one) for one in constraints)}"
            for label, constraints in (("hold still", known.static), ("reach", known.dynamic), ("besides", known.also))
            if constraints
        ),
        *(
            f"* target: `{t.measure}` {t.low_deg:g} to {t.high_deg:g}°, {t.phase} ({t.provenance}: {t.source})"
            for t in known.targets
        ),
        "",
        *_table(
            ("fault", "what", "clinical", "sided", "harm", "phase", "angles at severity 1"), map(_fault, known.faults)
        ),
    ]
    return "\n".join(lines) + "\n"


def _constraint(constraint: Constraint) -> str:
    least = ", least" if constraint.extreme == "min" else ""
    return f"`{constraint.dof}` ({constraint.priority[0]}{least})"


def _fault(fault: ExerciseFault) -> tuple[str, ...]:
    moved = ", ".join(f"`{m.dof}` {m.direction * m.severe_deg:+g}°" for m in fault.moves)
    told = moved if fault.tempo is None else f"time of a repetition × {fault.tempo:g}"
    marks = ", sway" * fault.sway + " ?" * fault.uncertain
    sided = "yes" if fault.sided else ""
    return f"`{fault.id}`", fault.lay, fault.clinical, sided, fault.harm, fault.phase, told + marks


def _alike() -> str:
    rows = ((p.exercise, f"`{p.first}`", f"`{p.second}`", f"{p.angles:.2f}", f"{p.phased:.2f}") for p in alike())
    lines = [
        "## Faults that angles hardly tell apart",
        "",
        "The cosine between what two faults of an exercise do to the 46 angles: 1 is the same pose, and only the phase can tell",
        f"which it is. Listed from {ALIKE:g} on. The last column is the cosine over a repetition, with the phases as QEVD-synth",
        "places them: high there, too, means that a small fault of one is easily taken for the other.",
        "",
        *_table(("exercise", "fault", "fault", "angles", "with the phase"), rows),
    ]
    return "\n".join(lines) + "\n"


def _small() -> str:
    lines = [
        "## Faults that are small when mild",
        "",
        f"Where no angle moves by {SMALL_DEG:g}° or more at a third of the worst: estimated poses with a few degrees of jitter",
        "hardly show the mild form.",
        "",
        *_table(("fault", "mild", "severe"), _small_rows()),
    ]
    return "\n".join(lines) + "\n"


def _small_rows() -> Iterator[tuple[str, ...]]:
    every = {(fault.id, fault.moves) for name in names() for fault in knowledge(name).faults if fault.moves}
    for fault, moves in sorted(every):
        largest = max(moves, key=lambda move: move.severe_deg)
        if largest.mild_deg < SMALL_DEG:
            yield f"`{fault}`", f"`{largest.dof}` {largest.mild_deg:.1f}°", f"{largest.severe_deg:g}°"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]


if __name__ == "__main__":
    main()
