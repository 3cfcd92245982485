"""One browser's connection to the proxy: a page it asks for, or a console whose bytes go both ways."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
from collections.abc import Callable, Sequence

from websockets.datastructures import Headers
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from .address import token_of
from .loop import Loop
from .pages import Page

PIECE = 65_536
HELD_BYTES = 262_144
"""So much may wait for one side; then the other is read no further until that is gone."""
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
BINARY = Subprotocol("binary")
DATA = (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)
GUEST_GONE, NORMAL = "The console has ended.", 1000
NOT_ALLOWED, REFUSED = "The console may not be open any more.", 1008
LEAVING_S = 5.0
"""So long a browser gets to take what is on its way to it."""
log = logging.getLogger("stratolith.compute.consoles.websocket")
log.setLevel(logging.WARNING)
# What the library tells below that has the address, and so the token.


class Session:
    """A connection, its protocol and, once its token has been taken, the guest's console behind it.

    ``page`` gives what a request without an upgrade asks for; ``admit`` gets the token of one with it, and calls
    :meth:`join` or :meth:`refuse` on the loop's thread.
    """

    def __init__(self, loop: Loop, browser: socket.socket, page: Callable[[str], Page],
                 admit: Callable[[Session, str, str, str], None], deadline: float) -> None:
        self._loop, self._browser = loop, browser
        self._page, self._admit = page, admit
        self.holder = ""
        """Whose console it is, sealed, once it is open."""
        self.deadline: float | None = deadline
        """When it is ended if nothing has come of it, by the monotonic clock; none once a console is open."""
        self._protocol = ServerProtocol(subprotocols=[BINARY], select_subprotocol=_chosen, logger=log)
        self._guest: socket.socket | None = None
        self._request: Request | None = None
        self._to_browser, self._to_guest = bytearray(), bytearray()
        self._ending = self.closed = False
        browser.setblocking(False)
        self._arm()

    # What happens.

    def join(self, guest: socket.socket, holder: str = "") -> None:
        """The token was good, and is ``holder``'s: let the bytes pass."""
        if self.closed or self._request is None:
            guest.close()
            return
        response = self._protocol.accept(self._request)
        if response.status_code != 101:
            guest.close()
            self._answer(response.status_code, response.reason_phrase)
            return
        self._guest, self.deadline, self.holder = guest, None, holder
        guest.setblocking(False)
        self._protocol.send_response(response)
        self._settle()

    def refuse(self, status: int, reason: str) -> None:
        """The token was not good."""
        if not self.closed:
            self._answer(status, reason)

    def end(self, now: float) -> None:
        """No byte passes any more, as the console may not be open; the browser is told why."""
        if self.closed or self._ending:
            return
        self._ending, self.deadline = True, now + LEAVING_S
        with contextlib.suppress(InvalidState):
            self._protocol.send_close(REFUSED, NOT_ALLOWED)
        self._settle()

    def close(self) -> None:
        """Let go of both sides."""
        self.closed = True
        for one in (self._browser, self._guest):
            if one is not None and one.fileno() >= 0:
                self._loop.watch(one, 0, self._on_browser)
                one.close()

    # Sockets.

    def _on_browser(self, mask: int) -> None:
        try:
            with contextlib.suppress(BlockingIOError):
                if mask & WRITE:
                    _send(self._browser, self._to_browser)
                if mask & READ:
                    self._heard(self._browser.recv(PIECE))
        except OSError:
            self.close()
        self._settle()

    def _on_guest(self, mask: int) -> None:
        assert self._guest is not None
        try:
            with contextlib.suppress(BlockingIOError):
                if mask & WRITE:
                    _send(self._guest, self._to_guest)
                if mask & READ:
                    self._said(self._guest.recv(PIECE))
        except OSError:
            self._said(b"")
        self._settle()

    def _heard(self, data: bytes) -> None:
        """The browser sent something, or nothing any more."""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
            self._ending = True
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._asked(event)
            elif isinstance(event, Frame) and event.opcode in DATA:
                self._to_guest += event.data
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                self._ending = True

    def _said(self, data: bytes) -> None:
        """The guest's console sent something, or has ended."""
        try:
            if data:
                self._protocol.send_binary(data)
            elif not self._ending:
                self._ending = True
                self._protocol.send_close(NORMAL, GUEST_GONE)
        except InvalidState:
            self._ending = True

    def _asked(self, request: Request) -> None:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            page = self._page(request.path)
            self._answer(page.status, page.reason, page.kind, page.data)
            return
        self._request = request
        headers = request.headers
        self._admit(self, token_of(request.path, headers.get("Cookie", "")), headers.get("Origin", ""),
                    headers.get("Host", ""))

    def _answer(self, status: int, reason: str, kind: str = "text/plain", data: bytes = b"") -> None:
        headers = Headers({"Content-Type": kind, "Content-Length": str(len(data)), "Connection": "close",
                           "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
                           "X-Content-Type-Options": "nosniff"})
        self._protocol.send_response(Response(status, reason, headers, data))
        self._ending = True
        self._settle()

    # Flow.

    def _settle(self) -> None:
        """Take what the protocol wants sent, see whether all is over, and say what is waited for now."""
        if self.closed:
            return
        for piece in self._protocol.data_to_send():
            self._to_browser += piece
        if self._ending and not self._to_browser:
            self.close()
            return
        self._arm()

    def _arm(self) -> None:
        asking = self._request is not None and self._guest is None
        reading = not self._ending and not asking and len(self._to_guest) < HELD_BYTES
        self._loop.watch(self._browser, (READ if reading else 0) | (WRITE if self._to_browser else 0), self._on_browser)
        if self._guest is not None:
            open_ = self._protocol.state is OPEN and not self._ending
            reading = open_ and len(self._to_browser) < HELD_BYTES
            self._loop.watch(self._guest, (READ if reading else 0) | (WRITE if self._to_guest and open_ else 0),
                             self._on_guest)


def _chosen(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Bytes as they are, whether the page says so or names nothing."""
    return BINARY if BINARY in offered else None


def _send(one: socket.socket, waiting: bytearray) -> None:
    if waiting:
        del waiting[:one.send(waiting)]
