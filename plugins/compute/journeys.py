"""The rows of moves, which the API calls migrations: written by the moves' operations, listed for administrators."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.errors import BadRequest, NotFound
from ...core.process.slice import Kit
from .tables import flavors, hosts, moves

COLD, RESIZE, LIVE, EVACUATION = "migration", "resize", "live-migration", "evacuation"
QUEUED, PREPARING, RUNNING = "queued", "preparing", "running"
ENDED = ("confirmed", "reverted", "error", "failed", "completed", "cancelled", "done")

_NUMBER = sa.select(flavors.c.number).where(flavors.c.id == sa.bindparam("id"))
_BY_UUID = sa.select(moves).where(moves.c.uuid == sa.bindparam("uuid"))
_OF_SERVER = sa.select(moves).where(moves.c.server_id == sa.bindparam("server")).order_by(moves.c.id)
_LIVE = _OF_SERVER.where(moves.c.type == LIVE, moves.c.status.not_in(ENDED))
_ONE = sa.select(moves).where(moves.c.server_id == sa.bindparam("server"), moves.c.id == sa.bindparam("id"))
_FACTS = sa.select(hosts.c.host, hosts.c.facts).where(hosts.c.host.in_(sa.bindparam("hosts", expanding=True)))
_UNDER_WAY = moves.update().where(moves.c.server_id == sa.bindparam("server"), moves.c.status.not_in(ENDED))
_WAITING = moves.update().where(moves.c.server_id == sa.bindparam("server"), moves.c.status == "finished")


def begin(kit: Kit, tx: Transaction, row: Row, kind: str, status: str, new_flavor: Mapping[str, Any],
          uuid: str, target: str = "") -> None:
    """Write down that the server ``row`` begins to move."""
    tx.insert(moves, {
        "uuid": uuid, "type": kind, "status": status, "server_id": row.id, "project_id": row.project_id,
        "user_id": row.user_id, "source_compute": row.host, "source_node": row.node, "dest_compute": target,
        "old_flavor": tx.value(_NUMBER, {"id": row.flavor_id}),
        "new_flavor": tx.value(_NUMBER, {"id": new_flavor["id"]}), "created_at": kit.clock.now()})


def note(kit: Kit, tx: Transaction, uuid: str, status: str, **values: Any) -> None:
    """Write down how far a move has come."""
    tx.execute(moves.update().where(moves.c.uuid == uuid).values(
        status=status, updated_at=kit.clock.now(), **values))


def wish(tx: Transaction, row: Row, word: str) -> None:
    """Write down what an administrator wishes of a live migration; an abort stays one."""
    if row.wish != "abort":
        tx.execute(moves.update().where(moves.c.uuid == row.uuid).values(wish=word))


def end_all(kit: Kit, tx: Transaction, server_id: str) -> None:
    """End the moves of a server that is gone: what waited to be confirmed was not taken back, the rest failed."""
    parameters = {"server": server_id, "updated_at": kit.clock.now()}
    tx.execute(_WAITING, {**parameters, "status": "confirmed"})
    tx.execute(_UNDER_WAY, {**parameters, "status": "error"})


def cleaned(kit: Kit, tx: Transaction, *hosts: str) -> None:
    """Hosts are back from which servers were evacuated: what was left of them there is removed."""
    tx.execute(moves.update().where(moves.c.type == EVACUATION, moves.c.status == "done",
                                    moves.c.source_compute.in_(hosts))
               .values(status="completed", updated_at=kit.clock.now()))


def addresses(kit: Kit, rows: Sequence[Row]) -> dict[str, str]:
    """The addresses of the hosts to which moves lead, by host, as far as they are known; one query."""
    wanted = sorted({row.dest_compute for row in rows if row.dest_compute})
    if not wanted:
        return {}
    with kit.db.read() as tx:
        return {row.host: row.facts["address"] for row in tx.rows(_FACTS, {"hosts": wanted})
                if row.facts.get("address")}


def by_uuid(tx: Transaction, uuid: str) -> Row | None:
    """A move, or none."""
    return tx.row(_BY_UUID, {"uuid": uuid})


def live_of(tx: Transaction, server_id: str) -> Sequence[Row]:
    """The live migrations of a server that have not ended."""
    return tx.rows(_LIVE, {"server": server_id})


def live_one(tx: Transaction, server_id: str, number: int) -> Row:
    """A live migration of a server that has not ended. :raises NotFound: it is none such."""
    row = one(tx, server_id, number)
    if row.type != LIVE:
        raise NotFound(f"Migration {number} for server {server_id} is not live-migration.")
    if row.status in ENDED:
        raise NotFound(f"Live migration {number} for server {server_id} is not in progress.")
    return row


def one(tx: Transaction, server_id: str, number: int) -> Row:
    """A move of a server by its number. :raises NotFound: there is none."""
    row = tx.row(_ONE, {"server": server_id, "id": number})
    if row is None:
        raise NotFound(f"Migration {number} not found for instance {server_id}")
    return row


EXACT = {"instance_uuid": "server_id", "migration_type": "type", "source_compute": "source_compute",
         "user_id": "user_id", "project_id": "project_id"}


def listed(kit: Kit, filters: Mapping[str, str], page: Page, since: datetime.datetime | None = None,
           before: datetime.datetime | None = None) -> Sequence[Row]:
    """A page of moves. :raises BadRequest: the marker names none."""
    statement = sa.select(moves)
    for name, column in EXACT.items():
        if name in filters:
            statement = statement.where(moves.c[column] == filters[name])
    if filters.get("status"):
        statement = statement.where(moves.c.status.in_(filters["status"].split(",")))
    if "host" in filters:
        statement = statement.where(sa.or_(moves.c.source_compute == filters["host"],
                                           moves.c.dest_compute == filters["host"]))
    if "hidden" in filters:
        statement = statement.where(moves.c.hidden.is_(filters["hidden"].lower() in ("1", "true", "yes", "on")))
    changed = sa.func.coalesce(moves.c.updated_at, moves.c.created_at)
    if since is not None:
        statement = statement.where(changed >= since)
    if before is not None:
        statement = statement.where(changed <= before)
    with kit.db.read() as tx:
        if page.marker and tx.value(sa.select(moves.c.id).where(moves.c.uuid == page.marker)) is None:
            raise BadRequest(f"Marker {page.marker[:100]} could not be found.")
        return tx.rows(paged(statement, moves, page, tx, "uuid"))
