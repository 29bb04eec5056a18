import asyncio

import pytest
from chat_server import Answer, ScriptedServer, completion
from hypothesis import given
from hypothesis import strategies as st

from biobench.chat import (
    Budget,
    Cache,
    Capabilities,
    Endpoint,
    Failure,
    Message,
    Pace,
    Prices,
    Reply,
    Request,
    Sampling,
    Schema,
    Usage,
    ask_all,
    estimate,
)
from biobench.chat.budget import Ledger, Reservation
from biobench.chat.tokens import prompt_middle, prompt_most
from biobench.problems import ProblemsFound

SHORT = Sampling(max_tokens=10)


def many(count, sampling=SHORT):
    return [Request((Message("user", f"question {k:03}"),), sampling) for k in range(count)]


def run(server, requests, budget, **more):
    return ask_all(Endpoint(server.base_url, "m"), requests, budget=budget, pace=Pace(backoff_s=0.001), **more)


def test_calls_stop_at_the_budget_and_the_next_run_goes_on(tmp_path):
    with ScriptedServer() as server:
        first = run(server, many(30), Budget(calls=12), cache=tmp_path / "c")
        assert len(server.bodies) == 12
        second = run(server, many(30), Budget(calls=12), cache=tmp_path / "c")
        assert len(server.bodies) == 24
        third = run(server, many(30), Budget(calls=12), cache=tmp_path / "c")
        assert len(server.bodies) == 30
    assert [run.counts.left for run in (first, second, third)] == [18, 6, 0]
    assert [run.counts.stopped_by_budget for run in (first, second, third)] == [True, True, False]
    assert first.outcomes.count(Failure("budget")) == 18
    assert sum(isinstance(outcome, Reply) for outcome in second.outcomes) == 24


def test_attempts_that_fail_are_calls_too():
    with ScriptedServer(lambda n, body: Answer(b"", 500)) as server:
        answers = run(server, many(1), Budget(calls=3))
        assert len(server.bodies) == 3
    assert answers.outcomes == (Failure("budget", 3),)


def test_tokens_never_exceed_the_budget_and_most_of_it_is_used():
    (request, *_) = requests = many(100)
    cost = prompt_most(request) + 10
    with ScriptedServer(lambda n, body: Answer(completion(usage=(8, 3)))) as server:
        answers = run(server, requests, Budget(tokens=300))
        # Each call spends 11, so the last may begin while 300 - 11 n still holds the most that it can cost.
        assert len(server.bodies) == (300 - cost) // 11 + 1
    assert answers.counts.prompt_tokens + answers.counts.completion_tokens <= 300
    assert answers.counts.stopped_by_budget


def test_answers_without_a_count_of_tokens_cost_the_most_that_they_can():
    (request, *_) = requests = many(100)
    cost = prompt_most(request) + 10
    with ScriptedServer(lambda n, body: Answer(completion(usage=None))) as server:
        run(server, requests, Budget(tokens=10 * cost + 1))
        assert len(server.bodies) == 10


def test_money_is_counted_with_the_prices():
    prices = Prices(1.0, 2.0)
    with ScriptedServer(lambda n, body: Answer(completion(usage=(10, 5)))) as server:
        answers = run(server, many(100), Budget(money=0.0004, prices=prices))
        assert 15 < len(server.bodies) < 20
    assert prices.of(answers.counts.prompt_tokens, answers.counts.completion_tokens) <= 0.0004


def test_a_budget_of_tokens_needs_a_limit_of_each_reply():
    with ScriptedServer() as server, pytest.raises(ProblemsFound, match="max_tokens"):
        run(server, many(3, Sampling()), Budget(tokens=1000))
    assert not server.bodies


def test_nothing_is_asked_with_a_budget_of_nothing_and_the_cache_is_free(tmp_path):
    with ScriptedServer() as server:
        run(server, many(5), None, cache=tmp_path / "c")
        answers = run(server, many(9), Budget(calls=0), cache=tmp_path / "c")
        assert len(server.bodies) == 5
    assert (answers.counts.cached, answers.counts.left) == (5, 4)


def test_a_probe_that_the_budget_forbids_leaves_the_requests_unasked():
    requests = [Request((Message("user", "q"),), SHORT, Schema("a", {}))] * 2
    with ScriptedServer() as server:
        assert run(server, requests, Budget(calls=2)).counts.left == 2
        assert len(server.bodies) == 2


COSTS = st.builds(Reservation, st.integers(0, 20), st.integers(0, 20))


@given(st.lists(st.tuples(COSTS, st.floats(0, 1), st.integers(0, 3)), max_size=30), st.integers(0, 100))
def test_however_calls_overlap_the_budget_holds(calls, most):
    async def main():
        ledger = Ledger(Budget(tokens=most))
        spent = 0

        async def call(cost, share, turns):
            nonlocal spent
            if not await ledger.reserve(cost):
                assert ledger.stopped
                return
            for _ in range(turns):
                await asyncio.sleep(0)
            usage = Usage(int(cost.prompt_tokens * share), int(cost.completion_tokens * share))
            ledger.settle(cost, usage, answered=True)
            spent += usage.prompt_tokens + usage.completion_tokens

        await asyncio.wait_for(asyncio.gather(*[call(*arguments) for arguments in calls]), 20)
        assert spent <= most
        total = sum(cost.prompt_tokens + cost.completion_tokens for cost, *_ in calls)
        assert not (ledger.stopped and total <= most)

    asyncio.run(main())


def test_an_estimate_counts_what_the_cache_lacks_once(tmp_path):
    requests = many(10)
    with ScriptedServer() as server, Cache(tmp_path / "c") as cache:
        endpoint = Endpoint(server.base_url, "m")
        run(server, requests[:4], None, cache=tmp_path / "c")
        found = estimate(endpoint, [*requests, *requests], cache, Prices(2.0, 10.0))
    middle, most = prompt_middle(requests[0]), prompt_most(requests[0])
    assert (found.calls, found.cached) == (6, 4)
    assert (found.prompt_tokens_low, found.prompt_tokens_high, found.completion_tokens_max) == (
        6 * middle,
        6 * most,
        60,
    )
    assert found.money == pytest.approx((6 * most * 2 + 60 * 10) / 1e6)
    assert "6 calls (4 more are in the cache)" in str(found)


def test_what_is_not_known_is_called_unknown():
    endpoint = Endpoint("http://localhost:9", "m")
    assert str(estimate(endpoint, many(2))).endswith("price: unknown")
    found = estimate(endpoint, many(2, Sampling()), prices=Prices(1, 1))
    assert (found.completion_tokens_max, found.money) == (None, None)
    assert "tokens out: unknown" in str(found)


def test_an_estimate_knows_how_a_probed_endpoint_is_asked(tmp_path):
    requests = [Request((Message("user", f"q{k}"),), SHORT, Schema("a", {})) for k in range(3)]
    able = Capabilities(False, True, True, True, True)
    with ScriptedServer(lambda n, body: Answer(completion("{}"))) as server, Cache(tmp_path / "c") as cache:
        endpoint = Endpoint(server.base_url, "m")
        run(server, requests[:2], None, cache=tmp_path / "c", capabilities=able)
        assert estimate(endpoint, requests, cache).cached == 0
        assert estimate(endpoint, requests, cache, mode="json_object").cached == 2
        run(server, requests[:1], None, cache=tmp_path / "c")
        assert estimate(endpoint, requests, cache).cached == 1
