"""A whole cloud inside a test: virtual time, one seeded queue, requests without a network.

It is the product's own code; only clock and executor are given. A driver's author can prove
a driver through it, and the product's own API tests run on it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes, urlsplit

from ..clock import Virtual
from ..config import Configuration
from ..executor import Seeded
from ..process.bootstrap import Secrets, bootstrap
from ..process.cloud import Cloud, Place

CHEAP = {"identity.sql": {"password_hash_time_cost": "1", "password_hash_memory_kib": "64"}}
"""Options that make a test cloud quick without changing what it does."""


class Response:
    """An answer: ``status``, ``headers`` (names in lower case), ``data`` and ``json``."""

    def __init__(self, status: str, headers: list[tuple[str, str]], data: bytes) -> None:
        self.status = int(status.split()[0])
        self.headers = {name.lower(): value for name, value in headers}
        self.data = data

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.data)

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.data[:300]!r}>"


def _starts(folder: Path) -> int:
    """How often a cloud was started on ``folder`` before: a restart must not draw the same ids again."""
    counter = folder / "starts"
    before = int(counter.read_text()) if counter.exists() else 0
    folder.mkdir(parents=True, exist_ok=True)
    counter.write_text(str(before + 1))
    return before


class InProcess:
    """A cloud in this process, seeded and single-threaded.

    ``state`` is a folder to keep the cloud in; the same folder again is the same cloud after a
    restart. Without one its database is in memory. ``options`` are sections of options.
    """

    BASE = "http://cloud.test"
    database: ClassVar[Callable[[Path], str] | None] = None
    """Gives the URL of the database of a cloud by its folder, for clouds that shall not be on SQLite."""

    def __init__(self, folder: Path, *, seed: int = 0, persistent: bool = False,
                 options: Mapping[str, Mapping[str, str]] | None = None, clock: Virtual | None = None,
                 services: Sequence[str] | None = None) -> None:
        self.clock = clock or Virtual(seed * 1000 + _starts(folder))
        self.executor = Seeded(self.clock)
        overrides = {name: dict(values) for name, values in CHEAP.items()}
        for name, values in {"cloud": {"host": "host1"}, **(options or {})}.items():
            overrides.setdefault(name, {}).update(values)
        if InProcess.database is not None:
            overrides.setdefault("database", {"url": InProcess.database(folder)})
        place = Place(state_dir=folder / "state", run_dir=folder / "run", ephemeral=True, in_memory=not persistent,
                      services=services)
        self.cloud = Cloud(Configuration.read(None, {}, overrides), self.clock, self.executor, place)
        self.secrets = Secrets(admin="admin-secret", demo="demo-secret")
        self._tokens: dict[Any, str] = {}

    def start(self) -> InProcess:
        """Prepare the database, seed what a new cloud has, and start everything."""
        self.cloud.prepare()
        self.cloud.start()
        bootstrap(self.cloud, self.secrets, self.BASE)
        self.executor.run()
        return self

    def stop(self) -> None:
        """Stop it; what is in its folder stays."""
        self.cloud.stop()

    def run(self, for_s: float = 0.0) -> None:
        """Let all background work go on until nothing is due within ``for_s`` virtual seconds."""
        self.executor.run(for_s)

    def token(self, user: str = "admin", project: str = "admin", password: str = "", domain: str = "Default",
              scope: Mapping[str, Any] | None = None) -> str:
        """A token for a user, scoped to a project by name or as ``scope`` says; kept for the next call."""
        key = (user, project, json.dumps(scope))
        if key not in self._tokens:
            secret = password or (self.secrets.admin if user == "admin" else self.secrets.demo)
            owner = {"name": user, "domain": {"name": domain}, "password": secret}
            wanted = scope if scope is not None else {"project": {"name": project, "domain": {"name": domain}}}
            body = {"auth": {"identity": {"methods": ["password"], "password": {"user": owner}}, "scope": wanted}}
            answer = self.request("POST", "/identity/v3/auth/tokens", body, as_=None)
            if answer.status != 201:
                raise AssertionError(f"login of {user} failed: {answer}")
            self._tokens[key] = answer.headers["x-subject-token"]
        return self._tokens[key]

    def request(self, method: str, path: str, body: Any = None, *, as_: str | None = "admin",
                headers: Mapping[str, str] | None = None, version: str = "", project: str = "") -> Response:
        """One request. ``as_`` names the user whose token is sent (``admin`` in project admin, any
        other user in project ``demo`` unless ``project`` says otherwise); none sends no token.

        ``path`` may be a whole address as links have them. ``version`` is the value of
        ``OpenStack-API-Version`` (``compute 2.26``). A ``bytes`` body is sent as it is.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if as_ is not None and "X-Auth-Token" not in sent:
            sent["X-Auth-Token"] = self.token(as_, project or ("admin" if as_ == "admin" else "demo"))
        if version:
            sent["OpenStack-API-Version"] = version
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if data and not isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
        return self._wsgi(method, path, data, sent)

    def _wsgi(self, method: str, path: str, data: bytes, headers: Mapping[str, str]) -> Response:
        address = urlsplit(path)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": unquote_to_bytes(address.path).decode("latin-1"),
            "QUERY_STRING": address.query,
            "SERVER_NAME": "cloud.test", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "cloud.test", "REMOTE_ADDR": "127.0.0.1", "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(data), "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False}
        if data or method in ("POST", "PUT", "PATCH"):
            environ["CONTENT_LENGTH"] = str(len(data))
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value
        begun: list[Any] = []
        chunks = self.cloud.wsgi(environ, lambda status, headers, *rest: begun.append((status, headers)))
        content = b"".join(chunks)
        return Response(begun[0][0], begun[0][1], content)
