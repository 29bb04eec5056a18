"""What is studied: metrics, claims, trivial judges, and LLM judges through a real server."""

import json
import re
import shutil

import pytest

from biobench.chat import Budget, Endpoint
from biobench.judging import JudgeOptions
from biobench.metrics.meteor import meteor
from biobench.problems import ProblemsFound
from judges.claims import compare
from judges.fake_server import FakeServer
from judges.llm.items import Question
from judges.validation.card import read_card_words
from judges.validation.judge_scorer import AnswersMissing, JudgeScorer
from judges.validation.plan import packaged_plan
from judges.validation.run import Study, questions_lines
from judges.validation.scorers import METRICS, SENTINELS, scorer_of

SMALL = {"base_items": 30, "anchors": 12, "trials": 2, "attacks": 4, "biases": 4, "repeated": 8, "repeats": 3}

COPY = Question("squats", "Push your left knee out.", "Push your left knee out.")
WRONG = Question("squats", "Push your left knee out.", "Push your right knee out.")
NOTHING = Question("squats", "Lovely.", "")


def small_plan(**more):
    text = packaged_plan()
    for name, value in (SMALL | more).items():
        text = re.sub(rf"^{name} = \d+", f"{name} = {value}", text, flags=re.MULTILINE)
    return text


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "plan.toml").write_text(small_plan())
    return Study(folder)


def judge(server, cache, model="m", **more):
    return JudgeScorer("bio", JudgeOptions((Endpoint(server.base_url, model),), cache=cache, **more))


def test_metrics_are_those_of_evaluate():
    scores = scorer_of("meteor").score([COPY, WRONG, NOTHING])
    assert scores[WRONG] == meteor(WRONG.reference, WRONG.prediction)
    scores = scorer_of("bioclaim").score([COPY, WRONG, NOTHING])
    assert scores == {COPY: 1.0, WRONG: 0.0, NOTHING: 0.0}
    assert compare("Lovely.", "").f1 is None


def test_trivial_judges_read_what_they_say_they_read():
    longer = COPY._replace(prediction="Push your left knee out and bend your right elbow to 90 degrees.")
    other = COPY._replace(reference=longer.prediction)
    for name, moved_by_prediction, moved_by_reference in (
        ("length", True, False), ("constant", False, False), ("prediction-only", True, False), ("reference-only", False, True),
    ):  # fmt: skip
        scores = scorer_of(name).score([COPY, longer, other, NOTHING])
        assert (scores[COPY] != scores[longer]) == moved_by_prediction, name
        assert (scores[COPY] != scores[other]) == moved_by_reference, name
        assert all(0 <= score <= 1 for score in scores.values())
    assert set(SENTINELS) == {"length", "constant", "prediction-only", "reference-only"}


def test_unknown_metrics_are_named():
    with pytest.raises(ProblemsFound, match='no metric of pairs "metero"'):
        scorer_of("metero")
    with pytest.raises(ProblemsFound, match="t_f_score"):
        scorer_of("t_f_score")


@pytest.mark.parametrize("name", [*METRICS, *SENTINELS])
def test_a_metric_that_is_asked_again_says_the_same(study, name):
    study.ask(scorer_of(name))
    content = json.loads((study.folder / "scores" / f"{name}.json").read_text())
    (rows,) = content["repeats"].values()
    assert len(rows) == SMALL["repeated"]
    assert all(len(row) == SMALL["repeats"] and len(set(row)) == 1 for row in rows)
    assert study.has(scorer_of(name))


def test_a_judge_is_asked_everything_and_then_again(study, tmp_path):
    with FakeServer("noisy:sd=1.5") as server:
        scorer = judge(server, tmp_path / "c")
        study.ask(scorer)
        asked = server.counts().attempts
        assert study.has(judge(server, tmp_path / "c"))
        assert not study.has(judge(server, tmp_path / "c", samples=3))
        study.ask(judge(server, tmp_path / "c"))
        assert server.counts().attempts == asked
    content = json.loads(study._scores_path(scorer).read_text())
    assert set(content["repeats"]) == {"m", "m criteria turned round"}
    rows = content["repeats"]["m"]
    assert any(len(set(row)) > 1 for row in rows)
    # The first repeat is the judgement itself.
    places = {question: k for k, question in enumerate(study.material.questions)}
    assert [row[0] for row in rows] == [content["scores"][places[q]] for q in study.material.repeated]
    assert content["scorer"]["signature"]["judge"] == "bio"
    probes = 6
    assert asked == probes + len(study.material.questions) + SMALL["repeated"] * (2 * SMALL["repeats"] - 1)


