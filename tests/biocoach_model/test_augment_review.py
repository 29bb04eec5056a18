"""The review page in a real browser: decisions by mouse and by keyboard, filters, what is saved, phones, hostile texts."""

import re
from dataclasses import replace

import numpy as np
import pytest

from biobench.body.motion import Motion
from biobench.synth.bodies import golden_repetition
from biocoach_model.augmentation.evidence import look
from biocoach_model.augmentation.motion_picture import motion_picture
from biocoach_model.augmentation.records import Fact, Kept, Number, Remark
from biocoach_model.augmentation.review import review_page
from biocoach_model.augmentation.sidecar import read_decisions
from judges.claims.facts import Verdict

NASTY = '</script><script>window.pwned = 1</script><img src=x onerror="window.pwned = 1"> \u202egnol "q" \'s'
SHA = "a" * 64


def made_remarks():
    """Twelve rewritten remarks (one rejected, one accepted by an earlier run), five kept, one of them hostile."""
    once = golden_repetition("squats")
    motion = Motion.of(np.concatenate([once] * 5), np.arange(300) / 22)
    fact = Fact("knees-in", "right", "hip_adduction", 21.0, 0.0, 21.0, frozenset(), Verdict("supported", "2 degrees off 19"),
                "your right knee falls in by 21 degrees")  # fmt: skip
    picture = motion_picture(look(motion, "squats", 12.0), fact)
    assert picture.startswith("<svg")
    first = Remark("0001", 0, 1, "0001_0", "squats", 100.0, 9.5, "Push your knees out.",
                   "Push your knees out: your right knee falls in by 21 degrees.", None, "Squats, moving.", fact,
                   (Number(21.0, "deg", "fact"),), picture=picture)  # fmt: skip
    remarks = [replace(first, event=k, at_s=9.5 + k) for k in range(1, 11)]
    remarks.append(replace(first, event=11, kept=Kept("rejected")))
    remarks.append(replace(first, event=12, accepted=True, before=NASTY, proposed=NASTY + " more"))
    remarks += [replace(first, record=1, event=k, kept=Kept("no-claim"), proposed=None, picture="") for k in range(3)]
    remarks.append(replace(first, record=1, event=3, kept=Kept("meaning", NASTY)))
    remarks.append(replace(first, record=1, event=4, exercise=None, segment=None, at_s=None, kept=Kept("no-exercise"),
                           proposed=None, fact=None, context="", before=NASTY, picture=""))  # fmt: skip
    return remarks


@pytest.fixture(scope="module")
def remarks():
    return made_remarks()


