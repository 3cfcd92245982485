"""The middleware for ASGI programs (version 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .bearer import to_body
from .door import Door, Passed, Refused
from .headers import OURS
from .settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
POLICY_VIOLATION = 1008


class Middleware:
    """Stands before an ASGI program and lets in whom identity knows, to HTTP and to websockets.

    The program finds who asks in the customary headers, in ``scope["stratolith.identified"]``
    (:class:`~.bearer.Identified`, absent for nobody), and as the body of a token in ``scope["keystone.token_info"]``.
    Identity is asked on a thread of the event loop's, which goes on meanwhile.
    """

    def __init__(self, application: Application, settings: Settings, door: Door | None = None) -> None:
        self._application = application
        self._door = door or Door(settings)

    def close(self) -> None:
        """Close the connections to identity, memcached and the bus."""
        self._door.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the program do so."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        headers: Headers = list(scope.get("headers", ()))
        decision = await asyncio.to_thread(self._door.decide, _one(headers, b"x-auth-token"),
                                           _one(headers, b"x-service-token"), scope.get("method", "GET"),
                                           scope.get("path", ""))
        if isinstance(decision, Refused):
            await _refuse(scope, decision, send)
        else:
            await self._application(_with(scope, headers, decision), receive, send)


def _with(scope: Scope, headers: Headers, decision: Passed) -> Scope:
    """The scope with the middleware's headers in place of whatever the client sent under their names."""
    kept = [(name, value) for name, value in headers if _plain(name) not in OURS]
    kept += [(name.lower().encode(), value.encode()) for name, value in decision.headers.items()]
    found = {**scope, "headers": kept}
    for key in ("stratolith.identified", "keystone.token_info"):
        found.pop(key, None)
    if decision.user is not None:
        found["stratolith.identified"] = decision.user
        found["keystone.token_info"] = to_body(decision.user)
    return found


def _plain(name: bytes) -> str:
    """A name as programs compare it; some take an underscore for a dash."""
    return name.decode("latin-1").lower().replace("_", "-")


def _one(headers: Headers, name: bytes) -> str:
    """The value of a header; of one sent twice something that is no token."""
    values = [value for key, value in headers if key.lower() == name]
    return ",".join(value.decode("latin-1") for value in values)


async def _refuse(scope: Scope, decision: Refused, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": decision.reason})
        return
    headers = [(name.lower().encode(), value.encode()) for name, value in decision.headers.items()]
    await send({"type": "http.response.start", "status": decision.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else decision.body})
