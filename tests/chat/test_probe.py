import asyncio
import dataclasses

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
    Request,
    Schema,
    ask_all,
    known_capabilities,
)
from biobench.problems import ProblemsFound

QUICK = Pace(max_attempts=3, backoff_s=0.001)
ALL = Capabilities(True, True, True, True, True)
TOKENS = {"content": [{"token": "yes", "logprob": -0.1, "top_logprobs": []}]}


def kind(body):
    """Which capability a request of the probe is about."""
    if "response_format" in body:
        return body["response_format"]["type"]
    return next((name for name in ("logprobs", "seed", "temperature") if name in body), "plain")


def able(body):
    said = completion('{"answer": "yes"}' if "response_format" in body else "yes")
    if body.get("logprobs"):
        said["choices"][0]["logprobs"] = TOKENS
    return Answer(said)


def probe(script, cache=None, offline=False):
    async def main(base_url):
        async with Client(Endpoint(base_url, "m"), cache=cache, offline=offline, pace=QUICK) as client:
            return await client.capabilities()

    with ScriptedServer(script) as server:
        return asyncio.run(main(server.base_url)), server


def test_a_server_that_can_do_everything():
    found, server = probe(lambda n, body: able(body))
    assert found == ALL
    assert sorted(map(kind, server.bodies)) == [
        "json_object",
        "json_schema",
        "logprobs",
        "plain",
        "seed",
        "temperature",
    ]
    assert found.mode == "json_schema"


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("name", ["json_schema", "json_object", "logprobs", "seed", "temperature"])
@pytest.mark.parametrize("message", ["unsupported: {}", "no"])
def test_what_is_rejected_is_not_there(name, status, message):
    def script(n, body):
        return Answer(error("bad", message.format(name)), status) if kind(body) == name else able(body)

    assert probe(script)[0] == dataclasses.replace(ALL, **{name: False})


def test_what_is_taken_and_ignored_is_not_there():
    found, _ = probe(lambda n, body: Answer(completion("Yes, of course.")))
    assert found == Capabilities(False, False, False, True, True)
    assert found.mode == "plain"
    assert str(found) == "json_schema no, json_object no, logprobs no, seed yes, temperature yes"


def test_a_reply_cut_short_shows_by_its_start_that_it_is_json():
    found, _ = probe(lambda n, body: Answer(completion('{"answer": "y', finish="length")))
    assert (found.json_schema, found.json_object) == (True, True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(Answer(b"", 500), "server-error"), (Answer(status=0), "disconnect"),
     (Answer(error("bad", "temperature is wrong"), 400), "rejected"), (Answer(error("x"), 413), "rejected")],
)  # fmt: skip
def test_any_other_failure_is_an_error_and_no_fact(answer, said, tmp_path):
    with pytest.raises(ProblemsFound, match=f"a probe that failed: {said}"):
        probe(lambda n, body: answer if kind(body) == "seed" else able(body), tmp_path / "c")
    with pytest.raises(ProblemsFound, match="a probe that failed"):
        probe(lambda n, body: answer)


def test_a_probe_is_cached_with_what_was_rejected(tmp_path):
    cache, calls = tmp_path / "c", []

    def script(n, body):
        calls.append(body)
        return Answer(error("bad", "response_format"), 400) if kind(body) == "json_schema" else able(body)

    async def main(base_url, offline):
        async with Client(Endpoint(base_url, "m"), cache=cache, offline=offline, pace=QUICK) as client:
            return await client.capabilities()

    with ScriptedServer(script) as server:
        endpoint = Endpoint(server.base_url, "m")
        with Cache(cache) as before:
            assert known_capabilities(endpoint, before) is None
        found = [asyncio.run(main(server.base_url, offline)) for offline in (False, False, True)]
        with Cache(cache) as after:
            assert known_capabilities(endpoint, after) == found[0]
    assert found == [dataclasses.replace(ALL, json_schema=False)] * 3
    assert len(calls) == 6


def test_the_first_request_with_a_schema_probes_once_and_one_without_does_not():
    schema = Schema("a", {"type": "object"})
    requests = [Request((Message("user", f"q{k}"),), schema=schema) for k in range(5)]
    with ScriptedServer(lambda n, body: able(body)) as server:
        ask_all(Endpoint(server.base_url, "m"), requests, pace=QUICK)
        assert len(server.bodies) == 6 + 5
        ask_all(Endpoint(server.base_url, "m"), [Request((Message("user", "q"),))], pace=QUICK)
        assert len(server.bodies) == 12


def test_offline_without_a_probe_in_the_cache(tmp_path):
    Cache(tmp_path / "c").close()
    endpoint = Endpoint("http://localhost:9", "m")
    requests = [Request((Message("user", "q"),), schema=Schema("a", {}))]
    assert ask_all(endpoint, requests, cache=tmp_path / "c", offline=True).outcomes == (Failure("not-in-cache"),)
    with pytest.raises(ProblemsFound, match="probe it online first"):
        probe(lambda n, body: able(body), tmp_path / "c", offline=True)


def test_a_server_that_answers_500_to_what_it_does_not_know():
    """As llama-cpp-python's does to a JSON schema; where it answers nothing with a schema it can do neither."""
    found, _ = probe(lambda n, body: Answer(error("x"), 500) if kind(body) == "json_schema" else able(body))
    assert found == dataclasses.replace(ALL, json_schema=False)
    with pytest.raises(ProblemsFound, match="server-error"):
        probe(lambda n, body: able(body) if kind(body) == "plain" else Answer(error("x"), 500))
