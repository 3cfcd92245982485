"""What must hold: at any moment, after each event, when all is at rest, and when nothing is left.

The tables are read past the services, as nobody shall look at a mistake through the eyes that made it.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...drivers.hypervisor import Power
from .cradle import TENANTS

if TYPE_CHECKING:
    from .life import Life

LIVING = frozenset((Power.RUNNING, Power.PAUSED))
LATE_S = 900.0
"""How long behind its deadline an operation may be in giving up, while hosts are away."""
RESTING = {"active": (Power.RUNNING,), "stopped": (Power.SHUTDOWN, Power.CRASHED), "paused": (Power.PAUSED,),
           "suspended": (Power.SUSPENDED,), "rescued": (Power.RUNNING, Power.SHUTDOWN),
           "resized": (Power.RUNNING, Power.SHUTDOWN)}
AWAY = ("shelved_offloaded",)
UNFINISHED = "state IN ('ready', 'waiting', 'running')"
VOLUME_RESTS = ("available", "in-use", "error")


@dataclasses.dataclass(frozen=True)
class ServerRow:
    """What the checks know of a server."""

    id: str
    tenant: str
    vm_state: str
    task_state: str | None
    host: str
    provider: str
    vcpus: int
    memory_mib: int
    move: dict[str, Any] | None


class Checks:
    """The checks of one life."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.tenants = {str(id): str(name) for id, name in self.sql(
            "SELECT id, name FROM identity_projects WHERE name IN (?, ?)", TENANTS)}
        self.providers = {str(id): str(name) for id, name in self.sql("SELECT id, host FROM compute_hosts")}

    def sql(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return list(self.life.cradle.connection().execute(statement, parameters))

    # What is there.

    def servers(self) -> list[ServerRow]:
        """All servers that are not deleted, in the order of their ids."""
        found = []
        for row in self.sql("SELECT id, project_id, vm_state, task_state, host, provider, vcpus, memory_mib, move "
                            "FROM servers WHERE deleted = 0 ORDER BY id"):
            id, project, vm_state, task_state, host, provider, vcpus, memory_mib, move = row
            found.append(ServerRow(id, self.tenants.get(project, project), vm_state, task_state, host, provider, vcpus,
                                   memory_mib, json.loads(move) if move else None))
        return found

    def volumes(self, tenant: str) -> tuple[list[str], list[tuple[str, str]]]:
        """The ids of a tenant's free volumes; and server and volume of those that are attached."""
        rows = self.sql("SELECT v.id, v.status, a.server_id FROM volumes v LEFT JOIN volume_attachments a ON "
                        "a.volume_id = v.id WHERE v.project_id = ? ORDER BY v.id", (self.project(tenant),))
        return ([id for id, status, _ in rows if status == "available"],
                [(server, id) for id, status, server in rows if status == "in-use" and server])

    def ports_free(self, tenant: str) -> list[str]:
        """The ids of a tenant's ports that no server has."""
        return [id for id, device in self._ports(tenant) if not device]

    def ports_held(self, tenant: str) -> list[tuple[str, str]]:
        """Server and port of a tenant's ports that servers have."""
        return [(device, id) for id, device in self._ports(tenant) if device]

    def _ports(self, tenant: str) -> list[tuple[Any, ...]]:
        return self.sql("SELECT id, device_id FROM ports WHERE project_id = ? AND (device_owner = '' OR device_owner "
                        "LIKE 'compute:%') ORDER BY id", (self.project(tenant),))

    def project(self, tenant: str) -> str:
        """The id of a tenant's project."""
        return next(id for id, name in self.tenants.items() if name == tenant)

    def forced_down(self) -> list[str]:
        """Hosts of which an operator says that they are down."""
        return [row[0] for row in self.sql("SELECT host FROM compute_services WHERE forced_down = 1 ORDER BY host")]

    def guests(self) -> Iterator[tuple[str, Any]]:
        """Host and guest of all guests on hosts with power."""
        for agent in self.life.agents("compute"):
            if agent.host not in self.life.down:
                for guest in agent.driver.guests():
                    yield agent.host, guest

    def told(self, ids: Iterable[str]) -> Iterator[str]:
        """What was done to these things, for who looks for a mistake."""
        for id in ids:
            for number, kind, state, history, error in self.sql("SELECT number, kind, state, history, error "
                                                                "FROM operations WHERE subject = ? ORDER BY number",
                                                                (id,)):
                steps = "; ".join(f"{begun:.0f} {name} {word} {detail}".rstrip()
                                  for name, begun, _, word, detail in json.loads(history))
                why = json.loads(error)["message"] if error and error != "null" else ""
                yield f"{id} {number} {kind} {state}: {steps} {why}"

    # At any moment.

    def twice(self) -> None:
        """No guest runs on two hosts. :raises Broken: one does."""
        seen: dict[str, str] = {}
        for host, guest in self.guests():
            if guest.power in LIVING:
                if guest.id in seen:
                    raise self.life.broken(f"the server {guest.id} runs on {seen[guest.id]} and on {host}")
                seen[guest.id] = host

    # After each event.

    def always(self) -> None:
        """What holds after each event. :raises Broken: it does not."""
        self.twice()
        servers = self.servers()
        operations = self._operations()
        for check in (self._acknowledged, self._passing, self._usage, self._claims):
            for wrong in check(servers, operations):
                raise self.life.broken(wrong)

    def _operations(self) -> dict[str, list[tuple[Any, ...]]]:
        found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in self.sql("SELECT subject, kind, state, undoing, deadline FROM operations "
                            f"WHERE {UNFINISHED} ORDER BY number"):
            found[row[0]].append(row[1:])
        return found

    def _acknowledged(self, servers: Sequence[ServerRow], operations: Any) -> Iterator[str]:
        lost = self.life.acknowledged - self.life.given_up - {row.id for row in servers}
        if lost:
            yield f"acknowledged and lost: {sorted(lost)}"

    def _passing(self, servers: Sequence[ServerRow], operations: Any) -> Iterator[str]:
        """Nobody is on the way to another state without an operation that will end."""
        for row in servers:
            if (row.task_state or row.vm_state == "building") and row.id not in operations:
                yield f"the server {row.id} rests in {row.vm_state} ({row.task_state}) and nobody moves it"
        for subject, found in operations.items():
            for kind, state, undoing, deadline in found[:1]:
                if deadline and not undoing and self.life.time > deadline + LATE_S:
                    yield f"{kind} of {subject} is {state} long after its deadline"

    def _usage(self, servers: Sequence[ServerRow], operations: Any) -> Iterator[str]:
        """What is written down as used is what is there; what is being resized counts as it will be, or was."""
        written = {row[0]: row[1:] for row in self.sql("SELECT project_id, instances, cores, ram FROM compute_usage")}
        for project, tenant in self.tenants.items():
            mine = [row for row in servers if row.tenant == tenant]
            instances, cores, ram = written.get(project, (0, 0, 0))
            if instances != len(mine):
                yield f"{tenant} has {len(mine)} servers, but {instances} are counted"
            counted = (sum(row.vcpus for row in mine), sum(row.memory_mib for row in mine))
            if (cores, ram) != counted and not any(row.id in operations or row.move for row in mine):
                yield f"{tenant} has {counted} cores and MiB, but {(cores, ram)} are counted"
            if instances > 8 or instances < 0 or cores < 0 or ram < 0:
                yield f"{tenant} has {instances} servers, {cores} cores and {ram} MiB"

    def _claims(self, servers: Sequence[ServerRow], operations: Any) -> Iterator[str]:
        """A claim belongs to a server or to its move, a server has its claim, and hosts know what is claimed."""
        held: dict[str, set[str]] = defaultdict(set)
        sums: Counter[tuple[str, str]] = Counter()
        for consumer, provider, kind, used in self.sql(
                "SELECT consumer_id, provider_id, resource_class, used FROM placement_allocations"):
            held[consumer].add(provider)
            sums[provider, kind] += used
        for provider, kind, used, capacity in self.sql(
                "SELECT provider_id, resource_class, used, capacity FROM placement_inventories"):
            if sums[provider, kind] != used or used > capacity:
                yield (f"{self.providers[provider]} has {kind}: {used} used of {capacity}, "
                       f"{sums[provider, kind]} claimed")
        known = {row.id: row for row in servers}
        moves = {row.move["consumer"]: row for row in servers if row.move and "consumer" in row.move}
        for consumer, providers in held.items():
            if consumer not in known and consumer not in moves and not self._moving(consumer, operations):
                yield f"{self._named(providers)} claimed for {consumer}, which is no server"
        for row in servers:
            quiet = not row.task_state and row.move is None and row.id not in operations
            if quiet and row.provider and row.vm_state not in ("error", "building"):
                if held.get(row.id) != {row.provider}:
                    yield (f"the server {row.id} ({row.vm_state}) of {row.host} has its claim on "
                           f"{self._named(held.get(row.id, ()))}")
            elif quiet and not row.provider and row.id in held:
                yield f"the server {row.id} ({row.vm_state}) is on no host and claims {self._named(held[row.id])}"

    def _moving(self, consumer: str, operations: Any) -> bool:
        """Whether a consumer is that of a move, or of a server that is gone, which somebody is still busy with."""
        if consumer in operations:
            return True
        owner = self.sql("SELECT server_id FROM migrations WHERE uuid = ?", (consumer,))
        return bool(owner) and owner[0][0] in operations

    def _named(self, providers: Any) -> str:
        return ", ".join(sorted(self.providers.get(one, one) for one in providers)) or "nothing"

    # When all is at rest.

    def passing(self) -> list[str]:
        """Servers that are on their way to another state."""
        return [f"the server {row.id} on {row.host or 'no host'} rests in {row.vm_state} ({row.task_state})"
                for row in self.servers() if row.task_state or row.vm_state == "building"]

    def restless(self) -> list[str]:
        """What has not come to its end."""
        found = self.passing()
        found += [f"{row[0]} of {row[1]} is {row[2]}" for row in self.sql(
            f"SELECT kind, subject, state FROM operations WHERE {UNFINISHED} ORDER BY number")]
        for id, status, server in self.sql("SELECT v.id, v.status, a.server_id FROM volumes v LEFT JOIN "
                                           "volume_attachments a ON a.volume_id = v.id ORDER BY v.id"):
            if not (status in VOLUME_RESTS or status.startswith("error_") or (status == "reserved" and server)):
                found.append(f"the volume {id} rests in {status}")
        return found

    def at_rest(self) -> list[str]:
        """What does not hold once nothing is under way."""
        servers = {row.id: row for row in self.servers()}
        return [wrong for check in (self._guests_at_rest, self._ports_at_rest, self._volumes_at_rest,
                                    self._images_at_rest, self._drifts) for wrong in check(servers)]

    def _guests_at_rest(self, servers: dict[str, ServerRow]) -> Iterator[str]:
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for host, guest in self.guests():
            found[guest.id][host] = guest
        for id, hosts in found.items():
            row = servers.get(id)
            allowed = {row.host, (row.move or {}).get("old_host")} if row else set()
            for host in sorted(set(hosts) - allowed):
                yield f"the guest {id} is left on {host}"
        for row in servers.values():
            if row.vm_state in ("error", "shelved_offloaded"):
                continue
            guest = found[row.id].get(row.host)
            if guest is None:
                yield f"the server {row.id} ({row.vm_state}) has no guest on {row.host}"
            elif guest.power not in RESTING.get(row.vm_state, tuple(Power)):
                yield f"the guest of {row.id} ({row.vm_state}) is {guest.power.value}"
            elif row.move is None:
                yield from self._parts(row, guest)

    def _parts(self, row: ServerRow, guest: Any) -> Iterator[str]:
        """A guest has the disks and cards that the services say."""
        volumes = {one[0] for one in self.sql("SELECT volume_id FROM block_devices WHERE server_id = ? AND "
                                              "destination_type = 'volume'", (row.id,))}
        if set(guest.volumes) != volumes:
            yield f"the guest of {row.id} has the volumes {sorted(guest.volumes)}, should have {sorted(volumes)}"
        ports = {one[0] for one in self.sql("SELECT id FROM ports WHERE device_id = ?", (row.id,))}
        if set(guest.macs) != ports:
            yield f"the guest of {row.id} has the ports {sorted(guest.macs)}, should have {sorted(ports)}"

    def _ports_at_rest(self, servers: dict[str, ServerRow]) -> Iterator[str]:
        wired = {agent.kit.host: set(agent.driver.observe().ports) for agent in self.life.agents("network")
                 if agent.kit.host not in self.life.down}
        bound: dict[str, str] = {}
        for id, device, host, status in self.sql("SELECT id, device_id, binding_host_id, status FROM ports WHERE "
                                                 "device_owner LIKE 'compute:%' ORDER BY id"):
            row = servers.get(device)
            if row is None:
                yield f"the port {id} is left of {device}"
            elif row.vm_state != "error" and row.move is None:
                if row.host and host != row.host:
                    yield f"the port {id} is bound to {host}, its server {device} ({row.vm_state}) is on {row.host}"
                bound[id] = host
                if row.vm_state == "active" and (status != "ACTIVE" or id not in wired.get(host, ())):
                    yield f"the port {id} of {device} on {host} is {status} and wired: {id in wired.get(host, ())}"
        known = {row[0]: row[1] for row in self.sql("SELECT id, binding_host_id FROM ports")}
        for host, ports in wired.items():
            for id in sorted(ports):
                if known.get(id) != host:
                    yield f"the port {id} is wired on {host}, but is bound to {known.get(id)}"

    def _volumes_at_rest(self, servers: dict[str, ServerRow]) -> Iterator[str]:
        devices = {(row[0], row[1]) for row in self.sql("SELECT server_id, volume_id FROM block_devices WHERE "
                                                        "destination_type = 'volume' AND volume_id != ''")}
        held = {(row[0], row[1]): row[2] for row in self.sql(
            "SELECT server_id, volume_id, status FROM volume_attachments")}
        for server, id in sorted(set(held) - devices):
            yield f"the volume {id} is attached to {server}, which does not know it"
        for server, id in sorted(devices - set(held)):
            if server in servers and servers[server].vm_state != "error":
                yield f"the server {server} has the volume {id}, which is not attached"
        taken = {id for _, id in held}
        real = self._pool()
        for id, status in self.sql("SELECT id, status FROM volumes ORDER BY id"):
            if (status in ("in-use", "reserved")) != (id in taken):
                yield f"the volume {id} is {status} and attached: {id in taken}"
            if id not in real and not status.startswith("error"):
                yield f"the volume {id} ({status}) is not in its pool"
            real.discard(id)
        for id in sorted(real):
            yield f"the volume {id} is left in its pool"

    def _pool(self) -> set[str]:
        return {id for driver in self.life.volume_drivers() for id in driver.observe().volumes}

    def _images_at_rest(self, servers: dict[str, ServerRow]) -> Iterator[str]:
        for id, status in self.sql("SELECT id, status FROM images WHERE status NOT IN ('active', 'deleted')"):
            yield f"the image {id} rests in {status}"

    def _drifts(self, servers: dict[str, ServerRow]) -> Iterator[str]:
        cloud = self.life.cloud.cloud
        for one in cloud.slices:
            for drift in one.audit(cloud.services[one.name], cloud.kits[one.name], False):
                yield f"{one.name} would mend {drift.kind} {drift.id}: {drift.what}"

    # When nothing is left.

    def empty(self) -> None:
        """Nothing is left anywhere of what the tenants had. :raises Broken: something is."""
        for what, statement in (
                ("servers", "SELECT id FROM servers WHERE deleted = 0"),
                ("claims", "SELECT consumer_id FROM placement_allocations"),
                ("ports", "SELECT id FROM ports WHERE device_owner = '' OR device_owner LIKE 'compute:%'"),
                ("volumes", "SELECT id FROM volumes"),
                ("attachments", "SELECT id FROM volume_attachments"),
                ("used cores", "SELECT project_id FROM compute_usage WHERE instances + cores + ram != 0"),
                ("floating addresses", "SELECT id FROM floating_ips")):
            left = sorted(row[0] for row in self.sql(statement))
            if left:
                raise self.life.broken(f"{what} are left: {left}")
        for host, guest in self.guests():
            raise self.life.broken(f"the guest {guest.id} is left on {host}")
