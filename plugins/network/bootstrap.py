"""The first networks of a new cloud: ``public``, and ``private`` of the demo project behind a router.

Who owns a network sees and rules the ports of others in it, so that the outside belongs to no ordinary project.
"""

from __future__ import annotations

import msgspec

from ...core.context import Context
from ...core.db.engine import Transaction
from .desk import Desk
from .noun import Document, Noun

POOL = "default-v4"
POOL_PREFIXES = ["10.64.0.0/12"]


def bootstrap(service: Desk, context: Context, demo_project_id: str) -> None:
    """Make what is missing by name and project, in one transaction."""
    voice = msgspec.structs.replace(context, project_id=context.project_id or demo_project_id)
    with service.kit.db.write() as tx:
        public = _network(service, tx, voice, voice.project_id, "public", "172.24.4.0/24", "router:external")
        _open_to_all(service, tx, voice, public)
        private = _network(service, tx, voice, demo_project_id, "private", "10.0.0.0/24")
        if _named(service.routers, tx, "router", demo_project_id) is None:
            router = service.routers.create_one(tx, voice, {
                "name": "router", "project_id": demo_project_id, "external_gateway_info": {"network_id": public["id"]}})
            service.routers.add_interface(voice, router["id"], {"subnet_id": private["subnets"][0]})


def _open_to_all(service: Desk, tx: Transaction, context: Context, public: Document) -> None:
    """Have projects without a network get one by themselves: from a pool of addresses, with a router outside.

    What an administrator made the default stays it.
    """
    columns = service.networks.table.c
    if not service.networks.select(tx, columns.is_default):
        service.networks.update(context, public["id"], {"is_default": True})
    pools = service.subnetpools.table.c
    if not service.subnetpools.select(tx, pools.is_default):
        service.subnetpools.create_one(tx, context, {
            "name": POOL, "prefixes": POOL_PREFIXES, "default_prefixlen": 26, "min_prefixlen": 16, "shared": True,
            "is_default": True})


def _named(noun: Noun, tx: Transaction, name: str, project_id: str) -> Document | None:
    columns = noun.table.c
    found = noun.select(tx, columns.name == name, columns.project_id == project_id)
    return found[0] if found else None


def _outside(service: Desk, tx: Transaction, name: str) -> Document | None:
    columns = service.networks.table.c
    found = service.networks.select(tx, columns.name == name, columns.router_external)
    return found[0] if found else None


def _network(service: Desk, tx: Transaction, context: Context, project_id: str, name: str, cidr: str,
             *flags: str) -> Document:
    network = _outside(service, tx, name) if flags else _named(service.networks, tx, name, project_id)
    if network is None:
        network = service.networks.create_one(tx, context, {"name": name, "project_id": project_id,
                                                            **dict.fromkeys(flags, True)})
    if not network["subnets"]:
        service.subnets.create_one(tx, context, {
            "name": f"{name}-subnet", "project_id": project_id, "network_id": network["id"], "ip_version": 4,
            "cidr": cidr, "enable_dhcp": not flags})
    return service.networks.load(tx, network["id"])
