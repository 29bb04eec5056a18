"""``biobench submit``: predictions and a card become a submission; ``--check`` says whether one holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from biobench.cli import options

if TYPE_CHECKING:
    from biobench.records import Benchmark

__all__ = ["command"]


@click.command("submit")
@click.argument("paths", nargs=-1, metavar="PREDS | FOLDER...")
@options.data_options
@click.option("--system", "card", metavar="FILE", help="The system's card, as --template writes it.")
@click.option("--to", metavar="DIR", help="The folder of submissions; a folder for this one is made in it.")
@click.option("--replace", is_flag=True, help="Replace an earlier submission of this name and version.")
@click.option("--bertscore", metavar="MODEL", help="Also BERTScore, with this model.")
@click.option("--template", is_flag=True, help="Write a card to fill in (to --out, or to the terminal).")
@click.option(
    "--out", metavar="FILE", help="With --template: write the card here. With --check: write the report here."
)
@click.option("--check", is_flag=True, help="Check submissions: every problem in one pass, scores made again.")
@click.option(
    "--allow-unchecked",
    multiple=True,
    metavar="METRIC",
    help="With --check: no problem if this metric can't be made again here (repeatable).",
)
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]),
              help="With --check: the form of the report [default: text].")  # fmt: skip
def command(
    paths: tuple[str, ...],
    data: str | None,
    split: str,
    annotations: str | None,
    card: str | None,
    to: str | None,
    replace: bool,
    bertscore: str | None,
    template: bool,
    out: str | None,
    check: bool,
    allow_unchecked: tuple[str, ...],
    form: str | None,
) -> None:
    """Make a submission to a leaderboard, or check some.

    PREDS is a predictions file in any accepted form, or sample:NAME; with --check, FOLDER... are submissions. What is
    submitted are predictions; the scores beside them are made here, and made again by --check. Exit status: 0 done, 2 for
    bad input or a submission with problems.
    """
    if template:
        if paths or check:
            raise click.UsageError("--template takes neither predictions nor --check")
        _refuse("--template", {"--system": card, "--to": to, "--replace": replace, "--bertscore": bertscore,
                               "--allow-unchecked": allow_unchecked, "--format": form})  # fmt: skip
        _template(out)
    elif check:
        if not paths:
            raise click.UsageError("name the submissions to check")
        _refuse("--check", {"--system": card, "--to": to, "--replace": replace})
        _check(
            paths,
            options.output_path(out) if out else None,
            form or "text",
            bertscore,
            allow_unchecked,
            options.open_benchmark(data, split, annotations),
        )
    else:
        _refuse("making a submission", {"--out": out, "--allow-unchecked": allow_unchecked, "--format": form})
        if len(paths) != 1:
            raise click.UsageError("name one predictions file" + (f", not {len(paths)}" if paths else ""))
        if card is None or to is None:
            raise click.UsageError("say which system it is (--system FILE) and where to (--to DIR)")
        _submit(
            paths[0], card, to, replace=replace, bertscore=bertscore, data=data, split=split, annotations=annotations
        )


def _refuse(what: str, given: Mapping[str, object]) -> None:
    """An option that would do nothing is a mistake, not a detail."""
    idle = [name for name, value in given.items() if value]
    if idle:
        raise click.UsageError(f"{what} has no use for {', '.join(idle)}")


def _template(out: str | None) -> None:
    from biobench.files import write_text  # noqa: PLC0415 - keeps --help fast
    from leaderboard.card import template  # noqa: PLC0415

    if out is None:
        options.echo_utf8(template())
        return
    target = options.output_path(out)
    if target.exists():
        raise click.UsageError(f"{out} is there already; it is not overwritten")
    write_text(target, template())
    click.echo(f"{out}: a card to fill in")


def _submit(
    preds: str, card: str, to: str, *, replace: bool, bertscore: str | None, data: str | None, split: str, annotations: str | None
) -> None:  # fmt: skip
    from leaderboard.card import read_card  # noqa: PLC0415 - keeps --help fast
    from leaderboard.submit import submit  # noqa: PLC0415

    system = read_card(Path(card))
    benchmark = options.open_benchmark(data, split, annotations)
    click.echo(options.benchmark_line(benchmark))
    predictions = options.open_predictions(preds, benchmark)
    folder, results = submit(predictions, benchmark, system, Path(to), bertscore=bertscore, replace=replace)
    options.echo_notices(results.notices, err=True)
    click.echo(f"{folder}: {options.seen(system.name)} {system.version}, scored and checksummed")
    missing = {name for coverage in results.coverage.values() for name in coverage.missing or ()}
    if missing:
        click.echo(
            f"note: {len(missing)} segments have no entry (one is {min(missing)}): incomplete coverage is not ranked"
        )


def _check(
    folders: tuple[str, ...],
    out: Path | None,
    form: str,
    bertscore: str | None,
    allow_unchecked: tuple[str, ...],
    benchmark: Benchmark,
) -> None:
    from biobench.files import write_text  # noqa: PLC0415 - keeps --help fast
    from leaderboard.check import check_submission  # noqa: PLC0415
    from leaderboard.report import as_json, as_markdown  # noqa: PLC0415

    found = {
        folder: check_submission(folder, benchmark, bertscore=bertscore, allow_unchecked=allow_unchecked)
        for folder in map(Path, folders)
    }
    if form == "text":
        lines = [f"checked against {options.benchmark_line(benchmark)}"]
        for folder, problems in found.items():
            lines += [options.seen(str(problem)) for problem in problems]
            told = f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "no problems"
            lines.append(f"{options.seen(str(folder))}: {told}")
        report = "\n".join(lines) + "\n"
    else:
        report = as_json(found) if form == "json" else as_markdown(found)
    if out is None:
        options.echo_utf8(report)
    else:
        write_text(out, report)
    if any(found.values()):
        raise SystemExit(2)
