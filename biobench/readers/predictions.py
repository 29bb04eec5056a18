"""Every accepted predictions file becomes ``Predictions``, or a list of everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeGuard

from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import Defects, nearest
from biobench.readers.json_locate import json_path, printable, shown
from biobench.readers.json_text import JsonText, parse, parse_lines, read_text
from biobench.readers.prediction_checks import Clock, Tally
from biobench.records import Benchmark, Entry, Feedback, Predictions, PredictionsFormat, TimeOrigin

__all__ = ["NATIVE_SCHEMA", "load_predictions"]

NATIVE_SCHEMA = "biobench/predictions/1"

_ORIGIN_WORDS: Mapping[TimeOrigin, str] = {
    "segment": "the segment's start",
    "video": "the video's first frame",
    "unix": "1970, on the annotation clock (+28,800 s)",
}
_MARKS: Mapping[PredictionsFormat, tuple[str, ...]] = {
    "var-2026": ("mini_episode_id",),
    "var-2025": ("video_file",),
    "fitcoach-pairs": ("GT", "Pred"),
}
_TEXT_TYPES, _NUMBER_TYPES = {str}, {int, float}
_LONGEST_NAME = 200
_LONGEST_HEADER = 65536
_NUMBER = "seconds, a finite number"
_FORMATS = (
    f'a native file ({{"schema": "{NATIVE_SCHEMA}", ...}}), or a list of VAR-2026 entries (mini_episode_id), '
    "VAR-2025 entries (video_file) or saved pairs (GT, Pred)"
)
_Place = tuple[str | int, ...]


def load_predictions(path: str | Path, benchmark: Benchmark) -> Predictions:
    """Reads a predictions file against a benchmark, whose segments and clock it is checked with.

    The form is recognised by its keys. Order, blanks and duplicate times are kept as they are; what is odd but accepted
    is counted in ``notices``. Raises ``ProblemsFound`` with every problem in one pass.
    """
    source = read_text(Path(path))
    reader = _Reader(source, benchmark)
    if _is_json_lines(source):
        return reader.read_lines()
    value, problems = _parsed(source)
    return reader.read(value, problems)


def _is_json_lines(source: JsonText) -> bool:
    """Whether the first line is a whole JSON object and more follows, or the file's name says so."""
    if source.file.endswith((".jsonl", ".ndjson")):
        return True
    end = source.text.find("\n", 0, _LONGEST_HEADER)
    if end < 0 or not source.text.startswith("{") or not source.text[end : end + _LONGEST_HEADER].strip():
        return False
    try:
        json.loads(source.text[:end])
    except (ValueError, RecursionError):
        return False
    return True


def _parsed(source: JsonText) -> tuple[object, Sequence[Problem]]:
    """The value, and the problems of its JSON that still let it be read: so that all are told in one pass."""
    try:
        return parse(source), ()
    except ProblemsFound as found:
        try:
            return json.loads(source.text), found.problems
        except (ValueError, RecursionError):  # broken syntax, or far too deep: nothing more can be said
            raise found from None


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) in _NUMBER_TYPES  # isinstance would take true for 1


