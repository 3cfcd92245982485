"""QoS specs over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import qos
from ..service import BlockStorage
from .paging import links, natural, page_of

VALUE = {"type": "string", "maxLength": 255}
NAMES = {"minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9-_:. ]{1,255}$"}
CREATE = {
    "type": "object", "required": ["qos_specs"],
    "properties": {"qos_specs": {
        "type": "object", "required": ["name"], "propertyNames": NAMES, "additionalProperties": VALUE,
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "\\S"},
                       "consumer": {"type": ["string", "null"], "maxLength": 255}}}},
}
UPDATE = {
    "type": "object", "required": ["qos_specs"],
    "properties": {"qos_specs": {"type": "object", "minProperties": 1, "propertyNames": NAMES,
                                 "additionalProperties": VALUE}},
}
KEYS = {"type": "object", "required": ["keys"], "additionalProperties": False, "properties": {
    "keys": {"type": "array", "minItems": 1, "items": {"type": "string", "maxLength": 255}}}}


def view(row: Row) -> dict[str, Any]:
    """A row as the API shows it."""
    return {"id": row.id, "name": row.name, "consumer": row.consumer, "specs": row.specs}


def _shown(row: Row, call: Call) -> dict[str, Any]:
    return {"qos_specs": view(row), "links": links(call, "qos-specs")(row.id)}


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of QoS specs."""
    limit = min(natural(call, "limit", 1000), 1000)
    rows = [view(row) for row in qos.listed(service.kit, call.one("marker"), limit)]
    return page_of(call, "qos_specs", "/qos-specs", rows, limit)


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Make QoS specs."""
    specs = dict(call.body["qos_specs"])
    name, consumer = specs.pop("name"), specs.pop("consumer", None) or "back-end"
    return _shown(qos.create(service.kit, call.context, name.strip(), consumer, specs), call)


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One set of QoS specs."""
    with service.kit.db.read() as tx:
        return _shown(qos.find(tx, call.path["qos_id"]), call)


def update(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Add or replace single specs."""
    return {"qos_specs": qos.change(service.kit, call.context, call.path["qos_id"], call.body["qos_specs"])}


def delete_keys(service: BlockStorage, call: Call) -> None:
    """Remove single specs."""
    qos.drop_keys(service.kit, call.context, call.path["qos_id"], call.body["keys"])


def delete(service: BlockStorage, call: Call) -> None:
    """Delete QoS specs."""
    qos.delete(service.kit, call.context, call.path["qos_id"], call.flag("force"))


def associations(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The volume types that have the specs."""
    return {"qos_associations": [{"association_type": "volume_type", "id": row.id, "name": row.name}
                                 for row in qos.associations(service.kit, call.path["qos_id"])]}


def _type_id(call: Call) -> str:
    found = call.one("vol_type_id")
    if not found:
        raise BadRequest("Volume Type id must not be None.")
    return found


def associate(service: BlockStorage, call: Call) -> None:
    """Give a volume type the specs."""
    qos.associate(service.kit, call.context, call.path["qos_id"], _type_id(call))


def disassociate(service: BlockStorage, call: Call) -> None:
    """Take the specs from a volume type."""
    qos.part(service.kit, call.context, call.path["qos_id"], _type_id(call))


def disassociate_all(service: BlockStorage, call: Call) -> None:
    """Take the specs from all volume types."""
    qos.part(service.kit, call.context, call.path["qos_id"])


ROOT = "/qos-specs"
ONE = ROOT + "/{qos_id}"
RULE = "volume_extension:qos_specs_manage:"
OPERATIONS = (
    Operation("GET", ROOT, listed, RULE + "get_all", summary="List QoS specs."),
    Operation("POST", ROOT, create, RULE + "create", body=CREATE, summary="Create QoS specs."),
    Operation("GET", ONE, show, RULE + "get", summary="Show QoS specs."),
    Operation("PUT", ONE, update, RULE + "update", body=UPDATE, summary="Set keys in QoS specs."),
    Operation("PUT", ONE + "/delete_keys", delete_keys, RULE + "update", body=KEYS, status=202,
              summary="Remove keys from QoS specs."),
    Operation("DELETE", ONE, delete, RULE + "delete", status=202, summary="Delete QoS specs."),
    Operation("GET", ONE + "/associations", associations, RULE + "get_all", summary="List associations."),
    Operation("GET", ONE + "/associate", associate, RULE + "update", status=202, summary="Associate a volume type."),
    Operation("GET", ONE + "/disassociate", disassociate, RULE + "update", status=202,
              summary="Disassociate a volume type."),
    Operation("GET", ONE + "/disassociate_all", disassociate_all, RULE + "update", status=202,
              summary="Disassociate all volume types."),
)
