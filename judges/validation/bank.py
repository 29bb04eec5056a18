"""Base items: what really happened at moments of QEVD-synth, said by the studies' own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from biobench.synth.draw import Draw
from biobench.synth.make import VIDEOS, make_script
from biobench.synth.script import Performance, Remark
from biobench.synth.wording import in_words
from judges.validation.wordings import Statement, statements

__all__ = ["Base", "angle", "base_items"]

_SAID_ONCE = ("correction", "severe", "again")
_COUNTED = {"done": "done", "left": "left"}
_SHARE_OF_COUNTS = 0.08


@dataclass(frozen=True)
class Base:
    """A moment of the script and the statement about it.

    ``exercise``, ``side``, ``measured_deg``, ``target_deg`` and ``count`` are the script's; ``cluster`` is what base items share
    that are not independent: the thing that is said. ``id`` is stable as long as script and wordings are.
    """

    id: str
    video: str
    person: str
    exercise: str
    statement: Statement = field(repr=False)
    side: str | None = None
    measured_deg: int | None = None
    target_deg: int | None = None
    count: int | None = None

    @property
    def cluster(self) -> str:
        return self.statement.about

    def values(self, changed: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the holes of its texts are filled with, but for what is ``changed``."""
        own = {
            "side": self.side,
            "measured": None if self.measured_deg is None else angle(self.measured_deg),
            "target": None if self.target_deg is None else angle(self.target_deg),
            "n": None if self.count is None else str(self.count),
        }
        return {name: value for name, value in own.items() if value is not None} | dict(changed or {})

    def text(
        self,
        register: str = "reference",
        chosen: Mapping[str, int] | None = None,
        changed: Mapping[str, str] | None = None,
        without: str = "",
    ) -> str:
        """What is said in a register; true unless something is chosen or changed."""
        return self.statement.texts[register].render(self.values(changed), chosen, without)


def angle(degrees: int, style: str = "words") -> str:
    """An angle with its unit; ``style`` is words (110 degrees), sign (110°), spelt (one hundred and ten degrees), or radians.

    >>> angle(85), angle(85, "sign"), angle(85, "spelt"), angle(85, "radians")
    ('85 degrees', '85°', 'eighty-five degrees', '85 radians')
    """
    if style == "sign":
        return f"{degrees}°"
    number = in_words(degrees).replace("a hundred", "one hundred") if style == "spelt" else str(degrees)
    return f"{number} {'radians' if style == 'radians' else 'degrees'}"


@cache
def base_items(count: int, seed: int) -> tuple[Base, ...]:
    """``count`` base items of the test split, spread evenly over what can be said; no two say the same of one exercise.

    Raises ``ValueError`` where the script has fewer.
    """
    script = make_script("test", VIDEOS["test"])
    draw = Draw("judge studies", seed, "base")
    by_statement: dict[tuple[str, str], list[Base]] = {}
    seen = set()
    for video in script.videos:
        for performance, remarks in zip(video.performances, video.remarks["a"], strict=True):
            for place, remark in enumerate(remarks):
                for base in _of_remark(video.video, video.person, performance, place, remark):
                    said = (base.exercise, base.text())
                    if said not in seen:
                        seen.add(said)
                        by_statement.setdefault((base.statement.about, base.statement.kind), []).append(base)
    shuffled = {name: _shuffled(bases, draw) for name, bases in by_statement.items()}
    counts = [bases for (_, kind), bases in shuffled.items() if kind == "count"]
    others = [bases for (_, kind), bases in shuffled.items() if kind != "count"]
    found = _in_turn(counts, round(count * _SHARE_OF_COUNTS))
    found += _in_turn(others, count - len(found))
    if len(found) < count:
        raise ValueError(f"the script has {len(found)} base items, {count} are wanted")
    return tuple(found)


def _of_remark(video: str, person: str, performance: Performance, place: int, remark: Remark) -> list[Base]:
    """What the studies can say of a remark's cause: a fault with its angle or without, or a count."""
    name = f"{video}/{performance.exercise}/{place}"
    found = []
    for statement in statements():
        if statement.kind == "count":
            # Seconds have no statement of their own.
            wanted = remark.unit != "seconds left" and _COUNTED.get(remark.theme) == statement.about
            if wanted and remark.number is not None:
                base = Base(f"{name}/count", video, person, performance.exercise, statement, count=remark.number)
                found.append(base)
        elif remark.theme in _SAID_ONCE and remark.fault == statement.about:
            holes = frozenset().union(*(template.holes for template in statement.texts.values()))
            base = Base(
                f"{name}/{statement.kind}",
                video,
                person,
                performance.exercise,
                statement,
                remark.side,
                remark.degrees if statement.kind == "angle" else None,
                remark.target_degrees if statement.kind == "angle" else None,
            )
            if holes <= set(base.values()):
                found.append(base)
    return found


def _in_turn(groups: Sequence[Sequence[Base]], count: int) -> list[Base]:
    """One of each group, then another of each, until there are enough or no more."""
    longest = max(map(len, groups), default=0)
    return [group[turn] for turn in range(longest) for group in groups if turn < len(group)][:count]


def _shuffled(bases: Sequence[Base], draw: Draw) -> list[Base]:
    keyed = sorted((draw.unit(), k) for k in range(len(bases)))
    return [bases[k] for _, k in keyed]
