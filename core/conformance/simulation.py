"""A seeded life of a whole cloud on virtual time: tenants at random, hosts that die, answers that get lost, kills.

Everything is the real code but for the simulated drivers. One number makes the whole life: the same seed is the
same life again. After each event, and once all has calmed down at the end, what must always hold is checked.
"""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..clock import Virtual
from ..drivers.hypervisor import Power
from ..errors import BackendBusy
from .cloud import InProcess, Response

MICROVERSION = "compute 2.79"
LONGEST_WAIT_S = 180.0
CALM_S = 300.0
CALM_TRIES = 24
FAULTY = ("spawn", "destroy", "start", "stop", "reboot", "pause", "suspend", "resume", "attach_volume", "detach_volume",
          "depart", "arrive", "snapshot")
PASSING = frozenset(("BUILD", "REBUILD", "RESIZE", "REVERT_RESIZE", "MIGRATING", "REBOOT", "HARD_REBOOT", "PASSWORD"))


class Killed(BaseException):
    """The process was killed within a write."""


class Broken(AssertionError):
    """Something that must always hold does not; the message says what, and what had happened."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """One life: its seed, hosts and hours, and how much time a life may take at most to calm down."""

    seed: int
    hosts: int = 3
    hours: float = 1.0


def prepare(folder: Path, hosts: int) -> dict[str, str]:
    """Make the cloud that every life begins with; return ids of its image, flavors and network."""
    cloud = InProcess(folder, persistent=True, options=_options(hosts)).start()
    cloud.run(1)
    image = {"name": "life", "disk_format": "raw", "visibility": "public", "container_format": "bare"}
    ids = {"image": _ok(cloud, "POST", "/image/v2/images", image)["id"]}
    cloud.request("PUT", f"/image/v2/images/{ids['image']}/file", b"\0" * 4096,
                  headers={"Content-Type": "application/octet-stream"})
    for name, vcpus in (("small", 1), ("large", 2)):
        body = {"flavor": {"name": name, "ram": 256 * vcpus, "vcpus": vcpus, "disk": 1}}
        ids[name] = _ok(cloud, "POST", "/compute/v2.1/flavors", body)["flavor"]["id"]
    networks = _ok(cloud, "GET", "/network/v2.0/networks", as_="demo")["networks"]
    ids["network"] = next(one["id"] for one in networks if not one["router:external"])
    cloud.stop()
    return ids


def _options(hosts: int) -> Mapping[str, Mapping[str, str]]:
    names = ",".join(f"h{number}" for number in range(1, hosts + 1))
    return {"network": {"hosts": names},
            "compute": {"hosts": names, "console_listen": "",
                        "quota_instances": "50", "quota_cores": "100"},
            "hypervisors.simulated": {"vcpus": "16", "memory_mib": "16384", "disk_gib": "100"}}


def _ok(cloud: InProcess, method: str, path: str, body: Any = None, **more: Any) -> Any:
    answer = cloud.request(method, path, body, **more)
    if answer.status >= 300:
        raise Broken(f"{method} {path}: {answer}")
    return answer.json if answer.data else None


class Life:
    """One life of a cloud. ``begun`` is a folder that :func:`prepare` made, ``ids`` what it returned."""

    def __init__(self, plan: Plan, begun: Path, folder: Path, ids: Mapping[str, str]) -> None:
        self.plan = plan
        self.ids = ids
        self.chance = random.Random(plan.seed)
        self.folder = folder
        shutil.copytree(begun, folder, dirs_exist_ok=True)
        self.history: list[str] = []
        self.acknowledged: set[str] = set()
        self.given_up: set[str] = set()
        self.down: dict[str, float] = {}
        self.apart: set[str] = set()
        self.starts = 0
        self.time = 0.0
        self.cloud = self._start()

    # The life.

    def run(self) -> Counter[str]:
        """Live it to the end; return how often each event happened. :raises Broken: something does not hold."""
        done: Counter[str] = Counter()
        names, weights = zip(*((name, event.weight) for name, event in EVENTS.items()), strict=True)
        end = self.cloud.clock.time() + self.plan.hours * 3600
        try:
            while self.cloud.clock.time() < end:
                name = self.chance.choices(names, weights)[0]
                self._event(name, EVENTS[name].act)
                done[name] += 1
            self._calm_down()
            self._check_rest()
        finally:
            self._abandon()
        return done

    def _event(self, name: str, act: Callable[[Life], str]) -> None:
        try:
            self.note(f"{name} {act(self)}".rstrip())
            self.cloud.run(self.chance.choice((0.0, 1.0, 10.0, self.chance.uniform(0, LONGEST_WAIT_S))))
        except Killed:
            self.note(f"killed within {name}")
            self._restart()
        self._check_always()

    def note(self, what: str) -> None:
        """Write down what happened."""
        self.history.append(f"{self.cloud.clock.time():.3f} {what}")

    def broken(self, what: str) -> Broken:
        """The error that says what does not hold and what had happened lately."""
        return Broken("\n".join([f"seed {self.plan.seed}: {what}", *self.history[-40:]]))

    # Starting and ending.

    def _start(self) -> InProcess:
        self.starts += 1
        clock = Virtual(self.plan.seed * 1000 + self.starts)
        clock.advance(self.time)
        cloud = InProcess(self.folder, persistent=True, clock=clock, options=_options(self.plan.hosts))
        cloud.executor.strict = False
        cloud.start()
        self.down, self.apart = {}, set()
        return cloud

    def _restart(self) -> None:
        self.time = self.cloud.clock.time() - Virtual(0).time()
        self._abandon()
        self.cloud = self._start()
        self.note("started again")

    def _abandon(self) -> None:
        """End the process without a word to anybody."""
        self.cloud.executor.stop()
        for database in self.cloud.cloud.databases.all():
            database.probe = None
        self.cloud.cloud.databases.close()

    def kill_at(self, writes: int) -> None:
        """Kill the process at its next but so many writes."""
        left = [writes]

        def probe(point: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed(point)
        for database in self.cloud.cloud.databases.all():
            database.probe = probe

    # What tenants and operators see.

    def ask(self, method: str, path: str, body: Any = None, as_: str = "demo") -> Response:
        """One request. A fault of the cloud's own is none of the answers it may give."""
        answer = self.cloud.request(method, path, body, as_=as_, version=MICROVERSION if "/compute/" in path else "")
        if answer.status >= 500 and answer.status != 503:
            raise self.broken(f"{method} {path} {body}: {answer}")
        return answer

    def servers(self) -> list[dict[str, Any]]:
        """All servers of the tenant as administrators see them."""
        answer = self.ask("GET", "/compute/v2.1/servers/detail?all_tenants=1", as_="admin")
        if answer.status != 200:
            raise self.broken(f"servers cannot be listed: {answer}")
        return list(answer.json["servers"])

    def pick(self, *statuses: str) -> str:
        """The id of a server in one of these statuses, or of any, or nothing."""
        ids = sorted(one["id"] for one in self.servers() if not statuses or one["status"] in statuses)
        return self.chance.choice(ids) if ids else ""

    def act(self, server: str, action: str, value: Any = None, as_: str = "demo") -> str:
        """One action on a server; what came of it."""
        if not server:
            return "nobody"
        answer = self.ask("POST", f"/compute/v2.1/servers/{server}/action", {action: value}, as_)
        return f"{server} {answer.status}"

    @property
    def agents(self) -> list[Any]:
        """The agents of all hosts, down or not."""
        return list(self.fleet.hosts)

    @property
    def fleet(self) -> Any:
        """The agents of this process's hosts."""
        return self.cloud.cloud.agents["compute"]

    def agent(self, host: str) -> Any:
        """The agent of one host."""
        return next(one for one in self.agents if one.host == host)

    # What must hold.

    def _check_always(self) -> None:
        running = Counter(one.guest for agent in self.agents for one in agent.driver.observe()
                          if one.power is Power.RUNNING)
        for guest, count in running.items():
            if count > 1:
                raise self.broken(f"the server {guest} runs {count} times")
        servers = self.servers()
        used = self.ask("GET", "/compute/v2.1/limits").json["limits"]["absolute"]["totalInstancesUsed"]
        if used != len(servers):
            raise self.broken(f"{len(servers)} servers, but {used} are counted")
        lost = self.acknowledged - self.given_up - {one["id"] for one in servers}
        if lost:
            raise self.broken(f"acknowledged and lost: {sorted(lost)}")

    def _calm_down(self) -> None:
        """No more faults: hosts return, and all that was begun comes to its end."""
        self.note("calm")
        for agent in self.agents:
            agent.driver.heal()
        for host in sorted(self.down):
            come_back(self, host)
        for host in sorted(self.apart):
            rejoin(self, host)
        for _ in range(CALM_TRIES):
            self.cloud.run(CALM_S)
            if not any(True for _ in self._restless()):
                return
        raise self.broken("; ".join(self._restless()))

    def _restless(self) -> Iterator[str]:
        for one in self.servers():
            if one["status"] in PASSING or one["OS-EXT-STS:task_state"] is not None:
                yield f"the server {one['id']} rests in {one['status']} ({one['OS-EXT-STS:task_state']})"
        for one in self.ask("GET", "/volume/v3/volumes/detail", as_="demo").json["volumes"]:
            if one["status"] not in ("available", "in-use") and not one["status"].startswith("error"):
                yield f"the volume {one['id']} rests in {one['status']}"

    def _check_rest(self) -> None:
        self._check_always()
        servers = {one["id"]: one for one in self.servers()}
        for check in (self._guests, self._claims, self._ports, self._volumes):
            for wrong in check(servers):
                raise self.broken(wrong)

    def _guests(self, servers: Mapping[str, Any]) -> Iterator[str]:
        for agent in self.agents:
            there = {one.guest for one in agent.driver.observe()}
            should = {id for id, one in servers.items() if one["OS-EXT-SRV-ATTR:host"] == agent.host}
            waiting = {id for id, one in servers.items() if one["status"] == "VERIFY_RESIZE"}
            for guest in there - should - waiting:
                yield f"the guest {guest} is left on {agent.host}"
            for guest in should - there:
                if servers[guest]["status"] != "ERROR":
                    yield f"the server {guest} ({servers[guest]['status']}) has no guest on {agent.host}"

    def _claims(self, servers: Mapping[str, Any]) -> Iterator[str]:
        migrations = {one["uuid"]: one for one in
                      self.ask("GET", "/compute/v2.1/os-migrations", as_="admin").json["migrations"]}
        claimed: Counter[str] = Counter()
        for provider in self.ask("GET", "/placement/resource_providers", as_="admin").json["resource_providers"]:
            path = f"/placement/resource_providers/{provider['uuid']}/allocations"
            for consumer in self.ask("GET", path, as_="admin").json["allocations"]:
                claimed[consumer] += 1
                server = servers.get(consumer) or servers.get(migrations.get(consumer, {}).get("instance_uuid", ""))
                if server is None:
                    yield f"{provider['name']} is claimed for {consumer}, which is no server"
                elif consumer not in servers and server["status"] != "VERIFY_RESIZE":
                    yield f"{provider['name']} is claimed for a move of {server['id']}, which is over"
        for id, one in servers.items():
            wanted = 1 if one["OS-EXT-SRV-ATTR:host"] and one["status"] != "ERROR" else claimed[id]
            if claimed[id] != wanted:
                yield f"the server {id} ({one['status']}) has {claimed[id]} claims"

    def _ports(self, servers: Mapping[str, Any]) -> Iterator[str]:
        for one in self.ask("GET", "/network/v2.0/ports", as_="admin").json["ports"]:
            if one["device_owner"].startswith("compute:") and one["device_id"] not in servers:
                yield f"the port {one['id']} is left of {one['device_id']}"

    def _volumes(self, servers: Mapping[str, Any]) -> Iterator[str]:
        for one in self.ask("GET", "/volume/v3/volumes/detail").json["volumes"]:
            for attachment in one["attachments"]:
                if attachment["server_id"] not in servers:
                    yield f"the volume {one['id']} is still attached to {attachment['server_id']}"


