"""What the server did, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from judges.fake_server.answers import Given

__all__ = ["Counts", "Tally"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts since the start or the last reset.

    ``attempts`` are all chat requests that came in whole; ``answered``: those that got a 200 and every byte of it, a
    malformed or refused answer included; ``bad_requests``: those that no behaviour saw, because the request itself is
    wrong; ``client_left``: those whose client closed the connection before the answer. ``faults`` counts by name, and a
    request may meet several. ``bodies`` is the number of different bodies, ``max_answered_a_body`` the most times one
    of them was answered: above 1, something was paid for twice.
    """

    attempts: int
    answered: int
    bad_requests: int
    client_left: int
    faults: dict[str, int]
    bodies: int
    max_answered_a_body: int
    in_flight_max: int


class Tally:
    """Counts as they grow. ``reset`` forgets everything but the requests that are under way."""

    def __init__(self) -> None:
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """As if the server had just started; behaviours that go by what came before start afresh."""
        self.attempts = self.bad_requests = self.client_left = 0
        self._faults: Counter[str] = Counter()
        self._asked: Counter[bytes] = Counter()
        self._answered: Counter[bytes] = Counter()
        self._total = self._most = 0
        self._in_flight_max = self._in_flight

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """One request more is under way."""
        self._in_flight += 1
        self._in_flight_max = max(self._in_flight_max, self._in_flight)
        try:
            yield
        finally:
            self._in_flight -= 1

    def asked(self, body: bytes) -> int:
        """Counts a request with this body; how often it came before."""
        before = self._asked[body]
        self._asked[body] += 1
        return before

    def answered(self, body: bytes) -> None:
        """Counts a full answer to this body."""
        self._answered[body] += 1
        self._total += 1
        self._most = max(self._most, self._answered[body])

    def fault(self, name: str) -> None:
        """Counts a fault."""
        self._faults[name] += 1

    def given(self, body: bytes) -> Given:
        """How many full answers there were, to this body and in all."""
        return Given(self._answered[body], self._total)

    def counts(self) -> Counts:
        """What there is at this moment."""
        return Counts(
            self.attempts, self._total, self.bad_requests, self.client_left, dict(sorted(self._faults.items())),
            len(self._asked), self._most, self._in_flight_max,
        )  # fmt: skip
