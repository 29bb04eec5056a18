"""What BioClaim gives to systems whose worth is known, and how ranks hang on its weights, as the tables of docs/claims.md.

python scripts/claims_table.py            # says whether the page is up to date
python scripts/claims_table.py --write

The words that are turned into their opposites, and the list that a stuffed remark recites, are this script's own.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from baselines.oracles import OracleJitter, SecondAnnotator
from baselines.shuffles import ShuffledText
from biobench.exercises import find_exercise
from biobench.files import write_text
from biobench.matching import SegmentMatch
from biobench.metrics.base import Metric
from biobench.metrics.meteor import Meteor
from biobench.models import exercise_segments
from biobench.protocols import Biobench1
from biobench.readers.qevd import load_benchmark
from biobench.records import Benchmark, Feedback, Segment
from biobench.synth.make import VIDEOS, make_script
from biobench.synth.write import write_scripts
from judges.claims import Claim, compare, understand
from judges.claims.likeness import likeness, slots_of
from judges.claims.metrics import BioClaimF, BioClaimNet, ContradictionRate, SideAccuracy
from judges.claims.weights import SLOTS, weights

PAGE = Path(__file__).resolve().parent.parent / "docs" / "claims.md"
SEED = 0
JITTER_S = 0.3
DRAWS = 1_000
THRESHOLDS = (0.2, 0.5)
COLUMNS: Sequence[type[Metric]] = (BioClaimF, BioClaimNet, ContradictionRate, SideAccuracy, Meteor)

PAIRS = """
up/down upward/downward upwards/downwards upper/lower out/in outward/inward outwards/inwards outside/inside high/low higher/lower
raise/lower raised/lowered raising/lowering lift/drop lifted/dropped lifting/dropping rise/sink rising/sinking open/close
opened/closed wide/narrow wider/narrower widen/narrow apart/together forward/back forwards/backwards front/behind
bend/straighten bending/straightening bends/straightens bent/straight flex/extend flexed/extended flexing/extending
flexion/extension deep/shallow deeper/shallower abduct/adduct abduction/adduction abducting/adducting valgus/varus
internal/external internally/externally round/arch rounded/arched rounding/arching tuck/flare tucked/flared tucking/flaring
dorsiflexion/plantarflexion elevate/depress elevation/depression elevated/depressed protract/retract protracted/retracted
protraction/retraction anterior/posterior anteriorly/posteriorly tall/hunched upright/hunched closer/further long/short
longer/shorter under/over underneath/above below/above level/tilted flat/raised square/twisted still/swinging
steady/wobbling sag/pike sags/pikes sagging/piking neutral/crooked lengthen/shorten cave/bow caving/bowing caves/bows
relax/shrug relaxed/shrugged relaxing/shrugging hunch/straighten hunching/straightening collapse/lift collapsing/lifting
droop/lift drooping/lifting droops/lifts slump/straighten slumping/straightening spread/squeeze spreading/squeezing
stretch/bend stretched/bent stretching/bending stretches/bends supinate/pronate supination/pronation knock/bow
stiff/loose still/moving inside/outside inner/outer toward/away towards/away square/turned stacked/shifted
centered/shifted centred/shifted even/uneven aligned/shifted shift/center
"""
"""Words of opposite meaning, the first of a word's partners is taken; written without a look at the lexicon."""
MORE = {
    "more": "less",
    "less": "more",
    "further": "less",
    "don't": "do",
    "not": "surely",
    "never": "always",
    "avoid": "try",
}
"""Taken in claims that hold no word of the above."""
STUFFING = (
    "Knees out, knees in, left knee out, right knee out, back straight, back rounded, chest up, chest down, hips higher, "
    "hips lower, hips back, hips forward, elbows in, elbows out, bend your elbows, straighten your elbows, bend your knees, "
    "straighten your knees, raise your arms, lower your arms, feet wider, feet closer, head up, head down, heels down, "
    "heels up, lift your left leg higher, lift your right leg higher, bend to 90 degrees."
)
NOT_A_SIDE = re.compile(r"(?:that's|all|just) right|right (?:now|there|away|on)\b", re.IGNORECASE)
NO_DIRECTION = re.compile(r" (?:line|place|time|step|front|control|each|every|the|a|an|your|this|that)\b")
"""What after "in" makes it no way to go."""
SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)

