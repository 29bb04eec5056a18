"""The board and the systems as HTML pages that open from disk: data, style and script inside, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import biobench
from biobench.harmless import harmless, script_json
from biobench.results import Json, Score
from judges.validation.findings import STUDIES
from leaderboard.board import TOP, Board
from leaderboard.claim_marks import claim_marks
from leaderboard.columns import Column, reported, reported_labels
from leaderboard.digest import TIMELINE_PROTOCOL, Digest
from leaderboard.judge_cards import NOT_VALIDATED, JudgeCard
from leaderboard.pictures.curves import f_against_tolerance
from leaderboard.pictures.heat_map import heat_map
from leaderboard.pictures.intervals import intervals
from leaderboard.pictures.scatter import quality_against_compute, quality_against_delay
from leaderboard.wording import card_facts, interval, place, score_text, system_name

__all__ = ["board_page", "system_page"]

_MOST_IN_PICTURES = 40
_STATIC_SEGMENTS = 3
"""Worst and best segments that a page shows where no script runs."""


@dataclass(frozen=True, slots=True)
class _Heading:
    key: str
    label: str
    help: str = ""
    protocol: str = ""
    num: bool = False
    word: str = ""


def board_page(board: Board) -> str:
    """The whole board as one file."""
    standing = board.standings[board.order.key]
    headings = [
        _Heading(
            "place",
            "place",
            f"Surely behind nobody above its range, surely before everybody below it, by {board.order.metric}.",
        ),
        _Heading("tier", "tier", "The first tier that holds nobody surely better."),
        _Heading("system", "system"),
        _Heading(
            "top",
            f"P(top {TOP})",
            f"How often it is among the best {TOP} when people are drawn again; a description.",
            num=True,
        ),
        *(
            _Heading(
                column.key,
                column.label,
                _help(board, column),
                column.protocol,
                num=True,
                word=_shown_word(board, column),
            )
            for column in board.columns
        ),
    ]
    return (
        _environment()
        .get_template("board.html")
        .render(
            **_inline("board.js", *(["cards.css"] if board.cards else [])),
            title=board.title,
            lead=_lead(board),
            facts=list(_facts(board)),
            notes=board.notes,
            headings=headings,
            rows=Markup("".join(_row(board, digest) for digest in board.digests)),  # noqa: S704 - escaped cell by cell, for speed
            reported=reported(),
            reported_labels=reported_labels(),
            pictures=list(_pictures(board)),
            cards=[_card(board, card) for card in board.cards],
            studies=list(_studies(board)),
            signature=board.signature + f" | {standing.test}",
            version=biobench.__version__,
            data=Markup(script_json(_data(board))),  # noqa: S704 - holds no < by construction
        )
    )


def system_page(board: Board, digest: Digest, figures: Mapping[str, Json] | None = None) -> str:
    """One system: what it is, its scores beside blind systems', and what it said; ``figures`` of segments, where there are."""
    standing = board.standings[board.order.key]
    segments = digest.segments
    name = system_name(digest.card)
    by_exercise = digest.by_exercise.get(board.order.key, {})
    link = digest.card.link
    return (
        _environment()
        .get_template("system.html")
        .render(
            **_inline("system.js"),
            title=board.title,
            name=name,
            description=harmless(digest.card.description or "", 600),
            link=link,
            standing=_standing_in_words(board, digest),
            notes=[
                *_card_notes(digest),
                *(_with_word(board, line) for lines in digest.advice.values() for line in lines),
            ],
            facts=list(card_facts(digest.card)),
            tables=[_score_table(board, digest, protocol) for protocol in digest.coverage],
            exercises=[(harmless(exercise), score_text(value, 3)) for exercise, value in by_exercise.items()],
            exercise_metric=f"{board.order.metric} ({board.order.protocol})",
            static_segments=list(_static_segments(segments)),
            signature=f"predictions and results of submission {digest.id}; {standing.test}",
            version=biobench.__version__,
            data=Markup(script_json(_timeline_data(segments, figures))),  # noqa: S704 - holds no <
        )
    )


def _timeline_data(segments: Sequence[Mapping[str, Json]], figures: Mapping[str, Json] | None) -> dict[str, object]:
    return {
        "protocol": TIMELINE_PROTOCOL,
        "segments": segments,
        "claims": claim_marks(segments),
        "figures": dict(figures or {}),
    }


