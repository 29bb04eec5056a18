"""What is odd in predictions but accepted, counted; and whether their times are on another clock than the file says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from biobench.problems import Notice
from biobench.readers.defects import Defects

__all__ = ["Clock", "Tally"]

_MARGIN_S = 60.0
_SHIFT_S = 28800.0
_NOTICES = {
    "unsorted": "entries whose times are not in order (the published protocols depend on the order)",
    "blank": "blank remarks",
    "before-start": "remarks before the start of their segment",
    "after-end": "remarks after the end of their segment",
    "outside-exercises": "remarks outside every exercise, scored nowhere",
    "unknown-keys": "keys that are not read",
}
_SMALL_S = 1e6
"""Below this a number can't be Unix time, above it can't be time within a video."""


@dataclass
class Tally:
    """Counts of what is odd but accepted, with the place of the first."""

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, code: str, count: int, place: str) -> None:
        """Counts ``count`` more of a kind; the first place is kept."""
        if count:
            self.counts[code] = self.counts.get(code, 0) + count
            self.first.setdefault(code, place)

    def notices(self) -> tuple[Notice, ...]:
        """One notice a kind that occurred."""
        return tuple(
            Notice(code, self.counts[code], text, self.first[code])
            for code, text in _NOTICES.items()
            if code in self.counts
        )


@dataclass
class Clock:
    """Whether the times of a file could be on another clock than the file says."""

    entries: int = 0
    fitting: int = 0
    shifted_early: int = 0
    shifted_late: int = 0
    too_small: int = 0
    too_large: int = 0
    first: tuple[tuple[str | int, ...], int | None] = ((), None)

    def see(
        self, times: Sequence[float], low: float, high: float, path: tuple[str | int, ...], line: int | None
    ) -> None:
        """Takes in the times of one entry, whose segment runs from ``low`` to ``high`` on the clock the file claims."""
        if not times:
            return
        if not self.entries:
            self.first = path, line
        self.entries += 1
        least, most = min(times), max(times)

        def fits(shift: float) -> bool:
            return most + shift >= low - _MARGIN_S and least + shift <= high + _MARGIN_S

        self.fitting += fits(0.0)
        self.shifted_early += fits(_SHIFT_S)
        self.shifted_late += fits(-_SHIFT_S)
        self.too_small += low > _SMALL_S and max(abs(least), abs(most)) < _SMALL_S
        self.too_large += high < _SMALL_S and least > _SMALL_S

    def check(self, defects: Defects, expected: str) -> None:
        """Adds a defect where no entry fits its segment and one explanation fits them all."""
        if not self.entries or self.fitting:
            return
        explanations = (
            (self.shifted_early, "times that are all about 28,800 s early",
             "this is Unix time without the annotation clock's shift; add 28800 to every time"),
            (self.shifted_late, "times that are all about 28,800 s late",
             "the annotation clock's shift seems to be added twice; subtract 28800 from every time"),
            (self.too_small, "times that count from a start, in every entry",
             'absolute times are expected here; add the start, or use the native form with "time": "segment" or "video"'),
            (self.too_large, "absolute (Unix) times in every entry", 'say "time": "unix"'),
        )  # fmt: skip
        for count, found, hint in explanations:
            if count == self.entries:
                path, defects.line = self.first
                defects.add_text(path, found, expected, hint)
                return
