"""The answers to a study's questions, as a reader without fault would give them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_text import parse_lines, read_text
from judges.llm.cleaning import clean
from judges.llm.prompt import CRITERIA

__all__ = ["answers_of"]

_CRITERION = {
    "side": "side",
    "both": "side",
    "joint": "joint",
    "exercise": "joint",
    "motion": "motion",
    "direction": "motion",
    "fault": "motion",
    "negation": "motion",
    "rom": "rom",
    "phase": "phase",
    "angle": "angle",
    "reps": "reps",
    "valence": "valence",
}
"""The criterion under which a wrong slot falls."""
_VALUES = ((0.1, "opposite"), (0.5, "wrong"), (0.7, "missing"), (1.0, "near"))
"""What a criterion is where the prediction is so true at most."""


@cache
def answers_of(file: str) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """Criteria and overall by (reference, prediction), the texts as the judge's prompt shows them. Raises ``ProblemsFound``."""
    source = read_text(Path(file))
    found: dict[tuple[str, str], Mapping[str, str]] = {}
    for line, value in parse_lines(source):
        entry = value if isinstance(value, dict) else {}
        texts = [text for key in ("reference", "prediction") if isinstance(text := entry.get(key), str)]
        truth, states, wrong = entry.get("truth"), entry.get("states"), entry.get("wrong")
        if (
            len(texts) < 2
            or not isinstance(truth, int | float)
            or not isinstance(states, list)
            or not isinstance(wrong, list)
        ):
            raise ProblemsFound([Problem(file, "another kind of line", "the questions.jsonl of a study", line=line)])
        found.setdefault((clean(texts[0]).text, clean(texts[1]).text), _answer(float(truth), states, wrong))
    return found


def _answer(truth: float, states: list[object], wrong: list[object]) -> dict[str, str]:
    told = {str(slot) for slot in states} | {"valence"}
    bad = told if "all" in wrong else {_CRITERION[str(slot)] for slot in wrong if str(slot) in _CRITERION}
    value = next(value for most, value in _VALUES if truth <= most)
    if "all" in wrong:
        value = "wrong"
    criteria = {name: (value if name in bad else "match") if name in told | bad else "absent" for name in CRITERIA}
    return {**criteria, "tampering": "no", "overall": str(1 + round(4 * truth))}
