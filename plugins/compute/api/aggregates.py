"""Host aggregates over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Action, Operation
from .. import aggregates
from ..aggregates import Aggregate
from ..hypervisors import number
from ..picture import ZONE_KEY
from .parameters import HOST, NAME, PRINTABLE, closed, wrapped
from .server_schema import UUID

if TYPE_CHECKING:
    from ..service import Service

ZONE = {"type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": "^[^\\s:]([^:]*[^\\s:])?$"}
CREATE = wrapped("aggregate", closed({"name": NAME, "availability_zone": ZONE}, ("name",)))
SPACED = {**NAME, "pattern": f"^[^{PRINTABLE}]*[^\\s{PRINTABLE}][^{PRINTABLE}]*$"}
"""A name with spaces around it, which are taken away."""
UPDATE = wrapped("aggregate", {**closed({"name": SPACED, "availability_zone": ZONE}), "minProperties": 1})
ITEMS = {"type": "object", "propertyNames": {"pattern": "^[a-zA-Z0-9_:. -]{1,255}$"},
         "properties": {ZONE_KEY: ZONE}, "additionalProperties": {"type": ["string", "null"], "maxLength": 255}}
ONE_HOST = closed({"host": HOST}, ("host",))
IMAGES = closed({"cache": {"type": "array", "minItems": 1, "items": closed({"id": UUID}, ("id",))}}, ("cache",))
METADATA = closed({"metadata": ITEMS}, ("metadata",))


def _made(call: Call, one: Aggregate) -> dict[str, Any]:
    row = one.row
    shown = {"id": row.id, "name": row.name, "availability_zone": one.zone,
             "created_at": to_microsecond(row.created_at), "updated_at": to_microsecond(row.updated_at),
             "deleted": False, "deleted_at": None}
    if call.version >= (2, 41):
        shown["uuid"] = row.uuid
    return shown


def _view(call: Call, one: Aggregate) -> dict[str, Any]:
    return {**_made(call, one), "hosts": one.hosts, "metadata": one.metadata}


def _id(call: Call) -> int:
    return number(call.path["aggregate_id"])


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """All aggregates."""
    return {"aggregates": [_view(call, one) for one in aggregates.listed(service.kit)]}


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One aggregate."""
    return {"aggregate": _view(call, aggregates.find(service.kit, _id(call)))}


def create(service: Service, call: Call) -> Mapping[str, Any]:
    """Make an aggregate."""
    asked = call.body["aggregate"]
    return {"aggregate": _made(call, aggregates.create(service.kit, service.fleet, call.context, asked["name"],
                                                       asked.get("availability_zone")))}


def update(service: Service, call: Call) -> Mapping[str, Any]:
    """Change an aggregate's name or zone."""
    asked = call.body["aggregate"]
    zone = {ZONE_KEY: asked["availability_zone"]} if "availability_zone" in asked else {}
    name = asked["name"].strip() if "name" in asked else None
    return {"aggregate": _view(call, aggregates.rename(service.kit, service.fleet, call.context, _id(call), name,
                                                       zone))}


def delete(service: Service, call: Call) -> None:
    """Delete an empty aggregate."""
    aggregates.delete(service.kit, service.fleet, call.context, _id(call))


def add_host(service: Service, call: Call) -> Mapping[str, Any]:
    """Put a host into an aggregate."""
    return {"aggregate": _view(call, aggregates.add_host(service.kit, service.fleet, call.context, _id(call),
                                                         call.body["add_host"]["host"]))}


def remove_host(service: Service, call: Call) -> Mapping[str, Any]:
    """Take a host out of an aggregate."""
    return {"aggregate": _view(call, aggregates.remove_host(service.kit, service.fleet, call.context, _id(call),
                                                            call.body["remove_host"]["host"]))}


def set_metadata(service: Service, call: Call) -> Mapping[str, Any]:
    """Set or remove items of an aggregate's metadata."""
    return {"aggregate": _view(call, aggregates.set_metadata(service.kit, service.fleet, call.context, _id(call),
                                                             call.body["set_metadata"]["metadata"]))}


def cache_images(service: Service, call: Call) -> None:
    """Begin to fetch images to the hosts of an aggregate."""
    aggregates.cache_images(service.kit, call.context, _id(call), [one["id"] for one in call.body["cache"]])


RULE = "os_compute_api:os-aggregates:"
ALL, ONE = "/os-aggregates", "/os-aggregates/{aggregate_id}"
OPERATIONS = (
    Operation("GET", ALL, index, RULE + "index", summary="List aggregates"),
    Operation("POST", ALL, create, RULE + "create", body=CREATE, summary="Create an aggregate"),
    Operation("GET", ONE, show, RULE + "show", summary="Show an aggregate"),
    Operation("PUT", ONE, update, RULE + "update", body=UPDATE, summary="Change an aggregate"),
    Operation("DELETE", ONE, delete, RULE + "delete", summary="Delete an aggregate"),
    Action(ONE + "/action", "add_host", add_host, RULE + "add_host", ONE_HOST, status=200,
           summary="Put a host into an aggregate"),
    Action(ONE + "/action", "remove_host", remove_host, RULE + "remove_host", ONE_HOST, status=200,
           summary="Take a host out of an aggregate"),
    Action(ONE + "/action", "set_metadata", set_metadata, RULE + "set_metadata", METADATA, status=200,
           summary="Set an aggregate's metadata"),
    Operation("POST", ONE + "/images", cache_images, "compute:aggregates:images", body=IMAGES, status=202, since="2.81",
              summary="Fetch images to the hosts of an aggregate"),
)
