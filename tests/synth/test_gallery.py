"""The gallery of the documentation is what its script makes, and its pictures are whole."""

import importlib.util
import xml.etree.ElementTree as ET
from pathlib import Path

from biobench.exercises import names

ROOT = Path(__file__).parent.parent.parent


def test_the_gallery_is_up_to_date():
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "scripts" / "gallery.py")
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    pages = gallery.pages()
    assert len(pages) == len(names()) + 1
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run python scripts/gallery.py --write"
        if path.suffix == ".svg":
            picture = ET.fromstring(text)  # noqa: S314 - our own picture
            assert picture.get("aria-label")
            assert len(picture.findall("{http://www.w3.org/2000/svg}circle")) == 14
