"""A judge's run as the results file holds it: every raw reply, what was done to the texts, and lines for the user."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from biobench.judging import JudgeOptions
from biobench.results import Json
from judges.claims import compare
from judges.llm.asking import Heard
from judges.llm.canaries import Check, canaries_version
from judges.llm.cleaning import clean
from judges.llm.items import Item, Question
from judges.llm.legacy import LegacyProfile
from judges.llm.lint import lint
from judges.llm.profile import Profile
from judges.llm.replies import Reading
from judges.llm.verdicts import TOP, Answer, Verdict

__all__ = ["Told", "record_of"]

_OUTLIERS = 10

_Verdicts = Mapping[Question, Verdict]
_Chance = Mapping[str, tuple[Question, ...] | None]


@dataclass(frozen=True)
class Told:
    """What a record says of the run as a whole.

    ``reason``: why it has no number; empty where it has. ``member_checks``: how each member of a panel did by itself.
    """

    profile: Profile
    options: JudgeOptions
    heard: Sequence[Heard]
    signature: Mapping[str, str]
    reason: str
    member_checks: Sequence[Sequence[Check]] = ()


def record_of(
    told: Told, items: Mapping[str, Sequence[Item]], chance: _Chance, verdicts: _Verdicts, checks: Sequence[Check]
) -> dict[str, Json]:
    """The record. The same replies give the same bytes: nothing in it tells how often or when they were asked for.

    ``items`` holds one entry for each distinct question, with the ids of the pairs that ask it.
    """
    valid = not told.reason
    protocols = {
        name: _protocol(of_protocol, chance.get(name), verdicts, valid=valid) for name, of_protocol in items.items()
    }
    checks_of = told.member_checks or ((),) * len(told.heard)
    members = [
        _member(told, heard, own, items, chance, valid=valid) for heard, own in zip(told.heard, checks_of, strict=True)
    ]
    texts = [item.prediction for of_protocol in items.values() for item in of_protocol]
    outliers = [] if isinstance(told.profile, LegacyProfile) else _outliers(items, verdicts)
    record: dict[str, Json] = {
        "judge": told.profile.name,
        "validated": False,
        "reason": told.reason or None,
        "signature": dict(told.signature),
        "canaries_version": canaries_version(),
        "members": list(members),
        "protocols": protocols,
        "canaries": [_check(one) for one in checks],
        "cleaning": dict(sorted(_cleaning(texts).items())),
        "lint": dict(sorted(Counter(sign for text in texts for sign in lint(text)).items())),
        "outliers": outliers,
    }
    record["summary"] = list(_summary(told, protocols, members, checks, record))
    record["items"] = _items(items, chance, verdicts)
    return record


def _protocol(
    items: Sequence[Item], chance: Sequence[Question] | None, verdicts: _Verdicts, *, valid: bool
) -> dict[str, Json]:
    """A run that is not valid has counts, and no mean of anything."""
    own = [verdicts[item.question] for item in items if item.question in verdicts]
    record: dict[str, Json] = {
        "pairs": len(items),
        "unscored": dict(sorted(Counter(str(v.cause) for v in own if v.cause is not None).items())),
        "notes": dict(sorted(Counter(note for verdict in own for note in verdict.notes).items())),
    }
    if valid:
        record |= {
            "all_floor": _mean(verdict.ranking for verdict in own),
            "all_top": _mean(verdict.at_best for verdict in own),
            "overall": _mean(verdict.overall for verdict in own if verdict.overall is not None),
            "chance": _mean(verdicts[question].ranking for question in chance or ()),
        }
    return record


def _member(
    told: Told,
    heard: Heard,
    checks: Sequence[Check],
    items: Mapping[str, Sequence[Item]],
    chance: _Chance,
    *,
    valid: bool,
) -> dict[str, Json]:
    """One model: what it can do, and its own numbers."""
    answers = [answer for verdict in heard.verdicts.values() for answer in verdict.answers]
    masses = [verdict.valid_mass for verdict in heard.verdicts.values() if verdict.valid_mass is not None]
    protocols: dict[str, Json] = {
        name: _protocol(own, chance.get(name), heard.verdicts, valid=valid)
        for name, own in items.items()
        if not heard.missing
    }
    return {
        "model": heard.endpoint.model,
        "mode": heard.mode,
        "capabilities": None if heard.capabilities is None else str(heard.capabilities),
        "answered_as": list(heard.origins),
        "samples": told.options.samples,
        "repaired": sum(answer.turns > 1 and answer.fault is None for answer in answers),
        "from_second": sum(answer.second for answer in answers),
        "least_valid_mass": min(masses) if masses else None,
        "missing": dict(sorted(heard.missing.items())),
        "canaries_failed": [one.kind for one in checks if not one.holds],
        "protocols": protocols,
    }


def _check(one: Check) -> dict[str, Json]:
    return {
        "kind": one.kind,
        "asked": one.asked,
        "scored": one.scored,
        "at_least": None if one.least == -math.inf else one.least,
        "at_most": None if one.most == math.inf else one.most,
        "worst": one.worst,
        "holds": one.holds,
        "broken": [{**_texts(question), "score": score} for question, score in one.broken],
    }


def _cleaning(texts: Iterable[str]) -> Counter[str]:
    """How many texts had what done to them."""
    return Counter(name for text in texts for name in clean(text).done)


def _outliers(items: Mapping[str, Sequence[Item]], verdicts: _Verdicts) -> list[Json]:
    """Pairs on which judge and claims disagree most, the first of equals; those without claims are left out."""
    found: dict[Question, tuple[float, str, float, float]] = {}
    for of_protocol in items.values():
        for item in of_protocol:
            verdict = verdicts.get(item.question)
            if verdict is None or verdict.score is None or item.question in found:
                continue
            f1 = compare(clean(item.reference).text, clean(item.prediction).text, item.exercise or None).f1
            if f1 is not None:
                found[item.question] = (abs((verdict.score - 1) / 4 - f1), item.id, verdict.score, f1)
    worst = sorted(found.items(), key=lambda pair: (-pair[1][0], pair[1][1]))[:_OUTLIERS]
    return [
        {"id": identity, **_texts(question), "score": score, "bioclaim_f1": f1}
        for question, (off, identity, score, f1) in worst
        if off > 0
    ]


def _items(items: Mapping[str, Sequence[Item]], chance: _Chance, verdicts: _Verdicts) -> list[Json]:
    """Every question: those of pairs with their ids, those of J0 and of canaries after them."""
    ids: dict[Question, list[str]] = {}
    for protocol, of_protocol in items.items():
        for item in of_protocol:
            ids.setdefault(item.question, []).append(f"{protocol} {item.id}")
    of_chance = {question for questions in chance.values() for question in questions or ()}
    entries: list[Json] = []
    for question, verdict in verdicts.items():
        cleaned = clean(question.prediction).done
        entries.append(
            {
                "pairs": list(ids.get(question, ())),
                "chance": question in of_chance,
                **_texts(question),
                "score": verdict.score if verdict.score is None or math.isfinite(verdict.score) else str(verdict.score),
                "cause": verdict.cause,
                "overall": verdict.overall,
                "valid_mass": verdict.valid_mass,
                "criteria": dict(verdict.criteria),
                "corrected": list(verdict.corrected),
                "notes": list(verdict.notes),
                "cleaning": dict(cleaned),
                "lint": list(lint(question.prediction)),
                "replies": [_reply(answer) for answer in verdict.answers],
            }
        )
    return entries


def _texts(question: Question) -> dict[str, Json]:
    """Raw, but for half characters, which no file can hold."""
    texts = {"exercise": question.exercise, "reference": question.reference, "prediction": question.prediction}
    if question.kinematics is not None:
        texts["kinematics"] = question.kinematics
    return {name: text.encode("utf-8", "replace").decode() for name, text in texts.items()}


def _reply(answer: Answer) -> dict[str, Json]:
    reading = answer.reading
    return {
        "sample": answer.sample,
        "key": answer.key,
        "model": answer.model,
        "fingerprint": answer.fingerprint,
        "text": answer.text,
        "refusal": answer.refusal,
        "finish_reason": answer.finish_reason,
        "usage": None if answer.usage is None else asdict(answer.usage),
        "overall": reading.overall if isinstance(reading, Reading) else None,
        "mean_of_digits": None if answer.mass is None else answer.mass.mean,
        "cause": None if answer.fault is None else answer.fault.cause,
        "reason": None if answer.fault is None else answer.fault.said,
        "turns": answer.turns,
        "second": answer.second,
    }


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    if not listed or not all(map(math.isfinite, listed)):
        return None
    return statistics.fmean(listed)


def _summary(
    told: Told,
    protocols: Mapping[str, Mapping[str, Json]],
    members: Sequence[Mapping[str, Json]],
    checks: Sequence[Check],
    record: Mapping[str, Json],
) -> Iterable[str]:
    """What stands under the numbers, one line each."""
    yield f"judge {told.profile.name}: not validated against people; its number orders systems at your own risk"
    if told.reason:
        yield f"no number: {told.reason}"
    for name, of_protocol in protocols.items():
        yield from _protocol_lines(name, of_protocol, told)
    for member in members if len(members) > 1 else ():
        own, failed = member["protocols"], member["canaries_failed"]
        if isinstance(own, Mapping) and isinstance(failed, list):
            told_of = ", ".join(f"{name} {_shown(value)}" for name, value in own.items())
            alone = f"; by itself it fails the canaries {', '.join(map(str, failed))}" if failed else ""
            yield f"member {member['model']}: {told_of or 'no number'}{alone}"
    for heard in told.heard:
        if len(heard.origins) > 1:
            yield f"{heard.endpoint.model} answered as {len(heard.origins)} models or builds: " + ", ".join(
                heard.origins
            )
    for one in checks:
        yield f"{one}{'' if one.holds else '; NOT HELD'}"
    for what, text in (
        ("cleaning", "texts that had to be cleaned"),
        ("lint", "texts with signs of speaking to a grader"),
    ):
        counted = record[what]
        if isinstance(counted, Mapping) and counted:
            yield f"{text}: " + ", ".join(f"{name} {count}" for name, count in counted.items())


def _protocol_lines(name: str, of_protocol: Mapping[str, Json], told: Told) -> Iterable[str]:
    floor, top, unscored = (of_protocol.get(key) for key in ("all_floor", "all_top", "unscored"))
    if isinstance(unscored, Mapping) and unscored:
        causes = ", ".join(f"{cause} {count}" for cause, count in unscored.items())
        if isinstance(told.profile, LegacyProfile):
            yield f"{name}: dropped, as the published run does: {causes}"
            if "no-score-key" in unscored:
                yield f"{name}: the published run stops at the first reply without the key score; this one went on"
        elif isinstance(floor, float) and isinstance(top, float):
            yield f"{name}: unscored: {causes}; the mean is {floor:.3f} with all at the floor, {top:.3f} with all at the top"
        else:
            yield f"{name}: unscored: {causes}"
    overall, chance = of_protocol.get("overall"), of_protocol.get("chance")
    if isinstance(overall, float):
        yield f"{name}: the model's own overall has the mean {overall:.3f}"
    if isinstance(chance, float):
        yield f"{name}: the same texts beside references of other videos: {chance:.3f} of {TOP:g}"
    notes = of_protocol.get("notes")
    if isinstance(notes, Mapping) and notes:
        yield f"{name}: " + ", ".join(f"{note} {count}" for note, count in notes.items())


def _shown(value: Json) -> str:
    mean = value.get("all_floor") if isinstance(value, Mapping) else None
    return f"{mean:.3f}" if isinstance(mean, float) else "no number"
