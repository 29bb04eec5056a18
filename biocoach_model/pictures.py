"""A segment as a picture: the angle that shows the repetitions, each of them, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from biobench.body.cycle import cycle_signal
from biobench.body.motion import Motion
from biobench.body.skel import Side
from biobench.exercises import knowledge
from biocoach_model.context import Judged
from biocoach_model.words import violation_in_words

__all__ = ["context_picture"]

_WIDTH, _LEFT, _TOP, _PLOT = 1000.0, 56.0, 34.0, 220.0
_ROW = 16.0
_STYLE = (
    ".t{font:12px sans-serif;fill:#16202a}.d{fill:#52606d}.a{fill:none;stroke:#0b5cad;stroke-width:1.5}"
    ".r{fill:#0b5cad;opacity:.08}.k{fill:#0b5cad}.g{stroke:#d5dce3}.v{stroke:#b3261e;stroke-width:6;stroke-linecap:butt}"
    "svg{background:#fff}"
)


def context_picture(motion: Motion, exercise: str, side: Side | None, judged: Sequence[Judged]) -> str:
    """SVG: the cycle's angle over time, a band a repetition, a dot at each key moment, and a row a fault below."""
    angle = np.degrees(cycle_signal(motion.angles_rad, exercise, side))
    known = np.isfinite(angle)
    if not np.any(known):
        raise ValueError("there is no pose to draw")
    start, end = float(motion.times_s[0]), float(motion.times_s[-1])
    low, high = float(angle[known].min()), float(angle[known].max())

    def x(time_s: float) -> float:
        return _LEFT + (time_s - start) / max(end - start, 1e-9) * (_WIDTH - _LEFT - 12)

    def y(degrees: float) -> float:
        return _TOP + _PLOT - (degrees - low) / max(high - low, 1e-9) * _PLOT

    names = list(dict.fromkeys((v.name, v.side) for one in judged for v in one.faults))
    height = _TOP + _PLOT + 40 + _ROW * len(names)
    cycle = knowledge(exercise).cycle
    what = f"{cycle.dof}, left minus right," if cycle.signal == "left-minus-right" else cycle.dof
    title = f"{exercise}: {what} in degrees, {len(judged)} repetitions"
    parts = [f"<title>{escape(title)}</title><style>{_STYLE}</style>"]
    parts.append(f'<text class="t" x="{_LEFT:.0f}" y="18">{escape(title)}</text>')
    for degrees in np.linspace(low, high, 5):
        level = y(float(degrees))
        parts.append(f'<line class="g" x1="{_LEFT:.0f}" x2="{_WIDTH - 12:.0f}" y1="{level:.1f}" y2="{level:.1f}"/>')
        parts.append(
            f'<text class="t d" x="{_LEFT - 6:.0f}" y="{level + 4:.1f}" text-anchor="end">{degrees:z.0f}</text>'
        )
    for second in range(int(np.ceil(start / 5) * 5), int(end) + 1, 5):
        place = f'x="{x(second):.1f}" y="{_TOP + _PLOT + 16:.0f}"'
        parts.append(f'<text class="t d" {place} text-anchor="middle">{second} s</text>')
    bands = [(x(one.repetition.start_s), x(one.repetition.end_s)) for one in judged]
    parts += [
        f'<rect class="r" x="{left:.1f}" y="{_TOP:.0f}" width="{right - left:.1f}" height="{_PLOT:.0f}"/>'
        for left, right in bands
    ]
    for run in np.split(np.flatnonzero(known), np.flatnonzero(np.diff(np.flatnonzero(known)) > 1) + 1):
        points = " ".join(f"{x(float(motion.times_s[k])):.1f},{y(float(angle[k])):.1f}" for k in run)
        parts.append(f'<polyline class="a" points="{points}"/>')
    for one in judged:
        at = float(np.interp(one.repetition.key_s, motion.times_s[known], angle[known]))
        parts.append(f'<circle class="k" cx="{x(one.repetition.key_s):.1f}" cy="{y(at):.1f}" r="3"/>')
    for row, (name, on) in enumerate(names):
        level = _TOP + _PLOT + 34 + _ROW * row
        parts.append(f'<text class="t" x="4" y="{level + 4:.0f}">{escape(name + (f" {on}" if on else ""))}</text>')
        for one in judged:
            for violation in one.faults:
                if (violation.name, violation.side) == (name, on):
                    r, told = one.repetition, escape(violation_in_words(violation, exercise))
                    opacity = 0.35 + 0.65 * min(violation.severity, 1.0)
                    parts.append(
                        f'<line class="v" opacity="{opacity:.2f}" x1="{x(r.start_s):.1f}" x2="{x(r.end_s):.1f}" '
                        f'y1="{level:.1f}" y2="{level:.1f}"><title>{told}</title></line>'
                    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>\n'
    )
