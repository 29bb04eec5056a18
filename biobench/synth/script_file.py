"""``script.json``: the truth behind a split, written beside it and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast

from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import shown
from biobench.readers.json_text import parse, read_text
from biobench.synth.people import Person
from biobench.synth.script import (
    ANNOTATORS,
    SCRIPT_SCHEMA,
    Fault,
    Performance,
    Remark,
    Repetition,
    Script,
    SynthVideo,
)

__all__ = ["SCRIPT_FILE", "read_script", "script_json"]

SCRIPT_FILE = "script.json"


def script_json(script: Script) -> dict[str, object]:
    """The script as JSON values: records are objects without their empty fields, repetitions are lists."""
    return {"schema": SCRIPT_SCHEMA, "repetition": list(Repetition._fields), **_fields(script)}


def read_script(path: Path) -> Script:
    """The script of a file that ``script_json`` was written to. Raises ``ProblemsFound`` for any other."""
    value = parse(read_text(path))
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCRIPT_SCHEMA:
        raise ProblemsFound([Problem(str(path), f"the schema {shown(schema)}", f'"{SCRIPT_SCHEMA}"')])
    try:
        return _script(cast("dict[str, Any]", value))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"a field that is missing or of another kind ({type(error).__name__}: {error})"
        raise ProblemsFound([Problem(str(path), found, "a file as biobench synth writes it")]) from error


def _fields(record: object) -> dict[str, object]:
    values = {field.name: getattr(record, field.name) for field in fields(cast("Any", record))}
    return {name: _json(value) for name, value in values.items() if value is not None}


def _json(value: object) -> object:
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _json(item) for name, item in value.items()}
    return value


def _script(tree: dict[str, Any]) -> Script:
    return Script(
        split=tree["split"],
        seed=tree["seed"],
        mix=tree["mix"],
        people=tuple(Person(**{**person, "habits": tuple(person["habits"])}) for person in tree["people"]),
        videos=tuple(_video(video) for video in tree["videos"]),
    )


def _video(tree: dict[str, Any]) -> SynthVideo:
    remarks = {
        annotator: tuple(tuple(Remark(**remark) for remark in said) for said in tree["remarks"][annotator])
        for annotator in ANNOTATORS
    }
    performances = tuple(_performance(performance) for performance in tree["performances"])
    return SynthVideo(**{**tree, "performances": performances, "remarks": remarks})


def _performance(tree: dict[str, Any]) -> Performance:
    repetitions = tuple(Repetition(*values) for values in tree["repetitions"])
    made = tuple(Fault(**{"side": None, **fault}) for fault in tree["faults"])
    return Performance(**{"side": None, **tree, "repetitions": repetitions, "faults": made})
