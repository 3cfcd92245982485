"""Ports for servers: what compute asks of the network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.drivers.network import Vif
from ...core.errors import BadRequest, Conflict, Forbidden, NotFound, QuotaExceeded
from ...core.services.network import Address, Nic, NicRequest
from . import tables, visits
from .addresses import network_of, number_of, plain
from .desk import Desk
from .network_data import describe
from .noun import Document, decode, retried

ports, networks, floating_ips, addresses = tables.ports, tables.networks, tables.floating_ips, tables.addresses
_CLAIMED = sa.or_(ports.c.binding_host_id != "", ports.c.hostname != "")
"""Anybody may write any server's id into a port of its own; a port is a server's only once compute has bound it.

The server's host name, which only compute writes, stays while a server on the shelf has no host."""
_OF_SERVER = sa.select(ports.c.document, ports.c.hidden, ports.c.ordinal, ports.c.requested, ports.c.tag).where(
    ports.c.device_id == sa.bindparam("server_id"), _CLAIMED).order_by(ports.c.ordinal, ports.c.created_at, ports.c.id)
_NICS = (sa.select(ports.c.device_id, ports.c.document, ports.c.requested, ports.c.tag, networks.c.name, networks.c.mtu)
         .join(networks, networks.c.id == ports.c.network_id)
         .where(ports.c.device_id.in_(sa.bindparam("servers", expanding=True)), _CLAIMED)
         .order_by(ports.c.ordinal, ports.c.created_at, ports.c.id))
_FLOATING = sa.select(floating_ips.c.port_id, floating_ips.c.floating_ip_address,
                      floating_ips.c.fixed_ip_address).where(
    floating_ips.c.port_id.in_(sa.bindparam("ports", expanding=True)))
_USABLE = sa.select(networks.c.id, networks.c.project_id).where(
    sa.or_(networks.c.project_id == sa.bindparam("project_id"), networks.c.shared),
    networks.c.router_external.is_(False)).order_by(networks.c.id)
_PLACE = ports.update().where(ports.c.id == sa.bindparam("this_id"))


