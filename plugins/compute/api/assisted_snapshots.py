"""Assisted snapshots of volumes over HTTP; only block storage asks for them."""

from __future__ import annotations

from typing import Any

import msgspec

from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from ....core.http.validation import is_uuid
from .. import assisted_snapshots
from ..service import Service
from .parameters import closed, wrapped
from .server_schema import UUID

NAME = {"type": "string", "minLength": 1, "maxLength": 255}
CREATE = wrapped("snapshot", closed({"volume_id": UUID, "create_info": closed(
    {"snapshot_id": UUID, "type": {"type": "string", "enum": ["qcow2"]},
     "new_file": {**NAME, "pattern": r"^(?!\.{1,2}$)[^/\x00]+$"}, "id": NAME},
    ("snapshot_id", "type", "new_file"))}, ("volume_id", "create_info")))
INFO = {"delete_info": "*text"}


class DeleteInfo(msgspec.Struct):
    """What a request to delete says of the files."""

    volume_id: str
    file_to_merge: str | None = None
    merge_target_file: str | None = None


def create(service: Service, call: Call) -> Any:
    """Have a volume's guest write to a new file."""
    asked = call.body["snapshot"]
    info = asked["create_info"]
    assisted_snapshots.create(service.kit, call.context, asked["volume_id"], info["snapshot_id"], info["new_file"])
    return {"snapshot": {"id": info.get("id") or info["snapshot_id"], "volumeId": asked["volume_id"]}}


def delete(service: Service, call: Call) -> None:
    """Have a volume's guest merge two files. :raises BadRequest: ``delete_info`` cannot be read."""
    try:
        info = msgspec.json.decode(call.one("delete_info"), type=DeleteInfo)
    except msgspec.DecodeError as exc:
        raise BadRequest("delete_info is no JSON object with a volume_id") from exc
    if not is_uuid(info.volume_id):
        raise BadRequest("Invalid delete_info: volume_id is no UUID")
    for name in (info.file_to_merge, info.merge_target_file):
        if name and (name in (".", "..") or "/" in name or "\0" in name):
            raise BadRequest("Invalid delete_info: a file's name has no folder")
    assisted_snapshots.delete(service.kit, call.context, info.volume_id, call.path["snapshot_id"],
                              info.file_to_merge or "", info.merge_target_file or "")


RULE = "os_compute_api:os-assisted-volume-snapshots:"
ALL = "/os-assisted-volume-snapshots"
OPERATIONS = (
    Operation("POST", ALL, create, RULE + "create", body=CREATE, summary="Assist with a volume's snapshot"),
    Operation("DELETE", ALL + "/{snapshot_id}", delete, RULE + "delete",
              query={"2.1": Query(INFO), "2.75": Query(INFO, strict=True)}, status=204,
              summary="Assist with removing a volume's snapshot"),
)
