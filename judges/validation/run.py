"""A study's folder: scorers asked, scores kept, scores read back, findings made of them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from biobench.chat.wire import canonical_json
from biobench.files import write_bytes, write_text
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_text import parse, read_text
from judges.llm.items import Question
from judges.validation.card import Basis, Card, People, Report
from judges.validation.events import Events, events_sha256, read_events
from judges.validation.evidence import Evidence, PeopleSaid, ScorerCard
from judges.validation.findings import Finding
from judges.validation.material import Material, material
from judges.validation.plan import Plan, read_plan
from judges.validation.rated import event_questions
from judges.validation.ratings import Item, Ratings, read_ratings
from judges.validation.scorers import SENTINELS, Scorer, scorer_of
from judges.validation.studies.attacks import attacks
from judges.validation.studies.bias import bias
from judges.validation.studies.people import agreement, replacement
from judges.validation.studies.power import power_of_study
from judges.validation.studies.ranking import ranking
from judges.validation.studies.reliability import reliability
from judges.validation.studies.sanity import sanity
from judges.validation.studies.sensitivity import sensitivity
from judges.validation.studies.transfer import transfer

__all__ = ["SCORES_SCHEMA", "Study", "all_findings", "evidence_of", "items_lines", "questions_lines", "slug"]

SCORES_SCHEMA = "biobench/study-scores/1"


@dataclass(frozen=True)
class Study:
    """A study's folder: ``plan.toml``, and what the commands put beside it."""

    folder: Path

    @cached_property
    def plan(self) -> Plan:
        return read_plan(self.folder / "plan.toml")

    @cached_property
    def material(self) -> Material:
        """What is asked. Raises ``ProblemsFound`` where the plan wants more base items than there are."""
        plan = self.plan
        try:
            return material(plan.sizes, plan.seed)
        except ValueError as error:
            file = str(self.folder / "plan.toml")
            raise ProblemsFound([Problem(file, str(error), "a smaller sizes.base_items")]) from error

    @cached_property
    def questions_sha256(self) -> str:
        told = [tuple(question) for question in self.material.questions]
        repeated = [tuple(question) for question in self.material.repeated]
        return hashlib.sha256(canonical_json([told, repeated, self.plan.sizes.repeats]).encode()).hexdigest()

    @cached_property
    def events(self) -> Events | None:
        """The sampled events; None before ``study sample``."""
        path = self.folder / "events.json"
        return read_events(path) if path.exists() else None

    @property
    def events_digest(self) -> str | None:
        return None if self.events is None else events_sha256(self.events)

    @cached_property
    def ratings(self) -> Ratings | None:
        """What people said; None where nobody has."""
        paths = sorted((self.folder / "ratings").glob("*.json"))
        if paths and self.events is None:
            file, hint = str(self.folder / "events.json"), "put back the file that the forms were made of"
            raise ProblemsFound([Problem(file, "no file, and ratings in ratings/", "the events that were rated", hint)])
        return read_ratings(paths, self.events) if paths and self.events is not None else None

    @property
    def plan_changed(self) -> bool:
        """Whether the plan says anything else than when the first scores were written."""
        return self._first_plan.exists() and not read_plan(self._first_plan).says_the_same_as(self.plan)

    @property
    def _first_plan(self) -> Path:
        return self.folder / "first-plan.toml"

    def has(self, scorer: Scorer) -> bool:
        """Whether the scores of this very scorer are there, of the questions and events as they are now."""
        path = self._scores_path(scorer)
        if not path.exists():
            return False
        content = self._read(path)
        signature = content["scorer"]["signature"]
        same = all(signature.get(key) == value for key, value in scorer.identity().items())
        return same and self._is_current(content, path)

    def stale(self) -> tuple[str, ...]:
        """Scorers whose scores are there, and are of other questions or events."""
        records = {path: self._read(path) for path in sorted((self.folder / "scores").glob("*.json"))}
        return tuple(r["scorer"]["name"] for path, r in records.items() if not self._is_current(r, path))

    def everything(self) -> tuple[Question, ...]:
        """Every distinct question: those of the material, and those about answers to events."""
        answers = {} if self.events is None else event_questions(self.events)
        return tuple(dict.fromkeys((*self.material.questions, *answers.values())))

    def ask(self, scorer: Scorer) -> None:
        """Asks a scorer everything, and writes its scores whole or not at all.

        Raises ``ProblemsFound`` and ``AnswersMissing`` as the scorer does.
        """
        answers = {} if self.events is None else event_questions(self.events)
        found = scorer.score(self.everything())
        repeats = scorer.repeat(self.material.repeated, self.plan.sizes.repeats)
        record = {
            "schema": SCORES_SCHEMA,
            "scorer": {
                "name": scorer.name,
                "kind": scorer.kind,
                "floor": scorer.floor,
                "top": scorer.top,
                "signature": dict(scorer.signature()),
            },
            "plan_sha256": self.plan.sha256,
            "questions_sha256": self.questions_sha256,
            "events_sha256": self.events_digest,
            "scores": [found[question] for question in self.material.questions],
            "unscored": dict(scorer.causes),
            "repeats": {name: [list(row) for row in rows] for name, rows in repeats.items()},
            "answers": [[event, answer, found[question]] for (event, answer), question in answers.items()],
        }
        if not self._first_plan.exists():
            write_bytes(self._first_plan, (self.folder / "plan.toml").read_bytes())
        path = self._scores_path(scorer)
        path.parent.mkdir(exist_ok=True)
        write_text(path, json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")

    def report(self) -> Report:
        """The findings of every scorer whose scores are up to date. Raises ``ProblemsFound`` where there is none."""
        people = self.ratings
        records = {path: self._read(path) for path in sorted((self.folder / "scores").glob("*.json"))}
        current = [record for path, record in records.items() if self._is_current(record, path)]
        left_out = tuple(record["scorer"]["name"] for record in records.values() if record not in current)
        if not current:
            found = "scores of other questions" if records else "no scores"
            hint = f"biobench study run {self.folder}"
            raise ProblemsFound([Problem(str(self.folder / "scores"), found, "scores of this plan's questions", hint)])
        power = power_of_study(self.plan, self.events, people)
        baselines = self._baselines()
        cards = [self._card(record, (*all_findings(self._evidence(record, baselines)), power)) for record in current]
        basis = Basis(
            len(self.material.bases),
            len(self.material.questions),
            self.questions_sha256,
            None
            if people is None or self.events is None or not any(people.scores.values())
            else People(
                len(self.events.events),
                sum(len(event.answers) for event in self.events.events),
                len(people.raters),
                sum(map(len, people.scores.values())),
                events_sha256(self.events),
            ),
        )
        environment = {"biobench": importlib.metadata.version("biobench")}
        return Report(self.plan, self.plan_changed, basis, tuple(cards), environment, left_out)

    def _card(self, record: Mapping[str, Any], findings: Iterable[Finding]) -> Card:
        scorer = record["scorer"]
        ordered = tuple(sorted(findings, key=lambda finding: finding.study))
        return Card(
            scorer["name"], scorer["kind"], scorer["signature"], len(record["scores"]), record["unscored"], ordered
        )

    def _baselines(self) -> dict[str, dict[Item, float]]:
        """What the trivial judges and BioClaim say of the events' answers."""
        if self.events is None or self.ratings is None:
            return {}
        questions = event_questions(self.events)
        found = {}
        for name in (*SENTINELS, "bioclaim"):
            scores = scorer_of(name).score(list(dict.fromkeys(questions.values())))
            found[name] = {item: scores[question] or 0.0 for item, question in questions.items()}
        return found

    def _evidence(self, record: Mapping[str, Any], baselines: Mapping[str, Mapping[Item, float]]) -> Evidence:
        scorer = ScorerCard(**record["scorer"])
        scores = dict(zip(self.material.questions, record["scores"], strict=True))
        people = None
        if self.events is not None and self.ratings is not None and any(self.ratings.scores.values()):
            answers = {
                (event, answer): scorer.floor if score is None else score for event, answer, score in record["answers"]
            }
            people = PeopleSaid(self.events, self.ratings, answers, baselines)
        return evidence_of(scorer, self.material, self.plan, scores, record["repeats"], record["unscored"], people)

    def _is_current(self, record: Mapping[str, Any], path: Path) -> bool:
        if (record["questions_sha256"], record["events_sha256"]) != (self.questions_sha256, self.events_digest):
            return False
        answers = {} if self.events is None else event_questions(self.events)
        wanted = len(self.material.questions), list(answers)
        if (len(record["scores"]), [tuple(answer[:2]) for answer in record["answers"]]) != wanted:
            hint = "remove it and run the study again"
            raise ProblemsFound([Problem(str(path), "scores of some questions only", f"{wanted[0]:,} scores", hint)])
        return True

    def _scores_path(self, scorer: Scorer) -> Path:
        """A judge that is asked in another way (samples, server, prompt) is another scorer, with a file of its own."""
        name = slug(scorer.name)
        if scorer.kind == "judge":
            name += f"-{hashlib.sha256(canonical_json(dict(scorer.identity())).encode()).hexdigest()[:8]}"
        return self.folder / "scores" / f"{name}.json"

    def _read(self, path: Path) -> dict[str, Any]:
        """A scores file of our own writing. Raises ``ProblemsFound`` for anything else."""
        content = parse(read_text(path))
        hint = f"remove it and run biobench study run {self.folder}"
        if not isinstance(content, dict) or content.get("schema") != SCORES_SCHEMA or not _is_whole(content):
            raise ProblemsFound(
                [Problem(str(path), "no scores of a study", f"what study run writes, {SCORES_SCHEMA}", hint)]
            )
        return content


def evidence_of(
    scorer: ScorerCard,
    asked: Material,
    plan: Plan,
    scores: Mapping[Question, float | None],
    repeats: Mapping[str, Sequence[Sequence[float]]],
    unscored: Mapping[str, int],
    people: PeopleSaid | None = None,
) -> Evidence:
    """Scores as evidence: what was left unscored has the floor."""
    ranked = {question: scorer.floor if score is None else float(score) for question, score in scores.items()}
    tables = {name: np.array(rows, dtype=np.float64) for name, rows in repeats.items()}
    return Evidence(scorer, asked, plan, ranked, unscored, tables, people)


def all_findings(evidence: Evidence) -> tuple[Finding, ...]:
    """Every study of a scorer but S8, which is of the plan."""
    studies = (sanity, reliability, agreement, replacement, sensitivity, attacks, bias, ranking, transfer)
    return tuple(study(evidence) for study in studies)


def items_lines(asked: Material) -> str:
    """Every trial as JSON Lines, to be read: what was changed, what it touched, and how wrong it is."""
    lines = []
    for trial in asked.trials:
        base = trial.base
        lines.append(
            {
                "study": "S4",
                "base": base.id,
                "about": base.cluster,
                "exercise": base.exercise,
                "perturbation": trial.perturbation,
                "slots": list(trial.edit.slots),
                "severity": trial.edit.severity,
                "closer_than_paraphrase": trial.closer,
                "reference": trial.edited.reference,
                "paraphrase": trial.paraphrase.prediction,
                "edited": trial.edited.prediction,
            }
        )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def questions_lines(asked: Material) -> str:
    """Every question with what is known of it, as JSON Lines; a scripted judge can learn them by heart."""
    lines = []
    for question, known in asked.known.items():
        statement = known.base.statement
        said = statement.texts["reference"].slots
        lines.append(
            {
                "exercise": question.exercise,
                "reference": question.reference,
                "prediction": question.prediction,
                "truth": known.truth,
                "states": [
                    *(["reps"] if statement.kind == "count" else ["joint", "motion"]),
                    *(["side"] if known.base.side is not None or "both" in said else []),
                    *(["angle"] if known.base.measured_deg is not None else []),
                    *(slot for slot in ("rom", "phase") if slot in said),
                ],
                "wrong": list(known.slots),
            }
        )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def slug(name: str) -> str:
    """A file's name for a scorer: its own where that is harmless, else with a digest, so that no two share one.

    >>> slug("rouge_l"), slug("bio@org/model")
    ('rouge_l', 'bio-org-model-86e0a5ec')
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:60] or "name"
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _is_whole(content: Mapping[str, Any]) -> bool:
    """Whether everything is there, and scores are numbers."""
    keys = {
        "scorer": dict,
        "plan_sha256": str,
        "questions_sha256": str,
        "scores": list,
        "unscored": dict,
        "repeats": dict,
    }
    scorer = content.get("scorer")
    if not (
        all(isinstance(content.get(key), kind) for key, kind in keys.items())
        and isinstance(content.get("answers"), list)
        and "events_sha256" in content
        and isinstance(scorer, dict)
        and set(scorer) == {"name", "kind", "floor", "top", "signature"}
    ):
        return False
    bounds = (scorer["floor"], scorer["top"])
    told = all(isinstance(scorer[key], str) for key in ("name", "kind")) and isinstance(scorer["signature"], dict)
    if not told or not all(map(_is_number, bounds)) or not bounds[0] < bounds[1]:
        return False
    tables = list(content["repeats"].values())
    if not all(isinstance(table, list) and all(isinstance(row, list) for row in table) for table in tables):
        return False
    # A judge keeps to its scale; what a metric's bounds are, rounding and plug-ins decide.
    low, high = bounds if scorer["kind"] == "judge" else (-math.inf, math.inf)
    scores = [*content["scores"], *(answer[-1] for answer in content["answers"] if isinstance(answer, list) and answer)]
    scores += [score for table in tables for row in table for score in row]
    return (
        all(score is None or (_is_number(score) and low <= score <= high) for score in scores)
        and all(isinstance(value, str) for value in scorer["signature"].values())
        and all(isinstance(answer, list) and len(answer) == 3 for answer in content["answers"])
        and len({(len(table), *map(len, table)) for table in tables}) <= 1
    )


def _is_number(value: object) -> bool:
    return type(value) in {int, float}
