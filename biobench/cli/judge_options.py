"""The options of every command that asks judges, and what they come to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from biobench.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from biobench.chat import Budget, Capabilities, Endpoint, Prices, Request
    from biobench.judging import JudgeOptions

__all__ = ["JudgeChoice", "default_cache", "echo_estimates", "judge_options", "progress_bar"]

P = ParamSpec("P")
R = TypeVar("R")

_KEY_VARIABLE = "OPENAI_API_KEY"


@dataclass(frozen=True)
class JudgeChoice:
    """What the options say, unchecked."""

    models: tuple[str, ...]
    base_urls: tuple[str, ...]
    key_variables: tuple[str, ...]
    second_model: str | None
    second_base_url: str | None
    second_key_variable: str
    samples: int
    max_tokens: int | None
    cache: str | None
    offline: bool
    budget_calls: int | None
    budget_tokens: int | None
    budget_money: float | None
    price_in: float | None
    price_out: float | None
    prompt_from: str | None

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Each model with its address; one address serves all models. Raises ``ProblemsFound``."""
        from biobench.chat import Endpoint  # noqa: PLC0415 - not needed for --help

        problems = []
        if not self.models:
            problems.append(Problem("--model", "none", "the name of a model as its server knows it"))
        for option, given in (("--base-url", self.base_urls), ("--key-variable", self.key_variables)):
            if len(given) not in {1, len(self.models)} and not (option == "--key-variable" and not given):
                hint = "such as http://localhost:8000/v1" if option == "--base-url" else ""
                expected = f"one for all models, or one for each of {len(self.models)}"
                problems.append(Problem(option, f"{len(given)}", expected, hint))
        if problems:
            raise ProblemsFound(problems)
        urls = self.base_urls * (len(self.models) if len(self.base_urls) == 1 else 1)
        variables = self.key_variables or (_KEY_VARIABLE,)
        variables *= len(self.models) if len(variables) == 1 else 1
        return tuple(Endpoint(u, m, _key(v)) for m, u, v in zip(self.models, urls, variables, strict=True))

    def prices(self) -> Prices | None:
        """None where no price is given. Raises ``ProblemsFound`` for half of one."""
        from biobench.chat import Prices  # noqa: PLC0415 - not needed for --help

        if self.price_in is None and self.price_out is None:
            return None
        if self.price_in is None or self.price_out is None:
            raise ProblemsFound([Problem("--price-in, --price-out", "one of the two", "both, or none")])
        return Prices(self.price_in, self.price_out)

    def budget(self) -> Budget | None:
        """None where there is no limit. Raises ``ProblemsFound``."""
        from biobench.chat import Budget  # noqa: PLC0415 - not needed for --help

        limits = (self.budget_calls, self.budget_tokens, self.budget_money)
        return None if limits == (None, None, None) else Budget(*limits, self.prices())

    def cache_path(self, *, writes: bool = True) -> Path:
        """The cache's file; the folder of the default one is made before it is written to. Raises ``ProblemsFound``."""
        if self.cache is not None:
            return Path(self.cache)
        path = default_cache()
        if not writes:
            return path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            found = f"a folder that can't be made ({error.strerror})"
            hint = "give another place: --cache FILE"
            raise ProblemsFound([Problem(str(path.parent), found, "a place for the cache", hint)]) from error
        return path

    def options(self, *, asks: bool = True) -> JudgeOptions:
        """What judges are given; ``asks`` is False where nothing will be asked. Raises ``ProblemsFound``."""
        from biobench.chat import Endpoint  # noqa: PLC0415 - not needed for --help
        from biobench.judging import JudgeOptions  # noqa: PLC0415

        endpoints = self.endpoints()
        second = None
        if self.second_model is not None:
            url = self.second_base_url or endpoints[0].base_url
            second = Endpoint(url, self.second_model, _key(self.second_key_variable, "--second-key-variable"))
        elif self.second_base_url is not None:
            raise ProblemsFound([Problem("--second-base-url", "no --second-model", "both")])
        return JudgeOptions(
            endpoints,
            second=second,
            samples=self.samples,
            max_tokens=self.max_tokens,
            cache=self.cache_path(writes=asks and not self.offline),
            offline=self.offline,
            budget=self.budget(),
            prompt_from=None if self.prompt_from is None else Path(self.prompt_from),
            tell=lambda line: click.echo(line, err=True),
        )


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/biobench/judge.sqlite``, under ``~/.cache`` where that is not set."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    return base / "biobench" / "judge.sqlite"