# What tenants do.

def boot(life: Life) -> str:
    """One or two servers, with a port or without."""
    count = life.chance.choice((1, 1, 2))
    networks: Any = life.chance.choice(("none", [{"uuid": life.ids["network"]}]))
    body = {"server": {"name": "life", "imageRef": life.ids["image"], "flavorRef": life.ids["small"],
                       "networks": networks, "min_count": count}}
    answer = life.ask("POST", "/compute/v2.1/servers", body)
    if answer.status == 202:
        life.acknowledged.add(answer.json["server"]["id"])
    return f"{count}: {answer.status}"


def delete(life: Life) -> str:
    """A server of any status goes."""
    server = life.pick()
    if not server:
        return "nobody"
    life.given_up.add(server)
    return f"{server} {life.ask('DELETE', f'/compute/v2.1/servers/{server}').status}"


def power(life: Life) -> str:
    """One of the power verbs."""
    action, status, value = life.chance.choice((
        ("os-stop", "ACTIVE", None), ("os-start", "SHUTOFF", None), ("reboot", "ACTIVE", {"type": "HARD"}),
        ("pause", "ACTIVE", None), ("unpause", "PAUSED", None), ("suspend", "ACTIVE", None),
        ("resume", "SUSPENDED", None)))
    return f"{action} {life.act(life.pick(status), action, value)}"


