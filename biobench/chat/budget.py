"""A limit on what a run may spend, held before every call."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from biobench.chat.records import Prices, Request, Usage
from biobench.chat.tokens import completion_most, prompt_most
from biobench.problems import Problem, ProblemsFound

__all__ = ["Budget", "Ledger", "Reservation"]


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many calls, tokens (in and out together) or so much money; None sets no limit.

    A call is one attempt, answered or not. Tokens and money are those of the answers; what a server charges for a call
    that it never answered can't be known. ``money`` needs ``prices``. Raises ``ProblemsFound``.
    """

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    prices: Prices | None = None

    def __post_init__(self) -> None:
        problems = [
            Problem(f"the budget of {name}", f"{value}", "a finite number, at least 0")
            for name, value in (("calls", self.calls), ("tokens", self.tokens), ("money", self.money))
            if value is not None and not 0 <= value < math.inf
        ]
        if self.money is not None and self.prices is None:
            hint = "give the price of a million tokens in, and out"
            problems.append(Problem("the budget of money", "no prices", "both prices", hint))
        if problems:
            raise ProblemsFound(problems)

    @property
    def counts_tokens(self) -> bool:
        """Whether the length of replies matters."""
        return self.tokens is not None or self.money is not None


@dataclass(frozen=True, slots=True)
class Reservation:
    """The most that one call can cost."""

    prompt_tokens: int
    completion_tokens: int


class Ledger:
    """What is spent, and what is reserved for calls under way."""

    def __init__(self, budget: Budget | None) -> None:
        self.budget = budget or Budget()
        self.stopped = False
        self._calls = 0
        self._under_way = 0
        self._spent = [0, 0]
        self._reserved = [0, 0]
        self._waiting: list[asyncio.Future[None]] = []

    def cost(self, request: Request) -> Reservation:
        """Raises ``ProblemsFound`` where tokens are limited but the request's reply is not."""
        most = completion_most(request)
        if most is None and self.budget.counts_tokens:
            expected = "max_tokens in every request where tokens or money have a budget"
            raise ProblemsFound([Problem("a request", "no max_tokens", expected)])
        return Reservation(prompt_most(request), most or 0)

    async def reserve(self, cost: Reservation) -> bool:
        """False where the call could exceed the budget; then the run is ``stopped``.

        While calls under way may still turn out cheaper than reserved, it waits for them.
        """
        while not self.stopped:
            if self._fits(cost, self._reserved):
                self._calls += 1
                self._under_way += 1
                self._add(self._reserved, cost, 1)
                return True
            if not self._under_way or not self._fits(cost, [0, 0]):
                self.stopped = True
                break
            settled = asyncio.get_running_loop().create_future()
            self._waiting.append(settled)
            await settled
        return False

    def settle(self, cost: Reservation, usage: Usage | None, *, answered: bool) -> None:
        """A call has ended; an answer without a usage counts as the most that it can have cost."""
        self._under_way -= 1
        self._add(self._reserved, cost, -1)
        if answered:
            spent = cost if usage is None else Reservation(usage.prompt_tokens, usage.completion_tokens)
            self._add(self._spent, spent, 1)
        self._wake()

    def _fits(self, cost: Reservation, reserved: list[int]) -> bool:
        budget = self.budget
        prompt = self._spent[0] + reserved[0] + cost.prompt_tokens
        written = self._spent[1] + reserved[1] + cost.completion_tokens
        return (
            (budget.calls is None or self._calls + 1 <= budget.calls)
            and (budget.tokens is None or prompt + written <= budget.tokens)
            and (budget.money is None or budget.prices is None or budget.prices.of(prompt, written) <= budget.money)
        )

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for settled in waiting:
            if not settled.done():
                settled.set_result(None)

    @staticmethod
    def _add(sums: list[int], cost: Reservation, sign: int) -> None:
        sums[0] += sign * cost.prompt_tokens
        sums[1] += sign * cost.completion_tokens
