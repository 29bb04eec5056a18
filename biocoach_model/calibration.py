"""How readily a backbone speaks: chosen on the validation videos, once, after training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from biobench.matching import count_matches
from biocoach_model.coach import FEATURE_HZ, BioCoach, Seen

if TYPE_CHECKING:
    from biocoach_model.training.examples import Example

__all__ = ["best_bias"]


def best_bias(coach: BioCoach, examples: Sequence[Example], biases: Sequence[float], batch: int = 64) -> float:
    """The one of ``biases``, added to the logit of ``<answer>``, with the best pooled T-F-Score (optimal matching, 1.5 s).

    Of equal ones the first. A greedy decoder speaks where that is likelier than all else; how often that is depends on the
    weight of going on in training, and on how surely times can be told.
    """
    if len(biases) == 1:
        return float(biases[0])
    seen = [
        Seen(example.exercise, example.features.astype(np.float32), np.arange(len(example.features)) / FEATURE_HZ)
        for example in examples
    ]
    references = [[remark.row / FEATURE_HZ for remark in example.remarks] for example in examples]
    before, scores = coach.answer_bias, []
    for bias in biases:
        coach.answer_bias = float(bias)
        said = [[feedback.time_s for feedback in one] for one in coach.say(seen, batch=batch)]
        matched = sum(count_matches(wanted, given) for wanted, given in zip(references, said, strict=True))
        remarks = sum(map(len, references)) + sum(map(len, said))
        scores.append(2 * matched / remarks if remarks else 0.0)
    coach.answer_bias = before
    return float(biases[int(np.argmax(scores))])
