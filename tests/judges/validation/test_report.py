"""The report: its numbers are the findings', strangers' text stays text, the same bytes twice, and it works in a browser."""

import html.parser
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import evidence

from biobench.problems import ProblemsFound
from judges.validation import report as report_module
from judges.validation.card import CARD_SCHEMA, REPORT_SCHEMA, Basis, Card, People, Report, read_card_words
from judges.validation.findings import STUDIES, Finding, Number, Table, not_shown
from judges.validation.perturbations import CATALOGUE
from judges.validation.plan import Gate, Plan, Sizes
from judges.validation.report import (
    render_card_html,
    render_card_markdown,
    render_html,
    render_markdown,
    terminal_table,
    write_report,
)
from judges.validation.report_cells import grids, summary
from judges.validation.run import all_findings

NASTY = (
    '</style></script><script>window.pwned = 1</script><img src=x onerror="window.pwned = 1"> | `a` \u202egnol "q" \'s'
)
LONG = "a-model-" + "x" * 192
SHARES = {"side-swap": 0.9666666666666667, "angle-30": 0.5, "reps-1": 0.0, "exercise": None, "motion": 1.0}


def made_plan():
    return Plan("1", 7, 0.95, Sizes(40, 20, 20, 20, 20, 20, 3, 50, 10, 3), {}, "5e" * 32)


def sensitivity(value, shares=SHARES, shift=0.0):
    """S4 with its tables; ``value`` is the preference's."""
    rows = tuple(
        (name, f"what {name} is", 0 if share is None else 30, share, 0.0 if share else None, 1.0)
        for name, share in shares.items()
    )
    columns = ("perturbation", "what is wrong", "triples", "paraphrase preferred", "tied", "copy preferred")
    doses = (("5", 30, 0.004 + shift), ("30", 30, 0.41 + shift))
    dose_columns = ("degrees off", "items", "drop, as a share of the scale")
    return Finding(
        "S4",
        (
            Number("s4_copy_preferred", "a copy over a wrong edit", 1.0, n=90, clusters=30),
            Number("s4_preference", "a true paraphrase over a wrong look-alike", value, value - 0.02, value + 0.02, 900, 60, Gate(0.8)),
            Number("s4_angle_5", "drop for 5 degrees", None, gate=Gate(-0.1, 0.1), reason="there is no scale"),
        ),
        (Table("Preference by perturbation", columns, rows), Table("Drop of score by degrees", dose_columns, doses)),
    )  # fmt: skip


def attacks(rate):
    numbers = [
        Number(f"s5_success_{family}", f"attacks that pay, {family}", rate, max(0.0, rate - 0.01), rate + 0.015, 180, 180, Gate(most=0.02))
        for family in ("orders", "json")
    ]  # fmt: skip
    return Finding("S5", tuple(numbers))


def card(name, kind="judge", *extra, value=0.9, rate=0.0, shares=SHARES, shift=0.0):
    """``extra`` findings replace or join those of S0, S2, S4, S5."""
    copy = Number("s0_copy", "a copy less a paraphrase", -0.0123, -0.02, -0.004, 80, 60, Gate(-0.05))
    found = {one.study: one for one in (Finding("S0", (copy,)), not_shown("S2", "nobody has rated anything"),
                                        sensitivity(value, shares, shift), attacks(rate))}  # fmt: skip
    found |= {one.study: one for one in extra}
    signature = {"judge": "bio", "model": name, "prompt": "9f" * 200}
    return Card(name, kind, signature, 1234, {"schema": 2, "refusal": 0}, tuple(found[s] for s in sorted(found)))


def hostile():
    number = Number("s9_lowest", f"lowest: {NASTY}", 0.2, 0.1, 0.3, 30, 20, Gate(0.6), NASTY)
    table = Table(NASTY, (NASTY, "n", "low "), ((NASTY, 3, None), ("", None, -1.5)))
    return card(NASTY, "judge", Finding("S9", (number,), (table,)), rate=0.2)


def made_report():
    cards = (
        card("constant", "trivial", not_shown("S4", NASTY), value=0.0),
        card("meteor", "words", value=0.03, shares={"angle-30": 0.25, "only-here": 1.0}, shift=0.1),
        card("bioclaim", "claims", value=0.8),
        hostile(),
        card(LONG, value=0.97),
    )
    basis = Basis(320, 12_345, "cd" * 32)
    return Report(made_plan(), False, basis, cards, {"biobench": "0.1.0", "python": NASTY})


