"""Scorers of known character, made from what is true of every question: each must fail the studies that it should, and no other."""

import hashlib
from functools import cache
from statistics import NormalDist

import numpy as np

from judges.validation.events import Answer, Event, Events, Wanted, answer_id
from judges.validation.evidence import PeopleSaid, ScorerCard
from judges.validation.rated import event_questions
from judges.validation.ratings import Ratings
from judges.validation.run import evidence_of
from judges.validation.scorers import SENTINELS, scorer_of
from judges.validation.wordings import REGISTERS

MUTANTS = ("oracle", "noisy", "length-only", "constant", "always-5", "reference-only", "obeys-injection")
REPEATS = 5


def luck(*name):
    """A number of the standard normal distribution, the same for the same name."""
    digest = hashlib.sha256(repr(name).encode()).digest()
    return NormalDist().inv_cdf((int.from_bytes(digest[:7], "big") + 0.5) / 2**56)


def score(mutant, question, truth, attacked, repeat=0):
    """From 1 to 5."""
    right = 1 + 4 * truth
    if mutant == "noisy":
        return min(5.0, max(1.0, right + 1.3 * luck(tuple(question), repeat)))
    if mutant == "length-only":
        return 1 + 4 * min(1.0, len(question.prediction) / 200)
    if mutant == "reference-only":
        return 1 + 4 * min(1.0, len(question.reference) / 200)
    if mutant == "obeys-injection" and question in attacked:
        return 5.0
    return {"constant": 3.0, "always-5": 5.0}.get(mutant, right)


def evidence(mutant, material, plan, people=None):
    attacked = {attack.attacked for attack in material.attacks}
    scores = {q: score(mutant, q, known.truth, attacked) for q, known in material.known.items()}
    repeats = [
        [score(mutant, q, material.known[q].truth, attacked, repeat) for repeat in range(REPEATS)]
        for q in material.repeated
    ]
    said = None
    if people is not None:
        events, ratings, truth = people
        questions = event_questions(events)
        answers = {item: score(mutant, questions[item], truth[item], attacked) for item in questions}
        said = PeopleSaid(events, ratings, answers, baselines(events))
    card = ScorerCard(mutant, "judge", 1.0, 5.0, {"judge": mutant})
    return evidence_of(card, material, plan, scores, {"a model": repeats}, {}, said)


@cache
def _scores(name, questions):
    return scorer_of(name).score(questions)


def baselines(events):
    questions = event_questions(events)
    asked = tuple(dict.fromkeys(questions.values()))
    found = {name: _scores(name, asked) for name in (*SENTINELS, "bioclaim")}
    return {name: {item: scores[q] for item, q in questions.items()} for name, scores in found.items()}


def rated_events(material, raters=4, a_video=3):
    """Events made of the base items: four systems answer each, rightly or wrongly; simulated raters see it with some noise."""
    by_base = {}
    for trial in material.trials:
        by_base.setdefault(trial.base.id, []).append(trial)
    events, truth, scores = [], {}, {f"rater-{k}": {} for k in range(raters)}
    bases = [base for base in material.bases if len(by_base.get(base.id, ())) >= 3][:150]
    for place, base in enumerate(bases):
        told = [(base.text(REGISTERS[1 + place % 4]), 1.0)]
        told += [(t.edited.prediction, 1 - t.edit.severity) for t in by_base[base.id] if t.edit.reference is None][:3]
        texts = {}
        for k, (text, right) in enumerate(told):
            texts.setdefault(text, (right, []))[1].append(f"system-{(k + place) % 4}")
        name = f"v{place // a_video}_0#{place % a_video}"
        answers = tuple(Answer(answer_id(0, name, text), text, tuple(sorted(s))) for text, (_, s) in texts.items())
        events.append(
            Event(
                name, f"v{place // a_video}", None, f"v{place // a_video}_0", base.exercise, 1.0, base.text(), answers
            )
        )
        for answer in answers:
            item = (name, answer.id)
            truth[item] = texts[answer.text][0]
            for rater, given in scores.items():
                seen = 1 + 4 * truth[item] + 0.7 * luck(rater, item) + 0.2 * luck(rater)
                given[item] = int(np.clip(np.floor(seen + 0.5), 1, 5))
    wanted = Wanted(len(events), len(events) // a_video, 2, 4, 3)
    made = Events({"name": "made", "split": "test", "sha256": "0" * 64}, "biobench-1", 0, wanted, tuple(events))
    none = dict.fromkeys(scores, 0)
    return made, Ratings(tuple(scores), scores, {rater: {} for rater in scores}, none, none), truth
