"""``biobench study``: may a number be believed? Plan, sample, rate, run, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from biobench.cli import options
from biobench.cli.judge_options import JudgeChoice, echo_estimates, judge_options, progress_bar
from biobench.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from judges.validation.run import Study
    from judges.validation.scorers import Scorer

__all__ = ["command"]

_folder = click.argument("folder", metavar="DIR")


@click.group("study")
def command() -> None:
    """Study whether a judge, or any metric of texts, may be believed.

    DIR is the study's folder. Without people: plan, run, report. With them: plan, sample, form, run --ratings, report.
    """


@command.command("plan")
@_folder
def plan(folder: str) -> None:
    """Write the plan: how much is asked, and the gates, before any data is seen.

    Also items.jsonl, every triple of reference, true paraphrase and edit with the slots that it touched; and questions.jsonl,
    every question with what is true of it.
    """
    from biobench.files import write_text  # noqa: PLC0415 - not needed for --help
    from judges.validation.plan import packaged_plan  # noqa: PLC0415
    from judges.validation.run import items_lines, questions_lines  # noqa: PLC0415

    study = _study(folder, made=False)
    path = study.folder / "plan.toml"
    if path.exists():
        click.echo(f"{path}: there already, kept")
    else:
        _make(study.folder)
        write_text(path, packaged_plan())
        click.echo(f"{path}: written; change its gates now or not at all")
    asked = study.material
    write_text(study.folder / "items.jsonl", items_lines(asked))
    write_text(study.folder / "questions.jsonl", questions_lines(asked))
    click.echo(f"{study.folder / 'items.jsonl'}: {len(asked.trials):,} edits of {len(asked.bases)} base items")
    click.echo(_asked(study))


@command.command("sample")
@_folder
@click.argument("preds", nargs=-1, required=True)
@options.data_options
@click.option("--protocol", default="biobench-1", show_default=True, help="Whose matched pairs are answers.")
def sample(
    folder: str, preds: tuple[str, ...], data: str | None, split: str, annotations: str | None, protocol: str
) -> None:
    """Draw reference events that at least three systems answered, for people to rate.

    PREDS are the systems' predictions files, or sample:NAME. Writes DIR/events.json.
    """
    from judges.validation.events import sample_events, write_events  # noqa: PLC0415 - not needed for --help

    study = _study(folder)
    path = study.folder / "events.json"
    handed_out = [*(study.folder / "ratings").glob("*.json"), *(study.folder / "forms").glob("*.html")]
    if path.exists() and handed_out:
        hint = "a new sample needs a new study folder; where no form was sent to anybody, remove forms/"
        raise ProblemsFound([Problem(str(path), "events of forms that are out", "none to be replaced", hint)])
    benchmark = options.open_benchmark(data, split, annotations)
    systems = [options.open_predictions(name, benchmark) for name in preds]
    sizes = study.plan.sizes
    events = sample_events(benchmark, systems, protocol, sizes.events, sizes.videos, seed=study.plan.seed)
    write_events(path, events)
    click.echo(options.benchmark_line(benchmark))
    answers = sum(len(event.answers) for event in events.events)
    videos = len({event.video for event in events.events})
    click.echo(
        f"{path}: {len(events.events)} events of {videos} videos, {answers:,} answers of {len(events.systems)} systems"
    )
    if events.shortfall is not None:
        click.echo(f"note: {options.seen(events.shortfall)}", err=True)


@command.command("form")
@_folder
@click.option(
    "--rater", "raters", multiple=True, metavar="NAME", help="Who will rate [default: rater-1, rater-2, ...]."
)
def form(folder: str, raters: tuple[str, ...]) -> None:
    """Write one page a rater: a file for any browser, without a network.

    It never shows which system said what. The rater sends back the file that the page saves.
    """
    from biobench.files import write_text  # noqa: PLC0415 - not needed for --help
    from judges.validation.form import render_form  # noqa: PLC0415
    from judges.validation.run import slug  # noqa: PLC0415

    study = _study(folder)
    if study.events is None:
        hint = f"biobench study sample {folder} PREDS..."
        raise ProblemsFound([Problem(str(study.folder / "events.json"), "no events", "a sample of them", hint)])
    names = raters or tuple(f"rater-{k + 1}" for k in range(study.plan.sizes.raters))
    pages = {slug(name): render_form(study.events, name, names, study.plan.seed) for name in names}
    _make(study.folder / "forms")
    for name, page in pages.items():
        path = study.folder / "forms" / f"{name}.html"
        write_text(path, page)
        click.echo(f"{path}: written")


@command.command("run")
@_folder
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME", help="A metric of texts [default: the built-in ones]."
)
@click.option(
    "--judge", "judge", type=click.Choice(["bio", "llm-acc"]), help="Also this judge; needs --model and --base-url."
)
@click.option(
    "--ratings", "ratings", multiple=True, metavar="FILE", help="What a rater's page saved; taken into DIR/ratings."
)
@click.option("--estimate", "only_estimate", is_flag=True, help="Say what the judge would take, and ask nothing.")
@judge_options
def run(
    folder: str,
    metrics: tuple[str, ...],
    judge: str | None,
    ratings: tuple[str, ...],
    only_estimate: bool,
    choice: JudgeChoice,
) -> None:
    """Ask metrics and judges everything that the plan asks; the trivial judges and BioClaim always come along.

    What is up to date is not asked again; a judge that was interrupted goes on where it stopped. Exit status: 0 done, 1 when
    answers are missing, 2 for bad input.
    """
    from judges.validation.judge_scorer import AnswersMissing, JudgeScorer  # noqa: PLC0415 - not needed for --help
    from judges.validation.scorers import METRICS, SENTINELS, scorer_of  # noqa: PLC0415

    study = _study(folder)
    if judge is None and (choice.models or only_estimate):
        raise click.UsageError("--model and --estimate go with --judge")
    names = dict.fromkeys((*(metrics or METRICS), "bioclaim", *SENTINELS))
    scorers = [scorer_of(name) for name in names]
    if ratings:
        _take_ratings(study, [Path(path) for path in ratings])
    if judge is not None and only_estimate:
        _estimate(study, judge, choice)
        return
    given = None if judge is None else choice.options()
    click.echo(_asked(study))
    kept = [name for name in study.stale() if name not in names and judge is None]
    if kept:
        click.echo(f"note: of other questions or events, and not asked now: {options.seen(', '.join(kept))}", err=True)
    for scorer in scorers:
        _ask(study, scorer)
    if judge is not None and given is not None:
        with progress_bar() as progress:
            asked = JudgeScorer(judge, replace(given, progress=progress))
            try:
                _ask(study, asked)
            except AnswersMissing as missing:
                click.echo(f"biobench: {asked.name}: {options.seen(str(missing))}", err=True)
                raise SystemExit(1) from None


@command.command("report")
@_folder
def report(folder: str) -> None:
    """Make of all scores a judge card each, and one page over all of them.

    Writes DIR/report: index.html, report.md, report.json, and cards/.
    """
    from judges.validation.report import terminal_table, write_report  # noqa: PLC0415 - not needed for --help

    study = _study(folder)
    found = study.report()
    write_report(found, study.folder)
    click.echo(f"judge studies, {found.title}")
    click.echo(terminal_table(found))
    click.echo(f"{study.folder / 'report' / 'index.html'}: written, with {len(found.cards)} cards")


def _study(folder: str, *, made: bool = True) -> Study:
    """The study of a folder. Raises ``ProblemsFound`` where there is no plan yet."""
    from judges.validation.run import Study  # noqa: PLC0415 - not needed for --help

    study = Study(Path(folder))
    if made and not (study.folder / "plan.toml").is_file():
        hint = f"biobench study plan {folder}"
        raise ProblemsFound([Problem(str(study.folder / "plan.toml"), "no plan", "a study's plan", hint)])
    return study


def _asked(study: Study) -> str:
    asked, sizes = study.material, study.plan.sizes
    return (
        f"{len(asked.questions):,} distinct questions, and for judges {len(asked.repeated)} of them {sizes.repeats} times "
        f"(plan {study.plan.sha256[:12]})"
    )


def _ask(study: Study, scorer: Scorer) -> None:
    if study.has(scorer):
        click.echo(f"{options.seen(scorer.name)}: up to date")
        return
    study.ask(scorer)
    click.echo(f"{options.seen(scorer.name)}: asked")


def _take_ratings(study: Study, paths: Sequence[Path]) -> None:
    """Checks the exports together with those that are there, then copies them. A rater's newer export replaces the older."""
    from biobench.files import write_bytes  # noqa: PLC0415 - not needed for --help
    from judges.validation.ratings import read_ratings  # noqa: PLC0415
    from judges.validation.run import slug  # noqa: PLC0415

    if study.events is None:
        raise ProblemsFound([Problem("--ratings", "no events in this study", "a sample that was rated")])
    taken = read_ratings(paths, study.events)
    folder = study.folder / "ratings"
    older: dict[str, Path] = {}
    counts: dict[str, int] = {}
    for path in sorted(folder.glob("*.json")):
        kept = read_ratings([path], study.events)
        for rater in kept.raters:
            older[_folded(rater)], counts[_folded(rater)] = path, len(kept.scores[rater])
    contents = [path.read_bytes() for path in paths]
    _make(folder)
    for rater, content in zip(taken.raters, contents, strict=True):
        target = folder / f"{slug(rater)}.json"
        write_bytes(target, content)
        if (former := older.get(_folded(rater), target)) != target:
            former.unlink()
    for rater in taken.raters:
        rated, open_ = len(taken.scores[rater]), taken.unrated[rater]
        left = f", {open_} still open" if open_ else ""
        former_ratings = f", in the place of {counts[_folded(rater)]}" if _folded(rater) in counts else ""
        click.echo(f"{options.seen(rater)}: {rated} ratings{left}{former_ratings}")


def _folded(rater: str) -> str:
    """Raters are the same whose names differ in capitals and spaces only, as the reader of ratings has it."""
    return " ".join(rater.split()).casefold()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProblemsFound([Problem(str(folder), f"no folder can be made ({error.strerror})", "a folder")]) from error


def _estimate(study: Study, judge: str, choice: JudgeChoice) -> None:
    from judges.validation.judge_scorer import JudgeScorer  # noqa: PLC0415 - not needed for --help

    given = choice.options(asks=False)
    scorer = JudgeScorer(judge, given)
    click.echo(_asked(study))
    asked, again, times = study.everything(), study.material.repeated, study.plan.sizes.repeats
    echo_estimates(choice, given, lambda known: scorer.requests(asked, again, times, known))
