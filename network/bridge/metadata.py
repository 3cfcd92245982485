"""The metadata proxy of one network: a process in its namespace at 169.254.169.254."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from . import namespace
from .dhcp import METADATA
from .options import Options
from .process import running, stop
from .program import run

SERVICE_PORT = 80
MODULE = f"{__package__}.metadata_proxy"


class Metadata:
    """The proxy of one network, with its pid file in ``folder``."""

    def __init__(self, options: Options, folder: Path, space: str) -> None:
        self._options = options
        self._space = space
        self._pid_file = folder / "metadata.pid"

    def apply(self, network_id: str, wanted: bool) -> None:
        """Let the proxy run, with the present options, when the network has an address for it."""
        if not wanted or not (self._options.metadata_socket or self._options.metadata_url):
            self.stop()
            return
        arguments = self._arguments(network_id)
        if not running(self._pid_file, arguments[-1]):
            self.stop()
            with namespace.entered(self._space):
                run(arguments, self._options.timeout_s)

    def running(self) -> int:
        """The pid of the living proxy, else 0."""
        return running(self._pid_file, MODULE)

    def stop(self) -> None:
        """End the proxy; nothing if it does not run."""
        pid = self.running()
        if pid:
            stop(pid)
        self._pid_file.unlink(missing_ok=True)

    def _arguments(self, network_id: str) -> list[str]:
        arguments = [sys.executable, "-m", MODULE, f"--listen={METADATA}:{SERVICE_PORT}", f"--network={network_id}",
                     f"--pid-file={self._pid_file}"]
        if self._options.metadata_socket:
            return [*arguments, f"--socket={self._options.metadata_socket}"]
        host = self._options.host_namespace
        # The service is reached from where this process lives, not from the network's namespace.
        arguments.append(f"--dial-from={namespace.FOLDER / host if host else f'/proc/{os.getpid()}/ns/net'}")
        return [*arguments, f"--url={self._options.metadata_url}"]
