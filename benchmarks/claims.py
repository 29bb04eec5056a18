"""Reading and comparing claims, beside METEOR on the same 2,000 pairs in the same run; and what ``evaluate`` takes for them.

Each figure is the best of several runs with empty caches, in processor time. The pairs are those of ``process.py``: three parts
drawn at random, most distinct.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

from process import sentence

from biobench import registry
from biobench.matching import SegmentMatch
from biobench.metrics.meteor import Meteor
from biobench.records import Feedback, Segment
from biobench.text.memo import Memo
from judges.claims import compare, understand

PAIRS, SEGMENTS = 2_000, 424
EXERCISES = ("squats", "push ups", "high knees", "lunges")


def main() -> None:
    """Prints one line a figure."""
    rng = random.Random(0)
    pairs = [(sentence(rng), sentence(rng)) for _ in range(PAIRS)]
    texts = {text for pair in pairs for text in pair}
    segments = [_segment(k, pairs[k::SEGMENTS]) for k in range(SEGMENTS)]
    names = [name for name, kind in registry.metrics().plugins.items() if kind.__module__ == "judges.claims.metrics"]
    understand("Push your left knee out.", "squats")
    read = best(lambda: [understand(text, "squats") for text in texts])
    meteor = best(lambda: Meteor().distinct_scores(pairs))
    both = best(lambda: [compare(*pair, "squats") for pair in pairs])
    summed = best(lambda: [registry.metrics().plugins[name]().rows(segments) for name in names])
    again = best(lambda: [registry.metrics().plugins[name]().rows(segments) for name in names], cold=False)
    print(f"reading:             {len(texts) / read:8,.0f} distinct remarks a second")
    print(f"comparing:           {both:8.2f} s for {PAIRS:,} pairs, reading included (aim: under 1.5 s)")
    print(f"METEOR:              {meteor:8.2f} s for the same pairs: claims take {both / meteor:.1f} times as long")
    print(f"{len(names)} claim metrics:    {summed:8.2f} s for {SEGMENTS} segments with {PAIRS:,} matched pairs")
    print(f"the same, kept:      {again:8.2f} s")


def best(function: Callable[[], object], runs: int = 3, *, cold: bool = True) -> float:
    """The least processor time of several runs."""
    found = []
    for _ in range(runs):
        if cold:
            _forget()
        started = time.process_time()
        function()
        found.append(time.process_time() - started)
    return max(min(found), 1e-9)


def _forget() -> None:
    """Empties every cache of texts, METEOR's too; the tables of words stay."""
    for name in [name for name in sys.modules if name.startswith(("judges.claims.", "biobench."))]:
        for value in list(vars(sys.modules[name]).values()):
            if isinstance(value, Memo):
                value.clear()
            elif hasattr(value, "cache_parameters") and value.cache_parameters()["maxsize"] is not None:
                value.cache_clear()


def _segment(number: int, pairs: list[tuple[str, str]]) -> SegmentMatch:
    references = tuple(Feedback(float(k), reference) for k, (reference, _) in enumerate(pairs))
    predictions = tuple(Feedback(float(k), prediction) for k, (_, prediction) in enumerate(pairs))
    matched = tuple((k, k) for k in range(len(pairs)))
    name = f"{number:04d}"
    segment = Segment(f"{name}_0", name, EXERCISES[number % len(EXERCISES)], 0.0, 60.0, references)
    return SegmentMatch(segment, predictions, matched, matched, predicted=True)


if __name__ == "__main__":
    main()
