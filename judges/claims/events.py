"""Which part of the body moves which way, clause by clause, as the words say it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from judges.claims.clauses import Clause, Event, has_number
from judges.claims.grammar import grammar
from judges.claims.lexicon import FILLERS, Lexicon, Meaning, Phrase, Tag
from judges.claims.records import OPPOSITE, Rom
from judges.claims.tags import preposition
from judges.claims.tokens import Word

__all__ = ["find_events"]

_AND = frozenset(("and", ",", "&", "or"))
_HIPS_AND_KNEES = ("hip", "knee")
_STANDING_PARTS = frozenset(("leg", "foot", "hips", "knee", "weight"))
_SHARING = ("cent", "balanc", "even", "distrib", "shar", "equal")
_SINKING = ("sink", "sank", "dip", "descend")
_UNSTEADY = ("wobbl", "sway", "shak", "teeter")
_POINTING = frozenset(("point", "points", "pointed", "pointing"))


def find_events(
    clause: Clause, words: Sequence[Word], known: Lexicon, exercise: str | None, carried: Sequence[Tag]
) -> None:
    """Gives a clause its events, in the order of the text; ``carried``: the parts that were spoken of before it."""
    finder = _Finder(clause, words, known, exercise, carried)
    for tag in clause.tags:
        if tag.meaning.layer == "phrase":
            finder.phrase(tag, known.phrases[int(tag.meaning.value)])
        elif tag.meaning.layer == "depth":
            finder.depth(tag)
    for tag in clause.tags:
        if tag.meaning.layer == "motion":
            finder.motion(tag)
    clause.events.sort(key=lambda event: event.place)
    for event in clause.events:
        event.sign = event.sign or _sign(event, words, known)
    _join_turns(clause)
    _drop_particles(clause)


class _Finder:
    """What looks for the events of one clause."""

    def __init__(
        self, clause: Clause, words: Sequence[Word], known: Lexicon, exercise: str | None, carried: Sequence[Tag]
    ) -> None:
        self.clause = clause
        self.words = words
        self.known = known
        self.exercise = exercise
        self.carried = carried
        self.depth_joints = _HIPS_AND_KNEES if exercise is None else known.depth_joints.get(exercise, ())

    def phrase(self, tag: Tag, phrase: Phrase) -> None:
        """An idiom; where it is said of another part than its own, its words are read one by one."""
        parts = [part for part in self.clause.parts if part.meaning.value in phrase.parts]
        if phrase.parts and not parts:
            others = self.clause.parts or self.carried
            if "" not in phrase.parts or any(part.meaning.value not in phrase.parts for part in others):
                for inner in self._motions_within(tag):
                    self.motion(inner)
                return
        place = min(parts, key=lambda part: abs(part.start - tag.start)).start if parts else None
        if place is None and not self.clause.parts:
            place = next((part.start for part in self.carried if part.meaning.value in phrase.parts), None)
        rom: Rom | None = phrase.rom
        event = Event(phrase.joint, phrase.direction, tag.start, tag.end, tag.meaning.form, place, phrase.sign)
        event.rom, event.phase, event.phrase = rom, phrase.phase, True
        self.clause.events.append(event)

    def depth(self, tag: Tag) -> None:
        """Words for depth move the joints that make it in this exercise; in others they may be a part and a motion."""
        kind = tag.meaning.value
        of_kind = {"hip-and-knee": _HIPS_AND_KNEES}.get(kind, (kind,)) if self.exercise is not None else ()
        wanted = self.depth_joints if kind == "words" else of_kind
        if not self.depth_joints or wanted != self.depth_joints:
            self._depth_of_part(tag)
            return
        shallow = any(word.text.startswith("shallow") for word in self.words[tag.start : tag.end])
        said, sign = ("extend", "bad") if shallow else ("flex", "")
        self._add_depth(tag, said, tag.meaning.form or "noun", sign)

    def motion(self, tag: Tag) -> None:
        """A motion of a part of this clause, of what was spoken of before, or of what the exercise implies."""
        if any(event.place <= tag.start < event.end for event in self.clause.events):
            return
        _, value, form = tag.meaning
        candidates = [part for part in self.clause.parts if value in self.known.table.get(part.meaning.value, ())]
        if candidates:
            chosen = _bound(tag, candidates, self.words)
            for part in _coordinated(chosen, candidates, self.words):
                self._add(self.known.table[part.meaning.value][value], tag, part)
        elif self.clause.parts and form == "noun":
            return
        elif value in {"dorsiflex", "plantarflex"} and self.words[tag.start].text not in _POINTING:
            self._add(self.known.table["ankle"][value], tag)
        elif value == "upright":
            self._add("trunk back", tag)
        elif value == "lean" and not self.clause.events and not self.clause.parts and not self.carried:
            self._add("trunk forward", tag)
        elif not self.clause.parts and all(event.place == tag.start for event in self.clause.events):
            self._motion_of_something_else(tag, value)

    def _motion_of_something_else(self, tag: Tag, value: str) -> None:
        text = self.words[tag.start].text
        if self.carried and text == "neutral":
            return  # the cure of whatever was named before
        standing = bool(self.carried) and self.carried[0].meaning.value in _STANDING_PARTS
        if value == "still" and standing and text.startswith(_SHARING):
            self._add("foot still", tag)
            return
        if value == "down" and text.startswith(_SINKING) and self.depth_joints:
            self._add_depth(tag, "flex", "noun")
            return
        for part in self.carried:
            target = self.known.table.get(part.meaning.value, {}).get(value)
            if target is not None:
                lifted = target in {"scapula up", "scapula down"} and has_number(self.words, self.clause)
                self._add(target.replace("scapula", "shoulder") if lifted else target, tag, part)
                return
        if self.carried:
            return
        if value == "turn" and text.startswith(_UNSTEADY):
            self._add("body turn", tag)
            return
        if value == "down" and text == "lower" and self.depth_joints:
            self._add_depth(tag, "flex", "noun")
            return
        implied = self.known.implicit.get(self.exercise or "", {}).get(value)
        told = any(word.text in grammar("be") for word in self.words[self.clause.start : self.clause.end])
        if implied is not None and not told:
            self._add(implied, tag)

    def _depth_of_part(self, tag: Tag) -> None:
        """As in "Lower your hips", in an exercise without such depth."""
        motion = next(self._motions_within(tag), None)
        inner = [
            Tag(place, place + 1, meaning)
            for place in range(tag.start, tag.end)
            if (meaning := self._single(place, "part")) is not None
        ]
        part = next(iter(inner or self.clause.parts), None)
        if motion is None or part is None:
            return
        target = self.known.table.get(part.meaning.value, {}).get(motion.meaning.value)
        if target is not None:
            self._add(target, motion, part)

    def _motions_within(self, tag: Tag) -> Iterator[Tag]:
        for place in range(tag.start, tag.end):
            meaning = self._single(place, "motion")
            if meaning is not None and not preposition(Tag(place, place + 1, meaning), self.words):
                yield Tag(place, place + 1, meaning)

    def _single(self, place: int, layer: str) -> Meaning | None:
        return self.known.single(self.words[place].text, layer)

    def _add(self, target: str, tag: Tag, part: Tag | None = None) -> None:
        joint, _, direction = target.partition(" ")
        place = None if part is None else part.start
        self.clause.events.append(Event(joint, direction or None, tag.start, tag.end, tag.meaning.form, place))

    def _add_depth(self, tag: Tag, said: str, form: str, sign: str = "") -> None:
        for joint in self.depth_joints:
            self.clause.events.append(Event(joint, said, tag.start, tag.end, form, None, sign, depth=True))


def _sign(event: Event, words: Sequence[Word], known: Lexicon) -> str:
    """Whether the words name a fault or good form, whoever says them."""
    text = " ".join(word.text for word in words[event.place : event.end])
    first = words[event.place].text
    if "upright" in text or "tall" in text:
        return "good"
    if event.phrase:
        return ""
    if text in known.bad or first in known.bad:
        return "bad"
    if event.said == "still" or (event.form in {"adjective", "noun", "", "past"} and {text, first} & known.good):
        return "good"
    moving = event.said == "turn" and event.form in {"third", "ing", "noun"}
    if moving and event.joint in {"trunk", "pelvis", "foot", "body", "knee"}:
        return "bad"
    return "bad" if event.said == "flex" and event.joint in {"spine", "neck"} and event.form == "noun" else ""


def _bound(tag: Tag, candidates: Sequence[Tag], words: Sequence[Word]) -> Tag:
    """The part that a motion moves: a noun's stands before it or after "of", a command's after it, else the nearest."""

    def cost(part: Tag) -> float:
        after = part.start >= tag.end
        distance = part.start - tag.end if after else tag.start - part.end
        match tag.meaning.form:
            case "base" | "":
                return distance + (0 if after else 2.5)
            case "noun":
                linked = any(word.text in {"of", "at", "in", "on"} for word in words[tag.end : part.start])
                return distance + (0 if not after else 0.5 if linked else 3)
            case "adjective":
                return distance + (0.5 if after else 0)
            case _:
                return distance + (1.5 if after else 0)

    return min(candidates, key=cost)


def _coordinated(part: Tag, candidates: Sequence[Tag], words: Sequence[Word]) -> list[Tag]:
    """The part and those that stand beside it in a list: hips and knees."""
    found = [part]
    ordered = sorted(candidates)
    where = ordered.index(part)
    for k in range(where, 0, -1):
        if not _listed(ordered[k - 1], ordered[k], words):
            break
        found.append(ordered[k - 1])
    for k in range(where, len(ordered) - 1):
        if not _listed(ordered[k], ordered[k + 1], words):
            break
        found.append(ordered[k + 1])
    return found


def _listed(first: Tag, second: Tag, words: Sequence[Word]) -> bool:
    between = {word.text for word in words[first.end : second.start]}
    return bool(between & _AND) and between <= FILLERS | _AND


def _join_turns(clause: Clause) -> None:
    """As in "Swings out", "wobbles in": the way it goes is what counts, and it is told as the verb is."""
    for event in [event for event in clause.events if event.said == "turn"]:
        if event.form == "adjective" and any(e.part_place == event.part_place for e in clause.events if e is not event):
            clause.events.remove(event)  # "wider to each side"
            continue
        ways = [other for other in clause.events if other.form == "adjective" and other.part_place == event.part_place]
        reach = 4 if event.form == "base" else 1  # "turn your left foot out"
        if any(0 <= way.place - event.end <= reach for way in ways):
            for way in ways:
                way.form, way.sign = event.form, (event.sign if event.form != "base" else "") or way.sign
            clause.events.remove(event)


def _drop_particles(clause: Clause) -> None:
    """As in "Lift your knees up" says it once; of a verb and a particle at one part the verb stays."""
    verbs = [
        event
        for event in clause.events
        if event.form != "adjective" and event.part_place is not None and event.said != "turn"
    ]
    kept: list[Event] = []
    for event in clause.events:
        verb = next((verb for verb in verbs if verb.part_place == event.part_place), None)
        if event.form != "adjective" or verb is None:
            kept.append(event)
            continue
        same = next((other for other in kept if (other.joint, other.said) == (event.joint, event.said)), None)
        if same is not None:
            same.end = max(same.end, event.end)
        elif verb.joint == event.joint == "trunk" and OPPOSITE.get(verb.said or "") == event.said:
            verb.said = event.said  # "lean your torso back": the particle says which way
        elif event.said is None or not _says_less(verb, event):
            kept.append(event)
    clause.events = kept


def _says_less(verb: Event, particle: Event) -> bool:
    """As in "Drop your arms back up" is settled by the verb; far from it, or in the same joint, a particle stands for itself."""
    if verb.joint == particle.joint:
        return OPPOSITE.get(verb.said or "") == particle.said
    return abs(verb.place - particle.place) <= 8
