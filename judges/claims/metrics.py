"""The claim metrics of ``biobench evaluate``: whether what a system says of the body is what the coach says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import ClassVar

import numpy as np

from biobench.matching import SegmentMatch
from biobench.metrics.base import Metric, PairMetric, Rows, ratio
from biobench.records import Feedback, Segment
from judges.claims.corpus import KINDS, claim_sums, columns_of
from judges.claims.lexicon import lexicon
from judges.claims.weights import weights

__all__ = [
    "AngleError",
    "BioClaimF",
    "BioClaimF1",
    "BioClaimHarm",
    "BioClaimNet",
    "ClaimShare",
    "ClaimsPrediction",
    "ClaimsReference",
    "ContradictionRate",
    "CountF",
    "InventedNumberRate",
    "KindF",
    "SideAccuracy",
    "TempoF",
    "claims_signature",
]

_NO_CLAIMS = "the references claim nothing about technique"


@cache
def claims_signature() -> dict[str, str]:
    """What can change how claims are read and compared."""
    tables = sorted((files("judges.claims") / "data").iterdir(), key=lambda table: table.name)
    digest = sha256(b"\0".join(table.read_bytes() for table in tables if table.name.endswith(".toml")))
    return {"lexicon": lexicon().version, "weights": weights().version, "claims": digest.hexdigest()[:12]}


class _ClaimMetric(Metric):
    """Rows are the named columns of ``claim_sums``."""

    sums: ClassVar[tuple[str, ...]]

    def signature(self) -> Mapping[str, str]:
        return claims_signature()

    def rows(self, matches: Sequence[SegmentMatch]) -> Rows:
        return claim_sums(matches)[:, columns_of(*self.sums)]


class _Mean(_ClaimMetric, PairMetric):
    """``sum / number`` over matched pairs; saved text pairs have it too."""

    def pair_scores(self, references: Sequence[str], predictions: Sequence[str]) -> Sequence[float]:
        """Each pair by itself, its exercise not known; NaN where it has no number."""
        pairs = zip(references, predictions, strict=True)
        return [float(self.score(self.rows([_alone(*pair)])[0])) for pair in pairs]


class _Rate(_ClaimMetric):
    """``sum / number``; less is better."""

    higher_is_better: ClassVar[bool] = False

    def score(self, sums: Rows) -> Rows:
        return ratio(sums[..., 0], sums[..., 1])

    def denominator(self, sums: Rows) -> Rows:
        return sums[..., 1]


class BioClaimF1(_Mean):
    """The mean f1 of the matched pairs in which at least one text makes a technique claim."""

    name = "bioclaim_f1"
    no_value: ClassVar[str] = "no matched pair claims anything about technique"
    sums = ("f1", "f1_pairs")


class BioClaimF(_ClaimMetric):
    """``2PR / (P + R)``, P and R the likeness of matched remarks' claims over the technique claims of all remarks."""

    name = "bioclaim_f"
    no_value: ClassVar[str] = _NO_CLAIMS
    sums = ("shared_prediction", "shared_reference", "prediction_claims", "reference_claims")

    def score(self, sums: Rows) -> Rows:
        precision = np.nan_to_num(ratio(sums[..., 0], sums[..., 2]))
        recall = ratio(sums[..., 1], sums[..., 3])
        f_score = np.nan_to_num(ratio(2 * precision * recall, precision + recall))
        return np.where(sums[..., 3] > 0, f_score, np.nan)

    def denominator(self, sums: Rows) -> Rows:
        """Technique claims of both."""
        return sums[..., 2] + sums[..., 3]


class BioClaimHarm(BioClaimF):
    """The same with every claim times its harm weight: safety counts most, looks least."""

    name = "bioclaim_harm"
    headline: ClassVar[bool] = False
    sums = ("shared_prediction_harm", "shared_reference_harm", "prediction_harm", "reference_harm")


class BioClaimNet(_ClaimMetric):
    """``(shared by both - 2 contradictions) / claims of both``, from -1 to 1: below 0 it misleads more than it tells."""

    name = "bioclaim_net"
    headline: ClassVar[bool] = False
    no_value: ClassVar[str] = _NO_CLAIMS
    sums = ("shared_prediction", "shared_reference", "contradictions", "prediction_claims", "reference_claims")

    def score(self, sums: Rows) -> Rows:
        shared = sums[..., 0] + sums[..., 1] - 2 * sums[..., 2]
        return np.where(sums[..., 4] > 0, ratio(shared, self.denominator(sums)), np.nan)

    def denominator(self, sums: Rows) -> Rows:
        """Technique claims of both."""
        return sums[..., 3] + sums[..., 4]


