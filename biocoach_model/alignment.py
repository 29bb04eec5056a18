"""A repetition laid over the reference: both as angles at the same fractions, the key moment at one half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biobench.body.repetitions import Repetition
from biobench.body.skel import Side, mirror
from biobench.exercises import knowledge
from biobench.problems import Problem, ProblemsFound

__all__ = ["GRID", "aligned", "deviation_deg", "reference", "warped"]

Floats = NDArray[np.float64]

GRID: Floats = np.linspace(0.0, 1.0, 41)
"""Fractions of a repetition at which it is compared."""


def aligned(angles_rad: Floats, times_s: Floats, repetition: Repetition) -> Floats:
    """A repetition at the fractions of ``GRID``, (41, 46) radians: linear from start to key moment, and from there to the end."""
    r = repetition
    before, after = r.start_s + (r.key_s - r.start_s) * 2 * GRID, r.key_s + (r.end_s - r.key_s) * (2 * GRID - 1)
    wanted = np.where(GRID < 0.5, before, after)
    return _at(wanted, times_s, angles_rad)


def reference(golden_rad: Floats, exercise: str, lead: Side | None) -> Floats:
    """The golden repetition at the fractions of ``GRID``, (41, 46) radians; mirrored where the left side leads it.

    Golden repetitions of alternating exercises are led by the right side.
    """
    laid = _at(GRID, np.linspace(0.0, 1.0, len(golden_rad)), golden_rad)
    return mirror(laid) if knowledge(exercise).alternating and lead == "left" else laid


def _at(wanted: Floats, places: Floats, angles_rad: Floats) -> Floats:
    """Every angle at the places wanted, by straight lines: ``numpy.interp`` for all columns at once."""
    after = np.clip(np.searchsorted(places, wanted), 1, len(places) - 1)
    share = np.clip((wanted - places[after - 1]) / (places[after] - places[after - 1]), 0.0, 1.0)[:, None]
    return angles_rad[after - 1] + share * (angles_rad[after] - angles_rad[after - 1])


def deviation_deg(measured_rad: Floats, reference_rad: Floats) -> Floats:
    """Measured less reference, in degrees, whole turns taken out. Which way the camera looks is no deviation."""
    difference: Floats = np.degrees(np.angle(np.exp(1j * (measured_rad - reference_rad))))
    difference[..., 2] = 0.0
    return difference


def warped(measured_rad: Floats, reference_rad: Floats) -> Floats:
    """A repetition laid over the reference by dynamic time warping, (41, 46) both: for each fraction the mean of what fits it.

    For people who slow down on the way; it also forgives what a linear alignment would call a fault of time. All angles
    count alike, and no moment moves by more than a fifth of the repetition (Sakoe and Chiba's band). Raises
    ``ProblemsFound`` where the package dtaidistance is not installed.
    """
    try:
        from dtaidistance import dtw_ndim  # noqa: PLC0415 - an extra
    except ImportError as error:
        found, expected = "no package dtaidistance", "it, for --dtw"
        raise ProblemsFound([Problem("--dtw", found, expected, 'pip install "biobench[dtw]"')]) from error
    measured = reference_rad + np.radians(deviation_deg(measured_rad, reference_rad))
    path = dtw_ndim.warping_path(reference_rad[:, 3:], measured[:, 3:], window=len(GRID) // 5)
    sums, counts = np.zeros_like(measured), np.zeros(len(measured))
    for wanted, own in path:
        sums[wanted] += measured[own]
        counts[wanted] += 1
    return sums / counts[:, None]
