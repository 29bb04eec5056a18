"""How each line of the new file came to be, and a person's decisions on it: JSON Lines beside it, and what a page gives back."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from biobench.exercises import find_exercise
from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import Defects
from biobench.readers.json_text import JsonText, parse, read_text
from biocoach_model.augmentation.records import REASONS, Fact, Remark

__all__ = ["DECISIONS_SCHEMA", "SCHEMA", "Decision", "Decisions", "counts_of", "read_decisions", "sidecar", "summary"]

SCHEMA = "biobench/augment/1"
DECISIONS_SCHEMA = "biobench/augment-decisions/1"
Place = tuple[int, int]


def sidecar(remarks: Sequence[Remark], made: Mapping[str, object], annotations: str) -> str:
    """JSON Lines: first what the file was made from and with, then each remark in the order of the file.

    ``annotations`` is the new file's text: the first line has its digest, so that the two are known to belong together.
    """
    digest = hashlib.sha256(annotations.encode()).hexdigest()
    head = {
        "schema": SCHEMA,
        "annotations_sha256": digest,
        **made,
        "remarks": len(remarks),
        "counts": counts_of(remarks),
    }
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (head, *map(_line, remarks)))


def counts_of(remarks: Sequence[Remark]) -> dict[str, int]:
    """How many were rewritten, and how many kept for which reason; the most frequent first."""
    counts = Counter("rewritten" if r.changed else r.kept.code if r.kept else "unchanged" for r in remarks)
    return dict(sorted(counts.items(), key=lambda item: (item[0] != "rewritten", -item[1], item[0])))


def summary(remarks: Sequence[Remark]) -> str:
    """The counts in words, one line each."""
    lines = [f"{len(remarks):>6}  remarks"]
    lines += [
        f"{n:>6}  {'' if code == 'rewritten' else 'kept: '}{REASONS.get(code, code)}"
        for code, n in counts_of(remarks).items()
    ]
    return "\n".join(lines)


class Decision(NamedTuple):
    """What a person decided about the new words of one remark."""

    record: int
    event: int
    after: str
    accepted: bool


def read_decisions(path: Path, source_sha256: str) -> Decisions:
    """A person's decisions as the review page saves them.

    Raises ``ProblemsFound`` with everything that is wrong with the file, and for decisions on other annotations.
    """
    source = read_text(path)
    value, defects = parse(source), Defects(source)
    rows = value.get("decisions") if isinstance(value, dict) else None
    if not isinstance(value, dict) or value.get("schema") != DECISIONS_SCHEMA or not isinstance(rows, list):
        defects.add_text((), "something else", f'what the review page saves: "schema": "{DECISIONS_SCHEMA}"')
        raise ProblemsFound(defects.problems())
    if value.get("source_sha256") != source_sha256:
        raise ProblemsFound([Problem(str(path), "decisions on other annotations", "those on this annotation file")])
    found: dict[Place, int] = {}
    for k, row in enumerate(rows):
        keys = {"record": int, "event": int, "after": str, "accepted": bool}
        if not isinstance(row, dict) or any(type(row.get(key)) is not kind for key, kind in keys.items()):
            defects.add(("decisions", k), row, 'an object with "record", "event", "after" and "accepted"')
        elif found.setdefault((row["record"], row["event"]), k) != k:
            defects.add_text(("decisions", k), "a second decision on one remark", "one at most")
    defects.raise_if_any()
    return Decisions(source, tuple(Decision(r["record"], r["event"], r["after"], r["accepted"]) for r in rows))


class Decisions(NamedTuple):
    """A file of decisions."""

    source: JsonText
    rows: tuple[Decision, ...]

    def on(self, remarks: Sequence[Remark]) -> dict[Place, bool]:
        """The decisions by record and event.

        Raises ``ProblemsFound`` with each that is on a remark that was not rewritten, or on other words than it has now.
        """
        defects = Defects(self.source)
        known = {(remark.record, remark.event): remark for remark in remarks}
        for k, row in enumerate(self.rows):
            remark = known.get((row.record, row.event))
            if remark is None or not remark.changed:
                found = f"remark {row.event} of record {row.record}"
                defects.add_text(("decisions", k), found, "one that is rewritten in this run")
            elif remark.after != row.after:
                found, hint = "other new words than this run's", "look at this run's page"
                defects.add_text(("decisions", k, "after"), found, "a decision on these", hint)
        defects.raise_if_any()
        return {(row.record, row.event): row.accepted for row in self.rows}


def _line(remark: Remark) -> dict[str, object]:
    exercise = None if remark.exercise is None else find_exercise(remark.exercise)
    return {
        "video": remark.video,
        "record": remark.record,
        "event": remark.event,
        "segment": remark.segment,
        "exercise": remark.exercise if exercise is None else " ".join(filter(None, exercise)),
        "time_s": remark.time_s,
        "at_s": None if remark.at_s is None else round(remark.at_s, 3),
        "before": remark.before,
        "after": remark.after,
        "proposed": remark.proposed,
        "outcome": "rewritten" if remark.changed else "kept",
        "reason": None if remark.kept is None else remark.kept.code,
        "detail": None if remark.kept is None else remark.kept.detail,
        "accepted": remark.accepted,
        "context": remark.context,
        "fact": None if remark.fact is None else _fact(remark.fact),
        "numbers": [number._asdict() for number in remark.numbers],
    }


def _fact(fact: Fact) -> dict[str, object]:
    return {
        "name": fact.name,
        "side": fact.side,
        "measure": fact.measure,
        "measured": fact.measured,
        "wanted": fact.wanted,
        "off": fact.off,
        "told": fact.told,
        "verdict": fact.verdict.outcome,
        "why": fact.verdict.reason,
    }
