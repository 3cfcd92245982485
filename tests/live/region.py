"""A cloud of three processes over RabbitMQ and PostgreSQL, each started by the command itself."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

from .backing import free_port, until

SERVICES = {"front": "identity,image", "control": "placement,scheduler,compute,network,volume", "host": ""}
PREFIXES = {"identity": "front", "image": "front", "compute": "control", "network": "control", "volume": "control"}


class Region:
    """The processes by name: ``front``, ``control``, and ``host``, which has agents only and no database."""

    def __init__(self, folder, broker_url, database_url):
        self.folder = folder
        self.ports = {name: free_port() for name in SERVICES}
        self.processes = {}
        self.token = ""
        common = f"[cloud]\nbus = kombu\n[bus.kombu]\nurl = {broker_url}\n[log]\nform = json\n"
        endpoints = "".join(f"[endpoint.{name}]\npublic_url = {self.base(PREFIXES.get(name, 'control'))}\n"
                            for name in ("identity", "image", *SERVICES["control"].split(",")))
        quick = "[identity.sql]\npassword_hash_time_cost = 1\npassword_hash_memory_kib = 64\n"
        (folder / "control.ini").write_text(f"{common}[database]\nurl = {database_url}\n{endpoints}{quick}")
        (folder / "host.ini").write_text(common + "[database]\nurl = postgresql+psycopg://nobody@127.0.0.1:1/none\n")

    def base(self, name):
        """Where a process answers."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def command(self, *words):
        """Run the command to its end and return what it printed."""
        done = subprocess.run([sys.executable, "-m", "stratolith.core.cli", *words], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name, wait=True):
        """Start a process; wait until it says that it is ready."""
        file = self.folder / ("host.ini" if name == "host" else "control.ini")
        words = ["serve", "--config", str(file), "--listen", f"127.0.0.1:{self.ports[name]}", "--services",
                 SERVICES[name], "--agents", "compute,consoles,network" if name == "host" else "", "--state",
                 str(self.folder / name), "--run", str(self.folder / name / "run"), "--cloud-process", name,
                 "--cloud-host", name]
        if name != "host":
            words.append("--bootstrap")
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen([sys.executable, "-m", "stratolith.core.cli", *words],
                                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                    start_new_session=True)
        if wait:
            self.ready(name)

    def ready(self, name):
        """Wait until a process is ready; give its page of health."""
        def check():
            assert self.processes[name].poll() is None, (self.folder / f"{name}.log").read_text()[-3000:]
            with urllib.request.urlopen(self.base(name) + "/healthcheck", timeout=5) as answer:
                return json.load(answer)
        return until(check, name)

    def kill(self, name):
        """Kill a process and its workers."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def stop(self):
        """End all that still runs."""
        for one in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGTERM)
        for one in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()

    def log_in(self, who="demo"):
        """Be the demo user, or the administrator."""
        password = json.loads((self.folder / "front" / "secrets.json").read_text())[who]
        user = {"name": who, "domain": {"name": "Default"}, "password": password}
        project = {"name": who, "domain": {"name": "Default"}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
                         "scope": {"project": project}}}
        status, headers, _ = self.request("POST", "identity", "/v3/auth/tokens", body)
        assert status == 201
        self.token = headers["X-Subject-Token"]

    def counts_on_its_host(self):
        """Wait until the control side takes the host for alive: after a start of its own it may not, for some beats."""
        mine = self.token
        self.log_in("admin")
        try:
            until(lambda: [one for one in self.get("compute", "/v2.1/os-services?binary=nova-compute")["services"]
                           if one["state"] == "up"], "the host")
        finally:
            self.token = mine

    def request(self, method, service, path, body=None, *, kind="application/json"):
        """One request; gives status, headers and the body, decoded if it is JSON."""
        data = body if body is None or not isinstance(body, dict | list) else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.base(PREFIXES[service])}/{service}{path}", data, method=method, headers={
            "X-Auth-Token": self.token, "Content-Type": kind, "OpenStack-API-Version": "compute 2.37"})
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.status, answer.headers, _decoded(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, _decoded(error)

    def get(self, service, path):
        """The body of a GET that must succeed."""
        status, _, body = self.request("GET", service, path)
        assert status == 200, (status, body)
        return body

    def post(self, service, path, body):
        """The answer to a POST that must succeed."""
        status, _, found = self.request("POST", service, path, body)
        assert status in (200, 201, 202), (status, found)
        return found

    def image(self, data):
        """An active image of raw data."""
        made = self.post("image", "/v2/images", {"name": "small", "disk_format": "raw", "container_format": "bare"})
        status, _, body = self.request("PUT", "image", f"/v2/images/{made['id']}/file", data,
                                       kind="application/octet-stream")
        assert status == 204, body
        return made["id"]

    def boot(self, image, name="one", **more):
        """Begin to boot a server; give its id."""
        flavor = self.get("compute", "/v2.1/flavors")["flavors"][0]["id"]
        asked = {"name": name, "flavorRef": flavor, "imageRef": image, "networks": "auto", **more}
        return self.post("compute", "/v2.1/servers", {"server": asked})["server"]["id"]

    def server(self, id):
        """A server, or none when it is gone."""
        status, _, body = self.request("GET", "compute", f"/v2.1/servers/{id}")
        return body["server"] if status == 200 else None

    def until(self, get, state, patience_s=180.0):
        """Wait until ``get`` has the ``status``; give it."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            found = get()
            if found is not None and found["status"].lower() == state:
                return found
            assert found is None or found["status"].lower() != "error", found
            time.sleep(0.1)
        raise AssertionError(f"not {state}: {found}")

    def gone(self, id, patience_s=120.0):
        """Wait until a server is gone."""
        end = time.monotonic() + patience_s
        while self.server(id) is not None:
            assert time.monotonic() < end, self.server(id)
            time.sleep(0.1)


def _decoded(answer):
    data = answer.read()
    return json.loads(data) if data and "json" in answer.headers.get("Content-Type", "") else data
