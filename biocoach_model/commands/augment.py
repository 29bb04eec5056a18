"""``biobench augment``: remarks rewritten with what was measured, checked, and laid before a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from biobench import __version__
from biobench.cli import options
from biobench.cli.judge_options import JudgeChoice, progress_bar
from biobench.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from biobench.records import Benchmark
    from biocoach_model.augmentation.annotations import Annotations
    from biocoach_model.augmentation.llm import Asker
    from biocoach_model.augmentation.rewrite import Rewritten

__all__ = ["command"]


@click.command("augment")
@options.data_options
@click.option(
    "--out", required=True, metavar="FILE", help="The new annotations, such as feedbacks_long_range_bio.json."
)
@click.option("--review", metavar="FILE", help="Also a page (HTML) on which a person accepts or rejects each change.")
@click.option("--decisions", metavar="FILE", help="What a person decided on that page; rejected words are not taken.")
@click.option("--llm-model", metavar="NAME", help="Let this model word the remarks, instead of a rule.")
@click.option("--base-url", metavar="URL", help="Its server, such as http://localhost:8000/v1.")
@click.option(
    "--key-variable", metavar="NAME", help="The environment variable that holds its key [default: OPENAI_API_KEY]."
)
@click.option("--cache", metavar="FILE", help="Answers that are there [default: ~/.cache/biobench/judge.sqlite].")
@click.option("--offline", is_flag=True, help="Answer from the cache alone; open no connection.")
@click.option("--budget-calls", type=click.IntRange(0), metavar="N", help="At most so many calls.")
@click.option("--budget-tokens", type=click.IntRange(0), metavar="N", help="At most so many tokens, in and out.")
def command(
    data: str | None,
    split: str,
    annotations: str | None,
    out: str,
    review: str | None,
    decisions: str | None,
    llm_model: str | None,
    base_url: str | None,
    key_variable: str | None,
    cache: str | None,
    offline: bool,
    budget_calls: int | None,
    budget_tokens: int | None,
) -> None:
    """Rewrite remarks with what poses show at their time; when they are said stays.

    New words are taken only if the remark still says the same and its numbers are measured; FILE.how.jsonl says of each remark
    how it came to be. Exit status: 0 done, 1 when poses of a video or answers of a model were missing (those remarks are
    kept, the rest is done), 2 for bad input.
    """
    from biocoach_model.augmentation.annotations import read_annotations  # noqa: PLC0415 - numpy, not needed for --help
    from biocoach_model.augmentation.rewrite import decided, rewrite  # noqa: PLC0415
    from biocoach_model.augmentation.sidecar import read_decisions, summary  # noqa: PLC0415
    from biocoach_model.inputs import Inputs  # noqa: PLC0415

    asker = _asker(llm_model, base_url, key_variable, cache, budget_calls, budget_tokens, offline=offline)
    benchmark = options.open_benchmark(data, split, annotations)
    known = read_annotations(benchmark)
    how = f"{out}.how.jsonl"
    inputs = [str(known.path), *([decisions] if decisions else [])]
    targets = [options.output_path(path, *inputs) for path in (out, how, *([review] if review else []))]
    if len({target.resolve() for target in targets}) < len(targets):
        raise ProblemsFound([Problem("--review", "the same file as another output", "a file of its own")])
    decisions_made = None if decisions is None else read_decisions(Path(decisions), known.sha256)
    poses = Inputs.open(benchmark, poses=True)
    click.echo(options.benchmark_line(benchmark))
    with progress_bar() as told:
        found = rewrite(known, poses, asker=asker, pictures=review is not None, told=told)
    if decisions_made is not None:
        found = decided(found, known, decisions_made.on(found.remarks))
    _write(targets, found, known, benchmark, asker)
    click.echo(summary(found.remarks))
    click.echo(f"{out}: {len(found.words()):,} remarks rewritten; {how} says how each line came to be")
    if review is not None:
        click.echo(f"{review}: open it in a browser, decide, save the decisions, and run again with --decisions")
    _echo_failures(found)


def _asker(
    model: str | None,
    base_url: str | None,
    key_variable: str | None,
    cache: str | None,
    budget_calls: int | None,
    budget_tokens: int | None,
    *,
    offline: bool,
) -> Asker | None:
    """None where no model is named. Raises ``ProblemsFound`` for options that are of no use without one."""
    if model is None:
        given = {"--base-url": base_url, "--key-variable": key_variable, "--cache": cache, "--budget-calls": budget_calls,
                 "--budget-tokens": budget_tokens, "--offline": offline or None}  # fmt: skip
        alone = [name for name, value in given.items() if value is not None]
        if alone:
            raise ProblemsFound([Problem(name, "no --llm-model", "a model to use it for") for name in alone])
        return None
    from biocoach_model.augmentation.llm import Asker  # noqa: PLC0415 - not needed for --help

    if base_url is None:
        raise ProblemsFound([Problem("--base-url", "none", "the model's server", "such as http://localhost:8000/v1")])
    choice = JudgeChoice(
        models=(model,),
        base_urls=(base_url,),
        key_variables=() if key_variable is None else (key_variable,),
        second_model=None,
        second_base_url=None,
        second_key_variable="",
        samples=1,
        max_tokens=None,
        cache=cache,
        offline=offline,
        budget_calls=budget_calls,
        budget_tokens=budget_tokens,
        budget_money=None,
        price_in=None,
        price_out=None,
        prompt_from=None,
    )
    return Asker(choice.endpoints()[0], choice.cache_path(writes=not offline), offline, choice.budget())


def _write(
    targets: list[Path], found: Rewritten, known: Annotations, benchmark: Benchmark, asker: Asker | None
) -> None:
    """The annotations last: whoever finds them finds what belongs to them."""
    from biobench.files import write_text  # noqa: PLC0415 - not needed for --help
    from biocoach_model.augmentation.review import review_page  # noqa: PLC0415
    from biocoach_model.augmentation.sidecar import sidecar  # noqa: PLC0415

    text, made = known.rewritten(found.words()), _made(benchmark, known, asker)
    texts = [text, sidecar(found.remarks, made, text)]
    if len(targets) > len(texts):
        texts.append(review_page(found.remarks, made, known.sha256, options.benchmark_line(benchmark)))
    for target, content in reversed(list(zip(targets, texts, strict=True))):
        write_text(target, content)


def _made(benchmark: Benchmark, known: Annotations, asker: Asker | None) -> dict[str, object]:
    """What the new file is made from and with; no time, host or path, so that the same run gives the same bytes."""
    from biocoach_model.augmentation.llm import load_prompt  # noqa: PLC0415 - not needed for --help
    from biocoach_model.augmentation.wordings import wordings  # noqa: PLC0415
    from judges.claims.lexicon import lexicon  # noqa: PLC0415
    from judges.claims.weights import weights  # noqa: PLC0415

    mode: dict[str, object] = {"mode": "rule", "wordings": wordings().version}
    if asker is not None:
        prompt = load_prompt()
        mode = {"mode": "llm", "model": asker.endpoint.model, "prompt": prompt.version, "prompt_sha256": prompt.sha256,
                "wordings": wordings().version}  # fmt: skip
    return {
        "biobench": __version__,
        "benchmark": {"name": benchmark.name, "split": benchmark.split, "sha256": benchmark.source_sha256},
        "source": {"annotations": benchmark.annotations, "sha256": known.sha256},
        **mode,
        "lexicon": lexicon().version,
        "weights": weights().version,
    }


def _echo_failures(found: Rewritten) -> None:
    if found.counts is not None:
        click.echo(f"model: {found.counts}")
    failed = [remark for remark in found.remarks if remark.kept is not None and remark.kept.code == "request-failed"]
    for failure in found.failures:
        click.echo(f"{failure.where}: {options.seen(failure.reason)}", err=True)
    for remark in failed:
        detail = "" if remark.kept is None else remark.kept.detail
        click.echo(f"{remark.segment} at {remark.at_s:.1f} s: {detail}", err=True)
    if found.failures or failed:
        what = [f"{len(found.failures)} videos could not be looked at"] if found.failures else []
        what += [f"{len(failed)} remarks had no answer"] if failed else []
        raise click.ClickException(f"{' and '.join(what)}; these remarks are as they were, the reasons are above")
