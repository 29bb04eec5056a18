"""Makes docs/study-results.md and its heat map: what every metric and scripted judge notices, and what it misses.

python scripts/studies_page.py STUDY            # runs what this folder lacks (ten minutes), says whether the page is up to date
python scripts/studies_page.py STUDY --write
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from biobench.chat import Endpoint
from biobench.files import write_text
from biobench.judging import JudgeOptions
from biobench.problems import ProblemsFound
from judges.fake_server import FakeServer
from judges.validation.card import Card, Report
from judges.validation.findings import STUDIES
from judges.validation.judge_scorer import JudgeScorer
from judges.validation.plan import packaged_plan
from judges.validation.run import Study, questions_lines
from judges.validation.scorers import METRICS, SENTINELS, scorer_of
from leaderboard.pictures.svg import element, figure, label, title

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "study-results.md"
PICTURE = ROOT / "docs" / "study-results.svg"
JUDGES = {
    "by-heart": "by-heart:file={questions}",
    "oracle": "oracle",
    "noisy": "noisy:sd=1.5",
    "length": "length",
    "always-5": "constant:score=5",
    "obeys": "obeys-injection",
}
"""Scripted judges behind ``bio``, by the name of the model that stands for them."""
BEGIN, END = "<!-- results -->", "<!-- /results -->"
LEFT, TOP, WIDTH, HEIGHT = 390.0, 110.0, 52.0, 22.0
COLOURS = ("#8c2d04", "#cc4c02", "#ec7014", "#fe9929", "#fec44f", "#fee391", "#d9f0ea", "#9dd3c6", "#4aa594", "#0b6b5c")
"""From brown to green, told apart by colour-blind people; dark at both ends."""


def main() -> None:
    """Runs what is not there yet, then writes page and picture, or says that they are old."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    try:
        report = studied(Path(arguments[0]))
    except ProblemsFound as found:
        sys.exit(str(found))
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    made = f"{head}{BEGIN}\n{tables(report)}\n{END}{rest.split(END)[1]}"
    picture = heat_map(report) + "\n"
    if "--write" in sys.argv[1:]:
        write_text(PAGE, made)
        write_text(PICTURE, picture)
    elif (made, picture) != (text, PICTURE.read_text(encoding="utf-8")):
        sys.exit(f"{PAGE} or {PICTURE} is out of date: run it with --write")


def studied(folder: Path) -> Report:
    """The report of a study with every scorer at hand."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "plan.toml", packaged_plan())
    study = Study(folder)
    questions = folder / "questions.jsonl"
    write_text(questions, questions_lines(study.material))
    for name in (*METRICS, "bertscore_f1", *SENTINELS):
        scorer = scorer_of(name)
        if not study.has(scorer):
            study.ask(scorer)
    for name, behaviour in JUDGES.items():
        with FakeServer(behaviour.format(questions=questions)) as server:
            options = JudgeOptions((Endpoint(server.base_url, name),), cache=folder / "cache.sqlite", tell=print)
            judge = JudgeScorer("bio", options)
            if not study.has(judge):
                study.ask(judge)
    return study.report()


def tables(report: Report) -> str:
    """The verdicts, and the numbers behind them, in Markdown."""
    cards = ordered(report.cards)
    lines = ["| | " + " | ".join(STUDIES) + " | word |", "|---|" + "---|" * (len(STUDIES) + 1)]
    for card in cards:
        verdicts = [card.finding(study).verdict.lower().replace("not shown", "–") for study in STUDIES]
        lines.append(f"| {shown(card)} | " + " | ".join(verdicts) + f" | {card.word} |")
    numbers = (
        ("paraphrase over look-alike", "S4", "s4_preference"),
        ("copy over wrong edit", "S4", "s4_copy_preferred"),
        ("detection + specificity - 1", "S4", "s4_detection"),
        ("drop for 5 degrees", "S4", "s4_angle_5"),
        ("drop for 30 degrees", "S4", "s4_angle_30"),
        ("soft pairwise accuracy", "S7", "s7_soft_accuracy"),
        ("smallest dose ordered", "S7", "s7_smallest_dose"),
    )
    lines += ["", "| | " + " | ".join(name for name, _, _ in numbers) + " |", "|---|" + "---|" * len(numbers)]
    for card in cards:
        cells = []
        for _, study, name in numbers:
            found = next((n for n in card.finding(study).numbers if n.name == name), None)
            if found is None or found.value is None:
                cells.append("–")
            elif found.low is None or found.high is None or found.low == found.high:
                cells.append(f"{found.value:.2f}")
            else:
                cells.append(f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]")
        lines.append(f"| {shown(card)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def heat_map(report: Report) -> str:
    """Perturbation by scorer: the share of triples in which the true paraphrase scores higher."""
    cards = ordered(report.cards)
    tables_ = [preferences(card) for card in cards]
    names = list(tables_[0])
    parts = [element("style", "text{font:12px system-ui,sans-serif;fill:#222}.n{font-size:11px}.w{fill:#fff}")]
    width, height = LEFT + WIDTH * len(cards) + 60, TOP + HEIGHT * len(names) + 10
    parts.append(element("rect", x=0.0, y=0.0, width=width, height=height, fill="#fff"))
    for column, card in enumerate(cards):
        x = LEFT + (column + 0.5) * WIDTH
        turned = f"rotate(-45 {x:.1f} {TOP - 8:.1f})"
        parts.append(element("text", shown(card), x=x, y=TOP - 8, transform=turned))
    for row, name in enumerate(names):
        y = TOP + row * HEIGHT
        parts.append(label(LEFT - 8, y + 15, name, "t", "end"))
        for column, (card, table) in enumerate(zip(cards, tables_, strict=True)):
            value, x = table[name], LEFT + column * WIDTH
            if value is None:
                continue
            level = min(9, int(value * 10))
            cell = element("rect", x=x, y=y, width=WIDTH - 1, height=HEIGHT - 1, fill=COLOURS[level])
            dark = " w" if level in {0, 1, 9} else ""
            inside = label(x + WIDTH / 2, y + 15, f"{value:.2f}".removeprefix("0") or "0", f"n{dark}", "middle")
            parts.append(element("g", title(f"{shown(card)}, {name}: {value:.3f}"), cell, inside))
    return figure(
        width, height, "Share of triples in which a true paraphrase scores higher than a wrong look-alike", parts
    )


def preferences(card: Card) -> dict[str, float | None]:
    """By perturbation, in the order of the catalogue."""
    (table,) = [t for t in card.finding("S4").tables if t.title == "Preference by perturbation"]
    place = table.columns.index("paraphrase preferred")
    return {f"{row[0]}: {row[1]}": number(row[place]) for row in table.rows}


def number(cell: object) -> float | None:
    """A cell that holds a share."""
    return cell if isinstance(cell, float) else None


def ordered(cards: Iterable[Card]) -> Sequence[Card]:
    """Words first, then claims, judges, and the trivial ones."""
    kinds = ("words", "claims", "judge", "trivial")
    places = {f"bio@{name}": k for k, name in enumerate(JUDGES)}
    return sorted(cards, key=lambda card: (kinds.index(card.kind), places.get(card.name, 0), card.name))


def shown(card: Card) -> str:
    """The name as the page says it."""
    return card.name.replace("bio@", "bio, ")


if __name__ == "__main__":
    main()
