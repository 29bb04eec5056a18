"""Rewriting by a language model: a prompt from ``data/prompt-1.toml``, and a reply that is one plain line or none."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from biobench.chat import Budget, Counts, Endpoint, Message, Reply, Request, Sampling, ask_all
from biocoach_model.augmentation.records import Fact, Kept
from biocoach_model.augmentation.wordings import data_text

__all__ = ["Asker", "Prompt", "load_prompt", "read_reply", "request"]

_LONGER = 160
"""So many characters more than the remark, at most: a fact needs no more."""
_FOREIGN = re.compile(r"[<>{}\[\]|\\`*_#@]|https?:|www\.")
"""What no coach says: markup, code, addresses."""
_QUOTES = (("\u201c", "\u201d"), ('"', '"'), ("'", "'"))


@dataclass(frozen=True)
class Prompt:
    """A version of the prompt; ``sha256`` is over the whole file."""

    version: str
    system: str
    temperature: float
    max_tokens: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Where the model is asked, and how much it may cost."""

    endpoint: Endpoint
    cache: Path | None = None
    offline: bool = False
    budget: Budget | None = None

    def ask(
        self, questions: Sequence[tuple[str, str, Fact]], told: Callable[[int], None] | None = None
    ) -> tuple[tuple[str | Kept, ...], Counts]:
        """The new words for each exercise, remark and fact, or why there are none.

        Raises ``ProblemsFound`` where the endpoint itself is at fault: a wrong key, model or address.
        """
        done = 0

        def tell(_: int, __: object) -> None:
            nonlocal done
            done += 1
            if told is not None:
                told(done)

        requests = [request(*question) for question in questions]
        answers = ask_all(
            self.endpoint, requests, cache=self.cache, offline=self.offline, budget=self.budget, on_done=tell
        )
        outcomes = zip(questions, answers.outcomes, strict=True)
        return tuple(
            read_reply(remark, answer) if isinstance(answer, Reply) else Kept("request-failed", str(answer))
            for (_, remark, _), answer in outcomes
        ), answers.counts


@cache
def load_prompt() -> Prompt:
    """The packaged prompt."""
    text = data_text("prompt-1.toml")
    data: dict[str, Any] = tomllib.loads(text)
    sampling = data["sampling"]
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Prompt(data["version"], data["system"].strip(), sampling["temperature"], sampling["max_tokens"], digest)


def request(exercise: str, remark: str, fact: Fact) -> Request:
    """What is sent for one remark: facts alone, and no number that a check does not support."""
    prompt = load_prompt()
    measured: Mapping[str, object] = {"fact": fact.told, **({"side": fact.side} if fact.side else {})}
    question = json.dumps({"exercise": exercise, "remark": remark, **measured}, ensure_ascii=False)
    return Request(
        (Message("system", prompt.system), Message("user", question)),
        Sampling(temperature=prompt.temperature, max_tokens=prompt.max_tokens),
        prompt_version=prompt.version,
    )


def read_reply(remark: str, reply: Reply) -> str | Kept:
    """The reply as new words, or why it can be none."""
    if reply.refusal:
        return Kept("no-sentence", "the model refused")
    if reply.finish_reason == "length":
        return Kept("no-sentence", "cut off")
    text = reply.text.strip()
    for opening, closing in _QUOTES:
        if len(text) > 1 and text.startswith(opening) and text.endswith(closing):
            text = text[1:-1].strip()
    if not text:
        return Kept("no-sentence", "an empty reply")
    if not text.isprintable():
        return Kept("no-sentence", "several lines, or characters that can't be seen")
    if len(text) > len(remark) + _LONGER:
        return Kept("no-sentence", f"{len(text)} characters")
    foreign = _FOREIGN.search(text)
    if foreign is not None and foreign[0] not in remark:
        return Kept("no-sentence", f"it holds {foreign[0]}")
    return text
