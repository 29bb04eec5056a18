"""The rating form: what it must not tell, and a real browser in which it is filled in, closed, opened again and exported."""

import json
import re
from collections import Counter

import pytest
from study_events import event, four_systems, made, sampled

from biobench.problems import ProblemsFound
from judges.validation.events import events_sha256
from judges.validation.form import render_form
from judges.validation.ratings import read_ratings

RATERS = ("Ann", "Bo", "Cyd")
NASTY = '</script><script>window.pwned = 1</script><img src=x onerror="window.pwned = 1"> \u202egnol'


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


def moments_of(html):
    return data_of(html)["moments"]


# What the file holds.


def test_no_system_is_named_anywhere():
    html = render_form(sampled(), "Ann", RATERS)
    for given in four_systems():
        for told in (given.system, given.source, given.source_sha256, given.system.encode().hex()):
            assert told not in html
    for moment in moments_of(html):
        assert set(moment) == {"event", "repeat", "exercise", "time", "reference", "answers"}
        assert all(set(answer) == {"id", "text"} for answer in moment["answers"])


def test_every_answer_is_shown_and_some_events_twice_far_apart():
    events = sampled()
    for rater in RATERS:
        moments = moments_of(render_form(events, rater, RATERS))
        first = [m for m in moments if m["repeat"] == 0]
        again = [m for m in moments if m["repeat"] == 1]
        assert {(m["event"], a["id"]) for m in first for a in m["answers"]} == {
            (e.id, a.id) for e in events.events for a in e.answers
        }
        assert len(first) == len(events.events)
        assert len({m["event"] for m in again}) == len(again) == 3, "one in twenty of 54"
        place = {m["event"]: k for k, m in enumerate(moments) if m["repeat"] == 0}
        for k, moment in enumerate(moments):
            if moment["repeat"]:
                assert k - place[moment["event"]] >= len(first) // 3
    few = made(*(event(k) for k in range(9)))
    assert not any(m["repeat"] for m in moments_of(render_form(few, "Ann", RATERS)))


def test_orders_differ_among_raters_and_no_answer_has_a_place_of_its_own():
    events = made(*(event(k) for k in range(40)))
    pages = [moments_of(render_form(events, rater, RATERS)) for rater in RATERS]
    orders = [[m["event"] for m in page if not m["repeat"]] for page in pages]
    assert len({tuple(order) for order in orders}) == 3
    assert [one.id for one in events.events] not in orders
    places = Counter()
    for page in pages:
        for moment in page:
            if not moment["repeat"]:
                places.update((moment["event"], answer["id"], k) for k, answer in enumerate(moment["answers"]))
    assert set(places.values()) == {1}, "with three raters, each of three answers stands once at each place"
    firsts = Counter(m["answers"][0]["text"].split()[1] for m in pages[0])
    assert len(firsts) == 3, "within a page, too, the places change"


def test_the_same_page_again_and_another_with_another_seed():
    html = render_form(sampled(), "Ann", RATERS)
    assert render_form(sampled(), "Ann", RATERS) == html
    assert render_form(sampled(), "Ann", RATERS, seed=1) != html
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "://" not in html
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", html)


def test_hostile_texts_are_inert_and_long_ones_end():
    html = render_form(made(event(0, NASTY, "Z" + "\u0351" * 50, "w" * 5000, "\ud800")), "Ann", ["Ann"])
    html.encode()
    assert len(re.findall("<script", html)) == 2
    texts = [answer["text"] for answer in moments_of(html)[0]["answers"]]
    assert NASTY.replace("\u202e", "⟨U+202E⟩") in texts
    assert "Z" + "\u0351" * 4 in texts
    assert "w" * 400 + "…" in texts
    assert "⟨U+D800⟩" in texts


