"""A loopback server whose answers a test scripts, and which counts what it was asked."""

import asyncio
import json
import threading
from dataclasses import dataclass, field


def completion(text="yes", *, model="m", usage=(10, 2), finish="stop", **message):
    """A chat completion."""
    value = {
        "id": "c1", "object": "chat.completion", "created": 0, "model": model, "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}],
    }  # fmt: skip
    if usage:
        value["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return value


def error(code, message="no", **more):
    return {"error": {"message": message, "type": code, "code": code, **more}}


@dataclass
class Answer:
    """One response; ``status`` 0 closes the connection without one, ``wait_s`` comes before it."""

    body: object = field(default_factory=completion)
    status: int = 200
    headers: dict = field(default_factory=dict)
    wait_s: float = 0.0


class ScriptedServer:
    """``script(n, body)`` says the n-th answer, from 0; ``with ScriptedServer(...) as server`` runs it in a thread."""

    def __init__(self, script=lambda n, body: Answer()):
        self.script = script
        self.bodies = []
        self.headers = []
        self.most_at_once = 0
        self._at_once = 0

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def prompts(self):
        """The last message of each request, in order."""
        return [body["messages"][-1]["content"] for body in self.bodies]

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(started))
        finally:
            self._loop.close()

    async def _serve(self, started):
        self._stopped = asyncio.Event()
        self._tasks = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stopped.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        answer = self.script(len(self.bodies), body)
        self.bodies.append(body)
        self.headers.append({"path": head[0].split()[1], **headers})
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if answer.wait_s:
                await asyncio.sleep(answer.wait_s)
        finally:
            self._at_once -= 1
        if not answer.status:
            return False
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        lines = [f"HTTP/1.1 {answer.status} X", f"content-length: {len(content)}", "content-type: application/json"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await writer.drain()
        return True
