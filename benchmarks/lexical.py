"""METEOR and ROUGE-L beside nltk and rouge_score, in one process: pairs a second and ratios.

    python benchmarks/lexical.py [--pairs 2000] [--rounds 5] [--nltk-data .cache/nltk_data]

Ours is measured cold (caches emptied, tables loaded) and warm (the same pairs again). The peers are nltk and
rouge_score called directly, warm and (nltk) with its synsets to be read anew; and an imitation of the published
path, one call of a metric wrapper for each pair. That wrapper (Hugging Face ``evaluate``) is not installed here. The
imitation looks up nltk's data files and reads every synset from disk again for each pair, or makes a new scorer of
four kinds of ROUGE and a bootstrap aggregator for each pair; it leaves out the wrapper's Arrow files.
"x as slow" compares with ours, cold.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from biobench.metrics import meteor as meteor_module
from biobench.metrics import rouge as rouge_module
from biobench.metrics.reference_engines import nltk_meteor, rouge_score_l
from biobench.text import tokens as tokens_module
from biobench.text import word_tables
from biobench.text.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Pairs = Sequence[tuple[str, str]]
    Score = Callable[[str, str], float]

ACTIONS = (
    "keep", "lift", "lower", "bend", "straighten", "push", "pull", "drive", "squeeze", "rotate", "extend",
    "press", "brace", "tighten", "relax", "engage", "drop", "raise", "tuck", "plant", "shift", "hold",
    "move", "slow", "control", "stretch", "widen", "narrow", "open",
)  # fmt: skip
PARTS = (
    "knees", "hips", "back", "shoulders", "elbows", "heels", "core", "chest", "chin", "toes", "wrists",
    "feet", "glutes", "hamstrings", "spine", "arms", "ankles", "neck", "head", "torso", "lower back",
    "upper arms", "left knee", "right elbow", "right shoulder", "front leg", "back foot",
)  # fmt: skip
PLACES = (
    "a little", "slightly", "all the way", "further", "higher", "toward the floor", "behind your toes",
    "over your ankles", "in line with your spine", "under control", "to the side", "at the top",
    "at the bottom", "with each rep", "off the mat", "between reps", "through the whole range",
)  # fmt: skip
PRAISE = (
    "Great job!", "Nice work!", "Well done.", "That's it!", "Good form,", "Looking strong!", "Perfect!",
    "You're doing great!", "Much better now.", "Awesome pace!", "Good,", "Excellent depth on that one.",
    "Keep it up!", "Almost there!", "Beautiful!", "Don't give up!", "You've got this.",
)  # fmt: skip
FAULTS = (
    "is caving in", "drifts forward", "isn't straight", "looks too low", "comes up too fast",
    "could go deeper", "is rounding", "stays bent", "collapses at the end", "moves ahead of your toes",
    "is a bit uneven", "doesn't reach full extension",
)  # fmt: skip
REASONS = (
    "to protect your joints", "so you stay balanced", "to get the full benefit", "for more power",
    "then reset", "because it's easier on your back", "and breathe out as you do it",
    "before the next one", "without rushing",
)  # fmt: skip


@dataclass(frozen=True)
class Engines:
    """Ways to compute one metric of one pair; ``forget_direct`` empties the direct peer's caches."""

    name: str
    ours: Score
    direct: Score
    a_call: Score
    forget_direct: Callable[[], None]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nltk-data", type=Path, default=Path(".cache/nltk_data"))
    options = parser.parse_args()
    os.environ["NLTK_DATA"] = str(options.nltk_data)

    print(f"word tables: {load_tables() * 1000:.0f} ms to load")
    pairs = make_pairs(options.pairs, seed=7)
    texts = [text for pair in pairs for text in pair]
    words = np.mean([len(text.split()) for text in texts])
    print(f"{len(pairs)} pairs, {len(set(texts))} distinct texts of {len(texts)}, {words:.1f} words a text")
    for engines in (meteor_engines(), rouge_engines()):
        compare(engines, pairs, options.rounds)

    with ProcessPoolExecutor(2) as processes:
        slowest = max(processes.map(score_part, (1, 2)))
    print(f"\n100000 pairs on two processes, METEOR and ROUGE-L: {slowest:.1f} s, {1e5 / slowest:.0f} pairs/s")
    return 0


def load_tables() -> float:
    """Seconds to read the word tables in this process."""
    start = time.perf_counter()
    word_tables.word_entry("back")
    word_tables.punkt_table()
    return time.perf_counter() - start


def make_pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Pairs (reference, prediction); in a third of them the prediction shares the reference's words."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        reference = remark(rng)
        prediction = remark(rng)
        if rng.random() < 1 / 3:
            others = prediction.split()
            prediction = " ".join(w if rng.random() < 0.8 else rng.choice(others) for w in reference.split())
        made.append((reference, prediction))
    return made


