"""SVG as text: elements with everything escaped, a figure with its name, and axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Axis", "axis_x", "axis_y", "element", "figure", "label", "number", "round_ticks", "title"]


def number(value: float) -> str:
    """A coordinate: one decimal is finer than a screen.

    >>> number(3.04), number(2.0)
    ('3', '2')
    """
    return f"{value:z.1f}".removesuffix(".0")


def element(name: str, *children: str, **attributes: str | float) -> str:
    """One element. Children are markup already; attribute values are escaped, and numbers are coordinates.

    ``class_`` stands for ``class``, and ``_`` in other names for ``-``.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def label(x: float, y: float, text: str, class_: str = "t", anchor: str = "start") -> str:
    """A text at a point."""
    return element("text", escape(text), x=x, y=y, class_=class_, text_anchor=anchor)


def title(text: str) -> str:
    """What a pointer sees on the element that this is a child of."""
    return element("title", escape(text))


def figure(width: float, height: float, name: str, parts: Iterable[str]) -> str:
    """A whole picture; ``name`` is read out instead of it."""
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_label=name,
    )


class Axis:
    """A range of values on a range of coordinates. An empty range of values becomes one around its value."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = min(values, default=0.0), max(values, default=1.0)
        if high - low < 1e-9:
            low, high = low - 0.5, high + 0.5
        self.ticks = round_ticks(low, high)
        self.low, self.high = min(low, self.ticks[0]), max(high, self.ticks[-1])
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        """The coordinate of a value; beyond the range it stays at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def round_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that cover a range.

    >>> round_ticks(0.12, 0.94)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = (high - low) / about
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(scale * factor for factor in (1, 2, 2.5, 5, 10) if scale * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def axis_x(axis: Axis, top: float, bottom: float, name: str) -> str:
    """Ticks below a plot, lines up through it, and what is measured."""
    parts = []
    for tick in axis.ticks:
        x = axis.at(tick)
        parts.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
        parts.append(label(x, bottom + 14, f"{tick:g}", "t dim", "middle"))
    parts.append(label((axis.start + axis.end) / 2, bottom + 30, name, "t", "middle"))
    return "".join(parts)


def axis_y(axis: Axis, left: float, right: float, name: str) -> str:
    """Ticks left of a plot, lines across it, and what is measured above them."""
    parts = []
    for tick in axis.ticks:
        y = axis.at(tick)
        parts.append(element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(label(left - 6, y + 4, f"{tick:g}", "t dim", "end"))
    parts.append(label(left - 40, axis.end - 10, name, "t"))
    return "".join(parts)
