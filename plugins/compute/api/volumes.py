"""Volumes and snapshots as compute showed them until microversion 2.35: views of the block storage service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import BadRequest, Conflict, NotFound
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation, Query
from ....core.services.volume import SnapshotRecord, VolumeDetail, VolumeService
from .parameters import BOOLEAN, boolean, closed, natural, number, wrapped
from .server_schema import METADATA

if TYPE_CHECKING:
    from ..service import Service

TEXT = {"type": ["string", "null"], "maxLength": 255}
VOLUME = wrapped("volume", closed({
    "size": natural(1), "display_name": TEXT, "display_description": TEXT, "volume_type": TEXT, "snapshot_id": TEXT,
    "availability_zone": TEXT, "metadata": {**METADATA, "type": ["object", "null"]}}, ("size",)))
SNAPSHOT = wrapped("snapshot", closed({
    "volume_id": {"type": "string", "maxLength": 255}, "display_name": TEXT, "display_description": TEXT,
    "force": BOOLEAN}, ("volume_id",)))
LIST = Query({"limit": "*natural", "offset": "*natural"})


def _volumes(service: Service) -> VolumeService:
    return service.kit.peers.of(VolumeService)


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """What the state of a volume forbids is a bad request here."""
    try:
        yield
    except Conflict as exc:
        raise BadRequest(exc.message) from exc


def _view(one: VolumeDetail) -> dict[str, Any]:
    attached = [{"id": one.id, "volumeId": one.id, "serverId": each.server_id, "device": each.device}
                for each in one.attachments]
    return {"id": one.id, "status": one.status, "size": one.size, "availabilityZone": one.zone,
            "createdAt": to_microsecond(one.created_at), "attachments": attached or [{}], "displayName": one.name,
            "displayDescription": one.description, "volumeType": one.volume_type or None,
            "snapshotId": one.snapshot_id, "metadata": one.metadata}


def _snapshot_view(one: SnapshotRecord) -> dict[str, Any]:
    return {"id": one.id, "volumeId": one.volume_id, "status": one.status, "size": one.size,
            "createdAt": to_microsecond(one.created_at), "displayName": one.name, "displayDescription": one.description}


def _page(service: Service, call: Call) -> tuple[int, int]:
    """How many rows behind how many others."""
    most = int(service.kit.options.max_limit)
    asked = call.number("limit")
    return most if asked is None else min(asked, most), call.number("offset") or 0


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """The project's volumes. :raises NotFound: the path ends with a slash: a volume without an id is none."""
    if call.request.env["PATH_INFO"].endswith("/"):
        raise NotFound()
    limit, offset = _page(service, call)
    found = _volumes(service).volume_details(call.context, limit=limit, offset=offset)
    return {"volumes": [_view(one) for one in found]}


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One volume."""
    return {"volume": _view(_volumes(service).volume_details(call.context, call.path["volume_id"])[0])}


def create(service: Service, call: Call) -> Mapping[str, Any]:
    """Begin to make a volume."""
    asked, volumes, volume_id = call.body["volume"], _volumes(service), service.kit.clock.uuid()
    with _telling():
        volumes.create(call.context, volume_id, number(asked["size"], "size"), asked.get("display_name") or "", "",
                       asked.get("snapshot_id") or "", "", asked.get("volume_type") or "",
                       asked.get("availability_zone") or "", asked.get("display_description") or "",
                       asked.get("metadata") or {})
    return {"volume": _view(volumes.volume_details(call.context, volume_id)[0])}


def delete(service: Service, call: Call) -> None:
    """Begin to delete a volume."""
    volumes = _volumes(service)
    found = volumes.volume(call.context, call.path["volume_id"])
    with _telling():
        volumes.delete(call.context, found.id)


def snapshots(service: Service, call: Call) -> Mapping[str, Any]:
    """The project's snapshots."""
    limit, offset = _page(service, call)
    found = _volumes(service).snapshots_of(call.context, limit=limit, offset=offset)
    return {"snapshots": [_snapshot_view(one) for one in found]}


def show_snapshot(service: Service, call: Call) -> Mapping[str, Any]:
    """One snapshot."""
    return {"snapshot": _snapshot_view(_volumes(service).snapshots_of(call.context, call.path["snapshot_id"])[0])}


def create_snapshot(service: Service, call: Call) -> Mapping[str, Any]:
    """Begin to freeze a volume."""
    asked, volumes, snapshot_id = call.body["snapshot"], _volumes(service), service.kit.clock.uuid()
    with _telling():
        volumes.snapshot(call.context, snapshot_id, asked["volume_id"], asked.get("display_name") or "",
                         asked.get("display_description") or "", boolean(asked.get("force", False)))
    return {"snapshot": _snapshot_view(volumes.snapshots_of(call.context, snapshot_id)[0])}


def delete_snapshot(service: Service, call: Call) -> None:
    """Begin to delete a snapshot."""
    with _telling():
        _volumes(service).delete_snapshot(call.context, call.path["snapshot_id"])


RULE = "os_compute_api:os-volumes:"
LAST = "2.35"
ALL, ONE = "/os-volumes", "/os-volumes/{volume_id}"
FROZEN, FROZEN_ONE = "/os-snapshots", "/os-snapshots/{snapshot_id}"
OPERATIONS = (
    Operation("GET", ALL, index, RULE + "list", query=LIST, until=LAST, summary="List volumes"),
    Operation("GET", ALL + "/detail", index, RULE + "detail", query=LIST, until=LAST,
              summary="List volumes with details"),
    Operation("POST", ALL, create, RULE + "create", body=VOLUME, until=LAST, summary="Create a volume"),
    Operation("GET", ONE, show, RULE + "show", until=LAST, summary="Show a volume"),
    Operation("DELETE", ONE, delete, RULE + "delete", until=LAST, status=202, summary="Delete a volume"),
    Operation("GET", FROZEN, snapshots, RULE + "snapshots:list", query=LIST, until=LAST, summary="List snapshots"),
    Operation("GET", FROZEN + "/detail", snapshots, RULE + "snapshots:detail", query=LIST, until=LAST,
              summary="List snapshots with details"),
    Operation("POST", FROZEN, create_snapshot, RULE + "snapshots:create", body=SNAPSHOT, until=LAST,
              summary="Create a snapshot"),
    Operation("GET", FROZEN_ONE, show_snapshot, RULE + "snapshots:show", until=LAST, summary="Show a snapshot"),
    Operation("DELETE", FROZEN_ONE, delete_snapshot, RULE + "snapshots:delete", until=LAST, status=202,
              summary="Delete a snapshot"),
)
