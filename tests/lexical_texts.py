"""Texts that have broken tokenizers: the corpus of nasty ones, and a strategy that makes more of them."""

import json
import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

DATA = Path(__file__).with_name("data")
NASTY = [json.loads(line) for line in (DATA / "nasty_text.txt").read_text(encoding="utf-8").splitlines()]
GOLDEN = json.loads((DATA / "lexical.json").read_text(encoding="utf-8"))["pairs"]

MANY = int(os.environ.get("BIOBENCH_FUZZ_PAIRS", "0"))
"""How many random pairs are compared with nltk; 0 is the small fixed sample of a normal run."""

FUZZ = settings(
    max_examples=MANY or 250,
    derandomize=not MANY,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

_PIECES = sorted({
    *(piece for text in NASTY if len(text) < 200 for piece in text.split()),
    *("keep", "your", "knees", "hips", "back", "the", "a", "Keep", "He", "The", "So", "But", "it's", "don't", "I'm"),
    *".?!'\"`-_…–—°%()[]{}<>,;:@#$&*/\\0123456789",
    "...", "''", "``", "--", "?!", "reps.", "3.", "3.5", "No.", "e.g.", "U.S.", "é", "İ", "ß", "Σ", "😀", "\u00a0", "\ud800",
})  # fmt: skip
_GAPS = st.sampled_from([" "] * 12 + ["", "", "", "  ", "\n", "\t", "\r\n", "\u2003"])
_CHARACTERS = st.text(alphabet=st.one_of(st.sampled_from(".?!'\"`-_ ()[],:;aAsStTn13\n"), st.characters()), max_size=12)
_PIECE = st.one_of(st.sampled_from(_PIECES), st.sampled_from(_PIECES), _CHARACTERS)


@st.composite
def texts(draw, most=9):
    """Words, marks, abbreviations, contractions and wild characters, mostly with single spaces between them."""
    pieces = draw(st.lists(st.tuples(_PIECE, _GAPS), max_size=most))
    return "".join(piece + gap for piece, gap in pieces)


@st.composite
def pairs(draw):
    """Two texts that share pieces, so that there is something to match."""
    shared = draw(st.lists(_PIECE, max_size=5))
    gap = draw(_GAPS)
    return draw(texts(5)) + gap.join(shared), gap.join(draw(st.permutations(shared))) + gap + draw(texts(5))
