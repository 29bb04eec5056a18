"""Judge cards on a board: which numbers they are about, what stands beside those, what is refused, and the card's own page."""

import csv
import io
import json

import pytest
from commands import biobench

from biobench import load_benchmark
from biobench.models import find_model, run_model
from biobench.problems import ProblemsFound
from biobench.records import Predictions
from biobench.results import read_results
from biobench.signature import Signature
from judges.validation.card import Basis, Card, Report, card_word
from judges.validation.findings import STUDIES, Number, finding, not_shown
from judges.validation.plan import Gate, Plan, Sizes
from judges.validation.report import render_card_html
from judges.validation.scorers import scorer_of
from leaderboard.baselines import baseline_cards
from leaderboard.build import build
from leaderboard.judge_cards import LARGEST_PAGE
from leaderboard.submit import submit

NAMES = ("oracle", "metronome", "silence")
JUDGE = {
    "judge": "bio", "prompt": "1.0123456789ab", "weights": "1", "lint": "1", "claims": "1", "model": "org/judge 8b:q4",
    "host": "127.0.0.1", "mode": "json-schema", "samples": "1", "validated": "no",
}  # fmt: skip
PASSED = dict.fromkeys(("S0", "S1", "S4", "S5", "S6", "S7"), "PASS")
HOSTILE = '</script><script>window.pwned = 1</script> \u202eoib\u202c <img src=x onerror="window.pwned = 1">@'


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Three submissions."""
    to, benchmark = tmp_path_factory.mktemp("few"), load_benchmark(None)
    for name in NAMES:
        entries = run_model(find_model(name), benchmark, {})
        predictions = Predictions(
            system=name, format="native", time_origin="segment", entries=entries, source=name, source_sha256=""
        )
        submit(predictions, benchmark, baseline_cards()[name], to)
    return to


def judge(few, folder, signatures):
    """Results as ``judge score`` writes them, with the signature of each system's judge; silence has no number."""
    folder.mkdir()
    for submission in sorted(few.iterdir()):
        record = json.loads((submission / "results.json").read_text())
        own = signatures.get(submission.name.removesuffix("-0.1.0"), JUDGE)
        model = next(s for s in record["scores"] if (s["protocol"], s["metric"]) == ("biobench-1", "t_f_score"))
        for k, metric in enumerate(("llm_bio", "llm_bio_lift", "llm_bio_unscored")):
            parts = ({"metric": metric, "protocol": "biobench-1", "match": "optimal", "tol": "1.5s-half"}, own, {"data": "0", "biobench": "0"})  # fmt: skip
            told = {"value": 3.25 - k, "low": None, "high": None, "reason": "no interval: made up"}
            if submission.name.startswith("silence"):
                parts = (parts[0], {**own, "mode": "none"}, parts[2])
                told = {"value": None, "low": None, "high": None, "reason": "no prediction was matched"}
            record["scores"].append({**model, **told, "metric": metric, "signature": str(Signature.of(*parts)),
                                     "confidence": None, "interval": None, "effective_clusters": None})  # fmt: skip
        summary = [
            "judge bio: not validated against people; its number orders systems at your own risk",
            "canaries 3 of 3",
        ]
        record["judges"] = [{"judge": "bio", "summary": summary}]
        (folder / f"{submission.name}.json").write_text(json.dumps(record))
        assert read_results(folder / f"{submission.name}.json").judge_lines
    return folder


@pytest.fixture(scope="module")
def judged(few, tmp_path_factory):
    return judge(few, tmp_path_factory.mktemp("of") / "judged", {})


def report(*cards):
    gates, sizes = {"g": Gate(least=0.8)}, Sizes(*range(2, 12))
    return Report(Plan("1", 0, 0.95, sizes, gates, "0" * 64), False, Basis(10, 100, "0" * 64), cards)


def a_card(verdicts, signature=JUDGE, name="bio@org/judge 8b:q4", kind="judge"):
    intervals = {"PASS": (0.9, 0.85, 0.95), "FAIL": (0.5, 0.4, 0.6)}
    findings = [
        not_shown(study, "no data") if verdict == "NOT SHOWN" else finding(study, [Number("g", "it", *intervals[verdict], 9, 3, Gate(least=0.8))])
        for study, verdict in verdicts.items()
    ]  # fmt: skip
    assert {one.study: one.verdict for one in findings} == verdicts
    return Card(name, kind, signature, 100, {}, tuple(findings))


