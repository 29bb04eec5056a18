"""Systems that can be run here: the interface that packages implement, and how a model is found and run by its name.

A package names its models as entry points of the group ``biobench.models``; ours are in ``docs/baselines.md``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from biobench.exercises import find_exercise
from biobench.problems import Problem, ProblemsFound
from biobench.protocols import Biobench1, RecordUnusable, SkippedRecord
from biobench.readers.defects import nearest
from biobench.readers.json_locate import shown
from biobench.records import Benchmark, Entry, Segment, Session
from biobench.registry import Registry, by_group

__all__ = [
    "Failure",
    "Model",
    "Option",
    "OptionValue",
    "Options",
    "PartlyFailed",
    "choice",
    "exercise_segments",
    "find_model",
    "models",
    "number",
    "options_by_name",
    "parse_options",
    "run_model",
    "system_name",
    "unusable_records",
    "with_defaults",
]

OptionValue = float | str
Options = Mapping[str, OptionValue]

_LONGEST_NAME = 200
_LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a model.

    A ``default`` that is a string makes it a text, any other makes it a number between ``least`` and ``most``. None is
    a number that the model works out itself; it is absent from the options that ``predict`` gets.
    """

    name: str
    default: OptionValue | None
    summary: str
    unit: str = ""
    least: float = -math.inf
    most: float = math.inf
    private: bool = False

    def __str__(self) -> str:
        """``period_s = 5 s: from one remark to the next``."""
        value = "" if self.default is None else f" = {_written(self.default)}{self.unit and ' ' + self.unit}"
        return f"{self.name}{value}: {self.summary}"


class Failure(NamedTuple):
    """Where a model could say nothing because something was wrong, and what."""

    where: str
    reason: str


class PartlyFailed(Exception):  # noqa: N818 - not an error of the caller
    """Raised by ``predict`` once everything else is done: some videos or exercises could not be answered.

    ``entries`` is the whole answer, in which those are silent; ``failures`` says which and why. The command writes the
    answer, names every failure, and exits with 1.
    """

    def __init__(self, entries: Sequence[Entry], failures: Sequence[Failure]) -> None:
        super().__init__(f"{len(failures)} could not be answered")
        self.entries, self.failures = tuple(entries), tuple(failures)


class Model(ABC):
    """A system that turns a benchmark into remarks. A subclass sets the class variables and says ``predict``."""

    name: ClassVar[str]
    """Lower case, as it is typed; the entry point has the same name."""
    summary: ClassVar[str]
    """What it says and when, in one line."""
    options: ClassVar[Mapping[str, Option]] = {}
    """By name; see ``options_by_name``."""
    needs_references: ClassVar[bool] = False
    """Whether it reads the reference remarks, which a competition split does not have."""

    @abstractmethod
    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> Sequence[Entry]:
        """One entry for each of ``exercise_segments(benchmark)``, in that order; times from the segment's start.

        ``options`` holds every option, those not given with their defaults. The same arguments give the same remarks.
        Raises ``PartlyFailed``, with the whole answer, where a video or an exercise could not be answered.
        """

    def provenance(self, options: Options) -> Mapping[str, object]:  # noqa: ARG002 - for those that override it
        """What the remarks were made with besides options and seed: weights, checksums, a prompt's version; JSON values."""
        return {}

    def data_root(self, options: Options) -> str | None:  # noqa: ARG002 - for those that override it
        """The data that the options name, where a model has its own settings file; None: the command's ``--data``."""
        return None


def models() -> Registry[Model]:
    """Every model that is installed."""
    return by_group("biobench.models", {}, Model)  # type: ignore[type-abstract]  # plug-ins are checked against it


def find_model(name: str) -> Model:
    """The model of that name. Raises ``ProblemsFound`` with the nearest name, or with why it can't be loaded."""
    known = models()
    if name in known.all:
        return known.all[name]()
    for broken in known.broken:
        if broken.name == name:
            raise ProblemsFound([Problem("the model", f"a broken plug-in, {broken}", "one that can be loaded")])
    expected = "one of " + ", ".join(known.all) if known.all else "an installed model, and there are none"
    raise ProblemsFound([Problem("the model", f"no model {shown(name)}", expected, nearest(name, known.all))])


def exercise_segments(benchmark: Benchmark) -> tuple[Segment, ...]:
    """Every exercise of a benchmark as biobench-1 cuts it, silent ones included, in the order of the records.

    Those of a competition split come without remarks. A record that can't be cut has none: see ``unusable_records``.
    """
    found: list[Segment] = []
    for session in benchmark.sessions:
        cut = _cut(session)
        if not isinstance(cut, str):
            found += cut
    return tuple(found)


def unusable_records(benchmark: Benchmark) -> tuple[SkippedRecord, ...]:
    """The records that can't be cut into exercises, and why; ``run_model`` is silent in their exercises."""
    cuts = ((session, _cut(session)) for session in benchmark.sessions)
    return tuple(SkippedRecord(session.record, session.video, cut) for session, cut in cuts if isinstance(cut, str))


def options_by_name(*options: Option) -> Mapping[str, Option]:
    """Options as a model declares them."""
    return {option.name: option for option in options}


def number(options: Options, name: str) -> float:
    """The value of an option that is a number. Raises ``TypeError`` where it is a text."""
    value = options[name]
    if isinstance(value, str):
        raise TypeError(f"{name} is a text, expected a number")
    return value


