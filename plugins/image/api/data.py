"""The data of images over HTTP: upload, download, stage, import; deactivate and reactivate."""

from __future__ import annotations

import re
from typing import Any

from ....core.errors import BadRequest, NotFound, RangeNotSatisfiable, UnsupportedMedia
from ....core.http.call import Call, Reply
from ....core.http.moment import to_second
from ....core.http.table import Operation
from ..service import Images
from .targets import own

OCTETS = "application/octet-stream"
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
IMPORT = {
    "type": "object", "required": ["method"],
    "properties": {
        "method": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        "stores": {"type": "array", "items": {"type": "string"}},
        "all_stores": {"type": "boolean"}, "all_stores_must_succeed": {"type": "boolean"}},
}


def _is_octets(call: Call) -> None:
    if call.header("CONTENT-TYPE").partition(";")[0].strip().lower() != OCTETS:
        raise UnsupportedMedia(f"Unsupported media type; use {OCTETS}")


def _limit(service: Images) -> int:
    return int(service.kit.options.size_cap_mib) << 20


def upload(service: Images, call: Call) -> None:
    """Give an image its data."""
    _is_octets(call)
    store = call.header("X-IMAGE-META-STORE")
    if store and store != service.kit.options.store:
        raise BadRequest(f"Store {store} is not configured")
    service.data.upload(call.context, call.path["image_id"], call.chunks(_limit(service)),
                        call.request.content_length)


def stage(service: Images, call: Call) -> None:
    """Put data aside for an import."""
    _is_octets(call)
    service.data.stage(call.context, call.path["image_id"], call.chunks(_limit(service)),
                       call.request.content_length)


def begin_import(service: Images, call: Call) -> None:
    """Import what was staged."""
    method = call.body["method"]["name"]
    if method != "glance-direct":
        raise BadRequest(f"Unknown import method name '{method}'; this cloud offers glance-direct")
    if call.body.get("stores") and call.body.get("all_stores"):
        raise BadRequest("stores and all_stores are mutually exclusive")
    unknown = set(call.body.get("stores", ())) - {service.kit.options.store}
    if unknown:
        raise BadRequest(f"Store {sorted(unknown)[0]} is not configured")
    service.data.import_staged(call.context, call.path["image_id"], method)


def download(service: Images, call: Call) -> Reply:
    """An image's data, or a range of it."""
    row = service.data.readable(call.context, call.path["image_id"])
    if row.status not in ("active", "deactivated"):
        return Reply(status=204)
    first, last = _range(call.header("RANGE"), row.size)
    length = last - first + 1
    headers = {"Accept-Ranges": "bytes"}
    if length == row.size and row.checksum:
        headers["Content-MD5"] = row.checksum
    partial = bool(call.header("RANGE"))
    if partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{row.size}"
    stream = service.data.store.read(row.id, first, length)
    return Reply(status=206 if partial else 200, headers=headers, stream=stream, length=length, content_type=OCTETS)


def _range(text: str, size: int) -> tuple[int, int]:
    """First and last byte that are asked for."""
    if not text:
        return 0, size - 1
    found = RANGE.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise RangeNotSatisfiable(f"Invalid range: {text[:100]}")
    first, last = found.groups()
    if not first:
        begin, end = max(0, size - int(last)), size - 1
    else:
        begin, end = int(first), min(int(last), size - 1) if last else size - 1
    if begin > end or begin >= size:
        raise RangeNotSatisfiable(f"Range {text[:100]} is not satisfiable for image size {size}")
    return begin, end


def deactivate(service: Images, call: Call) -> None:
    """Keep an image's data from being read."""
    service.data.turn(call.context, call.path["image_id"], "deactivate")


def reactivate(service: Images, call: Call) -> None:
    """Let an image's data be read again."""
    service.data.turn(call.context, call.path["image_id"], "reactivate")


def tasks(service: Images, call: Call) -> dict[str, Any]:
    """The imports of an image."""
    return {"tasks": [_task(row) for row in service.tasks(call.context, call.path["image_id"])]}


def _task(row: Any) -> dict[str, Any]:
    status = {"ready": "pending", "done": "success", "failed": "failure"}.get(row.state, "processing")
    return {"id": row.id, "type": "api_image_import", "status": status, "owner": row.project_id,
            "image_id": row.subject, "request_id": row.request_id, "user_id": row.user_id,
            "input": {"image_id": row.subject, "import_req": {"method": {"name": row.data.get("method", "")}}},
            "result": None, "message": (row.error or {}).get("message", ""), "expires_at": None,
            "created_at": to_second(row.started_at), "updated_at": to_second(row.updated_at),
            "deleted_at": None, "deleted": False}


def unstore(service: Images, call: Call) -> None:
    """Remove an image's data from one store; never from the last one."""
    if call.path["store"] != service.kit.options.store:
        raise NotFound(f"Store {call.path['store']} is not configured")
    raise BadRequest("Cannot delete the image's data from its only store; delete the image")


OPERATIONS = (
    Operation("PUT", "/images/{image_id}/file", upload, "upload_image", raw=True, status=204,
              summary="Upload an image's data."),
    Operation("GET", "/images/{image_id}/file", download, "download_image", target=own,
              summary="Download an image's data."),
    Operation("PUT", "/images/{image_id}/stage", stage, "upload_image", raw=True, status=204,
              summary="Stage an image's data."),
    Operation("POST", "/images/{image_id}/import", begin_import, "modify_image", body=IMPORT, status=202,
              summary="Import an image."),
    Operation("GET", "/images/{image_id}/tasks", tasks, "get_task", summary="List an image's tasks."),
    Operation("POST", "/images/{image_id}/actions/deactivate", deactivate, "deactivate", status=204,
              summary="Deactivate an image."),
    Operation("POST", "/images/{image_id}/actions/reactivate", reactivate, "reactivate", status=204,
              summary="Reactivate an image."),
    Operation("DELETE", "/stores/{store}/{image_id}", unstore, "delete_image", status=204,
              summary="Delete an image's data from one store."),
)
