"""A training from its settings file: the data, the model, the loop, and the folder that comes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import LlamaConfig

import biobench
from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from biobench.readers.qevd import load_benchmark
from biobench.records import Benchmark
from biocoach_model.adapters import GRID, XAttn
from biocoach_model.calibration import best_bias
from biocoach_model.coach import BioCoach, CoachSettings
from biocoach_model.codec import SmallCodec, learned_codec
from biocoach_model.folders import BUNDLED, ModelFolder, load_coach, save_coach, save_stream
from biocoach_model.fusion import MorphometricFusion
from biocoach_model.inputs import InputFailure
from biocoach_model.selector import JointSelector
from biocoach_model.streamvlm import SpecialTokens, StreamVLM
from biocoach_model.training.examples import Example, prepared
from biocoach_model.training.loop import TrainingReport, train
from biocoach_model.training.settings import TrainingSettings, settings_from
from biocoach_model.training.stages import GO_ON_WEIGHT, CoachTask, StreamTask

__all__ = ["Plan", "Trained", "read_plan", "run_plan", "run_prepared"]

_STAGES = ("streamvlm", "biocoach")
_SHAPE: Mapping[str, int] = {
    "vocabulary": 1536,
    "hidden": 192,
    "intermediate": 512,
    "layers": 5,
    "heads": 6,
    "attn_dim": 128,
    "longest": 1536,
    "selector_hidden": 64,
}
_DATA: Mapping[str, type] = {"root": str, "split": str, "annotations": str, "validation_videos": int}

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a settings file asks for. ``shape`` sizes of the modules; ``base`` the backbone's folder of a ``biocoach`` stage."""

    stage: str
    root: str | None
    split: str
    annotations: str | None
    validation_videos: int
    shape: Mapping[str, int]
    adapter_layers: tuple[int, ...]
    base: Path | None
    coach: CoachSettings
    context_share: float
    name_share: float
    go_on_weight: float
    selector_weight: float
    biases: tuple[float, ...]
    training: TrainingSettings


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it; the videos that could not be read are the failures."""

    report: TrainingReport
    parameters: int
    answer_bias: float
    failures: tuple[InputFailure, ...]


def read_plan(path: Path) -> Plan:
    """A plan from YAML. Raises ``ProblemsFound`` with everything that is wrong in it."""
    where = str(path)
    if not path.is_file():
        raise ProblemsFound([Problem(where, "no such file", "a YAML file with a training's settings")])
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        found = f"a file that can't be read ({' '.join(str(error).split())[:200]})"
        raise ProblemsFound([Problem(where, found, "a YAML file with a training's settings")]) from error
    if not isinstance(content, dict):
        raise ProblemsFound([Problem(where, "a file without settings", "keys such as stage, data, model, training")])
    read = _Reader(where)
    known = ("stage", "data", "model", "base", "coach", "learn", "training")
    read.keys(content, known, "")
    stage = content.get("stage")
    if stage not in _STAGES:
        read.problems.append(Problem(where, f"stage: {stage!r}", "one of " + ", ".join(_STAGES)))
    data = read.part(content, "data", _DATA)
    shape = read.part(content, "model", {**dict.fromkeys(_SHAPE, int), "adapter_layers": list})
    learn = read.part(
        content,
        "learn",
        {
            "context_share": float,
            "name_share": float,
            "go_on_weight": float,
            "selector_weight": float,
            "answer_biases": list,
        },
    )
    coach = read.part(content, "coach", {f.name: object for f in fields(CoachSettings)})
    read.numbers("model", shape, {**dict.fromkeys(_SHAPE, (1, math.inf)), "vocabulary": (300, 65_536)})
    read.numbers("data", data, {"validation_videos": (1, math.inf)})
    read.numbers(
        "learn",
        learn,
        {
            "context_share": (0, 1),
            "name_share": (0, 1),
            "go_on_weight": (0, math.inf),
            "selector_weight": (0, math.inf),
        },
    )
    sizes = {**_SHAPE, **shape}
    adapters, biases = shape.get("adapter_layers", [0]), learn.get("answer_biases", [0.0])
    if not all(type(k) is int and 0 <= k < sizes["layers"] for k in adapters) or not adapters:
        read.problems.append(Problem(where, f"model.adapter_layers: {adapters}", f"layers 0 to {sizes['layers'] - 1}"))
    if not biases or not all(type(b) in (int, float) and math.isfinite(b) for b in biases):
        read.problems.append(Problem(where, f"learn.answer_biases: {biases}", "a list of numbers, such as [0.0, 0.5]"))
    given = content.get("model") or {}
    given = given if isinstance(given, dict) else {}
    whole = all(type(given.get(name, 1)) is int and given.get(name, 1) >= 1 for name in ("hidden", "heads"))
    if whole and sizes["hidden"] % (2 * sizes["heads"]):
        found = f"model.hidden: {sizes['hidden']} for {sizes['heads']} heads"
        read.problems.append(Problem(where, found, "a multiple of twice the heads"))
    read.choices(coach)
    if stage == "biocoach" and coach.get("selector") == "none" and coach.get("morphometrics") is False:
        found = "coach.selector: none and coach.morphometrics: false"
        read.problems.append(Problem(where, found, "one of the two: nothing else learns in this stage"))
    base = content.get("base")
    if stage == "biocoach" and not isinstance(base, str):
        read.problems.append(
            Problem(where, f"base: {base!r}", "the folder of the backbone, or the name of a bundled one")
        )
    try:
        training = settings_from(content.get("training") or {}, where)
    except ProblemsFound as found_problems:
        read.problems += found_problems.problems
        training = TrainingSettings()
    if read.problems:
        raise ProblemsFound(read.problems)
    return Plan(
        stage=str(stage),
        root=data.get("root"),
        split=data.get("split", "train"),
        annotations=data.get("annotations"),
        validation_videos=data.get("validation_videos", 20),
        shape={**_SHAPE, **{name: value for name, value in shape.items() if name in _SHAPE}},
        adapter_layers=tuple(shape.get("adapter_layers", (0, 2))),
        base=None if base is None else _base(str(base)),
        coach=CoachSettings(**coach),
        context_share=float(learn.get("context_share", 0.5)),
        name_share=float(learn.get("name_share", 0.0)),
        go_on_weight=float(learn.get("go_on_weight", GO_ON_WEIGHT)),
        selector_weight=float(learn.get("selector_weight", 1.0)),
        biases=tuple(float(b) for b in learn.get("answer_biases", (0.0,))),
        training=training,
    )


def run_plan(
    plan: Plan,
    out: Path,
    *,
    data: str | None = None,
    resume: bool = False,
    processes: int = 1,
    told: Told | None = None,
) -> Trained:
    """Trains and writes the model's folder. ``told(what, done, total)`` hears of the progress.

    Raises ``ProblemsFound`` for data that can't be learned from.
    """
    if plan.base is not None:
        _check_backbone(plan.base)
    benchmark = load_benchmark(data or plan.root, plan.split, plan.annotations)
    examples, failures = prepared(
        benchmark,
        plan.coach,
        processes=processes,
        progress=None if told is None else lambda done, total: told("videos read", done, total),
    )
    return run_prepared(plan, out, benchmark, examples, failures, resume=resume, told=told)


def run_prepared(
    plan: Plan,
    out: Path,
    benchmark: Benchmark,
    examples: Sequence[Example],
    failures: Sequence[InputFailure],
    *,
    resume: bool = False,
    told: Told | None = None,
) -> Trained:
    """As ``run_plan``, from exercises that were read before."""
    training, validation = _split(examples, plan.validation_videos, benchmark.source)
    torch.manual_seed(plan.training.seed)
    made = {"biobench": biobench.__version__, **_made(plan, benchmark, examples)}

    def progress(done: int, total: int, _: Mapping[str, float]) -> None:
        if told is not None:
            told("steps", done, total)

    work = out / "training"
    if plan.stage == "streamvlm":
        stream, codec, prompt = _new_stream(plan, training)
        task = StreamTask(
            stream, codec, prompt, training, validation, plan.context_share, plan.name_share, plan.go_on_weight
        )
        report = train(task, plan.training, work, resume=resume, progress=progress)
        alone = CoachSettings("none", morphometrics=False, motion="none", named=plan.name_share > 0)
        coach = BioCoach(stream, codec, prompt, alone)
        bias = best_bias(coach.eval(), validation, plan.biases)
        coach.answer_bias = bias
        save_stream(out, coach, codec, made)
        return Trained(report, _count(stream), bias, tuple(failures))
    coach, base = _new_coach(plan, out)
    parts = CoachTask(coach, _small(coach), training, validation, plan.selector_weight, plan.go_on_weight)
    report = train(parts, plan.training, work, resume=resume, progress=progress)
    save_coach(out, coach, base, made, "grid", plan.shape["selector_hidden"])
    return Trained(report, sum(p.numel() for _, p in parts.trainable()), coach.answer_bias, tuple(failures))


def _new_stream(plan: Plan, training: Sequence[Example]) -> tuple[StreamVLM, SmallCodec, list[int]]:
    shape = plan.shape
    texts = [text for example in training for r in example.remarks for text in (r.text, r.context)]
    codec = learned_codec([*texts, *(example.measures for example in training)], shape["vocabulary"])
    channels, *grid = training[0].features.shape[1:]
    config = LlamaConfig(
        vocab_size=len(codec),
        hidden_size=shape["hidden"],
        intermediate_size=shape["intermediate"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["heads"],
        max_position_embeddings=shape["longest"],
        tie_word_embeddings=True,
        bos_token_id=codec.start,
        eos_token_id=None,
        pad_token_id=0,
    )
    xattn = XAttn(plan.adapter_layers, channels, shape["attn_dim"], places=tuple(grid) == GRID)
    tokens = SpecialTokens.of(codec.actions)
    return StreamVLM(config, xattn, tokens), codec, [codec.start, tokens.vision]


def _new_coach(plan: Plan, out: Path) -> tuple[BioCoach, str]:
    """A coach on a trained backbone, and the backbone's folder as seen from ``out``."""
    base = plan.base
    if base is None:  # a settings file without one was refused
        raise ValueError("no backbone")
    _check_backbone(base)
    backbone = load_coach(base)
    stream, settings = backbone.stream, plan.coach
    channels = stream.xattn.vision_feat_dim
    fusion = (
        MorphometricFusion(channels, stream.config.hidden_size, pooled=settings.released)
        if settings.morphometrics
        else None
    )
    selector = (
        JointSelector(channels, GRID[0] * GRID[1], plan.shape["selector_hidden"], "grid")
        if settings.selector == "learned"
        else None
    )
    coach = BioCoach(stream, backbone.codec, backbone.prompt, settings, fusion, selector, backbone.answer_bias)
    seen_from = Path("..") / base.name if base.parent.resolve() == out.parent.resolve() else base.resolve()
    return coach, str(seen_from)


