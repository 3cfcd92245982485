"""Domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Identity
from ..tables import projects
from .lists import answer, conditions, in_sql, page, query, split, stored
from .schemas import BOOLEAN, IMMUTABLE, PROJECT_NAME, TAGS, TEXT, body

ATTRIBUTES = ("name", "description", "enabled", "options", "tags", "explicit_domain_id")
PROPERTIES = {"name": PROJECT_NAME, "description": TEXT, "enabled": BOOLEAN, "options": IMMUTABLE, "tags": TAGS,
              "explicit_domain_id": {"type": "string", "pattern": "^[a-f0-9]{32}$"}}
CREATE = body("domain", PROPERTIES, ["name"])
UPDATE = body("domain", PROPERTIES, least=1)


def view(call: Call, row: Row, tags: Sequence[str]) -> dict[str, Any]:
    """A domain as the API shows it."""
    return {**row.extra, "id": row.id, "name": row.name, "description": row.description, "enabled": row.enabled,
            "options": row.options, "tags": list(tags), "links": {"self": call.address(f"/v3/domains/{row.id}")}}


def _one(service: Identity, call: Call, row: Row) -> dict[str, Any]:
    return view(call, row, service.projects.tags([row.id]).get(row.id, []))


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List domains."""
    found = in_sql(projects, conditions(call, ("name",), ("enabled",)))
    found.append(projects.c.is_domain.is_(True))
    if call.context.domain_id:
        found.append(projects.c.id == call.context.domain_id)
    rows = service.projects.all(found, page(service, call))
    tags = service.projects.tags([row.id for row in rows])
    return answer(service, call, "domains", [view(call, row, tags.get(row.id, [])) for row in rows])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a domain."""
    known, extra = split(call.body["domain"], ATTRIBUTES)
    tags = known.pop("tags", [])
    values = stored(known)
    if explicit := values.pop("explicit_domain_id", ""):
        values["id"] = explicit
    row = service.projects.create(call.context, {**values, "is_domain": True, "extra": extra}, tags)
    return {"domain": _one(service, call, row)}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a domain."""
    return {"domain": _one(service, call, service.projects.find_domain(call.path["domain_id"]))}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a domain."""
    service.projects.find_domain(call.path["domain_id"])
    known, extra = split(call.body["domain"], ATTRIBUTES)
    tags = known.pop("tags", None)
    known.pop("explicit_domain_id", None)
    row = service.projects.update(call.context, call.path["domain_id"], {**stored(known), "extra": extra}, tags)
    return {"domain": _one(service, call, row)}


def delete(service: Identity, call: Call) -> None:
    """Delete a domain with all that is in it."""
    service.projects.delete_domain(call.context, call.path["domain_id"])


def of_domain(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one domain."""
    return {"target.domain.id": call.path["domain_id"], "target.domain_id": call.path["domain_id"],
            "domain_id": call.path["domain_id"]}


def of_present(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on changes of a domain. :raises NotFound: there is none."""
    service.projects.find_domain(call.path["domain_id"])
    return of_domain(service, call)


def of_list(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on the list: the domain the token is for, which the list then keeps to."""
    return {"target.domain.id": call.context.domain_id, "target.domain_id": call.context.domain_id}


ONE = "/domains/{domain_id}"
OPERATIONS = (
    Operation("GET", "/domains", index, "identity:list_domains", target=of_list, query=query(enabled="text"),
              summary="List domains"),
    Operation("POST", "/domains", create, "identity:create_domain", body=CREATE, status=201,
              summary="Create a domain"),
    Operation("GET", ONE, show, "identity:get_domain", target=of_domain, summary="Show a domain"),
    Operation("PATCH", ONE, update, "identity:update_domain", body=UPDATE, target=of_present,
              summary="Update a domain"),
    Operation("DELETE", ONE, delete, "identity:delete_domain", status=204, target=of_domain,
              summary="Delete a domain"),
)
