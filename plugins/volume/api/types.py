"""Volume types over HTTP: types, extra specs, access and encryption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.table import Action, Operation
from .. import types
from ..service import BlockStorage
from .paging import pairs, sliced

VISIBLE = ("RESKEY:availability_zones", "multiattach", "replication_enabled")
"""Extra specs that every user may see."""
SPECS = {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"], "maxLength": 255},
         "propertyNames": {"pattern": "^[a-zA-Z0-9-_:. ]{1,255}$"}}
TEXT = {"type": ["string", "null"], "maxLength": 255}
FLAG = {"enum": [True, False, "true", "false", "True", "False", 1, 0, "1", "0"]}
CREATE = {
    "type": "object", "required": ["volume_type"],
    "properties": {"volume_type": {
        "type": "object", "required": ["name"],
        "properties": {"name": {"type": "string", "maxLength": 255}, "description": TEXT, "extra_specs": SPECS,
                       "os-volume-type-access:is_public": FLAG}}},
}
UPDATE = {
    "type": "object", "required": ["volume_type"],
    "properties": {"volume_type": {"type": "object", "additionalProperties": False,
                                   "properties": {"name": TEXT, "description": TEXT, "is_public": FLAG}}},
}
EXTRA = {"type": "object", "required": ["extra_specs"], "properties": {
    "extra_specs": {**SPECS, "type": "object", "minProperties": 1}}}
ONE_SPEC = {**SPECS, "type": "object", "minProperties": 1, "maxProperties": 1}
PROJECT = {"type": "object", "required": ["project"], "properties": {"project": {"type": "string", "minLength": 1,
                                                                                 "maxLength": 64}}}
ENCRYPTION = {
    "type": "object", "additionalProperties": False,
    "properties": {"provider": {"type": "string", "maxLength": 255}, "cipher": TEXT,
                   "control_location": {"enum": ["front-end", "back-end"]},
                   "key_size": {"type": ["integer", "string", "null"], "minimum": 0}},
}


def truth(value: Any) -> bool:
    """A flag as clients write it."""
    return str(value).lower() in ("true", "1")


def _sensitive(call: Call) -> bool:
    return call.allows("volume_extension:types_extra_specs:read_sensitive")


def _specs(row: Row, call: Call) -> dict[str, str]:
    found: Mapping[str, str] = row.extra_specs
    return {key: value for key, value in found.items() if key in VISIBLE or _sensitive(call)}


def type_view(row: Row, call: Call) -> dict[str, Any]:
    """A row as the API shows it."""
    body = {"id": row.id, "name": row.name, "description": row.description, "is_public": bool(row.is_public),
            "os-volume-type-access:is_public": bool(row.is_public), "extra_specs": _specs(row, call)}
    if call.allows("volume_extension:access_types_qos_specs_id"):
        body["qos_specs_id"] = row.qos_id
    return body


def _find(service: BlockStorage, call: Call) -> Row:
    with service.kit.db.read() as tx:
        return types.find(tx, call.context, call.path["type_id"])


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The types the caller may use."""
    asked = call.one("is_public", "true").lower()
    public = None if asked == "none" else asked in ("true", "1")
    rows = types.listed(service.kit, call.context, public, _filter(call))
    return sliced(call, "volume_types", "/types", rows, ("id", "name", "created_at"),
                  lambda row: type_view(row, call))


def _filter(call: Call) -> Mapping[str, str]:
    text = call.one("extra_specs") if call.since("3.52") else ""
    return pairs("extra_specs", text) if text else {}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One type; ``default`` is the default type."""
    if call.path["type_id"] == "default":
        with service.kit.db.read() as tx:
            return {"volume_type": type_view(types.named(tx, call.context, service.kit.options.default_type), call)}
    return {"volume_type": type_view(_find(service, call), call)}


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Make a type."""
    body = call.body["volume_type"]
    row = types.create(service.kit, call.context, body["name"], body.get("description"),
                       truth(body.get("os-volume-type-access:is_public", True)), body.get("extra_specs") or {})
    found = type_view(row, call)
    found.pop("qos_specs_id", None)
    return {"volume_type": found}


