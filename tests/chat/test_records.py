import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.chat import Budget, Counts, Endpoint, Message, Pace, Prices, Request, Sampling, Schema, request_key
from biobench.chat.tokens import prompt_middle, prompt_most
from biobench.chat.wire import body, canonical_json
from biobench.problems import ProblemsFound

HERE = Endpoint("http://localhost:8000/v1", "m", "k")
ASKED = Request((Message("user", "How deep?"),))


def problems(make):
    with pytest.raises(ProblemsFound) as found:
        make()
    return found.value.problems


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://LocalHost:8000/v1/", "http://localhost:8000/v1"),
        ("HTTPS://api.example.com:443/v1", "https://api.example.com/v1"),
        ("http://example.com:80", "http://example.com"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
    ],
)
def test_one_server_has_one_address(url, normal):
    assert Endpoint(url, "m").base_url == normal


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://example.com", "http://", "http://a:b@example.com/v1", "http://example.com/v1?key=7",
     "http://example.com:99999/v1", "http://exa mple.com/v1", "http://[::1/v1", "http://ex\nample.com/v1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url):
    (problem,) = problems(lambda: Endpoint(url, "m"))
    assert problem.file == "the base URL"
    assert "a:b" not in str(problem)


def test_everything_wrong_with_an_endpoint_comes_at_once_and_without_the_key():
    found = problems(lambda: Endpoint("nowhere", " ", "sk-1\nsk-2"))
    assert [problem.file for problem in found] == ["the model", "the API key", "the base URL"]
    assert not any("sk-" in str(problem) for problem in found)


def test_the_key_comes_from_the_environment_unless_given(monkeypatch):
    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", " sk-env\n")
    assert Endpoint("http://a", "m").api_key == "sk-env"
    assert Endpoint("http://a", "m", "sk-own").api_key == "sk-own"
    monkeypatch.delitem(os.environ, "OPENAI_API_KEY")
    assert Endpoint("http://a", "m").api_key == "none"


@pytest.mark.parametrize(
    "values",
    [{"temperature": -0.1}, {"temperature": float("nan")}, {"temperature": True}, {"top_p": 1.5}, {"max_tokens": 0},
     {"max_tokens": 2.0}, {"seed": 2**63}, {"top_logprobs": 21}],
)  # fmt: skip
def test_values_out_of_range_are_refused(values):
    (problem,) = problems(lambda: Sampling(**values))
    assert problem.file == f"sampling: {next(iter(values))}"


def test_other_records_refuse_what_makes_no_sense():
    assert len(problems(lambda: Message("robot", "\ud800"))) == 2
    assert len(problems(lambda: Request(()))) == 1
    assert len(problems(lambda: Schema("a name", {}))) == 1
    assert len(problems(lambda: Prices(-1, float("inf")))) == 2
    assert len(problems(lambda: Budget(calls=-1, money=1.0))) == 2
    assert len(problems(lambda: Pace(timeout_s=0, least=65, backoff_s=-1, overload_share=1, passes=0))) == 5


ROLES = st.sampled_from(["system", "user", "assistant"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
REQUESTS = st.builds(
    Request,
    st.lists(st.builds(Message, ROLES, TEXTS), min_size=1, max_size=3).map(tuple),
    st.builds(
        Sampling,
        st.none() | st.sampled_from([0, 0.0, 0.5, 1]),
        st.none() | st.just(0.9),
        st.none() | st.integers(1, 9),
        st.none() | st.integers(0, 3),
        st.none() | st.integers(0, 3),
    ),
    st.none() | st.builds(Schema, st.sampled_from("ab"), st.dictionaries(TEXTS, TEXTS, max_size=2)),
    st.integers(0, 2),
    st.sampled_from(["", "1"]),
)
MODES = st.sampled_from(["text", "json_schema", "json_object", "plain"])


@given(REQUESTS, REQUESTS, MODES, MODES)
def test_keys_are_equal_exactly_where_requests_are(one, other, mode, other_mode):
    def order(request):
        return list(request.schema.definition) if request.schema else None

    same = one == other and mode == other_mode and order(one) == order(other)
    assert (request_key(HERE, one, mode) == request_key(HERE, other, other_mode)) == same


@given(REQUESTS, MODES)
def test_a_key_does_not_depend_on_the_api_key_and_does_on_the_server_and_the_model(request, mode):
    key = request_key(HERE, request, mode)
    assert request_key(Endpoint("http://LOCALHOST:8000/v1/", "m", "another"), request, mode) == key
    elsewhere = [("https://localhost:8000/v1", "m"), ("http://localhost:8001/v1", "m"), ("http://localhost:8000", "m"),
                 ("http://localhost:8000/v1", "n")]  # fmt: skip
    assert key not in {request_key(Endpoint(*place), request, mode) for place in elsewhere}


def test_a_key_stays_the_same_from_version_to_version():
    schema = Schema("verdict", {"type": "object", "properties": {}})
    request = Request((Message("user", "é"),), Sampling(0, 1, 2, 3, 4), schema, 5, "6")
    assert request_key(HERE, request, "plain") == "35bc8563edd6b320cda8bc1607db96882bba0fc9d2a18d0182a24385f75f9d61"


@given(REQUESTS, MODES)
def test_what_is_sent_differs_where_something_in_it_was_asked_differently(request, mode):
    sent = body(HERE, request, mode)
    assert sent["model"] == "m"
    assert [name for name in ("temperature", "top_p", "max_tokens", "seed", "top_logprobs") if name in sent] == [
        name for name in ("temperature", "top_p", "max_tokens", "seed", "top_logprobs")
        if getattr(request.sampling, name) is not None
    ]  # fmt: skip
    said = canonical_json(sent["messages"])
    if request.schema is not None and mode in {"json_object", "plain"}:
        assert "JSON schema" in said
        assert sent["messages"][0]["role"] == "system"
    else:
        assert len(sent["messages"]) == len(request.messages)
    assert ("response_format" in sent) == (mode == "json_object" or (mode == "json_schema" and bool(request.schema)))


def test_the_limit_of_tokens_has_two_names():
    request = Request(ASKED.messages, Sampling(max_tokens=9))
    assert body(HERE, request, "text", "max_completion_tokens")["max_completion_tokens"] == 9


@given(REQUESTS)
def test_guesses_of_tokens_grow_with_the_text(request):
    longer = Request((*request.messages, Message("user", "and one more sentence")), schema=request.schema)
    assert prompt_middle(request) <= prompt_most(request)
    assert prompt_most(request) < prompt_most(longer)
    assert prompt_most(request) >= sum(len(message.content) for message in request.messages) / 2


def test_counts_say_in_one_line_what_a_run_did():
    counts = Counts(12, 9, 1000, {"timeout": 1, "rate-limit": 2}, {"budget": 4, "rejected": 1}, 1234, 56, True)
    assert counts.left == 4
    assert str(counts) == (
        "9 answered in 12 attempts, 1,000 from the cache; retries: rate-limit 2, timeout 1; failures: rejected 1; "
        "tokens: 1,234 in, 56 out; stopped by the budget with 4 left"
    )
