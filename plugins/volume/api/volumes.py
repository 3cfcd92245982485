"""Volumes over HTTP: create, show, list, change, delete and sum up."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest, Forbidden, NotFound
from ....core.http.call import Call, own
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from ..hosts import service_id
from ..service import BlockStorage
from ..sources import NewVolume
from .paging import links, page, question, wants_count

TEXT = {"type": ["string", "null"], "maxLength": 255}
METADATA = {"type": ["object", "null"], "additionalProperties": {"type": "string", "maxLength": 255},
            "propertyNames": {"minLength": 1, "maxLength": 255}}
ID_OR_NULL = {"type": ["string", "null"], "maxLength": 255}
CREATE = {
    "type": "object", "required": ["volume"],
    "properties": {
        "volume": {
            "type": "object",
            "properties": {
                "name": TEXT, "display_name": TEXT, "description": TEXT, "display_description": TEXT,
                "size": {"type": ["integer", "string", "null"]}, "availability_zone": ID_OR_NULL,
                "metadata": METADATA, "imageRef": ID_OR_NULL, "image_id": ID_OR_NULL, "snapshot_id": ID_OR_NULL,
                "source_volid": ID_OR_NULL, "volume_type": ID_OR_NULL, "multiattach": {"type": ["boolean", "string"]},
                "consistencygroup_id": {"type": ["string", "null"]}, "group_id": {"type": ["string", "null"]},
                "backup_id": {"type": ["string", "null"]}},
            "additionalProperties": True},
        "OS-SCH-HNT:scheduler_hints": {"type": ["object", "null"]}},
}
_OFFERED: dict[str, Any] = {**CREATE["properties"]["volume"]["properties"]}  # type: ignore[index]
STRICT = {
    "type": "object", "required": ["volume"], "additionalProperties": False,
    "properties": {"volume": {"type": "object", "properties": _OFFERED, "additionalProperties": False},
                   "OS-SCH-HNT:scheduler_hints": {"type": ["object", "null"]},
                   "scheduler_hints": {"type": ["object", "null"]}},
}
_CHANGED = {"type": "object", "properties": {"name": TEXT, "display_name": TEXT, "description": TEXT,
                                             "display_description": TEXT, "metadata": METADATA}}
UPDATE = {
    "3.0": {"type": "object", "required": ["volume"], "properties": {"volume": _CHANGED}},
    "3.53": {"type": "object", "required": ["volume"], "additionalProperties": False, "properties": {
        "volume": {**_CHANGED, "additionalProperties": False}}},
}
FILTERS = {"name": "name", "display_name": "name", "status": "status", "metadata": "metadata", "bootable": "bootable",
           "availability_zone": "zone", "size": "size", "multiattach": "multiattach", "id": "id",
           "description": "description"}
LATER = {"glance_metadata": ("3.4", "image_metadata"), "group_id": ("3.10", "group_id"),
         "migration_status": ("3.31", "migration_status"), "consumes_quota": ("3.65", "consumes_quota")}
"""Filters by the first microversion that knows them."""
SORT_KEYS = {"id": "id", "name": "name", "display_name": "name", "status": "status", "size": "size",
             "availability_zone": "zone", "bootable": "bootable", "created_at": "created_at",
             "updated_at": "updated_at", "host": "host"}


def attachment_view(row: Row, admin: bool) -> dict[str, Any]:
    """An attachment as a volume shows it."""
    return {"server_id": row.server_id, "attachment_id": row.id, "volume_id": row.volume_id, "id": row.volume_id,
            "attached_at": to_microsecond(row.attached_at),
            "host_name": row.host if admin else None, "device": row.device}


class View:
    """Makes bodies of volumes for one request: what is the same for all is worked out once."""

    def __init__(self, call: Call) -> None:
        self.admin = call.context.is_admin
        self.links: Callable[[str], list[dict[str, str]]] = links(call, "volumes")
        self.host = call.allows("volume_extension:volume_host_attribute")
        self.tenant = call.allows("volume_extension:volume_tenant_attribute")
        self.migration = call.allows("volume_extension:volume_mig_status_attribute")
        self.more: dict[str, Any] = {}
        self.consistency: frozenset[str] = frozenset()
        if call.since("3.21") and self.admin:
            self.more["provider_id"] = None
        if call.since("3.48"):
            self.more["shared_targets"] = False
        if call.since("3.61") and self.admin:
            self.more["cluster_name"] = None
        self.group, self.uuid = call.since("3.13"), call.since("3.48")
        self.type_id, self.quota = call.since("3.63"), call.since("3.65")

    def know(self, service: BlockStorage, rows: Sequence[Row]) -> View:
        """Look up, for all rows at once, which groups the older API calls consistency groups."""
        ids = {row.group_id for row in rows if row.group_id}
        if ids:
            self.consistency = service.groups.of_consistency(ids)
        return self

    def brief(self, row: Row) -> dict[str, Any]:
        """Id, name and links."""
        return {"id": row.id, "name": row.name, "links": self.links(row.id)}

    def created(self, row: Any, attached: Sequence[Row], type_name: str) -> dict[str, Any]:
        """What creating and updating answer."""
        (id, _, user_id, name, description, size, _, status, zone, type_id, host, _, bootable, multiattach, readonly,
         snapshot_id, source_id, metadata, _, created, updated, group_id, migration, consumes) = row
        if readonly is not None:
            metadata = {**metadata, "readonly": str(bool(readonly))}
        elif any(one.mode == "ro" for one in attached):
            metadata = {**metadata, "attached_mode": "ro"}
        body = {
            "id": id, "name": name, "description": description, "size": size, "status": status,
            "availability_zone": zone, "volume_type": type_name, "bootable": "true" if bootable else "false",
            "multiattach": multiattach, "snapshot_id": snapshot_id, "source_volid": source_id, "metadata": metadata,
            # As Cinder has it: who waits for one to appear here goes on when it is done.
            "attachments": [attachment_view(one, self.admin) for one in attached if one.status == "attached"],
            "links": self.links(id),
            "encrypted": False, "replication_status": None,
            "consistencygroup_id": group_id if group_id in self.consistency else None,
            "migration_status": migration if self.admin else None, "user_id": user_id,
            "created_at": to_microsecond(created), "updated_at": to_microsecond(updated), **self.more}
        if self.group:
            body["group_id"] = group_id
        if self.uuid:
            body["service_uuid"] = service_id(host) if host else None
        if self.type_id:
            body["volume_type_id"] = type_id
        if self.quota:
            body["consumes_quota"] = bool(consumes)
        return body

    def shown(self, row: Any, attached: Sequence[Row], type_name: str) -> dict[str, Any]:
        """What showing and listing with details answer."""
        body = self.created(row, attached, type_name)
        if row[18]:
            body["volume_image_metadata"] = row[18]
        if self.tenant:
            body["os-vol-tenant-attr:tenant_id"] = row[1]
        if self.host:
            body["os-vol-host-attr:host"] = row[10] or None
        if self.migration:
            body["os-vol-mig-status-attr:migstat"], body["os-vol-mig-status-attr:name_id"] = row[22], None
        return body


def named(body: Mapping[str, Any]) -> dict[str, Any]:
    """The name and the description of a body, under their old names too."""
    found: dict[str, Any] = {}
    for new, old in (("name", "display_name"), ("description", "display_description")):
        if new in body or old in body:
            value = body[new] if new in body else body[old]
            found[new] = value.strip() if isinstance(value, str) and new == "name" else value
    return found


def gib(value: Any) -> int | None:
    """A size as clients write it. :raises BadRequest: it is no number above 0."""
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or not 0 < int(text[:12]) < 1 << 31:
        raise BadRequest(f"Invalid input for field/attribute size. Value: {text[:50]}. Size must be an integer above 0")
    return int(text)


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to make a volume."""
    body: Mapping[str, Any] = call.body["volume"]
    if body.get("source_replica"):
        raise BadRequest("Creating a volume from a replica source was removed.")
    new = NewVolume(
        size=gib(body.get("size")), image_id=body.get("imageRef") or body.get("image_id") or "",
        snapshot_id=body.get("snapshot_id") or "", source_id=body.get("source_volid") or "",
        backup_id=(body.get("backup_id") or "") if call.since("3.47") else "",
        group_id=((body.get("group_id") if call.since("3.13") else "") or body.get("consistencygroup_id") or ""),
        volume_type=body.get("volume_type") or "", zone=body.get("availability_zone") or "",
        metadata=body.get("metadata") or {}, multiattach=str(body.get("multiattach", "")).lower() == "true",
        **named(body))
    new.image_id = new.image_id.rstrip("/").rpartition("/")[2]
    if new.image_id:
        call.enforce("volume:create_from_image", own(call.context))
    row, type_name = service.volumes.create(call.context, new)
    return {"volume": View(call).know(service, [row]).created(row, (), type_name)}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One volume."""
    found = service.volumes.show(call.context, call.path["volume_id"])
    return {"volume": View(call).know(service, [found[0]]).shown(*found)}


def update(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Change name, description or metadata."""
    body = call.body["volume"]
    changes = named(body)
    if body.get("metadata") is not None:
        changes["metadata"] = body["metadata"]
    if not changes and call.since("3.53"):
        raise BadRequest("Missing required element 'name' or 'description' in request body.")
    service.volumes.update(call.context, call.path["volume_id"], changes)
    found = service.volumes.show(call.context, call.path["volume_id"])
    return {"volume": View(call).know(service, [found[0]]).created(*found)}