def choice(options: Options, name: str, *choices: str) -> str:
    """The value of an option that is one of a few words. Raises ``ProblemsFound`` for any other."""
    value = str(options[name])
    if value not in choices:
        raise ProblemsFound([Problem(f"--option {name}", shown(value), "one of " + ", ".join(choices))])
    return value


def parse_options(model: Model, given: Sequence[str]) -> dict[str, OptionValue]:
    """``KEY=VALUE`` words become values of the model's options. Raises ``ProblemsFound`` with everything wrong."""
    values: dict[str, OptionValue] = {}
    problems: list[Problem] = []
    for word in given:
        name, equals, text = word.partition("=")
        if not equals:
            problems.append(Problem("--option", shown(word), "KEY=VALUE, such as --option period_s=3"))
        elif name in values:
            problems.append(Problem("--option", f"{shown(name)} again", "every option once"))
        else:
            option = model.options.get(name)
            values[name] = text if option is None or isinstance(option.default, str) else _parsed(text)
    problems += _option_problems(model, values)
    if problems:
        raise ProblemsFound(problems)
    return values


def run_model(model: Model, benchmark: Benchmark, given: Options, seed: int = 0) -> tuple[Entry, ...]:
    """What a model says: one entry for every exercise of the benchmark, in its order.

    Defaults fill the options that are not ``given``. The exercises of a record that can't be cut are silent.
    Raises ``ProblemsFound`` for options that are wrong, references that are missing, or a model that leaves out,
    repeats or reorders exercises; ``PartlyFailed``, with such entries, where the model does.
    """
    problems = _option_problems(model, given)
    if model.needs_references and not benchmark.has_references:
        found = f"the split {benchmark.split}, which has no reference remarks"
        problems.append(Problem(benchmark.source, found, f"annotated data, which {model.name} reads"))
    if problems:
        raise ProblemsFound(problems)
    try:
        return _complete(model, benchmark, model.predict(benchmark, with_defaults(model, given), seed))
    except PartlyFailed as partly:
        raise PartlyFailed(_complete(model, benchmark, partly.entries), partly.failures) from partly


def with_defaults(model: Model, given: Options) -> dict[str, OptionValue]:
    """Every option of a model: those given, the others with their defaults."""
    defaults = {name: option.default for name, option in model.options.items() if option.default is not None}
    return {**defaults, **given}


def _complete(model: Model, benchmark: Benchmark, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries, with silence for records that can't be cut. Raises ``ProblemsFound`` where they are not one an exercise."""
    wanted, said = [segment.id for segment in exercise_segments(benchmark)], [entry.key for entry in entries]
    if said != wanted:
        at = next(
            (k for k, (a, b) in enumerate(zip(said, wanted, strict=False)) if a != b), min(len(said), len(wanted))
        )
        found = f"{shown(said[at]) if at < len(said) else 'no more entries'} as entry {at}"
        expected = shown(wanted[at]) if at < len(wanted) else "no more entries"
        raise ProblemsFound([Problem(f"the model {model.name}", found, f"{expected}: every exercise once, in order")])
    by_key = dict(entries)
    return tuple(Entry(key, by_key.get(key, ())) for session in benchmark.sessions for key in session.segment_ids)


def system_name(model: Model, given: Options, seed: int) -> str:
    """The model and what was set differently, as the predictions file names the system: ``metronome period_s=3``."""
    changed = {
        name: value
        for name, value in given.items()
        if name in model.options and value != model.options[name].default and not model.options[name].private
    }
    words = [model.name, *(f"{name}={_written(value)}" for name, value in changed.items())]
    if seed:
        words.append(f"seed={seed}")
    name = " ".join(words)
    # A text may hold what a system's name must not: then the numbers have to do.
    if name.isprintable() and len(name) <= _LONGEST_NAME:
        return name
    return " ".join(
        [model.name, *(f"{name}={value:g}" for name, value in changed.items() if not isinstance(value, str))]
    )


def _cut(session: Session) -> Sequence[Segment] | str:
    """The session's segments, or why there are none."""
    if not session.listed_exercises:
        try:
            return Biobench1().cut(session)
        except RecordUnusable as reason:
            return str(reason)
    segments = []
    for key, (spelling, start_s, end_s) in zip(session.segment_ids, session.listed_exercises, strict=True):
        found = find_exercise(spelling)
        name = spelling if found is None else " ".join(filter(None, found))
        segments.append(Segment(key, session.video, name, start_s, end_s - start_s, (), session.subject))
    return segments


def _parsed(text: str) -> OptionValue:
    """The number that a text writes, or the text itself, which is then a problem."""
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text


def _option_problems(model: Model, given: Options) -> list[Problem]:
    problems = []
    for name, value in given.items():
        option = model.options.get(name)
        if option is None:
            expected = "one of " + ", ".join(model.options) if model.options else "none: it has no options"
            found = f"no option {shown(name)} of {model.name}"
            problems.append(Problem("--option", found, expected, nearest(name, model.options)))
        elif isinstance(option.default, str):
            if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
                expected = f"a text of 1 to {_LONGEST_TEXT} characters"
                problems.append(Problem(f"--option {name}", shown(value), expected, option.summary))
        elif isinstance(value, str) or not math.isfinite(value) or not option.least <= value <= option.most:
            expected = "a finite number" + (f" of {option.unit}" if option.unit else "")
            expected += f", at least {option.least:g}" if math.isfinite(option.least) else ""
            expected += f", at most {option.most:g}" if math.isfinite(option.most) else ""
            problems.append(Problem(f"--option {name}", shown(value), expected, option.summary))
    return problems


def _written(value: OptionValue) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
