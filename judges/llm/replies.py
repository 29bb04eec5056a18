"""A reply of the judge ``bio``, read strictly: one JSON object of the schema, or what is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from biobench.chat.records import Reply, Token
from biobench.problems import ProblemsFound
from biobench.readers.json_text import JsonText, parse
from judges.llm.prompt import CRITERIA, KEYS, LEVELS, VALUES

__all__ = ["ContentCause", "Fault", "Reading", "ScoreMass", "read_bio", "score_mass"]

ContentCause = Literal["refusal", "schema", "truncated", "tampering", "rejected", "no-score-key"]
"""Why a reply that came gives no score."""

_MOST_CLAIMS = 100
_OVERALL = re.compile(r'"overall"\s*:\s*"([1-5])"\s*\}\s*\Z')
_DIGIT = re.compile(r'[\s"\']*([1-5])[\s"\'},]*')


@dataclass(frozen=True, slots=True)
class Reading:
    """What a judge said of an item."""

    reference_claims: tuple[str, ...] = field(repr=False)
    prediction_claims: tuple[str, ...] = field(repr=False)
    criteria: Mapping[str, str] = field(hash=False)
    tampering: bool
    overall: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no reading. ``said`` quotes nothing of the reply."""

    cause: ContentCause
    said: str


@dataclass(frozen=True, slots=True)
class ScoreMass:
    """The mean of ``overall`` over the digits 1 to 5 in its place, and the probability that these five have together."""

    mean: float
    valid_mass: float


def read_bio(reply: Reply) -> Reading | Fault:
    """The reading of a reply; nothing but one object of the schema will do."""
    if reply.refusal is not None or reply.finish_reason == "content_filter":
        return Fault("refusal", "a refusal")
    if reply.finish_reason == "length":
        return Fault("truncated", "a reply that was cut off before its end")
    try:
        value = parse(JsonText("reply", reply.text.strip(), ""))
    except ProblemsFound:
        return Fault("schema", "it is not one strict JSON object and nothing else")
    if not isinstance(value, dict):
        return Fault("schema", "it is JSON, but not an object")
    wrong = _wrong(value)
    if wrong:
        return Fault("schema", "; ".join(wrong))
    return Reading(
        tuple(value["reference_claims"]),
        tuple(value["prediction_claims"]),
        {name: value[name] for name in CRITERIA},
        value["tampering"] == "yes",
        int(value["overall"]),
    )


def score_mass(reply: Reply) -> ScoreMass | None:
    """From the log probabilities of a reply that ``read_bio`` can read; None where they do not show the score's token.

    Servers may report probabilities from before a grammar was applied; then the mass is under 1, and it is kept.
    """
    found = _OVERALL.search(reply.text)
    if not reply.logprobs or found is None:
        return None
    token = _token_at(reply.logprobs, reply.text, found.start(1))
    if token is None:
        return None
    masses: dict[str, float] = {}
    for text, logprob in dict([(token.text, token.logprob), *token.alternatives]).items():
        digit = _DIGIT.fullmatch(text)
        if digit is not None and logprob <= 0:
            masses[digit[1]] = masses.get(digit[1], 0.0) + math.exp(logprob)
    mass = sum(masses.values())
    if not 0 < mass <= 1 + 1e-6:
        return None
    return ScoreMass(sum(int(digit) * share for digit, share in masses.items()) / mass, mass)


def _wrong(value: Mapping[str, object]) -> list[str]:
    """Everything that the schema forbids, by keys of ours only."""
    wrong = [f'the key "{key}" is missing' for key in KEYS if key not in value]
    if set(value) - set(KEYS):
        wrong.append("it has keys that were not asked for")
    for key in ("reference_claims", "prediction_claims"):
        claims = value.get(key, [])
        if not isinstance(claims, list) or not all(isinstance(claim, str) for claim in claims):
            wrong.append(f'"{key}" is not a list of strings')
        elif len(claims) > _MOST_CLAIMS:
            wrong.append(f'"{key}" has more than {_MOST_CLAIMS} entries')
    allowed: dict[str, Sequence[str]] = {
        **dict.fromkeys(CRITERIA, VALUES),
        "tampering": ("yes", "no"),
        "overall": LEVELS,
    }
    for key, values in allowed.items():
        if key in value and not (isinstance(value[key], str) and value[key] in values):
            wrong.append(f'"{key}" is none of ' + ", ".join(f'"{one}"' for one in values))
    return wrong


def _token_at(tokens: Sequence[Token], text: str, place: int) -> Token | None:
    """The token that holds the character at a place; None where the tokens do not spell the text."""
    start = 0
    for token in tokens:
        end = start + len(token.text)
        if text[start:end] != token.text:
            return None
        if start <= place < end:
            return token
        start = end
    return None
