"""The cloud that every life begins with, kept as an image in memory, and clouds that go on with what another left.

A start costs some hundredths of a second: the tables are copied in memory and the routes of the APIs are made once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ...clock import Virtual
from ...config import Configuration
from ...db.engine import Database, Transaction
from ...executor import Seeded
from ...http.app import Application, Edge
from ...policy.engine import Policy
from ...process.bootstrap import Secrets
from ...process.cloud import Cloud, Place
from ...process.slice import Slice
from ..cloud import CHEAP, InProcess, Response
from .quick import OneConnection, Quick

TENANTS = ("demo", "rival")
"""The projects that race for the hosts; each has a user of its name."""
FLAVORS = {"small": 1, "large": 2}
LONG_S = 1_000_000


class Broken(AssertionError):
    """Something that must always hold does not; the message says what, and what had happened."""


def options(hosts: int) -> Mapping[str, Mapping[str, str]]:
    """The options of a cloud of so many hosts: tight quotas, a fence, and hosts that are recovered by themselves."""
    names = ",".join(host_names(hosts))
    return {**CHEAP, "cloud": {"host": "host1"},
            "identity": {"token_lifetime_s": str(LONG_S)},
            "compute": {"hosts": names, "console_listen": "", "quota_instances": "8", "quota_cores": "12",
                        "fence": "simulated", "recover_after_s": "90", "recover_local_disks": "true"},
            "network": {"hosts": names},
            "fences.simulated": {"takes_s": "15"},
            "hypervisors.simulated": {"vcpus": "2", "memory_mib": "8192", "disk_gib": "50"}}


def host_names(hosts: int) -> list[str]:
    """The names of so many hosts."""
    return [f"h{number}" for number in range(1, hosts + 1)]


class Continued(Cloud):
    """A cloud that takes over routes and connections of one before it, and leaves the agents of dead hosts dead."""

    off: Iterable[str] = ()

    def __init__(self, *arguments: Any, routes: dict[str, Application], rules: list[Policy]) -> None:
        self.routes, self.rules = routes, rules
        super().__init__(*arguments)

    def _policy(self) -> Policy:
        if not self.rules:
            self.rules.append(super()._policy())
        return self.rules[0]

    def _application(self, one: Slice) -> Application:
        known = self.routes.get(one.name)
        if known is None:
            self.routes[one.name] = known = super()._application(one)
            return known
        # Whoever answers requests holds on to the edge, so that the old one becomes like a new one.
        fresh = Edge(self._authenticate, self.policy, self.clock, self.metrics.requests.observer(one.name),
                     self.place.ephemeral, self._gates)
        vars(known.edge).update(vars(fresh))
        known.service = self.services[one.name]
        return known

    def _start_agents(self) -> None:
        for one in self.slices:
            for name, make_agent in one.agents.items():
                agent: Any = make_agent(self.kits[one.name])
                self.agents[name] = agent
                for part in getattr(agent, "hosts", [agent]):
                    if getattr(part, "kit", None) is None or part.kit.host not in self.off:
                        part.start()
                    elif hasattr(part.driver, "power_off"):
                        part.driver.power_off()


class Child(InProcess):
    """A cloud of a life: on its connections, in its folder, at its moment."""

    def __init__(self, cloud: Cloud, clock: Virtual, executor: Seeded, tokens: dict[Any, str]) -> None:
        self.cloud, self.clock, self.executor, self._tokens = cloud, clock, executor, tokens
        self.secrets = Secrets(admin="admin-secret", demo="demo-secret")


class Cradle:
    """What all lives of this process begin with; ``folder`` is where it and they keep their files.

    ``quick``: statements go the short way, see :mod:`.quick`.
    :raises Broken: the cloud cannot be prepared.
    """

    def __init__(self, folder: Path, hosts: int, *, quick: bool = True) -> None:
        self.folder, self.quick = folder, quick
        self.hosts = host_names(hosts)
        self.configuration = Configuration.read(None, {}, options(hosts))
        self.routes: dict[str, Application] = {}
        self.rules: list[Policy] = []
        self.tokens: dict[Any, str] = {}
        self.database: Database | None = None
        self.ids: dict[str, str] = {}
        self._begun = folder / "begun"
        self._begun.mkdir(parents=True, exist_ok=True)
        self.moment = self._prepare()
        assert self.database is not None
        raw = self.database.engine.raw_connection()
        self._connection: Any = raw.driver_connection
        raw.close()
        self.image: bytes = self._connection.serialize()
        if quick:
            one: Any = OneConnection(self.database.engine)
            self.database.engine = self.database._reads = one

    def connection(self) -> Any:
        """The connection of SQLite's that all clouds share, one after another."""
        return self._connection

    def lay(self, folder: Path) -> None:
        """Put a new cloud, which has not been started, into ``folder`` and into the database."""
        shutil.copytree(self._begun, folder, dirs_exist_ok=True)
        self.connection().deserialize(self.image)

    def forget(self) -> None:
        """Hold on to nothing of the last cloud: the routes lead to it until another one begins."""
        for application in self.routes.values():
            vars(application.edge).clear()
            application.service = None

    def go_on(self, folder: Path, clock: Virtual, off: Iterable[str],
              meet: Callable[[Continued], None]) -> Child:
        """Start the cloud of ``folder`` again; hosts that are ``off`` stay so. ``meet`` sees it before it starts."""
        executor = Seeded(clock)
        place = Place(state_dir=folder / "state", run_dir=folder / "run", ephemeral=True, in_memory=True)
        cloud = Continued(self.configuration, clock, executor, place, routes=self.routes, rules=self.rules)
        cloud.off = off
        (database,) = cloud.databases.all()
        database.transactions = Quick if self.quick else Transaction
        if self.database is None:
            self.database = database
        else:
            database.share(self.database)
        child = Child(cloud, clock, executor, self.tokens)
        executor.strict = False
        meet(cloud)
        if self.ids:
            cloud.start()
        return child

    # What is in it.

    def _prepare(self) -> float:
        child = self.go_on(self._begun, Virtual(0), (), lambda cloud: None)
        child.executor.strict = True
        child.start()
        child.run(1)
        self._fill(child)
        for user in TENANTS:
            child.token(user, user)
        child.cloud.bus.close()
        child.run(30)
        child.executor.stop()
        return child.clock.monotonic()

    def _fill(self, cloud: InProcess) -> None:
        image = {"name": "life", "disk_format": "raw", "visibility": "public", "container_format": "bare"}
        self.ids["image"] = ok(cloud, "POST", "/image/v2/images", image)["id"]
        cloud.request("PUT", f"/image/v2/images/{self.ids['image']}/file", b"\0" * 4096,
                      headers={"Content-Type": "application/octet-stream"})
        for name, vcpus in FLAVORS.items():
            body = {"flavor": {"name": name, "ram": 256 * vcpus, "vcpus": vcpus, "disk": 1}}
            self.ids[name] = ok(cloud, "POST", "/compute/v2.1/flavors", body)["flavor"]["id"]
        self._rival(cloud)
        for network in ok(cloud, "GET", "/network/v2.0/networks", None)["networks"]:
            if network["router:external"]:
                self.ids["public"] = network["id"]
        for tenant in TENANTS:
            self._network(cloud, tenant)

    def _rival(self, cloud: InProcess) -> None:
        project = ok(cloud, "POST", "/identity/v3/projects", {"project": {"name": "rival"}})["project"]["id"]
        body = {"user": {"name": "rival", "password": cloud.secrets.demo}}
        user = ok(cloud, "POST", "/identity/v3/users", body)["user"]["id"]
        roles = {one["name"]: one["id"] for one in ok(cloud, "GET", "/identity/v3/roles", None)["roles"]}
        ok(cloud, "PUT", f"/identity/v3/projects/{project}/users/{user}/roles/{roles['member']}", None)

    def _network(self, cloud: InProcess, tenant: str) -> None:
        """The tenant's network, with a router outside."""
        found = [one for one in ok(cloud, "GET", "/network/v2.0/networks", None, tenant)["networks"]
                 if not one["router:external"]]
        if found:
            self.ids[f"network of {tenant}"] = found[0]["id"]
            return
        network = ok(cloud, "POST", "/network/v2.0/networks", {"network": {"name": tenant}}, tenant)["network"]["id"]
        subnet = {"subnet": {"network_id": network, "ip_version": 4, "cidr": "10.9.0.0/24"}}
        subnet_id = ok(cloud, "POST", "/network/v2.0/subnets", subnet, tenant)["subnet"]["id"]
        body = {"router": {"name": tenant, "external_gateway_info": {"network_id": self.ids["public"]}}}
        router = ok(cloud, "POST", "/network/v2.0/routers", body, tenant)["router"]["id"]
        ok(cloud, "PUT", f"/network/v2.0/routers/{router}/add_router_interface", {"subnet_id": subnet_id}, tenant)
        self.ids[f"network of {tenant}"] = network


def ok(cloud: InProcess, method: str, path: str, body: Any, tenant: str = "admin") -> Any:
    """What the cloud answers. :raises Broken: it is not what was asked for."""
    answer: Response = cloud.request(method, path, body, as_=tenant, project=tenant)
    if answer.status >= 300:
        raise Broken(f"{method} {path}: {answer}")
    return answer.json if answer.data else None
