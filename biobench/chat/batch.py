"""Batch files of OpenAI's, which vLLM's ``run-batch`` reads as well: requests out, answers into the cache."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from biobench.chat.answers import completion, error_facts
from biobench.chat.cache import Cache, Row
from biobench.chat.endpoint import Endpoint
from biobench.chat.records import Mode, Request
from biobench.chat.wire import body, request_key
from biobench.files import write_text
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_text import parse_lines, read_text

__all__ = ["BatchRead", "BatchWritten", "read_batch", "write_batch"]

_KEY = re.compile(r"[0-9a-f]{64}")
_URL = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class BatchWritten:
    """How many requests a batch file holds, and how many were left out because the cache holds them."""

    written: int
    cached: int


@dataclass(frozen=True, slots=True)
class BatchRead:
    """What a file of answers held: new ones, ones that the cache held before, and errors by their lines."""

    stored: int
    known: int
    errors: tuple[Problem, ...]


def write_batch(
    endpoint: Endpoint, requests: Iterable[Request], path: Path, cache: Cache | None = None, mode: Mode = "json_schema"
) -> BatchWritten:
    """One line for each request that the cache lacks, equal ones once; ``custom_id`` is the key in the cache.

    ``mode`` is how requests with a schema are sent: ``Capabilities.mode`` of an endpoint that was probed.
    Raises ``ProblemsFound`` where the file can't be written.
    """
    lines: dict[str, str] = {}
    cached: set[str] = set()
    for request in requests:
        sent: Mode = "text" if request.schema is None else mode
        key = request_key(endpoint, request, sent)
        if cache is not None and cache.get(key) is not None:
            cached.add(key)
            continue
        line = {"custom_id": key, "method": "POST", "url": _URL, "body": body(endpoint, request, sent)}
        lines[key] = json.dumps(line, allow_nan=False)
    write_text(path, "".join(f"{line}\n" for line in lines.values()))
    return BatchWritten(len(lines), len(cached))


def read_batch(path: Path, cache: Cache) -> BatchRead:
    """Puts the answers of a batch into the cache, all of them or none.

    Raises ``ProblemsFound`` with every line that is no answer of a batch, and stores nothing then. A request that
    the server failed is no problem of the file: it is in ``errors``, and stays to be asked.
    """
    file = str(path)
    rows: dict[str, Row] = {}
    errors: list[Problem] = []
    problems: list[Problem] = []
    try:
        for line, value in parse_lines(read_text(path)):
            try:
                row = _row(value)
                if row.key in rows:
                    _refuse("a custom_id again", "every custom_id once")
                rows[row.key] = row
            except _ServerError as error:
                errors.append(Problem(file, str(error), "an answer", "ask it again", line))
            except _Foreign as foreign:
                problems.append(Problem(file, foreign.found, foreign.expected, foreign.hint, line))
    except ProblemsFound as found:
        # Those of a line could quote it; a whole file that can't be read holds nothing to hide.
        problems += [_without_text(problem) for problem in found.problems]
    if problems:
        raise ProblemsFound(sorted(problems, key=lambda problem: problem.line or 0))
    before = sum(cache.get(key) is not None for key in rows)
    if rows:
        cache.put(list(rows.values()))
    return BatchRead(len(rows) - before, before, tuple(errors))


class _ServerError(Exception):
    """What the server says instead of an answer."""


class _Foreign(Exception):  # noqa: N818 - it is the line that is foreign
    """What is no line of a batch's answers."""

    def __init__(self, found: str, expected: str, hint: str = "") -> None:
        super().__init__(found)
        self.found, self.expected, self.hint = found, expected, hint


def _refuse(found: str, expected: str, hint: str = "") -> NoReturn:
    raise _Foreign(found, expected, hint)


def _row(value: object) -> Row:
    if not isinstance(value, dict):
        _refuse("a value that is no object", "an answer of a batch")
    key = value.get("custom_id")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        _refuse("no custom_id of ours", "the key of a request", "is it the answer to a batch that was written here?")
    if "body" in value and "response" not in value:
        _refuse("a request", "an answer", "this is the file that was sent; give the one that came back")
    error, response = value.get("error"), value.get("response")
    if response is None and error is not None:
        raise _ServerError(_shown(0, json.dumps(error)))
    status, answer = (response.get("status_code"), response.get("body")) if isinstance(response, dict) else (None, None)
    if not isinstance(status, int) or isinstance(status, bool):
        _refuse("no status_code", "a response with its status")
    raw = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    if status != 200 or error is not None:
        raise _ServerError(_shown(status, raw))
    if not isinstance(answer, Mapping) or completion(raw.encode()) is None:
        _refuse("a body that is no chat completion", "what a server answered")
    return Row(key, raw.encode(), 0)


def _shown(status: int, raw: str) -> str:
    code = error_facts(raw.encode(), "").code
    facts = ", ".join(filter(None, [f"status {status}" if status else "", code]))
    return f"an error ({facts})" if facts else "an error"


def _without_text(problem: Problem) -> Problem:
    if problem.line is None:
        return problem
    return Problem(problem.file, "a line that is no whole JSON value", "one JSON object", "", problem.line)