def rebuild(life: Life) -> str:
    """A server made anew from its image."""
    return life.act(life.pick("ACTIVE", "SHUTOFF", "ERROR"), "rebuild", {"imageRef": life.ids["image"]})


def resize(life: Life) -> str:
    """Another flavor."""
    return life.act(life.pick("ACTIVE", "SHUTOFF"), "resize", {"flavorRef": life.ids[life.chance.choice(
        ("small", "large"))]})


def settle(life: Life) -> str:
    """A resize or move confirmed or taken back."""
    action = life.chance.choice(("confirmResize", "revertResize"))
    return f"{action} {life.act(life.pick('VERIFY_RESIZE'), action)}"


def shelve(life: Life) -> str:
    """A server on the shelf, or back from it."""
    if life.chance.random() < 0.5:
        return f"shelve {life.act(life.pick('ACTIVE', 'SHUTOFF'), 'shelve')}"
    return f"unshelve {life.act(life.pick('SHELVED', 'SHELVED_OFFLOADED'), 'unshelve')}"


def volume(life: Life) -> str:
    """A volume made, attached, detached or deleted."""
    volumes = {one["id"]: one for one in life.ask("GET", "/volume/v3/volumes/detail").json["volumes"]}
    free = sorted(id for id, one in volumes.items() if one["status"] == "available")
    held = sorted((one["attachments"][0]["server_id"], id) for id, one in volumes.items() if one["attachments"])
    choice = life.chance.choice(("make", "attach", "attach", "detach", "delete"))
    if choice == "attach" and free and (server := life.pick("ACTIVE", "SHUTOFF")):
        body = {"volumeAttachment": {"volumeId": life.chance.choice(free)}}
        answer = life.ask("POST", f"/compute/v2.1/servers/{server}/os-volume_attachments", body)
    elif choice == "detach" and held:
        server, id = life.chance.choice(held)
        answer = life.ask("DELETE", f"/compute/v2.1/servers/{server}/os-volume_attachments/{id}")
    elif choice == "delete" and free:
        answer = life.ask("DELETE", f"/volume/v3/volumes/{life.chance.choice(free)}")
    else:
        answer = life.ask("POST", "/volume/v3/volumes", {"volume": {"size": 1}})
    return f"{choice} {answer.status}"


