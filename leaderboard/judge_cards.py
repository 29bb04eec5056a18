"""Judge cards beside a board's numbers: which numbers a card is about, what word stands there, and the card's own page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

from biobench.harmless import harmless
from biobench.problems import Problem, ProblemsFound
from biobench.results import Score
from biobench.signature import Signature
from judges.validation.card import CardWord, read_card_words
from leaderboard.columns import Column
from leaderboard.digest import Digest

__all__ = ["LARGEST_PAGE", "NOT_VALIDATED", "CardFile", "JudgeCard", "cards_of_board", "open_judge_cards"]

NOT_VALIDATED = "not validated"
"""What stands beside a judge's number without a card."""

LARGEST_PAGE = 2 << 20
"""Bytes of a card's own page."""

_JUDGE = "judge"
_NO_MATTER = frozenset({"metric", "host", "validated"})
"""Keys of signatures that change no score."""
_OF_EVERY_NUMBER = frozenset({"protocol", "match", "tol", "eps", "data", "split", "exercise", "biobench"})
"""Keys that say what was scored, not who scored it."""
_MOST_DIFFERENCES = 6
_LOADING = frozenset(
    {"src", "srcset", "href", "xlink:href", "data", "poster", "background", "action", "formaction", "ping", "manifest"}
)
_REFUSED = frozenset({"script", "base", "iframe", "frame", "object", "embed"})
_STYLE_LOADS = re.compile(r"@import|url\(([^)]*)", re.IGNORECASE)
_PASSED_OVER = re.compile(r"[\x00-\x20]")
"""What browsers pass over in the scheme of an address."""


@dataclass(frozen=True, slots=True)
class CardFile:
    """A card as it was read, and the bytes of its own page where one lies beside it."""

    path: Path
    card: CardWord
    page: bytes | None


@dataclass(frozen=True, slots=True)
class JudgeCard:
    """A card as a board shows it.

    ``columns`` are the keys of the columns whose numbers it is about, ``page`` is its own page's place in the site.
    """

    card: CardWord
    columns: tuple[str, ...]
    page: str | None

    @property
    def name(self) -> str:
        """The scorer's name as a page may show it."""
        return harmless(self.card.name, 120)

    @property
    def word(self) -> str:
        """What stands beside the numbers."""
        return self.card.word

    def applies_to(self, score: Score) -> bool:
        """Whether a number was made by the scorer that was studied."""
        return _is_of(self.card, score.metric) and not _differences(self.card, score)


def open_judge_cards(paths: Sequence[Path]) -> tuple[CardFile, ...]:
    """Reads cards, and the pages of the same name beside them. Raises ``ProblemsFound`` with every problem."""
    problems: list[Problem] = []
    found: list[CardFile] = []
    for path in paths:
        try:
            (card,) = read_card_words([path])
            found.append(CardFile(path, card, _page_beside(path)))
        except ProblemsFound as error:
            problems += error.problems
    if problems:
        raise ProblemsFound(problems)
    return tuple(found)


def cards_of_board(
    files: Sequence[CardFile], digests: Sequence[Digest], columns: Sequence[Column]
) -> tuple[tuple[JudgeCard, CardFile], ...]:
    """The columns that each card is about, in their order. Raises ``ProblemsFound`` for a card that is about none.

    A card is about a column if it is about every number in it. Of a judge everything must be the same but the host; of another
    scorer every key that its signature shares with the number's.
    """
    problems: list[Problem] = []
    found: list[tuple[JudgeCard, CardFile]] = []
    taken: dict[str, CardFile] = {}
    for file in files:
        try:
            fitting = _fitting(file, digests, columns)
        except ProblemsFound as error:
            problems += error.problems
            continue
        for key in fitting:
            if key in taken:
                problems.append(
                    Problem(str(file.path), f"a second card for {key}, after {taken[key].path}", "one card a scorer")
                )
        taken |= dict.fromkeys(fitting, file)
        found.append((JudgeCard(file.card, fitting, None), file))
    if problems:
        raise ProblemsFound(problems)
    place = {column.key: k for k, column in enumerate(columns)}
    found.sort(key=lambda pair: place[pair[0].columns[0]])
    return tuple(
        (card if file.page is None else replace(card, page=_place_in_site(k, file.path)), file)
        for k, (card, file) in enumerate(found, 1)
    )


def _fitting(file: CardFile, digests: Sequence[Digest], columns: Sequence[Column]) -> tuple[str, ...]:
    """The keys of the columns that a card is about. Raises ``ProblemsFound`` where it is about none, or about half of one."""
    card, name = file.card, harmless(file.card.name, 120)
    own = [column for column in columns if _is_of(card, column.metric)]
    fitting, nearest = [], None
    for column in own:
        by_system = dict(_differences_by_system(card, digests, column))
        wrong = {system: differences for system, differences in by_system.items() if differences}
        if not wrong:
            fitting.append(column.key)
        elif len(wrong) < len(by_system):
            system, differences = next(iter(wrong.items()))
            found = f"a card of {name}, which made {column.key} of some systems only"
            hint = f"of {system}, on the card against on the board: {_listed(differences)}"
            raise ProblemsFound([Problem(str(file.path), found, "one scorer for all systems of a column", hint)])
        else:
            differences = min(wrong.values(), key=len)
            nearest = differences if nearest is None or len(differences) < len(nearest) else nearest
    if fitting:
        return tuple(fitting)
    found = f"a card of {name}, which made no number of this board"
    if nearest is not None:
        expected = "a card of what made " + ", ".join(column.key for column in own)
        hint = f"on the card against on the board: {_listed(nearest)}"
    else:
        expected = "a card of a scorer that has a column"
        hint = "--judged brings a judge's numbers" if card.kind == _JUDGE else "it has none"
    raise ProblemsFound([Problem(str(file.path), found, expected, hint)])