class CountF(_Mean):
    """Micro F of the repetitions told in matched pairs: number and role equal."""

    name = "count_f"
    headline: ClassVar[bool] = False
    no_value: ClassVar[str] = "no matched remark counts repetitions"
    sums = ("counts_agree", "counts")


class TempoF(_Mean):
    """Micro F of what matched pairs say about tempo: the same direction."""

    name = "tempo_f"
    headline: ClassVar[bool] = False
    no_value: ClassVar[str] = "no matched remark speaks of tempo"
    sums = ("tempos_agree", "tempos")


class KindF(_ClaimMetric):
    """The mean F over the kinds of remark that occur; remarks without a partner are misses or false alarms."""

    name = "kind_f"
    headline: ClassVar[bool] = False
    no_value: ClassVar[str] = "there is no correction, count, praise or instruction"
    sums = (
        *(f"kind_{kind}_agree" for kind in KINDS),
        *(f"reference_kind_{kind}" for kind in KINDS),
        *(f"prediction_kind_{kind}" for kind in KINDS),
    )

    def score(self, sums: Rows) -> Rows:
        agreed, references, predictions = np.split(sums, 3, axis=-1)
        f_scores = ratio(2 * agreed, references + predictions)
        occur = ~np.isnan(f_scores)
        kinds: Rows = occur.sum(axis=-1, dtype=np.float64)
        return ratio(np.where(occur, f_scores, 0.0).sum(axis=-1), kinds)

    def denominator(self, sums: Rows) -> Rows:
        """Remarks of these kinds, of both."""
        remarks: Rows = sums[..., len(KINDS) :].sum(axis=-1)
        return remarks


class ContradictionRate(_Rate):
    """Claims of matched predictions that contradict the reference, of all their technique claims."""

    name = "contradiction_rate"
    no_value: ClassVar[str] = "no matched prediction claims anything about technique"
    sums = ("contradictions", "claims_in_pairs")


class InventedNumberRate(_Rate):
    """Numbers of matched predictions that their reference lacks, of all that they tell."""

    name = "invented_number_rate"
    no_value: ClassVar[str] = "no matched prediction tells a number"
    sums = ("invented", "numbers")


class SideAccuracy(_Mean):
    """Where both texts of a pair name a side for one claim, how often it is the same."""

    name = "side_accuracy"
    no_value: ClassVar[str] = "no claim names a side in both texts of a pair"
    sums = ("sides_agree", "sides")


class AngleError(_Rate):
    """The mean difference, in degrees, of angles that both texts of a pair tell in one role."""

    name = "angle_error_deg"
    no_value: ClassVar[str] = "no claim has an angle of one role in both texts of a pair"
    sums = ("angle_error_deg", "angles")


class _Total(_ClaimMetric):
    headline: ClassVar[bool] = False
    no_interval: ClassVar[str] = "a total of these data"

    def score(self, sums: Rows) -> Rows:
        return sums[..., 0]

    def denominator(self, sums: Rows) -> Rows:
        """Remarks."""
        return sums[..., 1]


class ClaimsReference(_Total):
    """Technique claims of the references, matched or not."""

    name = "claims_reference"
    sums = ("reference_claims", "reference_remarks")


class ClaimsPrediction(_Total):
    """Technique claims of the predictions, matched or not."""

    name = "claims_prediction"
    sums = ("prediction_claims", "prediction_remarks")


class ClaimShare(_ClaimMetric):
    """The share of the system's remarks that make a technique claim."""

    name = "claim_share"
    headline: ClassVar[bool] = False
    no_value: ClassVar[str] = "the system said nothing"
    sums = ("prediction_with_claims", "prediction_remarks")

    def score(self, sums: Rows) -> Rows:
        return ratio(sums[..., 0], sums[..., 1])

    def denominator(self, sums: Rows) -> Rows:
        """Remarks of the system."""
        return sums[..., 1]


def _alone(reference: str, prediction: str) -> SegmentMatch:
    segment = Segment("pair", "", "", 0.0, 0.0, (Feedback(0.0, reference),))
    return SegmentMatch(segment, (Feedback(0.0, prediction),), ((0, 0),), ((0, 0),), predicted=True)
