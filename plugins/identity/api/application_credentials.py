"""Application credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.db.engine import Row
from ....core.drivers.identity import Condition
from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from ..application_credentials import rule_view
from ..service import Identity
from ..tables import application_credentials
from .access_rules import NEW as ACCESS_RULE
from .callers import caller
from .lists import answer, conditions, in_sql, page, query
from .schemas import ID, NAME, NULLABLE_BOOLEAN, TEXT, body

ROLE = {"type": "object", "properties": {"id": ID, "name": NAME, "domain": {"type": "object"}},
        "anyOf": [{"required": ["id"]}, {"required": ["name"]}]}
CREATE = body("application_credential", {
    "name": NAME, "description": TEXT, "secret": {"type": ["string", "null"], "minLength": 1, "maxLength": 4096},
    "expires_at": {"type": ["string", "null"], "maxLength": 64}, "unrestricted": NULLABLE_BOOLEAN,
    "roles": {"type": ["array", "null"], "items": ROLE, "maxItems": 256},
    "access_rules": {"type": ["array", "null"], "items": ACCESS_RULE, "maxItems": 256},
    "project_id": {"type": ["string", "null"]}}, ["name"])


def views(service: Identity, call: Call, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Application credentials as the API shows them."""
    roles = service.roles.by_id([id for row in rows for id in row.role_ids])
    rules = service.application_credentials.rules([row.id for row in rows])
    return [_view(call, row, [roles[id] for id in row.role_ids if id in roles], rules.get(row.id, [])) for row in rows]


def _view(call: Call, row: Row, roles: Sequence[Row], rules: Sequence[Row]) -> dict[str, Any]:
    shown = {"id": row.id, "name": row.name, "description": row.description, "project_id": row.project_id,
             "user_id": row.user_id, "expires_at": to_microsecond(row.expires_at), "unrestricted": row.unrestricted,
             "roles": [{"id": role.id, "name": role.name, "domain_id": role.domain_id or None} for role in roles],
             "links": {"self": call.address(f"/v3/users/{row.user_id}/application_credentials/{row.id}")}}
    if rules:
        shown["access_rules"] = [rule_view(rule) for rule in rules]
    return shown


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List a user's application credentials."""
    service.users.find(call.path["user_id"])
    wanted = [Condition("user_id", "equals", call.path["user_id"]), *conditions(call, ("name",))]
    rows = service.application_credentials.all(in_sql(application_credentials, wanted), page(service, call))
    return answer(service, call, "application_credentials", views(service, call, rows))


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create an application credential; its secret is told this once."""
    row, secret = service.application_credentials.create(call.context, caller(service, call),
                                                         call.body["application_credential"])
    return {"application_credential": {**views(service, call, [row])[0], "secret": secret}}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show an application credential."""
    return {"application_credential": views(service, call, [_own(service, call)])[0]}


def delete(service: Identity, call: Call) -> None:
    """Delete an application credential."""
    service.application_credentials.delete(call.context, caller(service, call), _own(service, call).id)


def _own(service: Identity, call: Call) -> Row:
    """The application credential of the path. :raises NotFound: there is none, or it is another user's."""
    row = service.application_credentials.find(call.path["application_credential_id"])
    if row.user_id != call.path["user_id"]:
        raise NotFound(f"Could not find application credential: {row.id}.")
    return row


def of_path(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on all that is a user's: the user of the path."""
    return {"user_id": call.path["user_id"], "target.user.id": call.path["user_id"]}


def of_one(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one: whose it is; of one that is not there, the user of the path."""
    try:
        owner = service.application_credentials.find(call.path["application_credential_id"]).user_id
    except NotFound:
        owner = call.path["user_id"]
    return {"user_id": owner, "target.user.id": owner}


MANY = "/users/{user_id}/application_credentials"
ONE = MANY + "/{application_credential_id}"
OPERATIONS = (
    Operation("GET", MANY, index, "identity:list_application_credentials", target=of_path, query=query(name="text"),
              summary="List a user's application credentials"),
    Operation("POST", MANY, create, "identity:create_application_credential", target=of_path, body=CREATE, status=201,
              summary="Create an application credential"),
    Operation("GET", ONE, show, "identity:get_application_credential", target=of_one,
              summary="Show an application credential"),
    Operation("DELETE", ONE, delete, "identity:delete_application_credential", target=of_one, status=204,
              summary="Delete an application credential"),
)
