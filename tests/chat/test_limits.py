import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.chat.limits import AdaptiveLimit
from biobench.chat.waits import Pace, asked_wait_s, wait_s


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def answers(limit, *kinds):
    """Attempts after one another, each ending as one of: success, overloaded, neither."""
    for kind in kinds:
        slot = await limit.acquire()
        limit.release(slot, success=kind == "success", overloaded=kind == "overloaded")


def test_it_halves_on_an_overload_and_then_grows_by_one_for_each_window():
    async def main():
        limit = AdaptiveLimit(8, 64)
        await answers(limit, "overloaded")
        assert limit.limit == 4
        await answers(limit, *["success"] * 3)
        assert limit.limit == 4
        await answers(limit, "success")
        assert limit.limit == 5
        await answers(limit, *["success"] * 5)
        assert limit.limit == 6

    run(main())


def test_it_halves_once_for_a_round_trip():
    async def main():
        limit = AdaptiveLimit(16, 64)
        slots = [await limit.acquire() for _ in range(16)]
        for slot in slots:
            limit.release(slot, overloaded=True)
        assert limit.limit == 8
        await answers(limit, "overloaded")
        assert limit.limit == 4

    run(main())


def test_until_the_first_halving_each_success_adds_one():
    async def main():
        limit = AdaptiveLimit(8, 12)
        await answers(limit, *["success"] * 3)
        assert limit.limit == 11
        await answers(limit, *["success"] * 9)
        assert limit.limit == 12

    run(main())


def test_a_few_overloads_at_random_are_tolerated_and_many_are_not():
    async def main():
        limit = AdaptiveLimit(64, 64, tolerated_share=0.1)
        for _ in range(20):
            await answers(limit, *["overloaded", *["success"] * 15] * 4)
        assert limit.limit == 64
        await answers(limit, *["overloaded", "success"] * 32)
        assert limit.limit < 64

    run(main())


@given(st.lists(st.sampled_from(["success", "overloaded", "neither"])), st.integers(1, 9), st.sampled_from([0, 0.1]))
def test_it_stays_within_its_bounds(kinds, least, share):
    async def main():
        limit = AdaptiveLimit(5, 9, least, share)
        for kind in kinds:
            before = limit.limit
            await answers(limit, kind)
            assert least <= limit.limit <= 9
            assert limit.limit >= before or kind == "overloaded"
            assert limit.limit <= before + 1
        assert limit.in_flight == 0

    run(main())


def test_no_more_are_in_flight_than_the_limit_says_and_none_is_forgotten():
    async def main():
        limit = AdaptiveLimit(3, 3)
        most = done = 0

        async def attempt(k):
            nonlocal most, done
            slot = await limit.acquire()
            most = max(most, limit.in_flight)
            try:
                await asyncio.sleep(0)
            finally:
                limit.release(slot)
            done += 1

        tasks = [asyncio.create_task(attempt(k)) for k in range(50)]
        await asyncio.sleep(0)
        for task in tasks[3:30:3]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (most, done, limit.in_flight) == (3, 41, 0)

    run(main())


def test_a_slot_that_comes_together_with_a_cancellation_is_passed_on():
    async def main():
        limit = AdaptiveLimit(1, 1)
        slot = await limit.acquire()
        first, second = asyncio.create_task(limit.acquire()), asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        limit.release(slot)
        first.cancel()
        await second
        assert limit.in_flight == 1

    run(main())


NOW_S = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:57 GMT"}, 20.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:17 GMT"}, 0.0),
        ({"retry-after": "Sunday, 06-Nov-94 08:49:57 GMT"}, 20.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 06 Nov 99999 08:49:57 GMT"}, None),
        ({"retry-after-ms": "x", "retry-after": "1"}, 1.0),
    ],
)
def test_what_a_server_asks_for(headers, asked):
    assert asked_wait_s(headers, NOW_S) == asked


@given(st.text(max_size=40))
def test_no_header_breaks_the_reading(text):
    found = asked_wait_s({"retry-after": text}, NOW_S)
    assert found is None or found >= 0


def test_what_is_asked_for_is_honoured_up_to_the_cap():
    assert wait_s(Pace(), "k", 1, 12.5) == 12.5
    assert wait_s(Pace(), "k", 1, float("inf")) == 60.0
    assert wait_s(Pace(retry_after_most_s=3), "k", 1, 12.5) == 3.0


@given(st.text(max_size=5), st.integers(1, 3000))
def test_a_backoff_is_drawn_from_a_range_that_doubles_up_to_its_cap_and_is_the_same_in_every_run(key, attempt):
    pause_s = wait_s(Pace(), key, attempt, None)
    assert 0 <= pause_s <= min(30.0, 0.5 * 2 ** min(attempt - 1, 10))
    assert pause_s == wait_s(Pace(), key, attempt, None)


def test_backoffs_use_their_whole_range():
    pauses = [wait_s(Pace(), str(k), 3, None) for k in range(400)]
    assert min(pauses) < 0.1
    assert max(pauses) > 1.9
    assert 0.9 < sum(pauses) / len(pauses) < 1.1
