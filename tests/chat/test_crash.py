import random
import subprocess
import sys
import time
from pathlib import Path

from chat_server import Answer, ScriptedServer

from biobench.chat import Cache

CHILD = Path(__file__).with_name("chat_child.py")
KILLS = 8


def asked_again(folder, kind, seed):
    """Kills a run again and again at random moments, lets the last end; the handed-over requests that were sent again."""
    randomly = random.Random(seed)
    told, cache = folder / "told", folder / "cache"
    told.touch()
    again = set()
    with ScriptedServer(lambda n, body: Answer(wait_s=randomly.uniform(0, 0.02))) as server:
        for kill in range(KILLS + 1):
            handed, sent = set(told.read_text().split()), len(server.bodies)
            child = subprocess.Popen([sys.executable, CHILD, server.base_url, cache, told, kind])
            if kill < KILLS:
                more = randomly.randrange(1, 30)
                while len(told.read_bytes().splitlines()) < len(handed) + more and child.poll() is None:
                    time.sleep(0.0005)
                time.sleep(randomly.uniform(0, 0.004))
                child.kill()
                child.wait(20)
            else:
                assert child.wait(60) == 0
            again |= handed & set(server.prompts[sent:])
            if kind == "mutant" and again:
                break
    return again, told, cache


def test_nothing_that_was_handed_over_is_asked_again_after_a_crash(tmp_path):
    again, told, cache = asked_again(tmp_path, "sound", 1)
    assert not again
    assert set(told.read_text().split()) == {f"q{k}" for k in range(400)}
    with Cache(cache) as kept:
        assert len(kept) == 400


def test_the_test_sees_a_client_that_hands_over_before_it_commits(tmp_path):
    again, _, _ = asked_again(tmp_path, "mutant", 1)
    assert again
