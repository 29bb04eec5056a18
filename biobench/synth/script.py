"""What really happened and who said what: the records of the script. They are JSON-able; ``script.json`` holds them.

Times are seconds from a video's first frame, rounded to milliseconds. Repetitions are counted from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from biobench.synth.people import Person, Split

__all__ = [
    "ANNOTATORS",
    "EASY_KINDS",
    "SCRIPT_SCHEMA",
    "Annotator",
    "Defect",
    "Fault",
    "Kind",
    "Performance",
    "Remark",
    "Repetition",
    "Script",
    "Side",
    "SynthVideo",
    "Theme",
    "Unit",
]

SCRIPT_SCHEMA = "biobench/synth-script/1"

Side = Literal["left", "right"]
Kind = Literal["correction", "tempo", "instruction", "praise", "count"]
Theme = Literal[
    "correction", "severe", "again", "fixed", "clean", "effort", "done", "left", "seconds", "instruction", "general"
]
Unit = Literal["repetitions done", "repetitions left", "seconds left"]
Annotator = Literal["a", "b"]
Defect = Literal["count-mismatch", "to-the-last-frame", "same-remark-twice", "exercise-without-remarks"]

ANNOTATORS: tuple[Annotator, ...] = ("a", "b")
"""``a`` is the published reference; ``b`` looked at the same script alone and gives the human ceiling."""

EASY_KINDS: tuple[Kind, ...] = ("praise", "count")
"""What can be said without looking closely; their share is the mix."""


class Repetition(NamedTuple):
    """One repetition: its ``key`` moment is the lowest or furthest point.

    ``depth`` is its range, 1.0 being what the exercise asks for; ``fault_factor``, around 1, is how much the faults of
    the moment show in it; ``side`` is the leading side where repetitions alternate. A stretch's are breaths.
    """

    start_s: float
    key_s: float
    end_s: float
    depth: float
    fault_factor: float
    side: Side | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the catalogue, from one repetition to another, both included; ``severity`` from 0 to 1.

    ``corrected``: the person stopped making it before the exercise was over. ``start_s`` and ``end_s`` are the start of
    its first repetition and the end of its last.
    """

    id: str
    side: Side | None
    severity: float
    first_repetition: int
    last_repetition: int
    corrected: bool
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Performance:
    """One exercise of one video, from its transition (``start_s``) to the next one (``end_s``).

    ``exercise`` is the catalogue's name, ``spelling`` what the annotations call it.
    """

    exercise: str
    spelling: str
    side: Side | None
    start_s: float
    end_s: float
    repetitions: tuple[Repetition, ...]
    faults: tuple[Fault, ...]

    def shows(self, fault: Fault, number: int) -> bool:
        """Whether a fault can be seen in a repetition, counted from 1: one of the other side hides it."""
        side = self.repetitions[number - 1].side
        return fault.first_repetition <= number <= fault.last_repetition and (
            None in (side, fault.side) or side == fault.side
        )

    def severity(self, fault: Fault, number: int) -> float:
        """How bad a fault is in a repetition, 0 to 1; 0 where it does not show."""
        if not self.shows(fault, number):
            return 0.0
        return min(1.0, fault.severity * self.repetitions[number - 1].fault_factor)


@dataclass(frozen=True, slots=True)
class Remark:
    """What an annotator said, when, and why.

    It is said at ``time_s`` because of what was there to see at ``cause_s`` in ``repetition`` (0: before the first),
    and shown for ``shown_s``. ``fault``, ``side`` and ``severity`` are those of the cause (theme ``fixed``: a fault
    that has just gone; ``clean``: one that was never there). ``degrees`` is the angle of the fault in that repetition
    and ``target_degrees`` the one wanted: the only angles that its texts may name. ``number`` and ``unit`` are what a
    count counts. ``lay`` and ``bio`` say the same in everyday and in biomechanical words.
    """

    time_s: float
    cause_s: float
    shown_s: float
    kind: Kind
    theme: Theme
    repetition: int
    lay: str
    bio: str
    fault: str | None = None
    side: Side | None = None
    severity: float | None = None
    degrees: int | None = None
    target_degrees: int | None = None
    number: int | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class SynthVideo:
    """One video: who does what, and what each annotator said, one tuple of remarks an exercise.

    ``end_s`` is when the session is over (its last transition), ``duration_s`` the length of the video.
    """

    video: str
    person: str
    performances: tuple[Performance, ...]
    end_s: float
    duration_s: float
    remarks: Mapping[Annotator, tuple[tuple[Remark, ...], ...]]
    defect: Defect | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A whole split. ``mix`` is the share of praise and counts that was asked for, in percent."""

    split: Split
    seed: int
    mix: int
    people: tuple[Person, ...]
    videos: tuple[SynthVideo, ...]
