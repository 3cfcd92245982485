"""A cloud as its users have it: started by the command, asked over HTTP, killed when a test says so."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stratolith.core.conformance.cases import until

BIN = Path(sys.executable).parent
PREFIXES = {"compute": "/compute/v2.1", "network": "/network/v2.0", "image": "/image/v2", "volume": "/volume/v3",
            "placement": "/placement", "identity": "/identity/v3"}
HEADERS = {"compute": {"OpenStack-API-Version": "compute 2.79"},
           "placement": {"OpenStack-API-Version": "placement 1.39"}}


class Refused(AssertionError):
    """The cloud answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text}")
        self.status = status


class CloudProcess:
    """One cloud in a folder, on a free port."""

    def __init__(self, state: Path, *flags: str) -> None:
        self.state = state
        self.flags = flags
        self.port = free_port()
        self._tokens: dict[str, str] = {}

    @property
    def base(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> str:
        """Start it; return what the command said."""
        return run(str(BIN / "stratolith"), "up", "--detach", "--state", str(self.state),
                   "--listen", f"127.0.0.1:{self.port}", *self.flags)

    def down(self) -> None:
        """Stop it."""
        run(str(BIN / "stratolith"), "down", "--state", str(self.state))

    def kill(self) -> None:
        """End all its processes at once, as a power cut would."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            leader = int((self.state / "run" / "cloud.pid").read_text())
            os.killpg(leader, signal.SIGKILL)
            until(lambda: not members(leader), 60, "the killed processes are gone")

    def call(self, method: str, service: str, path: str, body: Any = None, as_: str = "stratolith") -> Any:
        """The body of an answer, as JSON where it is JSON. :raises Refused: its status is an error."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"X-Auth-Token": self._token(as_), **HEADERS.get(service, {})}
        headers["Content-Type"] = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        text, _ = self._ask(method, PREFIXES[service] + path, data, headers)
        return json.loads(text) if text[:1] in (b"{", b"[") else text

    def _token(self, who: str) -> str:
        if who not in self._tokens:
            import yaml
            auth = yaml.safe_load((self.state / "clouds.yaml").read_text())["clouds"][who]["auth"]
            domain = {"name": "Default"}
            user = {"name": auth["username"], "password": auth["password"], "domain": domain}
            body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
                             "scope": {"project": {"name": auth["project_name"], "domain": domain}}}}
            _, headers = self._ask("POST", "/identity/v3/auth/tokens", json.dumps(body).encode(),
                                   {"Content-Type": "application/json"})
            self._tokens[who] = headers["X-Subject-Token"]
        return self._tokens[who]

    def _ask(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> tuple[bytes, Any]:
        request = urllib.request.Request(self.base + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, error.read().decode(errors="replace")) from None

    def openstack(self, *words: str) -> str:
        """What the unmodified ``openstack`` command prints."""
        return run(str(BIN / "openstack"), *words, OS_CLIENT_CONFIG_FILE=str(self.state / "clouds.yaml"),
                   OS_CLOUD="stratolith", PYTHONWARNINGS="ignore")

    def image(self, name: str, data: bytes) -> str:
        """The id of a new qcow2 image."""
        made = self.call("POST", "image", "/images", {"name": name, "disk_format": "qcow2",
                                                      "container_format": "bare"})
        self.call("PUT", "image", f"/images/{made['id']}/file", data)
        return str(made["id"])

    def flavor(self, name: str) -> str:
        """The id of a flavor by name."""
        return next(str(one["id"]) for one in self.call("GET", "compute", "/flavors")["flavors"] if one["name"] == name)

    def server(self, server_id: str) -> dict[str, Any]:
        """A server as it is now."""
        return dict(self.call("GET", "compute", f"/servers/{server_id}")["server"])

    def settled(self, server_id: str, status: str, timeout_s: float = 120) -> dict[str, Any]:
        """The server once it has the status and nothing is under way."""
        def there() -> dict[str, Any] | None:
            found = self.server(server_id)
            assert found["status"] in (status, "BUILD") or found["status"] != "ERROR", found.get("fault")
            return found if found["status"] == status and not found["OS-EXT-STS:task_state"] else None
        return dict(until(there, timeout_s, f"server {server_id} is {status}"))

    def gone(self, server_id: str, timeout_s: float = 120) -> None:
        """Wait until the server is no more."""
        def absent() -> bool:
            try:
                self.server(server_id)
            except Refused as refused:
                return refused.status == 404
            return False
        until(absent, timeout_s, f"server {server_id} is gone")

    def rows(self, statement: str) -> list[Any]:
        """Rows of the cloud's database."""
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/stratolith.db?mode=ro", uri=True)) as database:
            return database.execute(statement).fetchall()

    def log(self) -> str:
        """What the cloud wrote."""
        return (self.state / "cloud.log").read_text()


@contextlib.contextmanager
def running(state: Path, *flags: str) -> Iterator[CloudProcess]:
    """A started cloud, killed at the end."""
    cloud = CloudProcess(state, *flags)
    try:
        cloud.up()
        yield cloud
    finally:
        cloud.kill()


def run(*command: str, **environment: str) -> str:
    """What a command prints; a failure shows all it said."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment},
                          stdin=subprocess.DEVNULL, timeout=180)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def members(group: int) -> list[int]:
    """Processes of a process group that are alive."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            state, _, process_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(process_group) == group and state not in "ZX":
                found.append(int(entry.name))
    return found