def test_raters_who_can_not_be_are_told_all_at_once():
    with pytest.raises(ProblemsFound) as found:
        render_form(sampled(), "Anne", ["Ann", "ann", " ", "Bo\u202e"], seed=-1)
    told = [str(problem) for problem in found.value.problems]
    assert len(told) == 5
    assert any('"ann" again' in line for line in told)
    assert any('no "Anne"' in line and 'did you mean "Ann"?' in line for line in told)


# In a browser.


@pytest.fixture(scope="module")
def events():
    """Ten events: one of them comes twice."""
    return made(*sampled(events=10, videos=5).events[:9], event(0, NASTY, "Raise your hips.", "Fine."))


@pytest.fixture(scope="module")
def page_file(events, tmp_path_factory):
    path = tmp_path_factory.mktemp("form") / "form.html"
    path.write_text(render_form(events, "Ann", RATERS), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page_file):
    """``opened(context=None, width=1440, script=None, **options)`` gives a page; afterwards it must have asked for nothing."""
    contexts, said = [], []

    def watch(route):
        if not route.request.url.startswith("file:"):
            said.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    def open_page(context=None, width=1440, script=None, **options):
        if context is None:
            context = browser.new_context(viewport={"width": width, "height": 900}, **options)
            contexts.append(context)
            context.route("**/*", watch)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(page_file.as_uri())
        return page

    yield open_page
    assert said == []
    for context in contexts:
        context.close()


def press(page, keys):
    for key in keys.split():
        page.keyboard.press(key)


def settle(page):
    """What a page keeps reaches the browser's own process in its own time, and a page that is opened next asks that one."""
    page.wait_for_timeout(1000)


def reload(page):
    settle(page)
    page.reload()


def chosen(page):
    """The score of every answer of the moment, None where it is unrated."""
    return page.eval_on_selector_all(
        ".answer", "cards => cards.map(c => c.querySelector('input:checked')?.value ?? null)"
    )


def now(page):
    return page.locator("#now").text_content()


def download(page, tmp_path, name="ratings.json"):
    if page.locator("#save").is_hidden():
        page.get_by_role("button", name="Save to a file").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download the file").click()
    path = tmp_path / name
    started.value.save_as(path)
    return path, started.value.suggested_filename


def rate_all(page, page_file, score):
    """Every answer by keyboard; ``score`` of (moment, answer)."""
    for moment in moments_of(page_file.read_text(encoding="utf-8")):
        press(page, " ".join(str(score(moment, answer)) for answer in moment["answers"]))
        press(page, "Enter")


def test_a_whole_study_by_keyboard_reads_back_as_ratings(opened, events, page_file, tmp_path):
    page = opened()
    page.get_by_role("button", name="Start").click()

    def score(moment, answer):
        if moment["repeat"]:
            return 1
        return int(answer["id"], 16) % 6  # 0 is can't say

    rate_all(page, page_file, score)
    assert "All answers are rated" in page.locator("#verdict").text_content()
    assert page.locator("#n-open").text_content() == "0"
    path, name = download(page, tmp_path)
    assert name == "ratings-Ann.json"
    saved = json.loads(path.read_text())
    assert saved["complete"] is True
    assert saved["events_sha256"] == events_sha256(events)
    assert all(rating["seconds"] >= 0 for rating in saved["ratings"])
    ratings = read_ratings([path], events)
    wanted = {(e.id, a.id): int(a.id, 16) % 6 for e in events.events for a in e.answers}
    assert ratings.scores == {"Ann": {item: given for item, given in wanted.items() if given}}
    assert ratings.cannot_say == {"Ann": list(wanted.values()).count(0)}
    assert ratings.unrated == {"Ann": 0}
    (again,) = [m for m in moments_of(page_file.read_text(encoding="utf-8")) if m["repeat"]]
    assert ratings.repeats == {"Ann": {(again["event"], answer["id"]): 1 for answer in again["answers"]}}


