"""The body of a request for a token, a method and a kind of scope a line."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string", "maxLength": 4096}
NAMED = {"type": "object", "properties": {"id": TEXT, "name": TEXT}, "anyOf": [{"required": ["id"]},
                                                                              {"required": ["name"]}]}


def _user(secret: str) -> dict[str, Any]:
    """A user by id, or by name and domain, with what it knows."""
    return {"type": "object", "properties": {"id": TEXT, "name": TEXT, "domain": NAMED,
                                             secret: {"type": "string", "maxLength": 65535}},
            "required": [secret], "anyOf": [{"required": ["id"]}, {"required": ["name", "domain"]}]}


METHODS = {
    "password": {"type": "object", "properties": {"user": _user("password")}, "required": ["user"]},
    "token": {"type": "object", "properties": {"id": TEXT}, "required": ["id"]},
    "totp": {"type": "object", "properties": {"user": _user("passcode")}, "required": ["user"]},
    "application_credential": {
        "type": "object", "required": ["secret"], "anyOf": [{"required": ["id"]}, {"required": ["name", "user"]}],
        "properties": {"id": TEXT, "name": TEXT, "secret": TEXT,
                       "user": {"type": "object", "properties": {"id": TEXT, "name": TEXT, "domain": NAMED},
                                "anyOf": [{"required": ["id"]}, {"required": ["name", "domain"]}]}}},
    "oauth1": {"type": "object"},
}
SCOPES = {
    "project": {"type": "object", "properties": {"id": TEXT, "name": TEXT, "domain": NAMED},
                "anyOf": [{"required": ["id"]}, {"required": ["name", "domain"]}]},
    "domain": NAMED,
    "unscoped": {"type": "object"},
    "system": {"type": "object", "properties": {"all": {"enum": [True]}}, "required": ["all"]},
    "OS-TRUST:trust": {"type": "object", "properties": {"id": TEXT}, "required": ["id"]},
}
SCOPE = {"type": ["object", "string", "null"], "properties": SCOPES,
         "anyOf": [{"type": "null"}, {"type": "string", "enum": ["unscoped"]}, {"type": "object", "minProperties": 1}]}
AUTH = {"type": "object", "required": ["auth"], "properties": {"auth": {
    "type": "object", "required": ["identity"], "properties": {
        "identity": {"type": "object", "required": ["methods"], "properties": {
            "methods": {"type": "array", "items": {"type": "string", "maxLength": 64}, "minItems": 1, "maxItems": 8},
            **METHODS}},
        "scope": SCOPE}}}}