def _check_backbone(base: Path) -> None:
    if ModelFolder(base).base is not None:
        found = "a folder of a coach, which has a backbone of its own"
        raise ProblemsFound([Problem(f"base: {base}", found, "the folder of a backbone (stage streamvlm)")])


def _small(coach: BioCoach) -> SmallCodec:
    if not isinstance(coach.codec, SmallCodec):
        raise TypeError("a training needs a vocabulary of our own")
    return coach.codec


def _split(examples: Sequence[Example], videos: int, source: str) -> tuple[list[Example], list[Example]]:
    """The last videos are the validation."""
    order = list(dict.fromkeys(example.video for example in examples))
    if len(order) <= videos or not videos:
        expected = f"more than {max(videos, 1)} videos with features: {videos} are for validation"
        raise ProblemsFound([Problem(source, f"{len(order)} videos with features", expected)])
    kept = set(order[-videos:])
    return [e for e in examples if e.video not in kept], [e for e in examples if e.video in kept]


def _made(plan: Plan, benchmark: Benchmark, examples: Sequence[Example]) -> dict[str, object]:
    """How the model came to be: no time, host or path."""
    return {
        "stage": plan.stage,
        "data": {
            "name": benchmark.name,
            "split": benchmark.split,
            "annotations": benchmark.annotations,
            "sha256": benchmark.source_sha256,
            "exercises": len(examples),
        },
        "training": asdict(plan.training),
        "torch": torch.__version__.split("+")[0],
        **({} if plan.base is None else {"base_sha256": ModelFolder(plan.base).sha256}),
    }


