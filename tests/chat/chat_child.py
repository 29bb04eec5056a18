"""A run in a process of its own, to be killed: every reply that is handed over becomes a line of a file at once.

Usage: chat_child.py BASE_URL CACHE TOLD sound|mutant; the mutant hands over before it commits. The disk is a slow one.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from biobench.chat import Endpoint, Message, Pace, Request, ask_all, client

REQUESTS = [Request((Message("user", f"q{k}"),)) for k in range(400)]


class SlowDisk(client.Cache):
    def put(self, rows):
        time.sleep(0.01)
        return super().put(rows)


class HandsOverFirst(client.Store):
    async def put(self, row):
        self._rows.append((row, asyncio.get_running_loop().create_future()))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return row


def main():
    base_url, cache, told, kind = sys.argv[1:]
    client.Cache = SlowDisk
    if kind == "mutant":
        client.Store = HandsOverFirst
    log = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(index, outcome):
        os.write(log, f"q{index}\n".encode())

    ask_all(Endpoint(base_url, "m"), REQUESTS, cache=Path(cache), on_done=tell, pace=Pace(backoff_s=0.001))


if __name__ == "__main__":
    main()