def write_card(path, *arguments, page=False, **options):
    card = a_card(*arguments, **options)
    whole = report(card)
    path.write_text(json.dumps(whole.card_as_json(card)))
    if page:
        path.with_suffix(".html").write_text(render_card_html(whole, card))
    return path


def words(site):
    """The word in the heading of each column that has one."""
    from html.parser import HTMLParser

    found = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            values = dict(attrs)
            if "data-w" in values:
                found[values["data-k"]] = values["data-w"]

    Reader().feed((site / "index.html").read_text())
    return found


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refused(*arguments, **options):
    with pytest.raises(ProblemsFound) as found:
        build(*arguments, **options)
    for problem in found.value.problems:
        assert str(problem).isprintable()
    return [str(problem) for problem in found.value.problems]


@pytest.mark.parametrize(
    "verdicts",
    [
        PASSED, PASSED | {"S2": "PASS", "S3": "PASS"}, PASSED | {"S4": "FAIL"}, PASSED | {"S5": "NOT SHOWN"}, {"S0": "FAIL"},
        PASSED | {"S2": "PASS", "S3": "FAIL"},
    ],
)  # fmt: skip
def test_the_word_stands_beside_the_judges_numbers(few, judged, tmp_path, verdicts):
    card = write_card(tmp_path / "card.json", verdicts)
    board = build(few, tmp_path / "site", judged_in=judged, cards=[card])
    word = card_word(verdicts)
    assert words(tmp_path / "site") == {"biobench-1.llm_bio": word, "biobench-1.llm_bio_lift": word}
    assert [(one.word, one.columns) for one in board.cards] == [
        (word, ("biobench-1.llm_bio", "biobench-1.llm_bio_lift"))
    ]
    index = (tmp_path / "site" / "index.html").read_text()
    sentence = f"{word[0].upper()}{word[1:]}. A language model&#39;s judgement from 1 to 5"
    assert index.count(sentence) == 2, "tool tip and legend"
    assert ("Not validated" in index) == word.startswith("not validated")
    assert index.count("</table>") == index.count("<table")
    for study, verdict in verdicts.items():
        assert f'<th scope="row">{study} {STUDIES[study][0]}</th><td>{verdict}</td>' in index
    assert '<th scope="row">S9 transfer</th><td>–</td>' in index
    page = (tmp_path / "site" / "systems" / "oracle-0.1.0.html").read_text()
    assert f"<li>judge bio: {word}, says its card</li>" in page
    assert "not validated against people" not in page
    assert "canaries 3 of 3" in page
    for metric in ("llm_bio", "llm_bio_lift"):
        assert f'<th scope="row">{metric} <small>{word}</small></th>' in page
    assert '<th scope="row">llm_bio_unscored</th>' in page


def test_without_cards_nothing_changes(few, judged, tmp_path):
    build(few, tmp_path / "site", judged_in=judged)
    index = (tmp_path / "site" / "index.html").read_text()
    assert index.count("Not validated. A language model&#39;s judgement from 1 to 5") == 2
    assert words(tmp_path / "site") == {}
    assert "data-w" not in index
    assert "judge card" not in index
    assert "llm_bio <small>" not in (tmp_path / "site" / "systems" / "oracle-0.1.0.html").read_text()
    assert ".card" not in (tmp_path / "site" / "board.csv").read_text()
    assert not (tmp_path / "site" / "cards").exists()


def scorer_card(path, name, verdicts):
    scorer = scorer_of(name)
    return write_card(path, verdicts, signature=scorer.signature(), name=scorer.name, kind=scorer.kind)