Words = Callable[[str, str], str]
"""A remark and its exercise -> what is said instead."""


class System(NamedTuple):
    """What it says by segment id."""

    name: str
    remarks: Mapping[str, Sequence[Feedback]]


def main() -> None:
    """Writes both tables, or says that they are old."""
    benchmark, second = synth()
    segments = exercise_segments(benchmark)
    coach = System("coach", dict(OracleJitter().predict(benchmark, {"latency_s": 0.0, "jitter_s": JITTER_S}, SEED)))
    stated = [(remark.text, segment.exercise) for segment in segments for remark in segment.feedbacks]
    directions, sides = flipped_share(stated, with_directions_flipped), flipped_share(stated, with_sides_flipped)
    known = [
        System("exact", {segment.id: segment.feedbacks for segment in segments}),
        coach._replace(name=f"the coach, times off by {JITTER_S:g} s"),
        saying("the same, a list of claims appended", coach, segments, lambda text, _: f"{text} {STUFFING}"),
        saying("the same, every direction flipped", coach, segments, with_directions_flipped),
        saying("the same, every side flipped", coach, segments, with_sides_flipped),
        saying('"Watch your knee" at its times', coach, segments, lambda *_: "Watch your knee."),
        saying("praise at its times", coach, segments, lambda *_: "Great work, keep it up!"),
        System("silence", {segment.id: () for segment in segments}),
    ]
    lines = ["| system | " + " | ".join(metric.name for metric in COLUMNS) + " |", "|---|" + "--:|" * len(COLUMNS)]
    lines += [f"| {system.name} | " + " | ".join(scores(matched(system, segments))) + " |" for system in known]
    for slot, words in (("direction", with_directions_flipped), ("side", with_sides_flipped)):
        kept = only_flipped(segments, words)
        told = matched(saying("", System("", {s.id: s.feedbacks for s in kept}), kept, words), kept)
        lines.append(
            f"| remarks alone whose every {slot} could be flipped, flipped | " + " | ".join(scores(told)) + " |"
        )
    lines += ["", f"Directions could be flipped in {directions}, sides in {sides}; the other remarks stay as they are."]
    contenders = [
        coach,
        second,
        saying("coach, sides left out", coach, segments, without_sides),
        saying("coach, sides flipped", coach, segments, with_sides_flipped),
        saying("coach, directions flipped", coach, segments, with_directions_flipped),
        saying("coach, a list of claims appended", coach, segments, lambda text, _: f"{text} {STUFFING}"),
        System("other references' texts", dict(ShuffledText().predict(benchmark, {}, SEED))),
        saying('"Watch your knee"', coach, segments, lambda *_: "Watch your knee."),
    ]
    text = within("systems", PAGE.read_text(encoding="utf-8"), lines)
    text = within("ranks", text, ranks(contenders, segments))
    if "--write" in sys.argv[1:]:
        write_text(PAGE, text)
    elif text != PAGE.read_text(encoding="utf-8"):
        sys.exit(f"{PAGE} is out of date: run it with --write")


def synth() -> tuple[Benchmark, System]:
    """QEVD-synth's test split in the biomechanical register, and its second annotator."""
    with tempfile.TemporaryDirectory() as folder:
        write_scripts([make_script("test", VIDEOS["test"])], Path(folder))
        benchmark = load_benchmark(folder, "test", "bio")
        return benchmark, System("second annotator", dict(SecondAnnotator().predict(benchmark, {}, SEED)))


