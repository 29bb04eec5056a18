"""The settings file of the published model: the paper repository's fields and ours, and where each missing thing comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from biobench.readers.qevd import SPLIT_FOLDERS
from biocoach_model.released.prompt import Prompt, prompt_from

__all__ = ["CHECKPOINT_NAMES", "ReleasedSettings", "missing", "prompt_of", "read_settings"]

CHECKPOINT_NAMES = ("state_dict.safetensors", "state_dict.pth.tar")
"""What a checkpoint is called where only its folder is named; the first one that is there."""


@dataclass(frozen=True, slots=True)
class ReleasedSettings:
    """A settings file; relative paths count from the working directory.

    ``mode``: the ``paper``'s reading (every word of the measures is a key, and nothing later is read) or what the ``released``
    code does (one pooled key, the table's twelve parameters, repetitions of the whole recording). ``injection`` None is
    ``remark`` in the paper's mode and ``append`` in the released one. ``lora_alpha`` belongs to the checkpoint; its rank and
    its places are read from the tensors.
    """

    llama2_7b_path: str
    checkpoint_path: str
    data_root: str | None = None
    morphometric_dir: str | None = None
    golden_standards_dir: str | None = None
    cross_attention_weights_path: str | None = None
    fitcoach_checkout: str | None = None
    prompt: str | None = None
    mode: Literal["paper", "released"] = "paper"
    injection: Literal["remark", "append", "slot"] | None = None
    timing: Literal["fixed", "official"] = "fixed"
    lm_head_lora: bool = True
    merge_lora: bool = True
    lora_alpha: float = 16.0
    dtype: Literal["float32", "bfloat16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    split: str | None = None
    annotations: str | None = None
    batch: int = 8

    @property
    def released(self) -> bool:
        """Whether the released code's behaviour is wanted."""
        return self.mode == "released"

    @property
    def told(self) -> Literal["remark", "append", "slot"]:
        """How the motion context enters."""
        return self.injection or ("append" if self.released else "remark")

    @property
    def checkpoint(self) -> Path:
        """The checkpoint's file, which may not be there."""
        path = Path(self.checkpoint_path)
        if path.is_dir():
            return next(
                (path / name for name in CHECKPOINT_NAMES if (path / name).is_file()), path / "state_dict.pth.tar"
            )
        return path

    @property
    def data_folder(self) -> str | None:
        """The split's folder where ``split`` is given and the root has it, or the root."""
        if self.data_root is None or self.split is None:
            return self.data_root
        folder = Path(self.data_root) / SPLIT_FOLDERS[self.split]
        return str(folder) if folder.is_dir() else self.data_root


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": ("paper", "released"),
    "injection": ("remark", "append", "slot"),
    "timing": ("fixed", "official"),
    "dtype": ("float32", "bfloat16"),
    "device": ("auto", "cpu", "cuda"),
    "split": tuple(SPLIT_FOLDERS),
}
_SWITCHES = ("lm_head_lora", "merge_lora")
_OPTIONAL = tuple(field.name for field in fields(ReleasedSettings) if field.default is None)
_LLAMA = "LLaMA-2-7B comes from Meta, on request; in Hugging Face's layout"
_CHECKPOINT = "Stream-VLM's checkpoint comes with FitCoach's release"
_TOKENIZER = "the tokenizer comes with FitCoach's release, in the checkpoint's folder"
_DATA = "QEVD-FIT-COACH comes from Qualcomm"
_CHECKOUT = "clone FitCoach's repository, or give its system prompt as prompt"
_MEASURES = "run SHAPY on the videos, or take the file that comes with BioCoach"
_GOLDEN = "they come with BioCoach; without this key the package's own references are used"
_ATTENTION = "they come with BioCoach; without this key no measures are used"


def read_settings(path: Path) -> ReleasedSettings:
    """A settings file (YAML). Raises ``ProblemsFound`` with everything that is wrong in it."""
    where = str(path)
    content = _yaml(path)
    known = [field.name for field in fields(ReleasedSettings)]
    problems: list[Problem] = []
    read: dict[str, Any] = {}
    for name, value in content.items():
        if name not in known:
            expected = "one of " + ", ".join(known)
            problems.append(Problem(where, f"an unknown key {name}", expected, nearest(str(name), known)))
        elif value is None and name in _OPTIONAL:
            continue
        else:
            expected = _expected(str(name), value)
            if expected:
                problems.append(Problem(where, f"{name}: {value!r}", expected))
            else:
                read[str(name)] = value
    for name, source in (("llama2_7b_path", _LLAMA), ("checkpoint_path", _CHECKPOINT)):
        if name not in content:
            problems.append(Problem(where, f"no {name}", "a path", source))
    if content.get("prompt") is None and content.get("fitcoach_checkout") is None:
        expected = "one of them: the checkpoint was trained with FitCoach's system prompt"
        problems.append(Problem(where, "neither fitcoach_checkout nor prompt", expected, _CHECKOUT))
    if problems:
        raise ProblemsFound(problems)
    return ReleasedSettings(**read)


