"""The chance-corrected numbers on systems whose answer is known; and the documented table is what the script prints."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("content_free", ROOT / "scripts" / "content_free.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def lines(script):
    return script.table().splitlines()


def test_the_documented_table_is_what_the_script_prints(lines):
    page = (ROOT / "docs" / "chance.md").read_text(encoding="utf-8")
    assert "\n".join(lines) in page


def test_content_free_systems_have_no_lift_and_informed_ones_do(lines):
    found = {}
    for line in lines[2:]:
        kind, name, f_score, lift, skill = line.strip("| ").split(" | ")
        found.setdefault(kind, []).append((name, float(f_score), float(lift.split()[0]), float(skill)))
    assert len(found["content-free"]) == 16
    for name, _, lift, _ in found["content-free"]:
        assert abs(lift) <= 0.03, name
    assert max(f_score for _, f_score, _, _ in found["content-free"]) > 0.6
    for name, _, _, skill in found["content-free"][:13]:  # timetables of the family
        assert skill <= 0, name
    informed = [lift for _, _, lift, _ in found["informed"]]
    assert min(informed) > 0.8
    ((_, _, chatter, _),) = found["informed + filler"]
    assert chatter < informed[1] - 0.5
