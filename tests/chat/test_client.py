import asyncio
import json
import signal
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from chat_server import Answer, ScriptedServer, completion, error

from biobench.chat import (
    Cache,
    Capabilities,
    Client,
    Endpoint,
    Failure,
    Message,
    Pace,
    Reply,
    Request,
    Sampling,
    Schema,
    ask_all,
    request_key,
)
from biobench.chat.cache import Row
from biobench.chat.store import Store
from biobench.problems import ProblemsFound

QUICK = Pace(timeout_s=20, backoff_s=0.001, backoff_most_s=0.002, retry_after_most_s=0.002)
ABLE = Capabilities(True, True, True, True, True)
SCHEMA = Schema("verdict", {"type": "object", "properties": {"b": {}, "a": {}}})


def asked(text, **more):
    return Request((Message("user", text),), **more)


def many(count):
    return [asked(f"q{k}") for k in range(count)]


def run(server, requests, **more):
    more.setdefault("pace", QUICK)
    return ask_all(Endpoint(server.base_url, "m", "sk-1"), requests, **more)


def once(*answers):
    """The answers one after another, then good ones."""
    return lambda n, body: answers[n] if n < len(answers) else Answer()


def echo(n, body):
    return Answer(completion(body["messages"][-1]["content"].upper()))


def test_a_reply_holds_what_the_server_said():
    tokens = [
        {
            "token": "4",
            "logprob": -0.1,
            "top_logprobs": [{"token": "4", "logprob": -0.1}, {"token": "5", "logprob": None}],
        }
    ]
    said = completion("4", usage=(7, 1), refusal="no")
    said["choices"][0]["logprobs"] = {"content": tokens}
    with ScriptedServer(once(Answer(said))) as server:
        (reply,) = run(server, [asked("2 + 2?", sampling=Sampling(0, top_logprobs=2))]).outcomes
        assert server.headers[0]["path"] == "/v1/chat/completions"
        assert server.headers[0]["authorization"] == "bearer sk-1"
        assert server.bodies == [
            {"model": "m", "messages": [{"role": "user", "content": "2 + 2?"}], "temperature": 0.0, "logprobs": True,
             "top_logprobs": 2}
        ]  # fmt: skip
    assert (reply.text, reply.refusal, reply.finish_reason, reply.fingerprint, reply.model) == (
        "4",
        "no",
        "stop",
        "fp_1",
        "m",
    )
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (7, 1)
    assert [(token.text, token.logprob, token.alternatives) for token in reply.logprobs] == [
        ("4", -0.1, (("4", -0.1), ("5", -9999.0)))
    ]
    assert (reply.cached, reply.attempts, reply.raw) == (False, 1, said)


def test_half_a_character_in_a_reply_does_not_break_files():
    with ScriptedServer(once(Answer(completion("a\ud83d")))) as server:
        (reply,) = run(server, [asked("q")]).outcomes
    assert reply.text == "a\ufffd"
    assert reply.raw["choices"][0]["message"]["content"] == "a\ud83d"


def test_order_is_kept_equal_requests_are_asked_once_and_each_index_is_told_once():
    requests = [asked(f"q{k % 7}") for k in range(30)] + [asked("q0", repeat=1), asked("q0", prompt_version="2")]
    told = {}
    with ScriptedServer(echo) as server:
        answers = run(server, requests, on_done=lambda index, outcome: told.setdefault(index, []).append(outcome))
        assert sorted(server.prompts) == sorted([f"q{k}" for k in range(7)] + ["q0", "q0"])
    assert [reply.text for reply in answers.outcomes] == [f"Q{k % 7}" for k in range(30)] + ["Q0", "Q0"]
    assert told == {index: [outcome] for index, outcome in enumerate(answers.outcomes)}
    assert (answers.counts.answered, answers.counts.attempts) == (9, 9)


def test_the_cache_answers_the_second_time_and_gives_the_same(tmp_path):
    cache = tmp_path / "c"
    with ScriptedServer(echo) as server:
        first = run(server, many(20), cache=cache)
        second = run(server, many(25), cache=cache)
        assert len(server.bodies) == 25
        offline = run(server, [*many(25), asked("new")], cache=cache, offline=True)
        assert len(server.bodies) == 25
    assert [reply.raw for reply in second.outcomes[:20]] == [reply.raw for reply in first.outcomes]
    assert [reply.cached for reply in second.outcomes] == [True] * 20 + [False] * 5
    assert (second.counts.cached, second.counts.answered) == (20, 5)
    assert offline.outcomes[25] == Failure("not-in-cache")
    assert offline.counts.failures == {"not-in-cache": 1}
    assert [reply.text for reply in offline.outcomes[:25]] == [f"Q{k}" for k in range(25)]


