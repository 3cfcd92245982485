"""A program: reads a container's console for ever, writes it to a log, and serves it on a Unix socket.

It runs by itself, with nothing but Python's own library, so that a container is heard while no agent runs: one whose
console nobody reads stands still as soon as a few kilobytes are unread.

    recorder.py TTY FOLDER

writes ``console.log`` and ``recorder.pid`` and listens on ``tty`` in FOLDER; it ends with the console.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import sys
import termios
import tty
from pathlib import Path

LOG = Path("console.log")
LOG_BYTES = 1 << 20
"""A longer log is moved to ``console.log.0``."""
CHUNK = 4096


class Recorder:
    """One console, its log, and whoever looks on: one at a time."""

    def __init__(self, console: int, listener: socket.socket) -> None:
        self._console = console
        self._listener = listener
        self._client: socket.socket | None = None
        self._log = LOG.open("ab", buffering=0)
        self._selector = selectors.DefaultSelector()
        self._selector.register(console, selectors.EVENT_READ)
        self._selector.register(listener, selectors.EVENT_READ)

    def run(self) -> None:
        """Go on until the console ends."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._meet()
                elif key.fileobj is self._client:
                    self._hear()
                elif not self._record():
                    return

    def _record(self) -> bool:
        """Write down what the console says; false when it has ended."""
        try:
            data = os.read(self._console, CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if self._log.tell() > LOG_BYTES:
            self._log.close()
            LOG.replace(LOG.with_name(LOG.name + ".0"))
            self._log = LOG.open("ab", buffering=0)
        self._log.write(data)
        if self._client is not None and data:
            try:
                self._client.send(data)
            except BlockingIOError:
                # Who does not read misses what was said meanwhile; the log has it.
                return True
            except OSError:
                self._part()
        return bool(data)

    def _meet(self) -> None:
        newcomer, _ = self._listener.accept()
        newcomer.setblocking(False)
        self._part()
        self._client = newcomer
        self._selector.register(newcomer, selectors.EVENT_READ)

    def _hear(self) -> None:
        assert self._client is not None
        try:
            data = self._client.recv(CHUNK)
        except OSError:
            data = b""
        if not data:
            self._part()
            return
        # What a container with a full console does not take is lost, as on a real line.
        with contextlib.suppress(OSError):
            os.write(self._console, data)

    def _part(self) -> None:
        if self._client is not None:
            self._selector.unregister(self._client)
            self._client.close()
            self._client = None


def main(console_path: str, folder: str) -> int:
    """Open everything, then leave a child behind that records; 0 when it is ready."""
    # A name relative to the folder is short enough for a socket, wherever the folder is.
    os.chdir(folder)
    console = os.open(console_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    # Not with a flush, which would drop what the container has said already.
    tty.setraw(console, termios.TCSANOW)
    listener = socket.socket(socket.AF_UNIX)
    Path("tty").unlink(missing_ok=True)
    listener.bind("tty")
    Path("tty").chmod(0o600)
    listener.listen()
    child = os.fork()
    if child:
        Path("recorder.pid").write_text(str(child))
        return 0
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        # Whoever reads what this program says waits for its end.
        os.dup2(nothing, stream)
    Recorder(console, listener).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