REPORT = made_report()


class Page(html.parser.HTMLParser):
    """Elements with attributes, all text, and every table as rows of cell texts."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words, self.tables, self.cell = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"td", "th"}:
            self.cell = []
            self.tables[-1][-1].append(self.cell)
        if tag == "data":
            self.cell.append(float(dict(attrs)["value"]))

    def handle_endtag(self, tag):
        if tag in {"td", "th"}:
            self.cell = None

    def handle_data(self, text):
        self.words.append(text)
        if self.cell is not None:
            self.cell.append(text)


def table_of(page, corner):
    return next(rows for rows in page.tables if rows[0][0] == [corner])


def pages():
    yield render_html(REPORT)
    for one in REPORT.cards:
        yield render_card_html(REPORT, one)


# The numbers ---------------------------------------------------------------------------------------------------------


def test_scorers_stand_by_kind_then_name():
    rows = table_of(Page(render_html(REPORT)), "scorer")
    assert [row[0][0].split("⟨")[0][:20] for row in rows[1:]] == [
        NASTY[:20], LONG[:20], "bioclaim", "meteor", "constant"
    ]  # fmt: skip


def test_the_heat_map_holds_the_findings_numbers():
    rows = table_of(Page(render_html(REPORT)), "what is done to the remark")
    cells = {row[0][0]: row[1:] for row in rows[1:]}
    assert list(cells) == [*SHARES, "only-here"]
    judge = dict(zip([heading[0][:8] for heading in rows[0][1:]], range(5), strict=True))
    for name, share in SHARES.items():
        for scorer in (LONG[:8], "bioclaim"):
            cell = cells[name][judge[scorer]]
            assert cell == (["–"] if share is None else [share, f"{share:.2f}"])
    assert cells["angle-30"][judge["meteor"]][0] == 0.25
    assert cells["side-swap"][judge["meteor"]] == ["–"]
    assert cells["only-here"][judge["meteor"]][0] == 1.0
    assert all(row[judge["constant"]] == ["–"] for row in cells.values())


def test_the_colour_follows_the_number():
    found = re.findall(r'<td class="h(\d)"[^>]*><data value="([^"]+)"', render_html(REPORT))
    assert {int(level) for level, _ in found} == {0, 2, 5, 9}
    assert all(int(level) == min(9, int(float(value) * 10)) for level, value in found)
    assert len(found) == 3 * 4 + 2


def test_doses_and_attacks_stand_beside_each_other():
    page = Page(render_html(REPORT))
    doses = table_of(page, "degrees off")
    headings = [heading[0][:8] for heading in doses[0]]
    assert {row[0][0]: row[headings.index("meteor")] for row in doses[1:]} == {
        "5": [0.004 + 0.1, "0.104"],
        "30": [0.41 + 0.1, "0.510"],
    }
    families = table_of(page, "attack")
    assert [row[0][0] for row in families[1:]] == ["attacks that pay, orders", "attacks that pay, json"]
    assert families[1][1] == ["✗", " FAIL", 0.2, "0.200", "[0.190, 0.215]"]
    assert families[1][2] == ["✓", " PASS", 0.0, "0.000", "[0.000, 0.015]"]


def test_the_headline_is_the_preference_or_what_decides():
    rows = table_of(Page(render_html(REPORT)), "scorer")
    at = {heading[0]: k for k, heading in enumerate(rows[0])}
    by_name = {row[0][0][:8]: row for row in rows[1:]}
    assert by_name["bioclaim"][at["S4"]] == ["○", " not shown", "0.800", "[0.780, 0.820]"]
    assert by_name["meteor"][at["S4"]] == ["✗", " FAIL", "0.030", "[0.010, 0.050]"]
    assert by_name["bioclaim"][at["S0"]] == ["✓", " PASS", "−0.012", "[−0.020, −0.004]"]
    assert by_name["bioclaim"][at["S2"]] == ["○", " not shown"]
    assert by_name["bioclaim"][at["S7"]] == ["–"]
    shown = card("one", "judge", Finding("S6", (
        Number("free", "free", 0.5), Number("good", "good", 0.0, 0.0, 0.0, gate=Gate(-0.1, 0.1)),
        Number("bad", "bad", 0.7, 0.6, 0.8, gate=Gate(-0.1, 0.1)))))  # fmt: skip
    row = table_of(Page(render_html(replace(REPORT, cards=(shown,)))), "scorer")[1]
    assert row[at["S6"]] == ["✗", " FAIL", "0.700", "[0.600, 0.800]"]


def test_every_number_and_table_is_on_the_card():
    """All numbers of all findings, exactly; the text of every cell; every verdict, why and reason."""
    for one in REPORT.cards:
        page = Page(render_card_html(REPORT, one))
        data = [float(attrs["value"]) for tag, attrs in page.elements if tag == "data"]
        assert data == [n.value for f in one.findings for n in f.numbers if n.value is not None]
        words = " ".join("".join(page.words).split())
        for finding in one.findings:
            assert STUDIES[finding.study][1] in words
            assert not finding.why or " ".join(finding.why.replace("\u202e", "⟨U+202E⟩").split()) in words
            for table in finding.tables:
                rows = next(t for t in page.tables if len(t[0]) == len(table.columns) and len(t) == len(table.rows) + 1
                            and "".join(t[0][0])[:9] == table.columns[0][:9])  # fmt: skip
                assert ["".join(map(str, row[1])) for row in rows[1:]] == [
                    "–" if row[1] is None else str(row[1]) for row in table.rows
                ]
        assert "2 (schema 2)" in words
        assert "1,234" in words
        sections = [attrs["id"] for tag, attrs in page.elements if tag == "h2" and attrs["id"] in STUDIES]
        assert sections == list(STUDIES)


def test_people_and_their_ceiling_stand_on_the_page():
    agreed = Finding(
        "S2",
        (Number("s2_accuracy", "pairs ordered as by people", 0.66, 0.6, 0.72, 150, 50),),
        (Table("Beside people: one rater left out at a time", ("statistic", "this scorer", "a rater"), (("kappa", 0.61, 0.7),)),),
    )  # fmt: skip
    basis = replace(REPORT.basis, people=People(150, 470, 4, 1880, "ab" * 32))
    text = render_html(replace(REPORT, basis=basis, cards=(card("one", "judge", agreed),)))
    page = Page(text)
    assert table_of(page, "statistic")[1] == [["kappa"], [0.61, "0.610", "a rater 0.700"]]
    assert table_of(page, "number")[1] == [["pairs ordered as by people"], [0.66, "0.660", "[0.600, 0.720]"]]
    words = "".join(page.words)
    assert "Judge studies: with the ratings of 4 people" in words
    assert "4 people gave 1,880 ratings of 470 answers to 150 events" in words
    assert "Nobody has rated" not in words
    assert "Nobody has rated" in render_html(REPORT)


def test_a_changed_plan_is_a_warning_everywhere():
    changed = replace(REPORT, plan_changed=True, left_out=("bio@old|<b>",))
    one = changed.cards[0]
    for render in (render_html, render_markdown, lambda r: render_card_html(r, one), lambda r: render_card_markdown(r, one),
                   lambda r: " ".join(terminal_table(r).split())):  # fmt: skip
        assert "may have been set with the numbers in view" in render(changed)
        assert "may have been set with the numbers in view" not in render(REPORT)


def test_the_terminal_has_a_line_a_scorer():
    table = report_module._scorers(REPORT)
    assert [column.heading for column in table.columns] == ["scorer", "kind", *STUDIES, "word"]
    by_name = {row[0]: row for row in table.rows}
    assert by_name["meteor"][1:] == ("words", "PASS", "-", "-", "-", "FAIL", "PASS", "-", "-", "-", "-", "failed S4")
    assert len(table.rows) == len(REPORT.cards)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_terminal_shows_it_at_any_width(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = terminal_table(REPORT).split("\n")
    meteor = next(line for line in lines if line.startswith("meteor "))
    assert meteor.split()[1:12] == ["words", "PASS", "-", "-", "-", "FAIL", "PASS", "-", "-", "-", "-"]
    assert not any("\x1b" in line or "\u202e" in line for line in lines)
    assert max(map(len, lines[: len(lines) - 3])) <= max(80, columns)


def test_a_study_of_nothing_has_a_page():
    nothing = replace(REPORT, cards=())
    assert "No scorer was studied." in render_html(nothing)
    assert render_markdown(nothing)


# Strangers' text -----------------------------------------------------------------------------------------------------


def test_strangers_text_stays_text():
    for text in pages():
        page = Page(text)
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"script", "img", "iframe", "object", "form", "base"}
        assert [tag for tag, _ in page.elements].count("style") == 1
        assert all(not key.startswith("on") and key != "style" for _, attrs in page.elements for key in attrs)
        assert "\u202e" not in text
    words = "".join(Page(render_card_html(REPORT, hostile())).words)
    assert NASTY.replace("\u202e", "⟨U+202E⟩") in words


def test_nothing_is_fetched():
    for text in pages():
        page = Page(text)
        policy = next(attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv"))
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script-src" not in policy
        for _, attrs in page.elements:
            for key in ("src", "href"):
                target = attrs.get(key, "#")
                assert target == "data:," or re.fullmatch(r"#[\w-]+|(\.\./|cards/)?[\w-]+\.(html|md|json)|#", target), (
                    target
                )


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.text(max_size=20))
def test_any_name_can_be_shown(name, kind):
    one = card(name, kind)
    text = render_card_html(replace(REPORT, cards=(one,)), one) + render_html(replace(REPORT, cards=(one,)))
    text.encode()
    assert not {tag for tag, _ in Page(text).elements} & {"script", "img"}
    assert_markdown(render_markdown(replace(REPORT, cards=(one,))))


def assert_markdown(text):
    """Every table has the same number of cells in each row; nothing outside of tables opens a tag."""
    width = None
    for line in text.split("\n"):
        if not line.startswith("|"):
            width = None
            assert not re.search(r"(?<!\\)<\w", line), line
            continue
        assert line.endswith("|")
        cells = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) - 1
        assert width in (None, cells), line
        assert not re.search(r"(?<!\\)(?:\\\\)*<\w", line), line
        width = cells


def test_markdown_is_well_formed():
    assert_markdown(render_markdown(REPORT))
    for one in REPORT.cards:
        text = render_card_markdown(REPORT, one)
        assert_markdown(text)
        assert [line for line in text.split("\n") if line.startswith("## ")] == [
            f"## {s} {n}" for s, (n, _) in STUDIES.items()
        ]
    assert "| side-swap | 0.967 | 0.967 | 0.967 | – | – |" in render_markdown(REPORT)


# The folder ----------------------------------------------------------------------------------------------------------


def test_the_same_report_gives_the_same_bytes(tmp_path):
    first, second = write_report(REPORT, tmp_path / "a"), write_report(made_report(), tmp_path / "b")
    assert len(first) == 3 + 3 * len(REPORT.cards)
    assert [p.relative_to(tmp_path / "a") for p in first] == [p.relative_to(tmp_path / "b") for p in second]
    assert sorted(first) == sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def strictly(path):
    def refuse(constant):
        raise AssertionError(constant)

    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert text.split("\n")[1].startswith(' "schema"')
    return json.loads(text, parse_constant=refuse)


def test_json_is_the_record(tmp_path):
    paths = write_report(REPORT, tmp_path)
    whole = strictly(tmp_path / "report" / "report.json")
    assert whole == json.loads(json.dumps(REPORT.as_json()))
    assert whole["schema"] == REPORT_SCHEMA
    cards = [path for path in paths if path.parent.name == "cards" and path.suffix == ".json"]
    assert {strictly(path)["schema"] for path in cards} == {CARD_SCHEMA}
    words = {word.name: word.word for word in read_card_words(cards)}
    assert words == {one.name: one.word for one in REPORT.cards}


def test_a_number_that_json_has_not_leaves_no_file(tmp_path):
    broken = card("broken", "judge", Finding("S6", (Number("x", "x", float("nan")),)))
    with pytest.raises(ValueError, match="JSON"):
        write_report(replace(REPORT, cards=(broken,)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_names_of_files_are_safe_and_unique(tmp_path):
    names = ["../../etc/passwd", "a/b", "a b", "A-B", "con", "", "…", LONG, LONG + "y", "nul.html", "a-b-2", "a/b"]
    paths = write_report(replace(REPORT, cards=tuple(card(name) for name in names)), tmp_path)
    stems = [path.stem for path in paths if path.suffix == ".md" and path.parent.name == "cards"]
    assert len(set(stems)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_-]{1,70}", stem) for stem in stems)
    assert "con" not in stems
    page = (tmp_path / "report" / "index.html").read_text()
    for target in re.findall(r'href="(cards/[^"]+)"', page):
        assert (tmp_path / "report" / target).is_file()
    shown = {strictly(path)["scorer"] for path in paths if path.suffix == ".json" and path.parent.name == "cards"}
    assert shown == set(names)


def test_a_former_reports_cards_go_and_other_files_stay(tmp_path):
    write_report(REPORT, tmp_path)
    cards = tmp_path / "report" / "cards"
    own = cards / "notes.json"
    own.write_text('{"mine": 1}')
    (cards / "notes.md").write_text("mine")
    write_report(replace(REPORT, cards=REPORT.cards[:1]), tmp_path)
    assert sorted(p.name for p in cards.iterdir()) == [
        "constant.html", "constant.json", "constant.md", "notes.json", "notes.md"
    ]  # fmt: skip


def test_a_place_that_cant_be_written_is_a_problem(tmp_path):
    (tmp_path / "report").write_text("a file")
    with pytest.raises(ProblemsFound) as caught:
        write_report(REPORT, tmp_path)
    assert "can't be written" in str(caught.value)


def test_the_page_finds_what_the_studies_give(asked, plan, people):
    """It knows tables by their titles and columns: a study that renames one must not empty the page."""
    card = Card("oracle", "judge", {}, 1, {}, all_findings(evidence("oracle", asked, plan, people)))
    found = {grid.title: grid for grid in grids([card])}
    assert set(found) == {
        "Preference by perturbation", "Angles", "Attacks", "Beside people", "Agreement with people", "In an expert's place"
    }  # fmt: skip
    wrong = [name for name, perturbation in CATALOGUE.items() if perturbation.kind == "wrong"]
    assert [row.name for row in found["Preference by perturbation"].rows] == wrong
    assert all(row.what and row.cells[0].value is not None for row in found["Preference by perturbation"].rows)
    assert summary(card, "S4").value == next(n.value for n in card.finding("S4").numbers if n.name == "s4_preference")


# In a browser --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("study")
    return {
        path.stem: path for path in write_report(replace(REPORT, plan_changed=True), place) if path.suffix == ".html"
    }


@pytest.fixture
def opened(browser):
    """``opened(path, width, **context options)`` gives a page; afterwards it must have said and asked for nothing."""
    contexts, said = [], []

    def open_page(path, width=1440, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda r: said.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
        page.goto(path.as_uri())
        return page

    yield open_page
    assert said == []
    for context in contexts:
        context.close()


def hostile_page(folder):
    return next(path for stem, path in folder.items() if stem.startswith("style-script"))


def test_no_sideways_scrolling(opened, folder):
    long = next(path for stem, path in folder.items() if stem.startswith("a-model"))
    for path in (folder["index"], hostile_page(folder), long):
        page = opened(path)
        for width in (360, 800, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path.name, width)
        assert page.evaluate("window.pwned") is None


def test_it_prints_on_paper(opened, folder):
    for path in (folder["index"], folder["meteor"]):
        page = opened(path, 718, color_scheme="dark")
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= 718
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(axe, opened, folder, scheme):
    widths = (360, 1440) if scheme == "light" else (1440, 360)
    for path, width in zip((folder["index"], hostile_page(folder)), widths, strict=True):
        page = opened(path, width, color_scheme=scheme, bypass_csp=True)
        assert axe(page) == []


def test_links_lead_to_cards_and_back(opened, folder):
    page = opened(folder["index"])
    page.locator(".scorers a", has_text="meteor").click()
    assert page.locator("h1").text_content() == "meteor"
    assert page.locator(".big").inner_text() == "✗ failed S4"
    page.locator(".studies a", has_text="S4").click()
    assert page.evaluate("location.hash") == "#S4"
    page.locator("header a").click()
    assert page.locator("h1").text_content() == "Judge studies: verified on synthetic data"
    assert page.locator(".warning").is_visible()
