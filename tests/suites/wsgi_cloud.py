"""A whole cloud behind Python's own WSGI server, which hands on what other HTTP servers refuse by themselves.

`python -m tests.suites.wsgi_cloud FOLDER PORT`: no hosts, so that its placement is empty. Ends with an interrupt.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from stratolith.core.clock import System
from stratolith.core.config import Configuration
from stratolith.core.executor import Threads
from stratolith.core.process.bootstrap import Secrets, bootstrap, write_clouds
from stratolith.core.process.cloud import Cloud, Place


class Server(ThreadingMixIn, WSGIServer):
    """Each connection gets a thread."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Headers are handed on as they came; nothing is printed."""

    def get_environ(self) -> dict[str, Any]:
        """As it is made elsewhere, but a type that nobody said stays unsaid."""
        found: dict[str, Any] = super().get_environ()
        if "content-type" not in self.headers:
            found.pop("CONTENT_TYPE", None)
        return found

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing."""


def main(folder: Path, port: int) -> None:
    """Serve until interrupted."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock, base = System(), f"http://127.0.0.1:{port}"
    configuration = Configuration.read(overrides={"compute": {"hosts": ""}})
    place = Place(state_dir=folder, run_dir=folder / "run", services=None, agents=(), ephemeral=False, migrate=True)
    cloud = Cloud(configuration, clock, Threads(clock), place)
    cloud.prepare()
    secrets = Secrets.load(folder / "secrets.json", clock)
    bootstrap(cloud, secrets, base)
    write_clouds(folder / "clouds.yaml", secrets, base, cloud.options.region)
    cloud.start()
    with contextlib.suppress(KeyboardInterrupt):
        make_server("127.0.0.1", port, cloud.wsgi, Server, Handler).serve_forever()
    cloud.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
