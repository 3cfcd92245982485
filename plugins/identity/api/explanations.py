"""Explanations of the policy: why a user may or may not do an operation.

Stratolith's own: OpenStack's API has nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from ..explanations import Asked
from ..service import Identity

ID = {"type": "string", "minLength": 1, "maxLength": 64}
BY_ID = {"type": "object", "properties": {"id": ID}, "required": ["id"], "additionalProperties": False}
SCOPE = {"type": ["object", "null"], "additionalProperties": False, "minProperties": 1, "maxProperties": 1,
         "properties": {
    "project": BY_ID, "domain": BY_ID,
    "system": {"type": "object", "properties": {"all": {"enum": [True]}}, "required": ["all"]}}}
TEXT = {"type": "string", "minLength": 1, "maxLength": 1024}
BODY = {"type": "object", "required": ["explanation"], "additionalProperties": False, "properties": {"explanation": {
    "type": "object", "additionalProperties": False, "required": ["user"],
    "properties": {"user": BY_ID, "scope": SCOPE, "rule": TEXT, "operation": TEXT,
                   "target": {"type": "object", "maxProperties": 100, "additionalProperties": {
                       "type": ["string", "boolean", "integer", "null"], "maxLength": 1024}}},
    "oneOf": [{"required": ["rule"]}, {"required": ["operation"]}]}}}


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Explain a decision of the policy."""
    given = call.body["explanation"]
    kind, where = next(iter((given.get("scope") or {"": {}}).items()))
    asked = Asked(user_id=given["user"]["id"], rule=given.get("rule", ""), operation=given.get("operation", ""),
                  scope_kind=kind, scope_id=where.get("id", ""), target=given.get("target", {}))
    context, found = service.explanations.explain(call.policy, asked)
    return {"explanation": {
        "rule": found.rule, "allowed": found.allowed, "check": found.check, "source": found.source,
        "sentence": found.sentence, "scope": found.scope or None, "scopes": found.scopes,
        "because": found.because, "missing": found.missing,
        "user": {"id": context.user_id, "name": context.user_name, "roles": list(context.roles)},
        "can_have_token": not kind or bool(context.roles)}}


OPERATIONS = (
    Operation("POST", "/OS-STRATOLITH/explanations", create, "identity:explain_policy", body=BODY,
              summary="Explain a decision of the policy"),
)
