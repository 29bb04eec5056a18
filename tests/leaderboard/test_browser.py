"""The site in a real browser: sorting, filtering, links, keyboard, no script, phones, screen readers, dark and light."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
WIDTHS = [360, 800, 1440]


def names(page):
    return page.eval_on_selector_all(
        "#board tbody tr:not([hidden]) .name a", "links => links.map(link => link.textContent)"
    )


def places(page):
    cells = page.eval_on_selector_all(
        "#board tbody tr",
        "rows => rows.map(r => [r.querySelector('.name').textContent, r.cells[0].textContent, r.cells[1].textContent])",
    )
    return {name: (place, tier) for name, place, tier in cells}


def column(page, key):
    """The numbers of a column, top to bottom, None for a dash."""
    index = page.eval_on_selector(f"#board th[data-k='{key}']", "th => th.cellIndex")
    texts = page.eval_on_selector_all(
        "#board tbody tr:not([hidden])",
        f"rows => rows.map(r => (r.cells[{index}].firstChild || {{textContent: '–'}}).textContent)",
    )
    return [None if text == "–" else float(text.replace("−", "-")) for text in texts]


@pytest.mark.parametrize("key", ["biobench-1.t_lift", "qevd-2024.t_f_score", "biobench-1.latency_median_s"])
def test_a_heading_sorts_both_ways_and_dashes_stay_last(opened, site, key):
    watched = opened(site / "index.html")
    heading = watched.page.locator(f"#board th[data-k='{key}']")
    seen = []
    for _ in range(2):
        heading.locator("button").click()
        direction = heading.get_attribute("aria-sort")
        values = column(watched.page, key)
        numbers = [v for v in values if v is not None]
        assert values[: len(numbers)] == numbers
        assert numbers == sorted(numbers, reverse=direction == "descending")
        assert len(set(numbers)) > 3
        seen.append(direction)
    assert set(seen) == {"ascending", "descending"}
    assert watched.page.locator("#board th[aria-sort]").count() == 1
    watched.assert_quiet()


def test_places_and_tiers_do_not_change_under_a_filter(opened, site):
    watched = opened(site / "index.html")
    before = places(watched.page)
    assert len({tier for _, tier in before.values()}) > 2
    watched.page.locator("#f-baselines").uncheck()
    watched.page.locator("#f-causal").select_option("no")
    assert names(watched.page) == ["half-coach"]
    watched.page.locator("#board th[data-k='qevd-2024.meteor'] button").click()
    assert places(watched.page) == before
    watched.assert_quiet()


@pytest.mark.parametrize(
    ("control", "value", "left"),
    [
        ("causal", "yes", True), ("exercise", "given", True), ("exercise", "inferred", False), ("poses", "yes", True),
        ("poses", "no", False), ("seen", "yes", True), ("seen", "no", False), ("weights", "open", True),
        ("weights", "closed", False),
    ],
)  # fmt: skip
def test_filters(opened, site, control, value, left):
    """The system with hostile texts is causal, told the exercise, reads the checker's poses, has seen people, is open."""
    watched = opened(site / "index.html")
    watched.page.locator("#f-baselines").uncheck()
    assert len(names(watched.page)) == 2
    watched.page.locator(f"#f-{control}").select_option(value)
    assert names(watched.page) == (["<script>window.pwned = 1</script>"] if left else ["half-coach"])
    assert "1 of 18 systems" in watched.page.locator("#status").text_content()
    watched.page.locator("#f-reset").click()
    assert len(names(watched.page)) == 18
    watched.assert_quiet()


def test_search(opened, site):
    watched = opened(site / "index.html")
    watched.page.locator("#f-q").fill("HALF")
    assert names(watched.page) == ["half-coach"]
    watched.page.locator("#f-q").fill("no such system")
    assert names(watched.page) == []
    watched.assert_quiet()


def test_a_filtered_view_can_be_linked(opened, site):
    watched = opened(site / "index.html")
    watched.page.locator("#f-baselines").uncheck()
    watched.page.locator("#f-seen").select_option("no")
    watched.page.locator("#board th[data-k='biobench-1.t_skill'] button").click()
    fragment = watched.page.evaluate("location.hash")
    again = opened(site / "index.html", fragment=fragment)
    assert names(again.page) == names(watched.page) == ["half-coach"]
    assert again.page.locator("#board th[data-k='biobench-1.t_skill']").get_attribute("aria-sort") == "descending"
    assert again.page.locator("#f-seen").input_value() == "no"
    again.assert_quiet()


