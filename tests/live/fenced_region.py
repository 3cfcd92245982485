"""A control process and hosts whose guests are processes: an agent and a lease-watch each, to be parted and killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from .backing import free_port, until
from .cable import Cable

COMMAND = [sys.executable, "-m", "stratolith.core.cli"]
PLUGIN = "process-guests-1.0.dist-info"
LEASE_S, MARGIN_S = 4.0, 4.0


class Process:
    """One process of the region with those it began."""

    def __init__(self, words, log, environment):
        self.words, self.log, self.environment = words, log, environment
        self.running = None

    def start(self):
        """Start it."""
        with open(self.log, "ab") as log:
            self.running = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, env=self.environment)

    def signal(self, number):
        """Send a signal to it and those it began, but for guests, which are no group of its."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running.pid, number)

    def kill(self):
        """End it at once, and for good."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self.running.wait()


class Host:
    """A host: its agent, its watch, its cable, and its view of the shared storage."""

    def __init__(self, name, folder, broker, environment):
        self.name = name
        self.cable = Cable(broker.port)
        self.view = folder / f"{name}-view"
        self.shared = folder / "shared"
        self.reach_storage()
        state, run, port = folder / name, folder / name / "run", free_port()
        file = folder / f"{name}.ini"
        url = broker.url.replace(f":{broker.port}", f":{self.cable.port}")
        file.write_text(f"[cloud]\nbus = kombu\nhost = {name}\nprocess = {name}\n[bus.kombu]\nurl = {url}\n"
                        f"[compute]\nhypervisor = process\nfence = lease\nconsole_listen =\n"
                        f"[fences.lease]\nfolder = {self.view}\nlease_s = {LEASE_S}\nmargin_s = {MARGIN_S}\n"
                        f"[hypervisors.process]\ndisks = {folder}/disks\n")
        common = ["--config", str(file), "--state", str(state), "--run", str(run)]
        self.watch = Process([*COMMAND, "lease-watch", *common], folder / f"{name}-watch.log", environment)
        self.agent = Process([*COMMAND, "serve", *common, "--agents", "compute", "--listen", f"127.0.0.1:{port}"],
                             folder / f"{name}-agent.log", environment)
        self.state = state / "hypervisors.process"

    def reach_storage(self):
        """Mount the shared storage, so to speak."""
        if not self.view.is_symlink():
            self.view.symlink_to(self.shared)

    def lose_storage(self):
        """The shared storage of leases is not there any more; disks are, which is worse."""
        self.view.unlink()

    def guests(self):
        """Ids of the guests that run here."""
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                if words[3:5] == ["process-guest", str(self.state)]:
                    found.add(words[5])
        return found

    def end(self):
        """End all of it, guests too."""
        for one in (self.agent, self.watch):
            if one.running is not None:
                one.kill()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ProcessLookupError):
                if f"process-guest\0{self.state}\0".encode() in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
        self.cable.close()


class FencedRegion:
    """The whole of it in one folder."""

    def __init__(self, folder, broker, names):
        self.folder = folder
        (folder / "shared").mkdir()
        (folder / "disks").mkdir()
        self.environment = {**os.environ, "PYTHONPATH": str(self._plugin())}
        self.port = free_port()
        file = folder / "control.ini"
        file.write_text(f"[cloud]\nbus = kombu\n[bus.kombu]\nurl = {broker.url}\n"
                        f"[compute]\nfence = lease\nhypervisor = process\nquota_instances = 99\nquota_cores = 99\n"
                        f"[fences.lease]\nfolder = {folder}/shared\nlease_s = {LEASE_S}\nmargin_s = {MARGIN_S}\n"
                        "[identity.sql]\npassword_hash_time_cost = 1\npassword_hash_memory_kib = 64\n")
        common = ["--config", str(file), "--state", str(folder / "control")]
        self.command("db", "upgrade", *common)
        words = ["--run", str(folder / "control" / "run"), "--services", "all", "--bootstrap",
                 "--listen", f"127.0.0.1:{self.port}"]
        self.control = Process([*COMMAND, "serve", *common, *words], folder / "control.log", self.environment)
        self.hosts = {name: Host(name, folder, broker, self.environment) for name in names}
        self.token = ""

    def _plugin(self):
        """A folder with the driver and its entry point, as an installed package has them."""
        path = self.folder / "packages"
        (path / PLUGIN).mkdir(parents=True)
        (path / "process_guests.py").write_text((Path(__file__).parent / "process_guests.py").read_text())
        (path / PLUGIN / "METADATA").write_text("Metadata-Version: 2.1\nName: process-guests\nVersion: 1.0\n")
        (path / PLUGIN / "entry_points.txt").write_text(
            "[stratolith.hypervisors]\nprocess = process_guests:ProcessGuests\n")
        return path

    @property
    def base(self):
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def command(self, *words, fails=False):
        """What a command prints."""
        done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, env=self.environment, check=False)
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def host_command(self, *words, fails=False):
        """What ``stratolith host`` prints."""
        return self.command("host", *words, "--clouds", str(self.folder / "clouds.yaml"), fails=fails)

    def start(self):
        """Start all and wait until every host is up."""
        self.control.start()
        for one in self.hosts.values():
            one.watch.start()
            one.agent.start()
        until(lambda: urllib.request.urlopen(self.base + "/healthcheck", timeout=5), "the control side")
        password = json.loads((self.folder / "control" / "secrets.json").read_text())["admin"]
        auth = {"auth_url": f"{self.base}/identity", "username": "admin", "password": password, "project_name": "admin"}
        (self.folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"stratolith-admin": {"auth": auth}}}))
        domain = {"name": "Default"}
        user = {"name": "admin", "domain": domain, "password": password}
        scope = {"project": {"name": "admin", "domain": domain}}
        headers = self._ask("POST", "/identity/v3/auth/tokens", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}})[1]
        self.token = headers["X-Subject-Token"]
        until(lambda: set(self.hosts) <= self.up(), "all hosts")

    def end(self):
        """End all."""
        for one in self.hosts.values():
            one.end()
        if self.control.running is not None:
            self.control.signal(signal.SIGTERM)
            self.control.kill()

    def up(self):
        """Names of the hosts that are up."""
        found = self.ask("GET", "/compute/v2.1/os-services?binary=nova-compute")["services"]
        return {one["host"] for one in found if one["state"] == "up"}

    def ask(self, method, path, body=None):
        """The body of an answer that must be good."""
        return self._ask(method, path, body)[0]

    def _ask(self, method, path, body):
        raw = isinstance(body, bytes)
        asked = urllib.request.Request(self.base + path, body if raw or body is None else json.dumps(body).encode(), {
            "X-Auth-Token": self.token, "OpenStack-API-Version": "compute 2.74",
            "Content-Type": "application/octet-stream" if raw else "application/json"}, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            data = answer.read()
            return (json.loads(data) if data[:1] == b"{" else data), answer.headers

    def boot(self, host):
        """The id of a new server that runs on ``host``."""
        flavor = self.ask("GET", "/compute/v2.1/flavors")["flavors"][0]["id"]
        if not (images := self.ask("GET", "/image/v2/images")["images"]):
            images = [self.ask("POST", "/image/v2/images", {"name": "i", "disk_format": "raw",
                                                            "container_format": "bare"})]
            self.ask("PUT", f"/image/v2/images/{images[0]['id']}/file", b"\0" * 512)
        return self.ask("POST", "/compute/v2.1/servers", {"server": {
            "name": host, "imageRef": images[0]["id"], "flavorRef": flavor, "networks": "none", "host": host}})[
                "server"]["id"]

    def server(self, id):
        """A server as it is."""
        return self.ask("GET", f"/compute/v2.1/servers/{id}")["server"]

    def settled(self, id, host=""):
        """Wait until a server is active, on a host if one is named."""
        def there():
            found = self.server(id)
            return found["status"] == "ACTIVE" and found["OS-EXT-STS:task_state"] is None and (
                not host or found["OS-EXT-SRV-ATTR:host"] == host)
        until(there, f"server {id} on {host or 'a host'}")

    def force_down(self, host, down=True):
        """Say that a host is down before its minute is over."""
        one = next(row for row in self.ask("GET", f"/compute/v2.1/os-services?host={host}")["services"]
                   if row["binary"] == "nova-compute")
        self.ask("PUT", f"/compute/v2.1/os-services/{one['id']}", {"forced_down": down})

    def writers(self, server):
        """The hosts that wrote to a server's disk, each once for every time that the hand changed."""
        found = []
        for line in (self.folder / "disks" / server).read_text().splitlines():
            if line.split()[0] not in found[-1:]:
                found.append(line.split()[0])
        return found
