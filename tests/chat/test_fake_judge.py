"""The client against the package's own server with behaviours: what it says of itself is what the server saw."""

import asyncio
from dataclasses import replace

import pytest

from biobench.chat import Client, Endpoint, Message, Pace, Reply, Request, ask_all
from biobench.problems import ProblemsFound
from judges.fake_server import FakeServer

QUICK = Pace(timeout_s=30, backoff_s=0.001, backoff_most_s=0.01, retry_after_most_s=0.01)
IMPATIENT = replace(QUICK, timeout_s=4)
"""For servers that keep some waiting on purpose; long enough that a slow machine's real answers are never given up."""


def requests(count):
    return [Request((Message("user", f"q{k}"),)) for k in range(count)]


@pytest.mark.parametrize("kinds", ["429|500|disconnect", "429|500|timeout|disconnect"])
def test_a_flaky_server_answers_everything_exactly_once(tmp_path, kinds):
    count, pace = (20, IMPATIENT) if "timeout" in kinds else (300, QUICK)
    with FakeServer("constant", f"flaky:rate=0.3,kinds={kinds},retry_after=0.001,timeout_s=30") as server:
        answers = ask_all(Endpoint(server.base_url, "m"), requests(count), cache=tmp_path / "c", pace=pace)
        seen = server.counts()
    assert all(isinstance(reply, Reply) for reply in answers.outcomes)
    assert (seen.answered, seen.max_answered_a_body) == (count, 1)
    assert answers.counts.attempts == seen.attempts
    assert sum(answers.counts.retries.values()) == seen.attempts - count
    by_cause = {"rate-limit": "429", "server-error": "500", "timeout": "timeout", "disconnect": "disconnect"}
    assert answers.counts.retries == {
        cause: seen.faults[f"flaky:{kind}"] for cause, kind in by_cause.items() if f"flaky:{kind}" in seen.faults
    }


def test_the_key_is_what_the_server_wants_or_the_run_stops():
    with FakeServer("constant", "auth:key=sk-right") as server:
        assert ask_all(Endpoint(server.base_url, "m", "sk-right"), requests(2)).counts.answered == 2
        with pytest.raises(ProblemsFound, match="OPENAI_API_KEY") as stopped:
            ask_all(Endpoint(server.base_url, "m", "sk-wrong"), requests(2))
    assert "sk-" not in str(stopped.value)


@pytest.mark.parametrize(
    ("behaviours", "lacking"),
    [
        ((), set()),
        (("rejects-json-schema",), {"json_schema"}),
        (("rejects-json-schema:also=json_object",), {"json_schema", "json_object"}),
        (("no-logprobs",), {"logprobs"}),
        (("no-logprobs:mode=ignore",), {"logprobs"}),
        (("truncated",), set()),
        (("refusal",), {"logprobs"}),
    ],
)
def test_a_probe_finds_what_a_behaviour_takes_away(behaviours, lacking):
    async def main(base_url):
        async with Client(Endpoint(base_url, "m")) as client:
            return await client.capabilities()

    with FakeServer("oracle", *behaviours) as server:
        found = asyncio.run(main(server.base_url))
    names = ("json_schema", "json_object", "logprobs", "seed", "temperature")
    assert {name for name in names if not getattr(found, name)} == lacking