def test_cards_of_other_scorers_and_a_judge_without_one(few, judged, tmp_path):
    cards = [
        scorer_card(tmp_path / "a.json", "meteor", PASSED | {"S4": "FAIL"}),
        scorer_card(tmp_path / "b.json", "bioclaim", PASSED),
        scorer_card(tmp_path / "c.json", "rouge_l", {"S0": "NOT SHOWN"}),
    ]
    board = build(few, tmp_path / "site", judged_in=judged, cards=cards)
    lacking = "not validated; not shown: S0, S1, S4, S5, S6, S7"
    verified = "not validated; verified on synthetic data"
    assert words(tmp_path / "site") == {
        "biobench-1.bioclaim_f": verified, "biobench-1.bioclaim_net": verified, "biobench-1.meteor_f": "failed S4",
        "qevd-2024.meteor": "failed S4", "qevd-2024.rouge_l": lacking, "biobench-1.llm_bio": "not validated",
        "biobench-1.llm_bio_lift": "not validated",
    }  # fmt: skip
    assert [card.name for card in board.cards] == ["bioclaim", "meteor", "rouge_l"], "the order of the columns"
    build(few, tmp_path / "other", judged_in=judged, cards=cards[::-1])
    assert files(tmp_path / "site") == files(tmp_path / "other")
    index = (tmp_path / "site" / "index.html").read_text()
    assert "ordered by</dt><dd>bioclaim_f under biobench-1: Not validated; verified on synthetic data. Is what" in index
    assert "<small>failed S4</small>" in (tmp_path / "site" / "systems" / "oracle-0.1.0.html").read_text()


def test_exports_carry_the_words(few, judged, tmp_path):
    cards = [write_card(tmp_path / "a.json", PASSED), scorer_card(tmp_path / "b.json", "meteor", {"S0": "FAIL"})]
    build(few, tmp_path / "site", judged_in=judged, cards=cards)
    build(few, tmp_path / "plain", judged_in=judged)
    rows, plain = (
        list(csv.DictReader(io.StringIO((tmp_path / s / "board.csv").read_text()))) for s in ("site", "plain")
    )
    added = {key: {row[key] for row in rows} for key in rows[0].keys() - plain[0].keys()}
    word = "not validated; verified on synthetic data"
    assert added == {
        "biobench-1.llm_bio.card": {word}, "biobench-1.llm_bio_lift.card": {word}, "biobench-1.meteor_f.card": {"failed S0"},
        "qevd-2024.meteor.card": {"failed S0"},
    }  # fmt: skip
    assert [{key: row[key] for key in plain[0]} for row in rows] == plain
    for name, bare in (
        ("board.md", f"judge bio (biobench-1): {word}"),
        ("board.tex", f"judge bio (biobench-1): {word}"),
    ):
        text = (tmp_path / "site" / name).read_text()
        assert bare in text
        assert "METEOR (qevd-2024): failed S0" in text
        assert set((tmp_path / "plain" / name).read_text().splitlines()) < set(text.splitlines())


CHANGES = [(key, f"{value}x") for key, value in JUDGE.items() if key not in {"host", "validated", "judge"}]


@pytest.mark.parametrize(("key", "value"), [*CHANGES, ("second", "other"), ("max_tokens", "8000"), ("samples", None)])
def test_a_card_of_another_making_is_refused_with_what_differs(few, judged, tmp_path, key, value):
    signature = {**JUDGE, key: value} if value is not None else {k: v for k, v in JUDGE.items() if k != key}
    card = write_card(tmp_path / "card.json", PASSED, signature=signature)
    (problem,) = refused(few, tmp_path / "site", judged_in=judged, cards=[card])
    mine, theirs = (Signature.of({key: s[key]}).items[0][1] if key in s else "absent" for s in (signature, JUDGE))
    assert problem.startswith(f"{card}: found a card of bio@org/judge 8b:q4, which made no number of this board")
    assert problem.endswith(f"(on the card against on the board: {key}: {mine} against {theirs})")
    assert "biobench-1.llm_bio, biobench-1.llm_bio_lift" in problem
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"validated": "yes"}])
def test_host_and_hearsay_do_not_count(few, judged, tmp_path, change):
    card = write_card(tmp_path / "card.json", PASSED, signature={**JUDGE, **change})
    build(few, tmp_path / "site", judged_in=judged, cards=[card])
    assert len(words(tmp_path / "site")) == 2


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"signature": {**JUDGE, "judge": "llm-acc"}}, "--judged brings a judge's numbers"),
        ({"signature": {"metric": "length"}, "name": "length", "kind": "trivial"}, "it has none"),
        ({"signature": {"metric": "t"}, "name": "t", "kind": "words"}, "nothing on the card says what its scores"),
        ({"signature": {}, "name": "bioclaim", "kind": "claims"}, "nothing on the card says what its scores"),
        ({"signature": {"lexicon": "99"}, "name": "bioclaim", "kind": "claims"}, "lexicon: 99 against 1"),
        ({"signature": {}, "name": "llm", "kind": "words"}, "it has none"),
        ({"signature": {}}, "--judged brings a judge's numbers"),
    ],
)
def test_a_card_of_no_column_is_refused(few, judged, tmp_path, options, hint):
    card = write_card(tmp_path / "card.json", PASSED, **options)
    (problem,) = refused(few, tmp_path / "site", judged_in=judged, cards=[card])
    assert problem.startswith(
        f"{card}: found a card of {options.get('name', 'bio@org/judge 8b:q4')}, which made no number"
    )
    assert hint in problem


