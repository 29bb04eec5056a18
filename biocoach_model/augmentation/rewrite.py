"""All remarks of a benchmark rewritten: looked at, worded, checked, decided on, and told apart from their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from biobench.chat import Counts
from biobench.exercises import find_exercise
from biobench.models import Failure
from biocoach_model.augmentation.annotations import Annotations, Event, parted
from biocoach_model.augmentation.checking import check_rewritten
from biocoach_model.augmentation.evidence import Evidence, look
from biocoach_model.augmentation.llm import Asker
from biocoach_model.augmentation.motion_picture import motion_picture
from biocoach_model.augmentation.records import Fact, Kept, Remark
from biocoach_model.augmentation.rule import with_fact
from biocoach_model.inputs import InputFailure, Inputs

__all__ = ["Rewritten", "decided", "rewrite"]

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Every remark in the order of the file, the videos that could not be used, and what a model was asked."""

    remarks: tuple[Remark, ...]
    failures: tuple[Failure, ...]
    counts: Counts | None = None

    def words(self) -> dict[tuple[int, int], str]:
        """The new words by record and event."""
        return {(remark.record, remark.event): remark.after for remark in self.remarks if remark.changed}


def rewrite(
    annotations: Annotations,
    inputs: Inputs,
    *,
    asker: Asker | None = None,
    pictures: bool = False,
    told: Told | None = None,
) -> Rewritten:
    """Each remark with what was measured at its time, where that is checked; else as it was, with the reason.

    By rule, or by the ``asker``'s model. What fails for one video or request is kept as it was; a model that can't be asked
    at all raises ``ProblemsFound``.
    """
    failures: dict[str, str] = {}
    looked: list[tuple[Remark, Evidence | None]] = []
    for done, event in enumerate(annotations.events, 1):
        looked.append(_looked(event, inputs, failures, pictures=pictures))
        if told is not None:
            told("looking at poses", done, len(annotations.events))
    worded, counts = _worded([remark for remark, _ in looked], asker, told)
    remarks = [_checked(remark, seen) for remark, (_, seen) in zip(worded, looked, strict=True)]
    found = tuple(Failure(video, reason) for video, reason in failures.items())
    return Rewritten(_told_apart(remarks, annotations), found, counts)


def decided(rewritten: Rewritten, annotations: Annotations, decisions: Mapping[tuple[int, int], bool]) -> Rewritten:
    """The same with a person's decisions on changed remarks, by record and event: False has the old words back."""
    remarks = []
    for remark in rewritten.remarks:
        accepted = decisions.get((remark.record, remark.event))
        if accepted is False:
            remarks.append(replace(remark, kept=Kept("rejected"), numbers=()))
        else:
            remarks.append(replace(remark, accepted=accepted is True))
    return replace(rewritten, remarks=_told_apart(remarks, annotations))


def _looked(
    event: Event, inputs: Inputs, failures: dict[str, str], *, pictures: bool
) -> tuple[Remark, Evidence | None]:
    segment, at_s = event.segment, event.at_s
    remark = Remark(event.video, event.record, event.event, None, None, event.time_s, None, event.text)
    if segment is None or at_s is None:
        return replace(remark, kept=Kept("no-exercise")), None
    remark = replace(remark, segment=segment.id, exercise=segment.exercise, at_s=at_s)
    if event.repeated:
        return replace(remark, kept=Kept("repeated")), None
    if find_exercise(segment.exercise) is None:
        return replace(remark, kept=Kept("unknown-exercise", segment.exercise)), None
    try:
        motion = inputs.of(segment).motion
    except InputFailure as failure:
        failures.setdefault(event.video, str(failure))
        return replace(remark, kept=Kept("bad-poses", str(failure))), None
    if motion is None:
        raise AssertionError("inputs without poses")
    seen = look(motion, segment.exercise, at_s)
    if isinstance(seen, Kept):
        return replace(remark, kept=seen), None
    fact = seen.fact_for(event.text)
    remark = replace(remark, context=seen.context.sentence())
    if isinstance(fact, Kept):
        return replace(remark, kept=fact), None
    return replace(remark, fact=fact, picture=motion_picture(seen, fact) if pictures else ""), seen


def _worded(
    remarks: Sequence[Remark], asker: Asker | None, told: Told | None
) -> tuple[tuple[Remark, ...], Counts | None]:
    """With the words that are proposed for those that have a fact."""
    if asker is None:
        return tuple(r if r.fact is None else replace(r, proposed=with_fact(r.before, r.fact)) for r in remarks), None
    open_ = [(r, r.fact) for r in remarks if r.fact is not None and r.fact.verdict.outcome != "refuted"]
    questions = [(r.exercise or "", r.before, fact) for r, fact in open_]

    def tell(done: int) -> None:
        if told is not None:
            told(f"asking {asker.endpoint.model}", done, len(questions))

    answers, counts = asker.ask(questions, tell)
    found = {(r.record, r.event): answer for (r, _), answer in zip(open_, answers, strict=True)}
    worded = []
    for remark in remarks:
        answer = found.get((remark.record, remark.event))
        if isinstance(answer, Kept):
            worded.append(replace(remark, kept=answer))
        elif remark.fact is not None and answer is None:
            worded.append(replace(remark, kept=_refuted(remark.fact)))
        else:
            worded.append(replace(remark, proposed=answer))
    return tuple(worded), counts


def _refuted(fact: Fact) -> Kept:
    return Kept("refuted", fact.verdict.reason)


def _checked(remark: Remark, seen: Evidence | None) -> Remark:
    if remark.proposed is None or remark.fact is None or seen is None or remark.kept is not None:
        return remark
    if not remark.proposed.strip() or remark.proposed == remark.before:
        return replace(remark, kept=Kept("no-sentence", "nothing new"))
    found = check_rewritten(remark.before, remark.proposed, remark.exercise or "", remark.fact, seen.window)
    return replace(remark, kept=found) if isinstance(found, Kept) else replace(remark, numbers=found)


def _told_apart(remarks: Sequence[Remark], annotations: Annotations) -> tuple[Remark, ...]:
    """Neighbours that said different things go on to do so."""
    kept: set[tuple[int, int]] = set()
    for record, session in annotations.sessions.items():
        words = {r.event: r.after for r in remarks if r.record == record and r.changed}
        kept |= {(record, event) for event in parted(session, words)}
    return tuple(replace(r, kept=Kept("same-words"), numbers=()) if (r.record, r.event) in kept else r for r in remarks)
