"""The consoles of simulated guests: Unix sockets on which their screens and serial lines answer."""

from __future__ import annotations

import contextlib
import functools
import os
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import cast

from ...core.drivers.hypervisor import ConsoleKind
from ...core.executor import Executor, guarded
from .talk import ANY, Talk, line, screen

TICK_S = 1.0
PIECE = 65_536
HELD_BYTES = 1 << 20
BACKLOG = 8
NAMES = {ConsoleKind.VNC: "vnc", ConsoleKind.SERIAL: "serial"}
TALKS: dict[ConsoleKind, Callable[[bytearray, str], Talk]] = {ConsoleKind.VNC: screen, ConsoleKind.SERIAL: line}


class Remote:
    """All consoles of a host, answered by one thread that begins with the first; none without an executor's loops."""

    def __init__(self, folder: Path, executor: Executor | None) -> None:
        self._folder = folder
        self._executor = executor if executor is not None and executor.loops else None
        self._lock = threading.Lock()
        self._ports: dict[str, Port] = {}
        self._posted: deque[Callable[[], None]] = deque()
        self._selector: selectors.BaseSelector | None = None
        self._waker: socket.socket | None = None

    def path(self, guest: str, name: str, kind: ConsoleKind) -> Path:
        """The socket of a guest's console, which answers from now on."""
        path = self._folder / f"{guest}.{NAMES[kind]}"
        if self._executor is not None:
            with self._lock:
                if path.name not in self._ports:
                    self._begin()
                    self._ports[path.name] = port = Port(_bound(path), kind, name)
                    self._post(lambda: self._watch(port))
        return path

    def drop(self, guest: str) -> None:
        """The guest runs no more: its consoles end."""
        with self._lock:
            for kind in NAMES.values():
                port = self._ports.pop(f"{guest}.{kind}", None)
                if port is not None:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(self._folder / f"{guest}.{kind}")
                    self._post(port.close)

    def _begin(self) -> None:
        if self._selector is None:
            assert self._executor is not None
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._selector = selectors.DefaultSelector()
            woken, self._waker = socket.socketpair()
            self._selector.register(woken, selectors.EVENT_READ, lambda mask: self._drain(woken))
            self._executor.loop("simulated consoles", self._run)

    def _post(self, task: Callable[[], None]) -> None:
        assert self._waker is not None
        self._posted.append(task)
        with contextlib.suppress(OSError):
            self._waker.send(b".")

    def _drain(self, woken: socket.socket) -> None:
        woken.recv(PIECE)
        while self._posted:
            self._posted.popleft()()

    def _watch(self, port: Port) -> None:
        if self._selector is not None and port.listener.fileno() >= 0:
            port.selector = self._selector
            self._selector.register(port.listener, selectors.EVENT_READ, port.accept)

    def _run(self, stop: threading.Event) -> None:
        assert self._selector is not None
        while not stop.is_set():
            for key, mask in self._selector.select(TICK_S):
                guarded(functools.partial(key.data, mask))
        with self._lock:
            assert self._waker is not None
            self._waker.close()
            for key in list(self._selector.get_map().values()):
                cast(socket.socket, key.fileobj).close()
            self._ports.clear()
            self._selector.close()


class Port:
    """One console: its socket, and who is connected."""

    def __init__(self, listener: socket.socket, kind: ConsoleKind, name: str) -> None:
        self.listener = listener
        self.selector: selectors.BaseSelector | None = None
        self._kind, self._name = kind, name
        self._visitors: list[Visitor] = []

    def accept(self, mask: int) -> None:
        """Somebody connects."""
        one, _ = self.listener.accept()
        assert self.selector is not None
        self._visitors = [*(kept for kept in self._visitors if kept.open), Visitor(self.selector, one, self._kind,
                                                                                 self._name)]

    def close(self) -> None:
        """End it for all."""
        for one in self._visitors:
            one.close()
        if self.selector is not None:
            self.selector.unregister(self.listener)
        self.listener.close()


class Visitor:
    """One connection and its talk."""

    def __init__(self, selector: selectors.BaseSelector, one: socket.socket, kind: ConsoleKind, name: str) -> None:
        self._selector, self._socket = selector, one
        self._out, self._heard = bytearray(), bytearray()
        self.open = True
        self._talk = TALKS[kind](self._out, name)
        self._wanted = next(self._talk)
        one.setblocking(False)
        selector.register(one, selectors.EVENT_READ | selectors.EVENT_WRITE, self._on)

    def close(self) -> None:
        """Hang up."""
        if self.open:
            self.open = False
            self._selector.unregister(self._socket)
            self._socket.close()

    def _on(self, mask: int) -> None:
        try:
            if mask & selectors.EVENT_WRITE and self._out:
                del self._out[:self._socket.send(self._out)]
            if mask & selectors.EVENT_READ:
                self._take(self._socket.recv(PIECE))
        except BlockingIOError:
            return
        except OSError:
            self.close()
        if self.open:
            reading = selectors.EVENT_READ if len(self._out) < HELD_BYTES else 0
            self._selector.modify(self._socket, reading | (selectors.EVENT_WRITE if self._out else 0), self._on)

    def _take(self, data: bytes) -> None:
        """Give the talk what it waits for, as long as it is there."""
        self._heard += data
        if not data:
            self.close()
        while self.open and (self._heard if self._wanted == ANY else len(self._heard) >= self._wanted):
            count = len(self._heard) if self._wanted == ANY else self._wanted
            piece = bytes(self._heard[:count])
            del self._heard[:count]
            try:
                self._wanted = self._talk.send(piece)
            except StopIteration:
                self.close()


def _bound(path: Path) -> socket.socket:
    """A socket that listens at ``path``, by way of the open folder: its own name may be too long for the system."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        one.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
    one.listen(BACKLOG)
    return one