def test_a_judge_of_some_systems_only_is_refused(few, tmp_path):
    judged = judge(few, tmp_path / "judged", {"metronome": {**JUDGE, "model": "small"}})
    card = write_card(tmp_path / "card.json", PASSED)
    (problem,) = refused(few, tmp_path / "site", judged_in=judged, cards=[card])
    assert "which made biobench-1.llm_bio of some systems only" in problem
    assert "of metronome-0.1.0, on the card against on the board: model: org/judge_8b_q4 against small" in problem


def test_every_problem_of_every_card_is_told(few, judged, tmp_path):
    (tmp_path / "none.json").write_text("{}")
    (tmp_path / "broken.json").write_text('{"schema": ')
    good = write_card(tmp_path / "good.json", PASSED)
    (tmp_path / "good.html").write_bytes(b"\xff")
    names = ("absent.json", "none.json", "broken.json", "good.json")
    problems = refused(few, tmp_path / "site", judged_in=judged, cards=[tmp_path / name for name in names])
    assert len(problems) == 4
    assert "bytes that are not UTF-8" in problems[3]
    (tmp_path / "good.html").unlink()
    twice = refused(few, tmp_path / "site", judged_in=judged, cards=[good, good])
    assert len(twice) == 2
    assert "a second card for biobench-1.llm_bio, after" in twice[0]


def test_the_cards_own_page_is_copied_and_linked(few, judged, tmp_path):
    odd = tmp_path / 'é "><script> ..%2f#? .json'
    cards = [write_card(odd, PASSED, page=True), scorer_card(tmp_path / "con.json", "meteor", PASSED)]
    (tmp_path / "con.html").write_text("<!doctype html><title>c</title>")
    build(few, tmp_path / "site", judged_in=judged, cards=cards)
    copied = {path.name: path.read_bytes() for path in (tmp_path / "site" / "cards").iterdir()}
    assert copied == {
        "1-con.html": b"<!doctype html><title>c</title>",
        "2-script-2f.html": odd.with_suffix(".html").read_bytes(),
    }
    index = (tmp_path / "site" / "index.html").read_text()
    for name in copied:
        assert f'<a href="cards/{name}">the whole card</a>' in index
    build(few, tmp_path / "site", judged_in=judged)
    assert not (tmp_path / "site" / "cards").exists()


@pytest.mark.parametrize(
    "inside",
    [
        '<script src="x.js"></script>', "<SCRIPT\nSRC=//e.org/x></SCRIPT>", "<script>fetch('https://e.org')</script>",
        '<img src="https://e.org/x.png">', "<img src='x.png'>", '<img srcset="https://e.org/x 2x">', '<link rel=stylesheet href="http://e.org/x">',
        "<style>@import 'https://e.org/x.css';</style>", "<style>p { background: URL( 'https://e.org/x' ) }</style>",
        '<p style="background: url(//e.org/x)">', '<iframe srcdoc="x"></iframe>', '<base href="https://e.org">',
        '<meta http-equiv="Refresh" content="0; url=https://e.org">', '<p onclick="x()">', '<a href="java\nscript:x()">x</a>',
        '<form action="https://e.org"></form>', '<svg><image href="https://e.org/x"/></svg>', '<video poster="https://e.org/x">',
        '<a href=" &#106;avascript:x()">x</a>', '<object data="https://e.org/x"></object>',
    ],
)  # fmt: skip
def test_a_page_that_loads_or_runs_something_is_refused(few, judged, tmp_path, inside):
    card = write_card(tmp_path / "card.json", PASSED)
    (tmp_path / "card.html").write_text(f"<!doctype html><html><body>{inside}</body></html>")
    problems = refused(few, tmp_path / "site", judged_in=judged, cards=[card])
    assert all(problem.startswith(f"{tmp_path / 'card.html'}: found ") for problem in problems)
    assert "loads and runs nothing" in problems[0]
    assert not (tmp_path / "site").exists()


