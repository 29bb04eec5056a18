import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexical_texts import FUZZ, GOLDEN, NASTY, pairs

from biobench.metrics import rouge as module
from biobench.metrics.base import MetricUnavailable
from biobench.metrics.rouge import RougeL, rouge_l


def test_golden():
    for pair in GOLDEN:
        assert rouge_l(pair["reference"], pair["prediction"]) == pair["rouge_l"], pair


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        ("", "", 0.0), ("!", "?", 0.0), ("a", "", 0.0), ("a", "b", 0.0), ("90°", "90", 1.0), ("café", "caf", 1.0),
        ("a b c d", "d c b a", 0.25), ("a b a", "a a", 0.8), ("\u212a", "k", 1.0), ("\u0130x", "i x", 1.0),
        ("a_b", "a b", 1.0), ("\ud800a", "a", 1.0), ("x" * 1000, "x" * 1000, 1.0),
    ],
)  # fmt: skip
def test_known_scores(reference, prediction, expected):
    assert rouge_l(reference, prediction) == expected


def table_length(first, second):
    """The longest common subsequence by the table that every textbook has."""
    above = [0] * (len(second) + 1)
    for word in first:
        row = [0]
        for place, other in enumerate(second):
            row.append(above[place] + 1 if word == other else max(above[place + 1], row[-1]))
        above = row
    return above[-1]


@given(
    st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=90),
    st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=90),
)
def test_bits_and_table_agree(first, second):
    assert module._longest_common_subsequence(first, second) == table_length(first, second)


@FUZZ
@given(pair=pairs())
def test_range_identity_and_symmetry(pair):
    score = rouge_l(*pair)
    assert 0 <= score <= 1
    assert score == pytest.approx(rouge_l(*reversed(pair)))
    for text in pair:
        assert rouge_l(text, text) == (1 if module._words(text) else 0)


def test_caches_stay_small():
    for number in range(10_000):
        rouge_l(f"w{number} x", f"v{number}, x")
    assert len(module._WORDS) <= module._WORDS.entries < 20_000


def test_metric_and_signature():
    metric = RougeL(1e-12)
    assert metric.pair_scores(["a b", "a b"], ["a", "c"]) == [2 / 3, 0.0]
    assert metric.signature() == {"engine": "fast", "profile": "rouge_score-0.1.2", "stemmer": "no"}


def test_reference_engine():
    pytest.importorskip("rouge_score")
    metric = RougeL(engine="reference")
    assert metric.pair_scores(NASTY, NASTY[1:] + NASTY[:1]) == RougeL().pair_scores(NASTY, NASTY[1:] + NASTY[:1])
    assert metric.signature() == {"engine": "reference", "profile": "rouge_score-0.1.2", "stemmer": "no"}


def test_reference_engine_without_rouge_score(monkeypatch):
    monkeypatch.setitem(sys.modules, "rouge_score", None)
    monkeypatch.delitem(sys.modules, "rouge_score.rouge_scorer", raising=False)
    with pytest.raises(MetricUnavailable, match=r"pip install rouge-score==0\.1\.2"):
        RougeL(engine="reference")
