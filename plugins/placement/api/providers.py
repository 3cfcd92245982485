"""``/resource_providers``: what has resources."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row, Transaction
from ....core.errors import NotFound
from ....core.http.call import Call, Reply
from ....core.http.table import Operation, Query
from .. import candidate, name, provider
from . import queries
from .answer import dashed, dated, location

NAME = {"type": "string", "maxLength": 200}
UUID = {"type": "string", "format": "uuid"}
PARENT = {"anyOf": [UUID, {"type": "null"}]}
CREATE = {"type": "object", "properties": {"name": NAME, "uuid": UUID}, "required": ["name"],
          "additionalProperties": False}
CREATE_CHILD = {**CREATE, "properties": {"name": NAME, "uuid": UUID, "parent_provider_uuid": PARENT}}
UPDATE = {"type": "object", "properties": {"name": NAME}, "required": ["name"], "additionalProperties": False}
UPDATE_CHILD = {**UPDATE, "properties": {"name": NAME, "parent_provider_uuid": PARENT}}
LINKS = (((1, 0), "inventories"), ((1, 0), "usages"), ((1, 1), "aggregates"), ((1, 6), "traits"),
         ((1, 11), "allocations"))
FILTERS = {"name": "text", "uuid": "uuid", "member_of": "*text", "resources": "text", "in_tree": "uuid",
           "required": "*text"}
SINCE = {"member_of": "1.3", "resources": "1.4", "in_tree": "1.14", "required": "1.18"}


def view(call: Call, row: Row | provider.Provider) -> dict[str, Any]:
    """A provider as clients see it."""
    here = f"/resource_providers/{row.id}"
    links = [{"rel": "self", "href": here}]
    links += [{"rel": rel, "href": f"{here}/{rel}"} for since, rel in LINKS if call.version >= since]
    found = {"uuid": row.id, "name": row.name, "generation": row.generation, "links": links}
    if call.version >= (1, 14):
        found["parent_provider_uuid"] = row.parent_id
        found["root_provider_uuid"] = row.root_id
    return found


def index(service: Any, call: Call) -> Any:
    """All providers that the filters leave."""
    with service.db.read() as tx:
        rows = candidate.listed(tx, _ask(tx, call), call.one("name"), call.one("uuid"))
    return dated(service, call, {"resource_providers": [view(call, row) for row in rows]},
                 [row.updated_at for row in rows])


def _ask(tx: Transaction, call: Call) -> candidate.Ask:
    resources = queries.resources(call.one("resources")) if "resources" in call.query else {}
    traits = queries.traits(call, "required", call.many("required"))
    members = queries.members(call, "member_of", call.many("member_of"))
    queries.refuse_unknown(queries.NO_CLASS, name.unknown_classes(tx, resources))
    queries.refuse_unknown("No such trait(s)", name.unknown_traits(tx, traits.names()))
    return candidate.Ask(resources, traits.any_of, traits.forbidden, members.any_of, members.forbidden,
                         call.one("in_tree"))


def create(service: Any, call: Call) -> Any:
    """A new provider; from 1.20 the answer shows it."""
    body = call.body
    id = dashed(body["uuid"]) if "uuid" in body else service.clock.uuid()
    with service.db.write() as tx:
        row = provider.create(tx, service.clock.now(), id, body["name"], body.get("parent_provider_uuid"))
    headers = location(call, f"/resource_providers/{id}")
    if call.since("1.20"):
        return dated(service, call, view(call, row), [row.updated_at], headers, status=200)
    return Reply(None, 201, headers)


def show(service: Any, call: Call) -> Any:
    """One provider."""
    with service.db.read() as tx:
        row = provider.get(tx, call.path["uuid"])
    return dated(service, call, view(call, row), [row.updated_at])


def update(service: Any, call: Call) -> Any:
    """Another name; from 1.14 a parent, from 1.37 another parent or none."""
    id, now = call.path["uuid"], service.clock.now()
    with service.db.write() as tx:
        row = provider.get(tx, id)
        if "parent_provider_uuid" in call.body:
            provider.hang(tx, now, row, call.body["parent_provider_uuid"], call.since("1.37"))
        provider.rename(tx, now, id, call.body["name"])
        row = provider.get(tx, id)
    return dated(service, call, view(call, row), [row.updated_at])


def delete(service: Any, call: Call) -> None:
    """The provider and all that is its own."""
    with service.db.write() as tx:
        if not provider.delete(tx, call.path["uuid"]):
            raise NotFound(f"No resource provider with uuid {call.path['uuid']} found for delete")


ONE = "/resource_providers/{uuid}"
OPERATIONS = (
    Operation("GET", "/resource_providers", index, "placement:resource_providers:list",
              query=Query(FILTERS, strict=True, since=SINCE), summary="List resource providers."),
    Operation("POST", "/resource_providers", create, "placement:resource_providers:create",
              body={"1.0": CREATE, "1.14": CREATE_CHILD}, summary="Create a resource provider."),
    Operation("GET", ONE, show, "placement:resource_providers:show", summary="Show a resource provider."),
    Operation("PUT", ONE, update, "placement:resource_providers:update", body={"1.0": UPDATE, "1.14": UPDATE_CHILD},
              summary="Update a resource provider."),
    Operation("DELETE", ONE, delete, "placement:resource_providers:delete", status=204,
              summary="Delete a resource provider."),
)