def delete(service: BlockStorage, call: Call) -> None:
    """Begin to delete a volume."""
    force = call.flag("force") and call.since("3.23")
    if force and not call.allows("volume:force_delete"):
        raise Forbidden("Policy doesn't allow volume:force_delete to be performed.")
    service.volumes.delete(call.context, call.path["volume_id"], cascade=call.flag("cascade"), force=force)


def nameless(service: BlockStorage, call: Call) -> None:
    """A volume without an id is none."""
    raise NotFound("The resource could not be found.")


def _asked(service: BlockStorage, call: Call) -> Any:
    if call.request.env["PATH_INFO"].endswith("/volumes/"):
        nameless(service, call)
    filters = {**FILTERS, **{name: column for name, (since, column) in LATER.items() if call.since(since)}}
    found = question(call, "volumes", filters, SORT_KEYS)
    found.limit = min(found.limit, service.kit.options.page_limit_max)
    return found


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of volumes: ids and names."""
    asked, view = _asked(service, call), View(call)
    body = page(call, "volumes", "/volumes", [view.brief(row) for row in service.volumes.brief(asked)], asked)
    return {**body, "count": service.volumes.count(asked)} if wants_count(call) else body


def detailed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of volumes with all details."""
    asked, view = _asked(service, call), View(call)
    rows, attached, names = service.volumes.listed(asked)
    view.know(service, rows)
    items = [view.shown(row, attached.get(row.id, ()), names.get(row.type_id, "")) for row in rows]
    body = page(call, "volumes", "/volumes/detail", items, asked)
    return {**body, "count": service.volumes.count(asked)} if wants_count(call) else body