def update(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Change a type."""
    changes = dict(call.body["volume_type"])
    if not changes:
        raise BadRequest("Specify volume type name, description, is_public or a combination thereof.")
    if "is_public" in changes:
        changes["is_public"] = truth(changes["is_public"])
    if changes.get("name", "") is None:
        del changes["name"]
    found = type_view(types.update(service.kit, call.context, call.path["type_id"], changes), call)
    for key in ("qos_specs_id", "os-volume-type-access:is_public"):
        found.pop(key, None)
    return {"volume_type": found}


def delete(service: BlockStorage, call: Call) -> None:
    """Delete a type."""
    types.delete(service.kit, call.context, call.path["type_id"])


def specs(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The extra specs of a type."""
    return {"extra_specs": _specs(_find(service, call), call)}


def spec(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One extra spec."""
    found = _specs(_find(service, call), call)
    if call.path["key"] not in found:
        raise NotFound(f"Volume Type {call.path['type_id']} has no extra specs with key {call.path['key']}.")
    return {call.path["key"]: found[call.path["key"]]}


def add_specs(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Add or replace extra specs."""
    types.set_specs(service.kit, call.context, call.path["type_id"], call.body["extra_specs"])
    return {"extra_specs": call.body["extra_specs"]}


def put_spec(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Replace one extra spec."""
    if call.path["key"] not in call.body:
        raise BadRequest("Request body and URI mismatch.")
    types.set_specs(service.kit, call.context, call.path["type_id"], call.body)
    return dict(call.body)


def drop_spec(service: BlockStorage, call: Call) -> None:
    """Remove one extra spec."""
    types.drop_spec(service.kit, call.context, call.path["type_id"], call.path["key"])


def allow(service: BlockStorage, call: Call) -> None:
    """Let a project use a private type."""
    types.allow(service.kit, call.context, call.path["type_id"], call.body["addProjectAccess"]["project"])


def deny(service: BlockStorage, call: Call) -> None:
    """End a project's use of a private type."""
    types.deny(service.kit, call.context, call.path["type_id"], call.body["removeProjectAccess"]["project"])


def allowed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The projects that may use a private type."""
    return {"volume_type_access": [{"volume_type_id": row.type_id, "project_id": row.project_id}
                                   for row in types.allowed(service.kit, call.context, call.path["type_id"])]}


def encryption(service: BlockStorage, call: Call) -> dict[str, Any]:
    """How a type is encrypted; an empty object when it is not."""
    row = _find(service, call)
    if row.encryption is None:
        return {}
    return {"updated_at": None, "deleted": False, "deleted_at": None, **row.encryption, "volume_type_id": row.id}


def encryption_item(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One value of how a type is encrypted."""
    found = _find(service, call).encryption or {}
    if call.path["key"] not in found:
        raise NotFound(f"Volume type encryption item {call.path['key']} does not exist.")
    return {call.path["key"]: found[call.path["key"]]}


def encrypt(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Say how a type is to be encrypted."""
    if not call.body["encryption"].get("provider"):
        raise BadRequest("provider must be defined")
    found = dict(types.encrypt(service.kit, call.context, call.path["type_id"], call.body["encryption"]))
    found.pop("created_at")
    return {"encryption": {**found, "volume_type_id": call.path["type_id"]}}


def change_encryption(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Change how a type is encrypted."""
    types.change_encryption(service.kit, call.context, call.path["type_id"], call.path["key"],
                            call.body["encryption"])
    return {"encryption": call.body["encryption"]}


def end_encryption(service: BlockStorage, call: Call) -> None:
    """End the encryption of a type."""
    types.change_encryption(service.kit, call.context, call.path["type_id"], call.path["key"], None)


ONE = "/types/{type_id}"
RULE = "volume_extension:"
SPEC_RULE = "volume_extension:types_extra_specs:"
ENCRYPT = "volume_extension:volume_type_encryption:"
ACCESS = "volume_extension:volume_type_access:"
SECRET = {"type": "object", "required": ["encryption"], "properties": {"encryption": ENCRYPTION}}
OPERATIONS = (
    Operation("GET", "/types", listed, RULE + "type_get_all", summary="List volume types."),
    Operation("POST", "/types", create, RULE + "type_create", body=CREATE, summary="Create a volume type."),
    Operation("GET", ONE, show, RULE + "type_get", summary="Show a volume type."),
    Operation("PUT", ONE, update, RULE + "type_update", body=UPDATE, summary="Update a volume type."),
    Operation("DELETE", ONE, delete, RULE + "type_delete", status=202, summary="Delete a volume type."),
    Operation("GET", ONE + "/extra_specs", specs, SPEC_RULE + "index", summary="List extra specs."),
    Operation("POST", ONE + "/extra_specs", add_specs, SPEC_RULE + "create", body=EXTRA, summary="Add extra specs."),
    Operation("GET", ONE + "/extra_specs/{key}", spec, SPEC_RULE + "show", summary="Show an extra spec."),
    Operation("PUT", ONE + "/extra_specs/{key}", put_spec, SPEC_RULE + "update", body=ONE_SPEC,
              summary="Update an extra spec."),
    Operation("DELETE", ONE + "/extra_specs/{key}", drop_spec, SPEC_RULE + "delete", status=202,
              summary="Delete an extra spec."),
    Action(ONE + "/action", "addProjectAccess", allow, ACCESS + "addProjectAccess", PROJECT, summary="Add access."),
    Action(ONE + "/action", "removeProjectAccess", deny, ACCESS + "removeProjectAccess", PROJECT,
           summary="Remove access."),
    Operation("GET", ONE + "/os-volume-type-access", allowed, ACCESS + "get_all_for_type", summary="List access."),
    Operation("GET", ONE + "/encryption", encryption, ENCRYPT + "get", summary="Show a type's encryption."),
    Operation("POST", ONE + "/encryption", encrypt, ENCRYPT + "create", body=SECRET, summary="Set encryption."),
    Operation("GET", ONE + "/encryption/{key}", encryption_item, ENCRYPT + "get", summary="Show an encryption item."),
    Operation("PUT", ONE + "/encryption/{key}", change_encryption, ENCRYPT + "update", body=SECRET,
              summary="Update encryption."),
    Operation("DELETE", ONE + "/encryption/{key}", end_encryption, ENCRYPT + "delete", status=202,
              summary="Delete encryption."),
)