def test_ratings_outlive_reload_and_a_closed_tab(opened, events, tmp_path):
    page = opened()
    page.get_by_role("button", name="Start").click()
    page.wait_for_timeout(250)
    page.locator(".answer").nth(1).get_by_role("radio", name="4 most").check()
    page.locator(".answer").nth(0).get_by_role("radio", name="0 can't say").check()
    page.locator(".answer").nth(1).get_by_text("Comment").click()
    page.locator(".answer").nth(1).get_by_role("textbox").fill("grüße \U0001f3cb")
    reload(page)
    assert page.locator("#done").text_content().startswith("2 of ")
    page.get_by_role("button", name="Go on").click()
    assert chosen(page)[:2] == ["0", "4"]
    assert page.locator(".answer").nth(1).get_by_role("textbox").input_value() == "grüße \U0001f3cb"
    press(page, "ArrowRight 3")
    settle(page)
    page.close()
    page = opened(page.context)
    page.get_by_role("button", name="Go on").click()
    assert now(page).startswith("Moment 2 of ")
    assert chosen(page)[0] == "3"
    press(page, "ArrowLeft")
    assert chosen(page)[:2] == ["0", "4"]
    path, _ = download(page, tmp_path)
    saved = json.loads(path.read_text())
    assert saved["complete"] is False
    assert [(r["score"], r["cannot_say"], r["comment"]) for r in saved["ratings"]] == [
        (None, True, ""), (4, False, "grüße \U0001f3cb"), (3, False, ""),
    ]  # fmt: skip
    assert saved["ratings"][1]["seconds"] >= 0.2
    ratings = read_ratings([path], events)
    assert sorted(ratings.scores["Ann"].values()) == [3, 4]
    assert ratings.unrated["Ann"] == sum(len(e.answers) for e in events.events) - 3


def test_another_machine_goes_on_from_the_file(opened, tmp_path):
    page = opened()
    page.get_by_role("button", name="Start").click()
    press(page, "5 4 Enter 3")
    path, _ = download(page, tmp_path)
    other = opened()
    other.get_by_role("button", name="Start").click()
    press(other, "1 1 1 Enter Enter 2")  # the file's ratings win where both have one, the others stay
    other.get_by_role("button", name="Save to a file").click()
    other.locator("#load").set_input_files(path)
    other.get_by_text("3 ratings taken from ratings.json.").wait_for()
    assert other.locator("#done").text_content().startswith("5 of ")
    reload(other)
    other.get_by_role("button", name="Go on").click()
    assert now(other).startswith("Moment 3 of ")
    told = []
    for _ in range(3):
        told.append([score for score in chosen(other) if score])
        press(other, "ArrowLeft")
    assert told == [["2"], ["3"], ["5", "4", "1"]]
    assert other.locator("#start").is_visible()


FOREIGN = {
    "it is no JSON file": lambda text: "{",
    "it holds no ratings": lambda text: text.replace("study-ratings/1", "study-events/1"),
    "its ratings are of other events": lambda text: re.sub('"events_sha256": "....', '"events_sha256": "0000', text),
    "its ratings are by Bo<b>, and this page is for Ann": lambda text: text.replace('"Ann"', '"Bo<b>"'),
}


def test_a_file_that_does_not_belong_here_changes_nothing(opened, tmp_path):
    page = opened()
    page.get_by_role("button", name="Start").click()
    press(page, "5")
    path, _ = download(page, tmp_path)
    for words, change in FOREIGN.items():
        foreign = tmp_path / "foreign.json"
        foreign.write_text(change(path.read_text().replace('"score": 5', '"score": 1')))
        page.locator("#load").set_input_files(foreign)
        page.get_by_text(f"foreign.json was not taken: {words}.").wait_for()
    page.get_by_role("button", name="Back to the moments").click()
    assert chosen(page)[0] == "5"