def test_the_cache_holds_the_bytes_as_they_were_received(tmp_path):
    raw = json.dumps(completion("é"), ensure_ascii=False, indent=3).encode()
    with ScriptedServer(once(Answer(raw))) as server:
        run(server, [asked("q")], cache=tmp_path / "c")
    with Cache(tmp_path / "c") as cache:
        rows = cache._reader.execute("SELECT response, attempts FROM replies").fetchall()
    assert rows == [(raw, 1)]


def test_offline_needs_a_cache():
    with pytest.raises(ProblemsFound, match="no cache"):
        ask_all(Endpoint("http://localhost:9", "m"), [asked("q")], offline=True)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Answer(error("slow_down"), 429), "rate-limit"),
        (Answer(b"oops", 500), "server-error"),
        (Answer(b"<html>", 503), "server-error"),
        (Answer(error("x"), 408), "timeout"),
        (Answer(error("x"), 409), "conflict"),
        (Answer(status=0), "disconnect"),
        (Answer(b'{"choices": ['), "malformed"),
        (Answer(b"[" * 100_000), "malformed"),
        (Answer(error("x")), "malformed"),
        (Answer({"object": "list", "choices": [{"message": {"content": "4"}}]}), "malformed"),
        (Answer({"choices": [{"message": {"content": 4}}]}), "malformed"),
        (Answer({"choices": [{"message": {"content": "4"}, "logprobs": float("nan")}]}), "malformed"),
    ],
)
def test_infrastructure_failures_are_retried_and_counted_by_cause(answer, cause):
    with ScriptedServer(once(answer, answer)) as server:
        answers = run(server, [asked("q")])
        assert len(server.bodies) == 3
    assert answers.outcomes[0].attempts == 3
    assert answers.counts.retries == {cause: 2}
    assert (answers.counts.attempts, answers.counts.answered, answers.counts.failures) == (3, 1, {})


def test_an_attempt_that_takes_too_long_is_a_timeout_even_while_bytes_come():
    with ScriptedServer(lambda n, body: Answer(wait_s=0 if n else 60)) as server:
        answers = run(server, [asked("q")], pace=Pace(timeout_s=0.3, backoff_s=0.001))
    assert answers.counts.retries == {"timeout": 1}
    assert answers.outcomes[0].attempts == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "0"},
        {"retry-after-ms": "1", "Retry-After": "600"},
        {"Retry-After": formatdate(time.time(), usegmt=True)},
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_what_the_server_asks_for_replaces_the_backoff(headers, status):
    patient = Pace(backoff_s=1e9, backoff_most_s=1e9)
    with ScriptedServer(once(*[Answer(error("x"), status, headers)] * 3)) as server:
        (reply,) = run(server, [asked("q")], pace=patient).outcomes
    assert reply.attempts == 4


def test_a_server_cannot_ask_for_more_than_the_cap():
    with ScriptedServer(once(Answer(error("x"), 429, {"Retry-After": "86400"}))) as server:
        (reply,) = run(server, [asked("q")]).outcomes
    assert reply.attempts == 2


@pytest.mark.parametrize("status", [400, 402, 405, 413, 422, 451])
def test_a_rejected_request_is_not_sent_again_and_does_not_stop_the_others(status):
    def script(n, body):
        bad = body["messages"][0]["content"] == "q1"
        return Answer(error("context_length_exceeded", "too long; max_tokens"), status) if bad else Answer()

    with ScriptedServer(script) as server:
        answers = run(server, many(3))
        assert sorted(server.prompts) == ["q0", "q1", "q2"]
    code, names = "context_length_exceeded", frozenset({"max_tokens"})
    assert answers.outcomes[1] == Failure("rejected", 1, status, code, names)
    assert not answers.outcomes[1].infrastructure
    assert answers.counts.failures == {"rejected": 1}
    assert all(isinstance(answers.outcomes[k], Reply) for k in (0, 2))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(error("invalid_api_key"), 401), "OPENAI_API_KEY"),
        (Answer(error("forbidden"), 403), "leave to use the model 'm'"),
        (Answer(error("model_not_found"), 404), "the model 'm' at this address"),
        (Answer(b"<html>", 404), "/v1"),
        (Answer(error("insufficient_quota"), 429), "quota"),
        (Answer(b"", 307, {"location": "http://127.0.0.1:9/"}), "redirect"),
    ],
)
def test_what_no_attempt_can_change_stops_the_run(answer, said, tmp_path):
    with ScriptedServer(lambda n, body: Answer(wait_s=60) if n < 5 else answer) as server:
        with pytest.raises(ProblemsFound) as stopped:
            run(server, many(300), cache=tmp_path / "c")
        assert len(server.bodies) < 20
    (problem,) = stopped.value.problems
    assert said in str(problem)
    assert problem.file == f"the server {server.base_url}"


