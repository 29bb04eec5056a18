import sys

import pytest
from hypothesis import given
from lexical_texts import FUZZ, GOLDEN, NASTY, pairs

from biobench.metrics import meteor as module
from biobench.metrics.base import MetricUnavailable
from biobench.metrics.meteor import Meteor, meteor
from biobench.text import tokens
from biobench.text.tokens import word_tokens


def test_golden():
    assert len(GOLDEN) == 910
    for pair in GOLDEN:
        assert meteor(pair["reference"], pair["prediction"]) == pair["meteor"], pair


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u2003"])
def test_empty_texts_score_nothing(blank):
    assert meteor(blank, "Keep going") == meteor("Keep going", blank) == meteor(blank, blank) == 0.0


def test_only_the_predictions_words_are_replaced_by_synonyms():
    assert meteor("man", "men") == 0.5
    assert meteor("men", "man") == 0.0


def test_words_are_taken_from_the_end():
    # The last "knees" of the prediction takes the last of the reference: 3 matches in 2 runs, where 1 run was to be had.
    assert meteor("bend your knees and knees", "bend your knees") == pytest.approx(
        (1 - 0.5 * (2 / 3) ** 3) * (0.6 / (0.9 + 0.1 * 0.6))
    )


def test_words_of_one_stem_are_taken_from_the_end():
    # "running" takes the third word, not the second, so that the two matches lie in one run.
    assert meteor("run runs run fast", "running fast") == pytest.approx((1 - 0.5 / 8) * (0.5 / (0.9 + 0.1 * 0.5)))


def test_a_word_with_an_underscore_is_looked_up_but_is_no_synonym():
    assert meteor("warm", "warm_up") == 0.5
    assert meteor("warm_up", "warm") == 0.0


@FUZZ
@given(pair=pairs())
def test_range_and_identity(pair):
    assert 0 <= meteor(*pair) < 1
    for text in pair:
        count = len(word_tokens(text))
        assert meteor(text, text) == pytest.approx(1 - 0.5 / count**3 if count else 0)


def test_a_word_on_which_nltk_exceeds_the_recursion_limit():
    assert meteor("y" * 5000, "y" * 5001) == 0.0
    assert meteor("y" * 5000, "y" * 5000) == 0.5


def test_caches_stay_small():
    for number in range(20_000):
        meteor(f"w{number} x", f"v{number}, x")
    for memo in (module._STEMS, module._SYNONYMS, tokens._TEXTS, tokens._INNER_CHUNKS, tokens._LAST_CHUNKS):
        assert len(memo) <= memo.entries < 20_000


def test_metric_and_signature():
    metric = Meteor(1e-12)
    assert metric.epsilon == 1e-12
    assert metric.pair_scores(["10", "Move faster!"], ["10", "Speed up!"]) == [0.5, 1 / 6]
    signature = metric.signature()
    assert signature["profile"] == "nltk-3.9.1"
    assert signature["engine"] == "fast"
    assert signature["synonyms"].startswith("wordnet-3.0 ")
    assert signature["sentences"].startswith("punkt-en ")
    assert (signature["alpha"], signature["beta"], signature["gamma"]) == ("0.9", "3", "0.5")


def test_reference_engine(nltk):
    metric = Meteor(engine="reference")
    assert metric.pair_scores(NASTY, NASTY[1:] + NASTY[:1]) == Meteor().pair_scores(NASTY, NASTY[1:] + NASTY[:1])
    assert metric.signature()["engine"] == "reference"
    assert metric.signature()["profile"] == f"nltk-{nltk.__version__}"
    assert metric.signature()["synonyms"] == "wordnet-3.0"


def test_reference_engine_without_nltk(monkeypatch):
    monkeypatch.setitem(sys.modules, "nltk", None)
    with pytest.raises(MetricUnavailable, match=r"pip install nltk==3\.9\.1"):
        Meteor(engine="reference")


def test_reference_engine_without_its_data(monkeypatch, tmp_path):
    nltk = pytest.importorskip("nltk")
    (tmp_path / "tokenizers" / "punkt_tab" / "english").mkdir(parents=True)
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    with pytest.raises(MetricUnavailable, match=r"python -m nltk\.downloader wordnet$"):
        Meteor(engine="reference")
    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(MetricUnavailable, match=r"python -m nltk\.downloader punkt_tab wordnet$"):
        Meteor(engine="reference")
