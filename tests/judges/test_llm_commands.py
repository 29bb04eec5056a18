"""``biobench judge`` and ``biobench evaluate --judge`` as users run them."""

import json
import os
import subprocess
import sys

import httpx2
import pytest

from judges.fake_server import FakeServer

ONE_EXERCISE = ("--exercise", "squats")


def biobench(*arguments, cache, **environment):
    return subprocess.run(
        [sys.executable, "-m", "biobench", *arguments],
        env={**os.environ, "OPENAI_API_KEY": "sk-very-secret", "XDG_CACHE_HOME": str(cache), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def judge(tmp_path):
    def run(*arguments, **environment):
        done = biobench("judge", *arguments, cache=tmp_path, **environment)
        assert "Traceback" not in done.stderr
        assert "sk-very-secret" not in done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def server():
    with FakeServer("oracle") as running:
        yield running


def at(server, model="m"):
    return ("--model", model, "--base-url", server.base_url)


def test_a_number_comes_with_what_it_is_worth(judge, server, tmp_path):
    done = judge("score", "sample:late_paraphraser", *ONE_EXERCISE, *at(server), "--out", str(tmp_path / "r.json"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("the packaged sample")
    assert any(line.startswith("biobench-1 llm_bio ") and "not validated" in line for line in lines)
    assert sum(line.startswith("canaries ") for line in lines) == 6
    assert "\x1b" not in done.stdout + done.stderr
    results = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert {"llm_bio", "llm_bio_lift", "llm_bio_unscored"} <= {score["metric"] for score in results["scores"]}
    assert results["judges"][0]["items"][0]["replies"][0]["text"].startswith("{")
    assert (tmp_path / "biobench" / "judge.sqlite").exists()
    again = judge(
        "score", "sample:late_paraphraser", *ONE_EXERCISE, *at(server), "--offline", "--out", str(tmp_path / "s.json")
    )
    assert again.returncode == 0
    assert (tmp_path / "r.json").read_bytes() == (tmp_path / "s.json").read_bytes()
    assert again.stdout == done.stdout


def test_estimate_sends_nothing_and_guesses_no_price(judge, server):
    before = server.counts().attempts
    done = judge("estimate", "sample:late_paraphraser", *at(server))
    assert done.returncode == 0
    assert "price: unknown" in done.stdout
    priced = judge("estimate", "sample:late_paraphraser", *at(server), "--price-in", "1", "--price-out", "2")
    assert "price: at most " in priced.stdout
    assert server.counts().attempts == before


def test_probe_says_what_an_endpoint_takes(judge):
    with FakeServer("oracle", "rejects-json-schema", "no-logprobs") as server:
        done = judge("probe", *at(server))
    assert done.returncode == 0
    assert "json_schema no, json_object yes, logprobs no" in done.stdout
    assert "schemas are sent as json_object" in done.stdout


def test_a_judge_that_obeys_has_no_number_and_exit_status_1(judge):
    with FakeServer("obeys-injection") as server:
        done = judge("score", "sample:late_paraphraser", *ONE_EXERCISE, *at(server))
    assert done.returncode == 1
    assert "llm_bio no number" in done.stdout
    assert done.stderr.count("the judge failed its canaries: canaries injection") == 1


def test_a_batch_goes_out_and_comes_back(judge, server, tmp_path):
    out, back = tmp_path / "out.jsonl", tmp_path / "back.jsonl"
    common = ("score", "sample:late_paraphraser", *ONE_EXERCISE, *at(server, "batched"))
    before = server.counts().attempts
    done = judge(*common, "--batch-out", str(out))
    assert done.returncode == 0, done.stderr
    assert server.counts().attempts == before
    requests = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert f"{len(requests)} requests" in done.stdout
    with httpx2.Client() as client, back.open("w", encoding="utf-8") as file:
        for request in requests:
            answer = client.post(f"{server.base_url}/chat/completions", json=request["body"])
            body = {"status_code": answer.status_code, "request_id": "r", "body": answer.json()}
            file.write(json.dumps({"custom_id": request["custom_id"], "response": body, "error": None}) + "\n")
    scored = judge(*common, "--batch-in", str(back), "--offline")
    assert scored.returncode == 0, scored.stderr
    assert "biobench-1 llm_bio " in scored.stdout
    assert "no number" not in scored.stdout
    assert judge(*common, "--offline").stdout == scored.stdout


def test_evaluate_shows_the_judge_beside_the_rest(tmp_path, server):
    arguments = ("evaluate", "sample:late_paraphraser", *ONE_EXERCISE, "--no-baselines", "--judge", "bio", *at(server))
    done = biobench(*arguments, "--judge-out", str(tmp_path / "replies.json"), cache=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "llm_bio_lift" in done.stdout
    assert "t_f_score" in done.stdout
    assert "not validated" in done.stdout
    assert json.loads((tmp_path / "replies.json").read_text(encoding="utf-8"))[0]["judge"] == "bio"
    as_json = biobench(*arguments, "--format", "json", cache=tmp_path)
    assert json.loads(as_json.stdout)["judges"][0]["validated"] is False


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("score", "sample:eager"), "--model"),
        (("score", "sample:eager", "--model", "m"), "--base-url"),
        (("score", "sample:eager", "--model", "m", "--base-url", "localhost"), "the base URL"),
        (("score", "sample:eager", "--model", "a", "--model", "b", "--base-url", "http://x/v1"), "one, or at least three"),
        (("score", "sample:eager", "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--offline"), "no such file"),
        (("score", "sample:eager", "--model", "m", "--base-url", "http://x/v1", "--judge", "llm-acc"), "--prompt-from"),
        (("score", "sample:eager", "--model", "m", "--base-url", "http://x/v1", "--budget-money", "1"), "both prices"),
        (("estimate", "sample:eager", "--model", "m", "--base-url", "http://x/v1", "--price-in", "1"), "both, or none"),
        (("score", "sample:eager", "--model", "m", "--base-url", "http://x/v1", "--key-variable", "gsk_real_key"), "the name, not the key"),
        (("score", "sample:eager", "--model", "m", "--base-url", "http://x/v1", "--second-base-url", "http://y/v1"), "--second-model"),
        (("score", "sample:none", "--model", "m", "--base-url", "http://x/v1"), "no packaged predictions"),
    ],
)  # fmt: skip
def test_mistakes_are_one_clear_message(judge, arguments, found):
    done = judge(*arguments)
    assert done.returncode == 2
    assert found in done.stderr
    assert "gsk_real_key" not in done.stderr


def test_evaluate_wants_to_know_which_judge(tmp_path):
    done = biobench("evaluate", "sample:eager", "--model", "m", "--base-url", "http://x/v1", cache=tmp_path)
    assert done.returncode == 2
    assert "--judge" in done.stderr
    unknown = biobench(
        "evaluate", "sample:eager", "--judge", "bioo", "--model", "m", "--base-url", "http://x/v1", cache=tmp_path
    )
    assert unknown.returncode == 2
    assert "did you mean" in unknown.stderr
    assert "bio" in unknown.stderr


def test_help_is_there_for_every_command(judge):
    for command in ((), ("score",), ("estimate",), ("probe",)):
        done = judge(*command, "--help")
        assert done.returncode == 0
        assert "Usage" in done.stdout
