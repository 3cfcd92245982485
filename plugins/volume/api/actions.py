"""Actions on volumes over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call, Reply, own
from ....core.http.moment import to_microsecond
from ....core.http.table import Action
from ..attachments import client_view
from ..service import BlockStorage
from ..states import RESETTABLE
from .types import type_view
from .volumes import METADATA, gib

PATH = "/volumes/{volume_id}/action"
FLAG = {"enum": [True, False, "true", "false", "True", "False", "1", "0", 1, 0, "t", "f", "yes", "no", "on", "off"]}
TEXT = {"type": ["string", "null"], "maxLength": 255}
CONNECTOR = {"type": "object", "required": ["connector"], "properties": {"connector": {"type": ["object", "null"]}}}
ATTACH = {"type": "object", "properties": {"instance_uuid": TEXT, "mountpoint": TEXT, "host_name": TEXT,
                                           "mode": {"enum": ["rw", "ro", None]}}}
DETACH = {"type": ["object", "null"], "properties": {"attachment_id": TEXT, "connector": {"type": ["object", "null"]}}}
UPLOAD = {"type": "object", "required": ["image_name"], "properties": {
    "image_name": {"type": "string", "minLength": 1, "maxLength": 255}, "disk_format": TEXT, "container_format": TEXT,
    "force": FLAG, "visibility": {"enum": ["community", "public", "private", "shared"]}, "protected": FLAG}}


def truth(value: Any) -> bool:
    """A flag as clients write it."""
    return str(value).lower() in ("true", "1", "t", "yes", "on")


def _one(name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: schema, **more}}


def attach(service: BlockStorage, call: Call) -> None:
    """Write down that a server has a volume."""
    asked = call.body["os-attach"]
    service.attachments.attach(call.context, call.path["volume_id"], asked.get("instance_uuid"),
                               asked.get("host_name"), asked.get("mountpoint") or "", asked.get("mode") or "rw")


def detach(service: BlockStorage, call: Call) -> None:
    """Write down that a server has a volume no more."""
    asked = call.body["os-detach"] or {}
    service.attachments.unattach(call.context, call.path["volume_id"], asked.get("attachment_id") or "")


def force_detach(service: BlockStorage, call: Call) -> None:
    """End an attachment whatever the volume's state is."""
    asked = call.body["os-force_detach"] or {}
    service.attachments.unattach(call.context, call.path["volume_id"], asked.get("attachment_id") or "", force=True)


def reserve(service: BlockStorage, call: Call) -> None:
    """Mark a volume as reserved."""
    service.attachments.hold(call.context, call.path["volume_id"])


def unreserve(service: BlockStorage, call: Call) -> None:
    """Unmark a volume as reserved."""
    service.attachments.unhold(call.context, call.path["volume_id"])


def begin_detaching(service: BlockStorage, call: Call) -> None:
    """Say that a detach is under way."""
    service.attachments.begin_detach(call.context, call.path["volume_id"])


def roll_detaching(service: BlockStorage, call: Call) -> None:
    """Say that a detach did not happen."""
    service.attachments.roll_back_detach(call.context, call.path["volume_id"])


def extend(service: BlockStorage, call: Call) -> None:
    """Begin to make a volume larger."""
    size = call.body["os-extend"]["new_size"]
    service.volumes.extend(call.context, call.path["volume_id"], gib(size) or 0, call.since("3.42"))


def reset_status(service: BlockStorage, call: Call) -> None:
    """Set a volume's state."""
    asked = call.body["os-reset_status"]
    if asked.get("status"):
        service.volumes.reset(call.context, call.path["volume_id"], asked["status"])


def force_delete(service: BlockStorage, call: Call) -> None:
    """Delete a volume whatever its state is."""
    service.volumes.delete(call.context, call.path["volume_id"], cascade=True, force=True)


def set_bootable(service: BlockStorage, call: Call) -> None:
    """Say whether servers may boot from a volume."""
    service.volumes.set_bootable(call.context, call.path["volume_id"], truth(call.body["os-set_bootable"]["bootable"]))


def set_readonly(service: BlockStorage, call: Call) -> None:
    """Say whether a volume may be written to."""
    service.volumes.set_readonly(call.context, call.path["volume_id"],
                                 truth(call.body["os-update_readonly_flag"]["readonly"]))


def retype(service: BlockStorage, call: Call) -> None:
    """Give a volume another type."""
    asked = call.body["os-retype"]
    service.moves.retype(call.context, call.path["volume_id"], asked["new_type"],
                         asked.get("migration_policy") == "on-demand")