def test_links_and_pictures_within_a_page_are_no_loads(few, judged, tmp_path):
    card = write_card(tmp_path / "card.json", PASSED)
    inside = (
        '<a href="https://example.org/x?a=1">x</a><a href="#S0">y</a><a href="../index.html">z</a><img src="data:image/png;base64,AA==">'
        "<style>p { background: url( 'data:,' ) url(#a) }</style>src=https://example.org url(https://example.org)"
    )
    (tmp_path / "card.html").write_text(inside)
    build(few, tmp_path / "site", judged_in=judged, cards=[card])
    assert (tmp_path / "site" / "cards" / "1-card.html").read_text() == inside


def test_a_page_may_be_large_but_not_endless(few, judged, tmp_path):
    card = write_card(tmp_path / "card.json", PASSED)
    (tmp_path / "card.html").write_bytes(b"\xc3\xa9" * (LARGEST_PAGE // 2))
    build(few, tmp_path / "site", judged_in=judged, cards=[card])
    (tmp_path / "card.html").write_bytes(b"x" + b"\xc3\xa9" * (LARGEST_PAGE // 2))
    (problem,) = refused(few, tmp_path / "other", judged_in=judged, cards=[card])
    assert "more than 2,097,152 bytes" in problem


@pytest.fixture(scope="module")
def carded(few, judged, tmp_path_factory):
    """A site with cards of hostile names, made on the command line."""
    folder = tmp_path_factory.mktemp("carded")
    cards = [
        write_card(folder / "judge.json", PASSED, name=HOSTILE, page=True),
        scorer_card(folder / "meteor.json", "meteor", PASSED | {"S4": "FAIL"}),
    ]
    options = [part for card in cards for part in ("--card", card)]
    done = biobench("leaderboard", "build", few, "--out", folder / "site", "--judged", judged, *options)
    assert done.returncode == 0, done.stderr
    assert "biobench-1.meteor_f, qevd-2024.meteor: failed S4, says the card of meteor" in done.stdout
    return folder / "site"


def test_hostile_names_are_shown_as_text(carded):
    text = (carded / "index.html").read_text()
    assert "<script>window" not in text
    assert "<img" not in text
    assert "⟨U+202E⟩oib⟨U+202C⟩" in text
    assert text.count("<script") == 2
    for name in ("board.md", "board.tex", "board.csv"):
        assert "pwned" not in (carded / name).read_text()


def test_a_reader_sees_the_words_in_a_browser(carded, opened):
    watched = opened(carded / "index.html")
    page, word = watched.page, "not validated; verified on synthetic data"
    drawn = "th => getComputedStyle(th, '::after').content"
    assert page.locator("th[data-k='biobench-1.llm_bio']").evaluate(drawn) == f'"{word}"'
    assert page.locator("th[data-k='qevd-2024.meteor']").evaluate(drawn) == '"failed S4"'
    assert page.locator("th[data-k='biobench-1.llm_bio_unscored']").evaluate(drawn) == "none"
    section = page.locator("#judges")
    assert HOSTILE.split(" \u202e", maxsplit=1)[0] in section.inner_text()
    row = section.locator("tr", has_text="S4 sensitivity").locator("td")
    assert row.all_inner_texts() == ["FAIL", "PASS", STUDIES["S4"][1]], "meteor's column stands first"
    page.locator("th[data-k='biobench-1.llm_bio'] button").click()
    assert page.locator("th[data-k='biobench-1.llm_bio']").get_attribute("aria-sort") == "descending"
    watched.assert_quiet()
    section.locator("a").click()
    assert "verified on synthetic data" in page.locator("body").inner_text()
    watched.assert_quiet()


@pytest.mark.parametrize("width", [360, 800, 1440])
def test_cards_fit_every_width(carded, opened, width):
    watched = opened(carded / "index.html", width)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    label = watched.page.locator("#board tbody tr").first.locator("td[data-l*='judge bio']")
    drawn = label.evaluate("td => getComputedStyle(td, '::before').content")
    assert ("verified on synthetic data" in drawn) == (width < 1340)
    watched.assert_quiet()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_serious_beside_cards(axe, carded, opened, scheme, width):
    watched = opened(carded / "index.html", width, color_scheme=scheme, bypass_csp=True)
    assert axe(watched.page) == []
