"""A network cable of one host to its broker that can be cut: bytes no longer pass, and nobody is told."""

import contextlib
import socket
import threading


class Cable:
    """Forwards each connection to a port of this machine. While cut, what is sent stays in the cable."""

    def __init__(self, port):
        self._target = port
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Let nothing pass."""
        self._whole.clear()

    def mend(self):
        """Let all pass, what is in the cable first."""
        self._whole.set()

    def close(self):
        """Take it away."""
        self._whole.set()
        for one in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._ends += (near, far)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
