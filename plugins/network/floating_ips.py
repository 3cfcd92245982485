"""Floating IPs: addresses of external networks that stand for a port's fixed address."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import NotFound
from . import faults, tables
from .desk import FloatingIpNoun
from .noun import Document

floating_ips, ports, routers = tables.floating_ips, tables.ports, tables.routers
OWNER = "network:floatingip"
_OF_PORT = sa.select(floating_ips.c.document, floating_ips.c.hidden).where(
    floating_ips.c.port_id == sa.bindparam("port_id"))


class FloatingIps(FloatingIpNoun):
    """The floating IPs."""

    name, plural, table = "floatingip", "floatingips", floating_ips
    guarded = {"floating_ip_address": None}
    internal = frozenset(("floating_port_id", "name"))
    flags = ()

    def make(self, tx: Transaction, context: Context, body: Document, project_id: str) -> Document:
        """An address of an external network, perhaps associated at once."""
        network = self.service.networks.seen_or_none(tx, context, body["floating_network_id"])
        if network is None:
            raise faults.missing("network", body["floating_network_id"])
        if not network["router:external"]:
            raise faults.invalid(f"Bad floatingip request: Network {network['id']} is not a valid external network.",
                                 "BadRequest")
        document = {**self.begin(body, project_id), "floating_network_id": network["id"], "fixed_ip_address": None,
                    "port_id": None, "router_id": None, "status": "DOWN"}
        del document["name"]
        port = self._address(tx, context, network, document["id"], body)
        document["floating_ip_address"] = port["fixed_ips"][0]["ip_address"]
        if body.get("port_id"):
            document = self._associated(tx, context, document, body["port_id"], body.get("fixed_ip_address"))
        elif body.get("fixed_ip_address"):
            raise faults.invalid("Bad floatingip request: fixed_ip_address cannot be specified without a port_id",
                                 "BadRequest")
        self.insert(tx, document, floating_port_id=port["id"], name="")
        self._changed(tx, context, document, None)
        return document

    def _address(self, tx: Transaction, context: Context, network: Document, id: str, body: Document) -> Document:
        fixed: list[dict[str, str]] = []
        if body.get("floating_ip_address"):
            fixed = [{"ip_address": body["floating_ip_address"]}]
            if body.get("subnet_id"):
                fixed[0]["subnet_id"] = body["subnet_id"]
        else:
            subnets = [subnet for subnet, _ in self.service.subnets.of_network(tx, network["id"])
                       if subnet["ip_version"] == 4]
            wanted = body.get("subnet_id")
            chosen = [subnet for subnet in subnets if subnet["id"] == wanted] if wanted else subnets
            if not chosen:
                raise faults.invalid(f"Bad floatingip request: Network {network['id']} does not contain any IPv4 "
                                     "subnet.", "BadRequest")
            fixed = [{"subnet_id": wanted}] if wanted else []
        return self.service.ports.write(tx, context, {
            "network_id": network["id"], "device_id": id, "device_owner": OWNER, "fixed_ips": fixed or None,
            "status": "N/A"}, "", False)

    def _associated(self, tx: Transaction, context: Context, document: Document, port_id: str,
                    fixed: str | None) -> Document:
        port = self.service.ports.find(tx, context, port_id)
        if port["project_id"] != document["project_id"] and not self.is_admin(context):
            raise faults.invalid(f"Bad floatingip request: Port {port_id} is associated with a different tenant than "
                                 f"Floating IP {document['id']} and therefore cannot be bound.", "BadRequest")
        own = [one for one in port["fixed_ips"] if ":" not in one["ip_address"]]
        if fixed:
            own = [one for one in own if ip_address(one["ip_address"]) == ip_address(fixed)]
            if not own:
                raise faults.invalid(f"Bad floatingip request: Port {port_id} does not have fixed ip {fixed}.",
                                     "BadRequest")
        if not own:
            raise faults.invalid(f"Bad floatingip request: Cannot add floating IP to port {port_id} that has no fixed "
                                 "IPv4 addresses.", "BadRequest")
        if len(own) > 1:
            raise faults.invalid(f"Bad floatingip request: Port {port_id} has multiple fixed IPv4 addresses. Must "
                                 "provide a specific IPv4 address when assigning a floating IP.", "BadRequest")
        address, subnet_id = own[0]["ip_address"], own[0]["subnet_id"]
        self._unclaimed(tx, document, port, address)
        router_id = self._router(tx, subnet_id, document["floating_network_id"])
        if router_id is None:
            raise NotFound(f"External network {document['floating_network_id']} is not reachable from subnet "
                                  f"{subnet_id}. Therefore, cannot associate Port {port_id} with a Floating IP.",
                                  type="ExternalGatewayForFloatingIPNotFound")
        return {**document, "port_id": port_id, "fixed_ip_address": address, "router_id": router_id,
                "status": "ACTIVE"}

    def _unclaimed(self, tx: Transaction, document: Document, port: Document, address: str) -> None:
        for row in tx.rows(_OF_PORT, {"port_id": port["id"]}):
            other = self.full(row)
            if other["fixed_ip_address"] == address and other["id"] != document["id"]:
                raise faults.in_use("FloatingIPPortAlreadyAssociated",
                                    f"Cannot associate floating IP {document['floating_ip_address']} "
                                    f"({document['id']}) with port {port['id']} using fixed IP {address}, as that "
                                    f"fixed IP already has a floating IP on external network "
                                    f"{other['floating_network_id']}.")

    def _router(self, tx: Transaction, subnet_id: str, external: str) -> str | None:
        """The router that joins the subnet with the external network, best the one on the subnet's gateway."""
        rows = tx.rows(sa.select(routers.c.id, tables.addresses.c.address, tables.subnets.c.gateway_ip)
                       .join(ports, ports.c.device_id == routers.c.id)
                       .join(tables.addresses, tables.addresses.c.port_id == ports.c.id)
                       .join(tables.subnets, tables.subnets.c.id == tables.addresses.c.subnet_id)
                       .where(ports.c.device_owner == "network:router_interface",
                              tables.addresses.c.subnet_id == subnet_id, routers.c.gateway_network_id == external)
                       .order_by(routers.c.id))
        first: Sequence[Row] = sorted(rows, key=lambda row: row.address != row.gateway_ip)
        return str(first[0].id) if first else None

    def change(self, tx: Transaction, context: Context, old: Document, changes: Document) -> Document:
        """Associate, disassociate, describe."""
        new = dict(old)
        if "description" in changes:
            new["description"] = changes["description"] or ""
        if "port_id" in changes or "fixed_ip_address" in changes:
            port_id = changes.get("port_id", old["port_id"] if changes.get("fixed_ip_address") else None)
            if port_id:
                new = self._associated(tx, context, new, port_id, changes.get("fixed_ip_address"))
            elif changes.get("fixed_ip_address"):
                raise faults.invalid("Bad floatingip request: fixed_ip_address cannot be specified without a port_id",
                                     "BadRequest")
            else:
                new.update(port_id=None, fixed_ip_address=None, router_id=None, status="DOWN")
        elif "port_id" not in changes and not set(changes) - {"description"} and "description" not in changes:
            new.update(port_id=None, fixed_ip_address=None, router_id=None, status="DOWN")
        new = self.save(tx, old, new)
        self._changed(tx, context, new, old)
        return new

    def fixed_lost(self, tx: Transaction, port: Document, addresses: Sequence[str]) -> None:
        """Disassociate what stood for addresses that a port loses."""
        for row in tx.rows(_OF_PORT, {"port_id": port["id"]}):
            old = self.full(row)
            if old["fixed_ip_address"] in addresses:
                new = self.save(tx, old, {**old, "port_id": None, "fixed_ip_address": None, "router_id": None,
                                          "status": "DOWN"})
                self._changed(tx, self.kit.context(), new, old)

    def _changed(self, tx: Transaction, context: Context, new: Document | None, old: Document | None) -> None:
        told = set()
        for document in (old, new):
            if document and document["router_id"]:
                self.service.wiring.router_changed(tx, context, document["router_id"])
            if document and document["port_id"] and (not old or not new or old["port_id"] != new["port_id"]):
                told.add(document["port_id"])
        owners = sa.select(ports.c.device_id, ports.c.device_owner).where(ports.c.id.in_(told))
        for row in tx.rows(owners) if told else ():
            if row.device_owner.startswith("compute:") and row.device_id:
                self.service.wiring.tell_compute(tx, row.device_id)

    def drop_idle(self, tx: Transaction, context: Context, network_id: str) -> None:
        """Give back the addresses of a network that stand for nothing."""
        for old in self.select(tx, floating_ips.c.floating_network_id == network_id, floating_ips.c.port_id.is_(None)):
            self.unmake(tx, context, old)
            self.tell(tx, context, "delete", old)

    def unmake(self, tx: Transaction, context: Context, old: Document) -> None:
        """Give the address back."""
        port_id = tx.value(sa.select(floating_ips.c.floating_port_id).where(floating_ips.c.id == old["id"]))
        self.remove(tx, old["id"])
        self.service.ports.drop(tx, context, self.service.ports.load(tx, port_id))
        self._changed(tx, context, None, old)