def saying(name: str, system: System, segments: Sequence[Segment], words: Words) -> System:
    """The same times with other words."""
    exercise = {segment.id: segment.exercise for segment in segments}
    said = {
        key: [remark._replace(text=words(remark.text, exercise[key])) for remark in remarks]
        for key, remarks in system.remarks.items()
    }
    return System(name, said)


def matched(system: System, segments: Sequence[Segment]) -> tuple[SegmentMatch, ...]:
    """Its remarks beside the references, as biobench-1 matches them."""
    return tuple(Biobench1().match(segment, tuple(system.remarks[segment.id])) for segment in segments)


def scores(matches: tuple[SegmentMatch, ...]) -> Iterable[str]:
    """One cell a column."""
    for kind in COLUMNS:
        value = float(kind().score(kind().rows(matches).sum(axis=0)))
        yield "–" if np.isnan(value) else f"{value:z.2f}"


def within(name: str, page: str, lines: Sequence[str]) -> str:
    """The page with these lines between its marks of that name."""
    before, mark, rest = page.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not mark or not end:
        sys.exit(f"{PAGE} has no place for {name}")
    return before + mark + "\n".join(lines) + "\n" + end + after


# Flipping ------------------------------------------------------------------------------------------------------------


def technique(text: str, exercise: str) -> list[Claim]:
    """The technique claims of a remark."""
    return [claim for claim in understand(text, exercise).claims if claim.family == "technique"]


def with_directions_flipped(text: str, exercise: str) -> str:
    """Every word of the table within the spans of claims that state a direction becomes its opposite."""
    flipped, _ = _directions_flipped(text, exercise)
    return flipped


def with_sides_flipped(text: str, exercise: str) -> str:
    """Left becomes right and right left, where a claim states one."""
    flipped, _ = _sides_flipped(text, exercise)
    return flipped


def without_sides(text: str, exercise: str) -> str:
    """Left, right and both left out, where a claim states a side."""
    if not any(claim.side for claim in technique(text, exercise)):
        return text
    aside = {match.start() for match in NOT_A_SIDE.finditer(text)}
    return re.sub(
        r"\b(?:left|right|both)\b ?", lambda m: m.group() if m.start() in aside else "", text, flags=re.IGNORECASE
    )


def only_flipped(segments: Sequence[Segment], words: Words) -> list[Segment]:
    """The segments with those remarks alone that could be flipped whole."""
    flip = _directions_flipped if words is with_directions_flipped else _sides_flipped
    return [replace(s, feedbacks=tuple(f for f in s.feedbacks if flip(f.text, s.exercise)[1])) for s in segments]


def flipped_share(stated: Sequence[tuple[str, str]], words: Words) -> str:
    """Of the remarks that state the slot, in how many every claim that does could be flipped."""
    flip = _directions_flipped if words is with_directions_flipped else _sides_flipped
    whole = [done for text, exercise in stated for done in [flip(text, exercise)[1]] if done is not None]
    return f"{sum(whole):,} of {len(whole):,} remarks that state one"


def _directions_flipped(text: str, exercise: str) -> tuple[str, bool | None]:
    """The text, and whether every claim with a direction had a word to flip (None: no claim has a direction)."""
    claims = [claim for claim in technique(text, exercise) if claim.direction is not None]
    found = list(re.finditer(r"[A-Za-z']+", text))
    chosen: dict[int, str] = {}
    whole = True
    for claim in claims:
        words = [match for match in found if claim.span.start <= match.start() and match.end() <= claim.span.end]
        told = {m.start(): other for m in words if (other := _opposite(m, text)) is not None}
        told = told or {m.start(): MORE[m.group().lower()] for m in words if m.group().lower() in MORE}
        whole = whole and bool(told)
        chosen |= told
    for match in reversed(found):
        if match.start() in chosen:
            text = text[: match.start()] + _like(match.group(), chosen[match.start()]) + text[match.end() :]
    return text, whole if claims else None


