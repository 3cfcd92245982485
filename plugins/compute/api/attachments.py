"""Servers' volumes and interfaces over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call, Reply
from ....core.http.table import Operation, Query
from ....core.services.network import Nic, NicRequest
from .. import attachments, tending
from ..service import Service
from .parameters import BOOLEAN, Piece, closed, wrapped
from .server_schema import DEVICE_TAG, UUID

VOLUMES = "/servers/{server_id}/os-volume_attachments"
INTERFACES = "/servers/{server_id}/os-interface"
VOLUME_RULE = "os_compute_api:os-volumes-attachments:"
INTERFACE_RULE = "os_compute_api:os-attach-interfaces:"

DEVICE: Piece = {"type": ["string", "null"], "maxLength": 255, "pattern": "^/dev/x?[a-z]{0,2}[a-z]+[0-9]*$"}
_ATTACH: Piece = {"volumeId": UUID, "device": DEVICE}
ATTACH = {
    "2.1": wrapped("volumeAttachment", closed(_ATTACH, ("volumeId",))),
    "2.49": wrapped("volumeAttachment", closed({**_ATTACH, "tag": DEVICE_TAG}, ("volumeId",))),
    "2.79": wrapped("volumeAttachment", closed({**_ATTACH, "tag": DEVICE_TAG, "delete_on_termination": BOOLEAN},
                                               ("volumeId",))),
}
_UPDATE: Piece = {"volumeId": UUID, "device": DEVICE, "tag": DEVICE_TAG, "delete_on_termination": BOOLEAN,
                  "serverId": UUID, "id": UUID, "attachment_id": UUID, "bdm_uuid": UUID}
UPDATE = {
    "2.1": wrapped("volumeAttachment", closed({"volumeId": UUID}, ("volumeId",))),
    "2.85": wrapped("volumeAttachment", closed(_UPDATE, ("volumeId",))),
}
FIXED: Piece = {"type": "array", "minItems": 1, "maxItems": 1,
                "items": closed({"ip_address": {"type": "string", "format": "ip"}}, ("ip_address",))}
_INTERFACE: Piece = {"net_id": UUID, "port_id": UUID, "fixed_ips": FIXED}


def _plug(pieces: Piece) -> Piece:
    return {"oneOf": [{"type": "null"}, closed({"interfaceAttachment": closed(pieces)})]}


PLUG = {"2.1": _plug(_INTERFACE), "2.49": _plug({**_INTERFACE, "tag": DEVICE_TAG})}
PAGE = {"2.1": Query({"limit": "*natural", "offset": "*natural"}),
        "2.75": Query({"limit": "*natural", "offset": "*natural"}, strict=True)}


def _volume(row: Row, call: Call) -> dict[str, Any]:
    found = {"volumeId": row.volume_id, "serverId": row.server_id, "device": row.device or None}
    if call.version < (2, 89):
        found["id"] = row.volume_id
    elif call.operation.method == "GET":
        found |= {"attachment_id": row.attachment_id or None, "bdm_uuid": row.id}
    if call.since("2.70"):
        found["tag"] = row.tag or None
    if call.since("2.79"):
        found["delete_on_termination"] = row.delete_on_termination
    return found


def volumes(service: Service, call: Call) -> Any:
    """A server's volumes."""
    rows = attachments.volumes(service.kit, call.context, call.path["server_id"])
    offset, limit = call.number("offset") or 0, call.number("limit")
    shown = rows[offset:] if limit is None else rows[offset:offset + limit]
    return {"volumeAttachments": [_volume(row, call) for row in shown]}


def volume(service: Service, call: Call) -> Any:
    """One volume of a server."""
    row = attachments.volume(service.kit, call.context, call.path["server_id"], call.path["volume_id"])
    return {"volumeAttachment": _volume(row, call)}


def attach_volume(service: Service, call: Call) -> Any:
    """Begin to attach a volume."""
    row = attachments.attach_volume(service.kit, call.context, call.path["server_id"], call.body["volumeAttachment"],
                                    shelved=call.since("2.20"), multiattach=call.since("2.60"))
    return Reply(None, status=202) if call.since("2.101") else {"volumeAttachment": _volume(row, call)}


