"""Migrations over HTTP: those of the cloud, and the live ones of a server that are under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.db.paging import Page
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Action, Operation, Query
from ....core.http.validation import as_integer
from .. import journeys, listing, moves, records
from ..service import Service
from . import server_schema as schema
from .links import links, next_links

ALL = "/os-migrations"
OF_SERVER = "/servers/{server_id}/migrations"
ONE = OF_SERVER + "/{migration_id}"
LIST = "os_compute_api:os-migrations:index"
RULE = "os_compute_api:servers:migrations:"
TEXTS = dict.fromkeys(("hidden", "host", "instance_uuid", "source_compute", "status", "migration_type"), "text")
PAGED = {**TEXTS, "instance_uuid": "uuid", "limit": "natural", "marker": "uuid", "changes-since": "text"}
BOUNDED = {**PAGED, "changes-before": "text"}
QUERY = {"2.1": Query(TEXTS), "2.59": Query(PAGED, strict=True), "2.66": Query(BOUNDED, strict=True),
         "2.80": Query({**BOUNDED, "user_id": "text", "project_id": "text"}, strict=True)}
BYTES = ("memory_total_bytes", "memory_processed_bytes", "memory_remaining_bytes", "disk_total_bytes",
         "disk_processed_bytes", "disk_remaining_bytes")
HOSTS = ("source_compute", "source_node", "dest_compute", "dest_node", "dest_host")
NEWEST_FIRST = (("created_at", "desc"), ("id", "desc"))


def _both(row: Row, call: Call, with_hosts: bool, at: Mapping[str, str]) -> dict[str, Any]:
    """What both views show."""
    found = {"id": row.id, "status": row.status, "source_compute": row.source_compute or None,
             "source_node": row.source_node or None, "dest_compute": row.dest_compute or None,
             "dest_node": row.dest_node or None, "dest_host": at.get(row.dest_compute),
             "created_at": to_microsecond(row.created_at), "updated_at": to_microsecond(row.updated_at)}
    if not with_hosts:
        found.update(dict.fromkeys(HOSTS))
    if call.since("2.59"):
        found["uuid"] = row.uuid
    if call.since("2.80"):
        found |= {"user_id": row.user_id, "project_id": row.project_id}
    return found


def _view(row: Row, call: Call, with_hosts: bool, at: Mapping[str, str]) -> dict[str, Any]:
    found = {**_both(row, call, with_hosts, at), "instance_uuid": row.server_id,
             "old_instance_type_id": row.old_flavor, "new_instance_type_id": row.new_flavor}
    if call.since("2.23"):
        found["migration_type"] = row.type
        if row.type == journeys.LIVE and row.status not in journeys.ENDED:
            found["links"] = links(call, f"servers/{row.server_id}/migrations", str(row.id))
    return found


def _live_view(row: Row, call: Call, with_hosts: bool, at: Mapping[str, str]) -> dict[str, Any]:
    known = row.progress or {}
    return {**_both(row, call, with_hosts, at), "server_uuid": row.server_id,
            **{name: known.get(name) for name in BYTES}}


def index(service: Service, call: Call) -> Any:
    """Migrations, the newest first since 2.59: of all projects for those who may, else of the caller's."""
    filters = {name: call.one(name) for name in (*TEXTS, "user_id", "project_id") if name in call.query}
    if not call.allows(LIST + ":all_projects"):
        if filters.get("project_id", call.context.project_id) != call.context.project_id:
            call.enforce(LIST + ":all_projects", {"project_id": filters["project_id"]})
        filters["project_id"] = call.context.project_id
    since, before = (listing.moment(call.one(name), name) if call.one(name) else None
                     for name in ("changes-since", "changes-before"))
    if since and before and since > before:
        raise BadRequest("The value of changes-since must be less than or equal to changes-before.")
    paged, most = call.since("2.59"), int(service.kit.options.max_limit)
    asked = call.number("limit") if paged else None
    limit = most if asked is None else min(asked, most)
    page = Page(limit=limit, marker=call.one("marker"), sort=NEWEST_FIRST) if paged else Page(sort=(("id", "asc"),))
    rows = journeys.listed(service.kit, filters, page, since, before)
    with_hosts = call.allows(LIST + ":host")
    at = journeys.addresses(service.kit, rows) if with_hosts else {}
    body: dict[str, Any] = {"migrations": [_view(row, call, with_hosts, at) for row in rows]}
    if paged and rows and (following := next_links(call, rows, limit, ALL, rows[-1].uuid)):
        body["migrations_links"] = following
    return body


def _number(call: Call) -> int:
    found = as_integer(call.path["migration_id"])
    if found is None or not 0 <= found < 1 << 31:
        raise NotFound(f"Migration {call.path['migration_id'][:100]} not found for instance {call.path['server_id']}")
    return found


def of_server(service: Service, call: Call) -> Any:
    """The live migrations of a server that are under way."""
    with service.kit.db.read() as tx:
        row = records.find(tx, call.context, call.path["server_id"])
        rows = journeys.live_of(tx, row.id)
    with_hosts = call.allows(RULE + "index:host")
    at = journeys.addresses(service.kit, rows) if with_hosts else {}
    return {"migrations": [_live_view(one, call, with_hosts, at) for one in rows]}


def show(service: Service, call: Call) -> Any:
    """One live migration of a server that is under way."""
    with service.kit.db.read() as tx:
        row = records.find(tx, call.context, call.path["server_id"])
        found = journeys.live_one(tx, row.id, _number(call))
        return {"migration": _live_view(found, call, True, journeys.addresses(service.kit, [found]))}


def force_complete(service: Service, call: Call) -> None:
    """Make a live migration end soon."""
    moves.wish(service.kit, call.context, call.path["server_id"], _number(call), "force", (journeys.RUNNING,))


def delete(service: Service, call: Call) -> None:
    """Abort a live migration; one that has not begun yet since 2.65."""
    early = (journeys.QUEUED, journeys.PREPARING) if call.since("2.65") else ()
    moves.wish(service.kit, call.context, call.path["server_id"], _number(call), "abort", (journeys.RUNNING, *early))


OPERATIONS = (
    Operation("GET", ALL, index, LIST, query=QUERY, summary="List migrations"),
    Operation("GET", OF_SERVER, of_server, RULE + "index", since="2.23", summary="List a server's live migrations"),
    Operation("GET", ONE, show, RULE + "show", since="2.23", summary="Show a live migration"),
    Operation("DELETE", ONE, delete, RULE + "delete", since="2.24", status=202, summary="Abort a live migration"),
    Action(ONE + "/action", "force_complete", force_complete, RULE + "force_complete", schema.NOTHING, since="2.22"),
)
