"""Regions, services and endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation
from ..catalog import INTERFACES
from ..service import Identity
from ..tables import endpoints, regions, services
from .lists import LIST, answer, conditions, in_sql, page, query, split
from .schemas import BOOLEAN, ID, NAME, TEXT, body

REGION_ID = {"type": ["string", "null"], "maxLength": 255}
REGION = body("region", {"id": REGION_ID, "description": TEXT, "parent_region_id": REGION_ID})
SERVICE_PROPERTIES = {"type": NAME, "name": {"type": "string", "maxLength": 255},
                      "description": TEXT, "enabled": BOOLEAN}
ENDPOINT_PROPERTIES = {"service_id": ID, "region_id": REGION_ID, "region": REGION_ID, "enabled": BOOLEAN,
                       "interface": {"enum": list(INTERFACES)}, "name": NAME, "description": TEXT,
                       "url": {"type": "string", "minLength": 1, "maxLength": 2048, "pattern": "^[a-zA-Z0-9+.-]+:.+"}}


def region_view(call: Call, row: Row) -> dict[str, Any]:
    """A region as the API shows it."""
    return {**row.extra, "id": row.id, "description": row.description, "parent_region_id": row.parent_id or None,
            "links": {"self": call.address(f"/v3/regions/{row.id}")}}


def list_regions(service: Identity, call: Call) -> Mapping[str, Any]:
    """List regions."""
    found = [regions.c.parent_id == value for value in call.many("parent_region_id")]
    rows = service.catalog.all(regions, found, page(service, call))
    return answer(service, call, "regions", [region_view(call, row) for row in rows])


def _region_values(call: Call) -> dict[str, Any]:
    known, extra = split(call.body["region"], ("description", "parent_region_id"))
    values: dict[str, Any] = {"extra": extra}
    if "description" in known:
        values["description"] = known["description"] or ""
    if "parent_region_id" in known:
        values["parent_id"] = known["parent_region_id"] or ""
    return values


def create_region(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a region, with the id given if there is one."""
    given = call.body["region"].get("id") or ""
    if "region_id" in call.path and given not in ("", call.path["region_id"]):
        raise BadRequest("The ids in the path and in the body differ.")
    row = service.catalog.create_region(call.context, call.path.get("region_id", given), _region_values(call))
    return {"region": region_view(call, row)}


