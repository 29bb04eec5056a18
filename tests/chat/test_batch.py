import json

import pytest
from chat_server import ScriptedServer, completion, error

from biobench.chat import (
    BatchRead,
    BatchWritten,
    Cache,
    Capabilities,
    Endpoint,
    Message,
    Request,
    Sampling,
    Schema,
    ask_all,
    read_batch,
    request_key,
    write_batch,
)
from biobench.problems import ProblemsFound

HERE = Endpoint("http://localhost:9/v1", "m")
REQUESTS = [Request((Message("user", f"q{k}"),), Sampling(0.0, max_tokens=9), repeat=k % 2) for k in range(6)]


def answered(key, body=None, status=200, failed=None):
    response = {"status_code": status, "request_id": "r", "body": completion() if body is None else body}
    return json.dumps({"id": "b", "custom_id": key, "response": response, "error": failed})


@pytest.fixture
def cache(tmp_path):
    with Cache(tmp_path / "cache") as cache:
        yield cache


def test_a_batch_goes_out_comes_back_and_answers(tmp_path, cache):
    sent, back = tmp_path / "sent.jsonl", tmp_path / "back.jsonl"
    written = write_batch(HERE, [*REQUESTS, REQUESTS[0]], sent, cache)
    assert written == BatchWritten(6, 0)
    lines = [json.loads(line) for line in sent.read_text().splitlines()]
    assert [line["custom_id"] for line in lines] == [request_key(HERE, request, "text") for request in REQUESTS]
    assert {line["method"] for line in lines} == {"POST"}
    assert {line["url"] for line in lines} == {"/v1/chat/completions"}
    assert lines[2]["body"] == {
        "model": "m", "messages": [{"role": "user", "content": "q2"}], "temperature": 0.0, "max_tokens": 9
    }  # fmt: skip
    back.write_text(
        "\n".join(answered(line["custom_id"], completion(f"é{k}")) for k, line in enumerate(lines[:4])) + "\n\n"
    )
    assert read_batch(back, cache) == BatchRead(4, 0, ())
    answers = ask_all(HERE, REQUESTS, cache=cache.path, offline=True)
    assert [getattr(outcome, "text", None) for outcome in answers.outcomes] == ["é0", "é1", "é2", "é3", None, None]
    assert answers.outcomes[0].attempts == 0
    assert write_batch(HERE, REQUESTS, sent, cache) == BatchWritten(2, 4)


def test_the_lines_are_what_the_client_would_have_sent(tmp_path):
    request = Request((Message("system", "s"), Message("user", "q")), schema=Schema("a", {"type": "object"}))
    with ScriptedServer() as server:
        endpoint = Endpoint(server.base_url, "m")
        write_batch(endpoint, [request], tmp_path / "b")
        ask_all(endpoint, [request], capabilities=Capabilities(True, True, True, True, True))
        assert json.loads((tmp_path / "b").read_text())["body"] == server.bodies[0]


def test_what_is_read_twice_is_stored_once(tmp_path, cache):
    path = tmp_path / "back"
    path.write_text(answered("a" * 64))
    assert [(read.stored, read.known) for read in (read_batch(path, cache), read_batch(path, cache))] == [
        (1, 0),
        (0, 1),
    ]


def test_errors_of_the_server_are_named_by_line_and_the_rest_is_kept(tmp_path, cache):
    path = tmp_path / "back"
    lines = [
        answered("a" * 64),
        answered("b" * 64, error("rate_limit_exceeded", "SECRET"), 429),
        json.dumps({"custom_id": "c" * 64, "response": None, "error": {"code": "batch_expired", "message": "SECRET"}}),
    ]
    path.write_text("\n".join(lines))
    read = read_batch(path, cache)
    assert (read.stored, len(read.errors)) == (1, 2)
    assert [problem.line for problem in read.errors] == [2, 3]
    assert "status 429, rate_limit_exceeded" in read.errors[0].found
    assert "batch_expired" in read.errors[1].found
    assert "SECRET" not in str(read)


@pytest.mark.parametrize(
    "line",
    ['{"custom_id": "SECRET', "[1]", '{"custom_id": "SECRET-1", "response": {}}', '"SECRET"', "NaN",
     answered("a" * 64), answered("c" * 64, {"object": "list", "SECRET": 1}), answered("c" * 64, status="SECRET"),
     '{"custom_id": "%s", "SECRET": 1, "SECRET": 2}' % ("d" * 64),
     '{"custom_id": "%s", "method": "POST", "url": "/v1/chat/completions", "body": {}}' % ("d" * 64)],
)  # fmt: skip
def test_foreign_and_half_lines_are_problems_with_their_lines_and_nothing_is_stored(tmp_path, cache, line):
    path = tmp_path / "back"
    path.write_text("\n".join([answered("a" * 64), line, answered("b" * 64), "half"]))
    with pytest.raises(ProblemsFound) as found:
        read_batch(path, cache)
    assert [problem.line for problem in found.value.problems] == [2, 4]
    assert "SECRET" not in str(found.value)
    assert len(cache) == 0


def test_a_file_that_is_not_there_and_a_place_that_cannot_be_written(tmp_path, cache):
    with pytest.raises(ProblemsFound, match="no such file"):
        read_batch(tmp_path / "no", cache)
    with pytest.raises(ProblemsFound, match="can't be written"):
        write_batch(HERE, REQUESTS, tmp_path / "no" / "file")
