"""Agents: who beats, and who is alive."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from . import faults
from .control import Beat
from .tables import agents

if TYPE_CHECKING:
    from .service import Service

ALIVE_S = 75.0
WRITTEN_S = 20.0
"""A beat sooner than this after the last one written changes nothing."""
_ALL = sa.select(agents).order_by(agents.c.host, agents.c.agent_type)
_ONE = sa.select(agents).where(agents.c.id == sa.bindparam("id"))
_OF_HOST = sa.select(agents).where(agents.c.host == sa.bindparam("host"),
                                   agents.c.agent_type == sa.bindparam("agent_type"))
_ALIVE = sa.select(agents.c.host).where(agents.c.beat_at >= sa.bindparam("since"), agents.c.admin_state_up)


class Agents:
    """The agents' table."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.kit = service.kit

    def beat(self, beat: Beat) -> None:
        """Take note of a sign of life."""
        told = {"vif_type": beat.vif_type, "network_types": beat.network_types, "mtu": beat.mtu,
                "port_filter": beat.port_filter, "tunneling_ip": beat.tunnel_address}
        now = self.kit.clock.time()
        with self.kit.db.read() as tx:
            row = tx.row(_OF_HOST, {"host": beat.host, "agent_type": beat.agent_type})
        if row is not None and row.configurations == told and now - row.beat_at < WRITTEN_S and (
                row.started_at == beat.started_at):
            return
        with self.kit.db.write() as tx:
            if row is None:
                tx.insert(agents, {
                    "id": self.kit.clock.uuid(), "host": beat.host, "agent_type": beat.agent_type,
                    "binary": "stratolith-network-agent", "topic": "N/A", "description": "",
                    "availability_zone": self.service.options.availability_zone, "admin_state_up": True,
                    "created_at": beat.started_at, "started_at": beat.started_at, "beat_at": now,
                    "configurations": told})
            else:
                tx.update(agents, row.id, beat_at=now, configurations=told, started_at=beat.started_at)

    def alive(self, tx: Transaction) -> list[str]:
        """Hosts whose agent beat of late."""
        return tx.values(_ALIVE, {"since": self.kit.clock.time() - ALIVE_S})

    def index(self, filters: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        """All agents that match every filter."""
        with self.kit.db.read() as tx:
            found = [self._view(row) for row in tx.rows(_ALL)]
        for name, values in filters.items():
            wanted = {value.lower() for value in values}
            found = [one for one in found if name in one and str(one[name]).lower() in wanted]
        return found

    def show(self, id: str) -> dict[str, Any]:
        """One agent. :raises NotFound: there is none."""
        with self.kit.db.read() as tx:
            row = tx.row(_ONE, {"id": id})
        if row is None:
            raise faults.missing("agent", id)
        return self._view(row)

    def update(self, context: Context, id: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change the description or take an agent out of use."""
        with self.kit.db.write() as tx:
            if not (tx.update(agents, id, **changes) if changes else tx.row(_ONE, {"id": id})):
                raise faults.missing("agent", id)
            self.kit.events.emit(tx, context, "agent.update.end", "AgentPayload", {"id": id, **changes})
        return self.show(id)

    def delete(self, context: Context, id: str) -> None:
        """Forget an agent; it comes back when it beats."""
        with self.kit.db.write() as tx:
            if not tx.delete(agents, id):
                raise faults.missing("agent", id)
            self.kit.events.emit(tx, context, "agent.delete.end", "AgentPayload", {"id": id})

    def zones(self) -> list[dict[str, str]]:
        """The zones agents live in, for networks and routers."""
        with self.kit.db.read() as tx:
            rows = tx.rows(sa.select(agents.c.availability_zone, sa.func.max(sa.case(
                (agents.c.admin_state_up, 1), else_=0)).label("usable")).group_by(agents.c.availability_zone))
        return [{"name": row.availability_zone, "resource": resource,
                 "state": "available" if row.usable else "unavailable"}
                for row in rows for resource in ("network", "router")]

    def _view(self, row: Row) -> dict[str, Any]:
        beat = datetime.datetime.fromtimestamp(row.beat_at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
        return {"id": row.id, "agent_type": row.agent_type, "binary": row.binary, "topic": row.topic,
                "host": row.host, "availability_zone": row.availability_zone,
                "admin_state_up": bool(row.admin_state_up), "alive": self.kit.clock.time() - row.beat_at <= ALIVE_S,
                "created_at": row.created_at, "started_at": row.started_at, "heartbeat_timestamp": beat,
                "description": row.description or None, "configurations": row.configurations,
                "resource_versions": {}, "resources_synced": None}