def _lead(board: Board) -> str:
    competitors = sum(not digest.card.baseline for digest in board.digests)
    baselines = len(board.digests) - competitors
    told = [_counted(competitors, "system")] if competitors else []
    told += [_counted(baselines, "baseline")] if baselines else []
    return (
        f"{' and '.join(told)}. A place is a range: at best behind those that are surely better, at worst before those that "
        "are surely worse."
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _facts(board: Board) -> Iterable[tuple[str, str]]:
    data = board.benchmark
    people = f" of {data.get('subjects')} people" if data.get("subjects") else ""
    sample = ", the packaged sample (made up)" if data.get("sample") else ""
    yield (
        "data",
        f"{data.get('name')} ({data.get('split')}, {data.get('annotations')}): {data.get('videos')} videos{people}{sample}",
    )
    yield "ordered by", f"{board.order.metric} under {board.order.protocol}: {_help(board, board.order)}"
    yield "tested with", f"{board.standings[board.order.key].test}; {board.clusters}"
    if board.smallest_difference is not None:
        yield (
            "smallest sure difference",
            f"{board.smallest_difference:.3f} in {board.order.metric}, for the median pair of systems",
        )
    yield "data digest", str(data.get("sha256"))[:12]


def _help(board: Board, column: Column) -> str:
    """A column's help after what is known of its scorer."""
    word = board.word(column)
    return f"{word[0].upper()}{word[1:]}. {column.help}" if word else column.help


def _shown_word(board: Board, column: Column) -> str:
    """What stands in the heading itself, on a board with cards."""
    return board.word(column) if board.cards else ""


def _card(board: Board, card: JudgeCard) -> dict[str, object]:
    named = [f"{column.label} ({column.protocol})" for column in board.columns if column.key in card.columns]
    return {"name": card.name, "word": card.word, "columns": ", ".join(named), "page": card.page}


def _studies(board: Board) -> Iterable[dict[str, object]]:
    """Each study with its verdicts in the order of the cards, a dash where a card says nothing of it."""
    for study, (name, question) in STUDIES.items():
        verdicts = [card.card.verdicts.get(study, "–") for card in board.cards]
        yield {"study": f"{study} {name}", "question": question, "verdicts": verdicts}


def _with_word(board: Board, line: str) -> str:
    """A judge's line about itself, as it was before its card."""
    for card in board.cards:
        judge = card.card.signature.get("judge", "")
        if judge and line.startswith(f"judge {judge}: {NOT_VALIDATED}"):
            return f"judge {judge}: {card.word}, says its card"
    return line


def _row(board: Board, digest: Digest) -> str:
    """One row as markup. Written by hand: a thousand rows of twenty cells are too many for a template."""
    standing, card = board.standings[board.order.key], digest.card
    rank = standing.ranks.get(digest.id)
    name = f'<a href="systems/{escape(digest.id)}.html"><bdi>{escape(harmless(card.name))}</bdi></a>'
    about = " · ".join(_about(digest))
    below = f"<small>{escape(harmless(card.version))} · {about}</small>"
    tag = ' <span class="tag">baseline</span>' if card.baseline else ""
    reason = f'<span class="reason">not ranked: {escape(standing.unranked[digest.id])}</span>' if rank is None else ""
    top = board.top.get(digest.id)
    cells = [
        _cell("place", "–" if rank is None else place(rank), "place"),
        _cell("tier", "–" if rank is None else str(rank.tier)),
        f'<th scope="row" role="rowheader" class="name">{name}{tag}{below}{reason}</th>',
        _cell(f"P(top {TOP})", "–" if top is None else f"{top:.2f}", "num"),
    ]
    cells += [_number_cell(board, digest, column) for column in board.columns]
    return f'<tr role="row">{"".join(cells)}</tr>\n'


def _cell(label: str, text: str, class_: str = "") -> str:
    kind = f' class="{class_}"' if class_ else ""
    return f'<td role="cell" data-l="{escape(label)}"{kind}>{escape(text)}</td>'


def _number_cell(board: Board, digest: Digest, column: Column) -> str:
    score = digest.entrant.score(column.metric, column.protocol)
    word = _shown_word(board, column)
    label = f"{column.protocol} {column.label}" + (f" ({word})" if word else "")
    if score is None or score.value is None:
        return _cell(label, "–", "num")
    below = [interval(score, column.decimals)] if score.low is not None else []
    standing = board.standings.get(column.key)
    if standing is not None and standing.tested and digest.id in standing.ranks:
        below.append("place " + place(standing.ranks[digest.id]))
    small = "".join(f"<i>{line}</i>" for line in below)
    return (
        f'<td role="cell" data-l="{escape(label)}" class="num">{score_text(score.value, column.decimals)}{small}</td>'
    )


def _about(digest: Digest) -> Iterable[str]:
    """What decides whether two systems did the same task."""
    card = digest.card
    yield "causal" if card.causal else "not causal"
    if card.exercise_name != "unused":
        yield f"exercise {card.exercise_name}"
    if card.poses != "none":
        yield "the checker's poses" if card.poses == "benchmark" else "own poses"
    if card.seen_test_videos or card.seen_test_people:
        yield "has seen test " + ("videos" if card.seen_test_videos else "people")
    if card.runs == 1 and not card.baseline:
        yield "single run"


def _flags(digest: Digest) -> dict[str, str]:
    card, yes = digest.card, {True: "yes", False: "no"}
    return {
        "causal": yes[card.causal],
        "exercise": card.exercise_name,
        "poses": yes[card.poses == "benchmark"],
        "seen": yes[card.seen_test_people],
        "weights": card.weights,
    }


def _data(board: Board) -> dict[str, object]:
    """What the script sorts and filters by, in the order of the rows."""
    standing = board.standings[board.order.key]
    ranks = [standing.ranks.get(digest.id) for digest in board.digests]
    names = sorted(board.digests, key=lambda digest: (digest.card.name.casefold(), digest.id))
    by_name = {digest.id: k for k, digest in enumerate(names)}
    keys: dict[str, dict[str, object]] = {
        "place": {"first": "asc", "values": [None if rank is None else k for k, rank in enumerate(ranks)]},
        "tier": {"first": "asc", "values": [None if rank is None else rank.tier for rank in ranks]},
        "system": {"first": "asc", "values": [by_name[digest.id] for digest in board.digests]},
        "top": {"first": "desc", "values": [_rounded(board.top.get(digest.id)) for digest in board.digests]},
    }
    for column in board.columns:
        values = [_rounded(board.value(digest, column)) for digest in board.digests]
        keys[column.key] = {"first": "desc" if column.higher_is_better else "asc", "values": values}
    flags = [{**_flags(digest), **({"baseline": 1} if digest.card.baseline else {})} for digest in board.digests]
    return {"order": "place", "keys": keys, "flags": flags}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


@dataclass(frozen=True, slots=True)
class _Picture:
    svg: Markup
    caption: str
    class_: str


def _pictures(board: Board) -> Iterable[_Picture]:
    only = f" The first {_MOST_IN_PICTURES} of the board." if len(board.digests) > _MOST_IN_PICTURES else ""
    drawn = [
        (
            intervals(board, _MOST_IN_PICTURES),
            "Scores and 95 % intervals, tier by tier (every other tier has a band); rings are baselines." + only,
            "medium",
        ),
        (
            f_against_tolerance(board),
            (
                "F of biobench-1 against the tolerance in time. A timetable (dashed) rises with every half second that is "
                "forgiven; a system that knows the video is high at once."
            ),
            "small",
        ),
        (quality_against_delay(board), "The ordering score against how late remarks come.", "small"),
        (quality_against_compute(board), "The ordering score against compute, as the systems state it.", "small"),
        (
            heat_map(board, _MOST_IN_PICTURES),
            f"{board.order.metric} by exercise: few segments each, so read patterns, not digits." + only,
            "wide",
        ),
    ]
    for svg, caption, class_ in drawn:
        if svg is not None:
            yield _Picture(Markup(svg), caption, class_)  # noqa: S704 - every text in it is escaped where it is drawn


def _standing_in_words(board: Board, digest: Digest) -> str:
    standing = board.standings[board.order.key]
    rank = standing.ranks.get(digest.id)
    by = f"by {board.order.metric} under {board.order.protocol}"
    if rank is None:
        return f"Not ranked {by}: {standing.unranked[digest.id]}."
    ranked = len(standing.ranks)
    if rank.best == rank.worst:
        return f"Place {rank.best} of {ranked}, tier {rank.tier}, {by}."
    return f"One of the places {rank.best} to {rank.worst} of {ranked}, tier {rank.tier}, {by}."


def _card_notes(digest: Digest) -> Iterable[str]:
    if digest.card.seen_test_videos:
        yield "it has seen videos of this split"
    if digest.card.seen_test_people:
        yield "it has seen people of this split"
    if digest.card.poses == "benchmark":
        yield "it reads the pose files that the checker reads too: its angles are checked against themselves"
    if digest.card.runs == 1 and not digest.card.baseline:
        yield "a single run: how much another seed would change is not known"


def _score_table(board: Board, digest: Digest, protocol: str) -> dict[str, object]:
    scores = [score for score in digest.entrant.scores if score.protocol == protocol]
    beside: Mapping[str, Mapping[str, Score]] = {
        b.name: {s.metric: s for s in b.scores if s.protocol == protocol}
        for b in digest.beside
        if any(s.protocol == protocol for s in b.scores)
    }
    rows = [
        {
            "metric": harmless(score.metric),
            "word": board.word_of(score) if board.cards else "",
            "value": score_text(score.value, 3) if score.value is not None else f"– ({harmless(score.reason or '')})",
            "interval": interval(score, 3),
            "beside": [
                score_text(own[score.metric].value, 3) if score.metric in own else "–" for own in beside.values()
            ],
        }
        for score in scores
    ]
    note = f"coverage {digest.coverage[protocol]}"
    note += "" if digest.entrant.complete.get(protocol) else "; INCOMPLETE, not ranked"
    return {"protocol": harmless(protocol), "beside": [harmless(name) for name in beside], "rows": rows, "note": note}


def _static_segments(segments: Sequence[Mapping[str, object]]) -> Iterable[dict[str, object]]:
    """The worst and the best segments as tables, for where no script runs; the script replaces them."""

    def wrong(segment: Mapping[str, object]) -> int:
        pairs, references, predictions = segment["pairs"], segment["references"], segment["predictions"]
        return len(references) + len(predictions) - 2 * len(pairs)  # type: ignore[arg-type]  # lists, see Digest.segments

    in_order = sorted(segments, key=wrong, reverse=True)
    chosen = in_order[:_STATIC_SEGMENTS] + in_order[_STATIC_SEGMENTS:][-_STATIC_SEGMENTS:]
    for segment in chosen:
        yield {"told": f"{segment['id']} {segment['exercise']}", "rows": _event_rows(segment)}


def _event_rows(segment: Mapping[str, object]) -> list[tuple[str, str, str, str]]:
    references: list[tuple[float, str]] = segment["references"]  # type: ignore[assignment]
    predictions: list[tuple[float, str]] = segment["predictions"]  # type: ignore[assignment]
    pairs: dict[int, int] = dict(segment["pairs"])  # type: ignore[call-overload]
    rows = []
    for i, (time_s, text) in enumerate(references):
        said = predictions[pairs[i]] if i in pairs else None
        answer = ("", "(missed)") if said is None else (f"{said[0]:.1f}", said[1])
        rows.append((time_s, (f"{time_s:.1f}", text, *answer)))
    alarms = [prediction for j, prediction in enumerate(predictions) if j not in set(pairs.values())]
    rows += [(time_s, ("", "(false alarm)", f"{time_s:.1f}", text)) for time_s, text in alarms]
    return [row for _, row in sorted(rows)]


def _inline(script: str, *more_style: str) -> dict[str, str | Markup]:
    """Style and script of a page, and their hashes for its Content-Security-Policy."""
    style, code = "".join(_file(name) for name in ("style.css", *more_style)), _file(script)
    return {
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(code),  # noqa: S704 - our own file
        "style_hash": _sha256(style),
        "script_hash": _sha256(code),
    }


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _file(name: str) -> str:
    return files("leaderboard").joinpath("data", "page", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("leaderboard", "data/page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
