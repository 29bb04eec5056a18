"""Writes docs/gallery.md and its pictures: a good and a faulty repetition of every exercise, as QEVD-synth draws them.

python scripts/gallery.py            # says whether the pages are up to date
python scripts/gallery.py --write
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from biobench.body.pictures import strip
from biobench.body.skel import Side
from biobench.exercises import ExerciseFault, faults, knowledge, names
from biobench.synth.poses import fault_pose, phase_weight, repetition_pose

DOCS = Path(__file__).resolve().parent.parent / "docs"
COLUMNS = 7
FROM_THE_FRONT = {"jumping jacks", "puddle jumps", "deltoid stretch", "shoulder gators"}
INTRODUCTION = """# Gallery: good form and a fault

One repetition of every exercise from left to right, the key moment in the middle, as QEVD-synth's people perform it: good
form above, one fault of the catalogue at its worst below. The figures are generic bodies with approximate bones, drawn from
joint angles; the right side is blue, the left orange. Angles and faults are conventions of the generator and the catalogue,
not measurements.

Made by `python scripts/gallery.py --write`.
"""


def main() -> None:
    """Writes the pages, or says that they are old."""
    old = []
    for path, text in pages().items():
        if "--write" in sys.argv[1:]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            old.append(str(path))
    if old:
        sys.exit("out of date: " + ", ".join(old))


def pages() -> dict[Path, str]:
    """Every file of the gallery."""
    found, sections = {}, [INTRODUCTION]
    for name in names():
        fault = worst(name)
        slug = name.replace(" ", "-")
        side = "right " if fault.sided else ""
        title = f"{name}: good form, and {side}{fault.lay}"
        found[DOCS / "gallery" / f"{slug}.svg"] = picture(name, fault, title)
        moved = ", ".join(f"{m.dof} {m.direction * m.severe_deg:+g}°" for m in fault.moves)
        told = f"The fault: {side}{fault.lay} ({fault.clinical}; {moved}, {fault.phase})."
        sections.append(f"## {name}\n\n![{title}](gallery/{slug}.svg)\n\n{told}\n")
    found[DOCS / "gallery.md"] = "\n".join(sections)
    return found


def worst(name: str) -> ExerciseFault:
    """The fault that moves the most."""
    return max(faults(name), key=lambda fault: (not fault.uncertain, sum(move.severe_deg for move in fault.moves)))


def picture(name: str, fault: ExerciseFault, title: str) -> str:
    """Good form above, the fault below."""
    lead: Side | None = "right" if knowledge(name).sided or knowledge(name).alternating else None
    at = np.linspace(0.0, 1.0, COLUMNS)
    good = repetition_pose(name, lead, at)
    weight = phase_weight(fault.phase, name, at)
    bad = good + weight[:, None] * fault_pose(fault, "right" if fault.sided else None)
    rows = [("good form", radians(good)), (fault.lay, radians(bad))]
    return strip(rows, [f"{share:.0%}" for share in at], 10.0 if name in FROM_THE_FRONT else 65.0, title)


def radians(degrees: np.ndarray) -> np.ndarray:
    """As the kinematics take it: upright is pi."""
    pose = np.radians(degrees)
    pose[:, 0] += np.pi
    return pose


if __name__ == "__main__":
    main()
