"""The options of systems that ask a server, and what they come to; where a judge has the same, it has the same name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from biobench import chat
from biobench.cli.judge_options import default_cache
from biobench.models import Option, Options, number, options_by_name
from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import shown

__all__ = ["cache_of", "endpoint_and_budget", "prompt_options"]

_KEY_VARIABLE = "OPENAI_API_KEY"
_BUDGET = ("budget_calls", "budget_tokens", "budget_money", "price_in", "price_out")


def prompt_options(*own: Option, silence: str, history: int) -> Mapping[str, Option]:
    """The options of a prompted system; where a judge has the same, they are named as the judge's."""
    return options_by_name(
        Option("base_url", "", "the server, such as http://localhost:8000/v1", private=True),
        Option("model", "", "the model, as its server knows it"),
        Option("key_variable", _KEY_VARIABLE, "the environment variable that holds the key", private=True),
        Option("period_s", 5.0, "from one question to the next", "s", 0.1, 3600.0),
        *own,
        Option("silence", silence, "allowed: the model may say nothing; never: it is always asked for a remark"),
        Option("history", history, "earlier remarks that a prompt holds, at most", "", 0, 1000),
        Option("temperature", 0.0, "how the model draws", "", 0.0, 2.0),
        Option("max_tokens", 200, "length of a reply; more for models that think", "", 1, 1_000_000),
        Option("most_characters", 240, "of a remark: whole sentences up to there", "", 20, 10_000),
        Option("concurrency", 8, "exercises at the same time", "", 1, 1024, private=True),
        Option("attempts", 8, "at each question", "", 1, 100, private=True),
        Option("timeout_s", 120.0, "of an attempt", "s", 0.01, 86_400.0, private=True),
        Option("cache", "", "the file of answers; without it, predict.sqlite in ~/.cache/biobench", private=True),
        Option("offline", 0, "1: answer from the cache alone, open no connection", "", 0, 1, private=True),
        Option("budget_calls", None, "at most so many calls", "", 0, private=True),
        Option("budget_tokens", None, "at most so many tokens, in and out", "", 0, private=True),
        Option("budget_money", None, "at most so much money; needs both prices", "", 0, private=True),
        Option("price_in", None, "money for a million tokens that are sent", "", 0, private=True),
        Option("price_out", None, "money for a million tokens that come back", "", 0, private=True),
    )


def endpoint_and_budget(options: Options) -> tuple[chat.Endpoint, chat.Budget]:
    """Raises ``ProblemsFound``. The key's variable is never repeated: it may be the key itself, given by mistake."""
    problems: list[Problem] = []
    if options["silence"] not in {"allowed", "never"}:
        problems.append(Problem("--option silence", shown(options["silence"]), "allowed or never"))
    variable, key = str(options["key_variable"]), None
    if variable != _KEY_VARIABLE:
        key = os.environ.get(variable)
        if key is None:
            expected, hint = "the name of one that is set", "give the name, not the key itself"
            problems.append(Problem("--option key_variable", "no such environment variable", expected, hint))
    endpoint = budget = None
    if not options["base_url"]:
        expected = "a server of the OpenAI kind, such as http://localhost:8000/v1"
        problems.append(Problem("--option base_url", "none", expected))
    if not options["model"]:
        problems.append(Problem("--option model", "none", "the name of a model as its server knows it"))
    if options["base_url"] and options["model"]:
        try:
            endpoint = chat.Endpoint(str(options["base_url"]), str(options["model"]), key)
        except ProblemsFound as found:
            problems += found.problems
    try:
        budget = _budget(options)
    except ProblemsFound as found:
        problems += found.problems
    if problems or endpoint is None or budget is None:
        raise ProblemsFound(problems)
    return endpoint, budget


def cache_of(given: str, *, writes: bool) -> Path:
    """The file of answers; the folder of the default one is made. Raises ``ProblemsFound``."""
    if given:
        return Path(given)
    path = default_cache().with_name("predict.sqlite")
    if writes:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            found = f"a folder that can't be made ({error.strerror})"
            hint = "give another place: --option cache=FILE"
            raise ProblemsFound([Problem(str(path.parent), found, "a place for the cache", hint)]) from error
    return path


def _budget(options: Options) -> chat.Budget:
    """Raises ``ProblemsFound``."""
    given = {name: number(options, name) for name in _BUDGET if name in options}
    prices = None
    if "price_in" in given and "price_out" in given:
        prices = chat.Prices(given["price_in"], given["price_out"])
    elif "price_in" in given or "price_out" in given:
        raise ProblemsFound([Problem("--option price_in, price_out", "one of the two", "both, or none")])
    calls, tokens = (int(given[name]) if name in given else None for name in ("budget_calls", "budget_tokens"))
    return chat.Budget(calls, tokens, given.get("budget_money"), prices)
