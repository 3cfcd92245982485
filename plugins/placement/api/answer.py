"""What answers share: times of change, links, and the wire form of microversions before and after."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from ....core.http.call import Call, Reply

DATED_SINCE = (1, 15)


def http_date(moment: datetime.datetime) -> str:
    """A moment as HTTP headers write it."""
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def dated(service: Any, call: Call, body: Any, moments: Iterable[datetime.datetime] = (),
          headers: Mapping[str, str] | None = None, status: int = 0) -> Any:
    """An answer that from 1.15 says when what it shows was changed last; now, when nothing is shown."""
    if call.version < DATED_SINCE:
        return Reply(body, status, headers or {}) if headers or status else body
    last = max(moments, default=None) or service.clock.now()
    return Reply(body, status, {"Last-Modified": http_date(last), "Cache-Control": "no-cache", **(headers or {})})


def dashed(text: str) -> str:
    """The usual form of a UUID that may be written without dashes."""
    return str(uuid.UUID(text))


def location(call: Call, rest: str) -> dict[str, str]:
    """The header that says where a new resource is."""
    return {"Location": call.address(rest)}
