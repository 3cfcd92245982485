"""Options of the HTTP edge."""

from __future__ import annotations

import dataclasses

from ..config import option


@dataclasses.dataclass(frozen=True)
class HttpOptions:
    """Options of ``[http]``."""

    threads: int = option(64, "requests held at once, in each worker; threads start when needed")
    at_once: int = option(4, "of those, requests worked on at once: more only get into each other's way")
    backlog: int = option(1024, "connections that may wait to be accepted")
    workers: int = option(1, "worker processes; more than one needs a database and bus that processes can share")
    public_url: str = option("", "address clients reach the cloud at; empty means the listening address")
