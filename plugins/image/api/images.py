"""Images over HTTP: create, show, list, change and delete; tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ....core.db.engine import Row
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call, Reply
from ....core.http.moment import to_second
from ....core.http.table import Operation
from ....core.http.validation import parse_json
from .. import images, listing, patch
from ..schemas import ATTRIBUTES, READ_ONLY, RESERVED
from ..service import Images
from .targets import own

PATCH_BYTES = 1 << 20
CONTROL = ("limit", "marker", "sort", "sort_key", "sort_dir")
SETTABLE = tuple(name for name in ATTRIBUTES if name not in READ_ONLY and name != "tags")
CREATE = {
    "type": "object",
    # Read-only names are let through here, so that the answer can be the API's own 403.
    "properties": {**{name: {} for name in (*READ_ONLY, *RESERVED)}, **{name: ATTRIBUTES[name] for name in SETTABLE},
                   "id": ATTRIBUTES["id"], "tags": ATTRIBUTES["tags"]},
    "additionalProperties": {"type": "string"},
    "propertyNames": {"minLength": 1, "maxLength": 255},
}


def view(row: Any) -> dict[str, Any]:
    """A row as the API shows it."""
    (id, name, owner, status, visibility, disk_format, container_format, size, virtual_size, min_disk, min_ram,
     checksum, algorithm, digest, protected, hidden, properties, tags, _, _, created, updated) = row
    path = f"/v2/images/{id}"
    body: dict[str, Any] = dict(properties)
    body.update(
        name=name, disk_format=disk_format, container_format=container_format, visibility=visibility, size=size,
        virtual_size=virtual_size, status=status, checksum=checksum, protected=protected, min_ram=min_ram,
        min_disk=min_disk, owner=owner, os_hidden=hidden, os_hash_algo=algorithm, os_hash_value=digest, id=id,
        created_at=to_second(created), updated_at=to_second(updated), tags=tags, self=path, file=path + "/file",
        schema="/v2/schemas/image")
    return body


def show(service: Images, call: Call) -> dict[str, Any]:
    """One image."""
    return shown(service, images.show(service.kit, call.context, call.path["image_id"]))


def shown(service: Images, row: Row) -> dict[str, Any]:
    """A row as the API shows it, with the store that holds its data."""
    body = view(row)
    if row.status in ("active", "deactivated"):
        body["stores"] = service.kit.options.store
    return body


def create(service: Images, call: Call) -> Reply:
    """Make an image."""
    body: dict[str, Any] = dict(call.body)
    image_id = body.pop("id", "")
    for name in body:
        patch.check_name(name)
    known = {name: body.pop(name) for name in (*SETTABLE, "tags") if name in body}
    known["owner"] = known.get("owner") or ""
    row = images.create(service.kit, call.context, images.NewImage(id=image_id, properties=body, **known))
    return Reply(shown(service, row), headers={"Location": call.address(f"/v2/images/{row.id}"),
                                               "OpenStack-image-import-methods": "glance-direct"})


def update(service: Images, call: Call) -> dict[str, Any]:
    """Apply a JSON patch."""
    data = b"".join(call.chunks(PATCH_BYTES))
    changes = patch.read(call.header("CONTENT-TYPE"), parse_json(data))
    return shown(service, images.update(service.kit, call.context, call.path["image_id"], changes))


def delete(service: Images, call: Call) -> None:
    """Delete an image."""
    images.delete(service.kit, call.context, call.path["image_id"])


def tag(service: Images, call: Call) -> None:
    """Give an image a tag."""
    if len(call.path["tag"]) > 255:
        raise BadRequest("A tag has at most 255 characters")
    images.tag(service.kit, call.context, call.path["image_id"], call.path["tag"])


def untag(service: Images, call: Call) -> None:
    """Take a tag from an image."""
    images.untag(service.kit, call.context, call.path["image_id"], call.path["tag"])


def nameless(service: Images, call: Call) -> None:
    """An image without an id is none."""
    raise NotFound("No image found with an empty ID")


def listed(service: Images, call: Call) -> dict[str, Any]:
    """One page of images."""
    if call.request.env["PATH_INFO"].endswith("/"):
        nameless(service, call)
    question = listing.ask({name: values for name, values in call.query.items() if name not in CONTROL})
    question.limit = _limit(service, call)
    question.marker = call.one("marker")
    question.sort = _sort(call.query)
    rows = listing.listed(service.kit, call.context, question)
    body: dict[str, Any] = {"images": [shown(service, row) for row in rows], "schema": "/v2/schemas/images",
                            "first": _link(call.query, "")}
    if rows and len(rows) == question.limit:
        body["next"] = _link(call.query, rows[-1].id)
    return body


def _limit(service: Images, call: Call) -> int:
    given = call.one("limit")
    if not given:
        return int(service.kit.options.page_limit)
    if not re.fullmatch(r"[0-9]{1,9}", given):
        raise BadRequest("limit param must be an integer of 0 or more")
    return min(int(given), int(service.kit.options.page_limit_max))


def _sort(query: Mapping[str, list[str]]) -> tuple[tuple[str, str], ...]:
    if "sort" not in query and "sort_key" not in query and "sort_dir" not in query:
        return listing.DEFAULT_SORT
    pairs = _sort_pairs(query)
    for name, direction in pairs:
        if name not in listing.SORT_KEYS:
            raise BadRequest(f"Invalid sort key: {name}. It must be one of the following: "
                             f"{', '.join(listing.SORT_KEYS)}.")
        if direction not in ("asc", "desc"):
            raise BadRequest(f"Invalid sort direction: {direction}")
    given = [name for name, _ in pairs]
    last = pairs[-1][1] if pairs else "desc"
    return (*pairs, *((name, last) for name in ("created_at", "id") if name not in given))


def _sort_pairs(query: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    if "sort" in query:
        if "sort_key" in query or "sort_dir" in query:
            raise BadRequest("Old and new sorting syntax cannot be combined")
        parts = [part.strip() for part in query["sort"][-1].split(",")]
        return [(name, direction or "desc") for name, _, direction in (part.partition(":") for part in parts)]
    keys = query.get("sort_key", ["created_at"])
    directions = query.get("sort_dir", ["desc"])
    if len(directions) not in (1, len(keys)):
        raise BadRequest("Number of sort dirs does not match the number of sort keys")
    return list(zip(keys, directions * len(keys) if len(directions) == 1 else directions, strict=False))


def _link(query: Mapping[str, list[str]], marker: str) -> str:
    pairs = [(name, value) for name, values in query.items() if name != "marker" for value in values]
    if marker:
        pairs.append(("marker", marker))
    return "/v2/images" + (f"?{urlencode(pairs)}" if pairs else "")


OPERATIONS = (
    Operation("POST", "/images", create, "add_image", body=CREATE, status=201, target=own, summary="Create an image."),
    Operation("GET", "/images", listed, "get_images", summary="List images."),
    Operation("DELETE", "/images", nameless, "delete_image", status=204, summary="Refuse an empty id."),
    Operation("GET", "/images/{image_id}", show, "get_image", target=own, summary="Show an image."),
    Operation("PATCH", "/images/{image_id}", update, "modify_image", raw=True, summary="Change an image."),
    Operation("DELETE", "/images/{image_id}", delete, "delete_image", status=204, summary="Delete an image."),
    Operation("PUT", "/images/{image_id}/tags/{tag}", tag, "modify_image", status=204, summary="Add a tag."),
    Operation("DELETE", "/images/{image_id}/tags/{tag}", untag, "modify_image", status=204, summary="Remove a tag."),
)