@pytest.fixture(scope="module")
def page_file(remarks, tmp_path_factory):
    path = tmp_path_factory.mktemp("review") / "review.html"
    made = {"biobench": "0.1.0", "mode": "rule", "wordings": "1", "lexicon": "1"}
    path.write_text(review_page(remarks, made, SHA, f"QEVD {NASTY}"), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page_file):
    """``opened(width=1440, **context options)`` gives a page; afterwards it must have said and asked for nothing."""
    contexts, said = [], []

    def open_page(width=1440, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda r: said.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
        page.goto(page_file.as_uri())
        return page

    yield open_page
    assert said == []
    for context in contexts:
        context.close()


def shown(page):
    return page.eval_on_selector_all(".remark:not([hidden])", "cards => cards.map(card => Number(card.dataset.k))")


def states(page):
    return page.eval_on_selector_all(
        ".remark.rewritten",
        "cards => cards.map(c => c.classList.contains('yes') ? 'yes' : c.classList.contains('no') ? 'no' : '')",
    )


def test_every_remark_is_there_with_why_and_the_motion(opened):
    page = opened()
    assert shown(page) == list(range(12))
    first = page.locator(".remark").first
    text = first.inner_text()
    assert "Push your knees out." in text
    assert "Push your knees out: your right knee falls in by 21 degrees." in text
    assert "2 degrees off 19" in text
    image = first.locator("img")
    image.wait_for()
    assert image.evaluate("i => i.complete && i.naturalWidth > 100 && i.alt.includes('squats')")
    page.locator("#f-show").select_option("kept")
    assert shown(page) == list(range(12, 17))
    assert "kept: it says nothing that can be measured" in page.locator(".remark").nth(12).inner_text()
    assert page.locator(".remark.kept button").count() == 0
    page.locator("#f-show").select_option("all")
    assert len(shown(page)) == 17


def test_pictures_are_made_only_when_they_come_near(opened):
    page = opened(width=360)
    page.locator(".remark img").first.wait_for()
    assert page.locator(".remark img").count() < 10
    page.locator(".remark.rewritten").last.scroll_into_view_if_needed()
    page.locator(".remark.rewritten").last.locator("img").wait_for()


def test_decisions_by_mouse_are_saved_as_the_command_reads_them(opened, remarks, tmp_path):
    page = opened()
    assert states(page) == [""] * 10 + ["no", "yes"]
    cards = page.locator(".remark.rewritten")
    cards.nth(0).get_by_role("button", name="Accept").click()
    cards.nth(1).get_by_role("button", name="Reject").click()
    cards.nth(2).get_by_role("button", name="Reject").click()
    cards.nth(2).get_by_role("button", name="Reject").click()  # a second click takes it back
    cards.nth(10).get_by_role("button", name="Accept").click()
    assert cards.nth(0).get_by_role("button", name="Accept").get_attribute("aria-pressed") == "true"
    assert "4 of 12 decided: 3 accepted, 1 rejected" in page.locator("#status").text_content()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download decisions").click()
    assert download.value.suggested_filename == "decisions.json"
    path = tmp_path / "decisions.json"
    download.value.save_as(path)
    fresh = [replace(r, kept=None) if r.kept is not None and r.kept.code == "rejected" else r for r in remarks]
    assert read_decisions(path, SHA).on(fresh) == {(0, 1): True, (0, 2): False, (0, 11): True, (0, 12): True}
    page.reload()
    assert states(page) == ["yes", "no"] + [""] * 8 + ["yes", "yes"], "decisions outlive the page"


def test_decisions_by_keyboard_alone(opened):
    page = opened()
    for key in ("j", "a", "r", "j", "u", "k", "a"):
        page.keyboard.press(key)
    assert states(page)[:5] == ["yes", "no", "yes", "", ""]
    for key in ("k", "u"):  # after a decision the next one is current
        page.keyboard.press(key)
    assert states(page)[:5] == ["yes", "no", "", "", ""]
    page.keyboard.press("Tab")  # from the current remark to what is in it
    assert page.evaluate("document.activeElement.closest('.remark').dataset.k") == "2"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert states(page)[:5] == ["yes", "no", "yes", "", ""]
    page.locator("#f-q").focus()
    before = states(page)
    page.keyboard.type("jar")  # letters that are typed decide nothing
    assert states(page) == before


def test_filters_and_search(opened):
    page = opened()
    page.locator(".remark.rewritten").nth(0).get_by_role("button", name="Accept").click()
    page.locator("#f-decision").select_option("open")
    assert shown(page) == list(range(1, 10))
    page.locator("#f-decision").select_option("no")
    assert shown(page) == [10]
    page.locator("#f-decision").select_option("yes")
    assert shown(page) == [0, 11]
    page.locator("#f-decision").select_option("")
    page.locator("#f-q").fill("12.5 S")
    assert shown(page) == [2]
    page.locator("#f-q").fill("nothing of the kind")
    assert shown(page) == []
    assert page.locator("#none").is_visible()
    page.keyboard.press("Escape")


def test_hostile_texts_are_shown_as_text(opened):
    page = opened()
    page.locator("#f-show").select_option("all")
    assert page.evaluate("window.pwned") is None
    assert page.locator(".remark img[src=x]").count() == 0
    text = page.locator(".remark").nth(11).text_content()
    assert "</script><script>window.pwned = 1</script>" in text
    assert "⟨U+202E⟩gnol" in text


@pytest.mark.parametrize("width", [360, 800, 1440])
def test_no_sideways_scrolling(opened, width):
    page = opened(width=width)
    page.locator("#f-show").select_option("all")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_readable_without_script(opened):
    page = opened(java_script_enabled=False)
    text = page.locator("main").text_content()
    assert text.count("Push your knees out: your right knee falls in by 21 degrees.") >= 11
    assert page.locator("button:visible").count() == 0, "a button that does nothing"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_serious(axe, opened, scheme, width):
    page = opened(width=width, color_scheme=scheme, bypass_csp=True)
    page.locator(".remark.rewritten").nth(0).get_by_role("button", name="Accept").click()
    assert axe(page) == []


def test_the_page_allows_no_script_but_its_own_and_is_the_same_again(page_file, remarks):
    text = page_file.read_text(encoding="utf-8")
    assert len(re.findall(r"<script", text)) == 2
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text)
    made = {"biobench": "0.1.0", "mode": "rule", "wordings": "1", "lexicon": "1"}
    assert review_page(remarks, made, SHA, f"QEVD {NASTY}") == text


def test_hundreds_of_remarks_stay_a_page_that_opens(remarks):
    many = [replace(remarks[0], event=k) for k in range(400)]
    assert len(review_page(many, {}, SHA, "QEVD")) < 8_000_000