@pytest.mark.parametrize(
    "fragment",
    ["#sort=nothing&dir=up", "#%E0%A4%A", "#sort=__proto__", "#q=%3Cimg%20src%3Dx%3E", "#causal=maybe", "#=&&"],
)
def test_a_bad_fragment_harms_nothing(opened, site, fragment):
    watched = opened(site / "index.html", fragment=fragment)
    assert watched.page.locator("#board tbody tr").count() == 18
    watched.assert_quiet()


def test_keyboard_alone(opened, site):
    watched = opened(site / "index.html")
    page = watched.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.parentElement.dataset.k || ''"))
        if page.evaluate("document.activeElement.parentElement.dataset.k") == "biobench-1.t_skill":
            break
    assert {"f-q", "f-causal", "f-baselines", "f-sort", "f-reset", "place", "biobench-1.t_lift"} <= reached
    page.keyboard.press("Enter")
    page.locator("#board th[data-k='biobench-1.t_skill'][aria-sort='descending']").wait_for()
    page.keyboard.press("Space")
    page.locator("#board th[data-k='biobench-1.t_skill'][aria-sort='ascending']").wait_for()
    watched.assert_quiet()


def test_readable_without_script(opened, site):
    watched = opened(site / "index.html", java_script_enabled=False)
    text = watched.page.locator("body").inner_text()
    assert "half-coach" in text
    assert "Reported elsewhere" in text
    assert watched.page.locator("button:visible").count() == 0, "a button that does nothing"
    of_system = opened(next((site / "systems").glob("half*")), java_script_enabled=False)
    assert of_system.page.locator("#events table").count() == 6
    assert of_system.page.locator("button:visible").count() == 0


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", ["index.html", "systems/*script*.html", "systems/second-annotator*.html"])
def test_no_sideways_scrolling(opened, site, width, page):
    watched = opened(next(site.glob(page)), width)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.assert_quiet()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", "systems/*script*.html"])
@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_serious(axe, opened, site, scheme, page, width):
    watched = opened(next(site.glob(page)), width, color_scheme=scheme, bypass_csp=True)
    assert axe(watched.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_and_light(opened, site, scheme):
    watched = opened(site / "index.html", color_scheme=scheme)
    paper = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", paper)[:3])) / 3
    assert (brightness > 200) == (scheme == "light")


def test_hostile_texts_are_shown_as_text(opened, site):
    watched = opened(next((site / "systems").glob("*script*.html")))
    page = watched.page
    assert page.locator("h1").text_content() == "<script>window.pwned = 1</script> 1.0"
    assert "<b>bold</b> & <i>sly</i>" in page.locator("header").inner_text()
    said = " ".join(page.eval_on_selector_all("#events td", "cells => cells.map(c => c.textContent)"))
    assert "</script><script>window.pwned = 1</script>" in said
    assert "⟨U+202E⟩gnitset⟨U+202C⟩ ⟨U+200B⟩zero⟨U+200B⟩ width ⟨U+2066⟩isolated" in said
    assert "שלום עולם" in said
    assert page.locator("img").count() == 0
    watched.assert_quiet()


def test_the_timeline_shows_every_segment(opened, site):
    watched = opened(next((site / "systems").glob("half*")))
    page = watched.page
    options = page.locator("#t-segment option")
    assert options.count() == 28
    first = page.locator("#events caption").text_content()
    assert page.locator("#timeline circle.miss").count() > 0
    page.locator("#t-next").click()
    assert page.locator("#events caption").text_content() != first
    page.locator("#t-order").select_option("best")
    assert page.locator("#timeline circle.miss, #timeline path.alarm").count() == 0
    hits = page.locator("#timeline circle.hit").count()
    assert hits == page.locator("#timeline line.match").count() == page.locator("#events td.hit").count() / 2 > 0
    watched.assert_quiet()


def test_links_lead_to_pages(opened, site):
    watched = opened(site / "index.html")
    hrefs = watched.page.eval_on_selector_all("a[href]", "links => links.map(a => a.getAttribute('href'))")
    local = [href for href in hrefs if not href.startswith("#")]
    assert len(local) == 21
    for href in local:
        assert (site / href).is_file(), href
    watched.page.locator("#board tbody a").first.click()
    assert watched.page.locator("h1").count() == 1
    watched.page.locator("header a").first.click()
    assert watched.page.locator("#board").count() == 1
    watched.assert_quiet()
