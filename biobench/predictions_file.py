"""Writing predictions in the native form that ``docs/predictions-file.md`` describes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from biobench.files import write_text
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import shown
from biobench.readers.predictions import NATIVE_SCHEMA
from biobench.records import Entry, Feedback, TimeOrigin

__all__ = ["write_predictions"]

_LONGEST_NAME = 200
_LINES = (".jsonl", ".ndjson")


def write_predictions(
    path: str | Path,
    system: str,
    entries: Iterable[Entry],
    time: TimeOrigin = "segment",
    provenance: Mapping[str, object] | None = None,
) -> None:
    """Writes one entry a line, whole or not at all; the same entries give the same bytes.

    ``provenance`` says what made them, in JSON values; no reader acts on it.

    ``time`` says where the seconds of ``entries`` count from. A path that ends with ``.jsonl`` or ``.ndjson`` gets JSON
    Lines. Raises ``ProblemsFound`` with everything that ``load_predictions`` would refuse whatever the benchmark, or
    where the place can't be written.
    """
    target, listed = Path(path), list(entries)
    problems = _problems(str(path), system, listed)
    if problems:
        raise ProblemsFound(problems)
    made = {"provenance": dict(provenance)} if provenance else {}
    header = _json({"schema": NATIVE_SCHEMA, "system": system, "time": time, **made})
    rows = [_json({"segment": key, "feedbacks": list(map(_record, feedbacks))}) for key, feedbacks in listed]
    if target.name.endswith(_LINES):
        text = "\n".join([header, *rows])
    else:
        text = f'{header[:-1]}, "predictions": [\n' + ",\n".join(rows) + "\n]}"
    write_text(target, text + "\n")


def _record(feedback: Feedback) -> dict[str, object]:
    record: dict[str, object] = {"time": float(feedback.time_s), "text": feedback.text}
    if feedback.confidence is not None:
        record["confidence"] = float(feedback.confidence)
    return record


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _problems(file: str, system: str, entries: list[Entry]) -> list[Problem]:
    problems = []
    if not system.strip() or not system.isprintable() or len(system) > _LONGEST_NAME:
        expected = f"the system's name, a printable string of at most {_LONGEST_NAME} characters"
        problems.append(Problem(file, shown(system), expected))
    seen: set[str] = set()
    for key, feedbacks in entries:
        if key in seen or not _encodable(key):
            found = f"{shown(key)} again" if key in seen else shown(key)
            problems.append(Problem(file, found, "one entry for each segment"))
        seen.add(key)
        for k, feedback in enumerate(feedbacks):
            where = f"segment {key}, remark {k}"
            if not math.isfinite(feedback.time_s):
                problems.append(Problem(file, f"the time {feedback.time_s} in {where}", "seconds, a finite number"))
            if feedback.confidence is not None and not math.isfinite(feedback.confidence):
                problems.append(Problem(file, f"the confidence {feedback.confidence} in {where}", "a finite number"))
            if not _encodable(feedback.text):
                problems.append(Problem(file, f"{shown(feedback.text)} in {where}", "a text without lone surrogates"))
    return problems


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
