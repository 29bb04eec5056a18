"""Where a model is asked: a server's address, a model's name, a key that is shown nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from biobench.problems import Problem, ProblemsFound

__all__ = ["Endpoint"]

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server and a model. ``api_key`` None takes the environment's ``OPENAI_API_KEY``; a local server needs none.

    ``base_url`` is what stands before ``/chat/completions``, such as ``http://localhost:8000/v1``; it is kept in
    normal form. Raises ``ProblemsFound`` with everything wrong, without the key.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        problems = []
        if not self.model.strip() or not self.model.isprintable():
            problems.append(Problem("the model", "no name", "the name of a model as its server knows it"))
        key = os.environ.get("OPENAI_API_KEY", "") if self.api_key is None else self.api_key
        key = key.strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            hint = "copy it again; it is not shown here"
            problems.append(Problem("the API key", "characters that no key has", "printable ASCII, no spaces", hint))
        url = _normal_url(self.base_url)
        if isinstance(url, Problem):
            problems.append(url)
        if problems:
            raise ProblemsFound(problems)
        object.__setattr__(self, "base_url", url)
        object.__setattr__(self, "api_key", key or "none")


def _normal_url(url: str) -> str | Problem:
    """Scheme and host in lower case, the port only where it is not the scheme's own, no slash at the end."""
    expected = "an address such as http://localhost:8000/v1"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return Problem("the base URL", "an address that can't be read", expected)
    if parts.username is not None or parts.password is not None:
        hint = "give the key by OPENAI_API_KEY"
        return Problem("the base URL", "a user name or password in it", expected, hint)
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment:
        found = "an address with a query or a fragment" if parts.query or parts.fragment else "no http(s) address"
        return Problem("the base URL", found, expected)
    if not url.strip().isascii() or not url.strip().isprintable() or " " in url.strip():
        return Problem("the base URL", "characters that no address has", expected)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port is not None and port != _PORTS[parts.scheme]:
        host += f":{port}"
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