# What operators do.

def migrate(life: Life) -> str:
    """A server to another host, running or not."""
    if life.chance.random() < 0.5:
        return f"cold {life.act(life.pick('ACTIVE', 'SHUTOFF'), 'migrate', as_='admin')}"
    wish = {"host": None, "block_migration": "auto"}
    return f"live {life.act(life.pick('ACTIVE', 'PAUSED'), 'os-migrateLive', wish, as_='admin')}"


def evacuate(life: Life) -> str:
    """The servers of a host that has been dead for a while get a new home."""
    dead = sorted(host for host, since in life.down.items() if life.cloud.clock.time() - since > 90)
    if not dead:
        return "nobody"
    host = life.chance.choice(dead)
    found = [one["id"] for one in life.servers() if one["OS-EXT-SRV-ATTR:host"] == host]
    return f"{host} " + ", ".join(life.act(one, "evacuate", {}, as_="admin") for one in sorted(found))


# What goes wrong.

def crash(life: Life) -> str:
    """A host loses its power, or gets it back. One of the hosts always stays."""
    if life.down and life.chance.random() < 0.6:
        return f"back {come_back(life, life.chance.choice(sorted(life.down)))}"
    alive = [agent.host for agent in life.agents if agent.host not in life.down]
    if len(alive) < 2:
        return "nobody"
    host: str = life.chance.choice(alive)
    agent = life.agent(host)
    agent.stop()
    for one in agent.driver.observe():
        if one.power is not Power.SHUTDOWN:
            agent.driver.outside(one.guest, Power.SHUTDOWN)
    life.down[host] = life.cloud.clock.time()
    life.apart.discard(host)
    return host


