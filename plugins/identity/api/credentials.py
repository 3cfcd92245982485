"""Credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ....core.db.engine import Row
from ....core.drivers.identity import Condition
from ....core.errors import Forbidden, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Identity
from ..tables import credentials
from .callers import caller
from .lists import LIST, answer, conditions, in_sql, page, split
from .schemas import ID, NULLABLE_ID, body

ATTRIBUTES = ("user_id", "project_id", "type", "blob")
PROPERTIES = {"user_id": ID, "project_id": NULLABLE_ID, "type": {"type": "string", "minLength": 1, "maxLength": 255},
              "blob": {"type": ["string", "object"]}}
CREATE = body("credential", PROPERTIES, ["blob", "type"])
UPDATE = body("credential", PROPERTIES, least=1)


def view(service: Identity, call: Call, row: Row) -> dict[str, Any]:
    """A credential as the API shows it, its secret opened."""
    return {**row.extra, "id": row.id, "user_id": row.user_id, "project_id": row.project_id or None, "type": row.type,
            "blob": service.credentials.blob(row), "links": {"self": call.address(f"/v3/credentials/{row.id}")}}


def _blob(given: Any) -> str:
    return given if isinstance(given, str) else msgspec.json.encode(given).decode()


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the credentials that the caller may see."""
    lent = caller(service, call).delegation
    wanted = conditions(call, ("user_id", "type"))
    if not call.allows("identity:get_credential", {"target.credential.user_id": ""}):
        wanted.append(Condition("user_id", "equals", call.context.user_id))
    found = in_sql(credentials, wanted)
    rows = [row for row in service.credentials.all(found, page(service, call))
            if call.allows("identity:get_credential", {"target.credential.user_id": row.user_id})
            and service.credentials.in_reach(row, lent)]
    return answer(service, call, "credentials", [view(service, call, row) for row in rows])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a credential."""
    known, extra = split(call.body["credential"], ATTRIBUTES)
    values = {"user_id": known.get("user_id") or call.context.user_id, "type": known["type"],
              "project_id": known.get("project_id") or "", "extra": extra}
    return {"credential": view(service, call, service.credentials.create(
        call.context, values, _blob(known["blob"]), caller(service, call).delegation))}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a credential."""
    return {"credential": view(service, call, _reached(service, call))}


def _reached(service: Identity, call: Call) -> Row:
    """The credential of the path. :raises Forbidden: the caller's token was lent and is worth less."""
    row = service.credentials.find(call.path["credential_id"])
    if not service.credentials.in_reach(row, caller(service, call).delegation):
        raise Forbidden("A token that was lent reaches no credentials but those made with the same.")
    return row


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a credential. Owner, project and type stay: who wants others makes a new one."""
    known, extra = split(call.body["credential"], ATTRIBUTES)
    row = _reached(service, call)
    blob = known.pop("blob", None)
    if "project_id" in known:
        known["project_id"] = known["project_id"] or ""
    row = service.credentials.update(call.context, row.id, {**known, "extra": extra},
                                     None if blob is None else _blob(blob))
    return {"credential": view(service, call, row)}


def delete(service: Identity, call: Call) -> None:
    """Delete a credential."""
    service.credentials.delete(call.context, _reached(service, call).id)


def of_credential(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one credential."""
    try:
        return {"target.credential.user_id": service.credentials.find(call.path["credential_id"]).user_id}
    except NotFound:
        return {}


def of_new(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on a credential that is to be."""
    return {"target.credential.user_id": call.body["credential"].get("user_id") or call.context.user_id}


ONE = "/credentials/{credential_id}"
OPERATIONS = (
    Operation("GET", "/credentials", index, "identity:list_credentials", query=LIST, summary="List credentials"),
    Operation("POST", "/credentials", create, "identity:create_credential", body=CREATE, status=201, target=of_new,
              summary="Create a credential"),
    Operation("GET", ONE, show, "identity:get_credential", target=of_credential, summary="Show a credential"),
    Operation("PATCH", ONE, update, "identity:update_credential", body=UPDATE, target=of_credential,
              summary="Update a credential"),
    Operation("DELETE", ONE, delete, "identity:delete_credential", status=204, target=of_credential,
              summary="Delete a credential"),
)
