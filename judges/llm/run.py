"""A run of a judge: what is asked, of whom, and what comes of it as metrics and as a record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar
from urllib.parse import urlsplit

from biobench.chat import Request
from biobench.judging import Judge, Judgement, JudgeOptions
from biobench.metrics.base import Metric
from biobench.problems import Problem, ProblemsFound
from biobench.scoring import Run
from judges.llm.asking import Heard, Way, interrogate
from judges.llm.bio import BioProfile
from judges.llm.canaries import Canary, Check, canaries, check
from judges.llm.donors import chance_questions
from judges.llm.items import Item, Question, items_of
from judges.llm.legacy import LegacyProfile, read_legacy_prompt
from judges.llm.metrics import AllDropped, JudgedLift, JudgedMean, JudgedShare, NoNumber, OneVideo, sums_by_segment
from judges.llm.profile import Profile
from judges.llm.record import Told, record_of
from judges.llm.verdicts import Verdict, median_verdict

__all__ = [
    "BioJudge",
    "LlmAccJudge",
    "Plan",
    "ask_panel",
    "combined",
    "hosts_of",
    "missing_answers",
    "plan_of",
    "profile_of",
    "signature_of",
    "unmet_requests",
]


@dataclass(frozen=True)
class Plan:
    """What a run asks, before anything is asked. ``chance`` is None for a protocol whose pairs allow no J0."""

    profile: Profile
    items: Mapping[str, tuple[Item, ...]]
    chance: Mapping[str, tuple[Question, ...] | None]
    canaries: tuple[Canary, ...]

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Every distinct question, those of the system first."""
        asked = [item.question for items in self.items.values() for item in items]
        asked += [question for questions in self.chance.values() for question in questions or ()]
        asked += [canary.question for canary in self.canaries]
        return tuple(dict.fromkeys(asked))


class BioJudge(Judge):
    """Ours: criteria by the model, the score by code, canaries and chance in every run."""

    name: ClassVar[str] = "bio"
    summary: ClassVar[str] = "is it right about the body? criteria by a model, score by code; not validated"

    def judge(self, runs: Sequence[Run], system: str, options: JudgeOptions) -> Judgement:
        return _judge(plan_of(self.name, runs, system, options), options)


class LlmAccJudge(Judge):
    """The published judge, with the user's copy of its prompt."""

    name: ClassVar[str] = "llm-acc"
    summary: ClassVar[str] = "the published judge, its prompt from your checkout; not validated"

    def judge(self, runs: Sequence[Run], system: str, options: JudgeOptions) -> Judgement:
        return _judge(plan_of(self.name, runs, system, options), options)


def plan_of(judge: str, runs: Sequence[Run], system: str, options: JudgeOptions) -> Plan:
    """What a judge of ours would ask. Raises ``ProblemsFound`` where ``llm-acc`` has no prompt."""
    items = {run.protocol.name: items_of(run.matches, system, run.protocol.name) for run in runs}
    profile = profile_of(judge, options)
    if judge == LlmAccJudge.name:
        return Plan(profile, items, dict.fromkeys(items), ())
    every = [item for of_protocol in items.values() for item in of_protocol]
    chance = {name: chance_questions(of_protocol) for name, of_protocol in items.items()}
    return Plan(profile, items, chance, canaries(every) if every else ())


def unmet_requests(plan: Plan, options: JudgeOptions) -> tuple[Request, ...]:
    """What the cache has no answer to, repair turns included; nothing is sent."""
    heard = ask_panel(plan.profile, plan.questions, options)
    return tuple(request for member in heard for request in member.unmet)


def profile_of(judge: str, options: JudgeOptions) -> Profile:
    """How a judge of ours asks and reads. Raises ``ProblemsFound`` where ``llm-acc`` has no prompt."""
    if judge == BioJudge.name:
        return BioProfile(max_tokens=options.max_tokens)
    if options.prompt_from is None:
        hint = "it is in a checkout of the FitCoach repository, or of the VAR-2026 evaluator: --prompt-from FILE"
        raise ProblemsFound([Problem("the judge llm-acc", "no prompt", "the published prompt", hint)])
    return LegacyProfile(read_legacy_prompt(options.prompt_from))


def ask_panel(profile: Profile, questions: Sequence[Question], options: JudgeOptions) -> tuple[Heard, ...]:
    """Every member of the panel, one after the other, within one budget."""
    way = Way(options.cache, options.offline, options.budget, options.pace, options.capabilities, options.progress)
    heard = []
    for endpoint in options.endpoints:
        member = interrogate(endpoint, profile, questions, options.samples, way, options.second)
        heard.append(member)
        for counts in member.counts:
            way = way.after(counts)
            if options.tell is not None:
                options.tell(f"{profile.name}, {endpoint.model}: {counts}")
    return tuple(heard)


def _judge(plan: Plan, options: JudgeOptions) -> Judgement:
    if not plan.questions:
        return _nothing(plan, options)
    heard = ask_panel(plan.profile, plan.questions, options)
    missing = missing_answers(heard)
    signature = signature_of(plan.profile, heard, options)
    if missing:
        told = Told(plan.profile, options, heard, signature, missing)
        return Judgement(_unavailable(plan, signature, missing), record_of(told, plan.items, {}, {}, ()))
    verdicts = combined(plan.questions, heard)
    checks = check(plan.canaries, verdicts.__getitem__) if plan.canaries else ()
    reason = _invalid(checks)
    of_members = tuple(check(plan.canaries, member.verdicts.__getitem__) for member in heard) if checks else ()
    told = Told(plan.profile, options, heard, signature, reason, of_members)
    metrics = {name: _metrics(plan, name, verdicts, signature, reason) for name in plan.items}
    return Judgement(metrics, record_of(told, plan.items, plan.chance, verdicts, checks))