class Servers:
    """Servers' ports: asked for, made, wired, let go."""

    def __init__(self, service: Desk) -> None:
        self.service = service
        self.kit = service.kit

    # Before anything is made.

    def resolve(self, context: Context, requests: Sequence[NicRequest] | None, count: int,
                security_groups: Sequence[str] = ()) -> list[NicRequest]:
        """What ``count`` servers ask for, checked and with networks filled in."""
        if security_groups:
            self.service.groups.ensure_default(context)
        with self.kit.db.read() as tx:
            found = self._chosen(tx, context) if requests is None else [self._check(tx, context, one)
                                                                       for one in requests]
            self._check_quota(tx, context, sum(1 for one in found if not one.port_id) * count)
            if security_groups:
                self.service.groups.by_name(tx, context.project_id, security_groups)
        return found

    def _chosen(self, tx: Transaction, context: Context) -> list[NicRequest]:
        rows = tx.rows(_USABLE, {"project_id": context.project_id})
        if len(rows) > 1:
            raise Conflict("Multiple possible networks found, use a Network ID to be more specific.")
        if not rows or not self.service.subnets.of_network(tx, rows[0].id):
            return []
        return [NicRequest(network_id=rows[0].id)]

    def _check(self, tx: Transaction, context: Context, one: NicRequest) -> NicRequest:
        if one.port_id:
            return self._check_port(tx, context, one)
        network = self.service.networks.seen_or_none(tx, context, one.network_id)
        if network is None:
            raise NotFound(f"Network {one.network_id} could not be found.", type="NetworkNotFound")
        if network["router:external"] and not network["shared"] and not self.service.networks.is_admin(context):
            raise Forbidden(f"It is not allowed to create an interface on external network {one.network_id}")
        subnets = [subnet for subnet, _ in self.service.subnets.of_network(tx, one.network_id)]
        if not subnets:
            raise BadRequest(f"Network {one.network_id} requires a subnet in order to boot instances on.")
        if one.fixed_ip:
            self._check_address(tx, one, subnets)
        return one

    def _check_port(self, tx: Transaction, context: Context, one: NicRequest) -> NicRequest:
        port = self.service.ports.seen_or_none(tx, context, one.port_id)
        if port is None:
            raise NotFound(f"Port id {one.port_id} could not be found.", type="PortNotFound")
        if port["project_id"] != context.project_id and not self.service.ports.is_admin(context):
            raise BadRequest(f"Port {one.port_id} not usable: it belongs to another project.")
        if port["device_id"]:
            raise Conflict(f"Port {one.port_id} is still in use.")
        if not port["fixed_ips"] and port["port_security_enabled"]:
            raise BadRequest(f"Port {one.port_id} requires a FixedIP in order to be used.")
        return NicRequest(network_id=port["network_id"], port_id=one.port_id, fixed_ip=one.fixed_ip, tag=one.tag)

    def _check_address(self, tx: Transaction, one: NicRequest, subnets: Sequence[Document]) -> None:
        address = ip_address(one.fixed_ip)
        subnet = next((subnet for subnet in subnets if address in network_of(subnet["cidr"])), None)
        if subnet is None:
            raise BadRequest(f"Fixed IP {one.fixed_ip} is not a valid ip address for network {one.network_id}.")
        taken = tx.row(sa.select(addresses.c.port_id).where(addresses.c.subnet_id == subnet["id"],
                                                            addresses.c.number == number_of(one.fixed_ip)))
        if taken is not None:
            raise Conflict(f"Fixed IP address {one.fixed_ip} is already in use on instance network {one.network_id}.",
                           type="IpAddressInUse")

    def _check_quota(self, tx: Transaction, context: Context, more: int) -> None:
        if more:
            try:
                self.service.quotas.take(tx, context.project_id, "port", self.service.ports.counting, more)
            except QuotaExceeded as exceeded:
                raise QuotaExceeded("Maximum number of ports exceeded") from exceeded

    # Making and taking.

    def allocate(self, context: Context, server_id: str, project_id: str, host: str, zone: str, hostname: str,
                 requests: Sequence[NicRequest], security_groups: Sequence[str]) -> list[Nic]:
        """The server's ports, made or taken and bound to ``host``."""
        voice = self.kit.context()

        def work() -> None:
            with self.kit.db.write() as tx:
                rows = tx.rows(_OF_SERVER, {"server_id": server_id})
                taken = {row.ordinal: row for row in rows}
                held = {decode(row.document)["id"]: row for row in rows}
                groups = self.service.groups.by_name(tx, project_id, security_groups) if security_groups else None
                first = max(taken, default=-1) + 1
                for place, one in enumerate(requests):
                    self._one(tx, voice, one, taken, held, groups=groups, place=place, server_id=server_id,
                              project_id=project_id, host=host, zone=zone, hostname=hostname, first=first)
        retried(work)
        return self.nics(context, [server_id]).get(server_id, [])

    def _one(self, tx: Transaction, context: Context, one: NicRequest, taken: dict[int, Row], held: dict[str, Row],
             *, groups: list[str] | None, place: int, server_id: str, project_id: str, host: str, zone: str,
             hostname: str, first: int) -> None:
        owner = f"compute:{zone}"
        row = held.get(one.port_id) if one.port_id else self._same(one, taken, place)
        if row is not None:
            self._bind(tx, context, self.service.ports.full(row), host, owner)
            return
        ordinal = place if place not in taken else first + place
        if one.port_id:
            self._take(tx, context, one, server_id, owner, host, ordinal, hostname)
        else:
            self._make(tx, context, one, groups, server_id, project_id, owner, host, ordinal, hostname)

    def _make(self, tx: Transaction, context: Context, one: NicRequest, groups: list[str] | None, server_id: str,
              project_id: str, owner: str, host: str, ordinal: int, hostname: str, port_id: str = "") -> None:
        self.service.quotas.take(tx, project_id, "port", self.service.ports.counting)
        body: Document = {"network_id": one.network_id, "device_id": server_id, "device_owner": owner,
                          "binding:host_id": host}
        if one.fixed_ip:
            body["fixed_ips"] = [{"ip_address": plain(one.fixed_ip)}]
        if groups is not None:
            body["security_groups"] = groups
        network = self.service.networks.load(tx, one.network_id)
        if not network["port_security_enabled"]:
            body.pop("security_groups", None)
        port = self.service.ports.write(tx, context, body, project_id, network["port_security_enabled"],
                                        id=port_id, ordinal=ordinal, requested=True, tag=one.tag, hostname=hostname)
        self.service.ports.tell(tx, context, "create", port)

    def attach(self, context: Context, server_id: str, project_id: str, host: str, zone: str, hostname: str,
               request: NicRequest, port_id: str) -> Nic:
        """One more port of the server, made with the id ``port_id`` or taken, and bound to ``host``."""
        voice, wanted, owner = self.kit.context(), request.port_id or port_id, f"compute:{zone}"

        def work() -> None:
            with self.kit.db.write() as tx:
                rows = tx.rows(_OF_SERVER, {"server_id": server_id})
                held = next((port for port in map(self.service.ports.full, rows) if port["id"] == wanted), None)
                ordinal = max((row.ordinal for row in rows), default=-1) + 1
                if held is not None:
                    self._bind(tx, voice, held, host, owner)
                elif request.port_id:
                    self._take(tx, voice, request, server_id, owner, host, ordinal, hostname)
                else:
                    self._make(tx, voice, request, None, server_id, project_id, owner, host, ordinal, hostname, port_id)
        retried(work)
        return next(nic for nic in self.nics(context, [server_id])[server_id] if nic.port_id == wanted)

    def _same(self, one: NicRequest, taken: dict[int, Row], place: int) -> Row | None:
        """The port an earlier run of the same step made, told by its place and network."""
        row = taken.get(place)
        if row is None or not row.requested:
            return None
        port = decode(row.document)
        if port["network_id"] != one.network_id or row.tag != one.tag:
            return None
        wanted = one.fixed_ip and plain(one.fixed_ip)
        return row if not wanted or any(fixed["ip_address"] == wanted for fixed in port["fixed_ips"]) else None

    def _bind(self, tx: Transaction, context: Context, old: Document, host: str, owner: str) -> None:
        if old["binding:host_id"] == host and old["device_owner"] == owner:
            return
        new = {**old, "binding:host_id": host, "device_owner": owner}
        if old["binding:host_id"] != host:
            new.update(self.service.wiring.binding(tx, host), status="DOWN")
            visits.end(tx, [old["id"]], host)
            if old["binding:host_id"]:
                visits.note(tx, old, old["binding:host_id"], arriving=False)
        self.service.ports.save(tx, old, new)

    def _take(self, tx: Transaction, context: Context, one: NicRequest, server_id: str, owner: str, host: str,
              ordinal: int, hostname: str) -> None:
        old = self.service.ports.load(tx, one.port_id)
        if old["device_id"] and old["device_id"] != server_id:
            raise Conflict(f"Port {one.port_id} is still in use.")
        new = {**old, "device_id": server_id, "device_owner": owner, "binding:host_id": host, "status": "DOWN",
               **self.service.wiring.binding(tx, host)}
        new = self.service.ports.save(tx, old, new, ordinal=ordinal, requested=False, tag=one.tag, hostname=hostname)
        self.service.ports.tell(tx, context, "update", new)

    # Security groups.

    def change_group(self, context: Context, server_id: str, project_id: str, group: str, *, add: bool) -> None:
        """Give all ports of the server the group, or take it from them."""
        voice = self.kit.context()

        def work() -> None:
            with self.kit.db.write() as tx:
                group_id = self._group(tx, project_id, group)
                able = [port for port in self._documents(tx, server_id)
                        if port["port_security_enabled"] and port["fixed_ips"]]
                if add and not able:
                    raise BadRequest("Network requires port_security_enabled and subnet associated in order to apply "
                                     "security groups.")
                changed = [port for port in able if (group_id in port["security_groups"]) != add]
                if not add and not changed:
                    raise NotFound(f"Security group {group} not associated with the instance {server_id}")
                for port in changed:
                    groups = [one for one in port["security_groups"] if one != group_id] + [group_id] * add
                    new = self.service.ports.change(tx, voice, port, {"security_groups": groups})
                    self.service.ports.tell(tx, voice, "update", new)
        retried(work)

    def _group(self, tx: Transaction, project_id: str, group: str) -> str:
        try:
            return self.service.groups.by_name(tx, project_id, [group])[0]
        except BadRequest as unknown:
            raise NotFound(unknown.message) from unknown

    # Wiring and letting go.

    def _documents(self, tx: Transaction, server_id: str) -> list[Document]:
        return [self.service.ports.full(row) for row in tx.rows(_OF_SERVER, {"server_id": server_id})]

    def plug(self, context: Context, server_id: str, host: str) -> list[Vif]:
        """Wire the server's ports."""
        with self.kit.db.read() as tx:
            documents = self._documents(tx, server_id)
        return self.service.wiring.plug(self.kit.context(), documents, host)

    def bind(self, server_id: str, host: str, zone: str) -> None:
        """Bind the server's ports to ``host``, or to none; an empty ``zone`` leaves their owner's."""
        voice = self.kit.context()

        def work() -> None:
            with self.kit.db.write() as tx:
                for port in self._documents(tx, server_id):
                    self._bind(tx, voice, port, host, f"compute:{zone}" if zone else port["device_owner"])
        retried(work)

    def unplug(self, context: Context, server_id: str, host: str, later: bool = False) -> None:
        """Unwire the server's ports."""
        with self.kit.db.read() as tx:
            documents = self._documents(tx, server_id)
        if later:
            self.service.wiring.unplug_later(documents, host)
        else:
            self.service.wiring.unplug(self.kit.context(), documents, host)

    def release(self, context: Context, server_id: str, port_ids: Sequence[str] | None = None) -> None:
        """Delete the ports compute asked for, free the others."""
        voice = self.kit.context()

        def work() -> None:
            with self.kit.db.write() as tx:
                for row in tx.rows(_OF_SERVER, {"server_id": server_id}):
                    port = self.service.ports.full(row)
                    if port_ids is not None and port["id"] not in port_ids:
                        continue
                    if row.requested:
                        self.service.ports.drop(tx, voice, port)
                        self.service.ports.tell(tx, voice, "delete", port)
                    else:
                        self._free(tx, voice, port)
        retried(work)

    def _free(self, tx: Transaction, context: Context, port: Document) -> None:
        self.service.wiring.port_left(tx, port)
        new = {**port, "device_id": "", "device_owner": "", "binding:host_id": "", "status": "DOWN",
               **self.service.wiring.binding(tx, "")}
        new = self.service.ports.save(tx, port, new, ordinal=0, tag="", hostname="")
        self.service.ports.tell(tx, context, "update", new)

    # Questions.

    def nics(self, context: Context, server_ids: Sequence[str]) -> dict[str, list[Nic]]:
        """The servers' interfaces, two queries for all."""
        found: dict[str, list[Nic]] = {}
        if not server_ids:
            return found
        with self.kit.db.read() as tx:
            rows = [(row, decode(row.document)) for row in tx.rows(_NICS, {"servers": list(server_ids)})]
            floating: dict[tuple[str, str], list[str]] = defaultdict(list)
            if rows:
                for row in tx.rows(_FLOATING, {"ports": [port["id"] for _, port in rows]}):
                    floating[row.port_id, row.fixed_ip_address].append(row.floating_ip_address)
        for row, port in rows:
            found.setdefault(row.device_id, []).append(_nic(row, port, floating))
        return found

    def security_groups(self, context: Context, server_id: str) -> list[str]:
        """Names of the groups of the server's ports, each once."""
        groups, memberships = tables.security_groups, tables.memberships
        with self.kit.db.read() as tx:
            return tx.values(sa.select(groups.c.name).distinct().join(
                memberships, memberships.c.group_id == groups.c.id).join(
                    ports, ports.c.id == memberships.c.port_id).where(ports.c.device_id == server_id, _CLAIMED)
                .order_by(groups.c.name))

    def network_data(self, context: Context, server_id: str) -> dict[str, Any]:
        """The document ``network_data.json``."""
        with self.kit.db.read() as tx:
            documents = self._documents(tx, server_id)
            found = {one["id"]: one for one in self.service.networks.select(
                tx, networks.c.id.in_(sorted({one["network_id"] for one in documents})))}
            subnets = {one["id"]: one for one in self.service.subnets.select(
                tx, tables.subnets.c.network_id.in_(sorted(found)))}
        return describe(documents, found, subnets)

    def owner_of_address(self, context: Context, network_id: str, address: str) -> str:
        """The server that has the address. :raises NotFound: nobody has it."""
        with self.kit.db.read() as tx:
            found = tx.value(sa.select(ports.c.device_id).join(addresses, addresses.c.port_id == ports.c.id).where(
                addresses.c.address == plain(address), addresses.c.network_id == network_id,
                ports.c.device_owner.startswith("compute:"), _CLAIMED))
        if not found:
            raise NotFound(f"nobody has {address} in network {network_id}")
        return str(found)


def _nic(row: Row, port: Document, floating: dict[tuple[str, str], list[str]]) -> Nic:
    found: list[Address] = []
    for fixed in port["fixed_ips"]:
        address = fixed["ip_address"]
        found.append(Address(address=address, version=6 if ":" in address else 4, subnet_id=fixed["subnet_id"]))
        found += [Address(address=one, version=4, kind="floating") for one in floating[port["id"], address]]
    return Nic(port_id=port["id"], network_id=port["network_id"], network_name=row.name, mac=port["mac_address"],
               addresses=found, mtu=row.mtu, created=bool(row.requested), tag=row.tag, state=port["status"])


