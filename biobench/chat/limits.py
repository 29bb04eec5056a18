"""How many attempts may be under way: the limit grows with successes and halves when the server is overloaded."""

from __future__ import annotations

import asyncio
import math
from collections import deque

__all__ = ["AdaptiveLimit"]


class AdaptiveLimit:
    """A semaphore whose size follows the server: plus one for each window of answers, half on an overload.

    A window is as many answers as the limit is large: a round trip. The limit halves as soon as more of them tell of an
    overload than ``tolerated_share`` and two standard deviations of chance explain: a server that is full turns many
    away, and one that turns a few away at random is no faster for being asked less. With a share of 0 one is enough.
    Answers to attempts that began before a halving tell of the load that was, and change nothing. Until the first
    halving every success adds one, so that a run gets to its speed within a few round trips. The limit stays between
    ``least`` and ``most``.
    """

    def __init__(self, start: int, most: int, least: int = 1, tolerated_share: float = 0.0) -> None:
        self.least, self.most, self.tolerated_share = least, most, tolerated_share
        self.limit = min(max(start, least), most)
        self.in_flight = 0
        self._halvings = 0
        self._answers = 0
        self._overloads = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> int:
        """Waits for a slot; the number belongs to ``release``."""
        if self._waiting or self.in_flight >= self.limit:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # the slot came together with the cancellation
                    self.in_flight -= 1
                    self._wake()
                raise
        else:
            self.in_flight += 1
        return self._halvings

    def release(self, slot: int, *, success: bool = False, overloaded: bool = False) -> None:
        """Gives the slot back, with what the server made of the attempt; neither of both tells nothing of its load."""
        self.in_flight -= 1
        if slot == self._halvings and (success or overloaded):
            self._learn(success=success)
        self._wake()

    def _learn(self, *, success: bool) -> None:
        self._answers += 1
        self._overloads += not success
        expected = self.tolerated_share * self.limit
        if self._overloads > expected + 2 * math.sqrt(expected):
            self._resize(self.limit // 2)
            self._halvings += 1
        elif self._answers >= self.limit:
            self._resize(self.limit + 1)
        elif success and not self._halvings:
            self.limit = min(self.most, self.limit + 1)

    def _resize(self, limit: int) -> None:
        """A new window begins."""
        self.limit = min(self.most, max(self.least, limit))
        self._answers = self._overloads = 0

    def _wake(self) -> None:
        while self._waiting and self.in_flight < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
