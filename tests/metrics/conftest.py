"""nltk with its data, for the tests that compare with it."""

from pathlib import Path

import pytest

NLTK_DATA = Path(__file__).parents[2] / ".cache" / "nltk_data"


@pytest.fixture(scope="session")
def nltk():
    """nltk that finds WordNet 3.0 and Punkt in .cache/nltk_data, which ``make test`` fills."""
    nltk = pytest.importorskip("nltk", reason="NOT COMPARED WITH NLTK: it is not installed")
    if not (NLTK_DATA / "corpora" / "wordnet" / "index.sense").exists():
        pytest.skip(
            "NOT COMPARED WITH NLTK: its data are not there; run "
            "python scripts/build_word_tables.py --nltk-data .cache/nltk_data"
        )
    nltk.data.path[:] = [str(NLTK_DATA)]
    return nltk
