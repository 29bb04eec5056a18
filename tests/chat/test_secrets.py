"""Neither the key nor a prompt nor a reply is in a log record, a message, a traceback or a repr."""

import asyncio
import json
import logging
import traceback

import pytest
from chat_server import Answer, ScriptedServer, completion, error

from biobench.chat import Client, Endpoint, Message, Pace, Request, Sampling, Schema, ask_all
from biobench.problems import ProblemsFound

KEY, PROMPT, REPLY = "sk-hush", "promptmarker", "replymarker"
EVERYTHING = json.dumps([KEY, PROMPT, REPLY])
QUICK = Pace(max_attempts=2, passes=2, timeout_s=0.2, backoff_s=0.001)


def echoing(code="bad", status=400):
    """An error of a server that repeats all it was told, in every place."""
    return Answer(error(code, f"{KEY} {PROMPT} {REPLY}", param=PROMPT, detail=EVERYTHING), status)


ANSWERS = [
    Answer(completion(REPLY, refusal=REPLY)),
    echoing(),
    echoing(PROMPT),
    echoing(PROMPT, 422),
    echoing("slow", 429),
    echoing("insufficient_quota", 429),
    echoing("x", 500),
    echoing(PROMPT, 401),
    echoing(PROMPT, 403),
    echoing(PROMPT, 404),
    Answer(EVERYTHING.encode()),
    Answer(EVERYTHING.encode(), 503, {"Retry-After": "soon"}),
    Answer(b'{"choices": [{"message": {"content": "' + REPLY.encode()),
    Answer(EVERYTHING.encode(), 302, {"Location": "http://127.0.0.1:9/"}),
    Answer(status=0),
    Answer(wait_s=30),
]


def shown(error):
    """All that a traceback of it, chained errors included, would print, and what hangs on it unseen."""
    seen, texts, left = set(), [], [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        texts += [repr(each), str(each), *map(repr, each.args), *traceback.format_exception(each)]
        left += [each.__cause__, each.__context__]
    return "\n".join(texts)


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
@pytest.mark.parametrize("schema", [None, Schema("s", {"title": PROMPT})])
def test_nothing_of_them_is_told(answer, schema, tmp_path, caplog, recwarn):
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx2", "httpcore2", "asyncio", "biobench"):
        caplog.set_level(logging.DEBUG, name)
    request = Request((Message("system", PROMPT), Message("user", f"{PROMPT} again")), Sampling(max_tokens=5), schema)

    def script(n, body):
        probe = PROMPT not in json.dumps(body)
        return Answer(completion('{"answer": "yes"}')) if probe else answer

    with ScriptedServer(script) as server:
        endpoint = Endpoint(server.base_url, "m", KEY)
        told = [repr(endpoint), repr(request), repr(request.messages), repr(schema)]

        async def main():
            async with Client(endpoint, cache=tmp_path / "c", pace=QUICK) as client:
                told.extend([repr(client), str(client)])
                outcomes = await client.ask_all([request, request])
                told.extend([repr(outcomes), *map(str, outcomes), str(client.counts), repr(client.counts)])

        try:
            asyncio.run(main(), debug=True)
        except ProblemsFound as problem:
            told.append(shown(problem))
        assert PROMPT in json.dumps(server.bodies)
        assert server.headers[0]["authorization"] == f"bearer {KEY}"
    formatter = logging.Formatter("%(name)s %(message)s %(args)s")
    told += [formatter.format(record) + repr(record.__dict__) for record in caplog.records]
    told += [str(warning.message) for warning in recwarn]
    assert caplog.records
    text = "\n".join(told)
    for secret in (KEY, PROMPT, REPLY):
        assert secret not in text


def test_the_key_is_not_in_the_cache(tmp_path):
    with ScriptedServer() as server:
        request = Request((Message("user", PROMPT),))
        ask_all(Endpoint(server.base_url, "m", KEY), [request], cache=tmp_path / "c")
    assert KEY.encode() not in (tmp_path / "c").read_bytes()
