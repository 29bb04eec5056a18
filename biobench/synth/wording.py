"""A remark's facts become sentences, in everyday and in biomechanical words, from ``data/synth/wordings.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal, NotRequired, TypedDict, cast

from biobench.synth.draw import Draw
from biobench.synth.movements import movements
from biobench.synth.script import Remark

__all__ = ["Register", "angles", "compose", "fill", "in_words", "transition"]

Register = Literal["lay", "bio"]

_TRIES = 50
_SHARE_IN_WORDS = 0.35
_MILD, _STRONG = 0.45, 0.7
_SLOT = re.compile(r"\{(\w+)\}")


def compose(remark: Remark, exercise: str, draw: Draw, *, unlike: Remark | None = None) -> tuple[str, str]:
    """The lay and the biomechanical text of a remark whose facts are given; neither equals that of ``unlike``."""
    for _ in range(_TRIES):
        told = draw.pick(_instructions(remark, exercise)) if remark.kind == "instruction" else None
        lay = _sentence("lay", remark, exercise, told["lay"] if told else None, draw)
        bio = _sentence("bio", remark, exercise, told["bio"] if told else None, draw)
        if lay != bio and (unlike is None or (lay != unlike.lay and bio != unlike.bio)):
            return lay, bio
    raise AssertionError(f"no new words for a remark of theme {remark.theme} in {exercise}")


def angles(fault: str | None, severity: float | None) -> tuple[int | None, int | None]:
    """The angle of a fault at a severity and the one wanted instead, in degrees, to the nearest 5.

    Without a severity only the wanted one. A wanted one of None: the angle is a deviation, which should not be there.

    >>> angles("shallow-squat", 0.5)
    (80, 100)
    """
    rule = _wordings()["faults"][fault].get("degrees") if fault is not None else None
    if rule is None:
        return None, None
    clean, worst = rule["clean"], rule["worst"]
    wanted = clean if clean > 0 else None
    if severity is None:
        return None, wanted
    return 5 * int((clean + (worst - clean) * severity) / 5.0 + 0.5), wanted


def transition(spelling: str, *, is_first: bool) -> str:
    """What announces an exercise, as in the published annotations."""
    return f"First up are {spelling}!" if is_first else f"Moving on to {spelling}!"


def in_words(number: int) -> str:
    """A number below 1,000 as it is spoken.

    >>> in_words(45), in_words(110)
    ('forty-five', 'a hundred and ten')
    """
    ones, tens = _wordings()["numbers"]["ones"], _wordings()["numbers"]["tens"]
    if number < 20:
        return ones[number]
    if number < 100:
        return tens[number // 10 - 2] + (f"-{ones[number % 10]}" if number % 10 else "")
    hundreds = "a hundred" if number < 200 else f"{ones[number // 100]} hundred"
    return f"{hundreds} and {in_words(number % 100)}" if number % 100 else hundreds


def fill(template: str, slots: Mapping[str, str | Sequence[str]], draw: Draw) -> str:
    """Chooses among ``[a|b|]`` and fills ``{name}``; a slot with several templates gives one of them, filled in turn.

    >>> fill("{who} [sat|sat]", {"who": ["the [cat|cat]"]}, Draw("any"))
    'the cat sat'
    """
    parts: list[str] = []
    place = 0
    while place < len(template):
        character = template[place]
        if character == "[":
            end, choices = _choices(template, place)
            parts.append(fill(draw.pick(choices), slots, draw))
            place = end
        elif character == "{":
            end = template.index("}", place)
            value = slots[template[place + 1 : end]]
            parts.append(value if isinstance(value, str) else fill(draw.pick(value), slots, draw))
            place = end + 1
        else:
            parts.append(character)
            place += 1
    return "".join(parts)


class _Told(TypedDict):
    lay: str
    bio: str


class _Register(TypedDict):
    patterns: dict[str, list[str]]
    parts: dict[str, list[str]]
    phases: dict[str, list[str]]


class _Fault(TypedDict):
    degrees: NotRequired[dict[str, int]]
    lay: dict[str, list[str]]
    bio: dict[str, list[str]]


class _Wordings(TypedDict):
    lay: _Register
    bio: _Register
    much: dict[str, list[str]]
    how: dict[str, list[str]]
    grade: dict[str, list[str]]
    numbers: dict[str, list[str]]
    faults: dict[str, _Fault]
    instructions: dict[str, list[_Told]]


@cache
def _wordings() -> _Wordings:
    text = files("biobench").joinpath("data/synth/wordings.toml").read_text(encoding="utf-8")
    return cast("_Wordings", tomllib.loads(text))


def _instructions(remark: Remark, exercise: str) -> Sequence[_Told]:
    return _wordings()["instructions"]["general" if remark.theme == "general" else exercise]


def _sentence(register: Register, remark: Remark, exercise: str, told: str | None, draw: Draw) -> str:
    slots = _slots(register, remark, exercise, draw)
    if told is not None:
        slots["told"] = [told]
    known = [
        pattern
        for pattern in _wordings()[register]["patterns"][remark.theme]
        if all(name in slots for name in _SLOT.findall(pattern))
    ]
    return _tidy(fill(draw.pick(known), slots, draw))


def _slots(register: Register, remark: Remark, exercise: str, draw: Draw) -> dict[str, str | Sequence[str]]:
    wordings, movement = _wordings(), movements()[exercise]
    slots: dict[str, str | Sequence[str]] = {**wordings[register]["parts"]}
    if remark.fault is not None:
        severity = remark.severity or 0.0
        level = "mild" if severity < _MILD else "middle" if severity < _STRONG else "strong"
        phase = movement.fault(remark.fault).phase
        slots.update(wordings["faults"][remark.fault][register])
        slots["much"], slots["how"] = wordings["much"][level], wordings["how"][level]
        slots["grade"], slots["phase"] = wordings["grade"][level], wordings[register]["phases"][phase]
    if remark.side is not None:
        slots["side"] = remark.side
    if remark.degrees is not None:
        slots["deg"] = str(remark.degrees)
    if remark.target_degrees is not None:
        slots["target"] = str(remark.target_degrees)
    if remark.number is not None:
        spelled = draw.chance(_SHARE_IN_WORDS)
        slots["n"] = in_words(remark.number) if spelled else str(remark.number)
    if movement.noun is not None:
        slots["one"], slots["many"] = movement.noun
    else:
        del slots["good_reps"]
    return slots


def _choices(template: str, start: int) -> tuple[int, list[str]]:
    """The alternatives of the bracket that opens at ``start``, and where the text goes on."""
    depth, choices, begin = 0, [], start + 1
    for place in range(start, len(template)):
        character = template[place]
        if character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
            if depth == 0:
                choices.append(template[begin:place])
                return place + 1, choices
        elif character == "|" and depth == 1:
            choices.append(template[begin:place])
            begin = place + 1
    raise ValueError(f"an open bracket in {template!r}")


def _tidy(text: str) -> str:
    """One space between words, none before punctuation, a capital after a full stop, and a stop at the end."""
    text = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(text.split()))
    text = re.sub(r"(^|[.!?] )([a-z])", lambda found: found[1] + found[2].upper(), text)
    return text if text.isdecimal() or text[-1] in ".!?" else f"{text}."