def test_a_hostile_file_takes_only_what_is_a_rating(opened, tmp_path):
    page = opened()
    page.get_by_role("button", name="Start").click()
    press(page, "5")
    path, _ = download(page, tmp_path)
    saved = json.loads(path.read_text())
    good = saved["ratings"][0]
    saved["ratings"] = [
        good | {"score": 6}, good | {"score": "3"}, good | {"score": 2.5}, good | {"score": True}, good | {"cannot_say": True},
        good | {"repeat": 7}, good | {"event": "__proto__"}, None, 3, [], good | {"score": 2, "comment": 7, "seconds": -1},
    ]  # fmt: skip
    path.write_text(json.dumps(saved))
    page.locator("#load").set_input_files(path)
    page.get_by_text("1 ratings taken from ratings.json; 10 are not of this page and were left out.").wait_for()
    path, _ = download(page, tmp_path)
    (rating,) = json.loads(path.read_text())["ratings"]
    assert rating == good | {"score": 2, "comment": "", "seconds": 0}


REFUSED = {
    "full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };",
    "forbidden": "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });",
}


@pytest.mark.parametrize("how", sorted(REFUSED))
def test_without_storage_it_says_so_goes_on_and_warns_on_leaving(opened, tmp_path, how):
    page = opened(script=REFUSED[how])
    assert "This browser keeps nothing for this page" in page.locator("#unkept").inner_text()
    page.get_by_role("button", name="Start").click()
    press(page, "5 2 Enter ArrowLeft")
    assert chosen(page)[:2] == ["5", "2"]
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.close(run_before_unload=True)
    page.wait_for_timeout(200)
    assert asked == ["beforeunload"]
    path, _ = download(page, tmp_path)
    assert [rating["score"] for rating in json.loads(path.read_text())["ratings"]] == [5, 2]
    page.close(run_before_unload=True)  # saved: nothing to lose
    page.wait_for_event("close") if not page.is_closed() else None
    assert asked == ["beforeunload"]


def test_with_storage_nobody_is_asked_on_leaving(opened):
    page = opened()
    assert page.locator("#unkept").is_hidden()
    page.get_by_role("button", name="Start").click()
    press(page, "5")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.close(run_before_unload=True)
    page.wait_for_event("close") if not page.is_closed() else None
    assert asked == []


def test_two_tabs_of_one_page_do_not_lose_each_others_ratings(opened):
    page = opened()
    other = opened(page.context)
    page.get_by_role("button", name="Start").click()
    press(page, "5")
    other.wait_for_function("document.getElementById('done').textContent.startsWith('1 of ')")
    other.locator("#begin").click()
    press(other, "ArrowRight 2")
    page.wait_for_function("document.getElementById('done').textContent.startsWith('2 of ')")
    press(page, "4")
    reload(page)
    assert page.locator("#done").text_content().startswith("3 of ")


def test_what_the_browser_kept_may_be_broken(opened):
    page = opened()
    page.get_by_role("button", name="Start").click()
    press(page, "5")
    page.evaluate("Object.keys(localStorage).forEach(key => localStorage.setItem(key, '{'))")
    reload(page)
    assert "can't be read: it is no JSON file" in page.locator("#status").text_content()
    page.get_by_role("button", name="Start").click()
    press(page, "4")
    reload(page)
    assert page.locator("#done").text_content().startswith("1 of ")