def remark(rng: random.Random) -> str:
    """One coaching remark, some 8 to 20 words, rarely the same twice."""
    part, other, place, reason = (rng.choice(words) for words in (PARTS, PARTS, PLACES, REASONS))
    act, then, fault = rng.choice(ACTIONS), rng.choice(ACTIONS), rng.choice(FAULTS)
    body = rng.choice(
        (
            f"{act.title()} your {part} {place}",
            f"{act.title()} your {part} and {then} your {other} {reason}",
            f"Your {part} {fault}, {act} your {other} {place}",
            f"Try to {act} your {part} {place} {reason}",
            f"Don't {act} your {part}, {then} them {place} instead",
            f"{rng.randint(2, 20)} more reps, {act} your {part} to {rng.randint(20, 175)}°",
        )
    )
    body += rng.choice(".!.!.!?")
    if rng.random() < 0.5:
        praise = rng.choice(PRAISE)
        body = f"{praise} {body[0].lower() + body[1:] if praise.endswith(',') else body}"
    if rng.random() < 0.2:
        body += f" That {part} {rng.choice(FAULTS)}."
    return body


def compare(engines: Engines, pairs: Pairs, rounds: int) -> None:
    """Prints one metric's block. Rounds alternate, so that a slow moment of the machine hits everybody."""
    differing = sum(engines.ours(*pair) != engines.direct(*pair) for pair in pairs)
    print(f"\n{engines.name}: {differing} of {len(pairs)} scores differ from the reference")
    times: dict[str, list[float]] = {"ours, cold": [], "ours, warm": [], "direct": [], "direct, cold": []}
    for _ in range(rounds):
        forget()
        times["ours, cold"].append(seconds(engines.ours, pairs))
        times["ours, warm"].append(seconds(engines.ours, pairs))
        times["direct"].append(seconds(engines.direct, pairs))
        engines.forget_direct()
        times["direct, cold"].append(seconds(engines.direct, pairs))
    few = pairs[: max(20, len(pairs) // 40)]
    times["a call a pair, imitated"] = [seconds(engines.a_call, few) * len(pairs) / len(few)]
    median = {label: float(np.median(values)) for label, values in times.items()}
    for label, value in median.items():
        print(f"  {label:24}{len(pairs) / value:10.0f} pairs/s{value / median['ours, cold']:10.1f} x as slow")
    ratios = sorted(theirs / mine for theirs, mine in zip(times["direct"], times["ours, cold"], strict=True))
    print(f"  direct against ours cold, by round: {', '.join(f'{ratio:.1f}' for ratio in ratios)}")
    print(f"  direct against ours warm: {median['direct'] / median['ours, warm']:.1f}")


def seconds(score: Score, pairs: Pairs) -> float:
    """How long it takes to score all of them."""
    start = time.perf_counter()
    for reference, prediction in pairs:
        score(reference, prediction)
    return time.perf_counter() - start


def forget() -> None:
    """Empties every cache of ours but the loaded tables."""
    for module in (meteor_module, rouge_module, tokens_module):
        for value in vars(module).values():
            if isinstance(value, Memo):
                value.clear()


def meteor_engines() -> Engines:
    """Ours, nltk's, and nltk's with every synset read from its files again for each pair."""
    from nltk.corpus import wordnet  # type: ignore[import-untyped]

    direct = nltk_meteor()
    direct("load", "the data")

    def forget_synsets() -> None:
        wordnet._synset_offset_cache.clear()  # noqa: SLF001 - a fresh process would find it empty

    def a_call(reference: str, prediction: str) -> float:
        forget_synsets()
        return nltk_meteor()(reference, prediction)

    return Engines("METEOR", meteor_module.meteor, direct, a_call, forget_synsets)


def rouge_engines() -> Engines:
    """Ours, rouge_score's, and what a wrapper with its default options asks of rouge_score for each pair."""
    from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]
    from rouge_score.scoring import BootstrapAggregator  # type: ignore[import-untyped]

    def a_call(reference: str, prediction: str) -> float:
        aggregator = BootstrapAggregator()
        scorer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=False)
        aggregator.add_scores(scorer.score(reference, prediction))
        return float(aggregator.aggregate()["rougeL"].mid.fmeasure)

    return Engines("ROUGE-L", rouge_module.rouge_l, rouge_score_l(), a_call, lambda: None)


def score_part(seed: int) -> float:
    """One process's part of the large run: seconds for METEOR and ROUGE-L of 50,000 pairs."""
    references, predictions = zip(*make_pairs(50_000, seed), strict=True)
    start = time.perf_counter()
    meteor_module.Meteor().pair_scores(references, predictions)
    rouge_module.RougeL().pair_scores(references, predictions)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
