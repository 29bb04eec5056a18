"""The script of a whole split: people, what they do, and what both annotators say about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from biobench.problems import Problem, ProblemsFound
from biobench.synth.annotators import STYLES, annotate
from biobench.synth.draw import Draw
from biobench.synth.people import Person, Split, draw_people
from biobench.synth.perform import EXERCISES_A_VIDEO, perform
from biobench.synth.script import ANNOTATORS, Annotator, Defect, Remark, Script, SynthVideo

__all__ = ["DEFECTS", "MIX", "SEED", "VIDEOS", "make_script"]

SEED = 1
MIX = 40
VIDEOS: Mapping[Split, int] = {"train": 149, "test": 74}
"""As many as the published splits have."""
DEFECTS: tuple[Defect, ...] = (
    "count-mismatch",
    "to-the-last-frame",
    "same-remark-twice",
    "exercise-without-remarks",
)
"""In the first videos of a split, one each, where they are asked for."""

_FIRST_NUMBER: Mapping[Split, int] = {"train": 1001, "test": 1}
_AFTER_THE_END_S = (2.5, 5.0)


def make_script(
    split: Split,
    videos: int,
    *,
    seed: int = SEED,
    mix: int = MIX,
    defects: bool = False,
    exercises: float = EXERCISES_A_VIDEO,
) -> Script:
    """The script of ``videos`` videos, with ``exercises`` exercises each on average.

    Every video has random streams of its own: its script depends on the seed, the split and its number, its remarks
    also on ``mix`` (percent of praise and counts). Raises ``ProblemsFound`` where there are too few videos for the
    defects.
    """
    if defects and videos < len(DEFECTS):
        found = f"{videos} {'video' if videos == 1 else 'videos'} and --defects"
        raise ProblemsFound([Problem("--videos", found, f"at least {len(DEFECTS)}, one for each defect")])
    people = draw_people(seed, split)
    made = [_video(k, split, people, seed, mix, exercises) for k in range(videos)]
    if defects:
        made[: len(DEFECTS)] = [_spoil(video, defect) for video, defect in zip(made, DEFECTS, strict=False)]
    present = {video.person for video in made}
    return Script(split, seed, mix, tuple(person for person in people if person.id in present), tuple(made))


def _video(k: int, split: Split, people: Sequence[Person], seed: int, mix: int, exercises: float) -> SynthVideo:
    name = f"{_FIRST_NUMBER[split] + k:04d}"
    person = people[k % len(people)]
    session = Draw(seed, split, name, "session")
    performances = perform(person, session, exercises)
    end_s = performances[-1].end_s
    remarks: dict[Annotator, tuple[tuple[Remark, ...], ...]] = {
        annotator: annotate(
            performances,
            STYLES[annotator],
            mix,
            Draw(seed, split, name, "annotator", annotator),
            Draw(seed, split, name, "words", annotator),
        )
        for annotator in ANNOTATORS
    }
    duration_s = round(end_s + session.between(*_AFTER_THE_END_S), 3)
    return SynthVideo(name, person.id, performances, end_s, duration_s, remarks)


def _spoil(video: SynthVideo, defect: Defect) -> SynthVideo:
    """Marks the defect; those that are in the remarks themselves are made here, the others when files are written."""
    reference = list(video.remarks["a"])
    if defect == "same-remark-twice":
        place = max(range(len(reference)), key=lambda k: len(reference[k]))
        first, second, *others = reference[place]
        again = replace(
            first, time_s=second.time_s, cause_s=second.cause_s, repetition=second.repetition, theme="again"
        )
        reference[place] = (first, again, *others)
    elif defect == "exercise-without-remarks":
        reference[1 % len(reference)] = ()
    return replace(video, defect=defect, remarks={**video.remarks, "a": tuple(reference)})
