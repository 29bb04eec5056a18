"""Replies on their way to the cache: none is handed over before it is on the disk, and many share one commit."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from biobench.chat.cache import Cache, Row

__all__ = ["Store"]


class Store:
    """Writes to the cache in a thread; rows that come while one transaction runs share the next."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._thread = ThreadPoolExecutor(1, "biobench-chat-cache")
        self._rows: list[tuple[Row, asyncio.Future[Row]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, row: Row) -> Row:
        """Returns what the cache holds, when it is on the disk; the row is stored even if the caller is cancelled."""
        done = asyncio.get_running_loop().create_future()
        self._rows.append((row, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        stored: Row = await asyncio.shield(done)
        return stored

    async def close(self) -> None:
        """Waits for what is being written."""
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._rows:
            batch, self._rows = self._rows, []
            try:
                stored = await loop.run_in_executor(self._thread, self._cache.put, [row for row, _ in batch])
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait
                for _, done in batch:
                    done.set_exception(error)
                    done.exception()  # whoever waited may have been cancelled
            else:
                for (_, done), row in zip(batch, stored, strict=True):
                    done.set_result(row)
        self._writing = None