def initialize(service: BlockStorage, call: Call) -> Reply:
    """Open a volume to a host."""
    asked = call.body["os-initialize_connection"]["connector"] or {}
    found = service.attachments.open(call.context, call.path["volume_id"], asked)
    return Reply({"connection_info": client_view({"protocol": found.protocol, "details": found.details,
                                                  "read_only": found.read_only},
                                                service.attachments.limits(call.path["volume_id"]))}, status=200)


def terminate(service: BlockStorage, call: Call) -> None:
    """Close a volume to a host."""
    service.attachments.close(call.context, call.path["volume_id"],
                              call.body["os-terminate_connection"]["connector"])


def upload(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to make an image from a volume."""
    asked = call.body["os-volume_upload_image"]
    visibility = asked.get("visibility", "private") if call.since("3.1") else "private"
    if visibility == "public":
        call.enforce("volume_extension:volume_actions:upload_public", {})
    row, image = service.images.upload(
        call.context, call.path["volume_id"], asked["image_name"], asked.get("disk_format") or "raw",
        asked.get("container_format") or "bare", force=truth(asked.get("force")), visibility=visibility,
        protected=truth(asked.get("protected")) and call.since("3.1"))
    kind: Row | None = service.type_of(row.type_id)
    body: dict[str, Any] = {
        "id": row.id, "updated_at": to_microsecond(row.updated_at), "status": "uploading",
        "display_description": row.description, "size": row.size, "image_id": image.id, "image_name": image.name,
        "disk_format": image.disk_format, "container_format": image.container_format,
        "volume_type": None if kind is None else type_view(kind, call)}
    if call.since("3.1"):
        body.update(visibility=image.visibility, protected=truth(asked.get("protected")))
    return {"os-volume_upload_image": body}


def set_image_metadata(service: BlockStorage, call: Call) -> Reply:
    """Add to what a volume remembers of its image."""
    found = service.images.set_metadata(call.context, call.path["volume_id"],
                                        call.body["os-set_image_metadata"]["metadata"])
    return Reply({"metadata": found}, status=200)


def show_image_metadata(service: BlockStorage, call: Call) -> Reply:
    """What a volume remembers of its image."""
    return Reply({"metadata": service.images.metadata(call.context, call.path["volume_id"])}, status=200)


def unset_image_metadata(service: BlockStorage, call: Call) -> None:
    """Forget one value."""
    service.images.drop_metadata(call.context, call.path["volume_id"], call.body["os-unset_image_metadata"]["key"])


def migrate(service: BlockStorage, call: Call) -> None:
    """Begin to move a volume to another back end."""
    asked = call.body["os-migrate_volume"]
    host, cluster = asked.get("host") or "", (asked.get("cluster") or "") if call.since("3.16") else ""
    if bool(host) == bool(cluster):
        raise BadRequest("Exactly one of host and cluster must be given")
    service.moves.migrate(call.context, call.path["volume_id"], host, cluster, truth(asked.get("lock_volume")))


def migrate_completion(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Say that a server has copied a volume to another one."""
    asked = call.body["os-migrate_volume_completion"]
    return {"save_volume_id": service.moves.complete(call.context, call.path["volume_id"], asked["new_volume"])}


def extend_completion(service: BlockStorage, call: Call) -> None:
    """Refuse to complete an extension: here none waits for such a word."""
    row, _, _ = service.volumes.show(call.context, call.path["volume_id"])
    raise BadRequest(f"Invalid volume: Volume {row.id} is not waiting for the completion of an extension; its status "
                     f"is {row.status}.")


def unmanage(service: BlockStorage, call: Call) -> None:
    """Forget a volume; it stays in its pool."""
    service.adoptions.unmanage(call.context, call.path["volume_id"])


def revert(service: BlockStorage, call: Call) -> None:
    """Begin to give a volume the content of its latest snapshot."""
    service.contents.revert(call.context, call.path["volume_id"], call.body["revert"]["snapshot_id"])


def reimage(service: BlockStorage, call: Call) -> None:
    """Begin to fill a volume anew from an image."""
    asked = call.body["os-reimage"]
    reserved = truth(asked.get("reimage_reserved"))
    if reserved:
        call.enforce("volume:reimage_reserved", own(call.context))
    service.contents.reimage(call.context, call.path["volume_id"], asked["image_id"], reserved)


RULE = "volume_extension:volume_actions:"
ADMIN = "volume_extension:volume_admin_actions:"
KEPT = "volume_extension:volume_image_metadata:"
OPERATIONS = (
    Action(PATH, "os-attach", attach, RULE + "attach", ATTACH, summary="Attach a volume."),
    Action(PATH, "os-detach", detach, RULE + "detach", DETACH, summary="Detach a volume."),
    Action(PATH, "os-force_detach", force_detach, ADMIN + "force_detach", DETACH, summary="Detach by force."),
    Action(PATH, "os-reserve", reserve, RULE + "reserve", summary="Reserve a volume."),
    Action(PATH, "os-unreserve", unreserve, RULE + "unreserve", summary="Unreserve a volume."),
    Action(PATH, "os-begin_detaching", begin_detaching, RULE + "begin_detaching", summary="Begin to detach."),
    Action(PATH, "os-roll_detaching", roll_detaching, RULE + "roll_detaching", summary="Roll a detach back."),
    Action(PATH, "os-extend", extend, "volume:extend",
           _one("new_size", {"type": ["integer", "string"], "minimum": 1}), summary="Extend a volume."),
    Action(PATH, "os-reset_status", reset_status, ADMIN + "reset_status", {"type": "object", "properties": {
        "status": {"enum": [*RESETTABLE, None]}, "attach_status": TEXT, "migration_status": TEXT}},
           summary="Set a volume's state."),
    Action(PATH, "os-force_delete", force_delete, ADMIN + "force_delete", summary="Delete by force."),
    Action(PATH, "os-set_bootable", set_bootable, "volume:update", _one("bootable", FLAG), status=200,
           summary="Set the bootable flag."),
    Action(PATH, "os-update_readonly_flag", set_readonly, "volume:update_readonly_flag", _one("readonly", FLAG),
           summary="Set the read-only flag."),
    Action(PATH, "os-retype", retype, "volume:retype",
           _one("new_type", {"type": "string", "minLength": 1, "maxLength": 255},
                migration_policy={"enum": ["never", "on-demand", None]}), summary="Retype a volume."),
    Action(PATH, "os-initialize_connection", initialize, RULE + "initialize_connection", CONNECTOR, status=200,
           summary="Open a volume to a host."),
    Action(PATH, "os-terminate_connection", terminate, RULE + "terminate_connection", CONNECTOR,
           summary="Close a volume to a host."),
    Action(PATH, "os-volume_upload_image", upload, RULE + "upload_image", UPLOAD, summary="Make an image."),
    Action(PATH, "os-set_image_metadata", set_image_metadata, KEPT + "set",
           _one("metadata", {**METADATA, "type": "object"}), status=200, summary="Set image metadata."),
    Action(PATH, "os-show_image_metadata", show_image_metadata, KEPT + "show", status=200,
           summary="Show image metadata."),
    Action(PATH, "os-unset_image_metadata", unset_image_metadata, KEPT + "remove",
           _one("key", {"type": "string", "minLength": 1, "maxLength": 255}), status=200,
           summary="Remove image metadata."),
    Action(PATH, "os-migrate_volume", migrate, ADMIN + "migrate_volume", {
        "type": "object", "properties": {"host": TEXT, "cluster": TEXT, "force_host_copy": FLAG,
                                         "lock_volume": FLAG}}, summary="Migrate a volume."),
    Action(PATH, "os-migrate_volume_completion", migrate_completion, ADMIN + "migrate_volume_completion",
           _one("new_volume", {"type": "string", "format": "uuid"}, error=FLAG), status=200,
           summary="Complete a migration."),
    Action(PATH, "os-extend_volume_completion", extend_completion, ADMIN + "extend_volume_completion",
           {"type": "object", "additionalProperties": False, "properties": {"error": FLAG}}, since="3.71",
           summary="Complete an extension."),
    Action(PATH, "os-unmanage", unmanage, "volume_extension:volume_unmanage", summary="Unmanage a volume."),
    Action(PATH, "revert", revert, "volume:revert_to_snapshot",
           _one("snapshot_id", {"type": "string", "format": "uuid"}), since="3.40", summary="Revert to a snapshot."),
    Action(PATH, "os-reimage", reimage, "volume:reimage",
           {"type": "object", "required": ["image_id"], "additionalProperties": False,
            "properties": {"image_id": {"type": "string", "format": "uuid"}, "reimage_reserved": FLAG}},
           since="3.68", summary="Reimage a volume."),
)
