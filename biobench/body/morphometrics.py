"""A person's measures: SHAPY's JSON files, one record a video, and the plain arrays of its ``.npz`` files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biobench.problems import Notice, Problem, ProblemsFound
from biobench.readers.defects import Defects
from biobench.readers.json_text import parse, read_text
from biobench.readers.npy import read_numeric_npz

__all__ = ["Morphometrics", "read_betas", "read_measurements"]

_PREFIX = "HSMR-"
_PLAUSIBLE = {"height": (1.2, 2.3), "mass": (25.0, 250.0), "chest": (0.5, 1.8), "waist": (0.4, 1.8), "hips": (0.5, 1.8)}
"""Of adults, wide; metres and kilograms. What lies outside is probably in other units."""


@dataclass(frozen=True, slots=True)
class Morphometrics:
    """Height and girths in metres, mass in kilograms."""

    height_m: float
    mass_kg: float
    chest_m: float
    waist_m: float
    hips_m: float


def read_measurements(path: Path) -> tuple[dict[str, Morphometrics], tuple[Notice, ...]]:
    """Everybody's measures by video ("HSMR-0006" is video 0006). Raises ``ProblemsFound`` with every problem.

    A measure that no adult has is a notice, not a problem: it is most likely in other units.
    """
    source = read_text(path)
    top, defects = parse(source), Defects(source)
    records = top.get("measurements") if isinstance(top, dict) else None
    if not isinstance(records, list):
        defects.add((), top, 'an object with a list "measurements"')
        defects.raise_if_any()
        return {}, ()
    found: dict[str, Morphometrics] = {}
    odd: list[str] = []
    for k, record in enumerate(records):
        person = record.get("person_id") if isinstance(record, dict) else None
        measures = record.get("measurements") if isinstance(record, dict) else None
        if not isinstance(person, str) or not isinstance(measures, dict):
            defects.add(("measurements", k), record, "an object with person_id and measurements")
            continue
        values: dict[str, float] = {}
        for name in _PLAUSIBLE:
            value = measures.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                values[name] = float(value)
            else:
                defects.add(("measurements", k, "measurements", name), value, "a number above 0")
        video = person.removeprefix(_PREFIX)
        if video in found:
            defects.add(("measurements", k, "person_id"), person, "every video once")
        if len(values) == len(_PLAUSIBLE):
            odd += [f"{video} {n} {values[n]}" for n, (low, high) in _PLAUSIBLE.items() if not low <= values[n] <= high]
            found[video] = Morphometrics(*(values[name] for name in _PLAUSIBLE))
    defects.raise_if_any()
    text = "measures that no adult has (metres and kilograms are meant)"
    return found, (Notice("odd-measures", len(odd), text, odd[0]),) if odd else ()


def read_betas(path: Path) -> NDArray[np.float64]:
    """The shape numbers of a SHAPY ``.npz``. Its ``measurements`` are a pickle and are never read.

    Raises ``ProblemsFound``.
    """
    expected = "an .npz with a plain array betas"
    betas = read_numeric_npz(path, ["betas"], expected)["betas"]
    if betas.dtype.kind != "f" or not np.all(np.isfinite(betas)):
        raise ProblemsFound([Problem(str(path), f"betas of the type {betas.dtype}", expected)])
    return np.asarray(betas, dtype=np.float64).reshape(-1)
