"""The plan file: gates written down beforehand, read strictly."""

import re

import pytest

from biobench.problems import ProblemsFound
from judges.validation.plan import GATES, Gate, packaged_plan, read_plan


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "plan.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_packaged_plan_has_every_gate_and_no_other(written):
    found = read_plan(written(packaged_plan()))
    assert list(found.gates) == list(GATES)
    assert found.gates["s5_success"] == Gate(most=0.02)
    assert found.sizes.base_items >= 300
    assert found.sizes.attacks >= 149
    assert (found.sizes.events, found.sizes.videos) == (150, 50)


def test_another_byte_is_another_plan(written):
    one = read_plan(written(packaged_plan()))
    other = read_plan(written(packaged_plan() + "# \n"))
    assert one.sha256 != other.sha256
    assert one.gates == other.gates


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('schema = "biobench/study-plan/1"', 'schema = "other"', "schema 'other'"),
        ("seed = 0", "seed = -1", "seed = -1"),
        ("seed = 0", "seed = true", "seed = True"),
        ("confidence = 0.95", "confidence = 95", "confidence = 95"),
        ("base_items = 320", "base_items = 1", "sizes.base_items = 1"),
        ("base_items = 320", "", "sizes.base_items = None"),
        ("base_items = 320", "base_items = 320\nbase_itms = 3", "sizes.base_itms"),
        ("s4_preference = { least = 0.8 }", "s4_preference = 0.8", "gates.s4_preference = 0.8"),
        ("s4_preference = { least = 0.8 }", "s4_preference = {}", "gates.s4_preference = {}"),
        ("s4_preference = { least = 0.8 }", "s4_preference = { lest = 0.8 }", "gates.s4_preference"),
        ("s4_preference = { least = 0.8 }", "s4_preference = { least = true }", "gates.s4_preference"),
        ("s4_preference = { least = 0.8 }", "", "gates.s4_preference = None"),
        ("s4_preference = { least = 0.8 }", "s4_preference = { least = nan }", "gates.s4_preference"),
        ("s4_angle_5 = { least = -0.1, most = 0.1 }", "s4_angle_5 = { least = 0.2, most = 0.1 }", "gates.s4_angle_5"),
        ('version = "1"', 'version = "1"\nverison = "2"', "verison"),
        ('version = "1"', "version = 1", "version = 1"),
        ("[sizes]", "[size]", "no table [sizes]"),
        ("[gates]", "[gate]", "no table [gates]"),
        ("seed = 0", "seed = = 0", "no TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(written, old, new, told):
    text = packaged_plan()
    assert old in text
    with pytest.raises(ProblemsFound, match=re.escape(told)) as found:
        read_plan(written(text.replace(old, new, 1)))
    assert "plan.toml" in str(found.value)


def test_all_of_it_in_one_pass(written):
    text = (
        packaged_plan()
        .replace("seed = 0", "seed = -1")
        .replace("raters = 3", "raters = 0")
        .replace("least = 0.8", "l = 1")
    )
    with pytest.raises(ProblemsFound) as found:
        read_plan(written(text))
    assert len(found.value.problems) >= 5


@pytest.mark.parametrize("content", [b"\xff\xfe", b""])
def test_other_bytes(written, content):
    with pytest.raises(ProblemsFound):
        read_plan(written(content))
