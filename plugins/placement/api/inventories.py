"""``/resource_providers/{uuid}/inventories``: how much a provider has."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from ....core.db.engine import Row, Transaction
from ....core.errors import AlreadyExists, BadRequest, ConcurrentUpdate, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ....core.services.placement import Inventory
from .. import inventory, name, provider
from .answer import dated, location

LARGEST_FLOAT = 3.40282e+38
CLASS = {"type": "string", "pattern": "^[A-Z0-9_]+$", "maxLength": 255}
GENERATION = {"type": "integer"}
AMOUNTS = {
    "total": {"type": "integer", "minimum": 1, "maximum": inventory.LARGEST},
    "reserved": {"type": "integer", "minimum": 0, "maximum": inventory.LARGEST},
    "min_unit": {"type": "integer", "minimum": 1, "maximum": inventory.LARGEST},
    "max_unit": {"type": "integer", "minimum": 1, "maximum": inventory.LARGEST},
    "step_size": {"type": "integer", "minimum": 1, "maximum": inventory.LARGEST},
    "allocation_ratio": {"type": "number", "maximum": LARGEST_FLOAT},
}
PLAIN = {"type": "object", "properties": AMOUNTS, "required": ["total"], "additionalProperties": False}
PUT_ONE = {"type": "object", "properties": {"resource_provider_generation": GENERATION, **AMOUNTS},
           "required": ["total", "resource_provider_generation"], "additionalProperties": False}
POST = {"type": "object", "properties": {"resource_class": CLASS, "resource_provider_generation": GENERATION,
                                         **AMOUNTS},
        "required": ["total", "resource_class"], "additionalProperties": False}
PUT_ALL = {"type": "object", "required": ["resource_provider_generation", "inventories"],
           "properties": {"resource_provider_generation": GENERATION,
                          "inventories": {"type": "object", "patternProperties": {"^[A-Z0-9_]+$": PLAIN},
                                          "additionalProperties": False}},
           "additionalProperties": False}


def view(row: Any) -> dict[str, Any]:
    """An inventory as clients see it: a row, or an :class:`Inventory` that was just written."""
    return {"total": row.total, "reserved": row.reserved, "min_unit": row.min_unit, "max_unit": row.max_unit,
            "step_size": row.step_size, "allocation_ratio": row.allocation_ratio}


def read(call: Call, class_: str, body: Mapping[str, Any], verb: str = "update") -> Inventory:
    """An inventory as clients write it. :raises BadRequest: it leaves nothing to claim."""
    found = Inventory(**{field: body[field] for field in inventory.FIELDS if field in body})
    provider_id = call.path.get("uuid", "")
    if found.reserved > found.total or (found.reserved == found.total and not call.since("1.26")):
        limit = "greater than" if call.since("1.26") else "greater than or equal to"
        raise BadRequest(f"Unable to {verb} inventory for resource provider {provider_id}: Invalid inventory for "
                         f"'{class_}' on resource provider '{provider_id}'. The reserved value is {limit} total.")
    return found


def agree(row: Row, seen: int) -> None:
    """See that the client has seen the provider as it is. :raises ConcurrentUpdate: it has not."""
    if row.generation != seen:
        raise ConcurrentUpdate(f"resource provider generation conflict for provider {row.id}: actual: "
                               f"{row.generation}, given: {seen}. Resource provider's generation already changed. "
                               "Please update the "
                               "generation and try again.", code="placement.concurrent_update")


def index(service: Any, call: Call) -> Any:
    """All inventories of a provider."""
    with service.db.read() as tx:
        row, found = inventory.with_provider(tx, call.path["uuid"])
    return _all(service, call, row.generation, found, [one.updated_at for one in found.values()])


def _all(service: Any, call: Call, generation: int, found: Mapping[str, Any],
         moments: Iterable[datetime.datetime]) -> Any:
    return dated(service, call, {"resource_provider_generation": generation,
                                 "inventories": {class_: view(one) for class_, one in found.items()}}, moments)


def show(service: Any, call: Call) -> Any:
    """One inventory."""
    id, class_ = call.path["uuid"], call.path["resource_class"]
    with service.db.read() as tx:
        row = inventory.one(tx, id, class_)
        if row is None:
            provider.get(tx, id)
            raise NotFound(f"No inventory of class {class_} for {id}")
    return _one(service, call, row, row.generation)


def _one(service: Any, call: Call, row: Any, generation: int, headers: Mapping[str, str] | None = None) -> Any:
    return dated(service, call, {"resource_provider_generation": generation, **view(row)}, [row.updated_at], headers)


def refuse_unknown_classes(tx: Transaction, names: Any) -> None:
    """See that all are resource classes. :raises BadRequest: one is not."""
    unknown = name.unknown_classes(tx, names)
    if unknown:
        raise BadRequest(f"Unknown resource class in inventory: No such resource class {', '.join(unknown)}.")


def create(service: Any, call: Call) -> Any:
    """One more inventory."""
    id, class_ = call.path["uuid"], call.body["resource_class"]
    now: datetime.datetime = service.clock.now()
    with service.db.write() as tx:
        row = provider.get(tx, id)
        refuse_unknown_classes(tx, [class_])
        wanted = read(call, class_, call.body, "create")
        agree(row, call.body.get("resource_provider_generation", row.generation))
        if inventory.one(tx, id, class_) is not None:
            raise AlreadyExists(f"Update conflict: inventory of {class_} exists already on resource provider {id}",
                                code="placement.concurrent_update")
        inventory.add(tx, now, id, {class_: wanted})
        generation = provider.advance(tx, now, id, row.generation)
        made = inventory.one(tx, id, class_)
    return _one(service, call, made, generation, location(call, f"/resource_providers/{id}/inventories/{class_}"))


def replace(service: Any, call: Call) -> Any:
    """All inventories anew."""
    id, body, now = call.path["uuid"], call.body, service.clock.now()
    with service.db.write() as tx:
        row, present = inventory.with_provider(tx, id)
        agree(row, body["resource_provider_generation"])
        refuse_unknown_classes(tx, body["inventories"])
        wanted = {class_: read(call, class_, one) for class_, one in body["inventories"].items()}
        moments = inventory.replace(tx, now, id, wanted, present)
        generation = provider.advance(tx, now, id, row.generation)
    return _all(service, call, generation, wanted, moments)


def update(service: Any, call: Call) -> Any:
    """One inventory anew."""
    id, class_, now = call.path["uuid"], call.path["resource_class"], service.clock.now()
    with service.db.write() as tx:
        row = provider.get(tx, id)
        agree(row, call.body["resource_provider_generation"])
        wanted = read(call, class_, call.body)
        if not inventory.change(tx, now, id, class_, wanted):
            raise BadRequest(f"No inventory record with resource class for resource provider {id}: {class_}")
        generation = provider.advance(tx, now, id, row.generation)
        found = inventory.one(tx, id, class_)
    return _one(service, call, found, generation)


def delete(service: Any, call: Call) -> None:
    """One inventory less."""
    id, class_ = call.path["uuid"], call.path["resource_class"]
    with service.db.write() as tx:
        row = provider.get(tx, id)
        if not inventory.remove(tx, id, class_):
            raise NotFound(f"No inventory of class {class_} found for delete")
        provider.advance(tx, service.clock.now(), id, row.generation)


def clear(service: Any, call: Call) -> None:
    """No inventory any more."""
    id, now = call.path["uuid"], service.clock.now()
    with service.db.write() as tx:
        row = provider.get(tx, id)
        inventory.replace(tx, now, id, {}, inventory.of(tx, id))
        provider.advance(tx, now, id, row.generation)


ALL = "/resource_providers/{uuid}/inventories"
ONE = ALL + "/{resource_class}"
RULE = "placement:resource_providers:inventories:"
OPERATIONS = (
    Operation("GET", ALL, index, RULE + "list", summary="List a provider's inventories."),
    Operation("POST", ALL, create, RULE + "create", body=POST, status=201, summary="Create an inventory."),
    Operation("PUT", ALL, replace, RULE + "update", body=PUT_ALL, summary="Replace a provider's inventories."),
    Operation("DELETE", ALL, clear, RULE + "delete", status=204, since="1.5", absent=405,
              summary="Delete a provider's inventories."),
    Operation("GET", ONE, show, RULE + "show", summary="Show an inventory."),
    Operation("PUT", ONE, update, RULE + "update", body=PUT_ONE, summary="Update an inventory."),
    Operation("DELETE", ONE, delete, RULE + "delete", status=204, summary="Delete an inventory."),
)
