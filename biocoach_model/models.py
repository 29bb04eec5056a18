"""The models of ``biobench predict``: the two small ones that come with the package, and any that ``biobench train`` made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from biobench.cli.judge_options import progress_bar
from biobench.models import (
    Failure,
    Model,
    Option,
    Options,
    PartlyFailed,
    choice,
    exercise_segments,
    number,
    options_by_name,
)
from biobench.problems import Problem, ProblemsFound
from biobench.records import Benchmark, Entry, Feedback, Segment

if TYPE_CHECKING:
    from biobench.synth.bodies import PoseErrors
    from biocoach_model.coach import BioCoach, Seen
    from biocoach_model.inputs import SegmentInputs

__all__ = ["BioCoachMini", "StreamVLMMini", "TrainedModel", "answers"]

_TIMING = Option("timing", "fixed", "fixed: the time of the newest row seen; official: upstream's reckoning")
_BATCH = Option("batch", 16, "exercises decoded at once", least=1, most=1024, private=True)
_AS_TRAINED = "as trained"
_DEVICE = Option("device", "auto", "auto, cpu or cuda", private=True)


class TrainedModel(Model):
    """A folder that ``biobench train`` wrote."""

    name = "trained"
    summary = "says what a model of biobench train says"
    options = options_by_name(
        Option("folder", "", "the model's folder", private=True),
        _TIMING,
        _BATCH,
        _DEVICE,
        Option("motion", _AS_TRAINED, "context, name or none: other than it was trained, to see what it is worth"),
        Option("selector", _AS_TRAINED, "learned, table or none, likewise"),
        Option("morphometrics", _AS_TRAINED, "yes or no, likewise"),
    )

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        torch = _torch()
        changes = _changes(options)
        from biocoach_model.folders import load_coach  # noqa: PLC0415 - torch

        coach = load_coach(self.folder(options), _device(torch, str(options["device"])), **changes)
        return answers(
            coach, benchmark, timing=choice(options, "timing", "fixed", "official"), batch=int(number(options, "batch"))
        )

    def provenance(self, options: Options) -> Mapping[str, object]:
        _torch()
        from biocoach_model.folders import ModelFolder  # noqa: PLC0415 - torch

        folder = ModelFolder(self.folder(options))
        base = None if folder.base is None else ModelFolder(folder.base).sha256
        return {"weights_sha256": folder.sha256, **({} if base is None else {"backbone_sha256": base})}

    def folder(self, options: Options) -> Path:
        """Where the weights are. Raises ``ProblemsFound`` where the option is missing."""
        folder = str(options["folder"])
        if not folder:
            expected = "--option folder=DIR, a folder that biobench train wrote"
            raise ProblemsFound([Problem("--option folder", "none", expected)])
        return Path(folder)


class _Bundled(TrainedModel):
    """A model that comes with the package."""

    bundled: ClassVar[str]
    options = options_by_name(_TIMING, _BATCH, _DEVICE)

    def folder(self, options: Options) -> Path:  # noqa: ARG002 - they have no folder
        from biocoach_model.folders import BUNDLED  # noqa: PLC0415 - torch

        return BUNDLED / self.bundled


class StreamVLMMini(_Bundled):
    """The small backbone alone: what the camera sees."""

    name = bundled = "streamvlm-mini"
    summary = "a small Stream-VLM, trained on QEVD-synth: sees features, reads nothing"


class BioCoachMini(_Bundled):
    """The small BioCoach: the same backbone, with motion context, measures and selected joints."""

    name = bundled = "biocoach-mini"
    summary = "a small BioCoach, trained on QEVD-synth: sees features and reads the motion context"


def answers(
    coach: BioCoach,
    benchmark: Benchmark,
    *,
    timing: str = "fixed",
    batch: int = 16,
    morphometric_dir: str | None = None,
    errors: PoseErrors | None = None,
) -> list[Entry]:
    """A coach's remarks for every exercise. ``errors`` are those of poses that are rendered from a script.

    Raises ``PartlyFailed`` where the inputs of some exercises can't be used.
    """
    from biobench.synth.bodies import PoseErrors  # noqa: PLC0415 - only to predict
    from biocoach_model.inputs import InputFailure, Inputs  # noqa: PLC0415

    segments = exercise_segments(benchmark)
    inputs = Inputs.open(
        benchmark,
        features=True,
        poses=coach.settings.motion == "context",
        measures=coach.settings.morphometrics,
        morphometric_dir=morphometric_dir,
        errors=PoseErrors() if errors is None else errors,
    )
    said: dict[str, tuple[Feedback, ...]] = {}
    failures: list[Failure] = []
    # As many at a time as are decoded at once: features of a whole benchmark would not fit everywhere.
    with progress_bar() as told:
        for first in range(0, len(segments), batch):
            waiting: dict[str, Seen] = {}
            for segment in segments[first : first + batch]:
                try:
                    waiting[segment.id] = _seen(inputs.of(segment), segment, coach.stream.xattn.vision_feat_dim)
                except InputFailure as failure:
                    failures.append(Failure(segment.id, str(failure)))
            said |= dict(zip(waiting, coach.say(list(waiting.values()), timing=timing, batch=batch), strict=True))
            if told is not None:
                told("exercises", min(first + batch, len(segments)), len(segments))
    entries = [Entry(segment.id, said.get(segment.id, ())) for segment in segments]
    if failures:
        raise PartlyFailed(entries, failures)
    return entries


def _seen(found: SegmentInputs, segment: Segment, channels: int) -> Seen:
    from biocoach_model.coach import Seen  # noqa: PLC0415 - torch
    from biocoach_model.inputs import InputFailure  # noqa: PLC0415 - only to predict

    if found.features is None or found.features.shape[1] != channels:
        given = 0 if found.features is None else found.features.shape[1]
        raise InputFailure(f"features of {given} channels, the model reads {channels}")
    return Seen(segment.exercise, found.features, found.feature_times_s, found.motion, found.measures)


def _changes(options: Options) -> dict[str, object]:
    """Other settings of the coach than those it was trained with."""
    allowed = {
        "motion": ("context", "name", "none"),
        "selector": ("learned", "table", "none"),
        "morphometrics": ("yes", "no"),
    }
    given = {name: choice(options, name, _AS_TRAINED, *values) for name, values in allowed.items() if name in options}
    changes: dict[str, object] = {name: value for name, value in given.items() if value != _AS_TRAINED}
    if "morphometrics" in changes:
        changes["morphometrics"] = changes["morphometrics"] == "yes"
    return changes


def _device(torch: object, name: str) -> str:
    cuda: Callable[[], bool] = torch.cuda.is_available  # type: ignore[attr-defined]
    if name == "auto":
        return "cuda" if cuda() else "cpu"
    if name not in ("cpu", "cuda") or (name == "cuda" and not cuda()):
        found = "cuda, and torch sees no GPU" if name == "cuda" else f'"{name}"'
        raise ProblemsFound([Problem("--option device", found, "auto, cpu or cuda")])
    return name


def _torch() -> object:
    """torch, or how to get it. Raises ``ProblemsFound``."""
    try:
        import torch  # noqa: PLC0415 - slow to load, and only in the extra
        import transformers  # noqa: F401, PLC0415
    except ImportError as error:
        found = f"no package {error.name}"
        raise ProblemsFound([Problem("the model", found, "pip install 'biobench[model]'")]) from error
    return torch