def missing(settings: ReleasedSettings, *, data: bool) -> list[Problem]:
    """Everything that the settings name and that isn't there, with where it comes from; with ``data`` the data root too."""
    llama, checkpoint = Path(settings.llama2_7b_path), settings.checkpoint
    problems = []
    if not (llama / "config.json").is_file():
        found = "no config.json in it" if llama.is_dir() else "no such folder"
        problems.append(Problem(f"llama2_7b_path: {llama}", found, "a folder with config.json and weights", _LLAMA))
    if not checkpoint.is_file():
        expected = f"{' or '.join(CHECKPOINT_NAMES)}, or a folder with one"
        problems.append(Problem(f"checkpoint_path: {checkpoint}", "no such file", expected, _CHECKPOINT))
    beside = checkpoint.parent if checkpoint.suffix else checkpoint
    if not any((beside / name).is_file() for name in ("tokenizer.json", "tokenizer.model")):
        found, expected = "no tokenizer in it", "tokenizer.json or tokenizer.model beside the checkpoint"
        problems.append(Problem(f"checkpoint_path: {checkpoint.parent}", found, expected, _TOKENIZER))
    places = [
        ("morphometric_dir", settings.morphometric_dir, "a folder with SHAPY's JSON", _MEASURES),
        ("golden_standards_dir", settings.golden_standards_dir, "a folder of reference repetitions", _GOLDEN),
    ]
    if data:
        places.insert(0, ("data_root", settings.data_root, "QEVD's data root or one split's folder", _DATA))
    for name, place, expected, source in places:
        if place is not None and not Path(place).is_dir():
            problems.append(Problem(f"{name}: {place}", "no such folder", expected, source))
    weights = settings.cross_attention_weights_path
    if weights is not None and not Path(weights).is_file():
        expected = "the authors' cross-attention weights, .safetensors or a torch file"
        problems.append(Problem(f"cross_attention_weights_path: {weights}", "no such file", expected, _ATTENTION))
    try:
        prompt_of(settings)
    except ProblemsFound as found_problems:
        problems += found_problems.problems
    return problems


def prompt_of(settings: ReleasedSettings) -> Prompt:
    """The system prompt and where it is from. Raises ``ProblemsFound`` where the checkout has none, or several."""
    if settings.prompt is not None:
        return Prompt(settings.prompt, "the settings")
    return prompt_from(Path(settings.fitcoach_checkout or ""))


def _yaml(path: Path) -> Mapping[object, object]:
    expected = "a YAML file such as configs/biocoach_qevd_eval.yaml"
    try:
        import yaml  # noqa: PLC0415 - only in the extra
    except ImportError as error:
        raise ProblemsFound([Problem("the model", "no package yaml", "pip install 'biobench[model]'")]) from error
    if not path.is_file():
        raise ProblemsFound([Problem(str(path), "no such file", expected)])
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        found = f"a file that can't be read ({' '.join(str(error).split())[:200]})"
        raise ProblemsFound([Problem(str(path), found, expected)]) from error
    if not isinstance(content, dict):
        raise ProblemsFound([Problem(str(path), "a file without settings", expected)])
    return content


def _expected(name: str, value: object) -> str:
    """What was expected instead of a value; empty where it fits."""
    if name in _CHOICES:
        return "" if value in _CHOICES[name] else "one of " + ", ".join(_CHOICES[name])
    if name in _SWITCHES:
        return "" if isinstance(value, bool) else "true or false"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == "batch":
        return "" if number and isinstance(value, int) and 1 <= value <= 1024 else "a whole number from 1 to 1024"
    if name == "lora_alpha":
        return "" if number and isinstance(value, int | float) and 0 < value < float("inf") else "a number above 0"
    return "" if isinstance(value, str) and value.strip() else "a text"
