"""The results file: every number with what it was made of, and the bytes, protocol and code that it can be traced to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from biobench.files import write_text
from biobench.problems import Notice, ProblemsFound
from biobench.readers.defects import Defects
from biobench.readers.json_text import parse, read_text
from biobench.signature import Signature

__all__ = ["SCHEMA", "Baseline", "Coverage", "Results", "Score", "read_results"]

SCHEMA = "biobench/results/1"

Json = Mapping[str, "Json"] | list["Json"] | str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Score:
    """One number. ``value`` is None where it could not be made; ``reason`` says why that, or the interval, is missing.

    ``n`` is how many remarks or pairs it rests on, ``clusters`` how many people (or videos) they come from, ``interval`` how
    the bounds were made (``jackknife-t`` or ``wild-webb``), ``effective_clusters`` 1 / sum(w^2) of the clusters' shares.
    """

    protocol: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    confidence: float | None
    interval: str | None
    effective_clusters: float | None
    n: int
    clusters: int
    cluster_unit: str
    signature: str
    reason: str | None

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError(f"{self.metric} has neither a value nor a reason")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"{self.metric} has half an interval")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise ValueError(f"{self.metric} has the interval [{self.low}, {self.high}]")
        Signature.parse(self.signature)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what a protocol scores the predictions answer.

    ``segments`` are scored; ``predicted`` of them have an entry; ``missing`` are those without one in which the coach
    speaks (a VAR-2026 file can't name the others); ``unscored`` are entries for exercises that the protocol
    drops. ``predicted`` and the rest are None where the file has no segments (FitCoach's saved pairs).
    """

    segments: int
    predicted: int | None
    missing: tuple[str, ...] | None
    unscored: tuple[str, ...] | None
    skipped_records: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether no entry is missing; a silent exercise needs none."""
        return self.missing == ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """What stands beside a system, on the same segments: a blind system, or a second annotator where the data hold one."""

    name: str
    description: str
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """What ``evaluate`` gives. ``segments`` maps a protocol to one record a segment: remarks, pairs, and every metric's row.

    ``judges`` holds a record for each judge that was asked, with every raw reply; its form is the judge's own.
    """

    system: str
    predictions: Mapping[str, Json]
    benchmark: Mapping[str, Json]
    coverage: Mapping[str, Coverage]
    scores: tuple[Score, ...]
    baselines: tuple[Baseline, ...]
    notices: tuple[Notice, ...]
    segments: Mapping[str, tuple[Mapping[str, Json], ...]]
    environment: Mapping[str, str]
    judges: tuple[Mapping[str, Json], ...] = ()

    def score(self, metric: str, protocol: str | None = None) -> Score:
        """The score of a metric. ``protocol`` may be left out where only one was run. Raises ``KeyError``."""
        found = [s for s in self.scores if s.metric == metric and protocol in (None, s.protocol)]
        if len(found) != 1:
            have = ", ".join(f"{s.protocol} {s.metric}" for s in self.scores)
            raise KeyError(f"{len(found)} scores for {metric!r} under {protocol!r}; there are: {have}")
        return found[0]

    @property
    def failed(self) -> tuple[Score, ...]:
        """Scores that could not be made because something broke, as opposed to having nothing to score."""
        return tuple(
            score for score in self.scores if score.value is None and (score.reason or "").startswith("failed: ")
        )

    @property
    def judge_lines(self) -> tuple[str, ...]:
        """What the judges say to the user, a line each."""
        summaries = [record.get("summary") for record in self.judges]
        return tuple(str(line) for summary in summaries if isinstance(summary, list) for line in summary)

    def with_replies_in(self, path: Path) -> Results:
        """Writes the judges' records to a file of their own; here their ``items`` are then the digest of that file."""
        content = "[\n" + ",\n".join(_dumps(record) for record in self.judges) + "\n]\n"
        write_text(path, content)
        digest = hashlib.sha256(content.encode()).hexdigest()
        return replace(self, judges=tuple({**record, "items": {"sha256": digest}} for record in self.judges))

    def to_json(self) -> str:
        """Strict JSON, the same bytes for the same input; one line a score and a segment."""
        top: dict[str, object] = {
            "schema": SCHEMA,
            "system": self.system,
            "predictions": self.predictions,
            "benchmark": self.benchmark,
            "environment": self.environment,
            "notices": [asdict(notice) for notice in self.notices],
            "coverage": {name: asdict(coverage) for name, coverage in self.coverage.items()},
            "scores": [asdict(score) for score in self.scores],
        }
        baselines = [_with_scores(asdict(baseline)) for baseline in self.baselines]
        lines = [f"{_dumps(key)}: {_listed(value)}" for key, value in top.items()]
        parts = [f"{_dumps(name)}: {_listed(list(records))}" for name, records in self.segments.items()]
        lines.append('"baselines": [' + ",\n".join(baselines) + "]")
        if self.judges:
            lines.append('"judges": ' + _listed(list(self.judges)))
        lines.append('"segments": {' + ",\n".join(parts) + "}")
        return "{\n" + ",\n".join(lines) + "\n}\n"

    def write(self, path: Path) -> None:
        """Writes the file; on failure (``ProblemsFound``) what was there before is untouched."""
        write_text(path, self.to_json())