def summary(service: BlockStorage, call: Call) -> dict[str, Any]:
    """How many volumes there are, and their size."""
    count, size, found = service.volumes.summary(call.context, call.context.is_admin and call.flag("all_tenants"))
    body: dict[str, Any] = {"total_count": count, "total_size": size}
    if call.since("3.36"):
        body["metadata"] = found
    return {"volume-summary": body}


Get = functools.partial(Operation, "GET")
OPERATIONS = (
    Operation("POST", "/volumes", create, "volume:create", body={"3.0": CREATE, "3.53": STRICT}, status=202,
              summary="Create a volume."),
    Get("/volumes", listed, "volume:get_all", summary="List volumes."),
    Operation("PUT", "/volumes", nameless, "volume:update", summary="Refuse an empty id."),
    Operation("DELETE", "/volumes", nameless, "volume:delete", summary="Refuse an empty id."),
    Get("/volumes/detail", detailed, "volume:get_all", summary="List volumes with details."),
    Get("/volumes/summary", summary, "volume:get_all", since="3.12", summary="Sum volumes up."),
    Get("/volumes/{volume_id}", show, "volume:get", summary="Show a volume."),
    Operation("PUT", "/volumes/{volume_id}", update, "volume:update", body=UPDATE, summary="Update a volume."),
    Operation("DELETE", "/volumes/{volume_id}", delete, "volume:delete", status=202, summary="Delete a volume."),
)
