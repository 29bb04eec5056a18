"""The exercises: names and spellings, how they move, what form is good, and their faults; all from ``data/exercises.toml``."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

__all__ = [
    "Constraint",
    "Cycle",
    "Exercise",
    "ExerciseFault",
    "ExerciseKnowledge",
    "Extreme",
    "FaultMove",
    "Harm",
    "Target",
    "faults",
    "find_exercise",
    "knowledge",
    "names",
]

Harm = Literal["safety", "technique", "cosmetic"]
Priority = Literal["critical", "high", "medium"]
Extreme = Literal["max", "min"]
Signal = Literal["mean", "right", "lead", "left-minus-right"]
Provenance = Literal["S", "C"]


class Exercise(NamedTuple):
    """An exercise of the catalogue and, where the spelling gave one, the side (``left`` or ``right``)."""

    name: str
    side: str | None = None


class FaultMove(NamedTuple):
    """What a fault does to one degree of freedom, in degrees, with SKEL's sign for the right side.

    ``dof`` without a side means both sides, or the fault's own where it has one; on the left, and for a fault of the left
    in what has no side, the mirrored sign holds (``biobench.body.skel.mirror``). A fault of severity s moves it by s times
    ``severe_deg``; ``mild_deg`` and ``clear_deg`` are those at a third and at two thirds.
    """

    dof: str
    direction: Literal[-1, 1]
    mild_deg: float
    clear_deg: float
    severe_deg: float


class ExerciseFault(NamedTuple):
    """What people do wrong in an exercise.

    ``lay`` and ``clinical`` are short labels; a ``sided`` fault is one of the left or of the right; ``harm`` is the
    worst that it does; ``phase`` is where in a repetition it shows. An ``id`` is the same fault in every exercise.
    ``moves`` is what it does to the angles; ``tempo``, of a fault of tempo, what it makes of a repetition's time at its
    worst. ``sway``: to one side in one repetition and to the other in the next. ``uncertain``: angles show it badly.
    """

    id: str
    lay: str
    clinical: str
    sided: bool
    harm: Harm
    phase: str
    moves: tuple[FaultMove, ...] = ()
    tempo: float | None = None
    sway: bool = False
    uncertain: bool = False


class Cycle(NamedTuple):
    """Where an exercise's repetitions show.

    ``dof`` is a degree of freedom without its side, ``signal`` how its sides make one signal (``lead``: the side of a
    stretch), ``key`` whether the key moment is its greatest or least value; ``released`` is the one that BioCoach's
    released table uses.
    """

    dof: str
    signal: Signal
    key: Extreme
    released: str


class Constraint(NamedTuple):
    """A degree of freedom to watch: a dynamic one must reach the reference's ``extreme`` at the key moment.

    ``published``: whether BioCoach's table has this degree of freedom and priority; the others are here because a fault shows
    nowhere else. ``extreme`` is ours where the table's would miss the movement's aim.
    """

    dof: str
    priority: Priority
    extreme: Extreme = "max"
    published: bool = True


class Target(NamedTuple):
    """A range of good form, in degrees, in a phase. Provenance S has a source; C is a convention, no medical fact.

    ``measure`` is a degree of freedom without its side, or ``arm_elevation``.
    """

    measure: str
    low_deg: float
    high_deg: float
    phase: str
    provenance: Provenance
    source: str


class ExerciseKnowledge(NamedTuple):
    """What is known of an exercise. ``static`` must hold still, ``dynamic`` must reach the reference, ``also`` is ours.

    ``sided``: done on one side at a time, named in the data; ``alternating``: repetitions change sides; ``hold``: held,
    not repeated; ``phases`` of a repetition in order.
    """

    name: str
    sided: bool
    alternating: bool
    hold: bool
    phases: tuple[str, ...]
    cycle: Cycle
    static: tuple[Constraint, ...]
    dynamic: tuple[Constraint, ...]
    also: tuple[Constraint, ...]
    targets: tuple[Target, ...]
    faults: tuple[ExerciseFault, ...]


def names() -> tuple[str, ...]:
    """The names of the catalogue, sorted."""
    return tuple(sorted(set(_catalogue().values())))


def find_exercise(spelling: str) -> Exercise | None:
    """The exercise behind a spelling of the data, or None where the catalogue has none.

    >>> find_exercise("armcrosschest right")
    Exercise(name='deltoid stretch', side='right')
    >>> find_exercise("Push-Ups")
    Exercise(name='push ups', side=None)
    """
    words = re.findall(r"[^\W_]+", spelling.casefold())
    side = words.pop() if len(words) > 1 and words[-1] in {"left", "right"} else None
    name = _catalogue().get(_key(words))
    return Exercise(name, side) if name else None


def faults(exercise: str) -> tuple[ExerciseFault, ...]:
    """The faults of an exercise, under any of its spellings. Raises ``KeyError`` for one that the catalogue lacks.

    >>> [fault.id for fault in faults("Push-Ups") if fault.harm == "safety"]
    ['hips-sag', 'elbows-flared']
    """
    found = find_exercise(exercise)
    if found is None:
        raise KeyError(f"the catalogue has no exercise {exercise!r}")
    return _faults()[found.name]


def knowledge(exercise: str) -> ExerciseKnowledge:
    """What is known of an exercise, under any of its spellings. Raises ``KeyError`` as ``faults``.

    >>> knowledge("good morning beginner").cycle.dof, knowledge("squats").phases
    ('hip_flexion', ('descent', 'bottom', 'ascent'))
    """
    found = find_exercise(exercise)
    if found is None:
        raise KeyError(f"the catalogue has no exercise {exercise!r}")
    return _knowledge(found.name)


def _key(words: list[str]) -> str:
    return "".join(words).removesuffix("s")


@cache
def _catalogue() -> dict[str, str]:
    aliases: dict[str, list[str]] = _table()["aliases"]
    return {
        _key(re.findall(r"[^\W_]+", spelling)): name for name, others in aliases.items() for spelling in (name, *others)
    }


@cache
def _faults() -> dict[str, tuple[ExerciseFault, ...]]:
    rows: dict[str, dict[str, dict[str, Any]]] = _table()["faults"]
    return {
        name: tuple(ExerciseFault(id=fault, **fields, **_moves(name, fault)) for fault, fields in of_exercise.items())
        for name, of_exercise in rows.items()
    }


def _moves(exercise: str, fault: str) -> dict[str, Any]:
    row = _table()["moves_in"].get(exercise, {}).get(fault) or _table()["moves"][fault]
    moves = tuple(
        FaultMove(dof, 1 if worst > 0 else -1, abs(worst) / 3, abs(worst) * 2 / 3, float(abs(worst)))
        for dof, worst in row.get("worst", {}).items()
    )
    return {
        "moves": moves,
        "tempo": row.get("factor"),
        "sway": row.get("sway", False),
        "uncertain": row.get("low", False),
    }


@cache
def _knowledge(name: str) -> ExerciseKnowledge:
    row = _table()["movement"][name]
    minima = row.get("minima", [])

    def constraints(key: str, *, published: bool) -> tuple[Constraint, ...]:
        return tuple(
            Constraint(dof, priority, "min" if dof in minima else "max", published)
            for dof, priority in row.get(key, {}).items()
        )

    return ExerciseKnowledge(
        name=name,
        sided=row.get("sided", False),
        alternating=row.get("alternating", False),
        hold=row.get("hold", False),
        phases=tuple(row["phases"]),
        cycle=Cycle(**row["cycle"]),
        static=constraints("static", published=True),
        dynamic=constraints("dynamic", published=True),
        also=constraints("also", published=False),
        targets=tuple(
            Target(t["measure"], t["low"], t["high"], t["phase"], t["provenance"], t["source"]) for t in row["targets"]
        ),
        faults=_faults()[name],
    )


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("biobench").joinpath("data/exercises.toml").read_text(encoding="utf-8"))
