"""How long to wait before another attempt: what the server asks for, else a backoff with jitter."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from email.utils import parsedate_to_datetime

from biobench.problems import Problem, ProblemsFound

__all__ = ["Pace", "asked_wait_s", "wait_s"]

_TOO_LONG = 1e9


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard a client tries. Raises ``ProblemsFound`` with every value that makes no sense.

    ``timeout_s`` is for a whole attempt. An item has ``max_attempts`` in each of ``passes``. ``start``, ``least`` and
    ``max_in_flight`` are attempts at the same time; ``overload_share`` is how many of a round trip's answers may be 429, 503
    or a timeout before their number halves. The n-th wait is drawn from 0 to min(backoff_most_s,
    backoff_s 2^(n-1)), "full jitter"; what the server asks for counts instead, up to ``retry_after_most_s``.
    """

    timeout_s: float = 120.0
    max_attempts: int = 8
    passes: int = 3
    start: int = 8
    least: int = 1
    max_in_flight: int = 64
    overload_share: float = 0.1
    backoff_s: float = 0.5
    backoff_most_s: float = 30.0
    retry_after_most_s: float = 60.0

    def __post_init__(self) -> None:
        problems = []
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name.startswith(("backoff", "retry")) else 1
            if field.name == "timeout_s":
                if not 0 < value < math.inf:
                    problems.append(Problem("pace: timeout_s", f"{value}", "a finite number above 0"))
            elif field.name == "overload_share":
                if not 0 <= value < 1:
                    problems.append(Problem("pace: overload_share", f"{value}", "a share, at least 0 and under 1"))
            elif not least <= value < math.inf:
                problems.append(Problem(f"pace: {field.name}", f"{value}", f"a finite number, at least {least}"))
        if self.least > self.max_in_flight:
            problems.append(Problem("pace: least", f"{self.least}", f"at most max_in_flight, {self.max_in_flight}"))
        if problems:
            raise ProblemsFound(problems)


def asked_wait_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Seconds that ``retry-after-ms`` or ``retry-after`` (seconds, or a date of HTTP) ask for; None for neither.

    ``headers`` by lower-case names; ``now_s`` since 1970. A date that has passed asks for 0.

    >>> asked_wait_s({"retry-after": "2.5"}, 0), asked_wait_s({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50)
    (2.5, 10.0)
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        date_s = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, date_s - now_s)


def wait_s(pace: Pace, key: str, attempt: int, asked_s: float | None) -> float:
    """The wait after the ``attempt``-th attempt, from 1, at the request of that key: the same in every run."""
    if asked_s is not None:
        return min(asked_s, pace.retry_after_most_s)
    most_s = min(pace.backoff_most_s, pace.backoff_s * 2.0 ** min(attempt - 1, 60))
    return random.Random(f"{key} {attempt}").uniform(0.0, most_s)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) or value < 0 else min(value, _TOO_LONG)
