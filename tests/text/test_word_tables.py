import hashlib
import tomllib
import zlib
from importlib.resources import files

import pytest

from biobench.text.word_tables import punkt_table, tables_version, word_entry

WORDS = files("biobench").joinpath("data/words")
SOURCES = tomllib.loads(WORDS.joinpath("sources.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("table", ["synonyms", "sentences"])
def test_the_tables_hold_what_their_sources_gave(table):
    source = SOURCES[table]
    content = zlib.decompress(WORDS.joinpath(f"{source['name']}.txt.gz").read_bytes(), wbits=31)
    assert hashlib.sha256(content).hexdigest() == source["content"]
    assert tables_version()[table] == f"{source['name']} {source['content'][:8]}"


def test_punkt_is_a_copy_of_the_original_files():
    content = zlib.decompress(WORDS.joinpath("punkt-en.txt.gz").read_bytes(), wbits=31)
    for part, digest in zip(content.split(b"\x1c"), SOURCES["sentences"]["files"].values(), strict=True):
        assert hashlib.sha256(part).hexdigest() == digest


def test_entries():
    table = punkt_table()
    assert len(table.abbreviations) == 156
    assert {"reps", "vs", ". . "} <= table.abbreviations
    assert ("##number##", "international") in table.collocations
    assert word_entry("men") == {"n": ["hands", "manpower", "men", "workforce"], "N": ["man"]}
    assert word_entry("hips") == word_entry("") == word_entry("\U0010ffff") == word_entry("men\tn") == {}


def test_licences_lie_beside_the_tables():
    assert "Princeton University" in WORDS.joinpath("LICENSE-WordNet").read_text(encoding="utf-8")
    assert "Strunk" in WORDS.joinpath("LICENSE-Punkt").read_text(encoding="utf-8")
