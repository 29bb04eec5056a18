"""``biobench predict biocoach``: the published model, from the files that its settings file names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from biobench.body.golden import golden_name, read_golden
from biobench.exercises import find_exercise, knowledge
from biobench.models import Model, Option, Options, exercise_segments, options_by_name
from biobench.problems import Problem, ProblemsFound
from biobench.records import Benchmark, Entry
from biocoach_model.models import answers
from biocoach_model.released.settings import ReleasedSettings, missing, prompt_of, read_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biobench.body.skel import Side

__all__ = ["ReleasedBioCoach"]


class ReleasedBioCoach(Model):
    """The published BioCoach. Nothing of it comes with the package: see docs/released.md."""

    name = "biocoach"
    summary = "the published BioCoach, from LLaMA-2-7B and released files that you bring"
    options = options_by_name(
        Option("config", "", "its settings file, such as configs/biocoach_qevd_eval.yaml", private=True)
    )

    def __init__(self) -> None:
        self._notes: list[str] = []

    def predict(self, benchmark: Benchmark, options: Options, seed: int) -> list[Entry]:  # noqa: ARG002 - Model's signature
        settings = _settings(options)
        golden_rad, problems = _golden(settings, benchmark)
        problems = [
            *missing(settings, data=False),
            *_misfits(settings, benchmark),
            *problems,
            *_lacking_inputs(settings, benchmark),
        ]
        if problems:
            raise ProblemsFound(problems)
        device = _device(settings)
        from biocoach_model.released.loading import load_released  # noqa: PLC0415 - torch

        coach, self._notes = load_released(settings, golden_rad, device)
        sys.stderr.write("".join(f"biocoach: {note}\n" for note in self._notes))
        return answers(
            coach,
            benchmark,
            timing=settings.timing,
            batch=settings.batch,
            morphometric_dir=settings.morphometric_dir,
        )

    def provenance(self, options: Options) -> Mapping[str, object]:
        settings = _settings(options)
        weights = settings.cross_attention_weights_path
        return {
            "settings": {name: getattr(settings, name) for name in _TOLD},
            "checkpoint_sha256": _sha256(settings.checkpoint),
            "prompt_sha256": sha256(prompt_of(settings).text.encode()).hexdigest(),
            "cross_attention_sha256": None if weights is None else _sha256(Path(weights)),
            "loaded": list(self._notes),
        }

    def data_root(self, options: Options) -> str | None:
        """The settings' data. Raises ``ProblemsFound`` with everything that is missing, so that it is told once."""
        settings = _settings(options)
        problems = missing(settings, data=True)
        if problems:
            raise ProblemsFound(problems)
        return settings.data_folder


_TOLD = ("mode", "told", "timing", "lm_head_lora", "merge_lora", "lora_alpha", "dtype", "batch")


def _settings(options: Options) -> ReleasedSettings:
    path = str(options.get("config", ""))
    if not path:
        expected = "--config FILE, such as configs/biocoach_qevd_eval.yaml"
        raise ProblemsFound([Problem("biocoach", "no settings file", expected, "see docs/released.md")])
    return read_settings(Path(path))


def _misfits(settings: ReleasedSettings, benchmark: Benchmark) -> list[Problem]:
    """Where the data that was opened is not what the settings name."""
    problems = []
    if settings.split is not None and benchmark.split != settings.split:
        hint = f"--split {settings.split}"
        problems.append(Problem("split", f"data of the split {benchmark.split}", settings.split, hint))
    wanted = settings.annotations
    if wanted is not None and wanted not in (benchmark.annotations, *_short(benchmark.annotations)):
        hint = f"--annotations {wanted}"
        problems.append(Problem("annotations", benchmark.annotations, f"those called {wanted}", hint))
    return problems


def _short(annotations: str) -> tuple[str, str]:
    """What stands between feedbacks_long_range and .json, with and without its first stroke."""
    middle = annotations.removeprefix("feedbacks_long_range").removesuffix(".json")
    return middle, middle.lstrip("_-")


def _golden(settings: ReleasedSettings, benchmark: Benchmark) -> tuple[dict[str, NDArray[np.float64]], list[Problem]]:
    """The reference repetitions of the benchmark's exercises, and what is wrong with their files."""
    folder = settings.golden_standards_dir
    read: dict[str, NDArray[np.float64]] = {}
    problems: list[Problem] = []
    if folder is None or not Path(folder).is_dir():
        return read, problems  # a folder that is missing is told with the rest
    for exercise in sorted({segment.exercise for segment in exercise_segments(benchmark)}):
        found = find_exercise(exercise)
        if found is None:
            continue
        side: Side | None = _side(found.side) or ("right" if knowledge(found.name).sided else None)
        try:
            read[exercise] = read_golden(Path(folder), found.name, side)
        except ProblemsFound as found_problems:
            hint = f"golden_standards_dir needs {golden_name(found.name, side)} for {exercise}"
            problems += [Problem(p.file, p.found, p.expected, hint) for p in found_problems.problems]
    return read, problems


def _side(side: str | None) -> Side | None:
    return "left" if side == "left" else "right" if side == "right" else None


def _lacking_inputs(settings: ReleasedSettings, benchmark: Benchmark) -> list[Problem]:
    """What the data lacks, asked before 7 billion weights are read."""
    from biocoach_model.inputs import Inputs  # noqa: PLC0415 - only to predict

    named = settings.morphometric_dir
    measures = settings.cross_attention_weights_path is not None and (named is None or Path(named).is_dir())
    try:
        Inputs.open(benchmark, features=True, poses=True, measures=measures, morphometric_dir=named)
    except ProblemsFound as problems:
        return list(problems.problems)
    return []


def _device(settings: ReleasedSettings) -> str:
    try:
        import torch  # noqa: PLC0415 - slow to load, and only in the extra
        import transformers  # noqa: F401, PLC0415
    except ImportError as error:
        found = f"no package {error.name}"
        raise ProblemsFound([Problem("the model", found, "pip install 'biobench[model]'")]) from error
    there = torch.cuda.is_available()
    if settings.device == "cuda" and not there:
        raise ProblemsFound([Problem("device", "cuda, and torch sees no GPU", "auto, cpu or cuda")])
    return "cuda" if there and settings.device != "cpu" else "cpu"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