def read_results(path: Path) -> Results:
    """Reads a results file. Raises ``ProblemsFound`` with every problem."""
    source = read_text(path)
    top = parse(source)
    defects = Defects(source)
    if not isinstance(top, dict) or top.get("schema") != SCHEMA:
        found = top.get("schema") if isinstance(top, dict) else top
        hint = "biobench evaluate PREDS --out results.json writes one"
        defects.add((), found, f'a results file ("schema": "{SCHEMA}")', hint)
        raise ProblemsFound(defects.problems())
    _check(defects, (), top, _TOP)
    defects.raise_if_any()
    for k, value in enumerate(top["notices"]):
        _check(defects, ("notices", k), value, _NOTICE)
    for name, value in top["coverage"].items():
        _check(defects, ("coverage", name), value, _COVERAGE)
    for name, value in top["segments"].items():
        if not isinstance(value, list) or not all(isinstance(record, dict) for record in value):
            defects.add(("segments", name), value, "a list of objects, one a segment")
    for k, value in enumerate(top["baselines"]):
        _check(defects, ("baselines", k), value, _BASELINE)
    judges = top.get("judges", [])
    if not isinstance(judges, list) or not all(isinstance(record, dict) for record in judges):
        defects.add(("judges",), judges, "a list of objects, one a judge")
    scores = _scores(defects, ("scores",), top["scores"])
    defects.raise_if_any()
    baselines = tuple(
        Baseline(value["name"], value["description"], _scores(defects, ("baselines", k, "scores"), value["scores"]))
        for k, value in enumerate(top["baselines"])
    )
    defects.raise_if_any()
    if not top["system"].isprintable():
        defects.add(("system",), top["system"], "a printable name")
        defects.raise_if_any()
    return Results(
        system=top["system"],
        predictions=top["predictions"],
        benchmark=top["benchmark"],
        coverage={name: _coverage(value) for name, value in top["coverage"].items()},
        scores=scores,
        baselines=baselines,
        notices=tuple(Notice(**{key: value[key] for key in _NOTICE}) for value in top["notices"]),
        segments={name: tuple(records) for name, records in top["segments"].items()},
        environment=top["environment"],
        judges=tuple(judges),
    )


def _scores(defects: Defects, place: tuple[str | int, ...], values: list[object]) -> tuple[Score, ...]:
    scores = []
    for k, value in enumerate(values):
        before = len(defects)
        _check(defects, (*place, k), value, _SCORE)
        if len(defects) == before and isinstance(value, dict):
            try:
                scores.append(Score(**{key: value[key] for key in _SCORE}))
            except ValueError as error:
                defects.add_text((*place, k), str(error), "a score that holds together")
    if len({(score.protocol, score.metric) for score in scores}) < len(scores):
        defects.add_text(place, "a protocol and metric twice", "one score for each protocol and metric")
    return tuple(scores)


_Kinds = Mapping[str, tuple[type, ...]]
_NONE = type(None)
_TOP: _Kinds = {
    "system": (str,),
    "predictions": (dict,),
    "benchmark": (dict,),
    "environment": (dict,),
    "notices": (list,),
    "coverage": (dict,),
    "scores": (list,),
    "baselines": (list,),
    "segments": (dict,),
}
_BASELINE: _Kinds = {"name": (str,), "description": (str,), "scores": (list,)}
_NUMBER_OR_NULL = (int, float, _NONE)
_SCORE: _Kinds = {
    "protocol": (str,),
    "metric": (str,),
    "value": _NUMBER_OR_NULL,
    "low": _NUMBER_OR_NULL,
    "high": _NUMBER_OR_NULL,
    "confidence": _NUMBER_OR_NULL,
    "interval": (str, _NONE),
    "effective_clusters": _NUMBER_OR_NULL,
    "n": (int,),
    "clusters": (int,),
    "cluster_unit": (str,),
    "signature": (str,),
    "reason": (str, _NONE),
}
_NOTICE: _Kinds = {"code": (str,), "count": (int,), "text": (str,), "example": (str,)}
_COVERAGE: _Kinds = {
    "segments": (int,),
    "predicted": (int, _NONE),
    "missing": (list, _NONE),
    "unscored": (list, _NONE),
    "skipped_records": (list,),
}
_WORDS = {
    str: "a string",
    dict: "an object",
    list: "a list",
    int: "a number",
    float: "a number",
    _NONE: "null",
}


def _check(defects: Defects, path: tuple[str | int, ...], value: object, kinds: _Kinds) -> None:
    if not isinstance(value, dict):
        defects.add(path, value, "an object")
        return
    for key, accepted in kinds.items():
        if key not in value:
            defects.add_text(path, f"no {key}", f"{key}, " + _either(accepted))
        elif type(value[key]) not in accepted:
            defects.add((*path, key), value[key], _either(accepted))


def _either(kinds: tuple[type, ...]) -> str:
    return " or ".join(dict.fromkeys(_WORDS[kind] for kind in kinds))


def _coverage(value: Mapping[str, object]) -> Coverage:
    as_tuples = {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
    return Coverage(**{key: as_tuples[key] for key in _COVERAGE})  # type: ignore[arg-type]  # _check has seen the types


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _with_scores(record: dict[str, object]) -> str:
    scores = record.pop("scores")
    return _dumps(record)[:-1] + ', "scores": ' + _listed(list(scores)) + "}"  # type: ignore[call-overload]


def _listed(value: object) -> str:
    if not isinstance(value, list) or not value:
        return _dumps(value)
    return "[\n" + ",\n".join(_dumps(item) for item in value) + "\n]"