def test_what_was_answered_before_a_stop_is_kept(tmp_path):
    def script(n, body):
        return Answer(error("insufficient_quota"), 429) if n == 10 else Answer()

    async def stopped(server):
        async with Client(Endpoint(server.base_url, "m"), cache=tmp_path / "c", pace=Pace(max_in_flight=1)) as client:
            with pytest.raises(ProblemsFound):
                await client.ask_all(many(30))
            assert client.counts.attempts == 11
            with pytest.raises(ProblemsFound):
                await client.ask(asked("another"))

    with ScriptedServer(script) as server:
        asyncio.run(stopped(server))
        with Cache(tmp_path / "c") as cache:
            assert len(cache) == 10
        run(server, many(30), cache=tmp_path / "c")
        assert len(server.bodies) == 31


def test_a_server_that_was_never_there_stops_the_run():
    with ScriptedServer() as server:
        pass
    with pytest.raises(ProblemsFound, match="no connection in 3 attempts"):
        run(server, many(100), pace=Pace(max_attempts=3, backoff_s=0.001))


def test_a_server_that_goes_away_later_is_a_failure_like_others():
    async def main():
        with ScriptedServer() as server:
            client = Client(Endpoint(server.base_url, "m"), pace=Pace(max_attempts=2, passes=2, backoff_s=0.001))
            assert isinstance(await client.ask(asked("q")), Reply)
        assert await client.ask_all(many(3)) == [Failure("unreachable", 4)] * 3
        await client.close()
        return client.counts

    assert asyncio.run(main()).failures == {"unreachable": 3}


def test_what_another_process_stored_meanwhile_is_what_is_handed_over(tmp_path):
    endpoints = []

    def script(n, body):
        with Cache(tmp_path / "c") as other:
            other.put(
                [Row(request_key(endpoints[0], asked("q"), "text"), json.dumps(completion("theirs")).encode(), 5)]
            )
        return Answer(completion("ours"))

    with ScriptedServer(script) as server:
        endpoints.append(Endpoint(server.base_url, "m"))
        (reply,) = run(server, [asked("q")], cache=tmp_path / "c").outcomes
    assert (reply.text, reply.cached, reply.attempts) == ("theirs", True, 5)


def test_a_rejection_is_not_kept(tmp_path):
    with ScriptedServer(once(Answer(error("x"), 400))) as server:
        assert run(server, [asked("q")], cache=tmp_path / "c").outcomes[0].cause == "rejected"
        assert isinstance(run(server, [asked("q")], cache=tmp_path / "c").outcomes[0], Reply)


def test_failures_are_asked_again_in_later_passes():
    seen = {}

    def script(n, body):
        prompt = body["messages"][0]["content"]
        seen[prompt] = seen.get(prompt, 0) + 1
        return (
            Answer(b"", 500)
            if prompt == "q1" and seen[prompt] <= 5
            else Answer(b"", 500)
            if prompt == "q2"
            else Answer()
        )

    told = []
    pace = Pace(max_attempts=2, passes=3, backoff_s=0.001)
    with ScriptedServer(script) as server:
        answers = run(server, many(4), pace=pace, on_done=lambda index, outcome: told.append(index))
    assert seen == {"q0": 1, "q1": 6, "q2": 6, "q3": 1}
    assert isinstance(answers.outcomes[1], Reply)
    assert answers.outcomes[2] == Failure("server-error", 6, 500)
    assert sorted(told) == [0, 1, 2, 3]
    assert answers.counts.failures == {"server-error": 1}
    assert str(answers.outcomes[2]) == "server-error (status 500) after 6 attempts"


def test_no_more_are_in_flight_than_allowed():
    with ScriptedServer(lambda n, body: Answer(wait_s=0.5 if n < 5 else 0.001)) as server:
        run(server, many(60), pace=Pace(start=5, max_in_flight=5))
        assert server.most_at_once == 5


def test_an_overload_makes_them_fewer():
    seen = set()

    def script(n, body):
        prompt = body["messages"][0]["content"]
        first = prompt not in seen
        seen.add(prompt)
        return Answer(b"", 429) if first else Answer()

    async def main():
        async with Client(Endpoint(server.base_url, "m"), pace=Pace(start=64, backoff_s=0.001)) as client:
            await client.ask_all(many(30))
            assert client.counts.retries == {"rate-limit": 30}
            assert client.in_flight_limit <= 32

    with ScriptedServer(script) as server:
        asyncio.run(main())