def combined(questions: Sequence[Question], heard: Sequence[Heard]) -> dict[Question, Verdict]:
    """A verdict for each question, of one judge or the median of a panel."""
    if len(heard) == 1:
        return dict(heard[0].verdicts)
    return {question: median_verdict([member.verdicts[question] for member in heard]) for question in questions}


def _metrics(
    plan: Plan, protocol: str, verdicts: Mapping[Question, Verdict], signature: Mapping[str, str], reason: str
) -> tuple[Metric, ...]:
    items, chance = plan.items[protocol], plan.chance[protocol]
    own = [verdicts[item.question] for item in items]
    name, lift, unscored = _names(plan.profile)
    share = JudgedShare(unscored, signature, sums_by_segment(items, lambda k: float(own[k].score is None)))
    mean = _mean(name, items, own, signature, reason, drops=isinstance(plan.profile, LegacyProfile))
    if lift is None:
        return mean, share
    if reason:
        return mean, NoNumber(lift, signature, reason), share
    if chance is None:
        nothing = sums_by_segment(items, lambda _: 0.0, lambda _: 0.0)
        return mean, OneVideo(lift, signature, nothing), share
    of_others = [verdicts[question] for question in chance]
    sums = sums_by_segment(items, lambda k: own[k].ranking, lambda k: of_others[k].ranking)
    return mean, JudgedLift(lift, signature, sums), share


def _mean(
    name: str,
    items: Sequence[Item],
    own: Sequence[Verdict],
    signature: Mapping[str, str],
    reason: str,
    *,
    drops: bool,
) -> Metric:
    """The mean score. The published judge drops what does not parse; ours gives it the floor."""
    if reason:
        return NoNumber(name, signature, reason)
    if any(not math.isfinite(verdict.ranking) for verdict in own):
        return NoNumber(name, signature, "the judge gave an infinite score, which the published parsing lets pass")
    kept = [k for k, verdict in enumerate(own) if verdict.score is not None or not drops]
    scores = [own[k].ranking for k in kept]
    kind = AllDropped if items and not kept else JudgedMean
    return kind(name, signature, sums_by_segment([items[k] for k in kept], scores.__getitem__))


def _names(profile: Profile) -> tuple[str, str | None, str]:
    stem = "llm_" + profile.name.removeprefix("llm-").replace("-", "_")
    return stem, f"{stem}_lift" if isinstance(profile, BioProfile) else None, f"{stem}_unscored"


def _unavailable(plan: Plan, signature: Mapping[str, str], reason: str) -> dict[str, tuple[Metric, ...]]:
    names = [name for name in _names(plan.profile) if name is not None]
    return {protocol: tuple(NoNumber(name, signature, reason) for name in names) for protocol in plan.items}


def _nothing(plan: Plan, options: JudgeOptions) -> Judgement:
    """No pair was matched: nothing is asked, and every number says so."""
    signature = signature_of(plan.profile, (), options)
    none = sums_by_segment((), lambda _: 0.0)
    names = [name for name in _names(plan.profile) if name is not None]
    metrics = {protocol: tuple(JudgedMean(name, signature, none) for name in names) for protocol in plan.items}
    told = Told(plan.profile, options, (), signature, "")
    return Judgement(metrics, record_of(told, plan.items, plan.chance, {}, ()))


def missing_answers(heard: Sequence[Heard]) -> str:
    """Why there is no number, where any answer is missing."""
    causes: dict[str, int] = {}
    for member in heard:
        for cause, count in member.missing.items():
            causes[cause] = causes.get(cause, 0) + count
    if not causes:
        return ""
    told = ", ".join(f"{cause} {count:,}" for cause, count in sorted(causes.items()))
    total = sum(causes.values())
    again = "what is answered is in the cache: run it again"
    if set(causes) == {"not-in-cache"}:
        again = "run it online, or with the answers of a batch"
    elif set(causes) == {"budget"}:
        again = "the budget is used up; what is answered is in the cache: run it again to go on"
    return f"{total:,} answers are missing ({told}); {again}"


def _invalid(checks: Sequence[Check]) -> str:
    """Why a run does not count, where a canary is out of its bounds."""
    told = []
    for one in checks:
        if one.broken:
            question, score = one.broken[0]
            told.append(f"{one}: such as {_short(question.prediction)} at {score:.2f}")
        elif not one.holds:
            told.append(str(one))
    return "the judge failed its canaries: " + "; ".join(told) if told else ""


def _short(text: str) -> str:
    plain = text if len(text) <= 80 else text[:77] + "..."
    return f'"{plain}"'


def hosts_of(options: JudgeOptions) -> tuple[str, ...]:
    """The machines that are asked, each once."""
    return tuple(dict.fromkeys(urlsplit(endpoint.base_url).hostname or "none" for endpoint in options.endpoints))


def signature_of(profile: Profile, heard: Sequence[Heard], options: JudgeOptions) -> dict[str, str]:
    """Judge, prompt, model, host, mode, samples: whatever could make another number."""
    modes = dict.fromkeys(member.mode for member in heard)
    second = options.second
    return {
        **profile.signature(),
        "model": "+".join(endpoint.model for endpoint in options.endpoints),
        "host": "+".join(hosts_of(options)),
        "mode": "+".join(modes) or "none",
        "samples": str(options.samples),
        **({} if second is None else {"second": second.model}),
        "validated": "no",
    }
