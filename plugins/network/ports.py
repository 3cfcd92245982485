"""Ports: addresses, MACs, security, bindings, and who may take them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from . import allocation, faults, tables
from .addresses import eui64, network_of
from .desk import PortNoun
from .noun import Document

ports, networks, memberships, addresses = tables.ports, tables.networks, tables.memberships, tables.addresses
routers = tables.routers
SERVICE_OWNERS = ("network:router_interface", "network:router_gateway", "network:floatingip",
                  "network:ha_router_replicated_interface", "network:router_centralized_snat")
UNBOUND = {"binding:host_id": "", "binding:profile": {}, "binding:vif_type": "unbound", "binding:vif_details": {}}
_NETWORK = sa.select(networks.c.id, networks.c.project_id, networks.c.shared, networks.c.router_external,
                     networks.c.port_security_enabled).where(networks.c.id == sa.bindparam("id"))
_OWNER = sa.select(networks.c.project_id).where(networks.c.id == sa.bindparam("id"))
_DROP_ADDRESSES = addresses.delete().where(addresses.c.port_id == sa.bindparam("this"))
_DROP_GROUPS = memberships.delete().where(memberships.c.port_id == sa.bindparam("this"))
_MAC = sa.select(ports.c.id).where(ports.c.network_id == sa.bindparam("network_id"),
                                   ports.c.mac_address == sa.bindparam("mac"))
_ROUTER = sa.select(routers.c.project_id).where(routers.c.id == sa.bindparam("id"))


class Ports(PortNoun):
    """The ports."""

    name, plural, table = "port", "ports", ports
    hidden = ("binding:host_id", "binding:profile", "binding:vif_type", "binding:vif_details")
    internal = frozenset(("ordinal", "requested", "tag", "hostname"))
    guarded = {"device_owner": None, "mac_address": None, "fixed_ips": None, "port_security_enabled": None,
               "binding:host_id": "", "binding:profile": {}, "binding:vnic_type": "normal",
               "allowed_address_pairs": None}
    guarded_updates = ("device_owner", "mac_address", "fixed_ips", "port_security_enabled", "binding:host_id",
                       "binding:profile", "binding:vnic_type", "allowed_address_pairs")
    target_columns = ("network_id",)
    flags = ("admin_state_up", "port_security_enabled")

    def target(self, tx: Transaction, row: Any) -> dict[str, Any]:
        """With the owner of its network, looked up when a rule asks."""
        mapping = row if isinstance(row, dict) else {"project_id": row.project_id, "network_id": row.network_id}
        return PortTarget(tx, mapping)

    def visible(self, context: Context) -> sa.ColumnElement[bool]:
        """Own ones, and all on own networks."""
        return sa.or_(ports.c.project_id == sa.bindparam("scope"), ports.c.network_id.in_(
            sa.select(networks.c.id).where(networks.c.project_id == sa.bindparam("scope"))))

    def creation_target(self, tx: Transaction, body: Document, project_id: str) -> dict[str, Any]:
        """With the owner of the network and whether it is shared."""
        network = tx.row(_NETWORK, {"id": body["network_id"]})
        if network is None:
            raise faults.missing("network", body["network_id"])
        body["device_owner"] = body.get("device_owner") or None
        return {"project_id": project_id, "tenant_id": project_id, "network:project_id": network.project_id,
                "network:tenant_id": network.project_id, "shared": bool(network.shared),
                "device_owner": body["device_owner"] or ""}

    def enforce(self, context: Context, rule: str, target: Mapping[str, Any]) -> None:
        """Owners that belong to guests need no rule of their own."""
        if rule == "create_port:device_owner" and not str(target["device_owner"]).startswith("network:"):
            return
        super().enforce(context, rule, target)

    def make(self, tx: Transaction, context: Context, body: Document, project_id: str) -> Document:
        """A port on a network that the caller sees."""
        network = tx.row(_NETWORK, {"id": body["network_id"]})
        if network is None or not (network.project_id == context.project_id or network.shared
                                   or network.router_external or self.is_admin(context)):
            raise faults.missing("network", body["network_id"])
        self._may_claim(tx, context, {"device_id": "", "binding:host_id": ""}, body)
        return self.write(tx, context, body, project_id, bool(network.port_security_enabled))

    def write(self, tx: Transaction, context: Context, body: Document, project_id: str, secure: bool = True,
              id: str = "", **internal: Any) -> Document:
        """Write a port of ``body``'s attributes, with addresses and groups. No policy, no quota.

        It has a new id when none is given.
        """
        owner = body.get("device_owner") or ""
        secured = body.get("port_security_enabled")
        if secured is None:
            secured = secure and not owner.startswith("network:")
        document = {
            **self.begin(body, project_id), "network_id": body["network_id"],
            "mac_address": self._mac(tx, body), "admin_state_up": body.get("admin_state_up", True),
            "status": body.get("status", "DOWN"), "device_id": body.get("device_id") or "", "device_owner": owner,
            "fixed_ips": [], "allowed_address_pairs": [], "extra_dhcp_opts": _options(body.get("extra_dhcp_opts")),
            "security_groups": [], "port_security_enabled": secured,
            "binding:vnic_type": body.get("binding:vnic_type") or "normal", **UNBOUND,
            "binding:profile": body.get("binding:profile") or {}, "binding:host_id": body.get("binding:host_id") or ""}
        if id:
            document["id"] = id
        document.update(self.service.wiring.binding(tx, document["binding:host_id"]))
        document["security_groups"] = self._groups(tx, context, document, body.get("security_groups"))
        document["allowed_address_pairs"] = _pairs(document, body.get("allowed_address_pairs") or [])
        document["fixed_ips"] = allocation.choose(tx, document, body.get("fixed_ips"),
                                                  self.service.subnets.locked(tx, body["network_id"]))
        self.insert(tx, document, **{"ordinal": 0, "requested": False, "tag": "", "hostname": "", **internal})
        tx.insert(addresses, allocation.rows(document, document["fixed_ips"]))
        tx.insert(memberships, _members(document))
        self.service.wiring.port_changed(tx, context, None, document)
        return document

    def _may_claim(self, tx: Transaction, context: Context, old: Document, new: Document) -> None:
        """See that nobody gives another project's router a port, or a server's port to another server.

        Metadata go to the server that a bound port names, and routers lead into the networks of their ports.
        """
        device, owner = new.get("device_id") or "", new.get("device_owner") or ""
        if not device or (device, owner) == (old["device_id"], old.get("device_owner")) or self.is_admin(context):
            return
        if old["binding:host_id"] and device != old["device_id"]:
            raise faults.conflict("PortBound", f"Unable to complete operation on port {old['id']}, port is already "
                                  "bound: its device cannot be replaced.")
        if owner.startswith("network:router"):
            project_id = tx.value(_ROUTER, {"id": device})
            if project_id is not None and project_id != context.project_id:
                raise faults.conflict("DeviceIDNotOwnedByTenant", f"The following device_id {device} is not owned by "
                                      "your tenant or matches another tenants router.")

    def _mac(self, tx: Transaction, body: Document) -> str:
        if body.get("mac_address"):
            mac = str(body["mac_address"]).lower()
            if tx.value(_MAC, {"network_id": body["network_id"], "mac": mac}):
                raise faults.in_use("MacAddressInUse", f"Unable to complete operation for network "
                                    f"{body['network_id']}. The mac address {mac} is in use.")
            return mac
        random = self.kit.clock.random_bytes(3)
        return f"{self.service.options.base_mac}:{random[0]:02x}:{random[1]:02x}:{random[2]:02x}"

    def _groups(self, tx: Transaction, context: Context, port: Document, asked: Sequence[str] | None) -> list[str]:
        if not port["port_security_enabled"]:
            if asked:
                raise faults.conflict("PortSecurityAndIPRequiredForSecurityGroups",
                                      "Port security must be enabled and port must have an IP address in order to "
                                      "use security groups.")
            return []
        if port["device_owner"].startswith("network:"):
            return list(asked or [])
        default = self.service.groups.default(tx, context, port["project_id"])
        if asked is None:
            return [default]
        wanted = list(dict.fromkeys(asked))
        if wanted and wanted != [default]:
            self.service.groups.check(tx, context, port["project_id"], wanted)
        return wanted

    def change(self, tx: Transaction, context: Context, old: Document, changes: Document) -> Document:
        """Attributes, addresses, groups and binding."""
        new = {**old, **changes}
        self._may_claim(tx, context, old, new)
        if "mac_address" in changes:
            new["mac_address"] = str(changes["mac_address"]).lower()
            if new["mac_address"] != old["mac_address"]:
                self._may_change_mac(tx, old, new["mac_address"])
        self._change_security(tx, context, old, new, changes)
        if "extra_dhcp_opts" in changes:
            new["extra_dhcp_opts"] = _merged(old["extra_dhcp_opts"], changes["extra_dhcp_opts"] or [])
        if "fixed_ips" in changes or new["mac_address"] != old["mac_address"]:
            new["fixed_ips"] = self._change_addresses(tx, old, new, changes)
        new["binding:profile"] = new["binding:profile"] or {}
        if new["binding:host_id"] != old["binding:host_id"]:
            new["binding:host_id"] = new["binding:host_id"] or ""
            new.update(self.service.wiring.binding(tx, new["binding:host_id"]), status="DOWN")
        new["device_id"], new["device_owner"] = new["device_id"] or "", new["device_owner"] or ""
        new = self.save(tx, old, new)
        self.service.wiring.port_changed(tx, context, old, new)
        return new

    def _may_change_mac(self, tx: Transaction, old: Document, mac: str) -> None:
        if old["binding:host_id"] and old["binding:vif_type"] not in ("unbound", "binding_failed"):
            raise faults.conflict("PortBound", f"Unable to complete operation on port {old['id']}, port is already "
                                  f"bound, port type: {old['binding:vif_type']}, old_mac {old['mac_address']}, "
                                  f"new_mac {mac}.")
        self._mac(tx, {"network_id": old["network_id"], "mac_address": mac})

    def _change_security(self, tx: Transaction, context: Context, old: Document, new: Document,
                         changes: Document) -> None:
        if "security_groups" in changes:
            asked = changes["security_groups"]
            new["security_groups"] = self._groups(tx, context, new, asked if asked is not None else [])
        elif old["port_security_enabled"] and not new["port_security_enabled"] and old["security_groups"]:
            raise faults.conflict("PortSecurityPortHasSecurityGroup", "Port has security group associated. Cannot "
                                  "disable port security or IP address until security group is removed.")
        if new["security_groups"] != old["security_groups"]:
            tx.execute(_DROP_GROUPS, {"this": old["id"]})
            tx.insert(memberships, _members(new))
        if "allowed_address_pairs" in changes:
            new["allowed_address_pairs"] = _pairs(new, changes["allowed_address_pairs"] or [])
        elif not new["port_security_enabled"] and old["allowed_address_pairs"]:
            _pairs(new, old["allowed_address_pairs"])

    def _change_addresses(self, tx: Transaction, old: Document, new: Document,
                          changes: Document) -> list[dict[str, str]]:
        subnets = self.service.subnets.locked(tx, old["network_id"])
        asked = changes.get("fixed_ips")
        if "fixed_ips" not in changes:
            automatic = {subnet["id"] for subnet, _ in subnets
                         if any(one["ip_address"] == _own(subnet, old["mac_address"]) for one in old["fixed_ips"])}
            asked = [one for one in old["fixed_ips"] if one["subnet_id"] not in automatic]
        fixed = allocation.choose(tx, new, asked or [], subnets, old["fixed_ips"])
        lost = [one["ip_address"] for one in old["fixed_ips"] if one not in fixed]
        if lost:
            self.service.floating_ips.fixed_lost(tx, old, lost)
        allocation.replace(tx, old, old["fixed_ips"], fixed)
        return fixed

    def unmake(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete a port that no router or floating IP lives by."""
        if old["device_owner"] in SERVICE_OWNERS:
            raise faults.in_use("ServicePortInUse", f"Port {old['id']} cannot be deleted directly via the port API: "
                                f"has device owner {old['device_owner']}.")
        self.drop(tx, context, old)

    def drop(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete a port and let go of all it holds."""
        self.service.floating_ips.fixed_lost(tx, old, [one["ip_address"] for one in old["fixed_ips"]])
        tx.execute(_DROP_ADDRESSES, {"this": old["id"]})
        tx.execute(_DROP_GROUPS, {"this": old["id"]})
        self.remove(tx, old["id"])
        self.service.wiring.port_changed(tx, context, old, None)

    def lose_subnet(self, tx: Transaction, context: Context, id: str, subnet_id: str) -> None:
        """Take away the port's addresses of a subnet that goes."""
        old = self.load(tx, id)
        kept = [one for one in old["fixed_ips"] if one["subnet_id"] != subnet_id]
        allocation.replace(tx, old, old["fixed_ips"], kept)
        self.save(tx, old, {**old, "fixed_ips": kept})

    def address_all(self, tx: Transaction, context: Context, subnet: Document) -> None:
        """Give all ports of the network the address they make themselves in a new subnet."""
        for old in self.select(tx, ports.c.network_id == subnet["network_id"],
                               sa.not_(ports.c.device_owner.startswith("network:router"))):
            fixed = [*old["fixed_ips"], {"subnet_id": subnet["id"],
                                         "ip_address": eui64(subnet["cidr"], old["mac_address"])}]
            allocation.replace(tx, old, old["fixed_ips"], fixed)
            self.save(tx, old, {**old, "fixed_ips": fixed})

    def filter(self, name: str, values: Sequence[str]) -> sa.ColumnElement[bool] | None:
        """By address, subnet and group."""
        if name == "security_groups":
            return ports.c.id.in_(sa.select(memberships.c.port_id).where(memberships.c.group_id.in_(values)))
        if name != "fixed_ips":
            return None
        conditions: list[sa.ColumnElement[bool]] = []
        for key, column in (("ip_address", addresses.c.address), ("subnet_id", addresses.c.subnet_id)):
            wanted = [value.partition("=")[2] for value in values if value.partition("=")[0] == key]
            if wanted:
                conditions.append(column.in_(wanted))
        parts = [value.partition("=")[2] for value in values if value.startswith("ip_address_substr=")]
        conditions += [addresses.c.address.contains(part, autoescape=True) for part in parts]
        if not conditions:
            raise faults.invalid("Invalid filter fixed_ips: expected ip_address, ip_address_substr or subnet_id")
        return ports.c.id.in_(sa.select(addresses.c.port_id).where(*conditions))


class PortTarget(dict[str, Any]):
    """A port as rules see it; the owner of its network is asked for only when a rule looks."""

    def __init__(self, tx: Transaction, row: Mapping[str, Any]) -> None:
        super().__init__(project_id=row["project_id"], tenant_id=row["project_id"])
        self._tx, self._network_id = tx, row["network_id"]

    def __contains__(self, key: object) -> bool:
        return key in ("network:project_id", "network:tenant_id") or super().__contains__(key)

    def __missing__(self, key: str) -> Any:
        if key not in ("network:project_id", "network:tenant_id"):
            raise KeyError(key)
        self["network:project_id"] = self["network:tenant_id"] = self._tx.value(_OWNER, {"id": self._network_id}) or ""
        return self[key]


def _members(port: Document) -> list[dict[str, str]]:
    return [{"port_id": port["id"], "group_id": id, "network_id": port["network_id"]} for id in port["security_groups"]]


def _own(subnet: Document, mac: str) -> str:
    return eui64(subnet["cidr"], mac) if subnet["ip_version"] == 6 else ""


def _pairs(port: Document, asked: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    if asked and not port["port_security_enabled"]:
        raise faults.conflict("AddressPairAndPortSecurityRequired",
                              "Port Security must be enabled in order to have allowed address pairs on a port.")
    if len(asked) > 10:
        raise faults.invalid("Exceeded maximum amount of allowed address pairs", "AllowedAddressPairExhausted")
    found: list[dict[str, str]] = []
    for pair in asked:
        mac = str(pair.get("mac_address") or port["mac_address"]).lower()
        one = {"mac_address": mac, "ip_address": pair["ip_address"]}
        if one in found:
            raise faults.invalid("Request contains duplicate address pair: mac_address "
                                 f"{mac} ip_address {pair['ip_address']}.", "DuplicateAddressPairInRequest")
        network_of(pair["ip_address"])
        found.append(one)
    return found


def _options(asked: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    return [{"opt_name": one["opt_name"], "opt_value": one["opt_value"], "ip_version": int(one.get("ip_version") or 4)}
            for one in asked or [] if one.get("opt_value") is not None]


def _merged(old: Sequence[dict[str, Any]], asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    named = {(one["opt_name"], one["ip_version"]): one for one in old}
    for one in asked:
        key = (one["opt_name"], int(one.get("ip_version") or 4))
        if one.get("opt_value") is None:
            named.pop(key, None)
        else:
            named[key] = {"opt_name": key[0], "opt_value": one["opt_value"], "ip_version": key[1]}
    return list(named.values())
