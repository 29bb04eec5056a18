"""QEVD-synth with poses for the tests of the rewriting, made once by whichever process comes first; the command in process."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from click.testing import CliRunner

from biobench.problems import ProblemsFound
from biobench.synth.bodies import PoseErrors
from biobench.synth.make import make_script
from biobench.synth.write import Rendering, write_scripts
from biocoach_model.commands.augment import command


def synth(folder, videos, **options):
    write_scripts([make_script("train", videos, **options)], folder, Rendering(PoseErrors()))
    return folder / "QEVD-FIT-COACH"


def augment(*arguments):
    """Exit status, printed lines and, for bad input, the problems."""
    done = CliRunner().invoke(command, [str(a) for a in arguments])
    if isinstance(done.exception, ProblemsFound):
        return 2, done.output, done.exception.problems
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output, ()


def lines_of(out):
    """The first line of a sidecar, and its remarks."""
    head, *lines = map(json.loads, out.with_name(out.name + ".how.jsonl").read_text(encoding="utf-8").splitlines())
    return head, lines


def made_once(tmp_path_factory, name, make):
    """A folder that all test processes share; ``make(folder)`` fills it."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder, lock = shared / name, shared / f"{name}.lock"
    while not folder.exists():
        try:
            descriptor = os.open(lock, os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            time.sleep(0.2)
            continue
        try:
            make(shared / f"{name}.part")
            (shared / f"{name}.part").rename(folder)
        finally:
            os.close(descriptor)
            lock.unlink()
    return folder


class Speaker:
    """A chat server on loopback; ``says(question)`` is its reply to what the user's turn asks, or a status to fail with."""

    def __init__(self, says):
        self.says, self.asked = says, []
        speaker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                speaker.asked.append(body)
                said = speaker.says(json.loads(body["messages"][-1]["content"]))
                value = {"error": {"message": "no", "code": "no"}}
                if isinstance(said, str):
                    message = {"role": "assistant", "content": said}
                    value = {"id": "1", "object": "chat.completion", "created": 0, "model": "m",
                             "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}  # fmt: skip
                content = json.dumps(value).encode()
                self.send_response(200 if isinstance(said, str) else said)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