def show_region(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a region."""
    return {"region": region_view(call, service.catalog.find(regions, "region", call.path["region_id"]))}


def update_region(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a region."""
    row = service.catalog.update_region(call.context, call.path["region_id"], _region_values(call))
    return {"region": region_view(call, row)}


def delete_region(service: Identity, call: Call) -> None:
    """Delete a region."""
    service.catalog.delete_region(call.context, call.path["region_id"])


def service_view(call: Call, row: Row) -> dict[str, Any]:
    """A service as the API shows it."""
    return {**row.extra, "id": row.id, "type": row.type, "name": row.name, "enabled": row.enabled,
            "links": {"self": call.address(f"/v3/services/{row.id}")}}


def list_services(service: Identity, call: Call) -> Mapping[str, Any]:
    """List services."""
    found = in_sql(services, conditions(call, ("name", "type")))
    rows = service.catalog.all(services, found, page(service, call))
    return answer(service, call, "services", [service_view(call, row) for row in rows])


def _service_values(call: Call) -> dict[str, Any]:
    known, extra = split(call.body["service"], ("type", "name", "enabled"))
    return {**known, "extra": extra}


def create_service(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a service."""
    return {"service": service_view(call, service.catalog.create_service(call.context, _service_values(call)))}


def show_service(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a service."""
    return {"service": service_view(call, service.catalog.find(services, "service", call.path["service_id"]))}


def update_service(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a service."""
    row = service.catalog.update_service(call.context, call.path["service_id"], _service_values(call))
    return {"service": service_view(call, row)}


def delete_service(service: Identity, call: Call) -> None:
    """Delete a service."""
    service.catalog.delete_service(call.context, call.path["service_id"])


def endpoint_view(call: Call, row: Row) -> dict[str, Any]:
    """An endpoint as the API shows it."""
    return {**row.extra, "id": row.id, "service_id": row.service_id, "region_id": row.region_id or None,
            "region": row.region_id or None, "interface": row.interface, "url": row.url, "enabled": row.enabled,
            "links": {"self": call.address(f"/v3/endpoints/{row.id}")}}


def list_endpoints(service: Identity, call: Call) -> Mapping[str, Any]:
    """List endpoints."""
    found = in_sql(endpoints, conditions(call, ("service_id", "region_id", "interface")))
    found += [endpoints.c.region_id == value for value in call.many("region")]
    rows = service.catalog.all(endpoints, found, page(service, call))
    return answer(service, call, "endpoints", [endpoint_view(call, row) for row in rows])


def _endpoint_values(service: Identity, call: Call) -> dict[str, Any]:
    known, extra = split(call.body["endpoint"], ("service_id", "region_id", "region", "interface", "url", "enabled"))
    legacy = known.pop("region", None)
    if "region_id" in known:
        known["region_id"] = known["region_id"] or ""
    elif legacy:
        service.catalog.ensure_region(call.context, legacy)
        known["region_id"] = legacy
    return {**known, "extra": extra}


def create_endpoint(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create an endpoint; the older attribute ``region`` makes the region at need."""
    row = service.catalog.create_endpoint(call.context, _endpoint_values(service, call))
    return {"endpoint": endpoint_view(call, row)}


def show_endpoint(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show an endpoint."""
    return {"endpoint": endpoint_view(call, service.catalog.find(endpoints, "endpoint", call.path["endpoint_id"]))}


def update_endpoint(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update an endpoint."""
    row = service.catalog.update_endpoint(call.context, call.path["endpoint_id"], _endpoint_values(service, call))
    return {"endpoint": endpoint_view(call, row)}


def delete_endpoint(service: Identity, call: Call) -> None:
    """Delete an endpoint."""
    service.catalog.delete_endpoint(call.context, call.path["endpoint_id"])


R, S, E = "/regions/{region_id}", "/services/{service_id}", "/endpoints/{endpoint_id}"
OPERATIONS = (
    Operation("GET", "/regions", list_regions, "identity:list_regions", query=query(parent_region_id="text"),
              summary="List regions"),
    Operation("POST", "/regions", create_region, "identity:create_region", body=REGION, status=201,
              summary="Create a region"),
    Operation("PUT", R, create_region, "identity:create_region", body=REGION, status=201,
              summary="Create a region with an id"),
    Operation("GET", R, show_region, "identity:get_region", summary="Show a region"),
    Operation("PATCH", R, update_region, "identity:update_region", body=REGION, summary="Update a region"),
    Operation("DELETE", R, delete_region, "identity:delete_region", status=204, summary="Delete a region"),
    Operation("GET", "/services", list_services, "identity:list_services", query=LIST, summary="List services"),
    Operation("POST", "/services", create_service, "identity:create_service",
              body=body("service", SERVICE_PROPERTIES, ["type"]), status=201, summary="Create a service"),
    Operation("GET", S, show_service, "identity:get_service", summary="Show a service"),
    Operation("PATCH", S, update_service, "identity:update_service", body=body("service", SERVICE_PROPERTIES, least=1),
              summary="Update a service"),
    Operation("DELETE", S, delete_service, "identity:delete_service", status=204, summary="Delete a service"),
    Operation("GET", "/endpoints", list_endpoints, "identity:list_endpoints", query=LIST, summary="List endpoints"),
    Operation("POST", "/endpoints", create_endpoint, "identity:create_endpoint",
              body=body("endpoint", ENDPOINT_PROPERTIES, ["interface", "service_id", "url"]), status=201,
              summary="Create an endpoint"),
    Operation("GET", E, show_endpoint, "identity:get_endpoint", summary="Show an endpoint"),
    Operation("PATCH", E, update_endpoint, "identity:update_endpoint",
              body=body("endpoint", ENDPOINT_PROPERTIES, least=1), summary="Update an endpoint"),
    Operation("DELETE", E, delete_endpoint, "identity:delete_endpoint", status=204, summary="Delete an endpoint"),
)
