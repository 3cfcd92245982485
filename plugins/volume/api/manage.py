"""Taking over volumes and snapshots that lie in pools, over HTTP, under the old paths and those of 3.8."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation
from ..adoptions import Found, NewAdoption
from ..service import BlockStorage
from .actions import FLAG, truth
from .paging import natural, root
from .snapshots import brief as snapshot_view
from .volumes import METADATA, TEXT, View, named

REFERENCE = {"type": ["object", "string"]}
CREATE = {
    "type": "object", "required": ["volume"],
    "properties": {"volume": {
        "type": "object", "required": ["ref"],
        "properties": {"host": TEXT, "cluster": TEXT, "ref": REFERENCE, "name": TEXT, "display_name": TEXT,
                       "description": TEXT, "display_description": TEXT, "volume_type": TEXT,
                       "availability_zone": TEXT, "metadata": METADATA, "bootable": FLAG}}},
}
FREEZE = {
    "type": "object", "required": ["snapshot"],
    "properties": {"snapshot": {
        "type": "object", "required": ["ref", "volume_id"],
        "properties": {"volume_id": {"type": "string", "format": "uuid"}, "ref": REFERENCE,
                       "name": TEXT, "display_name": TEXT, "description": TEXT, "display_description": TEXT,
                       "metadata": METADATA}}},
}


def _reference(ref: Any) -> Mapping[str, str]:
    """What names a thing in its pool; a plain text is its name."""
    if isinstance(ref, str):
        return {"source-name": ref}
    return {key: value for key, value in ref.items() if isinstance(value, str)}


def _host(call: Call, said: Mapping[str, Any], since_cluster: str) -> str:
    """The host that was named. :raises BadRequest: none was, or a cluster."""
    host, cluster = said.get("host") or "", (said.get("cluster") or "") if call.since(since_cluster) else ""
    if bool(host) == bool(cluster):
        raise BadRequest("Exactly one of host and cluster must be given")
    if cluster:
        raise BadRequest(f"Invalid input received: Service cinder-volume could not be found on cluster "
                         f"{cluster[:100]}.")
    return str(host)


def manage(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to take over a volume."""
    body = call.body["volume"]
    row = service.adoptions.manage(call.context, NewAdoption(
        host=_host(call, body, "3.16"), ref=_reference(body["ref"]),
        volume_type=body.get("volume_type") or "", zone=body.get("availability_zone") or "",
        metadata=body.get("metadata") or {}, bootable=truth(body.get("bootable")), **named(body)))
    return {"volume": View(call).shown(*service.volumes.show(call.context, row.id))}


def manage_snapshot(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to take over a snapshot."""
    body, said = call.body["snapshot"], named(call.body["snapshot"])
    return {"snapshot": snapshot_view(service.adoptions.manage_snapshot(
        call.context, body["volume_id"], _reference(body["ref"]), said.get("name"), said.get("description"),
        body.get("metadata") or {}), call)}


def volume_view(one: Found, detail: bool) -> dict[str, Any]:
    """A volume of a pool."""
    body: dict[str, Any] = {"reference": {"source-name": one.name}, "size": one.size,
                            "safe_to_manage": not one.owner_id}
    if detail:
        body.update(reason_not_safe="already managed" if one.owner_id else None, cinder_id=one.owner_id or None,
                    extra_info=None)
    return body


def frozen_view(one: Found, detail: bool) -> dict[str, Any]:
    """A snapshot of a pool."""
    body: dict[str, Any] = {
        "reference": {"source-name": one.name}, "size": one.size, "source_reference": {"source-name": one.volume},
        "safe_to_manage": not one.owner_id and one.managed}
    if detail:
        why = "already managed" if one.owner_id else None if one.managed else "volume not managed"
        body.update(reason_not_safe=why, cinder_id=one.owner_id or None, extra_info=None)
    return body


def _sorted(call: Call, rows: Sequence[Found]) -> list[Found]:
    key, _, way = call.one("sort", "reference:asc").partition(":")
    if key not in ("size", "reference") or way not in ("", "asc", "desc"):
        raise BadRequest(f"Invalid input received: sort key {key[:100]} is not known: size or reference, asc or desc")
    return sorted(rows, key=lambda one: (one.size, one.name) if key == "size" else (0, one.name), reverse=way == "desc")


def _page(call: Call, kind: str, path: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    limit, offset = min(natural(call, "limit", 1000), 1000), natural(call, "offset", 0)
    marker = call.one("marker")
    if marker:
        try:
            wanted = ast.literal_eval(marker)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as exc:
            raise BadRequest("marker must be the text of a reference") from exc
        places = [place for place, one in enumerate(rows) if one["reference"] == wanted]
        if not places:
            raise BadRequest(f"marker not found: {marker[:100]}")
        offset += places[0] + 1
    found = list(rows[offset:offset + limit])
    body: dict[str, Any] = {kind: found}
    if found and len(rows) > offset + limit:
        body[f"{kind}_links"] = [{"rel": "next", "href": f"{root(call)}{path}?host={call.one('host')}&limit={limit}"
                                                        f"&offset={offset + limit}"}]
    return body


def _listed(service: BlockStorage, call: Call, detail: bool, snapshots: bool) -> dict[str, Any]:
    host = _host(call, {"host": call.one("host"), "cluster": call.one("cluster")}, "3.17")
    path = call.operation.path.removeprefix("/v3")
    if snapshots:
        rows = _sorted(call, service.adoptions.snapshots_on(host))
        return _page(call, "manageable-snapshots", path, [frozen_view(one, detail) for one in rows])
    rows = _sorted(call, service.adoptions.volumes_on(host))
    return _page(call, "manageable-volumes", path, [volume_view(one, detail) for one in rows])


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """What volumes lie on a back end."""
    return _listed(service, call, False, False)


def detailed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """What volumes lie on a back end, with what hinders their being taken over."""
    return _listed(service, call, True, False)


def listed_frozen(service: BlockStorage, call: Call) -> dict[str, Any]:
    """What snapshots lie on a back end."""
    return _listed(service, call, False, True)


def detailed_frozen(service: BlockStorage, call: Call) -> dict[str, Any]:
    """What snapshots lie on a back end, with what hinders their being taken over."""
    return _listed(service, call, True, True)


def _volumes(path: str, since: str) -> tuple[Operation, ...]:
    return (
        Operation("POST", path, manage, "volume_extension:volume_manage", body=CREATE, status=202, since=since,
                  summary="Manage a volume."),
        Operation("GET", path, listed, "volume_extension:list_manageable", since=since,
                  summary="List manageable volumes."),
        Operation("GET", path + "/detail", detailed, "volume_extension:list_manageable", since=since,
                  summary="List manageable volumes with details."))


def _snapshots(path: str, since: str) -> tuple[Operation, ...]:
    return (
        Operation("POST", path, manage_snapshot, "snapshot_extension:snapshot_manage", body=FREEZE, status=202,
                  since=since, summary="Manage a snapshot."),
        Operation("GET", path, listed_frozen, "snapshot_extension:list_manageable", since=since,
                  summary="List manageable snapshots."),
        Operation("GET", path + "/detail", detailed_frozen, "snapshot_extension:list_manageable", since=since,
                  summary="List manageable snapshots with details."))


OPERATIONS = (*_volumes("/os-volume-manage", ""), *_volumes("/manageable_volumes", "3.8"),
              *_snapshots("/os-snapshot-manage", ""), *_snapshots("/manageable_snapshots", "3.8"))
