"""The middleware for WSGI programs (PEP 3333)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .bearer import to_body
from .door import Door, Refused
from .headers import OURS
from .settings import Settings, settings

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]
KEYS = frozenset("HTTP_" + name.upper().replace("-", "_") for name in OURS)
STRATOLITH, TOKEN_INFO = "stratolith.identified", "keystone.token_info"


class Middleware:
    """Stands before a WSGI program and lets in whom identity knows.

    The program finds who asks in the customary headers, in ``environ["stratolith.identified"]``
    (:class:`~.bearer.Identified` or none), and as the body of a token in ``environ["keystone.token_info"]``.
    """

    def __init__(self, application: Application, settings: Settings, door: Door | None = None) -> None:
        self._application = application
        self._door = door or Door(settings)

    def close(self) -> None:
        """Close the connections to identity, memcached and the bus."""
        self._door.close()

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer a request, or let the program do so."""
        for key in (*KEYS, STRATOLITH, TOKEN_INFO):
            environ.pop(key, None)
        path = _as_sent(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
        decision = self._door.decide(environ.get("HTTP_X_AUTH_TOKEN", ""), environ.get("HTTP_X_SERVICE_TOKEN", ""),
                                     environ.get("REQUEST_METHOD", "GET"), path)
        if isinstance(decision, Refused):
            start_response(f"{decision.status} {decision.reason}", list(decision.headers.items()))
            return [] if environ.get("REQUEST_METHOD") == "HEAD" else [decision.body]
        for name, value in decision.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value.encode().decode("latin-1")
        if decision.user is not None:
            environ[STRATOLITH] = decision.user
            environ[TOKEN_INFO] = to_body(decision.user)
        return self._application(environ, start_response)


def filter_factory(global_conf: Mapping[str, Any] | None = None,
                   **local_conf: Any) -> Callable[[Application], Middleware]:
    """A filter as Paste Deploy wants it; of the global words only those that are settings are taken.

    :raises BadConfiguration: a setting is unknown, missing or cannot be read.
    """
    known = {name: value for name, value in (global_conf or {}).items() if name in Settings.__dataclass_fields__}
    made = settings({**known, **local_conf})
    return lambda application: Middleware(application, made)


def _as_sent(path: str) -> str:
    """The path as text: WSGI has its bytes as latin-1."""
    with contextlib.suppress(UnicodeError):
        return path.encode("latin-1").decode()
    return path
