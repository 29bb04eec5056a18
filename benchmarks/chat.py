"""Attempts a second of the chat client against a slow and flaky server, beside a bare loop of ``openai`` itself.

The server runs in a process of its own: 200 ms for each answer, and one attempt in ten fails (429, 500 or a closed
connection). 64 in flight make 320 answers a second, a few more where a failure comes sooner; the aim is 85 % of that
on less than one core. The peer is ``AsyncOpenAI`` behind a semaphore: it keeps nothing, and asks again at once.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from biobench.chat import Endpoint, Message, Pace, Request, Sampling, ask_all

IN_FLIGHT, LATENCY_S = 64, 0.2
MOST_A_SECOND = IN_FLIGHT / LATENCY_S
SERVER = f"""
import sys
from judges.fake_server import FakeServer
flaky = "flaky:rate=0.1,kinds=429|500|disconnect,retry_after=0.001"
with FakeServer("constant", flaky, "latency:ms={LATENCY_S * 1000:g}") as server:
    print(server.base_url, flush=True)
    sys.stdin.read()
"""


def main() -> None:
    """Prints one line a client."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    count = parser.parse_args().requests
    import openai  # the time that its import takes is nobody's

    print(
        f"openai {openai.__version__}; {count:,} requests, {IN_FLIGHT} in flight, 10 % of attempts fail, others take 200 ms"
    )
    timed("openai alone, nothing kept", lambda url: asyncio.run(bare(url, count)))
    timed("ours, 64 from the start", lambda url: ours(url, count, Pace(start=IN_FLIGHT, max_in_flight=IN_FLIGHT)))
    timed("ours as it comes, 8 at first", lambda url: ours(url, count, Pace()))


def timed(name: str, run: Callable[[str], int]) -> None:
    """Runs against a fresh server, so that all meet the same faults."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        if server.stdin is None or server.stdout is None:
            raise AssertionError("both are pipes")
        url = server.stdout.readline().strip()
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        attempts = run(url)
        taken_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
        server.stdin.close()
    rate = attempts / taken_s
    print(
        f"{name:<29} {rate:4.0f} attempts/s, {rate / MOST_A_SECOND:4.0%} of {MOST_A_SECOND:.0f}  "
        f"{cpu_s / taken_s:4.0%} of a core, {cpu_s / attempts * 1000:.2f} ms an attempt  ({attempts:,} in {taken_s:.1f} s)",
        flush=True,
    )


def ours(url: str, count: int, pace: Pace) -> int:
    """Everything that the client does, the cache on the disk included."""
    requests = [
        Request((Message("user", question(k)),), Sampling(temperature=0.0, max_tokens=64)) for k in range(count)
    ]
    with tempfile.TemporaryDirectory() as folder:
        answers = ask_all(Endpoint(url, "m"), requests, cache=Path(folder) / "cache.sqlite", pace=pace)
    if answers.counts.answered != count:
        raise SystemExit(f"not all were answered: {answers.counts}")
    return answers.counts.attempts


async def bare(url: str, count: int) -> int:
    """The shortest loop that gets the same answers."""
    import openai

    attempts = 0
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def ask(text: str) -> None:
        nonlocal attempts
        while True:
            async with slots:
                attempts += 1
                try:
                    await client.chat.completions.create(
                        model="m", messages=[{"role": "user", "content": text}], temperature=0.0, max_tokens=64
                    )
                except (openai.APIStatusError, openai.APIConnectionError):
                    continue
                return

    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        await asyncio.gather(*[ask(question(k)) for k in range(count)])
    return attempts


def question(k: int) -> str:
    """About as long as a judge's prompt without its criteria, with its blocks."""
    texts = {
        "EXERCISE": "squats",
        "REFERENCE": "Bend your knees a little more.",
        "PREDICTION": f"Go {k} degrees deeper.",
    }
    blocks = "".join(f"[[BEGIN {name} {k:016x}]]\n{text}\n[[END {name} {k:016x}]]\n" for name, text in texts.items())
    return "Say of each criterion whether the two remarks agree. " * 14 + blocks


if __name__ == "__main__":
    main()