def _opposite(match: re.Match[str], text: str) -> str | None:
    word, after = match.group().lower(), text[match.end() :]
    if word == "in" and NO_DIRECTION.match(after):
        return None
    if word == "lower" and re.match(r" (?:your|the|both|it)\b", after):
        return "raise"
    return OPPOSITES.get(word)


def _sides_flipped(text: str, exercise: str) -> tuple[str, bool | None]:
    if not any(claim.side in {"left", "right"} for claim in technique(text, exercise)):
        return text, None
    aside = {match.start() + match.group().lower().index("right") for match in NOT_A_SIDE.finditer(text)}

    def other(match: re.Match[str]) -> str:
        if match.start() in aside:
            return match.group()
        return _like(match.group(), {"left": "right", "right": "left"}[match.group().lower()])

    flipped = SIDES.sub(other, text)
    return flipped, flipped != text


def _like(word: str, other: str) -> str:
    return other.capitalize() if word[:1].isupper() else other


def _opposites() -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in PAIRS.split():
        one, _, other = pair.partition("/")
        found.setdefault(one, other)
        found.setdefault(other, one)
    return {**found, "lower": "higher"}


OPPOSITES = _opposites()


# Other weights -------------------------------------------------------------------------------------------------------


class Alike(NamedTuple):
    """Every pair of claims of every matched pair of remarks that is not a contradiction.

    ``pair`` numbers the pair of remarks, shape (K,), ``row`` and ``column`` the claims; ``own`` and ``other``, shape (K, slots):
    what agrees of what the prediction and the reference state, ``stated_own`` and ``stated_other`` what they state.
    """

    pair: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    own: NDArray[np.float64]
    stated_own: NDArray[np.float64]
    other: NDArray[np.float64]
    stated_other: NDArray[np.float64]


