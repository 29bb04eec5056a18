"""For tests of prompted systems: the scripted server of tests/chat, and videos whose every frame says its number."""

import base64
import importlib.util
import struct
import sys
from pathlib import Path

import numpy as np

from biobench.models import PartlyFailed, run_model, with_defaults

_SPEC = importlib.util.spec_from_file_location("chat_server", Path(__file__).parent.parent / "chat" / "chat_server.py")
chat_server = sys.modules.get("chat_server") or importlib.util.module_from_spec(_SPEC)
if "chat_server" not in sys.modules:
    sys.modules["chat_server"] = chat_server
    _SPEC.loader.exec_module(chat_server)

Answer, ScriptedServer, completion, error = (
    chat_server.Answer, chat_server.ScriptedServer, chat_server.completion, chat_server.error,
)  # fmt: skip

BITS = 10
BLOCK = 16
WIDTH, HEIGHT = BITS * BLOCK, 112


def saying(*texts):
    """A server that says these texts, the last one for ever."""
    return ScriptedServer(lambda n, body: Answer(completion(texts[min(n, len(texts) - 1)])))


def outcome(model, benchmark, server, cache, seed=0, **given):
    """Entries and failures of a run."""
    options = {"base_url": server.base_url, "model": "m", "cache": str(cache), "attempts": 1, **given}
    try:
        return run_model(model, benchmark, options, seed), ()
    except PartlyFailed as partly:
        return partly.entries, partly.failures


def remarks(entries):
    return {entry.key: [(feedback.time_s, feedback.text) for feedback in entry.feedbacks] for entry in entries}


def everything(model, **given):
    return with_defaults(model, given)


def user_text(body):
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


def sent_pictures(body):
    """The JPEGs of a request."""
    content = body["messages"][-1]["content"]
    parts = [] if isinstance(content, str) else content[:-1]
    return [base64.b64decode(part["image_url"]["url"].removeprefix("data:image/jpeg;base64,")) for part in parts]


def upright(number):
    """A frame with a red block in its upper left corner and its number in black and white at the bottom."""
    frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    frame[:32, :32] = (230, 20, 20)
    for bit in range(BITS):
        frame[-BLOCK:, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (number >> bit & 1)
    return frame


def render(path, frames, stored=lambda frame: frame, *, gop=12):
    """Writes a video of the frames 0, 1, ..., each as ``stored`` makes it of the upright one; B-frames included."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=22)
        first = stored(upright(0))
        stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], "yuv420p"
        stream.bit_rate, stream.gop_size = 4_000_000, gop
        stream.codec_context.max_b_frames = 2 if gop > 1 else 0
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(stored(upright(number))), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


# Rows of the matrix in a track's header, by the angle that a player turns the picture by, clockwise: x' = a x + c y,
# y' = b x + d y with y downwards (ISO/IEC 14496-12).
MATRICES = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def say_rotation(path, clockwise_deg):
    """Puts the display matrix into the file, byte by byte."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    a, b, c, d = MATRICES[clockwise_deg]
    content[at : at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def pixels(jpeg):
    """A JPEG, decoded."""
    import av

    codec = av.CodecContext.create("mjpeg", "r")
    (frame,) = [*codec.decode(av.Packet(jpeg)), *codec.decode(None)]
    return frame.to_ndarray(format="rgb24")


def number_of(jpeg):
    """The number that an upright picture shows, of any size."""
    shown = pixels(jpeg)
    height, width, _ = shown.shape
    row = shown[int(height * (1 - BLOCK / HEIGHT / 2))]
    return sum((row[int((bit + 0.5) * width / BITS)].mean() > 128) << bit for bit in range(BITS))


def red_corner(jpeg):
    """Where the red block is: ``upper left`` in an upright picture."""
    shown = pixels(jpeg).astype(int)
    red = np.argwhere(shown[..., 0] - shown[..., 1] > 100).mean(axis=0) / shown.shape[:2]
    return f"{'upper' if red[0] < 0.5 else 'lower'} {'left' if red[1] < 0.5 else 'right'}"
