"""FitCoach's system prompt, found in a checkout of its repository by reading the source, which is never run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from biobench.problems import Problem, ProblemsFound

__all__ = ["Prompt", "prompt_from"]

_NAMED = re.compile(r"sys(tem)?_?\w*(prompt|message)|(prompt|message)\w*_sys(tem)?|^system$", re.IGNORECASE)
_MAYBE = re.compile(r"prompt|system|instruction", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\w*\}|%s")
_SHORTEST = 20
"""Anything shorter is a key or a file's name."""
_LARGEST_FILE = 2_000_000
_SKIPPED = frozenset({"node_modules", "site-packages", "build", "dist", "tests", "test"})


class Prompt(NamedTuple):
    """A system prompt, and where it is from: a file of the checkout and the name there."""

    text: str
    source: str


def prompt_from(checkout: Path) -> Prompt:
    """The one string constant of a module or a class that is named like a system prompt.

    Raises ``ProblemsFound`` where there is no checkout, no such constant, a template, or a choice of several.
    """
    where, hint = f"fitcoach_checkout: {checkout}", "give the text as prompt in the settings"
    expected = "a checkout of FitCoach's repository, with its system prompt as a string constant"
    if not checkout.is_dir():
        hint = "clone FitCoach's repository, or " + hint
        raise ProblemsFound([Problem(where, "no such folder", expected, hint)])
    every = [found for path in _sources(checkout) for found in _constants(path, checkout)]
    named = [(name, found) for name, found in every if _NAMED.search(name)]
    candidates = [found for _, found in named or [(name, found) for name, found in every if _MAYBE.search(name)]]
    texts = {found.text for found in candidates}
    if not candidates:
        raise ProblemsFound([Problem(where, "no string constant that is named like a prompt", expected, hint)])
    if len(texts) > 1:
        listed = "; ".join(found.source for found in candidates)
        raise ProblemsFound([Problem(where, f"{len(texts)} different candidates: {listed}", "one system prompt", hint)])
    found = candidates[0]
    if _PLACEHOLDER.search(found.text):
        raise ProblemsFound([Problem(where, f"{found.source}, a template with places to fill in", expected, hint)])
    return found


def _sources(checkout: Path) -> Iterator[Path]:
    """The Python files, in a fixed order, but for hidden and installed ones."""
    for path in sorted(checkout.rglob("*.py")):
        inside = path.relative_to(checkout).parts
        if not any(part.startswith(".") or part in _SKIPPED for part in inside) and path.is_file():
            yield path


def _constants(path: Path, checkout: Path) -> Iterator[tuple[str, Prompt]]:
    """String constants of a file's modules and classes, by name; none of a file that is no Python."""
    if path.stat().st_size > _LARGEST_FILE:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stranger's odd escapes are not our affair
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # it is nobody's prompt then
        return
    file = path.relative_to(checkout).as_posix()
    scopes: list[tuple[str, ast.Module | ast.ClassDef]] = [("", tree)]
    while scopes:
        prefix, scope = scopes.pop(0)
        for node in scope.body:
            if isinstance(node, ast.ClassDef):
                scopes.append((f"{prefix}{node.name}.", node))
            for name, value in _assigned(node):
                text = _text(value)
                if text is not None and len(text.strip()) >= _SHORTEST:
                    yield name, Prompt(text, f"{file}, {prefix}{name}")


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    for target in targets:
        if isinstance(target, ast.Name) and value is not None:
            yield target.id, value


def _text(value: ast.expr) -> str | None:
    """A string constant, or several that are added."""
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        left, right = _text(value.left), _text(value.right)
        return None if left is None or right is None else left + right
    return None
