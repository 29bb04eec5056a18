"""A chat server of the OpenAI kind with scripted behaviours, on this machine: for tests, demonstrations and load.

A behaviour is written ``NAME[:key=value,...]``. One says what is answered (``oracle``, ``noisy``, ``length``, ``constant``,
``obeys-injection``, ``drift``), any number of others say what goes wrong. The same requests meet the same faults.
"""

from __future__ import annotations

from judges.fake_server.base import Behaviour
from judges.fake_server.behaviours import BEHAVIOURS, Script, parse, parse_script
from judges.fake_server.counts import Counts
from judges.fake_server.server import FakeServer

__all__ = ["BEHAVIOURS", "Behaviour", "Counts", "FakeServer", "Script", "parse", "parse_script"]
