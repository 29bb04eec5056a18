"""What a study found, to be read: one page over all scorers and a judge card for each, as HTML, Markdown and JSON."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from rich.console import Console

from biobench import tables
from biobench.files import write_text
from biobench.problems import Problem, ProblemsFound
from biobench.tables import Column, print_table, to_markdown
from judges.validation.card import Card, Report, read_card_words
from judges.validation.findings import STUDIES, Verdict
from judges.validation.report_cells import (
    finding_tables,
    grids,
    in_words,
    interval_text,
    number_text,
    seen,
    shown_number,
    summary,
    text_table,
    wanted_text,
)

__all__ = [
    "render_card_html",
    "render_card_markdown",
    "render_html",
    "render_markdown",
    "terminal_table",
    "write_report",
]

_KINDS = {
    "judge": "a language model as judge",
    "claims": "claims, compared by code",
    "words": "words, compared by code",
    "trivial": "trivial: it reads one of the two texts at most",
}
"""In the order of the page."""
_LONGEST_NAME = 60
_NARROWEST, _IN_A_PIPE = 80, 120
"""Columns of a terminal."""
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(1, 10))}
"""File names that some systems refuse."""


def write_report(report: Report, folder: Path) -> list[Path]:
    """Writes ``report/`` in a study's folder: index.html, report.md, report.json, and three files a card in ``cards/``.

    The same report gives the same bytes. Cards of an earlier report whose scorers are not in this one are removed. Returns
    what was written. Raises ``ProblemsFound`` where nothing can be written, ``ValueError`` for a number that JSON has not.
    """
    place = folder / "report"
    texts = {
        place / "index.html": render_html(report),
        place / "report.md": render_markdown(report),
        place / "report.json": _json(report.as_json()),
    }
    for slug, card in _named(report):
        texts[place / "cards" / f"{slug}.html"] = render_card_html(report, card)
        texts[place / "cards" / f"{slug}.md"] = render_card_markdown(report, card)
        texts[place / "cards" / f"{slug}.json"] = _json(report.card_as_json(card))
    try:
        (place / "cards").mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            write_text(path, text)
        _remove_former(place / "cards", set(texts))
    except OSError as error:
        found = f"a place that can't be written ({error.strerror})"
        raise ProblemsFound([Problem(str(place / "cards"), found, "a folder for the report")]) from error
    return list(texts)


def render_html(report: Report) -> str:
    """The page over all scorers: one file that fetches nothing and runs nothing."""
    named = _named(report)
    cards = [card for _, card in named]
    return _render(
        "report.html",
        report=report,
        basis=_basis(report),
        studies=STUDIES,
        scorers=[(slug, card, {study: summary(card, study) for study in STUDIES}) for slug, card in named],
        kinds=_KINDS,
        shown={study: shown_number(cards, study) for study in STUDIES},
        grids=grids(cards),
        names=[card.name for card in cards],
    )


def render_card_html(report: Report, card: Card) -> str:
    """The judge card of one scorer as a page of its own."""
    return _render(
        "card.html",
        report=report,
        basis=_basis(report),
        card=card,
        kind=_KINDS.get(card.kind, card.kind),
        unscored=_unscored(card),
        studies=STUDIES,
        findings={finding.study: finding for finding in card.findings},
        tables={finding.study: [text_table(table) for table in finding.tables] for finding in card.findings},
    )


def render_markdown(report: Report) -> str:
    """The page over all scorers as GitHub-flavoured Markdown."""
    named = _named(report)
    cards = [card for _, card in named]
    names = [Column(seen(card.name), "right") for card in cards]
    overview = tables.Table(
        "All scorers",
        tuple(map(Column, ("scorer", "kind", "word", *(f"{study} {name}" for study, (name, _) in STUDIES.items())))),
        tuple(
            (seen(card.name), seen(card.kind), card.word, *(in_words(summary(card, study)) for study in STUDIES))
            for card in cards
        ),
        tuple(seen(line) for line in (*_basis(report), _environment_line(report))),
    )
    parts = [f"# Judge studies: {report.title}", *_warning(report), to_markdown(overview)]
    for grid in grids(cards):
        rows = tuple((seen(row.name), *(seen(in_words(cell)) for cell in row.cells)) for row in grid.rows)
        parts.append(to_markdown(tables.Table(grid.title, (Column(grid.corner), *names), rows, (grid.reading,))))
    parts.append("**Judge cards**\n\n" + "\n".join(f"* [{slug}](cards/{slug}.md)" for slug, _ in named))
    return "\n\n".join(parts) + "\n"


def render_card_markdown(report: Report, card: Card) -> str:
    """The judge card of one scorer as GitHub-flavoured Markdown."""
    facts = [
        ("scorer", card.name),
        ("kind", _KINDS.get(card.kind, card.kind)),
        ("word", card.word),
        ("questions", f"{card.asked:,}"),
        ("left unscored", _unscored(card)),
        *card.signature.items(),
    ]
    notes = tuple(seen(line) for line in (*_basis(report), _environment_line(report)))
    about = tables.Table(
        "The scorer", (Column("what"), Column("is")), tuple((seen(k), seen(v)) for k, v in facts), notes
    )
    parts = [f"# Judge card: {card.word}", *_warning(report), to_markdown(about)]
    findings = {finding.study: finding for finding in card.findings}
    for study, (name, question) in STUDIES.items():
        parts.append(f"## {study} {name}")
        finding = findings.get(study)
        why = "" if finding is None else seen(finding.why)
        verdict = "not part of this study" if finding is None else finding.verdict
        parts.append(to_markdown(tables.Table(verdict, (Column("question"), Column("why")), ((question, why or "–"),))))
        if finding is not None:
            parts += [to_markdown(table) for table in finding_tables(finding)]
    return "\n\n".join(parts) + "\n"


def terminal_table(report: Report) -> str:
    """One line a scorer: the verdict of each study (a hyphen where nothing is shown) and the word of its card."""
    stream = io.StringIO()
    width = max(_NARROWEST, shutil.get_terminal_size((_IN_A_PIPE, 24)).columns)
    print_table(Console(file=stream, width=width, color_system=None, legacy_windows=False), _scorers(report))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _scorers(report: Report) -> tables.Table:
    rows = tuple(
        (
            seen(card.name),
            seen(card.kind),
            *(_short(summary(card, study).verdict) for study in STUDIES),
            card.word,
        )
        for _, card in _named(report)
    )
    columns = (Column("scorer"), Column("kind"), *(Column(study, "right") for study in STUDIES), Column("word"))
    warning = tuple(f"WARNING: {told}" for told in report.warnings)
    return tables.Table("Scorers", columns, rows, (*warning, *(seen(line) for line in _basis(report))))


def _warning(report: Report) -> list[str]:
    return [f"**Warning.** {seen(told)}" for told in report.warnings]


def _short(verdict: Verdict | None) -> str:
    return "-" if verdict is None or verdict == "NOT SHOWN" else verdict


def _basis(report: Report) -> tuple[str, ...]:
    """What the report rests on, in sentences."""
    basis, plan, people = report.basis, report.plan, report.basis.people
    asked = (
        f"{basis.base_items:,} moments of QEVD-synth, made into {basis.questions:,} questions "
        f"(sha256 {basis.questions_sha256[:12]}); what is right and what is wrong is known because it was made so."
    )
    heard = (
        "Nobody has rated anything, so whether a scorer agrees with people is not known."
        if people is None
        else f"{people.raters:,} people gave {people.ratings:,} ratings of {people.answers:,} answers "
        f"to {people.events:,} events (sha256 {people.events_sha256[:12]})."
    )
    state = "changed after the first scores" if report.plan_changed else "unchanged since the first scores"
    gates = (
        f"Gates by plan {plan.version} (sha256 {plan.sha256[:12]}, seed {plan.seed}, {100 * plan.confidence:g} % intervals), "
        f"{state}."
    )
    return asked, heard, gates


def _environment_line(report: Report) -> str:
    return f"Made with {', '.join(f'{name} {version}' for name, version in report.environment.items()) or 'biobench'}."


def _unscored(card: Card) -> str:
    causes = [f"{cause} {count:,}" for cause, count in card.unscored.items() if count]
    return f"{sum(card.unscored.values()):,} ({', '.join(causes)})" if causes else "none"


def _named(report: Report) -> list[tuple[str, Card]]:
    """The cards in the order of the page, each with the name of its files."""
    kinds = list(_KINDS)

    def order(card: Card) -> tuple[int, str, str]:
        return (kinds.index(card.kind) if card.kind in kinds else len(kinds), card.name.casefold(), card.name)

    taken, named = set(_RESERVED), []
    for card in sorted(report.cards, key=order):
        stem = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "-" for c in card.name.lower())
        stem = "-".join(filter(None, stem.split("-")))[:_LONGEST_NAME].strip("-") or "scorer"
        slug, again = stem, 1
        while slug in taken:
            again += 1
            slug = f"{stem}-{again}"
        taken.add(slug)
        named.append((slug, card))
    return named


def _remove_former(folder: Path, written: set[Path]) -> None:
    """A card that stays behind would be read as one of this report; files that are no cards are left alone."""
    for path in sorted(folder.glob("*.json")):
        if path in written:
            continue
        try:
            read_card_words([path])
        except ProblemsFound:
            continue
        for suffix in (".html", ".md", ".json"):
            path.with_suffix(suffix).unlink(missing_ok=True)


def _json(value: object) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def _render(template: str, **values: object) -> str:
    style = _style()
    return (
        _environment()
        .get_template(template)
        .render(
            **values,
            style=Markup(style),  # noqa: S704 - our own file
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        )
    )


@cache
def _style() -> str:
    return (files("judges.validation") / "data" / "report" / "report.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("judges.validation", "data/report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Whatever text a template puts out, what can't be seen in it is written out first.
        finalize=lambda value: seen(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.filters.update(number=number_text, interval=interval_text, wanted=wanted_text)
    return environment
