"""How many addresses of networks there are and how many are taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa

from .desk import Desk
from .noun import Document
from .tables import addresses, networks, subnets

COLUMNS = {"network_id": networks.c.id, "network_name": networks.c.name, "tenant_id": networks.c.project_id,
           "project_id": networks.c.project_id}


def availability(service: Desk, filters: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """The use of each network's subnets, three queries for all; ``ip_version`` limits the subnets."""
    conditions = [COLUMNS[name].in_(values) for name, values in filters.items() if name in COLUMNS]
    versions = [version for version in (4, 6) if str(version) in filters.get("ip_version", ())] or [4, 6]
    with service.kit.db.read() as tx:
        found = service.networks.select(tx, *conditions)
        ids = [one["id"] for one in found]
        of_networks = service.subnets.select(tx, subnets.c.network_id.in_(ids), subnets.c.ip_version.in_(versions))
        used = {row.subnet_id: int(row.taken) for row in tx.rows(
            sa.select(addresses.c.subnet_id, sa.func.count().label("taken")).where(addresses.c.network_id.in_(ids))
            .group_by(addresses.c.subnet_id))}
    by_network: dict[str, list[dict[str, Any]]] = {}
    for subnet in of_networks:
        by_network.setdefault(subnet["network_id"], []).append({
            "subnet_id": subnet["id"], "subnet_name": subnet["name"], "cidr": subnet["cidr"],
            "ip_version": subnet["ip_version"], "total_ips": _total(subnet), "used_ips": used.get(subnet["id"], 0)})
    return [_view(network, by_network.get(network["id"], [])) for network in found]


def _total(subnet: Document) -> int:
    return sum(int(ip_address(pool["end"])) - int(ip_address(pool["start"])) + 1
               for pool in subnet["allocation_pools"])


def _view(network: Document, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"network_id": network["id"], "network_name": network["name"], "tenant_id": network["project_id"],
            "project_id": network["project_id"], "subnet_ip_availability": parts,
            "total_ips": sum(one["total_ips"] for one in parts), "used_ips": sum(one["used_ips"] for one in parts)}