def test_a_request_that_is_under_way_is_joined_and_ends_when_nobody_waits(tmp_path):
    async def main(server):
        async with Client(Endpoint(server.base_url, "m"), cache=tmp_path / "c") as client:
            first, second = (asyncio.create_task(client.ask(asked("q"))) for _ in range(2))
            await asyncio.sleep(0.05)
            first.cancel()
            assert (await second).text == "yes"
            assert len(server.bodies) == 1
            lonely = asyncio.create_task(client.ask(asked("slow")))
            while len(server.bodies) < 2:
                await asyncio.sleep(0.01)
            lonely.cancel()
            with pytest.raises(asyncio.CancelledError):
                await lonely
            assert not client._shared
            assert client._limit.in_flight == 0
            assert (await client.ask(asked("q"))).cached

    with ScriptedServer(lambda n, body: Answer(wait_s=0.1 if n == 0 else 60)) as server:
        asyncio.run(main(server))


def test_the_other_name_of_the_limit_is_learnt():
    def script(n, body):
        message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return Answer(error("unsupported_parameter", message), 400) if "max_tokens" in body else Answer()

    with ScriptedServer(script) as server:
        answers = run(
            server, [asked(f"q{k}", sampling=Sampling(max_tokens=5)) for k in range(4)], pace=Pace(max_in_flight=1)
        )
        assert all(isinstance(reply, Reply) for reply in answers.outcomes)
        assert ["max_tokens" in body for body in server.bodies] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("capabilities", "kind"),
    [(ABLE, "json_schema"), (Capabilities(False, True, True, True, True), "json_object"),
     (Capabilities(False, False, True, True, True), None)],
)  # fmt: skip
def test_a_schema_is_sent_in_the_best_way_there_is(capabilities, kind):
    with ScriptedServer(lambda n, body: Answer(completion("{}"))) as server:
        run(server, [asked("q", schema=SCHEMA)], capabilities=capabilities)
        (body,) = server.bodies
    assert body.get("response_format", {}).get("type") == kind
    if kind == "json_schema":
        assert body["response_format"]["json_schema"] == {
            "name": "verdict", "strict": True, "schema": {"type": "object", "properties": {"b": {}, "a": {}}}
        }  # fmt: skip
        assert len(body["messages"]) == 1
    else:
        assert body["messages"][0]["content"].endswith('{"type": "object", "properties": {"b": {}, "a": {}}}')


def test_an_error_of_the_callback_ends_the_run_and_is_not_hidden(tmp_path):
    def boom(index, outcome):
        raise KeyError(index)

    with ScriptedServer() as server, pytest.raises(KeyError):
        run(server, many(9), on_done=boom, cache=tmp_path / "c")


def test_a_cache_that_cannot_be_written_any_more_stops_the_run(tmp_path):
    async def main(server):
        async with Client(Endpoint(server.base_url, "m"), cache=tmp_path / "c") as client:
            client._cache._writer.execute("DROP TABLE replies")
            with pytest.raises(ProblemsFound, match="can't be used"):
                await client.ask_all(many(3))

    with ScriptedServer() as server:
        asyncio.run(main(server))


def test_nothing_heavy_is_imported_by_importing_it_nor_offline(tmp_path):
    code = """
import sys
from pathlib import Path
from biobench.chat import *
heavy = {"openai", "pydantic", "httpx2", "httpcore2", "anyio", "numpy"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
Cache(Path(sys.argv[1])).close()
answers = ask_all(Endpoint("http://localhost:9/v1", "m"), [Request((Message("user", "q"),))], cache=Path(sys.argv[1]), offline=True)
assert answers.outcomes == (Failure("not-in-cache"),)
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "c"], check=True, timeout=60)


CHILD = Path(__file__).with_name("chat_child.py")


def test_an_interrupt_ends_the_run_and_keeps_what_was_answered(tmp_path):
    told = tmp_path / "told"
    with ScriptedServer(lambda n, body: Answer(wait_s=0.002 if n < 40 else 60)) as server:
        child = subprocess.Popen(
            [sys.executable, CHILD, server.base_url, tmp_path / "c", told, "sound"], stderr=subprocess.PIPE, text=True
        )
        while not told.exists() or len(told.read_text().split()) < 20:
            time.sleep(0.005)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=20)
    assert child.returncode != 0
    assert errors.strip().endswith("KeyboardInterrupt")
    assert "never retrieved" not in errors
    assert "destroyed" not in errors
    with Cache(tmp_path / "c") as cache:
        assert len(set(told.read_text().split())) <= len(cache) <= 40


def test_a_reply_is_kept_though_nobody_waits_for_it_any_more(tmp_path):
    async def main(cache):
        store = Store(cache)
        waiting = [asyncio.create_task(store.put(Row(f"{k:064x}", b"{}", 1))) for k in range(9)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await store.close()

    with Cache(tmp_path / "c") as cache:
        asyncio.run(main(cache))
        assert len(cache) == 9
