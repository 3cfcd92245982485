"""Identity in processes of its own over one PostgreSQL: started by the command, asked over HTTP."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from .backing import free_port, until

COMMAND = [sys.executable, "-m", "stratolith.core.cli"]


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.data = response.read()

    @property
    def json(self):
        return json.loads(self.data)

    def __repr__(self):
        return f"<{self.status} {self.data[:300]!r}>"


class Process:
    """One ``stratolith serve`` with identity."""

    def __init__(self, folder, name, options):
        self.folder, self.name = folder, name
        self.port = free_port()
        self.config = folder / f"{name}.ini"
        sections = {**options, "cloud": {"process": name, **options.get("cloud", {})}}
        self.config.write_text("\n".join(f"[{section}]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items())
                                         for section, keys in sections.items()) + "\n")

    def start(self):
        """Start it and wait until it is ready."""
        words = [*COMMAND, "serve", "--config", self.config, "--services", "identity", "--bootstrap",
                 "--listen", f"127.0.0.1:{self.port}", "--state", self.folder / "state", "--run",
                 self.folder / f"run-{self.name}"]
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.running = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        until(self.ready, f"identity process {self.name}: {self.log()[-2000:]}")

    def log(self):
        """What it wrote."""
        return (self.folder / f"{self.name}.log").read_text()

    def ready(self):
        """Tell whether it answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/healthcheck")
            return Answer(connection.getresponse()).status == 200
        return False

    def stop(self):
        """End it and its workers."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.running.wait(15)
                return

    def request(self, method, path, body=None, token="", **headers):
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["X-Auth-Token"] = token
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, "/identity/v3" + path, data, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def ok(self, method, path, body=None, token="", **headers):
        """The body of an answer that is good."""
        answer = self.request(method, path, body, token, **headers)
        assert 200 <= answer.status < 300, answer
        return answer.json if answer.data else None

    def login(self, user, password="secret", project=None):
        """The answer to a login."""
        who = {"name": user, "domain": {"id": "default"}} if isinstance(user, str) else {"id": user["id"]}
        auth = {"identity": {"methods": ["password"], "password": {"user": {**who, "password": password}}}}
        if project:
            auth["scope"] = {"project": {"name": project, "domain": {"id": "default"}} if isinstance(project, str)
                             else {"id": project["id"]}}
        return self.request("POST", "/auth/tokens", {"auth": auth})

    def token(self, *who):
        """A token."""
        answer = self.login(*who)
        assert answer.status == 201, answer
        return answer.headers["X-Subject-Token"]

    def works(self, token):
        """Tell whether a token opens the door."""
        status = self.request("GET", "/auth/projects", token=token).status
        assert status in (200, 401), status
        return status == 200


class Processes:
    """Some identity processes over one database."""

    def __init__(self, folder, url, names=("one", "two"), **options):
        cheap = {"password_hash_time_cost": 1, "password_hash_memory_kib": 64}
        common = {"database": {"url": url}, "identity.sql": cheap, "log": {"form": "json"}, **options}
        subprocess.run([*COMMAND, "db", "upgrade", "--config", str(self._first(folder, common))], check=True,
                       capture_output=True)
        self.all = [Process(folder, name, common) for name in names]
        self.folder = folder
        self.numbers = iter(range(10_000))

    def _first(self, folder, common):
        made = Process(folder, "upgrade", common)
        return made.config

    def __enter__(self):
        try:
            for process in self.all:
                process.start()
            secrets = json.loads(Path(self.folder / "state" / "secrets.json").read_text())
            self.admin = self.all[0].token("admin", secrets["admin"], "admin")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        for process in self.all:
            if hasattr(process, "running"):
                process.stop()

    def make(self, noun, **values):
        """A new thing, by the first process."""
        values.setdefault("name", f"{noun}-{next(self.numbers)}")
        return self.all[0].ok("POST", f"/{noun}s", {noun: values}, self.admin)[noun]

    def role(self, name):
        """The id of a role."""
        return self.all[0].ok("GET", f"/roles?name={name}", token=self.admin)["roles"][0]["id"]

    def person(self, role="member", **values):
        """A new user with a role on a new project."""
        user, project = self.make("user", password="secret", **values), self.make("project")
        self.all[0].ok("PUT", f"/projects/{project['id']}/users/{user['id']}/roles/{self.role(role)}",
                       token=self.admin)
        return user, project

    def faults(self):
        """What the processes logged of errors."""
        lines = [line for process in self.all for line in process.log().splitlines()]
        return [line for line in lines if '"level": "ERROR"' in line or '"ERROR"' in line or "Traceback" in line]


def on_this_machine(seconds):
    """``seconds`` of an idle machine: as many more as there are processes that wait for a processor here."""
    return seconds * max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def elapsed(condition, patience_s=60.0):
    """Seconds until ``condition`` is true."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < patience_s, "never"
        time.sleep(0.02)
    return time.monotonic() - begun
