"""Routers: interfaces, the gateway to an external network, and static routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.errors import NotFound
from . import faults, tables
from .addresses import network_of
from .desk import RouterNoun
from .noun import Document, retried

routers, ports, floating_ips = tables.routers, tables.ports, tables.floating_ips
INTERFACE, GATEWAY = "network:router_interface", "network:router_gateway"
MOST_ROUTES = 30


class Routers(RouterNoun):
    """The routers."""

    name, plural, table = "router", "routers", routers
    hidden = ("distributed", "ha")
    internal = frozenset(("gateway_network_id", "gateway_port_id", "host"))
    guarded = {"distributed": None, "ha": None}
    guarded_updates = ("distributed", "ha")
    flags = ("admin_state_up",)

    def make(self, tx: Transaction, context: Context, body: Document, project_id: str) -> Document:
        """A router, perhaps with a gateway."""
        if body.get("distributed") or body.get("ha"):
            raise faults.invalid("This cloud has no distributed or highly available routers")
        hints = self.service.zones.hints(tx, body.get("availability_zone_hints"))
        document = {**self.begin(body, project_id), "admin_state_up": body.get("admin_state_up", True),
                    "status": "ACTIVE", "external_gateway_info": None, "routes": [], "flavor_id": None,
                    "availability_zone_hints": hints, "availability_zones": [], "distributed": False, "ha": False}
        self.insert(tx, document, gateway_network_id=None, gateway_port_id=None, host="")
        info = body.get("external_gateway_info")
        if info:
            self._may_set_gateway(context, "create_router", document, info)
            document = self._set_gateway(tx, context, document, info)
        return document

    def change(self, tx: Transaction, context: Context, old: Document, changes: Document) -> Document:
        """Attributes, gateway and routes."""
        if changes.get("distributed") or changes.get("ha"):
            raise faults.invalid("This cloud has no distributed or highly available routers")
        plain = {name: value for name, value in changes.items()
                 if name not in ("external_gateway_info", "routes", "distributed", "ha")}
        new = self.save(tx, old, {**old, **plain})
        if "external_gateway_info" in changes:
            info = changes["external_gateway_info"] or {}
            self._may_set_gateway(context, "update_router", new, info)
            new = self._set_gateway(tx, context, new, info)
        if "routes" in changes:
            wanted = [{"destination": one["destination"], "nexthop": one["nexthop"]} for one in changes["routes"] or []]
            self._check_routes(tx, new, wanted)
            new = self.save(tx, new, {**new, "routes": wanted})
        self.service.wiring.router_changed(tx, context, old["id"])
        return new

    def _may_set_gateway(self, context: Context, rule: str, router: Document, info: Mapping[str, Any]) -> None:
        target = {"project_id": router["project_id"], "tenant_id": router["project_id"]}
        for name in ("enable_snat", "external_fixed_ips"):
            if name in info:
                self.enforce(context, f"{rule}:external_gateway_info:{name}", target)

    # Gateway.

    def _set_gateway(self, tx: Transaction, context: Context, router: Document, info: Mapping[str, Any]) -> Document:
        present = router["external_gateway_info"]
        network_id = info.get("network_id")
        fixed = info.get("external_fixed_ips")
        if network_id:
            self._check_external(tx, context, network_id)
        port_id = tx.value(sa.select(routers.c.gateway_port_id).where(routers.c.id == router["id"]))
        if present and present["network_id"] != network_id:
            self._clear_gateway(tx, context, router, str(port_id))
            present = None
        if not network_id:
            return self.save(tx, router, {**router, "external_gateway_info": None}, gateway_network_id=None,
                             gateway_port_id=None)
        if present and fixed is not None:
            port = self.service.ports.load(tx, str(port_id))
            port = self.service.ports.change(tx, context, port, {"fixed_ips": fixed})
        elif present:
            port = self.service.ports.load(tx, str(port_id))
        else:
            port = self._gateway_port(tx, context, router, network_id, fixed)
        self._no_overlap(tx, router["id"], self._cidrs(tx, port), skip=port["id"])
        gateway = {"network_id": network_id, "enable_snat": info.get("enable_snat", True),
                   "external_fixed_ips": port["fixed_ips"]}
        return self.save(tx, router, {**router, "external_gateway_info": gateway}, gateway_network_id=network_id,
                         gateway_port_id=port["id"])

    def _check_external(self, tx: Transaction, context: Context, network_id: str) -> None:
        network = self.service.networks.seen_or_none(tx, context, network_id)
        if network is None:
            raise faults.missing("network", network_id)
        if not network["router:external"]:
            raise faults.invalid(f"Bad router request: Network {network_id} is not an external network.", "BadRequest")
        if not network["subnets"]:
            raise faults.invalid(f"Bad router request: No eligible IP subnet on network {network_id}.", "BadRequest")

    def _gateway_port(self, tx: Transaction, context: Context, router: Document, network_id: str,
                      fixed: Sequence[Mapping[str, Any]] | None) -> Document:
        return self.service.ports.write(tx, context, {
            "network_id": network_id, "device_id": router["id"], "device_owner": GATEWAY, "fixed_ips": fixed or None,
            "status": "ACTIVE"}, "", False)

    def _clear_gateway(self, tx: Transaction, context: Context, router: Document, port_id: str) -> None:
        used = tx.value(sa.select(floating_ips.c.id).where(floating_ips.c.router_id == router["id"]).limit(1))
        if used:
            raise faults.in_use("RouterExternalGatewayInUseByFloatingIp",
                                f"Gateway cannot be updated for router {router['id']}, since a gateway to external "
                                f"network {router['external_gateway_info']['network_id']} is required by one or more "
                                "floating IPs.")
        self.save(tx, self.load(tx, router["id"]), dict(router), gateway_network_id=None, gateway_port_id=None)
        router["revision_number"] += 1
        self.service.ports.drop(tx, context, self.service.ports.load(tx, port_id))

    # Interfaces.

    def add_interface(self, context: Context, id: str, body: Mapping[str, str]) -> Document:
        """Lead the router into a subnet, by a new port on the subnet's gateway address or a given port."""
        def work() -> Document:
            with self.kit.db.write() as tx:
                router = self._for_interfaces(tx, context, id, "add_router_interface")
                port_id, subnet_id = body.get("port_id"), body.get("subnet_id")
                if port_id and subnet_id:
                    raise faults.invalid("Bad router request: Cannot specify both subnet-id and port-id.", "BadRequest")
                port = (self._take_port(tx, context, router, port_id) if port_id
                        else self._make_port(tx, context, router, subnet_id or ""))
                self.service.wiring.router_changed(tx, context, id)
                answer = _interface(router, port, subnet_id)
                self.kit.events.emit(tx, context, "router.interface.create", "RouterInterfacePayload", answer)
                return answer
        return retried(work)

    def _for_interfaces(self, tx: Transaction, context: Context, id: str, rule: str) -> Document:
        router = self.find(tx, context, id)
        self.enforce(context, rule, self.target(tx, router))
        return router

    def _take_port(self, tx: Transaction, context: Context, router: Document, port_id: str) -> Document:
        port = self.service.ports.find(tx, context, port_id)
        if port["device_id"]:
            raise faults.in_use("PortInUse", f"Unable to complete operation on port {port_id} for network "
                                f"{port['network_id']}. Port already has an attached device {port['device_id']}.")
        if not port["fixed_ips"]:
            raise faults.invalid("Bad router request: Router port must have at least one fixed IP.", "BadRequest")
        if len([one for one in port["fixed_ips"] if ":" not in one["ip_address"]]) > 1:
            raise faults.invalid("Bad router request: Cannot have multiple IPv4 subnets on router port.", "BadRequest")
        self._no_overlap(tx, router["id"], self._cidrs(tx, port))
        return self.service.ports.change(tx, context, port, {
            "device_id": router["id"], "device_owner": INTERFACE, "status": "ACTIVE", "security_groups": [],
            "port_security_enabled": False})

    def _make_port(self, tx: Transaction, context: Context, router: Document, subnet_id: str) -> Document:
        subnet = self.service.subnets.find(tx, context, subnet_id)
        if not subnet["gateway_ip"]:
            raise faults.invalid("Bad router request: Subnet for router interface must have a gateway IP.",
                                 "BadRequest")
        if subnet["project_id"] != router["project_id"] and not self.is_admin(context):
            network = self.service.networks.load(tx, subnet["network_id"])
            if not network["shared"]:
                raise faults.missing("subnet", subnet_id)
        self._no_overlap(tx, router["id"], [(subnet["id"], subnet["cidr"])])
        return self.service.ports.write(tx, context, {
            "network_id": subnet["network_id"], "device_id": router["id"], "device_owner": INTERFACE,
            "fixed_ips": [{"subnet_id": subnet_id, "ip_address": subnet["gateway_ip"]}], "status": "ACTIVE"},
            router["project_id"], False)

    def _cidrs(self, tx: Transaction, port: Document) -> list[tuple[str, str]]:
        return [(one["subnet_id"], self.service.subnets.load(tx, one["subnet_id"])["cidr"])
                for one in port["fixed_ips"]]

    def _legs(self, tx: Transaction, id: str) -> list[Document]:
        return self.service.ports.select(tx, ports.c.device_id == id, ports.c.device_owner.in_((INTERFACE, GATEWAY)))

    def _no_overlap(self, tx: Transaction, id: str, wanted: Sequence[tuple[str, str]], skip: str = "") -> None:
        for leg in self._legs(tx, id):
            for subnet_id, cidr in self._cidrs(tx, leg) if leg["id"] != skip else ():
                for asked_id, asked in wanted:
                    if asked_id == subnet_id:
                        raise faults.invalid(f"Bad router request: Router already has a port on subnet {subnet_id}.",
                                             "BadRequest")
                    if network_of(asked).version == network_of(cidr).version and network_of(asked).overlaps(
                            network_of(cidr)):
                        raise faults.invalid(f"Bad router request: Cidr {asked} of subnet {asked_id} overlaps with "
                                             f"cidr {cidr} of subnet {subnet_id}.", "BadRequest")

    def remove_interface(self, context: Context, id: str, body: Mapping[str, str]) -> Document:
        """Take the router out of a subnet and delete the port it had there."""
        def work() -> Document:
            with self.kit.db.write() as tx:
                router = self._for_interfaces(tx, context, id, "remove_router_interface")
                port = self._leg(tx, id, body.get("port_id"), body.get("subnet_id"))
                self._not_needed(tx, router, port)
                answer = _interface(router, port, body.get("subnet_id"))
                self.service.ports.drop(tx, context, port)
                self.service.wiring.router_changed(tx, context, id)
                self.kit.events.emit(tx, context, "router.interface.delete", "RouterInterfacePayload", answer)
                return answer
        return retried(work)

    def _leg(self, tx: Transaction, id: str, port_id: str | None, subnet_id: str | None) -> Document:
        legs = [leg for leg in self._legs(tx, id) if leg["device_owner"] == INTERFACE]
        for leg in legs:
            subnets = [one["subnet_id"] for one in leg["fixed_ips"]]
            if port_id and leg["id"] == port_id:
                if subnet_id and subnet_id not in subnets:
                    raise faults.conflict("SubnetMismatchForPort", f"Subnet on port {port_id} does not match the "
                                          f"requested subnet {subnet_id}.")
                return leg
            if not port_id and subnet_id in subnets:
                return leg
        if port_id:
            raise NotFound(f"Router {id} does not have an interface with id {port_id}.",
                                  type="RouterInterfaceNotFound")
        raise NotFound(f"Router {id} has no interface on subnet {subnet_id}.",
                              type="RouterInterfaceNotFoundForSubnet")

    def _not_needed(self, tx: Transaction, router: Document, port: Document) -> None:
        used = tx.rows(sa.select(floating_ips.c.fixed_ip_address).where(floating_ips.c.router_id == router["id"],
                                                                        floating_ips.c.port_id.is_not(None)))
        for subnet_id, cidr in self._cidrs(tx, port):
            net = network_of(cidr)
            if any(ip_address(row.fixed_ip_address) in net for row in used):
                raise faults.in_use("RouterInterfaceInUseByFloatingIP",
                                    f"Router interface for subnet {subnet_id} on router {router['id']} cannot be "
                                    "deleted, as it is required by one or more floating IPs.")
            if any(ip_address(one["nexthop"]) in net for one in router["routes"]):
                raise faults.in_use("RouterInterfaceInUseByRoute",
                                    f"Router interface for subnet {subnet_id} on router {router['id']} cannot be "
                                    "deleted, as it is required by one or more routes.")

    # Routes.

    def _check_routes(self, tx: Transaction, router: Document, wanted: Sequence[Mapping[str, str]]) -> None:
        if len(wanted) > MOST_ROUTES:
            raise faults.invalid(f"Unable to complete operation for {router['id']}. The number of routes exceeds the "
                                 f"maximum {MOST_ROUTES}.", "RoutesExhausted")
        nets, own = [], []
        for leg in self._legs(tx, router["id"]) if wanted else ():
            nets += [network_of(cidr) for _, cidr in self._cidrs(tx, leg)]
            own += [one["ip_address"] for one in leg["fixed_ips"]]
        for place, one in enumerate(wanted):
            if one in wanted[:place]:
                raise faults.invalid(f"Duplicate route {one}")
            hop = ip_address(one["nexthop"])
            if not any(hop in net for net in nets):
                raise faults.invalid(f"Invalid format for routes: {one}, the nexthop is not connected with router",
                                     "InvalidRoutes")
            if str(hop) in own:
                raise faults.invalid(f"Invalid format for routes: {one}, the nexthop is used by router",
                                     "InvalidRoutes")

    def change_routes(self, context: Context, id: str, asked: Sequence[Mapping[str, str]], add: bool) -> Document:
        """Add or remove single routes."""
        def work() -> Document:
            with self.kit.db.write() as tx:
                old = self._for_interfaces(tx, context, id, "add_extraroutes" if add else "remove_extraroutes")
                routes = [dict(one) for one in asked]
                wanted = (old["routes"] + [one for one in routes if one not in old["routes"]] if add
                          else [one for one in old["routes"] if one not in routes])
                self._check_routes(tx, old, wanted)
                new = self.save(tx, old, {**old, "routes": wanted})
                self.service.wiring.router_changed(tx, context, id)
                self.tell(tx, context, "update", new)
                return new
        return self.shown(context, retried(work))

    def unmake(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete a router without interfaces, and its gateway."""
        row = tx.row(sa.select(routers.c.gateway_port_id, routers.c.host).where(routers.c.id == old["id"]))
        if any(leg["device_owner"] == INTERFACE for leg in self._legs(tx, old["id"])):
            raise faults.in_use("RouterInUse", f"Router {old['id']} still has ports")
        if row is not None and row.gateway_port_id:
            self._clear_gateway(tx, context, old, row.gateway_port_id)
        self.service.wiring.router_gone(tx, context, old, row.host if row is not None else "")
        self.remove(tx, old["id"])


def _interface(router: Document, port: Document, subnet_id: str | None) -> Document:
    subnets = [one["subnet_id"] for one in port["fixed_ips"]]
    return {"id": router["id"], "tenant_id": port["project_id"], "project_id": port["project_id"],
            "port_id": port["id"], "network_id": port["network_id"], "subnet_id": subnet_id or subnets[0],
            "subnet_ids": [subnet_id] if subnet_id else subnets}
