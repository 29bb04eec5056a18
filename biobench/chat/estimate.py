"""What a run would cost, before anything is spent: calls, tokens, money."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from biobench.chat.cache import Cache
from biobench.chat.endpoint import Endpoint
from biobench.chat.probe import known_capabilities
from biobench.chat.records import Mode, Prices, Request
from biobench.chat.tokens import completion_most, prompt_middle, prompt_most
from biobench.chat.wire import request_key

__all__ = ["Estimate", "estimate"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One call for each request that the cache lacks, if none has to be repeated.

    Prompt tokens are counted from characters: one for four in the middle (``low``), one for two at the most
    (``high``). ``completion_tokens_max`` is None where a request has no ``max_tokens``. ``money`` is the most that the
    calls can cost; None, printed "unknown", without prices or without that limit.
    """

    calls: int
    cached: int
    prompt_tokens_low: int
    prompt_tokens_high: int
    completion_tokens_max: int | None
    money: float | None

    def __str__(self) -> str:
        """One line for the user."""
        written = "unknown" if self.completion_tokens_max is None else f"at most {self.completion_tokens_max:,}"
        money = "unknown" if self.money is None else f"at most {self.money:,.2f}"
        return (
            f"{self.calls:,} calls ({self.cached:,} more are in the cache); tokens in: about {self.prompt_tokens_low:,}, "
            f"at most {self.prompt_tokens_high:,}; tokens out: {written}; price: {money}"
        )


def estimate(
    endpoint: Endpoint,
    requests: Iterable[Request],
    cache: Cache | None = None,
    prices: Prices | None = None,
    mode: Mode | None = None,
) -> Estimate:
    """Opens no connection. Equal requests are one call.

    ``mode`` is how requests with a schema will be sent; without it, it is what an earlier probe of the endpoint left
    in the cache; without that either, none of them can be in the cache. The probe's own calls are not counted.
    """
    if mode is None and cache is not None:
        known = known_capabilities(endpoint, cache)
        mode = known.mode if known is not None else None
    seen: set[str] = set()
    calls, cached, low, high = 0, 0, 0, 0
    written: int | None = 0
    for request in requests:
        sent: Mode = "text" if request.schema is None else (mode or "plain")
        key = request_key(endpoint, request, sent)
        if key in seen:
            continue
        seen.add(key)
        stored = cache.get(key) if cache is not None and (request.schema is None or mode is not None) else None
        if stored is not None:
            cached += 1
            continue
        calls += 1
        low += prompt_middle(request)
        high += prompt_most(request)
        most = completion_most(request)
        written = None if written is None or most is None else written + most
    money = prices.of(high, written) if prices is not None and written is not None else None
    return Estimate(calls, cached, low, high, written, money)
