"""Networks: visibility, provider segments, and what may not be taken from under their users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from . import faults, tables
from .desk import DeskNoun
from .noun import Document
from .subnets import check_mtu
from .tables import segments

networks = tables.networks
TYPES = ("vxlan", "vlan", "flat", "local", "gre", "geneve")
UNSEGMENTED = ("flat", "local")
_PORTS = sa.select(tables.ports.c.id, tables.ports.c.device_owner, tables.ports.c.project_id).where(
    tables.ports.c.network_id == sa.bindparam("network_id"))
_LAST = sa.select(sa.func.max(segments.c.segment)).where(
    segments.c.network_type == sa.bindparam("network_type"),
    segments.c.physical_network == sa.bindparam("physical_network"))
_AFTER = tables.segments.alias("after")
_GAP = sa.select(sa.func.min(segments.c.segment + 1)).where(
    segments.c.network_type == sa.bindparam("network_type"),
    segments.c.physical_network == sa.bindparam("physical_network"),
    ~sa.exists().where(_AFTER.c.network_type == segments.c.network_type,
                       _AFTER.c.physical_network == segments.c.physical_network,
                       _AFTER.c.segment == segments.c.segment + 1))
AUTO_PORTS = ("network:dhcp",)


class Networks(DeskNoun):
    """The networks."""

    name, plural, table = "network", "networks", networks
    hidden = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
    guarded = {"shared": False, "router:external": False, "is_default": False, "port_security_enabled": None,
               "provider:network_type": None, "provider:physical_network": None, "provider:segmentation_id": None}
    guarded_updates = ("shared", "router:external", "is_default", "port_security_enabled", *hidden)
    target_columns = ("shared", "router_external")
    flags = ("admin_state_up", "shared", "router:external", "is_default", "port_security_enabled")

    def target(self, tx: Transaction, row: Any) -> dict[str, Any]:
        """With ``shared`` and ``router:external``."""
        if isinstance(row, dict):
            return {"project_id": row["project_id"], "tenant_id": row["project_id"], "shared": row["shared"],
                    "router:external": row["router:external"]}
        return {"project_id": row.project_id, "tenant_id": row.project_id, "shared": bool(row.shared),
                "router:external": bool(row.router_external)}

    def visible(self, context: Context) -> sa.ColumnElement[bool]:
        """Own, shared and external ones."""
        return sa.or_(networks.c.project_id == sa.bindparam("scope"), networks.c.shared, networks.c.router_external)

    def make(self, tx: Transaction, context: Context, body: Document, project_id: str) -> Document:
        """A network with a segment of its own."""
        external = bool(body.get("router:external", False))
        kind, physical, segment = self._segment(tx, body, external)
        hints = self.service.zones.hints(tx, body.get("availability_zone_hints"))
        document = {
            **self.begin(body, project_id), "admin_state_up": body.get("admin_state_up", True), "status": "ACTIVE",
            "shared": body.get("shared", False), "router:external": external,
            "is_default": body.get("is_default", False),
            "mtu": self._mtu(kind, body.get("mtu")), "subnets": [],
            "port_security_enabled": body.get("port_security_enabled", True), "availability_zone_hints": hints,
            "availability_zones": [], "ipv4_address_scope": None, "ipv6_address_scope": None,
            "dns_domain": body.get("dns_domain") or "",
            "provider:network_type": kind, "provider:physical_network": physical or None,
            "provider:segmentation_id": segment}
        self.insert(tx, document)
        if segment is not None:
            tx.insert(segments, {"network_id": document["id"], "network_type": kind, "physical_network": physical,
                                 "segment": segment})
        self.service.groups.default(tx, context, project_id)
        return document

    def _mtu(self, kind: str, asked: Any) -> int:
        most = self.service.mtu(kind)
        if asked is not None and (int(asked) < 0 or int(asked) > most):
            raise faults.invalid(f"Requested MTU is too big, maximum is {most}")
        return int(asked or most)

    def _segment(self, tx: Transaction, body: Document, external: bool) -> tuple[str, str, int | None]:
        options = self.service.options
        kind = body.get("provider:network_type") or (options.external_network_type if external
                                                      else options.tenant_network_type)
        physical = body.get("provider:physical_network") or ""
        asked = body.get("provider:segmentation_id")
        if kind not in TYPES:
            raise faults.invalid(f"network_type value '{kind}' not supported")
        if kind == "flat" and not physical and not body.get("provider:network_type"):
            physical = options.external_physical_network
        if kind in ("flat", "vlan") and not physical:
            raise faults.invalid(f"physical_network required for {kind} provider network")
        if kind not in ("flat", "vlan") and physical:
            raise faults.invalid(f"provider:physical_network specified for {kind} network")
        if kind in UNSEGMENTED:
            if asked is not None:
                raise faults.invalid(f"provider:segmentation_id specified for {kind} network")
            return kind, physical, None
        highest = 4094 if kind == "vlan" else 16_777_215
        if asked is None:
            return kind, physical, self._free_segment(tx, kind, physical, highest)
        if not 1 <= int(asked) <= highest:
            raise faults.invalid(f"segmentation_id out of range (1 through {highest})")
        taken = sa.select(segments.c.network_id).where(
            segments.c.network_type == kind, segments.c.physical_network == physical, segments.c.segment == int(asked))
        if tx.row(taken) is not None:
            raise faults.conflict("TunnelIdInUse" if kind != "vlan" else "VlanIdInUse",
                                  f"Unable to create the network. The segment {asked} is in use.")
        return kind, physical, int(asked)

    def _free_segment(self, tx: Transaction, kind: str, physical: str, highest: int) -> int:
        where = {"network_type": kind, "physical_network": physical}
        segment = int(tx.value(_LAST, where) or 0) + 1
        if segment > highest:
            segment = int(tx.value(_GAP, where) or 1)
        if segment > highest:
            raise faults.conflict("NoNetworkAvailable", "Unable to create the network. No tenant network is "
                                  "available for allocation.")
        return segment

    def change(self, tx: Transaction, context: Context, old: Document, changes: Document) -> Document:
        """Attributes; sharing and externality only while nobody else depends on them."""
        if old["shared"] and changes.get("shared") is False:
            self._unshare(tx, old)
        if old["router:external"] and changes.get("router:external") is False and tx.row(
                sa.select(tables.routers.c.id).where(tables.routers.c.gateway_network_id == old["id"]).limit(1)):
            raise faults.in_use("ExternalNetworkInUse", f"External network {old['id']} cannot be updated to be made "
                                "non-external, since it has existing gateway ports.")
        if any(name in changes and changes[name] != old.get(name) for name in self.hidden):
            raise faults.invalid("Plugin does not support updating the following provider network attributes: "
                                 + ", ".join(name for name in self.hidden if name in changes))
        if "mtu" in changes:
            changes["mtu"] = self._mtu(old["provider:network_type"], changes["mtu"])
            check_mtu(old["id"], changes["mtu"], [one["ip_version"] for one, _ in
                                                  self.service.subnets.of_network(tx, old["id"])])
        new = self.save(tx, old, {**old, **changes})
        if new["mtu"] != old["mtu"]:
            self.service.wiring.network_changed(tx, context, old["id"])
        return new

    def _unshare(self, tx: Transaction, old: Document) -> None:
        others = [row for row in tx.rows(_PORTS, {"network_id": old["id"]})
                  if row.project_id != old["project_id"] and not row.device_owner.startswith("network:")]
        if others:
            raise faults.conflict("InvalidSharedSetting", f"Unable to reconfigure sharing settings for network "
                                  f"{old['id']}. Multiple tenants are using it.")

    def unmake(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete the network with its subnets, unless ports are on it."""
        if old["router:external"]:
            self.service.floating_ips.drop_idle(tx, context, old["id"])
        rows = tx.rows(_PORTS, {"network_id": old["id"]})
        if any(row.device_owner not in AUTO_PORTS for row in rows):
            raise faults.in_use("NetworkInUse", f"Unable to complete operation on network {old['id']}. There are one "
                                "or more ports still in use on the network, id for these ports is: "
                                + ", ".join(row.id for row in rows) + ".")
        for row in rows:
            self.service.ports.drop(tx, context, self.service.ports.load(tx, row.id))
        for subnet_id in old["subnets"]:
            self.service.subnets.remove(tx, subnet_id)
        tx.execute(segments.delete().where(segments.c.network_id == sa.bindparam("this")), {"this": old["id"]})
        self.service.wiring.network_gone(tx, context, old["id"])
        self.remove(tx, old["id"])

    def filter(self, name: str, values: Sequence[str]) -> sa.ColumnElement[bool] | None:
        """By subnet."""
        if name == "subnets":
            return networks.c.id.in_(sa.select(tables.subnets.c.network_id).where(tables.subnets.c.id.in_(values)))
        return None
