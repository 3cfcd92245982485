"""A project's first network, made when it is asked for: a network, subnets of the default pools, a router outside.

Source: the Networking API reference's section on auto allocated topologies.
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.errors import NotFound
from . import faults, tables
from .desk import Desk
from .noun import Document, retried

topologies = tables.topologies
_OF = sa.select(topologies).where(topologies.c.project_id == sa.bindparam("project_id"))
NETWORK, ROUTER, SUBNET = "auto_allocated_network", "auto_allocated_router", "auto_allocated_subnet_v"


class Topologies:
    """The topologies that were made for projects, at most one each."""

    def __init__(self, service: Desk) -> None:
        self.service = service
        self.kit = service.kit

    def check(self, context: Context) -> None:
        """See that a topology can be made. :raises Conflict: the cloud lacks what it is made from."""
        with self.kit.db.read() as tx:
            self._outside(tx)
            self._pools(tx)

    def network(self, context: Context, project_id: str) -> str:
        """The id of the project's network, made with what belongs to it if there is none.

        :raises Conflict: the cloud has no default external network or no default subnet pool.
        :raises QuotaExceeded: the project may not have so much.
        """
        voice = msgspec.structs.replace(self.kit.context(), project_id=project_id)

        def work() -> str:
            with self.kit.db.write() as tx:
                found = tx.row(_OF, {"project_id": project_id})
                if found is not None and self._there(tx, found.network_id):
                    return str(found.network_id)
                tx.execute(topologies.delete().where(topologies.c.project_id == project_id))
                return self._make(tx, voice, project_id)
        return retried(work)

    def _make(self, tx: Transaction, voice: Context, project_id: str) -> str:
        outside, pools = self._outside(tx), self._pools(tx)
        service = self.service
        network: str = service.networks.create_one(tx, voice, {"name": NETWORK, "project_id": project_id})["id"]
        router: str = service.routers.create_one(tx, voice, {
            "name": ROUTER, "project_id": project_id, "external_gateway_info": {"network_id": outside["id"]}})["id"]
        for pool in pools:
            subnet = service.subnets.create_one(tx, voice, {
                "name": f"{SUBNET}{pool['ip_version']}", "project_id": project_id, "network_id": network,
                "subnetpool_id": pool["id"], "ip_version": pool["ip_version"]})
            service.routers.add_interface(voice, router, {"subnet_id": subnet["id"]})
        tx.insert(topologies, {"project_id": project_id, "network_id": network, "router_id": router})
        return network

    def _there(self, tx: Transaction, network_id: str) -> bool:
        return bool(self.service.networks.select(tx, self.service.networks.table.c.id == network_id))

    def _outside(self, tx: Transaction) -> Document:
        columns = self.service.networks.table.c
        found = self.service.networks.select(tx, columns.is_default, columns.router_external)
        if not found:
            raise faults.conflict("AutoAllocationFailure", "Deployment error: No default router:external network.")
        return found[0]

    def _pools(self, tx: Transaction) -> list[Document]:
        found = self.service.subnetpools.select(tx, self.service.subnetpools.table.c.is_default)
        if not found:
            raise faults.conflict("AutoAllocationFailure", "Deployment error: No default subnetpools defined.")
        return sorted(found, key=lambda pool: int(pool["ip_version"]))

    def delete(self, context: Context, project_id: str) -> None:
        """Remove a project's topology. :raises NotFound: it has none. :raises InUse: something uses it."""
        voice = msgspec.structs.replace(self.kit.context(), project_id=project_id)

        def work() -> None:
            with self.kit.db.write() as tx:
                found = tx.row(_OF, {"project_id": project_id})
                if found is None:
                    raise NotFound(f"Auto-allocated topology for project {project_id} could not be found.",
                                   type="NotFound")
                self._unmake(tx, voice, found.network_id, found.router_id)
                tx.execute(topologies.delete().where(topologies.c.project_id == project_id))
        retried(work)

    def _unmake(self, tx: Transaction, voice: Context, network_id: str, router_id: str) -> None:
        """Delete what is still there of a topology."""
        service = self.service
        for subnet, _ in service.subnets.of_network(tx, network_id):
            try:
                service.routers.remove_interface(voice, router_id, {"subnet_id": subnet["id"]})
            except NotFound:
                continue
        for noun, id in ((service.routers, router_id), (service.networks, network_id)):
            if noun.select(tx, noun.table.c.id == id):
                noun.delete(voice, id)
