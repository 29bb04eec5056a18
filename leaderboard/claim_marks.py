"""What a timeline's remarks claim about the body, as marks in their texts: agreed, contradicting, or of one side only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from biobench.results import Json
from judges.claims import Claim, Span, compare, understand

__all__ = ["claim_marks"]

AGAINST, AGREED, ALONE = range(3)
"""States, the gravest first; the page's script names them in this order."""
_WORDS = ("CONTRADICTS", "agrees", "only here")
_Told = tuple[int, Claim]


def claim_marks(segments: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """``titles``, what a mark says; and ``segments``: by id, marks of references and of predictions, by the remark's number.

    ``segments`` are a digest's. A mark is [first character, end, state, number of its title]; marks of a text do not overlap
    and count code points. Technique claims only.
    """
    titles = _Titles()
    found: dict[str, Json] = {}
    for segment in segments:
        references, predictions = _segment(segment)
        marks: list[Json] = [
            {str(k): list(_marks(claims, titles)) for k, claims in enumerate(side) if claims}
            for side in (references, predictions)
        ]
        if any(marks):
            found[str(segment["id"])] = marks
    return {"titles": list(titles.numbers), "segments": found}


@dataclass(slots=True)
class _Titles:
    """Each text once, numbered in order of first use."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def _segment(segment: Mapping[str, Json]) -> tuple[list[list[_Told]], list[list[_Told]]]:
    """The claims of each reference and each prediction, with their states."""
    exercise = str(segment["exercise"])
    wanted: list[tuple[float, str]] = segment["references"]  # type: ignore[assignment]  # see Digest.segments
    said: list[tuple[float, str]] = segment["predictions"]  # type: ignore[assignment]
    pairs: list[tuple[int, int]] = segment["pairs"]  # type: ignore[assignment]
    of_references = [_alone(text, exercise) for _, text in wanted]
    of_predictions = [_alone(text, exercise) for _, text in said]
    for i, j in pairs:
        found = compare(wanted[i][1], said[j][1], exercise)
        mine, theirs = of_references[i], of_predictions[j]
        agreed = [(a, b) for a, b, _ in found.matched]
        for state, places in ((AGREED, agreed), (AGAINST, found.contradicting)):
            for a, b in places:
                mine[a] = state, mine[a][1]
                theirs[b] = state, theirs[b][1]
    return of_references, of_predictions


def _alone(text: str, exercise: str) -> list[_Told]:
    return [(ALONE, claim) for claim in understand(text, exercise).claims if claim.family == "technique"]


def _marks(claims: Sequence[_Told], titles: _Titles) -> Iterable[Json]:
    """Pieces of the text that the same claims cover; the gravest state counts."""
    edges = sorted({edge for _, claim in claims for edge in claim.span})
    for start, end in pairwise(edges):
        here = [(state, claim) for state, claim in claims if _covers(claim.span, start, end)]
        if here:
            title = "; ".join(f"{_WORDS[state]}: {_slots(claim)}" for state, claim in here)
            yield [start, end, min(state for state, _ in here), titles.number(title)]


def _covers(span: Span, start: int, end: int) -> bool:
    return span.start <= start and end <= span.end


def _slots(claim: Claim) -> str:
    told = [claim.joint, claim.side, claim.direction and f"wants {claim.direction}"]
    if claim.quantity is not None and claim.quantity.unit == "deg":
        told.append(f"{claim.quantity.low:g}° {claim.quantity.role}")
    told += [claim.rom and f"range {claim.rom}", claim.phase]
    told.append({"fault": "wrong now", "fine": "right now"}.get(claim.polarity or ""))
    return ", ".join(word for word in told if word)
