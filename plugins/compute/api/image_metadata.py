"""Images' metadata over HTTP as compute had it until microversion 2.38: their properties in the image service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import BadRequest, Forbidden, NotFound, TooLarge
from ....core.http.call import Call
from ....core.http.table import Operation
from ....core.services.image import ImageService
from .images import RULE, find
from .parameters import wrapped
from .server_schema import METADATA

if TYPE_CHECKING:
    from ..service import Service

ALL = wrapped("metadata", METADATA)
ONE = wrapped("meta", {**METADATA, "minProperties": 1, "maxProperties": 1})


def _set(service: Service, call: Call, metadata: Mapping[str, str], replace: bool = False) -> Mapping[str, str]:
    image = find(service, call)
    try:
        images = service.kit.peers.of(ImageService)
        return images.set_properties(call.context, image.id, metadata, replace).properties
    except TooLarge as exc:
        raise Forbidden(exc.message) from exc


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """All of an image's metadata."""
    return {"metadata": find(service, call).properties}


def create(service: Service, call: Call) -> Mapping[str, Any]:
    """Add items, or change those that are there."""
    return {"metadata": _set(service, call, call.body["metadata"])}


def replace(service: Service, call: Call) -> Mapping[str, Any]:
    """Replace all items."""
    return {"metadata": _set(service, call, call.body["metadata"], replace=True)}


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One item."""
    found, key = find(service, call).properties, call.path["key"]
    if key not in found:
        raise NotFound("Metadata item was not found")
    return {"meta": {key: found[key]}}


def set_item(service: Service, call: Call) -> Mapping[str, Any]:
    """Set one item."""
    key, meta = call.path["key"], call.body["meta"]
    if key not in meta:
        raise BadRequest("Request body and URI mismatch")
    _set(service, call, meta)
    return {"meta": meta}


def delete(service: Service, call: Call) -> None:
    """Delete one item."""
    image, key = find(service, call), call.path["key"]
    if key not in image.properties:
        raise NotFound("Invalid metadata key")
    service.kit.peers.of(ImageService).remove_property(call.context, image.id, key)


LAST = "2.38"
PATH = "/images/{image_id}/metadata"
ITEM = PATH + "/{key}"
OPERATIONS = (
    Operation("GET", PATH, index, RULE + "show", until=LAST, summary="List an image's metadata"),
    Operation("POST", PATH, create, RULE + "update", body=ALL, until=LAST, summary="Add to an image's metadata"),
    Operation("PUT", PATH, replace, RULE + "update", body=ALL, until=LAST, summary="Replace an image's metadata"),
    Operation("GET", ITEM, show, RULE + "show", until=LAST, summary="Show an item of an image's metadata"),
    Operation("PUT", ITEM, set_item, RULE + "update", body=ONE, until=LAST, summary="Set an item"),
    Operation("DELETE", ITEM, delete, RULE + "update", until=LAST, status=204, summary="Delete an item"),
)
