"""Agents: who beats, and who is alive."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from . import faults
from .control import Beat
from .desk import Desk
from .tables import agents

ALIVE_S = 75.0
WRITTEN_S = 20.0
"""A beat sooner than this after the last one written changes nothing."""
_ALL = sa.select(agents).order_by(agents.c.host, agents.c.agent_type)
_ONE = sa.select(agents).where(agents.c.id == sa.bindparam("id"))
_OF_HOSTS = sa.select(agents).where(agents.c.host.in_(sa.bindparam("hosts", expanding=True)))
_HEARD = sa.select(sa.func.max(agents.c.beat_at)).where(agents.c.host == sa.bindparam("host"))
_LIVING = (agents.update().where(agents.c.id.in_(sa.bindparam("ids", expanding=True)))
           .values(beat_at=sa.bindparam("now")))
_CHANGED = (agents.update().where(agents.c.id == sa.bindparam("key"))
            .values(beat_at=sa.bindparam("now"), started_at=sa.bindparam("said_started_at"),
                    availability_zone=sa.bindparam("said_availability_zone"),
                    configurations=sa.bindparam("said_configurations")))
_ALIVE = sa.select(agents.c.host, agents.c.availability_zone).where(
    agents.c.beat_at >= sa.bindparam("since"), agents.c.admin_state_up)


class Agents:
    """The agents' table."""

    def __init__(self, service: Desk) -> None:
        self.service = service
        self.kit = service.kit

    def beats(self, beats: Sequence[Beat]) -> None:
        """Take note of signs of life. Of agents of which nothing is new only the moment is written, now and then."""
        now = self.kit.clock.time()
        with self.kit.db.read() as tx:
            known = {(row.host, row.agent_type): row
                     for row in tx.rows(_OF_HOSTS, {"hosts": sorted({one.host for one in beats})})}
        fresh = [one for one in beats if (one.host, one.agent_type) not in known]
        paired = [(one, known[one.host, one.agent_type]) for one in beats if (one.host, one.agent_type) in known]
        news = [(one, row) for one, row in paired if self._told(one, row) != self._kept(row)]
        due = [row.id for one, row in paired if now - row.beat_at >= WRITTEN_S]
        if not fresh and not news and not due:
            return
        with self.kit.db.write() as tx:
            if due:
                tx.execute(_LIVING, {"ids": due, "now": now})
            tx.insert(agents, [self._made(one, now) for one in fresh])
            if news:
                tx.execute(_CHANGED, [{"key": row.id, "now": now, **{f"said_{name}": value
                                                                for name, value in self._told(one, row).items()}}
                                      for one, row in news])
            if fresh or news:
                self.service.zones.moved(tx, [one.host for one in (*fresh, *(one for one, _ in news))])

    def _told(self, beat: Beat, row: Row | None = None) -> dict[str, Any]:
        """What an agent told of itself, as its row keeps it."""
        before = self.service.options.availability_zone if row is None else row.availability_zone
        return {"started_at": beat.started_at, "availability_zone": beat.availability_zone or before,
                "configurations": {"vif_type": beat.vif_type, "network_types": beat.network_types, "mtu": beat.mtu,
                                   "port_filter": beat.port_filter, "tunneling_ip": beat.tunnel_address}}

    def _kept(self, row: Row) -> dict[str, Any]:
        return {"started_at": row.started_at, "availability_zone": row.availability_zone,
                "configurations": row.configurations}

    def _made(self, beat: Beat, now: float) -> dict[str, Any]:
        return {"id": self.kit.clock.uuid(), "host": beat.host, "agent_type": beat.agent_type,
                "binary": "stratolith-network-agent", "topic": "N/A", "description": "", "admin_state_up": True,
                "created_at": beat.started_at, "beat_at": now, **self._told(beat)}

    def alive(self, tx: Transaction, zones: Sequence[str] = ()) -> list[str]:
        """Hosts whose agent beat of late, and which are in one of ``zones`` where some are given."""
        rows = tx.rows(_ALIVE, {"since": self.kit.clock.time() - ALIVE_S})
        return [row.host for row in rows if not zones or row.availability_zone in zones]

    def silent(self, host: str) -> bool:
        """Whether a host's agent, which has been heard before, has not been for a while."""
        with self.kit.db.read() as tx:
            heard: float | None = tx.value(_HEARD, {"host": host})
        return heard is not None and heard < self.kit.clock.time() - ALIVE_S

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
