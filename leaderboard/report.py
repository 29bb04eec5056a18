"""What a check found, as text, JSON, and Markdown for a comment on a pull request. All of it may quote a stranger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from biobench.harmless import harmless
from biobench.problems import Problem

__all__ = ["LONGEST_REPORT", "as_json", "as_markdown"]

LONGEST_REPORT = 60_000
"""Characters; a comment on GitHub holds 65,536."""
_LONGEST_LINE = 600


def as_json(found: Mapping[Path, Sequence[Problem]]) -> str:
    """One object a folder."""
    records = [
        {"folder": str(folder), "valid": not problems, "problems": [asdict(problem) for problem in problems]}
        for folder, problems in found.items()
    ]
    return json.dumps({"schema": "biobench/check/1", "submissions": records}, indent=1) + "\n"


def as_markdown(found: Mapping[Path, Sequence[Problem]]) -> str:
    """A short report: quotations stand in code blocks that nothing in them can end, and mention nobody."""
    bad = sum(bool(problems) for problems in found.values())
    lines = [f"**{len(found)} submission{'s' * (len(found) != 1)} checked, {bad} with problems.**"]
    for folder, problems in found.items():
        verdict = f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "no problems"
        lines += ["", f"`{_plain(folder.name)}`: {verdict}"]
        if problems:
            lines += ["", "```text", *(_plain(str(problem)) for problem in problems), "```"]
    text = "\n".join(lines) + "\n"
    if len(text) <= LONGEST_REPORT:
        return text
    cut = text[: LONGEST_REPORT - 100].rpartition("\n")[0]
    closing = "\n```" if cut.count("```") % 2 else ""
    return f"{cut}{closing}\n\nThe report is cut here; `biobench submit --check` shows all of it.\n"


def _plain(text: str) -> str:
    """One line of text that can't end a code block, nor call anybody."""
    return harmless(text, _LONGEST_LINE).replace("`", "'").replace("@", "(at)")
