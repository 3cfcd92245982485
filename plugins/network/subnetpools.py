"""Subnet pools: prefixes from which subnets are cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.errors import NotFound
from . import faults, tables
from .addresses import Net, network_of
from .desk import PoolNoun
from .noun import Document, truth

subnetpools, subnets = tables.subnetpools, tables.subnets
_CARVED = sa.select(subnets.c.cidr, subnets.c.project_id).where(subnets.c.subnetpool_id == sa.bindparam("pool_id"))
_DEFAULT = sa.select(subnetpools.c.id).where(subnetpools.c.is_default,
                                             subnetpools.c.ip_version == sa.bindparam("version"))


LENGTHS = ("min_prefixlen", "max_prefixlen", "default_prefixlen")
"""Attributes that Networking writes as texts."""


class SubnetPools(PoolNoun):
    """The subnet pools."""

    name, plural, table = "subnetpool", "subnetpools", subnetpools
    guarded = {"shared": False, "is_default": False}
    guarded_updates = ("shared", "is_default")
    target_columns = ("shared",)
    flags = ("shared", "is_default")

    def target(self, tx: Transaction, row: Any) -> dict[str, Any]:
        """With ``shared``."""
        return {**super().target(tx, row), "shared": bool(row["shared"] if isinstance(row, dict) else row.shared)}

    def visible(self, context: Context) -> sa.ColumnElement[bool]:
        """Own and shared ones."""
        return sa.or_(subnetpools.c.project_id == sa.bindparam("scope"), subnetpools.c.shared)

    def make(self, tx: Transaction, context: Context, body: Document, project_id: str) -> Document:
        """A pool whose prefixes are of one version."""
        prefixes = _prefixes(body["prefixes"])
        version = prefixes[0].version
        document = {
            **self.begin(body, project_id), "prefixes": [str(net) for net in prefixes], "ip_version": version,
            "shared": truth(body.get("shared", False)), "is_default": truth(body.get("is_default", False)),
            "address_scope_id": None, "default_quota": _whole(body.get("default_quota")),
            "min_prefixlen": str(body.get("min_prefixlen") or (8 if version == 4 else 64)),
            "max_prefixlen": str(body.get("max_prefixlen") or (32 if version == 4 else 128))}
        document["default_prefixlen"] = str(body.get("default_prefixlen") or document["min_prefixlen"])
        _check_lengths(document)
        self._one_default(tx, document)
        self.insert(tx, document)
        return document

    def change(self, tx: Transaction, context: Context, old: Document, changes: Document) -> Document:
        """Attributes; prefixes may only grow."""
        new = {**old, **changes}
        new["default_quota"] = _whole(new["default_quota"])
        for name in LENGTHS:
            new[name] = str(new[name])
        if "prefixes" in changes:
            wanted = _prefixes(changes["prefixes"])
            if any(net.version != old["ip_version"] for net in wanted):
                raise faults.invalid("Cannot mix IPv4 and IPv6 prefixes in a subnet pool", "PrefixVersionMismatch")
            for prefix in old["prefixes"]:
                if not any(network_of(prefix).subnet_of(net) for net in wanted):  # type: ignore[arg-type]
                    raise faults.invalid(f"Illegal update to prefixes: the existing prefix {prefix} is missing",
                                         "IllegalSubnetPoolPrefixUpdate")
            new["prefixes"] = [str(net) for net in wanted]
        _check_lengths(new)
        if new["is_default"] and not old["is_default"]:
            self._one_default(tx, new)
        return self.save(tx, old, new)

    def _values(self, document: Document) -> dict[str, Any]:
        values = super()._values(document)
        return {**values, **{name: int(values[name]) for name in LENGTHS}}

    def _one_default(self, tx: Transaction, document: Document) -> None:
        if document["is_default"] and tx.value(_DEFAULT, {"version": document["ip_version"]}):
            raise faults.invalid(f"A default subnetpool for IP version {document['ip_version']} is already set")

    def default_id(self, tx: Transaction, version: int) -> str:
        """The default pool of a version. :raises NotFound: there is none."""
        found = tx.value(_DEFAULT, {"version": version})
        if found is None:
            raise NotFound(f"No default subnetpool found for IPv{version}.", type="NoDefaultSubnetpool")
        return str(found)

    def unmake(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete a pool that no subnet came from."""
        if tx.row(_CARVED, {"pool_id": old["id"]}) is not None:
            raise faults.conflict("SubnetPoolDeleteError", f"Unable to delete subnet pool: Subnet pool {old['id']} has "
                                  "allocated subnets.")
        self.remove(tx, old["id"])

    def carve(self, tx: Transaction, context: Context, pool_id: str, body: Document, project_id: str) -> Net:
        """A free range of the pool: the one asked for, or the first of the length asked for."""
        pool = self.find(tx, context, pool_id)
        rows = tx.rows(_CARVED, {"pool_id": pool_id})
        taken = [network_of(row.cidr) for row in rows]
        if body.get("cidr"):
            net = network_of(body["cidr"])
            self._fits(pool, net.prefixlen)
            if any(net.version == other.version and net.overlaps(other) for other in taken) or not any(
                    net.version == pool["ip_version"] and net.subnet_of(network_of(prefix))  # type: ignore[arg-type]
                    for prefix in pool["prefixes"]):
                raise faults.invalid(f"Failed to allocate subnet: Cannot allocate requested subnet from the available "
                                     f"set of prefixes: {net}.", "SubnetAllocationError")
        else:
            length = int(body.get("prefixlen") or pool["default_prefixlen"])
            self._fits(pool, length)
            net = _first(pool["prefixes"], taken, length)
        self._within_quota(pool, [network_of(row.cidr) for row in rows if row.project_id == project_id], net)
        return net

    def _fits(self, pool: Document, length: int) -> None:
        if length < int(pool["min_prefixlen"]):
            raise faults.invalid(f"Unable to allocate subnet with prefix length {length}, minimum allowed prefix is "
                                 f"{pool['min_prefixlen']}.", "MinPrefixSubnetAllocationError")
        if length > int(pool["max_prefixlen"]):
            raise faults.invalid(f"Unable to allocate subnet with prefix length {length}, maximum allowed prefix is "
                                 f"{pool['max_prefixlen']}.", "MaxPrefixSubnetAllocationError")

    def _within_quota(self, pool: Document, mine: list[Net], net: Net) -> None:
        if pool["default_quota"] is None:
            return
        unit = 32 if pool["ip_version"] == 4 else 64
        used = sum(2 ** max(0, unit - one.prefixlen) for one in [*mine, net])
        if used > pool["default_quota"]:
            raise faults.conflict("SubnetPoolQuotaExceeded", "Per-tenant subnet pool prefix quota exceeded.")


