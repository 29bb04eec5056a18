"""The one client for OpenAI-compatible servers: cache, retries, limits, budget, batch files."""

from __future__ import annotations

from biobench.chat.batch import BatchRead, BatchWritten, read_batch, write_batch
from biobench.chat.budget import Budget
from biobench.chat.cache import Cache
from biobench.chat.client import Answers, Client, Outcome, ask_all
from biobench.chat.endpoint import Endpoint
from biobench.chat.estimate import Estimate, estimate
from biobench.chat.probe import Capabilities, known_capabilities
from biobench.chat.records import (
    INFRASTRUCTURE,
    Cause,
    Counts,
    Failure,
    Message,
    Mode,
    Picture,
    Prices,
    Reply,
    Request,
    Sampling,
    Schema,
    Token,
    Usage,
)
from biobench.chat.waits import Pace
from biobench.chat.wire import request_key

__all__ = [
    "INFRASTRUCTURE",
    "Answers",
    "BatchRead",
    "BatchWritten",
    "Budget",
    "Cache",
    "Capabilities",
    "Cause",
    "Client",
    "Counts",
    "Endpoint",
    "Estimate",
    "Failure",
    "Message",
    "Mode",
    "Outcome",
    "Pace",
    "Picture",
    "Prices",
    "Reply",
    "Request",
    "Sampling",
    "Schema",
    "Token",
    "Usage",
    "ask_all",
    "estimate",
    "known_capabilities",
    "read_batch",
    "request_key",
    "write_batch",
]
