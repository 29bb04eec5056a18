"""A study's plan: how much is asked, and the gates, written down before any data is seen."""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest

__all__ = ["GATES", "PLAN_SCHEMA", "Gate", "Plan", "Sizes", "packaged_plan", "read_plan"]

PLAN_SCHEMA = "biobench/study-plan/1"
_LEAST = {"base_items": 30, "anchors": 10, "raters": 1, "trials": 1, "attacks": 1}
"""The smallest size that a study can be made of; 2 for the others."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a number's interval must lie wholly beyond: at least ``least``, at most ``most``, or both."""

    least: float | None = None
    most: float | None = None

    def is_laxer_than(self, other: Gate) -> bool:
        """Whether it lets something pass that the other does not."""
        lows, highs = [], []
        for gate in (self, other):
            lows.append(-math.inf if gate.least is None else gate.least)
            highs.append(math.inf if gate.most is None else gate.most)
        return lows[0] < lows[1] or highs[0] > highs[1]

    def __str__(self) -> str:
        """In words.

        >>> print(Gate(least=0.8), "|", Gate(-0.1, 0.1), "|", Gate(most=0.02))
        at least 0.8 | from -0.1 to 0.1 | at most 0.02
        """
        if self.least is not None and self.most is not None:
            return f"from {self.least:g} to {self.most:g}"
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is asked. ``trials``: at most so many a perturbation; ``attacks`` a family; ``repeats`` of ``repeated`` items."""

    base_items: int
    anchors: int
    trials: int
    attacks: int
    biases: int
    repeated: int
    repeats: int
    events: int
    videos: int
    raters: int


@dataclass(frozen=True)
class Plan:
    """``sha256`` is over the file's bytes: a report says which gates it was made with."""

    version: str
    seed: int
    confidence: float
    sizes: Sizes
    gates: Mapping[str, Gate]
    sha256: str

    def laxer_gates(self) -> tuple[str, ...]:
        """What this plan lets pass that the packaged one does not, in words."""
        strict = {name: Gate(**gate) for name, gate in tomllib.loads(packaged_plan())["gates"].items()}
        return tuple(
            f"{name}: {gate}, {strict[name]} in the packaged plan"
            for name, gate in self.gates.items()
            if name in strict and gate.is_laxer_than(strict[name])
        )

    def says_the_same_as(self, other: Plan) -> bool:
        """Whether the two differ in nothing but comments."""
        return replace(self, sha256="") == replace(other, sha256="")


def packaged_plan() -> str:
    """The text of the plan that the package brings."""
    return files("judges.validation").joinpath("data/plan-1.toml").read_text(encoding="utf-8")


def read_plan(path: Path) -> Plan:
    """Reads a plan. Raises ``ProblemsFound`` with everything that is wrong with it."""
    try:
        text = path.read_bytes()
        content = tomllib.loads(text.decode())
    except OSError as error:
        hint = f"biobench study plan {path.parent} writes one"
        raise ProblemsFound([Problem(str(path), f"no readable file ({error.strerror})", "a plan", hint)]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProblemsFound([Problem(str(path), f"no TOML ({error})", "a plan")]) from error
    problems: list[Problem] = []
    known = {"schema", "version", "seed", "confidence", "sizes", "gates"}
    if content.get("schema") != PLAN_SCHEMA:
        problems.append(Problem(str(path), f"schema {content.get('schema')!r}", f'schema = "{PLAN_SCHEMA}"'))
    problems += [
        Problem(str(path), f"the key {key}", "no other keys", nearest(key, known))
        for key in sorted(set(content) - known)
    ]
    version = content.get("version")
    if not isinstance(version, str) or not version:
        problems.append(Problem(str(path), f"version = {version!r}", "a text"))
    seed = _whole(path, "seed", content.get("seed"), 0, problems)
    confidence = content.get("confidence")
    if not isinstance(confidence, float) or not 0.5 <= confidence < 1:
        problems.append(Problem(str(path), f"confidence = {confidence!r}", "a number from 0.5 up to, and without, 1"))
    sizes = _sizes(path, content.get("sizes"), problems)
    gates = _gates(path, content.get("gates"), problems)
    if problems:
        raise ProblemsFound(problems)
    return Plan(str(version), seed, float(str(confidence)), Sizes(**sizes), gates, hashlib.sha256(text).hexdigest())


def _sizes(path: Path, table: object, problems: list[Problem]) -> dict[str, int]:
    names = [field.name for field in fields(Sizes)]
    if not isinstance(table, dict):
        problems.append(Problem(str(path), "no table [sizes]", ", ".join(names)))
        return {}
    problems += [
        Problem(str(path), f"sizes.{key}", "no other sizes", nearest(key, names))
        for key in sorted(set(table) - set(names))
    ]
    return {name: _whole(path, f"sizes.{name}", table.get(name), _LEAST.get(name, 2), problems) for name in names}


def _whole(path: Path, name: str, value: object, least: int, problems: list[Problem]) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        problems.append(Problem(str(path), f"{name} = {value!r}", f"a whole number, {least} or more"))
        return least
    return value


def _gates(path: Path, table: object, problems: list[Problem]) -> dict[str, Gate]:
    if not isinstance(table, dict):
        problems.append(Problem(str(path), "no table [gates]", ", ".join(GATES)))
        return {}
    problems += [
        Problem(str(path), f"gates.{key}", "a gate that a study has", nearest(key, GATES))
        for key in sorted(set(table) - set(GATES))
    ]
    found = {}
    for name in GATES:
        gate = table.get(name)
        bounds = dict(gate) if isinstance(gate, dict) else {}
        numbers = {k: float(v) for k, v in bounds.items() if type(v) in {int, float} and math.isfinite(v)}
        is_empty = numbers.get("least", -math.inf) > numbers.get("most", math.inf)
        if not bounds or set(bounds) - {"least", "most"} or numbers.keys() != bounds.keys() or is_empty:
            problems.append(
                Problem(str(path), f"gates.{name} = {gate!r}", "{ least = NUMBER }, { most = NUMBER }, or both")
            )
            continue
        found[name] = Gate(**numbers)
    return found


GATES: Mapping[str, str] = {
    "s0_copy_over_paraphrase": "a copy less a paraphrase, as a share of the scale",
    "s0_paraphrase_over_other": "a paraphrase less another moment's remark",
    "s0_other_over_empty": "another moment's remark less nothing at all",
    "s1_alpha": "agreement of the judge with itself (Krippendorff, interval)",
    "s1_flips": "share of pairs whose order another repeat turns round",
    "s2_over_sentinels": "accuracy over pairs (acc_eq) less each trivial judge's",
    "s2_over_bioclaim": "accuracy over pairs less BioClaim's",
    "s3_winning_rate": "share of raters that the judge may stand in for",
    "s4_preference": "a true paraphrase over a wrong look-alike, mean over perturbations",
    "s4_detection": "detection + specificity - 1",
    "s4_angle_5": "change of score for 5 degrees",
    "s4_angle_30": "drop of score for 30 degrees",
    "s5_success": "attacks that pay, in each family",
    "s6_length": "change of score for padding",
    "s6_style": "change of score for clinical words",
    "s6_politeness": "change of score for courtesies",
    "s6_authority": "change of score for a claim of authority",
    "s6_label": "change of score for a source's name",
    "s7_soft_accuracy": "soft pairwise accuracy across families of systems",
    "s8_power": "chance that a judge as good as a rater passes S3 with this plan",
    "s9_new_exercise": "preference to expect in an exercise that was not looked at",
}
"""Every gated number, and what it is."""
