"""Roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Identity
from ..tables import roles
from .lists import LIST, answer, conditions, in_sql, page, split
from .schemas import IMMUTABLE, NAME, NULLABLE_ID, TEXT, body

ATTRIBUTES = ("name", "domain_id", "description", "options")
PROPERTIES = {"name": NAME, "domain_id": NULLABLE_ID, "description": TEXT, "options": IMMUTABLE}
CREATE = body("role", PROPERTIES, ["name"])
UPDATE = body("role", PROPERTIES, least=1)


def view(call: Call, row: Row) -> dict[str, Any]:
    """A role as the API shows it."""
    return {**row.extra, "id": row.id, "name": row.name, "domain_id": row.domain_id or None,
            "description": row.description, "options": row.options,
            "links": {"self": call.address(f"/v3/roles/{row.id}")}}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List roles: those of a domain when it is named, else those of all."""
    found = in_sql(roles, conditions(call, ("name",)))
    found.append(roles.c.domain_id == call.one("domain_id"))
    return answer(service, call, "roles", [view(call, row) for row in service.roles.all(found, page(service, call))])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a role."""
    known, extra = split(call.body["role"], ATTRIBUTES)
    if known.get("domain_id"):
        service.projects.find_domain(known["domain_id"])
    values = {"name": known["name"].strip(), "domain_id": known.get("domain_id") or "",
              "description": known.get("description"), "options": known.get("options", {}), "extra": extra}
    return {"role": view(call, service.roles.create(call.context, values))}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a role."""
    return {"role": view(call, service.roles.find(call.path["role_id"]))}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a role."""
    known, extra = split(call.body["role"], ATTRIBUTES)
    known.pop("domain_id", None)
    if extra:
        known["extra"] = extra
    return {"role": view(call, service.roles.update(call.context, call.path["role_id"], known))}


def delete(service: Identity, call: Call) -> None:
    """Delete a role."""
    service.roles.delete(call.context, call.path["role_id"])


def of_role(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one role. :raises NotFound: there is none; roles are no secret."""
    row = service.roles.find(call.path["role_id"])
    return {"target.role.id": row.id, "target.role.name": row.name, "target.role.domain_id": row.domain_id or None}


def of_new(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on a role that is to be."""
    return {"target.role.domain_id": call.body["role"].get("domain_id")}


def _rule(verb: str) -> Callable[[Identity, Call], str]:
    """Chooses between the rule on roles of all domains and the one on roles of a domain."""
    def rule_of(service: Identity, call: Call) -> str:
        if "role_id" in call.path:
            of_domain = bool(service.roles.find(call.path["role_id"]).domain_id)
        else:
            of_domain = bool(call.body["role"].get("domain_id") if call.body else call.one("domain_id"))
        return f"identity:{verb}_domain_role" if of_domain else f"identity:{verb}_role"
    return rule_of


def _list_rule(service: Identity, call: Call) -> str:
    return "identity:list_domain_roles" if call.one("domain_id") else "identity:list_roles"


ONE = "/roles/{role_id}"
OPERATIONS = (
    Operation("GET", "/roles", index, "identity:list_roles", query=LIST, rule_of=_list_rule,
              summary="List roles"),
    Operation("POST", "/roles", create, "identity:create_role", body=CREATE, status=201, target=of_new,
              rule_of=_rule("create"), summary="Create a role"),
    Operation("GET", ONE, show, "identity:get_role", target=of_role, rule_of=_rule("get"),
              summary="Show a role"),
    Operation("PATCH", ONE, update, "identity:update_role", body=UPDATE, target=of_role,
              rule_of=_rule("update"), summary="Update a role"),
    Operation("DELETE", ONE, delete, "identity:delete_role", status=204, target=of_role,
              rule_of=_rule("delete"), summary="Delete a role"),
)
