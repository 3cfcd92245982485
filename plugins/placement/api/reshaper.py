"""``/reshaper``: inventories and allocations changed together."""

from __future__ import annotations

from typing import Any

from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import claim, inventory, provider
from .allocations import PUT, UUID_PATTERN, read, refuse_unknown
from .inventories import PUT_ALL, agree, refuse_unknown_classes
from .inventories import read as read_inventory


def _schema(since: str) -> dict[str, Any]:
    one = {"type": "object", "additionalProperties": False, "patternProperties": {UUID_PATTERN: PUT[since]}}
    return {"type": "object", "required": ["inventories", "allocations"], "additionalProperties": False,
            "properties": {"allocations": one,
                           "inventories": {"type": "object", "additionalProperties": False,
                                           "patternProperties": {UUID_PATTERN: PUT_ALL}}}}


def reshape(service: Any, call: Call) -> None:
    """First what is new, then the claims, then what is to go: so that claims can move."""
    now, going = service.clock.now(), []
    with service.db.write() as tx:
        for id, body in call.body["inventories"].items():
            row = provider.find(tx, id)
            if row is None:
                raise BadRequest(f"Resource provider {id} in inventories not found: "
                                 f"No resource provider with uuid {id} found.",
                                 code="placement.resource_provider.not_found")
            agree(row, body["resource_provider_generation"])
            refuse_unknown_classes(tx, body["inventories"])
            wanted = {class_: read_inventory(call, class_, one) for class_, one in body["inventories"].items()}
            present = inventory.of(tx, id)
            kept = {class_: one for class_, one in present.items() if class_ in wanted}
            inventory.replace(tx, now, id, wanted, kept)
            provider.advance(tx, now, id, row.generation)
            going += [(id, class_) for class_ in present if class_ not in wanted]
        claims = [read(call, consumer, body) for consumer, body in call.body["allocations"].items()]
        refuse_unknown(tx, claims)
        claim.settle(tx, now, claims)
        for id, class_ in going:
            inventory.remove(tx, id, class_)
        for id in call.body["inventories"]:
            provider.advance(tx, now, id, provider.get(tx, id).generation)


OPERATIONS = (
    Operation("POST", "/reshaper", reshape, "placement:reshaper:reshape", since="1.30", status=204,
              body={"1.30": _schema("1.28"), "1.34": _schema("1.34"), "1.38": _schema("1.38")},
              summary="Change inventories and allocations together."),
)
