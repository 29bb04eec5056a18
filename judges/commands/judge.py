"""``biobench judge``: what a judge would cost, what an endpoint can do, and a system judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from biobench.cli import options
from biobench.cli.judge_options import JudgeChoice, echo_estimates, judge_options, progress_bar
from biobench.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from biobench.chat import Capabilities, Endpoint
    from biobench.judging import JudgeOptions
    from biobench.records import Benchmark, Predictions
    from biobench.results import Results
    from judges.llm.run import Plan

__all__ = ["command"]

_DEFAULT_PROTOCOLS = ("biobench-1",)

_judge = click.option(
    "--judge", "judge", type=click.Choice(["bio", "llm-acc"]), default="bio", show_default=True, help="Which judge."
)
_protocols = click.option(
    "--protocol", "protocols", multiple=True, metavar="NAME", help="Whose matched pairs [default: biobench-1]."
)
_exercise = click.option("--exercise", metavar="NAME", help="Judge this exercise only.")


@click.group("judge")
def command() -> None:
    """Ask a language model whether feedback is right about the body.

    Any server of the OpenAI kind will do. The key is taken from OPENAI_API_KEY; a local server needs none. Answers are kept:
    nothing is asked twice.
    """


@command.command("probe")
@judge_options
def probe(choice: JudgeChoice) -> None:
    """Find out what an endpoint can do, by six tiny questions."""
    for endpoint in choice.endpoints():
        found = _capabilities(endpoint, choice)
        click.echo(f"{endpoint.model} at {endpoint.base_url}: {found}; schemas are sent as {found.mode}")


@command.command("estimate")
@click.argument("preds")
@options.data_options
@_judge
@_protocols
@_exercise
@judge_options
def estimate_cost(
    preds: str,
    data: str | None,
    split: str,
    annotations: str | None,
    judge: str,
    protocols: tuple[str, ...],
    exercise: str | None,
    choice: JudgeChoice,
) -> None:
    """Say how many calls and tokens a judge would take, and what they cost; nothing is sent.

    Repairs of unreadable answers come on top. Without --price-in and --price-out the price is unknown.
    """
    benchmark = options.open_benchmark(data, split, annotations)
    predictions = options.open_predictions(preds, benchmark)
    given = choice.options(asks=False)
    plan = _plan(judge, predictions, benchmark, protocols, exercise, given)
    click.echo(options.benchmark_line(benchmark))
    pairs = sum(len(items) for items in plan.items.values())
    click.echo(
        f"judge {judge}: {pairs:,} pairs, {len(plan.questions):,} distinct questions, {given.samples} samples each"
    )
    echo_estimates(
        choice,
        given,
        lambda known: (
            plan.profile.request(question, sample, given.samples, known)
            for question in plan.questions
            for sample in range(given.samples)
        ),
    )


@command.command("score")
@click.argument("preds")
@options.data_options
@_judge
@_protocols
@_exercise
@judge_options
@click.option("--batch-out", metavar="FILE", help="Write what the cache lacks as a batch file, and send nothing.")
@click.option("--batch-in", metavar="FILE", help="First take the answers of a batch into the cache.")
@click.option("--out", metavar="FILE", help="Write the results file (JSON) here, every reply included.")
@click.option("--judge-out", metavar="FILE", help="Write every reply here, instead of into the results file.")
def score(
    preds: str,
    data: str | None,
    split: str,
    annotations: str | None,
    judge: str,
    protocols: tuple[str, ...],
    exercise: str | None,
    choice: JudgeChoice,
    batch_out: str | None,
    batch_in: str | None,
    out: str | None,
    judge_out: str | None,
) -> None:
    """Judge a system's matched pairs.

    PREDS is a predictions file in any accepted form, or sample:NAME. Exit status: 0 done, 1 when there is no number (answers
    are missing, or the judge failed its canaries), 2 for bad input. A run that ended early goes on where it stopped.
    """
    from biobench.evaluation import evaluate  # noqa: PLC0415 - keeps --help fast

    if batch_out is not None and batch_in is not None:
        raise click.UsageError("--batch-out and --batch-in are two runs")
    target = options.output_path(out, preds) if out is not None else None
    replies = options.output_path(judge_out, preds, *([out] if out else [])) if judge_out is not None else None
    benchmark = options.open_benchmark(data, split, annotations)
    predictions = options.open_predictions(preds, benchmark)
    given = choice.options()
    if batch_out is not None:
        plan = _plan(judge, predictions, benchmark, protocols, exercise, given)
        _write_batch(plan, given, options.output_path(batch_out, preds))
        return
    if batch_in is not None:
        given = _read_batch(Path(batch_in), given)
    with progress_bar() as progress:
        results = evaluate(
            predictions,
            benchmark,
            protocols or _DEFAULT_PROTOCOLS,
            exercise=exercise,
            baselines=False,
            judges=(judge,),
            judge_options=replace(given, progress=progress),
        )
    if replies is not None:
        results = results.with_replies_in(replies)
    if target is not None:
        results.write(target)
    click.echo(options.benchmark_line(benchmark))
    _echo(results)
    options.echo_notices(results.notices, err=False)
    failed = dict.fromkeys(str(one.reason) for one in results.failed if one.metric.startswith("llm_"))
    for reason in failed:
        click.echo(f"biobench: {judge} {options.seen(reason)}", err=True)
    if failed:
        raise SystemExit(1)


def _plan(
    judge: str,
    predictions: Predictions,
    benchmark: Benchmark,
    protocols: tuple[str, ...],
    exercise: str | None,
    given: JudgeOptions,
) -> Plan:
    from biobench.evaluation import runs_of  # noqa: PLC0415 - keeps --help fast
    from judges.llm.run import plan_of  # noqa: PLC0415

    runs = runs_of(predictions, benchmark, protocols or _DEFAULT_PROTOCOLS, exercise)
    return plan_of(judge, runs, predictions.system, given)


def _capabilities(endpoint: Endpoint, choice: JudgeChoice) -> Capabilities:
    import asyncio  # noqa: PLC0415 - not needed for --help

    from biobench.chat import Client  # noqa: PLC0415

    async def ask() -> Capabilities:
        async with Client(
            endpoint, cache=choice.cache_path(), offline=choice.offline, budget=choice.budget()
        ) as client:
            return await client.capabilities()

    return asyncio.run(ask())


def _assumed(endpoint: Endpoint, cache: Path) -> Capabilities:
    """What an earlier probe found; else what servers that read batches take. Both halves of a batch must agree on it."""
    from biobench.chat import Cache, known_capabilities  # noqa: PLC0415 - not needed for --help
    from judges.llm.asking import ASSUMED  # noqa: PLC0415

    with Cache(cache) as opened:
        return known_capabilities(endpoint, opened) or ASSUMED


def _for_batch(given: JudgeOptions) -> tuple[Endpoint, Path]:
    if len(given.endpoints) > 1 or given.cache is None:
        raise ProblemsFound([Problem("a batch", f"{len(given.endpoints)} models", "one model a batch file")])
    return given.endpoints[0], given.cache


def _write_batch(plan: Plan, given: JudgeOptions, path: Path) -> None:
    from biobench.chat import write_batch  # noqa: PLC0415 - not needed for --help
    from judges.llm.run import unmet_requests  # noqa: PLC0415

    endpoint, cache = _for_batch(given)
    capabilities = _assumed(endpoint, cache)
    unmet = unmet_requests(plan, replace(given, offline=True, capabilities=capabilities, tell=None))
    written = write_batch(endpoint, unmet, path, None, capabilities.mode)
    click.echo(f"{path}: {written.written:,} requests; give the answers back with --batch-in")


def _read_batch(path: Path, given: JudgeOptions) -> JudgeOptions:
    from biobench.chat import Cache, read_batch  # noqa: PLC0415 - not needed for --help

    endpoint, cache = _for_batch(given)
    capabilities = _assumed(endpoint, cache)
    with Cache(cache) as opened:
        read = read_batch(path, opened)
    click.echo(f"{path}: {read.stored:,} new answers, {read.known:,} known, {len(read.errors):,} errors", err=True)
    return replace(given, capabilities=capabilities)


def _echo(results: Results) -> None:
    """One line a number, then what the judge has to say for itself."""
    for one in results.scores:
        if not one.metric.startswith("llm_"):
            continue
        bounds = "" if one.low is None or one.high is None else f" [{one.low:.3f}, {one.high:.3f}]"
        value = "no number" if one.value is None else f"{one.value:.3f}{bounds}"
        why = f" ({one.reason})" if one.reason and one.value is None and not one.reason.startswith("failed") else ""
        click.echo(f"{one.protocol} {one.metric} {value}, n {one.n}, not validated{why}")
    for line in results.judge_lines:
        click.echo(options.seen(line))
    click.echo(f"signature: {next(one.signature for one in results.scores if one.metric.startswith('llm_'))}")