def test_a_panel_is_a_median_and_each_member_a_condition(study, tmp_path):
    with FakeServer("oracle") as one, FakeServer("constant:score=1") as low, FakeServer("constant:score=5") as high:
        endpoints = tuple(Endpoint(s.base_url, name) for s, name in ((one, "a"), (low, "b"), (high, "c")))
        scorer = JudgeScorer("bio", JudgeOptions(endpoints, cache=tmp_path / "c"))
        study.ask(scorer)
    assert scorer.name == "bio@a+b+c"
    content = json.loads(study._scores_path(scorer).read_text())
    assert [name.split()[0] for name in content["repeats"]] == ["the", "a", "b", "c", "a", "b", "c"]
    members = [content["repeats"][name] for name in "abc"]
    for k, row in enumerate(content["repeats"]["the panel"]):
        assert row == [sorted(table[k][turn] for table in members)[1] for turn in range(SMALL["repeats"])]


def test_what_is_missing_leaves_no_scores_and_another_run_goes_on(study, tmp_path):
    with FakeServer("oracle") as server:
        with pytest.raises(AnswersMissing, match="budget"):
            study.ask(judge(server, tmp_path / "c", budget=Budget(calls=40)))
        assert not list(study.folder.glob("scores/*"))
        first = server.counts().attempts
        assert first == 40
        study.ask(judge(server, tmp_path / "c"))
        total = server.counts()
        assert total.max_answered_a_body == 1
    assert study.report().cards[0].name == "bio@m"


def test_what_a_judge_leaves_unscored_has_the_floor_and_is_counted(study, tmp_path):
    with FakeServer("oracle", "refusal:rate=0.3") as server:
        scorer = judge(server, tmp_path / "c")
        study.ask(scorer)
    assert scorer.causes["refusal"] > 10
    content = json.loads(study._scores_path(scorer).read_text())
    assert content["unscored"] == dict(scorer.causes)
    assert content["scores"].count(None) == scorer.causes["refusal"]
    card = study.report().cards[0]
    assert card.unscored == dict(scorer.causes)


def test_a_reader_without_fault_passes_through_the_judges_code(tmp_path):
    """by-heart knows what is true of each question: what it still misses, the judge's own arithmetic makes of it."""
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "plan.toml").write_text(small_plan(base_items=60, trials=5, anchors=40))
    study = Study(folder)
    questions = folder / "questions.jsonl"
    questions.write_text(questions_lines(study.material), encoding="utf-8")
    with FakeServer(f"by-heart:file={questions}") as server:
        study.ask(judge(server, tmp_path / "c"))
    (card,) = study.report().cards
    assert card.finding("S0").verdict == "PASS"
    numbers = {number.name: number.value for found in card.findings for number in found.numbers}
    assert numbers["s4_preference"] > 0.7
    assert numbers["s7_soft_accuracy"] > 0.8
    assert "FAIL" not in {finding.verdict for finding in card.findings if finding.study not in {"S8"}}


@pytest.mark.parametrize(
    "line", ["{}", "[1]", '{"reference": 1, "prediction": "a", "truth": 1, "states": [], "wrong": []}']
)
def test_a_file_that_is_no_studys_is_named(tmp_path, line):
    from judges.fake_server.by_heart import answers_of

    path = tmp_path / "questions.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ProblemsFound, match=r"questions\.jsonl:1"):
        answers_of(str(path))


def test_a_judge_asked_in_another_way_is_another_scorer(study, tmp_path):
    with FakeServer("noisy:sd=1.5") as server:
        for samples in (1, 3):
            study.ask(judge(server, tmp_path / "c", samples=samples))
    assert [card.name for card in study.report().cards] == ["bio@m", "bio@m x3"]


def test_scores_of_other_events_are_named_and_left_out(study, tmp_path):
    study.ask(scorer_of("length"))
    study.ask(scorer_of("constant"))
    shutil.copy(study.folder / "scores" / "length.json", tmp_path / "old.json")
    plan = study.folder / "plan.toml"
    plan.write_text(plan.read_text().replace("base_items = 30", "base_items = 31"))
    other = Study(study.folder)
    other.ask(scorer_of("constant"))
    report = other.report()
    assert [card.name for card in report.cards] == ["constant"]
    assert report.left_out == other.stale() == ("length",)
    assert any("length" in warning for warning in report.warnings)


