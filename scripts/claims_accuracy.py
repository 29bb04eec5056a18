"""Writes the tables of docs/claims.md that say how well claims are read: slot by slot, and on triples.

python scripts/claims_accuracy.py            # says whether the page is up to date
python scripts/claims_accuracy.py --write
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from biobench.metrics.meteor import Meteor
from biobench.metrics.rouge import RougeL
from judges.claims import Claim, compare, understand
from judges.claims.assignment import assign

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "judges" / "data"
PAGE = ROOT / "docs" / "claims.md"
SLOTS = ("joint", "side", "direction", "quantity", "rom", "phase", "reps", "polarity")
SENTENCES = {"labelled": "330 remarks, lay and clinical", "hostile": "150 remarks written to be hard"}
TRIPLES = {
    "triples_plain": "usual wording, written first (seen while the lexicon grew)",
    "triples_plain_unseen": "usual wording, never looked at",
    "triples": "free wording (some seen)",
    "triples_unseen": "free wording, never looked at",
}
BEGIN, END = "<!-- accuracy -->", "<!-- /accuracy -->"
Slots = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of a slot: how often it was told rightly, how often something else or nothing, how often too much."""

    right: int
    told: int
    labelled: int

    @property
    def precision(self) -> float:
        """Of what was told, the share that is right."""
        return self.right / self.told if self.told else float("nan")

    @property
    def recall(self) -> float:
        """Of what is labelled, the share that was told."""
        return self.right / self.labelled if self.labelled else float("nan")

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 2 * self.right / (self.told + self.labelled)


def main() -> None:
    """Writes the tables, or says that they are old."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    made = f"{head}{BEGIN}\n{tables()}\n{END}{tail}"
    if "--write" in sys.argv[1:]:
        PAGE.write_text(made, encoding="utf-8", newline="\n")
    elif made != text:
        sys.exit(f"{PAGE} is out of date: run it with --write")


def tables() -> str:
    """Both tables in Markdown."""
    found = {name: accuracy(name) for name in SENTENCES}
    lines = ["| slot | " + " | ".join(f"{text}: P | R | F | n" for text in SENTENCES.values()) + " |"]
    lines.append("|---|" + "---|" * (4 * len(SENTENCES)))
    for slot in (*SLOTS, "all slots"):
        cells = [found[name][slot] for name in SENTENCES]
        numbers = (f"{a.precision:.3f} | {a.recall:.3f} | {a.f1:.3f} | {a.labelled}" for a in cells)
        lines.append(f"| {slot} | " + " | ".join(numbers) + " |")
    lines += ["", "| triples | n | BioClaim | ties | METEOR | ROUGE-L |", "|---|---|---|---|---|---|"]
    for name, text in TRIPLES.items():
        right, ties, count = ordered(name)
        meteor, rouge = ordered_by_words(name)
        lines.append(f"| {text} | {count} | {right / count:.0%} | {ties / count:.0%} | {meteor:.0%} | {rouge:.0%} |")
    return "\n".join(lines)


def accuracy(name: str) -> dict[str, Accuracy]:
    """By slot, and "all slots" together; claims are paired so that most slots agree."""
    right: Counter[str] = Counter()
    told: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    for line in _lines(name):
        mine = [_labelled(claim) for claim in line["claims"]]
        theirs = [_told(claim) for claim in understand(line["text"], line["exercise"]).claims]
        labelled.update(slot for _, slots in mine for slot in slots)
        told.update(slot for _, slots in theirs for slot in slots)
        worth = [[_agreement(a, b) for b in theirs] for a in mine]
        for i, j in assign(worth):
            right.update(slot for slot, value in mine[i][1].items() if theirs[j][1].get(slot) == value)
    found = {slot: Accuracy(right[slot], told[slot], labelled[slot]) for slot in SLOTS}
    found["all slots"] = Accuracy(right.total(), told.total(), labelled.total())
    return found


def kinds(name: str) -> float:
    """The share of remarks whose kind is told rightly."""
    lines = list(_lines(name))
    return sum(understand(line["text"], line["exercise"]).kind == line["kind"] for line in lines) / len(lines)


def ordered(name: str) -> tuple[int, int, int]:
    """Of triples: in how many the paraphrase is more like the reference than the wrong text, ties, and how many there are."""
    right = ties = count = 0
    for line in _lines(name):
        scores = [
            compare(line["reference"], line[text], line["exercise"]).f1 or 0.0 for text in ("paraphrase", "wrong")
        ]
        right += scores[0] > scores[1]
        ties += scores[0] == scores[1]
        count += 1
    return right, ties, count


def ordered_by_words(name: str) -> tuple[float, float]:
    """The share of triples that METEOR and ROUGE-L order rightly."""
    lines = list(_lines(name))
    references = [line["reference"] for line in lines]
    shares = []
    for metric in (Meteor(), RougeL()):
        good = metric.pair_scores(references, [line["paraphrase"] for line in lines])
        wrong = metric.pair_scores(references, [line["wrong"] for line in lines])
        shares.append(sum(a > b for a, b in zip(good, wrong, strict=True)) / len(lines))
    return shares[0], shares[1]


def _lines(name: str) -> Iterator[Mapping[str, object]]:
    for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _labelled(claim: Mapping[str, object]) -> tuple[object, Slots]:
    slots = {slot: claim[slot] for slot in SLOTS if claim.get(slot) is not None and slot != "quantity"}
    quantity = claim.get("quantity")
    if isinstance(quantity, dict):
        slots["quantity"] = tuple(quantity[key] for key in ("low", "high", "role", "comparison"))
    return claim["family"], slots


def _told(claim: Claim) -> tuple[object, Slots]:
    slots = {slot: getattr(claim, slot) for slot in SLOTS if getattr(claim, slot) is not None and slot != "quantity"}
    quantity = claim.quantity
    if quantity is not None and quantity.unit == "deg":
        slots["quantity"] = (quantity.low, quantity.high, quantity.role, quantity.comparison)
    return claim.family, slots


def _agreement(mine: tuple[object, Slots], theirs: tuple[object, Slots]) -> float:
    if mine[0] != theirs[0]:
        return 0.0
    same = [slot for slot, value in mine[1].items() if theirs[1].get(slot) == value]
    return 1.0 + len(same) + 2.0 * ("joint" in same)


if __name__ == "__main__":
    main()