def update_volume(service: Service, call: Call) -> None:
    """Put another volume in the attachment's place, or since 2.85 change what becomes of the volume."""
    server_id, volume_id = call.path["server_id"], call.path["volume_id"]
    wish = call.body["volumeAttachment"]
    target = {"project_id": call.context.project_id}
    if call.version < (2, 85) or wish["volumeId"] != volume_id:
        call.enforce(VOLUME_RULE + "swap", target)
    if wish["volumeId"] != volume_id:
        tending.swap_volume(service.kit, call.context, server_id, volume_id, wish["volumeId"])
    elif call.version < (2, 85):
        raise BadRequest("Invalid volume: New volume must be detached in order to swap.")
    if call.version >= (2, 85):
        if wish["volumeId"] == volume_id:
            call.enforce(VOLUME_RULE + "update", target)
        attachments.update_volume(service.kit, call.context, server_id, volume_id, wish)


def detach_volume(service: Service, call: Call) -> None:
    """Begin to detach a volume."""
    attachments.detach_volume(service.kit, call.context, call.path["server_id"], call.path["volume_id"],
                              shelved=call.since("2.20"))


def _interface(nic: Nic, call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {
        "port_id": nic.port_id, "net_id": nic.network_id, "mac_addr": nic.mac, "port_state": nic.state,
        "fixed_ips": [{"subnet_id": one.subnet_id, "ip_address": one.address} for one in nic.addresses
                      if one.kind == "fixed"]}
    if call.since("2.70"):
        found["tag"] = nic.tag or None
    return found


def interfaces(service: Service, call: Call) -> Any:
    """A server's interfaces."""
    found = attachments.interfaces(service.kit, call.context, call.path["server_id"])
    return {"interfaceAttachments": [_interface(nic, call) for nic in found]}


def interface(service: Service, call: Call) -> Any:
    """One interface of a server."""
    nic = attachments.interface(service.kit, call.context, call.path["server_id"], call.path["port_id"])
    return {"interfaceAttachment": _interface(nic, call)}


def attach_interface(service: Service, call: Call) -> Any:
    """Give a server one more interface."""
    wish = (call.body or {}).get("interfaceAttachment") or {}
    asked = None
    if wish.get("net_id") and wish.get("port_id"):
        raise BadRequest("Must not input both network_id and port_id")
    if wish.get("fixed_ips") and not wish.get("net_id"):
        raise BadRequest("Must input network_id when request IP address")
    if wish.get("net_id") or wish.get("port_id"):
        fixed = wish.get("fixed_ips") or [{"ip_address": ""}]
        asked = NicRequest(network_id=wish.get("net_id", ""), port_id=wish.get("port_id", ""),
                           fixed_ip=fixed[0]["ip_address"], tag=wish.get("tag", ""))
    nic = attachments.attach_interface(service.kit, call.context, call.path["server_id"], asked)
    return {"interfaceAttachment": _interface(nic, call)}


def detach_interface(service: Service, call: Call) -> None:
    """Begin to take an interface out of a server."""
    attachments.detach_interface(service.kit, call.context, call.path["server_id"], call.path["port_id"])


OPERATIONS = (
    Operation("GET", VOLUMES, volumes, VOLUME_RULE + "index", query=PAGE),
    Operation("POST", VOLUMES, attach_volume, VOLUME_RULE + "create", body=ATTACH),
    Operation("GET", VOLUMES + "/{volume_id}", volume, VOLUME_RULE + "show"),
    Operation("PUT", VOLUMES + "/{volume_id}", update_volume, VOLUME_RULE + "update", body=UPDATE, status=202),
    Operation("DELETE", VOLUMES + "/{volume_id}", detach_volume, VOLUME_RULE + "delete", status=202),
    Operation("GET", INTERFACES, interfaces, INTERFACE_RULE + "list"),
    Operation("POST", INTERFACES, attach_interface, INTERFACE_RULE + "create", body=PLUG),
    Operation("GET", INTERFACES + "/{port_id}", interface, INTERFACE_RULE + "show"),
    Operation("DELETE", INTERFACES + "/{port_id}", detach_interface, INTERFACE_RULE + "delete", status=202),
)
