"""Filtered catalogs (OS-EP-FILTER): endpoint groups, and what projects were given of the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.table import Operation
from ..catalog import INTERFACES
from ..service import Identity
from ..tables import endpoint_groups
from .catalog import endpoint_view
from .lists import LIST, answer, conditions, in_sql, page
from .projects import views as project_views
from .schemas import ID, NAME, TEXT, body

FILTERS = {"type": "object", "additionalProperties": False, "properties": {
    "service_id": ID, "region_id": {"type": ["string", "null"], "maxLength": 255},
    "interface": {"enum": list(INTERFACES)}}}
PROPERTIES = {"name": NAME, "description": TEXT, "filters": FILTERS}
CREATE = body("endpoint_group", PROPERTIES, ["name", "filters"])
UPDATE = body("endpoint_group", PROPERTIES, least=1)


def view(call: Call, row: Row) -> dict[str, Any]:
    """An endpoint group as the API shows it."""
    return {"id": row.id, "name": row.name, "description": row.description, "filters": row.filters,
            "links": {"self": call.address(f"/v3/OS-EP-FILTER/endpoint_groups/{row.id}")}}


def _values(call: Call) -> dict[str, Any]:
    return {name: value for name, value in call.body["endpoint_group"].items() if name in PROPERTIES}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List endpoint groups."""
    found = in_sql(endpoint_groups, conditions(call, ("name",)))
    rows = service.endpoint_groups.all(found, page(service, call))
    return answer(service, call, "endpoint_groups", [view(call, row) for row in rows])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create an endpoint group."""
    return {"endpoint_group": view(call, service.endpoint_groups.create(call.context, _values(call)))}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show an endpoint group."""
    return {"endpoint_group": view(call, service.endpoint_groups.find(call.path["endpoint_group_id"]))}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update an endpoint group."""
    row = service.endpoint_groups.update(call.context, call.path["endpoint_group_id"], _values(call))
    return {"endpoint_group": view(call, row)}


def delete(service: Identity, call: Call) -> None:
    """Delete an endpoint group."""
    service.endpoint_groups.delete(call.context, call.path["endpoint_group_id"])


def _endpoints(service: Identity, call: Call, rows: Sequence[Row]) -> Mapping[str, Any]:
    return answer(service, call, "endpoints", [endpoint_view(call, row) for row in rows])


def _projects(service: Identity, call: Call, rows: Sequence[Row]) -> Mapping[str, Any]:
    return answer(service, call, "projects", project_views(service, call, rows))


def group_endpoints(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the endpoints that meet the filters of a group."""
    return _endpoints(service, call, service.endpoint_groups.endpoints_of(call.path["endpoint_group_id"]))


def group_projects(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the projects that have a group."""
    return _projects(service, call, service.endpoint_groups.projects_of(call.path["endpoint_group_id"]))


def project_groups(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the groups that a project has."""
    rows = service.endpoint_groups.of_project(call.path["project_id"])
    return answer(service, call, "endpoint_groups", [view(call, row) for row in rows])


def project_endpoints(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the endpoints that a project was given."""
    return _endpoints(service, call, service.endpoint_groups.endpoints_in_project(call.path["project_id"]))


def endpoint_projects(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the projects that were given an endpoint."""
    return _projects(service, call, service.endpoint_groups.projects_with_endpoint(call.path["endpoint_id"]))


def give_group(service: Identity, call: Call) -> None:
    """Give a project a group."""
    service.endpoint_groups.give_group(call.context, call.path["endpoint_group_id"], call.path["project_id"])


def check_group(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show that a project has a group."""
    ids = {name: call.path[name] for name in ("endpoint_group_id", "project_id")}
    service.endpoint_groups.check_group(ids["endpoint_group_id"], ids["project_id"])
    return {"project_endpoint_group": {**ids, "links": {"self": call.address(call.request.path)}}}


def take_group(service: Identity, call: Call) -> None:
    """Take a group from a project."""
    service.endpoint_groups.take_group(call.context, call.path["endpoint_group_id"], call.path["project_id"])


def give_endpoint(service: Identity, call: Call) -> None:
    """Give a project an endpoint."""
    service.endpoint_groups.give_endpoint(call.context, call.path["endpoint_id"], call.path["project_id"])


def check_endpoint(service: Identity, call: Call) -> None:
    """Tell whether a project was given an endpoint."""
    service.endpoint_groups.check_endpoint(call.path["endpoint_id"], call.path["project_id"])


def take_endpoint(service: Identity, call: Call) -> None:
    """Take an endpoint from a project."""
    service.endpoint_groups.take_endpoint(call.context, call.path["endpoint_id"], call.path["project_id"])


ROOT = "/OS-EP-FILTER"
GROUPS = ROOT + "/endpoint_groups"
GROUP = GROUPS + "/{endpoint_group_id}"
GIVEN_GROUP = GROUP + "/projects/{project_id}"
PROJECT = ROOT + "/projects/{project_id}"
GIVEN = PROJECT + "/endpoints/{endpoint_id}"
OPERATIONS = (
    Operation("GET", GROUPS, index, "identity:list_endpoint_groups", query=LIST, summary="List endpoint groups"),
    Operation("POST", GROUPS, create, "identity:create_endpoint_group", body=CREATE, status=201,
              summary="Create an endpoint group"),
    Operation("GET", GROUP, show, "identity:get_endpoint_group", summary="Show an endpoint group"),
    Operation("PATCH", GROUP, update, "identity:update_endpoint_group", body=UPDATE,
              summary="Update an endpoint group"),
    Operation("DELETE", GROUP, delete, "identity:delete_endpoint_group", status=204,
              summary="Delete an endpoint group"),
    Operation("GET", GROUP + "/endpoints", group_endpoints, "identity:list_endpoints_associated_with_endpoint_group",
              summary="List an endpoint group's endpoints"),
    Operation("GET", GROUP + "/projects", group_projects, "identity:list_projects_associated_with_endpoint_group",
              summary="List the projects that have an endpoint group"),
    Operation("PUT", GIVEN_GROUP, give_group, "identity:add_endpoint_group_to_project", status=204,
              summary="Give a project an endpoint group"),
    Operation("GET", GIVEN_GROUP, check_group, "identity:get_endpoint_group_in_project",
              summary="Check whether a project has an endpoint group"),
    Operation("DELETE", GIVEN_GROUP, take_group, "identity:remove_endpoint_group_from_project", status=204,
              summary="Take an endpoint group from a project"),
    Operation("GET", PROJECT + "/endpoint_groups", project_groups, "identity:list_endpoint_groups_for_project",
              summary="List a project's endpoint groups"),
    Operation("GET", PROJECT + "/endpoints", project_endpoints, "identity:list_endpoints_for_project",
              summary="List a project's endpoints"),
    Operation("GET", ROOT + "/endpoints/{endpoint_id}/projects", endpoint_projects,
              "identity:list_projects_for_endpoint", summary="List the projects that were given an endpoint"),
    Operation("PUT", GIVEN, give_endpoint, "identity:add_endpoint_to_project", status=204,
              summary="Give a project an endpoint"),
    Operation("GET", GIVEN, check_endpoint, "identity:check_endpoint_in_project", status=204,
              summary="Check whether a project was given an endpoint"),
    Operation("DELETE", GIVEN, take_endpoint, "identity:remove_endpoint_from_project", status=204,
              summary="Take an endpoint from a project"),
)