def judge_options(function: Callable[P, R]) -> Callable[..., R]:
    """``--model``, ``--base-url`` and all that goes with them; the command gets one ``JudgeChoice`` as ``choice``."""

    def with_choice(*args: P.args, **given: P.kwargs) -> R:
        names = JudgeChoice.__dataclass_fields__
        taken = {name: given.pop(name) for name in names}
        return function(*args, choice=JudgeChoice(**taken), **given)  # type: ignore[arg-type]  # click gives these types

    with_choice.__doc__ = function.__doc__
    with_choice.__name__ = getattr(function, "__name__", "command")
    command: Callable[..., R] = with_choice
    if hasattr(function, "__click_params__"):
        command.__click_params__ = function.__click_params__  # type: ignore[attr-defined]  # click's own place for them
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS: Sequence[Callable[[Callable[..., object]], Callable[..., object]]] = (
    click.option(
        "--model", "models", multiple=True, metavar="NAME", help="The judge's model; three or more are a panel."
    ),
    click.option(
        "--base-url", "base_urls", multiple=True, metavar="URL", help="Its server, such as http://localhost:8000/v1."
    ),
    click.option(
        "--key-variable",
        "key_variables",
        multiple=True,
        metavar="NAME",
        help="The environment variable that holds its key [default: OPENAI_API_KEY].",
    ),
    click.option("--second-model", metavar="NAME", help="Asked what the first could not be brought to answer."),
    click.option("--second-base-url", metavar="URL", help="Its server, where that is another one."),
    click.option(
        "--second-key-variable",
        metavar="NAME",
        default=_KEY_VARIABLE,
        help="Its key's variable [default: OPENAI_API_KEY].",
    ),
    click.option(
        "--samples", type=click.IntRange(1, 100), default=1, show_default=True, help="Answers to each question."
    ),
    click.option(
        "--max-tokens",
        type=click.IntRange(1),
        metavar="N",
        help="Length of a reply of bio; more for models that think.",
    ),
    click.option("--cache", metavar="FILE", help="Answers that are there [default: ~/.cache/biobench/judge.sqlite]."),
    click.option("--offline", is_flag=True, help="Answer from the cache alone; open no connection."),
    click.option("--budget-calls", type=click.IntRange(0), metavar="N", help="At most so many calls."),
    click.option("--budget-tokens", type=click.IntRange(0), metavar="N", help="At most so many tokens, in and out."),
    click.option("--budget-money", type=float, metavar="X", help="At most so much money; needs both prices."),
    click.option("--price-in", type=float, metavar="X", help="Money for a million tokens that are sent."),
    click.option("--price-out", type=float, metavar="X", help="Money for a million tokens that come back."),
    click.option("--prompt-from", metavar="FILE", help="For llm-acc: the file of the published prompt."),
)


def echo_estimates(
    choice: JudgeChoice, given: JudgeOptions, requests: Callable[[Capabilities | None], Iterable[Request]]
) -> None:
    """A line for each endpoint: what its requests would take, less what the cache has; nothing is sent.

    ``requests`` makes them for what an endpoint can do, None where no probe is in the cache.
    """
    from biobench.chat import Cache, estimate, known_capabilities  # noqa: PLC0415 - not needed for --help

    cache = Cache(given.cache) if given.cache is not None and given.cache.exists() else None
    try:
        for endpoint in given.endpoints:
            known = None if cache is None else known_capabilities(endpoint, cache)
            click.echo(f"{endpoint.model}: {estimate(endpoint, requests(known), cache, choice.prices())}")
    finally:
        if cache is not None:
            cache.close()


@contextmanager
def progress_bar(*, shown: bool = True) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on standard error where that is a terminal and it is to be shown; None, and silence, elsewhere."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - not needed for --help
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import Progress, TaskID  # noqa: PLC0415

    tasks: dict[str, TaskID] = {}
    with Progress(console=Console(stderr=True), transient=True) as bar:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(escape(what), total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield tell


def _key(variable: str, option: str = "--key-variable") -> str | None:
    """None leaves it to the usual variable. No message repeats the name: it may be a key, given by mistake."""
    if variable == _KEY_VARIABLE:
        return None
    if variable not in os.environ:
        hint = "give the name, not the key itself"
        raise ProblemsFound([Problem(option, "no such environment variable", "the name of one that is set", hint)])
    return os.environ[variable]
