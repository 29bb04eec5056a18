"""S6: what must not matter, on true remarks and on wrong ones: length, style, courtesy, authority, a label."""

from __future__ import annotations

from collections.abc import Sequence

from judges.validation.equivalence import equivalent
from judges.validation.evidence import NO_SCALE, Evidence
from judges.validation.findings import Finding, Row, Table, finding, not_shown
from judges.validation.material import BIASES, Bias

__all__ = ["bias"]

_LABELS = {
    "length": "padding",
    "style": "clinical words for lay ones",
    "politeness": "courtesies",
    "authority": "a claim of authority",
    "label": "a source's name",
}


def bias(evidence: Evidence) -> Finding:
    """The mean change of score, as a share of the scale; equivalence by two one-sided tests at 5 % (the 90 % interval)."""
    if evidence.scale is None:
        return not_shown("S6", NO_SCALE)
    numbers = []
    rows: list[Row] = []
    for kind in BIASES:
        for right in (True, False):
            trials = [t for t in evidence.material.biases if (t.kind, t.right) == (kind, right)]
            changes = [evidence.share(t.changed) - evidence.share(t.plain) for t in trials]
            of = "true" if right else "wrong"
            number = evidence.number(
                f"s6_{kind}_{of}",
                f"{_LABELS[kind]}, on {of} remarks (90 % interval)",
                changes,
                [t.known.base.cluster for t in trials],
                gate=f"s6_{kind}",
                confidence=0.9,
            )
            numbers.append(number)
            largest = max(map(abs, changes), default=None)
            rows.append(
                (_LABELS[kind], of, len(trials), number.value, largest, _p_value(evidence, kind, trials, changes))
            )
    columns = ("what is changed", "remarks", "items", "mean change", "largest change", "p of equivalence")
    return finding("S6", numbers, [Table("Changes, as shares of the scale", columns, tuple(rows))])


def _p_value(evidence: Evidence, kind: str, trials: Sequence[Bias], changes: Sequence[float]) -> float | None:
    """Of the two one-sided tests; None where the gate is not as wide on either side, or nothing can be tested."""
    gate = evidence.gate(f"s6_{kind}")
    if gate.least is None or gate.most is None or gate.least != -gate.most or not changes:
        return None
    return equivalent(changes, [trial.known.base.cluster for trial in trials], gate.most).p_value