def ranks(systems: Sequence[System], segments: Sequence[Segment]) -> list[str]:
    """How places by bioclaim_f move over draws of weights (flat Dirichlet) and thresholds (uniform), as a table."""
    all_matches = [matched(system, segments) for system in systems]
    totals = np.array([BioClaimF().rows(matches).sum(axis=0) for matches in all_matches])
    distinct: dict[tuple[str, str, str], int] = {}
    often = [_counted(matches, distinct) for matches in all_matches]
    counts = np.zeros((len(systems), len(distinct)))
    for number, of_system in enumerate(often):
        for pair, count in of_system.items():
            counts[number, pair] = count
    alike = agreements(list(distinct))
    by = weights()
    packaged = f_scores(alike, np.array([by.slots[slot] for slot in SLOTS]), by.threshold, counts, totals)
    exact = BioClaimF().score(totals)
    if not np.allclose(packaged, exact, atol=1e-9):
        raise AssertionError(f"{packaged} here, {exact} by the metric")
    rng = np.random.default_rng(SEED)
    drawn = np.array(
        [
            f_scores(alike, rng.dirichlet(np.ones(len(SLOTS))), rng.uniform(*THRESHOLDS), counts, totals)
            for _ in range(DRAWS)
        ]
    )
    places = (drawn[:, :, None] < drawn[:, None, :]).sum(axis=2) + 1
    usual = (exact[:, None] < exact[None, :]).sum(axis=1) + 1
    lines = [
        "| system | bioclaim_f | place | in 95 % of the draws | same place | bioclaim_f there |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for k in np.argsort(usual, kind="stable"):
        low, high = np.quantile(places[:, k], [0.025, 0.975], method="inverted_cdf")
        bottom, top = np.quantile(drawn[:, k], [0.025, 0.975])
        span = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
        same = float(np.mean(places[:, k] == usual[k]))
        lines.append(
            f"| {systems[k].name} | {exact[k]:.2f} | {usual[k]} | {span} | {same:.0%} | {bottom:.2f} to {top:.2f} |"
        )
    return lines


def _counted(matches: Iterable[SegmentMatch], distinct: dict[tuple[str, str, str], int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for match in matches:
        known = find_exercise(match.segment.exercise)
        exercise = match.segment.exercise if known is None else known.name
        for reference, prediction in match.text_pairs:
            pair = distinct.setdefault((reference, prediction, exercise), len(distinct))
            found[pair] = found.get(pair, 0) + 1
    return found


def agreements(pairs: Sequence[tuple[str, str, str]]) -> Alike:
    """What agrees, slot by slot: likeness under weights that know one slot alone."""
    by = weights()
    alone = [replace(by, slots={other: float(other == slot) for other in SLOTS}, threshold=0.0) for slot in SLOTS]
    places: list[tuple[int, int, int]] = []
    tables: list[list[list[float]]] = []
    for number, (reference, prediction, exercise) in enumerate(pairs):
        found = compare(reference, prediction, exercise)
        against = set(found.contradicting)
        mine, theirs = technique_of(found.reference.claims), technique_of(found.prediction.claims)
        for i, a in enumerate(mine):
            for j, b in enumerate(theirs):
                alike = [likeness(a, b, one) for one in alone]
                if (i, j) in against or not alike[0].of_prediction:
                    continue
                places.append((number, i, j))
                tables.append(
                    [
                        [one.of_prediction for one in alike],
                        [float(slot in slots_of(b)) for slot in SLOTS],
                        [one.of_reference for one in alike],
                        [float(slot in slots_of(a)) for slot in SLOTS],
                    ]
                )
    pair, row, column = np.array(places, dtype=np.int64).reshape(-1, 3).T
    own, stated_own, other, stated_other = np.array(tables).reshape(-1, 4, len(SLOTS)).transpose(1, 0, 2)
    return Alike(pair, row, column, own, stated_own, other, stated_other)


def technique_of(claims: Iterable[Claim]) -> list[Claim]:
    """As BioClaim compares them: a count in the same remark is their number of repetitions."""
    claims = list(claims)
    counts = [claim.reps for claim in claims if claim.family == "count"]
    return [replace(c, reps=counts[0] if counts else None) for c in claims if c.family == "technique"]


def f_scores(
    alike: Alike,
    slots: NDArray[np.float64],
    threshold: float,
    counts: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> NDArray[np.float64]:
    """bioclaim_f of each system under these weights, shape (systems,)."""
    of_prediction = (alike.own @ slots) / (alike.stated_own @ slots)
    of_reference = (alike.other @ slots) / (alike.stated_other @ slots)
    together = of_prediction + of_reference
    both = np.divide(2 * of_prediction * of_reference, together, out=np.zeros_like(together), where=together > 0)
    kept = np.flatnonzero(both >= threshold)
    chosen = _assigned(alike, both, kept)
    shape = counts.shape[1]
    precision = counts @ np.bincount(alike.pair[chosen], of_prediction[chosen], shape) / np.maximum(totals[:, 2], 1)
    recall = counts @ np.bincount(alike.pair[chosen], of_reference[chosen], shape) / totals[:, 3]
    whole = precision + recall
    return np.divide(2 * precision * recall, whole, out=np.zeros_like(whole), where=whole > 0)


def _assigned(alike: Alike, both: NDArray[np.float64], kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of the kept pairs of claims are matched; remarks with one candidate need no solver."""
    starts = np.flatnonzero(np.diff(alike.pair[kept], prepend=-1))
    ends = np.append(starts[1:], len(kept))
    single = ends - starts == 1
    chosen = [kept[starts[single]]]
    for start, end in zip(starts[~single].tolist(), ends[~single].tolist(), strict=True):
        some = kept[start:end]
        rows, columns = alike.row[some], alike.column[some]
        worth = np.zeros((rows.max() + 1, columns.max() + 1))
        worth[rows, columns] = both[some]
        found = linear_sum_assignment(worth, maximize=True)
        picked = np.zeros(worth.shape, dtype=bool)
        picked[found] = True
        chosen.append(some[picked[rows, columns]])
    return np.concatenate(chosen)


if __name__ == "__main__":
    main()
