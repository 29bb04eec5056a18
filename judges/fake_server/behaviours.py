"""Behaviours by name, and how they are written on a command line: ``flaky:rate=0.1,kinds=429|500``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from judges.fake_server.answers import ANSWERS, Answer, Oracle
from judges.fake_server.base import Behaviour
from judges.fake_server.faults import FAULTS, Fault

__all__ = ["BEHAVIOURS", "Script", "parse", "parse_script"]

BEHAVIOURS: dict[str, type[Behaviour]] = {kind.name: kind for kind in (*ANSWERS, *FAULTS)}


@dataclass(frozen=True, slots=True)
class Script:
    """One answer behaviour and any number of faults, which act in order."""

    answer: Answer
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        """As on the command line, with spaces between them."""
        return " ".join(map(str, (self.answer, *self.faults)))


def parse(spec: str) -> Behaviour:
    """One behaviour from ``NAME[:key=value,...]``. Raises ``ProblemsFound`` with everything that is wrong with it.

    >>> str(parse("flaky:kinds=429|500,rate=0.1"))
    'flaky:rate=0.1,kinds=429|500'
    """
    name, colon, rest = spec.partition(":")
    kind = BEHAVIOURS.get(name)
    if kind is None:
        expected = "one of " + ", ".join(BEHAVIOURS)
        raise ProblemsFound([Problem("--behaviour", f'no behaviour "{name}"', expected, nearest(name, BEHAVIOURS))])
    problems: list[Problem] = []
    values: dict[str, object] = {}
    for pair in rest.split(",") if colon else ():
        key, equals, value = pair.partition("=")
        parameter = kind.parameters().get(key)
        if parameter is None or not equals:
            problems.append(Problem("--behaviour", f'"{pair}" in {spec}', f"key=value as in {kind.usage()}"))
        elif key in values:
            problems.append(Problem("--behaviour", f"{key} twice in {spec}", "it once"))
        else:
            values[key] = None
            try:
                values[key] = parameter.read(value)
            except ValueError:
                problems.append(Problem("--behaviour", f'{key}="{value}" in {spec}', parameter.expected))
    problems += [
        Problem("--behaviour", f"no {f.name} in {spec}", f"{f.name}=..., as in {kind.usage()}")
        for f in fields(kind)
        if f.default is MISSING and f.name not in values
    ]
    if problems:
        raise ProblemsFound(problems)
    return kind(**values)


def parse_script(specs: Iterable[str]) -> Script:
    """Several behaviours, of which one at most says what is answered (by default ``oracle``). Raises ``ProblemsFound``."""
    problems: list[Problem] = []
    answers: list[Answer] = []
    faults: list[Fault] = []
    for spec in specs:
        try:
            behaviour = parse(spec)
        except ProblemsFound as found:
            problems += found.problems
            continue
        if isinstance(behaviour, Answer):
            answers.append(behaviour)
        elif isinstance(behaviour, Fault):
            faults.append(behaviour)
    if len(answers) > 1:
        names = " and ".join(answer.name for answer in answers)
        problems.append(Problem("--behaviour", names, "one that says what is answered"))
    if problems:
        raise ProblemsFound(problems)
    return Script(answers[0] if answers else Oracle(), tuple(faults))
