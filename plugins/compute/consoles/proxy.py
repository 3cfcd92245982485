"""The console proxy: who comes with a token is joined with a guest's console on this host."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import queue
import selectors
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ....core.clock import Clock
from ....core.drivers.hypervisor import ConsoleEndpoint
from ....core.errors import CloudError, NotFound
from ....core.executor import Executor
from .address import may_open
from .loop import TICK_S, Loop
from .pages import Pages

if TYPE_CHECKING:
    from .session import Session

log = logging.getLogger("stratolith.compute.consoles")
Found = tuple[ConsoleEndpoint, str]
"""Where a console listens, and whose it is, sealed."""
BACKLOG = 64
JOINERS = 2
"""Threads that ask what tokens open; one may wait for an agent that does not answer."""
HANDSHAKE_S = 20.0
CONNECT_S = 5.0
SUN_PATH_BYTES = 100
"""Longer paths of sockets are not taken by the system."""
UNSENT_MS = 60_000


@dataclasses.dataclass(frozen=True)
class Opened:
    """An open console, for threads that are not the loop's."""

    loop: Loop
    clock: Clock
    session: Session

    @property
    def holder(self) -> str:
        """Whose it is, sealed."""
        return self.session.holder

    def leave(self) -> None:
        """End it soon."""
        self.loop.post(lambda: self.session.end(self.clock.monotonic()))


class Proxy:
    """Listens for browsers and pipes their consoles, all on one thread; two more take their tokens.

    ``find`` takes a token, once, and tells where its console listens and whose it is; it may block and runs elsewhere.
    """

    def __init__(self, clock: Clock, executor: Executor, pages: Pages, find: Callable[[str], Found],
                 sessions: int = 200, url: str = "", origins: tuple[str, ...] = ()) -> None:
        self._clock, self._executor = clock, executor
        self._pages, self._find = pages, find
        self._limit, self._url, self._origins = sessions, url, origins
        self._loop = Loop(self._tidy, self._close)
        self._sessions: list[Session] = []
        self._brought: queue.SimpleQueue[tuple[Session, str]] = queue.SimpleQueue()
        self._listener: socket.socket | None = None

    def listen(self, host: str, port: int) -> int:
        """Begin to answer; return the port. :raises OSError: the address is taken, or not this machine's."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._listener.setblocking(False)
        self._loop.watch(self._listener, selectors.EVENT_READ, self._accept)
        self._executor.loop("consoles", self._loop.run)
        for number in range(JOINERS):
            self._executor.loop(f"consoles {number}", self._wait_for_tokens)
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Take no more connections and end those that are there."""
        self._loop.post(self._close)

    def opened(self) -> list[Opened]:
        """The consoles that are open. Any thread may ask, and end them."""
        return [Opened(self._loop, self._clock, one) for one in tuple(self._sessions) if one.holder and not one.closed]

    def _close(self) -> None:
        if self._listener is not None:
            self._loop.watch(self._listener, 0, self._accept)
            self._listener.close()
            self._listener = None
        for one in self._sessions:
            one.close()

    def _accept(self, mask: int) -> None:
        # The library is loaded when somebody comes: most processes never need its memory.
        from .session import Session
        assert self._listener is not None
        browser, _ = self._listener.accept()
        if len(self._sessions) >= self._limit:
            browser.close()
            return
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        browser.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        browser.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_MS)
        self._sessions.append(Session(self._loop, browser, self._pages.page, self._admit,
                                      self._clock.monotonic() + HANDSHAKE_S))

    def _admit(self, session: Session, token: str, origin: str, host: str) -> None:
        if not may_open(origin, host, self._url, self._origins):
            session.refuse(403, "Forbidden")
        elif not token:
            session.refuse(401, "Unauthorized")
        else:
            self._brought.put((session, token))

    def _wait_for_tokens(self, stop: threading.Event) -> None:
        """Off the loop, and off the threads that guests are made on, which may be long at it."""
        while not stop.is_set():
            with contextlib.suppress(queue.Empty):
                session, token = self._brought.get(timeout=TICK_S)
                self._join(session, token)

    def _join(self, session: Session, token: str) -> None:
        """Take the token and connect with the console."""
        try:
            endpoint, holder = self._find(token)
            guest = connected(endpoint)
        except NotFound:
            self._loop.post(lambda: session.refuse(403, "Forbidden"))
        except (CloudError, OSError):
            self._loop.post(lambda: session.refuse(503, "Service Unavailable"))
        except Exception:
            log.exception("a console could not be opened")
            self._loop.post(lambda: session.refuse(500, "Internal Server Error"))
        else:
            self._loop.post(lambda: session.join(guest, holder))

    def _tidy(self) -> None:
        """Forget connections that have ended, and end those that came to nothing."""
        now = self._clock.monotonic()
        for one in self._sessions:
            if one.deadline is not None and one.deadline < now and not one.closed:
                one.close()
        self._sessions = [one for one in self._sessions if not one.closed]


def connected(endpoint: ConsoleEndpoint) -> socket.socket:
    """A connection with a console's own server. :raises OSError: nobody listens there."""
    if not endpoint.path:
        return socket.create_connection((endpoint.host, endpoint.port), CONNECT_S)
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.settimeout(CONNECT_S)
    path = Path(endpoint.path)
    try:
        if len(os.fsencode(path)) <= SUN_PATH_BYTES:
            one.connect(str(path))
        else:
            _connect_in(one, path)
    except OSError:
        one.close()
        raise
    return one


def _connect_in(one: socket.socket, path: Path) -> None:
    """Connect by way of the open folder, whose name is short."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        one.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
