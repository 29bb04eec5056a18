"""Reference events, each with what several systems said to it: what people and judges rate in a study."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from biobench.chat.wire import canonical_json
from biobench.evaluation import runs_of
from biobench.exercises import find_exercise
from biobench.files import write_text
from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import Defects
from biobench.records import Benchmark, Predictions, Segment
from biobench.statistics.seeds import generator
from judges.validation.strict import ANY_TEXT, COUNT, LIST, NAME, SECONDS, SHA256, Kind, Place, checked, open_json

__all__ = [
    "SCHEMA",
    "Answer",
    "Event",
    "Events",
    "Wanted",
    "answer_id",
    "events_sha256",
    "read_events",
    "sample_events",
    "write_events",
]

SCHEMA = "biobench/study-events/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one or several systems said to an event, on one line. The id does not tell whose it is."""

    id: str
    text: str
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One reference remark, and every answer to it.

    ``id`` is ``<segment>#<k>``, the k-th reference remark of the segment, from 0; ``time_s`` counts from the segment's
    start. A system's answer is the prediction that the protocol's matcher matched with the remark.
    """

    id: str
    video: str
    subject: str | None
    segment: str
    exercise: str
    time_s: float
    reference: str
    answers: tuple[Answer, ...]

    @property
    def systems(self) -> tuple[str, ...]:
        """Who answered, by name."""
        return tuple(sorted(system for answer in self.answers for system in answer.systems))


class Wanted(NamedTuple):
    """How much was asked for: events, videos, events a video from least to most, and systems that answer each."""

    events: int = 150
    videos: int = 50
    least_a_video: int = 2
    most_a_video: int = 4
    fewest_systems: int = 3


@dataclass(frozen=True, slots=True)
class Events:
    """A sample of events. ``benchmark`` holds its name, split and sha256; the same seed and data give the same sample."""

    benchmark: Mapping[str, str]
    protocol: str
    seed: int
    wanted: Wanted
    events: tuple[Event, ...]

    @property
    def systems(self) -> tuple[str, ...]:
        """Every system that answered an event, by name."""
        return tuple(sorted({system for event in self.events for system in event.systems}))

    @property
    def shortfall(self) -> str | None:
        """What there is less of than was asked for, in words; None where all is there."""
        videos = len({event.video for event in self.events})
        if len(self.events) >= self.wanted.events and videos >= self.wanted.videos:
            return None
        wanted = self.wanted
        return (
            f"{len(self.events)} events of {videos} videos where {wanted.events} of {wanted.videos} were wanted: "
            f"no more are answered by {wanted.fewest_systems} systems, at most {wanted.most_a_video} a video"
        )


def sample_events(
    benchmark: Benchmark,
    predictions: Sequence[Predictions],
    protocol_name: str = "biobench-1",
    events: int = 150,
    videos: int = 50,
    a_video: tuple[int, int] = (2, 4),
    fewest_systems: int = 3,
    seed: int = 0,
) -> Events:
    """Draws events that at least ``fewest_systems`` systems answered.

    Videos are drawn at random, then events by turns from each, first those whose reference text is new, then those of the
    exercise that has fewest so far. Where there are too few, all that fit are taken and ``shortfall`` says so. The order
    of ``predictions`` does not matter.

    Raises ``ProblemsFound`` for an impossible wish, saved pairs (they have no events), two systems of one name, too few
    systems, and where no event qualifies.
    """
    wanted = Wanted(events, videos, *a_video, fewest_systems)
    _check_wish(wanted, seed, predictions)
    found = _answered(benchmark, predictions, protocol_name, seed)
    enough = [event for event in found if len(event.systems) >= fewest_systems]
    if not enough:
        raise ProblemsFound([_none_qualifies(found, benchmark, fewest_systems)])
    return Events(
        benchmark={"name": benchmark.name, "split": benchmark.split, "sha256": benchmark.source_sha256},
        protocol=protocol_name,
        seed=seed,
        wanted=wanted,
        events=_drawn(enough, wanted, seed),
    )


def answer_id(seed: int, event: str, text: str) -> str:
    """An id that says nothing about whose answer it is: 12 hexadecimal digits of a digest over these three."""
    return hashlib.sha256(canonical_json([seed, event, text]).encode()).hexdigest()[:12]


def events_sha256(events: Events) -> str:
    """What ratings name their events by: a digest, in hex, over everything in the record."""
    return hashlib.sha256(canonical_json(_record(events)).encode()).hexdigest()


def write_events(path: Path, events: Events) -> None:
    """Writes the file that ``read_events`` reads, whole or not at all."""
    write_text(path, json.dumps(_record(events), indent=1, allow_nan=False) + "\n")


def read_events(path: Path) -> Events:
    """Reads a file of events. Raises ``ProblemsFound`` with every problem, edited answers among them."""
    source, value, problems = open_json(path)
    defects = Defects(source)
    events = _read(defects, value)
    if events is None or problems:
        raise ProblemsFound([*problems, *defects.problems()])
    return events


# Drawing.


def _check_wish(wanted: Wanted, seed: int, predictions: Sequence[Predictions]) -> None:
    problems = []
    if min(wanted) < 1:
        problems.append(Problem("the sample", f"a wish for {min(wanted)}", "numbers of 1 or more"))
    elif wanted.least_a_video > wanted.most_a_video:
        found = f"{wanted.least_a_video} to {wanted.most_a_video} events a video"
        problems.append(Problem("the sample", found, "the lesser number first"))
    elif wanted.events < wanted.least_a_video * wanted.videos:
        found = f"{wanted.events} events of {wanted.videos} videos"
        expected = f"at least {wanted.least_a_video} events a video"
        problems.append(Problem("the sample", found, expected, "ask for fewer videos, or for more events"))
    if seed < 0:
        problems.append(Problem("the sample", f"the seed {seed}", "a seed of 0 or more"))
    problems += [
        Problem(given.source, "saved pairs", "predictions with times", "pairs don't say which event they belong to")
        for given in predictions
        if given.format == "fitcoach-pairs"
    ]
    names = Counter(given.system for given in predictions)
    problems += [
        Problem(given.source, f'another system "{given.system}"', "one file a system")
        for k, given in enumerate(predictions)
        if given.system in {before.system for before in predictions[:k]}
    ]
    if len(names) < wanted.fewest_systems:
        found = f"predictions of {len(names)} systems"
        problems.append(Problem("the sample", found, f"those of at least {wanted.fewest_systems} systems"))
    if problems:
        raise ProblemsFound(problems)


def _answered(benchmark: Benchmark, predictions: Sequence[Predictions], protocol: str, seed: int) -> tuple[Event, ...]:
    """Every event that somebody answered, in the order of the data."""
    segments: dict[str, Segment] = {}
    said: dict[tuple[str, int], dict[str, list[str]]] = {}
    for given in sorted(predictions, key=lambda given: given.system):
        (run,) = runs_of(given, benchmark, [protocol])
        for match in run.matches:
            segments[match.segment.id] = match.segment
            for i, j in match.pairs:
                text = _one_line(match.predictions[j].text)
                if text:
                    said.setdefault((match.segment.id, i), {}).setdefault(text, []).append(given.system)
    order = {segment: k for k, segment in enumerate(s for session in benchmark.sessions for s in session.segment_ids)}
    return tuple(
        _event(segments[segment], k, said[segment, k], seed)
        for segment, k in sorted(said, key=lambda place: (order[place[0]], place[1]))
    )


def _event(segment: Segment, k: int, said: Mapping[str, Sequence[str]], seed: int) -> Event:
    name, known = f"{segment.id}#{k}", find_exercise(segment.exercise)
    answers = [Answer(answer_id(seed, name, text), text, tuple(systems)) for text, systems in said.items()]
    return Event(
        id=name,
        video=segment.video,
        subject=segment.subject,
        segment=segment.id,
        exercise=segment.exercise if known is None else " ".join(filter(None, known)),
        time_s=float(segment.feedbacks[k].time_s),
        reference=_one_line(segment.feedbacks[k].text),
        answers=tuple(sorted(answers, key=lambda answer: answer.id)),
    )


def _drawn(found: Sequence[Event], wanted: Wanted, seed: int) -> tuple[Event, ...]:
    """The sample, in the order of the data."""
    random = generator("study events", seed)
    mixed = [found[k] for k in random.permutation(len(found))]
    by_video: dict[str, list[Event]] = {}
    for event in mixed:
        by_video.setdefault(event.video, []).append(event)
    names = sorted(by_video)
    names = [names[k] for k in random.permutation(len(names))]
    names.sort(key=lambda name: len(by_video[name]) < wanted.least_a_video)  # those that give enough first
    room = [min(len(by_video[name]), wanted.most_a_video) for name in names]
    count = min(wanted.videos, len(names))
    while count < len(names) and sum(room[:count]) < wanted.events:
        count += 1
    taken: list[Event] = []
    texts: Counter[str] = Counter()
    exercises: Counter[str] = Counter()
    for _ in range(wanted.most_a_video):
        for name in names[:count]:
            left = by_video[name]
            if not left or len(taken) == wanted.events:
                continue
            best = min(left, key=lambda event: (texts[event.reference.casefold()], exercises[event.exercise]))
            left.remove(best)
            taken.append(best)
            texts[best.reference.casefold()] += 1
            exercises[best.exercise] += 1
    chosen = {event.id for event in taken}
    return tuple(event for event in found if event.id in chosen)


def _none_qualifies(found: Iterable[Event], benchmark: Benchmark, fewest: int) -> Problem:
    counts = sorted(Counter(len(event.systems) for event in found).items())
    told = ", ".join(f"{count} by {n} system{'s' * (n > 1)}" for n, count in counts)
    expected = f"an event that at least {fewest} systems answer"
    hint = "add systems that speak at these moments" if benchmark.has_references else "this split has no remarks"
    return Problem(benchmark.source, f"answered events: {told or 'none'}", expected, hint)


def _one_line(text: str) -> str:
    return " ".join(text.split())


# The file.

_WANTED = dict.fromkeys(Wanted._fields, COUNT)
_ANSWER_ID = Kind(lambda value: isinstance(value, str) and len(value) == 12, "an answer's id, 12 hexadecimal digits")
_SUBJECT = Kind(lambda value: value is None or NAME.accepts(value), "a printable name, or null")
_TOP = {
    "schema": ANY_TEXT,
    "benchmark": Kind(lambda value: isinstance(value, dict), "an object with name, split, sha256"),
    "protocol": NAME,
    "seed": COUNT,
    "wanted": Kind(lambda value: isinstance(value, dict), "an object with " + ", ".join(_WANTED)),
    "events": Kind(lambda value: isinstance(value, list) and bool(value), "a list of at least one event"),
}
_BENCHMARK = {"name": NAME, "split": NAME, "sha256": SHA256}
_EVENT = {
    "id": ANY_TEXT,
    "video": ANY_TEXT,
    "subject": _SUBJECT,
    "segment": ANY_TEXT,
    "exercise": ANY_TEXT,
    "time_s": SECONDS,
    "reference": ANY_TEXT,
    "answers": Kind(lambda value: isinstance(value, list) and bool(value), "a list of at least one answer"),
}
_ANSWER = {"id": _ANSWER_ID, "text": ANY_TEXT, "systems": LIST}


def _record(events: Events) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "benchmark": dict(events.benchmark),
        "protocol": events.protocol,
        "seed": events.seed,
        "wanted": events.wanted._asdict(),
        "events": [asdict(event) for event in events.events],
    }


def _read(defects: Defects, value: object) -> Events | None:
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        found = value.get("schema") if isinstance(value, dict) else value
        hint = "biobench study sample writes one"
        defects.add(("schema",) if isinstance(value, dict) else (), found, f'"schema": "{SCHEMA}"', hint)
        return None
    top = checked(defects, (), value, _TOP)
    benchmark = checked(defects, ("benchmark",), top["benchmark"], _BENCHMARK) if "benchmark" in top else {}
    wanted = checked(defects, ("wanted",), top["wanted"], _WANTED) if "wanted" in top else {}
    events, seen = [], set()
    for k, item in enumerate(top.get("events", ())):
        place = ("events", k)
        event = checked(defects, place, item, _EVENT)
        if {"id", "segment"} <= event.keys():
            head, _, number = event["id"].rpartition("#")
            if head != event["segment"] or not (number.isascii() and number.isdigit()):
                defects.add((*place, "id"), event["id"], "<segment>#<k>")
            elif event["id"] in seen:
                defects.add_text((*place, "id"), "an event twice", "each once")
            seen.add(event["id"])
        answers = _answers(defects, (*place, "answers"), event, top.get("seed"))
        if len(event) == len(_EVENT):
            events.append(Event(**{**event, "time_s": float(event["time_s"]), "answers": answers}))
    if len(defects):
        return None
    return Events(benchmark, top["protocol"], top["seed"], Wanted(**wanted), tuple(events))


def _answers(defects: Defects, place: Place, event: Mapping[str, object], seed: object) -> tuple[Answer, ...]:
    answers: list[Answer] = []
    spoke: set[str] = set()
    listed = event.get("answers")
    for k, item in enumerate(listed if isinstance(listed, list) else ()):
        here = (*place, k)
        answer = checked(defects, here, item, _ANSWER)
        systems = answer.get("systems", ())
        if "systems" in answer and not systems:
            defects.add_text((*here, "systems"), "no system", "at least one")
        for n, system in enumerate(systems):
            if not NAME.accepts(system):
                defects.add((*here, "systems", n), system, "a system's name")
            elif system in spoke:
                defects.add((*here, "systems", n), system, "a system that has no other answer to this event")
            else:
                spoke.add(system)
        if {"id", "text"} <= answer.keys() and isinstance(seed, int) and isinstance(event.get("id"), str):
            right = answer_id(seed, str(event["id"]), answer["text"])
            if answer["id"] != right:
                hint = "text, event or seed was changed after the sample was drawn"
                defects.add((*here, "id"), answer["id"], f'"{right}", the digest of this answer', hint)
        if len(answer) == len(_ANSWER):
            answers.append(Answer(answer["id"], answer["text"], tuple(systems)))
    return tuple(answers)
