"""The page on which one rater rates: one HTML file that opens from disk, sends nothing and names no system."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from math import ceil

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from biobench.harmless import harmless, script_json
from biobench.problems import Problem, ProblemsFound
from biobench.readers.defects import nearest
from biobench.readers.json_locate import shown
from biobench.statistics.seeds import generator
from judges.llm.cleaning import MOST_CHARACTERS
from judges.validation.events import Event, Events, events_sha256
from judges.validation.ratings import LONGEST_COMMENT
from judges.validation.ratings import SCHEMA as RATINGS_SCHEMA
from judges.validation.strict import NAME

__all__ = ["render_form"]

_REPEATED = 0.05
"""Share of the events that a rater sees twice, so that the rater can be compared with himself."""
_FEWEST_FOR_REPEATS = 10


def render_form(events: Events, rater: str, raters: Sequence[str], seed: int = 0) -> str:
    """One rater's page; ``raters`` are all of the study. The same arguments give the same bytes.

    The order of the events is the rater's own. Among raters, each answer stands at each place about equally often. Of ten
    events or more, one in twenty comes a second time, at least a third of the page later, its answers in another order.

    Raises ``ProblemsFound`` for a rater who is not among the raters, a name twice or one that can't be shown, and a
    negative seed.
    """
    _check(rater, raters, seed)
    moments = [
        _moment(event, repeat, raters.index(rater), seed) for event, repeat in _order(events.events, rater, seed)
    ]
    data = {
        "schema": RATINGS_SCHEMA,
        "events_sha256": events_sha256(events),
        "rater": rater,
        "form_seed": seed,
        "longest_comment": LONGEST_COMMENT,
        "moments": moments,
    }
    style, script = _part("form.css"), _part("form.js")
    return (
        _environment()
        .get_template("form.html")
        .render(
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            style_hash=_sha256(style),
            script_hash=_sha256(script),
            rater=rater,
            moments=len(moments),
            answers=sum(len(event.answers) for event in events.events),
            longest_comment=LONGEST_COMMENT,
            digest=events_sha256(events)[:12],
            data=Markup(script_json(data)),  # noqa: S704 - holds no < by construction
        )
    )


def _check(rater: str, raters: Sequence[str], seed: int) -> None:
    problems = [
        Problem("the raters", shown(name), NAME.expected)
        for name in dict.fromkeys((rater, *raters))
        if not NAME.accepts(name)
    ]
    folded = [" ".join(name.split()).casefold() for name in raters]
    problems += [
        Problem("the raters", f"{shown(name)} again", "every rater once, whatever the case")
        for k, name in enumerate(raters)
        if folded[k] in folded[:k]
    ]
    if rater not in raters:
        problems.append(Problem("the raters", f"no {shown(rater)}", "the rater among them", nearest(rater, raters)))
    if seed < 0:
        problems.append(Problem("the form", f"the seed {seed}", "a seed of 0 or more"))
    if problems:
        raise ProblemsFound(problems)


def _order(events: Sequence[Event], rater: str, seed: int) -> list[tuple[Event, int]]:
    """The events as this rater meets them, each with 0, or 1 where it comes again."""
    random = generator(f"study form {rater}", seed)
    order = [(events[k], 0) for k in random.permutation(len(events))]
    count = len(order)
    if count < _FEWEST_FOR_REPEATS:
        return order
    again = random.permutation(count // 3)[: ceil(_REPEATED * count)]
    places = np.sort(random.integers(2 * count // 3, count + 1, len(again)))
    for k, place in sorted(zip(again, places, strict=True), key=lambda pair: pair[1], reverse=True):
        order.insert(int(place), (order[int(k)][0], 1))
    return order


def _moment(event: Event, repeat: int, rater: int, seed: int) -> dict[str, object]:
    """What the page knows of an event: no video, no system, nor how many said an answer."""
    count = len(event.answers)
    order = np.roll(generator(f"study form answers {event.id}", seed).permutation(count), rater)
    if (rater // count + repeat) % 2:
        order = order[::-1]
    return {
        "event": event.id,
        "repeat": repeat,
        "exercise": _shown(event.exercise),
        "time": f"{event.time_s:.1f} s",
        "reference": _shown(event.reference),
        "answers": [{"id": event.answers[k].id, "text": _shown(event.answers[k].text)} for k in order],
    }


def _shown(text: str) -> str:
    """As long as a judge reads it."""
    return harmless(text, MOST_CHARACTERS)


def _part(name: str) -> str:
    return (files("judges.validation") / "data" / "form" / name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _environment() -> Environment:
    loader = PackageLoader("judges.validation", "data/form")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
