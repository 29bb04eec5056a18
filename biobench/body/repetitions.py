"""Repetitions of a movement, from one angle over time. Everything is in seconds and degrees; frames and rates decide nothing.

The way: outliers out, smooth, find the rhythm, take the peaks that stand out, cut at the valleys between them. Each constant
below has its reason beside it, and none was fitted to recordings or to the synthetic benchmark.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, signal

from biobench.exercises import Extreme, find_exercise, knowledge

__all__ = ["LONGEST_GAP_S", "Extreme", "Repetition", "find_repetitions"]

Floats = NDArray[np.float64]

LONGEST_GAP_S = 0.5
"""A gap as long as this ends a piece of the recording: half a quick step could hide in it."""

_RATE_HZ = 30.0
"""Of the even time base: above twice the 6 Hz below which human movement lies, at the rate of common video."""
_FASTEST_HZ = 6.0
"""Cut-off before the rhythm is known: the usual one for marker data of gait (Winter), well above 3.3 steps a second."""
_HARMONICS = 3.0
"""Cut-off in rhythms once it is known: movements that go down faster than up need the third harmonic, noise lives above it."""
_STEADY_HZ = 1.5
"""Cut-off where there is no rhythm: a single slow movement is all that can then be told from noise."""
_EXTREMES_HZ = 2.0
"""Least cut-off for the extremes of a repetition: what is smoothed for counting loses degrees where pauses are long."""
_PERIODS_S = (0.3, 8.0)
"""Quick steps to slow holds-and-returns; what is slower is a change of posture."""
_RHYTHM = 0.25
"""Least autocorrelation that counts as a rhythm, and by how much it must rise again from what lies between."""
_QUICK_RHYTHM = 0.5
"""The same for periods under a second: there are dozens of them, so a true one is plain; smoothed noise alone reaches 0.3."""
_AS_GOOD = 0.7
"""The first lag with this share of the best autocorrelation is the period: later ones are its multiples."""
_SHARE_OF_RANGE = 0.3
"""A peak stands out by this share of the 5-95 % range: half-hearted repetitions count, wobbles do not."""
_LEAST_DEG = 8.0
"""And by this: video poses jitter by a few degrees, and an inclinometer can't tell 6 degrees apart."""
_LEAST_ALONE_DEG = 15.0
"""What moves less in all is standing, breathing or sway; without a rhythm each single movement must be this large. By eye
14 degrees are told apart."""
_TIMES_NOISE = 6.0
"""A peak stands out by this many standard deviations of the noise that is left after smoothing: as far as the lowest and
highest of several hundred independent values lie apart."""
_DISTANCE = 0.45
"""Of a period between two peaks: tempo varies, but not by half."""
_AT_REST = 0.1
"""Of a repetition's height above its valley: what is below belongs to the pause."""
_AT_TOP = 0.05
"""Of a repetition's height below its peak: what is above is the key moment."""
_OUTLIER = 4.0
"""Robust standard deviations from the median of five neighbours; a single frame can't move like that."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """One repetition: from ``start_s`` over the key moment (deepest or furthest) to ``end_s``; the angle's extremes in it.

    ``sign`` is -1 for the other side of an alternating movement (the right side of left minus right), else 1; its extremes
    count from the middle between the sides.
    """

    start_s: float
    key_s: float
    end_s: float
    low_deg: float
    high_deg: float
    sign: int = 1

    def __post_init__(self) -> None:
        if not self.start_s < self.key_s < self.end_s or self.low_deg > self.high_deg:
            raise ValueError(f"no repetition: {self}")

    @property
    def range_deg(self) -> float:
        """How far the angle moves."""
        return self.high_deg - self.low_deg

    @property
    def duration_s(self) -> float:
        """From start to end."""
        return self.end_s - self.start_s


def find_repetitions(
    angle_rad: ArrayLike,
    times_s: ArrayLike,
    exercise: str | None = None,
    *,
    key: Extreme | None = None,
    alternating: bool | None = None,
    after_s: float = -math.inf,
) -> list[Repetition]:
    """The repetitions in an angle over time, in order.

    ``angle_rad`` and ``times_s`` have shape (frames,); NaN angles are missing frames, times rise. An ``exercise`` (in any
    spelling) says whether it is held, whether its key moments are maxima or minima, and whether it alternates; ``key``
    (``"max"`` or ``"min"``) and ``alternating`` say so without one. An alternating angle is left minus right: it swings to
    both sides of its rest, and each swing is a repetition. Only those with their key moment later than ``after_s`` are
    given, which saves time where the others are known. Raises ``ValueError`` for other shapes and for times that do
    not rise.
    """
    angle = np.asarray(angle_rad, dtype=np.float64)
    times = np.asarray(times_s, dtype=np.float64)
    if angle.ndim != 1 or angle.shape != times.shape:
        raise ValueError(f"expected one angle a time, got {angle.shape} and {times.shape}")
    if not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        raise ValueError("expected finite times that rise")
    hold, of_exercise, alternates = _shape(exercise)
    if hold:
        return []
    downwards = (key or of_exercise) == "min"
    swings = alternates if alternating is None else alternating
    found: list[Repetition] = []
    for piece in _pieces(angle, times):
        found += _of_piece(angle[piece], times[piece], downwards=downwards, alternating=swings, after_s=after_s)
    return found


def _shape(exercise: str | None) -> tuple[bool, str, bool]:
    """Whether it is held, where its key moments are, whether it alternates; an unknown exercise is as none."""
    if exercise is None or find_exercise(exercise) is None:
        return False, "max", False
    known = knowledge(exercise)
    return known.hold, known.cycle.key, known.cycle.signal == "left-minus-right"


def _pieces(angle: Floats, times: Floats) -> list[NDArray[np.int64]]:
    """Frames with an angle, cut where none is seen for ``LONGEST_GAP_S``."""
    seen = np.flatnonzero(np.isfinite(angle))
    if len(seen) < 2:
        return []
    cuts = np.flatnonzero(np.diff(times[seen]) >= LONGEST_GAP_S) + 1
    return [piece for piece in np.split(seen, cuts) if times[piece[-1]] - times[piece[0]] > _PERIODS_S[0]]


def _of_piece(angle: Floats, times: Floats, *, downwards: bool, alternating: bool, after_s: float) -> list[Repetition]:
    raw, even = _even(_without_outliers(np.degrees(_unwrapped(angle))), times)
    quick = _smooth(raw, _FASTEST_HZ)
    period = _period(quick)
    cutoff = _STEADY_HZ if period is None else min(_FASTEST_HZ, _HARMONICS / period)
    smooth = quick if cutoff == _FASTEST_HZ else _smooth(raw, cutoff)
    if float(np.ptp(smooth)) < _LEAST_ALONE_DEG:
        return []
    noise = _noise_left(raw - quick, times, cutoff)
    rest = float(np.median(smooth)) if alternating else 0.0
    centred = smooth - rest
    fine = centred if cutoff >= _EXTREMES_HZ else _smooth(raw, _EXTREMES_HZ) - rest
    up = np.abs(centred) if alternating else -centred if downwards else centred
    spread = float(np.subtract(*np.percentile(up, [95, 5])))
    least = max(_SHARE_OF_RANGE * spread, _LEAST_ALONE_DEG if period is None else _LEAST_DEG, _TIMES_NOISE * noise)
    # A swing to one side is half of a period of left minus right.
    apart_s = _PERIODS_S[0] if period is None else _DISTANCE * period / (2 if alternating else 1)
    peaks, _ = signal.find_peaks(up, prominence=least, distance=max(1, round(apart_s * _RATE_HZ)))
    wanted = [k for k in range(len(peaks)) if even[peaks[k]] > after_s]
    return [_cut(k, peaks, up, fine, even, alternating=alternating) for k in wanted]


def _cut(k: int, peaks: NDArray[np.int64], up: Floats, fine: Floats, times: Floats, *, alternating: bool) -> Repetition:
    """From rest to rest around a peak: the pause before and behind it is left out."""
    peak = int(peaks[k])
    first = int(peaks[k - 1]) if k else 0
    last = int(peaks[k + 1]) if k + 1 < len(peaks) else len(up) - 1
    left = first + int(np.argmin(up[first : peak + 1]))
    right = peak + int(np.argmin(up[peak : last + 1]))
    before = up[left] + _AT_REST * (up[peak] - up[left])
    after = up[right] + _AT_REST * (up[peak] - up[right])
    start = left + int(np.flatnonzero(up[left:peak] <= before)[-1])
    end = peak + 1 + int(np.flatnonzero(up[peak + 1 : right + 1] <= after)[0])
    # The middle of the time at the top: where a position is held, its highest sample says nothing.
    level = up[peak] - _AT_TOP * (up[peak] - max(up[left], up[right]))
    first_at_top = peak - int(np.argmax(up[peak : start - 1 if start else None : -1] < level)) + 1
    last_at_top = peak + int(np.argmax(up[peak : end + 1] < level)) - 1
    key = (first_at_top + last_at_top) // 2
    inside = fine[start : end + 1]
    sign = -1 if alternating and fine[peak] < 0 else 1
    return Repetition(
        float(times[start]),
        float(times[key]),
        float(times[end]),
        float(inside.min()),
        float(inside.max()),
        sign,
    )


def _unwrapped(angle: Floats) -> Floats:
    """Without jumps of a full turn. Each angle goes next to the median of the five before it: an outlier shifts nothing."""
    if len(angle) < 2 or float(np.max(np.abs(np.diff(angle)))) <= np.pi:
        return angle
    turned = angle.tolist()
    for k in range(1, len(turned)):
        before = sorted(turned[max(0, k - 5) : k])
        turned[k] += 2 * np.pi * round((before[len(before) // 2] - turned[k]) / (2 * np.pi))
    return np.array(turned)


def _without_outliers(degrees: Floats) -> Floats:
    """Hampel's filter: what lies far from the median of its five neighbours becomes that median.

    A plain median of five would flatten quick steps, which have seven frames each at 22 frames a second.
    """
    if len(degrees) < 5:
        return degrees
    middle: Floats = ndimage.median_filter(degrees, size=5, mode="nearest")
    away = np.abs(degrees - middle)
    scale = 1.4826 * float(np.median(away[away > 0])) if np.any(away > 0) else 0.0
    return np.where(away > max(_OUTLIER * scale, 1.0), middle, degrees)


def _even(degrees: Floats, times: Floats) -> tuple[Floats, Floats]:
    """The angle on an even time base; gaps in a piece are short and bridged by lines."""
    count = max(2, int((times[-1] - times[0]) * _RATE_HZ) + 1)
    even = times[0] + np.arange(count) / _RATE_HZ
    return np.interp(even, times, degrees), even


def _smooth(degrees: Floats, cutoff_hz: float) -> Floats:
    """Butterworth, order 2, run forwards and backwards: no delay."""
    pad = min(len(degrees) - 1, int(_RATE_HZ / cutoff_hz))
    filtered: Floats = signal.sosfiltfilt(_butterworth(cutoff_hz), degrees, padtype="odd", padlen=pad)
    return filtered


def _noise_left(above: Floats, times: Floats, cutoff_hz: float) -> float:
    """The standard deviation of what noise leaves below ``cutoff_hz``, taken to be as strong there as ``above`` 6 Hz."""
    highest_hz = min(_RATE_HZ, 1 / float(np.median(np.diff(times)))) / 2
    return float(np.std(above)) * math.sqrt(cutoff_hz / max(highest_hz - _FASTEST_HZ, 1.0))


@lru_cache(maxsize=256)
def _butterworth(cutoff_hz: float) -> Floats:
    """Few cut-offs occur, since periods are whole samples; designing one costs more than using it."""
    sos: Floats = signal.butter(2, cutoff_hz, fs=_RATE_HZ, output="sos")
    return sos


def _period(smooth: Floats) -> float | None:
    """The rhythm in seconds, from the autocorrelation; None where there is none."""
    centred = signal.detrend(smooth)
    power = float(centred @ centred)
    shortest, longest = round(_PERIODS_S[0] * _RATE_HZ), min(round(_PERIODS_S[1] * _RATE_HZ), len(centred) // 2)
    if longest <= shortest or power <= 0:
        return None
    size = 1 << (2 * len(centred) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    # Each lag is divided by the overlap that it has, or long periods would look weak.
    overlap = len(centred) / (len(centred) - np.arange(longest + 2))
    rho = np.fft.irfft(spectrum * np.conj(spectrum), size)[: longest + 2] / power * overlap
    needed = np.where(np.arange(len(rho)) < _RATE_HZ, _QUICK_RHYTHM, _RHYTHM)
    again, _ = signal.find_peaks(rho, prominence=_RHYTHM)
    tops = [int(lag) for lag in again if shortest <= lag <= longest and rho[lag] > needed[lag]]
    if not tops:
        return None
    best = max(rho[lag] for lag in tops)
    return next(lag for lag in tops if rho[lag] >= _AS_GOOD * best) / _RATE_HZ