def test_laxer_gates_are_told(study):
    study.ask(scorer_of("meteor"))
    assert not study.report().warnings
    plan = study.folder / "plan.toml"
    plan.write_text(
        re.sub(r"least = [-.0-9]+", "least = -9.0", re.sub(r"most = [.0-9]+", "most = 9.0", plan.read_text()))
    )
    (study.folder / "first-plan.toml").unlink()
    report = Study(study.folder).report()
    # Eight repeated questions without a spread are too few for S1.
    assert report.cards[0].word == "not validated; not shown: S1"
    (warning,) = report.warnings
    assert "s4_preference: at least -9, at least 0.8 in the packaged plan" in warning
    path = study.folder / "card.json"
    path.write_text(json.dumps(report.card_as_json(report.cards[0])))
    (word,) = read_card_words([path])
    assert word.word == "not validated; not shown: S1 (under gates laxer than the packaged ones)"


def test_a_card_that_contradicts_its_numbers_is_no_card(study):
    study.ask(scorer_of("meteor"))
    report = study.report()
    card = report.card_as_json(report.cards[0])
    path = study.folder / "card.json"
    path.write_text(json.dumps(card))
    (word,) = read_card_words([path])
    assert word.word == report.cards[0].word
    assert word.verdicts["S4"] == "FAIL"
    s4 = next(found for found in card["studies"] if found["study"] == "S4")
    s4["verdict"] = "PASS"
    path.write_text(json.dumps(card))
    with pytest.raises(ProblemsFound, match="do not follow from its numbers"):
        read_card_words([path])
    for number in s4["numbers"]:
        number["gate"] = {"least": "low"}
    path.write_text(json.dumps(card))
    with pytest.raises(ProblemsFound, match="no judge card"):
        read_card_words([path])


def test_scores_of_somebody_else_are_refused(study):
    study.ask(scorer_of("length"))
    path = study.folder / "scores" / "length.json"
    for spoil in ('{"schema": "biobench/study-scores/1"}', "[]", "{"):
        path.write_text(spoil)
        with pytest.raises(ProblemsFound, match=r"length\.json"):
            study.report()
    path.unlink()
    study.ask(scorer_of("length"))
    whole = json.loads(path.read_text())
    for name, value in (
        ("scores", whole["scores"][1:]),
        ("scores", [True, *whole["scores"][1:]]),
        ("scores", ["1", *whole["scores"][1:]]),
        ("scorer", {**whole["scorer"], "kind": "judge", "top": 0.1}),
        ("scorer", {**whole["scorer"], "top": 0.0}),
        ("scorer", {**whole["scorer"], "signature": "x"}),
        ("repeats", {"x": 1}),
        ("repeats", {"x": [1]}),
        ("answers", [["a", "b", 1]]),
    ):
        path.write_text(json.dumps({**whole, name: value}))
        with pytest.raises(ProblemsFound, match=r"length\.json"):
            Study(study.folder).report()
    content = {"schema": "other"}
    path.write_text(json.dumps(content))
    with pytest.raises(ProblemsFound, match="no scores of a study"):
        study.has(scorer_of("length"))


def test_other_questions_make_scores_stale_and_other_gates_are_told(study):
    study.ask(scorer_of("length"))
    assert not study.report().plan_changed
    plan = study.folder / "plan.toml"
    plan.write_text(plan.read_text().replace("s4_preference = { least = 0.8 }", "s4_preference = { least = 0.1 }"))
    changed = Study(study.folder)
    assert changed.has(scorer_of("length"))
    assert changed.report().plan_changed
    plan.write_text(plan.read_text().replace("base_items = 30", "base_items = 31"))
    other = Study(study.folder)
    assert not other.has(scorer_of("length"))
    with pytest.raises(ProblemsFound, match="scores of other questions"):
        other.report()
    # Asking everything again does not make changed gates the first ones.
    other.ask(scorer_of("length"))
    assert Study(study.folder).report().plan_changed
    plan.write_text("# A comment changes nothing.\n" + (study.folder / "first-plan.toml").read_text())
    study_again = Study(study.folder)
    study_again.ask(scorer_of("length"))
    assert not study_again.report().plan_changed


def test_a_study_without_scores_says_what_to_do(study):
    with pytest.raises(ProblemsFound, match="biobench study run"):
        study.report()