class _Reader:
    """Reads one file; holds what its entries are checked with, and what was found."""

    def __init__(self, source: JsonText, benchmark: Benchmark) -> None:
        self.source = source
        self.defects = Defects(source)
        self.tally = Tally()
        self.clock = Clock()
        self.video_bounds: dict[str, tuple[float, float] | None] = {}
        self.segment_bounds: dict[str, tuple[float, float] | None] = {}
        self.video_starts: dict[str, float] = {}
        for session in benchmark.sessions:
            exercises = session.exercises()
            self.video_bounds[session.video] = (exercises[0].start_s, exercises[-1].end_s) if exercises else None
            for k, segment in enumerate(session.segment_ids):
                self.segment_bounds[segment] = (exercises[k].start_s, exercises[k].end_s) if exercises else None
                self.video_starts[segment] = float(session.frame_times_s[0])
        self.seen: dict[str, str] = {}
        self.problems: Sequence[Problem] = ()

    def read(self, value: object, problems: Sequence[Problem]) -> Predictions:
        """Any form but JSON Lines; ``problems`` are those of its JSON."""
        self.problems = problems
        if isinstance(value, dict):
            system, origin = self._header(value)
            listed = value.get("predictions")
            if not isinstance(listed, list):
                self._in_header(value, "predictions", "predictions, a list of entries")
                listed = []
            self._unknown_keys(value, ("schema", "system", "time", "predictions"), ())
            entries = [
                entry for k, item in enumerate(listed) if (entry := self._native(item, ("predictions", k), origin))
            ]
            return self._done("native", system, origin, entries)
        if not isinstance(value, list) or not value:
            self.defects.add((), value, _FORMATS)
            self._raise_if_any()
            raise AssertionError("unreachable: a defect was added")
        form = self._recognised(value)
        name = printable(Path(self.source.file).stem, 200)
        if form == "fitcoach-pairs":
            pairs = [pair for k, item in enumerate(value) if (pair := self._pair(item, (k,)))]
            return self._done(form, name, "unix", [], tuple(pairs))
        read: Callable[[object, _Place], Entry | None] = self._var_2026 if form == "var-2026" else self._var_2025
        return self._done(form, name, "unix", [entry for k, item in enumerate(value) if (entry := read(item, (k,)))])

    def read_lines(self) -> Predictions:
        """The native form as JSON Lines: a header, then one entry a line."""
        system, origin = "", next(iter(_ORIGIN_WORDS))
        entries: list[Entry] = []
        for k, (line, value) in enumerate(self._good_lines()):
            self.defects.line = line
            if k:
                entry = self._native(value, (), origin)
                if entry:
                    entries.append(entry)
            elif isinstance(value, dict):
                system, origin = self._header(value)
                self._unknown_keys(value, ("schema", "system", "time"), ())
            else:
                self.defects.add(
                    (), value, f'a header line {{"schema": "{NATIVE_SCHEMA}", "system": ..., "time": ...}}'
                )
        return self._done("native", system, origin, entries)

    def _good_lines(self) -> Iterator[tuple[int, object]]:
        try:
            yield from parse_lines(self.source)
        except ProblemsFound as found:
            self.problems = found.problems

    def _done(
        self,
        form: PredictionsFormat,
        system: str,
        origin: TimeOrigin,
        entries: list[Entry],
        pairs: tuple[tuple[str, str], ...] = (),
    ) -> Predictions:
        self.clock.check(self.defects, f"times counted from {_ORIGIN_WORDS[origin]}")
        self._raise_if_any()
        return Predictions(
            system=system,
            format=form,
            time_origin=origin,
            entries=tuple(entries),
            source=self.source.file,
            source_sha256=self.source.sha256,
            pairs=pairs,
            notices=self.tally.notices(),
        )

    def _raise_if_any(self) -> None:
        problems = [*self.problems, *self.defects.problems()]
        if problems:
            problems.sort(key=lambda problem: (problem.line is None, problem.line or 0, problem.column or 0))
            raise ProblemsFound(problems)

    def _header(self, value: Mapping[str, object]) -> tuple[str, TimeOrigin]:
        schema, system, origin = value.get("schema"), value.get("system"), value.get("time")
        if schema != NATIVE_SCHEMA:
            hint = nearest(schema, [NATIVE_SCHEMA]) if isinstance(schema, str) else ""
            self._in_header(value, "schema", f'"schema": "{NATIVE_SCHEMA}"', hint or f"accepted are {_FORMATS}")
        if not isinstance(system, str) or not system.strip() or not system.isprintable() or len(system) > _LONGEST_NAME:
            expected = f"the system's name, a printable string of at most {_LONGEST_NAME} characters"
            self._in_header(value, "system", expected)
            system = "?"
        for known in _ORIGIN_WORDS:
            if origin == known:
                return system, known
        expected = '"time": ' + " or ".join(f'"{known}"' for known in _ORIGIN_WORDS)
        self._in_header(value, "time", expected)
        return system, "segment"

    def _in_header(self, header: Mapping[str, object], key: str, expected: str, hint: str = "") -> None:
        if key in header:
            self.defects.add((key,), header[key], expected, hint)
        else:
            self.defects.add_text((), f"no {key}", expected, hint)

    def _recognised(self, items: list[object]) -> PredictionsFormat:
        for item in items:
            for form, marks in _MARKS.items():
                if isinstance(item, dict) and any(key in item for key in marks):
                    return form
        self.defects.add((0,), items[0], _FORMATS)
        self._raise_if_any()
        raise AssertionError("unreachable: a defect was added")

    def _native(self, item: object, place: _Place, origin: TimeOrigin) -> Entry | None:
        if not self._is_object(item, place, ("segment", "feedbacks")):
            return None
        segment = self._known(item, "segment", place, self.segment_bounds, "a segment of this benchmark")
        remarks = item.get("feedbacks")
        if not isinstance(remarks, list):
            self.defects.add((*place, "feedbacks"), remarks, "a list of remarks")
            return None
        self._unknown_keys(item, ("segment", "feedbacks"), place)
        feedbacks = [self._remark(remark, (*place, "feedbacks", k)) for k, remark in enumerate(remarks)]
        good = [feedback for feedback in feedbacks if feedback is not None]
        if segment is None or len(good) < len(feedbacks):
            return None
        return self._entry(segment, good, (*place, "feedbacks"), self._bounds(segment, origin))

    def _remark(self, remark: object, place: _Place) -> Feedback | None:
        if not self._is_object(remark, place, ("time", "text")):
            return None
        time, text, confidence = remark["time"], remark["text"], remark.get("confidence")
        if len(remark) > 2 + ("confidence" in remark):
            self._unknown_keys(remark, ("time", "text", "confidence"), place)
        if _is_number(time) and isinstance(text, str) and (confidence is None or _is_number(confidence)):
            return Feedback(float(time), text, None if confidence is None else float(confidence))
        if not _is_number(time):
            self.defects.add((*place, "time"), time, _NUMBER)
        if not isinstance(text, str):
            self.defects.add((*place, "text"), text, "a string")
        if confidence is not None and not _is_number(confidence):
            self.defects.add((*place, "confidence"), confidence, "a finite number")
        return None

    def _var_2026(self, item: object, place: _Place) -> Entry | None:
        keys = ("mini_episode_id", "pred_feedbacks", "pred_feedback_timestamps")
        if not self._is_object(item, place, keys):
            return None
        segment = self._known(item, keys[0], place, self.segment_bounds, "a segment of this benchmark")
        feedbacks = self._columns(item, place, keys[1], keys[2])
        if segment is None or feedbacks is None:
            return None
        return self._entry(segment, feedbacks, (*place, keys[2]), self._bounds(segment, "unix"))

    def _var_2025(self, item: object, place: _Place) -> Entry | None:
        keys = ("video_file", "feedbacks", "feedback_timestamps")
        if not self._is_object(item, place, keys):
            return None
        name = item[keys[0]]
        as_id = {keys[0]: PurePosixPath(name).stem} if isinstance(name, str) else item
        video = self._known(as_id, keys[0], place, self.video_bounds, "a video of this benchmark")
        feedbacks = self._columns(item, place, keys[1], keys[2])
        if video is None or feedbacks is None:
            return None
        bounds = self.video_bounds[video]
        if bounds:
            outside = sum(not bounds[0] <= feedback.time_s < bounds[1] for feedback in feedbacks)
            self.tally.add("outside-exercises", outside, json_path(place))
        return self._entry(video, feedbacks, (*place, keys[2]), bounds, whole_video=True)

    def _pair(self, item: object, place: _Place) -> tuple[str, str] | None:
        if not self._is_object(item, place, ("GT", "Pred")):
            return None
        for key in ("GT", "Pred"):
            if not isinstance(item[key], str):
                self.defects.add((*place, key), item[key], "a string")
                return None
        return str(item["GT"]), str(item["Pred"])

    def _is_object(self, item: object, place: _Place, keys: tuple[str, ...]) -> TypeGuard[Mapping[str, object]]:
        if not isinstance(item, dict):
            self.defects.add(place, item, "an object with " + ", ".join(keys))
            return False
        for key in keys:
            if key not in item:
                self.defects.add_text(place, f"no {key}", f"an object with {', '.join(keys)}", nearest(key, item))
        return all(key in item for key in keys)

    def _known(
        self, item: Mapping[str, object], key: str, place: _Place, known: Mapping[str, object], expected: str
    ) -> str | None:
        name = item[key]
        if not isinstance(name, str):
            self.defects.add((*place, key), name, f"the id of {expected}, a string")
        elif name not in known:
            self.defects.add((*place, key), name, expected, nearest(name, known))
        elif name in self.seen:
            self.defects.add_text((*place, key), f"{shown(name)} again", "one entry for each", self.seen[name])
        else:
            line = f"line {self.defects.line}" if self.defects.line is not None else json_path(place)
            self.seen[name] = f"the first is {line}"
            return name
        return None

    def _columns(
        self, item: Mapping[str, object], place: _Place, texts_key: str, times_key: str
    ) -> list[Feedback] | None:
        texts, times = item[texts_key], item[times_key]
        good = True
        for key, values, types, expected in (
            (texts_key, texts, _TEXT_TYPES, "a string"),
            (times_key, times, _NUMBER_TYPES, _NUMBER),
        ):
            if not isinstance(values, list):
                self.defects.add((*place, key), values, f"a list, each {expected}")
                good = False
            elif not set(map(type, values)) <= types:
                for k, value in enumerate(values):
                    if type(value) not in types:
                        self.defects.add((*place, key, k), value, expected)
                good = False
        if isinstance(texts, list) and isinstance(times, list) and len(texts) != len(times):
            found = f"{len(texts)} {texts_key} and {len(times)} {times_key}"
            self.defects.add_text(place, found, "as many times as texts")
            good = False
        self._unknown_keys(item, (*_MARKS["var-2026"], *_MARKS["var-2025"], texts_key, times_key), place)
        if not good or not isinstance(texts, list) or not isinstance(times, list):
            return None
        return [Feedback(float(time), text) for text, time in zip(texts, times, strict=True)]

    def _bounds(self, segment: str, origin: TimeOrigin) -> tuple[float, float] | None:
        """A segment's start and end on the clock that the file's times use."""
        bounds = self.segment_bounds[segment]
        if bounds is None or origin == "unix":
            return bounds
        zero = bounds[0] if origin == "segment" else self.video_starts[segment]
        return bounds[0] - zero, bounds[1] - zero

    def _entry(
        self,
        key: str,
        feedbacks: list[Feedback],
        place: _Place,
        bounds: tuple[float, float] | None,
        *,
        whole_video: bool = False,
    ) -> Entry:
        where = f"line {self.defects.line}" if self.defects.line is not None else json_path(place)
        times = [feedback.time_s for feedback in feedbacks]
        self.tally.add("unsorted", int(times != sorted(times)), where)
        self.tally.add("blank", sum(not feedback.text.strip() for feedback in feedbacks), where)
        if bounds is not None:
            self.clock.see(times, *bounds, place, self.defects.line)
            if not whole_video:
                self.tally.add("before-start", sum(time < bounds[0] for time in times), where)
                self.tally.add("after-end", sum(time > bounds[1] for time in times), where)
        return Entry(key, tuple(feedbacks))

    def _unknown_keys(self, item: Mapping[str, object], known: tuple[str, ...], place: _Place) -> None:
        unknown = [key for key in item if key not in known]
        if unknown:
            where = f"line {self.defects.line}" if self.defects.line is not None else json_path((*place, unknown[0]))
            self.tally.add("unknown-keys", len(unknown), where)