def _differences_by_system(
    card: CardWord, digests: Sequence[Digest], column: Column
) -> Iterable[tuple[str, tuple[str, ...]]]:
    for digest in digests:
        score = digest.entrant.score(column.metric, column.protocol)
        if score is not None and score.value is not None:
            yield digest.id, _differences(card, score)


def _is_of(card: CardWord, metric: str) -> bool:
    """Whether a metric is a scorer's own, or made of its scores: ``meteor``, ``meteor_f``."""
    if card.kind == _JUDGE:
        stem = "llm_" + card.signature.get("judge", "").removeprefix("llm-").replace("-", "_")
        return metric in {stem, f"{stem}_lift"}
    return not metric.startswith("llm_") and (metric == card.name or metric.startswith(f"{card.name}_"))


def _differences(card: CardWord, score: Score) -> tuple[str, ...]:
    """What differs between what was studied and what made a number, each as ``key: this against that``."""
    mine, theirs = _as_printed(card.signature), dict(Signature.parse(score.signature).items)
    if card.kind == _JUDGE:
        keys = [key for key in dict.fromkeys([*mine, *theirs]) if key not in _NO_MATTER | _OF_EVERY_NUMBER]
    else:
        keys = [key for key in mine if key in theirs and key not in _NO_MATTER | _OF_EVERY_NUMBER]
        if not keys:
            return ("nothing on the card says what its scores were made with",)
    return tuple(
        f"{key}: {mine.get(key, 'absent')} against {theirs.get(key, 'absent')}"
        for key in keys
        if mine.get(key) != theirs.get(key)
    )


def _as_printed(signature: Mapping[str, str]) -> dict[str, str]:
    """A card's signature with its texts as a printed signature holds them."""
    return dict(item for key, value in signature.items() for item in Signature.of({key: value}).items)


def _listed(differences: Sequence[str]) -> str:
    more = len(differences) - _MOST_DIFFERENCES
    shown = [harmless(difference, 160) for difference in differences[:_MOST_DIFFERENCES]]
    return "; ".join(shown) + (f"; {more} more" if more > 0 else "")


def _place_in_site(number: int, path: Path) -> str:
    """A name that no file system and no address minds, whatever the file was called."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-")[:60]
    return f"cards/{number}-{plain or 'card'}.html"


def _page_beside(path: Path) -> bytes | None:
    """The page that lies beside a card. Raises ``ProblemsFound`` for one that a site can't hold."""
    page = path.with_suffix(".html")
    expected = f"a card's own page, at most {LARGEST_PAGE:,} bytes, that loads and runs nothing"
    hint = "biobench study report writes it; without one the card is shown all the same"
    try:
        with page.open("rb") as stream:
            content = stream.read(LARGEST_PAGE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProblemsFound([Problem(str(page), f"no readable file ({error.strerror})", expected, hint)]) from error
    found = [f"more than {LARGEST_PAGE:,} bytes"] if len(content) > LARGEST_PAGE else _loads(content)
    if found:
        raise ProblemsFound([Problem(str(page), harmless(what, 120), expected, hint) for what in dict.fromkeys(found)])
    return content


def _loads(content: bytes) -> list[str]:
    try:
        return _Loads(content.decode()).found
    except UnicodeDecodeError:
        return ["bytes that are not UTF-8"]


class _Loads(HTMLParser):
    """Finds what a page would load or run. Links to follow are no loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: (value or "").strip() for name, value in attrs}
        self._in_style = tag == "style"
        if tag in _REFUSED:
            self.found.append(f"<{tag}>")
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.found.append("<meta http-equiv=refresh>")
        for name, value in values.items():
            if name.startswith("on"):
                self.found.append(f"<{tag} {name}>")
            elif name == "style":
                self._style(value)
            elif name in _LOADING and not _stays(tag, value):
                self.found.append(f"<{tag} {name}={value}>")

    def handle_endtag(self, tag: str) -> None:
        self._in_style &= tag != "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._style(data)

    def _style(self, text: str) -> None:
        for load in _STYLE_LOADS.finditer(text):
            if not _stays("style", (load[1] or load[0]).strip("\"' \t\r\n\f")):
                self.found.append(f"a style with {load[0]}")


def _stays(tag: str, value: str) -> bool:
    """Whether an address is within the page, or is a link that a reader may follow."""
    value = _PASSED_OVER.sub("", value)
    scheme = re.match(r"[a-z][a-z0-9+.-]*(?=:)", value, re.IGNORECASE)
    kind = scheme[0].lower() if scheme else ""
    if tag == "a":
        return kind in {"", "http", "https", "mailto"}
    return not value or value.startswith("#") or kind == "data"
