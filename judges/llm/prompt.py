"""The versioned prompt and weights of the judge ``bio``, and what an item looks like in it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files

from biobench.chat.records import Message, Schema
from biobench.chat.wire import canonical_json
from judges.llm.cleaning import Cleaned, clean
from judges.llm.delimiters import blocks, nonce_of
from judges.llm.items import Question

__all__ = ["CRITERIA", "VALUES", "Prompt", "Rendered", "Weights", "load_prompt", "load_weights"]

CRITERIA = ("joint", "side", "motion", "angle", "rom", "phase", "reps", "valence", "harm")
VALUES = ("match", "near", "missing", "extra", "wrong", "opposite", "absent")
KEYS = ("reference_claims", "prediction_claims", *CRITERIA, "tampering", "overall")
LEVELS = ("1", "2", "3", "4", "5")

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """The two messages of an item, its nonce, and what cleaning did to its texts, by name of the text."""

    messages: tuple[Message, Message]
    nonce: str
    cleaned: Mapping[str, Cleaned] = field(hash=False)

    @property
    def done(self) -> dict[str, int]:
        """What was done to the prediction, with the number of times."""
        return dict(self.cleaned["PREDICTION"].done)


@dataclass(frozen=True)
class Prompt:
    """A version of the prompt. ``sha256`` is over its content and the schema of the answer."""

    version: str
    system: str
    with_kinematics: str
    user: str
    repair: str
    criteria: Mapping[str, str] = field(hash=False)
    values: Mapping[str, str] = field(hash=False)
    levels: Mapping[str, str] = field(hash=False)
    temperature: float
    temperature_of_samples: float
    max_tokens: int
    top_logprobs: int
    sha256: str

    @cached_property
    def schema(self) -> Schema:
        """All keys required, enumerations only, no numeric bounds: what strict servers accept."""
        properties: dict[str, object] = {
            "reference_claims": {"type": "array", "items": {"type": "string"}},
            "prediction_claims": {"type": "array", "items": {"type": "string"}},
        }
        properties |= {name: {"type": "string", "enum": list(VALUES)} for name in CRITERIA}
        properties["tampering"] = {"type": "string", "enum": ["yes", "no"]}
        properties["overall"] = {"type": "string", "enum": list(LEVELS)}
        definition = {
            "type": "object",
            "properties": properties,
            "required": list(KEYS),
            "additionalProperties": False,
        }
        return Schema("bio", definition)

    def render(self, question: Question) -> Rendered:
        """The messages for an item; its texts appear nowhere but in their blocks."""
        raw = {"EXERCISE": question.exercise, "REFERENCE": question.reference, "PREDICTION": question.prediction}
        if question.kinematics is not None:
            raw["KINEMATICS"] = question.kinematics
        cleaned = {name: clean(text) for name, text in raw.items()}
        nonce = nonce_of(self.version, raw)
        told = blocks({name: text.text for name, text in cleaned.items()}, nonce)
        system = _filled(
            self.system,
            {
                "criteria": _lines(self.criteria),
                "values": _lines(self.values),
                "levels": _lines(self.levels),
                "kinematics": "" if question.kinematics is None else self.with_kinematics,
                "keys": ", ".join(f'"{key}"' for key in KEYS),
            },
        )
        messages = (Message("system", system), Message("user", _filled(self.user, {"blocks": told})))
        return Rendered(messages, nonce, cleaned)

    def repair_of(self, problem: str) -> Message:
        """The turn that gives a reply back once."""
        keys = ", ".join(f'"{key}"' for key in KEYS)
        return Message("user", _filled(self.repair, {"problem": problem, "keys": keys}))


@dataclass(frozen=True, slots=True)
class Weights:
    """A version of how criteria become a score; see the data file."""

    version: str
    weights: Mapping[str, float] = field(hash=False)
    values: Mapping[str, float] = field(hash=False)
    opposite_cap: float
    harm_cap: float
    samples_for_majority: int
    same_kind: float
    other_kind: float
    angle_match_deg: float
    angle_near_deg: float
    reps_near: int


@cache
def load_prompt(version: str = "bio-1") -> Prompt:
    """The packaged prompt of a version."""
    content = tomllib.loads(_packaged(f"{version}.toml"))
    sampling = content["sampling"]
    if content["version"] != version or tuple(content["criteria"]) != CRITERIA or tuple(content["values"]) != VALUES:
        raise AssertionError(f"{version}.toml is not the prompt of its name")
    return Prompt(
        version=version,
        system=content["system"].strip(),
        with_kinematics=content["with_kinematics"],
        user=content["user"].strip(),
        repair=content["repair"].strip(),
        criteria=content["criteria"],
        values=content["values"],
        levels=content["levels"],
        temperature=sampling["temperature"],
        temperature_of_samples=sampling["temperature_of_samples"],
        max_tokens=sampling["max_tokens"],
        top_logprobs=sampling["top_logprobs"],
        sha256=hashlib.sha256(canonical_json([content, KEYS, VALUES, LEVELS]).encode()).hexdigest(),
    )


@cache
def load_weights(version: str = "1") -> Weights:
    """The packaged weights of a version."""
    content = tomllib.loads(_packaged(f"weights-{version}.toml"))
    if content["version"] != version or tuple(content["weights"]) != CRITERIA:
        raise AssertionError(f"weights-{version}.toml is not the file of its name")
    caps, nothing, angles = content["caps"], content["nothing_said"], content["angles"]
    return Weights(
        version=version,
        weights=content["weights"],
        values=content["values"],
        opposite_cap=caps["opposite"],
        harm_cap=caps["harm"],
        samples_for_majority=caps["samples_for_majority"],
        same_kind=nothing["same_kind"],
        other_kind=nothing["other_kind"],
        angle_match_deg=angles["match_deg"],
        angle_near_deg=angles["near_deg"],
        reps_near=content["reps"]["near"],
    )


def _packaged(name: str) -> str:
    return files("judges.llm").joinpath("prompts", name).read_text(encoding="utf-8")


def _lines(described: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {text}" for name, text in described.items())


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Every placeholder once, in one pass: what is filled in is never read as a template."""
    used: Counter[str] = Counter()

    def value(found: re.Match[str]) -> str:
        used[found[1]] += 1
        return values[found[1]]

    text = _PLACEHOLDER.sub(value, template)
    if set(used) != set(values) or max(used.values()) > 1:
        raise AssertionError("a template without one of its placeholders, or with one twice")
    return text