def _prefixes(texts: Sequence[str]) -> list[Net]:
    nets: list[Net] = sorted((network_of(text) for text in texts), key=lambda net: (net.version, int(net[0])))
    if not nets:
        raise faults.invalid("Bad subnetpool request: an empty set of prefixes", "InvalidInput")
    if len({net.version for net in nets}) > 1:
        raise faults.invalid("Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", "PrefixVersionMismatch")
    import ipaddress
    return list(ipaddress.collapse_addresses(nets))  # type: ignore[type-var]


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _check_lengths(document: Document) -> None:
    low, high, usual = (int(document[name]) for name in LENGTHS)
    bits = 32 if document["ip_version"] == 4 else 128
    if high > bits:
        raise faults.invalid(f"Unbounded prefix length {high}", "UnsupportedMaxSubnetPoolPrefix")
    if low > high:
        raise faults.invalid(f"Illegal prefix bounds: min_prefixlen={low}, max_prefixlen={high}.",
                             "IllegalSubnetPoolPrefixBounds")
    if not low <= usual <= high:
        raise faults.invalid(f"Illegal prefix bounds: default_prefixlen={usual} is outside {low} to {high}.",
                             "IllegalSubnetPoolPrefixBounds")


def _first(prefixes: Sequence[str], taken: Sequence[Net], length: int) -> Net:
    for prefix in prefixes:
        net = network_of(prefix)
        if net.prefixlen > length:
            continue
        at, end, size = int(net[0]), int(net[-1]), 1 << (net.max_prefixlen - length)
        busy = sorted((int(one[0]), int(one[-1])) for one in taken if one.version == net.version)
        for low, high in busy:
            if high < at:
                continue
            if low > at + size - 1:
                break
            at = (high // size + 1) * size
        if at + size - 1 <= end:
            return network_of(f"{type(net[0])(at)}/{length}")
    raise faults.invalid(f"Insufficient prefix space to allocate subnet size /{length}", "SubnetAllocationError")