def _base(name: str) -> Path:
    """A folder, or a bundled model by its name."""
    return BUNDLED / name if "/" not in name and (BUNDLED / name).is_dir() else Path(name)


def _count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


class _Reader:
    """Collects what is wrong with a settings file."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.problems: list[Problem] = []

    def keys(self, given: Mapping[Any, Any], known: Sequence[str], under: str) -> None:
        self.problems += [
            Problem(self.where, f"{under}{key}", "one of " + ", ".join(known), nearest(str(key), known))
            for key in given
            if key not in known
        ]

    def part(self, content: Mapping[str, Any], name: str, kinds: Mapping[str, type]) -> dict[str, Any]:
        given = content.get(name) or {}
        if not isinstance(given, dict):
            self.problems.append(Problem(self.where, f"{name}: {given!r}", "keys with values"))
            return {}
        self.keys(given, list(kinds), f"{name}.")
        read = {}
        for key, value in given.items():
            kind = kinds.get(key, object)
            fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
            if not fits or (kind in (int, float) and isinstance(value, bool)):
                self.problems.append(Problem(self.where, f"{name}.{key}: {value!r}", _KINDS.get(kind, "another value")))
            elif key in kinds:
                read[key] = value
        return read

    def numbers(self, part: str, given: dict[str, Any], ranges: Mapping[str, tuple[float, float]]) -> None:
        """Drops values out of their range."""
        for name, (least, most) in ranges.items():
            if name in given and not least <= given[name] <= most:
                expected = f"at least {least:g}" + ("" if math.isinf(most) else f" and at most {most:g}")
                self.problems.append(Problem(self.where, f"{part}.{name}: {given.pop(name)!r}", expected))

    def choices(self, coach: dict[str, Any]) -> None:
        """What a coach's settings may be; learning is for remarks that are preceded by their context."""
        allowed: Mapping[str, tuple[object, ...]] = {
            "selector": ("learned", "none"),
            "motion": ("context", "name", "none"),
            "injection": ("remark",),
            "morphometrics": (True, False),
            "named": (True, False),
            "released": (False,),
        }
        for name, value in list(coach.items()):
            if name in allowed:
                fits, expected = value in allowed[name], "one of " + ", ".join(map(str, allowed[name]))
            else:
                fits, expected = type(value) in (int, float) and value > 0, "a number above 0"
            if not fits:
                self.problems.append(Problem(self.where, f"coach.{name}: {coach.pop(name)!r}", expected))


_KINDS = {int: "a whole number", float: "a number", str: "a text", list: "a list"}