def come_back(life: Life, host: str) -> str:
    """A dead host starts again, with its disks as they were."""
    fleet = life.fleet
    old = life.agent(host)
    fresh = type(old)(old.kit)
    fleet.hosts[fleet.hosts.index(old)] = fresh
    fresh.start()
    life.down.pop(host, None)
    return host


def part(life: Life) -> str:
    """A host and the control side hear nothing of each other, or hear each other again."""
    if life.apart and life.chance.random() < 0.6:
        return f"back {rejoin(life, life.chance.choice(sorted(life.apart)))}"
    whole = [agent.host for agent in life.agents if agent.host not in life.down and agent.host not in life.apart]
    if not whole:
        return "nobody"
    host: str = life.chance.choice(whole)
    agent = life.agent(host)
    life.cloud.cloud.mesh.withdraw(f"agent.compute.{host}")
    agent._control = _silence
    life.apart.add(host)
    return host


def _silence() -> Any:
    raise BackendBusy("nobody answers")


def rejoin(life: Life, host: str) -> str:
    """A host that was apart is heard again."""
    agent = life.agent(host)
    del agent._control
    kind = next(base for base in type(agent).__mro__ if base.__name__ == "ComputeAgent")
    life.cloud.cloud.mesh.serve(f"agent.compute.{host}", kind, agent)
    life.apart.discard(host)
    return host


def fault(life: Life) -> str:
    """A verb of a driver fails once or twice, or its answer is lost."""
    agent, verb = life.chance.choice(life.agents), life.chance.choice(FAULTY)
    times, lost = life.chance.choice((1, 2)), life.chance.random() < 0.5
    agent.driver.fail(verb, times, lost=lost)
    return f"{agent.host} {verb} {times} {'lost' if lost else 'failed'}"


def kill(life: Life) -> str:
    """The process is killed at one of its next writes."""
    writes = life.chance.randrange(30)
    life.kill_at(writes)
    return f"after {writes} writes"


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that may happen, and how likely it is beside the others."""

    weight: int
    act: Callable[[Life], str]


EVENTS: Mapping[str, Event] = {
    "boot": Event(20, boot), "delete": Event(10, delete), "power": Event(14, power), "rebuild": Event(2, rebuild),
    "resize": Event(5, resize), "settle": Event(5, settle), "shelve": Event(4, shelve), "volume": Event(8, volume),
    "migrate": Event(6, migrate), "evacuate": Event(2, evacuate), "crash": Event(3, crash), "part": Event(3, part),
    "fault": Event(5, fault), "kill": Event(3, kill)}

