"""What there is by name: built-in metrics and protocols, and those that other packages bring through entry points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from biobench.metrics.base import Metric
from biobench.protocols import Protocol

__all__ = ["BrokenPlugin", "Registry", "by_group", "metrics", "protocols"]

T = TypeVar("T")

_TEXTS = ("meteor", "rouge_l", "bertscore")
_METRICS = {
    "t_precision": "biobench.metrics.temporal:TPrecision",
    "t_recall": "biobench.metrics.temporal:TRecall",
    "t_f_score": "biobench.metrics.temporal:TFScore",
    "meteor": "biobench.metrics.meteor:Meteor",
    "rouge_l": "biobench.metrics.rouge:RougeL",
    "bertscore_f1": "biobench.metrics.bertscore:BertScore",
    "t_lift": "biobench.metrics.lift:TLift",
    "t_skill": "biobench.metrics.lift:TSkill",
    "t_area": "biobench.metrics.timing:TArea",
    "t_f_score@0.5": "biobench.metrics.timing:TFScoreAt05",
    "t_f_score@1": "biobench.metrics.timing:TFScoreAt1",
    "t_f_score@2": "biobench.metrics.timing:TFScoreAt2",
    "t_f_score@3": "biobench.metrics.timing:TFScoreAt3",
    "t_f_score_shifted": "biobench.metrics.timing:BestShiftF",
    "best_shift_s": "biobench.metrics.timing:BestShift",
    "latency_q1_s": "biobench.metrics.pooled:LatencyQ1",
    "latency_median_s": "biobench.metrics.pooled:LatencyMedian",
    "latency_q3_s": "biobench.metrics.pooled:LatencyQ3",
    "false_alarms_per_min": "biobench.metrics.timing:FalseAlarms",
    "duplicate_share": "biobench.metrics.timing:DuplicateShare",
    "talk_overlap": "biobench.metrics.timing:TalkOverlap",
    "average_precision": "biobench.metrics.pooled:AveragePrecision",
    **{f"{text}_f": "biobench.metrics.coverage:TextF" for text in _TEXTS},
    **{f"{text}_lift": "biobench.metrics.coverage:TextLift" for text in _TEXTS},
    **{f"{text}_skill": "biobench.metrics.coverage:TextSkill" for text in _TEXTS},
    "soda_t": "biobench.metrics.coverage:SodaT",
}
_PROTOCOLS = {
    "biobench-1": "biobench.protocols:Biobench1",
    "qevd-2024": "biobench.protocols:Qevd2024",
    "var-2026": "biobench.protocols:Var2026",
}


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """An entry point that could not be loaded; the rest goes on without it."""

    name: str
    distribution: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} (from {self.distribution}): {self.reason}"


@dataclass(frozen=True)
class Registry(Generic[T]):
    """Classes by name. ``origin`` is "biobench" or the distribution that brought it."""

    built_in: Mapping[str, type[T]]
    plugins: Mapping[str, type[T]]
    origins: Mapping[str, str]
    broken: tuple[BrokenPlugin, ...]

    @property
    def all(self) -> dict[str, type[T]]:
        """Built-in first, plug-ins after them by name."""
        return {**self.built_in, **self.plugins}


@cache
def metrics() -> Registry[Metric]:
    """Every metric that is installed."""
    return by_group("biobench.metrics", _METRICS, Metric)


@cache
def protocols() -> Registry[Protocol]:
    """Every protocol that is installed."""
    return by_group("biobench.protocols", _PROTOCOLS, Protocol)


def by_group(group: str, built_in: Mapping[str, str], kind: type[T]) -> Registry[T]:
    """The subclasses of ``kind`` that are built in (as ``module:Class``) or come through an entry-point group."""
    loaded = {name: _load(target, kind) for name, target in built_in.items()}
    plugins: dict[str, type[T]] = {}
    origins = dict.fromkeys(built_in, "biobench")
    broken: list[BrokenPlugin] = []
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        distribution = point.dist.name if point.dist else "unknown"
        if point.name in origins:
            broken.append(BrokenPlugin(point.name, distribution, f"{origins[point.name]} has this name already"))
            continue
        try:
            plugins[point.name] = _checked(point.load(), kind, point.name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything; it is named
            broken.append(BrokenPlugin(point.name, distribution, f"{type(error).__name__}: {error}"))
            continue
        origins[point.name] = distribution
    return Registry(loaded, plugins, origins, tuple(broken))


def _load(target: str, kind: type[T]) -> type[T]:
    module, _, attribute = target.partition(":")
    return _checked(getattr(import_module(module), attribute), kind, None)


def _checked(found: object, kind: type[T], name: str | None) -> type[T]:
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise TypeError(f"found {found!r}, expected a subclass of {kind.__module__}.{kind.__name__}")
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise TypeError(f"{found.__name__} does not define {', '.join(missing)}")
    declared = getattr(found, "name", None)
    if name is not None and declared != name:
        raise TypeError(f"its entry point is called {name}, its class says name = {declared!r}")
    return found
