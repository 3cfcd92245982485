"""Access rules of application credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.drivers.identity import Condition
from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ..application_credentials import rule_view
from ..service import Identity
from ..tables import access_rules
from .lists import answer, conditions, in_sql, page, query
from .schemas import ID

NEW = {"type": "object", "additionalProperties": False,
       "properties": {"id": ID, "service": {"type": "string", "minLength": 1, "maxLength": 64},
                      "method": {"enum": ["POST", "GET", "HEAD", "PATCH", "PUT", "DELETE", "OPTIONS"]},
                      "path": {"type": "string", "maxLength": 128, "pattern": "^/"}},
       "anyOf": [{"required": ["id"]}, {"required": ["service", "method", "path"]}]}
"""One within the body of an application credential: a known one by its id, or one told in full."""


def view(call: Call, row: Row) -> dict[str, Any]:
    """An access rule as the API shows it."""
    return {**rule_view(row), "links": {"self": call.address(f"/v3/users/{row.user_id}/access_rules/{row.id}")}}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List a user's access rules."""
    service.users.find(call.path["user_id"])
    wanted = [Condition("user_id", "equals", call.path["user_id"]), *conditions(call, ("service", "method", "path"))]
    rows = service.application_credentials.all_rules(in_sql(access_rules, wanted), page(service, call))
    return answer(service, call, "access_rules", [view(call, row) for row in rows])


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show an access rule."""
    row = service.application_credentials.find_rule(call.path["user_id"], call.path["access_rule_id"])
    return {"access_rule": view(call, row)}


def delete(service: Identity, call: Call) -> None:
    """Delete an access rule."""
    service.application_credentials.delete_rule(call.context, call.path["user_id"], call.path["access_rule_id"])


def of_path(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on access rules: the user of the path."""
    return {"user_id": call.path["user_id"], "target.user.id": call.path["user_id"]}


def of_one(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one access rule: whose it is; of one that is not there, the user of the path."""
    try:
        owner = service.application_credentials.owner_of_rule(call.path["access_rule_id"])
    except NotFound:
        owner = call.path["user_id"]
    return {"user_id": owner, "target.user.id": owner}


MANY = "/users/{user_id}/access_rules"
ONE = MANY + "/{access_rule_id}"
OPERATIONS = (
    Operation("GET", MANY, index, "identity:list_access_rules", target=of_path,
              query=query(service="text", method="text", path="text"), summary="List a user's access rules"),
    Operation("GET", ONE, show, "identity:get_access_rule", target=of_one, summary="Show an access rule"),
    Operation("DELETE", ONE, delete, "identity:delete_access_rule", target=of_one, status=204,
              summary="Delete an access rule"),
)
