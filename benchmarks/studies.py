"""A whole study of a judge, 10,000 judged items, beside a loop that asks one question at a time.

The server runs in a process of its own and answers at once, so that what is timed is the study: making questions, asking,
reading, scoring by code, keeping, and the report. The aim is under five minutes on two cores.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from biobench.chat import Endpoint
from biobench.judging import JudgeOptions
from judges.llm.bio import BioProfile
from judges.validation.judge_scorer import JudgeScorer
from judges.validation.plan import packaged_plan
from judges.validation.run import Study

SERVER = """
import sys
from judges.fake_server import FakeServer
with FakeServer("noisy") as server:
    print(server.base_url, flush=True)
    sys.stdin.read()
"""


def main() -> None:
    """Prints one line for the study, one for the peer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one-by-one", type=int, default=300, help="questions for the peer")
    parser.add_argument("--base-items", type=int, default=420)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        if server.stdin is None or server.stdout is None:
            raise AssertionError("both are pipes")
        url = server.stdout.readline().strip()
        plan = re.sub(r"^base_items = \d+", f"base_items = {given.base_items}", packaged_plan(), flags=re.MULTILINE)
        Path(folder, "plan.toml").write_text(plan, encoding="utf-8")
        start_s = time.perf_counter()
        study = Study(Path(folder))
        study.ask(JudgeScorer("bio", JudgeOptions((Endpoint(url, "m"),), cache=Path(folder, "cache.sqlite"))))
        study.report()
        taken_s = time.perf_counter() - start_s
        # Each question once, and the repeated ones under two wordings of the prompt, the first of them asked before.
        items = len(study.material.questions) + len(study.material.repeated) * (2 * study.plan.sizes.repeats - 1)
        print(f"study, {items:,} judged items and the report: {taken_s:.1f} s, {items / taken_s:.0f} a second")
        each_s = one_by_one(url, study, given.one_by_one)
        print(
            f"openai, one at a time: {each_s * items:.1f} s for as many (from {given.one_by_one}), {1 / each_s:.0f} a second"
        )
        print(f"ratio {each_s * items / taken_s:.2f}")
        server.stdin.close()


def one_by_one(url: str, study: Study, count: int) -> float:
    """Seconds a question with ``openai`` alone: nothing is read, scored or kept."""
    import openai  # the time that its import takes is nobody's

    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    profile = BioProfile()
    requests = [profile.request(question, 0, 1, None) for question in study.material.questions[:count]]
    start_s = time.perf_counter()
    for request in requests:
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        client.chat.completions.create(model="m", messages=messages)  # type: ignore[arg-type]  # plain messages
    return (time.perf_counter() - start_s) / len(requests)


if __name__ == "__main__":
    main()
