"""Images over HTTP as compute showed them until microversion 2.35: a view of the image service."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import Forbidden, NotFound
from ....core.http.call import Call
from ....core.http.moment import parse
from ....core.http.table import Operation, Query
from ....core.services.image import ImageQuestion, ImageRecord, ImageService
from .links import links, next_links

if TYPE_CHECKING:
    from ..service import Service

STATUSES = {"active": "ACTIVE", "queued": "SAVING", "saving": "SAVING", "uploading": "SAVING",
            "importing": "SAVING", "deleted": "DELETED", "pending_delete": "DELETED", "killed": "ERROR"}
"""The image service's words in compute's; any other is UNKNOWN."""
PROGRESS = {"active": 100, "saving": 50, "queued": 25}
"""Per cent."""
PROPERTY = "property-"
LIST = Query({"limit": "*natural", "marker": "*text", "name": "*text", "status": "*text", "changes-since": "*moment",
              "server": "*text", "type": "*text", "minDisk": "*natural", "minRam": "*natural"})


def view(call: Call, image: ImageRecord) -> dict[str, Any]:
    """An image with all that compute told of it."""
    shown: dict[str, Any] = {
        **brief(call, image), "status": STATUSES.get(image.status, "UNKNOWN"),
        "progress": PROGRESS.get(image.status, 0), "minDisk": image.min_disk, "minRam": image.min_ram,
        "created": _second(image.created_at), "updated": _second(image.updated_at), "metadata": image.properties,
        "OS-EXT-IMG-SIZE:size": image.size}
    server_id = image.properties.get("instance_uuid")
    if server_id:
        shown["server"] = {"id": server_id, "links": links(call, "servers", server_id)}
    disk_config = image.properties.get("auto_disk_config")
    if disk_config is not None:
        shown["OS-DCF:diskConfig"] = "AUTO" if disk_config.lower() in ("true", "1", "yes") else "MANUAL"
    return shown


def brief(call: Call, image: ImageRecord) -> dict[str, Any]:
    """An image in a list without details."""
    return {"id": image.id, "name": image.name or None, "links": links(call, "images", image.id)}


def _second(text: str) -> str:
    return text[:19] + "Z"


def find(service: Service, call: Call) -> ImageRecord:
    """The image that the path names. :raises NotFound: there is none that the caller may see."""
    try:
        return service.kit.peers.of(ImageService).image(call.context, call.path["image_id"])
    except NotFound as exc:
        raise NotFound("Image not found.") from exc


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """A page of images."""
    return _page(service, call, "/images", brief)


def detail(service: Service, call: Call) -> Mapping[str, Any]:
    """A page of images with details."""
    return _page(service, call, "/images/detail", view)


def _page(service: Service, call: Call, path: str,
          shown: Callable[[Call, ImageRecord], dict[str, Any]]) -> Mapping[str, Any]:
    most = int(service.kit.options.max_limit)
    asked = call.number("limit")
    limit = most if asked is None else min(asked, most)
    found = service.kit.peers.of(ImageService).images(call.context, _question(call, limit))
    body: dict[str, Any] = {"images": [shown(call, image) for image in found]}
    if more := next_links(call, found, limit, path, found[-1].id if found else ""):
        body["images_links"] = more
    return body


def _question(call: Call, limit: int) -> ImageQuestion:
    properties = {name[len(PROPERTY):]: values[-1] for name, values in call.query.items() if name.startswith(PROPERTY)}
    if server := call.one("server"):
        properties["instance_uuid"] = server.rpartition("/")[2]
    if kind := call.one("type"):
        properties["image_type"] = kind
    return ImageQuestion(
        name=call.one("name"), statuses=_statuses(call.one("status")), properties=properties,
        min_disk=call.number("minDisk"), min_ram=call.number("minRam"),
        changed_since=_changed_since(call.one("changes-since")), marker=call.one("marker"), limit=limit)


def _statuses(text: str) -> list[str]:
    """What the image service calls a status of compute's; an unknown word is passed on and finds nothing."""
    if not text:
        return []
    return [theirs for theirs, ours in STATUSES.items() if ours == text.upper()] or [text.lower()]


def _changed_since(text: str) -> datetime.datetime | None:
    return parse(text, f"Invalid changes-since: {text[:100]}") if text else None


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One image."""
    return {"image": view(call, find(service, call))}


def delete(service: Service, call: Call) -> None:
    """Delete an image."""
    image = find(service, call)
    try:
        service.kit.peers.of(ImageService).delete(call.context, image.id)
    except Forbidden as exc:
        raise Forbidden("You are not allowed to delete the image.") from exc


RULE = "os_compute_api:images:"
LAST = "2.35"
ONE = "/images/{image_id}"
OPERATIONS = (
    Operation("GET", "/images", index, RULE + "index", query=LIST, until=LAST, summary="List images"),
    Operation("GET", "/images/detail", detail, RULE + "index", query=LIST, until=LAST,
              summary="List images with details"),
    Operation("GET", ONE, show, RULE + "show", until=LAST, summary="Show an image"),
    Operation("DELETE", ONE, delete, RULE + "delete", until=LAST, status=204, summary="Delete an image"),
)