def test_keys(opened):
    page = opened()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # past the link that skips the bar
    page.get_by_role("button", name="Start").focus()
    press(page, "Enter 2 ArrowDown")
    assert chosen(page)[0] == "2"
    assert page.evaluate("document.activeElement.matches('.answer.current')")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus can be seen"
    press(page, "ArrowUp ArrowUp 3")
    assert chosen(page)[0] == "3", "a rating can be changed"
    first = page.locator(".answer").nth(0).get_by_role("radio", name="3 half")
    first.focus()
    press(page, "ArrowDown")  # inside the radios the arrows are the browser's
    assert chosen(page)[0] == "4"
    first.click()
    press(page, "ArrowRight")  # but not sideways: who clicks and then goes on must not change what was clicked
    assert now(page).startswith("Moment 2 of ")
    press(page, "ArrowLeft")
    assert chosen(page)[0] == "3"
    press(page, "ArrowRight")
    assert set(chosen(page)) == {None}
    page.locator(".answer").nth(0).get_by_text("Comment").click()
    area = page.locator(".answer").nth(0).get_by_role("textbox")
    area.focus()
    page.keyboard.type("3 reps, 5 short\n")
    press(page, "ArrowLeft")
    assert area.input_value() == "3 reps, 5 short\n", "what is typed rates nothing and goes nowhere"
    assert set(chosen(page)) == {None}
    press(page, "Control+1")
    assert set(chosen(page)) == {None}
    area.blur()
    page.keyboard.down("4")
    page.keyboard.down("4")  # held down
    page.keyboard.up("4")
    assert [score for score in chosen(page) if score] == ["4"], "a key that is held rates one answer"


def test_every_group_has_a_name_that_holds_the_answer(opened, page_file):
    page = opened()
    page.get_by_role("button", name="Start").click()
    for moment in moments_of(page_file.read_text(encoding="utf-8")):
        for k, answer in enumerate(moment["answers"]):
            group = page.get_by_role("group", name=f"Answer {'ABCD'[k]} {answer['text']}", exact=True)
            assert group.get_by_role("radio").count() == 6
        assert page.locator(".reference:visible").inner_text().endswith(moment["reference"])
        assert page.evaluate("window.pwned") is None
        press(page, "Enter")


def test_unrated_answers_are_counted_before_the_download_and_found_again(opened):
    page = opened()
    page.get_by_role("button", name="Start").click()
    press(page, "Enter 5 4")
    page.get_by_role("button", name="Save to a file").click()
    total = int(page.locator("#done").text_content().split()[2])
    assert page.locator("#n-open").text_content() == str(total - 2)
    assert f"{total - 2} answers are still unrated, in " in page.locator("#verdict").text_content()
    page.get_by_role("button", name="Go to the first unrated answer").click()
    assert now(page).startswith("Moment 1 of ")


@pytest.mark.parametrize("width", [360, 800, 1440])
def test_no_sideways_scrolling_and_nothing_cut_off(opened, width):
    page = opened(width=width)

    def fits():
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cut = "e => [...e].filter(x => x.scrollWidth > x.clientWidth + 1).map(x => x.textContent)"
        assert page.eval_on_selector_all("button, .scale label, .said, dt, dd, .bar p", cut) == []
        broken = "e => e.filter(x => x.offsetHeight > 1.9 * parseFloat(getComputedStyle(x).fontSize)).map(x => x.textContent)"
        assert page.eval_on_selector_all(".scale span", broken) == [], "each of the words on one line"
        assert (
            page.eval_on_selector_all("button", "e => e.filter(x => x.offsetHeight > 70).map(x => x.textContent)") == []
        )

    fits()
    page.get_by_role("button", name="Start").click()
    while page.locator("#finish").is_hidden():
        fits()
        press(page, "5 1 ArrowRight")
    fits()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
def test_axe_finds_nothing(axe, opened, width, scheme):
    page = opened(width=width, color_scheme=scheme, bypass_csp=True)
    for step in ("start", "moment", "finish"):
        if step == "moment":
            page.get_by_role("button", name="Start").click()
            press(page, "5 0")
            page.locator(".answer").nth(0).get_by_text("Comment").click()
        elif step == "finish":
            page.get_by_role("button", name="Save to a file").click()
        assert axe(page, impacts=("minor", "moderate", "serious", "critical")) == [], step


def test_without_script_it_says_so(opened):
    page = opened(java_script_enabled=False)
    assert "This page needs JavaScript" in page.locator("noscript").inner_text()
    assert page.locator("button:visible").count() == 0, "a button that does nothing"
