"""S0: a copy, a paraphrase, another moment's remark, nothing: an order that nobody doubts."""

from __future__ import annotations

from judges.llm.items import Question
from judges.validation.evidence import NO_SCALE, Evidence
from judges.validation.findings import Finding, Number, Table, finding

__all__ = ["sanity"]

_STEPS = (
    ("s0_copy_over_paraphrase", "a copy less a paraphrase", "copy", "paraphrase"),
    ("s0_paraphrase_over_other", "a paraphrase less another moment's remark", "paraphrase", "other"),
    ("s0_other_over_empty", "another moment's remark less nothing", "other", "empty"),
)


def sanity(evidence: Evidence) -> Finding:
    """Mean differences along the order, as shares of the scale. Without a scale the order does not hold."""
    anchors = evidence.material.anchors
    clusters = [anchor.base.cluster for anchor in anchors]
    rows = tuple(
        (name, _mean(evidence, [getattr(anchor, name) for anchor in anchors]))
        for name in ("copy", "paraphrase", "other", "empty")
    )
    table = Table("Mean score", ("prediction", "score"), rows)
    if evidence.scale is None:
        gate = evidence.gate("s0_paraphrase_over_other")
        value = 0.0
        none = Number("s0_paraphrase_over_other", _STEPS[1][1], value, value, value, len(anchors), 0, gate, NO_SCALE)
        return finding("S0", [none], [table])
    numbers = []
    for name, label, better, worse in _STEPS:
        values = [evidence.share(getattr(a, better)) - evidence.share(getattr(a, worse)) for a in anchors]
        numbers.append(evidence.number(name, label, values, clusters, gate=name))
    return finding("S0", numbers, [table])


def _mean(evidence: Evidence, questions: list[Question]) -> float:
    return sum(evidence.scores[question] for question in questions) / len(questions)
