"""Claims in a timeline: each mark covers its words, says what became of the claim, and is not told by colour alone."""

import json

from commands import biobench
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.models import exercise_segments
from biobench.readers.qevd import load_benchmark
from judges.claims import compare, understand
from leaderboard.claim_marks import AGAINST, AGREED, ALONE, claim_marks

TEXTS = [
    "Push your left knee out.", "Push your right knee out.", "Push your left knee in.", "Go deeper!", "Great job!",
    "😀 Bend your left elbow, and keep your chest up.", "Your left knee is at 120 degrees, bend it to 90.", "",
]  # fmt: skip
texts = st.sampled_from(TEXTS)


def segment(references, predictions, pairs, exercise="squats"):
    timed = [[[float(k), text] for k, text in enumerate(side)] for side in (references, predictions)]
    return {"id": "0001_0", "exercise": exercise, "seconds": 9.0, "references": timed[0], "predictions": timed[1],
            "pairs": pairs, "cut": 0}  # fmt: skip


def marked(one):
    """(side, remark, words, state, title) of every mark."""
    found = claim_marks([one])
    for side, marks in zip(("references", "predictions"), found["segments"].get("0001_0", ({}, {})), strict=True):
        for number, pieces in marks.items():
            text = one[side][int(number)][1]
            for start, end, state, title in pieces:
                yield side, int(number), text[start:end], state, found["titles"][title]


def test_what_contradicts_agrees_and_stands_alone():
    references = ["Push your left knee out.", "Bend your left elbow.", "Lift your left heel."]
    found = list(marked(segment(references, ["Push your right knee out.", "Bend your left elbow."], [[0, 0], [1, 1]])))
    states = {(side, number): state for side, number, _, state, _ in found}
    assert states == {
        ("references", 0): AGAINST, ("predictions", 0): AGAINST, ("references", 1): AGREED, ("predictions", 1): AGREED,
        ("references", 2): ALONE,
    }  # fmt: skip
    titles = {(side, number): title for side, number, _, _, title in found}
    assert titles["predictions", 0].startswith("CONTRADICTS: knee, right, wants out")
    assert titles["references", 1].startswith("agrees: elbow, left, wants flex")
    assert titles["references", 2].startswith("only here: ")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(texts, texts), max_size=4), st.lists(texts, max_size=2))
def test_marks_are_the_claims_of_the_text(pairs, alone):
    references, predictions = [a for a, _ in pairs], [b for _, b in pairs] + alone
    one = segment(references, predictions, [[k, k] for k in range(len(pairs))])
    found = list(marked(one))
    for side, number, words, state, title in found:
        text = one[side][number][1]
        claims = [claim for claim in understand(text, "squats").claims if claim.family == "technique"]
        assert words
        assert any(words in text[claim.span.start : claim.span.end] for claim in claims)
        against = title.count("CONTRADICTS")
        assert (state == AGAINST) == (against > 0)
        assert (state == ALONE) == (title.count("only here") == title.count(": "))
    for k, (a, b) in enumerate(pairs):
        contradicting = {(side, number) for side, number, _, state, _ in found if state == AGAINST}
        assert (("references", k) in contradicting) == (("predictions", k) in contradicting)
        assert (("references", k) in contradicting) == bool(compare(a, b, "squats").contradictions)
    for side in ("references", "predictions"):
        for number in range(len(one[side])):
            pieces = claim_marks([one])["segments"].get("0001_0", ({}, {}))[side == "predictions"].get(str(number), [])
            edges = [edge for start, end, _, _ in pieces for edge in (start, end)]
            assert edges == sorted(edges)


def test_the_page_underlines_them(tmp_path, opened):
    references = exercise_segments(load_benchmark(None))
    entries = [
        {
            "segment": s.id,
            "feedbacks": [{"time": f.time_s, "text": "Push your right knee out, 😀 chest up."} for f in s.feedbacks],
        }
        for s in references
    ]
    head = {"schema": "biobench/predictions/1", "system": "knees 1.0", "time": "segment"}
    (tmp_path / "preds.json").write_text(json.dumps({**head, "predictions": entries}))
    assert biobench("submit", "--template", "--out", tmp_path / "card.toml").returncode == 0
    to, site = tmp_path / "to", tmp_path / "site"
    done = biobench("submit", tmp_path / "preds.json", "--system", tmp_path / "card.toml", "--to", to)
    assert done.returncode == 0, done.stderr
    assert biobench("leaderboard", "baselines", "--to", to).returncode == 0
    done = biobench("leaderboard", "build", to, "--out", site)
    assert done.returncode == 0, done.stderr
    baselines = {path.name for path in to.iterdir() if "baseline = true" in (path / "system.toml").read_text()}
    (page_file,) = (path for path in (site / "systems").iterdir() if path.stem not in baselines)
    watched = opened(page_file)
    page = watched.page
    assert page.locator("p.claims").is_visible()
    marks = page.locator("#events td:nth-child(4) mark")
    assert {marks.nth(k).text_content() for k in range(marks.count())} <= {"knee out", "chest up"}
    assert marks.count() > 0
    assert "wants out" in marks.first.get_attribute("title")
    styles = page.eval_on_selector_all("p.claims mark", "all => all.map(m => getComputedStyle(m).textDecorationStyle)")
    assert styles == ["solid", "wavy", "dotted"]
    watched.assert_quiet()
