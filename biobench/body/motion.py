"""A person's angles over time: radians at times in seconds, with what is missing marked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from biobench.body.skel import COUNT, index, mirror

__all__ = ["LONGEST_FILLED_S", "Motion"]

Floats = NDArray[np.float64]

LONGEST_FILLED_S = 0.5
"""A gap as long as this stays a gap: what was done in it is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Angles of one person.

    ``angles_rad`` has shape (frames, 46), in SKEL's order, unwrapped over time; ``times_s`` (frames,), rising; ``valid``
    (frames,) says where the pose is known (elsewhere the angles are NaN); ``betas`` are SKEL's ten shape numbers, where
    known. Raises ``ValueError`` where the parts don't fit together.
    """

    angles_rad: Floats
    times_s: Floats
    valid: NDArray[np.bool_]
    betas: Floats | None = None
    source: str = ""

    def __post_init__(self) -> None:
        frames = len(self.times_s)
        if self.angles_rad.shape != (frames, COUNT) or self.valid.shape != (frames,):
            raise ValueError(f"{self.angles_rad.shape} angles, {self.times_s.shape} times, {self.valid.shape} marks")
        if not np.all(np.isfinite(self.times_s)) or np.any(np.diff(self.times_s) <= 0):
            raise ValueError("expected finite times that rise")
        if not np.all(np.isfinite(self.angles_rad[self.valid])) or not np.all(np.isnan(self.angles_rad[~self.valid])):
            raise ValueError("expected finite angles where a pose is known, and NaN elsewhere")

    @classmethod
    def of(cls, angles_rad: Floats, times_s: Floats, betas: Floats | None = None, source: str = "") -> Motion:
        """From angles as a file holds them: rows with a NaN are missing, and turns of more than pi are undone."""
        angles = np.array(angles_rad, dtype=np.float64)
        valid = np.all(np.isfinite(angles), axis=-1) if angles.ndim == 2 else np.zeros(0, dtype=np.bool_)
        angles[~valid] = np.nan
        if np.any(valid):
            angles[valid] = np.unwrap(angles[valid], axis=0)
        return cls(angles, np.asarray(times_s, dtype=np.float64), valid, betas, source)

    def __len__(self) -> int:
        return len(self.times_s)

    def degrees(self, name: str) -> Floats:
        """One degree of freedom by its name, (frames,) in degrees, NaN where it is missing. Raises ``KeyError``."""
        angles: Floats = np.degrees(self.angles_rad[:, index(name)])
        return angles

    def between(self, start_s: float, end_s: float) -> Motion:
        """The frames from ``start_s`` to ``end_s``, both included."""
        kept = (self.times_s >= start_s) & (self.times_s <= end_s)
        return replace(self, angles_rad=self.angles_rad[kept], times_s=self.times_s[kept], valid=self.valid[kept])

    def mirrored(self) -> Motion:
        """The motion as a mirror shows it: left is right."""
        return replace(self, angles_rad=mirror(self.angles_rad))

    def filled(self, longest_s: float = LONGEST_FILLED_S) -> Motion:
        """Gaps shorter than ``longest_s`` are bridged by straight lines; longer ones, and both ends, stay missing."""
        known = np.flatnonzero(self.valid)
        if len(known) < 2:
            return self
        angles, valid = self.angles_rad.copy(), self.valid.copy()
        for before, after in pairwise(known.tolist()):
            if after - before > 1 and self.times_s[after] - self.times_s[before] < longest_s:
                inside = np.arange(before + 1, after)
                share = (self.times_s[inside] - self.times_s[before]) / (self.times_s[after] - self.times_s[before])
                angles[inside] = angles[before] + share[:, None] * (angles[after] - angles[before])
                valid[inside] = True
        return replace(self, angles_rad=angles, valid=valid)

    def resampled(self, rate_hz: float) -> Motion:
        """At even times from the first frame on; what lies in a gap of half a second or more stays missing."""
        if not rate_hz > 0:
            raise ValueError(f"expected a rate above 0, got {rate_hz}")
        if len(self) < 2:
            return self
        count = int((self.times_s[-1] - self.times_s[0]) * rate_hz + 1e-9) + 1
        times = self.times_s[0] + np.arange(count) / rate_hz
        known = np.flatnonzero(self.valid)
        angles = np.full((count, COUNT), np.nan)
        if len(known) > 1:
            own = self.times_s[known]
            after = np.clip(np.searchsorted(own, times, side="left"), 1, len(known) - 1)
            near = (own[after] - own[after - 1] < LONGEST_FILLED_S) | (times == own[after]) | (times == own[after - 1])
            inside = (times >= own[0]) & (times <= own[-1]) & near
            share = (times - own[after - 1]) / (own[after] - own[after - 1])
            before_angles, after_angles = self.angles_rad[known[after - 1]], self.angles_rad[known[after]]
            angles[inside] = (before_angles + share[:, None] * (after_angles - before_angles))[inside]
        return replace(self, angles_rad=angles, times_s=times, valid=np.isfinite(angles[:, 0]))
