"""Stick figures of poses as SVG: approximate bodies, for looking at."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from biobench.body.kinematics import Build, in_camera, joint_positions
from biobench.body.skel import joints

__all__ = ["strip"]

Floats = NDArray[np.float64]

_CELL, _HEIGHT, _LEFT, _SCALE = 92.0, 150.0, 96.0, 66.0
_CAPTION = 18.0
_STYLE = (
    ".b{stroke:#5b6672;stroke-width:3;stroke-linecap:round;fill:none}.r{stroke:#0b5cad}.l{stroke:#b3541e}"
    ".h{fill:#5b6672}.f{stroke:#c8d0d8;stroke-width:1}.t{font:12px sans-serif;fill:#16202a}.d{fill:#52606d}"
    "@media(prefers-color-scheme:dark){.b{stroke:#a3b0bc}.h{fill:#a3b0bc}.r{stroke:#7db8f2}.l{stroke:#f0a06b}"
    ".t{fill:#e6ebf0}.d{fill:#a3b0bc}.f{stroke:#36424f}}"
)


def strip(rows: Sequence[tuple[str, Floats]], columns: Sequence[str], yaw_deg: float, title: str) -> str:
    """Rows of stick figures: a label and poses (columns, 46) in radians each, seen from ``yaw_deg`` (0: from the front).

    Right limbs are blue, left ones orange. Bodies are generic and stand, or lie, on the floor line.
    """
    width, height = _LEFT + _CELL * len(columns), _HEIGHT * len(rows) + _CAPTION
    parts = [f"<style>{_STYLE}</style>"]
    # Who lies is longer than a column is wide: then all are drawn smaller.
    widest = max(float(np.ptp(_seen(pose, yaw_deg)[:, 0])) for _, poses in rows for pose in np.asarray(poses))
    scale = min(_SCALE, (_CELL - 8) / widest)
    for k, column in enumerate(columns):
        x = _LEFT + (k + 0.5) * _CELL
        parts.append(f'<text class="t d" x="{x:.0f}" y="12" text-anchor="middle">{escape(column)}</text>')
    for r, (label, poses) in enumerate(rows):
        floor = _CAPTION + (r + 1) * _HEIGHT - 10
        parts += _label(label, floor)
        parts.append(f'<line class="f" x1="{_LEFT:.0f}" x2="{width:.0f}" y1="{floor:.0f}" y2="{floor:.0f}"/>')
        for k, pose in enumerate(np.asarray(poses)):
            parts.append(_figure(_seen(pose, yaw_deg) * scale, _LEFT + (k + 0.5) * _CELL, floor))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}</svg>\n'
    )


def _label(text: str, floor: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < 14:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    top = floor - 60 - 7 * len(lines)
    return [f'<text class="t" x="4" y="{top + 14 * k:.0f}">{escape(line)}</text>' for k, line in enumerate(lines)]


def _seen(pose: Floats, yaw_deg: float) -> Floats:
    """Where the joints are in the picture, (24, 2) metres: to the right and down."""
    turned = pose.copy()
    turned[2] += np.radians(yaw_deg)
    return in_camera(joint_positions(turned, Build()), turned)[:, :2]


def _figure(seen: Floats, x: float, floor: float) -> str:
    seen[:, 0] += x - (seen[:, 0].min() + seen[:, 0].max()) / 2
    seen[:, 1] += floor - 3 - seen[:, 1].max()
    lines = []
    for joint in joints():
        if joint.parent is None:
            continue
        side = " " + joint.name[-1] if joint.name[-2:] in {"_r", "_l"} else ""
        (x1, y1), (x2, y2) = seen[joint.parent], seen[joint.index]
        lines.append(f'<line class="b{side}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
    head = seen[13]
    up = head - seen[12]
    centre = head + up / max(float(np.hypot(*up)), 1e-9) * 6
    return "".join(lines) + f'<circle class="h" cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="7"/>'
